//! One processor's run queue: constant-time choice by priority, fair by time slices.
//!
//! There are 40 levels (0 first). A runnable thread waits in the *active* set at its level until its slice is used up, then in
//! the *expired* set with a fresh slice, whose length grows with its priority; when the active set is empty the two change
//! places. So the highest level always runs first, and still nobody starves: each thread runs once per round, in
//! proportion to its slice. A thread that slept keeps what is left of its slice, hence runs soon after it wakes.
//!
//! The lists are linked through the threads themselves ([`Links`]), so queueing never allocates.

/// Levels of priority; 0 is the highest.
pub const LEVELS: usize = 40;
/// The ordinary level (nice 0).
pub const DEFAULT_LEVEL: u8 = 20;
/// No thread.
pub const NIL: u32 = u32::MAX;

/// Where the link words of a thread are.
pub trait Links {
    /// The thread queued behind `id`.
    fn next(&self, id: u32) -> u32;
    /// Sets it.
    fn set_next(&self, id: u32, next: u32);
}

/// Nanoseconds of a fresh slice: 10 ms at the ordinary level, twice that ten levels higher, half of it ten levels lower.
#[inline]
pub fn slice_ns(level: u8) -> u64 {
    // Looked up, because every switch asks.
    static OF_LEVELS: [u64; LEVELS] = {
        let mut slices = [0; LEVELS];
        let mut level = 0;
        while level < LEVELS {
            slices[level] = slice_of(level as u8);
            level += 1;
        }
        slices
    };
    OF_LEVELS[usize::from(level).min(LEVELS - 1)]
}

const fn slice_of(level: u8) -> u64 {
    const BASE: u64 = 10_000_000;
    // 2^(k/10) in 1/1024 steps, k = 0..9.
    const TENTH: [u64; 10] = [1024, 1097, 1176, 1261, 1351, 1448, 1552, 1663, 1783, 1911];
    let above = DEFAULT_LEVEL as i64 - level as i64;
    let (octave, tenth) = (above.div_euclid(10), above.rem_euclid(10) as usize);
    let scaled = BASE * TENTH[tenth] / 1024;
    if octave >= 0 { scaled << octave } else { scaled >> -octave }
}

#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
}

const EMPTY: List = List { head: NIL, tail: NIL };

struct Set {
    present: u64,
    lists: [List; LEVELS],
}

impl Set {
    const fn new() -> Self {
        Set { present: 0, lists: [EMPTY; LEVELS] }
    }

    fn push_back(&mut self, links: &impl Links, id: u32, level: u8) {
        let list = &mut self.lists[level as usize];
        links.set_next(id, NIL);
        if list.head == NIL {
            list.head = id;
            self.present |= 1 << level;
        } else {
            links.set_next(list.tail, id);
        }
        list.tail = id;
    }

    fn push_front(&mut self, links: &impl Links, id: u32, level: u8) {
        let list = &mut self.lists[level as usize];
        links.set_next(id, list.head);
        if list.head == NIL {
            list.tail = id;
            self.present |= 1 << level;
        }
        list.head = id;
    }

    fn pop(&mut self, links: &impl Links) -> Option<u32> {
        if self.present == 0 {
            return None;
        }
        let level = self.present.trailing_zeros() as usize;
        let list = &mut self.lists[level];
        let id = list.head;
        list.head = links.next(id);
        if list.head == NIL {
            self.present &= !(1 << level);
        }
        Some(id)
    }

    /// Takes out the first thread, highest level first, that `fits`.
    fn take(&mut self, links: &impl Links, mut fits: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut levels = self.present;
        while levels != 0 {
            let level = levels.trailing_zeros() as usize;
            levels &= levels - 1;
            let list = &mut self.lists[level];
            let (mut before, mut at) = (NIL, list.head);
            while at != NIL {
                let next = links.next(at);
                if fits(at) {
                    if before == NIL {
                        list.head = next
                    } else {
                        links.set_next(before, next)
                    }
                    if list.tail == at {
                        list.tail = before;
                    }
                    if list.head == NIL {
                        self.present &= !(1 << level);
                    }
                    return Some(at);
                }
                (before, at) = (at, next);
            }
        }
        None
    }
}

/// Runnable threads of one processor, without the one that runs.
pub struct RunQueue {
    sets: [Set; 2],
    active: usize,
    len: usize,
}

impl RunQueue {
    /// With nobody in it.
    pub const fn new() -> Self {
        RunQueue { sets: [Set::new(), Set::new()], active: 0, len: 0 }
    }

    /// Threads waiting here.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody waits here.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Queues a thread behind its equals: with slice left into this round, with a used-up one into the next.
    pub fn push(&mut self, links: &impl Links, id: u32, level: u8, expired: bool) {
        let set = if expired { 1 - self.active } else { self.active };
        self.sets[set].push_back(links, id, level);
        self.len += 1;
    }

