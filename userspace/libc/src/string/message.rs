//! What numbers mean: `strerror`.

use libc::{ERANGE, c_char, c_int, c_void, size_t};
use syscall::error::Error;

use super::copy_text;
use crate::rt::lock::Lock;

/// `strerror_r`, the POSIX form.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strerror_r(errnum: c_int, buf: *mut c_char, len: size_t) -> c_int {
    // SAFETY: POSIX demands the room.
    if unsafe { copy_text(error_text(errnum).as_bytes(), buf, len) } { 0 } else { ERANGE }
}

/// Texts of numbers, as C strings that stay: filled when they are first asked for.
struct Texts {
    text: [[u8; 56]; NUMBERS],
}

/// Numbers that have a text; all others share the last place.
const NUMBERS: usize = 140;

static TEXTS: Lock<Texts> = Lock::new(Texts { text: [[0; 56]; NUMBERS] });

/// `strerror`. The text of a number is always at the same place.
#[unsafe(no_mangle)]
pub extern "C" fn strerror(errnum: c_int) -> *mut c_char {
    let mut texts = TEXTS.lock();
    let place = &mut texts.text[usize::try_from(errnum).unwrap_or(usize::MAX).min(NUMBERS - 1)];
    if place[0] == 0 {
        let text = error_text(errnum).as_bytes();
        let len = text.len().min(place.len() - 1);
        place[..len].copy_from_slice(&text[..len]);
    }
    place.as_mut_ptr().cast()
}

/// `strerror_l`: there is one locale.
#[unsafe(no_mangle)]
pub extern "C" fn strerror_l(errnum: c_int, _locale: *mut c_void) -> *mut c_char {
    strerror(errnum)
}

/// What an error number means.
pub fn error_text(errnum: c_int) -> &'static str {
    if errnum < 0 { "Unknown Error" } else { Error::new(errnum).text() }
}
