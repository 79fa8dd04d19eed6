//! The list of mappings of an address space: which ranges are in use, with what protection, backed by what.
//!
//! Pure bookkeeping, without page tables: [`VmaMap`] answers what lies at an address, finds room, and cuts ranges out,
//! splitting mappings that stick out at either end. `B` is what backs a mapping (see the kernel's `memory::space`).

use alloc::collections::BTreeMap;

/// Bytes in a page.
pub const PAGE: usize = 4096;

/// What a mapping's contents come from; cut pieces know which part they are.
pub trait Backing: Clone {
    /// The backing of the part that begins `bytes` (page multiple) behind this one's begin.
    fn advance(&self, bytes: usize) -> Self;
    /// Whether this mapping, `len` bytes long, goes on in `next`, so that the two may be kept as one.
    fn joins(&self, len: usize, next: &Self) -> bool;
}

/// Access that a mapping allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Prot {
    /// Loads.
    pub read: bool,
    /// Stores.
    pub write: bool,
    /// Instruction fetches.
    pub exec: bool,
}

/// One mapping.
#[derive(Clone, Debug)]
pub struct Vma<B> {
    /// First address.
    pub start: usize,
    /// First address behind it.
    pub end: usize,
    /// Access allowed.
    pub prot: Prot,
    /// Where its pages come from.
    pub backing: B,
}

/// All mappings of one address space, none overlapping.
pub struct VmaMap<B> {
    map: BTreeMap<usize, Vma<B>>,
    /// Where the search for room starts: just below the last place given.
    low: usize,
    high: usize,
    top: usize,
    cursor: usize,
    bytes: usize,
}

impl<B: Backing> VmaMap<B> {
    /// Empty, for addresses `low..high`; room is looked for below `top` first (all page multiples).
    pub fn new(low: usize, high: usize, top: usize) -> Self {
        VmaMap { map: BTreeMap::new(), low, high, top, cursor: top, bytes: 0 }
    }

    /// The mapping at an address.
    pub fn find(&self, addr: usize) -> Option<&Vma<B>> {
        self.map.range(..=addr).next_back().map(|(_, vma)| vma).filter(|vma| addr < vma.end)
    }

