//! Address spaces of programs to be, and descriptors that close by themselves.

use core::ops::Range;

use ochre_abi::proc::{ANONYMOUS, AddrSpaceVerb, RemoteMap};
use syscall::error::{EFAULT, Error, Result};
use syscall::flag::MapFlags;

use super::files::{self, Place};
use super::sys;

/// The number of no descriptor.
const NOTHING: usize = usize::MAX;

/// A descriptor that closes when it is dropped.
pub struct Owned(pub usize);

impl Owned {
    /// Another one made of it.
    pub fn dup(&self, what: &[u8]) -> Result<Owned> {
        files::dup(self.0, what, Place::Libc).map(Owned)
    }

    /// None: nothing is closed.
    pub const fn none() -> Self {
        Owned(NOTHING)
    }

    /// Its number, which is somebody else's to close.
    pub fn keep(self) -> usize {
        let fd = self.0;
        core::mem::forget(self);
        fd
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.0 != NOTHING {
            // There is nobody to tell, and the number is free in any case.
            let _ = files::close(self.0);
        }
    }
}

/// An address space that is being filled.
pub struct Space(pub Owned);

impl Space {
    /// Maps fresh pages.
    pub fn map(&self, pages: Range<usize>) -> Result<usize> {
        self.map_from(ANONYMOUS, 0, pages, MapFlags::PROT_READ | MapFlags::PROT_WRITE)
    }

    /// Maps a file's pages, or fresh ones, which stay private.
    pub fn map_from(&self, fd: usize, offset: usize, pages: Range<usize>, access: MapFlags) -> Result<usize> {
        let flags = access | MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED_NOREPLACE;
        let size = pages.end - pages.start;
        let request = RemoteMap { fd, offset, size, flags: flags.bits(), address: pages.start };
        sys::verb_write(self.0.0, &request, &[AddrSpaceVerb::Mmap as u64])
    }

    /// Changes the protection of pages.
    pub fn protect(&self, pages: Range<usize>, access: MapFlags) -> Result<usize> {
        let size = pages.end - pages.start;
        sys::verb(self.0.0, &[AddrSpaceVerb::Mprotect as u64, pages.start as u64, size as u64, access.bits() as u64])
    }

    /// Writes to memory that may be written.
    pub fn write(&self, mut address: usize, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match sys::write_at(self.0.0, bytes.as_ptr(), bytes.len(), address as u64)? {
                0 => return Err(Error::new(EFAULT)),
                count => {
                    address += count;
                    bytes = &bytes[count..];
                }
            }
        }
        Ok(())
    }
}
