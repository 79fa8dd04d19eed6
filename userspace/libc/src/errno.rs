//! `errno.h`: the error number of the calling thread, and how results of [`crate::rt`] become C answers.

use libc::{c_int, ssize_t};
use syscall::error::{Error, Result};

use crate::rt::tcb::current;

/// Address of `errno`, as Rust's `std` asks for it.
#[unsafe(no_mangle)]
pub extern "C" fn __errno() -> *mut c_int {
    // SAFETY: every thread has a control block.
    unsafe { &raw mut (*current()).errno }
}

/// Address of `errno`, as crate `libc` asks for it.
#[unsafe(no_mangle)]
pub extern "C" fn __errno_location() -> *mut c_int {
    __errno()
}

/// The number that `errno` has.
#[cold]
pub fn get() -> c_int {
    // SAFETY: the calling thread's own word.
    unsafe { *__errno() }
}

/// Sets `errno`.
#[cold]
pub fn set(errno: c_int) {
    // SAFETY: the calling thread's own word.
    unsafe { *__errno() = errno };
}

/// Sets `errno` and answers -1.
#[cold]
pub fn fail(errno: c_int) -> c_int {
    set(errno);
    -1
}

/// An `int` answer.
#[inline]
pub fn int(result: Result<usize>) -> c_int {
    match result {
        Ok(value) => value as c_int,
        Err(error) => fail(error.errno),
    }
}

/// An answer of 0 or -1.
#[inline]
pub fn zero<T>(result: Result<T>) -> c_int {
    match result {
        Ok(_) => 0,
        Err(error) => fail(error.errno),
    }
}

/// A `ssize_t` answer.
#[inline]
pub fn size(result: Result<usize>) -> ssize_t {
    match result {
        Ok(value) => value as ssize_t,
        Err(error) => fail(error.errno) as ssize_t,
    }
}

/// The error number itself, 0 for success: what `pthread_*` functions answer.
#[inline]
pub fn number<T>(result: Result<T>) -> c_int {
    result.map_or_else(|error| error.errno, |_| 0)
}

/// An error of the kernel's kind.
pub fn error(errno: c_int) -> Error {
    Error::new(errno)
}
