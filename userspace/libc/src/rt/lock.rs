//! The lock of libc's own data: a futex word and a cell.
//!
//! Word: 0 free, 1 held, 2 held and somebody may sleep. An uncontended lock and unlock is one atomic operation each.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicI32, Ordering};

const FREE: i32 = 0;
const HELD: i32 = 1;
const CONTENDED: i32 = 2;

/// Looks at the word this many times before it sleeps: most critical sections here are a few dozen instructions.
const SPINS: usize = 100;

/// Sleeps while the word has this value (or not at all; callers look again).
#[cfg(target_os = "redox")]
fn sleep(word: &AtomicI32, value: i32) {
    // A word that changed, or an interruption: both mean "look again".
    let _ = super::sys::futex_wait(word, value, None);
}

/// Wakes one sleeper.
#[cfg(target_os = "redox")]
fn wake(word: &AtomicI32) {
    super::sys::futex_wake(word, 1);
}

#[cfg(not(target_os = "redox"))]
fn sleep(_: &AtomicI32, _: i32) {
    std::thread::yield_now();
}

#[cfg(not(target_os = "redox"))]
fn wake(_: &AtomicI32) {}

/// The bare lock: a futex word.
pub struct RawLock {
    word: AtomicI32,
}

impl RawLock {
    /// Free.
    pub const fn new() -> Self {
        RawLock { word: AtomicI32::new(FREE) }
    }

    /// Takes it if it is free.
    #[inline]
    pub fn try_lock(&self) -> bool {
        self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Takes it, waiting as long as it takes.
    #[inline]
    pub fn lock(&self) {
        if !self.try_lock() {
            self.lock_slow();
        }
    }

    #[cold]
    fn lock_slow(&self) {
        for _ in 0..SPINS {
            if self.word.load(Ordering::Relaxed) == FREE && self.try_lock() {
                return;
            }
            core::hint::spin_loop();
        }
        while self.word.swap(CONTENDED, Ordering::Acquire) != FREE {
            sleep(&self.word, CONTENDED);
        }
    }

    /// Gives it back. Only its holder may.
    #[inline]
    pub fn unlock(&self) {
        if self.word.swap(FREE, Ordering::Release) == CONTENDED {
            wake(&self.word);
        }
    }
}

impl Default for RawLock {
    fn default() -> Self {
        Self::new()
    }
}

/// Data behind a [`RawLock`].
pub struct Lock<T> {
    raw: RawLock,
    data: UnsafeCell<T>,
}

// SAFETY: the lock lets one thread at a time reach the data.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A free lock around `data`.
    pub const fn new(data: T) -> Self {
        Lock { raw: RawLock::new(), data: UnsafeCell::new(data) }
    }

    /// The data, without the lock.
    ///
    /// # Safety
    /// No other thread changes it meanwhile.
    pub unsafe fn look(&self) -> &T {
        // SAFETY: as this function demands.
        unsafe { &*self.data.get() }
    }

    /// The bare lock, for who must hold it without looking at the data.
    pub const fn raw(&self) -> &RawLock {
        &self.raw
    }

    /// Waits for the lock.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T> {
        self.raw.lock();
        Guard { lock: self }
    }
}

/// Access to the data of a [`Lock`], until dropped.
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists only while its thread holds the lock.
        unsafe { &*self.lock.data.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and the guard is borrowed for writing.
        unsafe { &mut *self.lock.data.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.raw.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn one_at_a_time() {
        let count = Arc::new(Lock::new(0_u64));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let count = count.clone();
                std::thread::spawn(move || (0..10_000).for_each(|_| *count.lock() += 1))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*count.lock(), 40_000);
    }

    #[test]
    fn a_held_lock_cannot_be_taken() {
        let lock = RawLock::new();
        assert!(lock.try_lock());
        assert!(!lock.try_lock());
        lock.unlock();
        assert!(lock.try_lock());
    }
}
