//! `fnmatch.h`.

use libc::{c_char, c_int};

use crate::string::bytes;
use crate::text::fnmatch;

/// `FNM_NOMATCH`
const NO_MATCH: c_int = 1;

/// `fnmatch`.
#[unsafe(export_name = "fnmatch")]
pub unsafe extern "C" fn matches(pattern: *const c_char, text: *const c_char, flags: c_int) -> c_int {
    // SAFETY: POSIX demands C strings.
    let (pattern, text) = unsafe { (bytes(pattern), bytes(text)) };
    match (pattern, text) {
        (Ok(pattern), Ok(text)) if fnmatch::matches(pattern, text, flags as u32) => 0,
        _ => NO_MATCH,
    }
}
