//! The `memory` scheme: memory to map.
//!
//! | path | gives | needs |
//! |---|---|---|
//! | `""`, `zeroed` | zero pages | |
//! | `zeroed?phys_contiguous` | zero pages in a row in physical memory, for devices | user 0 |
//! | `physical@TYPE` | physical memory from the mapping's offset on: device registers, firmware tables | user 0 |
//! | `physical@TYPE?FIRST-LAST` | of that only these addresses; offsets count from the first | user 0 |
//! | `framebuffer` | the loader's frame buffer, write-combining | user 0 |
//! | `ports?FIRST-LAST` | I/O ports: see `ports` | user 0 |
//! | `initfs` | the archive the system was started with, read-only; `SYS_CALL` gives a file's memory back | user 0 for the latter |
//! | `translation` | physical addresses of the caller's memory | user 0 |
//!
//! `TYPE` is `wb` (write-back, the default), `wc` (write-combining) or `uc` (uncached). Ordinary memory is only ever write-back, as
//! the kernel's linear map has it. A descriptor of a range can be given to a driver, which reaches nothing else by it.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use ochre_abi::memory::GIVE_BACK;
use syscall::error::{EACCES, EFAULT, EINVAL, ENAMETOOLONG, ENODEV, ENOENT, EPERM, Error, Result};
use syscall::{CallFlags, GlobalSchemes, MODE_CHR, MODE_FILE, Map, MapFlags, Stat, StatVfs};

use super::object::{Io, MapSource, Object};
use super::ports::Ports;
use crate::arch::paging::Cache;
use crate::context::Thread;
use crate::memory::pager::{Physical, SharedMemory};
use crate::memory::{Frame, PAGE_SIZE, UserSlice, archive, frames, page_round_up, reserve};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zeroed {
        contiguous: bool,
    },
    Physical {
        cache: Cache,
    },
    /// Physical memory from `base` on, whole pages.
    Range {
        base: u64,
        pages: usize,
        cache: Cache,
    },
    Initfs,
    Translation,
}

struct Handle(Kind);

/// Longest path of a file that is given back.
const PATH_MAX: usize = 256;

/// Physical addresses have at most 52 bits (Intel SDM volume 3, section 4.1.4).
const PHYSICAL_END: u64 = 1 << 52;

/// The scheme's root.
pub struct Root;

fn demand_superuser() -> Result<()> {
    if Thread::current().euid.load(Ordering::Relaxed) == 0 { Ok(()) } else { Err(Error::new(EACCES)) }
}

fn statvfs() -> Result<StatVfs> {
    let free = frames::free() as u64;
    Ok(StatVfs {
        f_bsize: PAGE_SIZE as u32,
        f_blocks: frames::total() as u64,
        f_bfree: free,
        f_bavail: free.saturating_sub(reserve::held_back() as u64),
    })
}

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Memory
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        if let Some(range) = path.strip_prefix("ports?") {
            demand_superuser()?;
            return Ok(Arc::new(Ports::open(range)?));
        }
        let kind = parse(path)?;
        let privileged = kind != Kind::Initfs && kind != Kind::Zeroed { contiguous: false };
        if privileged {
            demand_superuser()?;
        }
        Ok(Arc::new(Handle(kind)))
    }

    fn statvfs(&self) -> Result<StatVfs> {
        statvfs()
    }
}

fn parse(path: &str) -> Result<Kind> {
    let (path, contiguous, range) = match path.split_once('?') {
        Some((path, "phys_contiguous")) => (path, true, None),
        Some((path, range)) => (path, false, Some(Range::parse(range)?)),
        None => (path, false, None),
    };
    let (name, cache) = match path.split_once('@') {
        Some((name, kind)) => (name, Some(kind)),
        None => (path, None),
    };
    let cache_type = match cache {
        None | Some("wb") => Cache::WriteBack,
        Some("wc") => Cache::WriteCombining,
        Some("uc") => Cache::Uncached,
        Some(_) => return Err(Error::new(EINVAL)),
    };
    match name {
        "physical" => match range {
            _ if contiguous => Err(Error::new(EINVAL)),
            Some(range) => range.of_pages(cache_type),
            None => Ok(Kind::Physical { cache: cache_type }),
        },
        _ if range.is_some() => Err(Error::new(EINVAL)),
        "framebuffer" if cache.is_none() && !contiguous => framebuffer(),
        "" | "zeroed" if cache_type == Cache::WriteBack => Ok(Kind::Zeroed { contiguous }),
        "" | "zeroed" => Err(Error::new(EINVAL)),
        "initfs" if cache.is_none() && !contiguous => Ok(Kind::Initfs),
        "translation" if cache.is_none() && !contiguous => Ok(Kind::Translation),
        _ => Err(Error::new(ENOENT)),
    }
}

