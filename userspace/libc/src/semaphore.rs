//! `semaphore.h`: a futex word with the count, within the pointer that crate `libc` declares.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use libc::{CLOCK_REALTIME, EAGAIN, EINTR, EINVAL, EOVERFLOW, ETIMEDOUT, c_int, c_uint, clockid_t, sem_t, timespec};
use syscall::data::TimeSpec;

use crate::errno;
use crate::pthread::deadline;
use crate::rt::sys;

/// What `sem_t` (8 bytes) holds.
#[repr(C)]
struct Semaphore {
    count: AtomicI32,
    /// How many wait, so that posting to nobody costs no call.
    waiters: AtomicU32,
}

const _: () = assert!(size_of::<Semaphore>() <= size_of::<sem_t>());

unsafe fn semaphore<'a>(it: *mut sem_t) -> &'a Semaphore {
    // SAFETY: POSIX demands an initialised object.
    unsafe { &*it.cast::<Semaphore>() }
}

impl Semaphore {
    fn try_take(&self) -> bool {
        let less = |count: i32| (count > 0).then(|| count - 1);
        self.count.fetch_update(Ordering::Acquire, Ordering::Relaxed, less).is_ok()
    }

    /// Takes one; answers why not.
    fn wait(&self, until: Option<&TimeSpec>) -> Result<(), c_int> {
        if self.try_take() {
            return Ok(());
        }
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let result = loop {
            if self.try_take() {
                break Ok(());
            }
            match sys::futex_wait(&self.count, 0, until) {
                Err(error) if matches!(error.errno, ETIMEDOUT | EINTR) => break Err(error.errno),
                // Woken or changed: try again.
                _ => {}
            }
        };
        self.waiters.fetch_sub(1, Ordering::Relaxed);
        result
    }

    fn post(&self) -> Result<(), c_int> {
        let more = |count: i32| count.checked_add(1);
        self.count.fetch_update(Ordering::Release, Ordering::Relaxed, more).map_err(|_| EOVERFLOW)?;
        // A waiter counts itself before it looks at the count for the last time.
        core::sync::atomic::fence(Ordering::SeqCst);
        if self.waiters.load(Ordering::Relaxed) > 0 {
            sys::futex_wake(&self.count, 1);
        }
        Ok(())
    }
}

/// C's answer: 0, or -1 with `errno`.
fn answer(result: Result<(), c_int>) -> c_int {
    result.map_or_else(errno::fail, |()| 0)
}

/// `sem_init`. In memory that processes share it works between them, whatever `shared` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_init(it: *mut sem_t, _shared: c_int, value: c_uint) -> c_int {
    let Ok(count) = i32::try_from(value) else {
        return errno::fail(EINVAL);
    };
    // SAFETY: POSIX demands the object.
    unsafe { it.cast::<Semaphore>().write(Semaphore { count: AtomicI32::new(count), waiters: AtomicU32::new(0) }) };
    0
}

/// `sem_destroy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_destroy(_it: *mut sem_t) -> c_int {
    0
}

/// `sem_wait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_wait(it: *mut sem_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    answer(unsafe { semaphore(it) }.wait(None))
}

/// `sem_trywait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_trywait(it: *mut sem_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    if unsafe { semaphore(it) }.try_take() { 0 } else { errno::fail(EAGAIN) }
}

/// `sem_clockwait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_clockwait(it: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int {
    // SAFETY: POSIX demands an initialised object and a time.
    unsafe {
        // The time does not count where nobody has to wait.
        if semaphore(it).try_take() {
            return 0;
        }
        match deadline(clock, time) {
            Ok(until) => answer(semaphore(it).wait(Some(&until))),
            Err(error) => errno::fail(error.errno),
        }
    }
}

/// `sem_timedwait`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_timedwait(it: *mut sem_t, time: *const timespec) -> c_int {
    // SAFETY: as for `sem_clockwait`.
    unsafe { sem_clockwait(it, CLOCK_REALTIME, time) }
}

/// `sem_post`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_post(it: *mut sem_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    answer(unsafe { semaphore(it) }.post())
}

/// `sem_getvalue`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sem_getvalue(it: *mut sem_t, value: *mut c_int) -> c_int {
    // SAFETY: POSIX demands an initialised object and a place for the answer.
    unsafe { *value = semaphore(it).count.load(Ordering::Relaxed) };
    0
}
