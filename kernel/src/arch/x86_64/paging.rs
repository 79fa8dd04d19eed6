//! 4-level page tables: Intel SDM volume 3, section 4.5.
//!
//! Kernel space is the upper half. Its top-level entries are made once at boot and copied into every address space, so
//! mappings made later are seen by all without another word. User tables are reached through the linear map of all memory.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{cpuid, msr};
use crate::memory::frames::{self, Frame};
use crate::memory::{OutOfMemory, PAGE_SIZE, phys_to_virt};

/// A page table entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry(u64);

/// Entry bits (Intel SDM volume 3, table 4-20).
mod bit {
    pub const PRESENT: u64 = 1;
    pub const WRITE: u64 = 1 << 1;
    pub const USER: u64 = 1 << 2;
    pub const WRITE_THROUGH: u64 = 1 << 3;
    pub const CACHE_DISABLE: u64 = 1 << 4;
    /// Set by the processor with the first store.
    pub const DIRTY: u64 = 1 << 6;
    pub const LARGE: u64 = 1 << 7;
    pub const GLOBAL: u64 = 1 << 8;
    /// Ignored by the processor; here: the frame is shared on purpose, a write never copies it.
    pub const SHARED: u64 = 1 << 9;
    /// Ignored by the processor; here: the frame is not counted memory (device registers, the initfs).
    pub const FOREIGN: u64 = 1 << 10;
    /// Ignored by the processor; here: the page belongs to a mapping that allows no access now.
    pub const HIDDEN: u64 = 1 << 11;
    /// Ignored by the processor; here: the page is its object's as that gave it, and can be had from there again.
    pub const FETCHED: u64 = 1 << 52;
    pub const NO_EXECUTE: u64 = 1 << 63;
    pub const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
}

/// How the processor may cache a mapping. The values are indices into the page attribute table that [`init_cache_types`] sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Cache {
    /// Ordinary memory.
    #[default]
    WriteBack,
    /// Frame buffers: writes are gathered.
    WriteCombining,
    /// Device registers.
    Uncached,
}

/// What a mapping allows and how it behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Stores.
    pub write: bool,
    /// Instruction fetches.
    pub exec: bool,
    /// User mode.
    pub user: bool,
    /// See [`bit::SHARED`].
    pub shared: bool,
    /// See [`bit::FOREIGN`].
    pub foreign: bool,
    /// See [`bit::FETCHED`].
    pub fetched: bool,
    /// Cache type.
    pub cache: Cache,
}

static NX: AtomicU64 = AtomicU64::new(0);
static KERNEL_ROOT: AtomicU64 = AtomicU64::new(0);

/// Makes page attribute table entry 1 write-combining (Intel SDM volume 3, section 11.12); entries 0 and 3 are write-back and
/// uncached from reset. On each processor.
pub fn init_cache_types() {
    if cpuid::cpuid(1, 0).edx & 1 << 16 != 0 {
        const WRITE_COMBINING: u64 = 1;
        // SAFETY: the MSR exists, and no mapping uses entry 1 before.
        unsafe { msr::write(msr::PAT, msr::read(msr::PAT) & !0xff00 | WRITE_COMBINING << 8) }
    }
    if msr::has_nx() {
        NX.store(bit::NO_EXECUTE, Ordering::Relaxed);
    }
}

impl Entry {
    const EMPTY: Entry = Entry(0);

    /// Maps the 4 KiB frame at `address`.
    #[inline]
    pub fn new(address: u64, flags: Flags) -> Self {
        let mut value = address | bit::PRESENT;
        if flags.write {
            value |= bit::WRITE;
        }
        if flags.user {
            value |= bit::USER;
        } else {
            value |= bit::GLOBAL;
        }
        if flags.shared {
            value |= bit::SHARED;
        }
        if flags.foreign {
            value |= bit::FOREIGN;
        }
        if flags.fetched {
            value |= bit::FETCHED;
        }
        if !flags.exec {
            value |= NX.load(Ordering::Relaxed);
        }
        value |= match flags.cache {
            Cache::WriteBack => 0,
            Cache::WriteCombining => bit::WRITE_THROUGH,
            Cache::Uncached => bit::WRITE_THROUGH | bit::CACHE_DISABLE,
        };
        Entry(value)
    }

