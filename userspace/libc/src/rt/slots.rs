//! Descriptor numbers: which are in use, and which close on `exec`.
//!
//! The kernel takes the number of a new descriptor from its caller; this is where POSIX's "lowest that is free" is decided.
//! A process has two ranges: the ordinary one from 0, and the upper one (tag [`UPPER`]) where libc keeps descriptors that a
//! program is not to see.

use ochre_abi::UPPER;
use syscall::error::{EMFILE, Error, Result};

/// Descriptors in each range.
pub const RANGE: usize = 65_536;
const WORDS: usize = RANGE / 64;

/// Sixty-four descriptors: the bits of those in use, and of those that close on `exec`.
#[derive(Clone, Copy)]
struct Word {
    used: u64,
    cloexec: u64,
}

/// One range.
struct Range {
    words: [Word; WORDS],
    /// No word below this one has a free bit.
    first: usize,
    /// No word from this one on was ever used: most pages of the table are never looked at.
    end: usize,
}

impl Range {
    const fn new() -> Self {
        Range { words: [Word { used: 0, cloexec: 0 }; WORDS], first: 0, end: 0 }
    }

    /// Takes the lowest free slot that is not below `from`.
    fn take(&mut self, from: usize, cloexec: bool) -> Result<usize> {
        let start = (from / 64).max(self.first);
        for index in start..WORDS {
            let below = if index == from / 64 { (1 << (from % 64)) - 1 } else { 0 };
            let free = !(self.words[index].used | below);
            if free == 0 {
                continue;
            }
            // Only a search from the bottom proves that the words passed over are full.
            if from == 0 {
                self.first = index;
            }
            let bit = free.trailing_zeros() as usize;
            self.mark(index * 64 + bit, cloexec);
            return Ok(index * 64 + bit);
        }
        Err(Error::new(EMFILE))
    }

    fn mark(&mut self, slot: usize, cloexec: bool) {
        self.end = self.end.max(slot / 64 + 1);
        let (word, bit) = (&mut self.words[slot / 64], 1 << (slot % 64));
        word.used |= bit;
        word.cloexec = if cloexec { word.cloexec | bit } else { word.cloexec & !bit };
    }

