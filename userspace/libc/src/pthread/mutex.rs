//! Mutexes. Word: 0 free, 1 held, 2 held and somebody may sleep.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use libc::{
    CLOCK_REALTIME, EBUSY, EDEADLK, EINVAL, EPERM, PTHREAD_MUTEX_DEFAULT, PTHREAD_MUTEX_NORMAL,
    PTHREAD_MUTEX_RECURSIVE, c_int, clockid_t, pthread_mutex_t, pthread_mutexattr_t, timespec,
};
use syscall::data::TimeSpec;
use syscall::error::{EAGAIN, ETIMEDOUT, Error, Result};

use super::{deadline, me};
use crate::errno;
use crate::rt::sys;

const FREE: i32 = 0;
const HELD: i32 = 1;
const CONTENDED: i32 = 2;
/// Looks at a held mutex this often before it sleeps.
const SPINS: usize = 40;
/// Bits of `kind` below the recursion count.
pub const KIND: u32 = 3;
/// One level of recursion.
const LEVEL: u32 = 4;

/// What `pthread_mutex_t` (12 bytes, 4-byte aligned) holds.
#[repr(C)]
pub struct Mutex {
    word: AtomicI32,
    /// Number of the thread that holds it; kept for all kinds but the plain ones.
    owner: AtomicU32,
    /// `PTHREAD_MUTEX_*`, and above that how many times too often its owner has it. Changed only by the owner.
    kind: AtomicU32,
}

const _: () = assert!(size_of::<Mutex>() <= size_of::<pthread_mutex_t>());

/// The object behind C's pointer.
pub unsafe fn mutex<'a>(mutex: *mut pthread_mutex_t) -> &'a Mutex {
    // SAFETY: POSIX demands an initialised object.
    unsafe { &*mutex.cast::<Mutex>() }
}

impl Mutex {
    fn kind(&self) -> c_int {
        (self.kind.load(Ordering::Relaxed) & KIND) as c_int
    }

    fn is_plain(&self) -> bool {
        matches!(self.kind(), PTHREAD_MUTEX_DEFAULT | PTHREAD_MUTEX_NORMAL)
    }

    fn try_take(&self) -> bool {
        self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// What happens when its owner locks it again.
    fn again(&self) -> Result<()> {
        if self.kind() != PTHREAD_MUTEX_RECURSIVE {
            return Err(Error::new(EDEADLK));
        }
        let kind = self.kind.load(Ordering::Relaxed).checked_add(LEVEL).ok_or(Error::new(EAGAIN))?;
        self.kind.store(kind, Ordering::Relaxed);
        Ok(())
    }

    /// Locks; gives up at the deadline.
    #[inline]
    pub fn lock(&self, deadline: Option<&TimeSpec>) -> Result<()> {
        if self.is_plain() {
            return if self.try_take() { Ok(()) } else { self.wait(deadline) };
        }
        let me = me();
        if self.owner.load(Ordering::Relaxed) == me {
            return self.again();
        }
        if !self.try_take() {
            self.wait(deadline)?;
        }
        self.owner.store(me, Ordering::Relaxed);
        Ok(())
    }

    #[cold]
    fn wait(&self, deadline: Option<&TimeSpec>) -> Result<()> {
        for _ in 0..SPINS {
            if self.word.load(Ordering::Relaxed) == FREE && self.try_take() {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        while self.word.swap(CONTENDED, Ordering::Acquire) != FREE {
            match sys::futex_wait(&self.word, CONTENDED, deadline) {
                Err(error) if error.errno == ETIMEDOUT => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn try_lock(&self) -> Result<()> {
        if self.is_plain() {
            return if self.try_take() { Ok(()) } else { Err(Error::new(EBUSY)) };
        }
        let me = me();
        if self.owner.load(Ordering::Relaxed) == me {
            return if self.kind() == PTHREAD_MUTEX_RECURSIVE { self.again() } else { Err(Error::new(EBUSY)) };
        }
        if !self.try_take() {
            return Err(Error::new(EBUSY));
        }
        self.owner.store(me, Ordering::Relaxed);
        Ok(())
    }

    /// Unlocks.
    #[inline]
    pub fn unlock(&self) -> Result<()> {
        if !self.is_plain() {
            if self.owner.load(Ordering::Relaxed) != me() {
                return Err(Error::new(EPERM));
            }
            let kind = self.kind.load(Ordering::Relaxed);
            if kind >= LEVEL {
                self.kind.store(kind - LEVEL, Ordering::Relaxed);
                return Ok(());
            }
            self.owner.store(0, Ordering::Relaxed);
        }
        if self.word.swap(FREE, Ordering::Release) == CONTENDED {
            sys::futex_wake(&self.word, 1);
        }
        Ok(())
    }
}

/// `pthread_mutex_init`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_init(to: *mut pthread_mutex_t, attr: *const pthread_mutexattr_t) -> c_int {
    // SAFETY: POSIX demands the object, and null or initialised attributes.
    unsafe {
        let kind = super::mutexattr::kind(attr);
        let fresh =
            Mutex { word: AtomicI32::new(FREE), owner: AtomicU32::new(0), kind: AtomicU32::new(kind as u32 & KIND) };
        to.cast::<Mutex>().write(fresh);
    }
    0
}

/// `pthread_mutex_destroy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_destroy(it: *mut pthread_mutex_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    if unsafe { mutex(it) }.word.load(Ordering::Relaxed) == FREE { 0 } else { EBUSY }
}

/// `pthread_mutex_lock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_lock(it: *mut pthread_mutex_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    errno::number(unsafe { mutex(it) }.lock(None))
}

/// `pthread_mutex_trylock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_trylock(it: *mut pthread_mutex_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    errno::number(unsafe { mutex(it) }.try_lock())
}

/// `pthread_mutex_timedlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_timedlock(it: *mut pthread_mutex_t, time: *const timespec) -> c_int {
    // SAFETY: POSIX demands an initialised object and a time.
    errno::number(unsafe { lock_until(it, CLOCK_REALTIME, time) })
}

/// `pthread_mutex_clocklock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_clocklock(
    it: *mut pthread_mutex_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: POSIX demands an initialised object and a time.
    errno::number(unsafe { lock_until(it, clock, time) })
}

/// Locks, at most until a moment, which does not count where nobody has to wait.
unsafe fn lock_until(it: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec) -> Result<()> {
    // SAFETY: POSIX demands an initialised object and a time.
    unsafe {
        let mutex = mutex(it);
        match mutex.try_lock() {
            // Its owner locks again: that is decided at once, too.
            Err(busy) if busy.errno == EBUSY => mutex.lock(Some(&deadline(clock, time)?)),
            result => result,
        }
    }
}

/// `pthread_mutex_unlock`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pthread_mutex_unlock(it: *mut pthread_mutex_t) -> c_int {
    // SAFETY: POSIX demands an initialised object.
    errno::number(unsafe { mutex(it) }.unlock())
}

/// `pthread_mutex_consistent`: there are no robust mutexes.
#[unsafe(no_mangle)]
pub extern "C" fn pthread_mutex_consistent(_it: *mut pthread_mutex_t) -> c_int {
    EINVAL
}
