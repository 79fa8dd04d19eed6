//! Reading clocks: the one place that would know about a page of time shared with the kernel.

use syscall::data::TimeSpec;
use syscall::error::Result;
use syscall::flag::{CLOCK_MONOTONIC, CLOCK_REALTIME};

use super::sys;

/// Nanoseconds of a second.
pub const SECOND: i64 = 1_000_000_000;

/// The time on one of the kernel's clocks.
#[inline]
pub fn now(clock: usize) -> Result<TimeSpec> {
    sys::clock_gettime(clock)
}

/// A time in nanoseconds.
pub fn nanos(time: &TimeSpec) -> i128 {
    i128::from(time.tv_sec) * i128::from(SECOND) + i128::from(time.tv_nsec)
}

/// A time from nanoseconds; what lies before the clock's zero becomes its zero.
pub fn time(nanos: i128) -> TimeSpec {
    let nanos = nanos.max(0);
    let tv_sec = i64::try_from(nanos / i128::from(SECOND)).unwrap_or(i64::MAX);
    TimeSpec { tv_sec, tv_nsec: (nanos % i128::from(SECOND)) as i32 }
}

/// The same moment on the monotonic clock.
pub fn monotonic_of_realtime(moment: &TimeSpec) -> Result<TimeSpec> {
    let offset = nanos(moment) - nanos(&now(CLOCK_REALTIME)?);
    Ok(time(nanos(&now(CLOCK_MONOTONIC)?) + offset))
}

/// The moment on the monotonic clock that lies this far ahead.
pub fn monotonic_in(duration: i128) -> Result<TimeSpec> {
    Ok(time(nanos(&now(CLOCK_MONOTONIC)?) + duration))
}
