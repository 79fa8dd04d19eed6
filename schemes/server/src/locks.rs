//! Advisory locks on ranges of files (POSIX `fcntl` locks and their kin that belong to an open file).
//!
//! Pure bookkeeping: who asks, on which file, which bytes. Waiting for a lock is the server's affair.

use std::collections::BTreeMap;

use syscall::error::{EOVERFLOW, Error, Result};

/// Last byte that can be locked: the largest file offset.
const LAST: u64 = i64::MAX as u64;
/// Most locks of all files together: each takes memory of the daemon.
const MAX_LOCKS: usize = 65_536;

/// What locks on an open number are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockable {
    /// The file, whatever number it is open at.
    pub inode: u64,
    /// The number is open for reading, which a shared lock demands.
    pub read: bool,
    /// The number is open for writing, which an exclusive lock demands.
    pub write: bool,
}

/// Who has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A process, through whichever descriptor.
    Process(usize),
    /// An open number, in whichever process.
    Description(usize),
}

/// Bytes of a file, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    start: u64,
    last: u64,
}

impl Range {
    /// All bytes.
    pub const ALL: Self = Self { start: 0, last: LAST };

    /// `len` bytes from `start`; 0 for all that follow. `EOVERFLOW` when it ends behind the largest offset.
    pub fn new(start: u64, len: u64) -> Result<Self> {
        let last = match len {
            0 => Some(LAST),
            len => start.checked_add(len - 1),
        };
        let last = last.filter(|&last| last <= LAST && start <= LAST).ok_or(Error::new(EOVERFLOW))?;
        Ok(Self { start, last })
    }

    /// First byte.
    pub fn start(self) -> u64 {
        self.start
    }

    /// Number of bytes; 0 when it reaches to the largest offset.
    pub fn len(self) -> u64 {
        if self.last == LAST { 0 } else { self.last - self.start + 1 }
    }

    /// A range is never empty.
    pub fn is_empty(self) -> bool {
        false
    }

    fn overlaps(self, other: Self) -> bool {
        self.start <= other.last && other.start <= self.last
    }

    /// Whether the two make one range.
    fn touches(self, other: Self) -> bool {
        self.start <= other.last.saturating_add(1) && other.start <= self.last.saturating_add(1)
    }
}

/// A lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Who has it.
    pub owner: Owner,
    /// Whether nobody else may have one on these bytes.
    pub exclusive: bool,
    /// Which bytes.
    pub range: Range,
}

/// Why a lock was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This one is in the way.
    Conflict(Lock),
    /// There are too many.
    TooMany,
}

/// The locks of all files of a scheme.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    files: BTreeMap<u64, Vec<Lock>>,
    count: usize,
}

