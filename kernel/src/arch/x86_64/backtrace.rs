//! Walking up a kernel stack by the frame pointers that the kernel is compiled with.

use super::msr;
use crate::memory::PHYSMAP;

/// Most frames.
const MAX_FRAMES: usize = 48;
/// Lowest kernel address.
const KERNEL_START: usize = 0xffff_8000_0000_0000;
/// No stack is larger than this: the boot stack.
const MAX_STACK: usize = 64 * 1024;

/// Calls `visit` with the address of each call, innermost first, from the frame that `start` points to.
pub fn walk(start: usize, mut visit: impl FnMut(usize)) {
    let mut frame = start;
    for _ in 0..MAX_FRAMES {
        // Frames lie one above the other on one stack; anything else ends the walk before it can fault.
        if frame < KERNEL_START || !frame.is_multiple_of(8) || frame - start > MAX_STACK {
            return;
        }
        if !is_mapped(frame) || !is_mapped(frame + 8) {
            return;
        }
        // SAFETY: both words are mapped: the caller's frame pointer and the return address.
        let (next, address) = unsafe { (*(frame as *const usize), *((frame + 8) as *const usize)) };
        if address < KERNEL_START {
            return;
        }
        // The call is before the address it returns to.
        visit(address - 1);
        if next <= frame {
            return;
        }
        frame = next;
    }
}

/// The frame pointer of the function that this is inlined into.
#[inline(always)]
pub fn frame_pointer() -> usize {
    let value;
    // SAFETY: reading a register has no effect.
    unsafe { core::arch::asm!("mov {}, rbp", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}

/// The same for the program of a thread that does not run: from the frame that `start` points to, through its page tables. The
/// program may have put anything there.
pub fn walk_user(root: u64, start: usize, mut visit: impl FnMut(usize)) {
    let mut frame = start;
    for _ in 0..MAX_FRAMES {
        let (Some(next), Some(address)) = (read_user(root, frame), read_user(root, frame.wrapping_add(8))) else {
            return;
        };
        if address == 0 {
            return;
        }
        visit(address - 1);
        if next <= frame {
            return;
        }
        frame = next;
    }
}

/// A word of a program's memory, if it is there.
fn read_user(root: u64, address: usize) -> Option<usize> {
    if root == 0 || !address.is_multiple_of(8) || address >= ochre_abi::USER_END {
        return None;
    }
    let place = PHYSMAP + translate(root, address)?;
    // A device's registers are not in the linear map.
    // SAFETY: the word lies in memory that the linear map shows.
    is_mapped(place).then(|| unsafe { (place as *const usize).read_volatile() })
}

/// Whether an address has a page, by the tables in CR3.
fn is_mapped(address: usize) -> bool {
    translate(msr::read_cr3(), address).is_some()
}

/// Where in physical memory an address lies (Intel SDM volume 3, section 4.5). None when the tables cannot be followed.
fn translate(root: u64, address: usize) -> Option<usize> {
    const PRESENT: u64 = 1;
    const LARGE: u64 = 1 << 7;
    const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
    let mut table = root & ADDRESS;
    for shift in [39, 30, 21, 12] {
        let index = address >> shift & 511;
        // SAFETY: page tables lie in memory that the linear map shows.
        let entry = unsafe { ((PHYSMAP + table as usize) as *const u64).add(index).read_volatile() };
        if entry & PRESENT == 0 {
            return None;
        }
        if shift == 12 || shift < 39 && entry & LARGE != 0 {
            let inside = (1 << shift) - 1;
            return Some((entry & ADDRESS) as usize & !inside | address & inside);
        }
        table = entry & ADDRESS;
    }
    None
}
