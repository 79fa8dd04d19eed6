//! The `printf` family.

use core::ffi::VaList;

use libc::{EILSEQ, EINVAL, ENOMEM, EOVERFLOW, FILE, c_char, c_int, size_t};

use super::file::{self, Inner};
use super::output;
use crate::errno;
use crate::rt::alloc;
use crate::string::{error_text, strlen};
use crate::text::format::{self, Arguments, Failure, Sink};

/// The arguments of a variadic function.
pub struct Variadic<'a, 'b> {
    list: &'a mut VaList<'b>,
    /// What `%m` stands for: `errno` changes on the way.
    errno: c_int,
}

/// A `va_list` (System V ABI for x86-64, section 3.5.7).
#[repr(C)]
struct Layout {
    general: u32,
    vector: u32,
    overflow: *mut u8,
    saved: *mut u8,
}

const _: () = assert!(size_of::<VaList<'static>>() == size_of::<Layout>());

impl<'a, 'b> Variadic<'a, 'b> {
    /// The arguments that follow in a list.
    pub fn new(list: &'a mut VaList<'b>) -> Self {
        // SAFETY: this thread's own word.
        Variadic { list, errno: unsafe { *errno::__errno() } }
    }
}

impl Arguments for Variadic<'_, '_> {
    fn int(&mut self) -> i32 {
        // SAFETY: the caller of the function passed what its format says; that is C's rule.
        unsafe { self.list.arg::<c_int>() }
    }

    fn long(&mut self) -> u64 {
        // SAFETY: as above.
        unsafe { self.list.arg::<u64>() }
    }

    fn double(&mut self) -> f64 {
        // SAFETY: as above.
        unsafe { self.list.arg::<f64>() }
    }

    fn long_double(&mut self) -> f64 {
        // SAFETY: as above: it lies on the stack, 16-byte aligned, and the layout is the ABI's.
        let bytes = unsafe {
            let layout = &mut *core::ptr::from_mut::<VaList<'_>>(self.list).cast::<Layout>();
            let at = layout.overflow.next_multiple();
            layout.overflow = at.add(16);
            at.cast::<[u8; 10]>().read()
        };
        from_extended(&bytes)
    }

    fn message(&mut self) -> &'static str {
        error_text(self.errno)
    }
}

/// Rounds an address up to where a `long double` can lie.
trait Aligned {
    fn next_multiple(self) -> Self;
}

impl Aligned for *mut u8 {
    fn next_multiple(self) -> Self {
        self.wrapping_add(self.align_offset(16))
    }
}

/// The nearest `f64` to an 80-bit number of the x87 unit.
fn from_extended(bytes: &[u8; 10]) -> f64 {
    let significand =
        u64::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]);
    let field = u16::from_le_bytes([bytes[8], bytes[9]]);
    let sign = if field & 0x8000 != 0 { -1.0 } else { 1.0 };
    let exponent = i32::from(field & 0x7fff);
    if exponent == 0x7fff {
        return if significand << 1 == 0 { sign * f64::INFINITY } else { f64::NAN };
    }
    // The significand rounds once; what two factors of a power of two do to it is exact above the smallest numbers.
    let mut value = significand as f64;
    let mut shift = exponent - 16383 - 63;
    while shift != 0 && value != 0.0 && value.is_finite() {
        let step = shift.clamp(-1000, 1000);
        value *= f64::from_bits(((1023 + step) as u64) << 52);
        shift -= step;
    }
    sign * value
}

/// C's answer: the number of bytes, or -1 with `errno`.
fn counted(result: Result<usize, Failure>) -> c_int {
    match result {
        Ok(count) => count as c_int,
        Err(Failure::Format) => errno::fail(EINVAL),
        Err(Failure::Character) => errno::fail(EILSEQ),
        Err(Failure::Overflow) => errno::fail(EOVERFLOW),
    }
}

/// The bytes of a format, which is a C string.
unsafe fn format_of<'a>(format: *const c_char) -> &'a [u8] {
    // SAFETY: as this function demands.
    unsafe { file::block(format.cast(), strlen(format)) }
}

/// A stream as a sink. Failures are the stream's; it remembers them.
struct ToStream<'a> {
    inner: &'a mut Inner,
    whole: bool,
}

impl Sink for ToStream<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.whole &= output::write(self.inner, bytes) == bytes.len();
    }
}

/// Prints to a stream whose lock is held.
///
/// # Safety
/// The arguments are as the format says.
pub unsafe fn print(inner: &mut Inner, format: &[u8], args: &mut VaList<'_>) -> c_int {
    let mut sink = ToStream { inner, whole: true };
    // SAFETY: as this function demands.
    let result = unsafe { format::format(&mut sink, format, &mut Variadic::new(args)) };
    if sink.whole { counted(result) } else { -1 }
}