impl Locks {
    /// No locks.
    pub const fn new() -> Self {
        Self { files: BTreeMap::new(), count: 0 }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The first lock that is in the way of this one.
    pub fn conflict(&self, inode: u64, wanted: &Lock) -> Option<Lock> {
        let in_the_way = |lock: &&Lock| {
            lock.owner != wanted.owner && (lock.exclusive || wanted.exclusive) && lock.range.overlaps(wanted.range)
        };
        self.files.get(&inode)?.iter().find(in_the_way).copied()
    }

    /// Locks. What the owner had on these bytes is replaced, what it had beside them and of the same kind is joined.
    pub fn lock(&mut self, inode: u64, wanted: Lock) -> core::result::Result<(), Refusal> {
        if let Some(conflict) = self.conflict(inode, &wanted) {
            return Err(Refusal::Conflict(conflict));
        }
        // A lock in the middle of another makes three of one.
        if self.count + 2 > MAX_LOCKS {
            return Err(Refusal::TooMany);
        }
        self.cut(inode, wanted.owner, wanted.range);
        let locks = self.files.entry(inode).or_default();
        let before = locks.len();
        let mut joined = wanted;
        locks.retain(|lock| {
            let joins =
                lock.owner == joined.owner && lock.exclusive == joined.exclusive && lock.range.touches(wanted.range);
            if joins {
                joined.range.start = joined.range.start.min(lock.range.start);
                joined.range.last = joined.range.last.max(lock.range.last);
            }
            !joins
        });
        locks.push(joined);
        self.count = self.count + locks.len() - before;
        Ok(())
    }

    /// Unlocks. Bytes that were not locked are no mistake.
    pub fn unlock(&mut self, inode: u64, owner: Owner, range: Range) {
        self.cut(inode, owner, range);
        if self.files.get(&inode).is_some_and(Vec::is_empty) {
            self.files.remove(&inode);
        }
    }

    fn cut(&mut self, inode: u64, owner: Owner, range: Range) {
        let Some(locks) = self.files.get_mut(&inode) else {
            return;
        };
        let before = locks.len();
        let mut right = None;
        locks.retain_mut(|lock| {
            if lock.owner != owner || !lock.range.overlaps(range) {
                return true;
            }
            let (start, last) = (lock.range.start, lock.range.last);
            match (start < range.start, last > range.last) {
                (false, false) => return false,
                (true, false) => lock.range.last = range.start - 1,
                (false, true) => lock.range.start = range.last + 1,
                (true, true) => {
                    lock.range.last = range.start - 1;
                    right = Some(Lock { range: Range { start: range.last + 1, last }, ..*lock });
                }
            }
            true
        });
        locks.extend(right);
        self.count = self.count + locks.len() - before;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Owner = Owner::Process(1);
    const B: Owner = Owner::Process(2);
    const D: Owner = Owner::Description(1);

    fn lock(owner: Owner, exclusive: bool, start: u64, len: u64) -> Lock {
        Lock { owner, exclusive, range: Range::new(start, len).unwrap() }
    }

    /// Every byte of the first 40: who has it, found the simple way.
    fn bytes(locks: &Locks) -> Vec<Vec<(Owner, bool)>> {
        (0..40)
            .map(|byte| {
                let all = locks.files.values().flatten();
                all.filter(|lock| lock.range.overlaps(Range { start: byte, last: byte }))
                    .map(|lock| (lock.owner, lock.exclusive))
                    .collect()
            })
            .collect()
    }

    #[test]
    fn shared_locks_share_and_exclusive_ones_do_not() {
        let mut locks = Locks::new();
        assert_eq!(locks.lock(1, lock(A, false, 0, 10)), Ok(()));
        assert_eq!(locks.lock(1, lock(B, false, 5, 10)), Ok(()));
        assert_eq!(locks.lock(1, lock(B, true, 9, 1)), Err(Refusal::Conflict(lock(A, false, 0, 10))));
        assert_eq!(locks.lock(1, lock(B, true, 10, 5)), Ok(()));
        assert_eq!(locks.lock(1, lock(D, false, 10, 1)), Err(Refusal::Conflict(lock(B, true, 10, 5))));
        assert_eq!(locks.lock(2, lock(D, true, 10, 1)), Ok(()));
    }

    #[test]
    fn a_process_and_an_open_file_are_different_owners() {
        let mut locks = Locks::new();
        assert_eq!(locks.lock(1, lock(A, true, 0, 0)), Ok(()));
        assert!(locks.lock(1, lock(D, true, u64::MAX >> 1, 1)).is_err());
    }

    #[test]
    fn neighbours_join() {
        let mut locks = Locks::new();
        for start in [0, 20, 10] {
            locks.lock(1, lock(A, true, start, 10)).unwrap();
        }
        assert_eq!(locks.files[&1], [lock(A, true, 0, 30)]);
        locks.lock(1, lock(A, false, 10, 10)).unwrap();
        assert_eq!(locks.files[&1].len(), 3);
        assert_eq!(locks.count, 3);
        locks.unlock(1, A, Range::ALL);
        assert!(locks.is_empty());
        assert_eq!(locks.count, 0);
    }

    #[test]
    fn the_end_of_a_file_is_a_place_like_any_other() {
        let mut locks = Locks::new();
        locks.lock(1, lock(A, true, 5, 0)).unwrap();
        locks.lock(1, lock(A, true, 0, 5)).unwrap();
        assert_eq!(locks.files[&1], [lock(A, true, 0, 0)]);
        assert_eq!((Range::ALL.len(), Range::new(3, 4).unwrap().len()), (0, 4));
        assert!(Range::new(1, LAST).is_ok());
        for (start, len) in [(2, LAST), (LAST + 1, 0), (u64::MAX, 5)] {
            assert_eq!(Range::new(start, len).err().map(|error| error.errno), Some(EOVERFLOW));
        }
    }

    #[test]
    fn there_is_an_end_to_them() {
        let mut locks = Locks::new();
        let mut refused = None;
        for start in 0..MAX_LOCKS as u64 {
            if let Err(error) = locks.lock(start, lock(A, true, 2 * start, 1)) {
                refused = Some((start, error));
                break;
            }
        }
        assert_eq!(refused, Some((MAX_LOCKS as u64 - 1, Refusal::TooMany)));
    }

    /// Random steps against an array that says of every byte what each owner has there.
    #[test]
    fn agrees_with_a_byte_map() {
        let mut seed = 1_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let owners = [A, B, D];
        let mut locks = Locks::new();
        let mut map = vec![[None::<bool>; 3]; 40];
        for _ in 0..20_000 {
            let who = random(3) as usize;
            let start = random(39);
            let len = 1 + random(39 - start);
            let part = start as usize..(start + len) as usize;
            match random(3) {
                0 => {
                    locks.unlock(1, owners[who], Range::new(start, len).unwrap());
                    map[part].iter_mut().for_each(|byte| byte[who] = None);
                }
                kind => {
                    let exclusive = kind == 1;
                    let free = map[part.clone()].iter().all(|byte| {
                        (0..3).all(|other| other == who || byte[other].is_none_or(|other| !other && !exclusive))
                    });
                    assert_eq!(locks.lock(1, lock(owners[who], exclusive, start, len)).is_ok(), free);
                    if free {
                        map[part].iter_mut().for_each(|byte| byte[who] = Some(exclusive));
                    }
                }
            }
            for (found, expected) in bytes(&locks).iter().zip(&map) {
                let mut expected: Vec<_> =
                    (0..3).filter_map(|who| expected[who].map(|exclusive| (owners[who], exclusive))).collect();
                let mut found = found.clone();
                let order = |entry: &(Owner, bool)| owners.iter().position(|owner| *owner == entry.0);
                found.sort_by_key(order);
                expected.sort_by_key(order);
                assert_eq!(found, expected);
            }
            assert_eq!(locks.count, locks.files.values().map(Vec::len).sum::<usize>());
        }
    }
}
