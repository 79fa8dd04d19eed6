//! Stand-ins for hardware: registers that are bytes, memory with made-up physical addresses that a fake device can find again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use syscall::error::{ENOMEM, Error, Result};

use crate::memory::{Allocator, Memory, Piece};
use crate::registers::{Registers, fits};

/// Registers that keep what is written and do nothing by themselves.
#[derive(Debug, Default)]
pub struct Bytes(RefCell<Vec<u8>>);

impl Bytes {
    /// Registers that hold this.
    pub fn new(bytes: &[u8]) -> Self {
        Self(RefCell::new(bytes.into()))
    }

    fn get<const N: usize>(&self, at: usize) -> [u8; N] {
        let bytes = self.0.borrow();
        if at.checked_add(N).is_none_or(|end| end > bytes.len()) {
            return [0xff; N];
        }
        std::array::from_fn(|place| bytes[at + place])
    }

    fn put(&self, at: usize, from: &[u8]) {
        let mut bytes = self.0.borrow_mut();
        if at.checked_add(from.len()).is_some_and(|end| end <= bytes.len()) {
            bytes[at..at + from.len()].copy_from_slice(from);
        }
    }
}

impl Registers for Bytes {
    fn size(&self) -> usize {
        self.0.borrow().len()
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

/// Registers that are a function: called with offset, width and, for a write, the value.
pub struct Answering<F>(pub usize, pub F);

impl<F: Fn(usize, usize, Option<u32>) -> u32> Registers for Answering<F> {
    fn size(&self) -> usize {
        self.0
    }

    fn get8(&self, at: usize) -> u8 {
        if fits(at, 1, self.0) { self.1(at, 1, None) as u8 } else { u8::MAX }
    }

    fn get16(&self, at: usize) -> u16 {
        if fits(at, 2, self.0) { self.1(at, 2, None) as u16 } else { u16::MAX }
    }

    fn get32(&self, at: usize) -> u32 {
        if fits(at, 4, self.0) { self.1(at, 4, None) } else { u32::MAX }
    }

    fn put8(&self, at: usize, value: u8) {
        if fits(at, 1, self.0) {
            self.1(at, 1, Some(value.into()));
        }
    }

    fn put16(&self, at: usize, value: u16) {
        if fits(at, 2, self.0) {
            self.1(at, 2, Some(value.into()));
        }
    }

    fn put32(&self, at: usize, value: u32) {
        if fits(at, 4, self.0) {
            self.1(at, 4, Some(value));
        }
    }
}

type Stretch = Rc<RefCell<Vec<u8>>>;

/// Memory of a machine: what was allocated, by physical address.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    stretches: Rc<RefCell<BTreeMap<u64, Stretch>>>,
    next: Rc<Cell<u64>>,
    /// Bytes that may still be allocated; none means any number.
    pub left: Rc<Cell<Option<usize>>>,
}

/// The longest piece of the fake memory.
const LONGEST: usize = 64 << 10;

impl Machine {
    /// A machine with memory.
    pub fn new() -> Self {
        let machine = Self::default();
        machine.next.set(0x10_0000);
        machine
    }

    /// What a device reads: zeros where there is no memory.
    pub fn read(&self, physical: u64, len: usize) -> Vec<u8> {
        (physical..).take(len).map(|at| self.with(at, |byte| *byte).unwrap_or(0)).collect()
    }

    /// What a device writes; nothing where there is no memory. Answers whether all of it went somewhere.
    pub fn write(&self, physical: u64, bytes: &[u8]) -> bool {
        (physical..).zip(bytes).all(|(at, value)| self.with(at, |byte| *byte = *value).is_some())
    }

    /// The number at an address.
    pub fn number<const N: usize>(&self, physical: u64) -> u64 {
        self.read(physical, N).iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn with<R>(&self, physical: u64, act: impl FnOnce(&mut u8) -> R) -> Option<R> {
        let stretches = self.stretches.borrow();
        let (first, stretch) = stretches.range(..=physical).next_back()?;
        stretch.borrow_mut().get_mut((physical - first) as usize).map(act)
    }

    fn stretch(&self, len: usize) -> (Piece, Stretch) {
        let physical = self.next.get();
        // A hole behind each, so that nothing hangs together by chance.
        self.next.set(physical + (len as u64).next_multiple_of(4096) + 4096);
        let stretch = Rc::new(RefCell::new(vec![0; len]));
        self.stretches.borrow_mut().insert(physical, stretch.clone());
        (Piece { physical, len }, stretch)
    }
}

impl Allocator for Machine {
    fn allocate(&self, len: usize, in_one_piece: bool) -> Result<Box<dyn Memory>> {
        if let Some(left) = self.left.get() {
            self.left.set(Some(left.checked_sub(len).ok_or(Error::new(ENOMEM))?));
        }
        let mut block = Block { machine: self.clone(), pieces: Vec::new(), stretches: Vec::new(), len };
        let mut left = len;
        while left != 0 {
            let (piece, stretch) = self.stretch(if in_one_piece { left } else { left.min(LONGEST) });
            left -= piece.len;
            block.pieces.push(piece);
            block.stretches.push(stretch);
        }
        Ok(Box::new(block))
    }
}

struct Block {
    machine: Machine,
    pieces: Vec<Piece>,
    stretches: Vec<Stretch>,
    len: usize,
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut stretches = self.machine.stretches.borrow_mut();
        self.pieces.iter().for_each(|piece| drop(stretches.remove(&piece.physical)));
        if let Some(left) = self.machine.left.get() {
            self.machine.left.set(Some(left + self.len));
        }
    }
}

impl Block {
    fn each(&self, at: usize, len: usize, mut act: impl FnMut(usize, &mut u8)) {
        assert!(at + len <= self.len, "{len} bytes at {at} of {}", self.len);
        let (mut first, mut done) = (0, 0);
        for (piece, stretch) in self.pieces.iter().zip(&self.stretches) {
            while done < len && at + done < first + piece.len {
                act(done, &mut stretch.borrow_mut()[at + done - first]);
                done += 1;
            }
            first += piece.len;
        }
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
        0
    }

    fn read(&self, at: usize, to: &mut [u8]) {
        self.each(at, to.len(), |place, byte| to[place] = *byte);
    }

    fn write(&self, at: usize, from: &[u8]) {
        self.each(at, from.len(), |place, byte| *byte = from[place]);
    }

    fn get16(&self, at: usize) -> u16 {
        let mut bytes = [0; 2];
        self.read(at, &mut bytes);
        u16::from_le_bytes(bytes)
    }

    fn put16(&self, at: usize, value: u16) {
        self.write(at, &value.to_le_bytes());
    }
}
