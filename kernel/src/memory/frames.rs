//! Physical page frames: who owns them, and the free ones.
//!
//! [`Frame`] is one counted reference to a frame of ordinary memory; the frame is freed with its last reference. Free frames
//! wait in a small magazine of each processor, behind which stands the buddy system (`kernel_core::buddy`) under one lock.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kernel_core::buddy::{self, Buddy, FrameMeta, FrameTable};

use super::reserve::{self, may_give, may_give_pages};
use super::{OutOfMemory, PAGE_SIZE, phys_to_virt};
use crate::arch::percpu;
use crate::sync::{Lock, Once, level};

static TABLE: Once<&'static FrameTable> = Once::new();
static BUDDY: Lock<{ level::FRAMES }, Buddy<'static>> = Lock::new(Buddy::new());
/// Frames that the allocator was ever given.
static TOTAL: AtomicUsize = AtomicUsize::new(0);
/// Frames in the buddy system; what processors keep is not in it. Written under the lock, read without.
static FREE: AtomicUsize = AtomicUsize::new(0);

/// Frames in a processor's magazine.
const MAGAZINE: usize = 64;
/// Frames moved between a magazine and the buddy system at once.
const BATCH: usize = 32;

/// Free frames kept by one processor.
pub struct Magazine {
    frames: [u32; MAGAZINE],
    len: usize,
}

impl Magazine {
    /// Empty.
    pub const fn new() -> Self {
        Magazine { frames: [0; MAGAZINE], len: 0 }
    }
}

#[inline(always)]
fn table() -> &'static FrameTable {
    // SAFETY: set by `init` before the first frame is allocated; nothing calls this earlier.
    unsafe { TABLE.get_unchecked() }
}

/// Starts the allocator with its table and the words of its bitmaps, which are zero; with nothing to give yet.
pub fn init(table: &'static [FrameMeta], bitmaps: &'static mut [u64]) {
    TABLE.call_once(|| table);
    *BUDDY.lock() = Buddy::over(bitmaps, table.len() as u32);
}

/// What is read without the lock is written under it.
#[inline]
fn note_free(buddy: &Buddy) {
    FREE.store(buddy.free_frames(), Relaxed);
    reserve::note(buddy.free_frames());
}

/// Hands over free memory (frame numbers, end exclusive).
pub fn add_region(start: u32, end: u32) {
    let mut buddy = BUDDY.lock();
    let before = buddy.free_frames();
    buddy.add_region(start, end);
    let more = buddy.free_frames() - before;
    reserve::divide(TOTAL.fetch_add(more, Relaxed) + more);
    note_free(&buddy);
}

/// References to frames that the loader has filled: `pages` from `start` on, which are nobody's and in the table (boot only).
pub fn adopt(start: u64, pages: usize) -> impl Iterator<Item = Frame> {
    let first = (start / PAGE_SIZE as u64) as u32;
    (first..first + pages as u32).map(|frame| {
        buddy::set(table(), frame, 1);
        Frame(frame)
    })
}

/// So many adopted frames are ordinary memory from now on.
pub fn adopted_given_back(frames: usize) {
    TOTAL.fetch_add(frames, Relaxed);
}

/// Frames of ordinary memory that the allocator manages.
pub fn total() -> usize {
    TOTAL.load(Relaxed)
}

/// Frames that are free, wherever they wait.
pub fn free() -> usize {
    // SAFETY: a processor's length is read while it may change; the sum is a statistic.
    let kept: usize = percpu::all().map(|cpu| unsafe { (*cpu.frames.get()).len }).sum();
    FREE.load(Relaxed) + kept
}

#[inline]
fn alloc_one() -> Result<u32, OutOfMemory> {
    // SAFETY: this processor's own magazine, with interrupts off; `refill` does not come back here.
    let magazine = unsafe { &mut *percpu::this().frames.get() };
    if magazine.len == 0 {
        refill(magazine)?;
    }
    magazine.len -= 1;
    Ok(magazine.frames[magazine.len])
}

#[cold]
fn refill(magazine: &mut Magazine) -> Result<(), OutOfMemory> {
    let mut buddy = BUDDY.lock();
    magazine.len = buddy.alloc_frames(&mut magazine.frames[..BATCH]);
    note_free(&buddy);
    if magazine.len == 0 { Err(OutOfMemory) } else { Ok(()) }
}

#[inline]
fn free_one(frame: u32) {
    // SAFETY: as in `alloc_one`.
    let magazine = unsafe { &mut *percpu::this().frames.get() };
    if magazine.len == MAGAZINE {
        drain(magazine);
    }
    buddy::set(table(), frame, 0);
    magazine.frames[magazine.len] = frame;
    magazine.len += 1;
}

#[cold]
fn drain(magazine: &mut Magazine) {
    let mut buddy = BUDDY.lock();
    while magazine.len > BATCH {
        magazine.len -= 1;
        buddy.free(magazine.frames[magazine.len], 0);
    }
    note_free(&buddy);
}

