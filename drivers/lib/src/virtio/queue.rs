//! Split queues (section 2.7). What the device writes is checked: it can give back only what it was given, once.

use syscall::error::{EAGAIN, EINVAL, EIO, Error, Result};

use crate::memory::{Allocator, Memory};

/// Bytes of a descriptor, of an entry of the available and of the used ring, and of what is before the entries.
const DESCRIPTOR: usize = 16;
const AVAILABLE: usize = 2;
const USED: usize = 8;
const HEAD: usize = 4;
/// Where the index lies in a ring.
const INDEX: usize = 2;
/// Descriptor flags (section 2.7.5).
const NEXT: u16 = 1;
const WRITE: u16 = 2;
/// Used ring flag: the device does not want to be told of new buffers.
const NO_NOTIFY: u16 = 1;

/// A part of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it is.
    pub physical: u64,
    /// Bytes.
    pub len: u32,
    /// Whether the device writes it; otherwise it reads it. What it reads comes first.
    pub device_writes: bool,
}

/// A buffer that the device has given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// What [`Queue::add`] answered for it.
    pub token: u16,
    /// Bytes that the device says it has written; at most those that it could write.
    pub len: u32,
}

/// What is known of a descriptor; the device cannot reach this.
#[derive(Clone, Copy)]
enum Slot {
    /// Not in use; the next such one.
    Free(u16),
    /// First of a buffer that the device has: how many descriptors it has, how many bytes the device may write, and the next one.
    First { count: u16, room: u32, next: u16 },
    /// Another one of such a buffer, and the next.
    Other(u16),
}

/// A queue.
pub struct Queue {
    number: u16,
    size: u16,
    memory: Box<dyn Memory>,
    slots: Vec<Slot>,
    /// First of the chain of free descriptors, and how long it is.
    free: u16,
    left: u16,
    /// Buffers given to the device so far, and taken back.
    given: u16,
    taken: u16,
}

impl Queue {
    /// An empty queue; `size` is a power of two.
    pub(super) fn new(number: u16, size: u16, memory: &dyn Allocator) -> Result<Self> {
        if !size.is_power_of_two() {
            return Err(Error::new(EINVAL));
        }
        let memory = memory.allocate(used_at(size) + HEAD + usize::from(size) * USED + 2, true)?;
        let slots = (1..=size).map(Slot::Free).collect();
        Ok(Self { number, size, memory, slots, free: 0, left: size, given: 0, taken: 0 })
    }

    /// Its number at the device.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// How many descriptors it has.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// How many buffers the device has.
    pub fn outstanding(&self) -> u16 {
        self.given.wrapping_sub(self.taken)
    }

    /// Addresses of descriptors, available and used ring.
    pub(super) fn addresses(&self) -> [u64; 3] {
        [0, available_at(self.size), used_at(self.size)].map(|at| self.memory.physical(at))
    }

    /// Gives the device a buffer; answers its token. `EAGAIN` when there is no room for it now, `EINVAL` for an empty one.
    pub fn add(&mut self, segments: &[Segment]) -> Result<u16> {
        let count = u16::try_from(segments.len()).ok().filter(|&count| count <= self.size && count != 0);
        let count = count.ok_or(Error::new(EINVAL))?;
        if count > self.left {
            return Err(Error::new(EAGAIN));
        }
        let token = self.free;
        let mut room = 0_u32;
        for (place, segment) in segments.iter().enumerate() {
            let slot = self.free;
            let Slot::Free(next) = self.slots[usize::from(slot)] else { return Err(Error::new(EIO)) };
            let last = place + 1 == segments.len();
            self.describe(slot, segment, (!last).then_some(next));
            room = room.saturating_add(if segment.device_writes { segment.len } else { 0 });
            self.slots[usize::from(slot)] = Slot::Other(next);
            self.free = next;
        }
        let Slot::Other(next) = self.slots[usize::from(token)] else { return Err(Error::new(EIO)) };
        self.slots[usize::from(token)] = Slot::First { count, room, next };
        self.left -= count;
        let place = usize::from(self.given % self.size);
        self.memory.put16(available_at(self.size) + HEAD + place * AVAILABLE, token);
        self.given = self.given.wrapping_add(1);
        self.memory.put16(available_at(self.size) + INDEX, self.given);
        Ok(token)
    }

    fn describe(&self, slot: u16, segment: &Segment, next: Option<u16>) {
        let flags = if segment.device_writes { WRITE } else { 0 } | if next.is_some() { NEXT } else { 0 };
        let mut bytes = [0; DESCRIPTOR];
        bytes[..8].copy_from_slice(&segment.physical.to_le_bytes());
        bytes[8..12].copy_from_slice(&segment.len.to_le_bytes());
        bytes[12..14].copy_from_slice(&flags.to_le_bytes());
        bytes[14..].copy_from_slice(&next.unwrap_or(0).to_le_bytes());
        self.memory.write(usize::from(slot) * DESCRIPTOR, &bytes);
    }

    /// Whether the device wants to be told of new buffers.
    pub fn wants_notification(&self) -> bool {
        self.memory.get16(used_at(self.size)) & NO_NOTIFY == 0
    }

    /// Takes back a buffer that the device is done with; none when there is none now. `EIO` when the device gives back what it was
    /// not given: nothing that it does can be trusted any more, and it must be reset.
    pub fn take(&mut self) -> Result<Option<Used>> {
        let used = self.memory.get16(used_at(self.size) + INDEX);
        let waiting = used.wrapping_sub(self.taken);
        if waiting == 0 {
            return Ok(None);
        }
        if waiting > self.outstanding() {
            return Err(Error::new(EIO));
        }
        let entry = used_at(self.size) + HEAD + usize::from(self.taken % self.size) * USED;
        let (token, len) = (self.memory.get32(entry), self.memory.get32(entry + 4));
        let slot = self.slots.get(token as usize).copied();
        let Some(Slot::First { count, room, .. }) = slot else { return Err(Error::new(EIO)) };
        let token = token as u16;
        self.release(token, count);
        self.taken = self.taken.wrapping_add(1);
        Ok(Some(Used { token, len: len.min(room) }))
    }

    /// Puts the descriptors of a buffer back at the front of the free ones.
    fn release(&mut self, token: u16, count: u16) {
        let mut slot = token;
        for left in (0..count).rev() {
            let place = &mut self.slots[usize::from(slot)];
            if let Slot::First { next, .. } | Slot::Other(next) = *place {
                *place = Slot::Free(if left == 0 { self.free } else { next });
                slot = next;
            }
        }
        self.free = token;
        self.left += count;
    }
}

fn available_at(size: u16) -> usize {
    usize::from(size) * DESCRIPTOR
}

/// The used ring, aligned as the device wants it.
fn used_at(size: u16) -> usize {
    (available_at(size) + HEAD + usize::from(size) * AVAILABLE + 2).next_multiple_of(4)
}
