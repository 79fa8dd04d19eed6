//! What a program file must look like, for the kernel (which loads the first one) and for libc (which loads the others): a static 64-bit ELF for x86-64 (System V ABI, chapters 4 and 5; AMD64
//! supplement).
//!
//! [`parse`] checks everything before anything is mapped: what it answers can be loaded without another look at the file.

use core::fmt;
use core::ops::Range;

use crate::list::List;

/// Most loadable segments.
pub const MAX_SEGMENTS: usize = 16;
/// Bytes in a page.
const PAGE: u64 = 4096;
/// Bytes of the file header and of a program header.
const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;

/// `e_type`.
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
/// `e_machine`.
const EM_X86_64: u16 = 62;
/// `p_type`.
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const PT_PHDR: u32 = 6;
/// `p_flags`.
const PF_X: u32 = 1;
const PF_W: u32 = 2;

/// Part of the program to be mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Address, with the load bias added. Not page-aligned in general: the file's bytes go exactly here.
    pub address: u64,
    /// Bytes in memory; those behind the file's are zero.
    pub memory_len: u64,
    /// Where its bytes are in the file; congruent to `address` within a page.
    pub file_offset: u64,
    /// Bytes in the file.
    pub file_len: u64,
    /// Stores are allowed.
    pub write: bool,
    /// Instruction fetches are allowed. Never together with `write`.
    pub exec: bool,
}

impl Segment {
    /// The whole pages that it touches.
    pub fn pages(&self) -> Range<u64> {
        self.address / PAGE * PAGE..(self.address + self.memory_len).next_multiple_of(PAGE)
    }
}

/// A program that can be loaded.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it starts.
    pub entry: u64,
    /// Loadable segments, ascending, on pages of their own.
    pub segments: List<Segment, MAX_SEGMENTS>,
    /// Address of the program headers in memory (`AT_PHDR`).
    pub headers: u64,
    /// Bytes of one (`AT_PHENT`).
    pub header_size: usize,
    /// How many (`AT_PHNUM`).
    pub header_count: usize,
    /// What was added to the file's addresses: 0 unless the program is position-independent.
    pub bias: u64,
}

/// Why a file is no program that can be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// Not an ELF file.
    NotElf,
    /// An ELF file, but not for this machine: not 64-bit, little-endian x86-64, or not a program.
    WrongKind,
    /// It wants a dynamic linker.
    Dynamic,
    /// A part lies outside of the file.
    Truncated,
    /// More than [`MAX_SEGMENTS`] segments.
    TooManySegments,
    /// A segment lies outside of user space, or over another, or not at its place within a page.
    BadSegment,
    /// A segment may be both written and executed.
    WriteAndExecute,
    /// The entry is not in an executable segment.
    BadEntry,
    /// The program headers are in no segment.
    HeadersNotLoaded,
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElfError::NotElf => "not an ELF file",
            ElfError::WrongKind => "not a 64-bit x86-64 program",
            ElfError::Dynamic => "it needs a dynamic linker; link it statically",
            ElfError::Truncated => "the file is cut short",
            ElfError::TooManySegments => "too many segments",
            ElfError::BadSegment => "a segment lies where it must not",
            ElfError::WriteAndExecute => "a segment is both writable and executable",
            ElfError::BadEntry => "its entry is not in executable memory",
            ElfError::HeadersNotLoaded => "its program headers are not part of what is loaded",
        })
    }
}

/// Reads the file. Position-independent programs go to `pie_base`; every segment must lie within `space`.
pub fn parse(file: &[u8], space: Range<u64>, pie_base: u64) -> Result<Program, ElfError> {
    parse_front(file, file.len() as u64, space, pie_base)
}

/// As [`parse`], of a file that is `len` bytes long, when only its front is at hand. The program headers must be in it
/// ([`ElfError::Truncated`]); those of ordinary programs are in the first page.
pub fn parse_front(file: &[u8], len: u64, space: Range<u64>, pie_base: u64) -> Result<Program, ElfError> {
    let header = file.get(..HEADER).ok_or(ElfError::NotElf)?;
    if &header[..4] != b"\x7fELF" {
        return Err(ElfError::NotElf);
    }
    // EI_CLASS 2 (64 bit), EI_DATA 1 (little-endian), EI_VERSION 1; e_version 1.
    if header[4..7] != [2, 1, 1] || u16_at(header, 18) != EM_X86_64 || u32_at(header, 20) != 1 {
        return Err(ElfError::WrongKind);
    }
    let bias = match u16_at(header, 16) {
        ET_EXEC => 0,
        ET_DYN => pie_base,
        _ => return Err(ElfError::WrongKind),
    };
    let table_offset = u64_at(header, 32);
    let count = usize::from(u16_at(header, 56));
    if usize::from(u16_at(header, 54)) != PROGRAM_HEADER {
        return Err(ElfError::WrongKind);
    }
    let table_len = (count * PROGRAM_HEADER) as u64;
    let table = part(file, table_offset, table_len)?;

    let mut program = Program {
        entry: u64_at(header, 24).checked_add(bias).ok_or(ElfError::BadEntry)?,
        segments: List::new(),
        headers: 0,
        header_size: PROGRAM_HEADER,
        header_count: count,
        bias,
    };
    let mut named_headers = None;
    for entry in table.chunks_exact(PROGRAM_HEADER) {
        match u32_at(entry, 0) {
            PT_INTERP => return Err(ElfError::Dynamic),
            PT_PHDR => named_headers = Some(u64_at(entry, 16).checked_add(bias).ok_or(ElfError::BadSegment)?),
            PT_LOAD if u64_at(entry, 40) != 0 => {
                let segment = segment(len, entry, bias, &space)?;
                if program.segments.last().is_some_and(|last| last.pages().end > segment.pages().start) {
                    return Err(ElfError::BadSegment);
                }
                program.segments.push(segment).map_err(|_| ElfError::TooManySegments)?;
            }
            _ => {}
        }
    }
    let entry = program.entry;
    if !program.segments.iter().any(|s| s.exec && (s.address..s.address + s.file_len).contains(&entry)) {
        return Err(ElfError::BadEntry);
    }
    program.headers = loaded_headers(&program, table_offset, table_len).ok_or(ElfError::HeadersNotLoaded)?;
    if named_headers.is_some_and(|address| address != program.headers) {
        return Err(ElfError::HeadersNotLoaded);
    }
    Ok(program)
}

