//! Registers in memory.
#![allow(unsafe_code)]

use std::io::Result;
use std::ptr::null_mut;

use libredox::call::{self, MmapArgs};
use libredox::flag::{MAP_SHARED, PROT_READ, PROT_WRITE};

use crate::Granted;
use crate::registers::{Registers, fits};

/// Registers in memory, mapped as long as this lives.
pub struct Mmio {
    base: *mut u8,
    size: usize,
    /// Bytes of the first page before the registers.
    offset: usize,
}

impl Mmio {
    /// Maps what was granted. Errors are the kernel's.
    pub fn map(granted: Granted) -> Result<Self> {
        let args = MmapArgs {
            addr: null_mut(),
            length: granted.offset + granted.len,
            prot: PROT_READ | PROT_WRITE,
            flags: MAP_SHARED,
            fd: granted.fd,
            offset: 0,
        };
        // SAFETY: a new mapping at a place that the kernel chooses touches no other memory.
        let base: *mut u8 = unsafe { call::mmap(args)? }.cast();
        Ok(Self { base: base.wrapping_add(granted.offset), size: granted.len, offset: granted.offset })
    }

    /// Where they are mapped, for frame buffers that clients map through their driver or that are drawn on here.
    pub fn address(&self) -> usize {
        self.base as usize
    }

    fn get<T: Copy>(&self, at: usize, nobody: T) -> T {
        if !fits(at, size_of::<T>(), self.size) {
            return nobody;
        }
        // SAFETY: within the mapping, which lives as long as `self`, and aligned; only integers are read.
        unsafe { self.base.add(at).cast::<T>().read_volatile() }
    }

    fn put<T: Copy>(&self, at: usize, value: T) {
        if fits(at, size_of::<T>(), self.size) {
            // SAFETY: as in `get`.
            unsafe { self.base.add(at).cast::<T>().write_volatile(value) }
        }
    }
}

impl Drop for Mmio {
    fn drop(&mut self) {
        // SAFETY: nothing points into the mapping but this. An error leaves it where it is, which harms nobody.
        let _ = unsafe { call::munmap(self.base.wrapping_sub(self.offset).cast(), self.offset + self.size) };
    }
}

impl Registers for Mmio {
    fn size(&self) -> usize {
        self.size
    }

    fn get8(&self, at: usize) -> u8 {
        self.get(at, u8::MAX)
    }

    fn get16(&self, at: usize) -> u16 {
        self.get(at, u16::MAX)
    }

    fn get32(&self, at: usize) -> u32 {
        self.get(at, u32::MAX)
    }

    fn put8(&self, at: usize, value: u8) {
        self.put(at, value);
    }

    fn put16(&self, at: usize, value: u16) {
        self.put(at, value);
    }

    fn put32(&self, at: usize, value: u32) {
        self.put(at, value);
    }
}
