//! `pthread_once`.

use core::sync::atomic::{AtomicI32, Ordering};

use libc::c_int;

use crate::rt::sys;

/// The word: nobody yet, at work, at work with somebody waiting, done.
const FRESH: i32 = 0;
const RUNNING: i32 = 1;
const AWAITED: i32 = 2;
const DONE: i32 = 3;

/// `pthread_once`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_once(it: *mut AtomicI32, routine: extern "C" fn()) -> c_int {
    // SAFETY: POSIX demands an initialised object; it is four bytes, one word.
    let word = unsafe { &*it };
    loop {
        match word.compare_exchange(FRESH, RUNNING, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => {
                routine();
                if word.swap(DONE, Ordering::Release) == AWAITED {
                    sys::futex_wake(word, i32::MAX as usize);
                }
                return 0;
            }
            Err(DONE) => return 0,
            Err(state) => {
                let marked = state == AWAITED
                    || word.compare_exchange(RUNNING, AWAITED, Ordering::Relaxed, Ordering::Relaxed).is_ok();
                if marked {
                    // Woken or changed: look again.
                    let _ = sys::futex_wait(word, AWAITED, None);
                }
            }
        }
    }
}
