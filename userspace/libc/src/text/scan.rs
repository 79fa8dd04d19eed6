//! The engine of `scanf`: a format, a source of bytes, and pointers to where the values go.

use super::float::{self, Float};
use super::format::Arguments;
use super::integer::{self, is_space};
use super::scanset::Set;
use super::utf8::{self, Decoded};

/// Where the bytes come from.
pub trait Input {
    /// The next byte; `None` at the end.
    fn get(&mut self) -> Option<u8>;
    /// Gives the last byte back. Never more than one in a row.
    fn unget(&mut self, byte: u8);
}

/// Gives memory (`realloc`): for the flag `m`.
pub type Resize<'a> = &'a mut dyn FnMut(*mut u8, usize) -> *mut u8;

/// Most characters of a number.
const NUMBER: usize = 1024;

/// Why scanning ended before the end of the format.
enum Stop {
    /// The input ended.
    Input,
    /// The input is something else, or the format is nonsense.
    Match,
}

/// Where the bytes of a string go.
enum Target {
    /// Nowhere (`*`).
    Nowhere,
    /// To memory of the caller's.
    Memory(*mut u8),
    /// To memory that grows, whose address the caller wants.
    Growing { answer: *mut *mut u8, room: usize },
}

struct Scanner<'a, 'b, I, A> {
    input: &'a mut I,
    arguments: &'a mut A,
    resize: Resize<'b>,
    /// Bytes taken so far.
    read: usize,
    assigned: i32,
}

/// One conversion.
struct Spec {
    suppress: bool,
    allocate: bool,
    width: usize,
    /// -2 for `hh`, -1 for `h`, 0, 1 for `l` and all others of 64 bits, 2 for `L`.
    length: i32,
    letter: u8,
}

/// Scans. Answers how many values were assigned, -1 when the input ended before the first.
///
/// # Safety
/// The arguments are pointers to what the format says.
pub unsafe fn scan<I: Input, A: Arguments>(input: &mut I, format: &[u8], arguments: &mut A, resize: Resize<'_>) -> i32 {
    let mut scanner = Scanner { input, arguments, resize, read: 0, assigned: 0 };
    // SAFETY: as this function demands.
    match unsafe { scanner.run(format) } {
        Err(Stop::Input) if scanner.assigned == 0 => -1,
        _ => scanner.assigned,
    }
}

impl<I: Input, A: Arguments> Scanner<'_, '_, I, A> {
    fn get(&mut self) -> Option<u8> {
        let byte = self.input.get();
        self.read += usize::from(byte.is_some());
        byte
    }

    fn unget(&mut self, byte: u8) {
        self.input.unget(byte);
        self.read -= 1;
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.get() {
            if !is_space(byte) {
                return self.unget(byte);
            }
        }
    }

    /// Takes exactly this byte.
    fn literal(&mut self, wanted: u8) -> Result<(), Stop> {
        match self.get() {
            Some(byte) if byte == wanted => Ok(()),
            Some(byte) => {
                self.unget(byte);
                Err(Stop::Match)
            }
            None => Err(Stop::Input),
        }
    }

    unsafe fn run(&mut self, mut format: &[u8]) -> Result<(), Stop> {
        while let Some((&byte, rest)) = format.split_first() {
            format = rest;
            if is_space(byte) {
                self.skip_space();
            } else if byte != b'%' {
                self.literal(byte)?;
            } else {
                let (spec, rest) = parse(format).ok_or(Stop::Match)?;
                // SAFETY: as `scan` demands.
                format = unsafe { self.convert(&spec, rest)? };
            }
        }
        Ok(())
    }

