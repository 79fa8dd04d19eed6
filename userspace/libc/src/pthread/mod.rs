//! `pthread.h`: threads and what they wait for, on futexes.
//!
//! Every object is a futex word and little else, within the sizes that crate `libc` declares; all zero is a fresh object,
//! which is what the static initialisers say.

pub mod atfork;
mod attr;
mod barrier;
mod cond;
mod key;
mod mutex;
mod mutexattr;
mod once;
mod rwlock;
mod sched;
mod spin;

use core::ffi::c_void;

use libc::{EINVAL, EPERM, c_int, pthread_attr_t, pthread_t, timespec};
use syscall::data::TimeSpec;
use syscall::error::Result;

use crate::errno::{self, error};
use crate::rt::tcb::{StartRoutine, Tcb, current};
use crate::rt::{clock, thread};
use crate::time::from_c;
use attr::Attributes;

pub use key::{lock as key_lock, run_destructors};

/// `pthread_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_create(
    answer: *mut pthread_t,
    attr: *const pthread_attr_t,
    start: StartRoutine,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: POSIX demands null or initialised attributes.
    let (stack, detached) = unsafe { Attributes::of(attr) };
    match thread::create(stack, detached, start, argument) {
        Ok(tcb) => {
            // SAFETY: POSIX demands a place for the answer.
            unsafe { *answer = tcb.cast() };
            0
        }
        // POSIX names one error for every shortage.
        Err(error) => {
            if error.errno == EPERM {
                EPERM
            } else {
                libc::EAGAIN
            }
        }
    }
}

/// `pthread_join`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_join(thread: pthread_t, result: *mut *mut c_void) -> c_int {
    // SAFETY: POSIX demands a thread that nobody joined, and null or a place for the answer.
    errno::number(unsafe {
        thread::join(thread.cast()).map(|value| {
            if !result.is_null() {
                *result = value;
            }
        })
    })
}

/// `pthread_detach`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_detach(thread: pthread_t) -> c_int {
    // SAFETY: POSIX demands a thread that nobody joined.
    errno::number(unsafe { thread::detach(thread.cast()) })
}

/// `pthread_self`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_self() -> pthread_t {
    current().cast()
}

/// `pthread_equal`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_equal(a: pthread_t, b: pthread_t) -> c_int {
    c_int::from(a == b)
}

/// `pthread_exit`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_exit(result: *mut c_void) -> ! {
    thread::exit(result)
}

/// The number of the calling thread, for objects that remember who holds them. Never 0.
fn me() -> u32 {
    let tcb: *mut Tcb = current();
    // SAFETY: every thread has a control block.
    unsafe { (*tcb).number }
}

/// The kernel's deadline for an absolute time on a clock of C.
///
/// # Safety
/// `time` leads to a time.
pub unsafe fn deadline(id: c_int, time: *const timespec) -> Result<TimeSpec> {
    // SAFETY: POSIX demands a time.
    let time = from_c(unsafe { &*time })?;
    match id {
        libc::CLOCK_MONOTONIC => Ok(time),
        libc::CLOCK_REALTIME => clock::monotonic_of_realtime(&time),
        _ => Err(error(EINVAL)),
    }
}
