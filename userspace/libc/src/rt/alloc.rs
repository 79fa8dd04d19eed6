//! The heap of this process: [`Heap`] over the kernel's pages, with the cache of the calling thread.

use syscall::MapFlags;
use syscall::data::Map;

use super::heap::{Cache, Heap, Pages};
use super::lock::RawLock;
use super::sys;
use super::tcb::current;

/// Pages for the heap from the kernel.
struct Kernel;

impl Pages for Kernel {
    fn map(address: usize, size: usize) -> bool {
        let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED_NOREPLACE;
        // SAFETY: nothing is replaced.
        unsafe { sys::fmap(ochre_abi::proc::ANONYMOUS, &Map { offset: 0, size, flags, address }).is_ok() }
    }

    fn unmap(address: usize, size: usize) -> bool {
        // SAFETY: the heap gives up its own memory.
        unsafe { sys::funmap(address, size).is_ok() }
    }

    fn base() -> usize {
        // The second 64 GiB: program below, the other windows above, all within the 512 GiB of one top-level page table entry.
        1 << 36
    }
}

static HEAP: Heap<Kernel> = Heap::new();

/// The heap's locks, for `fork`.
pub fn locks() -> impl Iterator<Item = &'static RawLock> {
    HEAP.locks()
}

fn cache() -> &'static mut Cache {
    // SAFETY: each thread reaches its own cache only, and no function of the heap calls back.
    unsafe { &mut (*current()).cache }
}

/// `malloc`.
#[inline]
pub fn allocate(size: usize) -> *mut u8 {
    // SAFETY: the cache is this thread's.
    unsafe { HEAP.allocate(cache(), size) }
}

/// `calloc`, after the multiplication.
pub fn allocate_zeroed(size: usize) -> *mut u8 {
    // SAFETY: the cache is this thread's.
    unsafe { HEAP.allocate_zeroed(cache(), size) }
}

/// `aligned_alloc`; `align` is a power of two.
pub fn allocate_aligned(align: usize, size: usize) -> *mut u8 {
    // SAFETY: the cache is this thread's.
    unsafe { HEAP.allocate_aligned(cache(), align, size) }
}

/// `realloc`.
///
/// # Safety
/// The block is null or comes from this heap.
pub unsafe fn reallocate(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: as this function demands; the cache is this thread's.
    unsafe { HEAP.reallocate(cache(), block, size) }
}

/// `free`.
///
/// # Safety
/// The block is null or comes from this heap, and is not used any more.
#[inline]
pub unsafe fn release(block: *mut u8) {
    // SAFETY: as this function demands; the cache is this thread's.
    unsafe { HEAP.release(cache(), block) }
}

/// Gives the small blocks of the calling thread back: it ends.
pub fn drain_cache() {
    // SAFETY: the cache is this thread's.
    unsafe { HEAP.drain(cache()) }
}
