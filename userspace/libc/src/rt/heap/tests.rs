//! The heap over a fake of the system's pages.

use super::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Windows carved out of one real reservation; which pages are "mapped" is checked.
struct Fake;

/// Mapped ranges: start to end.
static MAPPED: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

unsafe extern "C" {
    fn mmap(address: *mut u8, length: usize, protection: i32, flags: i32, fd: i32, offset: i64) -> *mut u8;
    fn munmap(address: *mut u8, length: usize) -> i32;
}

const PROT_READ_WRITE: i32 = 3;
/// MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE of Linux.
const LAZY: i32 = 0x2 | 0x20 | 0x4000;
const FIXED_NOREPLACE: i32 = 0x10_0000;

impl Pages for Fake {
    fn map(address: usize, size: usize) -> bool {
        assert_eq!((address % 4096, size % 4096), (0, 0));
        // SAFETY: fixed without replacing: nothing else is disturbed.
        let got = unsafe { mmap(address as *mut u8, size, PROT_READ_WRITE, LAZY | FIXED_NOREPLACE, -1, 0) };
        if got as usize != address {
            return false;
        }
        MAPPED.lock().unwrap().insert(address, address + size);
        true
    }

    fn unmap(address: usize, size: usize) -> bool {
        // SAFETY: the heap gives up memory that it mapped.
        assert_eq!(unsafe { munmap(address as *mut u8, size) }, 0);
        true
    }

    fn base() -> usize {
        /// Far from where the test program and its libraries lie.
        const BASE: usize = 0x1000_0000_0000;
        static CHECKED: OnceLock<()> = OnceLock::new();
        CHECKED.get_or_init(|| assert_eq!(BASE % (1 << WINDOW_SHIFT), 0));
        BASE
    }
}

fn heap() -> Arc<Heap<Fake>> {
    static HEAP: OnceLock<Arc<Heap<Fake>>> = OnceLock::new();
    HEAP.get_or_init(|| Arc::new(Heap::new())).clone()
}

/// A small deterministic generator (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }
}

fn fill(block: *mut u8, size: usize, seed: u8) {
    // SAFETY: the block has the size.
    unsafe { ptr::write_bytes(block, seed, size) };
}

fn check(block: *mut u8, size: usize, seed: u8) {
    // SAFETY: the block has the size.
    assert!(unsafe { std::slice::from_raw_parts(block, size) }.iter().all(|&byte| byte == seed));
}

#[test]
fn every_size_is_served_with_room_and_alignment() {
    let (heap, mut cache) = (heap(), Cache::new(1));
    for size in (0..2100).chain([4096, 65_536, 300_000, 5 << 20]) {
        // SAFETY: the cache is ours, the blocks come from the heap.
        unsafe {
            let block = heap.allocate(&mut cache, size);
            assert!(!block.is_null() && (block as usize).is_multiple_of(ALIGN));
            assert!(usable(block) >= size, "{size}: {}", usable(block));
            fill(block, usable(block), 0xa5);
            heap.release(&mut cache, block);
        }
    }
}

#[test]
fn a_block_that_was_freed_comes_back() {
    let (heap, mut cache) = (heap(), Cache::new(2));
    // SAFETY: the cache is ours, the blocks come from the heap.
    unsafe {
        let block = heap.allocate(&mut cache, 100);
        heap.release(&mut cache, block);
        assert_eq!(heap.allocate(&mut cache, 100), block);
        heap.release(&mut cache, block);
        heap.release(&mut cache, null_mut());
    }
}

#[test]
fn zeroed_blocks_are_zero_even_when_used_before() {
    let (heap, mut cache) = (heap(), Cache::new(3));
    for size in [1, 24, 500, 1040, 2000, 100_000, 1 << 20] {
        for _ in 0..3 {
            // SAFETY: the cache is ours, the blocks come from the heap.
            unsafe {
                let block = heap.allocate_zeroed(&mut cache, size);
                check(block, size, 0);
                fill(block, size, 0xff);
                heap.release(&mut cache, block);
            }
        }
    }
}

#[test]
fn aligned_blocks_are_aligned() {
    let (heap, mut cache) = (heap(), Cache::new(4));
    for shift in 0..16 {
        for size in [1, 40, 1000, 5000] {
            // SAFETY: the cache is ours, the blocks come from the heap.
            unsafe {
                let block = heap.allocate_aligned(&mut cache, 1 << shift, size);
                assert!((block as usize).is_multiple_of(1 << shift) && usable(block) >= size);
                fill(block, size, 7);
                heap.release(&mut cache, block);
            }
        }
    }
}

