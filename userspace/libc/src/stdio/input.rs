//! Reading bytes and lines.

use core::ffi::c_void;
use core::ptr::null_mut;

use libc::{EINVAL, ENOMEM, EOVERFLOW, FILE, c_char, c_int, size_t, ssize_t};

use super::file::{self, Inner, block_mut};
use super::stream::Buffering;
use crate::errno;
use crate::rt::alloc;

/// `EOF`
const EOF: c_int = -1;

/// The next byte; `None` at the end or after a failure, which is in `errno`.
#[inline]
pub fn next(inner: &mut Inner) -> Option<u8> {
    match inner.stream.get(&mut inner.target) {
        Ok(byte) => byte,
        Err(error) => {
            errno::set(error);
            None
        }
    }
}

/// Before standard input waits, what was asked on a terminal must be seen.
fn before_waiting(it: *mut FILE) {
    if it.cast::<file::File>().cast_const() == file::input() {
        file::output().with(|inner| {
            if inner.stream.buffering == Buffering::Line && inner.stream.is_writing() {
                // Whoever writes there next is told.
                let _ = file::flush(inner);
            }
        });
    }
}

/// `fgetc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fgetc(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe {
        file::file(it).with(|inner| {
            if inner.stream.available().is_empty() {
                before_waiting(it);
            }
            next(inner).map_or(EOF, c_int::from)
        })
    }
}

/// `getc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getc(it: *mut FILE) -> c_int {
    // SAFETY: as for `fgetc`.
    unsafe { fgetc(it) }
}

/// `getc_unlocked`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getc_unlocked(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream whose lock the thread has.
    unsafe { next(file::file(it).unlocked()).map_or(EOF, c_int::from) }
}

/// `getchar`.
#[unsafe(no_mangle)]
pub extern "C" fn getchar() -> c_int {
    // SAFETY: the stream is always open.
    unsafe { fgetc(core::ptr::from_ref(file::input()).cast_mut().cast()) }
}

/// `getchar_unlocked`.
#[unsafe(no_mangle)]
pub extern "C" fn getchar_unlocked() -> c_int {
    getchar()
}

/// `ungetc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ungetc(byte: c_int, it: *mut FILE) -> c_int {
    if byte == EOF {
        return EOF;
    }
    // SAFETY: C demands an open stream.
    let done = unsafe { file::file(it).with(|inner| inner.stream.unget(&mut inner.target, byte as u8)) };
    if done { c_int::from(byte as u8) } else { EOF }
}

/// `fread`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fread(to: *mut c_void, size: size_t, count: size_t, it: *mut FILE) -> size_t {
    let Some(len) = size.checked_mul(count).filter(|&len| len > 0) else {
        return 0;
    };
    // SAFETY: C demands an open stream and the room.
    unsafe {
        file::file(it).with(|inner| {
            if inner.stream.available().is_empty() {
                before_waiting(it);
            }
            match inner.stream.read(&mut inner.target, block_mut(to, len)) {
                Ok(done) => done / size,
                Err(error) => {
                    errno::set(error);
                    0
                }
            }
        })
    }
}

/// `fgets`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fgets(to: *mut c_char, len: c_int, it: *mut FILE) -> *mut c_char {
    let Some(room) = usize::try_from(len).ok().and_then(|len| len.checked_sub(1)) else {
        return null_mut();
    };
    // SAFETY: C demands an open stream and the room.
    unsafe {
        file::file(it).with(|inner| {
            before_waiting(it);
            let mut done = 0;
            while done < room {
                let Some(byte) = next(inner) else { break };
                *to.add(done) = byte as c_char;
                done += 1;
                if byte == b'\n' {
                    break;
                }
            }
            if done == 0 && room > 0 || inner.stream.failed && !inner.stream.ended {
                return null_mut();
            }
            *to.add(done) = 0;
            to
        })
    }
}

/// `getdelim`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getdelim(line: *mut *mut c_char, room: *mut size_t, end: c_int, it: *mut FILE) -> ssize_t {
    if line.is_null() || room.is_null() {
        return errno::fail(EINVAL) as ssize_t;
    }
    // SAFETY: POSIX demands an open stream, and a block of our heap of this size or null.
    unsafe {
        file::file(it).with(|inner| {
            before_waiting(it);
            if (*line).is_null() {
                *room = 0;
            }
            let mut done = 0_usize;
            loop {
                // Room for the byte and the zero.
                if done + 2 > *room {
                    let more = (*room * 2).max(128);
                    let block = alloc::reallocate((*line).cast(), more);
                    if block.is_null() {
                        return errno::fail(ENOMEM) as ssize_t;
                    }
                    (*line, *room) = (block.cast(), more);
                }
                let Some(byte) = next(inner) else { break };
                *(*line).add(done) = byte as c_char;
                done += 1;
                if c_int::from(byte) == end {
                    break;
                }
            }
            *(*line).add(done) = 0;
            if done == 0 {
                return -1;
            }
            ssize_t::try_from(done).unwrap_or_else(|_| errno::fail(EOVERFLOW) as ssize_t)
        })
    }
}

/// `getline`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getline(line: *mut *mut c_char, room: *mut size_t, it: *mut FILE) -> ssize_t {
    // SAFETY: as for `getdelim`.
    unsafe { getdelim(line, room, c_int::from(b'\n'), it) }
}
