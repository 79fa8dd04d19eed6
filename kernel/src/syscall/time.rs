//! Clocks and sleeping.

use syscall::error::{EINTR, EINVAL, Error, Result};
use syscall::{CLOCK_MONOTONIC, CLOCK_REALTIME};

use crate::context::wait::{self, Wake};
use crate::memory::UserSlice;
use crate::time;

const NANOS: u64 = 1_000_000_000;

/// Nanoseconds from a `TimeSpec` in user memory; `EINVAL` for one that is negative or not normalised.
pub fn read_timespec(address: usize) -> Result<u64> {
    let words: [u64; 2] = UserSlice::new(address, 16)?.read_value()?;
    // `tv_nsec` is 32 bits wide; what follows it is padding.
    let (seconds, nanos) = (words[0] as i64, words[1] as i32);
    if seconds < 0 || !(0..NANOS as i32).contains(&nanos) {
        return Err(Error::new(EINVAL));
    }
    Ok((seconds as u64).saturating_mul(NANOS).saturating_add(nanos as u64))
}

/// Writes nanoseconds as a `TimeSpec`.
pub fn write_timespec(address: usize, nanos: u64) -> Result<()> {
    UserSlice::new(address, 16)?.write_value(&[nanos / NANOS, nanos % NANOS])
}

/// `SYS_CLOCK_GETTIME`: clock, address of a `TimeSpec`.
pub fn clock_gettime(clock: usize, address: usize) -> Result<usize> {
    let now = match clock {
        CLOCK_MONOTONIC => time::now_ns(),
        CLOCK_REALTIME => time::realtime_ns(),
        _ => return Err(Error::new(EINVAL)),
    };
    write_timespec(address, now)?;
    Ok(0)
}

/// `SYS_NANOSLEEP`: duration, address for what is left when it is interrupted (or 0).
pub fn nanosleep(request: usize, remaining: usize) -> Result<usize> {
    let deadline = time::now_ns().saturating_add(read_timespec(request)?);
    loop {
        let now = time::now_ns();
        if now >= deadline {
            return Ok(0);
        }
        wait::prepare();
        if wait::block(Some(deadline)) == Wake::Interrupt {
            if remaining != 0 {
                write_timespec(remaining, deadline.saturating_sub(time::now_ns()))?;
            }
            return Err(Error::new(EINTR));
        }
    }
}
