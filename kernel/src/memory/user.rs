//! User memory is an allegation: the one type through which the kernel touches it.
//!
//! A [`UserSlice`] is an address and a length that were checked to lie in user space; nothing says that memory is there. Each
//! copy may meet a page fault, which is resolved like any other or comes back as `EFAULT`. Copies are made with no lock held.

use core::sync::atomic::AtomicU64;

use syscall::error::{EFAULT, EINVAL, ENAMETOOLONG, Error, Result};

use super::frames::Frame;
use super::{OutOfMemory, PAGE_SIZE, kmap};
use crate::arch::usercopy;

/// Longest path, in bytes.
pub const PATH_MAX: usize = 4096;

/// A range of the current address space, checked to be in user space.
#[derive(Clone, Copy, Debug)]
pub struct UserSlice {
    address: usize,
    len: usize,
}

/// Types any bytes make a valid value of, and whose bytes may all be shown to a user.
///
/// # Safety
/// No padding, no invalid bit patterns.
pub unsafe trait Plain: Copy {}

// SAFETY: plain integers.
unsafe impl Plain for u64 {}
// SAFETY: plain integers.
unsafe impl Plain for usize {}
// SAFETY: plain integers.
unsafe impl Plain for u32 {}
// SAFETY: plain integers.
unsafe impl Plain for i32 {}
// SAFETY: arrays of plain values have no padding.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
// SAFETY: `repr(C)`, 64 bytes of integers without gaps.
unsafe impl Plain for syscall::schemev2::Sqe {}
// SAFETY: `repr(C)`, 16 bytes of integers without gaps.
unsafe impl Plain for syscall::schemev2::Cqe {}
// SAFETY: `repr(C)`, words only; unknown flag bits are kept.
unsafe impl Plain for syscall::Event {}
// SAFETY: `repr(C)`, words only; unknown flag bits are kept.
unsafe impl Plain for syscall::Map {}
// SAFETY: `repr(C)`, words only.
unsafe impl Plain for syscall::IntRegisters {}
// SAFETY: packed, integers only.
unsafe impl Plain for syscall::EnvRegisters {}
// SAFETY: `repr(C)`, integers and bytes without gaps.
unsafe impl Plain for syscall::ProcSchemeAttrs {}
// SAFETY: `repr(C)`, words only.
unsafe impl Plain for syscall::SetSighandlerData {}
// SAFETY: `repr(C)`, words only; unknown flag bits are kept.
unsafe impl Plain for syscall::GrantDesc {}
// SAFETY: `repr(C)`, words only.
unsafe impl Plain for ochre_abi::proc::RemoteMap {}
// SAFETY: `repr(C)`, words only.
unsafe impl Plain for ochre_abi::proc::ThreadStatus {}
// SAFETY: `repr(C)`, words only.
unsafe impl Plain for ochre_abi::proc::SpaceUsage {}

impl UserSlice {
    /// The range, if it lies in user space. An empty range may be anywhere.
    #[inline]
    pub fn new(address: usize, len: usize) -> Result<Self> {
        match address.checked_add(len) {
            Some(end) if end <= ochre_abi::USER_END => Ok(UserSlice { address, len }),
            _ if len == 0 => Ok(UserSlice::empty()),
            _ => Err(Error::new(EFAULT)),
        }
    }

    /// A range of no bytes.
    pub const fn empty() -> Self {
        UserSlice { address: 0, len: 0 }
    }

    /// First address.
    #[inline]
    pub fn address(&self) -> usize {
        self.address
    }

    /// Bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first `len` bytes (all when there are fewer).
    pub fn first(&self, len: usize) -> Self {
        UserSlice { address: self.address, len: len.min(self.len) }
    }

    /// What follows the first `count` bytes.
    pub fn skip(&self, count: usize) -> Self {
        let count = count.min(self.len);
        UserSlice { address: self.address + count, len: self.len - count }
    }

    /// Fills the front of `to` with all of this; `EINVAL` when it does not fit.
    pub fn read(&self, to: &mut [u8]) -> Result<()> {
        let to = to.get_mut(..self.len).ok_or(Error::new(EINVAL))?;
        // SAFETY: `to` is as long as the range, which lies in user space.
        check(unsafe { usercopy::copy_some(to.as_mut_ptr(), self.address as *const u8, self.len) })
    }

    /// Writes `from` to the front of this; `EINVAL` when it does not fit.
    pub fn write(&self, from: &[u8]) -> Result<()> {
        if from.len() > self.len {
            return Err(Error::new(EINVAL));
        }
        // SAFETY: the range is at least as long as `from` and lies in user space.
        check(unsafe { usercopy::copy_some(self.address as *mut u8, from.as_ptr(), from.len()) })
    }

    /// Writes as much of `from` as fits; answers how much that was.
    pub fn write_part(&self, from: &[u8]) -> Result<usize> {
        let len = from.len().min(self.len);
        self.write(&from[..len])?;
        Ok(len)
    }

