//! Requests and answers as the kernel has them. The only unsafe code of this crate.
#![allow(unsafe_code)]

use redox_scheme::Request;
use syscall::schemev2::Sqe;

/// The entry that a request is.
#[inline]
pub fn entry(request: &Request) -> &Sqe {
    // SAFETY: `Request` is declared a transparent wrapper of `Sqe`, so that arrays of it can be read from the socket.
    unsafe { &*core::ptr::from_ref(request).cast::<Sqe>() }
}

/// A request of this entry.
#[cfg(any(test, feature = "fake"))]
pub fn request(sqe: Sqe) -> Request {
    // SAFETY: as above; whoever makes the entry keeps what it points to until the answer, as the kernel does.
    unsafe { core::mem::transmute::<Sqe, Request>(sqe) }
}

/// The entry that an answer is.
#[cfg(any(test, feature = "fake"))]
pub fn completion(response: redox_scheme::Response) -> syscall::schemev2::Cqe {
    // SAFETY: `Response` is declared a transparent wrapper of `Cqe`, so that arrays of it can be written to the socket.
    unsafe { core::mem::transmute::<redox_scheme::Response, syscall::schemev2::Cqe>(response) }
}
