//! Sleeping on a word of memory: `SYS_FUTEX`.
//!
//! A word of private memory is named by its address space and address, one of shared memory by its physical address, so that
//! spaces which map it at different places meet. The sleepers are in hash buckets, first come first served, linked through the threads
//! themselves ([`Sleep`]); whoever sleeps checks the word after he has come on the list.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use kernel_core::chain::{Chain, Links, NIL};
use syscall::error::{EAGAIN, EFAULT, EINTR, EINVAL, ETIMEDOUT, Error, Result};

use super::thread::{Thread, by_slot};
use super::wait::{self, Wake};
use crate::memory::user;
use crate::sync::{Guard, Lock, level};

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    /// Address space, 0 for shared memory.
    space: u64,
    address: u64,
}

/// A thread's place among the sleepers. All of it is changed under the lock of the bucket that it is in; by the thread itself
/// when it is in none.
pub struct Sleep {
    /// Number of the bucket, or [`NOWHERE`].
    bucket: AtomicU32,
    space: AtomicU64,
    address: AtomicU64,
    before: AtomicU32,
    behind: AtomicU32,
}

impl Sleep {
    /// Of a thread that does not sleep.
    pub const fn new() -> Self {
        Sleep {
            bucket: AtomicU32::new(NOWHERE),
            space: AtomicU64::new(0),
            address: AtomicU64::new(0),
            before: AtomicU32::new(NIL),
            behind: AtomicU32::new(NIL),
        }
    }

    fn neighbours(&self) -> (u32, u32) {
        (self.before.load(Ordering::Relaxed), self.behind.load(Ordering::Relaxed))
    }

    fn key(&self) -> Key {
        Key { space: self.space.load(Ordering::Relaxed), address: self.address.load(Ordering::Relaxed) }
    }

    fn set_key(&self, key: Key) {
        self.space.store(key.space, Ordering::Relaxed);
        self.address.store(key.address, Ordering::Relaxed);
    }
}

struct SleepLinks;

impl Links for SleepLinks {
    fn neighbours(&self, id: u32) -> (u32, u32) {
        by_slot(id).sleep.neighbours()
    }

    fn set_before(&self, id: u32, other: u32) {
        by_slot(id).sleep.before.store(other, Ordering::Relaxed);
    }

    fn set_behind(&self, id: u32, other: u32) {
        by_slot(id).sleep.behind.store(other, Ordering::Relaxed);
    }
}

const BUCKETS: usize = 256;
const NOWHERE: u32 = u32::MAX;

type Bucket = Lock<{ level::FUTEX }, Chain>;

static TABLE: [Bucket; BUCKETS] = [const { Lock::new(Chain::new()) }; BUCKETS];

fn bucket(key: Key) -> usize {
    // Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4).
    let hash = (key.address >> 2 ^ key.space << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 56) as usize
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

/// Puts the current thread at the end of a bucket.
fn enter(me: &Thread, key: Key) {
    let index = bucket(key);
    let mut chain = TABLE[index].lock();
    me.sleep.set_key(key);
    me.sleep.bucket.store(index as u32, Ordering::Relaxed);
    chain.push_back(&SleepLinks, me.slot());
}

/// Locks the bucket that the current thread is in, into which a requeue may have moved it; `None` when it was woken.
fn locked(me: &Thread) -> Option<Guard<'static, { level::FUTEX }, Chain>> {
    loop {
        let index = me.sleep.bucket.load(Ordering::Acquire);
        if index == NOWHERE {
            return None;
        }
        let chain = TABLE[index as usize].lock();
        if me.sleep.bucket.load(Ordering::Relaxed) == index {
            return Some(chain);
        }
    }
}

/// Takes the current thread out of its bucket; false when it was woken.
fn leave(me: &Thread) -> bool {
    let Some(mut chain) = locked(me) else {
        return false;
    };
    chain.remove(&SleepLinks, me.slot());
    me.sleep.bucket.store(NOWHERE, Ordering::Relaxed);
    true
}

