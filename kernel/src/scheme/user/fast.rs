//! The short way of a request: no descriptors, a payload of a slot at most, a place free. This is what a read, a write or a stat of
//! an ordinary file takes; whatever else there is goes the long way ([`UserScheme::exchange`]).

use core::sync::atomic::Ordering;

use syscall::error::{EINTR, EIO, Error, Result};
use syscall::schemev2::Opcode;

use super::request::{State, head};
use super::{Back, Inner, Payload, UserScheme, demux, sqe, window};
use crate::context::wait::{self, Wake};
use crate::context::{Thread, sched};
use crate::memory::{PAGE_SIZE, UserSlice};
use crate::sync::{Guard, level};

/// Bytes to the daemon that take the short way.
const LITTLE: usize = 64;

impl UserScheme {
    /// Sends a request with a payload in the client's memory and waits for the daemon's number. `args` are the arguments but
    /// for the payload's address and length: the first one, and those behind the payload; the last one is the credentials.
    #[inline]
    pub fn call_short(
        &self,
        opcode: Opcode,
        number: usize,
        rest: (usize, usize, u64),
        slice: UserSlice,
        to_daemon: bool,
        back: Back,
    ) -> Result<usize> {
        if to_daemon {
            self.send_short(opcode, number, rest, slice, back)
        } else {
            self.short(opcode, number, rest, slice, None, back)
        }
    }

    /// As [`UserScheme::call_short`] with a payload that goes to the daemon. It is copied with nothing locked: a little of it
    /// here, more on the long way.
    #[inline(never)]
    fn send_short(
        &self,
        opcode: Opcode,
        number: usize,
        rest: (usize, usize, u64),
        slice: UserSlice,
        back: Back,
    ) -> Result<usize> {
        let mut bytes = [0; LITTLE];
        let Some(bytes) = bytes.get_mut(..slice.len()) else {
            let (third, fourth, last) = rest;
            return self.call_long(opcode, [number, third, fourth], last, slice, (true, back));
        };
        slice.read(bytes)?;
        self.short(opcode, number, rest, slice, Some(bytes), back)
    }

    #[inline(always)]
    fn short(
        &self,
        opcode: Opcode,
        number: usize,
        (third, fourth, last): (usize, usize, u64),
        slice: UserSlice,
        sent: Option<&[u8]>,
        back: Back,
    ) -> Result<usize> {
        let me = Thread::current();
        let len = slice.len();
        let mut inner = self.inner.lock();
        let short = len != 0 && len <= window::SLOT_SIZE && inner.bound != 0 && !inner.dead;
        let base = inner.base;
        let place = if short && !inner.idle.is_empty() { inner.requests.take_ready() } else { None };
        let Some((index, request)) = place else {
            drop(inner);
            return self.call_long(opcode, [number, third, fourth], last, slice, (sent.is_some(), back));
        };
        request.begin(Some(me));
        let tag = request.sqe.tag;
        request.sqe.opcode = opcode as u8;
        let pid = u64::from(me.pid.load(Ordering::Relaxed));
        request.sqe.caller = pid;
        request.state = State::Delivered;
        if !self.window.has(index, len) && self.window.ensure(index, len).is_err() {
            self.free(&mut inner, index);
            return Err(crate::memory::OutOfMemory.into());
        }
        if let Some(bytes) = sent {
            self.window.put(index, bytes);
        }
        wait::prepare();
        let Some((daemon, direct)) = inner.claim_idle() else {
            // Those that waited have been interrupted; the long way queues the request.
            inner.requests.get(index).sqe = {
                let mut request = sqe(opcode, [number, base + index * window::SLOT_SIZE, len, third, fourth]);
                (request.tag, request.caller, request.args[5]) = (tag, pid, last);
                request
            };
            inner.requests.queue(index, me.level());
            drop(inner);
            self.socket_events.notify(syscall::EventFlags::EVENT_READ);
            wait::block(None);
            return self.finish_short(me, index, slice, back);
        };
        inner.server = Some((daemon, daemon.incarnation()));
        let words = [
            head(opcode as u8, 0, tag),
            number as u64,
            (base + index * window::SLOT_SIZE) as u64,
            len as u64,
            third as u64,
            fourth as u64,
            last,
            pid,
        ];
        for (place, word) in daemon.inbox.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        daemon.delivery.store(index as u32 + 1, Ordering::Relaxed);
        sched::lend_level(daemon, me.level());
        drop(inner);
        sched::give_processor(me, daemon, direct);
        self.finish_short(me, index, slice, back)
    }

    #[cold]
    #[inline(never)]
    fn call_long(
        &self,
        opcode: Opcode,
        [number, third, fourth]: [usize; 3],
        last: u64,
        slice: UserSlice,
        (to_daemon, back): (bool, Back),
    ) -> Result<usize> {
        let mut request = sqe(opcode, [number, 0, 0, third, fourth]);
        request.args[5] = last;
        self.call(request, Payload::User { slice, to_daemon, back })
    }

    #[inline(always)]
    fn finish_short(&self, me: &'static Thread, index: usize, slice: UserSlice, back: Back) -> Result<usize> {
        if me.last_wake() != Wake::Event && self.interrupted(me, index).is_none() {
            return Err(Error::new(EINTR));
        }
        let value = demux(me.reply.load(Ordering::Relaxed) as usize);
        let returned = match (back, value) {
            (Back::Result, Ok(count)) => slice.first(count),
            (Back::All, Ok(_)) => slice,
            _ => UserSlice::empty(),
        };
        let copied = if returned.len() <= PAGE_SIZE {
            self.window.write_out_page(index, returned)
        } else {
            self.window.write_out(index, returned)
        };
        let mut inner = self.inner.lock();
        let marks = inner.requests.get(index).marks;
        if marks.has_holdings {
            return self.refuse_holdings(inner, index);
        }
        self.free(&mut inner, index);
        drop(inner);
        copied?;
        value.map_err(|error| marks.judge(error))
    }

    /// The daemon has answered with descriptors where none were asked for: they are closed.
    #[cold]
    #[inline(never)]
    fn refuse_holdings(&self, mut inner: Guard<'_, { level::SCHEME }, Inner>, index: usize) -> Result<usize> {
        let given = core::mem::take(&mut inner.requests.get(index).given);
        self.free(&mut inner, index);
        drop(inner);
        drop(given);
        Err(Error::new(EIO))
    }
}
