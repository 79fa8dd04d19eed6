//! Waiting for several descriptors and for a time.

use std::io::{Error, Result};

use event::{EventFlags, RawEventQueue};
use libredox::Fd;
use libredox::call::clock_gettime;
use libredox::flag::{CLOCK_MONOTONIC, O_CLOEXEC, O_NONBLOCK, O_RDWR};
use syscall::TimeSpec;

/// Crate `redox_event` has errors of another release of `libredox` than the rest.
fn told(error: event::libredox::error::Error) -> Error {
    Error::from_raw_os_error(error.errno())
}

/// The mark of the clock.
const CLOCK: usize = usize::MAX;

/// An event queue.
pub struct Queue {
    queue: RawEventQueue,
    clock: Fd,
    /// The time that the timer wakes at, if it does.
    armed: Option<u64>,
    /// A descriptor whose room is waited for.
    writes: Option<usize>,
}

impl Queue {
    /// One that waits for nothing.
    pub fn new() -> Result<Self> {
        let path = format!("/scheme/time/{CLOCK_MONOTONIC}");
        let clock = Fd::open(&path, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0).map_err(super::told)?;
        let queue = Self { queue: RawEventQueue::new().map_err(told)?, clock, armed: None, writes: None };
        queue.watch(queue.clock.raw(), CLOCK)?;
        Ok(queue)
    }

    /// Waits for a descriptor to have something; `mark` is what [`Queue::wait`] then answers.
    pub fn watch(&self, descriptor: usize, mark: usize) -> Result<()> {
        self.queue.subscribe(descriptor, mark, EventFlags::READ).map_err(told)
    }

    /// Waits for it to have room as well, or no longer.
    pub fn watch_writes(&mut self, descriptor: usize, mark: usize, wanted: bool) -> Result<()> {
        if wanted == (self.writes == Some(descriptor)) {
            return Ok(());
        }
        self.writes = wanted.then_some(descriptor);
        let flags = if wanted { EventFlags::READ | EventFlags::WRITE } else { EventFlags::READ };
        self.queue.subscribe(descriptor, mark, flags).map_err(told)
    }

    /// Waits for a descriptor no longer.
    pub fn leave(&mut self, descriptor: usize) {
        self.writes = self.writes.filter(|&other| other != descriptor);
        // One that is not watched is left alone, too.
        let _ = self.queue.unsubscribe(descriptor);
    }

    /// Milliseconds since some time.
    pub fn now(&self) -> u64 {
        // This clock is always there.
        clock_gettime(CLOCK_MONOTONIC).map_or(0, |now| now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000)
    }

    /// Waits for a descriptor, or until a time. Answers the descriptor's mark.
    pub fn wait(&mut self, until: Option<u64>) -> Result<Option<usize>> {
        if let Some(until) = until
            && self.armed.is_none_or(|armed| armed > until)
        {
            let time = TimeSpec { tv_sec: (until / 1000) as i64, tv_nsec: (until % 1000 * 1_000_000) as i32 };
            self.clock.write(&time).map_err(super::told)?;
            self.armed = Some(until);
        }
        match self.queue.next_event() {
            Ok(event) if event.user_data == CLOCK => {
                self.armed = None;
                // What the time is now is asked elsewhere.
                let _ = self.clock.read(&mut [0; size_of::<TimeSpec>()]);
                Ok(None)
            }
            Ok(event) => Ok(Some(event.user_data)),
            Err(error) if error.is_interrupt() => Ok(None),
            Err(error) => Err(told(error)),
        }
    }
}
