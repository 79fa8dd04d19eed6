//! Kernel space: its page tables, built once at boot with each part's own protection, kernel stacks and device registers.
//!
//! | from | what |
//! |---|---|
//! | `0xffff_8000_0000_0000` | all physical memory (writable, not executable) |
//! | `0xffff_c000_0000_0000` | device registers (uncached) |
//! | `0xffff_d000_0000_0000` | kernel stacks, each with an unmapped page below |
//! | `0xffff_ffff_8000_0000` | the kernel image |

use core::sync::atomic::{AtomicU64, Ordering};

use kernel_core::boot::{BootInfo, RegionKind};
use kernel_core::buddy::{Buddy, FrameMeta};

use super::{PAGE_SIZE, PHYSMAP, frames, page_round_up, phys_to_virt};
use crate::arch::paging::{Cache, Flags, kernel};
use crate::sync::{Lock, level};

/// Difference between the kernel image's addresses and where it lies in memory.
pub const IMAGE_BASE: usize = 0xffff_ffff_8000_0000;
const MMIO_BASE: usize = 0xffff_c000_0000_0000;
const STACK_BASE: usize = 0xffff_d000_0000_0000;

/// Bytes of a kernel stack.
pub const STACK_SIZE: usize = 16 * 1024;
/// Distance between two kernel stacks: the rest is unmapped.
const STACK_STRIDE: usize = 32 * 1024;
const _: () = assert!(STACK_BASE.is_multiple_of(STACK_STRIDE) && STACK_STRIDE.is_power_of_two());

const LARGE: u64 = 2 << 20;
const HUGE: u64 = 1 << 30;
/// The early tables reach this far.
const EARLY_LIMIT: u64 = 4 << 30;
/// Below this nothing is given out: the processors' start-up code and firmware leftovers live there.
const LOW_LIMIT: u64 = 1 << 20;

struct Next {
    root: u64,
    mmio: usize,
    stack: usize,
}

/// First physical address behind the linear map.
static LINEAR_END: AtomicU64 = AtomicU64::new(0);

/// First physical address that the linear map does not reach.
pub fn linear_end() -> u64 {
    LINEAR_END.load(Ordering::Relaxed)
}

static NEXT: Lock<{ level::KMAP }, Next> = Lock::new(Next { root: 0, mmio: MMIO_BASE, stack: STACK_BASE });

unsafe extern "C" {
    static __text_start: u8;
    static __text_end: u8;
    static __rodata_start: u8;
    static __rodata_end: u8;
    static __data_start: u8;
    static __kernel_end: u8;
}

macro_rules! symbol {
    ($name:ident) => {
        (&raw const $name as usize)
    };
}

/// Starts the frame allocator and builds the kernel's page tables from what the loader said.
pub fn init(info: &BootInfo) {
    let usable = || info.memory.iter().filter(|region| region.kind == RegionKind::Usable);
    let top = usable().map(|region| region.base + region.len).max().unwrap_or(0);
    assert!(top > LOW_LIMIT, "the loader reports no usable memory");
    let mut taken: [(u64, u64); 10] = [(0, 0); 10];
    taken[0] = (0, (symbol!(__kernel_end) - IMAGE_BASE) as u64);
    for (slot, module) in taken[1..].iter_mut().zip(info.modules.iter()) {
        *slot = (module.start & !0xfff, (module.end + 0xfff) & !0xfff);
    }
    taken.sort_unstable();

    let entries = (top / PAGE_SIZE as u64) as usize;
    // The bitmaps of free frames follow the table.
    let bitmaps_at = (entries * size_of::<FrameMeta>()).next_multiple_of(size_of::<u64>());
    let words = Buddy::words(entries as u32);
    let table_bytes = (bitmaps_at + words * size_of::<u64>()).next_multiple_of(PAGE_SIZE) as u64;
    let mut table_at = None;
    free_parts(info, &taken, |start, end| {
        if table_at.is_none() && start + table_bytes <= end && start + table_bytes <= EARLY_LIMIT {
            table_at = Some(start);
        }
    });
    let table_at = table_at.unwrap_or_else(|| panic!("no room for the table of page frames ({table_bytes} bytes)"));
    let table = phys_to_virt(table_at).cast::<FrameMeta>();
    // SAFETY: free memory below the early limit, hence mapped, and used for nothing else from here on.
    let (table, bitmaps) = unsafe {
        for index in 0..entries {
            table.add(index).write(FrameMeta::reserved());
        }
        let bitmaps = table.byte_add(bitmaps_at).cast::<u64>();
        bitmaps.write_bytes(0, words);
        (core::slice::from_raw_parts(table, entries), core::slice::from_raw_parts_mut(bitmaps, words))
    };
    frames::init(table, bitmaps);
    let frame = |address: u64| (address / PAGE_SIZE as u64) as u32;
    let give = |start: u64, end: u64, from: u64, to: u64| {
        let (start, end) = (start.max(from), end.min(to));
        if start < end {
            frames::add_region(frame(start), frame(end));
        }
    };
    let hole = (table_at, table_at + table_bytes);
    let give_around = |start: u64, end: u64, from: u64, to: u64| {
        give(start, end.min(hole.0), from, to);
        give(start.max(hole.1), end, from, to);
    };
    free_parts(info, &taken, |start, end| give_around(start, end, 0, EARLY_LIMIT));

    build_tables(info, top);
    free_parts(info, &taken, |start, end| give_around(start, end, EARLY_LIMIT, u64::MAX));
}

