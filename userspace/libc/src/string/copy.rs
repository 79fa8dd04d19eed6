//! Copying and joining C strings.

use libc::{c_char, c_int, c_void, size_t};

use super::{memchr, strlen, strnlen};

/// `strcpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcpy(to: *mut c_char, from: *const c_char) -> *mut c_char {
    // SAFETY: C promises the room.
    unsafe { core::ptr::copy_nonoverlapping(from, to, strlen(from) + 1) };
    to
}

/// `strdup`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strdup(text: *const c_char) -> *mut c_char {
    // SAFETY: the new block has room for string and NUL.
    unsafe {
        let size = strlen(text) + 1;
        let copy = crate::stdlib::malloc(size).cast::<c_char>();
        if !copy.is_null() {
            core::ptr::copy_nonoverlapping(text, copy, size);
        }
        copy
    }
}

/// `strndup`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strndup(text: *const c_char, max: size_t) -> *mut c_char {
    // SAFETY: the new block has room for the part and its NUL.
    unsafe {
        let len = strnlen(text, max);
        let copy = crate::stdlib::malloc(len + 1).cast::<c_char>();
        if !copy.is_null() {
            core::ptr::copy_nonoverlapping(text, copy, len);
            *copy.add(len) = 0;
        }
        copy
    }
}

/// `stpcpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stpcpy(to: *mut c_char, from: *const c_char) -> *mut c_char {
    // SAFETY: C promises the room.
    unsafe {
        let len = strlen(from);
        core::ptr::copy_nonoverlapping(from, to, len + 1);
        to.add(len)
    }
}

/// `stpncpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stpncpy(to: *mut c_char, from: *const c_char, max: size_t) -> *mut c_char {
    // SAFETY: C promises `max` bytes of room, all of which are written.
    unsafe {
        let len = strnlen(from, max);
        core::ptr::copy_nonoverlapping(from, to, len);
        to.add(len).write_bytes(0, max - len);
        to.add(len)
    }
}

/// `strncpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strncpy(to: *mut c_char, from: *const c_char, max: size_t) -> *mut c_char {
    // SAFETY: as for `stpncpy`.
    unsafe { stpncpy(to, from, max) };
    to
}

/// `strcat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcat(to: *mut c_char, from: *const c_char) -> *mut c_char {
    // SAFETY: C promises the room behind the string.
    unsafe { strcpy(to.add(strlen(to)), from) };
    to
}

/// `strncat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strncat(to: *mut c_char, from: *const c_char, max: size_t) -> *mut c_char {
    // SAFETY: C promises the room behind the string, for the part and a NUL.
    unsafe {
        let (end, len) = (to.add(strlen(to)), strnlen(from, max));
        core::ptr::copy_nonoverlapping(from, end, len);
        *end.add(len) = 0;
    }
    to
}

/// `strlcpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlcpy(to: *mut c_char, from: *const c_char, size: size_t) -> size_t {
    // SAFETY: C promises the room.
    unsafe {
        let len = strlen(from);
        if size > 0 {
            let count = len.min(size - 1);
            core::ptr::copy_nonoverlapping(from, to, count);
            *to.add(count) = 0;
        }
        len
    }
}

/// `strlcat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlcat(to: *mut c_char, from: *const c_char, size: size_t) -> size_t {
    // SAFETY: C promises the room.
    unsafe {
        let len = strnlen(to, size);
        len + if len < size { strlcpy(to.add(len), from, size - len) } else { strlen(from) }
    }
}

/// `memccpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memccpy(to: *mut c_void, from: *const c_void, byte: c_int, max: size_t) -> *mut c_void {
    // SAFETY: C promises the room, and the bytes up to the one that is sought.
    unsafe {
        let found = memchr(from, byte, max);
        let count = if found.is_null() { max } else { found as usize - from as usize + 1 };
        core::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast(), count);
        if found.is_null() { found } else { to.cast::<u8>().add(count).cast() }
    }
}

/// `mempcpy` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mempcpy(to: *mut c_void, from: *const c_void, len: size_t) -> *mut c_void {
    // SAFETY: C promises the room and the bytes.
    unsafe {
        core::ptr::copy_nonoverlapping(from.cast::<u8>(), to.cast(), len);
        to.cast::<u8>().add(len).cast()
    }
}

/// `strxfrm`: strings compare as their bytes do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strxfrm(to: *mut c_char, from: *const c_char, size: size_t) -> size_t {
    // SAFETY: as for `strlcpy`.
    unsafe { strlcpy(to, from, size) }
}
