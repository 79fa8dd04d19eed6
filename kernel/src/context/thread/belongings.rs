//! What a thread has: its address space and its descriptor table, for itself and for others.
//!
//! The thread itself reaches both without a lock, by its own copies; what others see is under the lock of what is shared.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use syscall::error::{EBADF, EBUSY, EFAULT, Error, Result};

use super::{Thread, state};
use crate::context::files::FileTable;
use crate::memory::AddressSpace;
use crate::scheme::Description;

impl Thread {
    /// Calls `look` with the address space of the current thread.
    #[inline]
    pub fn with_space<R>(&self, look: impl FnOnce(&Arc<AddressSpace>) -> R) -> Option<R> {
        self.space.with(|space| space.as_ref().map(look))
    }

    /// Address space of the current thread.
    pub fn space(&self) -> Result<Arc<AddressSpace>> {
        self.space.get().ok_or(Error::new(EFAULT))
    }

    /// The current thread's descriptor `fd`.
    #[inline]
    pub fn descriptor(&self, fd: usize) -> Result<Arc<Description>> {
        self.files.with(|files| files.as_ref().ok_or(Error::new(EBADF))?.get(fd))
    }

    /// Descriptor table of the current thread.
    #[inline]
    pub fn files(&self) -> Result<Arc<FileTable>> {
        self.files.get().ok_or(Error::new(EBADF))
    }

    /// Address space, for others.
    pub fn remote_space(&self) -> Option<Arc<AddressSpace>> {
        self.shared.lock().space.clone()
    }

    /// Descriptor table, for others.
    pub fn remote_files(&self) -> Option<Arc<FileTable>> {
        self.shared.lock().files.clone()
    }

    /// Gives a thread that is not started, or the current one, another address space. With nothing locked: the old one may go, and
    /// what it had mapped. `EBUSY` for a thread that is neither.
    pub fn set_space(&self, space: Option<Arc<AddressSpace>>) -> Result<()> {
        let mut shared = self.shared.lock();
        if !self.is_current() && !self.is_new() {
            return Err(Error::new(EBUSY));
        }
        self.arch.set_page_table(space.as_ref().map_or(0, |space| space.root()));
        self.reserve.store(space.as_ref().is_some_and(|space| space.has_reserve()), Ordering::Relaxed);
        let old = core::mem::replace(&mut shared.space, space.clone());
        drop(shared);
        if self.is_current() {
            match &space {
                Some(space) => {
                    space.join();
                    crate::arch::tlb::enter(space.root());
                }
                None => crate::arch::tlb::leave_user_space(),
            }
            drop(self.space.with(|own| core::mem::replace(own, space)));
            if let Some(old) = old {
                if self.is_ending() {
                    old.add_spent(self.ticks());
                }
                old.leave();
            }
        }
        Ok(())
    }

    /// Gives such a thread another descriptor table, or none. With nothing locked: the old one may go.
    pub fn set_files(&self, files: Option<Arc<FileTable>>) -> Result<()> {
        let mut shared = self.shared.lock();
        if !self.is_current() && !self.is_new() {
            return Err(Error::new(EBUSY));
        }
        let old = core::mem::replace(&mut shared.files, files.clone());
        drop(shared);
        if self.is_current() {
            if let Some(files) = &files {
                files.join();
            }
            drop(self.files.with(|own| core::mem::replace(own, files)));
            if let Some(old) = old {
                old.leave();
            }
        }
        Ok(())
    }

    /// Makes a new thread runnable; false when it was started before. Nobody can change its spaces from here on, and its
    /// descriptor table stays as long as it lives. (A thread that is not started keeps no table from being emptied: its own
    /// handle may lie there.)
    pub(in crate::context) fn leave_new(&self) -> bool {
        let shared = self.shared.lock();
        let started =
            self.state.compare_exchange(state::NEW, state::RUNNABLE, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        if started {
            if let Some(files) = &shared.files {
                files.join();
            }
            if let Some(space) = &shared.space {
                space.join();
            }
        }
        started
    }

    /// First thing the thread itself does: takes what it was given while it was new.
    pub(in crate::context) fn take_possession(&self) {
        let (space, files) = {
            let shared = self.shared.lock();
            (shared.space.clone(), shared.files.clone())
        };
        self.space.with(|own| *own = space);
        self.files.with(|own| *own = files);
    }
}
