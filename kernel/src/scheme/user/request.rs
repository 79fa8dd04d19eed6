//! The table of a scheme's requests.
//!
//! A request's tag is its place in the table and a generation, so that an answer that comes twice, or to a request that was
//! given up, is recognised.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use syscall::error::{ECANCELED, EINTR, EIO, Error, Result};
use syscall::schemev2::{Opcode, Sqe, SqeFlags};

use super::lend::Loan;
use super::window;
use crate::context::Thread;
use crate::memory::{OutOfMemory, reserve};
use crate::scheme::Description;

/// What a request is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its place is free.
    Free,
    /// Being filled.
    New,
    /// Waiting for a thread of the daemon.
    Queued,
    /// The daemon has it.
    Delivered,
    /// Answered.
    Done,
}

/// What came about on a request's way, all zero in the ordinary case.
#[derive(Clone, Copy, Default)]
#[repr(C, align(8))]
pub struct Marks {
    /// The daemon was told that the caller wants to leave.
    pub cancelled: bool,
    /// Extra byte of the answer (`NewFdFlags`).
    pub extra: u8,
    /// The daemon wants to hear of the next close.
    pub notify_detach: bool,
    /// The answer is descriptors.
    pub is_descriptor: bool,
    /// The request has a loan or descriptors.
    pub has_holdings: bool,
}

impl Marks {
    /// What the caller is told of a daemon's error: an interruption is one only if the daemon was asked to.
    pub fn judge(self, error: Error) -> Error {
        match error.errno {
            ECANCELED if self.cancelled => Error::new(EINTR),
            EINTR if !self.cancelled => Error::new(EIO),
            _ => error,
        }
    }
}

/// The eight words of an `Sqe`, in memory order (little-endian).
pub type Words = [u64; 8];

/// First word of an `Sqe`: operation, flags, tag.
#[inline(always)]
pub const fn head(opcode: u8, flags: u8, tag: u32) -> u64 {
    opcode as u64 | (flags as u64) << 8 | (tag as u64) << 32
}

/// One request.
pub struct Request {
    /// Where it is.
    pub state: State,
    /// Who waits for it; `None` once given up.
    pub caller: Option<&'static Thread>,
    /// As the daemon sees it.
    pub sqe: Sqe,
    /// Priority of the caller.
    level: u8,
    /// What came about on the way.
    pub marks: Marks,
    /// Descriptors from the client, until the daemon takes them.
    pub sent: Vec<Arc<Description>>,
    /// Descriptors from the daemon.
    pub given: Vec<Arc<Description>>,
    /// Lent payload.
    pub loan: Option<Loan>,
}

/// The answer to a request.
pub struct Answer {
    /// Its number.
    pub value: usize,
    /// Extra byte (`NewFdFlags` of an open).
    pub extra: u8,
    /// Whether the daemon wants to hear of the next close.
    pub notify_detach: bool,
    /// Descriptors that came with it.
    pub given: Vec<Arc<Description>>,
    /// Whether it is those descriptors.
    pub is_descriptor: bool,
}

/// Bits of a tag that are the place in the table.
const INDEX_BITS: u32 = 13;
const _: () = assert!(1 << INDEX_BITS == window::SLOTS);

/// Places that the table has room for at first.
const FIRST_PLACES: usize = 4;

/// All requests of a scheme.
pub struct Requests {
    table: Vec<Request>,
    free: Vec<u32>,
    queue: VecDeque<u32>,
}

impl Request {
    /// Makes it the caller's; the tag stands in the `Sqe` since it was freed last.
    #[inline(always)]
    pub fn begin(&mut self, caller: Option<&'static Thread>) {
        self.state = State::New;
        self.caller = caller;
        self.marks = Marks::default();
    }

    /// As the daemon gets it.
    #[inline]
    pub fn words(&self) -> Words {
        let [a, b, c, d, e, f] = self.sqe.args;
        [head(self.sqe.opcode, self.sqe.sqe_flags.bits(), self.sqe.tag), a, b, c, d, e, f, self.sqe.caller]
    }

    /// Makes it again what was delivered as these words.
    pub fn restore(&mut self, words: Words) {
        let [head, a, b, c, d, e, f, caller] = words;
        self.sqe.opcode = head as u8;
        self.sqe.sqe_flags = SqeFlags::from_bits_truncate((head >> 8) as u8);
        self.sqe.args = [a, b, c, d, e, f];
        self.sqe.caller = caller;
    }

    /// The message that tells the daemon of the caller's wish to leave; once.
    pub fn cancel(&mut self) -> Option<Sqe> {
        if core::mem::replace(&mut self.marks.cancelled, true) {
            return None;
        }
        Some(Sqe {
            opcode: Opcode::Cancel as u8,
            sqe_flags: SqeFlags::ONEWAY,
            tag: self.sqe.tag,
            caller: self.sqe.caller,
            ..Sqe::default()
        })
    }
}

