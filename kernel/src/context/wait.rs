//! Blocking and waking.
//!
//! A thread that waits puts itself on a list under the lock of what it waits for, marks itself blocked ([`prepare`]) before it
//! lets go of the lock, and leaves the processor ([`block`]). Whoever makes the condition true takes it off the list under
//! the same lock and wakes it. An interruption or a deadline wakes it without the lock; then it takes itself off.

use alloc::collections::VecDeque;
use core::sync::atomic::Ordering;

use super::thread::{Thread, state};
use super::{sched, timeout};

/// Why a thread was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wake {
    /// What it waited for has happened.
    Event = 1,
    /// Its deadline has passed.
    Timeout = 2,
    /// It was told to leave its call.
    Interrupt = 3,
}

impl Wake {
    pub(super) fn of(raw: u8) -> Self {
        match raw {
            2 => Wake::Timeout,
            3 => Wake::Interrupt,
            _ => Wake::Event,
        }
    }
}

/// Marks the current thread as blocked. From here on it can be woken.
#[inline]
pub fn prepare() -> &'static Thread {
    let me = Thread::current();
    me.state.store(state::BLOCKED, Ordering::SeqCst);
    me
}

/// Leaves the processor after [`prepare`] until somebody wakes the thread, or until `deadline` (monotonic nanoseconds).
/// A thread that has been told to leave its call comes back at once.
pub fn block(deadline: Option<u64>) -> Wake {
    let me = Thread::current();
    if me.is_interrupted() {
        wake(me, Wake::Interrupt);
    }
    match deadline {
        None => sched::leave(),
        Some(deadline) => timeout::sleep(me, deadline),
    }
    me.last_wake()
}

/// As [`block`] without a deadline, for waits that even an interruption does not end.
pub fn block_uninterrupted() {
    sched::leave();
}

/// Makes a blocked thread runnable; false when it was not blocked.
#[inline]
pub fn wake(thread: &'static Thread, why: Wake) -> bool {
    if !claim(thread, why) {
        return false;
    }
    sched::enqueue(thread);
    true
}

/// Takes a blocked thread over, to be run by the caller's means; false when it was not blocked.
#[inline]
pub fn claim(thread: &'static Thread, why: Wake) -> bool {
    let claimed =
        thread.state.compare_exchange(state::BLOCKED, state::RUNNABLE, Ordering::SeqCst, Ordering::Relaxed).is_ok();
    if claimed {
        thread.wake_reason.store(why as u8, Ordering::Relaxed);
    }
    claimed
}

/// Threads that wait for one thing, first come first served. It lives under the lock of that thing.
pub struct WaitList(VecDeque<&'static Thread>);

impl WaitList {
    /// Nobody.
    pub const fn new() -> Self {
        WaitList(VecDeque::new())
    }

    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the current thread on the list and marks it blocked. The caller lets go of the lock and calls [`block`].
    pub fn join(&mut self) {
        self.0.push_back(prepare());
    }

    /// Takes the current thread off, after a wait that did not end by [`WaitList::wake_one`]; false when it was not on it any more.
    pub fn leave(&mut self) -> bool {
        let me = Thread::current();
        let at = self.0.iter().position(|thread| core::ptr::eq(*thread, me));
        at.is_some_and(|at| self.0.remove(at).is_some())
    }

    /// Wakes the first that still waits.
    pub fn wake_one(&mut self) -> bool {
        while let Some(thread) = self.0.pop_front() {
            if wake(thread, Wake::Event) {
                return true;
            }
        }
        false
    }

    /// Wakes all.
    pub fn wake_all(&mut self) {
        while self.wake_one() {}
    }
}