#[test]
fn impossible_sizes_are_refused() {
    let (heap, mut cache) = (heap(), Cache::new(5));
    for size in [usize::MAX, usize::MAX - 15, isize::MAX as usize, 1 << 40] {
        // SAFETY: the cache is ours.
        unsafe {
            assert!(heap.allocate(&mut cache, size).is_null());
            assert!(heap.allocate_zeroed(&mut cache, size).is_null());
            assert!(heap.allocate_aligned(&mut cache, 4096, size).is_null());
            let block = heap.allocate(&mut cache, 64);
            fill(block, 64, 3);
            assert!(heap.reallocate(&mut cache, block, size).is_null());
            check(block, 64, 3);
            heap.release(&mut cache, block);
        }
    }
}

/// Random use by several threads, where every block is freed or resized by whichever thread holds it then.
#[test]
fn threads_exchange_blocks() {
    type Held = Vec<(usize, usize, u8)>;
    let heap = heap();
    let pool: Arc<Mutex<Held>> = Arc::default();
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (heap, pool) = (heap.clone(), pool.clone());
            std::thread::spawn(move || {
                let (mut cache, mut random) = (Box::new(Cache::new(number)), Random(number as u64 + 1));
                for round in 0..20_000 {
                    let size = if random.next(50) == 0 { random.next(400_000) } else { random.next(1500) };
                    // SAFETY: the cache is this thread's; a block is in the pool or held by one thread.
                    unsafe {
                        match random.next(3) {
                            0 => {
                                let (block, seed) = (heap.allocate(&mut cache, size), round as u8);
                                fill(block, size, seed);
                                pool.lock().unwrap().push((block as usize, size, seed));
                            }
                            1 => {
                                let taken = pool.lock().unwrap().pop();
                                if let Some((block, old, seed)) = taken {
                                    check(block as *mut u8, old, seed);
                                    heap.release(&mut cache, block as *mut u8);
                                }
                            }
                            _ => {
                                let taken = pool.lock().unwrap().pop();
                                if let Some((block, old, seed)) = taken {
                                    let new = heap.reallocate(&mut cache, block as *mut u8, size);
                                    assert!(usable(new) >= size);
                                    check(new, old.min(size), seed);
                                    fill(new, size, seed);
                                    pool.lock().unwrap().push((new as usize, size, seed));
                                }
                            }
                        }
                    }
                }
                // SAFETY: the thread ends.
                unsafe { heap.drain(&mut cache) };
                assert!(cache.counts.iter().all(|&count| count == 0));
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let mut cache = Cache::new(0);
    for (block, size, seed) in pool.lock().unwrap().drain(..) {
        check(block as *mut u8, size, seed);
        // SAFETY: nobody holds the block any more.
        unsafe { heap.release(&mut cache, block as *mut u8) };
    }
    assert!(!MAPPED.lock().unwrap().is_empty());
}

/// The scaling over threads, shown without a clock: whoever has another arena needs no lock that anybody else holds.
#[test]
fn threads_of_different_arenas_never_wait_for_each_other() {
    let heap = heap();
    let others: Vec<_> = (0..ARENAS).filter(|&arena| arena != 3).map(|arena| heap.arenas[arena].lock()).collect();
    let worker = {
        let heap = heap.clone();
        std::thread::spawn(move || {
            let mut cache = Cache::new(3);
            let mut random = Random(99);
            let mut blocks = vec![null_mut(); 100];
            for _ in 0..20_000 {
                let slot = random.next(blocks.len());
                // SAFETY: the cache is this thread's, the blocks are this heap's.
                unsafe {
                    heap.release(&mut cache, blocks[slot]);
                    blocks[slot] = heap.allocate(&mut cache, 1 + random.next(4000));
                    assert!(!blocks[slot].is_null());
                }
            }
            // SAFETY: as above.
            unsafe {
                blocks.into_iter().for_each(|block| heap.release(&mut cache, block));
                heap.drain(&mut cache);
            }
        })
    };
    // It ends although all other arenas are held.
    worker.join().unwrap();
    drop(others);
}
