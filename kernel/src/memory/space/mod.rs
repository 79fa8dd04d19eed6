//! User address spaces: mappings, their pages, copy-on-write, and access from outside.
//!
//! Frames in the tables hold one reference each. A page of private memory that another space (or a pager) also refers to is
//! mapped read-only and copied when it is written.
//!
//! Here is what makes and changes mappings; [`backing`] has what they are made of, [`pages`] what happens under the lock, [`remote`] the
//! access from outside.

mod backing;
mod pages;
mod remote;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use kernel_core::vma::{Prot, Vma, VmaMap};
use syscall::error::{EACCES, EEXIST, EFAULT, EINVAL, ENOMEM, Error, Result};

pub use backing::{Backing, Place, anonymous, prot};
use pages::release;

use super::pager::{Page, Pager};
use super::{OutOfMemory, PAGE_SIZE, PHYSMAP, page_round_up, reserve};
use crate::arch::paging::{Entry, Flags, PageTable};
use crate::arch::tlb;
use crate::sync::{Guard, Lock, level};

/// Most mappings of one space.
const MAX_MAPPINGS: usize = 65_536;
/// Room is looked for below this: what is above is left to the stack.
const MAP_TOP: usize = ochre_abi::USER_END & !0x3fff_ffff;

/// An address space.
pub struct AddressSpace {
    id: u64,
    root: u64,
    /// Threads that run in it.
    users: AtomicUsize,
    /// No thread may start in it any more.
    ended: AtomicBool,
    /// Its threads stand still.
    stopped: AtomicBool,
    /// Its threads may take from the system's reserve (`memory::reserve`).
    reserve: bool,
    /// Counter ticks that threads have used which ended in it.
    spent: AtomicU64,
    inner: Lock<{ level::SPACE }, Inner>,
}

/// What the lock of an address space protects.
pub struct Inner {
    table: PageTable,
    vmas: VmaMap<Backing>,
    /// Most bytes that programs may have mapped.
    limit: usize,
    /// Pages in the table, those too that others have as well.
    resident: usize,
}

/// A mapping, or a part of one, that was taken out; whoever holds it tells its pager once nothing is locked.
#[must_use]
struct Removed(Vma<Backing>);

impl Removed {
    /// Tells the pager. May wait.
    fn notify(self) {
        if let Backing::Object { pager, page, .. } = self.0.backing {
            pager.unmapped(page, (self.0.end - self.0.start) / PAGE_SIZE);
        }
    }
}

