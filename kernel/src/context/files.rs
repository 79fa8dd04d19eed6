//! Descriptor tables: numbers that user code chose, and the descriptions behind them.
//!
//! There are two ranges: the ordinary numbers from 0, and the upper ones (tag `UPPER`), where libc keeps what a program is not to see.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use ochre_abi::UPPER;
use syscall::error::{EBADF, EBUSY, EEXIST, EMFILE, Error, Result};

use crate::memory::reserve;
use crate::scheme::{Description, Holder};
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

/// The descriptors of one range.
struct Range {
    slots: Slots,
    /// All numbers below this are in use.
    lowest: usize,
    /// Numbers from here on cannot be used.
    limit: usize,
}

impl Range {
    const fn new() -> Self {
        Range { slots: Vec::new(), lowest: 0, limit: MAX }
    }

    fn is_used(&self, index: usize) -> bool {
        matches!(self.slots.get(index), Some(Some(_)))
    }

    /// The numbers in use from `from` on, ascending.
    fn used(&self, from: usize) -> impl Iterator<Item = usize> {
        self.slots.iter().enumerate().skip(from).filter(|(_, slot)| slot.is_some()).map(|(index, _)| index)
    }

    /// The place of a number, which may be in use; `EMFILE`, `EBADF`, `ENOMEM`.
    fn make_slot(&mut self, index: usize) -> Result<&mut Option<Arc<Description>>> {
        if index >= self.limit {
            return Err(Error::new(if index == !UPPER { EBADF } else { EMFILE }));
        }
        if index >= self.slots.len() {
            if index >= self.slots.capacity() {
                // Twice as many at least, so that a table that grows by ones is not copied each time.
                let len = self.slots.len();
                reserve(&mut self.slots, (index + 1).max((2 * len).min(self.limit)) - len)?;
            }
            self.slots.resize(index + 1, None);
        }
        Ok(&mut self.slots[index])
    }

    fn take(&mut self, index: usize) -> Option<Arc<Description>> {
        let description = self.slots.get_mut(index)?.take();
        if description.is_some() {
            self.lowest = self.lowest.min(index);
        }
        description
    }

    /// The `count` lowest free numbers, for which there are places then; `EMFILE`, `ENOMEM`.
    fn find_free(&mut self, count: usize) -> Result<Vec<usize>> {
        let mut free = Vec::new();
        let mut index = self.lowest;
        while free.len() < count {
            if index >= self.limit {
                self.lowest = free.first().copied().unwrap_or(self.limit);
                return Err(Error::new(EMFILE));
            }
            if !self.is_used(index) {
                free.push(index);
            }
            index += 1;
        }
        if let (Some(&first), Some(&last)) = (free.first(), free.last()) {
            self.lowest = first;
            self.make_slot(last)?;
        }
        Ok(free)
    }

    /// Becomes `other`, with what is here already instead of what is at the same numbers there; that is in `other` then.
    fn fill_up(&mut self, other: &mut Range) -> Result<()> {
        let more = self.slots.len().saturating_sub(other.slots.len());
        reserve(&mut other.slots, more)?;
        other.slots.resize(other.slots.len() + more, None);
        for (own, other) in self.slots.iter_mut().zip(&mut other.slots) {
            if own.is_some() {
                core::mem::swap(own, other);
            }
        }
        core::mem::swap(&mut self.slots, &mut other.slots);
        self.lowest = 0;
        Ok(())
    }

    /// A copy of what the holder takes.
    fn duplicate(&self, holder: Holder) -> Result<Self> {
        let mut slots = Slots::new();
        reserve(&mut slots, self.slots.len())?;
        let allowed = |description: &&Arc<Description>| description.enter(holder).is_ok();
        slots.extend(self.slots.iter().map(|slot| slot.as_ref().filter(allowed).cloned()));
        Ok(Range { slots, lowest: 0, limit: self.limit })
    }
}

struct Tables {
    lower: Range,
    upper: Range,
}

impl Tables {
    const fn new() -> Self {
        Tables { lower: Range::new(), upper: Range::new() }
    }

    fn close_all(self) {
        for description in self.lower.slots.into_iter().chain(self.upper.slots).flatten() {
            description.detach();
        }
    }

    #[inline]
    fn range(&mut self, fd: usize) -> (&mut Range, usize) {
        if fd & UPPER != 0 { (&mut self.upper, fd & !UPPER) } else { (&mut self.lower, fd) }
    }

