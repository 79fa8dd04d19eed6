//! Writing bytes and lines.

use core::ffi::c_void;

use libc::{FILE, c_char, c_int, size_t};

use super::file::{self, File, Inner, block};
use crate::errno;
use crate::string::{error_text, strlen};

/// `EOF`
const EOF: c_int = -1;

/// Writes all or answers how much, with the reason in `errno`.
pub fn write(inner: &mut Inner, bytes: &[u8]) -> usize {
    let (done, result) = inner.stream.write(&mut inner.target, bytes);
    if let Err(error) = result {
        errno::set(error);
    }
    done
}

fn put(inner: &mut Inner, byte: u8) -> c_int {
    match inner.stream.put(&mut inner.target, byte) {
        Ok(()) => c_int::from(byte),
        Err(error) => errno::fail(error),
    }
}

/// `fputc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fputc(byte: c_int, it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| put(inner, byte as u8)) }
}

/// `putc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn putc(byte: c_int, it: *mut FILE) -> c_int {
    // SAFETY: as for `fputc`.
    unsafe { fputc(byte, it) }
}

/// `putc_unlocked`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn putc_unlocked(byte: c_int, it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream whose lock the thread has.
    unsafe { put(file::file(it).unlocked(), byte as u8) }
}

/// `putchar`.
#[unsafe(no_mangle)]
pub extern "C" fn putchar(byte: c_int) -> c_int {
    file::output().with(|inner| put(inner, byte as u8))
}

/// `putchar_unlocked`.
#[unsafe(no_mangle)]
pub extern "C" fn putchar_unlocked(byte: c_int) -> c_int {
    putchar(byte)
}

/// `fputs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fputs(text: *const c_char, it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream and a C string.
    unsafe {
        let bytes = block(text.cast(), strlen(text));
        if file::file(it).with(|inner| write(inner, bytes)) == bytes.len() { 0 } else { EOF }
    }
}

/// `puts`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn puts(text: *const c_char) -> c_int {
    // SAFETY: C demands a C string.
    let bytes = unsafe { block(text.cast(), strlen(text)) };
    let done = file::output().with(|inner| write(inner, bytes) == bytes.len() && write(inner, b"\n") == 1);
    if done { 0 } else { EOF }
}

/// `fwrite`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fwrite(from: *const c_void, size: size_t, count: size_t, it: *mut FILE) -> size_t {
    let Some(len) = size.checked_mul(count).filter(|&len| len > 0) else {
        return 0;
    };
    // SAFETY: C demands an open stream and the bytes.
    unsafe { file::file(it).with(|inner| write(inner, block(from, len)) / size) }
}

/// `perror`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn perror(text: *const c_char) {
    // SAFETY: this thread's own word; C demands null or a C string.
    let (reason, text) = unsafe {
        let text = if text.is_null() { &[][..] } else { block(text.cast(), strlen(text)) };
        (error_text(*errno::__errno()), text)
    };
    file::error().with(|inner| {
        if !text.is_empty() {
            write(inner, text);
            write(inner, b": ");
        }
        write(inner, reason.as_bytes());
        write(inner, b"\n");
    });
}

/// `feof`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn feof(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| c_int::from(inner.stream.ended)) }
}

/// `ferror`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferror(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| c_int::from(inner.stream.failed)) }
}

/// `clearerr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clearerr(it: *mut FILE) {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it).with(|inner| (inner.stream.ended, inner.stream.failed) = (false, false)) };
}

/// `flockfile`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flockfile(it: *mut FILE) {
    // SAFETY: C demands an open stream.
    unsafe { file::file(it) }.acquire();
}

/// `ftrylockfile`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ftrylockfile(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    let file: &File = unsafe { file::file(it) };
    c_int::from(!file.try_acquire())
}

/// `funlockfile`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn funlockfile(it: *mut FILE) {
    // SAFETY: C demands an open stream whose lock the thread has.
    unsafe { file::file(it) }.release();
}