    /// Queues a thread that lets its equals run: behind those of this round, and behind those of the next if some wait there.
    pub fn push_yielding(&mut self, links: &impl Links, id: u32, level: u8) {
        let equals_in_next_round = self.sets[1 - self.active].present >> level & 1 != 0;
        self.push(links, id, level, equals_in_next_round);
    }

    /// Queues a thread that was interrupted by a higher one before its equals.
    pub fn push_front(&mut self, links: &impl Links, id: u32, level: u8) {
        self.sets[self.active].push_front(links, id, level);
        self.len += 1;
    }

    /// Takes the thread to run next.
    pub fn pop(&mut self, links: &impl Links) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        if self.sets[self.active].present == 0 {
            self.active = 1 - self.active;
        }
        self.len -= 1;
        self.sets[self.active].pop(links)
    }

    /// Level of the thread that [`RunQueue::pop`] would give; [`LEVELS`] when there is none.
    pub fn best(&self) -> u8 {
        let (now, later) = (self.sets[self.active].present, self.sets[1 - self.active].present);
        let present = if now != 0 { now } else { later };
        (present.trailing_zeros() as u8).min(LEVELS as u8)
    }

    /// Takes out one thread that `fits`, for another processor or because its level changes.
    pub fn take(&mut self, links: &impl Links, mut fits: impl FnMut(u32) -> bool) -> Option<u32> {
        let active = self.active;
        let id = self.sets[active].take(links, &mut fits).or_else(|| self.sets[1 - active].take(links, &mut fits))?;
        self.len -= 1;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    struct Table([Cell<u32>; 64]);
    impl Links for Table {
        fn next(&self, id: u32) -> u32 {
            self.0[id as usize].get()
        }
        fn set_next(&self, id: u32, next: u32) {
            self.0[id as usize].set(next)
        }
    }
    fn table() -> Table {
        Table([const { Cell::new(NIL) }; 64])
    }

    #[test]
    fn highest_first_then_in_turn() {
        let (links, mut queue) = (table(), RunQueue::new());
        for (id, level) in [(1, 20), (2, 5), (3, 20), (4, 39)] {
            queue.push(&links, id, level, false);
        }
        assert_eq!(queue.best(), 5);
        queue.push_front(&links, 5, 20);
        let order: alloc::vec::Vec<u32> = core::iter::from_fn(|| queue.pop(&links)).collect();
        assert_eq!(order, [2, 5, 1, 3, 4]);
        assert_eq!(queue.best(), LEVELS as u8);
    }

    #[test]
    fn expired_wait_for_everybody_of_the_round() {
        let (links, mut queue) = (table(), RunQueue::new());
        queue.push(&links, 1, 0, true);
        queue.push(&links, 2, 39, false);
        assert_eq!((queue.pop(&links), queue.pop(&links), queue.pop(&links)), (Some(2), Some(1), None));
    }

    #[test]
    fn who_gives_way_lets_equals_of_the_next_round_run() {
        let (links, mut queue) = (table(), RunQueue::new());
        queue.push(&links, 1, 20, true);
        queue.push_yielding(&links, 2, 20);
        assert_eq!((queue.pop(&links), queue.pop(&links)), (Some(1), Some(2)));
        // Those below it need not wait for nothing: it comes back before them.
        queue.push(&links, 3, 30, false);
        queue.push_yielding(&links, 4, 20);
        assert_eq!((queue.pop(&links), queue.pop(&links)), (Some(4), Some(3)));
    }

    #[test]
    fn no_one_starves_and_time_follows_slices() {
        let (links, mut queue) = (table(), RunQueue::new());
        let level = [10u8, 20, 20, 30];
        let mut time = [0u64; 4];
        for id in 0..4 {
            queue.push(&links, id, level[id as usize], false);
        }
        for _ in 0..4000 {
            let id = queue.pop(&links).unwrap();
            time[id as usize] += slice_ns(level[id as usize]);
            queue.push(&links, id, level[id as usize], true);
        }
        assert_eq!(time[1], time[2]);
        assert_eq!(time[0], 2 * time[1]);
        assert_eq!(time[1], 2 * time[3]);
    }

    #[test]
    fn takes_from_the_middle() {
        let (links, mut queue) = (table(), RunQueue::new());
        for id in 0..5 {
            queue.push(&links, id, 20, id == 4);
        }
        assert_eq!(queue.take(&links, |id| id == 2), Some(2));
        assert_eq!(queue.take(&links, |id| id == 3), Some(3));
        assert_eq!(queue.take(&links, |id| id == 4), Some(4));
        assert_eq!(queue.take(&links, |id| id == 9), None);
        queue.push(&links, 6, 20, false);
        let order: alloc::vec::Vec<u32> = core::iter::from_fn(|| queue.pop(&links)).collect();
        assert_eq!(order, [0, 1, 6]);
    }
}
