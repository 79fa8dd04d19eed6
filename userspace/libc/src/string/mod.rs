//! `string.h`: memory and C strings. `memcpy`, `memmove` and `memset` are in `rt/mem.rs`.

mod copy;
mod message;
mod search;
mod token;

use core::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_load_si128, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8, _mm_setzero_si128,
};

use libc::{EFAULT, c_char, c_int, c_void, size_t};
use syscall::error::{Error, Result};

pub use message::error_text;

/// The bytes of a C string; `EFAULT` for a null pointer.
///
/// # Safety
/// `text` is null or a C string that lives as long as the answer is used.
pub unsafe fn bytes<'a>(text: *const c_char) -> Result<&'a [u8]> {
    if text.is_null() {
        return Err(Error::new(EFAULT));
    }
    // SAFETY: as this function demands.
    Ok(unsafe { core::slice::from_raw_parts(text.cast(), strlen(text)) })
}

/// Bytes of a vector.
const VECTOR: usize = 16;

/// `strlen`: aligned vectors, which never reach into a page that the string does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlen(text: *const c_char) -> size_t {
    let offset = text as usize % VECTOR;
    // SAFETY: each vector holds at least one byte of the string, and does not cross a page.
    unsafe {
        let zero = _mm_setzero_si128();
        let mut at = text.sub(offset).cast::<__m128i>();
        let mut found = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128(at), zero)) as u32 >> offset << offset;
        while found == 0 {
            at = at.add(1);
            found = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128(at), zero)) as u32;
        }
        at as usize + found.trailing_zeros() as usize - text as usize
    }
}

/// `strnlen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strnlen(text: *const c_char, max: size_t) -> size_t {
    // SAFETY: POSIX demands `max` readable bytes or a NUL before.
    unsafe {
        let end = memchr(text.cast(), 0, max);
        if end.is_null() { max } else { end as usize - text as usize }
    }
}

/// `memcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(a: *const c_void, b: *const c_void, len: size_t) -> c_int {
    let (a, b) = (a.cast::<u8>(), b.cast::<u8>());
    let mut at = 0;
    // SAFETY: all loads are within the `len` bytes that C promises.
    unsafe {
        while at + VECTOR <= len {
            let same = _mm_cmpeq_epi8(_mm_loadu_si128(a.add(at).cast()), _mm_loadu_si128(b.add(at).cast()));
            let differ = !(_mm_movemask_epi8(same) as u32) & 0xffff;
            if differ != 0 {
                let at = at + differ.trailing_zeros() as usize;
                return c_int::from(*a.add(at)) - c_int::from(*b.add(at));
            }
            at += VECTOR;
        }
        while at < len {
            let (x, y) = (*a.add(at), *b.add(at));
            if x != y {
                return c_int::from(x) - c_int::from(y);
            }
            at += 1;
        }
    }
    0
}

/// `bcmp`: compilers make it of a `memcmp` whose order nobody looks at.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(a: *const c_void, b: *const c_void, len: size_t) -> c_int {
    // SAFETY: as for `memcmp`.
    unsafe { memcmp(a, b, len) }
}

/// `memchr`: aligned vectors, which never reach into a page that the bytes do not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memchr(memory: *const c_void, byte: c_int, len: size_t) -> *mut c_void {
    let start = memory as usize;
    // C allows a length beyond the byte that is found, so the end may not exist.
    let end = start.saturating_add(len);
    let offset = start % VECTOR;
    let mut base = start - offset;
    // SAFETY: each vector holds at least one byte that C promises, and does not cross a page.
    unsafe {
        let wanted = _mm_set1_epi8(byte as i8);
        let mut mask = u32::MAX << offset;
        while base < end {
            let same = _mm_cmpeq_epi8(_mm_load_si128(base as *const __m128i), wanted);
            let found = _mm_movemask_epi8(same) as u32 & mask;
            if found != 0 {
                let at = base + found.trailing_zeros() as usize;
                return if at < end { at as *mut c_void } else { core::ptr::null_mut() };
            }
            (base, mask) = (base + VECTOR, u32::MAX);
        }
    }
    core::ptr::null_mut()
}

/// `memrchr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memrchr(memory: *const c_void, byte: c_int, len: size_t) -> *mut c_void {
    // SAFETY: C promises the bytes.
    let slice = unsafe { core::slice::from_raw_parts(memory.cast::<u8>(), len) };
    match slice.iter().rposition(|&each| each == byte as u8) {
        Some(index) => (memory as usize + index) as *mut c_void,
        None => core::ptr::null_mut(),
    }
}

/// `explicit_bzero`: clears memory although nobody reads it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn explicit_bzero(memory: *mut c_void, len: size_t) {
    // SAFETY: C promises the bytes. The empty assembly makes the compiler believe that they are looked at.
    unsafe {
        core::ptr::write_bytes(memory.cast::<u8>(), 0, len);
        core::arch::asm!("/* {0} */", in(reg) memory, options(nostack, preserves_flags));
    }
}

/// `strcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcmp(a: *const c_char, b: *const c_char) -> c_int {
    // SAFETY: both are C strings.
    unsafe { strncmp(a, b, usize::MAX) }
}

/// `strncmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strncmp(a: *const c_char, b: *const c_char, max: size_t) -> c_int {
    for index in 0..max {
        // SAFETY: both are C strings, and none has ended before `index`.
        let (x, y) = unsafe { (*a.add(index) as u8, *b.add(index) as u8) };
        if x != y || x == 0 {
            return c_int::from(x) - c_int::from(y);
        }
    }
    0
}

/// `strchr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strchr(text: *const c_char, byte: c_int) -> *mut c_char {
    // SAFETY: the string and its NUL are searched.
    unsafe { memchr(text.cast(), byte, strlen(text) + 1).cast() }
}

/// `strrchr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strrchr(text: *const c_char, byte: c_int) -> *mut c_char {
    // SAFETY: the string and its NUL are searched.
    unsafe { memrchr(text.cast(), byte, strlen(text) + 1).cast() }
}

/// Copies text and a NUL to a buffer, as much as fits. Answers whether all did.
///
/// # Safety
/// The buffer has `len` bytes.
pub unsafe fn copy_text(text: &[u8], buf: *mut c_char, len: usize) -> bool {
    if len == 0 {
        return false;
    }
    let count = text.len().min(len - 1);
    // SAFETY: as this function demands.
    unsafe {
        core::ptr::copy_nonoverlapping(text.as_ptr(), buf.cast(), count);
        *buf.add(count) = 0;
    }
    count == text.len()
}
