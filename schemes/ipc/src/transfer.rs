//! Sending and receiving.

use ochre_socket::{Credentials, Token};
use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{
    ECONNREFUSED, EINVAL, EISCONN, EMSGSIZE, ENOBUFS, ENOTCONN, EPERM, EPIPE, EPROTOTYPE, EWOULDBLOCK, Error, Result,
};
use scheme_server::{CallerCtx, Id};

use crate::channel::{Envelope, How, MESSAGE_COST, Taken};
use crate::ipc::{Ipc, Patience, System, fail};
use crate::socket::{Kind, SEND_BUFFER, State};

/// How to send.
#[derive(Clone, Copy, Default)]
pub struct Sending {
    /// Whom it is for, if not for whom the socket is connected with.
    pub to: Option<Token>,
    /// Ticket of descriptors that go along; 0 for none.
    pub ticket: u64,
    /// Do not wait.
    pub nonblock: bool,
}

/// What a sender is to be known about.
#[derive(Clone, Copy)]
struct Sender {
    id: usize,
    kind: Kind,
    limit: usize,
    patience: Patience,
    request: Id,
}

/// Who makes a request.
pub(crate) fn credentials(ctx: &CallerCtx) -> Credentials {
    Credentials { pid: ctx.pid as u32, uid: ctx.uid, gid: ctx.gid }
}

impl<S: System> Ipc<S> {
    /// Sends. Answers how many bytes.
    #[inline]
    pub fn send(&mut self, id: usize, bytes: &[u8], how: Sending, ctx: &CallerCtx) -> Result<usize> {
        let socket = self.socket(id)?;
        if socket.send_shut {
            return fail(EPIPE);
        }
        let patience = Patience { nonblock: how.nonblock, timeout: socket.options.send_timeout };
        let sender = Sender { id, kind: socket.kind, limit: socket.options.send_buffer, patience, request: ctx.id };
        let target = match (how.to, &socket.state) {
            (None, State::Connected(peer)) => {
                // A number may be somebody else's by now; connections hear of their end.
                let there = self.sockets.get(peer.number).is_some_and(|other| other.serial == peer.serial);
                if there { peer.number } else { return fail(ECONNREFUSED) }
            }
            (Some(token), _) => self.addressed(sender, &token)?,
            (None, State::Broken) => return fail(EPIPE),
            (None, _) => return fail(ENOTCONN),
        };
        if how.ticket != 0 && self.may_send(id, how.ticket, target)?.is_none() {
            return self.wait_for_room(sender, target, 0);
        }
        let to = self.socket(target)?;
        if to.receive_shut {
            return fail(EPIPE);
        }
        if sender.kind.has_packets() {
            return self.send_packet(sender, target, bytes, how, ctx);
        }
        self.send_stream(sender, target, bytes, how, ctx)
    }

    /// Whom a datagram with an address is for.
    fn addressed(&self, sender: Sender, token: &Token) -> Result<usize> {
        if sender.kind != Kind::Datagram {
            let connected = self.socket(sender.id)?.peer().is_some();
            return fail(if connected { EISCONN } else { ENOTCONN });
        }
        let target = *self.names.get(token).ok_or(Error::new(ECONNREFUSED))?;
        let to = self.socket(target)?;
        if to.kind != Kind::Datagram {
            return fail(EPROTOTYPE);
        }
        match to.peer() {
            // It wants to hear of one other socket only.
            Some(peer) if peer.number != sender.id => fail(EPERM),
            _ => Ok(target),
        }
    }

    #[inline]
    fn send_stream(
        &mut self,
        sender: Sender,
        target: usize,
        bytes: &[u8],
        how: Sending,
        ctx: &CallerCtx,
    ) -> Result<usize> {
        let done = self.done_before(sender.id, sender.request);
        let rest = bytes.get(done..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(done);
        }
        let received = &self.socket(target)?.received;
        let room = if received.takes_stretch() { sender.limit.saturating_sub(received.used()) } else { 0 };
        let count = self.memory_for(target, room.min(rest.len()))?;
        if count > 0 {
            let rights = if how.ticket != 0 && done == 0 { self.unstage(sender.id, how.ticket) } else { None };
            let envelope = Envelope { sender: credentials(ctx), name: None, rights };
            self.deliver(target, &rest[..count], envelope)?;
        }
        if count == rest.len() {
            self.forget_wait(sender.id, sender.request);
            return Ok(bytes.len());
        }
        self.wait_for_room(sender, target, done + count)
    }

    fn send_packet(
        &mut self,
        sender: Sender,
        target: usize,
        bytes: &[u8],
        how: Sending,
        ctx: &CallerCtx,
    ) -> Result<usize> {
        let cost = bytes.len().saturating_add(MESSAGE_COST);
        if cost > sender.limit {
            return fail(EMSGSIZE);
        }
        let used = self.socket(target)?.received.used();
        let fits = used + cost <= sender.limit && self.memory_for(target, bytes.len())? == bytes.len();
        if !fits {
            return self.wait_for_room(sender, target, 0);
        }
        let rights = if how.ticket != 0 { self.unstage(sender.id, how.ticket) } else { None };
        let name = self.socket(sender.id)?.name.clone();
        self.deliver(target, bytes, Envelope { sender: credentials(ctx), name, rights })?;
        self.forget_wait(sender.id, sender.request);
        Ok(bytes.len())
    }

    /// Gets memory for more bytes; answers for how many there is some. `ENOBUFS` when there is none and nothing that waits would
    /// make room.
    #[inline]
    fn memory_for(&mut self, target: usize, more: usize) -> Result<usize> {
        let socket = self.socket(target)?;
        let wanted = socket.received.memory_for(more);
        if wanted == socket.received.memory() { Ok(more) } else { self.grow(target, wanted, more) }
    }

