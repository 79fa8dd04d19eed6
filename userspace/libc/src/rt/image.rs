//! Program files: found, looked at, and loaded into a new address space.

use core::mem::MaybeUninit;
use core::ops::Range;

use ochre_abi::elf::{self, Program, Segment};
use ochre_abi::{PIE_BASE, STACK_SIZE, STACK_TOP, USER_BASE};
use syscall::data::Stat;
use syscall::error::{EACCES, EIO, ENOEXEC, Error, Result};
use syscall::flag::{MODE_FILE, MODE_TYPE, MapFlags, O_RDONLY};

use super::files::Place;
use super::path::Canonical;
use super::space::{Owned, Space};
use super::tcb::PAGE;
use super::{resolve, sys, thread};

/// Where programs may lie.
const PROGRAM_SPACE: Range<u64> = USER_BASE as u64..(STACK_TOP - STACK_SIZE) as u64;
/// Bytes of a file that are looked at.
const FRONT: usize = PAGE;
/// Bytes that are read at a time, where a file cannot be mapped.
const PIECE: usize = 16 * PAGE;

/// Where a program's bytes are.
// `exec` makes one, on its stack, and uses no heap.
#[allow(clippy::large_enum_variant)]
pub enum Source<'a> {
    /// In memory.
    Memory(&'a [u8]),
    /// In a file.
    File(File),
    /// In a part of what a descriptor stands for.
    Part(Part<'a>),
}

/// A program file from `offset` on, with its front in memory.
pub struct Part<'a> {
    /// What it is part of.
    pub fd: usize,
    /// A multiple of the page size.
    pub offset: usize,
    /// Bytes of the file.
    pub len: u64,
    /// The first of them.
    pub front: &'a [u8],
}

/// An open program file and its front.
pub struct File {
    fd: Owned,
    len: u64,
    front: [MaybeUninit<u8>; FRONT],
    front_len: usize,
}

impl File {
    /// Opens a file that is to be executed. `EACCES` for what is none, or may not be.
    pub fn open(path: Canonical) -> Result<Self> {
        let fd = Owned(resolve::open(path, O_RDONLY, Place::Libc)?);
        let stat = sys::fstat(fd.0)?;
        if stat.st_mode & MODE_TYPE != MODE_FILE || !may_execute(&stat)? {
            return Err(Error::new(EACCES));
        }
        let mut file = File { fd, len: stat.st_size, front: [const { MaybeUninit::uninit() }; FRONT], front_len: 0 };
        while file.front_len < FRONT {
            let room = &mut file.front[file.front_len..];
            // SAFETY: the room is ours to be written.
            match unsafe { sys::read_at(file.fd.0, room.as_mut_ptr().cast(), room.len(), file.front_len as u64)? } {
                0 => break,
                count => file.front_len += count.min(room.len()),
            }
        }
        Ok(file)
    }

    /// The first bytes of the file.
    pub fn front(&self) -> &[u8] {
        // SAFETY: so many were read.
        unsafe { self.front[..self.front_len].assume_init_ref() }
    }
}

/// Whether the permissions let this process execute the file.
fn may_execute(stat: &Stat) -> Result<bool> {
    let me = thread::attributes()?;
    let bits = if me.euid == 0 {
        stat.st_mode | stat.st_mode >> 3 | stat.st_mode >> 6
    } else if stat.st_uid == me.euid {
        stat.st_mode >> 6
    } else if stat.st_gid == me.egid || crate::process::is_member(stat.st_gid) {
        stat.st_mode >> 3
    } else {
        stat.st_mode
    };
    Ok(bits & 1 != 0)
}

