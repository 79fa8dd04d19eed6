//! The pages of mappings, under the lock of their space: what may be mapped, faults, copy-on-write, taking out.

use kernel_core::vma::{Prot, Vma};
use syscall::error::{EFAULT, EINVAL, ENOMEM, EPERM, Error, Result};

use super::{AddressSpace, Backing, Inner, MAX_MAPPINGS, Place, Removed};
use crate::arch::paging::{Cache, Entry, Flags};
use crate::arch::tlb;
use crate::memory::frames::Frame;
use crate::memory::pager::Page;
use crate::memory::{OutOfMemory, PAGE_SIZE, reserve, user};

/// Frames that wait together until no processor can reach them any more.
const BATCH: usize = 32;
/// Pages that a copy of a space gets as copies at once: about as many as the stack, the C library's data and its heap's begin, which
/// parent and child write to whatever they do.
const AT_ONCE: usize = 16;
/// Most pages that are taken out before the lock is released: 4 MiB.
const PORTION: usize = 1024;

impl Inner {
    /// Asked before there are `more` mappings than now: `ENOMEM` when they are too many, or a reserve would pay for them.
    #[inline]
    pub(super) fn admit(&self, more: usize) -> Result<()> {
        if self.vmas.len() + more > MAX_MAPPINGS || !reserve::may_give() { Err(Error::new(ENOMEM)) } else { Ok(()) }
    }