/// Sleeps while the word at `address` is `value`, until it is woken or `deadline` (monotonic nanoseconds) has passed.
///
/// `EAGAIN` when the word has another value, `ETIMEDOUT`, `EINTR`.
pub fn wait(address: usize, value: u64, wide: bool, deadline: Option<u64>) -> Result<usize> {
    let key = key_of(address)?;
    let me = Thread::current();
    // On the list first, then the look at the word: a waker changes the word before it looks at the list. The look may take a
    // page fault, so it is made without the lock.
    enter(me, key);
    let seen = if wide {
        crate::memory::UserSlice::new(address, 8).and_then(|slice| slice.read_value::<u64>())
    } else {
        user::read_word(address).map(u64::from)
    };
    if seen != Ok(value) {
        // Whoever has been woken all the same takes that for his answer, so that no wake-up is lost.
        return if leave(me) { Err(seen.err().unwrap_or(Error::new(EAGAIN))) } else { Ok(0) };
    }
    let Some(chain) = locked(me) else {
        return Ok(0);
    };
    wait::prepare();
    drop(chain);
    let why = wait::block(deadline);
    if leave(me) { Err(Error::new(if why == Wake::Timeout { ETIMEDOUT } else { EINTR })) } else { Ok(0) }
}

/// Takes up to `count` sleepers on `key` out of their chain, in their order, and gives them to `taken`; answers how many.
#[inline]
fn take_sleepers(
    chain: &mut Chain,
    key: Key,
    count: usize,
    mut taken: impl FnMut(&mut Chain, &'static Thread),
) -> usize {
    let (mut at, mut visited) = (chain.first(), 0);
    while at != NIL && visited < count {
        let thread = by_slot(at);
        let neighbours = thread.sleep.neighbours();
        if thread.sleep.key() == key {
            chain.remove_between(&SleepLinks, neighbours);
            taken(chain, thread);
            visited += 1;
        }
        at = neighbours.1;
    }
    visited
}

#[inline]
fn wake_in(chain: &mut Chain, key: Key, count: usize) -> usize {
    take_sleepers(chain, key, count, |_, thread| {
        // A sleeper that is not blocked yet, or was woken otherwise, finds itself off the list. It looks without the lock: from
        // then on nothing here may touch it.
        wait::wake(thread, Wake::Event);
        thread.sleep.bucket.store(NOWHERE, Ordering::Release);
    })
}

/// Wakes up to `count` threads that sleep on the word at `address`; answers how many.
pub fn wake(address: usize, count: usize) -> Result<usize> {
    let key = key_of(address)?;
    Ok(wake_in(&mut TABLE[bucket(key)].lock(), key, count))
}

/// Wakes up to `count` sleepers on `address` and moves up to `limit` others to `target`, where they sleep on; answers the woken.
/// Nobody can come or go in between.
pub fn requeue(address: usize, count: usize, limit: usize, target: usize) -> Result<usize> {
    let (from, to) = (key_of(address)?, key_of(target)?);
    let (source, destination) = (bucket(from), bucket(to));
    if source == destination {
        let mut chain = TABLE[source].lock();
        let woken = wake_in(&mut chain, from, count);
        if from != to {
            take_sleepers(&mut chain, from, limit, |chain, thread| {
                thread.sleep.set_key(to);
                chain.push_back(&SleepLinks, thread.slot());
            });
        }
        return Ok(woken);
    }
    let (mut chain, mut other) = Lock::lock_both(&TABLE[source], &TABLE[destination]);
    let woken = wake_in(&mut chain, from, count);
    take_sleepers(&mut chain, from, limit, |_, thread| {
        thread.sleep.set_key(to);
        thread.sleep.bucket.store(destination as u32, Ordering::Relaxed);
        other.push_back(&SleepLinks, thread.slot());
    });
    Ok(woken)
}
