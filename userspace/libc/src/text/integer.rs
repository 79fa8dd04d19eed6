//! Integers: from text as `strtol` reads them, and to digits.

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Magnitude; `u64::MAX` when it is larger than that.
    pub magnitude: u64,
    /// There was a minus sign.
    pub negative: bool,
    /// The number has more than 64 bits.
    pub overflow: bool,
    /// Bytes that belong to it, with white space in front; 0 when there is no number.
    pub len: usize,
}

/// White space of the C locale.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Value of a digit in bases up to 36.
pub fn digit(byte: u8) -> Option<u32> {
    (byte as char).to_digit(36)
}

/// Reads an integer from text that ends at a zero byte. Base 0 looks at the prefix. `None` for a base that is none.
pub fn parse(at: impl Fn(usize) -> u8, base: i32) -> Option<Integer> {
    if base != 0 && !(2..=36).contains(&base) {
        return None;
    }
    let mut index = 0;
    while is_space(at(index)) {
        index += 1;
    }
    let negative = at(index) == b'-';
    if matches!(at(index), b'-' | b'+') {
        index += 1;
    }
    let (base, skip) = prefix(&at, index, base as u32);
    index += skip;
    let mut result = Integer { magnitude: 0, negative, overflow: false, len: 0 };
    while let Some(value) = digit(at(index)).filter(|&value| value < base) {
        let next = result.magnitude.checked_mul(base.into()).and_then(|sum| sum.checked_add(value.into()));
        result.overflow |= next.is_none();
        result.magnitude = if result.overflow { u64::MAX } else { next.unwrap_or(u64::MAX) };
        index += 1;
        result.len = index;
    }
    Some(result)
}

/// The base that a prefix means, and the bytes of the prefix. A lone `0x` is the number 0 and the letter x.
fn prefix(at: &impl Fn(usize) -> u8, index: usize, base: u32) -> (u32, usize) {
    let marked = |letter: u8, base: u32| {
        at(index) == b'0'
            && at(index + 1).eq_ignore_ascii_case(&letter)
            && digit(at(index + 2)).is_some_and(|value| value < base)
    };
    match base {
        0 | 16 if marked(b'x', 16) => (16, 2),
        0 | 2 if marked(b'b', 2) => (2, 2),
        0 if at(index) == b'0' => (8, 0),
        0 => (10, 0),
        base => (base, 0),
    }
}

impl Integer {
    /// As a signed number; the nearest one and `false` when it does not fit.
    pub fn signed(&self) -> (i64, bool) {
        let limit = if self.negative { 1 << 63 } else { i64::MAX as u64 };
        if self.overflow || self.magnitude > limit {
            return (if self.negative { i64::MIN } else { i64::MAX }, false);
        }
        let value = self.magnitude as i64;
        (if self.negative { value.wrapping_neg() } else { value }, true)
    }

    /// As an unsigned number, negative ones wrapped as C wants it; the largest and `false` when it does not fit.
    pub fn unsigned(&self) -> (u64, bool) {
        if self.overflow {
            return (u64::MAX, false);
        }
        (if self.negative { self.magnitude.wrapping_neg() } else { self.magnitude }, true)
    }
}

/// Digits of a number, least significant last, at the end of the buffer. No digit at all for 0.
pub fn digits(mut value: u64, base: u64, upper: bool, buffer: &mut [u8; 64]) -> &[u8] {
    let letters = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let mut start = buffer.len();
    while value > 0 {
        start -= 1;
        buffer[start] = letters[(value % base) as usize];
        value /= base;
    }
    &buffer[start..]
}
