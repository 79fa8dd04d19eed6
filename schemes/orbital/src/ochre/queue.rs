//! Waiting for several descriptors at once.

use std::io::{Error, Result};

use event::{EventFlags, RawEventQueue};

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

    /// Waits for it no longer.
    pub fn leave(&self, descriptor: usize) -> Result<()> {
        self.0.unsubscribe(descriptor).map_err(|error| Error::from_raw_os_error(error.errno()))
    }

    /// Waits.
    pub fn next(&self) -> Result<usize> {
        self.0.next_event().map(|event| event.user_data).map_err(|error| Error::from_raw_os_error(error.errno()))
    }
}
