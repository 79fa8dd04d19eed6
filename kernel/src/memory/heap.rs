//! The kernel heap: objects of a few sizes from pages, larger ones as whole blocks of pages.
//!
//! Each processor keeps a list of free objects for each size; only when one runs empty or full is the global list's lock taken.
//! Pages given to a size stay with it. What users make the kernel allocate is bounded at the door (`memory::admit`), which
//! keeps a reserve of frames, so an allocation fails only when even that is used up; then it is a panic that says so.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{PAGE_SIZE, frames, phys_to_virt, virt_to_phys};
use crate::arch::percpu;
use crate::sync::{Lock, level};

/// Object sizes. Each is a multiple of 16, so every object is aligned to 16; powers of two are aligned to themselves.
const SIZES: [usize; 15] = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1360, 2048, 4096];
const CLASSES: usize = SIZES.len();
/// Objects a processor keeps of one size before it gives half of them back.
const KEEP: usize = 64;

/// Size class for each multiple of 16 up to 4096.
static CLASS_OF: [u8; 257] = {
    let mut table = [0u8; 257];
    let (mut units, mut class) = (0, 0);
    while units <= 256 {
        if units * 16 > SIZES[class] {
            class += 1;
        }
        table[units] = class as u8;
        units += 1;
    }
    table
};

#[derive(Clone, Copy)]
struct List {
    head: *mut u8,
    len: usize,
}

impl List {
    const EMPTY: List = List { head: ptr::null_mut(), len: 0 };

    /// # Safety
    /// `object` is a free object of this list's size.
    #[inline]
    unsafe fn push(&mut self, object: *mut u8) {
        // SAFETY: a free object is at least a pointer long and aligned.
        unsafe { object.cast::<*mut u8>().write(self.head) };
        self.head = object;
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) -> *mut u8 {
        let object = self.head;
        if !object.is_null() {
            // SAFETY: objects on a list hold the next one's address.
            self.head = unsafe { object.cast::<*mut u8>().read() };
            self.len -= 1;
        }
        object
    }
}

/// Free objects of one processor.
pub struct LocalLists {
    lists: [List; CLASSES],
    /// Objects allocated minus objects freed on this processor, of each size; bytes for whole blocks of pages.
    used: [usize; CLASSES + 1],
}

impl LocalLists {
    /// Empty.
    pub const fn new() -> Self {
        LocalLists { lists: [List::EMPTY; CLASSES], used: [0; CLASSES + 1] }
    }
}

struct Global([List; CLASSES]);

// SAFETY: the lists own the objects on them; the lock serialises.
unsafe impl Send for Global {}

static GLOBAL: Lock<{ level::HEAP }, Global> = Lock::new(Global([List::EMPTY; CLASSES]));
static PAGES: AtomicUsize = AtomicUsize::new(0);

/// Place of the bytes of whole blocks in [`LocalLists::used`].
const BLOCKS: usize = CLASSES;

/// What is in use: the objects of each size, and the bytes of larger ones (the last, with size 1).
pub fn census() -> [(usize, usize); CLASSES + 1] {
    core::array::from_fn(|class| {
        // SAFETY: a statistic that other processors may change meanwhile.
        let used = percpu::all().fold(0usize, |sum, cpu| sum.wrapping_add(unsafe { (*cpu.heap.get()).used[class] }));
        (SIZES.get(class).copied().unwrap_or(1), used)
    })
}

/// Bytes in use, and pages that the heap holds.
pub fn usage() -> (usize, usize) {
    let used = census().iter().fold(0usize, |sum, (size, count)| sum.wrapping_add(size.wrapping_mul(*count)));
    (used, PAGES.load(Relaxed))
}

struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    // An alignment above 16 is met by a power-of-two size that is at least as large.
    let size = if layout.align() <= 16 { layout.size() } else { layout.size().max(layout.align()).next_power_of_two() };
    (size <= SIZES[CLASSES - 1]).then(|| usize::from(CLASS_OF[size.div_ceil(16)]))
}

fn order_of(layout: Layout) -> usize {
    layout.size().max(layout.align()).div_ceil(PAGE_SIZE).next_power_of_two().trailing_zeros() as usize
}

// SAFETY: objects come from lists of their size, aligned as `class_of` says, or from blocks aligned to their size.
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: this processor's own lists, with interrupts off; nothing below allocates.
        let local = unsafe { &mut *percpu::this().heap.get() };
        let Some(class) = class_of(layout) else {
            let order = order_of(layout);
            return frames::alloc_block(order).map_or(ptr::null_mut(), |block| {
                local.used[BLOCKS] = local.used[BLOCKS].wrapping_add(PAGE_SIZE << order);
                PAGES.fetch_add(1 << order, Relaxed);
                phys_to_virt(block)
            });
        };
        let list = &mut local.lists[class];
        let mut object = list.pop();
        if object.is_null() {
            object = refill(list, class);
        }
        if !object.is_null() {
            local.used[class] = local.used[class].wrapping_add(1);
        }
        object
    }

    #[inline]
    unsafe fn dealloc(&self, object: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        let local = unsafe { &mut *percpu::this().heap.get() };
        let Some(class) = class_of(layout) else {
            let order = order_of(layout);
            local.used[BLOCKS] = local.used[BLOCKS].wrapping_sub(PAGE_SIZE << order);
            PAGES.fetch_sub(1 << order, Relaxed);
            return frames::free_block(virt_to_phys(object), order);
        };
        local.used[class] = local.used[class].wrapping_sub(1);
        let list = &mut local.lists[class];
        // SAFETY: the object is free now and of this size.
        unsafe { list.push(object) };
        if list.len > KEEP {
            give_back(list, class);
        }
    }
}

#[cold]
fn refill(list: &mut List, class: usize) -> *mut u8 {
    {
        let mut global = GLOBAL.lock();
        while list.len < KEEP / 2 {
            let object = global.0[class].pop();
            if object.is_null() {
                break;
            }
            // SAFETY: a free object of this class.
            unsafe { list.push(object) };
        }
    }
    if list.len == 0 {
        let Ok(page) = frames::alloc_block(0) else {
            return ptr::null_mut();
        };
        PAGES.fetch_add(1, Relaxed);
        let base = phys_to_virt(page);
        for at in (0..=PAGE_SIZE - SIZES[class]).step_by(SIZES[class]) {
            // SAFETY: inside the new page, which is cut into objects of this size.
            unsafe { list.push(base.add(at)) };
        }
    }
    list.pop()
}

#[cold]
fn give_back(list: &mut List, class: usize) {
    let mut global = GLOBAL.lock();
    while list.len > KEEP / 2 {
        let object = list.pop();
        // SAFETY: a free object of this class.
        unsafe { global.0[class].push(object) };
    }
}
