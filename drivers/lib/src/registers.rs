//! Registers of a device. An access outside of them reads all ones and writes nothing, as on a bus where nobody answers: offsets
//! often come from the device itself.

use std::rc::Rc;

/// Registers of a device, in its memory or its ports. Each access is one access of that width.
pub trait Registers {
    /// Bytes that they take.
    fn size(&self) -> usize;
    /// Reads a byte.
    fn get8(&self, at: usize) -> u8;
    /// Reads two bytes.
    fn get16(&self, at: usize) -> u16;
    /// Reads four bytes.
    fn get32(&self, at: usize) -> u32;
    /// Writes a byte.
    fn put8(&self, at: usize, value: u8);
    /// Writes two bytes.
    fn put16(&self, at: usize, value: u16);
    /// Writes four bytes.
    fn put32(&self, at: usize, value: u32);

    /// Reads eight bytes by two accesses, the lower half first.
    fn get64(&self, at: usize) -> u64 {
        u64::from(self.get32(at)) | u64::from(self.get32(at.saturating_add(4))) << 32
    }

    /// Writes eight bytes by two accesses, the lower half first.
    fn put64(&self, at: usize, value: u64) {
        self.put32(at, value as u32);
        self.put32(at.saturating_add(4), (value >> 32) as u32);
    }
}

/// Whether an access of `width` bytes at `at` is aligned and within `size` bytes.
#[cfg_attr(not(target_os = "redox"), allow(dead_code))]
pub(crate) fn fits(at: usize, width: usize, size: usize) -> bool {
    at.is_multiple_of(width) && at.checked_add(width).is_some_and(|end| end <= size)
}

/// A part of other registers.
#[derive(Clone)]
pub struct Window {
    registers: Rc<dyn Registers>,
    first: usize,
    size: usize,
}

impl Window {
    /// `size` bytes from `first` on; none when they are not all there.
    pub fn new(registers: Rc<dyn Registers>, first: usize, size: usize) -> Option<Self> {
        let end = first.checked_add(size)?;
        (end <= registers.size()).then_some(Self { registers, first, size })
    }

    /// Where an access goes; far outside when it is not within the window.
    fn at(&self, at: usize, width: usize) -> usize {
        match at.checked_add(width) {
            Some(end) if end <= self.size => self.first + at,
            _ => usize::MAX,
        }
    }
}

impl Registers for Window {
    fn size(&self) -> usize {
        self.size
    }

    fn get8(&self, at: usize) -> u8 {
        self.registers.get8(self.at(at, 1))
    }

    fn get16(&self, at: usize) -> u16 {
        self.registers.get16(self.at(at, 2))
    }

    fn get32(&self, at: usize) -> u32 {
        self.registers.get32(self.at(at, 4))
    }

    fn put8(&self, at: usize, value: u8) {
        self.registers.put8(self.at(at, 1), value);
    }

    fn put16(&self, at: usize, value: u16) {
        self.registers.put16(self.at(at, 2), value);
    }

    fn put32(&self, at: usize, value: u32) {
        self.registers.put32(self.at(at, 4), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Bytes;

    #[test]
    fn a_window_ends_where_it_ends() {
        let bytes = Rc::new(Bytes::new(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]));
        assert!(Window::new(bytes.clone(), 8, 5).is_none() && Window::new(bytes.clone(), usize::MAX, 2).is_none());
        let window = Window::new(bytes.clone(), 4, 4).unwrap();
        assert_eq!((window.get8(0), window.get16(2), window.get32(0)), (4, 0x0706, 0x0706_0504));
        assert_eq!(
            (window.get8(4), window.get16(3), window.get32(1), window.get32(usize::MAX)),
            (0xff, 0xffff, !0, !0)
        );
        window.put8(3, 0xaa);
        window.put8(4, 0xbb);
        assert_eq!((bytes.get8(7), bytes.get8(8)), (0xaa, 8));
        assert_eq!(window.get64(0), 0xffff_ffff_aa06_0504);
    }

    #[test]
    fn what_fits() {
        assert!(fits(4, 4, 8) && fits(7, 1, 8));
        assert!(!fits(2, 4, 8) && !fits(8, 4, 8) && !fits(usize::MAX - 3, 4, 8));
    }
}
