//! `sys/ioctl.h`: the few requests that are not a terminal's. Those come with the terminal daemon.

use core::ffi::c_void;

use libc::{ENOTTY, FIOCLEX, FIONBIO, FIONREAD, c_int, c_ulong};
use syscall::error::Result;
use syscall::flag::{F_GETFL, F_SETFL, MODE_SOCK, MODE_TYPE, O_NONBLOCK};

use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::{files, sys};
use crate::socket;

/// `ioctl`. Where a request takes an argument, it is a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    // SAFETY: the request says what the argument leads to.
    errno::int(descriptor(fd).and_then(|fd| unsafe { control(fd, request, argument) }))
}

unsafe fn control(fd: usize, request: c_ulong, argument: *mut c_void) -> Result<usize> {
    match request {
        FIONREAD if sys::fstat(fd)?.st_mode & MODE_TYPE == MODE_SOCK => {
            let count = socket::pending(fd)?;
            // SAFETY: this request takes room for an `int`.
            unsafe { *argument.cast::<c_int>() = c_int::try_from(count).unwrap_or(c_int::MAX) };
            Ok(0)
        }
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