/// Allocates `1 << order` frames in a row, not counted and not zeroed; for the heap and kernel stacks.
pub fn alloc_block(order: usize) -> Result<u64, OutOfMemory> {
    let mut buddy = BUDDY.lock();
    let block = buddy.alloc(order).ok_or(OutOfMemory)?;
    note_free(&buddy);
    Ok(u64::from(block) * PAGE_SIZE as u64)
}

/// Frees what [`alloc_block`] gave.
pub fn free_block(address: u64, order: usize) {
    let mut buddy = BUDDY.lock();
    buddy.free((address / PAGE_SIZE as u64) as u32, order);
    note_free(&buddy);
}

/// A zeroed frame that is never freed, as the address of a table (boot only).
pub fn boot_table() -> u64 {
    Frame::zeroed().unwrap_or_else(|_| panic!("no memory for the kernel's page tables")).into_address()
}

/// One reference to a frame of ordinary memory.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame(u32);

impl Frame {
    /// A new frame with undefined contents.
    #[inline]
    pub fn alloc() -> Result<Self, OutOfMemory> {
        let frame = alloc_one()?;
        buddy::set(table(), frame, 1);
        Ok(Frame(frame))
    }

    /// A new frame of zeros.
    #[inline]
    pub fn zeroed() -> Result<Self, OutOfMemory> {
        let frame = Self::alloc()?;
        frame.fill_zero();
        Ok(frame)
    }

    /// A new frame of zeros for the current thread's program, while there is more than what is held back from it.
    #[inline]
    pub fn zeroed_for_user() -> Result<Self, OutOfMemory> {
        if may_give() { Self::zeroed() } else { Err(OutOfMemory) }
    }

    /// `count` new frames in a row for a user program, zeroed, each counted on its own; at most 4 MiB.
    pub fn contiguous(count: usize) -> Result<alloc::vec::Vec<Frame>, OutOfMemory> {
        let order = count.max(1).next_power_of_two().trailing_zeros() as usize;
        if order > buddy::MAX_ORDER || !may_give_pages(1 << order) {
            return Err(OutOfMemory);
        }
        let mut frames = alloc::vec::Vec::new();
        frames.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        let first = (alloc_block(order)? / PAGE_SIZE as u64) as u32;
        for frame in first..first + (1 << order) {
            buddy::set(table(), frame, 1);
            let frame = Frame(frame);
            if frames.len() < count {
                frame.fill_zero();
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    fn fill_zero(&self) {
        // SAFETY: a frame of ordinary memory is reachable through the linear map, and this one is ours alone.
        unsafe { fill(phys_to_virt(self.address())) }
    }

    /// Takes over the reference that [`Frame::into_address`] gave away. The address must come from there.
    pub fn from_address(address: u64) -> Self {
        Frame((address / PAGE_SIZE as u64) as u32)
    }

    /// Physical address.
    #[inline]
    pub fn address(&self) -> u64 {
        u64::from(self.0) * PAGE_SIZE as u64
    }

    /// Physical address, for something that holds the reference from now on (a page table entry).
    #[inline]
    pub fn into_address(self) -> u64 {
        let address = self.address();
        core::mem::forget(self);
        address
    }

    /// Whether nobody else holds a reference.
    #[inline]
    pub fn is_unique(&self) -> bool {
        buddy::count(table(), self.0) == 1
    }

    /// One more reference to the counted frame at `address`, which somebody else's reference keeps alive during this call.
    pub fn share(address: u64) -> Self {
        let frame = Frame((address / PAGE_SIZE as u64) as u32);
        buddy::get(table(), frame.0);
        frame
    }

    /// A new frame with the contents of this one, for a user program.
    pub fn duplicate(&self) -> Result<Self, OutOfMemory> {
        if !may_give() {
            return Err(OutOfMemory);
        }
        let new = Self::alloc()?;
        // SAFETY: two different frames of ordinary memory in the linear map; user code may write the source meanwhile, which
        // the copy then contains in part, as on any machine.
        unsafe { copy(phys_to_virt(new.address()), phys_to_virt(self.address())) }
        Ok(new)
    }

    /// The frame's contents through the linear map.
    #[inline]
    pub(super) fn bytes(&self) -> *mut u8 {
        phys_to_virt(self.address())
    }
}

impl Clone for Frame {
    fn clone(&self) -> Self {
        buddy::get(table(), self.0);
        Frame(self.0)
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if buddy::put(table(), self.0) == 0 {
            free_one(self.0);
        }
    }
}

/// # Safety
/// `page` is a page of kernel memory.
#[inline]
unsafe fn fill(page: *mut u8) {
    // SAFETY: by the contract.
    unsafe {
        core::arch::asm!("rep stosq", inout("rcx") PAGE_SIZE / 8 => _, inout("rdi") page => _, in("rax") 0, options(nostack, preserves_flags));
    }
}

/// # Safety
/// Both are pages of kernel memory and do not overlap.
#[inline]
unsafe fn copy(to: *mut u8, from: *const u8) {
    // SAFETY: by the contract.
    unsafe {
        core::arch::asm!("rep movsq", inout("rcx") PAGE_SIZE / 8 => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack, preserves_flags));
    }
}