    /// Whether the processor finds a page here.
    #[inline]
    pub fn is_present(self) -> bool {
        self.0 & bit::PRESENT != 0
    }

    /// Whether stores are allowed.
    #[inline]
    pub fn is_writable(self) -> bool {
        self.0 & bit::WRITE != 0
    }

    /// Whether the frame is shared on purpose.
    #[inline]
    pub fn is_shared(self) -> bool {
        self.0 & bit::SHARED != 0
    }

    /// Whether the frame is not counted memory.
    #[inline]
    pub fn is_foreign(self) -> bool {
        self.0 & bit::FOREIGN != 0
    }

    /// Whether a fault would bring the same page again: nobody has written to it here.
    #[inline]
    pub fn is_fetched(self) -> bool {
        self.0 & bit::FETCHED != 0
    }

    /// How the processor may cache the page.
    #[inline]
    pub fn cache(self) -> Cache {
        match self.0 & (bit::WRITE_THROUGH | bit::CACHE_DISABLE) {
            0 => Cache::WriteBack,
            bit::WRITE_THROUGH => Cache::WriteCombining,
            _ => Cache::Uncached,
        }
    }

    /// Physical address of the page.
    #[inline]
    pub fn address(self) -> u64 {
        self.0 & bit::ADDRESS
    }

    /// The same without store permission.
    #[inline]
    pub fn read_only(self) -> Self {
        Entry(self.0 & !bit::WRITE)
    }

    /// The same as a page of the space's own, which may be written.
    #[inline]
    pub fn owned(self, exec: bool) -> Self {
        Entry(self.0 & !bit::FETCHED).with_protection(true, exec)
    }

    /// Whether the page was written since [`Entry::clean`].
    #[inline]
    pub fn is_dirty(self) -> bool {
        self.0 & bit::DIRTY != 0
    }

    /// The same, not written yet. What processors remember must be flushed.
    #[inline]
    pub fn clean(self) -> Self {
        Entry(self.0 & !bit::DIRTY)
    }

    /// The same with another frame.
    #[inline]
    pub fn with_frame(self, frame: Frame) -> Self {
        Entry(self.0 & !bit::ADDRESS | frame.into_address())
    }

    /// The same, out of the processor's sight.
    pub fn hidden(self) -> Self {
        Entry(self.0 & !bit::PRESENT | bit::HIDDEN)
    }

    /// The same, in sight again.
    pub fn shown(self) -> Self {
        Entry(self.0 & !bit::HIDDEN | bit::PRESENT)
    }

    /// The same with another protection.
    pub fn with_protection(self, write: bool, exec: bool) -> Self {
        let mut value = self.0 & !(bit::WRITE | bit::NO_EXECUTE);
        if write {
            value |= bit::WRITE;
        }
        if !exec {
            value |= NX.load(Ordering::Relaxed);
        }
        Entry(value)
    }
}

/// A user address space's tables. Dropping it frees the tables; the pages must have been taken out before.
pub struct PageTable {
    root: Frame,
}

/// The place of one page's entry.
pub struct Slot<'a> {
    entry: *mut u64,
    _table: core::marker::PhantomData<&'a mut PageTable>,
}

impl Slot<'_> {
    /// What is there, in sight or not.
    #[inline]
    pub fn get(&self) -> Option<Entry> {
        // SAFETY: the slot borrows the table it lies in.
        let entry = Entry(unsafe { self.entry.read_volatile() });
        (entry != Entry::EMPTY).then_some(entry)
    }

    /// Sets it. No flush: the caller knows whether one is needed.
    #[inline]
    pub fn set(&mut self, entry: Entry) {
        // SAFETY: as in `get`; the table is borrowed mutably.
        unsafe { self.entry.write_volatile(entry.0) }
    }
}

const ENTRIES: usize = 512;
/// Most entries that [`PageTable::take_each`] looks at.
const MOST_LOOKS: usize = 65_536;
type Table = [u64; ENTRIES];

fn table(address: u64) -> *mut Table {
    phys_to_virt(address).cast()
}

