//! Whole files in memory, for what libc itself reads: time zones, accounts.

use syscall::error::{EFBIG, ENOMEM, Error, Result};
use syscall::flag::O_RDONLY;

use super::path::Canonical;
use super::{alloc, resolve, sys};

/// The bytes of a file, in a block of the heap.
pub struct Bytes {
    block: *mut u8,
    len: usize,
}

// SAFETY: the block belongs to the value alone.
unsafe impl Send for Bytes {}

impl Bytes {
    /// Reads a file; `EFBIG` when it has more than `most` bytes.
    pub fn read(path: &[u8], most: usize) -> Result<Self> {
        resolve::with_open(Canonical::new(b"/", path)?, O_RDONLY, |fd| {
            // One byte more tells whether there is more.
            let mut bytes = Bytes { block: alloc::allocate(most + 1), len: 0 };
            if bytes.block.is_null() {
                return Err(Error::new(ENOMEM));
            }
            loop {
                // SAFETY: the block has this room.
                let count = unsafe { sys::read_raw(fd, bytes.block.add(bytes.len), most + 1 - bytes.len)? };
                bytes.len += count;
                if bytes.len > most {
                    return Err(Error::new(EFBIG));
                }
                if count == 0 {
                    return Ok(bytes);
                }
            }
        })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: so many bytes were read.
        unsafe { core::slice::from_raw_parts(self.block, self.len) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: the block is ours, or null.
        unsafe { alloc::release(self.block) };
    }
}
