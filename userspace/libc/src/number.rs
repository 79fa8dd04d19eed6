//! `stdlib.h` and `inttypes.h`: numbers from text, arithmetic, sorting and searching.

use core::cmp::Ordering;
use core::ffi::c_void;

use libc::{EINVAL, ERANGE, c_char, c_double, c_float, c_int, c_long, c_longlong, c_ulong, c_ulonglong, size_t};

use crate::errno;
use crate::text::float::{self, Float};
use crate::text::integer::{self, Integer};
use crate::text::sort::Elements;

/// Reads an integer; tells where it ends.
unsafe fn parse(text: *const c_char, end: *mut *mut c_char, base: c_int) -> Option<Integer> {
    // SAFETY: C demands a C string, and null or a place for the end.
    unsafe {
        let parsed = integer::parse(|index| *text.add(index) as u8, base);
        if !end.is_null() {
            *end = text.add(parsed.map_or(0, |number| number.len)).cast_mut();
        }
        if parsed.is_none() {
            errno::set(EINVAL);
        }
        parsed
    }
}

/// A value, with `ERANGE` in `errno` when it is not the one in the text.
fn ranged<T>((value, fits): (T, bool)) -> T {
    if !fits {
        errno::set(ERANGE);
    }
    value
}

/// `strtol`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtol(text: *const c_char, end: *mut *mut c_char, base: c_int) -> c_long {
    // SAFETY: as for `parse`.
    unsafe { parse(text, end, base) }.map_or(0, |number| ranged(number.signed()))
}

/// `strtoul`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtoul(text: *const c_char, end: *mut *mut c_char, base: c_int) -> c_ulong {
    // SAFETY: as for `parse`.
    unsafe { parse(text, end, base) }.map_or(0, |number| ranged(number.unsigned()))
}

/// `strtoll`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtoll(text: *const c_char, end: *mut *mut c_char, base: c_int) -> c_longlong {
    // SAFETY: as for `strtol`.
    unsafe { strtol(text, end, base) }
}

/// `strtoull`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtoull(text: *const c_char, end: *mut *mut c_char, base: c_int) -> c_ulonglong {
    // SAFETY: as for `strtoul`.
    unsafe { strtoul(text, end, base) }
}

/// `strtoimax`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtoimax(text: *const c_char, end: *mut *mut c_char, base: c_int) -> i64 {
    // SAFETY: as for `strtol`.
    unsafe { strtol(text, end, base) }
}

/// `strtoumax`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtoumax(text: *const c_char, end: *mut *mut c_char, base: c_int) -> u64 {
    // SAFETY: as for `strtoul`.
    unsafe { strtoul(text, end, base) }
}

/// `atol`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn atol(text: *const c_char) -> c_long {
    // SAFETY: C demands a C string.
    unsafe { strtol(text, core::ptr::null_mut(), 10) }
}

/// `atoll`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn atoll(text: *const c_char) -> c_longlong {
    // SAFETY: C demands a C string.
    unsafe { atol(text) }
}

/// `atoi`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn atoi(text: *const c_char) -> c_int {
    // SAFETY: C demands a C string.
    unsafe { atol(text) as c_int }
}

unsafe fn real<F: Float>(text: *const c_char, end: *mut *mut c_char) -> F {
    // SAFETY: C demands a C string, and null or a place for the end.
    unsafe {
        let part = |from: usize, to: usize| core::slice::from_raw_parts(text.add(from).cast::<u8>(), to - from);
        let number = float::parse::<F>(|index| *text.add(index) as u8, part);
        if !end.is_null() {
            *end = text.add(number.len).cast_mut();
        }
        ranged((number.value, !number.range))
    }
}

/// `strtod`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtod(text: *const c_char, end: *mut *mut c_char) -> c_double {
    // SAFETY: as for `real`.
    unsafe { real(text, end) }
}

/// `strtof`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strtof(text: *const c_char, end: *mut *mut c_char) -> c_float {
    // SAFETY: as for `real`.
    unsafe { real(text, end) }
}

/// `atof`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn atof(text: *const c_char) -> c_double {
    // SAFETY: C demands a C string.
    unsafe { strtod(text, core::ptr::null_mut()) }
}

/// How C compares.
pub type Compare = unsafe extern "C" fn(*const c_void, *const c_void) -> c_int;

/// `qsort`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qsort(base: *mut c_void, count: size_t, size: size_t, compare: Option<Compare>) {
    let Some(compare) = compare else { return };
    // SAFETY: C demands the elements, and a function that compares two.
    unsafe { Elements::new(base.cast(), size).sort(count, |a, b| compare(a.cast(), b.cast()).cmp(&0)) };
}

/// How C compares with something besides.
type CompareWith = unsafe extern "C" fn(*const c_void, *const c_void, *mut c_void) -> c_int;

/// `qsort_r`, as POSIX.1-2024 has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qsort_r(
    base: *mut c_void,
    count: size_t,
    size: size_t,
    compare: Option<CompareWith>,
    with: *mut c_void,
) {
    let Some(compare) = compare else { return };
    // SAFETY: C demands the elements, and a function that compares two.
    unsafe { Elements::new(base.cast(), size).sort(count, |a, b| compare(a.cast(), b.cast(), with).cmp(&0)) };
}

/// `bsearch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bsearch(
    key: *const c_void,
    base: *const c_void,
    count: size_t,
    size: size_t,
    compare: Option<Compare>,
) -> *mut c_void {
    let Some(compare) = compare else { return core::ptr::null_mut() };
    // SAFETY: C demands sorted elements, and a function that compares the key with one. Nothing is written.
    unsafe {
        let elements = Elements::new(base.cast_mut().cast(), size);
        let order = |at: *const u8| -> Ordering { compare(key, at.cast()).cmp(&0) };
        elements.search(count, order).map_or(core::ptr::null_mut(), |index| elements.at(index).cast())
    }
}

/// `abs`.
#[unsafe(no_mangle)]
pub extern "C" fn abs(value: c_int) -> c_int {
    value.wrapping_abs()
}

/// `labs`.
#[unsafe(no_mangle)]
pub extern "C" fn labs(value: c_long) -> c_long {
    value.wrapping_abs()
}

/// `llabs`.
#[unsafe(no_mangle)]
pub extern "C" fn llabs(value: c_longlong) -> c_longlong {
    value.wrapping_abs()
}

/// What `div` and its family answer.
#[repr(C)]
pub struct Division<T> {
    quotient: T,
    remainder: T,
}

/// `div`.
#[unsafe(no_mangle)]
pub extern "C" fn div(number: c_int, by: c_int) -> Division<c_int> {
    Division { quotient: number.wrapping_div(by), remainder: number.wrapping_rem(by) }
}

/// `ldiv`.
#[unsafe(no_mangle)]
pub extern "C" fn ldiv(number: c_long, by: c_long) -> Division<c_long> {
    Division { quotient: number.wrapping_div(by), remainder: number.wrapping_rem(by) }
}

/// `lldiv`.
#[unsafe(no_mangle)]
pub extern "C" fn lldiv(number: c_longlong, by: c_longlong) -> Division<c_longlong> {
    ldiv(number, by)
}