    #[cold]
    fn grow(&mut self, target: usize, wanted: usize, more: usize) -> Result<usize> {
        let socket = self.socket(target)?;
        let (uid, has) = (socket.uid, socket.received.memory());
        let granted = self.accounts.add_memory(uid, wanted - has);
        let socket = self.sockets.get_mut(target).ok_or(Error::new(ENOBUFS))?;
        match granted {
            Ok(()) if self.system.has_memory(wanted) && socket.received.grow(wanted) => return Ok(more),
            Ok(()) => {
                let what = crate::accounts::Account { memory: wanted - has, ..Default::default() };
                self.accounts.release(uid, what);
            }
            Err(_) => {}
        }
        if socket.received.is_empty() && (has == 0 || socket.kind.has_packets()) {
            return fail(ENOBUFS);
        }
        Ok(if socket.kind.has_packets() { 0 } else { more.min(has - socket.received.used()) })
    }

    #[inline]
    fn deliver(&mut self, target: usize, bytes: &[u8], envelope: Envelope) -> Result<()> {
        let received = &mut self.socket_mut(target)?.received;
        let was_empty = received.is_empty();
        received.push(bytes, envelope);
        if was_empty {
            self.ready.raise(target, EventFlags::EVENT_READ);
        }
        Ok(())
    }

    #[cold]
    fn wait_for_room(&mut self, sender: Sender, target: usize, done: usize) -> Result<usize> {
        let starved = &mut self.socket_mut(target)?.starved;
        if !starved.contains(&sender.id) {
            starved.push(sender.id);
        }
        self.wait(sender.id, sender.request, sender.patience, done)
    }

    /// Receives. Nothing at all is the end of what comes.
    #[inline]
    pub fn receive(&mut self, id: usize, to: &mut [u8], how: How, nonblock: bool, ctx: &CallerCtx) -> Result<Taken> {
        let socket = self.sockets.get_mut(id).ok_or(Error::new(scheme_server::syscall::error::EBADF))?;
        let how = How { one_sender: socket.options.pass_credentials, ..how };
        let Some(taken) = socket.received.take(to, how) else {
            return self.receive_nothing(id, nonblock, ctx.id);
        };
        if !socket.starved.is_empty() && !how.peek {
            self.made_room(id);
        }
        self.forget_wait(id, ctx.id);
        Ok(taken)
    }

    #[inline]
    fn receive_nothing(&mut self, id: usize, nonblock: bool, request: Id) -> Result<Taken> {
        let socket = self.socket_mut(id)?;
        if socket.error != 0 {
            return fail(core::mem::take(&mut socket.error));
        }
        let connected = socket.kind != Kind::Datagram;
        let peer = match &socket.state {
            State::Listening(_) => return fail(EINVAL),
            State::Idle if connected => return fail(ENOTCONN),
            State::Broken => return Ok(Taken::default()),
            State::Connected(peer) if connected => Some(peer.number),
            _ => None,
        };
        let patience = Patience { nonblock, timeout: socket.options.receive_timeout };
        let over =
            socket.receive_shut || peer.is_some_and(|peer| self.sockets.get(peer).is_some_and(|peer| peer.send_shut));
        if over {
            return Ok(Taken::default());
        }
        if !patience.nonblock && patience.timeout == 0 {
            return fail(EWOULDBLOCK);
        }
        self.wait(id, request, patience, 0).map(|_| Taken::default())
    }

    /// Something was received: those who had no room to send may, when there is enough of it.
    #[cold]
    fn made_room(&mut self, id: usize) {
        let Some(socket) = self.sockets.get_mut(id) else { return };
        if socket.in_flight > 0 || socket.received.used() * 2 > SEND_BUFFER {
            return;
        }
        let starved = core::mem::take(&mut socket.starved);
        starved.into_iter().for_each(|number| self.ready.raise(number, EventFlags::EVENT_WRITE));
    }

    /// What can be done with a socket without waiting.
    pub fn readiness(&mut self, id: usize, wanted: EventFlags) -> Result<EventFlags> {
        let mut ready = EventFlags::empty();
        ready.set(EventFlags::EVENT_READ, self.can_receive(id)?);
        ready.set(EventFlags::EVENT_WRITE, self.can_send(id)?);
        if wanted.contains(EventFlags::EVENT_WRITE)
            && !ready.contains(EventFlags::EVENT_WRITE)
            && let Some(peer) = self.socket(id)?.peer()
            && let Some(other) = self.sockets.get_mut(peer.number)
            && !other.starved.contains(&id)
        {
            // Whoever asks is told.
            other.starved.push(id);
        }
        Ok(ready & wanted)
    }

    fn can_receive(&self, id: usize) -> Result<bool> {
        let socket = self.socket(id)?;
        Ok(match &socket.state {
            State::Listening(listener) => !listener.pending.is_empty(),
            _ if !socket.received.is_empty() || socket.receive_shut || socket.error != 0 => true,
            State::Idle | State::Connected(_) if socket.kind == Kind::Datagram => false,
            State::Connected(peer) => self.sockets.get(peer.number).is_none_or(|peer| peer.send_shut),
            State::Idle | State::Broken => true,
        })
    }

    fn can_send(&self, id: usize) -> Result<bool> {
        let socket = self.socket(id)?;
        Ok(match &socket.state {
            State::Listening(_) => false,
            State::Connected(peer) if !socket.send_shut => match self.sockets.get(peer.number) {
                Some(other) if other.serial == peer.serial => {
                    other.receive_shut || other.received.used() * 2 <= socket.options.send_buffer
                }
                _ => true,
            },
            _ => true,
        })
    }
}
