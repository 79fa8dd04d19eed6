//! Positions of streams, and what GNU programs ask about their buffers.

use libc::{EINVAL, EOVERFLOW, FILE, c_int, c_long, fpos_t, off_t, size_t};

use super::file::{self, answer};
use super::stream::Whence;
use crate::errno;

/// `fseeko`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fseeko(it: *mut FILE, offset: off_t, whence: c_int) -> c_int {
    let whence = match whence {
        libc::SEEK_SET => Whence::Start,
        libc::SEEK_CUR => Whence::Current,
        libc::SEEK_END => Whence::End,
        _ => return errno::fail(EINVAL),
    };
    // SAFETY: C demands an open stream.
    answer(unsafe { file::file(it).with(|inner| inner.stream.seek(&mut inner.target, offset, whence)) })
}

/// `fseek`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fseek(it: *mut FILE, offset: c_long, whence: c_int) -> c_int {
    // SAFETY: as for `fseeko`.
    unsafe { fseeko(it, offset, whence) }
}

/// `ftello`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftello(it: *mut FILE) -> off_t {
    // SAFETY: C demands an open stream.
    match unsafe { file::file(it).with(|inner| inner.stream.tell(&mut inner.target)) } {
        Ok(at) => off_t::try_from(at).unwrap_or_else(|_| errno::fail(EOVERFLOW).into()),
        Err(error) => errno::fail(error).into(),
    }
}

/// `ftell`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftell(it: *mut FILE) -> c_long {
    // SAFETY: as for `ftello`.
    unsafe { ftello(it) as c_long }
}

/// `rewind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rewind(it: *mut FILE) {
    // SAFETY: C demands an open stream.
    unsafe {
        fseeko(it, 0, libc::SEEK_SET);
        file::file(it).with(|inner| inner.stream.failed = false);
    }
}

/// `fgetpos`. A position is an offset.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fgetpos(it: *mut FILE, to: *mut fpos_t) -> c_int {
    // SAFETY: C demands an open stream and a place for the answer.
    unsafe {
        let at = ftello(it);
        if at < 0 {
            return -1;
        }
        to.cast::<off_t>().write(at);
    }
    0
}

/// `fsetpos`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fsetpos(it: *mut FILE, from: *const fpos_t) -> c_int {
    // SAFETY: C demands an open stream and a position.
    unsafe { fseeko(it, from.cast::<off_t>().read(), libc::SEEK_SET) }
}

/// `__fpending`: bytes that wait to be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __fpending(it: *mut FILE) -> size_t {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| inner.stream.pending()) }
}

/// `__fbufsize`: bytes of the buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __fbufsize(it: *mut FILE) -> size_t {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| inner.stream.room()) }
}

/// `__freading`: open for nothing but reading, or read from last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __freading(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| c_int::from(!inner.stream.is_writable() || !inner.stream.is_writing())) }
}

/// `__fwriting`: open for nothing but writing, or written to last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __fwriting(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| c_int::from(!inner.stream.is_readable() || inner.stream.is_writing())) }
}

/// `__fpurge`: forgets what is buffered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn __fpurge(it: *mut FILE) {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| inner.stream.purge()) };
}
