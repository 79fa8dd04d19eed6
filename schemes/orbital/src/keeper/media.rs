//! What is copied or dragged: a letter that says what it is, and bytes.

use scheme_server::syscall::error::{EBADF, EINVAL, ENOSPC, Error, Result};

use crate::protocol;

/// A descriptor of the clipboard or of what is dragged. It either reads what is there or writes something new; what it does
/// first decides.
#[derive(Debug, Default)]
pub enum Media {
    /// Nothing has been done with it.
    #[default]
    Fresh,
    /// It reads; so many bytes have been.
    Reading(Vec<u8>, usize),
    /// It writes. What it has written counts when it is closed.
    Writing(Vec<u8>),
}

impl Media {
    /// Reads on. `content` is what is there when reading begins, which does not change while it goes on.
    pub fn read(&mut self, buf: &mut [u8], content: &[u8]) -> Result<usize> {
        if matches!(self, Self::Fresh) {
            *self = Self::Reading(content.to_vec(), 0);
        }
        let Self::Reading(content, at) = self else { return Err(Error::new(EBADF)) };
        let count = buf.len().min(content.len() - *at);
        buf[..count].copy_from_slice(&content[*at..*at + count]);
        *at += count;
        Ok(count)
    }

    /// Writes on, up to `room` bytes in all.
    pub fn write(&mut self, buf: &[u8], room: usize) -> Result<usize> {
        if matches!(self, Self::Fresh) {
            let letter = buf.first().ok_or(Error::new(EINVAL))?;
            protocol::media(*letter).map_err(|_| Error::new(EINVAL))?;
            *self = Self::Writing(Vec::new());
        }
        let Self::Writing(content) = self else { return Err(Error::new(EBADF)) };
        if content.len() + buf.len() > room {
            return Err(Error::new(ENOSPC));
        }
        content.extend(buf);
        Ok(buf.len())
    }

    /// What it has written.
    pub fn written(self) -> Option<Vec<u8>> {
        match self {
            Self::Writing(content) => Some(content),
            _ => None,
        }
    }
}
