//! Time zones by file: TZif of RFC 9636, versions 1 to 4, read where it lies.

use super::rule::{Local, Name, Rule};

/// A zone. The bytes are those of its file.
#[derive(Clone, Copy)]
pub enum Zone<'a> {
    /// A rule.
    Rule(Rule),
    /// A file.
    File(File<'a>),
}

/// A file whose parts have been checked.
#[derive(Clone, Copy)]
pub struct File<'a> {
    times: &'a [u8],
    /// Bytes of a time.
    width: usize,
    kinds: &'a [u8],
    types: &'a [u8],
    names: &'a [u8],
    /// What holds behind the last change.
    rule: Option<Rule>,
}

/// Counts at the beginning of a part.
struct Header {
    isut: usize,
    isstd: usize,
    leap: usize,
    times: usize,
    types: usize,
    letters: usize,
}

/// Bytes of a header.
const HEADER: usize = 44;
/// Bytes of a type: offset, daylight, place of its name.
const TYPE: usize = 6;

impl Header {
    fn parse(bytes: &[u8]) -> Option<(u8, Self)> {
        let bytes = bytes.get(..HEADER).filter(|bytes| bytes.starts_with(b"TZif"))?;
        let count = |index: usize| {
            let at = 20 + index * 4;
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
        };
        let header = Header {
            isut: count(0),
            isstd: count(1),
            leap: count(2),
            times: count(3),
            types: count(4),
            letters: count(5),
        };
        Some((bytes[4], header))
    }

    /// Bytes of the part behind the header, with times of so many bytes.
    fn size(&self, width: usize) -> usize {
        self.times * (width + 1) + self.types * TYPE + self.letters + self.leap * (width + 4) + self.isstd + self.isut
    }
}

impl<'a> File<'a> {
    /// Looks at the bytes of a file; `None` when they are not a zone.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (version, first) = Header::parse(bytes)?;
        let (mut start, mut width, mut header) = (0, 4, first);
        if version >= b'2' {
            start = HEADER + header.size(4);
            width = 8;
            header = Header::parse(bytes.get(start..)?)?.1;
        }
        let mut at = start + HEADER;
        let mut part = |len: usize| {
            let part = bytes.get(at..at.checked_add(len)?);
            at += len;
            part
        };
        let times = part(header.times.checked_mul(width)?)?;
        let kinds = part(header.times)?;
        let types = part(header.types.checked_mul(TYPE)?)?;
        let names = part(header.letters)?;
        part(header.leap * (width + 4) + header.isstd + header.isut)?;
        let known = |kind: &u8| usize::from(*kind) < header.types;
        if header.types == 0 || !kinds.iter().all(known) {
            return None;
        }
        let footer = bytes.get(at..).and_then(|rest| rest.strip_prefix(b"\n")).unwrap_or(b"");
        let end = footer.iter().position(|&byte| byte == b'\n').unwrap_or(0);
        let rule = if width == 8 && end > 0 { Some(Rule::parse(&footer[..end])?) } else { None };
        Some(File { times, width, kinds, types, names, rule })
    }

    fn time(&self, index: usize) -> i64 {
        let bytes = &self.times[index * self.width..(index + 1) * self.width];
        let sign = if bytes[0] & 0x80 != 0 { -1 } else { 0 };
        bytes.iter().fold(sign, |value: i64, &byte| value << 8 | i64::from(byte))
    }

    fn local(&self, kind: usize) -> Local {
        let bytes = &self.types[kind * TYPE..(kind + 1) * TYPE];
        let offset = i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let name = self.names.get(usize::from(bytes[5])..).unwrap_or(b"");
        let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
        Local { offset: offset.into(), daylight: bytes[4] != 0, name: Name::new(&name[..end]) }
    }

    fn at(&self, moment: i64) -> Local {
        let count = self.kinds.len();
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time(middle) <= moment {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        match (low, &self.rule) {
            (low, Some(rule)) if low == count => rule.at(moment),
            (0, _) => self.local(0),
            (low, _) => self.local(usize::from(self.kinds[low - 1])),
        }
    }
}

impl Zone<'_> {
    /// What holds at a moment.
    pub fn at(&self, moment: i64) -> Local {
        match self {
            Zone::Rule(rule) => rule.at(moment),
            Zone::File(file) => file.at(moment),
        }
    }

    /// The latest standard and daylight times: what `tzname` shows.
    pub fn names(&self) -> [Option<Local>; 2] {
        match self {
            Zone::Rule(rule) => [Some(rule.standard), rule.other()],
            Zone::File(file) => {
                let mut found = file.rule.map_or([None, None], |rule| [Some(rule.standard), rule.other()]);
                for &kind in file.kinds.iter().rev() {
                    let local = file.local(kind.into());
                    let place = &mut found[usize::from(local.daylight)];
                    *place = place.or(Some(local));
                }
                if found == [None, None] {
                    found[0] = Some(file.local(0));
                }
                found
            }
        }
    }

    /// The moment at which local clocks show this. `daylight`: which of two such moments is meant; negative: find out.
    /// Clocks that jump over it are taken as they went before.
    pub fn moment(&self, wall: i64, daylight: i32) -> i64 {
        // What held up to a day before and what holds up to a day behind are the only offsets in question.
        let before = self.at(wall.saturating_sub(90_000));
        let after = self.at(wall.saturating_add(90_000));
        let candidates = [before, self.at(wall.saturating_sub(before.offset)), after];
        let fits = |local: &Local| self.at(wall.wrapping_sub(local.offset)).offset == local.offset;
        let wanted = |local: &&Local| daylight < 0 || local.daylight == (daylight > 0);
        if let Some(local) = candidates.iter().filter(|local| fits(local)).find(wanted) {
            return wall.saturating_sub(local.offset);
        }
        // The caller says daylight saving time where there is none, or the other way round: its clock is set so.
        if daylight >= 0
            && let Some(local) =
                candidates.iter().copied().chain(self.names().into_iter().flatten()).find(|local| wanted(&local))
        {
            return wall.saturating_sub(local.offset);
        }
        let local = candidates.iter().find(|local| fits(local)).unwrap_or(&before);
        wall.saturating_sub(local.offset)
    }
}