    /// Puts a description at a free number; gives it back with `EEXIST` or what [`Range::make_slot`] says.
    fn insert(
        &mut self,
        fd: usize,
        description: Arc<Description>,
    ) -> core::result::Result<(), (Error, Arc<Description>)> {
        let (range, index) = self.range(fd);
        match range.make_slot(index) {
            Ok(slot) if slot.is_none() => {
                *slot = Some(description);
                Ok(())
            }
            Ok(_) => Err((Error::new(EEXIST), description)),
            Err(error) => Err((error, description)),
        }
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
            let tables = core::mem::replace(&mut *self.inner.lock(), Tables::new());
            tables.close_all();
        }
    }

    /// Empty.
    pub fn new() -> Arc<Self> {
        Self::of(Tables::new())
    }

    /// Empty, with this one's limit.
    pub fn successor(&self) -> Arc<Self> {
        let mut tables = Tables::new();
        tables.lower.limit = self.inner.lock().lower.limit;
        Self::of(tables)
    }

    /// Lets ordinary numbers from `limit` on not be used any more; what is open there stays.
    pub fn set_limit(&self, limit: usize) {
        let mut tables = self.inner.lock();
        tables.lower.limit = limit.min(MAX);
        // Numbers that were beyond the limit before may be free.
        tables.lower.lowest = 0;
    }

    /// A copy that shares the descriptions, but for those of tables and of threads that are not started. `ENOMEM`.
    pub fn duplicate(&self) -> Result<Arc<Self>> {
        let (lower, upper) = {
            let tables = self.inner.lock();
            (tables.lower.duplicate(Holder::Table), tables.upper.duplicate(Holder::Table))
        };
        Ok(Self::of(Tables { lower: lower?, upper: upper? }))
    }

    /// Takes over what another process's table has for this one, where this has nothing. `EBUSY` when threads run with it, `ENOMEM`.
    pub fn inherit(&self, from: &FileTable) -> Result<()> {
        let (lower, upper) = {
            let tables = from.inner.lock();
            (tables.lower.duplicate(Holder::Process), tables.upper.duplicate(Holder::Process))
        };
        // What is not needed of them is let go of at the end, with nothing locked.
        let (mut lower, mut upper) = (lower?, upper?);
        let mut tables = self.inner.lock();
        if self.users.load(Ordering::Relaxed) != 0 {
            return Err(Error::new(EBUSY));
        }
        let done = tables.lower.fill_up(&mut lower).and_then(|()| tables.upper.fill_up(&mut upper));
        drop(tables);
        done
    }

    /// The description behind a number; `EBADF`.
    #[inline]
    pub fn get(&self, fd: usize) -> Result<Arc<Description>> {
        let mut tables = self.inner.lock();
        let (range, index) = tables.range(fd);
        match range.slots.get(index) {
            Some(Some(description)) => Ok(description.clone()),
            _ => Err(Error::new(EBADF)),
        }
    }

    /// Whether a number could be used now: `EEXIST` when it is in use, `EMFILE` when it is beyond the limit.
    pub fn check_free(&self, fd: usize) -> Result<()> {
        let mut tables = self.inner.lock();
        let (range, index) = tables.range(fd);
        if index >= range.limit {
            return Err(Error::new(EMFILE));
        }
        if range.is_used(index) { Err(Error::new(EEXIST)) } else { Ok(()) }
    }

    /// Puts a description at a free number; `EEXIST` or `EMFILE`. For the table of the thread that calls.
    pub fn insert(&self, fd: usize, description: Arc<Description>) -> Result<()> {
        // A description that is not taken may be dropped for good here: not with the table locked.
        let result = self.inner.lock().insert(fd, description);
        result.map_err(|(error, _)| error)
    }

    /// As [`FileTable::insert`], for whoever has a handle of the table: while no thread runs with it, it does not take everything
    /// (`ELOOP`).
    pub fn insert_from_outside(&self, fd: usize, description: Arc<Description>) -> Result<()> {
        let allowed = description.enter(Holder::Table);
        let result = {
            let mut tables = self.inner.lock();
            // Should the last thread leave just now, the table is emptied after this.
            match allowed {
                Err(error) if self.users.load(Ordering::Relaxed) == 0 => Err((error, description)),
                _ => tables.insert(fd, description),
            }
        };
        result.map_err(|(error, _)| error)
    }

    /// Puts a description at a number, in use or not; answers what was there.
    pub fn replace(&self, fd: usize, description: Arc<Description>) -> Result<Option<Arc<Description>>> {
        let mut tables = self.inner.lock();
        let (range, index) = tables.range(fd);
        let place = range.make_slot(index)?;
        Ok(place.replace(description))
    }

    /// Puts descriptions at the lowest free numbers of a range; answers the numbers. All or none.
    pub fn insert_lowest(&self, descriptions: Vec<Arc<Description>>, upper: bool) -> Result<Vec<usize>> {
        let tag = if upper { UPPER } else { 0 };
        let mut tables = self.inner.lock();
        let (range, _) = tables.range(tag);
        let mut numbers = range.find_free(descriptions.len())?;
        for (number, description) in numbers.iter_mut().zip(descriptions) {
            range.slots[*number] = Some(description);
            *number |= tag;
        }
        Ok(numbers)
    }

    /// Takes a description out; `EBADF`.
    pub fn remove(&self, fd: usize) -> Result<Arc<Description>> {
        let mut tables = self.inner.lock();
        let (range, index) = tables.range(fd);
        range.take(index).ok_or(Error::new(EBADF))
    }

    /// Fills `into` with numbers in use from `from` on, ascending; answers how many. The upper range comes last, with its tag.
    pub fn list(&self, from: usize, into: &mut [u64]) -> usize {
        let tables = self.inner.lock();
        let upper = tables.upper.used(from.saturating_sub(UPPER)).map(|index| index | UPPER);
        let all = tables.lower.used(from).chain(upper).map(|number| number as u64);
        into.iter_mut().zip(all).map(|(place, number)| *place = number).count()
    }
}

impl Drop for FileTable {
    fn drop(&mut self) {
        core::mem::replace(self.inner.get_mut(), Tables::new()).close_all();
    }
}