#[inline]
fn index(address: usize, level: usize) -> usize {
    address >> (12 + 9 * level) & (ENTRIES - 1)
}

/// How many entries of one last-level table belong to `address..end`.
#[inline]
fn run(address: usize, end: usize) -> usize {
    (ENTRIES - index(address, 0)).min((end - address).div_ceil(PAGE_SIZE))
}

/// The first entry that is not empty among those from `from` to `to`, or `to`. Most are empty, so it looks at sixteen at a time.
#[inline]
fn next_used(first: *const u64, from: usize, to: usize) -> usize {
    // SAFETY: the callers' entries are those of one table.
    let word = |at: usize| unsafe { first.add(at).read_volatile() };
    let mut at = from;
    let four = |at: usize| word(at) | word(at + 1) | word(at + 2) | word(at + 3);
    while at + 16 <= to && four(at) | four(at + 4) | four(at + 8) | four(at + 12) == Entry::EMPTY.0 {
        at += 16;
    }
    while at < to && word(at) == Entry::EMPTY.0 {
        at += 1;
    }
    at
}

/// Root of the tables that hold only kernel space.
pub fn kernel_root() -> u64 {
    KERNEL_ROOT.load(Ordering::Relaxed)
}

impl PageTable {
    /// With kernel space only.
    pub fn new() -> Result<Self, OutOfMemory> {
        let root = Frame::zeroed_for_user()?;
        // SAFETY: both are page tables in the linear map; the upper half of the kernel's root never changes after boot.
        unsafe {
            let (to, from) = (table(root.address()), table(kernel_root()));
            (&mut (*to))[ENTRIES / 2..].copy_from_slice(&(&(*from))[ENTRIES / 2..]);
        }
        Ok(PageTable { root })
    }

    /// Physical address for CR3.
    pub fn root(&self) -> u64 {
        self.root.address()
    }

    /// The entry for a page, if its tables exist. Serialised by the caller (the address space's lock).
    #[inline]
    fn slot(&self, address: usize) -> Option<*mut u64> {
        let mut at = self.root.address();
        for level in [3, 2, 1] {
            // SAFETY: `at` is a table of this address space.
            let entry = unsafe { (*table(at))[index(address, level)] };
            if entry & bit::PRESENT == 0 {
                return None;
            }
            at = entry & bit::ADDRESS;
        }
        // SAFETY: as above.
        Some(unsafe { &raw mut (*table(at))[index(address, 0)] })
    }

    fn slot_or_make(&mut self, address: usize) -> Result<*mut u64, OutOfMemory> {
        let mut at = self.root.address();
        for level in [3, 2, 1] {
            // SAFETY: `at` is a table of this address space, which the caller has locked.
            let entry = unsafe { &mut (*table(at))[index(address, level)] };
            if *entry & bit::PRESENT == 0 {
                *entry = Frame::zeroed_for_user()?.into_address() | bit::PRESENT | bit::WRITE | bit::USER;
            }
            at = *entry & bit::ADDRESS;
        }
        // SAFETY: as above.
        Ok(unsafe { &raw mut (*table(at))[index(address, 0)] })
    }

    /// What is mapped at a page.
    #[inline]
    pub fn get(&self, address: usize) -> Option<Entry> {
        // SAFETY: the slot is an entry of this space's tables.
        let entry = Entry(unsafe { self.slot(address)?.read_volatile() });
        entry.is_present().then_some(entry)
    }

