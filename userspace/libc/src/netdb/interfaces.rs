//! What old programs ask of a resolver, and of interfaces: there is neither as long as there is no network, and that is the answer.

use core::ptr::null_mut;

use libc::{ENODEV, ENXIO, c_char, c_int, c_uint};

use crate::errno;

// Values of `h_errno`, which crate `libc` does not have for this system.
const HOST_NOT_FOUND: c_int = 1;
const TRY_AGAIN: c_int = 2;
const NO_RECOVERY: c_int = 3;
const NO_DATA: c_int = 4;

/// `hstrerror`.
#[unsafe(no_mangle)]
pub extern "C" fn hstrerror(code: c_int) -> *const c_char {
    let text = match code {
        0 => c"No error",
        HOST_NOT_FOUND => c"Unknown host",
        TRY_AGAIN => c"Try again later",
        NO_RECOVERY => c"Host names cannot be looked up",
        NO_DATA => c"The host has no address",
        _ => c"Unknown error",
    };
    text.as_ptr()
}

/// `res_init`: each look-up reads the files anew, so there is nothing to be read again.
#[unsafe(no_mangle)]
pub extern "C" fn res_init() -> c_int {
    0
}

/// `if_nametoindex`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn if_nametoindex(_name: *const c_char) -> c_uint {
    errno::set(ENODEV);
    0
}

/// `if_indextoname`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn if_indextoname(_index: c_uint, _name: *mut c_char) -> *mut c_char {
    errno::set(ENXIO);
    null_mut()
}
