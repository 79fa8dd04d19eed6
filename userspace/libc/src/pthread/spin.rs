//! Spin locks.

use core::sync::atomic::{AtomicI32, Ordering};

use libc::{EBUSY, c_int};

use crate::rt::sys;

/// Looks this often before it lets others run: the holder may need this processor.
const SPINS: usize = 200;

/// `pthread_spin_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_spin_init(it: *mut AtomicI32, _shared: c_int) -> c_int {
    // SAFETY: POSIX demands the object: four bytes, one word.
    unsafe { it.write(AtomicI32::new(0)) };
    0
}

/// `pthread_spin_destroy`.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_spin_destroy(_it: *mut AtomicI32) -> c_int {
    0
}

/// `pthread_spin_trylock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_spin_trylock(it: *mut AtomicI32) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    if unsafe { (*it).swap(1, Ordering::Acquire) } == 0 { 0 } else { EBUSY }
}

/// `pthread_spin_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_spin_lock(it: *mut AtomicI32) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    unsafe {
        while pthread_spin_trylock(it) != 0 {
            let free = (0..SPINS).any(|_| {
                core::hint::spin_loop();
                (*it).load(Ordering::Relaxed) == 0
            });
            if !free {
                sys::sched_yield();
            }
        }
    }
    0
}

/// `pthread_spin_unlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_spin_unlock(it: *mut AtomicI32) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    unsafe { (*it).store(0, Ordering::Release) };
    0
}
