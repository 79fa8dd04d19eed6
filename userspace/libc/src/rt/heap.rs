//! The heap: crate `dlmalloc` in several arenas, and in front of them a cache of small blocks for each thread.
//!
//! A block is known by its address alone. Each arena hands out addresses of its own window, so the window tells the arena;
//! the word in front of a block is dlmalloc's header, whose upper bits are the size of the chunk (Doug Lea's malloc, "chunk
//! representations"). So `free` needs no search: it reads the header and puts the block on the list of its size in the
//! cache of the calling thread, which takes no lock. Full lists go back to the arenas half at a time, empty ones are
//! filled several blocks at a time.

use core::ptr::{self, null_mut};
use core::sync::atomic::{AtomicUsize, Ordering};

use dlmalloc::{Allocator, Dlmalloc};

use super::lock::{Lock, RawLock};

/// Arenas, and so windows.
pub const ARENAS: usize = 7;
/// Address bits of a window: 64 GiB each, all of them and the program in the lowest 512 GiB, so that they share page tables.
const WINDOW_SHIFT: u32 = 36;

/// Granularity of what an arena takes from the system. Untouched pages cost nothing.
const GRANULARITY: usize = 1 << 20;

/// Alignment of every block.
const ALIGN: usize = 16;
/// Bytes of a chunk that its user does not get.
const OVERHEAD: usize = 8;
/// Smallest chunk.
const MIN_CHUNK: usize = 32;
/// Sizes of blocks that are cached: chunks of 32, 48, … bytes.
const CLASSES: usize = 64;
/// Largest request that a cached block can serve.
const MAX_CACHED: usize = MIN_CHUNK + (CLASSES - 1) * ALIGN - OVERHEAD;
/// Most blocks in one list of a cache.
const LIST_MAX: u16 = 32;
/// A list is filled with at most this many bytes at a time.
const FILL_BYTES: usize = 2048;
/// Header bits that are not the size.
const FLAGS: usize = 7;
/// Header bits of which one is set in every chunk that does not have a mapping of its own.
const IN_USE: usize = 3;

/// Where arenas get their memory: pages at addresses that the arena chooses.
pub trait Pages {
    /// Maps fresh zero pages at exactly this place; `false` when it is taken or memory is short.
    fn map(address: usize, size: usize) -> bool;
    /// Gives pages back.
    fn unmap(address: usize, size: usize) -> bool;
    /// Address of the first window.
    fn base() -> usize;
}

/// The memory of one arena: a window filled from its start.
struct Window<P> {
    index: usize,
    /// Bytes of the window handed out so far. Only used with the arena locked.
    next: AtomicUsize,
    pages: core::marker::PhantomData<fn() -> P>,
}

// SAFETY: what `alloc` answers is fresh memory of the arena's own window, and stays mapped until `free` or `free_part`.
unsafe impl<P: Pages> Allocator for Window<P> {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let failed = (null_mut(), 0, 0);
        let mut next = self.next.load(Ordering::Relaxed);
        // Something may lie in the window already (a mapping that the program placed itself): step over it.
        for step in [0, 1 << 24, 1 << 28, 1 << 30, 1 << 32] {
            next += step;
            let Some(end) = next.checked_add(size).filter(|&end| end <= 1 << WINDOW_SHIFT) else {
                return failed;
            };
            let address = P::base() + (self.index << WINDOW_SHIFT) + next;
            if P::map(address, size) {
                self.next.store(end, Ordering::Relaxed);
                return (address as *mut u8, size, 0);
            }
        }
        failed
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, ptr: *mut u8, oldsize: usize, newsize: usize) -> bool {
        P::unmap(ptr as usize + newsize, oldsize - newsize)
    }

    fn free(&self, ptr: *mut u8, size: usize) -> bool {
        P::unmap(ptr as usize, size)
    }

    fn can_release_part(&self, _: u32) -> bool {
        true
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        4096
    }
}

/// A free block in a cache: its first word leads to the next.
struct Free {
    next: *mut Free,
}

/// The blocks that one thread keeps at hand. All zero is an empty cache.
#[repr(C)]
pub struct Cache {
    lists: [*mut Free; CLASSES],
    counts: [u16; CLASSES],
    /// Arena that fills it.
    arena: usize,
}

impl Cache {
    /// Empty, to be filled from this arena.
    pub const fn new(arena: usize) -> Self {
        Cache { lists: [null_mut(); CLASSES], counts: [0; CLASSES], arena: arena % ARENAS }
    }

