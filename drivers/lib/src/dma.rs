//! Memory for devices, from the kernel.
#![allow(unsafe_code)]

use std::ptr::null_mut;
use std::sync::atomic::{Ordering, fence};

use libredox::call::{self, MmapArgs};
use libredox::flag::{MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};
use ochre_abi::proc::ANONYMOUS;
use syscall::error::{EINVAL, ENODEV, ENOMEM, Error, Result};
use syscall::flag::{CallFlags, MapFlags};

use crate::Grant;
use crate::memory::{Allocator, Memory, Piece};

const PAGE: usize = 4096;
/// The longest stretch that the kernel gives in one piece.
const LONGEST: usize = 4 << 20;

/// The right to memory for devices.
#[derive(Clone, Copy, Debug)]
pub struct Dma {
    memory: usize,
    translation: usize,
}

impl Dma {
    /// What was granted. `ENODEV` when the driver's toml file does not say `dma = true`.
    pub fn new(grant: &Grant) -> Result<Self> {
        let fd = |name| grant.get(name).map(|granted| granted.fd).ok_or(Error::new(ENODEV));
        Ok(Self { memory: fd("dma")?, translation: fd("translation")? })
    }

    fn physical(self, address: usize) -> Result<u64> {
        let mut payload = address.to_le_bytes();
        call::call_rw(self.translation, &mut payload, CallFlags::empty(), &[]).map_err(error)?;
        Ok(u64::from_le_bytes(payload))
    }

    /// Maps one stretch, in the place of what is at `address` if that is not 0.
    fn map(self, address: usize, len: usize) -> Result<usize> {
        let fixed = if address == 0 { 0 } else { MapFlags::MAP_FIXED.bits() as u32 };
        map(MmapArgs {
            addr: address as *mut (),
            length: len,
            prot: PROT_READ | PROT_WRITE,
            flags: MAP_SHARED | fixed,
            fd: self.memory,
            offset: 0,
        })
    }

    /// Fills a reserved place with stretches, each as long as there is one.
    fn fill(self, block: &mut Block) -> Result<()> {
        let mut at = 0;
        let mut step = LONGEST;
        while at < block.len {
            let len = step.min(block.len - at);
            match self.map(block.address + at, len) {
                Ok(_) => {
                    block.pieces.push(Piece { physical: self.physical(block.address + at)?, len });
                    at += len;
                }
                Err(error) if error.errno == ENOMEM && len > PAGE => step = (len / 2).next_multiple_of(PAGE),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn error(error: libredox::error::Error) -> Error {
    Error::new(error.errno())
}

fn map(args: MmapArgs) -> Result<usize> {
    // SAFETY: a new mapping where the kernel chooses, or over a part of a reserved place that nothing points to yet.
    unsafe { call::mmap(args) }.map(|address| address as usize).map_err(error)
}

impl Allocator for Dma {
    fn allocate(&self, len: usize, in_one_piece: bool) -> Result<Box<dyn Memory>> {
        let len = len.checked_next_multiple_of(PAGE).filter(|&len| len != 0).ok_or(Error::new(EINVAL))?;
        if in_one_piece || len <= PAGE {
            let address = self.map(0, len)?;
            let mut block = Block { address, len, pieces: Vec::new() };
            block.pieces.push(Piece { physical: self.physical(address)?, len });
            return Ok(Box::new(block));
        }
        let reserved =
            MmapArgs { addr: null_mut(), length: len, prot: PROT_READ, flags: MAP_PRIVATE, fd: ANONYMOUS, offset: 0 };
        let mut block = Block { address: map(reserved)?, len, pieces: Vec::new() };
        self.fill(&mut block)?;
        Ok(Box::new(block))
    }
}

/// Ordinary memory, for what is lent to clients and no device reaches: it has no pieces.
#[derive(Clone, Copy, Debug)]
pub struct Ordinary;

impl Allocator for Ordinary {
    fn allocate(&self, len: usize, _in_one_piece: bool) -> Result<Box<dyn Memory>> {
        let len = len.checked_next_multiple_of(PAGE).filter(|&len| len != 0).ok_or(Error::new(EINVAL))?;
        let args = MmapArgs {
            addr: null_mut(),
            length: len,
            prot: PROT_READ | PROT_WRITE,
            flags: MAP_PRIVATE,
            fd: ANONYMOUS,
            offset: 0,
        };
        Ok(Box::new(Block { address: map(args)?, len, pieces: Vec::new() }))
    }
}

/// Memory that is mapped as long as this lives.
struct Block {
    address: usize,
    len: usize,
    pieces: Vec<Piece>,
}

impl Block {
    fn at(&self, at: usize, len: usize) -> *mut u8 {
        assert!(at.checked_add(len).is_some_and(|end| end <= self.len), "{len} bytes at {at} of {}", self.len);
        (self.address + at) as *mut u8
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: nothing points into it but this. Frames that clients have mapped stay theirs.
        let _ = unsafe { call::munmap(self.address as *mut (), self.len) };
    }
}

impl Memory for Block {
    fn len(&self) -> usize {
        self.len
    }

    fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    fn address(&self) -> usize {
        self.address
    }

    fn read(&self, at: usize, to: &mut [u8]) {
        let from = self.at(at, to.len());
        for (place, byte) in to.iter_mut().enumerate() {
            // SAFETY: within the mapping. The device may write meanwhile: a volatile read of a byte takes what is there.
            *byte = unsafe { from.add(place).read_volatile() };
        }
    }

    fn write(&self, at: usize, from: &[u8]) {
        let to = self.at(at, from.len());
        for (place, byte) in from.iter().enumerate() {
            // SAFETY: as in `read`.
            unsafe { to.add(place).write_volatile(*byte) };
        }
    }

    fn get16(&self, at: usize) -> u16 {
        assert!(at.is_multiple_of(2));
        // SAFETY: within the mapping and aligned.
        let value = unsafe { self.at(at, 2).cast::<u16>().read_volatile() };
        // What the device wrote before this number is read after it.
        fence(Ordering::SeqCst);
        value
    }

    fn put16(&self, at: usize, value: u16) {
        assert!(at.is_multiple_of(2));
        fence(Ordering::SeqCst);
        // SAFETY: within the mapping and aligned.
        unsafe { self.at(at, 2).cast::<u16>().write_volatile(value) };
        fence(Ordering::SeqCst);
    }
}
