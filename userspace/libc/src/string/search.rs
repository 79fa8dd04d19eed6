//! Comparing and searching C strings.

use core::ptr::null_mut;

use libc::{c_char, c_int, c_void, size_t};

use super::{memchr, memcmp, strcmp, strlen};

/// A C string's bytes.
unsafe fn text<'a>(at: *const c_char) -> &'a [u8] {
    // SAFETY: as for every C string.
    unsafe { core::slice::from_raw_parts(at.cast(), strlen(at)) }
}

/// `strcoll`: strings compare as their bytes do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcoll(a: *const c_char, b: *const c_char) -> c_int {
    // SAFETY: as for `strcmp`.
    unsafe { strcmp(a, b) }
}

/// `strcasecmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcasecmp(a: *const c_char, b: *const c_char) -> c_int {
    // SAFETY: both are C strings.
    unsafe { strncasecmp(a, b, usize::MAX) }
}

/// `strncasecmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strncasecmp(a: *const c_char, b: *const c_char, max: size_t) -> c_int {
    for index in 0..max {
        // SAFETY: both are C strings, and none has ended before `index`.
        let [x, y] = unsafe { [a, b].map(|text| (*text.add(index) as u8).to_ascii_lowercase()) };
        if x != y || x == 0 {
            return c_int::from(x) - c_int::from(y);
        }
    }
    0
}

/// `strchrnul` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strchrnul(text: *const c_char, byte: c_int) -> *mut c_char {
    // SAFETY: the string and its NUL are searched.
    unsafe {
        let len = strlen(text);
        let found = memchr(text.cast(), byte, len);
        if found.is_null() { text.add(len).cast_mut() } else { found.cast() }
    }
}

/// A set of bytes, a bit each.
struct Set([u64; 4]);

impl Set {
    unsafe fn of(list: *const c_char) -> Self {
        let mut bits = [0; 4];
        // SAFETY: as for every C string.
        unsafe { text(list) }.iter().for_each(|byte| bits[usize::from(byte / 64)] |= 1 << (byte % 64));
        Set(bits)
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    /// Bytes at the start of a string that are in the set (or are not).
    unsafe fn span(&self, at: *const c_char, inside: bool) -> size_t {
        let mut len = 0;
        // SAFETY: as for every C string; it ends the span.
        unsafe {
            while *at.add(len) != 0 && self.has(*at.add(len) as u8) == inside {
                len += 1;
            }
        }
        len
    }
}

/// `strspn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strspn(at: *const c_char, list: *const c_char) -> size_t {
    // SAFETY: both are C strings.
    unsafe { Set::of(list).span(at, true) }
}

/// `strcspn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcspn(at: *const c_char, list: *const c_char) -> size_t {
    // SAFETY: both are C strings.
    unsafe { Set::of(list).span(at, false) }
}

/// `strpbrk`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strpbrk(at: *const c_char, list: *const c_char) -> *mut c_char {
    // SAFETY: both are C strings.
    unsafe {
        let found = at.add(strcspn(at, list));
        if *found == 0 { null_mut() } else { found.cast_mut() }
    }
}

/// `strstr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strstr(hay: *const c_char, needle: *const c_char) -> *mut c_char {
    // SAFETY: both are C strings.
    unsafe { memmem(hay.cast(), strlen(hay), needle.cast(), strlen(needle)).cast() }
}

/// `strcasestr` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcasestr(hay: *const c_char, needle: *const c_char) -> *mut c_char {
    // SAFETY: both are C strings.
    let (bytes, needle) = unsafe { (text(hay), text(needle)) };
    if needle.is_empty() {
        return hay.cast_mut();
    }
    let found = bytes.windows(needle.len()).position(|part| part.eq_ignore_ascii_case(needle));
    found.map_or(null_mut(), |index| hay.wrapping_add(index).cast_mut())
}

/// `memmem` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmem(hay: *const c_void, len: size_t, needle: *const c_void, size: size_t) -> *mut c_void {
    // SAFETY: C promises the bytes of both.
    unsafe {
        if size == 0 {
            return hay.cast_mut();
        }
        let first = c_int::from(*needle.cast::<u8>());
        let (mut at, end) = (hay.cast::<u8>(), hay.cast::<u8>().wrapping_add(len));
        while (end as usize - at as usize) >= size {
            let room = end as usize - at as usize - size + 1;
            let found = memchr(at.cast(), first, room).cast::<u8>();
            if found.is_null() {
                break;
            }
            if memcmp(found.cast(), needle, size) == 0 {
                return found.cast();
            }
            at = found.add(1);
        }
    }
    null_mut()
}

/// `rawmemchr` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rawmemchr(memory: *const c_void, byte: c_int) -> *mut c_void {
    // SAFETY: the byte is there; that is the caller's promise.
    unsafe { memchr(memory, byte, usize::MAX) }
}