    /// Fills it from this arena from now on.
    pub fn use_arena(&mut self, arena: usize) {
        self.arena = arena % ARENAS;
    }
}

/// All arenas.
pub struct Heap<P> {
    arenas: [Lock<Dlmalloc<Window<P>>>; ARENAS],
}

impl<P: Pages> Heap<P> {
    /// Nothing allocated.
    pub const fn new() -> Self {
        let mut index = 0;
        let mut arenas = [const {
            let window = Window { index: 0, next: AtomicUsize::new(0), pages: core::marker::PhantomData };
            let mut arena = Dlmalloc::new_with_allocator(window);
            assert!(arena.set_granularity(GRANULARITY));
            Lock::new(arena)
        }; ARENAS];
        while index < ARENAS {
            let window = Window { index, next: AtomicUsize::new(0), pages: core::marker::PhantomData };
            let mut arena = Dlmalloc::new_with_allocator(window);
            assert!(arena.set_granularity(GRANULARITY));
            // A constant may not drop what was there, which holds nothing.
            let _old = core::mem::ManuallyDrop::new(core::mem::replace(&mut arenas[index], Lock::new(arena)));
            index += 1;
        }
        Heap { arenas }
    }

    /// The locks of its arenas, for `fork`.
    pub fn locks(&self) -> impl Iterator<Item = &RawLock> {
        self.arenas.iter().map(Lock::raw)
    }

    fn arena_of(&self, block: *mut u8) -> &Lock<Dlmalloc<Window<P>>> {
        &self.arenas[(block as usize - P::base()) >> WINDOW_SHIFT]
    }

    /// `malloc`: `size` bytes, 16-byte aligned; null when memory is short.
    ///
    /// # Safety
    /// `cache` is not used by anybody else meanwhile.
    #[inline]
    pub unsafe fn allocate(&self, cache: &mut Cache, size: usize) -> *mut u8 {
        let class = class_for(size);
        if class < CLASSES {
            let block = cache.lists[class];
            if !block.is_null() {
                // SAFETY: blocks on a list are free memory of this heap that nobody else reaches.
                cache.lists[class] = unsafe { (*block).next };
                cache.counts[class] -= 1;
                return block.cast();
            }
            // SAFETY: as this function demands.
            return unsafe { self.fill(cache, class) };
        }
        // SAFETY: the arena is locked; any size is allowed.
        unsafe { self.arenas[cache.arena].lock().c_malloc(size) }
    }

    /// Takes blocks of one class from the arena: one to answer, the others for the list.
    #[cold]
    unsafe fn fill(&self, cache: &mut Cache, class: usize) -> *mut u8 {
        let size = MIN_CHUNK + class * ALIGN - OVERHEAD;
        let more = (FILL_BYTES / size).clamp(1, LIST_MAX as usize / 2);
        let mut arena = self.arenas[cache.arena].lock();
        // SAFETY: the arena is locked.
        let answer = unsafe { arena.c_malloc(size) };
        for _ in 1..more {
            // SAFETY: as above; the new block is ours and large enough for the link.
            unsafe {
                let block = arena.c_malloc(size);
                if block.is_null() {
                    break;
                }
                push(cache, class, block);
            }
        }
        answer
    }

    /// `free`.
    ///
    /// # Safety
    /// `block` is null or comes from this heap and is not used any more; `cache` as for [`Heap::allocate`].
    #[inline]
    pub unsafe fn release(&self, cache: &mut Cache, block: *mut u8) {
        if block.is_null() {
            return;
        }
        // SAFETY: the block has a header.
        let header = unsafe { header(block) };
        let class = (header & !FLAGS) / ALIGN - MIN_CHUNK / ALIGN;
        if class < CLASSES && header & IN_USE != 0 {
            if cache.counts[class] >= LIST_MAX {
                // SAFETY: the blocks of the list are free.
                unsafe { self.flush(cache, class, LIST_MAX / 2) };
            }
            // SAFETY: the caller gives the block up.
            unsafe { push(cache, class, block) };
            return;
        }
        // SAFETY: the caller gives the block up; it belongs to this arena.
        unsafe { self.arena_of(block).lock().c_free(block) }
    }

