//! Names and connections.

use ochre_socket::{Token, state};
use scheme_server::CallerCtx;
use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{
    ECONNREFUSED, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPERM, EPROTOTYPE, Error, Result,
};

use crate::channel::Name;
use crate::ipc::{Ipc, Patience, System, fail};
use crate::socket::{Kind, Listener, Peer, State};
use crate::transfer::credentials;

/// Most connections that may wait to be accepted.
const BACKLOG: usize = 4096;

impl<S: System> Ipc<S> {
    fn peer_of(&self, id: usize) -> Result<Peer> {
        Ok(Peer { number: id, serial: self.socket(id)?.serial })
    }

    /// What stands for a socket; made when it is asked for first.
    pub fn token(&mut self, id: usize) -> Result<Token> {
        if let Some(token) = self.socket(id)?.token {
            return Ok(token);
        }
        let token = self.system.token();
        self.socket_mut(id)?.token = Some(token);
        self.names.insert(token, id);
        Ok(token)
    }

    /// Gives a socket its name.
    pub fn bind(&mut self, id: usize, name: &[u8]) -> Result<Token> {
        let socket = self.socket_mut(id)?;
        if socket.name.is_some() || name.is_empty() || name.len() > ochre_socket::NAME_MAX {
            return fail(EINVAL);
        }
        socket.name = Some(Name::from(name));
        self.token(id)
    }

    /// Takes the name away again.
    pub fn unbind(&mut self, id: usize) -> Result<usize> {
        let socket = self.socket_mut(id)?;
        socket.name = None;
        if let Some(token) = socket.token.take() {
            self.names.remove(&token);
        }
        Ok(0)
    }

    /// Makes the other side of a socket that leads nowhere yet.
    pub fn pair(&mut self, id: usize, ctx: &CallerCtx) -> Result<usize> {
        let socket = self.socket(id)?;
        if !matches!(socket.state, State::Idle) {
            return fail(EISCONN);
        }
        let (kind, nonblock) = (socket.kind, socket.nonblock);
        let other = self.create(kind, nonblock, ctx.uid)?;
        for (from, to) in [(id, other), (other, id)] {
            let peer = self.peer_of(to)?;
            let socket = self.socket_mut(from)?;
            socket.state = State::Connected(peer);
            socket.peer_credentials = Some(credentials(ctx));
        }
        Ok(other)
    }

    /// Takes connections from now on.
    pub fn listen(&mut self, id: usize, backlog: u64, ctx: &CallerCtx) -> Result<usize> {
        let backlog = usize::try_from(backlog).map_or(BACKLOG, |backlog| backlog.clamp(1, BACKLOG));
        let socket = self.socket_mut(id)?;
        if socket.kind == Kind::Datagram {
            return fail(EOPNOTSUPP);
        }
        let blocked = match &mut socket.state {
            State::Idle if socket.token.is_none() => return fail(EINVAL),
            State::Idle => {
                let listener = Listener { backlog, credentials: credentials(ctx), ..Listener::default() };
                socket.state = State::Listening(listener);
                return Ok(0);
            }
            State::Listening(listener) => {
                listener.backlog = backlog;
                core::mem::take(&mut listener.blocked)
            }
            State::Connected(_) | State::Broken => return fail(EINVAL),
        };
        blocked.into_iter().for_each(|number| self.ready.raise(number, EventFlags::EVENT_WRITE));
        Ok(0)
    }

    /// Connects a socket with the one that a token stands for.
    pub fn connect(&mut self, id: usize, token: &Token, ctx: &CallerCtx) -> Result<usize> {
        let socket = self.socket(id)?;
        let (kind, name, uid) = (socket.kind, socket.name.clone(), ctx.uid);
        let patience = Patience { nonblock: socket.nonblock, timeout: socket.options.send_timeout };
        match socket.state {
            _ if kind == Kind::Datagram => {}
            State::Idle => {}
            State::Listening(_) => return fail(EINVAL),
            State::Connected(_) | State::Broken => return fail(EISCONN),
        }
        let target = *self.names.get(token).ok_or(Error::new(ECONNREFUSED))?;
        let peer = self.peer_of(target)?;
        let to = self.socket_mut(target)?;
        if to.kind != kind {
            return fail(EPROTOTYPE);
        }
        if kind == Kind::Datagram {
            if to.peer().is_some_and(|peer| peer.number != id) {
                return fail(EPERM);
            }
            return self.set_destination(id, peer);
        }
        let their_name = to.name.clone();
        let listener = match &mut to.state {
            State::Listening(listener) if !to.receive_shut => listener,
            _ => return fail(ECONNREFUSED),
        };
        if listener.pending.len() >= listener.backlog {
            if !listener.blocked.contains(&id) {
                listener.blocked.push(id);
            }
            return self.wait(id, ctx.id, patience, 0);
        }
        let their_credentials = listener.credentials;
        self.forget_wait(id, ctx.id);
        // The side of the one who accepts is in the account of the one who comes.
        let other = self.create(kind, false, uid)?;
        let (mine, theirs) = (self.peer_of(id)?, self.peer_of(other)?);
        let accepted = self.socket_mut(other)?;
        accepted.state = State::Connected(mine);
        (accepted.name, accepted.peer_name) = (their_name.clone(), name);
        (accepted.peer_credentials, accepted.listener) = (Some(credentials(ctx)), Some(target));
        let socket = self.socket_mut(id)?;
        socket.state = State::Connected(theirs);
        (socket.peer_name, socket.peer_credentials) = (their_name, Some(their_credentials));
        if let State::Listening(listener) = &mut self.socket_mut(target)?.state {
            listener.pending.push_back(other);
        }
        self.ready.raise(target, EventFlags::EVENT_READ);
        Ok(0)
    }

