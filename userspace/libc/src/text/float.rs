//! Floating-point numbers from text, as `strtod` reads them. Decimal ones are rounded by `core`; hexadecimal ones here.

use super::integer::is_space;

/// A number that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Real<F> {
    /// The value, with its sign.
    pub value: F,
    /// It does not fit: too large, or lost in or below the smallest numbers.
    pub range: bool,
    /// Bytes that belong to it, with white space in front; 0 when there is no number.
    pub len: usize,
}

/// `f32` and `f64`.
pub trait Float: Copy + core::str::FromStr + PartialOrd + core::ops::Neg<Output = Self> {
    /// Bits of the significand, with the one that is not stored.
    const BITS: i32;
    /// Exponent of the smallest normal number, as `1.x * 2^MIN`.
    const MIN: i32;
    /// Zero.
    const ZERO: Self;
    /// Infinity.
    const INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// `significand * 2^exponent`, which is exact.
    fn build(significand: u64, exponent: i32) -> Self;
    /// Whether the value is smaller than the smallest normal number.
    fn is_tiny(self) -> bool;
    /// Whether it is infinite.
    fn is_infinite(self) -> bool;
}

macro_rules! float {
    ($type:ty, $bits:ty, $stored:expr, $bias:expr) => {
        impl Float for $type {
            const BITS: i32 = $stored + 1;
            const MIN: i32 = 1 - $bias;
            const ZERO: Self = 0.0;
            const INFINITY: Self = <$type>::INFINITY;
            const NAN: Self = <$type>::NAN;
            fn build(significand: u64, exponent: i32) -> Self {
                // A subnormal has the exponent of the smallest normal number and no hidden bit.
                let normal = significand >> $stored != 0;
                let field = if normal { (exponent + $stored + $bias) as u64 } else { 0 };
                let fraction = significand & ((1 << $stored) - 1);
                <$type>::from_bits((field << $stored | fraction) as $bits)
            }
            fn is_tiny(self) -> bool {
                self.abs() < <$type>::MIN_POSITIVE
            }
            fn is_infinite(self) -> bool {
                <$type>::is_infinite(self)
            }
        }
    };
}

float!(f32, u32, 23, 127);
float!(f64, u64, 52, 1023);

/// How a number is written.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Decimal,
    Hexadecimal,
    Infinity,
    NotANumber,
}

/// A number found in text.
struct Found {
    kind: Kind,
    negative: bool,
    /// Where the digits begin, without sign and `0x`.
    start: usize,
    end: usize,
    /// One of the digits is not 0.
    nonzero: bool,
}

/// Whether these letters stand at `index`, in any case.
fn word(at: &impl Fn(usize) -> u8, index: usize, letters: &[u8]) -> bool {
    letters.iter().enumerate().all(|(offset, letter)| at(index + offset).eq_ignore_ascii_case(letter))
}

/// Finds the longest number at the start of a text that ends at a zero byte.
fn find(at: &impl Fn(usize) -> u8) -> Option<Found> {
    let mut index = 0;
    while is_space(at(index)) {
        index += 1;
    }
    let negative = at(index) == b'-';
    if matches!(at(index), b'-' | b'+') {
        index += 1;
    }
    let found = |kind, start, end, nonzero| Some(Found { kind, negative, start, end, nonzero });
    if word(at, index, b"inf") {
        let len = if word(at, index, b"infinity") { 8 } else { 3 };
        return found(Kind::Infinity, index, index + len, true);
    }
    if word(at, index, b"nan") {
        return found(Kind::NotANumber, index, index + 3 + payload(at, index + 3), true);
    }
    if word(at, index, b"0x")
        && let Some((end, nonzero)) = number(at, index + 2, b'p', |byte| byte.is_ascii_hexdigit())
    {
        return found(Kind::Hexadecimal, index + 2, end, nonzero);
    }
    let (end, nonzero) = number(at, index, b'e', |byte| byte.is_ascii_digit())?;
    found(Kind::Decimal, index, end, nonzero)
}

/// Bytes of `(letters and digits)` behind `nan`.
fn payload(at: &impl Fn(usize) -> u8, start: usize) -> usize {
    if at(start) != b'(' {
        return 0;
    }
    let mut index = start + 1;
    while at(index).is_ascii_alphanumeric() || at(index) == b'_' {
        index += 1;
    }
    if at(index) == b')' { index + 1 - start } else { 0 }
}

