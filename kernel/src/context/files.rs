//! Descriptor tables: numbers that user code chose, and the descriptions behind them.
//!
//! There are two ranges: the ordinary numbers from 0, and the upper ones (tag `UPPER`), where libc keeps what a program is not to see.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use ochre_abi::UPPER;
use syscall::error::{EBADF, EEXIST, EMFILE, ENOMEM, Error, Result};

use crate::scheme::Description;
use crate::sync::{Lock, level};

/// Most descriptors in each range.
pub const MAX: usize = 65_536;

/// A descriptor table; threads share it.
pub struct FileTable {
    /// Threads that have it. When the last one goes the table is emptied, even if a descriptor in it leads to the table itself.
    users: AtomicUsize,
    inner: Lock<{ level::FILES }, Tables>,
}

type Slots = Vec<Option<Arc<Description>>>;

#[derive(Clone)]
struct Tables {
    lower: Slots,
    upper: Slots,
}

impl Tables {
    fn close_all(self) {
        for description in self.lower.into_iter().chain(self.upper).flatten() {
            description.detach();
        }
    }

    #[inline]
    fn slots(&mut self, fd: usize) -> (&mut Slots, usize) {
        if fd & UPPER != 0 { (&mut self.upper, fd & !UPPER) } else { (&mut self.lower, fd) }
    }

    fn slot(&mut self, fd: usize) -> Option<&mut Option<Arc<Description>>> {
        let (slots, index) = self.slots(fd);
        slots.get_mut(index)
    }

    fn make_slot(&mut self, fd: usize) -> Result<&mut Option<Arc<Description>>> {
        let (slots, index) = self.slots(fd);
        if index >= MAX {
            return Err(Error::new(if index == !UPPER { EBADF } else { EMFILE }));
        }
        if index >= slots.len() {
            slots.try_reserve(index + 1 - slots.len()).map_err(|_| Error::new(ENOMEM))?;
            slots.resize(index + 1, None);
        }
        Ok(&mut slots[index])
    }
}

impl FileTable {
    fn of(tables: Tables) -> Arc<Self> {
        Arc::new(FileTable { users: AtomicUsize::new(0), inner: Lock::new(tables) })
    }

    /// One more thread has it.
    pub fn join(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    /// One thread less has it.
    pub fn leave(&self) {
        if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            let tables = core::mem::replace(&mut *self.inner.lock(), Tables { lower: Vec::new(), upper: Vec::new() });
            tables.close_all();
        }
    }

    /// Empty.
    pub fn new() -> Arc<Self> {
        Self::of(Tables { lower: Vec::new(), upper: Vec::new() })
    }

    /// A copy that shares the descriptions.
    pub fn duplicate(&self) -> Arc<Self> {
        let copy = self.inner.lock().clone();
        Self::of(copy)
    }

    /// The description behind a number; `EBADF`.
    #[inline]
    pub fn get(&self, fd: usize) -> Result<Arc<Description>> {
        let mut tables = self.inner.lock();
        let (slots, index) = tables.slots(fd);
        match slots.get(index) {
            Some(Some(description)) => Ok(description.clone()),
            _ => Err(Error::new(EBADF)),
        }
    }

    /// Whether a number could be used now: `EEXIST` when it is in use, `EMFILE` when it is beyond the limit.
    pub fn check_free(&self, fd: usize) -> Result<()> {
        if fd & !UPPER >= MAX {
            return Err(Error::new(EMFILE));
        }
        match self.inner.lock().slot(fd) {
            Some(Some(_)) => Err(Error::new(EEXIST)),
            _ => Ok(()),
        }
    }

    /// Puts a description at a free number; gives it back with `EEXIST` or `EMFILE`.
    pub fn insert(&self, fd: usize, description: Arc<Description>) -> Result<()> {
        let mut tables = self.inner.lock();
        let result = match tables.make_slot(fd) {
            Ok(slot) if slot.is_none() => {
                *slot = Some(description);
                return Ok(());
            }
            Ok(_) => Err(Error::new(EEXIST)),
            Err(error) => Err(error),
        };
        // The description may be dropped for good here: not with the table locked.
        drop(tables);
        drop(description);
        result
    }

    /// Puts a description at a number, in use or not; answers what was there.
    pub fn replace(&self, fd: usize, description: Arc<Description>) -> Result<Option<Arc<Description>>> {
        Ok(self.inner.lock().make_slot(fd)?.replace(description))
    }

    /// Puts descriptions at the lowest free numbers of a range; answers the numbers. All or none.
    pub fn insert_lowest(&self, descriptions: Vec<Arc<Description>>, upper: bool) -> Result<Vec<usize>> {
        let mut tables = self.inner.lock();
        let tag = if upper { UPPER } else { 0 };
        let mut numbers = Vec::new();
        let mut fd = 0;
        while numbers.len() < descriptions.len() {
            if fd >= MAX {
                drop(tables);
                return Err(Error::new(EMFILE));
            }
            if !matches!(tables.slot(fd | tag), Some(Some(_))) {
                numbers.push(fd | tag);
            }
            fd += 1;
        }
        for (&fd, description) in numbers.iter().zip(descriptions) {
            *tables.make_slot(fd)? = Some(description);
        }
        Ok(numbers)
    }

    /// Takes a description out; `EBADF`.
    pub fn remove(&self, fd: usize) -> Result<Arc<Description>> {
        self.inner.lock().slot(fd).and_then(Option::take).ok_or(Error::new(EBADF))
    }

    /// The numbers in use, ascending.
    pub fn list(&self) -> Vec<u64> {
        let tables = self.inner.lock();
        let used = |slots: &Slots, tag: usize| {
            slots
                .iter()
                .enumerate()
                .filter(|(_, slot)| slot.is_some())
                .map(|(fd, _)| (fd | tag) as u64)
                .collect::<Vec<_>>()
        };
        let mut all = used(&tables.lower, 0);
        all.extend(used(&tables.upper, UPPER));
        all
    }
}

impl Drop for FileTable {
    fn drop(&mut self) {
        let empty = Tables { lower: Vec::new(), upper: Vec::new() };
        core::mem::replace(self.inner.get_mut(), empty).close_all();
    }
}
