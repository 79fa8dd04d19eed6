//! Read-write locks. Word: number of readers, or [`WRITER`]; with [`WAITING`] when somebody may sleep.

use core::sync::atomic::{AtomicI32, Ordering};

use libc::{
    CLOCK_REALTIME, EBUSY, EDEADLK, EINVAL, c_int, clockid_t, pthread_rwlock_t, pthread_rwlockattr_t, timespec,
};
use syscall::data::TimeSpec;
use syscall::error::{EAGAIN, ETIMEDOUT, Error, Result};

use super::deadline;
use super::mutexattr::SHARED;
use crate::errno;
use crate::rt::sys;

/// A writer holds it.
const WRITER: i32 = 1 << 30;
/// Somebody may sleep: whoever makes it free wakes all.
const WAITING: i32 = i32::MIN;
/// The readers, or the writer.
const HOLDERS: i32 = !WAITING;
const SPINS: usize = 40;

struct Lock<'a>(&'a AtomicI32);

unsafe fn rwlock<'a>(it: *mut pthread_rwlock_t) -> Lock<'a> {
    // SAFETY: POSIX demands an initialised object; it is four bytes, one word.
    Lock(unsafe { &*it.cast::<AtomicI32>() })
}

impl Lock<'_> {
    /// Tries to become a holder: `next` says how the word changes, if it can.
    fn take(&self, next: impl Fn(i32) -> Option<i32>) -> bool {
        self.0.fetch_update(Ordering::Acquire, Ordering::Relaxed, next).is_ok()
    }

    fn try_read(&self) -> bool {
        // New readers wait behind a sleeper, or writers would never have their turn.
        self.take(|word| (0..WRITER - 1).contains(&word).then_some(word + 1))
    }

    fn try_write(&self) -> bool {
        self.take(|word| (word & HOLDERS == 0).then_some(word | WRITER))
    }

    /// Tries until it succeeds; `ETIMEDOUT` at the deadline.
    fn wait(&self, until: Option<&TimeSpec>, attempt: impl Fn() -> bool) -> Result<()> {
        for _ in 0..SPINS {
            if attempt() {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        loop {
            if attempt() {
                return Ok(());
            }
            let word = self.0.load(Ordering::Relaxed);
            if word & HOLDERS == 0 {
                // Free, but marked by a sleeper who was woken: the mark has done its work.
                let _ = self.0.compare_exchange(word, 0, Ordering::Relaxed, Ordering::Relaxed);
                continue;
            }
            let marked = word | WAITING;
            if word == marked || self.0.compare_exchange(word, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                match sys::futex_wait(self.0, marked, until) {
                    Err(error) if error.errno == ETIMEDOUT => return Err(error),
                    // Woken or changed: try again.
                    _ => {}
                }
            }
        }
    }

    fn unlock(&self) {
        let release = |word: i32| {
            let left = if word & WRITER != 0 { word & !WRITER } else { word - 1 };
            Some(if left & HOLDERS == 0 { 0 } else { left })
        };
        let before = self.0.fetch_update(Ordering::Release, Ordering::Relaxed, release).unwrap_or(0);
        if before & WAITING != 0 && matches!(before & HOLDERS, 1 | WRITER) {
            sys::futex_wake(self.0, i32::MAX as usize);
        }
    }
}

/// `pthread_rwlock_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_init(to: *mut pthread_rwlock_t, _attr: *const pthread_rwlockattr_t) -> c_int {
    // SAFETY: POSIX demands the object.
    unsafe { to.cast::<AtomicI32>().write(AtomicI32::new(0)) };
    0
}

/// `pthread_rwlock_destroy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_destroy(it: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    if unsafe { rwlock(it) }.0.load(Ordering::Relaxed) & HOLDERS == 0 { 0 } else { EBUSY }
}

/// `pthread_rwlock_rdlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_rdlock(it: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    errno::number(unsafe { rwlock(it) }.read(|| Ok(None)))
}

impl Lock<'_> {
    /// Locks for reading; `until` says how long it may take, once it is clear that it takes time.
    fn read(&self, until: impl FnOnce() -> Result<Option<TimeSpec>>) -> Result<()> {
        if self.0.load(Ordering::Relaxed) & HOLDERS == WRITER - 1 {
            return Err(Error::new(EAGAIN));
        }
        if self.try_read() { Ok(()) } else { self.wait(until()?.as_ref(), || self.try_read()) }
    }

    /// The same for writing.
    fn write(&self, until: impl FnOnce() -> Result<Option<TimeSpec>>) -> Result<()> {
        if self.try_write() { Ok(()) } else { self.wait(until()?.as_ref(), || self.try_write()) }
    }
}

/// `pthread_rwlock_clockrdlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_clockrdlock(
    it: *mut pthread_rwlock_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: POSIX demands an initialised object and a time.
    errno::number(unsafe { rwlock(it).read(|| deadline(clock, time).map(Some)) })
}

/// `pthread_rwlock_timedrdlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_timedrdlock(it: *mut pthread_rwlock_t, time: *const timespec) -> c_int {
    // SAFETY: POSIX demands an initialised object and a time.
    unsafe { pthread_rwlock_clockrdlock(it, CLOCK_REALTIME, time) }
}

/// `pthread_rwlock_clockwrlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_clockwrlock(
    it: *mut pthread_rwlock_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: POSIX demands an initialised object and a time.
    errno::number(unsafe { rwlock(it).write(|| deadline(clock, time).map(Some)) })
}

/// `pthread_rwlock_timedwrlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_timedwrlock(it: *mut pthread_rwlock_t, time: *const timespec) -> c_int {
    // SAFETY: POSIX demands an initialised object and a time.
    unsafe { pthread_rwlock_clockwrlock(it, CLOCK_REALTIME, time) }
}

fn busy(taken: bool) -> Result<()> {
    if taken { Ok(()) } else { Err(Error::new(EBUSY)) }
}

/// `pthread_rwlock_tryrdlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_tryrdlock(it: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    errno::number(busy(unsafe { rwlock(it) }.try_read()))
}

/// `pthread_rwlock_wrlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_wrlock(it: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    errno::number(unsafe { rwlock(it) }.write(|| Ok(None)))
}

/// `pthread_rwlock_trywrlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_trywrlock(it: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    errno::number(busy(unsafe { rwlock(it) }.try_write()))
}

/// `pthread_rwlock_unlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlock_unlock(it: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    let lock = unsafe { rwlock(it) };
    if lock.0.load(Ordering::Relaxed) & HOLDERS == 0 {
        return EDEADLK;
    }
    lock.unlock();
    0
}

/// `pthread_rwlockattr_init`. The attributes are one byte: whether it is shared, which makes no difference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlockattr_init(attr: *mut pthread_rwlockattr_t) -> c_int {
    // SAFETY: POSIX demands the object.
    unsafe { attr.cast::<u8>().write(0) };
    0
}

/// `pthread_rwlockattr_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_rwlockattr_destroy(_attr: *mut pthread_rwlockattr_t) -> c_int {
    0
}

/// `pthread_rwlockattr_setpshared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlockattr_setpshared(attr: *mut pthread_rwlockattr_t, shared: c_int) -> c_int {
    if !(0..=SHARED).contains(&shared) {
        return EINVAL;
    }
    // SAFETY: POSIX demands an initialised object.
    unsafe { attr.cast::<u8>().write(shared as u8) };
    0
}

/// `pthread_rwlockattr_getpshared`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_rwlockattr_getpshared(attr: *const pthread_rwlockattr_t, shared: *mut c_int) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *shared = c_int::from(attr.cast::<u8>().read()) };
    0
}
