//! Time zones as POSIX writes them in `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`, with the wider hours of RFC 9636.

use super::calendar::{Broken, DAY, breakdown, days_before, is_leap, month_days};

/// Most letters of an abbreviation that are kept.
pub const LETTERS: usize = 15;

/// An abbreviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Name {
    bytes: [u8; LETTERS],
    len: u8,
}

impl Name {
    /// Keeps the beginning.
    pub fn new(text: &[u8]) -> Self {
        let mut name = Name::default();
        let len = text.len().min(LETTERS);
        name.bytes[..len].copy_from_slice(&text[..len]);
        name.len = len as u8;
        name
    }

    /// The letters.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    /// Seconds east of Greenwich.
    pub offset: i64,
    /// Daylight saving time.
    pub daylight: bool,
    /// Abbreviation.
    pub name: Name,
}

/// A day of the year on which time changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    /// 1 to 365; 29 February does not count.
    Julian(i64),
    /// 0 to 365.
    Plain(i64),
    /// Month (from 1), week (5 is the last), day of the week.
    Week(i64, i64, i64),
}

/// When time changes: on a day, so many seconds after its midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    day: Day,
    second: i64,
}

/// A zone with at most two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What holds without daylight saving time.
    pub standard: Local,
    daylight: Option<(Local, Change, Change)>,
}

struct Parser<'a>(&'a [u8]);

impl Parser<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn name(&mut self) -> Option<Name> {
        let quoted = self.take(b'<');
        let belongs = |byte: &&u8| match quoted {
            true => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-'),
            false => byte.is_ascii_alphabetic(),
        };
        let len = self.0.iter().take_while(belongs).count();
        let name = Name::new(&self.0[..len]);
        self.0 = &self.0[len..];
        (len >= 3 && (!quoted || self.take(b'>'))).then_some(name)
    }

    fn number(&mut self, max: i64) -> Option<i64> {
        let len = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len == 0 || len > 3 {
            return None;
        }
        let value = self.0[..len].iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0'));
        self.0 = &self.0[len..];
        (value <= max).then_some(value)
    }

    /// `[+-]hours[:minutes[:seconds]]`
    fn time(&mut self, most_hours: i64) -> Option<i64> {
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        let mut seconds = self.number(most_hours)? * 3600;
        if self.take(b':') {
            seconds += self.number(59)? * 60;
            if self.take(b':') {
                seconds += self.number(59)?;
            }
        }
        Some(if negative { -seconds } else { seconds })
    }

    fn change(&mut self) -> Option<Change> {
        let day = if self.take(b'M') {
            let month = self.number(12).filter(|&month| month > 0)?;
            let week = self.take(b'.').then(|| self.number(5))?.filter(|&week| week > 0)?;
            Day::Week(month, week, self.take(b'.').then(|| self.number(6))??)
        } else if self.take(b'J') {
            Day::Julian(self.number(365).filter(|&day| day > 0)?)
        } else {
            Day::Plain(self.number(365)?)
        };
        let second = if self.take(b'/') { self.time(167)? } else { 2 * 3600 };
        Some(Change { day, second })
    }
}

impl Change {
    /// Seconds from 1970, in the time of the zone before the change.
    fn in_year(&self, year: i64) -> i64 {
        let first = days_before(year, 0);
        let day = match self.day {
            Day::Julian(day) => first + day - 1 + i64::from(day >= 60 && is_leap(year)),
            Day::Plain(day) => first + day,
            Day::Week(month, week, wanted) => {
                let start = days_before(year, month - 1);
                let weekday = (start + 4).rem_euclid(7);
                let mut day = (wanted - weekday).rem_euclid(7) + (week - 1) * 7;
                if day >= month_days(year, month as usize - 1) {
                    day -= 7;
                }
                start + day
            }
        };
        day * DAY + self.second
    }
}

impl Rule {
    /// UTC, under this name.
    pub fn utc(name: &[u8]) -> Self {
        Rule { standard: Local { offset: 0, daylight: false, name: Name::new(name) }, daylight: None }
    }

    /// Reads a rule; `None` when it is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut parser = Parser(text);
        let name = parser.name()?;
        let offset = -parser.time(24)?;
        let standard = Local { offset, daylight: false, name };
        if parser.0.is_empty() {
            return Some(Rule { standard, daylight: None });
        }
        let name = parser.name()?;
        let offset = match parser.0.first() {
            None | Some(b',') => offset + 3600,
            Some(_) => -parser.time(24)?,
        };
        let daylight = Local { offset, daylight: true, name };
        // Without days, those of the United States, which other systems take as well.
        let (start, end) = if parser.0.is_empty() {
            let second = 2 * 3600;
            (Change { day: Day::Week(3, 2, 0), second }, Change { day: Day::Week(11, 1, 0), second })
        } else {
            let start = parser.take(b',').then(|| parser.change())??;
            (start, parser.take(b',').then(|| parser.change())??)
        };
        parser.0.is_empty().then_some(Rule { standard, daylight: Some((daylight, start, end)) })
    }

    /// What holds at a moment.
    pub fn at(&self, moment: i64) -> Local {
        let Some((daylight, start, end)) = &self.daylight else {
            return self.standard;
        };
        let Some(Broken { year, .. }) = breakdown(moment, self.standard.offset) else {
            return self.standard;
        };
        // The last change before the moment decides; with hours far from midnight it may lie in a year beside.
        let mut last = (i64::MIN, false);
        for year in i64::from(year) + 1899..=i64::from(year) + 1901 {
            let on = start.in_year(year) - self.standard.offset;
            let off = end.in_year(year) - daylight.offset;
            // Where both fall together (daylight saving time all the year), its beginning counts.
            for (when, is_on) in [(off, false), (on, true)] {
                if when <= moment && when >= last.0 {
                    last = (when, is_on);
                }
            }
        }
        if last.1 { *daylight } else { self.standard }
    }

    /// The other time of the zone, if there is one.
    pub fn other(&self) -> Option<Local> {
        self.daylight.map(|(daylight, ..)| daylight)
    }
}
