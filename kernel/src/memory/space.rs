//! User address spaces: mappings, their pages, copy-on-write, and access from outside.
//!
//! Frames in the tables hold one reference each. A page of private memory that another space (or a pager) also refers to is
//! mapped read-only and copied when it is written ([`Inner::make_writable`]).

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use kernel_core::vma::{self, Prot, Vma, VmaMap};
use syscall::MapFlags;
use syscall::error::{EACCES, EEXIST, EFAULT, EINVAL, ENOMEM, EPERM, Error, Result};

use super::frames::Frame;
use super::pager::{Page, Pager, SharedMemory};
use super::{OutOfMemory, PAGE_SIZE, PHYSMAP, frames, page_round_up, reserve, user};
use crate::arch::paging::{Cache, Entry, Flags, PageTable};
use crate::arch::tlb;
use crate::sync::{Guard, Lock, level};

/// Most mappings of one space.
const MAX_MAPPINGS: usize = 65_536;
/// Room is looked for below this: what is above is left to the stack.
const MAP_TOP: usize = ochre_abi::USER_END & !0x3fff_ffff;

/// What backs a mapping.
#[derive(Clone)]
pub enum Backing {
    /// Private memory, zero when first touched.
    Anonymous,
    /// Pages of an object, from page `page` on.
    Object {
        /// The object.
        pager: Arc<dyn Pager>,
        /// Its page at the mapping's begin.
        page: usize,
        /// Writes stay private.
        private: bool,
        /// Whether shared writes are allowed.
        writable: bool,
    },
}

impl Backing {
    /// Whether a mapping of this may allow stores: always when they stay private, else if the object lets them through.
    #[inline]
    fn allows_stores(&self) -> bool {
        match self {
            Backing::Anonymous => true,
            Backing::Object { private, writable, .. } => *private || *writable,
        }
    }

    /// Whether user code may give it another protection or place, cut it, and give it to others: not what the kernel has placed.
    #[inline]
    fn is_user_owned(&self) -> bool {
        !matches!(self, Backing::Object { pager, .. } if !pager.is_user_owned())
    }
}

impl vma::Backing for Backing {
    fn advance(&self, bytes: usize) -> Self {
        match self {
            Backing::Anonymous => Backing::Anonymous,
            Backing::Object { pager, page, private, writable } => Backing::Object {
                pager: pager.clone(),
                page: page + bytes / PAGE_SIZE,
                private: *private,
                writable: *writable,
            },
        }
    }

    fn joins(&self, _len: usize, next: &Self) -> bool {
        matches!((self, next), (Backing::Anonymous, Backing::Anonymous))
    }
}

/// Where a mapping is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Here if it is free (0: no wish), else anywhere.
    Hint(usize),
    /// Here, whatever is there is unmapped first.
    Replace(usize),
    /// Here, or `EEXIST`.
    Exact(usize),
}

impl Place {
    /// From the flags of a mapping call.
    pub fn from_flags(address: usize, flags: MapFlags) -> Self {
        if flags.contains(MapFlags::MAP_FIXED_NOREPLACE) {
            Place::Exact(address)
        } else if flags.contains(MapFlags::MAP_FIXED) {
            Place::Replace(address)
        } else {
            Place::Hint(address)
        }
    }
}