    /// Obeys a conversion; answers the rest of the format.
    unsafe fn convert<'f>(&mut self, spec: &Spec, format: &'f [u8]) -> Result<&'f [u8], Stop> {
        if !matches!(spec.letter, b'c' | b'[' | b'n') {
            self.skip_space();
        }
        let mut rest = format;
        // SAFETY: as `scan` demands.
        unsafe {
            match spec.letter {
                b'%' => self.literal(b'%')?,
                b'n' if spec.suppress => {}
                b'n' => {
                    let to = self.arguments.long();
                    store(to, spec.length, self.read as u64);
                }
                b'd' => self.integer(spec, 10)?,
                b'i' => self.integer(spec, 0)?,
                b'u' => self.integer(spec, 10)?,
                b'o' => self.integer(spec, 8)?,
                b'x' | b'X' => self.integer(spec, 16)?,
                b'p' => self.integer(&Spec { length: 1, ..*spec }, 16)?,
                b'e' | b'f' | b'g' | b'a' | b'E' | b'F' | b'G' | b'A' => self.real(spec)?,
                b's' => self.bytes(spec, spec.width, true, |byte| !is_space(byte))?,
                b'c' => {
                    let count = if spec.width == usize::MAX { 1 } else { spec.width };
                    self.bytes(spec, count, false, |_| true)?;
                }
                b'[' => {
                    let (set, behind) = Set::parse(format).ok_or(Stop::Match)?;
                    rest = behind;
                    self.bytes(spec, spec.width, true, |byte| set.has(byte))?;
                }
                _ => return Err(Stop::Match),
            }
        }
        Ok(rest)
    }

    /// Takes the bytes of a number as long as `wanted` says that they can belong to it.
    fn collect<'b>(
        &mut self,
        width: usize,
        buffer: &'b mut [u8; NUMBER],
        wanted: impl Fn(&[u8], u8) -> bool,
    ) -> Result<&'b [u8], Stop> {
        let mut len = 0;
        while len < width.min(NUMBER) {
            match self.get() {
                Some(byte) if wanted(&buffer[..len], byte) => {
                    buffer[len] = byte;
                    len += 1;
                }
                Some(byte) => {
                    self.unget(byte);
                    break;
                }
                None if len == 0 => return Err(Stop::Input),
                None => break,
            }
        }
        Ok(&buffer[..len])
    }

    unsafe fn integer(&mut self, spec: &Spec, base: i32) -> Result<(), Stop> {
        let mut buffer = [0; NUMBER];
        let text = self.collect(spec.width, &mut buffer, |before, byte| integer_goes_on(before, byte, base))?;
        let number = integer::parse(|index| text.get(index).copied().unwrap_or(0), base).ok_or(Stop::Match)?;
        if number.len != text.len() || text.is_empty() {
            return Err(Stop::Match);
        }
        if !spec.suppress {
            let value =
                if spec.letter == b'd' || spec.letter == b'i' { number.signed().0 as u64 } else { number.unsigned().0 };
            let to = self.arguments.long();
            // SAFETY: as `scan` demands.
            unsafe { store(to, spec.length, value) };
            self.assigned += 1;
        }
        Ok(())
    }

    unsafe fn real(&mut self, spec: &Spec) -> Result<(), Stop> {
        let mut buffer = [0; NUMBER];
        let text = self.collect(spec.width, &mut buffer, real_goes_on)?;
        // SAFETY: as `scan` demands. A `long double` has 16 bytes, of which ten count.
        unsafe {
            match spec.length {
                1 => self.assign_real::<f64, f64>(spec, text, |value| value),
                2 => self.assign_real::<f64, [u8; 16]>(spec, text, extended),
                _ => self.assign_real::<f32, f32>(spec, text, |value| value),
            }
        }
    }

    unsafe fn assign_real<F: Float, T>(&mut self, spec: &Spec, text: &[u8], as_is: fn(F) -> T) -> Result<(), Stop> {
        let number = float::parse_slice::<F>(text);
        if number.len != text.len() || text.is_empty() {
            return Err(Stop::Match);
        }
        if !spec.suppress {
            let to = self.arguments.long() as usize as *mut T;
            // SAFETY: as `scan` demands.
            unsafe { to.write_unaligned(as_is(number.value)) };
            self.assigned += 1;
        }
        Ok(())
    }

    /// Takes bytes that are wanted. Strings end with a zero and may be shorter than `max`; characters are exactly so many.
    unsafe fn bytes(
        &mut self,
        spec: &Spec,
        max: usize,
        is_string: bool,
        wanted: impl Fn(u8) -> bool,
    ) -> Result<(), Stop> {
        let wide = spec.length == 1;
        let mut target = self.target(spec);
        let (mut stored, mut taken) = (0, 0);
        let mut pending = [0; utf8::MAX];
        let mut pending_len = 0;
        let mut ended = false;
        while taken < max {
            let Some(byte) = self.get() else {
                ended = true;
                break;
            };
            if !wanted(byte) {
                self.unget(byte);
                break;
            }
            if !wide {
                // SAFETY: as `scan` demands.
                unsafe { self.place(&mut target, stored, &[byte])? };
                (stored, taken) = (stored + 1, taken + 1);
                continue;
            }
            pending[pending_len] = byte;
            pending_len += 1;
            match utf8::decode(&pending[..pending_len]) {
                Decoded::Incomplete => {}
                Decoded::Invalid => return Err(Stop::Match),
                Decoded::Character(character, _) => {
                    // SAFETY: as `scan` demands.
                    unsafe { self.place(&mut target, stored, &(character as u32).to_ne_bytes())? };
                    (stored, taken, pending_len) = (stored + 4, taken + 1, 0);
                }
            }
        }
        if taken == 0 || !is_string && taken < max || pending_len > 0 {
            return Err(if ended && taken == 0 { Stop::Input } else { Stop::Match });
        }
        if is_string {
            let end: &[u8] = if wide { &[0; 4] } else { &[0] };
            // SAFETY: as `scan` demands.
            unsafe { self.place(&mut target, stored, end)? };
        }
        self.assigned += i32::from(!spec.suppress);
        Ok(())
    }

    fn target(&mut self, spec: &Spec) -> Target {
        if spec.suppress {
            return Target::Nowhere;
        }
        let address = self.arguments.long() as usize;
        if spec.allocate {
            Target::Growing { answer: address as *mut *mut u8, room: 0 }
        } else {
            Target::Memory(address as *mut u8)
        }
    }

    /// Puts bytes at an offset of the target. Without memory, scanning ends; what was allocated is the caller's.
    unsafe fn place(&mut self, target: &mut Target, offset: usize, bytes: &[u8]) -> Result<(), Stop> {
        let start = match target {
            Target::Nowhere => return Ok(()),
            Target::Memory(start) => *start,
            Target::Growing { answer, room } => {
                // SAFETY: as `scan` demands: a place for a pointer. The first time, its value does not count.
                let before = if *room == 0 { core::ptr::null_mut() } else { unsafe { **answer } };
                if offset + bytes.len() > *room {
                    let more = (*room * 2).max(32);
                    let block = (self.resize)(before, more);
                    if block.is_null() {
                        return Err(Stop::Input);
                    }
                    *room = more;
                    // SAFETY: as above.
                    unsafe { **answer = block };
                }
                // SAFETY: as above.
                unsafe { **answer }
            }
        };
        // SAFETY: the caller's room, or ours.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), start.add(offset), bytes.len()) };
        Ok(())
    }
}

