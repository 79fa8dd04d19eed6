//! Wide characters on streams, which hold UTF-8.

use libc::{EILSEQ, FILE, c_int, wchar_t};

use super::file::{self, Inner};
use super::{input, output};
use crate::errno;
use crate::text::utf8::{self, Decoded};

/// What stands for the end (`WEOF`).
pub const WEOF: u32 = u32::MAX;

fn get(inner: &mut Inner) -> u32 {
    inner.orientation = 1;
    let mut bytes = [0; utf8::MAX];
    for len in 1..=bytes.len() {
        let Some(byte) = input::next(inner) else {
            if len > 1 {
                inner.stream.failed = true;
                errno::set(EILSEQ);
            }
            return WEOF;
        };
        bytes[len - 1] = byte;
        match utf8::decode(&bytes[..len]) {
            Decoded::Character(character, _) => return character as u32,
            Decoded::Incomplete => {}
            Decoded::Invalid => break,
        }
    }
    inner.stream.failed = true;
    errno::set(EILSEQ);
    WEOF
}

fn put(inner: &mut Inner, wide: wchar_t) -> u32 {
    inner.orientation = 1;
    let mut buffer = [0; utf8::MAX];
    match utf8::encode(wide, &mut buffer) {
        Some(bytes) if output::write(inner, bytes) == bytes.len() => wide as u32,
        Some(_) => WEOF,
        None => {
            inner.stream.failed = true;
            errno::set(EILSEQ);
            WEOF
        }
    }
}

/// `fwide`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fwide(it: *mut FILE, mode: c_int) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe {
        file::file(it).with(|inner| {
            if inner.orientation == 0 {
                inner.orientation = mode.signum();
            }
            inner.orientation
        })
    }
}

/// `fgetwc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fgetwc(it: *mut FILE) -> u32 {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(get) }
}

/// `getwc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getwc(it: *mut FILE) -> u32 {
    // SAFETY: as for `fgetwc`.
    unsafe { fgetwc(it) }
}

/// `getwchar`.
#[unsafe(no_mangle)]
pub extern "C" fn getwchar() -> u32 {
    file::input().with(get)
}

/// `ungetwc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ungetwc(wide: u32, it: *mut FILE) -> u32 {
    let mut buffer = [0; utf8::MAX];
    let Some(bytes) = utf8::encode(wide as wchar_t, &mut buffer) else {
        return WEOF;
    };
    // SAFETY: C demands an open stream.
    let done = unsafe {
        file::file(it).with(|inner| bytes.iter().rev().all(|&byte| inner.stream.unget(&mut inner.target, byte)))
    };
    if done { wide } else { WEOF }
}

/// `fputwc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fputwc(wide: wchar_t, it: *mut FILE) -> u32 {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| put(inner, wide)) }
}

/// `putwc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn putwc(wide: wchar_t, it: *mut FILE) -> u32 {
    // SAFETY: as for `fputwc`.
    unsafe { fputwc(wide, it) }
}

/// `putwchar`.
#[unsafe(no_mangle)]
pub extern "C" fn putwchar(wide: wchar_t) -> u32 {
    file::output().with(|inner| put(inner, wide))
}

/// `fputws`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fputws(text: *const wchar_t, it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream and a wide string.
    unsafe {
        file::file(it).with(|inner| {
            let mut at = text;
            while *at != 0 {
                if put(inner, *at) == WEOF {
                    return -1;
                }
                at = at.add(1);
            }
            0
        })
    }
}

/// `fgetws`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fgetws(to: *mut wchar_t, len: c_int, it: *mut FILE) -> *mut wchar_t {
    let room = usize::try_from(len).unwrap_or(0);
    // SAFETY: C demands an open stream and the room.
    unsafe {
        file::file(it).with(|inner| {
            let mut done = 0;
            while done + 1 < room {
                let wide = get(inner);
                if wide == WEOF {
                    break;
                }
                *to.add(done) = wide as wchar_t;
                done += 1;
                if wide == u32::from(b'\n') {
                    break;
                }
            }
            if done == 0 {
                return core::ptr::null_mut();
            }
            *to.add(done) = 0;
            to
        })
    }
}
