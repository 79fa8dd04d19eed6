//! `strptime`: text to a moment taken apart, in the locale C.

use super::calendar::{Broken, breakdown, days_before, moment};
use super::format::{DAYS, MONTHS};
use crate::text::integer::is_space;

/// What was read on the way and takes effect at the end.
#[derive(Default)]
struct Found {
    century: Option<i32>,
    in_century: Option<i32>,
    afternoon: Option<bool>,
    /// Month or day of the month are known: with the year, the days of week and year follow from them.
    date: bool,
    year: bool,
    yday: bool,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    time: Broken,
    found: Found,
}

/// Reads `text` as `format` says into what was there before. Answers how many bytes were used.
pub fn parse(text: &[u8], format: &[u8], time: &mut Broken) -> Option<usize> {
    let mut parser = Parser { text, at: 0, time: *time, found: Found::default() };
    parser.run(format)?;
    parser.finish();
    *time = parser.time;
    Some(parser.at)
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn run(&mut self, mut format: &[u8]) -> Option<()> {
        while let Some((&byte, rest)) = format.split_first() {
            format = rest;
            if is_space(byte) {
                self.skip_space();
            } else if byte != b'%' {
                (self.peek()? == byte).then(|| self.at += 1)?;
            } else {
                while let Some((b'E' | b'O' | b'-' | b'_', rest)) = format.split_first() {
                    format = rest;
                }
                let (&letter, rest) = format.split_first()?;
                format = rest;
                self.conversion(letter)?;
            }
        }
        Some(())
    }

    /// A number of at most so many digits, within bounds. Digits that no number within them can have are left.
    fn number(&mut self, digits: usize, low: i64, high: i64) -> Option<i32> {
        self.skip_space();
        let mut value: i64 = 0;
        let start = self.at;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit)
            && self.at - start < digits
            && (self.at == start || value * 10 <= high)
        {
            value = value * 10 + i64::from(digit - b'0');
            self.at += 1;
        }
        (self.at > start && (low..=high).contains(&value)).then_some(value as i32)
    }

    /// Index of a name, long or short, in any case.
    fn name(&mut self, list: &[&str]) -> Option<i32> {
        let rest = &self.text[self.at..];
        let starts = |name: &str| rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes());
        let index = list.iter().position(|name| starts(&name[..3]))?;
        self.at += if starts(list[index]) { list[index].len() } else { 3 };
        Some(index as i32)
    }

    fn conversion(&mut self, letter: u8) -> Option<()> {
        match letter {
            b'a' | b'A' => self.time.wday = self.name(&DAYS)?,
            b'b' | b'B' | b'h' => {
                self.time.mon = self.name(&MONTHS)?;
                self.found.date = true;
            }
            b'C' => self.found.century = Some(self.number(2, 0, 99)?),
            b'd' | b'e' => {
                self.time.mday = self.number(2, 1, 31)?;
                self.found.date = true;
            }
            b'H' | b'k' => self.time.hour = self.number(2, 0, 23)?,
            b'I' | b'l' => self.time.hour = self.number(2, 1, 12)? % 12,
            b'j' => {
                self.time.yday = self.number(3, 1, 366)? - 1;
                self.found.yday = true;
            }
            b'M' => self.time.min = self.number(2, 0, 59)?,
            b'm' => {
                self.time.mon = self.number(2, 1, 12)? - 1;
                self.found.date = true;
            }
            b'p' | b'P' => self.found.afternoon = Some(self.half()?),
            b'S' => self.time.sec = self.number(2, 0, 60)?,
            b's' => return self.seconds(),
            // Weeks do not make a date: as elsewhere, they are read and forgotten.
            b'U' | b'W' | b'V' => drop(self.number(2, 0, 53)?),
            b'G' => drop(self.number(4, 0, 9999)?),
            b'g' => drop(self.number(2, 0, 99)?),
            b'u' => self.time.wday = self.number(1, 1, 7)? % 7,
            b'w' => self.time.wday = self.number(1, 0, 6)?,
            b'Y' => {
                self.time.year = self.number(4, 0, 9999)? - 1900;
                (self.found.century, self.found.in_century) = (None, None);
                self.found.year = true;
            }
            b'y' => self.found.in_century = Some(self.number(2, 0, 99)?),
            b'c' => return self.run(b"%a %b %e %H:%M:%S %Y"),
            b'D' | b'x' => return self.run(b"%m/%d/%y"),
            b'F' => return self.run(b"%Y-%m-%d"),
            b'R' => return self.run(b"%H:%M"),
            b'r' => return self.run(b"%I:%M:%S %p"),
            b'T' | b'X' => return self.run(b"%H:%M:%S"),
            b'n' | b't' => self.skip_space(),
            b'Z' => self.at += self.text[self.at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count(),
            b'z' => return self.offset(),
            b'%' => (self.peek()? == b'%').then(|| self.at += 1)?,
            _ => return None,
        }
        Some(())
    }

    /// `AM` or `PM`: whether it is the second.
    fn half(&mut self) -> Option<bool> {
        let word = self.text.get(self.at..self.at + 2)?;
        let afternoon = word.eq_ignore_ascii_case(b"PM");
        if !afternoon && !word.eq_ignore_ascii_case(b"AM") {
            return None;
        }
        self.at += 2;
        Some(afternoon)
    }

    /// Seconds since 1970.
    fn seconds(&mut self) -> Option<()> {
        let negative = self.peek() == Some(b'-');
        self.at += usize::from(negative);
        let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value: i64 = core::str::from_utf8(&self.text[self.at..self.at + digits]).ok()?.parse().ok()?;
        self.at += digits;
        self.time = breakdown(if negative { -value } else { value }, 0)?;
        self.found = Found::default();
        Some(())
    }

    /// `Z`, `+hh`, `+hhmm` or `+hh:mm`.
    fn offset(&mut self) -> Option<()> {
        self.skip_space();
        let sign = match self.peek()? {
            b'Z' => {
                (self.at, self.time.gmtoff) = (self.at + 1, 0);
                return Some(());
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.at += 1;
        let hours = self.number(2, 0, 24)?;
        self.at += usize::from(self.peek() == Some(b':'));
        let minutes = if self.peek().is_some_and(|byte| byte.is_ascii_digit()) { self.number(2, 0, 59)? } else { 0 };
        self.time.gmtoff = sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60);
        Some(())
    }

    fn finish(&mut self) {
        let (time, found) = (&mut self.time, &self.found);
        if let Some(afternoon) = found.afternoon {
            time.hour = time.hour % 12 + if afternoon { 12 } else { 0 };
        }
        if found.century.is_some() || found.in_century.is_some() {
            let short = found.in_century.unwrap_or(0);
            // POSIX: 69 to 99 are of the last century.
            let century = found.century.unwrap_or(if short < 69 { 20 } else { 19 });
            time.year = century * 100 + short - 1900;
        }
        let year = i64::from(time.year) + 1900;
        if found.yday && !found.date {
            let day = breakdown((days_before(year, 0) + i64::from(time.yday)) * super::calendar::DAY, 0);
            if let Some(day) = day {
                (time.mon, time.mday, time.wday) = (day.mon, day.mday, day.wday);
            }
        } else if (found.date || found.year || found.century.is_some() || found.in_century.is_some())
            && time.mday > 0
            && let Some(day) = breakdown(moment(time), 0)
        {
            (time.wday, time.yday) = (day.wday, day.yday);
        }
    }
}