    fn set_destination(&mut self, id: usize, peer: Peer) -> Result<usize> {
        let name = self.socket(peer.number)?.name.clone();
        let socket = self.socket_mut(id)?;
        socket.state = State::Connected(peer);
        socket.peer_name = name;
        Ok(0)
    }

    /// Forgets whom datagrams go to.
    pub fn disconnect(&mut self, id: usize) -> Result<usize> {
        let socket = self.socket_mut(id)?;
        if socket.kind != Kind::Datagram {
            return fail(EINVAL);
        }
        (socket.state, socket.peer_name) = (State::Idle, None);
        Ok(0)
    }

    /// The next connection.
    pub fn accept(&mut self, id: usize, ctx: &CallerCtx) -> Result<usize> {
        let socket = self.socket_mut(id)?;
        let patience = Patience { nonblock: socket.nonblock, timeout: socket.options.receive_timeout };
        let State::Listening(listener) = &mut socket.state else {
            return fail(if socket.kind == Kind::Datagram { EOPNOTSUPP } else { EINVAL });
        };
        let Some(number) = listener.pending.pop_front() else {
            let over = socket.receive_shut;
            return if over { fail(EINVAL) } else { self.wait(id, ctx.id, patience, 0) };
        };
        let mut blocked = core::mem::take(&mut listener.blocked);
        self.forget_wait(id, ctx.id);
        let accepted = self.socket_mut(number)?;
        accepted.listener = None;
        blocked.append(&mut accepted.starved);
        blocked.into_iter().for_each(|number| self.ready.raise(number, EventFlags::EVENT_WRITE));
        Ok(number)
    }

    /// Ends receiving (0), sending (1), or both (2).
    pub fn shutdown(&mut self, id: usize, what: u64) -> Result<usize> {
        let (receiving, sending) = match what {
            0 => (true, false),
            1 => (false, true),
            2 => (true, true),
            _ => return fail(EINVAL),
        };
        let socket = self.socket_mut(id)?;
        let peer = match &socket.state {
            State::Idle => return fail(ENOTCONN),
            State::Connected(peer) if socket.kind != Kind::Datagram => Some(peer.number),
            _ => None,
        };
        socket.receive_shut |= receiving;
        socket.send_shut |= sending;
        let mut blocked = core::mem::take(&mut socket.starved);
        if let State::Listening(listener) = &mut socket.state {
            blocked.append(&mut listener.blocked);
        }
        let both = EventFlags::EVENT_READ | EventFlags::EVENT_WRITE;
        blocked.into_iter().chain([id]).chain(peer).for_each(|number| self.ready.raise(number, both));
        Ok(0)
    }

    /// What `poll` tells beside readiness.
    pub fn state(&self, id: usize) -> Result<u64> {
        let socket = self.socket(id)?;
        let mut bits = if socket.error != 0 { state::ERROR } else { 0 };
        let other_sends = match &socket.state {
            State::Broken => false,
            State::Idle => socket.kind == Kind::Datagram,
            State::Connected(peer) if socket.kind != Kind::Datagram => {
                self.sockets.get(peer.number).is_some_and(|peer| !peer.send_shut)
            }
            _ => true,
        };
        let read_end = socket.receive_shut || !other_sends;
        let connected = matches!(socket.state, State::Connected(_)) || socket.kind == Kind::Datagram;
        let listens = matches!(socket.state, State::Listening(_));
        bits |= if read_end { state::READ_END } else { 0 };
        bits |= if (read_end && socket.send_shut) || !(connected || listens) { state::HANG_UP } else { 0 };
        Ok(bits)
    }
}
