//! Floating-point numbers to text: the letters `e`, `f`, `g` and `a` of `printf`. The decimal digits are `core`'s, which
//! are exact at every precision; the layout is C's.

use core::fmt::Write;

/// Digits behind the point that are worked out; no number has more that are not 0.
const EXACT: usize = 1100;
/// Bytes of the longest text: 309 digits, point, [`EXACT`] digits, and an exponent.
const ROOM: usize = EXACT + 330;

/// The text of a number without its sign, in parts: `head`, so many zeros, `tail`.
pub struct Text {
    bytes: [u8; ROOM],
    head: usize,
    /// Zeros between head and tail.
    pub zeros: usize,
    len: usize,
    /// `0x` stands before what zeros pad.
    pub hexadecimal: bool,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

impl Text {
    fn new() -> Self {
        Text { bytes: [0; ROOM], head: usize::MAX, zeros: 0, len: 0, hexadecimal: false }
    }

    /// What stands before the zeros.
    pub fn head(&self) -> &[u8] {
        &self.bytes[..self.head.min(self.len)]
    }

    /// What stands behind them.
    pub fn tail(&self) -> &[u8] {
        &self.bytes[self.head.min(self.len)..self.len]
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    /// Marks the place of zeros that precision demands beyond what was worked out.
    fn pad(&mut self, precision: usize, done: usize) {
        (self.head, self.zeros) = (self.len, precision - done);
    }

    /// Takes zeros at the end of a fraction away, and the point if nothing is left of it.
    fn trim(&mut self) {
        if self.bytes[..self.len].contains(&b'.') {
            while self.bytes[self.len - 1] == b'0' {
                self.len -= 1;
            }
            self.len -= usize::from(self.bytes[self.len - 1] == b'.');
        }
    }

    fn exponent(&mut self, mark: u8, exponent: i32, digits: usize) {
        let sign = if exponent < 0 { '-' } else { '+' };
        self.push(mark);
        // The buffer has room for it.
        let _ = write!(self, "{sign}{:0digits$}", exponent.unsigned_abs());
    }
}

/// The text of the magnitude of a number that is finite. `letter` is one of `efga` (in lower case).
pub fn text(value: f64, letter: u8, precision: Option<usize>, alternate: bool, upper: bool) -> Text {
    let mut text = match letter {
        b'a' => hexadecimal(value, precision, alternate),
        b'e' => scientific(value, precision.unwrap_or(6), alternate),
        b'f' => fixed(value, precision.unwrap_or(6), alternate),
        _ => general(value, precision.unwrap_or(6).max(1), alternate),
    };
    if upper {
        let len = text.len;
        text.bytes[..len].make_ascii_uppercase();
    }
    text
}

fn fixed(value: f64, precision: usize, alternate: bool) -> Text {
    let (mut text, done) = (Text::new(), precision.min(EXACT));
    // The buffer has room for it.
    let _ = write!(text, "{value:.done$}");
    if alternate && precision == 0 {
        text.push(b'.');
    }
    text.pad(precision, done);
    text
}

/// Digits with one before the point, and the exponent.
fn split(value: f64, precision: usize) -> (Text, i32) {
    let mut text = Text::new();
    // The buffer has room for it.
    let _ = write!(text, "{value:.precision$e}");
    let mark = text.bytes[..text.len].iter().rposition(|&byte| byte == b'e').unwrap_or(text.len);
    let exponent = core::str::from_utf8(&text.bytes[mark + 1..text.len]).ok().and_then(|text| text.parse().ok());
    text.len = mark;
    (text, exponent.unwrap_or(0))
}

fn scientific(value: f64, precision: usize, alternate: bool) -> Text {
    let done = precision.min(EXACT);
    let (mut text, exponent) = split(value, done);
    if alternate && precision == 0 {
        text.push(b'.');
    }
    text.pad(precision, done);
    text.exponent(b'e', exponent, 2);
    text
}

fn general(value: f64, precision: usize, alternate: bool) -> Text {
    let done = precision.min(EXACT);
    let (mut text, exponent) = split(value, done - 1);
    if exponent < -4 || exponent >= precision.min(i32::MAX as usize) as i32 {
        if !alternate {
            text.trim();
        } else if precision == 1 {
            text.push(b'.');
        }
        text.exponent(b'e', exponent, 2);
        return text;
    }
    let fraction = (precision as i64 - 1 - i64::from(exponent)) as usize;
    let mut text = fixed(value, if alternate { fraction } else { fraction.min(EXACT) }, alternate);
    if !alternate {
        text.trim();
    }
    text
}

fn hexadecimal(value: f64, precision: Option<usize>, alternate: bool) -> Text {
    /// Hexadecimal digits of the fraction.
    const DIGITS: usize = 13;
    let bits = value.abs().to_bits();
    let field = (bits >> 52) as i32;
    let (mut fraction, hidden) = (bits & ((1 << 52) - 1), u64::from(field != 0));
    let exponent = if bits == 0 { 0 } else { field.max(1) - 1023 };
    fraction |= hidden << 52;
    let mut digits = DIGITS;
    match precision {
        Some(precision) if precision < DIGITS => {
            let dropped = 4 * (DIGITS - precision);
            let (rest, half) = (fraction & ((1 << dropped) - 1), 1 << (dropped - 1));
            let odd = fraction >> dropped & 1 == 1;
            fraction = (fraction >> dropped) + u64::from(rest > half || rest == half && odd);
            digits = precision;
        }
        Some(_) => {}
        None => {
            while digits > 0 && fraction & 15 == 0 {
                (fraction, digits) = (fraction >> 4, digits - 1);
            }
        }
    }
    let mut text = Text::new();
    text.hexadecimal = true;
    // The buffer has room for all of it.
    let _ = write!(text, "{:x}", fraction >> (4 * digits));
    if digits > 0 || alternate || precision.is_some_and(|precision| precision > 0) {
        text.push(b'.');
    }
    if digits > 0 {
        let _ = write!(text, "{:0digits$x}", fraction & ((1 << (4 * digits)) - 1));
    }
    text.pad(precision.unwrap_or(digits), digits);
    text.exponent(b'p', exponent, 1);
    text
}
