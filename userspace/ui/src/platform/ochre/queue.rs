//! Waiting for several descriptors at once, and the clock.

use std::io::{Error, Result};
use std::time::Instant;

use event::{EventFlags, RawEventQueue};
use libredox::Fd;
use libredox::call::clock_gettime;
use libredox::data::TimeSpec;
use libredox::flag::{CLOCK_MONOTONIC, O_CLOEXEC, O_NONBLOCK, O_RDWR};

/// An event queue.
pub struct Queue(RawEventQueue);

impl Queue {
    /// One that waits for nothing.
    pub fn new() -> Result<Self> {
        RawEventQueue::new().map(Self).map_err(|error| Error::from_raw_os_error(error.errno()))
    }

    /// Waits for a descriptor to become readable too; `mark` is what [`Queue::next`] then answers.
    pub fn watch(&self, descriptor: usize, mark: usize) -> Result<()> {
        let done = self.0.subscribe(descriptor, mark, EventFlags::READ);
        done.map_err(|error| Error::from_raw_os_error(error.errno()))
    }

    /// Waits.
    pub fn next(&self) -> Result<usize> {
        self.0.next_event().map(|event| event.user_data).map_err(|error| Error::from_raw_os_error(error.errno()))
    }
}

/// Becomes readable at a time, or when it is woken.
pub struct Clock {
    descriptor: Fd,
    /// The time that it was told last, until it has come.
    armed: Option<Instant>,
}

impl Clock {
    /// A clock that does not wake.
    pub fn new() -> Result<Self> {
        let path = format!("/scheme/time/{CLOCK_MONOTONIC}");
        Ok(Self { descriptor: Fd::open(&path, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0)?, armed: None })
    }

    /// Its descriptor, to be watched.
    pub fn descriptor(&self) -> usize {
        self.descriptor.raw()
    }

    /// Wakes at a time, if it does not sooner; answers whether there is still time until then.
    pub fn arm(&mut self, at: Instant) -> bool {
        let now = Instant::now();
        let Some(left) = at.checked_duration_since(now).filter(|left| !left.is_zero()) else { return false };
        if self.armed.is_some_and(|armed| armed <= at && armed > now) {
            return true;
        }
        if let Ok(clock) = clock_gettime(CLOCK_MONOTONIC) {
            let nanoseconds = clock.tv_nsec as u64 + u64::from(left.subsec_nanos());
            let seconds = clock.tv_sec as u64 + left.as_secs() + nanoseconds / 1_000_000_000;
            self.write(seconds as i64, (nanoseconds % 1_000_000_000) as i32);
            self.armed = Some(at);
        }
        true
    }

    /// Wakes now.
    pub fn wake(&self) {
        self.write(0, 0);
    }

    /// It has woken.
    pub fn woken(&mut self) {
        self.armed = None;
        self.rest();
    }

    /// It has been woken: what it says is not of interest.
    pub fn rest(&self) {
        let _ = self.descriptor.read(&mut [0; size_of::<TimeSpec>()]);
    }

    fn write(&self, seconds: i64, nanoseconds: i32) {
        // Seconds, nanoseconds and nothing, as the kernel reads a time.
        let mut bytes = [0; size_of::<TimeSpec>()];
        bytes[..8].copy_from_slice(&seconds.to_ne_bytes());
        bytes[8..12].copy_from_slice(&nanoseconds.to_ne_bytes());
        // This clock is always there; should it not be, the program waits for its next event.
        let _ = self.descriptor.write(&bytes);
    }
}
