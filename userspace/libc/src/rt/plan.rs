//! Which descriptors a spawned process gets: those that are inherited, changed by file actions one after the other, before any of it is
//! done.

use super::slots::RANGE;

/// What a number of the new process is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(u64);

/// The descriptor closes when a program is executed, which a spawned process does at once.
const CLOEXEC: u64 = 1 << 63;

impl Entry {
    /// Nothing.
    pub const NONE: Entry = Entry(0);

    /// Our descriptor; nothing if it closes at the end and no action keeps it.
    pub const fn of(fd: usize, cloexec: bool) -> Self {
        // Numbers of the upper range have bit 62.
        Entry((fd as u64 + 1) | if cloexec { CLOEXEC } else { 0 })
    }

    /// Our descriptor.
    pub const fn descriptor(self) -> Option<usize> {
        match self.0 & !CLOEXEC {
            0 => None,
            fd => Some(fd as usize - 1),
        }
    }

    /// The same, kept.
    const fn kept(self) -> Self {
        Entry(self.0 & !CLOEXEC)
    }
}

/// The plan: an entry for each number of the new process.
pub struct Plan<'a> {
    entries: &'a mut [Entry],
}

impl<'a> Plan<'a> {
    /// Of entries that are all [`Entry::NONE`].
    pub fn new(entries: &'a mut [Entry]) -> Self {
        Plan { entries }
    }

    /// What a number is to be.
    pub fn get(&self, fd: usize) -> Entry {
        self.entries.get(fd).copied().unwrap_or(Entry::NONE)
    }

    /// A number is to be this; false for one that cannot be.
    pub fn set(&mut self, fd: usize, entry: Entry) -> bool {
        match self.entries.get_mut(fd) {
            Some(place) => {
                *place = entry;
                true
            }
            None => entry == Entry::NONE && fd < RANGE,
        }
    }

    /// `dup2`; false when there is nothing at `from`, or `to` cannot be. To the same number it keeps what would close.
    pub fn duplicate(&mut self, from: usize, to: usize) -> bool {
        let entry = self.get(from).kept();
        entry != Entry::NONE && self.set(to, entry)
    }

    /// The numbers of the new process, and ours that they are to be.
    pub fn result(&self) -> impl Iterator<Item = (usize, usize)> {
        let kept = |entry: &Entry| if entry.0 & CLOEXEC == 0 { entry.descriptor() } else { None };
        self.entries.iter().enumerate().filter_map(move |(to, entry)| Some((to, kept(entry)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ochre_abi::UPPER;

    #[test]
    fn actions_follow_one_another() {
        let mut entries = [Entry::NONE; 10];
        let mut plan = Plan::new(&mut entries);
        for fd in 0..3 {
            assert!(plan.set(fd, Entry::of(fd, false)));
        }
        assert!(plan.set(5, Entry::of(5, true)));
        assert!(plan.set(6, Entry::of(6, true)));
        // A pipe's end becomes the output and the errors; the swap of two goes over a third.
        assert!(plan.duplicate(5, 1) && plan.duplicate(1, 2));
        assert!(plan.duplicate(0, 7) && plan.duplicate(1, 0) && plan.duplicate(7, 1) && plan.set(7, Entry::NONE));
        assert_eq!(plan.result().collect::<Vec<_>>(), [(0, 5), (1, 0), (2, 5)]);
        // To itself: kept.
        assert!(plan.duplicate(6, 6));
        assert!(plan.set(3, Entry::of(UPPER | 9, false)));
        assert_eq!(plan.result().collect::<Vec<_>>(), [(0, 5), (1, 0), (2, 5), (3, UPPER | 9), (6, 6)]);
        assert!(!plan.duplicate(8, 9) && !plan.duplicate(0, 10) && !plan.duplicate(usize::MAX, 1));
        assert!(plan.set(11, Entry::NONE) && !plan.set(11, Entry::of(0, false)));
    }
}
