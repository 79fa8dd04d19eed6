//! The clock, and being woken by it.

use std::io::Result;

use libredox::Fd;
use libredox::call::clock_gettime;
use libredox::flag::{CLOCK_MONOTONIC, O_CLOEXEC, O_NONBLOCK, O_RDWR};
use scheme_server::syscall::data::TimeSpec;

/// Wakes at a time.
pub struct Timer {
    descriptor: Fd,
    /// The time that it wakes at, if it does.
    armed: Option<u64>,
}

impl Timer {
    /// A timer that does not wake.
    pub fn new() -> Result<Self> {
        let path = format!("/scheme/time/{CLOCK_MONOTONIC}");
        Ok(Self { descriptor: Fd::open(&path, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0)?, armed: None })
    }

    /// Its descriptor, to be watched.
    pub fn descriptor(&self) -> usize {
        self.descriptor.raw()
    }

    /// Milliseconds since some time.
    pub fn now(&self) -> u64 {
        // This clock is always there.
        clock_gettime(CLOCK_MONOTONIC).map_or(0, |now| now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000)
    }

    /// Wakes at a time, if it does not sooner.
    pub fn arm(&mut self, at: u64) -> Result<()> {
        if self.armed.is_some_and(|armed| armed <= at) {
            return Ok(());
        }
        let time = TimeSpec { tv_sec: (at / 1000) as i64, tv_nsec: (at % 1000 * 1_000_000) as i32 };
        self.descriptor.write(&time)?;
        self.armed = Some(at);
        Ok(())
    }

    /// It has woken.
    pub fn woken(&mut self) {
        self.armed = None;
        // What the time is now is asked elsewhere.
        let _ = self.descriptor.read(&mut [0; size_of::<TimeSpec>()]);
    }
}