impl Requests {
    /// None.
    pub const fn new() -> Self {
        Requests { table: Vec::new(), free: Vec::new(), queue: VecDeque::new() }
    }

    /// The request at a place that is in use.
    #[inline]
    pub fn get(&mut self, index: usize) -> &mut Request {
        &mut self.table[index]
    }

    /// Takes a free place if one is at hand, its number and the request.
    #[inline(always)]
    pub fn take_ready(&mut self) -> Option<(usize, &mut Request)> {
        let index = self.free.pop()? as usize;
        Some((index, self.table.get_mut(index)?))
    }

    /// Takes a free place for a request of `caller`; `None` when the table is full, `ENOMEM` when there is no memory for more.
    #[inline]
    pub fn take_free(&mut self, caller: Option<&'static Thread>, sqe: Sqe) -> Result<Option<usize>> {
        let index = match self.free.pop() {
            Some(index) => index as usize,
            None => match self.grow()? {
                Some(index) => index,
                None => return Ok(None),
            },
        };
        let request = &mut self.table[index];
        request.begin(caller);
        request.sqe = Sqe { tag: request.sqe.tag, ..sqe };
        Ok(Some(index))
    }

    #[cold]
    fn grow(&mut self) -> Result<Option<usize>> {
        let index = self.table.len();
        if index >= window::SLOTS {
            return Ok(None);
        }
        crate::memory::admit()?;
        if index == self.table.capacity() {
            // Room for every place in all three, so that freeing and queueing never allocate. It doubles each time.
            let places = (2 * index).clamp(FIRST_PLACES, window::SLOTS);
            let (used, queued) = (self.free.len(), self.queue.len());
            reserve(&mut self.free, places - used)?;
            self.queue.try_reserve_exact(places - queued).map_err(|_| OutOfMemory)?;
            reserve(&mut self.table, places - index)?;
        }
        self.table.push(Request {
            state: State::Free,
            caller: None,
            sqe: Sqe { tag: index as u32, ..Sqe::default() },
            level: 0,
            marks: Marks::default(),
            sent: Vec::new(),
            given: Vec::new(),
            loan: None,
        });
        Ok(Some(index))
    }

    /// Frees a place.
    #[inline]
    pub fn free(&mut self, index: usize) {
        let request = &mut self.table[index];
        request.state = State::Free;
        request.caller = None;
        request.sqe.tag = request.sqe.tag.wrapping_add(1 << INDEX_BITS);
        // `grow` has made room for every place.
        debug_assert!(self.free.len() < self.free.capacity());
        self.free.push(index as u32);
    }

    /// Puts a request in the queue, behind those of its level and above.
    pub fn queue(&mut self, index: usize, level: u8) {
        self.table[index].state = State::Queued;
        self.table[index].level = level;
        let at = self.queue.iter().rposition(|&other| self.table[other as usize].level <= level).map_or(0, |at| at + 1);
        self.queue.insert(at, index as u32);
    }

    /// Puts a request that could not be delivered back to the front.
    pub fn requeue(&mut self, index: usize) {
        self.table[index].state = State::Queued;
        self.queue.push_front(index as u32);
    }

    /// Takes the first request from the queue for delivery.
    #[inline]
    pub fn next(&mut self) -> Option<usize> {
        let index = self.queue.pop_front()? as usize;
        self.table[index].state = State::Delivered;
        Some(index)
    }

    /// Takes a request out of the queue.
    pub fn unqueue(&mut self, index: usize) {
        self.queue.retain(|&other| other as usize != index);
    }

    /// Whether requests wait.
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Empties the queue; the requests are seen to by the caller.
    pub fn clear_queue(&mut self) {
        self.queue.clear();
    }

    /// Priority level of the caller of a request.
    pub fn caller_level(&self, index: usize) -> Option<u8> {
        self.table[index].caller.map(|caller| caller.level())
    }

    /// The request that the daemon has under this tag.
    #[inline]
    pub fn by_tag(&mut self, tag: u32) -> Option<usize> {
        let index = (tag & ((1 << INDEX_BITS) - 1)) as usize;
        let request = self.table.get(index)?;
        (request.state == State::Delivered && request.sqe.tag == tag).then_some(index)
    }

    /// The first request from place `from` on that is not answered yet, and its place.
    pub fn outstanding(&mut self, from: usize) -> Option<(usize, &mut Request)> {
        let open = |request: &Request| matches!(request.state, State::Queued | State::Delivered);
        self.table.iter_mut().enumerate().skip(from).find(|(_, request)| open(request))
    }
}
