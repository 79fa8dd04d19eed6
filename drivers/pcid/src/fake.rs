//! A made-up bus for tests. Regions are probed as real ones are, and status bits are cleared by writing them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::config::{Address, Config};

/// Shorthand.
pub fn address(bus: u8, device: u8, function: u8) -> Address {
    Address { bus, device, function }
}

struct Function {
    bytes: Vec<u8>,
    /// Bits that can be written.
    writable: Vec<u8>,
}

/// A bus with functions.
#[derive(Default)]
pub struct Bus {
    functions: RefCell<BTreeMap<Address, Function>>,
    /// All that was written: function, offset, width, value.
    pub written: RefCell<Vec<(Address, usize, usize, u32)>>,
}

const SIZE: usize = 256;

impl Bus {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function with these bytes, vendor 0x1234 if they do not say otherwise. Command and interrupt line can be written.
    pub fn add(&self, at: Address, bytes: &[(usize, u8)]) {
        let mut function = Function { bytes: vec![0; SIZE], writable: vec![0; SIZE] };
        function.bytes[..4].copy_from_slice(&[0x34, 0x12, 0x78, 0x56]);
        bytes.iter().for_each(|(at, byte)| function.bytes[*at] = *byte);
        function.writable[4] = 0xff;
        function.writable[5] = 0xff;
        self.functions.borrow_mut().insert(at, function);
    }

    pub fn bridge(&self, at: Address, behind: u8) {
        self.add(at, &[(0x0e, 1), (0x19, behind)]);
    }

    /// Adds bytes in a row.
    pub fn put(&self, at: Address, first: usize, bytes: &[u8]) {
        self.functions.borrow_mut().get_mut(&at).unwrap().bytes[first..first + bytes.len()].copy_from_slice(bytes);
    }

    /// Lets bits of a number be written.
    pub fn allow(&self, at: Address, first: usize, bits: u32) {
        let mut functions = self.functions.borrow_mut();
        functions.get_mut(&at).unwrap().writable[first..first + 4].copy_from_slice(&bits.to_le_bytes());
    }

    /// A region of `size` bytes at `base`, with these type bits.
    pub fn region(&self, at: Address, number: usize, base: u64, size: u64, kind: u32) {
        let place = 0x10 + 4 * number;
        let mask = !(size - 1) & if kind & 1 == 1 { !3 } else { !15 };
        self.put(at, place, &(base as u32 | kind).to_le_bytes());
        self.allow(at, place, mask as u32);
        if kind & 0b111 == 0b100 {
            self.put(at, place + 4, &((base >> 32) as u32).to_le_bytes());
            self.allow(at, place + 4, (mask >> 32) as u32);
        }
    }
}

impl Config for Bus {
    fn size(&self) -> usize {
        SIZE
    }

    fn read(&self, function: Address, at: usize, width: usize) -> u32 {
        let functions = self.functions.borrow();
        let bytes = functions.get(&function).and_then(|function| function.bytes.get(at..at + width));
        bytes.map_or(u32::MAX, |bytes| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    fn write(&self, function: Address, at: usize, width: usize, value: u32) {
        self.written.borrow_mut().push((function, at, width, value));
        if let Some(function) = self.functions.borrow_mut().get_mut(&function) {
            for (place, new) in (at..at + width).zip(value.to_le_bytes()) {
                let (old, mask) = (function.bytes[place], function.writable[place]);
                function.bytes[place] = old & !mask | new & mask;
            }
        }
    }
}
