//! `sys/socket.h`. There is no network and no unix socket yet: sockets cannot be made, and what is no socket says so.

use core::ffi::c_void;

use libc::{EAFNOSUPPORT, ENOTSOCK, c_int, msghdr, size_t, sockaddr, socklen_t, ssize_t};

use crate::errno::fail;
use crate::fcntl::descriptor;
use crate::rt::sys;

/// Every descriptor there can be is something else than a socket.
fn not_a_socket(fd: c_int) -> c_int {
    match descriptor(fd).and_then(sys::fstat) {
        Err(error) if error.errno == libc::EBADF => fail(libc::EBADF),
        _ => fail(ENOTSOCK),
    }
}

/// `socket`.
#[unsafe(no_mangle)]
pub extern "C" fn socket(_domain: c_int, _kind: c_int, _protocol: c_int) -> c_int {
    fail(EAFNOSUPPORT)
}

/// `socketpair`.
#[unsafe(no_mangle)]
pub extern "C" fn socketpair(_domain: c_int, _kind: c_int, _protocol: c_int, _fds: *mut c_int) -> c_int {
    fail(EAFNOSUPPORT)
}

macro_rules! on_a_socket {
    ($($(#[$doc:meta])* $name:ident($($argument:ty),*) -> $answer:ty;)+) => {
        $($(#[$doc])* #[unsafe(no_mangle)] pub extern "C" fn $name(fd: c_int, $(_: $argument),*) -> $answer {
            not_a_socket(fd) as $answer
        })+
    };
}

on_a_socket! {
    /// `accept`.
    accept(*mut sockaddr, *mut socklen_t) -> c_int;
    /// `accept4`.
    accept4(*mut sockaddr, *mut socklen_t, c_int) -> c_int;
    /// `bind`.
    bind(*const sockaddr, socklen_t) -> c_int;
    /// `connect`.
    connect(*const sockaddr, socklen_t) -> c_int;
    /// `listen`.
    listen(c_int) -> c_int;
    /// `shutdown`.
    shutdown(c_int) -> c_int;
    /// `getsockname`.
    getsockname(*mut sockaddr, *mut socklen_t) -> c_int;
    /// `getpeername`.
    getpeername(*mut sockaddr, *mut socklen_t) -> c_int;
    /// `getsockopt`.
    getsockopt(c_int, c_int, *mut c_void, *mut socklen_t) -> c_int;
    /// `setsockopt`.
    setsockopt(c_int, c_int, *const c_void, socklen_t) -> c_int;
    /// `recv`.
    recv(*mut c_void, size_t, c_int) -> ssize_t;
    /// `recvfrom`.
    recvfrom(*mut c_void, size_t, c_int, *mut sockaddr, *mut socklen_t) -> ssize_t;
    /// `recvmsg`.
    recvmsg(*mut msghdr, c_int) -> ssize_t;
    /// `send`.
    send(*const c_void, size_t, c_int) -> ssize_t;
    /// `sendto`.
    sendto(*const c_void, size_t, c_int, *const sockaddr, socklen_t) -> ssize_t;
    /// `sendmsg`.
    sendmsg(*const msghdr, c_int) -> ssize_t;
}
