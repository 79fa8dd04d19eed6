//! Commands on their way: each has a slot with room for itself and its answer.

use driver::syscall::error::{EAGAIN, EINVAL, EIO, Error, Result};
use driver::virtio::{Queue, Segment, Transport};
use driver::{Allocator, Memory};

use crate::command::{Answer, Command, LONGEST_ANSWER};

/// Bytes of a slot: the longest command, then the longest answer.
const COMMAND: usize = 4096 - 512;
const SLOT: usize = 4096;
const _: () = assert!(COMMAND + LONGEST_ANSWER <= SLOT);
/// Most pieces of memory that fit into a command.
pub const MOST_PIECES: usize = (COMMAND - 32) / 16;

/// A queue and what is in it; `T` is what is to be known when an answer comes.
pub struct Slots<T> {
    queue: Queue,
    memory: Box<dyn Memory>,
    /// Which token is in which slot, and what was said about it.
    taken: Vec<Option<(u16, T)>>,
}

impl<T> Slots<T> {
    /// With so many slots.
    pub fn new(queue: Queue, count: usize, memory: &dyn Allocator) -> Result<Self> {
        let count = count.min(usize::from(queue.size()) / 2).max(1);
        let memory = memory.allocate(count * SLOT, true)?;
        Ok(Self { queue, memory, taken: (0..count).map(|_| None).collect() })
    }

    /// How many slots are free.
    pub fn left(&self) -> usize {
        self.taken.iter().filter(|slot| slot.is_none()).count()
    }

    /// Whether anything is on its way.
    pub fn is_used(&self) -> bool {
        self.taken.iter().any(Option::is_some)
    }

    /// Sends a command. `EAGAIN` when no slot is free, `EINVAL` when it is too long.
    pub fn send(&mut self, command: &Command<'_>, about: T) -> Result<()> {
        let bytes = command.encode();
        if bytes.len() > COMMAND {
            return Err(Error::new(EINVAL));
        }
        let slot = self.taken.iter().position(Option::is_none).ok_or(Error::new(EAGAIN))?;
        let at = slot * SLOT;
        self.memory.write(at, &bytes);
        let physical = self.memory.physical(at);
        let token = self.queue.add(&[
            Segment { physical, len: bytes.len() as u32, device_writes: false },
            Segment { physical: physical + COMMAND as u64, len: LONGEST_ANSWER as u32, device_writes: true },
        ])?;
        self.taken[slot] = Some((token, about));
        Ok(())
    }

    /// Tells the device, if it wants to know.
    pub fn notify(&self, transport: &Transport) {
        if self.queue.wants_notification() {
            transport.notify(self.queue.number());
        }
    }

    /// The next answer, and what was said about the command. `EIO` when the device breaks the rules.
    pub fn take(&mut self) -> Result<Option<(T, Answer)>> {
        let Some(used) = self.queue.take()? else { return Ok(None) };
        let is_it = |slot: &Option<(u16, T)>| slot.as_ref().is_some_and(|(token, _)| *token == used.token);
        let slot = self.taken.iter().position(is_it).ok_or(Error::new(EIO))?;
        let mut bytes = [0; LONGEST_ANSWER];
        self.memory.read(slot * SLOT + COMMAND, &mut bytes);
        let (_, about) = self.taken[slot].take().ok_or(Error::new(EIO))?;
        Ok(Some((about, Answer::decode(&bytes, used.len as usize))))
    }
}