    /// The place of a page's entry, its tables made where they are missing.
    #[inline]
    pub fn slot_mut(&mut self, address: usize) -> Result<Slot<'_>, OutOfMemory> {
        Ok(Slot { entry: self.slot_or_make(address)?, _table: core::marker::PhantomData })
    }

    /// Moves the entries of `len` bytes, in sight or not, as `change` makes them, to where none are. All or, when there is no
    /// memory for tables, none.
    pub fn relocate(
        &mut self,
        from: usize,
        to: usize,
        len: usize,
        change: impl Fn(Entry) -> Entry,
    ) -> Result<(), OutOfMemory> {
        self.each_slot(from, from + len, |table, address, _| table.slot_or_make(to + (address - from)).map(|_| ()))?;
        self.each_slot(from, from + len, |table, address, slot| {
            let target = table.slot_or_make(to + (address - from))?;
            // SAFETY: both are entries of this space's tables, which the caller has locked.
            unsafe {
                target.write_volatile(change(Entry(slot.read_volatile())).0);
                slot.write_volatile(Entry::EMPTY.0);
            }
            Ok(())
        })
    }

    /// Calls `visit` with the place of each entry in `start..end` that is not empty, until it fails.
    fn each_slot<E>(
        &mut self,
        start: usize,
        end: usize,
        mut visit: impl FnMut(&mut Self, usize, *mut u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut address = start;
        while address < end {
            match self.slot_or_skip(address) {
                Ok(first) => {
                    let count = run(address, end);
                    let mut at = next_used(first, 0, count);
                    while at < count {
                        visit(self, address + at * PAGE_SIZE, first.wrapping_add(at))?;
                        at = next_used(first, at + 1, count);
                    }
                    address += count * PAGE_SIZE;
                }
                Err(next) => address = next,
            }
        }
        Ok(())
    }

    /// Calls `visit` for each page in `start..end`, in sight or not, which may change the entry; what it answers is put into `copy`, which
    /// has nothing there. Left out is what was fetched from an object: a fault brings it when it is wanted.
    pub fn copy_each(
        &mut self,
        copy: &mut PageTable,
        start: usize,
        end: usize,
        mut visit: impl FnMut(&mut Entry) -> Entry,
    ) -> Result<(), OutOfMemory> {
        // The last table of the copy, by the number of its first page's address.
        let mut last: (usize, *mut u64) = (usize::MAX, core::ptr::null_mut());
        self.each_slot(start, end, |_, address, slot| {
            // SAFETY: an entry of a table of a locked space.
            let before = Entry(unsafe { slot.read_volatile() });
            if before.is_fetched() {
                return Ok(());
            }
            let span = address >> 21;
            if last.0 != span {
                last = (span, copy.slot_or_make(address & !((1 << 21) - 1))?);
            }
            // SAFETY: both are entries of tables of locked spaces; the second is of the table that was just looked up.
            unsafe {
                let mut entry = before;
                let copied = visit(&mut entry);
                if entry != before {
                    slot.write_volatile(entry.0);
                }
                last.1.add(index(address, 0)).write_volatile(copied.0);
            }
            Ok(())
        })
    }

    /// Takes out the entries of `start..end`, in sight or not, giving each to `visit` until it answers false or much has been
    /// looked through. Answers the address up to which all are out, which is behind `start`.
    pub fn take_each(&mut self, start: usize, end: usize, mut visit: impl FnMut(usize, Entry) -> bool) -> usize {
        let (mut address, mut looks) = (start, 0);
        while address < end && looks < MOST_LOOKS {
            match self.slot_or_skip(address) {
                Ok(first) => {
                    let count = run(address, end);
                    let mut at = next_used(first, 0, count);
                    while at < count {
                        let slot = first.wrapping_add(at);
                        // SAFETY: as in `get`.
                        let entry = unsafe { Entry(slot.read_volatile()) };
                        // SAFETY: as in `get`.
                        unsafe { slot.write_volatile(Entry::EMPTY.0) };
                        at += 1;
                        if !visit(address + (at - 1) * PAGE_SIZE, entry) {
                            return address + at * PAGE_SIZE;
                        }
                        at = next_used(first, at, count);
                    }
                    (address, looks) = (address + count * PAGE_SIZE, looks + count);
                }
                Err(next) => (address, looks) = (next, looks + 1),
            }
        }
        address.min(end)
    }

    /// Calls `visit` for each page in `start..end`, in sight or not, skipping what has no tables; it may change the entry.
    pub fn for_each(&mut self, start: usize, end: usize, mut visit: impl FnMut(usize, &mut Entry)) {
        let Ok(()) = self.each_slot::<core::convert::Infallible>(start, end, |_, address, slot| {
            // SAFETY: as in `get`.
            let before = Entry(unsafe { slot.read_volatile() });
            let mut entry = before;
            visit(address, &mut entry);
            if entry != before {
                // SAFETY: as in `get`.
                unsafe { slot.write_volatile(entry.0) };
            }
            Ok(())
        });
    }

    /// The slot, or the first address behind the hole that `address` lies in.
    fn slot_or_skip(&self, address: usize) -> Result<*mut u64, usize> {
        let mut at = self.root.address();
        for level in [3, 2, 1] {
            // SAFETY: as in `slot`.
            let entry = unsafe { (*table(at))[index(address, level)] };
            if entry & bit::PRESENT == 0 {
                let span = 1usize << (12 + 9 * level);
                return Err((address & !(span - 1)) + span);
            }
            at = entry & bit::ADDRESS;
        }
        // SAFETY: as in `slot`.
        Ok(unsafe { &raw mut (*table(at))[index(address, 0)] })
    }
}