/// Whether a byte can go on with an integer.
fn integer_goes_on(before: &[u8], byte: u8, base: i32) -> bool {
    let digits = before.strip_prefix(b"-").or(before.strip_prefix(b"+")).unwrap_or(before);
    if before.is_empty() && matches!(byte, b'-' | b'+') {
        return true;
    }
    let hexadecimal = matches!(base, 0 | 16);
    if hexadecimal && digits == b"0" && matches!(byte, b'x' | b'X') {
        return true;
    }
    let base = match (base, digits) {
        (0, [b'0', b'x' | b'X', ..]) => 16,
        (0, [b'0', ..]) => 8,
        (0, _) => 10,
        (base, _) => base as u32,
    };
    integer::digit(byte).is_some_and(|value| value < base)
}

/// Whether a byte can go on with a floating-point number.
fn real_goes_on(before: &[u8], byte: u8) -> bool {
    let digits = before.strip_prefix(b"-").or(before.strip_prefix(b"+")).unwrap_or(before);
    let byte = byte.to_ascii_lowercase();
    match (digits.first().map(u8::to_ascii_lowercase), byte) {
        (None, b'-' | b'+') => before.is_empty(),
        (None, b'i' | b'n' | b'.') => true,
        (Some(b'i'), _) => b"infinity".get(digits.len()) == Some(&byte),
        (Some(b'n'), _) => b"nan".get(digits.len()) == Some(&byte),
        (Some(b'0'), b'x') => digits.len() == 1,
        _ => {
            let hexadecimal = matches!(digits.get(1), Some(b'x' | b'X'));
            let mark = if hexadecimal { b'p' } else { b'e' };
            let marked = digits.iter().position(|digit| digit.to_ascii_lowercase() == mark);
            match byte {
                b'0'..=b'9' => true,
                b'a'..=b'f' if hexadecimal && marked.is_none() => true,
                b'.' => marked.is_none() && !digits.contains(&b'.'),
                b'-' | b'+' => marked == Some(digits.len() - 1),
                _ => byte == mark && marked.is_none() && digits.iter().any(u8::is_ascii_hexdigit),
            }
        }
    }
}

