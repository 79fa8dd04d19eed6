//! A virtio device for tests: registers, and the device's side of its queues, which can also break every rule.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Capabilities, Place, Segment, VERSION_1};
use crate::fake::{Answering, Machine};
use crate::registers::Registers;

/// What was set for a queue.
#[derive(Clone, Copy, Debug, Default)]
struct Ring {
    size: u16,
    vector: u16,
    enabled: bool,
    addresses: [u64; 3],
    taken: u16,
    given: u16,
}

/// The state behind the registers.
pub struct Device {
    /// The memory that it reaches.
    pub machine: Machine,
    /// Features that it offers.
    pub offers: Cell<u64>,
    /// Features that were accepted.
    pub accepted: Cell<u64>,
    /// Its status.
    pub status: Cell<u8>,
    /// Status bits that it does not let be set.
    pub refuses: Cell<u8>,
    /// Its own registers.
    pub config: RefCell<Vec<u8>>,
    /// Notifications so far.
    pub notified: Cell<usize>,
    select: Cell<u32>,
    queue: Cell<usize>,
    rings: RefCell<Vec<Ring>>,
}

/// Size of the device's region, and where in it things are.
const SIZE: usize = 0x3000;
const NOTIFY: usize = 0x1000;
const CONFIG: usize = 0x2000;
/// Bytes from one queue's notification to the next one's.
const MULTIPLIER: u32 = 4;

impl Device {
    /// A device that offers these features beside version 1, with queues of these sizes.
    pub fn new(machine: &Machine, features: u64, queues: &[u16], config: &[u8]) -> Rc<Self> {
        Rc::new(Self {
            machine: machine.clone(),
            offers: Cell::new(features | VERSION_1),
            accepted: Cell::new(0),
            status: Cell::new(0),
            refuses: Cell::new(0),
            config: RefCell::new(config.into()),
            notified: Cell::new(0),
            select: Cell::new(0),
            queue: Cell::new(0),
            rings: RefCell::new(queues.iter().map(|&size| Ring { size, ..Ring::default() }).collect()),
        })
    }

    /// Where its registers are.
    pub fn capabilities(&self) -> Capabilities {
        let place = |offset: usize, len: usize| Place { bar: 4, offset: offset as u32, len: len as u32 };
        Capabilities {
            common: place(0, 64),
            notify: place(NOTIFY, 64),
            multiplier: MULTIPLIER,
            isr: place(128, 1),
            device: Some(place(CONFIG, self.config.borrow().len())),
        }
    }

    /// Its region.
    pub fn registers(self: &Rc<Self>) -> Rc<dyn Registers> {
        let device = self.clone();
        Rc::new(Answering(SIZE, move |at, width, value| device.access(at, width, value)))
    }

    fn access(&self, at: usize, width: usize, value: Option<u32>) -> u32 {
        match at {
            CONFIG.. => {
                let mut config = self.config.borrow_mut();
                let Some(bytes) = config.get_mut(at - CONFIG..at - CONFIG + width) else { return u32::MAX };
                if let Some(value) = value {
                    bytes.copy_from_slice(&value.to_le_bytes()[..width]);
                }
                bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
            }
            NOTIFY.. => {
                self.notified.set(self.notified.get() + 1);
                0
            }
            _ => self.common(at, value),
        }
    }

    fn common(&self, at: usize, value: Option<u32>) -> u32 {
        let half = 32 * (self.select.get() & 1);
        match (at, value) {
            (0 | 8, Some(select)) => self.select.set(select),
            (4, None) => return (self.offers.get() >> half) as u32,
            (12, Some(bits)) => {
                self.accepted.set(self.accepted.get() & !(0xffff_ffff << half) | u64::from(bits) << half)
            }
            (20, Some(0)) => {
                self.status.set(0);
                self.accepted.set(0);
                self.rings.borrow_mut().iter_mut().for_each(|ring| *ring = Ring { size: ring.size, ..Ring::default() });
            }
            (20, Some(status)) => self.status.set(status as u8 & !self.refuses.get()),
            (20, None) => return self.status.get().into(),
            (22, Some(queue)) => self.queue.set(queue as usize),
            (24..56, _) => return self.ring(at, value),
            _ => {}
        }
        0
    }

