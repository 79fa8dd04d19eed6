//! The `memory` scheme: memory to map.
//!
//! | path | gives | needs |
//! |---|---|---|
//! | `""`, `zeroed` | zero pages | |
//! | `zeroed?phys_contiguous` | zero pages in a row in physical memory, for devices | user 0 |
//! | `physical@TYPE` | physical memory from the mapping's offset on: device registers, firmware tables | user 0 |
//! | `initfs` | the archive the system was started with, read-only | |
//! | `translation` | physical addresses of the caller's memory | user 0 |
//!
//! `TYPE` is `wb` (write-back, the default), `wc` (write-combining) or `uc` (uncached). Ordinary memory is only ever write-back, as
//! the kernel's linear map has it.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use syscall::error::{EACCES, EFAULT, EINVAL, ENOENT, EPERM, Error, Result};
use syscall::{CallFlags, GlobalSchemes, MODE_CHR, MODE_FILE, Map, MapFlags, Stat, StatVfs};

use super::object::{Io, MapSource, Object};
use crate::arch::paging::Cache;
use crate::context::Thread;
use crate::memory::pager::{Physical, SharedMemory};
use crate::memory::{Frame, PAGE_SIZE, UserSlice, frames, page_round_up};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Zeroed { contiguous: bool },
    Physical { cache: Cache },
    Initfs,
    Translation,
}

struct Handle(Kind);

/// The scheme's root.
pub struct Root;

fn statvfs() -> Result<StatVfs> {
    let free = frames::free() as u64;
    Ok(StatVfs {
        f_bsize: PAGE_SIZE as u32,
        f_blocks: frames::total() as u64,
        f_bfree: free,
        f_bavail: free.saturating_sub(frames::RESERVE as u64),
    })
}

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Memory
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        let kind = parse(path)?;
        let privileged = kind != Kind::Initfs && kind != Kind::Zeroed { contiguous: false };
        if privileged && Thread::current().euid.load(Ordering::Relaxed) != 0 {
            return Err(Error::new(EACCES));
        }
        Ok(Arc::new(Handle(kind)))
    }

    fn statvfs(&self) -> Result<StatVfs> {
        statvfs()
    }
}

fn parse(path: &str) -> Result<Kind> {
    let (path, contiguous) = match path.split_once('?') {
        Some((path, "phys_contiguous")) => (path, true),
        Some(_) => return Err(Error::new(EINVAL)),
        None => (path, false),
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
        "" | "zeroed" if cache_type == Cache::WriteBack => Ok(Kind::Zeroed { contiguous }),
        "" | "zeroed" => Err(Error::new(EINVAL)),
        "physical" if !contiguous => Ok(Kind::Physical { cache: cache_type }),
        "initfs" if cache.is_none() && !contiguous => Ok(Kind::Initfs),
        "translation" if cache.is_none() && !contiguous => Ok(Kind::Translation),
        _ => Err(Error::new(ENOENT)),
    }
}

/// Physical address and pages of the initfs.
fn initfs() -> Result<(u64, usize, usize)> {
    let (start, end) = crate::initfs_range().ok_or(Error::new(ENOENT))?;
    let len = (end - start) as usize;
    Ok((start, len.div_ceil(PAGE_SIZE), len))
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
                // Physical addresses have at most 52 bits (Intel SDM volume 3, section 4.1.4).
                if base.checked_add(len as u64).is_none_or(|end| end > 1 << 52) {
                    return Err(Error::new(EINVAL));
                }
                Ok(MapSource::Fixed(Arc::new(Physical { base, pages, cache })))
            }
            Kind::Initfs => {
                let (base, total, _) = initfs()?;
                if first >= total {
                    return Err(Error::new(EINVAL));
                }
                let pager = Arc::new(Physical { base, pages: total, cache: Cache::WriteBack });
                Ok(MapSource::Pager { pager, page: first, writable: false })
            }
            Kind::Translation => Err(Error::new(EPERM)),
        }
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, _metadata: &[u64]) -> Result<usize> {
        if self.0 != Kind::Translation {
            return Err(Error::new(EINVAL));
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
            Kind::Initfs => Stat { st_mode: MODE_FILE | 0o444, st_size: initfs()?.2 as u64, ..Stat::default() },
            _ => Stat { st_mode: MODE_CHR | 0o666, ..Stat::default() },
        })
    }

    fn statvfs(&self) -> Result<StatVfs> {
        statvfs()
    }
}