/// An address space's lock, held.
type Locked<'a> = Guard<'a, { level::SPACE }, Inner>;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl AddressSpace {
    /// One more thread runs in it.
    pub fn join(&self) {
        self.users.fetch_add(1, Ordering::Relaxed);
    }

    /// One thread less runs in it. The last one out unmaps everything; that may wait for pagers, if the thread does not end.
    pub fn leave(&self) {
        if self.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.clear();
        }
    }

    /// Marks the space as ended; false when it was already.
    pub fn set_ended(&self) -> bool {
        !self.ended.swap(true, Ordering::SeqCst)
    }

    /// Whether all its threads are to end.
    pub fn is_ended(&self) -> bool {
        self.ended.load(Ordering::SeqCst)
    }

    /// Marks the space as one whose threads stand still, or no longer do.
    pub fn set_stopped(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::SeqCst);
    }

    /// Whether its threads are to stand still.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// A thread that has used so many ticks has ended in it.
    pub fn add_spent(&self, ticks: u64) {
        self.spent.fetch_add(ticks, Ordering::Relaxed);
    }

    /// Ticks of the threads that have ended in it.
    pub fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    /// Limits what may be mapped; what is mapped already stays.
    pub fn set_limit(&self, bytes: usize) {
        self.inner.lock().limit = bytes;
    }

    /// Bytes that are mapped.
    pub fn mapped_bytes(&self) -> usize {
        self.inner.lock().vmas.bytes()
    }

    /// Bytes of them that are there: what others have as well counts whole.
    pub fn resident_bytes(&self) -> usize {
        self.inner.lock().resident * PAGE_SIZE
    }

    /// Empty.
    pub fn new() -> Result<Arc<Self>> {
        Self::build().map(Arc::new)
    }

    /// Empty, for a program of the system: its threads may take from the system's reserve. No copy or successor of it has that.
    pub fn with_reserve() -> Result<Arc<Self>> {
        let mut new = Self::build()?;
        new.reserve = true;
        Ok(Arc::new(new))
    }

    /// Whether its threads may take from the system's reserve.
    pub fn has_reserve(&self) -> bool {
        self.reserve
    }

    /// Empty, with this one's limit.
    pub fn successor(&self) -> Result<Arc<Self>> {
        let mut new = Self::build()?;
        new.inner.get_mut().limit = self.inner.lock().limit;
        Ok(Arc::new(new))
    }

    fn build() -> Result<Self> {
        let table = PageTable::new()?;
        let vmas = VmaMap::new(ochre_abi::USER_BASE, ochre_abi::USER_END, MAP_TOP);
        Ok(AddressSpace {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            root: table.root(),
            users: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            reserve: false,
            spent: AtomicU64::new(0),
            inner: Lock::new(Inner { table, vmas, limit: usize::MAX, resident: 0 }),
        })
    }

    /// A number that no other space has or will have.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Root of the page tables.
    pub fn root(&self) -> u64 {
        self.root
    }

    /// Maps `len` bytes. `EACCES` for stores that the object does not allow.
    pub fn map(&self, place: Place, len: usize, prot: Prot, backing: Backing) -> Result<usize> {
        let len = page_round_up(len).filter(|&len| len != 0 && len < ochre_abi::USER_END).ok_or(Error::new(EINVAL))?;
        if prot.write && !backing.allows_stores() {
            return Err(Error::new(EACCES));
        }
        let inner = self.inner.lock();
        inner.check_limit(place, len)?;
        let (mut inner, start, removed) = self.settle(inner, place, len)?;
        inner.vmas.insert(Vma { start, end: start + len, prot, backing });
        drop(inner);
        removed.into_iter().for_each(Removed::notify);
        Ok(start)
    }

    /// Finds `len` bytes of free room for one more mapping; for [`Place::Replace`] the room is made. Answers with the space
    /// locked, and what was taken out. The lock may have been released in between.
    fn settle<'a>(&'a self, inner: Locked<'a>, place: Place, len: usize) -> Result<(Locked<'a>, usize, Vec<Removed>)> {
        let mut inner = inner;
        inner.admit(2)?;
        let (at, replace) = match place {
            Place::Hint(hint) => {
                let start = inner.vmas.find_room(len, hint).ok_or(Error::new(ENOMEM))?;
                return Ok((inner, start, Vec::new()));
            }
            Place::Exact(at) => (at, false),
            Place::Replace(at) => (at, true),
        };
        let end = at.checked_add(len).ok_or(Error::new(EINVAL))?;
        if !at.is_multiple_of(PAGE_SIZE) || at < ochre_abi::USER_BASE || end > ochre_abi::USER_END {
            return Err(Error::new(EINVAL));
        }
        if inner.vmas.is_free(at, end) {
            return Ok((inner, at, Vec::new()));
        }
        if !replace {
            return Err(Error::new(EEXIST));
        }
        let (inner, removed) = self.empty(inner, at, end)?;
        Ok((inner, at, removed))
    }

    /// Takes out what is mapped in a range, all at once, so that nobody else finds room there meanwhile. Most pages are gone before,
    /// in portions between which the lock is released.
    fn empty<'a>(&'a self, inner: Locked<'a>, start: usize, end: usize) -> Result<(Locked<'a>, Vec<Removed>)> {
        let mut inner = inner;
        inner.check_removal(start, end)?;
        let mut at = inner.drop_pages(self.root, start, end);
        let released = at < end;
        while at < end {
            drop(inner);
            inner = self.inner.lock();
            at = inner.drop_pages(self.root, at, end);
        }
        if released {
            inner.check_removal(start, end)?;
        }
        let mut removed = Vec::new();
        reserve(&mut removed, inner.vmas.within(start, end).count())?;
        while let Some(vma) = inner.vmas.first(start, end) {
            let (mut from, to) = (vma.start.max(start), vma.end.min(end));
            removed.extend(inner.vmas.take(from, to).map(Removed));
            // What has come back since then.
            while released && from < to {
                from = inner.drop_pages(self.root, from, to);
            }
        }
        Ok((inner, removed))
    }

    /// Unmaps what is mapped in a range; holes are fine. `EPERM` for what the kernel has placed, `ENOMEM` when one mapping too many
    /// would be left.
    pub fn unmap(&self, start: usize, len: usize) -> Result<()> {
        let end = page_round_up(len)
            .and_then(|len| start.checked_add(len))
            .filter(|&end| start.is_multiple_of(PAGE_SIZE) && end <= ochre_abi::USER_END && start < end)
            .ok_or(Error::new(EINVAL))?;
        self.unmap_locked(self.inner.lock(), start, end)
    }

    fn unmap_locked<'a>(&'a self, inner: Locked<'a>, start: usize, end: usize) -> Result<()> {
        inner.check_removal(start, end)?;
        self.remove(inner, start, end, false)
    }

    /// Takes out what is mapped in a range, a portion at a time: in between the lock is released and pagers are told. `EPERM` at
    /// something that the kernel has placed, unless it is the kernel that removes.
    fn remove<'a>(&'a self, inner: Locked<'a>, start: usize, end: usize, by_kernel: bool) -> Result<()> {
        let (mut inner, mut at) = (inner, start);
        while at < end
            && let Some(removed) = inner.take_portion(self.root, at, end, by_kernel)?
        {
            drop(inner);
            at = removed.0.end;
            removed.notify();
            if at >= end {
                return Ok(());
            }
            inner = self.inner.lock();
        }
        Ok(())
    }

    /// Unmaps a range with all that is in it.
    fn remove_all(&self, start: usize, end: usize) {
        // The kernel may remove anything.
        let _ = self.remove(self.inner.lock(), start, end, true);
    }

    /// Maps pages that another space lends, all at once; whoever lends takes them back by [`AddressSpace::unmap_own`].
    pub fn map_lent(&self, pager: Arc<dyn Pager>, pages: usize, write: bool) -> Result<usize> {
        let len = pages * PAGE_SIZE;
        let prot = Prot { read: true, write, exec: false };
        let mut inner = self.inner.lock();
        if inner.vmas.len() >= MAX_MAPPINGS {
            return Err(Error::new(ENOMEM));
        }
        let start = inner.vmas.find_room(len, 0).ok_or(Error::new(ENOMEM))?;
        let backing = Backing::Object { pager: pager.clone(), page: 0, private: false, writable: write };
        inner.vmas.insert(Vma { start, end: start + len, prot, backing });
        let flags = Flags { write, user: true, shared: true, ..Flags::default() };
        for index in 0..pages {
            let entry = match pager.page(index) {
                Ok(Some(Page::Counted(frame))) => Entry::new(frame.into_address(), flags),
                Ok(Some(Page::Foreign(address, cache))) => Entry::new(address, Flags { cache, foreign: true, ..flags }),
                Ok(None) | Err(OutOfMemory) => continue,
            };
            match inner.table.slot_mut(start + index * PAGE_SIZE) {
                Ok(mut slot) => {
                    slot.set(entry);
                    inner.resident += 1;
                }
                // What is not mapped now is fetched by a page fault.
                Err(OutOfMemory) => release(entry),
            }
        }
        Ok(start)
    }

    /// Unmaps a range that the kernel placed itself.
    pub fn unmap_own(&self, start: usize, len: usize) {
        self.remove_all(start, start + len);
    }

    /// Changes the protection of a range that is wholly mapped. `EPERM` where that is not allowed, `ENOMEM` where nothing is mapped
    /// or when there would be too many mappings.
    pub fn protect(&self, start: usize, len: usize, prot: Prot) -> Result<()> {
        let end = page_round_up(len)
            .and_then(|len| start.checked_add(len))
            .filter(|&end| start.is_multiple_of(PAGE_SIZE) && end <= ochre_abi::USER_END && start < end)
            .ok_or(Error::new(EINVAL))?;
        self.inner.lock().protect(self.root, start, end, prot)
    }

    /// Resolves a page fault. False when the access is not allowed or no memory is left.
    #[inline]
    pub fn fault(&self, address: usize, write: bool, exec: bool) -> bool {
        self.inner.lock().fault(self.root, address, write, exec)
    }

    /// A copy of this space in which private memory is shared until somebody writes.
    pub fn duplicate(&self) -> Result<Arc<Self>> {
        let mut new = Self::build()?;
        let mut inner = self.inner.lock();
        let done = inner.copy_to(&mut new);
        // Private pages are read-only now, for other threads of this space too before they get the lock.
        tlb::flush(self.root, 0, usize::MAX / PAGE_SIZE);
        drop(inner);
        done.map(|()| Arc::new(new))
    }

    /// Whether anything is mapped at `address`, with whatever protection.
    pub fn has_mapping(&self, address: usize) -> bool {
        self.inner.lock().vmas.find(address).is_some()
    }

    /// Lists the mappings.
    pub fn mappings(&self) -> Result<Vec<syscall::GrantDesc>> {
        use syscall::GrantFlags as G;
        let inner = self.inner.lock();
        let describe = |vma: &Vma<Backing>| {
            let mut flags = G::empty();
            flags.set(G::GRANT_READ, vma.prot.read);
            flags.set(G::GRANT_WRITE, vma.prot.write);
            flags.set(G::GRANT_EXEC, vma.prot.exec);
            let mut offset = 0;
            if let Backing::Object { page, private, .. } = &vma.backing {
                flags.set(G::GRANT_SHARED, !private);
                offset = (page * PAGE_SIZE) as u64;
            }
            syscall::GrantDesc { base: vma.start, size: vma.end - vma.start, flags, offset }
        };
        let mut list = Vec::new();
        reserve(&mut list, inner.vmas.len())?;
        list.extend(inner.vmas.iter().map(describe));
        Ok(list)
    }

    /// Whether the mapping at `address` is this pager's.
    pub fn is_mapped_by(&self, address: usize, pager: &Arc<dyn Pager>) -> bool {
        let inner = self.inner.lock();
        matches!(inner.vmas.find(address).map(|vma| &vma.backing),
            Some(Backing::Object { pager: found, .. }) if Arc::ptr_eq(found, pager))
    }

    /// Moves private memory to another place or size (`SYS_MREMAP`); it has the protection `prot` then.
    pub fn remap(&self, old: usize, old_len: usize, place: Place, len: usize, prot: Prot, keep: bool) -> Result<usize> {
        let (Some(old_len), Some(len)) = (page_round_up(old_len), page_round_up(len)) else {
            return Err(Error::new(EINVAL));
        };
        let end = old.checked_add(old_len).ok_or(Error::new(EINVAL))?;
        if !old.is_multiple_of(PAGE_SIZE) || len == 0 || old_len == 0 || len >= ochre_abi::USER_END || keep {
            return Err(Error::new(EINVAL));
        }
        if matches!(place, Place::Replace(new) if new < end && old < new.saturating_add(len)) {
            return Err(Error::new(EINVAL));
        }
        let mut inner = self.inner.lock();
        inner.check_movable(old, end)?;
        let moved = old_len.min(len);
        if len <= old_len && matches!(place, Place::Hint(_)) {
            inner.check_removal(old + moved, end)?;
            inner.protect(self.root, old, old + moved, prot)?;
            return self.unmap_locked(inner, old + moved, end).map(|()| old);
        }
        inner.check_limit(place, len - moved)?;
        let (mut inner, new, removed) = self.settle(inner, place, len)?;
        let target = Vma { start: new, end: new + len, prot, backing: Backing::Anonymous };
        let done = inner.relocate(self.root, old, moved, target);
        let done = done.and_then(|()| self.unmap_locked(inner, old + moved, end));
        removed.into_iter().for_each(Removed::notify);
        done.map(|()| new)
    }

    /// Unmaps everything. For the last thread that leaves the space; may wait for pagers.
    pub fn clear(&self) {
        self.remove_all(0, ochre_abi::USER_END);
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        let root = self.root;
        let inner = self.inner.get_mut();
        while let Ok(Some(_unheard)) = inner.take_portion(root, 0, ochre_abi::USER_END, true) {}
    }
}

/// The tables of every space have the kernel's half too, which is nobody's to look at from here.
#[inline]
fn check_user(address: usize) -> Result<()> {
    if address < ochre_abi::USER_END { Ok(()) } else { Err(Error::new(EFAULT)) }
}

const _: () = assert!(PHYSMAP > ochre_abi::USER_END);
