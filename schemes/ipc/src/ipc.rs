//! All sockets: making and closing them, their names, and requests that wait.

use std::collections::{BTreeSet, HashMap};

use ochre_socket::Token;
use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{EAGAIN, EBADF, ECONNRESET, EWOULDBLOCK, Error, Result};
use scheme_server::{Handles, Id, Ready};

use crate::accounts::{Account, Accounts};
use crate::socket::{Kind, Socket, State, Wait};

/// What is outside.
pub trait System {
    /// Nanoseconds of a clock that never goes back.
    fn now(&self) -> u64;
    /// Has [`Ipc::expire`] called at this time, and not before an earlier one that was asked for.
    fn wake_at(&mut self, at: u64);
    /// Bytes that nobody can guess.
    fn token(&mut self) -> Token;
    /// Closes a descriptor of the daemon.
    fn close(&mut self, fd: usize);
    /// Number of the socket that a descriptor of the daemon leads to, if it leads to one of the daemon's own.
    fn own_number(&mut self, fd: usize) -> Option<usize>;
    /// Whether ordinary programs can have so many bytes of memory: what the daemon keeps for them does not come out of the system's
    /// reserve.
    fn has_memory(&mut self, bytes: usize) -> bool;
}

/// All sockets.
pub struct Ipc<S> {
    pub(crate) sockets: Handles<Socket>,
    pub(crate) names: HashMap<Token, usize>,
    pub(crate) accounts: Accounts,
    pub(crate) ready: Ready,
    pub(crate) system: S,
    /// When requests have waited long enough, with the socket's number.
    deadlines: BTreeSet<(u64, usize, Id)>,
    last_serial: u64,
    pub(crate) last_ticket: u64,
}

/// An error.
pub(crate) fn fail<T>(errno: i32) -> Result<T> {
    Err(Error::new(errno))
}

/// How a request waits.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// Not at all.
    pub nonblock: bool,
    /// Nanoseconds; 0 for ever.
    pub timeout: u64,
}

impl<S: System> Ipc<S> {
    /// No sockets yet.
    pub fn new(system: S) -> Self {
        Self {
            sockets: Handles::new(),
            names: HashMap::new(),
            accounts: Accounts::default(),
            ready: Ready::new(),
            system,
            deadlines: BTreeSet::new(),
            last_serial: 0,
            last_ticket: 0,
        }
    }

    /// What is outside.
    pub fn system(&mut self) -> &mut S {
        &mut self.system
    }

    /// How many sockets there are.
    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// What users have.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    #[inline]
    pub(crate) fn socket(&self, id: usize) -> Result<&Socket> {
        self.sockets.get(id).ok_or(Error::new(EBADF))
    }

    #[inline]
    pub(crate) fn socket_mut(&mut self, id: usize) -> Result<&mut Socket> {
        self.sockets.get_mut(id).ok_or(Error::new(EBADF))
    }

    /// Makes a socket.
    pub fn create(&mut self, kind: Kind, nonblock: bool, uid: u32) -> Result<usize> {
        self.accounts.add_socket(uid)?;
        self.last_serial += 1;
        Ok(self.sockets.insert(Socket::new(kind, self.last_serial, uid, nonblock)))
    }

