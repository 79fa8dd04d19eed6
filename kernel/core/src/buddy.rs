//! The physical page allocator's logic: a binary buddy system over bitmaps, and the frames' reference counts.
//!
//! For each order there is a bitmap with one bit for each block of that size, set while the block is free as a whole. Above it stand
//! smaller ones with a bit for each word of the one below that is not zero, up to a single word: the first free block is found in as many
//! steps as there are levels, three for a GiB. Nothing is kept in free memory itself, where a device that was not stopped in time could
//! write. So a frame costs a count of four bytes and two bits.
//!
//! The caller serialises calls to [`Buddy`]; reference counts are atomic and need no lock.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Largest block: `1 << MAX_ORDER` frames (4 MiB).
pub const MAX_ORDER: usize = 10;
/// Bits of a word of the bitmaps.
const WORD: u32 = u64::BITS;
/// Levels that are enough for any number of frames: `64^6` is more than 32 bits can count.
const LEVELS: usize = 6;

/// What is kept for each frame: its reference count, 0 while it is free.
pub struct FrameMeta(AtomicU32);

impl FrameMeta {
    /// A frame that nobody may allocate.
    pub const fn reserved() -> Self {
        FrameMeta(AtomicU32::new(0))
    }
}

/// One entry for each frame of physical memory, index = physical address / 4096.
pub type FrameTable = [FrameMeta];

/// Adds a reference to a frame that has at least one; answers the count before. One instruction, no lock.
pub fn get(table: &FrameTable, frame: u32) -> u32 {
    table[frame as usize].0.fetch_add(1, Relaxed)
}

/// Drops a reference; answers the count that is left.
pub fn put(table: &FrameTable, frame: u32) -> u32 {
    use core::sync::atomic::Ordering::AcqRel;
    table[frame as usize].0.fetch_sub(1, AcqRel) - 1
}

/// References to a frame that is in use.
pub fn count(table: &FrameTable, frame: u32) -> u32 {
    table[frame as usize].0.load(Relaxed)
}

/// Sets the count of a frame just allocated.
pub fn set(table: &FrameTable, frame: u32, references: u32) {
    table[frame as usize].0.store(references, Relaxed);
}

/// Where the bitmaps of one order begin, the finest first, and how many there are.
#[derive(Clone, Copy)]
struct Order {
    starts: [u32; LEVELS],
    levels: usize,
}

/// The bitmaps of all orders for so many frames, and the words that they take.
const fn layout(frames: u32) -> ([Order; MAX_ORDER + 1], usize) {
    let mut orders = [Order { starts: [0; LEVELS], levels: 0 }; MAX_ORDER + 1];
    let (mut words, mut order) = (0, 0);
    while order <= MAX_ORDER {
        // A block's buddy has a bit too.
        let mut bits = frames.div_ceil(2 << order) * 2;
        loop {
            let of_level = bits.div_ceil(WORD);
            orders[order].starts[orders[order].levels] = words;
            orders[order].levels += 1;
            words += of_level;
            if of_level <= 1 {
                break;
            }
            bits = of_level;
        }
        order += 1;
    }
    (orders, words as usize)
}

/// Which blocks are free.
pub struct Buddy<'a> {
    words: &'a mut [u64],
    orders: [Order; MAX_ORDER + 1],
    frames: u32,
    free: usize,
}

impl<'a> Buddy<'a> {
    /// With nothing to give.
    pub const fn new() -> Self {
        Buddy { words: &mut [], orders: layout(0).0, frames: 0, free: 0 }
    }

    /// Words that the bitmaps for so many frames take.
    pub const fn words(frames: u32) -> usize {
        layout(frames).1
    }

    /// For the frames below `frames`, all of them taken, with [`Buddy::words`] words of zeros for the bitmaps.
    pub fn over(words: &'a mut [u64], frames: u32) -> Self {
        let (orders, len) = layout(frames);
        Buddy { words: &mut words[..len], orders, frames, free: 0 }
    }

    /// Frames that are free.
    pub fn free_frames(&self) -> usize {
        self.free
    }

    /// Hands the frames `start..end` over to the allocator (at boot).
    pub fn add_region(&mut self, start: u32, end: u32) {
        let end = end.min(self.frames);
        let mut at = start;
        while at < end {
            let mut order = MAX_ORDER.min(at.trailing_zeros() as usize);
            while at + (1 << order) > end {
                order -= 1;
            }
            self.free(at, order);
            at += 1 << order;
        }
    }

    /// Takes a block of `1 << order` frames, aligned to its size.
    pub fn alloc(&mut self, order: usize) -> Option<u32> {
        let (block, have) = (order..=MAX_ORDER).find_map(|order| Some((self.first(order)?, order)))?;
        Some(self.take(block, have, order))
    }

    /// Takes single frames until `to` is full or nothing is left, out of the smallest blocks that there are; answers how many.
    pub fn alloc_frames(&mut self, to: &mut [u32]) -> usize {
        let mut done = 0;
        while done < to.len() {
            let Some((block, have)) = (0..=MAX_ORDER).find_map(|order| Some((self.first(order)?, order))) else {
                break;
            };
            let order = have.min((to.len() - done).ilog2() as usize);
            let block = self.take(block, have, order);
            for frame in block..block + (1 << order) {
                to[done] = frame;
                done += 1;
            }
        }
        done
    }

    /// Takes the first `1 << order` frames of a free block; the rest of it stays free.
    fn take(&mut self, block: u32, have: usize, order: usize) -> u32 {
        self.clear(block, have);
        for order in order..have {
            self.set(block + (1 << order), order);
        }
        self.free -= 1 << order;
        block
    }

