//! Named pipes: bytes between those who have one open for writing and those who have it open for reading.
//!
//! They are served here and not by a pipe of the kernel, because only who sees every opening and closing knows when the last writer
//! is gone, and each opening has status flags of its own.

use std::collections::VecDeque;

use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{EPIPE, EWOULDBLOCK, Error, Result};

/// Bytes that fit.
pub const ROOM: usize = 65_536;
/// A write of so many is one piece (`PIPE_BUF`).
const PIECE: usize = 4096;

/// An opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Number.
    pub number: usize,
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
}

/// A named pipe.
#[derive(Default)]
pub struct Fifo {
    bytes: VecDeque<u8>,
    ends: Vec<End>,
}

impl Fifo {
    /// Whether somebody has it open for reading.
    pub fn has_readers(&self) -> bool {
        self.ends.iter().any(|end| end.read)
    }

    /// Whether somebody has it open for writing.
    pub fn has_writers(&self) -> bool {
        self.ends.iter().any(|end| end.write)
    }

    /// Whether nobody has it open.
    pub fn is_idle(&self) -> bool {
        self.ends.is_empty()
    }

    /// One opening more.
    pub fn open(&mut self, end: End) {
        self.ends.push(end);
    }

    /// One opening less. What waits is lost with the last one.
    pub fn close(&mut self, number: usize) {
        self.ends.retain(|end| end.number != number);
        if self.ends.is_empty() {
            self.bytes = VecDeque::new();
        }
    }

    /// Numbers of all openings.
    pub fn numbers(&self) -> Vec<usize> {
        self.ends.iter().map(|end| end.number).collect()
    }

    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes what there is. Nothing, when nobody writes any more.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if self.bytes.is_empty() && self.has_writers() && !buf.is_empty() {
            return Err(Error::new(EWOULDBLOCK));
        }
        let count = buf.len().min(self.bytes.len());
        for (to, from) in buf.iter_mut().zip(self.bytes.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }

    /// Puts bytes in: a piece wholly or not at all, more than that as much as fits.
    pub fn write(&mut self, buf: &[u8]) -> Result<usize> {
        if !self.has_readers() {
            return Err(Error::new(EPIPE));
        }
        let room = ROOM - self.bytes.len();
        if room < buf.len().min(PIECE) {
            return Err(Error::new(EWOULDBLOCK));
        }
        let count = buf.len().min(room);
        self.bytes.extend(&buf[..count]);
        Ok(count)
    }

    /// What can be done without waiting.
    pub fn readiness(&self) -> EventFlags {
        let mut ready = EventFlags::empty();
        ready.set(EventFlags::EVENT_READ, !self.bytes.is_empty() || !self.has_writers());
        ready.set(EventFlags::EVENT_WRITE, ROOM - self.bytes.len() >= PIECE || !self.has_readers());
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: End = End { number: 1, read: true, write: false };
    const WRITER: End = End { number: 2, read: false, write: true };

    #[test]
    fn bytes_come_in_order_and_pieces_stay_whole() {
        let mut fifo = Fifo::default();
        fifo.open(READER);
        assert_eq!(fifo.read(&mut [0; 4]), Ok(0));
        fifo.open(WRITER);
        assert_eq!(fifo.read(&mut [0; 4]).unwrap_err().errno, EWOULDBLOCK);
        assert_eq!(fifo.write(&[7; ROOM + 1]), Ok(ROOM));
        assert_eq!(fifo.readiness(), EventFlags::EVENT_READ);
        let mut bytes = [0; PIECE - 1];
        assert_eq!(fifo.read(&mut bytes), Ok(PIECE - 1));
        assert_eq!(fifo.write(&[8; PIECE]).unwrap_err().errno, EWOULDBLOCK);
        assert_eq!(fifo.write(&[8; PIECE - 1]), Ok(PIECE - 1));
        assert_eq!((fifo.len(), fifo.is_empty()), (ROOM, false));
    }

    #[test]
    fn ends_come_and_go() {
        let mut fifo = Fifo::default();
        fifo.open(WRITER);
        assert_eq!(fifo.write(b"x").unwrap_err().errno, EPIPE);
        fifo.open(READER);
        assert_eq!(fifo.write(b"x"), Ok(1));
        fifo.close(WRITER.number);
        assert_eq!(fifo.numbers(), [READER.number]);
        assert_eq!(fifo.read(&mut [0; 4]), Ok(1));
        assert_eq!(fifo.read(&mut [0; 4]), Ok(0));
        fifo.open(WRITER);
        fifo.write(b"lost").unwrap();
        fifo.close(READER.number);
        fifo.close(WRITER.number);
        assert!(fifo.is_idle() && fifo.is_empty());
    }
}