fn segment(len: u64, entry: &[u8], bias: u64, space: &Range<u64>) -> Result<Segment, ElfError> {
    let flags = u32_at(entry, 4);
    let address = u64_at(entry, 16).checked_add(bias).ok_or(ElfError::BadSegment)?;
    let segment = Segment {
        address,
        memory_len: u64_at(entry, 40),
        file_offset: u64_at(entry, 8),
        file_len: u64_at(entry, 32),
        write: flags & PF_W != 0,
        exec: flags & PF_X != 0,
    };
    if segment.file_offset.checked_add(segment.file_len).is_none_or(|end| end > len) {
        return Err(ElfError::Truncated);
    }
    let end = address.checked_add(segment.memory_len).ok_or(ElfError::BadSegment)?;
    if segment.file_len > segment.memory_len
        || address < space.start
        || end > space.end
        || end.checked_next_multiple_of(PAGE).is_none_or(|end| end > space.end)
        || segment.file_offset % PAGE != address % PAGE
    {
        return Err(ElfError::BadSegment);
    }
    if segment.write && segment.exec {
        return Err(ElfError::WriteAndExecute);
    }
    Ok(segment)
}

/// Where the table of program headers is once the segments are loaded.
fn loaded_headers(program: &Program, offset: u64, len: u64) -> Option<u64> {
    let end = offset.checked_add(len)?;
    let segment = program.segments.iter().find(|s| offset >= s.file_offset && end <= s.file_offset + s.file_len)?;
    Some(segment.address + (offset - segment.file_offset))
}

fn part(file: &[u8], offset: u64, len: u64) -> Result<&[u8], ElfError> {
    let end = offset.checked_add(len).ok_or(ElfError::Truncated)?;
    let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok()).ok_or(ElfError::Truncated)?;
    file.get(range.0..range.1).ok_or(ElfError::Truncated)
}

fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(bytes[offset..offset + 2].try_into().expect("two bytes"))
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const SPACE: Range<u64> = 0x1_0000..0x7fff_ffff_f000;
    const BASE: u64 = 0x5555_0000_0000;

    struct Ph(u32, u32, u64, u64, u64, u64);

    fn build(kind: u16, entry: u64, headers: &[Ph]) -> Vec<u8> {
        let mut file = vec![0u8; 0x3000];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[16..18].copy_from_slice(&kind.to_le_bytes());
        file[18..20].copy_from_slice(&62u16.to_le_bytes());
        file[20..24].copy_from_slice(&1u32.to_le_bytes());
        file[24..32].copy_from_slice(&entry.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&(headers.len() as u16).to_le_bytes());
        for (index, Ph(kind, flags, offset, address, file_len, memory_len)) in headers.iter().enumerate() {
            let at = 64 + index * 56;
            file[at..at + 4].copy_from_slice(&kind.to_le_bytes());
            file[at + 4..at + 8].copy_from_slice(&flags.to_le_bytes());
            for (field, value) in [(8, offset), (16, address), (24, address), (32, file_len), (40, memory_len)] {
                file[at + field..at + field + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
        file
    }

    fn good(kind: u16, base: u64) -> Vec<u8> {
        build(
            kind,
            base + 0x1100,
            &[
                Ph(6, 4, 64, base + 64, 224, 224),
                Ph(1, 4, 0, base, 0x800, 0x800),
                Ph(1, 5, 0x1000, base + 0x1000, 0x900, 0x900),
                Ph(1, 6, 0x2010, base + 0x2010, 0x20, 0x5000),
            ],
        )
    }

    #[test]
    fn a_fixed_program() {
        let program = parse(&good(2, 0x20_0000), SPACE, BASE).unwrap();
        assert_eq!((program.entry, program.bias), (0x20_1100, 0));
        assert_eq!((program.headers, program.header_count, program.header_size), (0x20_0040, 4, 56));
        assert_eq!(program.segments.len(), 3);
        assert_eq!(program.segments[2].pages(), 0x20_2000..0x20_8000);
        assert!(program.segments[1].exec && !program.segments[1].write && program.segments[2].write);
    }

    #[test]
    fn a_position_independent_program() {
        let program = parse(&good(3, 0), SPACE, BASE).unwrap();
        assert_eq!((program.entry, program.bias, program.headers), (BASE + 0x1100, BASE, BASE + 64));
    }

    #[test]
    fn the_front_of_a_file_is_enough() {
        let file = good(2, 0x20_0000);
        let program = parse_front(&file[..0x1000], file.len() as u64, SPACE, BASE).unwrap();
        assert_eq!((program.entry, program.segments.len()), (0x20_1100, 3));
        let error = |front: usize, len: u64| parse_front(&file[..front], len, SPACE, BASE).unwrap_err();
        assert_eq!(error(0x1000, 0x2000), ElfError::Truncated);
        assert_eq!(error(100, file.len() as u64), ElfError::Truncated);
    }

    fn error(file: &[u8]) -> ElfError {
        parse(file, SPACE, BASE).unwrap_err()
    }

    #[test]
    fn what_is_no_program() {
        assert_eq!(error(b""), ElfError::NotElf);
        assert_eq!(error(&[0; 100]), ElfError::NotElf);
        assert_eq!(error(&good(1, 0x20_0000)), ElfError::WrongKind);
        let mut other = good(2, 0x20_0000);
        other[18] = 3;
        assert_eq!(error(&other), ElfError::WrongKind);
        assert_eq!(error(&build(2, 0, &[])), ElfError::BadEntry);
        assert_eq!(error(&build(3, 0x100, &[Ph(3, 4, 0, 0, 8, 8)])), ElfError::Dynamic);
    }

    #[test]
    fn bad_segments() {
        let with = |ph: Ph| build(2, 0x20_0100, &[Ph(1, 5, 0, 0x20_0000, 0x1000, 0x1000), ph]);
        assert_eq!(error(&with(Ph(1, 7, 0, 0x30_0000, 1, 1))), ElfError::WriteAndExecute);
        assert_eq!(error(&with(Ph(1, 6, 0, 0x20_0800, 1, 1))), ElfError::BadSegment);
        assert_eq!(error(&with(Ph(1, 6, 0, 0x10_0000, 1, 1))), ElfError::BadSegment);
        assert_eq!(error(&with(Ph(1, 6, 1, 0x30_0000, 1, 1))), ElfError::BadSegment);
        assert_eq!(error(&with(Ph(1, 6, 0, 0x30_0000, 2, 1))), ElfError::BadSegment);
        assert_eq!(error(&with(Ph(1, 6, 0, 0x7fff_ffff_f000, 1, 1))), ElfError::BadSegment);
        assert_eq!(error(&with(Ph(1, 6, 0, 0xffff_8000_0000_0000, 1, 1))), ElfError::BadSegment);
        assert_eq!(error(&with(Ph(1, 6, 0, 0xffff_ffff_ffff_f000, 1, u64::MAX))), ElfError::BadSegment);
        assert_eq!(error(&with(Ph(1, 6, 0x2fff, 0x30_0fff, 2, 2))), ElfError::Truncated);
        assert_eq!(error(&with(Ph(1, 6, u64::MAX, 0x30_0fff, 2, 2))), ElfError::Truncated);
        assert_eq!(error(&build(2, 0, &[Ph(1, 5, 0, 0, 0x1000, 0x1000)])), ElfError::BadSegment);
        let many: Vec<_> = (0..17).map(|i| Ph(1, 4, 0, 0x20_0000 + i * 0x1000, 0x1000, 0x1000)).collect();
        assert_eq!(error(&build(2, 0, &many)), ElfError::TooManySegments);
    }

    #[test]
    fn headers_must_be_loaded_and_entry_executable() {
        assert_eq!(
            error(&build(2, 0x20_1000, &[Ph(1, 5, 0x1000, 0x20_1000, 0x1000, 0x1000)])),
            ElfError::HeadersNotLoaded
        );
        assert_eq!(error(&build(2, 0x20_0100, &[Ph(1, 4, 0, 0x20_0000, 0x1000, 0x1000)])), ElfError::BadEntry);
        assert_eq!(error(&build(2, 0x20_1000, &[Ph(1, 5, 0, 0x20_0000, 0x1000, 0x2000)])), ElfError::BadEntry);
    }

    #[test]
    fn every_truncation_and_every_damaged_header_byte_is_survived() {
        let file = good(2, 0x20_0000);
        for len in 0..file.len() {
            let _ = parse(&file[..len], SPACE, BASE);
        }
        for at in 0..64 + 4 * 56 {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = file.clone();
                damaged[at] = byte;
                if let Ok(program) = parse(&damaged, SPACE, BASE) {
                    for segment in program.segments.iter() {
                        assert!(segment.pages().end <= SPACE.end && segment.address >= SPACE.start);
                        assert!(segment.file_offset + segment.file_len <= file.len() as u64);
                    }
                }
            }
        }
    }
}