/// Protection bits of a mapping call.
pub fn prot(flags: MapFlags) -> Prot {
    Prot {
        read: flags.contains(MapFlags::PROT_READ),
        write: flags.contains(MapFlags::PROT_WRITE),
        exec: flags.contains(MapFlags::PROT_EXEC),
    }
}

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

    /// Empty.
    pub fn new() -> Result<Arc<Self>> {
        Self::build().map(Arc::new)
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
            spent: AtomicU64::new(0),
            inner: Lock::new(Inner { table, vmas, limit: usize::MAX }),
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
                Ok(mut slot) => slot.set(entry),
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
    pub fn read_remote(&self, address: usize, to: super::UserSlice) -> Result<usize> {
        self.remote(address, to, false)
    }

    /// Copies the caller's memory into this space, private pages being copied first; otherwise as `read_remote`.
    pub fn write_remote(&self, address: usize, from: super::UserSlice) -> Result<usize> {
        self.remote(address, from, true)
    }

    fn remote(&self, address: usize, local: super::UserSlice, write: bool) -> Result<usize> {
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

/// Frames that wait together until no processor can reach them any more.
const BATCH: usize = 32;
/// Most pages that are taken out before the lock is released: 4 MiB.
const PORTION: usize = 1024;

impl Inner {
    /// Asked before there are `more` mappings than now: `ENOMEM` when they are too many, or the kernel's reserve would pay for them.
    #[inline]
    fn admit(&self, more: usize) -> Result<()> {
        if self.vmas.len() + more > MAX_MAPPINGS || !frames::may_give() { Err(Error::new(ENOMEM)) } else { Ok(()) }
    }

    /// Asked before `len` bytes more are mapped: `ENOMEM` beyond the limit. What is replaced does not count.
    #[inline]
    fn check_limit(&self, place: Place, len: usize) -> Result<()> {
        if self.limit == usize::MAX {
            return Ok(());
        }
        let replaced = match place {
            Place::Replace(at) => self.vmas.bytes_within(at, at.saturating_add(len)),
            _ => 0,
        };
        let bytes = (self.vmas.bytes() - replaced).saturating_add(len);
        if bytes > self.limit { Err(Error::new(ENOMEM)) } else { Ok(()) }
    }

    /// Whether user code may take a range out: `EPERM`, or what [`Inner::admit`] says when one mapping would become two.
    #[inline]
    fn check_removal(&self, start: usize, end: usize) -> Result<()> {
        for vma in self.vmas.within(start, end) {
            if !vma.backing.is_user_owned() {
                return Err(Error::new(EPERM));
            }
            if vma.start < start && end < vma.end {
                self.admit(1)?;
            }
        }
        Ok(())
    }

    /// Whether a range is private memory in one mapping: `EFAULT` when nothing is there, `EINVAL` when it is something else.
    fn check_movable(&self, start: usize, end: usize) -> Result<()> {
        let vma = self.vmas.find(start).ok_or(Error::new(EFAULT))?;
        if vma.end < end || !matches!(vma.backing, Backing::Anonymous) { Err(Error::new(EINVAL)) } else { Ok(()) }
    }

    /// Takes out the first mapping that touches a range, or as much of it as makes a portion; `None` when nothing is left.
    #[inline]
    fn take_portion(&mut self, root: u64, start: usize, end: usize, by_kernel: bool) -> Result<Option<Removed>> {
        let Some(vma) = self.vmas.first(start, end) else { return Ok(None) };
        if !by_kernel && !vma.backing.is_user_owned() {
            return Err(Error::new(EPERM));
        }
        let (from, to) = (vma.start.max(start), vma.end.min(end));
        let to = self.drop_pages(root, from, to);
        Ok(self.vmas.take(from, to).map(Removed))
    }

    /// Takes pages out and frees them, each batch after a flush, until it is a portion; answers where it stopped, behind `start`.
    fn drop_pages(&mut self, root: u64, start: usize, end: usize) -> usize {
        let mut batch: [Option<Frame>; BATCH] = [const { None }; BATCH];
        let mut at = start;
        for _ in 0..PORTION / BATCH {
            let (mut len, mut first, mut last) = (0, usize::MAX, 0);
            at = self.table.take_each(at, end, |address, entry| {
                first = first.min(address);
                last = address + PAGE_SIZE;
                batch[len] = (!entry.is_foreign()).then(|| Frame::from_address(entry.address()));
                len += 1;
                len < BATCH
            });
            if first < last {
                tlb::flush(root, first, (last - first) / PAGE_SIZE);
            }
            for slot in &mut batch[..len] {
                *slot = None;
            }
            if at >= end {
                return end;
            }
        }
        at
    }

    fn protect(&mut self, root: u64, start: usize, end: usize, prot: Prot) -> Result<()> {
        let more = self.vmas.splits(start, end);
        if more != 0 {
            self.admit(more)?;
        }
        let mut refused = false;
        let allow = |vma: &Vma<Backing>| {
            refused |= !vma.backing.is_user_owned() || (prot.write && !vma.backing.allows_stores());
            !refused
        };
        if !self.vmas.protect(start, end, prot, allow) {
            return Err(Error::new(if refused { EPERM } else { ENOMEM }));
        }
        self.table.for_each(start, end, |_, entry| *entry = protected(*entry, prot));
        tlb::flush(root, start, (end - start) / PAGE_SIZE);
        Ok(())
    }

    /// Moves the first `len` bytes of a new mapping of private memory there from where they are. Nothing has changed on an error.
    fn relocate(&mut self, root: u64, old: usize, len: usize, new: Vma<Backing>) -> Result<()> {
        // Whoever made room for it may have let others in.
        self.check_movable(old, old + len)?;
        self.admit(2)?;
        self.table.relocate(old, new.start, len, |entry| protected(entry, new.prot))?;
        tlb::flush(root, old, len / PAGE_SIZE);
        let _moved = self.vmas.take(old, old + len);
        self.vmas.insert(new);
        Ok(())
    }

    fn pin(&mut self, root: u64, address: usize, write: bool) -> Result<Page> {
        for _ in 0..2 {
            if let Some(entry) = self.table.get(address)
                && (!write || entry.is_writable())
            {
                return Ok(if entry.is_foreign() {
                    Page::Foreign(entry.address(), entry.cache())
                } else {
                    Page::Counted(Frame::share(entry.address()))
                });
            }
            if !self.fault(root, address, write, false) {
                break;
            }
        }
        Err(Error::new(EFAULT))
    }

    #[inline]
    fn fault(&mut self, root: u64, address: usize, write: bool, exec: bool) -> bool {
        let page = address & !(PAGE_SIZE - 1);
        let Inner { table, vmas, .. } = self;
        let Some(vma) = vmas.find(page) else { return false };
        let prot = vma.prot;
        let allowed = if write {
            prot.write
        } else if exec {
            prot.exec
        } else {
            prot.read || prot.write || prot.exec
        };
        if !allowed {
            return false;
        }
        let Ok(mut slot) = table.slot_mut(page) else {
            return false;
        };
        let flags = Flags { write: prot.write, exec: prot.exec, user: true, ..Flags::default() };
        if let Some(found) = slot.get() {
            // Another processor was here first, or this one remembered an older entry, or the page is to be copied.
            let mut entry = found.shown().with_protection(prot.write && found.is_writable(), prot.exec);
            if write && !entry.is_writable() {
                if !vma.backing.allows_stores() {
                    return false;
                }
                match make_writable(entry, flags) {
                    Ok(new) => entry = new,
                    Err(OutOfMemory) => return false,
                }
            }
            slot.set(entry);
            if entry.address() == found.address() {
                tlb::flush_page(page);
            } else {
                tlb::flush(root, page, 1);
                release(found);
            }
            return true;
        }
        let entry = match &vma.backing {
            Backing::Anonymous => match Frame::zeroed_for_user() {
                Ok(frame) => Entry::new(frame.into_address(), flags),
                Err(OutOfMemory) => return false,
            },
            Backing::Object { pager, page: first, private, writable } => {
                let Ok(Some(found)) = pager.page(first + (page - vma.start) / PAGE_SIZE) else {
                    return false;
                };
                if write && !private && !writable {
                    return false;
                }
                let ours = Flags { write: prot.write && !private && *writable, shared: !private, ..flags };
                let entry = match found {
                    Page::Counted(frame) => Entry::new(frame.into_address(), ours),
                    Page::Foreign(address, cache) => Entry::new(address, Flags { cache, foreign: true, ..ours }),
                };
                if write && *private {
                    // Copied at once, not by a second fault.
                    let new = make_writable(entry, flags);
                    if !matches!(new, Ok(new) if new.address() == entry.address()) {
                        release(entry);
                    }
                    match new {
                        Ok(new) => new,
                        Err(OutOfMemory) => return false,
                    }
                } else {
                    entry
                }
            }
        };
        slot.set(entry);
        true
    }

    fn copy_to(&mut self, new: &mut AddressSpace) -> Result<()> {
        let target = new.inner.get_mut();
        target.limit = self.limit;
        let Inner { table, vmas, .. } = self;
        for vma in vmas.iter() {
            let copies = match &vma.backing {
                Backing::Anonymous => true,
                Backing::Object { pager, .. } if !pager.is_inherited() => continue,
                Backing::Object { private, .. } => *private,
            };
            if !frames::may_give() {
                return Err(Error::new(ENOMEM));
            }
            target.vmas.insert(vma.clone());
            if !copies {
                continue;
            }
            table.copy_each(&mut target.table, vma.start, vma.end, |entry| {
                *entry = entry.read_only();
                if !entry.is_foreign() {
                    core::mem::forget(Frame::share(entry.address()));
                }
            })?;
        }
        Ok(())
    }
}

/// The tables of every space have the kernel's half too, which is nobody's to look at from here.
#[inline]
fn check_user(address: usize) -> Result<()> {
    if address < ochre_abi::USER_END { Ok(()) } else { Err(Error::new(EFAULT)) }
}

/// An entry in a mapping with this protection. Write permission comes back through the fault handler, which knows what must be
/// copied first. Pages of a mapping without any access stay with it, out of the processor's sight.
fn protected(entry: Entry, prot: Prot) -> Entry {
    if prot.read || prot.write || prot.exec {
        entry.shown().with_protection(prot.write && entry.is_writable(), prot.exec)
    } else {
        entry.hidden()
    }
}

/// Drops the reference that an entry, no longer in any table, held.
fn release(entry: Entry) {
    if !entry.is_foreign() {
        drop(Frame::from_address(entry.address()));
    }
}

/// The entry to use instead of a read-only one whose page may be written: the same frame when nobody else has it, else a copy.
fn make_writable(entry: Entry, flags: Flags) -> Result<Entry, OutOfMemory> {
    if entry.is_foreign() {
        if entry.is_shared() {
            return Ok(entry.with_protection(true, flags.exec));
        }
        let copy = Frame::zeroed_for_user()?;
        if entry.cache() != Cache::WriteBack || !user::copy_foreign(&copy, entry.address()) {
            return Err(OutOfMemory);
        }
        return Ok(Entry::new(copy.into_address(), flags));
    }
    let frame = Frame::from_address(entry.address());
    let result = if entry.is_shared() || frame.is_unique() {
        Ok(entry.with_protection(true, flags.exec))
    } else {
        frame.duplicate().map(|copy| Entry::new(copy.into_address(), flags))
    };
    // The entry's own reference stays with the table until the caller has flushed.
    core::mem::forget(frame);
    result
}

/// Private zero pages, or shared memory.
pub fn anonymous(shared: bool, len: usize) -> Result<Backing> {
    if shared {
        let pages = page_round_up(len).ok_or(Error::new(EINVAL))? / PAGE_SIZE;
        return Ok(Backing::Object { pager: SharedMemory::new(pages)?, page: 0, private: false, writable: true });
    }
    Ok(Backing::Anonymous)
}

const _: () = assert!(PHYSMAP > ochre_abi::USER_END);
