//! `strftime`: a moment taken apart to text, in the locale C.

use super::calendar::{Broken, iso_week, moment};

/// Days and months, of which the short names are the first three letters.
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// Months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A buffer that says when it is full.
pub struct Output<'a> {
    buffer: &'a mut [u8],
    len: usize,
    full: bool,
}

/// How a number is filled up.
#[derive(Clone, Copy, PartialEq)]
enum Fill {
    Zero,
    Space,
    None,
}

impl<'a> Output<'a> {
    /// An empty one.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Output { buffer, len: 0, full: false }
    }

    /// Bytes written; `None` when there was no room for all.
    pub fn len(&self) -> Option<usize> {
        (!self.full).then_some(self.len)
    }

    fn put(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.len..self.len + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.full = true,
        }
    }

    fn number(&mut self, value: i64, width: usize, fill: Fill) {
        let mut buffer = [0; 64];
        let digits = crate::text::integer::digits(value.unsigned_abs(), 10, false, &mut buffer);
        let digits = if value == 0 { b"0" } else { digits };
        let used = digits.len() + usize::from(value < 0);
        let missing = if fill == Fill::None { 0 } else { width.saturating_sub(used) };
        if fill == Fill::Space {
            (0..missing).for_each(|_| self.put(b" "));
        }
        if value < 0 {
            self.put(b"-");
        }
        if fill == Fill::Zero {
            (0..missing).for_each(|_| self.put(b"0"));
        }
        self.put(digits);
    }
}

/// A name from a list, by a number that may be out of range.
fn name(list: &[&'static str], index: i32, short: bool) -> &'static [u8] {
    match usize::try_from(index).ok().and_then(|index| list.get(index)) {
        Some(name) if short => &name.as_bytes()[..3],
        Some(name) => name.as_bytes(),
        None => b"?",
    }
}

/// Formats. `zone` is the abbreviation of the time zone.
pub fn format(output: &mut Output<'_>, format: &[u8], time: &Broken, zone: &[u8]) {
    let mut rest = format;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            output.put(&[byte]);
            continue;
        }
        let mut fill = None;
        let mut width = None;
        // Flags and widths of GNU, and the letters that ask for other numerals, which this locale does not have.
        loop {
            match rest.first() {
                Some(b'-') => fill = Some(Fill::None),
                Some(b'_') => fill = Some(Fill::Space),
                Some(b'0') if width.is_none() => fill = Some(Fill::Zero),
                Some(digit @ b'0'..=b'9') => {
                    width = Some((width.unwrap_or(0) * 10 + usize::from(digit - b'0')).min(1000));
                }
                Some(b'E' | b'O' | b'+') => {}
                _ => break,
            }
            rest = &rest[1..];
        }
        let Some((&letter, behind)) = rest.split_first() else {
            output.put(b"%");
            break;
        };
        rest = behind;
        conversion(output, letter, fill, width, time, zone);
    }
}

fn conversion(out: &mut Output<'_>, letter: u8, fill: Option<Fill>, width: Option<usize>, time: &Broken, zone: &[u8]) {
    let year = i64::from(time.year) + 1900;
    let mut number = |value: i64, usual: usize, usual_fill: Fill| {
        out.number(value, width.unwrap_or(usual), fill.unwrap_or(usual_fill));
    };
    let hour12 = i64::from((time.hour + 11).rem_euclid(12) + 1);
    match letter {
        b'C' => number(year.div_euclid(100), 2, Fill::Zero),
        b'd' => number(time.mday.into(), 2, Fill::Zero),
        b'e' => number(time.mday.into(), 2, Fill::Space),
        b'G' => number(iso_week(time).1, 1, Fill::Zero),
        b'g' => number(iso_week(time).1.rem_euclid(100), 2, Fill::Zero),
        b'H' => number(time.hour.into(), 2, Fill::Zero),
        b'I' => number(hour12, 2, Fill::Zero),
        b'j' => number(i64::from(time.yday) + 1, 3, Fill::Zero),
        b'k' => number(time.hour.into(), 2, Fill::Space),
        b'l' => number(hour12, 2, Fill::Space),
        b'M' => number(time.min.into(), 2, Fill::Zero),
        b'm' => number(i64::from(time.mon) + 1, 2, Fill::Zero),
        b'S' => number(time.sec.into(), 2, Fill::Zero),
        b's' => number(moment(time) - time.gmtoff, 1, Fill::Zero),
        b'U' => number(i64::from((time.yday + 7 - time.wday) / 7), 2, Fill::Zero),
        b'u' => number(i64::from((time.wday + 6).rem_euclid(7) + 1), 1, Fill::Zero),
        b'V' => number(iso_week(time).0, 2, Fill::Zero),
        b'W' => number(i64::from((time.yday + 7 - (time.wday + 6).rem_euclid(7)) / 7), 2, Fill::Zero),
        b'w' => number(time.wday.into(), 1, Fill::Zero),
        b'Y' => number(year, 1, Fill::Zero),
        b'y' => number(year.rem_euclid(100), 2, Fill::Zero),
        b'A' => out.put(name(&DAYS, time.wday, false)),
        b'a' => out.put(name(&DAYS, time.wday, true)),
        b'B' => out.put(name(&MONTHS, time.mon, false)),
        b'b' | b'h' => out.put(name(&MONTHS, time.mon, true)),
        b'p' => out.put(if time.hour < 12 { b"AM" } else { b"PM" }),
        b'P' => out.put(if time.hour < 12 { b"am" } else { b"pm" }),
        b'c' => self::format(out, b"%a %b %e %H:%M:%S %Y", time, zone),
        b'D' | b'x' => self::format(out, b"%m/%d/%y", time, zone),
        b'F' => self::format(out, b"%Y-%m-%d", time, zone),
        b'R' => self::format(out, b"%H:%M", time, zone),
        b'r' => self::format(out, b"%I:%M:%S %p", time, zone),
        b'T' | b'X' => self::format(out, b"%H:%M:%S", time, zone),
        b'Z' => out.put(if time.isdst < 0 { b"" } else { zone }),
        b'z' if time.isdst >= 0 => {
            out.put(if time.gmtoff < 0 { b"-" } else { b"+" });
            let minutes = time.gmtoff.abs() / 60;
            out.number(minutes / 60 * 100 + minutes % 60, 4, Fill::Zero);
        }
        b'z' => {}
        b'n' => out.put(b"\n"),
        b't' => out.put(b"\t"),
        b'%' => out.put(b"%"),
        other => out.put(&[b'%', other]),
    }
}
