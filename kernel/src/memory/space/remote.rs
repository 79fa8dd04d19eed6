//! Access from outside: a space's memory for other spaces, for the kernel and for devices.

use core::sync::atomic::AtomicU64;

use syscall::error::{EFAULT, EINVAL, EPERM, Error, Result};

use super::{AddressSpace, check_user};
use crate::memory::pager::Page;
use crate::memory::{PAGE_SIZE, UserSlice, user};

impl AddressSpace {
    /// The frame behind an address, made present and, for `write`, private; for access from elsewhere. `EFAULT` for an address
    /// that is not user space's, or not accessible in that way.
    pub fn pin(&self, address: usize, write: bool) -> Result<Page> {
        check_user(address)?;
        self.inner.lock().pin(self.root, address, write)
    }

    /// As [`AddressSpace::pin`], of memory that is the space's own to give away: `EPERM` for what the kernel has placed.
    pub fn pin_own(&self, address: usize, write: bool) -> Result<Page> {
        check_user(address)?;
        let mut inner = self.inner.lock();
        if inner.vmas.find(address).is_some_and(|vma| !vma.backing.is_user_owned()) {
            return Err(Error::new(EPERM));
        }
        inner.pin(self.root, address, write)
    }

    /// Physical address of what is mapped at `address` now, and whether the frame is shared memory.
    #[inline]
    pub fn translate(&self, address: usize) -> Option<(u64, bool)> {
        check_user(address).ok()?;
        let inner = self.inner.lock();
        let entry = inner.table.get(address)?;
        Some((entry.address() + (address % PAGE_SIZE) as u64, entry.is_shared()))
    }

    /// Copies memory of this space out to the caller's. Answers the bytes copied before the first hole; `EFAULT` when none.
    pub fn read_remote(&self, address: usize, to: UserSlice) -> Result<usize> {
        self.remote(address, to, false)
    }

    /// Copies the caller's memory into this space, private pages being copied first; otherwise as `read_remote`.
    pub fn write_remote(&self, address: usize, from: UserSlice) -> Result<usize> {
        self.remote(address, from, true)
    }

    fn remote(&self, address: usize, local: UserSlice, write: bool) -> Result<usize> {
        if address.checked_add(local.len()).is_none_or(|end| end > ochre_abi::USER_END) {
            return Err(Error::new(EFAULT));
        }
        let mut done = 0;
        while done < local.len() {
            let (at, offset) = (address + done, (address + done) % PAGE_SIZE);
            let part = local.skip(done).first(PAGE_SIZE - offset);
            let page = match self.pin(at & !(PAGE_SIZE - 1), write) {
                Ok(Page::Counted(frame)) => frame,
                Ok(Page::Foreign(..)) | Err(_) if done > 0 => break,
                Ok(Page::Foreign(..)) => return Err(Error::new(EPERM)),
                Err(error) => return Err(error),
            };
            if write {
                part.read_to_frame(&page, offset)?
            } else {
                part.write_from_frame(&page, offset)?
            };
            done += part.len();
        }
        Ok(done)
    }

    /// Does something atomic with a word of this space, made present and private first. The space is locked meanwhile, so that no copy
    /// of it is made between the look at the page and the word. `EINVAL` for an address that is not aligned, `EFAULT` for memory
    /// that is not there, not writable, or a device's.
    pub fn with_word<R>(&self, address: usize, act: impl FnOnce(&AtomicU64) -> R) -> Result<R> {
        check_user(address)?;
        if !address.is_multiple_of(size_of::<u64>()) {
            return Err(Error::new(EINVAL));
        }
        let mut inner = self.inner.lock();
        match inner.pin(self.root, address & !(PAGE_SIZE - 1), true)? {
            Page::Counted(frame) => Ok(act(user::frame_word(&frame, address % PAGE_SIZE))),
            Page::Foreign(..) => Err(Error::new(EFAULT)),
        }
    }

    /// Copies bytes of the kernel to memory that is mapped here, whatever its protection; for loading the first program.
    pub fn fill(&self, address: usize, bytes: &[u8]) -> Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            let (at, offset) = (address + done, (address + done) % PAGE_SIZE);
            let part = (bytes.len() - done).min(PAGE_SIZE - offset);
            match self.pin(at & !(PAGE_SIZE - 1), false)? {
                Page::Counted(frame) => user::fill_frame(&frame, offset, &bytes[done..done + part]),
                Page::Foreign(..) => return Err(Error::new(EPERM)),
            }
            done += part;
        }
        Ok(())
    }
}
