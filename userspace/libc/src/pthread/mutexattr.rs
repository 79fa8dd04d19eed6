//! Attributes of mutexes.
//!
//! Priorities are always handed on by the scheduler as a whole and never by one mutex (`PTHREAD_PRIO_NONE`), a mutex whose
//! holder has died stays locked (`PTHREAD_MUTEX_STALLED`), and every mutex works between processes that share its memory.

use libc::{
    EINVAL, ENOTSUP, PTHREAD_MUTEX_DEFAULT, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE, c_int, pthread_mutex_t,
    pthread_mutexattr_t,
};

use super::mutex::KIND;

/// `PTHREAD_PROCESS_SHARED`; 0 is private.
pub const SHARED: c_int = 1;

/// What `pthread_mutexattr_t` (20 bytes, 4-byte aligned) holds.
#[repr(C)]
struct Attributes {
    kind: c_int,
    shared: c_int,
}

const _: () = assert!(size_of::<Attributes>() <= size_of::<pthread_mutexattr_t>());

unsafe fn attributes<'a>(attr: *mut pthread_mutexattr_t) -> &'a mut Attributes {
    // SAFETY: POSIX demands an initialised object that nobody else uses meanwhile.
    unsafe { &mut *attr.cast::<Attributes>() }
}

/// The kind that attributes ask for, or the default.
///
/// # Safety
/// `attr` is null or initialised.
pub unsafe fn kind(attr: *const pthread_mutexattr_t) -> c_int {
    // SAFETY: as this function demands.
    unsafe { attr.cast::<Attributes>().as_ref() }.map_or(PTHREAD_MUTEX_DEFAULT, |attr| attr.kind)
}

/// `pthread_mutexattr_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_init(attr: *mut pthread_mutexattr_t) -> c_int {
    // SAFETY: POSIX demands the object.
    unsafe { attr.cast::<Attributes>().write(Attributes { kind: PTHREAD_MUTEX_DEFAULT, shared: 0 }) };
    0
}

/// `pthread_mutexattr_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_mutexattr_destroy(_attr: *mut pthread_mutexattr_t) -> c_int {
    0
}

/// `pthread_mutexattr_settype`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_settype(attr: *mut pthread_mutexattr_t, kind: c_int) -> c_int {
    if !(PTHREAD_MUTEX_DEFAULT..=PTHREAD_MUTEX_RECURSIVE).contains(&kind) {
        return EINVAL;
    }
    const _: () = assert!(PTHREAD_MUTEX_ERRORCHECK as u32 <= KIND && PTHREAD_MUTEX_RECURSIVE as u32 <= KIND);
    // SAFETY: POSIX demands an initialised object.
    unsafe { attributes(attr) }.kind = kind;
    0
}

/// `pthread_mutexattr_gettype`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_gettype(attr: *const pthread_mutexattr_t, kind: *mut c_int) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *kind = self::kind(attr) };
    0
}

/// `pthread_mutexattr_setpshared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_setpshared(attr: *mut pthread_mutexattr_t, shared: c_int) -> c_int {
    if !(0..=SHARED).contains(&shared) {
        return EINVAL;
    }
    // SAFETY: POSIX demands an initialised object.
    unsafe { attributes(attr) }.shared = shared;
    0
}

/// `pthread_mutexattr_getpshared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_getpshared(attr: *const pthread_mutexattr_t, shared: *mut c_int) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *shared = attributes(attr.cast_mut()).shared };
    0
}

/// `pthread_mutexattr_setrobust`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_mutexattr_setrobust(_attr: *mut pthread_mutexattr_t, robust: c_int) -> c_int {
    match robust {
        0 => 0,
        1 => ENOTSUP,
        _ => EINVAL,
    }
}

/// `pthread_mutexattr_getrobust`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_getrobust(_attr: *const pthread_mutexattr_t, robust: *mut c_int) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *robust = 0 };
    0
}

/// `pthread_mutexattr_setprotocol`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_mutexattr_setprotocol(_attr: *mut pthread_mutexattr_t, protocol: c_int) -> c_int {
    match protocol {
        0 => 0,
        1 | 2 => ENOTSUP,
        _ => EINVAL,
    }
}

/// `pthread_mutexattr_getprotocol`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_getprotocol(
    _attr: *const pthread_mutexattr_t,
    protocol: *mut c_int,
) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *protocol = 0 };
    0
}

/// `pthread_mutexattr_setprioceiling`: the only priority is 0.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_mutexattr_setprioceiling(_attr: *mut pthread_mutexattr_t, ceiling: c_int) -> c_int {
    if ceiling == 0 { 0 } else { EINVAL }
}

/// `pthread_mutexattr_getprioceiling`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutexattr_getprioceiling(
    _attr: *const pthread_mutexattr_t,
    ceiling: *mut c_int,
) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *ceiling = 0 };
    0
}

/// `pthread_mutex_getprioceiling`: no mutex has a ceiling.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_mutex_getprioceiling(_it: *const pthread_mutex_t, _ceiling: *mut c_int) -> c_int {
    EINVAL
}

/// `pthread_mutex_setprioceiling`: no mutex has a ceiling.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_mutex_setprioceiling(
    _it: *mut pthread_mutex_t,
    _ceiling: c_int,
    _before: *mut c_int,
) -> c_int {
    EINVAL
}