impl Drop for PageTable {
    fn drop(&mut self) {
        super::tlb::retire(self.root());
        free_tables(self.root(), 3, ENTRIES / 2);
    }
}

fn free_tables(address: u64, level: usize, entries: usize) {
    let first = table(address).cast::<u64>();
    let mut at = next_used(first, 0, entries);
    while at < entries {
        // SAFETY: the space is gone from every processor, so nobody else looks at its tables.
        let next = unsafe { first.add(at).read() } & bit::ADDRESS;
        if level > 1 {
            free_tables(next, level - 1, ENTRIES);
        }
        drop(Frame::from_address(next));
        at = next_used(first, at + 1, entries);
    }
}

/// Kernel mappings, made at boot and by `memory::kmap`.
pub mod kernel {
    use super::*;

    /// Notes the tables that are built at boot as the kernel's.
    pub fn set_root(root: u64) {
        KERNEL_ROOT.store(root, Ordering::Relaxed);
    }

    /// Makes sure that the top-level entry for `address` exists, so that it is in every space made later.
    pub fn reserve_top(root: u64, address: usize) {
        // SAFETY: `root` is a table under construction, in the linear map.
        let entry = unsafe { &mut (*table(root))[index(address, 3)] };
        if *entry & bit::PRESENT == 0 {
            *entry = frames::boot_table() | bit::PRESENT | bit::WRITE;
        }
    }

    fn next(at: u64, address: usize, level: usize) -> Result<u64, OutOfMemory> {
        // SAFETY: `at` is a table of kernel space; callers serialise.
        let entry = unsafe { &mut (*table(at))[index(address, level)] };
        if *entry & bit::PRESENT == 0 {
            *entry = Frame::zeroed()?.into_address() | bit::PRESENT | bit::WRITE;
        }
        Ok(*entry & bit::ADDRESS)
    }

    /// Maps one 4 KiB page of kernel space. The caller holds the lock of kernel mappings.
    pub fn map(root: u64, address: usize, physical: u64, flags: Flags) -> Result<(), OutOfMemory> {
        let mut at = root;
        for level in [3, 2, 1] {
            at = next(at, address, level)?;
        }
        // SAFETY: as above.
        unsafe { (*table(at))[index(address, 0)] = Entry::new(physical, flags).0 };
        Ok(())
    }

    /// Maps one 2 MiB page of kernel space (boot only).
    pub fn map_large(root: u64, address: usize, physical: u64, flags: Flags) -> Result<(), OutOfMemory> {
        let mut at = root;
        for level in [3, 2] {
            at = next(at, address, level)?;
        }
        // SAFETY: as above.
        unsafe { (*table(at))[index(address, 1)] = Entry::new(physical, flags).0 | bit::LARGE };
        Ok(())
    }

    /// Maps one 1 GiB page of kernel space (boot only; `has_huge_pages` must hold).
    pub fn map_huge(root: u64, address: usize, physical: u64, flags: Flags) -> Result<(), OutOfMemory> {
        let at = next(root, address, 3)?;
        // SAFETY: as above.
        unsafe { (*table(at))[index(address, 2)] = Entry::new(physical, flags).0 | bit::LARGE };
        Ok(())
    }

    /// Whether the processor has 1 GiB pages.
    pub fn has_huge_pages() -> bool {
        cpuid::cpuid(0x8000_0001, 0).edx & 1 << 26 != 0
    }

    /// Makes this processor use `root`.
    pub fn load(root: u64) {
        super::super::tlb::enter(root);
    }
}
