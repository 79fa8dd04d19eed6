//! Condition variables: a counter that every signal moves on; who waits sleeps while it stays.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use libc::{
    CLOCK_MONOTONIC, CLOCK_REALTIME, EINVAL, c_int, clockid_t, pthread_cond_t, pthread_condattr_t, pthread_mutex_t,
    timespec,
};
use syscall::data::TimeSpec;
use syscall::error::{ETIMEDOUT, Result};

use super::deadline;
use super::mutex::{Mutex, mutex};
use super::mutexattr::SHARED;
use crate::errno;
use crate::rt::sys;

/// Upper bit of `waiters`: times are on the monotonic clock.
const MONOTONIC: u32 = 1 << 31;
/// All sleepers.
const ALL: usize = i32::MAX as usize;

/// What `pthread_cond_t` (8 bytes, 4-byte aligned) holds.
#[repr(C)]
struct Condition {
    sequence: AtomicI32,
    /// How many wait, so that a signal to nobody costs no call; and [`MONOTONIC`].
    waiters: AtomicU32,
}

const _: () = assert!(size_of::<Condition>() <= size_of::<pthread_cond_t>());

unsafe fn condition<'a>(it: *mut pthread_cond_t) -> &'a Condition {
    // SAFETY: POSIX demands an initialised object.
    unsafe { &*it.cast::<Condition>() }
}

impl Condition {
    fn clock(&self) -> clockid_t {
        if self.waiters.load(Ordering::Relaxed) & MONOTONIC != 0 { CLOCK_MONOTONIC } else { CLOCK_REALTIME }
    }

    fn wait(&self, mutex: &Mutex, until: Option<&TimeSpec>) -> Result<()> {
        self.waiters.fetch_add(1, Ordering::Relaxed);
        let sequence = self.sequence.load(Ordering::Acquire);
        let unlocked = mutex.unlock();
        let mut result = Ok(());
        if unlocked.is_ok() {
            match sys::futex_wait(&self.sequence, sequence, until) {
                Err(error) if error.errno == ETIMEDOUT => result = Err(error),
                // Woken, or somebody signalled in between. POSIX allows waking for nothing.
                _ => {}
            }
        }
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        unlocked?;
        mutex.lock(None)?;
        result
    }

    fn wake(&self, count: usize) {
        // A waiter counts itself before it reads the sequence, and reads that before it unlocks the mutex.
        if self.waiters.load(Ordering::SeqCst) & !MONOTONIC != 0 {
            self.sequence.fetch_add(1, Ordering::Release);
            sys::futex_wake(&self.sequence, count);
        }
    }
}

/// `pthread_cond_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_init(to: *mut pthread_cond_t, attr: *const pthread_condattr_t) -> c_int {
    // SAFETY: POSIX demands the object, and null or initialised attributes.
    unsafe {
        let clock = attr.cast::<clockid_t>().as_ref().map_or(CLOCK_REALTIME, |clock| *clock);
        let flags = if clock == CLOCK_MONOTONIC { MONOTONIC } else { 0 };
        to.cast::<Condition>().write(Condition { sequence: AtomicI32::new(0), waiters: AtomicU32::new(flags) });
    }
    0
}

/// `pthread_cond_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_cond_destroy(_it: *mut pthread_cond_t) -> c_int {
    0
}

/// `pthread_cond_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_wait(it: *mut pthread_cond_t, lock: *mut pthread_mutex_t) -> c_int {
    // SAFETY: POSIX demands initialised objects.
    errno::number(unsafe { condition(it).wait(mutex(lock), None) })
}

/// `pthread_cond_timedwait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_timedwait(
    it: *mut pthread_cond_t,
    lock: *mut pthread_mutex_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: POSIX demands initialised objects and a time.
    errno::number(unsafe {
        let condition = condition(it);
        deadline(condition.clock(), time).and_then(|until| condition.wait(mutex(lock), Some(&until)))
    })
}

/// `pthread_cond_clockwait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_clockwait(
    it: *mut pthread_cond_t,
    lock: *mut pthread_mutex_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: POSIX demands initialised objects and a time.
    errno::number(unsafe { deadline(clock, time).and_then(|until| condition(it).wait(mutex(lock), Some(&until))) })
}

/// `pthread_cond_signal`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_signal(it: *mut pthread_cond_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    unsafe { condition(it).wake(1) };
    0
}

/// `pthread_cond_broadcast`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_cond_broadcast(it: *mut pthread_cond_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    unsafe { condition(it).wake(ALL) };
    0
}

/// `pthread_condattr_init`. The words of the attributes are the clock, and whether it is shared.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_condattr_init(attr: *mut pthread_condattr_t) -> c_int {
    // SAFETY: POSIX demands the object.
    unsafe { attr.cast::<[c_int; 2]>().write([CLOCK_REALTIME, 0]) };
    0
}

/// `pthread_condattr_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_condattr_destroy(_attr: *mut pthread_condattr_t) -> c_int {
    0
}

/// `pthread_condattr_setclock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_condattr_setclock(attr: *mut pthread_condattr_t, clock: clockid_t) -> c_int {
    if !matches!(clock, CLOCK_REALTIME | CLOCK_MONOTONIC) {
        return EINVAL;
    }
    // SAFETY: POSIX demands an initialised object.
    unsafe { *attr.cast::<clockid_t>() = clock };
    0
}

/// `pthread_condattr_getclock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_condattr_getclock(attr: *const pthread_condattr_t, clock: *mut clockid_t) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *clock = *attr.cast::<clockid_t>() };
    0
}

/// `pthread_condattr_setpshared`: every condition variable works between processes that share its memory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_condattr_setpshared(attr: *mut pthread_condattr_t, shared: c_int) -> c_int {
    if !(0..=SHARED).contains(&shared) {
        return EINVAL;
    }
    // SAFETY: POSIX demands an initialised object; it has two words.
    unsafe { attr.cast::<c_int>().add(1).write(shared) };
    0
}

/// `pthread_condattr_getpshared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_condattr_getpshared(attr: *const pthread_condattr_t, shared: *mut c_int) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *shared = attr.cast::<c_int>().add(1).read() };
    0
}
