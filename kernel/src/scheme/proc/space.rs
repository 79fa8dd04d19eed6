//! Handles of address spaces.

use alloc::sync::Arc;

use ochre_abi::proc::{ANONYMOUS, AddrSpaceVerb, RemoteMap};
use syscall::error::{EINVAL, ELOOP, Error, Result};
use syscall::{CallFlags, GlobalSchemes, GrantDesc, Map, MapFlags};

use super::word;
use crate::context::Thread;
use crate::memory::space::{Place, prot};
use crate::memory::{AddressSpace, UserSlice};
use crate::scheme::object::{Holder, Io, Object, Opened};

/// A handle of an address space. Reading and writing it at an offset reads and writes its memory.
pub struct AddressSpaceHandle {
    space: Arc<AddressSpace>,
}

impl AddressSpaceHandle {
    /// Of this one.
    pub fn new(space: Arc<AddressSpace>) -> Self {
        AddressSpaceHandle { space }
    }

    /// The address space.
    pub fn space(&self) -> &Arc<AddressSpace> {
        &self.space
    }

    fn map_remote(&self, payload: UserSlice) -> Result<usize> {
        crate::memory::admit()?;
        let request: RemoteMap = payload.read_value()?;
        let flags = MapFlags::from_bits(request.flags).ok_or(Error::new(EINVAL))?;
        let map = Map { offset: request.offset, size: request.size, flags, address: request.address };
        let description = match request.fd {
            ANONYMOUS => None,
            fd => Some(Thread::current().descriptor(fd)?),
        };
        let backing = crate::syscall::memory::backing(description.as_deref(), &map)?;
        self.space.map(Place::from_flags(map.address, flags), map.size, prot(flags), backing)
    }

    fn grants(&self, payload: UserSlice) -> Result<usize> {
        let all = self.space.mappings()?;
        let size = size_of::<GrantDesc>();
        for (index, grant) in all.iter().enumerate().take(payload.len() / size) {
            payload.skip(index * size).write_value(grant)?;
        }
        Ok(all.len())
    }
}

impl Object for AddressSpaceHandle {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Proc
    }

    fn dup(&self, argument: &[u8]) -> Result<Opened> {
        crate::memory::admit()?;
        let space = match argument {
            b"" => return Ok(Opened::Same),
            b"empty" => self.space.successor()?,
            b"clone" => self.space.duplicate()?,
            _ => return Err(Error::new(EINVAL)),
        };
        Ok(Opened::Object(Arc::new(AddressSpaceHandle { space })))
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        self.space.read_remote(io.offset as usize, to)
    }

    fn write(&self, from: UserSlice, io: Io) -> Result<usize> {
        self.space.write_remote(io.offset as usize, from)
    }

    fn is_positioned(&self) -> bool {
        true
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        let verb = metadata.first().and_then(|&raw| AddrSpaceVerb::from_raw(raw)).ok_or(Error::new(EINVAL))?;
        match verb {
            AddrSpaceVerb::Mmap => self.map_remote(payload),
            AddrSpaceVerb::Munmap => self.space.unmap(word(metadata, 1)?, word(metadata, 2)?).map(|()| 0),
            AddrSpaceVerb::Mprotect => {
                let flags = MapFlags::from_bits(word(metadata, 3)?).ok_or(Error::new(EINVAL))?;
                self.space.protect(word(metadata, 1)?, word(metadata, 2)?, prot(flags)).map(|()| 0)
            }
            AddrSpaceVerb::Grants => self.grants(payload),
            AddrSpaceVerb::Enter => {
                super::thread::enter(self.space.clone(), word(metadata, 1)?, word(metadata, 2)?).map(|()| 0)
            }
        }
    }

    fn enter(&self, holder: Holder) -> Result<()> {
        if holder == Holder::Process { Err(Error::new(ELOOP)) } else { Ok(()) }
    }

    fn as_space(&self) -> Option<&AddressSpaceHandle> {
        Some(self)
    }
}
