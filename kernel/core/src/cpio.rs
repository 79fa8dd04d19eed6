//! Reading a cpio archive in the "new ASCII" format (`newc`): the initfs.
//!
//! Format: a 110-byte header of `070701` (or `070702` with checksums) and thirteen fields of eight hexadecimal digits, the
//! name with its NUL, padding to four bytes, the data, padding to four bytes; the entry `TRAILER!!!` ends it (cpio(5)). A name may
//! end in more than one NUL: so the data comes to begin where its writer wants it, on a page of its own.

/// Bytes of a header.
const HEADER: usize = 110;
/// Name of the last entry.
const TRAILER: &[u8] = b"TRAILER!!!";
/// Mask and value of `mode` for a regular file (stat(2)).
const S_IFMT: u32 = 0o170000;
const S_IFREG: u32 = 0o100000;

/// One entry of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Path as stored, without the NUL.
    pub name: &'a [u8],
    /// File type and permissions as in stat(2).
    pub mode: u32,
    /// Contents.
    pub data: &'a [u8],
}

impl Entry<'_> {
    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.mode & S_IFMT == S_IFREG
    }
}

/// The archive is damaged from this byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// Offset of the entry that cannot be read.
    pub offset: usize,
}

/// The entries of an archive, in order. After an error there are no more.
pub struct Entries<'a> {
    archive: &'a [u8],
    offset: usize,
    done: bool,
}

/// Walks through an archive.
pub fn entries(archive: &[u8]) -> Entries<'_> {
    Entries { archive, offset: 0, done: false }
}

/// The contents of the regular file with this path (`bin/sh`; a leading `/` or `./` does not matter).
pub fn find<'a>(archive: &'a [u8], path: &str) -> Option<&'a [u8]> {
    let wanted = plain(path.as_bytes());
    entries(archive)
        .map_while(Result::ok)
        .find(|entry| entry.is_file() && plain(entry.name) == wanted)
        .map(|entry| entry.data)
}

fn plain(path: &[u8]) -> &[u8] {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    path.strip_prefix(b"/").unwrap_or(path)
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let Some((entry, next)) = parse(self.archive, self.offset) else {
            self.done = true;
            return Some(Err(Damaged { offset: self.offset }));
        };
        if entry.name == TRAILER {
            self.done = true;
            return None;
        }
        self.offset = next;
        Some(Ok(entry))
    }
}

/// The entry at `offset` and the offset of the next.
fn parse(archive: &[u8], offset: usize) -> Option<(Entry<'_>, usize)> {
    let header = archive.get(offset..offset.checked_add(HEADER)?)?;
    if !matches!(&header[..6], b"070701" | b"070702") {
        return None;
    }
    let field = |index: usize| hex(&header[6 + index * 8..14 + index * 8]);
    let (mode, size, name_size) = (field(1)?, field(6)? as usize, field(11)? as usize);
    let name_at = offset + HEADER;
    let name = archive.get(name_at..name_at.checked_add(name_size)?)?;
    // The size counts the NULs, of which there may be several.
    let (name, nuls) = name.split_at(name.iter().position(|&byte| byte == 0)?);
    if nuls.iter().any(|&byte| byte != 0) {
        return None;
    }
    let data_at = (name_at + name_size).checked_next_multiple_of(4)?;
    let end = data_at.checked_add(size)?;
    let data = archive.get(data_at..end)?;
    Some((Entry { name, mode, data }, end.checked_next_multiple_of(4)?))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::vec::Vec;

    fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, data: &[u8]) {
        archive.extend(
            format!(
                "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08x}{:08X}{:08x}",
                1,
                0,
                0,
                1,
                0,
                data.len(),
                0,
                0,
                0,
                0,
                name.len() + 1,
                0
            )
            .as_bytes(),
        );
        archive.extend(name.as_bytes());
        archive.push(0);
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(data);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }

    fn sample() -> Vec<u8> {
        let mut archive = Vec::new();
        entry(&mut archive, ".", 0o040755, b"");
        entry(&mut archive, "./bin", 0o040755, b"");
        entry(&mut archive, "./bin/init", 0o100755, b"hello");
        entry(&mut archive, "kernel.sym", 0o100644, b"");
        entry(&mut archive, "TRAILER!!!", 0, b"");
        archive.resize(archive.len().next_multiple_of(512), 0);
        archive
    }

    #[test]
    fn walks_and_finds() {
        let archive = sample();
        assert_eq!(entries(&archive).filter(|entry| entry.is_ok()).count(), 4);
        assert_eq!(find(&archive, "bin/init"), Some(&b"hello"[..]));
        assert_eq!(find(&archive, "/bin/init"), Some(&b"hello"[..]));
        assert_eq!(find(&archive, "kernel.sym"), Some(&b""[..]));
        assert_eq!(find(&archive, "bin"), None);
        assert_eq!(find(&archive, "nothing"), None);
    }

    #[test]
    fn a_name_may_end_in_several_nuls() {
        let mut archive = Vec::new();
        entry(&mut archive, "bin/init\0\0\0", 0o100755, b"hello");
        entry(&mut archive, "bin/odd\0\0x", 0o100755, b"hello");
        assert_eq!(entries(&archive).next().map(|entry| entry.unwrap().name), Some(&b"bin/init"[..]));
        assert_eq!(find(&archive, "bin/init"), Some(&b"hello"[..]));
        assert!(entries(&archive).nth(1).is_some_and(|entry| entry.is_err()));
    }

    #[test]
    fn every_truncation_and_every_damaged_byte_is_survived() {
        let archive = sample();
        for len in 0..archive.len() {
            entries(&archive[..len]).for_each(drop);
        }
        for at in 0..archive.len() {
            for byte in [0, b'f', b'F', b'g', 0xff] {
                let mut damaged = archive.clone();
                damaged[at] = byte;
                entries(&damaged).for_each(drop);
            }
        }
    }

    #[test]
    fn not_an_archive() {
        assert_eq!(entries(b"").collect::<Vec<_>>(), [Err(Damaged { offset: 0 })]);
        assert_eq!(entries(&[0; 4096]).collect::<Vec<_>>(), [Err(Damaged { offset: 0 })]);
        assert_eq!(find(b"garbage", "x"), None);
    }

    #[test]
    fn an_entry_after_damage_is_not_seen() {
        let mut archive = sample();
        let at = archive.len();
        archive.truncate(at);
        archive[0] = b'x';
        let mut walk = entries(&archive);
        assert!(walk.next().is_some_and(|entry| entry.is_err()));
        assert!(walk.next().is_none());
    }
}