    /// Takes back a block that [`Buddy::alloc`] gave, merging it with its free buddies.
    pub fn free(&mut self, block: u32, order: usize) {
        self.free += 1 << order;
        let (mut block, mut order) = (block, order);
        while order < MAX_ORDER && self.is_free(block ^ (1 << order), order) {
            self.clear(block ^ (1 << order), order);
            block &= !(1 << order);
            order += 1;
        }
        self.set(block, order);
    }

    /// The first free block of an order.
    fn first(&self, order: usize) -> Option<u32> {
        let Order { starts, levels } = &self.orders[order];
        let mut index = 0;
        for start in starts[..*levels].iter().rev() {
            let word = self.words.get((start + index) as usize).copied().filter(|&word| word != 0)?;
            index = index * WORD + word.trailing_zeros();
        }
        Some(index << order)
    }

    fn is_free(&self, block: u32, order: usize) -> bool {
        let index = block >> order;
        self.words[(self.orders[order].starts[0] + index / WORD) as usize] & 1 << (index % WORD) != 0
    }

    fn set(&mut self, block: u32, order: usize) {
        let Order { starts, levels } = &self.orders[order];
        let mut index = block >> order;
        for start in &starts[..*levels] {
            let word = &mut self.words[(start + index / WORD) as usize];
            let before = *word;
            *word |= 1 << (index % WORD);
            if before != 0 {
                // The levels above know already.
                return;
            }
            index /= WORD;
        }
    }

    fn clear(&mut self, block: u32, order: usize) {
        let Order { starts, levels } = &self.orders[order];
        let mut index = block >> order;
        for start in &starts[..*levels] {
            let word = &mut self.words[(start + index / WORD) as usize];
            *word &= !(1 << (index % WORD));
            if *word != 0 {
                return;
            }
            index /= WORD;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn room(frames: u32) -> Vec<u64> {
        alloc::vec![0; Buddy::words(frames)]
    }

    #[test]
    fn gives_back_what_it_got_and_merges() {
        let mut room = room(5000);
        let mut buddy = Buddy::over(&mut room, 5000);
        buddy.add_region(3, 4099);
        assert_eq!(buddy.free_frames(), 4096);
        let all: Vec<u32> = core::iter::from_fn(|| buddy.alloc(0)).collect();
        assert_eq!(all.len(), 4096);
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 4096);
        assert_eq!((sorted[0], sorted[4095]), (3, 4098));
        for frame in all {
            buddy.free(frame, 0);
        }
        assert_eq!(buddy.free_frames(), 4096);
        // 1024..4096 are three whole largest blocks again.
        for _ in 0..3 {
            assert!(buddy.alloc(MAX_ORDER).unwrap().is_multiple_of(1024));
        }
        assert!(buddy.alloc(MAX_ORDER).is_none());
    }

    #[test]
    fn nothing_to_give() {
        let mut buddy = Buddy::new();
        buddy.add_region(0, 10);
        assert_eq!((buddy.alloc(0), buddy.alloc_frames(&mut [0; 4]), buddy.free_frames()), (None, 0, 0));
    }

    #[test]
    fn frames_come_out_of_the_smallest_blocks() {
        let mut room = room(4096);
        let mut buddy = Buddy::over(&mut room, 4096);
        buddy.add_region(1, 4096);
        let mut frames = [0; 10];
        assert_eq!(buddy.alloc_frames(&mut frames), 10);
        assert_eq!(frames, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let mut rest = alloc::vec![0; 5000];
        assert_eq!(buddy.alloc_frames(&mut rest), 4085);
        rest.truncate(4085);
        rest.sort();
        assert_eq!(rest, (11..4096).collect::<Vec<u32>>());
        assert_eq!((buddy.free_frames(), buddy.alloc(0)), (0, None));
    }

    /// As many frames as make two, three and four levels; the machine's last frame is one that is given.
    #[test]
    fn any_number_of_frames() {
        for frames in [1, 2, 63, 64, 65, 4095, 4097, 300_001] {
            let mut room = room(frames);
            let mut buddy = Buddy::over(&mut room, frames);
            buddy.add_region(0, u32::MAX);
            assert_eq!(buddy.free_frames(), frames as usize);
            let mut given = 0;
            while let Some(block) = (0..=MAX_ORDER).rev().find_map(|order| Some((buddy.alloc(order)?, order))) {
                assert!(block.0 + (1 << block.1) <= frames);
                given += 1 << block.1;
            }
            assert_eq!(given, frames);
        }
    }

    #[test]
    fn random_blocks_never_overlap() {
        let table: Vec<FrameMeta> = (0..8192).map(|_| FrameMeta::reserved()).collect();
        let mut room = room(8192);
        let mut buddy = Buddy::over(&mut room, 8192);
        buddy.add_region(0, 8192);
        let mut seed = 12345u64;
        let mut held: Vec<(u32, usize)> = Vec::new();
        let mut used = alloc::vec![false; 8192];
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let r = (seed >> 33) as usize;
            if r.is_multiple_of(2) {
                let order = (r >> 1) % 5;
                if let Some(block) = buddy.alloc(order) {
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
                buddy.free(block, order);
            }
        }
        let held: usize = held.iter().map(|&(_, o)| 1 << o).sum();
        assert_eq!(buddy.free_frames() + held, 8192);
    }

    #[test]
    fn counts_references() {
        let table = [FrameMeta::reserved()];
        set(&table, 0, 1);
        assert_eq!(get(&table, 0), 1);
        assert_eq!((put(&table, 0), count(&table, 0), put(&table, 0)), (1, 1, 0));
    }
}
