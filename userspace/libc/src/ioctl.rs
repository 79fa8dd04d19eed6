//! `sys/ioctl.h`: the few requests that are not a terminal's. Those come with the terminal daemon.

use core::ffi::c_void;

use libc::{ENOTTY, FIOCLEX, FIONBIO, c_int, c_ulong};
use syscall::error::Result;
use syscall::flag::{F_GETFL, F_SETFL, O_NONBLOCK};

use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::{files, sys};

/// `ioctl`. Where a request takes an argument, it is a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    // SAFETY: the request says what the argument leads to.
    errno::int(descriptor(fd).and_then(|fd| unsafe { control(fd, request, argument) }))
}

unsafe fn control(fd: usize, request: c_ulong, argument: *mut c_void) -> Result<usize> {
    match request {
        FIOCLEX => files::set_cloexec(fd, true).map(|()| 0),
        FIONBIO => {
            // SAFETY: this request takes an `int`.
            let on = unsafe { *argument.cast::<c_int>() } != 0;
            let flags = sys::fcntl(fd, F_GETFL, 0)?;
            sys::fcntl(fd, F_SETFL, if on { flags | O_NONBLOCK } else { flags & !O_NONBLOCK }).map(|_| 0)
        }
        _ => {
            sys::fstat(fd)?;
            Err(error(ENOTTY))
        }
    }
}
