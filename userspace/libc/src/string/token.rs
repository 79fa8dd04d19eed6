//! Taking C strings apart.

use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::c_char;

use super::search::{strcspn, strspn};

/// `strtok_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtok_r(text: *mut c_char, list: *const c_char, rest: *mut *mut c_char) -> *mut c_char {
    // SAFETY: C demands strings, and a place that this function filled if there is no text.
    unsafe {
        let mut at = if text.is_null() { *rest } else { text };
        if at.is_null() {
            return null_mut();
        }
        at = at.add(strspn(at, list));
        if *at == 0 {
            *rest = null_mut();
            return null_mut();
        }
        let end = at.add(strcspn(at, list));
        *rest = null_mut();
        if *end != 0 {
            *end = 0;
            *rest = end.add(1);
        }
        at
    }
}

/// What `strtok` has not looked at yet.
static REST: AtomicPtr<c_char> = AtomicPtr::new(null_mut());

/// `strtok`. Programs with threads use `strtok_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtok(text: *mut c_char, list: *const c_char) -> *mut c_char {
    let mut rest = REST.load(Ordering::Relaxed);
    // SAFETY: as for `strtok_r`.
    let token = unsafe { strtok_r(text, list, &raw mut rest) };
    REST.store(rest, Ordering::Relaxed);
    token
}

/// `strsep` (BSD).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strsep(rest: *mut *mut c_char, list: *const c_char) -> *mut c_char {
    // SAFETY: the caller demands C strings, and a place for the rest.
    unsafe {
        let at = *rest;
        if at.is_null() {
            return at;
        }
        let end = at.add(strcspn(at, list));
        *rest = if *end == 0 { null_mut() } else { end.add(1) };
        *end = 0;
        at
    }
}
