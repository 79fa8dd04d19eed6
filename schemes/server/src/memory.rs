//! Memory that ordinary programs can still have.
//!
//! A daemon of the system may take from the system's reserve (docs/processes.md, "When memory runs out"), so that it goes on when others
//! have taken all else. What it keeps for its clients, in amounts that they choose, must not come out of that: it asks here first.

use libredox::Fd;
use libredox::flag::O_CLOEXEC;
use syscall::error::Result;

/// The system's memory, to be asked.
pub struct Memory(Fd);

impl Memory {
    /// Opens it.
    pub fn open() -> Result<Self> {
        Ok(Memory(Fd::open("/scheme/memory", O_CLOEXEC, 0)?))
    }

    /// Bytes that ordinary programs can still have.
    pub fn ordinary(&self) -> u64 {
        self.0.statvfs().map_or(0, |facts| facts.f_bavail.saturating_mul(facts.f_bsize))
    }

    /// Whether they can have so many.
    pub fn has(&self, bytes: u64) -> bool {
        self.ordinary() >= bytes
    }
}