/// Calls `each` for every part of usable memory that nothing lies in yet.
fn free_parts(info: &BootInfo, taken: &[(u64, u64)], mut each: impl FnMut(u64, u64)) {
    for region in info.memory.iter().filter(|region| region.kind == RegionKind::Usable) {
        let mut start = region.base.max(LOW_LIMIT);
        let end = region.base + region.len;
        for &(from, to) in taken.iter().filter(|(from, to)| from < to) {
            if from < end && to > start {
                if start < from {
                    each(start, from);
                }
                start = start.max(to);
            }
        }
        if start < end {
            each(start, end);
        }
    }
}

fn build_tables(info: &BootInfo, top: u64) {
    let root = frames::boot_table();
    for address in [PHYSMAP, MMIO_BASE, STACK_BASE, IMAGE_BASE] {
        kernel::reserve_top(root, address);
    }
    let must = |done: Result<(), super::OutOfMemory>| {
        if done.is_err() {
            panic!("no memory for the kernel's page tables");
        }
    };
    // The linear map reaches over all memory and over what firmware tables lie in.
    let other =
        info.memory.iter().map(|region| region.base + region.len).filter(|&end| end <= top.max(EARLY_LIMIT)).max();
    let end = top.max(other.unwrap_or(0)).max(EARLY_LIMIT).next_multiple_of(HUGE);
    let linear = Flags { write: true, ..Flags::default() };
    let (step, huge) = if kernel::has_huge_pages() { (HUGE, true) } else { (LARGE, false) };
    let mut address = 0;
    LINEAR_END.store(end, Ordering::Relaxed);
    while address < end {
        let at = PHYSMAP + address as usize;
        must(if huge {
            kernel::map_huge(root, at, address, linear)
        } else {
            kernel::map_large(root, at, address, linear)
        });
        address += step;
    }
    let parts = [
        (symbol!(__text_start), symbol!(__text_end), Flags { exec: true, ..Flags::default() }),
        (symbol!(__rodata_start), symbol!(__rodata_end), Flags::default()),
        (symbol!(__data_start), symbol!(__kernel_end), Flags { write: true, ..Flags::default() }),
    ];
    for (start, end, flags) in parts {
        for page in (start & !(PAGE_SIZE - 1)..end).step_by(PAGE_SIZE) {
            must(kernel::map(root, page, (page - IMAGE_BASE) as u64, flags));
        }
    }
    kernel::set_root(root);
    NEXT.lock().root = root;
    kernel::load(root);
}

/// Maps device registers, uncached. They stay mapped.
pub fn map_mmio(phys: u64, len: usize) -> *mut u8 {
    let offset = phys as usize % PAGE_SIZE;
    let pages = (offset + len).div_ceil(PAGE_SIZE);
    let mut next = NEXT.lock();
    let base = next.mmio;
    let flags = Flags { write: true, cache: Cache::Uncached, ..Flags::default() };
    for page in 0..pages {
        let physical = phys - offset as u64 + (page * PAGE_SIZE) as u64;
        if kernel::map(next.root, base + page * PAGE_SIZE, physical, flags).is_err() {
            panic!("no memory to map device registers at {phys:#x}");
        }
    }
    next.mmio += pages * PAGE_SIZE;
    (base + offset) as *mut u8
}

/// Maps memory of the loader's frame buffer, write-combining. It stays mapped.
pub fn map_framebuffer(phys: u64, len: usize) -> *mut u8 {
    let offset = phys as usize % PAGE_SIZE;
    let bytes = page_round_up(offset + len).unwrap_or(PAGE_SIZE);
    let mut next = NEXT.lock();
    let base = next.mmio;
    let flags = Flags { write: true, cache: Cache::WriteCombining, ..Flags::default() };
    for at in (0..bytes).step_by(PAGE_SIZE) {
        if kernel::map(next.root, base + at, phys - offset as u64 + at as u64, flags).is_err() {
            panic!("no memory to map the frame buffer");
        }
    }
    next.mmio += bytes;
    (base + offset) as *mut u8
}

/// Maps a new kernel stack, with an unmapped page below it; answers its top. Stacks are never unmapped: they stay with the
/// thread's place in the table of threads and serve the next thread there.
pub fn alloc_stack() -> Result<usize, super::OutOfMemory> {
    const ORDER: usize = (STACK_SIZE / PAGE_SIZE).trailing_zeros() as usize;
    let block = frames::alloc_block(ORDER)?;
    let mut next = NEXT.lock();
    let top = next.stack + STACK_STRIDE;
    let flags = Flags { write: true, ..Flags::default() };
    for at in (0..STACK_SIZE).step_by(PAGE_SIZE) {
        if let Err(error) = kernel::map(next.root, top - STACK_SIZE + at, block + at as u64, flags) {
            // It was the first page: all lie in one table, so nothing is mapped.
            frames::free_block(block, ORDER);
            return Err(error);
        }
    }
    next.stack = top;
    Ok(top)
}

/// The same for a processor that is being started.
pub fn alloc_kernel_stack() -> usize {
    alloc_stack().unwrap_or_else(|_| panic!("no memory for a processor's stack"))
}
