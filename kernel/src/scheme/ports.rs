//! Ranges of I/O ports, for drivers that are to have these and no others: path `ports?FIRST-LAST` of the scheme `memory`
//! (hexadecimal, user 0). A read or write of 1, 2 or 4 bytes at an offset is one access to the port that far behind the first.

use alloc::format;
use alloc::string::String;

use syscall::error::{EINVAL, Error, Result};
use syscall::{GlobalSchemes, MODE_CHR, Stat};

use super::memory::Range;
use super::object::{Io, Object};
use crate::arch::port;
use crate::memory::UserSlice;

/// A range of ports.
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// The range that is written so. `EINVAL` for what is none.
    pub fn open(text: &str) -> Result<Self> {
        let Range { first, last } = Range::parse(text)?;
        let port = |number: u64| u16::try_from(number).map_err(|_| Error::new(EINVAL));
        Ok(Ports { first: port(first)?, last: port(last)? })
    }

    /// The port at an offset, of which so many bytes are wanted: aligned, and all within the range.
    fn at(&self, offset: u64, len: usize) -> Result<u16> {
        let port = offset.checked_add(u64::from(self.first)).ok_or(Error::new(EINVAL))?;
        let fits = matches!(len, 1 | 2 | 4) && port.is_multiple_of(len as u64);
        if !fits || port + len as u64 - 1 > u64::from(self.last) {
            return Err(Error::new(EINVAL));
        }
        Ok(port as u16)
    }
}

impl Object for Ports {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Memory
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        let at = self.at(io.offset, to.len())?;
        let value = port::read_for_user(at, to.len()).to_le_bytes();
        to.write(&value[..to.len()])?;
        Ok(to.len())
    }

    fn write(&self, from: UserSlice, io: Io) -> Result<usize> {
        let at = self.at(io.offset, from.len())?;
        let mut value = [0; 4];
        from.read(&mut value[..from.len()])?;
        port::write_for_user(at, from.len(), u32::from_le_bytes(value));
        Ok(from.len())
    }

    fn is_positioned(&self) -> bool {
        true
    }

    fn stat(&self) -> Result<Stat> {
        let st_size = u64::from(self.last - self.first) + 1;
        Ok(Stat { st_mode: MODE_CHR | 0o600, st_size, ..Stat::default() })
    }

    fn path(&self) -> Result<String> {
        Ok(format!("ports?{:x}-{:x}", self.first, self.last))
    }
}