    /// Asked before `len` bytes more are mapped: `ENOMEM` beyond the limit. What is replaced does not count.
    #[inline]
    pub(super) fn check_limit(&self, place: Place, len: usize) -> Result<()> {
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
    pub(super) fn check_removal(&self, start: usize, end: usize) -> Result<()> {
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
    pub(super) fn check_movable(&self, start: usize, end: usize) -> Result<()> {
        let vma = self.vmas.find(start).ok_or(Error::new(EFAULT))?;
        if vma.end < end || !matches!(vma.backing, Backing::Anonymous) { Err(Error::new(EINVAL)) } else { Ok(()) }
    }

    /// Takes out the first mapping that touches a range, or as much of it as makes a portion; `None` when nothing is left.
    #[inline]
    pub(super) fn take_portion(
        &mut self,
        root: u64,
        start: usize,
        end: usize,
        by_kernel: bool,
    ) -> Result<Option<Removed>> {
        let Some(vma) = self.vmas.first(start, end) else { return Ok(None) };
        if !by_kernel && !vma.backing.is_user_owned() {
            return Err(Error::new(EPERM));
        }
        let (from, to) = (vma.start.max(start), vma.end.min(end));
        let to = self.drop_pages(root, from, to);
        Ok(self.vmas.take(from, to).map(Removed))
    }

    /// Takes pages out and frees them, each batch after a flush, until it is a portion; answers where it stopped, behind `start`.
    pub(super) fn drop_pages(&mut self, root: u64, start: usize, end: usize) -> usize {
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
            self.resident -= len;
            for slot in &mut batch[..len] {
                *slot = None;
            }
            if at >= end {
                return end;
            }
        }
        at
    }

    pub(super) fn protect(&mut self, root: u64, start: usize, end: usize, prot: Prot) -> Result<()> {
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
    pub(super) fn relocate(&mut self, root: u64, old: usize, len: usize, new: Vma<Backing>) -> Result<()> {
        // Whoever made room for it may have let others in.
        self.check_movable(old, old + len)?;
        self.admit(2)?;
        self.table.relocate(old, new.start, len, |entry| protected(entry, new.prot))?;
        tlb::flush(root, old, len / PAGE_SIZE);
        let _moved = self.vmas.take(old, old + len);
        self.vmas.insert(new);
        Ok(())
    }

    pub(super) fn pin(&mut self, root: u64, address: usize, write: bool) -> Result<Page> {
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
    pub(super) fn fault(&mut self, root: u64, address: usize, write: bool, exec: bool) -> bool {
        let page = address & !(PAGE_SIZE - 1);
        let Inner { table, vmas, resident, .. } = self;
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
        let Some(found) = slot.get() else {
            let Some(entry) = first_entry(vma, page, flags, write) else { return false };
            slot.set(entry);
            *resident += 1;
            return true;
        };
        let Some(entry) = next_entry(found, vma, flags, write) else { return false };
        slot.set(entry);
        if entry.address() == found.address() {
            tlb::flush_page(page);
        } else {
            tlb::flush(root, page, 1);
            release(found);
        }
        true
    }

    pub(super) fn copy_to(&mut self, new: &mut AddressSpace) -> Result<()> {
        let target = new.inner.get_mut();
        target.limit = self.limit;
        let Inner { table, vmas, .. } = self;
        let mut at_once = AT_ONCE;
        for vma in vmas.iter() {
            let copies = match &vma.backing {
                Backing::Anonymous => true,
                Backing::Object { pager, .. } if !pager.is_inherited() => continue,
                Backing::Object { private, .. } => *private,
            };
            if !reserve::may_give() {
                return Err(Error::new(ENOMEM));
            }
            target.vmas.insert(vma.clone());
            if !copies {
                continue;
            }
            table.copy_each(&mut target.table, vma.start, vma.end, |entry| {
                target.resident += 1;
                if at_once != 0
                    && let Some(copy) = copy_now(*entry)
                {
                    at_once -= 1;
                    *entry = entry.clean();
                    return copy;
                }
                *entry = entry.read_only();
                if !entry.is_foreign() {
                    core::mem::forget(Frame::share(entry.address()));
                }
                *entry
            })?;
        }
        Ok(())
    }
}

/// For a copy of the space, an entry with a copy of a page that was written since the last copy of the space was made: it will be written
/// again, on both sides, and two faults cost more than the copy. `None` for others, or when there is no memory.
#[inline]
fn copy_now(entry: Entry) -> Option<Entry> {
    if !entry.is_present() || !entry.is_writable() || !entry.is_dirty() || entry.is_foreign() {
        return None;
    }
    let frame = Frame::from_address(entry.address());
    let copy = frame.duplicate().ok();
    // The entry's own reference.
    core::mem::forget(frame);
    copy.map(|copy| entry.with_frame(copy).clean())
}

/// The entry of a page that is not there yet; `None` when there is no memory, or no such page.
#[inline]
fn first_entry(vma: &Vma<Backing>, page: usize, flags: Flags, write: bool) -> Option<Entry> {
    let (pager, first, private, writable) = match &vma.backing {
        Backing::Anonymous => return Some(Entry::new(Frame::zeroed_for_user().ok()?.into_address(), flags)),
        Backing::Object { pager, page, private, writable } => (pager, *page, *private, *writable),
    };
    let found = pager.page(first + (page - vma.start) / PAGE_SIZE).ok()??;
    if write && !private && !writable {
        return None;
    }
    let ours = Flags { write: flags.write && !private && writable, shared: !private, fetched: private, ..flags };
    let entry = match found {
        Page::Counted(frame) => Entry::new(frame.into_address(), ours),
        Page::Foreign(address, cache) => Entry::new(address, Flags { cache, foreign: true, ..ours }),
    };
    if !(write && private) {
        return Some(entry);
    }
    // Copied at once, not by a second fault.
    let new = make_writable(entry, flags);
    if !matches!(new, Ok(new) if new.address() == entry.address()) {
        release(entry);
    }
    new.ok()
}

/// The entry of a page that is there: another processor was here first, or this one remembered an older entry, or it is to be
/// copied. `None` when it may not be written, or there is no memory.
#[inline]
fn next_entry(found: Entry, vma: &Vma<Backing>, flags: Flags, write: bool) -> Option<Entry> {
    let entry = found.shown().with_protection(flags.write && found.is_writable(), flags.exec);
    if !write || entry.is_writable() {
        return Some(entry);
    }
    if vma.backing.allows_stores() { make_writable(entry, flags).ok() } else { None }
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
pub(super) fn release(entry: Entry) {
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
        Ok(entry.owned(flags.exec))
    } else {
        frame.duplicate().map(|copy| Entry::new(copy.into_address(), flags))
    };
    // The entry's own reference stays with the table until the caller has flushed.
    core::mem::forget(frame);
    result
}
