//! Requests that wait until what they are about is ready.

use std::collections::VecDeque;

use hashbrown::HashMap;
use redox_scheme::scheme::Op;
use redox_scheme::{CallerCtx, Id, Request};

use crate::raw;

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An open number to become ready.
    Number(usize),
    /// Locks of a file to be given up.
    Locks(u64),
}

/// A request that waits.
pub enum Waiting {
    /// One that the loop decodes itself.
    Quick(Request),
    /// One that crate `redox-scheme` has decoded, and who made it.
    Decoded(CallerCtx, Box<Op>),
}

impl Waiting {
    fn id(&self) -> Id {
        match self {
            Self::Quick(request) => raw::caller(request).id,
            Self::Decoded(caller, _) => caller.id,
        }
    }
}

/// Those that wait for the same, in the order they came.
pub type Queue = VecDeque<Waiting>;

/// All that wait.
#[derive(Default)]
pub struct Parked {
    queues: HashMap<Key, Queue>,
    /// A queue that was emptied: the next one needs no memory.
    spare: Queue,
}

impl Parked {
    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// Lets a request wait, behind those that wait for the same.
    #[inline]
    pub fn park(&mut self, key: Key, waiting: Waiting) {
        self.queues.entry(key).or_insert_with(|| core::mem::take(&mut self.spare)).push_back(waiting);
    }

    /// Takes out all that wait for the same.
    #[inline]
    pub fn take(&mut self, key: Key) -> Option<Queue> {
        if self.is_empty() { None } else { self.queues.remove(&key) }
    }

    /// Lets those wait on that were taken out, before those that have come since.
    #[inline]
    pub fn put_back(&mut self, key: Key, mut queue: Queue) {
        if queue.is_empty() {
            self.spare = queue;
            return;
        }
        if let Some(mut later) = self.queues.remove(&key) {
            queue.append(&mut later);
        }
        self.queues.insert(key, queue);
    }

    /// Takes out the request with this number.
    pub fn cancel(&mut self, id: Id) -> Option<Waiting> {
        let place = |queue: &Queue| queue.iter().position(|waiting| waiting.id() == id);
        let (key, at) = self.queues.iter().find_map(|(&key, queue)| Some((key, place(queue)?)))?;
        let queue = self.queues.get_mut(&key)?;
        let waiting = queue.remove(at);
        if queue.is_empty() {
            self.queues.remove(&key);
        }
        waiting
    }
}
