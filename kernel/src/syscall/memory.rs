//! Mapping memory.

use syscall::error::{EACCES, EINVAL, Error, Result};
use syscall::{Map, MapFlags, MremapFlags, O_ACCMODE, O_RDONLY, O_WRONLY};

use crate::context::Thread;
use crate::memory::space::{Backing, Place, anonymous, prot};
use crate::memory::{PAGE_SIZE, UserSlice, admit};
use crate::scheme::{Description, MapSource, Target};

/// What a mapping of `description` (`None`: fresh zero pages) is backed by. A mapping that is not said to be shared is private.
pub fn backing(description: Option<&Description>, map: &Map) -> Result<Backing> {
    let shared = map.flags.contains(MapFlags::MAP_SHARED);
    if shared && map.flags.contains(MapFlags::MAP_PRIVATE) || !map.offset.is_multiple_of(PAGE_SIZE) || map.size == 0 {
        return Err(Error::new(EINVAL));
    }
    let Some(description) = description else {
        return anonymous(shared, map.size);
    };
    let mode = description.flags() & O_ACCMODE;
    let wants_write = shared && map.flags.contains(MapFlags::PROT_WRITE);
    match &description.target {
        Target::User { scheme, number } => {
            if mode == O_WRONLY || (wants_write && mode == O_RDONLY) {
                return Err(Error::new(EACCES));
            }
            scheme.map(*number, map.offset, map.size, map.flags)
        }
        Target::Kernel(object) => match object.map(map)? {
            MapSource::Anonymous => Ok(Backing::Anonymous),
            MapSource::Fixed(pager) => {
                Ok(Backing::Object { pager, page: 0, private: false, writable: mode != O_RDONLY })
            }
            MapSource::Pager { pager, page, writable } => {
                let writable = writable && mode != O_RDONLY;
                Ok(Backing::Object { pager, page, private: !shared, writable })
            }
        },
    }
}

/// `SYS_FMAP`: descriptor (or `usize::MAX`), address of a `Map`, its length.
pub fn map(fd: usize, address: usize, len: usize) -> Result<usize> {
    admit()?;
    let map: Map = UserSlice::new(address, len)?.read_value()?;
    if map.flags.bits() & !MapFlags::all().bits() != 0 {
        return Err(Error::new(EINVAL));
    }
    let me = Thread::current();
    let description = if fd == usize::MAX { None } else { Some(me.descriptor(fd)?) };
    let backing = backing(description.as_deref(), &map)?;
    me.space()?.map(Place::from_flags(map.address, map.flags), map.size, prot(map.flags), backing)
}

/// `SYS_FUNMAP`: address, length.
pub fn unmap(address: usize, len: usize) -> Result<usize> {
    Thread::current().space()?.unmap(address, len).map(|()| 0)
}

/// `SYS_MPROTECT`: address, length, `MapFlags`.
pub fn protect(address: usize, len: usize, flags: usize) -> Result<usize> {
    let flags = MapFlags::from_bits(flags).ok_or(Error::new(EINVAL))?;
    Thread::current().space()?.protect(address, len, prot(flags)).map(|()| 0)
}

/// `SYS_MREMAP`: old address and length, new address and length, `MremapFlags` with protection bits.
pub fn remap(old: usize, old_len: usize, new: usize, new_len: usize, flags: usize) -> Result<usize> {
    admit()?;
    let how = MremapFlags::from_bits_truncate(flags);
    let place = if how.contains(MremapFlags::FIXED_REPLACE) {
        Place::Replace(new)
    } else if how.contains(MremapFlags::FIXED) {
        Place::Exact(new)
    } else {
        Place::Hint(new)
    };
    let protection = prot(MapFlags::from_bits_truncate(flags));
    let keep = how.contains(MremapFlags::KEEP_OLD);
    Thread::current().space()?.remap(old, old_len, place, new_len, protection, keep)
}