    fn ring(&self, at: usize, value: Option<u32>) -> u32 {
        let mut rings = self.rings.borrow_mut();
        let Some(ring) = rings.get_mut(self.queue.get()) else { return 0 };
        match (at, value) {
            (24, None) => return ring.size.into(),
            (24, Some(size)) => ring.size = size as u16,
            (26, None) => return ring.vector.into(),
            (26, Some(vector)) => ring.vector = vector as u16,
            (28, None) => return ring.enabled.into(),
            (28, Some(enabled)) => ring.enabled = enabled == 1,
            (30, None) => return self.queue.get() as u32,
            (32..56, Some(part)) => {
                let address = &mut ring.addresses[(at - 32) / 8];
                let shift = (at % 8) * 8;
                *address = *address & !(0xffff_ffff << shift) | u64::from(part) << shift;
            }
            _ => {}
        }
        0
    }

    /// The next buffer that the driver has given to a queue: its token and its segments.
    pub fn next(&self, queue: usize) -> Option<(u16, Vec<Segment>)> {
        let mut rings = self.rings.borrow_mut();
        let ring = &mut rings[queue];
        let [descriptors, available, _] = ring.addresses;
        if !ring.enabled || self.machine.number::<2>(available + 2) as u16 == ring.taken {
            return None;
        }
        let token = self.machine.number::<2>(available + 4 + u64::from(ring.taken % ring.size) * 2) as u16;
        ring.taken = ring.taken.wrapping_add(1);
        let (mut segments, mut at) = (Vec::new(), u64::from(token));
        loop {
            let descriptor = descriptors + at * 16;
            let flags = self.machine.number::<2>(descriptor + 12);
            segments.push(Segment {
                physical: self.machine.number::<8>(descriptor),
                len: self.machine.number::<4>(descriptor + 8) as u32,
                device_writes: flags & 2 != 0,
            });
            if flags & 1 == 0 {
                return Some((token, segments));
            }
            at = self.machine.number::<2>(descriptor + 14);
        }
    }

    /// Gives a buffer back, or anything else.
    pub fn give_back(&self, queue: usize, token: u32, len: u32) {
        let mut rings = self.rings.borrow_mut();
        let ring = &mut rings[queue];
        let entry = ring.addresses[2] + 4 + u64::from(ring.given % ring.size) * 8;
        self.machine.write(entry, &token.to_le_bytes());
        self.machine.write(entry + 4, &len.to_le_bytes());
        ring.given = ring.given.wrapping_add(1);
        self.machine.write(ring.addresses[2] + 2, &ring.given.to_le_bytes());
    }

    /// Writes any index to a used ring.
    pub fn set_used_index(&self, queue: usize, index: u16) {
        let at = self.rings.borrow()[queue].addresses[2] + 2;
        self.machine.write(at, &index.to_le_bytes());
    }

    /// Where the descriptors of a queue are, for a device that writes what is not its to write.
    pub fn descriptors(&self, queue: usize) -> u64 {
        self.rings.borrow()[queue].addresses[0]
    }

    /// The vector of a queue.
    pub fn vector(&self, queue: usize) -> u16 {
        self.rings.borrow()[queue].vector
    }

    /// Writes to what the device may write of a buffer, and gives it back.
    pub fn answer(&self, queue: usize, token: u16, segments: &[Segment], bytes: &[u8]) {
        let mut rest = bytes;
        for segment in segments.iter().filter(|segment| segment.device_writes) {
            let (now, later) = rest.split_at(rest.len().min(segment.len as usize));
            self.machine.write(segment.physical, now);
            rest = later;
        }
        self.give_back(queue, token.into(), (bytes.len() - rest.len()) as u32);
    }

    /// What the device may read of a buffer.
    pub fn read(&self, segments: &[Segment]) -> Vec<u8> {
        let readable = segments.iter().filter(|segment| !segment.device_writes);
        readable.flat_map(|segment| self.machine.read(segment.physical, segment.len as usize)).collect()
    }
}
