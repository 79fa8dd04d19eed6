//! Addresses of unix sockets.

use core::mem::offset_of;

use libc::{AF_UNIX, AF_UNSPEC, EAFNOSUPPORT, EINVAL, sa_family_t, sockaddr, sockaddr_un, socklen_t};
use ochre_socket::NAME_MAX;
use syscall::error::Result;

use crate::errno::error;

/// Where the name begins in the structure.
const NAME: usize = offset_of!(sockaddr_un, sun_path);

/// An address: a name, or none.
pub struct Address {
    family: sa_family_t,
    name: [u8; NAME_MAX],
    len: usize,
}

impl Default for Address {
    fn default() -> Self {
        Self { family: AF_UNIX as sa_family_t, name: [0; NAME_MAX], len: 0 }
    }
}

impl Address {
    /// From C.
    ///
    /// # Safety
    /// `from` leads to `len` bytes.
    pub unsafe fn read(from: *const sockaddr, len: socklen_t) -> Result<Self> {
        let len = len as usize;
        if from.is_null() || !(NAME..=size_of::<sockaddr_un>().max(size_of::<libc::sockaddr_storage>())).contains(&len)
        {
            return Err(error(EINVAL));
        }
        let mut address = Self::default();
        // SAFETY: the family lies in the first bytes; the name behind it, in what is told to be there.
        let name = unsafe {
            address.family = from.cast::<sa_family_t>().read_unaligned();
            core::slice::from_raw_parts(from.cast::<u8>().add(NAME), len - NAME)
        };
        if address.is_unspecified() {
            return Ok(address);
        }
        if address.family != AF_UNIX as sa_family_t {
            return Err(error(EAFNOSUPPORT));
        }
        let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
        if name.len() > NAME_MAX {
            return Err(error(EINVAL));
        }
        address.name[..name.len()].copy_from_slice(name);
        address.len = name.len();
        Ok(address)
    }

    /// Whether it says that there is no address.
    pub fn is_unspecified(&self) -> bool {
        self.family == AF_UNSPEC as sa_family_t
    }

    /// The name as a path. `EINVAL` when there is none: names that are not in the file system do not exist here.
    pub fn path(&self) -> Result<&[u8]> {
        if self.len == 0 { Err(error(EINVAL)) } else { Ok(&self.name[..self.len]) }
    }

    /// Room for a name.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.name
    }

    /// How long the name is.
    pub fn set_len(&mut self, len: usize) {
        self.len = len.min(NAME_MAX);
    }

    /// An address with this name.
    pub fn named(name: &[u8]) -> Self {
        let mut address = Self::default();
        address.set_len(name.len());
        address.name[..address.len].copy_from_slice(&name[..address.len]);
        address
    }

    /// To C: as much as there is room for. The length becomes that of the whole.
    ///
    /// # Safety
    /// `to` leads to `*len` bytes.
    pub unsafe fn write(&self, to: *mut sockaddr, len: *mut socklen_t) {
        if to.is_null() || len.is_null() {
            return;
        }
        let mut bytes = [0; size_of::<sockaddr_un>() + 1];
        bytes[..NAME].copy_from_slice(&self.family.to_ne_bytes());
        bytes[NAME..][..self.len].copy_from_slice(&self.name[..self.len]);
        // A name ends in a NUL that counts.
        let whole = NAME + if self.len == 0 { 0 } else { self.len + 1 };
        // SAFETY: as this function demands.
        unsafe {
            let count = whole.min(*len as usize);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast(), count);
            *len = whole as socklen_t;
        }
    }
}
