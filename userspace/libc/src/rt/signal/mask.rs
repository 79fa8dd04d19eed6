//! Blocking signals, and waiting for them.
//!
//! Whoever waits for a signal inhibits its delivery, lets the kernel see that it is allowed, and waits in the kernel: the wait ends as soon
//! as there is a signal, however narrow the gap was in which it came, because the kernel does not forget an inhibited one.

use core::sync::atomic::Ordering;

use libc::siginfo_t;
use ochre_abi::proc::ThreadVerb;
use syscall::data::TimeSpec;
use syscall::error::{EAGAIN, EINTR, Error, Result};

use super::deliver::{info_for, take};
use super::set::{self, How};
use super::{PROCESS, entry, me};
use crate::rt::tcb::current;
use crate::rt::{clock, sys};

/// What the calling thread blocks.
pub fn blocked() -> u64 {
    // SAFETY: the calling thread's own.
    unsafe { (*me()).blocked() }
}

/// Changes what the calling thread blocks; answers what it did before. What is ready then is delivered before this returns.
pub fn change(how: How, signals: u64) -> u64 {
    let before = blocked();
    set_blocked(set::changed(before, how, signals));
    before
}

fn set_blocked(blocked: u64) {
    // SAFETY: the calling thread's own.
    unsafe {
        let before = (*me()).blocked();
        (*me()).set_blocked(blocked);
        if (*me()).is_ready() {
            entry::now();
        }
        leave_to_others(blocked & !before);
    }
}

/// The thread no longer takes these signals. If one is pending for the process the thread may have been chosen for it, so another
/// one must be.
pub fn leave_to_others(signals: u64) {
    if PROCESS.words.pending.load(Ordering::SeqCst) & signals != 0 {
        // SAFETY: the calling thread's own. Without signal handling there is nobody to choose.
        let _ = unsafe { sys::verb((*current()).handle, &[ThreadVerb::Signal as u64, 0, 1]) };
    }
}

/// What is pending for the calling thread or the process, and blocked.
pub fn pending() -> u64 {
    // SAFETY: the calling thread's own.
    unsafe { ((*me()).pending() | PROCESS.words.pending.load(Ordering::SeqCst)) & (*me()).blocked() }
}

/// Makes a call that waits, which `call` does without repeating it, with other signals blocked meanwhile; with none given, with those that
/// are blocked. `EINTR` when a handler has run.
pub fn wait_with<T>(mask: Option<u64>, mut call: impl FnMut() -> Result<T>) -> Result<T> {
    // SAFETY: the calling thread's own, in short accesses: handlers use it too.
    unsafe {
        let (before, handled) = ((*me()).blocked(), (*me()).handled);
        loop {
            (*me()).inhibit();
            (*me()).set_blocked(mask.unwrap_or(before));
            let result = if (*me()).is_ready() { Err(Error::new(EINTR)) } else { call() };
            // What is ready is delivered with the mask of the wait; the other one is restored behind the handler.
            let interrupted = matches!(&result, Err(error) if error.errno == EINTR) && (*me()).is_ready();
            if interrupted {
                (*me()).restore = Some(before);
                entry::now();
            } else {
                (*me()).set_blocked(before);
                (*me()).admit();
                if (*me()).is_ready() {
                    entry::now();
                }
            }
            match result {
                Err(error) if error.errno == EINTR && (*me()).handled == handled => {}
                result => return result,
            }
        }
    }
}

/// A sleep that lasts as long as the clock's numbers.
const FOR_EVER: TimeSpec = TimeSpec { tv_sec: i64::MAX / clock::SECOND - 1, tv_nsec: 0 };

/// Waits until a handler has run, with these signals blocked meanwhile.
pub fn suspend(mask: Option<u64>) -> Error {
    let slept = wait_with(mask, || sys::nanosleep_once(&FOR_EVER, &mut TimeSpec::default()));
    slept.err().unwrap_or(Error::new(EINTR))
}

/// Waits for a signal of this set, which the caller has blocked, and takes it: `EAGAIN` after the time, `EINTR` when a handler
/// for another signal has run.
pub fn wait_for(signals: u64, timeout: Option<&TimeSpec>) -> Result<siginfo_t> {
    let signals = signals & !set::UNBLOCKABLE;
    let end = timeout.map(|timeout| clock::monotonic_in(clock::nanos(timeout))).transpose()?;
    // SAFETY: the calling thread's own, in short accesses: handlers use it too.
    unsafe {
        let (before, handled) = ((*me()).blocked(), (*me()).handled);
        loop {
            (*me()).inhibit();
            (*me()).set_blocked(before & !signals);
            let left = end.as_ref().map(left_until).transpose()?;
            let mut taken = take(&*me(), signals);
            if taken.is_none() && left.is_none_or(|left| left > 0) && !(*me()).is_ready() {
                let time = left.map_or(FOR_EVER, clock::time);
                // The time is looked at again.
                let _ = sys::nanosleep_once(&time, &mut TimeSpec::default());
                taken = take(&*me(), signals);
            }
            (*me()).set_blocked(before);
            (*me()).admit();
            if (*me()).is_ready() {
                entry::now();
            }
            match taken {
                Some((signal, info)) => return Ok(info_for(signal, &info)),
                None if (*me()).handled != handled => return Err(Error::new(EINTR)),
                None if left.is_some_and(|left| left <= 0) => return Err(Error::new(EAGAIN)),
                None => {}
            }
        }
    }
}

/// Nanoseconds until a moment on the monotonic clock.
fn left_until(end: &TimeSpec) -> Result<i128> {
    Ok(clock::nanos(end) - clock::nanos(&clock::now(syscall::CLOCK_MONOTONIC)?))
}
