//! `sys/uio.h`: several buffers in one call. The kernel takes one buffer at a time.
//!
//! Small pieces are gathered so that a pipe or a scheme sees one message; larger ones go one after the other, and a short
//! answer ends the round, so that what was transferred is always a prefix.

use libc::{EINVAL, c_int, iovec, off_t, ssize_t};
use syscall::error::Result;

use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::{limits, sys};
use crate::unistd::{position, written};

/// Most buffers of a call (`IOV_MAX`).
const BUFFERS: usize = 1024;
/// Up to this many bytes are gathered.
const GATHERED: usize = 1024;

unsafe fn buffers<'a>(list: *const iovec, count: c_int) -> Result<&'a [iovec]> {
    match usize::try_from(count) {
        Ok(0) => Ok(&[]),
        // SAFETY: POSIX demands so many.
        Ok(count) if count <= BUFFERS => Ok(unsafe { core::slice::from_raw_parts(list, count) }),
        _ => Err(error(EINVAL)),
    }
}

/// One transfer after the other, until one is short or fails.
fn each(list: &[iovec], mut transfer: impl FnMut(&iovec, usize) -> Result<usize>) -> Result<usize> {
    let mut done = 0;
    for buffer in list.iter().filter(|buffer| buffer.iov_len > 0) {
        match transfer(buffer, done) {
            Ok(count) => {
                done += count;
                if count < buffer.iov_len {
                    break;
                }
            }
            Err(_) if done > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// `readv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn readv(fd: c_int, list: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: POSIX demands the list and the room in its buffers.
    errno::size(unsafe {
        descriptor(fd).and_then(|fd| {
            each(buffers(list, count)?, |buffer, _| sys::read_raw(fd, buffer.iov_base.cast(), buffer.iov_len))
        })
    })
}

/// `writev`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, list: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: POSIX demands the list and its buffers.
    let (fd, list) = match descriptor(fd).and_then(|fd| Ok((fd, unsafe { buffers(list, count)? }))) {
        Ok(both) => both,
        Err(error) => return errno::fail(error.errno) as ssize_t,
    };
    let total = list.iter().try_fold(0_usize, |sum, buffer| sum.checked_add(buffer.iov_len));
    match total {
        Some(total) if total <= GATHERED && list.len() > 1 => {
            let mut all = [core::mem::MaybeUninit::<u8>::uninit(); GATHERED];
            let mut at = 0;
            for buffer in list {
                // SAFETY: the sum of the lengths was checked.
                unsafe {
                    let to = all.as_mut_ptr().add(at).cast::<u8>();
                    core::ptr::copy_nonoverlapping(buffer.iov_base.cast::<u8>(), to, buffer.iov_len);
                }
                at += buffer.iov_len;
            }
            let total = limits::writable(fd, total, None);
            written(total.and_then(|total| sys::write_raw(fd, all.as_ptr().cast(), total)))
        }
        Some(total) if isize::try_from(total).is_ok() => written(each(list, |buffer, _| {
            sys::write_raw(fd, buffer.iov_base.cast(), limits::writable(fd, buffer.iov_len, None)?)
        })),
        _ => errno::fail(EINVAL) as ssize_t,
    }
}

/// `preadv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn preadv(fd: c_int, list: *const iovec, count: c_int, offset: off_t) -> ssize_t {
    // SAFETY: POSIX demands the list and the room in its buffers.
    errno::size(unsafe {
        descriptor(fd).and_then(|fd| {
            let offset = position(offset)?;
            each(buffers(list, count)?, |buffer, done| {
                sys::read_at(fd, buffer.iov_base.cast(), buffer.iov_len, offset + done as u64)
            })
        })
    })
}

/// `pwritev`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev(fd: c_int, list: *const iovec, count: c_int, offset: off_t) -> ssize_t {
    // SAFETY: POSIX demands the list and its buffers.
    written(unsafe {
        descriptor(fd).and_then(|fd| {
            let offset = position(offset)?;
            each(buffers(list, count)?, |buffer, done| {
                let offset = offset + done as u64;
                let len = limits::writable(fd, buffer.iov_len, Some(offset))?;
                sys::write_at(fd, buffer.iov_base.cast(), len, offset)
            })
        })
    })
}
