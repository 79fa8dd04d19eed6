//! What is in files and symbolic links, and their lengths.

use ochre_socket::TOKEN;
use scheme_server::syscall::data::TimeSpec;
use scheme_server::syscall::error::{EBADF, EFBIG, EINVAL, EISDIR, Error, Result};

use crate::fs::{Clock, FileSystem};
use crate::inode::{InodeId, Kind, User};

/// Largest size of a file: the largest offset.
pub const SIZE_MAX: u64 = i64::MAX as u64;
/// Longest target of a symbolic link.
pub const TARGET_MAX: usize = 4095;

impl<C: Clock> FileSystem<C> {
    /// Sets the length of a file.
    pub fn truncate(&mut self, id: InodeId, len: u64) -> Result<()> {
        if len > SIZE_MAX {
            return Err(Error::new(EFBIG));
        }
        let now = self.clock.now();
        let (inode, store) = self.inode_and_store(id)?;
        let Kind::File(contents) = &mut inode.kind else { return Err(Error::new(EINVAL)) };
        if len < inode.size {
            contents.shrink(len, store);
        } else {
            contents.grow(inode.size, len, store);
        }
        inode.size = len;
        (inode.modified, inode.changed) = (now, now);
        Ok(())
    }

    /// Reads from a file or a symbolic link.
    #[inline]
    pub fn read(&mut self, id: InodeId, offset: u64, buf: &mut [u8]) -> Result<usize> {
        let inode = self.inodes.get_mut(id).ok_or(Error::new(EBADF))?;
        let count = match &inode.kind {
            Kind::File(contents) => {
                let count = inode.size.saturating_sub(offset).min(buf.len() as u64) as usize;
                contents.read(offset, &mut buf[..count], &self.store);
                count
            }
            Kind::Link(target) => {
                let rest = usize::try_from(offset).ok().and_then(|from| target.as_bytes().get(from..));
                let rest = rest.unwrap_or_default();
                let count = rest.len().min(buf.len());
                buf[..count].copy_from_slice(&rest[..count]);
                count
            }
            Kind::Directory(_) => return Err(Error::new(EISDIR)),
            Kind::Fifo(_) | Kind::Socket(_) => return Err(Error::new(EBADF)),
        };
        // Only the first reading after a change is worth looking at the clock.
        if count > 0 && is_before(&inode.accessed, &inode.modified) {
            inode.accessed = self.clock.now();
        }
        Ok(count)
    }

    /// Writes to a file, at its end if `append`. A symbolic link that says nothing yet takes what it is to say.
    #[inline]
    pub fn write(&mut self, id: InodeId, offset: u64, buf: &[u8], append: bool, user: User) -> Result<usize> {
        let (inode, store) = (self.inodes.get_mut(id).ok_or(Error::new(EBADF))?, &mut self.store);
        let contents = match &mut inode.kind {
            Kind::File(contents) => contents,
            Kind::Link(target) => {
                let text = str::from_utf8(buf).map_err(|_| Error::new(EINVAL))?;
                let fits = (1..=TARGET_MAX).contains(&text.len()) && !text.contains('\0');
                if !target.is_empty() || offset != 0 || !fits {
                    return Err(Error::new(EINVAL));
                }
                store.budget.charge(text.len() as u64)?;
                *target = text.into();
                inode.size = text.len() as u64;
                return Ok(buf.len());
            }
            Kind::Socket(token) => {
                let text = <[u8; TOKEN]>::try_from(buf).map_err(|_| Error::new(EINVAL))?;
                if token.is_some() {
                    return Err(Error::new(EINVAL));
                }
                *token = Some(text);
                return Ok(buf.len());
            }
            Kind::Directory(_) => return Err(Error::new(EISDIR)),
            Kind::Fifo(_) => return Err(Error::new(EBADF)),
        };
        let offset = if append { inode.size } else { offset };
        let room = SIZE_MAX.saturating_sub(offset).min(buf.len() as u64) as usize;
        if room == 0 && !buf.is_empty() {
            return Err(Error::new(EFBIG));
        }
        let count = contents.write(offset, &buf[..room], inode.size, store)?;
        if count > 0 {
            inode.size = inode.size.max(offset + count as u64);
            let now = self.clock.now();
            (inode.modified, inode.changed) = (now, now);
            if !user.is_superuser() {
                inode.drop_set_ids();
            }
        }
        Ok(count)
    }
}

#[inline]
fn is_before(a: &TimeSpec, b: &TimeSpec) -> bool {
    (a.tv_sec, a.tv_nsec) <= (b.tv_sec, b.tv_nsec)
}