/// Digits with at most one point, and an exponent if it is whole. Answers the end, and whether a digit is not 0.
fn number(at: &impl Fn(usize) -> u8, start: usize, mark: u8, digit: impl Fn(u8) -> bool) -> Option<(usize, bool)> {
    let (mut index, mut any, mut point, mut nonzero) = (start, false, false, false);
    loop {
        let byte = at(index);
        if digit(byte) {
            any = true;
            nonzero |= byte != b'0';
        } else if byte == b'.' && !point {
            point = true;
        } else {
            break;
        }
        index += 1;
    }
    if !any {
        return None;
    }
    if at(index).eq_ignore_ascii_case(&mark) {
        let digits = index + 1 + usize::from(matches!(at(index + 1), b'-' | b'+'));
        let mut end = digits;
        while at(end).is_ascii_digit() {
            end += 1;
        }
        if end > digits {
            index = end;
        }
    }
    Some((index, nonzero))
}

/// Reads a number from text. `at` answers its bytes, and 0 behind its end; `text` answers a part of it.
pub fn parse<'a, F: Float>(at: impl Fn(usize) -> u8, text: impl Fn(usize, usize) -> &'a [u8]) -> Real<F> {
    let Some(found) = find(&at) else {
        return Real { value: F::ZERO, range: false, len: 0 };
    };
    let part = text(found.start, found.end);
    let (value, range) = match found.kind {
        Kind::Infinity => (F::INFINITY, false),
        Kind::NotANumber => (F::NAN, false),
        Kind::Decimal => {
            let value = core::str::from_utf8(part).ok().and_then(|part| part.parse().ok()).unwrap_or(F::ZERO);
            (value, found.nonzero && (value.is_infinite() || value.is_tiny()))
        }
        Kind::Hexadecimal => hexadecimal(part),
    };
    Real { value: if found.negative { -value } else { value }, range, len: found.end }
}

/// The same for a slice.
pub fn parse_slice<F: Float>(text: &[u8]) -> Real<F> {
    parse(|index| text.get(index).copied().unwrap_or(0), |start, end| &text[start..end])
}

/// Hexadecimal digits, point and exponent; and whether the value is out of range.
fn hexadecimal<F: Float>(text: &[u8]) -> (F, bool) {
    let (mut significand, mut sticky, mut exponent, mut point) = (0_u64, false, 0_i64, false);
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        match (byte as char).to_digit(16) {
            Some(digit) if significand >> 60 == 0 => {
                significand = significand << 4 | u64::from(digit);
                exponent -= if point { 4 } else { 0 };
            }
            Some(digit) => {
                sticky |= digit != 0;
                exponent += if point { 0 } else { 4 };
            }
            None if byte == b'.' => point = true,
            None => break,
        }
        index += 1;
    }
    if index < text.len() {
        exponent = exponent.saturating_add(written_exponent(&text[index + 1..]));
    }
    round(significand, sticky, exponent.clamp(-100_000, 100_000) as i32)
}

fn written_exponent(text: &[u8]) -> i64 {
    let negative = text.first() == Some(&b'-');
    let digits = text.iter().filter(|byte| byte.is_ascii_digit());
    // What is beyond this is out of range whatever the digits before.
    let value = digits.fold(0_i64, |sum, byte| (sum * 10 + i64::from(byte - b'0')).min(1 << 40));
    if negative { -value } else { value }
}

/// `significand * 2^exponent` (and a little more, if `sticky`), to the nearest value, ties to even.
fn round<F: Float>(significand: u64, sticky: bool, exponent: i32) -> (F, bool) {
    if significand == 0 {
        return (F::ZERO, false);
    }
    let shift = significand.leading_zeros() as i32;
    let (significand, exponent) = (significand << shift, exponent - shift);
    // The value is 1.x * 2^(exponent + 63); below the smallest normal number, bits are lost.
    let lost = (F::MIN - (exponent + 63)).max(0).saturating_add(64 - F::BITS);
    if lost > 65 {
        return (F::ZERO, true);
    }
    let kept = if lost >= 64 { 0 } else { significand >> lost };
    let rest = if lost > 64 { significand >> 1 } else { significand << (64 - lost) };
    let half = 1 << 63;
    let up = rest > half || rest == half && (sticky || kept & 1 == 1);
    let inexact = rest != 0 || sticky;
    let kept = kept + u64::from(up);
    let value = if kept >> F::BITS != 0 { pack(kept >> 1, exponent + lost + 1) } else { pack(kept, exponent + lost) };
    (value, value.is_infinite() || value.is_tiny() && inexact)
}

/// As [`Float::build`], with infinity for what is too large.
fn pack<F: Float>(significand: u64, exponent: i32) -> F {
    // Largest exponent: one less than what the smallest has, with the other sign.
    if exponent + F::BITS - 1 > 1 - F::MIN { F::INFINITY } else { F::build(significand, exponent) }
}
