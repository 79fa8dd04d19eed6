//! Requests that wait until what they are about is ready.

use std::collections::BTreeMap;

use redox_scheme::scheme::Op;
use redox_scheme::{CallerCtx, Id};

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// An open number to become ready.
    Number(usize),
    /// Locks of a file to be given up.
    Locks(u64),
}

/// A request that waits.
pub struct Waiting {
    /// Who made it.
    pub caller: CallerCtx,
    /// What it asks.
    pub op: Op,
}

/// Place in the order of those that wait for the same.
type Ticket = u64;

/// All that wait, in the order they came.
#[derive(Default)]
pub struct Parked {
    waiting: BTreeMap<(Key, Ticket), Waiting>,
    places: BTreeMap<Id, (Key, Ticket)>,
    next: Ticket,
}

impl Parked {
    /// Whether nobody waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lets a request wait, behind those that wait for the same.
    pub fn park(&mut self, key: Key, waiting: Waiting) {
        let ticket = self.next;
        self.next += 1;
        self.put_back(key, ticket, waiting);
    }

    /// Lets a request that was taken out wait on at its place.
    pub fn put_back(&mut self, key: Key, ticket: Ticket, waiting: Waiting) {
        self.places.insert(waiting.caller.id, (key, ticket));
        self.waiting.insert((key, ticket), waiting);
    }

    /// Takes out the first one that waits for `key` at ticket `from` or later.
    pub fn take(&mut self, key: Key, from: Ticket) -> Option<(Ticket, Waiting)> {
        let (&place, _) = self.waiting.range((key, from)..=(key, Ticket::MAX)).next()?;
        let waiting = self.waiting.remove(&place)?;
        self.places.remove(&waiting.caller.id);
        Some((place.1, waiting))
    }

    /// Takes out the request with this number.
    pub fn cancel(&mut self, id: Id) -> Option<Waiting> {
        let place = self.places.remove(&id)?;
        self.waiting.remove(&place)
    }
}