/// The numbers behind a question mark: the first and the last of a range, hexadecimal.
pub(super) struct Range {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Range {
    /// `EINVAL` for what is no range.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let number = |text| u64::from_str_radix(text, 16).map_err(|_| Error::new(EINVAL));
        let (first, last) = text.split_once('-').ok_or(Error::new(EINVAL))?;
        let (first, last) = (number(first)?, number(last)?);
        if first <= last { Ok(Range { first, last }) } else { Err(Error::new(EINVAL)) }
    }

    /// The range as memory: whole pages below [`PHYSICAL_END`].
    fn of_pages(self, cache: Cache) -> Result<Kind> {
        let end = self.last.checked_add(1).filter(|&end| end <= PHYSICAL_END).ok_or(Error::new(EINVAL))?;
        if !self.first.is_multiple_of(PAGE_SIZE as u64) || !end.is_multiple_of(PAGE_SIZE as u64) {
            return Err(Error::new(EINVAL));
        }
        Ok(Kind::Range { base: self.first, pages: ((end - self.first) / PAGE_SIZE as u64) as usize, cache })
    }
}

/// The loader's frame buffer as whole pages.
fn framebuffer() -> Result<Kind> {
    let shape = crate::arch::boot::info().and_then(|info| info.framebuffer).ok_or(Error::new(ENODEV))?;
    let start = shape.address as usize % PAGE_SIZE;
    let pages = (start + shape.bytes()).div_ceil(PAGE_SIZE);
    Ok(Kind::Range { base: shape.address - start as u64, pages, cache: Cache::WriteCombining })
}

/// The payload is the path of a file in the initfs, whose memory is free from now on.
fn give_back(path: UserSlice) -> Result<usize> {
    demand_superuser()?;
    let mut bytes = [0; PATH_MAX];
    let bytes = bytes.get_mut(..path.len()).ok_or(Error::new(ENAMETOOLONG))?;
    path.read(bytes)?;
    archive::get()?.give_back(str::from_utf8(bytes).map_err(|_| Error::new(EINVAL))?)
}

impl Object for Handle {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Memory
    }

    fn map(&self, map: &Map) -> Result<MapSource> {
        let len = page_round_up(map.size).filter(|&len| len != 0).ok_or(Error::new(EINVAL))?;
        let (pages, first) = (len / PAGE_SIZE, map.offset / PAGE_SIZE);
        match self.0 {
            Kind::Zeroed { contiguous: true } => Ok(MapSource::Fixed(SharedMemory::of(Frame::contiguous(pages)?)?)),
            Kind::Zeroed { .. } if map.flags.contains(MapFlags::MAP_SHARED) => {
                Ok(MapSource::Pager { pager: SharedMemory::new(pages)?, page: 0, writable: true })
            }
            Kind::Zeroed { .. } => Ok(MapSource::Anonymous),
            Kind::Physical { cache } => {
                if !map.flags.contains(MapFlags::MAP_SHARED) {
                    return Err(Error::new(EINVAL));
                }
                let base = map.offset as u64;
                if base.checked_add(len as u64).is_none_or(|end| end > PHYSICAL_END) {
                    return Err(Error::new(EINVAL));
                }
                Ok(MapSource::Fixed(Arc::new(Physical { base, pages, cache })))
            }
            Kind::Range { base, pages: total, cache } => {
                let inside = first.checked_add(pages).is_some_and(|end| end <= total);
                if !inside || !map.flags.contains(MapFlags::MAP_SHARED) {
                    return Err(Error::new(EINVAL));
                }
                Ok(MapSource::Fixed(Arc::new(Physical { base: base + map.offset as u64, pages, cache })))
            }
            Kind::Initfs => {
                let pager = archive::get()?;
                if first >= pager.len().div_ceil(PAGE_SIZE) {
                    return Err(Error::new(EINVAL));
                }
                Ok(MapSource::Pager { pager, page: first, writable: false })
            }
            Kind::Translation => Err(Error::new(EPERM)),
        }
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        match self.0 {
            Kind::Translation => {}
            Kind::Initfs if metadata.first() == Some(&GIVE_BACK) => return give_back(payload),
            _ => return Err(Error::new(EINVAL)),
        }
        let address: u64 = payload.read_value()?;
        let space = Thread::current().space()?;
        let _touched = space.pin(address as usize & !(PAGE_SIZE - 1), false)?;
        let (physical, _) = space.translate(address as usize).ok_or(Error::new(EFAULT))?;
        payload.write_value(&physical)?;
        Ok(0)
    }

    fn read(&self, _to: UserSlice, _io: Io) -> Result<usize> {
        Err(Error::new(EINVAL))
    }

    fn stat(&self) -> Result<Stat> {
        Ok(match self.0 {
            Kind::Initfs => {
                Stat { st_mode: MODE_FILE | 0o444, st_size: archive::get()?.len() as u64, ..Stat::default() }
            }
            Kind::Range { pages, .. } => {
                Stat { st_mode: MODE_FILE | 0o600, st_size: (pages * PAGE_SIZE) as u64, ..Stat::default() }
            }
            _ => Stat { st_mode: MODE_CHR | 0o666, ..Stat::default() },
        })
    }

    fn statvfs(&self) -> Result<StatVfs> {
        statvfs()
    }
}
