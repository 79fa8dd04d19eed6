//! `locale.h`: there is one locale, "C", whose multibyte characters are UTF-8. POSIX knows it by a second name.

use core::ffi::c_void;
use core::ptr::null_mut;

use libc::{c_char, c_int, lconv};

use crate::string::bytes;

/// Names under which the one locale can be asked for.
const NAMES: [&[u8]; 5] = [b"", b"C", b"POSIX", b"C.UTF-8", b"C.utf8"];
/// `LC_ALL` and the categories below.
const CATEGORIES: core::ops::RangeInclusive<c_int> = 0..=6;

/// `setlocale`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setlocale(category: c_int, name: *const c_char) -> *mut c_char {
    // SAFETY: C demands null or a C string.
    let known = name.is_null() || unsafe { bytes(name) }.is_ok_and(|name| NAMES.contains(&name));
    if known && CATEGORIES.contains(&category) { c"C".as_ptr().cast_mut() } else { null_mut() }
}

/// What C looks at to write numbers.
struct Conventions(lconv);

// SAFETY: nobody may change what `localeconv` answers.
unsafe impl Sync for Conventions {}

const NONE: *const c_char = c"".as_ptr();
/// Not available (`CHAR_MAX`).
const UNKNOWN: c_char = c_char::MAX;

static CONVENTIONS: Conventions = Conventions(lconv {
    currency_symbol: NONE,
    decimal_point: c".".as_ptr(),
    frac_digits: UNKNOWN,
    grouping: NONE,
    int_curr_symbol: NONE,
    int_frac_digits: UNKNOWN,
    mon_decimal_point: NONE,
    mon_grouping: NONE,
    mon_thousands_sep: NONE,
    negative_sign: NONE,
    n_cs_precedes: UNKNOWN,
    n_sep_by_space: UNKNOWN,
    n_sign_posn: UNKNOWN,
    positive_sign: NONE,
    p_cs_precedes: UNKNOWN,
    p_sep_by_space: UNKNOWN,
    p_sign_posn: UNKNOWN,
    thousands_sep: NONE,
});

/// `localeconv`.
#[unsafe(no_mangle)]
pub extern "C" fn localeconv() -> *mut lconv {
    (&raw const CONVENTIONS.0).cast_mut()
}

/// What a `locale_t` leads to: it is only compared.
static LOCALE: u8 = 0;

/// `newlocale`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn newlocale(_mask: c_int, name: *const c_char, _base: *mut c_void) -> *mut c_void {
    // SAFETY: POSIX demands a C string.
    if unsafe { bytes(name) }.is_ok_and(|name| NAMES.contains(&name)) {
        return (&raw const LOCALE).cast_mut().cast();
    }
    crate::errno::set(libc::ENOENT);
    null_mut()
}

/// `uselocale`.
#[unsafe(no_mangle)]
pub extern "C" fn uselocale(_locale: *mut c_void) -> *mut c_void {
    (&raw const LOCALE).cast_mut().cast()
}

/// `duplocale`.
#[unsafe(no_mangle)]
pub extern "C" fn duplocale(locale: *mut c_void) -> *mut c_void {
    locale
}

/// `freelocale`.
#[unsafe(no_mangle)]
pub extern "C" fn freelocale(_locale: *mut c_void) {}

/// `nl_langinfo`'s item for the name of the encoding.
const CODESET: c_int = 14;

/// `nl_langinfo`: the encoding; the other items are empty.
#[unsafe(no_mangle)]
pub extern "C" fn nl_langinfo(item: c_int) -> *mut c_char {
    if item == CODESET { c"UTF-8".as_ptr().cast_mut() } else { NONE.cast_mut() }
}
