//! Memory for a message while it is put together: what comes from several places goes to the daemon in one piece.

use core::ptr::NonNull;

use libc::{EINVAL, ENOMEM, iovec, size_t};
use syscall::error::Result;

use crate::errno::error;

/// Most bytes of a message. A stream takes longer ones in parts; no packet is as long.
pub const MOST: usize = (1 << 20) + 4096;

/// Memory of the heap, zeroed.
pub struct Scratch {
    memory: NonNull<u8>,
    len: usize,
}

impl Scratch {
    /// So many bytes.
    pub fn new(len: usize) -> Result<Self> {
        let memory = NonNull::new(crate::stdlib::calloc(1, len.max(1)).cast()).ok_or(error(ENOMEM))?;
        Ok(Self { memory, len })
    }

    /// The bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the memory is this value's, all of it is set, and has this length.
        unsafe { core::slice::from_raw_parts_mut(self.memory.as_ptr(), self.len) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: the memory came from the heap and is not used any more.
        unsafe { crate::stdlib::free(self.memory.as_ptr().cast()) };
    }
}

/// The buffers of a message.
///
/// # Safety
/// `list` leads to `count` buffers.
pub unsafe fn buffers<'a>(list: *const iovec, count: size_t) -> Result<&'a [iovec]> {
    /// Most buffers of a call (`IOV_MAX`).
    const BUFFERS: usize = 1024;
    match count {
        0 => Ok(&[]),
        // SAFETY: as this function demands.
        count if count <= BUFFERS => Ok(unsafe { core::slice::from_raw_parts(list, count) }),
        _ => Err(error(libc::EMSGSIZE)),
    }
}

/// Bytes in all buffers.
pub fn total(list: &[iovec]) -> Result<usize> {
    list.iter().try_fold(0_usize, |sum, buffer| sum.checked_add(buffer.iov_len)).ok_or(error(EINVAL))
}

/// Copies what lies in the buffers, as much as there is room for.
///
/// # Safety
/// The buffers are there.
pub unsafe fn gather(list: &[iovec], to: &mut [u8]) {
    let mut rest = to;
    for buffer in list.iter().filter(|buffer| buffer.iov_len > 0) {
        let (room, more) = rest.split_at_mut(buffer.iov_len.min(rest.len()));
        // SAFETY: as this function demands; the room has this length.
        unsafe { core::ptr::copy_nonoverlapping(buffer.iov_base.cast::<u8>(), room.as_mut_ptr(), room.len()) };
        rest = more;
    }
}

/// Copies to the buffers, one after the other.
///
/// # Safety
/// The buffers are there, and are the caller's to be written.
pub unsafe fn scatter(from: &[u8], list: &[iovec]) {
    let mut rest = from;
    for buffer in list.iter().filter(|buffer| buffer.iov_len > 0) {
        let (part, more) = rest.split_at(buffer.iov_len.min(rest.len()));
        // SAFETY: as this function demands; the buffer is at least as long.
        unsafe { core::ptr::copy_nonoverlapping(part.as_ptr(), buffer.iov_base.cast::<u8>(), part.len()) };
        rest = more;
    }
}