    /// The value at the front; `EINVAL` when the range is shorter.
    #[inline]
    pub fn read_value<T: Plain>(&self) -> Result<T> {
        if self.len < size_of::<T>() {
            return Err(Error::new(EINVAL));
        }
        let mut value = core::mem::MaybeUninit::<T>::uninit();
        // SAFETY: the buffer is a `T`'s, filled wholly on success, and any bytes make a `T`.
        unsafe {
            check(usercopy::copy(value.as_mut_ptr().cast(), self.address as *const u8, size_of::<T>()))?;
            Ok(value.assume_init())
        }
    }

    /// Puts a value at the front; `EINVAL` when the range is shorter.
    #[inline]
    pub fn write_value<T: Plain>(&self, value: &T) -> Result<()> {
        if self.len < size_of::<T>() {
            return Err(Error::new(EINVAL));
        }
        // SAFETY: a `T` has no padding, so all its bytes are initialised.
        check(unsafe { usercopy::copy(self.address as *mut u8, (value as *const T).cast(), size_of::<T>()) })
    }

    /// Puts words that only the current thread uses at the front; `EINVAL` when the range is shorter.
    #[inline]
    pub fn write_words<const N: usize>(&self, words: &[AtomicU64; N]) -> Result<()> {
        if self.len < N * 8 {
            return Err(Error::new(EINVAL));
        }
        // SAFETY: the words are as long as what is copied; nobody stores to them meanwhile.
        check(unsafe { usercopy::copy(self.address as *mut u8, words.as_ptr().cast(), N * 8) })
    }

    /// A copy of all bytes on the heap; for what is short by contract. `EINVAL` above `limit` bytes.
    pub fn to_vec(self, limit: usize) -> Result<alloc::vec::Vec<u8>> {
        if self.len > limit {
            return Err(Error::new(EINVAL));
        }
        let mut bytes = alloc::vec::Vec::new();
        bytes.try_reserve_exact(self.len).map_err(|_| OutOfMemory)?;
        bytes.resize(self.len, 0);
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// A copy of a path: UTF-8, no NUL, at most [`PATH_MAX`] bytes.
    pub fn to_path(self) -> Result<alloc::string::String> {
        if self.len > PATH_MAX {
            return Err(Error::new(ENAMETOOLONG));
        }
        let bytes = self.to_vec(PATH_MAX)?;
        if bytes.contains(&0) {
            return Err(Error::new(EINVAL));
        }
        alloc::string::String::from_utf8(bytes).map_err(|_| Error::new(EINVAL))
    }

    /// Copies all of this into `frame` at `offset`.
    #[inline]
    pub fn read_to_frame(&self, frame: &Frame, offset: usize) -> Result<()> {
        if offset + self.len > PAGE_SIZE {
            return Err(Error::new(EINVAL));
        }
        // SAFETY: inside the frame, which the reference keeps; user code that sees the frame may disturb only the contents.
        check(unsafe { usercopy::copy_some(frame.bytes().add(offset), self.address as *const u8, self.len) })
    }

    /// Fills all of this from `frame` at `offset`.
    #[inline]
    pub fn write_from_frame(&self, frame: &Frame, offset: usize) -> Result<()> {
        if offset + self.len > PAGE_SIZE {
            return Err(Error::new(EINVAL));
        }
        // SAFETY: as in `read_to_frame`.
        check(unsafe { usercopy::copy_some(self.address as *mut u8, frame.bytes().add(offset), self.len) })
    }
}

/// Copies bytes of the kernel into a frame that user code may see.
pub fn fill_frame(frame: &Frame, offset: usize, bytes: &[u8]) {
    assert!(offset + bytes.len() <= PAGE_SIZE);
    // SAFETY: inside the frame, checked above.
    unsafe { frame.bytes().add(offset).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
}

/// Copies bytes out of a frame that user code may see.
pub fn read_frame(frame: &Frame, offset: usize, bytes: &mut [u8]) {
    assert!(offset + bytes.len() <= PAGE_SIZE);
    // SAFETY: inside the frame, checked above.
    unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(frame.bytes().add(offset), bytes.len()) }
}

/// A word of a frame that user code may see, for atomic operations.
pub fn frame_word(frame: &Frame, offset: usize) -> &AtomicU64 {
    assert!(offset.is_multiple_of(size_of::<u64>()) && offset < PAGE_SIZE);
    // SAFETY: aligned and inside the frame, which the reference keeps; whoever else reaches it makes single accesses to memory, which
    // atomic operations of the processor bear.
    unsafe { AtomicU64::from_ptr(frame.bytes().add(offset).cast()) }
}

/// Copies a page that is not counted memory (the initfs) into a frame that nobody sees yet. False when it does not lie in the
/// kernel's linear map.
pub fn copy_foreign(frame: &Frame, physical: u64) -> bool {
    if physical >= kmap::linear_end() {
        return false;
    }
    // SAFETY: a page in the linear map, which ends at a multiple of pages; the frame is new, so they differ.
    unsafe { frame.bytes().copy_from_nonoverlapping(super::phys_to_virt(physical), PAGE_SIZE) }
    true
}

/// The 32-bit word at `address`, read in one piece; the futex's load.
#[inline]
pub fn read_word(address: usize) -> Result<u32> {
    UserSlice::new(address, 4)?.read_value()
}

#[inline(always)]
fn check(done: bool) -> Result<()> {
    if done { Ok(()) } else { Err(Error::new(EFAULT)) }
}