/// Memory as a sink: what does not fit is only counted.
struct ToMemory {
    at: *mut u8,
    /// Bytes that fit, without the zero behind.
    room: usize,
    done: usize,
}

impl Sink for ToMemory {
    fn put(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(self.room - self.done);
        // SAFETY: there is room for so many; that is the caller's promise.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at.add(self.done), count) };
        self.done += count;
    }
}

/// `vsnprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vsnprintf(
    to: *mut c_char,
    size: size_t,
    format: *const c_char,
    mut args: VaList<'_>,
) -> c_int {
    let mut sink = ToMemory { at: to.cast(), room: size.saturating_sub(1), done: 0 };
    // SAFETY: C demands the room, a C string, and arguments as it says.
    unsafe {
        let result = format::format(&mut sink, format_of(format), &mut Variadic::new(&mut args));
        if size > 0 {
            *to.add(sink.done) = 0;
        }
        counted(result)
    }
}

/// `snprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snprintf(to: *mut c_char, size: size_t, format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vsnprintf`.
    unsafe { vsnprintf(to, size, format, args) }
}

/// `vsprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vsprintf(to: *mut c_char, format: *const c_char, args: VaList<'_>) -> c_int {
    // SAFETY: C demands room for all of it.
    unsafe { vsnprintf(to, isize::MAX as usize, format, args) }
}

/// `sprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sprintf(to: *mut c_char, format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vsprintf`.
    unsafe { vsprintf(to, format, args) }
}

/// `vfprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vfprintf(it: *mut FILE, format: *const c_char, mut args: VaList<'_>) -> c_int {
    // SAFETY: C demands an open stream, a C string, and arguments as it says.
    unsafe { file::file(it).with(|inner| print(inner, format_of(format), &mut args)) }
}

/// `fprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fprintf(it: *mut FILE, format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vfprintf`.
    unsafe { vfprintf(it, format, args) }
}

/// `vprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vprintf(format: *const c_char, mut args: VaList<'_>) -> c_int {
    // SAFETY: C demands a C string, and arguments as it says.
    unsafe { file::output().with(|inner| print(inner, format_of(format), &mut args)) }
}

/// `printf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn printf(format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vprintf`.
    unsafe { vprintf(format, args) }
}

/// A descriptor as a sink.
struct ToDescriptor {
    fd: c_int,
    whole: bool,
}

impl Sink for ToDescriptor {
    fn put(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.whole {
            match usize::try_from(crate::unistd::write(self.fd, bytes.as_ptr().cast(), bytes.len())) {
                Ok(count) if count > 0 => bytes = &bytes[count.min(bytes.len())..],
                _ => self.whole = false,
            }
        }
    }
}

/// `vdprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdprintf(fd: c_int, format: *const c_char, mut args: VaList<'_>) -> c_int {
    let mut sink = ToDescriptor { fd, whole: true };
    // SAFETY: C demands a C string, and arguments as it says.
    let result = unsafe { format::format(&mut sink, format_of(format), &mut Variadic::new(&mut args)) };
    if sink.whole { counted(result) } else { -1 }
}

/// `dprintf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dprintf(fd: c_int, format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vdprintf`.
    unsafe { vdprintf(fd, format, args) }
}

/// A growing block as a sink.
struct ToBlock {
    at: *mut u8,
    len: usize,
    room: usize,
    failed: bool,
}

impl Sink for ToBlock {
    fn put(&mut self, bytes: &[u8]) {
        if self.failed {
            return;
        }
        let needed = self.len + bytes.len() + 1;
        if needed > self.room {
            let room = needed.max(self.room * 2).max(32);
            // SAFETY: the block is ours.
            let block = unsafe { alloc::reallocate(self.at, room) };
            if block.is_null() {
                self.failed = true;
                return;
            }
            (self.at, self.room) = (block, room);
        }
        // SAFETY: there is room.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.at.add(self.len), bytes.len()) };
        self.len += bytes.len();
    }
}

/// `vasprintf` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vasprintf(to: *mut *mut c_char, format: *const c_char, mut args: VaList<'_>) -> c_int {
    let mut sink = ToBlock { at: core::ptr::null_mut(), len: 0, room: 0, failed: false };
    // SAFETY: the caller demands a place for the answer, a C string, and arguments as it says.
    unsafe {
        // Makes the block, so that an empty text has one.
        sink.put(b"");
        let result = format::format(&mut sink, format_of(format), &mut Variadic::new(&mut args));
        if sink.failed || result.is_err() {
            alloc::release(sink.at);
            return if sink.failed { errno::fail(ENOMEM) } else { counted(result) };
        }
        *sink.at.add(sink.len) = 0;
        *to = sink.at.cast();
        counted(result)
    }
}

/// `asprintf` (GNU).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn asprintf(to: *mut *mut c_char, format: *const c_char, args: ...) -> c_int {
    // SAFETY: as for `vasprintf`.
    unsafe { vasprintf(to, format, args) }
}