    /// Nobody has the socket any more.
    pub fn close(&mut self, id: usize) {
        let Some(mut socket) = self.sockets.remove(id) else { return };
        if let Some(token) = socket.token {
            self.names.remove(&token);
        }
        match core::mem::replace(&mut socket.state, State::Idle) {
            State::Listening(listener) => {
                listener.pending.into_iter().for_each(|number| self.close(number));
                listener.blocked.into_iter().for_each(|number| self.ready.raise(number, EventFlags::EVENT_WRITE));
            }
            State::Connected(peer) if socket.kind != Kind::Datagram => {
                if let Some(other) = self.sockets.get_mut(peer.number) {
                    other.state = State::Broken;
                    if !socket.received.is_empty() {
                        other.error = ECONNRESET;
                    }
                    self.ready.raise(peer.number, EventFlags::EVENT_READ | EventFlags::EVENT_WRITE);
                }
            }
            _ => {}
        }
        socket.starved.drain(..).for_each(|number| self.ready.raise(number, EventFlags::EVENT_WRITE));
        for wait in &socket.waits {
            self.forget_deadline(id, wait);
        }
        let staged = socket.staged.drain(..).map(|(_, rights)| rights);
        let taken = socket.taken.drain(..).map(|(_, rights)| rights);
        let rights: Vec<_> = staged.chain(taken).chain(socket.received.drain_rights()).collect();
        rights.into_iter().for_each(|rights| self.drop_rights(*rights));
        let memory = socket.received.memory();
        self.accounts.release(socket.uid, Account { sockets: 1, memory, descriptors: 0 });
    }

    fn forget_deadline(&mut self, id: usize, wait: &Wait) {
        if let Some(deadline) = wait.deadline {
            self.deadlines.remove(&(deadline, id, wait.id));
        }
    }

    /// A request is answered: nothing is to be remembered about it.
    #[inline]
    pub(crate) fn forget_wait(&mut self, id: usize, request: Id) {
        if self.sockets.get(id).is_some_and(|socket| !socket.waits.is_empty()) {
            self.end_wait(id, request);
        }
    }

    #[cold]
    fn end_wait(&mut self, id: usize, request: Id) -> Option<Wait> {
        let waits = &mut self.sockets.get_mut(id)?.waits;
        let at = waits.iter().position(|wait| wait.id == request)?;
        let wait = waits.swap_remove(at);
        self.forget_deadline(id, &wait);
        Some(wait)
    }

    /// Bytes of a request that were sent when it was tried before.
    #[inline]
    pub(crate) fn done_before(&self, id: usize, request: Id) -> usize {
        let waits = self.sockets.get(id).map_or(&[][..], |socket| &socket.waits);
        waits.iter().find(|wait| wait.id == request).map_or(0, |wait| wait.done)
    }

    /// What becomes of a request that cannot be answered, or not wholly, now: it waits (`EWOULDBLOCK`), or is answered with what
    /// is done of it, or with `EAGAIN`.
    pub(crate) fn wait(&mut self, id: usize, request: Id, patience: Patience, done: usize) -> Result<usize> {
        let given_up = if done > 0 { Ok(done) } else { fail(EAGAIN) };
        if patience.nonblock {
            return given_up;
        }
        let before = self.socket(id)?.waits.iter().position(|wait| wait.id == request);
        if let Some(at) = before {
            let now = self.system.now();
            let wait = &mut self.socket_mut(id)?.waits[at];
            wait.done = done;
            if wait.deadline.is_some_and(|deadline| deadline <= now) {
                self.end_wait(id, request);
                return given_up;
            }
        } else if patience.timeout > 0 || done > 0 {
            let deadline = (patience.timeout > 0).then(|| self.system.now().saturating_add(patience.timeout));
            self.socket_mut(id)?.waits.push(Wait { id: request, deadline, done });
            if let Some(deadline) = deadline {
                self.deadlines.insert((deadline, id, request));
                self.system.wake_at(deadline);
            }
        }
        fail(EWOULDBLOCK)
    }

    /// A request that waits is cancelled; answers what is done of it, if anything.
    pub fn cancelled(&mut self, id: usize, request: Id) -> Option<usize> {
        self.end_wait(id, request).map(|wait| wait.done).filter(|&done| done > 0)
    }

    /// Has those requests tried again that have waited long enough, so that they give up.
    pub fn expire(&mut self) {
        let now = self.system.now();
        while let Some(&(deadline, id, request)) = self.deadlines.first() {
            if deadline > now {
                self.system.wake_at(deadline);
                return;
            }
            self.deadlines.remove(&(deadline, id, request));
            self.ready.raise(id, EventFlags::empty());
        }
    }
}
