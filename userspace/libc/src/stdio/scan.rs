//! The `scanf` family.

use core::ffi::VaList;

use libc::{FILE, c_char, c_int};

use super::file::{self, Inner};
use super::print::Variadic;
use crate::rt::alloc;
use crate::string::strlen;
use crate::text::scan::{self, Input};

/// Memory for the flag `m`, from the heap that the program frees it to.
fn resize(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: the block is null or what this function answered before.
    unsafe { alloc::reallocate(block, size) }
}

struct FromStream<'a>(&'a mut Inner);

impl Input for FromStream<'_> {
    fn get(&mut self) -> Option<u8> {
        super::input::next(self.0)
    }

    fn unget(&mut self, byte: u8) {
        self.0.stream.unget(&mut self.0.target, byte);
    }
}

/// A C string as input.
struct FromText(*const u8);

impl Input for FromText {
    fn get(&mut self) -> Option<u8> {
        // SAFETY: the string has not ended before.
        let byte = unsafe { *self.0 };
        (byte != 0).then(|| {
            self.0 = self.0.wrapping_add(1);
            byte
        })
    }

    fn unget(&mut self, _: u8) {
        self.0 = self.0.wrapping_sub(1);
    }
}

unsafe fn scan_from(input: &mut impl Input, format: *const c_char, args: &mut VaList<'_>) -> c_int {
    // SAFETY: C demands a C string, and pointers as it says.
    unsafe {
        let format = file::block(format.cast(), strlen(format));
        scan::scan(input, format, &mut Variadic::new(args), &mut resize)
    }
}

/// `vfscanf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vfscanf(it: *mut FILE, format: *const c_char, mut args: VaList<'_>) -> c_int {
    // SAFETY: C demands an open stream, a C string, and pointers as it says.
    unsafe { file::file(it).with(|inner| scan_from(&mut FromStream(inner), format, &mut args)) }
}

/// `fscanf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fscanf(it: *mut FILE, format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vfscanf`.
    unsafe { vfscanf(it, format, args) }
}

/// `vscanf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vscanf(format: *const c_char, mut args: VaList<'_>) -> c_int {
    // SAFETY: C demands a C string, and pointers as it says.
    unsafe { file::input().with(|inner| scan_from(&mut FromStream(inner), format, &mut args)) }
}

/// `scanf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scanf(format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vscanf`.
    unsafe { vscanf(format, args) }
}

/// `vsscanf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vsscanf(text: *const c_char, format: *const c_char, mut args: VaList<'_>) -> c_int {
    // SAFETY: C demands C strings, and pointers as the format says.
    unsafe { scan_from(&mut FromText(text.cast()), format, &mut args) }
}

/// `sscanf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sscanf(text: *const c_char, format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vsscanf`.
    unsafe { vsscanf(text, format, args) }
}
