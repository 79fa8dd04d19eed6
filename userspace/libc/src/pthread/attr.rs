//! Attributes of new threads.

use core::ffi::c_void;

use libc::{EINVAL, PTHREAD_STACK_MIN, c_int, pthread_attr_t, size_t};

use crate::rt::thread;

/// `PTHREAD_CREATE_DETACHED`; 0 is joinable.
const DETACHED: c_int = 1;

/// What `pthread_attr_t` (32 bytes, 8-byte aligned) holds.
#[repr(C)]
pub struct Attributes {
    stack_size: usize,
    guard_size: usize,
    detached: c_int,
    scope: c_int,
    reserved: usize,
}

const _: () = assert!(size_of::<Attributes>() <= size_of::<pthread_attr_t>());

impl Attributes {
    /// Stack size and whether detached, of attributes or the default.
    ///
    /// # Safety
    /// `attr` is null or initialised.
    pub unsafe fn of(attr: *const pthread_attr_t) -> (usize, bool) {
        // SAFETY: as this function demands.
        match unsafe { attr.cast::<Attributes>().as_ref() } {
            Some(attr) if attr.stack_size > 0 => (attr.stack_size, attr.detached == DETACHED),
            Some(attr) => (thread::default_stack(), attr.detached == DETACHED),
            None => (thread::default_stack(), false),
        }
    }
}

/// `pthread_attr_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_init(attr: *mut pthread_attr_t) -> c_int {
    let fresh =
        Attributes { stack_size: thread::default_stack(), guard_size: 4096, detached: 0, scope: 0, reserved: 0 };
    // SAFETY: POSIX demands the object.
    unsafe { attr.cast::<Attributes>().write(fresh) };
    0
}

/// `pthread_attr_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_destroy(_attr: *mut pthread_attr_t) -> c_int {
    0
}

/// `pthread_attr_setstacksize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_setstacksize(attr: *mut pthread_attr_t, size: size_t) -> c_int {
    if !(PTHREAD_STACK_MIN..1 << 46).contains(&size) {
        return EINVAL;
    }
    // SAFETY: POSIX demands an initialised object.
    unsafe { (*attr.cast::<Attributes>()).stack_size = size };
    0
}

/// `pthread_attr_getstacksize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getstacksize(attr: *const pthread_attr_t, size: *mut size_t) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *size = (*attr.cast::<Attributes>()).stack_size };
    0
}

/// `pthread_attr_setdetachstate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_setdetachstate(attr: *mut pthread_attr_t, state: c_int) -> c_int {
    if !(0..=DETACHED).contains(&state) {
        return EINVAL;
    }
    // SAFETY: POSIX demands an initialised object.
    unsafe { (*attr.cast::<Attributes>()).detached = state };
    0
}

/// `pthread_attr_getdetachstate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getdetachstate(attr: *const pthread_attr_t, state: *mut c_int) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *state = (*attr.cast::<Attributes>()).detached };
    0
}

/// `pthread_attr_setguardsize`: there is always one page, and what is asked is kept.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_setguardsize(attr: *mut pthread_attr_t, size: size_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    unsafe { (*attr.cast::<Attributes>()).guard_size = size };
    0
}

/// `pthread_attr_getguardsize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getguardsize(attr: *const pthread_attr_t, size: *mut size_t) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *size = (*attr.cast::<Attributes>()).guard_size };
    0
}

/// `pthread_attr_setstack`: threads bring their own stack here.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_attr_setstack(_attr: *mut pthread_attr_t, _stack: *mut c_void, _size: size_t) -> c_int {
    libc::ENOSYS
}

/// `pthread_attr_getstack`: no address was given, as threads bring their own stack.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_attr_getstack(
    attr: *const pthread_attr_t,
    stack: *mut *mut c_void,
    size: *mut size_t,
) -> c_int {
    // SAFETY: POSIX demands an initialised object and places for the answers.
    unsafe {
        *stack = core::ptr::null_mut();
        *size = (*attr.cast::<Attributes>()).stack_size;
    }
    0
}