    /// All mappings, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &Vma<B>> {
        self.map.values()
    }

    /// Number of mappings.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Bytes that are mapped.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that are mapped in `start..end`.
    pub fn bytes_within(&self, start: usize, end: usize) -> usize {
        self.within(start, end).map(|vma| vma.end.min(end) - vma.start.max(start)).sum()
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Whether `start..end` lies within the bounds and touches no mapping.
    pub fn is_free(&self, start: usize, end: usize) -> bool {
        start >= self.low
            && end <= self.high
            && start < end
            && self.map.range(..end).next_back().is_none_or(|(_, vma)| vma.end <= start)
    }

    /// The lowest mapping that touches `start..end`, which is not empty.
    #[inline]
    pub fn first(&self, start: usize, end: usize) -> Option<&Vma<B>> {
        self.find(start).or_else(|| self.map.range(start..end).next().map(|(_, vma)| vma))
    }

    /// The mappings that touch `start..end`, ascending.
    pub fn within(&self, start: usize, end: usize) -> impl Iterator<Item = &Vma<B>> {
        let mut at = start;
        core::iter::from_fn(move || {
            let vma = if at < end { self.first(at, end) } else { None }?;
            at = vma.end;
            Some(vma)
        })
    }

    /// How many mappings there would be more if `start..end` were a mapping of its own (at most 2).
    pub fn splits(&self, start: usize, end: usize) -> usize {
        let inside = |at: usize| self.find(at).is_some_and(|vma| vma.start < at);
        usize::from(inside(start)) + usize::from(inside(end))
    }

    /// Room for `len` bytes (page multiple): at `hint` when that is free, else below what was given last, else anywhere.
    pub fn find_room(&mut self, len: usize, hint: usize) -> Option<usize> {
        if len == 0 || len > self.high - self.low {
            return None;
        }
        if hint != 0 && hint.is_multiple_of(PAGE) && self.is_free(hint, hint.checked_add(len)?) {
            return Some(hint);
        }
        let found = self.room_below(self.cursor, len).or_else(|| self.room_below(self.high, len))?;
        self.cursor = found;
        Some(found)
    }

    fn room_below(&self, top: usize, len: usize) -> Option<usize> {
        let mut top = top;
        loop {
            let start = top.checked_sub(len).filter(|&start| start >= self.low)?;
            match self.map.range(..top).next_back() {
                Some((_, vma)) if vma.end > start => top = vma.start,
                _ => return Some(start),
            }
        }
    }

    /// Adds a mapping to a free range, joining it to its neighbours where they go on in each other. False when the range is not free.
    pub fn insert(&mut self, mut vma: Vma<B>) -> bool {
        if !self.is_free(vma.start, vma.end) {
            return false;
        }
        self.bytes += vma.end - vma.start;
        if let Some((_, before)) = self.map.range(..vma.start).next_back()
            && before.end == vma.start
            && before.prot == vma.prot
            && before.backing.joins(before.end - before.start, &vma.backing)
        {
            let before = self.map.remove(&before.start.clone()).unwrap_or_else(|| unreachable!());
            vma = Vma { start: before.start, backing: before.backing, ..vma };
        }
        if let Some(after) = self.map.get(&vma.end)
            && after.prot == vma.prot
            && vma.backing.joins(vma.end - vma.start, &after.backing)
        {
            let end = after.end;
            self.map.remove(&vma.end);
            vma.end = end;
        }
        self.map.insert(vma.start, vma);
        true
    }

    /// Cuts `start..end`, all or part of one mapping, out; answers the piece. `None`, with nothing changed, for any other range.
    pub fn take(&mut self, start: usize, end: usize) -> Option<Vma<B>> {
        let key = self.find(start).filter(|vma| start < end && end <= vma.end)?.start;
        let vma = self.map.remove(&key)?;
        self.bytes -= end - start;
        if end < vma.end {
            let rest = Vma { start: end, backing: vma.backing.advance(end - vma.start), ..vma.clone() };
            self.map.insert(end, rest);
        }
        let piece = if vma.start < start {
            let piece = Vma { start, end, prot: vma.prot, backing: vma.backing.advance(start - vma.start) };
            self.map.insert(vma.start, Vma { end: start, ..vma });
            piece
        } else {
            Vma { end, ..vma }
        };
        // Freed room above the cursor is used again, so that a program that maps and unmaps stays where it is.
        self.cursor = self.cursor.max(end.min(self.top));
        Some(piece)
    }

    /// Gives another protection to what is mapped in `start..end`. False, with nothing changed, when a part of it is not mapped
    /// or `allow` refuses a mapping.
    pub fn protect(&mut self, start: usize, end: usize, prot: Prot, mut allow: impl FnMut(&Vma<B>) -> bool) -> bool {
        let mut at = start;
        while at < end {
            match self.find(at) {
                Some(vma) if allow(vma) => at = vma.end,
                _ => return false,
            }
        }
        let cursor = self.cursor;
        let mut at = start;
        while at < end {
            let Some(to) = self.find(at).map(|vma| vma.end.min(end)) else { break };
            if let Some(piece) = self.take(at, to) {
                self.insert(Vma { prot, ..piece });
            }
            at = to;
        }
        // No room has been freed.
        self.cursor = cursor;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[derive(Clone, Debug, PartialEq)]
    struct File(usize);
    impl Backing for File {
        fn advance(&self, bytes: usize) -> Self {
            File(self.0 + bytes)
        }
        fn joins(&self, len: usize, next: &Self) -> bool {
            self.0 + len == next.0
        }
    }

    const RW: Prot = Prot { read: true, write: true, exec: false };

    fn map() -> VmaMap<File> {
        VmaMap::new(0x10000, 0x100_0000, 0x100_0000)
    }
    fn add(map: &mut VmaMap<File>, start: usize, end: usize, offset: usize) -> bool {
        map.insert(Vma { start, end, prot: RW, backing: File(offset) })
    }

    fn remove(map: &mut VmaMap<File>, start: usize, end: usize) -> Vec<Vma<File>> {
        let mut pieces = Vec::new();
        while let Some((from, to)) = map.first(start, end).map(|vma| (vma.start.max(start), vma.end.min(end))) {
            pieces.extend(map.take(from, to));
        }
        pieces
    }

    #[test]
    fn cuts_and_keeps_the_right_parts() {
        let mut map = map();
        assert!(add(&mut map, 0x20000, 0x30000, 0x5000));
        assert!(!add(&mut map, 0x2f000, 0x31000, 0));
        let cut = remove(&mut map, 0x24000, 0x26000);
        assert_eq!((cut.len(), cut[0].start, cut[0].end, cut[0].backing.0), (1, 0x24000, 0x26000, 0x9000));
        assert_eq!(map.find(0x26000).unwrap().backing, File(0xb000));
        assert_eq!(map.find(0x23fff).unwrap().end, 0x24000);
        assert!(map.find(0x24000).is_none() && map.find(0x30000).is_none());
        assert_eq!((map.len(), map.bytes()), (2, 0xe000));
        assert_eq!((map.bytes_within(0, 0x25000), map.bytes_within(0x23000, 0x27000)), (0x4000, 0x2000));
        // The hole filled with what was there becomes one mapping again.
        assert!(add(&mut map, 0x24000, 0x26000, 0x9000));
        assert_eq!((map.len(), map.bytes()), (1, 0x10000));
        assert!(map.protect(0x21000, 0x22000, Prot::default(), |_| true));
        assert_eq!((map.len(), map.bytes()), (3, 0x10000));
    }

    #[test]
    fn takes_parts_of_one_mapping_only() {
        let mut map = map();
        add(&mut map, 0x20000, 0x22000, 0);
        add(&mut map, 0x22000, 0x24000, 0x10_0000);
        for (start, end) in [(0x21000, 0x23000), (0x1f000, 0x21000), (0x23000, 0x25000), (0x20000, 0x20000)] {
            assert!(map.take(start, end).is_none());
        }
        assert_eq!(map.len(), 2);
        assert_eq!(map.take(0x21000, 0x22000).map(|vma| vma.backing), Some(File(0x1000)));
    }

    #[test]
    fn counts_splits_and_what_a_range_touches() {
        let mut map = map();
        add(&mut map, 0x20000, 0x24000, 0);
        add(&mut map, 0x25000, 0x26000, 0x10_0000);
        for (start, end, splits, touched) in [
            (0x20000, 0x24000, 0, 1),
            (0x21000, 0x24000, 1, 1),
            (0x21000, 0x22000, 2, 1),
            (0x10000, 0x21000, 1, 1),
            (0x10000, 0x20000, 0, 0),
            (0x23000, 0x26000, 1, 2),
            (0x24000, 0x25000, 0, 0),
            (0x10000, 0x100_0000, 0, 2),
        ] {
            assert_eq!((map.splits(start, end), map.within(start, end).count()), (splits, touched), "{start:#x}");
        }
    }

    #[test]
    fn protects_only_what_is_wholly_mapped() {
        let mut map = map();
        add(&mut map, 0x20000, 0x30000, 0);
        let ro = Prot { write: false, ..RW };
        assert!(!map.protect(0x28000, 0x31000, ro, |_| true));
        assert!(!map.protect(0x28000, 0x29000, ro, |_| false));
        assert_eq!(map.len(), 1);
        assert!(map.protect(0x28000, 0x29000, ro, |_| true));
        assert_eq!((map.len(), map.find(0x28000).unwrap().prot), (3, ro));
        assert!(map.protect(0x28000, 0x29000, RW, |_| true));
        assert_eq!(map.len(), 1);
        // Over several mappings, of which the first and the last stick out.
        add(&mut map, 0x30000, 0x40000, 0x100_0000);
        add(&mut map, 0x40000, 0x50000, 0x200_0000);
        assert!(map.protect(0x2f000, 0x41000, ro, |_| true));
        let parts: Vec<_> = map.iter().map(|vma| (vma.start, vma.prot.write, vma.backing.0)).collect();
        let expected = [
            (0x20000, true, 0),
            (0x2f000, false, 0xf000),
            (0x30000, false, 0x100_0000),
            (0x40000, false, 0x200_0000),
            (0x41000, true, 0x200_1000),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn finds_room_and_reuses_it() {
        let mut map = map();
        let a = map.find_room(0x4000, 0).unwrap();
        assert_eq!(a, 0x100_0000 - 0x4000);
        add(&mut map, a, a + 0x4000, 0);
        let b = map.find_room(0x1000, 0).unwrap();
        assert_eq!(b, a - 0x1000);
        add(&mut map, b, b + 0x1000, 0x10_0000);
        remove(&mut map, b, b + 0x1000);
        assert_eq!(map.find_room(0x1000, 0), Some(b));
        assert_eq!(map.find_room(0x1000, 0x50000), Some(0x50000));
        assert_eq!(map.find_room(0x200_0000, 0), None);
        assert_eq!(map.find_room(usize::MAX & !0xfff, 0x50000), None);
    }

    #[test]
    fn agrees_with_a_page_by_page_model() {
        let mut map = map();
        let mut model = alloc::vec![None::<usize>; 256];
        let mut seed = 7u64;
        for step in 0..5000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let (a, n) = ((seed >> 33) as usize % 240, 1 + (seed >> 45) as usize % 15);
            let (start, end) = (0x10000 + a * PAGE, 0x10000 + (a + n) * PAGE);
            if seed >> 63 == 0 {
                let free = model[a..a + n].iter().all(Option::is_none);
                assert_eq!(add(&mut map, start, end, step * 0x100_0000), free);
                if free {
                    (0..n).for_each(|i| model[a + i] = Some(step * 0x100_0000 + i * PAGE));
                }
            } else {
                remove(&mut map, start, end);
                model[a..a + n].fill(None);
            }
            for (i, want) in model.iter().enumerate() {
                let addr = 0x10000 + i * PAGE;
                let got = map.find(addr).map(|v| v.backing.0 + addr - v.start);
                assert_eq!(got, *want);
            }
        }
    }
}
