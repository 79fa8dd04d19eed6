//! Registers behind I/O ports: each access is a call to the kernel, which holds the driver to its range.

use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::fs::FileExt;

use crate::Granted;
use crate::registers::Registers;

/// A range of ports.
pub struct Ports {
    range: ManuallyDrop<File>,
    size: usize,
}

impl Ports {
    /// The ports that were granted.
    #[allow(unsafe_code)]
    pub fn new(granted: Granted) -> Self {
        // SAFETY: the descriptor was given to this process and stays open: it is never closed here.
        let range = ManuallyDrop::new(unsafe { File::from_raw_fd(granted.fd as i32) });
        Self { range, size: granted.len }
    }

    /// What the kernel refuses reads as what nobody answers.
    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0xff; N];
        match self.range.read_at(&mut bytes, at as u64) {
            Ok(count) if count == N => bytes,
            _ => [0xff; N],
        }
    }

    fn put(&self, at: usize, bytes: &[u8]) {
        // Nobody answers there: nothing happens, as on the bus.
        let _ = self.range.write_at(bytes, at as u64);
    }
}

impl Registers for Ports {
    fn size(&self) -> usize {
        self.size
    }

    fn get8(&self, at: usize) -> u8 {
        u8::from_le_bytes(self.get(at))
    }

    fn get16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.get(at))
    }

    fn get32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.get(at))
    }

    fn put8(&self, at: usize, value: u8) {
        self.put(at, &[value]);
    }

    fn put16(&self, at: usize, value: u16) {
        self.put(at, &value.to_le_bytes());
    }

    fn put32(&self, at: usize, value: u32) {
        self.put(at, &value.to_le_bytes());
    }
}
