//! What a kernel scheme's object can be asked. Closing is dropping; what an object does not support answers as POSIX says.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::error::{EBADF, EINVAL, ENODEV, ENOTDIR, EOPNOTSUPP, EPERM, ESPIPE, Error, Result};
use syscall::{CallFlags, EventFlags, GlobalSchemes, MODE_CHR, Map, Stat, StatVfs};

use super::Description;
use super::event::EventSource;
use super::proc::{AddressSpaceHandle, FileTableHandle};
use crate::memory::UserSlice;
use crate::memory::pager::Pager;

/// How a read or write is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Io {
    /// Byte offset; only objects that say so in [`Object::is_positioned`] look at it.
    pub offset: u64,
    /// Answer `EAGAIN` instead of waiting.
    pub nonblock: bool,
}

/// What holds descriptions besides the tables of running programs. Each takes only what does not hold such descriptions itself,
/// or ranks below it: pipes below schemes, schemes below tables. So nothing holds itself, and nothing lies deep in others
/// (docs/kernel-schemes.md, "Descriptors on their way").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A pipe, until they are received.
    Pipe,
    /// A scheme, until its daemon takes them or its client gets them.
    Scheme,
    /// A descriptor table that no thread runs with.
    Table,
    /// The table of another process, which is made as a copy: handles of threads, spaces and tables are of this one.
    Process,
}

/// What `openat` and `dup` give.
pub enum Opened {
    /// A new object.
    Object(Arc<dyn Object>),
    /// A new object that can only be written; else its descriptor is as the one that was duplicated.
    Writer(Arc<dyn Object>),
    /// A descriptor of a user scheme (a socket making a descriptor to its own scheme).
    Description(Arc<Description>),
    /// The same description again.
    Same,
}

/// What a mapping of an object is to show.
pub enum MapSource {
    /// Private zero pages.
    Anonymous,
    /// Pages whose physical addresses matter: they are shared, whatever the mapping says, and never copied.
    Fixed(Arc<dyn Pager>),
    /// Pages of this, from `page` on; stores are allowed if `writable`.
    Pager {
        /// The object's pages.
        pager: Arc<dyn Pager>,
        /// First page.
        page: usize,
        /// Whether shared stores are allowed.
        writable: bool,
    },
}

/// An object of a kernel scheme.
pub trait Object: Send + Sync {
    /// The scheme it belongs to.
    fn scheme(&self) -> GlobalSchemes;

    /// Opens `path` relative to it.
    fn openat(&self, _path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        Err(Error::new(ENOTDIR))
    }

    /// A related object; an empty argument means the same description.
    fn dup(&self, argument: &[u8]) -> Result<Opened> {
        if argument.is_empty() { Ok(Opened::Same) } else { Err(Error::new(EINVAL)) }
    }

    /// Reads.
    fn read(&self, _to: UserSlice, _io: Io) -> Result<usize> {
        Err(Error::new(EBADF))
    }

    /// Writes.
    fn write(&self, _from: UserSlice, _io: Io) -> Result<usize> {
        Err(Error::new(EBADF))
    }

    /// Whether reads and writes have a position.
    fn is_positioned(&self) -> bool {
        false
    }

    /// Size for seeking from the end.
    fn size(&self) -> Result<u64> {
        Err(Error::new(ESPIPE))
    }

    /// `SYS_CALL`.
    fn call(&self, _payload: UserSlice, _flags: CallFlags, _metadata: &[u64]) -> Result<usize> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// Takes over descriptors that a client sends.
    fn send(&self, _descriptions: Vec<Arc<Description>>, _flags: CallFlags, _metadata: &[u64]) -> Result<usize> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// Gives `count` descriptors to a client.
    fn receive(
        &self,
        _count: usize,
        _flags: CallFlags,
        _metadata: &[u64],
        _nonblock: bool,
    ) -> Result<Vec<Arc<Description>>> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// Asked before a description of it is put into this; `ELOOP` when that could make it hold itself.
    fn enter(&self, _holder: Holder) -> Result<()> {
        Ok(())
    }

    /// Where those that watch it are kept; `EPERM` when it has no events.
    fn events(&self) -> Result<&EventSource> {
        Err(Error::new(EPERM))
    }

    /// What it is ready for now.
    fn readiness(&self) -> EventFlags {
        EventFlags::EVENT_NONE
    }

    /// Mapping.
    fn map(&self, _map: &Map) -> Result<MapSource> {
        Err(Error::new(ENODEV))
    }

    /// Attributes.
    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_CHR | 0o666, ..Stat::default() })
    }

    /// Attributes of the whole.
    fn statvfs(&self) -> Result<StatVfs> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// Its path within the scheme.
    fn path(&self) -> Result<String> {
        Ok(String::new())
    }

    /// Names below it, for a directory.
    fn entries(&self) -> Result<Vec<String>> {
        Err(Error::new(ENOTDIR))
    }

    /// Waits until what was written has arrived.
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// Number of the scheme whose socket it is.
    fn socket_of(&self) -> Option<u32> {
        None
    }

    /// The address space that it is a handle of.
    fn as_space(&self) -> Option<&AddressSpaceHandle> {
        None
    }

    /// The descriptor table that it is a handle of.
    fn as_files(&self) -> Option<&FileTableHandle> {
        None
    }
}