    /// Calls `visit` with each slot whose bit is set in what `bits` takes of a word.
    fn each(&self, bits: impl Fn(&Word) -> u64, mut visit: impl FnMut(usize)) {
        for (index, word) in self.words[..self.end].iter().enumerate() {
            let mut left = bits(word);
            while left != 0 {
                visit(index * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }

    fn release(&mut self, slot: usize) {
        let (word, bit) = (&mut self.words[slot / 64], 1 << (slot % 64));
        word.used &= !bit;
        word.cloexec &= !bit;
        self.first = self.first.min(slot / 64);
    }
}

/// Both ranges of a process.
pub struct Slots {
    lower: Range,
    upper: Range,
}

impl Slots {
    /// Nothing in use.
    pub const fn new() -> Self {
        Slots { lower: Range::new(), upper: Range::new() }
    }

    /// The range of a descriptor and its index there; `None` beyond the range.
    fn place(&mut self, fd: usize) -> Option<(&mut Range, usize)> {
        let (range, index) = if fd & UPPER != 0 { (&mut self.upper, fd & !UPPER) } else { (&mut self.lower, fd) };
        (index < RANGE).then_some((range, index))
    }

    /// Takes the lowest free descriptor at or above `from` (which may carry the upper tag); `EMFILE` when there is none.
    pub fn take(&mut self, from: usize, cloexec: bool) -> Result<usize> {
        let (range, index) = self.place(from).ok_or(Error::new(EMFILE))?;
        range.take(index, cloexec).map(|slot| slot | (from & UPPER))
    }

    /// Marks a descriptor that came into being without [`Slots::take`].
    pub fn mark(&mut self, fd: usize, cloexec: bool) {
        if let Some((range, index)) = self.place(fd) {
            range.mark(index, cloexec);
        }
    }

    /// Gives a descriptor back.
    pub fn release(&mut self, fd: usize) {
        if let Some((range, index)) = self.place(fd) {
            range.release(index);
        }
    }

    /// Calls `visit` with each descriptor that closes on `exec`.
    pub fn each_cloexec(&self, mut visit: impl FnMut(usize)) {
        for (range, tag) in [(&self.lower, 0), (&self.upper, UPPER)] {
            range.each(|word| word.cloexec, |slot| visit(slot | tag));
        }
    }

    /// Calls `visit` with each descriptor of the lower range, ascending, and whether it closes on `exec`.
    pub fn each_program(&self, mut visit: impl FnMut(usize, bool)) {
        let cloexec = |slot: usize| self.lower.words[slot / 64].cloexec & 1 << (slot % 64) != 0;
        self.lower.each(|word| word.used, |slot| visit(slot, cloexec(slot)));
    }

    /// Gives back all descriptors that `keep` does not want.
    pub fn release_all_but(&mut self, keep: impl Fn(usize) -> bool) {
        for (range, tag) in [(&mut self.lower, 0), (&mut self.upper, UPPER)] {
            let copy = Range { ..*range };
            copy.each(
                |word| word.used,
                |slot| {
                    if !keep(slot | tag) {
                        range.release(slot);
                    }
                },
            );
        }
    }

    /// Whether a descriptor is in use, and if it is, whether it closes on `exec`.
    pub fn get(&mut self, fd: usize) -> Option<bool> {
        let (range, index) = self.place(fd)?;
        let (word, bit) = (range.words[index / 64], 1 << (index % 64));
        (word.used & bit != 0).then_some(word.cloexec & bit != 0)
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_slot_is_taken() {
        let mut slots = Box::new(Slots::new());
        for expected in 0..200 {
            assert_eq!(slots.take(0, false), Ok(expected));
        }
        slots.release(130);
        slots.release(3);
        assert_eq!(slots.take(0, false), Ok(3));
        assert_eq!(slots.take(0, false), Ok(130));
        assert_eq!(slots.take(0, false), Ok(200));
    }

    #[test]
    fn a_search_from_above_leaves_the_holes_below() {
        let mut slots = Box::new(Slots::new());
        assert_eq!(slots.take(100, false), Ok(100));
        assert_eq!(slots.take(100, false), Ok(101));
        assert_eq!(slots.take(0, false), Ok(0));
        for expected in 1..100 {
            assert_eq!(slots.take(0, false), Ok(expected));
        }
        assert_eq!(slots.take(0, false), Ok(102));
    }

    #[test]
    fn the_ranges_are_apart_and_bounded() {
        let mut slots = Box::new(Slots::new());
        assert_eq!(slots.take(UPPER, true), Ok(UPPER));
        assert_eq!(slots.take(0, true), Ok(0));
        assert_eq!(slots.take(RANGE - 1, false), Ok(RANGE - 1));
        assert_eq!(slots.take(RANGE - 1, false), Err(Error::new(EMFILE)));
        assert_eq!(slots.take(RANGE, false), Err(Error::new(EMFILE)));
        assert_eq!(slots.take(usize::MAX, false), Err(Error::new(EMFILE)));
        slots.mark(usize::MAX, false);
        slots.release(usize::MAX);
        assert_eq!(slots.get(usize::MAX), None);
    }

    #[test]
    fn a_full_table_says_so_and_recovers() {
        let mut slots = Box::new(Slots::new());
        for _ in 0..RANGE {
            slots.take(0, false).unwrap();
        }
        assert_eq!(slots.take(0, false), Err(Error::new(EMFILE)));
        slots.release(40_000);
        assert_eq!(slots.take(0, false), Ok(40_000));
    }

    #[test]
    fn what_closes_on_exec_is_found_and_what_is_unwanted_goes() {
        let mut slots = Box::new(Slots::new());
        for fd in [0, 3, 64, UPPER, UPPER | 70] {
            slots.mark(fd, fd != 0 && fd != UPPER);
        }
        let mut found = Vec::new();
        slots.each_cloexec(|fd| found.push(fd));
        assert_eq!(found, [3, 64, UPPER | 70]);
        let mut program = Vec::new();
        slots.each_program(|fd, cloexec| program.push((fd, cloexec)));
        assert_eq!(program, [(0, false), (3, true), (64, true)]);
        slots.release_all_but(|fd| fd == 64 || fd == UPPER);
        let left = [0, 3, 64, UPPER, UPPER | 70].map(|fd| slots.get(fd));
        assert_eq!(left, [None, None, Some(true), Some(false), None]);
        assert_eq!(slots.take(0, false), Ok(0));
    }

    #[test]
    fn close_on_exec_belongs_to_the_number() {
        let mut slots = Box::new(Slots::new());
        let fd = slots.take(0, true).unwrap();
        assert_eq!(slots.get(fd), Some(true));
        slots.mark(fd, false);
        assert_eq!(slots.get(fd), Some(false));
        slots.mark(fd, true);
        slots.release(fd);
        assert_eq!(slots.get(fd), None);
        assert_eq!(slots.take(0, false), Ok(fd));
        assert_eq!(slots.get(fd), Some(false));
    }
}
