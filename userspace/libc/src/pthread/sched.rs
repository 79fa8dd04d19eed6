//! Scheduling, names, clocks and cancellation of threads.
//!
//! There is one way of scheduling, `SCHED_OTHER`, whose only priority is 0. Cancellation is off for good, which is one of
//! the states that POSIX allows.

use libc::{EINVAL, ENOSYS, ENOTSUP, ERANGE, c_char, c_int, clockid_t, pthread_attr_t, pthread_t};

use crate::rt::tcb::{NAME, Tcb};
use crate::string::{bytes, copy_text};

/// `SCHED_OTHER`. Crate `libc` has nothing of `sched.h` for this system.
const OTHER: c_int = 0;
/// `struct Parameters`.
#[repr(C)]
pub struct Parameters {
    priority: c_int,
}

/// `PTHREAD_CANCEL_DISABLE` and `PTHREAD_CANCEL_DEFERRED`: what is in force.
const CANCEL_DISABLE: c_int = 1;
const CANCEL_DEFERRED: c_int = 2;

/// Checks a policy and its parameters.
unsafe fn check(policy: c_int, param: *const Parameters) -> c_int {
    // SAFETY: POSIX demands parameters.
    match (policy, unsafe { (*param).priority }) {
        (OTHER, 0) => 0,
        (OTHER, _) => EINVAL,
        _ => ENOTSUP,
    }
}

/// `pthread_setschedparam`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_setschedparam(_thread: pthread_t, policy: c_int, param: *const Parameters) -> c_int {
    // SAFETY: POSIX demands parameters.
    unsafe { check(policy, param) }
}

/// `pthread_getschedparam`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_getschedparam(
    _thread: pthread_t,
    policy: *mut c_int,
    param: *mut Parameters,
) -> c_int {
    // SAFETY: POSIX demands places for both answers.
    unsafe {
        *policy = OTHER;
        param.write(Parameters { priority: 0 });
    }
    0
}

/// `pthread_setschedprio`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_setschedprio(_thread: pthread_t, priority: c_int) -> c_int {
    if priority == 0 { 0 } else { EINVAL }
}

/// `sched_get_priority_max`.
#[unsafe(no_mangle)]
pub extern "C" fn sched_get_priority_max(policy: c_int) -> c_int {
    if policy == OTHER { 0 } else { crate::errno::fail(EINVAL) }
}

/// `sched_get_priority_min`.
#[unsafe(no_mangle)]
pub extern "C" fn sched_get_priority_min(policy: c_int) -> c_int {
    sched_get_priority_max(policy)
}

/// `pthread_attr_setschedparam`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_setschedparam(_attr: *mut pthread_attr_t, param: *const Parameters) -> c_int {
    // SAFETY: POSIX demands parameters.
    unsafe { check(OTHER, param) }
}

/// `pthread_attr_getschedparam`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getschedparam(_attr: *const pthread_attr_t, param: *mut Parameters) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { param.write(Parameters { priority: 0 }) };
    0
}

/// `pthread_attr_setschedpolicy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_setschedpolicy(_attr: *mut pthread_attr_t, policy: c_int) -> c_int {
    if policy == OTHER { 0 } else { ENOTSUP }
}

/// `pthread_attr_getschedpolicy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getschedpolicy(_attr: *const pthread_attr_t, policy: *mut c_int) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *policy = OTHER };
    0
}

/// `PTHREAD_INHERIT_SCHED`, and the system's scope of contention.
const INHERIT: c_int = 0;
const EXPLICIT: c_int = 1;

/// `pthread_attr_setinheritsched`: both are the same, where there is one way.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_setinheritsched(_attr: *mut pthread_attr_t, inherit: c_int) -> c_int {
    if (INHERIT..=EXPLICIT).contains(&inherit) { 0 } else { EINVAL }
}

/// `pthread_attr_getinheritsched`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getinheritsched(_attr: *const pthread_attr_t, inherit: *mut c_int) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *inherit = INHERIT };
    0
}

/// `pthread_attr_setscope`: all threads of the system compete with each other.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_setscope(_attr: *mut pthread_attr_t, scope: c_int) -> c_int {
    match scope {
        0 => 0,
        1 => ENOTSUP,
        _ => EINVAL,
    }
}

/// `pthread_attr_getscope`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getscope(_attr: *const pthread_attr_t, scope: *mut c_int) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *scope = 0 };
    0
}

/// `pthread_getconcurrency`: nobody has to be told.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_getconcurrency() -> c_int {
    0
}

/// `pthread_setconcurrency`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_setconcurrency(level: c_int) -> c_int {
    if level < 0 { EINVAL } else { 0 }
}

/// `pthread_setname_np`. The name is libc's, for the program itself: in the kernel, names take authority.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_setname_np(thread: pthread_t, name: *const c_char) -> c_int {
    // SAFETY: the caller demands a thread that has not been joined, and a C string.
    unsafe {
        let Ok(name) = bytes(name) else { return EINVAL };
        let place = &raw mut (*thread.cast::<Tcb>()).name;
        if copy_text(name, place.cast(), NAME) { 0 } else { ERANGE }
    }
}

/// `pthread_getname_np`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_getname_np(thread: pthread_t, name: *mut c_char, len: usize) -> c_int {
    // SAFETY: the caller demands a thread that has not been joined, and the room.
    unsafe {
        let place = (&raw const (*thread.cast::<Tcb>()).name).cast::<c_char>();
        if copy_text(bytes(place).unwrap_or(b""), name, len) { 0 } else { ERANGE }
    }
}

/// `pthread_getcpuclockid`: the clock of a thread is its number below zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_getcpuclockid(thread: pthread_t, clock: *mut clockid_t) -> c_int {
    // SAFETY: POSIX demands a thread that has not been joined, and a place for the answer.
    unsafe { *clock = -((*thread.cast::<Tcb>()).number as clockid_t) };
    0
}

/// `pthread_cancel`: cancellation is off for good.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_cancel(_thread: pthread_t) -> c_int {
    ENOSYS
}

/// `pthread_setcancelstate`: it stays off; what is asked for makes no difference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int {
    if !(0..=CANCEL_DISABLE).contains(&state) {
        return EINVAL;
    }
    // SAFETY: POSIX demands null or a place for the answer.
    if let Some(before) = unsafe { before.as_mut() } {
        *before = CANCEL_DISABLE;
    }
    0
}

/// `pthread_setcanceltype`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_setcanceltype(kind: c_int, before: *mut c_int) -> c_int {
    if !(1..=CANCEL_DEFERRED).contains(&kind) {
        return EINVAL;
    }
    // SAFETY: POSIX demands null or a place for the answer.
    if let Some(before) = unsafe { before.as_mut() } {
        *before = CANCEL_DEFERRED;
    }
    0
}

/// `pthread_testcancel`: nobody asked.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_testcancel() {}
