//! Bytes that an interrupt brings in and threads read: what the console's serial line and the PS/2 ports have in common.
//!
//! One lock (`level::BUFFER`), taken by the interrupt as well; the kernel runs with interrupts off, so they cannot meet on one
//! processor.

use syscall::EventFlags;
use syscall::error::{EAGAIN, EINTR, Error, Result};

use super::event::EventSource;
use crate::context::wait::{self, WaitList, Wake};
use crate::memory::UserSlice;
use crate::sync::{Lock, level};

/// Bytes that are kept until somebody reads them; what comes after that is lost, as on the wire.
const CAPACITY: usize = 1024;
/// Bytes given to one read at most, through the stack.
const STEP: usize = 256;

struct Buffer {
    bytes: [u8; CAPACITY],
    first: usize,
    len: usize,
    readers: WaitList,
}

/// A buffer of bytes that have arrived.
pub struct Input {
    buffer: Lock<{ level::BUFFER }, Buffer>,
    source: EventSource,
}

impl Input {
    /// Empty.
    pub const fn new() -> Self {
        Input {
            buffer: Lock::new(Buffer { bytes: [0; CAPACITY], first: 0, len: 0, readers: WaitList::new() }),
            source: EventSource::new(),
        }
    }

    /// A byte has arrived. Called from interrupts, with no lock held.
    pub fn push(&self, byte: u8) {
        {
            let mut buffer = self.buffer.lock();
            if buffer.len == CAPACITY {
                return;
            }
            let at = (buffer.first + buffer.len) % CAPACITY;
            buffer.bytes[at] = byte;
            buffer.len += 1;
            buffer.readers.wake_one();
        }
        self.source.notify(EventFlags::EVENT_READ);
    }

    /// Gives what has arrived, at least one byte; waits for it unless told not to.
    pub fn read(&self, to: UserSlice, nonblock: bool) -> Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let mut bytes = [0; STEP];
        loop {
            let mut buffer = self.buffer.lock();
            if buffer.len != 0 {
                let count = buffer.len.min(to.len()).min(STEP);
                for byte in &mut bytes[..count] {
                    *byte = buffer.bytes[buffer.first];
                    buffer.first = (buffer.first + 1) % CAPACITY;
                }
                buffer.len -= count;
                if buffer.len != 0 {
                    buffer.readers.wake_one();
                }
                drop(buffer);
                to.write(&bytes[..count])?;
                return Ok(count);
            }
            if nonblock {
                return Err(Error::new(EAGAIN));
            }
            buffer.readers.join();
            drop(buffer);
            if wait::block(None) != Wake::Event {
                let mut buffer = self.buffer.lock();
                if !buffer.readers.leave() && buffer.len != 0 {
                    // The wake-up that was meant for this thread goes on to the next.
                    buffer.readers.wake_one();
                }
                return Err(Error::new(EINTR));
            }
        }
    }

    /// Who watches it.
    pub fn source(&self) -> &EventSource {
        &self.source
    }

    /// Whether a read would not wait.
    pub fn is_readable(&self) -> bool {
        self.buffer.lock().len != 0
    }
}
