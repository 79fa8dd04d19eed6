//! Timers of `unistd.h`, `sys/time.h` and `time.h`. What they do is in `rt::signal::timer`.

use core::ffi::c_void;

use libc::{
    CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, EINVAL, c_int, c_uint, clockid_t, itimerval, sigval,
    timespec, timeval,
};
use syscall::error::Result;

use crate::errno::{self, error};
use crate::rt::clock;
use crate::rt::signal::send;
use crate::rt::signal::timer::{self, Count, Deed, FIXED, Setting};
use crate::time::{from_c, to_c};

/// `ITIMER_REAL`, `ITIMER_VIRTUAL`, `ITIMER_PROF`: the numbers of the fixed timers.
const REAL: usize = 0;
const VIRTUAL: usize = 1;
/// `SIGEV_*`.
const SIGEV_SIGNAL: c_int = 0;
const SIGEV_NONE: c_int = 1;
const SIGEV_THREAD: c_int = 2;
/// `TIMER_ABSTIME`.
const ABSOLUTE: c_int = 1;
const MICRO: i128 = 1000;

/// What a timer does (`struct sigevent`).
#[repr(C)]
pub struct SigEvent {
    value: sigval,
    signal: c_int,
    notify: c_int,
    /// Attributes of the thread; those of libc are used.
    attributes: *const c_void,
    function: Option<extern "C" fn(*mut c_void)>,
}

/// `struct itimerspec`.
#[repr(C)]
pub struct ITimerSpec {
    interval: timespec,
    value: timespec,
}

/// Sets a fixed timer. Virtual time is the processor time too: the kernel does not tell what a program uses from what it uses for it.
fn set_fixed(which: usize, new: Setting) -> Result<Setting> {
    match which {
        REAL => timer::set_fixed(which, Count::Real, libc::SIGALRM as u32, new),
        VIRTUAL => timer::set_fixed(which, Count::Processor, libc::SIGVTALRM as u32, new),
        _ => timer::set_fixed(which, Count::Processor, libc::SIGPROF as u32, new),
    }
}

/// `alarm`.
#[unsafe(no_mangle)]
pub extern "C" fn alarm(seconds: c_uint) -> c_uint {
    let second = i128::from(clock::SECOND);
    let left = i128::from(seconds) * second;
    // It cannot fail, says POSIX; without memory for the thread there is no alarm.
    let before = set_fixed(REAL, Setting { left, interval: 0 }).unwrap_or_default();
    // A part of a second is one, since 0 means that there was none.
    ((before.left + second - 1) / second) as c_uint
}

/// `ualarm`.
#[unsafe(no_mangle)]
pub extern "C" fn ualarm(micros: c_uint, interval: c_uint) -> c_uint {
    let new = Setting { left: i128::from(micros) * MICRO, interval: i128::from(interval) * MICRO };
    ((set_fixed(REAL, new).unwrap_or_default().left + MICRO - 1) / MICRO) as c_uint
}

fn fixed(which: c_int) -> Result<usize> {
    usize::try_from(which).ok().filter(|&which| which < FIXED).ok_or(error(EINVAL))
}

fn from_timeval(time: &timeval) -> Result<i128> {
    let range = 0..1_000_000;
    if time.tv_sec < 0 || !range.contains(&time.tv_usec) {
        return Err(error(EINVAL));
    }
    Ok(i128::from(time.tv_sec) * i128::from(clock::SECOND) + i128::from(time.tv_usec) * MICRO)
}

fn to_itimerval(setting: &Setting) -> itimerval {
    let convert = |nanos: i128| {
        // Rounded up: a timer that runs is not shown as one that stands.
        let time = clock::time((nanos + MICRO - 1) / MICRO * MICRO);
        timeval { tv_sec: time.tv_sec, tv_usec: time.tv_nsec / MICRO as i32 }
    };
    itimerval { it_interval: convert(setting.interval), it_value: convert(setting.left) }
}

