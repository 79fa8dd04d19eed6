//! Memory that a device reads and writes by itself. Its contents can change at any moment, so nothing is ever borrowed from it:
//! bytes are copied in and out.

use syscall::error::Result;

/// A stretch of physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Address by which the device reaches it.
    pub physical: u64,
    /// Bytes.
    pub len: usize,
}

/// Memory that the device reaches as well. Accesses outside of it are the driver's own mistake, and panic as those of a slice do.
pub trait Memory {
    /// Bytes of it.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it lies, in order.
    fn pieces(&self) -> &[Piece];

    /// Where it lies in the driver's own memory, for clients that are to map it; 0 in a test.
    fn address(&self) -> usize;

    /// Copies bytes out.
    fn read(&self, at: usize, to: &mut [u8]);

    /// Copies bytes in.
    fn write(&self, at: usize, from: &[u8]);

    /// The address by which the device reaches a byte of the first piece.
    fn physical(&self, at: usize) -> u64 {
        self.pieces()[0].physical + at as u64
    }

    /// Reads a number in one access.
    fn get16(&self, at: usize) -> u16;

    /// Writes a number in one access, after everything that was written before.
    fn put16(&self, at: usize, value: u16);

    /// Reads four bytes (little-endian).
    fn get32(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        self.read(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }
}

/// Where memory for the device comes from.
pub trait Allocator {
    /// `len` bytes of zeros, in one piece or, if they need not be, in several. `ENOMEM`.
    fn allocate(&self, len: usize, in_one_piece: bool) -> Result<Box<dyn Memory>>;
}
