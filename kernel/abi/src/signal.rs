//! Signals between kernel and libc: what lies in a program's memory besides `redox_syscall::sigabi` (docs/signals.md).
//!
//! [`ThreadVerb::Signal`](crate::proc::ThreadVerb::Signal) has the kernel set a pending bit in the words of the thread (`Sigcontrol`) or
//! of the process (`SigProcControl`). What is to be known about the signal besides its number goes to a [`Queue`], which follows
//! directly on each of the two structures ([`queue_of_thread`], [`queue_of_process`]). The kernel puts in, libc takes out; both only
//! with atomic operations, since neither can wait for the other.

use core::sync::atomic::{AtomicU64, Ordering};

/// Signals from here on are queued, each with what belongs to it; of those below, one of each kind is pending at most.
pub const FIRST_QUEUED: u32 = 32;
/// Highest number of a signal.
pub const LAST: u32 = 64;
/// Bit of `RawAction::first`: the signal is ignored (`redox_syscall::SigProcControl::signal_will_ign`).
pub const IGNORED: u64 = 1 << 63;
/// Entries of a thread's queue.
pub const THREAD_QUEUE: usize = 32;
/// Entries of a process's queue.
pub const PROCESS_QUEUE: usize = 120;

/// Address of the queue that follows on a `Sigcontrol` of `size` bytes.
pub const fn queue_of_thread(control: usize, size: usize) -> usize {
    control.wrapping_add(size)
}

/// Address of the queue that follows on a `SigProcControl` of `size` bytes.
pub const fn queue_of_process(control: usize, size: usize) -> usize {
    control.wrapping_add(size)
}

/// What is known about a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Process id of the sender, its real user id in the upper half.
    pub sender: u64,
    /// The value that was sent along; for `SIGCHLD` how the child ended.
    pub value: u64,
    /// `si_code`.
    pub code: u64,
}

/// One place of a queue.
#[repr(C)]
pub struct Entry {
    /// [`FREE`], [`CLAIMED`], or the entry's sequence number and below it, in eight bits, the signal.
    state: AtomicU64,
    sender: AtomicU64,
    value: AtomicU64,
    code: AtomicU64,
}

const FREE: u64 = 0;
const CLAIMED: u64 = 1;
const SIGNAL_BITS: u32 = 8;
const WORD: usize = size_of::<u64>();

impl Entry {
    const fn free() -> Self {
        Entry {
            state: AtomicU64::new(FREE),
            sender: AtomicU64::new(0),
            value: AtomicU64::new(0),
            code: AtomicU64::new(0),
        }
    }
}

/// Signals that are pending with what is known about them, in no order but that of their sequence numbers.
#[repr(C)]
pub struct Queue<const N: usize> {
    /// Sequence number of the newest.
    sequence: AtomicU64,
    entries: [Entry; N],
}

impl<const N: usize> Queue<N> {
    /// Empty.
    pub const fn new() -> Self {
        Queue { sequence: AtomicU64::new(0), entries: [const { Entry::free() }; N] }
    }

    /// Whether there is an entry of this signal.
    pub fn has(&self, signal: u32) -> bool {
        self.entries.iter().any(|entry| is_of(entry.state.load(Ordering::SeqCst), signal))
    }

    /// Takes the oldest entry of this signal.
    pub fn take(&self, signal: u32) -> Option<Info> {
        loop {
            let states = self.entries.iter().map(|entry| (entry.state.load(Ordering::SeqCst), entry));
            let (state, entry) = states.filter(|(state, _)| is_of(*state, signal)).min_by_key(|(state, _)| *state)?;
            if entry.state.compare_exchange(state, CLAIMED, Ordering::SeqCst, Ordering::Relaxed).is_err() {
                // Another thread of the process was faster.
                continue;
            }
            let info = Info {
                sender: entry.sender.load(Ordering::Relaxed),
                value: entry.value.load(Ordering::Relaxed),
                code: entry.code.load(Ordering::Relaxed),
            };
            entry.state.store(FREE, Ordering::SeqCst);
            return Some(info);
        }
    }

    /// Drops the entries of these signals (bit `n - 1` for signal `n`).
    pub fn discard(&self, signals: u64) {
        for entry in &self.entries {
            let state = entry.state.load(Ordering::SeqCst);
            let signal = signal_of(state);
            if (1..=LAST).contains(&signal) && signals >> (signal - 1) & 1 != 0 {
                // Whoever takes it meanwhile is welcome to it.
                let _ = entry.state.compare_exchange(state, FREE, Ordering::SeqCst, Ordering::Relaxed);
            }
        }
    }

