//! Sleeping on a word of memory: `SYS_FUTEX`.
//!
//! A word of private memory is named by its address space and address, one of shared memory by its physical address, so that
//! spaces which map it at different places meet. The sleepers are in hash buckets; whoever sleeps checks the word under its bucket's lock.

use alloc::collections::VecDeque;

use syscall::error::{EAGAIN, EFAULT, EINTR, EINVAL, ETIMEDOUT, Error, Result};

use super::thread::Thread;
use super::wait::{self, Wake};
use crate::memory::user;
use crate::sync::{Lock, level};

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    /// Address space, 0 for shared memory.
    space: u64,
    address: u64,
}

struct Sleeper {
    key: Key,
    thread: &'static Thread,
}

const BUCKETS: usize = 256;

static TABLE: [Lock<{ level::FUTEX }, VecDeque<Sleeper>>; BUCKETS] = [const { Lock::new(VecDeque::new()) }; BUCKETS];

fn bucket(key: Key) -> &'static Lock<{ level::FUTEX }, VecDeque<Sleeper>> {
    // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
    let hash = (key.address >> 2 ^ key.space << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    &TABLE[(hash >> 56) as usize]
}

fn key_of(address: usize) -> Result<Key> {
    if !address.is_multiple_of(4) {
        return Err(Error::new(EINVAL));
    }
    // The word is touched first, so that its page is there.
    user::read_word(address)?;
    Thread::current()
        .with_space(|space| {
            let (physical, shared) = space.translate(address)?;
            Some(if shared {
                Key { space: 0, address: physical }
            } else {
                Key { space: space.id(), address: address as u64 }
            })
        })
        .flatten()
        .ok_or(Error::new(EFAULT))
}

/// Sleeps while the word at `address` is `value`, until it is woken or `deadline` (monotonic nanoseconds) has passed.
///
/// `EAGAIN` when the word has another value, `ETIMEDOUT`, `EINTR`.
pub fn wait(address: usize, value: u64, wide: bool, deadline: Option<u64>) -> Result<usize> {
    let key = key_of(address)?;
    let lock = bucket(key);
    let me = Thread::current();
    // On the list first, then the look at the word: a waker changes the word before it looks at the list. The look may take a
    // page fault, so it is made without the lock.
    lock.lock().push_back(Sleeper { key, thread: me });
    let seen = if wide {
        crate::memory::UserSlice::new(address, 8).and_then(|slice| slice.read_value::<u64>())
    } else {
        user::read_word(address).map(u64::from)
    };
    let same = seen.map(|seen| seen == value);
    let mut sleepers = lock.lock();
    let at = sleepers.iter().position(|sleeper| core::ptr::eq(sleeper.thread, me));
    let Some(at) = at else {
        // Somebody has woken this thread between the two.
        return Ok(0);
    };
    if !matches!(same, Ok(true)) {
        sleepers.remove(at);
        return Err(same.err().unwrap_or(Error::new(EAGAIN)));
    }
    wait::prepare();
    drop(sleepers);
    let why = wait::block(deadline);
    if why == Wake::Event {
        return Ok(0);
    }
    // A requeue may have moved the sleeper to another bucket; then it is found by looking through all.
    if remove(lock, me) || TABLE.iter().any(|lock| remove(lock, me)) {
        Err(Error::new(if why == Wake::Timeout { ETIMEDOUT } else { EINTR }))
    } else {
        Ok(0)
    }
}

fn remove(lock: &Lock<{ level::FUTEX }, VecDeque<Sleeper>>, me: &Thread) -> bool {
    let mut sleepers = lock.lock();
    let at = sleepers.iter().position(|sleeper| core::ptr::eq(sleeper.thread, me));
    at.is_some_and(|at| sleepers.remove(at).is_some())
}

/// Wakes up to `count` threads that sleep on the word at `address`; answers how many.
pub fn wake(address: usize, count: usize) -> Result<usize> {
    let key = key_of(address)?;
    let mut woken = 0;
    let mut sleepers = bucket(key).lock();
    let mut at = 0;
    while woken < count && at < sleepers.len() {
        if sleepers[at].key == key
            && let Some(sleeper) = sleepers.remove(at)
        {
            // A sleeper that is not blocked yet, or was woken otherwise, finds itself off the list.
            wait::wake(sleeper.thread, Wake::Event);
            woken += 1;
        } else {
            at += 1;
        }
    }
    Ok(woken)
}

/// Wakes up to `count` sleepers on `address` and moves up to `limit` others to `target`, where they sleep on; answers the woken.
pub fn requeue(address: usize, count: usize, limit: usize, target: usize) -> Result<usize> {
    let (from, to) = (key_of(address)?, key_of(target)?);
    let woken = wake(address, count)?;
    for _ in 0..limit {
        let moved = {
            let mut sleepers = bucket(from).lock();
            let at = sleepers.iter().position(|sleeper| sleeper.key == from);
            at.and_then(|at| sleepers.remove(at))
        };
        match moved {
            Some(sleeper) => bucket(to).lock().push_back(Sleeper { key: to, thread: sleeper.thread }),
            None => break,
        }
    }
    Ok(woken)
}
