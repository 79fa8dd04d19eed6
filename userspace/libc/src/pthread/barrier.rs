//! Barriers: a round number that moves on when the last thread has come.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use libc::{EINVAL, c_int, c_uint, pthread_barrier_t, pthread_barrierattr_t};

use super::mutexattr::SHARED;
use crate::rt::sys;

/// What one of the threads gets (`PTHREAD_BARRIER_SERIAL_THREAD`).
const SERIAL: c_int = -1;

/// What `pthread_barrier_t` (24 bytes, 4-byte aligned) holds.
#[repr(C)]
struct Barrier {
    round: AtomicI32,
    missing: AtomicU32,
    count: u32,
}

const _: () = assert!(size_of::<Barrier>() <= size_of::<pthread_barrier_t>());

/// `pthread_barrier_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_barrier_init(
    to: *mut pthread_barrier_t,
    _attr: *const pthread_barrierattr_t,
    count: c_uint,
) -> c_int {
    if count == 0 {
        return EINVAL;
    }
    let fresh = Barrier { round: AtomicI32::new(0), missing: AtomicU32::new(count), count };
    // SAFETY: POSIX demands the object.
    unsafe { to.cast::<Barrier>().write(fresh) };
    0
}

/// `pthread_barrier_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_barrier_destroy(_it: *mut pthread_barrier_t) -> c_int {
    0
}

/// `pthread_barrier_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_barrier_wait(it: *mut pthread_barrier_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    let barrier = unsafe { &*it.cast::<Barrier>() };
    let round = barrier.round.load(Ordering::Acquire);
    if barrier.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
        // Nobody of the next round comes in before the round number has moved.
        barrier.missing.store(barrier.count, Ordering::Relaxed);
        barrier.round.fetch_add(1, Ordering::Release);
        sys::futex_wake(&barrier.round, i32::MAX as usize);
        return SERIAL;
    }
    while barrier.round.load(Ordering::Acquire) == round {
        // Woken or changed: look again.
        let _ = sys::futex_wait(&barrier.round, round, None);
    }
    0
}

/// `pthread_barrierattr_init`. The attributes are one word: whether it is shared, which makes no difference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_barrierattr_init(attr: *mut pthread_barrierattr_t) -> c_int {
    // SAFETY: POSIX demands the object.
    unsafe { attr.cast::<c_int>().write(0) };
    0
}

/// `pthread_barrierattr_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_barrierattr_destroy(_attr: *mut pthread_barrierattr_t) -> c_int {
    0
}

/// `pthread_barrierattr_setpshared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_barrierattr_setpshared(attr: *mut pthread_barrierattr_t, shared: c_int) -> c_int {
    if !(0..=SHARED).contains(&shared) {
        return EINVAL;
    }
    // SAFETY: POSIX demands an initialised object.
    unsafe { attr.cast::<c_int>().write(shared) };
    0
}

/// `pthread_barrierattr_getpshared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_barrierattr_getpshared(
    attr: *const pthread_barrierattr_t,
    shared: *mut c_int,
) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *shared = attr.cast::<c_int>().read() };
    0
}
