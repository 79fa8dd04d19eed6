//! The way to configuration space.

use std::fmt;
use std::rc::Rc;

use driver::Registers;

/// A function on a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Bus.
    pub bus: u8,
    /// Device on it, below 32.
    pub device: u8,
    /// Function of it, below 8.
    pub function: u8,
}

impl Address {
    /// The function's place in a row of all functions.
    fn number(self) -> usize {
        usize::from(self.bus) << 8 | usize::from(self.device & 31) << 3 | usize::from(self.function & 7)
    }

    /// Reads what [`Address`] shows.
    pub fn parse(text: &str) -> Option<Self> {
        let (bus, rest) = text.split_once('-')?;
        let (device, function) = rest.split_once('.')?;
        let number = |text| u8::from_str_radix(text, 16).ok();
        let address = Self { bus: number(bus)?, device: number(device)?, function: number(function)? };
        (address.to_string() == text && address.device < 32 && address.function < 8).then_some(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}-{:02x}.{:x}", self.bus, self.device, self.function)
    }
}

/// Configuration space. What is not there reads all ones, and writes there do nothing.
pub trait Config {
    /// Bytes that a function has.
    fn size(&self) -> usize;
    /// Reads `width` bytes (1, 2 or 4), aligned.
    fn read(&self, function: Address, at: usize, width: usize) -> u32;
    /// Writes `width` bytes (1, 2 or 4), aligned.
    fn write(&self, function: Address, at: usize, width: usize, value: u32);

    /// Reads a byte.
    fn read8(&self, function: Address, at: usize) -> u8 {
        self.read(function, at, 1) as u8
    }

    /// Reads two bytes.
    fn read16(&self, function: Address, at: usize) -> u16 {
        self.read(function, at, 2) as u16
    }

    /// Reads four bytes.
    fn read32(&self, function: Address, at: usize) -> u32 {
        self.read(function, at, 4)
    }

    /// Writes two bytes.
    fn write16(&self, function: Address, at: usize, value: u16) {
        self.write(function, at, 2, value.into());
    }

    /// Writes four bytes.
    fn write32(&self, function: Address, at: usize, value: u32) {
        self.write(function, at, 4, value);
    }
}

fn get(registers: &dyn Registers, at: usize, width: usize) -> u32 {
    match width {
        1 => registers.get8(at).into(),
        2 => registers.get16(at).into(),
        _ => registers.get32(at),
    }
}

fn put(registers: &dyn Registers, at: usize, width: usize, value: u32) {
    match width {
        1 => registers.put8(at, value as u8),
        2 => registers.put16(at, value as u16),
        _ => registers.put32(at, value),
    }
}

/// Memory-mapped configuration space (ECAM; PCI Express Base 3.0, section 7.2.2).
pub struct Ecam {
    registers: Rc<dyn Registers>,
    /// The bus that the memory begins with.
    first_bus: u8,
}

/// Bytes of a function in it.
const ECAM_FUNCTION: usize = 4096;
/// Bytes of a bus in it.
pub const ECAM_BUS: usize = 1 << 20;

impl Ecam {
    /// The memory that begins with this bus.
    pub fn new(registers: Rc<dyn Registers>, first_bus: u8) -> Self {
        Self { registers, first_bus }
    }

    fn at(&self, function: Address, at: usize) -> usize {
        match function.bus.checked_sub(self.first_bus) {
            Some(bus) if at < ECAM_FUNCTION => Address { bus, ..function }.number() * ECAM_FUNCTION + at,
            _ => usize::MAX,
        }
    }
}

impl Config for Ecam {
    fn size(&self) -> usize {
        ECAM_FUNCTION
    }

    fn read(&self, function: Address, at: usize, width: usize) -> u32 {
        get(&*self.registers, self.at(function, at), width)
    }

    fn write(&self, function: Address, at: usize, width: usize, value: u32) {
        put(&*self.registers, self.at(function, at), width, value);
    }
}

/// Configuration space by two ports (PCI 3.0, section 3.2.2.3.2): which register, and its contents.
pub struct Legacy {
    /// The eight ports.
    ports: Rc<dyn Registers>,
}

/// First of the ports and last.
pub const LEGACY_PORTS: (u16, u16) = (0xcf8, 0xcff);
const DATA: usize = 4;
const ENABLE: u32 = 1 << 31;
const LEGACY_FUNCTION: usize = 256;

impl Legacy {
    /// By these ports.
    pub fn new(ports: Rc<dyn Registers>) -> Self {
        Self { ports }
    }

    /// Selects the register; answers where its bytes are, none when it has no address.
    fn select(&self, function: Address, at: usize) -> Option<usize> {
        if at >= LEGACY_FUNCTION {
            return None;
        }
        self.ports.put32(0, ENABLE | (function.number() << 8) as u32 | (at & !3) as u32);
        Some(DATA + (at & 3))
    }
}

impl Config for Legacy {
    fn size(&self) -> usize {
        LEGACY_FUNCTION
    }

    fn read(&self, function: Address, at: usize, width: usize) -> u32 {
        self.select(function, at).map_or(u32::MAX, |at| get(&*self.ports, at, width))
    }

    fn write(&self, function: Address, at: usize, width: usize, value: u32) {
        if let Some(at) = self.select(function, at) {
            put(&*self.ports, at, width, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use driver::fake::{Answering, Bytes};

    use super::*;

    const FUNCTION: Address = Address { bus: 1, device: 2, function: 3 };

    #[test]
    fn names_are_read_back_and_others_are_none() {
        assert_eq!(FUNCTION.to_string(), "01-02.3");
        assert_eq!(Address::parse("01-02.3"), Some(FUNCTION));
        for wrong in ["", "1-2.3", "01-02.8", "01-20.0", "01-02", "01:02.3", "+1-02.3", "01-02.3 ", "0101-02.3"] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn memory_mapped() {
        let bytes = Rc::new(Bytes::new(&vec![0; 2 * ECAM_BUS]));
        let ecam = Ecam::new(bytes.clone(), 1);
        ecam.write32(FUNCTION, 0x100, 0x1234_5678);
        assert_eq!(bytes.get32(2 << 15 | 3 << 12 | 0x100), 0x1234_5678);
        assert_eq!((ecam.read16(FUNCTION, 0x102), ecam.read8(FUNCTION, 0x100)), (0x1234, 0x78));
        assert_eq!(ecam.read32(FUNCTION, 4096), u32::MAX);
        for bus in [0, 3, 255] {
            assert_eq!(ecam.read32(Address { bus, ..FUNCTION }, 0), u32::MAX);
        }
    }

    #[test]
    fn by_ports() {
        let selected = Rc::new(Cell::new(0));
        let seen = selected.clone();
        let ports = Answering(8, move |at, width, value| match (at, value) {
            (0, Some(value)) => {
                seen.set(value);
                0
            }
            // Answers where it was read and how.
            (at, _) => (at * 16 + width) as u32,
        });
        let legacy = Legacy::new(Rc::new(ports));
        assert_eq!(legacy.read8(FUNCTION, 0x3d), 0x51);
        assert_eq!(selected.get(), 0x8001_133c);
        assert_eq!(legacy.read16(FUNCTION, 0x06), 0x62);
        assert_eq!(legacy.read32(FUNCTION, 0x100), u32::MAX);
    }
}
