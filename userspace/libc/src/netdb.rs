//! `netdb.h`: names of hosts. Without a network no name can be found.

use core::ptr::null_mut;

use libc::{EAI_FAIL, addrinfo, c_char, c_int};

/// `getaddrinfo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getaddrinfo(
    _node: *const c_char,
    _service: *const c_char,
    _hints: *const addrinfo,
    answer: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *answer = null_mut() };
    EAI_FAIL
}

/// `freeaddrinfo`: nothing was given.
#[unsafe(no_mangle)]
pub extern "C" fn freeaddrinfo(_list: *mut addrinfo) {}

/// `gai_strerror`.
#[unsafe(no_mangle)]
pub extern "C" fn gai_strerror(code: c_int) -> *const c_char {
    let text = match code {
        libc::EAI_BADFLAGS => c"Invalid flags",
        libc::EAI_NONAME => c"Unknown host or service",
        libc::EAI_AGAIN => c"Try again later",
        libc::EAI_FAIL => c"Host names cannot be looked up",
        libc::EAI_FAMILY => c"Address family is not supported",
        libc::EAI_SOCKTYPE => c"Socket type is not supported",
        libc::EAI_SERVICE => c"Service is not available for this socket type",
        libc::EAI_MEMORY => c"Out of memory",
        libc::EAI_SYSTEM => c"System error",
        libc::EAI_OVERFLOW => c"Buffer is too small",
        _ => c"Unknown error",
    };
    text.as_ptr()
}
