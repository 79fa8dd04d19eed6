//! Descriptors that go through sockets.
//!
//! A descriptor that waits in a socket must be reachable: if a socket's own descriptor waited in itself, or two sockets waited in
//! each other, nobody could close them any more. So **a socket that is on its way holds nothing**: one that has descriptors in it is
//! not sent (`ETOOMANYREFS`), and one that is on its way takes none until it has arrived.

use ochre_socket::flags;
use scheme_server::Offer;
use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{EBADF, EINVAL, ETOOMANYREFS, Error, Result};

use crate::accounts::Account;
use crate::channel::Rights;
use crate::ipc::{Ipc, System, fail};
use crate::socket::State;

/// Groups of descriptors that may wait to be sent from a socket, and to be fetched by who received them. The oldest makes way:
/// whoever had it is gone.
const GROUPS: usize = 64;

impl<S: System> Ipc<S> {
    /// Takes descriptors that a client wants to send; answers their ticket.
    pub fn stage(&mut self, id: usize, offer: &mut Offer<'_>, uid: u32) -> Result<usize> {
        if self.socket(id)?.in_flight > 0 {
            return fail(ETOOMANYREFS);
        }
        self.accounts.add_descriptors(uid, offer.count())?;
        let count = offer.count();
        let fds = offer.take().inspect_err(|_| self.give_back(uid, count))?;
        let sockets: Vec<usize> = fds.iter().filter_map(|&fd| self.system.own_number(fd)).collect();
        let rights = Rights { fds, sockets, uid };
        if rights.sockets.iter().any(|&number| number == id || self.holds(number)) {
            rights.fds.iter().for_each(|&fd| self.system.close(fd));
            self.give_back(uid, count);
            return fail(ETOOMANYREFS);
        }
        self.on_its_way(&rights, true);
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        let staged = &mut self.socket_mut(id)?.staged;
        staged.push_back((ticket, Box::new(rights)));
        if staged.len() > GROUPS
            && let Some((_, oldest)) = staged.pop_front()
        {
            self.drop_rights(*oldest);
        }
        Ok(ticket as usize)
    }

    fn give_back(&mut self, uid: u32, count: usize) {
        self.accounts.release(uid, Account { descriptors: count, ..Account::default() });
    }

    /// Whether descriptors wait in a socket, or in one that it has yet to give away.
    fn holds(&self, id: usize) -> bool {
        let Some(socket) = self.sockets.get(id) else { return false };
        let has = |id: &usize| self.sockets.get(*id).is_some_and(|socket| socket.received.has_rights());
        let pending = match &socket.state {
            State::Listening(listener) => listener.pending.iter().any(has),
            _ => false,
        };
        pending || has(&id) || !socket.staged.is_empty() || !socket.taken.is_empty()
    }

    fn on_its_way(&mut self, rights: &Rights, leaves: bool) {
        for &number in &rights.sockets {
            let Some(socket) = self.sockets.get_mut(number) else { continue };
            if leaves {
                socket.in_flight += 1;
                continue;
            }
            socket.in_flight = socket.in_flight.saturating_sub(1);
            if socket.in_flight == 0 {
                self.arrived(number);
            }
        }
    }

    /// A socket is not on its way any more: descriptors can go to it, and to those that wait to be accepted from it.
    fn arrived(&mut self, id: usize) {
        let Some(socket) = self.sockets.get_mut(id) else { return };
        let mut starved = core::mem::take(&mut socket.starved);
        if let State::Listening(listener) = &socket.state {
            for number in listener.pending.clone() {
                starved.extend(
                    self.sockets
                        .get_mut(number)
                        .map(|socket| core::mem::take(&mut socket.starved))
                        .into_iter()
                        .flatten(),
                );
            }
        }
        starved.into_iter().for_each(|number| self.ready.raise(number, EventFlags::EVENT_WRITE));
    }

    /// Whether descriptors with this ticket can go from one socket to another now. `None`: the other one is on its way.
    pub(crate) fn may_send(&self, from: usize, ticket: u64, to: usize) -> Result<Option<()>> {
        let staged = &self.socket(from)?.staged;
        let (_, rights) = staged.iter().find(|(known, _)| *known == ticket).ok_or(Error::new(EBADF))?;
        // What was not accepted yet is reached through the socket that it is to be accepted from.
        let holder = self.socket(to)?.listener.unwrap_or(to);
        if rights.sockets.contains(&holder) {
            return fail(ETOOMANYREFS);
        }
        Ok((self.socket(holder)?.in_flight == 0).then_some(()))
    }

    /// Takes out what was staged.
    pub(crate) fn unstage(&mut self, id: usize, ticket: u64) -> Option<Box<Rights>> {
        let staged = &mut self.sockets.get_mut(id)?.staged;
        let at = staged.iter().position(|(known, _)| *known == ticket)?;
        staged.remove(at).map(|(_, rights)| rights)
    }

    /// What was staged will not be sent.
    pub fn forget_staged(&mut self, id: usize, ticket: u64) -> Result<usize> {
        let rights = self.unstage(id, ticket).ok_or(Error::new(EINVAL))?;
        self.drop_rights(*rights);
        Ok(0)
    }

    /// Closes descriptors that nobody takes.
    pub(crate) fn drop_rights(&mut self, rights: Rights) {
        rights.fds.iter().for_each(|&fd| self.system.close(fd));
        self.give_back(rights.uid, rights.fds.len());
        self.on_its_way(&rights, false);
    }

    /// Keeps descriptors that were received until they are fetched, at most `room` of them. Answers ticket, number and flags for
    /// who received them.
    pub(crate) fn keep_taken(&mut self, id: usize, rights: Option<Box<Rights>>, room: usize) -> (u64, usize, u32) {
        let Some(mut rights) = rights else { return (0, 0, 0) };
        let count = rights.fds.len().min(room);
        if count == 0 {
            self.drop_rights(*rights);
            return (0, 0, flags::CONTROL_CUT);
        }
        let cut = rights.fds.split_off(count);
        let flags = if cut.is_empty() { 0 } else { flags::CONTROL_CUT };
        cut.iter().for_each(|&fd| self.system.close(fd));
        self.give_back(rights.uid, cut.len());
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        let Some(socket) = self.sockets.get_mut(id) else { return (0, 0, 0) };
        socket.taken.push_back((ticket, rights));
        if socket.taken.len() > GROUPS
            && let Some((_, oldest)) = socket.taken.pop_front()
        {
            self.drop_rights(*oldest);
        }
        (ticket, count, flags)
    }

    /// Gives descriptors to who received them.
    pub fn fetch(&mut self, id: usize, ticket: u64, count: usize) -> Result<Vec<usize>> {
        let taken = &mut self.socket_mut(id)?.taken;
        let at = taken.iter().position(|(known, rights)| *known == ticket && rights.fds.len() == count);
        let (_, rights) = at.and_then(|at| taken.remove(at)).ok_or(Error::new(EINVAL))?;
        self.give_back(rights.uid, count);
        self.on_its_way(&rights, false);
        Ok(rights.fds)
    }
}