/// `setitimer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setitimer(which: c_int, new: *const itimerval, old: *mut itimerval) -> c_int {
    // SAFETY: POSIX demands a setting, and null or a place for the one before.
    errno::zero(unsafe {
        fixed(which).and_then(|which| {
            let left = from_timeval(&(*new).it_value)?;
            let before = set_fixed(which, Setting { left, interval: from_timeval(&(*new).it_interval)? })?;
            if !old.is_null() {
                old.write(to_itimerval(&before));
            }
            Ok(())
        })
    })
}

/// `getitimer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getitimer(which: c_int, to: *mut itimerval) -> c_int {
    errno::zero(fixed(which).map(|which| {
        // One that was never set stands.
        let setting = timer::get(which).unwrap_or_default();
        // SAFETY: POSIX demands a place for the answer.
        unsafe { to.write(to_itimerval(&setting)) };
    }))
}

/// A timer's number from its name, which is one more, so that none is null.
fn index(timer: *mut c_void) -> usize {
    (timer as usize).wrapping_sub(1)
}

/// `timer_create`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_create(id: clockid_t, event: *const SigEvent, to: *mut *mut c_void) -> c_int {
    // SAFETY: POSIX demands null or an event, and a place for the answer.
    errno::zero(unsafe {
        let count = match id {
            CLOCK_REALTIME => Ok(Count::Wall),
            CLOCK_MONOTONIC => Ok(Count::Real),
            CLOCK_PROCESS_CPUTIME_ID => Ok(Count::Processor),
            _ => Err(error(EINVAL)),
        };
        count.and_then(|count| {
            let deed = match event.as_ref() {
                None => Deed::Signal(libc::SIGALRM as u32, 0),
                Some(event) => deed_of(event)?,
            };
            *to = timer::to_pointer(timer::create(count, deed)? + 1);
            Ok(())
        })
    })
}

fn deed_of(event: &SigEvent) -> Result<Deed> {
    let value = event.value.sival_ptr as usize;
    match (event.notify, event.function) {
        (SIGEV_NONE, _) => Ok(Deed::Nothing),
        (SIGEV_SIGNAL, _) if event.signal != 0 => Ok(Deed::Signal(send::number(event.signal)?, value)),
        (SIGEV_THREAD, Some(function)) => Ok(Deed::Call(function, value)),
        _ => Err(error(EINVAL)),
    }
}

/// `timer_delete`.
#[unsafe(no_mangle)]
pub extern "C" fn timer_delete(timer: *mut c_void) -> c_int {
    errno::zero(timer::delete(index(timer)))
}

/// `timer_settime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_settime(
    timer: *mut c_void,
    flags: c_int,
    new: *const ITimerSpec,
    old: *mut ITimerSpec,
) -> c_int {
    // SAFETY: POSIX demands a setting, and null or a place for the one before.
    errno::zero(unsafe {
        from_c(&(*new).value).and_then(|value| {
            let interval = clock::nanos(&from_c(&(*new).interval)?);
            let new = Setting { left: clock::nanos(&value), interval };
            let before = timer::set(index(timer), new, flags & ABSOLUTE != 0)?;
            if !old.is_null() {
                old.write(to_itimerspec(&before));
            }
            Ok(())
        })
    })
}

fn to_itimerspec(setting: &Setting) -> ITimerSpec {
    ITimerSpec { interval: to_c(&clock::time(setting.interval)), value: to_c(&clock::time(setting.left)) }
}

/// `timer_gettime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timer_gettime(timer: *mut c_void, to: *mut ITimerSpec) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    errno::zero(timer::get(index(timer)).map(|setting| unsafe { to.write(to_itimerspec(&setting)) }))
}

/// `timer_getoverrun`.
#[unsafe(no_mangle)]
pub extern "C" fn timer_getoverrun(timer: *mut c_void) -> c_int {
    errno::int(timer::overrun(index(timer)).map(|count| count as usize))
}
