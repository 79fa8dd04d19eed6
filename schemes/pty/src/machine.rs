//! Ochre as terminals see it. There is no process manager yet: nothing controls anything, and nobody is sent a signal.

use std::time::{Duration, Instant};

use pty::system::{Member, System};
use scheme_server::syscall::error::{ENOSYS, Error, Result};

use crate::alarm::Alarm;

/// The rest of the system.
pub struct Machine {
    start: Instant,
    alarm: Alarm,
}

impl Machine {
    /// One whose time begins now.
    pub fn new(alarm: Alarm) -> Self {
        Self { start: Instant::now(), alarm }
    }
}

impl System for Machine {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wake_at(&mut self, time: Duration) {
        self.alarm.ring_at(self.start + time);
    }

    fn member(&mut self, _: u32) -> Result<Member> {
        Err(Error::new(ENOSYS))
    }

    fn terminal_of(&mut self, _: u32) -> Result<usize> {
        Err(Error::new(ENOSYS))
    }

    fn set_terminal(&mut self, _: u32, _: u32, _: Option<usize>) -> Result<()> {
        Err(Error::new(ENOSYS))
    }

    fn signal_group(&mut self, _: u32, _: u32) {}

    fn signal_process(&mut self, _: u32, _: u32) {}
}