impl Source<'_> {
    /// What the program is. `ENOEXEC`.
    pub fn program(&self) -> Result<Program> {
        let parsed = match self {
            Source::Memory(image) => elf::parse(image, PROGRAM_SPACE, PIE_BASE as u64),
            Source::File(file) => elf::parse_front(file.front(), file.len, PROGRAM_SPACE, PIE_BASE as u64),
            Source::Part(part) => elf::parse_front(part.front, part.len, PROGRAM_SPACE, PIE_BASE as u64),
        };
        parsed.map_err(|_| Error::new(ENOEXEC))
    }

    /// What can be mapped and read: a descriptor, and where in it the program file begins.
    fn place(&self) -> Option<(usize, usize)> {
        match self {
            Source::Memory(_) => None,
            Source::File(file) => Some((file.fd.0, 0)),
            Source::Part(part) => Some((part.fd, part.offset)),
        }
    }

    /// Puts the program into a space.
    pub fn load(&self, program: &Program, space: &Space) -> Result<()> {
        for segment in program.segments.iter() {
            let loaded = match self.place() {
                Some(place) => map_segment(place, segment, space)?,
                None => false,
            };
            if !loaded {
                self.copy_segment(segment, space)?;
            }
        }
        Ok(())
    }

    /// Loads a segment by copying its bytes.
    fn copy_segment(&self, segment: &Segment, space: &Space) -> Result<()> {
        let pages = pages(segment);
        space.map(pages.clone())?;
        match self {
            Source::Memory(image) => {
                let bytes = segment.file_offset as usize..(segment.file_offset + segment.file_len) as usize;
                space.write(segment.address as usize, &image[bytes])?;
            }
            Source::File(file) => read_into((file.fd.0, 0), segment, space)?,
            Source::Part(part) => read_into((part.fd, part.offset), segment, space)?,
        }
        let access = access(segment);
        if access != MapFlags::PROT_READ | MapFlags::PROT_WRITE {
            space.protect(pages, access)?;
        }
        Ok(())
    }
}

fn pages(segment: &Segment) -> Range<usize> {
    segment.pages().start as usize..segment.pages().end as usize
}

fn access(segment: &Segment) -> MapFlags {
    let mut flags = MapFlags::PROT_READ;
    flags.set(MapFlags::PROT_WRITE, segment.write);
    flags.set(MapFlags::PROT_EXEC, segment.exec);
    flags
}

/// Maps a segment; false when its scheme does not give files to be mapped.
fn map_segment((fd, base): (usize, usize), segment: &Segment, space: &Space) -> Result<bool> {
    let all = pages(segment);
    let begin = segment.address as usize % PAGE;
    let in_file = (begin + segment.file_len as usize).next_multiple_of(PAGE);
    let from_file = all.start..all.start + in_file;
    if segment.file_len == 0 {
        return Ok(false);
    }
    let offset = base + segment.file_offset as usize - begin;
    if space.map_from(fd, offset, from_file.clone(), access(segment)).is_err() {
        // Whatever the reason: reading tells it better.
        return Ok(false);
    }
    let end = (segment.address + segment.file_len) as usize;
    if segment.memory_len > segment.file_len && !end.is_multiple_of(PAGE) {
        // What follows in the file is not the program's.
        const ZEROS: [u8; PAGE] = [0; PAGE];
        space.write(end, &ZEROS[..PAGE - end % PAGE])?;
    }
    if from_file.end < all.end {
        space.map_from(ochre_abi::proc::ANONYMOUS, 0, from_file.end..all.end, access(segment))?;
    }
    Ok(true)
}

/// Reads a segment's bytes from the file into pages that may be written.
fn read_into((fd, base): (usize, usize), segment: &Segment, space: &Space) -> Result<()> {
    let size = PIECE.min((segment.file_len as usize).next_multiple_of(PAGE));
    if size == 0 {
        return Ok(());
    }
    let room = sys::map_anonymous(size)?;
    let mut done = 0;
    let result = loop {
        let left = segment.file_len - done;
        if left == 0 {
            break Ok(());
        }
        let want = size.min(left as usize);
        // SAFETY: the fresh mapping is ours, and has so many bytes.
        let read = unsafe { sys::read_at(fd, room as *mut u8, want, base as u64 + segment.file_offset + done) };
        // SAFETY: as above; they were just read.
        let bytes = |count| unsafe { core::slice::from_raw_parts(room as *const u8, count) };
        match read {
            // The file has become shorter.
            Ok(0) => break Err(Error::new(EIO)),
            Ok(count) => {
                let count = count.min(want);
                if let Err(error) = space.write((segment.address + done) as usize, bytes(count)) {
                    break Err(error);
                }
                done += count as u64;
            }
            Err(error) => break Err(error),
        }
    };
    // SAFETY: nobody uses it any more.
    let _ = unsafe { sys::funmap(room, size) };
    result
}