    /// Gives all but `keep` blocks of a list back to their arenas.
    #[cold]
    unsafe fn flush(&self, cache: &mut Cache, class: usize, keep: u16) {
        while cache.counts[class] > keep {
            let block = cache.lists[class];
            // SAFETY: the block is on the list, so it is free memory of this heap.
            unsafe {
                cache.lists[class] = (*block).next;
                self.arena_of(block.cast()).lock().c_free(block.cast());
            }
            cache.counts[class] -= 1;
        }
    }

    /// Empties a cache: its thread ends.
    ///
    /// # Safety
    /// As for [`Heap::allocate`].
    pub unsafe fn drain(&self, cache: &mut Cache) {
        for class in 0..CLASSES {
            if cache.counts[class] > 0 {
                // SAFETY: the blocks of the list are free.
                unsafe { self.flush(cache, class, 0) };
            }
        }
    }

    /// `calloc`, after the multiplication.
    ///
    /// # Safety
    /// As for [`Heap::allocate`].
    pub unsafe fn allocate_zeroed(&self, cache: &mut Cache, size: usize) -> *mut u8 {
        if size > MAX_CACHED {
            // SAFETY: the arena is locked. It knows which of its memory was never used, and does not clear that again.
            return unsafe { self.arenas[cache.arena].lock().calloc(size, ALIGN) };
        }
        // SAFETY: as this function demands; the block has `size` bytes.
        unsafe {
            let block = self.allocate(cache, size);
            if !block.is_null() {
                ptr::write_bytes(block, 0, size);
            }
            block
        }
    }

    /// `aligned_alloc`; `align` is a power of two.
    ///
    /// # Safety
    /// As for [`Heap::allocate`].
    pub unsafe fn allocate_aligned(&self, cache: &mut Cache, align: usize, size: usize) -> *mut u8 {
        if align <= ALIGN {
            // SAFETY: as this function demands.
            return unsafe { self.allocate(cache, size) };
        }
        // SAFETY: the arena is locked, the alignment a power of two.
        unsafe { self.arenas[cache.arena].lock().c_memalign(align, size) }
    }

    /// `realloc`.
    ///
    /// # Safety
    /// As for [`Heap::release`].
    pub unsafe fn reallocate(&self, cache: &mut Cache, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            // SAFETY: as this function demands.
            return unsafe { self.allocate(cache, size) };
        }
        // SAFETY: the block comes from this heap.
        let usable = unsafe { usable(block) };
        // It fits, and does not waste more than half of a block worth the trouble.
        if size <= usable && (size >= usable / 2 || usable <= 128) {
            return block;
        }
        if usable > MAX_CACHED && size > MAX_CACHED {
            // SAFETY: the block belongs to this arena, which is locked.
            return unsafe { self.arena_of(block).lock().c_realloc(block, size) };
        }
        // SAFETY: as this function demands; both blocks have at least the bytes that are copied.
        unsafe {
            let new = self.allocate(cache, size);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, usable.min(size));
                self.release(cache, block);
            }
            new
        }
    }
}

impl<P: Pages> Default for Heap<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// The class whose blocks hold `size` bytes; `CLASSES` or more when none does.
#[inline]
fn class_for(size: usize) -> usize {
    (size.saturating_add(OVERHEAD + ALIGN - 1) / ALIGN).saturating_sub(MIN_CHUNK / ALIGN)
}

/// Puts a block on a list.
#[inline]
unsafe fn push(cache: &mut Cache, class: usize, block: *mut u8) {
    let block = block.cast::<Free>();
    // SAFETY: the caller gives up the block, which is large enough and aligned for the link.
    unsafe { (*block).next = cache.lists[class] };
    cache.lists[class] = block;
    cache.counts[class] += 1;
}

/// The header of a block: size of its chunk and flags.
#[inline]
unsafe fn header(block: *mut u8) -> usize {
    // SAFETY: every block has its header in front. Another thread may at this moment change the flag that tells about the
    // neighbour below (it holds the arena's lock, we do not), so the word is read as an atomic.
    unsafe { (*block.sub(8).cast::<AtomicUsize>()).load(Ordering::Relaxed) }
}

/// Bytes a block can hold (`malloc_usable_size`).
///
/// # Safety
/// The block comes from a [`Heap`].
pub unsafe fn usable(block: *mut u8) -> usize {
    // SAFETY: as this function demands.
    let header = unsafe { header(block) };
    // A chunk with a mapping of its own ends in two words of bookkeeping.
    (header & !FLAGS) - if header & IN_USE == 0 { 2 * OVERHEAD } else { OVERHEAD }
}

#[cfg(test)]
mod tests;
