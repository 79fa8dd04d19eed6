//! The physical page allocator's logic: a binary buddy system over one table of per-frame words.
//!
//! [`FrameTable`] has one [`FrameMeta`] for each page frame of the machine. While a frame is free its words hold the links of
//! the free list that it heads; while it is in use they hold its reference count. [`Buddy`] owns the list heads. The caller
//! serialises calls to [`Buddy`]; reference counts are atomic and need no lock.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Largest block: `1 << MAX_ORDER` frames (4 MiB).
pub const MAX_ORDER: usize = 10;
/// No frame.
pub const NIL: u32 = u32::MAX;

/// High bit of [`FrameMeta::state`]: the frame heads a free block, whose order is in the low bits.
const FREE: u32 = 1 << 31;

/// The two words kept for each frame.
pub struct FrameMeta {
    /// In use: the reference count. Free head: `FREE | order`. Otherwise 0.
    state: AtomicU32,
    /// Free head: next free block of that order.
    next: AtomicU32,
    /// Free head: previous free block of that order.
    prev: AtomicU32,
}

impl FrameMeta {
    /// A frame that nobody may allocate.
    pub const fn reserved() -> Self {
        FrameMeta { state: AtomicU32::new(0), next: AtomicU32::new(NIL), prev: AtomicU32::new(NIL) }
    }
}

/// One entry for each frame of physical memory, index = physical address / 4096.
pub type FrameTable = [FrameMeta];

/// Adds a reference to a frame that has at least one; answers the count before. One instruction, no lock.
pub fn get(table: &FrameTable, frame: u32) -> u32 {
    table[frame as usize].state.fetch_add(1, Relaxed)
}

/// Drops a reference; answers the count that is left.
pub fn put(table: &FrameTable, frame: u32) -> u32 {
    use core::sync::atomic::Ordering::AcqRel;
    table[frame as usize].state.fetch_sub(1, AcqRel) - 1
}

/// References to a frame that is in use.
pub fn count(table: &FrameTable, frame: u32) -> u32 {
    table[frame as usize].state.load(Relaxed)
}

/// Sets the count of a frame just allocated.
pub fn set(table: &FrameTable, frame: u32, references: u32) {
    table[frame as usize].state.store(references, Relaxed);
}

/// The free lists.
pub struct Buddy {
    heads: [u32; MAX_ORDER + 1],
    free: usize,
}

impl Buddy {
    /// With nothing to give.
    pub const fn new() -> Self {
        Buddy { heads: [NIL; MAX_ORDER + 1], free: 0 }
    }

    /// Frames that are free.
    pub fn free_frames(&self) -> usize {
        self.free
    }

    /// Hands the frames `start..end` over to the allocator (at boot).
    pub fn add_region(&mut self, table: &FrameTable, start: u32, end: u32) {
        let end = end.min(table.len() as u32);
        let mut at = start;
        while at < end {
            let mut order = MAX_ORDER.min(at.trailing_zeros() as usize);
            while at + (1 << order) > end {
                order -= 1;
            }
            self.free(table, at, order);
            at += 1 << order;
        }
    }

    /// Takes a block of `1 << order` frames, aligned to its size.
    pub fn alloc(&mut self, table: &FrameTable, order: usize) -> Option<u32> {
        let mut have = (order..=MAX_ORDER).find(|&o| self.heads[o] != NIL)?;
        let block = self.heads[have];
        self.unlink(table, block, have);
        while have > order {
            have -= 1;
            self.link(table, block + (1 << have), have);
        }
        self.free -= 1 << order;
        Some(block)
    }

    /// Takes back a block that [`Buddy::alloc`] gave, merging it with its free buddies.
    pub fn free(&mut self, table: &FrameTable, block: u32, order: usize) {
        self.free += 1 << order;
        let (mut block, mut order) = (block, order);
        while order < MAX_ORDER {
            let buddy = block ^ (1 << order);
            match table.get(buddy as usize) {
                Some(meta) if meta.state.load(Relaxed) == FREE | order as u32 => self.unlink(table, buddy, order),
                _ => break,
            }
            block &= !(1 << order);
            order += 1;
        }
        self.link(table, block, order);
    }

    fn link(&mut self, table: &FrameTable, block: u32, order: usize) {
        let head = self.heads[order];
        let meta = &table[block as usize];
        meta.state.store(FREE | order as u32, Relaxed);
        meta.next.store(head, Relaxed);
        meta.prev.store(NIL, Relaxed);
        if head != NIL {
            table[head as usize].prev.store(block, Relaxed);
        }
        self.heads[order] = block;
    }

    fn unlink(&mut self, table: &FrameTable, block: u32, order: usize) {
        let meta = &table[block as usize];
        let (next, prev) = (meta.next.load(Relaxed), meta.prev.load(Relaxed));
        if prev == NIL {
            self.heads[order] = next;
        } else {
            table[prev as usize].next.store(next, Relaxed);
        }
        if next != NIL {
            table[next as usize].prev.store(prev, Relaxed);
        }
        meta.state.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn table(frames: usize) -> Vec<FrameMeta> {
        (0..frames).map(|_| FrameMeta::reserved()).collect()
    }

    #[test]
    fn gives_back_what_it_got_and_merges() {
        let table = table(5000);
        let mut buddy = Buddy::new();
        buddy.add_region(&table, 3, 4099);
        assert_eq!(buddy.free_frames(), 4096);
        let all: Vec<u32> = core::iter::from_fn(|| buddy.alloc(&table, 0)).collect();
        assert_eq!(all.len(), 4096);
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 4096);
        assert_eq!((sorted[0], sorted[4095]), (3, 4098));
        for frame in all {
            buddy.free(&table, frame, 0);
        }
        assert_eq!(buddy.free_frames(), 4096);
        // 1024..4096 are three whole largest blocks again.
        for _ in 0..3 {
            assert!(buddy.alloc(&table, MAX_ORDER).unwrap().is_multiple_of(1024));
        }
        assert!(buddy.alloc(&table, MAX_ORDER).is_none());
    }

    #[test]
    fn random_blocks_never_overlap() {
        let table = table(8192);
        let mut buddy = Buddy::new();
        buddy.add_region(&table, 0, 8192);
        let mut seed = 12345u64;
        let mut held: Vec<(u32, usize)> = Vec::new();
        let mut used = alloc::vec![false; 8192];
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let r = (seed >> 33) as usize;
            if r.is_multiple_of(2) {
                let order = (r >> 1) % 5;
                if let Some(block) = buddy.alloc(&table, order) {
                    assert!(block.is_multiple_of(1 << order));
                    for f in block..block + (1 << order) {
                        assert!(!core::mem::replace(&mut used[f as usize], true));
                        set(&table, f, 1);
                    }
                    held.push((block, order));
                }
            } else if !held.is_empty() {
                let (block, order) = held.swap_remove((r >> 1) % held.len());
                for f in block..block + (1 << order) {
                    used[f as usize] = false;
                    set(&table, f, 0);
                }
                buddy.free(&table, block, order);
            }
        }
        let held: usize = held.iter().map(|&(_, o)| 1 << o).sum();
        assert_eq!(buddy.free_frames() + held, 8192);
    }

    #[test]
    fn counts_references() {
        let table = table(1);
        set(&table, 0, 1);
        assert_eq!(get(&table, 0), 1);
        assert_eq!((put(&table, 0), count(&table, 0), put(&table, 0)), (1, 1, 0));
    }
}
