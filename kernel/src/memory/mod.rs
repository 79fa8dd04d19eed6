//! Memory: page frames, the kernel heap and mappings, user address spaces, and the way to user memory.
//!
//! | module | what |
//! |---|---|
//! | `frames` | page frames and their reference counts |
//! | `heap` | the kernel's own objects |
//! | `reserve` | how much of them is held back from whom |
//! | `kmap` | kernel page tables, kernel stacks, device registers |
//! | `space` | user address spaces |
//! | `pager` | what mappings other than private memory get their pages from |
//! | `archive` | the memory that the initfs lies in |
//! | `fault` | page faults |
//! | `user` | the checked way to user memory |

pub mod archive;
pub mod fault;
pub mod frames;
pub mod heap;
pub mod kmap;
pub mod pager;
pub mod reserve;
pub mod space;
pub mod user;

pub use frames::Frame;
pub use kmap::{init, map_mmio};
pub use reserve::{admit, admit_ordinary};
pub use space::AddressSpace;
pub use user::UserSlice;

use alloc::vec::Vec;

use syscall::error::{ENOMEM, Error};

/// Bytes in a page.
pub const PAGE_SIZE: usize = 4096;

/// Where all physical memory is mapped in kernel space.
pub const PHYSMAP: usize = 0xffff_8000_0000_0000;

/// No memory is left for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl From<OutOfMemory> for Error {
    fn from(_: OutOfMemory) -> Self {
        Error::new(ENOMEM)
    }
}

/// Kernel address of physical memory.
#[inline(always)]
pub fn phys_to_virt(address: u64) -> *mut u8 {
    (PHYSMAP + address as usize) as *mut u8
}

/// Physical address of something in the linear map.
#[inline(always)]
pub fn virt_to_phys(pointer: *const u8) -> u64 {
    (pointer as usize - PHYSMAP) as u64
}

/// Rounds up to whole pages; `None` when that overflows.
pub fn page_round_up(bytes: usize) -> Option<usize> {
    Some(bytes.checked_add(PAGE_SIZE - 1)? & !(PAGE_SIZE - 1))
}

/// Makes room for `count` more in a list that a user can make long. What is more than a page comes out of what is not held
/// back from the current thread.
pub fn reserve<T>(list: &mut Vec<T>, count: usize) -> Result<(), OutOfMemory> {
    let bytes = list.len().saturating_add(count).saturating_mul(size_of::<T>());
    if bytes > PAGE_SIZE && !reserve::may_give_pages(bytes.div_ceil(PAGE_SIZE)) {
        return Err(OutOfMemory);
    }
    list.try_reserve_exact(count).map_err(|_| OutOfMemory)
}