/// Reads a conversion, behind its `%`. Answers the rest of the format.
fn parse(mut format: &[u8]) -> Option<(Spec, &[u8])> {
    let mut spec = Spec { suppress: false, allocate: false, width: usize::MAX, length: 0, letter: 0 };
    loop {
        let (&byte, rest) = format.split_first()?;
        match byte {
            b'*' => spec.suppress = true,
            b'm' => spec.allocate = true,
            b'0'..=b'9' => {
                let before = if spec.width == usize::MAX { 0 } else { spec.width };
                spec.width = before.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
            }
            b'h' => spec.length -= 1,
            b'l' | b'q' | b'j' | b'z' | b't' => spec.length = 1,
            b'L' => spec.length = 2,
            letter => {
                spec.letter = match letter {
                    b'C' => b'c',
                    b'S' => b's',
                    letter => letter,
                };
                spec.length = if matches!(letter, b'C' | b'S') { 1 } else { spec.length };
                spec.width = if spec.width == 0 { usize::MAX } else { spec.width };
                return Some((spec, rest));
            }
        }
        format = rest;
    }
}

/// Stores an integer of the width that `length` says.
unsafe fn store(to: u64, length: i32, value: u64) {
    let to = to as usize;
    // SAFETY: as `scan` demands.
    unsafe {
        match length {
            ..=-2 => (to as *mut u8).write(value as u8),
            -1 => (to as *mut u16).write_unaligned(value as u16),
            0 => (to as *mut u32).write_unaligned(value as u32),
            _ => (to as *mut u64).write_unaligned(value),
        }
    }
}

/// A number in the 80-bit format of the x87 unit, which is C's `long double`.
fn extended(value: f64) -> [u8; 16] {
    let bits = value.to_bits();
    let (field, fraction) = ((bits >> 52 & 0x7ff) as u16, bits << 12 >> 1);
    let (exponent, significand) = match (field, fraction) {
        (0, 0) => (0, 0),
        (0, fraction) => {
            let shift = fraction.leading_zeros();
            (16383 - 1022 - shift as u16, fraction << shift)
        }
        (0x7ff, fraction) => (0x7fff, 1 << 63 | fraction),
        (field, fraction) => (field - 1023 + 16383, 1 << 63 | fraction),
    };
    let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&significand.to_le_bytes());
    bytes[8..10].copy_from_slice(&(exponent | sign).to_le_bytes());
    bytes
}
