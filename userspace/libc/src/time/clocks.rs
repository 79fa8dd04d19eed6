//! Clocks and sleeping.

use core::ffi::c_void;

use libc::{
    CLOCK_PROCESS_CPUTIME_ID, CLOCKS_PER_SEC, EINVAL, c_int, c_uint, clock_t, clockid_t, time_t, timespec, timeval,
};
use syscall::data::TimeSpec;
use syscall::error::Result;

use crate::errno::{self, error};
use crate::rt::{clock, sys, thread};

/// C's time in the kernel's form; `EINVAL` for nanoseconds that are none.
pub fn from_c(time: &timespec) -> Result<TimeSpec> {
    let nsec = i32::try_from(time.tv_nsec).ok().filter(|nsec| (0..clock::SECOND as i32).contains(nsec));
    Ok(TimeSpec { tv_sec: time.tv_sec, tv_nsec: nsec.ok_or(error(EINVAL))? })
}

/// The kernel's time in C's form.
pub fn to_c(time: &TimeSpec) -> timespec {
    timespec { tv_sec: time.tv_sec, tv_nsec: time.tv_nsec.into() }
}

/// The time on a clock of C.
pub fn read(id: clockid_t) -> Result<TimeSpec> {
    if id == CLOCK_PROCESS_CPUTIME_ID {
        return Ok(clock::time(thread::process_time()));
    }
    if id < 0 {
        // A thread's own clock (`pthread_getcpuclockid`).
        return thread::time_of_number(id.unsigned_abs()).map(clock::time);
    }
    clock::now(id as usize)
}

/// `clock_gettime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(id: clockid_t, to: *mut timespec) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    errno::zero(read(id).map(|time| unsafe { *to = to_c(&time) }))
}

/// `clock_getres`: the clocks count nanoseconds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_getres(id: clockid_t, to: *mut timespec) -> c_int {
    errno::zero(read(id).map(|_| {
        if !to.is_null() {
            // SAFETY: POSIX demands null or a place for the answer.
            unsafe { *to = timespec { tv_sec: 0, tv_nsec: 1 } };
        }
    }))
}

/// `gettimeofday`. The time zone is not kept here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(to: *mut timeval, _zone: *mut c_void) -> c_int {
    errno::zero(clock::now(syscall::CLOCK_REALTIME).map(|now| {
        // SAFETY: POSIX demands a place for the answer.
        unsafe {
            (*to).tv_sec = now.tv_sec;
            (*to).tv_usec = now.tv_nsec / 1000;
        }
    }))
}

/// `time`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(to: *mut time_t) -> time_t {
    let now = clock::now(syscall::CLOCK_REALTIME).map_or(-1, |now| now.tv_sec);
    if !to.is_null() {
        // SAFETY: POSIX demands null or a place for the answer.
        unsafe { *to = now };
    }
    now
}

/// `clock`: processor time.
#[unsafe(export_name = "clock")]
pub extern "C" fn processor_time() -> clock_t {
    (thread::process_time() / i128::from(clock::SECOND / CLOCKS_PER_SEC)) as clock_t
}

/// `clock_settime`: the clock is the kernel's, which takes the time from the machine and lets nobody set it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_settime(id: clockid_t, time: *const timespec) -> c_int {
    // SAFETY: POSIX demands a time.
    match read(id).and_then(|_| from_c(unsafe { &*time })) {
        Ok(_) => errno::fail(libc::EPERM),
        Err(error) => errno::fail(error.errno),
    }
}

/// `settimeofday`: as `clock_settime`.
#[unsafe(no_mangle)]
pub extern "C" fn settimeofday(_time: *const timeval, _zone: *const c_void) -> c_int {
    errno::fail(libc::EPERM)
}

/// `adjtime`: as `clock_settime`; without a new value, nothing is left to be adjusted.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adjtime(delta: *const timeval, left: *mut timeval) -> c_int {
    if !delta.is_null() {
        return errno::fail(libc::EPERM);
    }
    if !left.is_null() {
        // SAFETY: the caller demands null or a place for the answer.
        unsafe { *left = timeval { tv_sec: 0, tv_usec: 0 } };
    }
    0
}

/// `timespec_get` of C11: `TIME_UTC` is the only base.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timespec_get(to: *mut timespec, base: c_int) -> c_int {
    // SAFETY: C demands a place for the answer.
    if base == 1 && unsafe { clock_gettime(libc::CLOCK_REALTIME, to) } == 0 { base } else { 0 }
}

/// `nanosleep`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nanosleep(request: *const timespec, remaining: *mut timespec) -> c_int {
    // SAFETY: POSIX demands the request.
    errno::zero(from_c(unsafe { &*request }).and_then(|request| {
        let mut left = TimeSpec::default();
        sys::nanosleep(&request, &mut left).inspect_err(|_| {
            if !remaining.is_null() {
                // SAFETY: POSIX demands null or a place for the answer.
                unsafe { *remaining = to_c(&left) };
            }
        })
    }))
}

/// `TIMER_ABSTIME`: the time is not how long, but until when.
const UNTIL: c_int = 1;

/// `clock_nanosleep`. Answers the error number itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_nanosleep(
    id: clockid_t,
    flags: c_int,
    request: *const timespec,
    remaining: *mut timespec,
) -> c_int {
    // SAFETY: POSIX demands the request, and null or a place for what is left.
    errno::number(unsafe {
        from_c(&*request).and_then(|request| {
            let now = match id {
                libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC => read(id)?,
                _ => return Err(error(EINVAL)),
            };
            let until =
                if flags & UNTIL != 0 { clock::nanos(&request) - clock::nanos(&now) } else { clock::nanos(&request) };
            let mut left = TimeSpec::default();
            sys::nanosleep(&clock::time(until), &mut left).inspect_err(|_| {
                if flags & UNTIL == 0 && !remaining.is_null() {
                    *remaining = to_c(&left);
                }
            })
        })
    })
}

/// `usleep`.
#[unsafe(no_mangle)]
pub extern "C" fn usleep(micros: c_uint) -> c_int {
    let request = clock::time(i128::from(micros) * 1000);
    errno::zero(sys::nanosleep(&request, &mut TimeSpec::default()))
}

/// `sleep`: answers the seconds that are left when interrupted.
#[unsafe(no_mangle)]
pub extern "C" fn sleep(seconds: c_uint) -> c_uint {
    let request = TimeSpec { tv_sec: seconds.into(), tv_nsec: 0 };
    let mut left = TimeSpec::default();
    match sys::nanosleep(&request, &mut left) {
        Ok(_) => 0,
        Err(_) => left.tv_sec as c_uint,
    }
}

/// `sched_yield`.
#[unsafe(no_mangle)]
pub extern "C" fn sched_yield() -> c_int {
    sys::sched_yield();
    0
}