    /// Empties it, whatever was going on in it: for the child of a `fork`, in which nobody is in the middle of anything.
    pub fn reset(&self) {
        self.entries.iter().for_each(|entry| entry.state.store(FREE, Ordering::SeqCst));
    }
}

impl<const N: usize> Default for Queue<N> {
    fn default() -> Self {
        Self::new()
    }
}

fn signal_of(state: u64) -> u32 {
    if state <= CLAIMED { 0 } else { (state & ((1 << SIGNAL_BITS) - 1)) as u32 }
}

fn is_of(state: u64, signal: u32) -> bool {
    signal_of(state) == signal
}

/// Puts an entry into a queue of `len` entries somewhere in memory: `word` does something with the word at an offset from its
/// start and answers its result. Answers false when the queue is full.
pub fn put<E>(
    len: usize,
    signal: u32,
    info: &Info,
    mut word: impl FnMut(usize, &dyn Fn(&AtomicU64) -> u64) -> Result<u64, E>,
) -> Result<bool, E> {
    let sequence = word(0, &|sequence| sequence.fetch_add(1, Ordering::SeqCst))? + 1;
    for step in 0..len as u64 {
        let index = (sequence.wrapping_add(step) % len as u64) as usize;
        let entry = WORD + index * size_of::<Entry>();
        let claim = |state: &AtomicU64| {
            u64::from(state.compare_exchange(FREE, CLAIMED, Ordering::SeqCst, Ordering::Relaxed).is_ok())
        };
        if word(entry, &claim)? == 0 {
            continue;
        }
        for (place, value) in [(1, info.sender), (2, info.value), (3, info.code)] {
            word(entry + place * WORD, &|word| word.swap(value, Ordering::Relaxed))?;
        }
        let state = sequence << SIGNAL_BITS | u64::from(signal);
        word(entry, &|word| word.swap(state, Ordering::SeqCst))?;
        return Ok(true);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use std::vec::Vec;

    use super::*;

    /// The kernel's side, which knows offsets only.
    fn put_into<const N: usize>(queue: &Queue<N>, signal: u32, value: u64) -> bool {
        let info = Info { sender: 7, value, code: 3 };
        let words: Vec<&AtomicU64> = core::iter::once(&queue.sequence)
            .chain(queue.entries.iter().flat_map(|entry| [&entry.state, &entry.sender, &entry.value, &entry.code]))
            .collect();
        put::<Infallible>(N, signal, &info, |offset, act| Ok(act(words[offset / WORD]))).unwrap()
    }

    #[test]
    fn the_layout_is_what_offsets_say() {
        assert_eq!(core::mem::offset_of!(Queue<4>, entries), WORD);
        assert_eq!(size_of::<Entry>(), 4 * WORD);
    }

    #[test]
    fn signals_of_one_kind_come_in_their_order_whatever_lies_between() {
        let queue = Queue::<4>::new();
        for (signal, value) in [(40, 1), (41, 2), (40, 3), (40, 4)] {
            assert!(put_into(&queue, signal, value));
        }
        assert!(!put_into(&queue, 40, 5), "it is full");
        assert_eq!(queue.take(40).map(|info| info.value), Some(1));
        assert!(put_into(&queue, 40, 6), "a place is free again, in front of older ones");
        let values: Vec<u64> = core::iter::from_fn(|| queue.take(40)).map(|info| info.value).collect();
        assert_eq!(values, [3, 4, 6]);
        assert!(queue.has(41) && !queue.has(40));
        assert_eq!(queue.take(41), Some(Info { sender: 7, value: 2, code: 3 }));
    }

    #[test]
    fn discarding_spares_other_signals() {
        let queue = Queue::<4>::new();
        assert!(put_into(&queue, 40, 1) && put_into(&queue, 64, 2));
        queue.discard(1 << 39);
        assert_eq!((queue.take(40), queue.take(64).map(|info| info.value)), (None, Some(2)));
        put_into(&queue, 17, 1);
        queue.reset();
        assert_eq!(queue.take(17), None);
    }

    #[test]
    fn threads_share_a_queue_without_losing_any() {
        const EACH: u64 = 5_000;
        let queue = Queue::<16>::new();
        let sum = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for value in 1..=EACH {
                        while !put_into(&queue, 50, value) {
                            std::thread::yield_now();
                        }
                    }
                });
                scope.spawn(|| {
                    for _ in 0..EACH {
                        loop {
                            if let Some(info) = queue.take(50) {
                                sum.fetch_add(info.value, Ordering::Relaxed);
                                break;
                            }
                            std::thread::yield_now();
                        }
                    }
                });
            }
        });
        assert_eq!((sum.into_inner(), queue.has(50)), (EACH * (EACH + 1), false));
    }
}
