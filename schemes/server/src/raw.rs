//! Requests and answers as the kernel has them. The only unsafe code of this crate.
#![allow(unsafe_code)]

use core::slice;

use redox_scheme::{CallRequest, CallerCtx, Request, Response};
use syscall::data::Stat;
use syscall::error::{Error, Result};
use syscall::schemev2::{Cqe, CqeOpcode, Sqe};

/// The entry that a request is.
#[inline]
pub fn entry(request: &Request) -> &Sqe {
    // SAFETY: `Request` is declared a transparent wrapper of `Sqe`, so that arrays of it can be read from the socket.
    unsafe { &*core::ptr::from_ref(request).cast::<Sqe>() }
}

/// Who makes a request.
#[inline]
pub fn caller(request: &Request) -> CallerCtx {
    // SAFETY: `CallRequest` is declared a transparent wrapper of `Request`. Only what is the same in all kinds is read.
    let call = unsafe { &*core::ptr::from_ref(request).cast::<CallRequest>() };
    call.caller()
}

/// The payload of a request whose second and third arguments are its address and length, of an operation that gets one.
#[inline]
pub fn payload(request: &mut Request) -> &mut [u8] {
    let [_, address, len, ..] = entry(request).args;
    // SAFETY: the kernel lends this memory to the daemon until the request is answered, which takes the request; it is
    // never at null, also when it is empty.
    unsafe { slice::from_raw_parts_mut(core::ptr::with_exposed_provenance_mut(address as usize), len as usize) }
}

/// As [`payload`], of an operation whose payload is a path.
#[inline]
pub fn path(request: &mut Request) -> &str {
    // SAFETY: the kernel refuses paths that are not UTF-8.
    unsafe { str::from_utf8_unchecked(payload(request)) }
}

/// As [`payload`], of an operation whose payload is a `Stat`.
#[inline]
pub fn stat(request: &mut Request) -> Option<&mut Stat> {
    let payload = payload(request);
    let fits = payload.len() >= size_of::<Stat>() && payload.as_ptr().cast::<Stat>().is_aligned();
    // SAFETY: length and alignment are right, and any bytes are a `Stat`.
    fits.then(|| unsafe { &mut *payload.as_mut_ptr().cast::<Stat>() })
}

/// The ordinary answer to a request, which is used up.
#[inline]
pub fn answer(request: Request, result: Result<usize>, extra: u8) -> Response {
    let cqe = Cqe {
        flags: CqeOpcode::RespondRegular as u8,
        extra_raw: [extra, 0, 0],
        tag: entry(&request).tag,
        result: Error::mux(result) as u64,
    };
    // SAFETY: `Response` is declared a transparent wrapper of `Cqe`, so that arrays of it can be written to the socket. Its
    // tag is used once: the request is gone.
    unsafe { core::mem::transmute::<Cqe, Response>(cqe) }
}

/// A request of this entry.
#[cfg(any(test, feature = "fake", target_os = "redox"))]
pub fn request(sqe: Sqe) -> Request {
    // SAFETY: as above; whoever makes the entry keeps what it points to until the answer, as the kernel does.
    unsafe { core::mem::transmute::<Sqe, Request>(sqe) }
}

/// The entry that an answer is.
#[cfg(any(test, feature = "fake", target_os = "redox"))]
pub fn completion(response: Response) -> Cqe {
    // SAFETY: as above, the other way round.
    unsafe { core::mem::transmute::<Response, Cqe>(response) }
}

/// The number of the descriptor that goes with an answer, if one does.
#[cfg(any(test, feature = "fake", target_os = "redox"))]
pub fn carried(response: &Response) -> Option<usize> {
    // SAFETY: `Response` is declared a transparent wrapper of `Cqe`.
    let cqe = unsafe { &*core::ptr::from_ref(response).cast::<Cqe>() };
    (cqe.flags == CqeOpcode::RespondWithFd as u8).then_some(cqe.result as usize)
}
