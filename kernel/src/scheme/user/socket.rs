//! A scheme's socket: the daemon's end, where it takes requests and gives answers.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use ochre_abi::SOCKET_IDENTIFY;
use syscall::error::{EACCES, EAGAIN, EBADF, EINTR, EINVAL, ELOOP, ENOENT, EXDEV, Error, Result};
use syscall::schemev2::{Cqe, CqeOpcode, NewFdFlags, Opcode, Sqe};
use syscall::{CallFlags, EventFlags, GlobalSchemes, NewFdParams, SchemeSocketCall};

use super::request::State;
use super::{Inner, UserScheme};
use crate::context::wait::{self, Wake};
use crate::context::{Thread, sched};
use crate::memory::UserSlice;
use crate::scheme::event::EventSource;
use crate::scheme::object::{Holder, Io, Object, Opened};
use crate::scheme::{Description, Target};
use crate::sync::{Guard, level};

/// The right to make schemes: `dup` with `"create-scheme"` gives a socket.
pub struct CreationCapability;

impl Object for CreationCapability {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Proc
    }

    fn dup(&self, argument: &[u8]) -> Result<Opened> {
        match argument {
            b"" => Ok(Opened::Same),
            b"create-scheme" if Thread::current().euid.load(Ordering::Relaxed) != 0 => Err(Error::new(EACCES)),
            b"create-scheme" => Ok(Opened::Object(Arc::new(Socket { scheme: UserScheme::new()? }))),
            _ => Err(Error::new(ENOENT)),
        }
    }
}

/// The daemon's end of a scheme. When it goes, the scheme is dead.
pub struct Socket {
    scheme: Arc<UserScheme>,
}

/// Where a thread is to find what it takes.
enum Taken {
    /// A request from the queue.
    Request(usize, Sqe),
    /// A message without an answer.
    Notice(Sqe),
    /// A request in the thread's inbox.
    Inbox(usize),
}

type Locked<'a> = Guard<'a, { level::SCHEME }, Inner>;

/// What follows a wait.
enum Waited {
    Got(Taken),
    Nothing,
    Interrupted,
}

impl Socket {
    /// Binds the window to the caller's address space if it has none.
    #[inline(always)]
    fn lock_bound(&self) -> Result<Locked<'_>> {
        let space = Thread::current().with_space(|space| space.id()).unwrap_or(0);
        let inner = self.scheme.inner.lock();
        if inner.bound == space {
            return Ok(inner);
        }
        drop(inner);
        self.scheme.bind()?;
        Ok(self.scheme.inner.lock())
    }

    /// The next message, if there is one.
    #[inline]
    fn take(inner: &mut Inner) -> Option<Taken> {
        if let Some(notice) = inner.notices.pop_front() {
            return Some(Taken::Notice(notice));
        }
        let index = inner.requests.next()?;
        let me = Thread::current();
        inner.server = Some((me, me.incarnation()));
        if let Some(level) = inner.requests.caller_level(index) {
            sched::take_level(me, level);
        }
        Some(Taken::Request(index, inner.requests.get(index).sqe))
    }

    /// Waits for a message. `after` leaves the processor once this thread is on the list of those that wait and the lock is released.
    #[inline(always)]
    fn wait<'a>(&'a self, mut inner: Locked<'a>, nonblock: bool, after: impl FnOnce()) -> Waited {
        let me = Thread::current();
        if nonblock {
            drop(inner);
            return Waited::Nothing;
        }
        let mut after = Some(after);
        loop {
            me.delivery.store(0, Ordering::Relaxed);
            wait::prepare();
            inner.idle.push(me);
            drop(inner);
            match after.take() {
                Some(after) => after(),
                None => {
                    wait::block(None);
                }
            }
            let delivered = me.delivery.load(Ordering::Relaxed);
            if delivered != 0 {
                return Waited::Got(Taken::Inbox(delivered as usize - 1));
            }
            inner = self.scheme.inner.lock();
            // Whoever delivers does it under the lock.
            let delivered = me.delivery.load(Ordering::Relaxed);
            if delivered != 0 {
                return Waited::Got(Taken::Inbox(delivered as usize - 1));
            }
            inner.idle.retain(|thread| !core::ptr::eq(*thread, me));
            if let Some(taken) = Self::take(&mut inner) {
                return Waited::Got(taken);
            }
            if me.is_interrupted() {
                return Waited::Interrupted;
            }
        }
    }

    /// Gives a message to the daemon; one that cannot be written goes back to the queue.
    #[inline(always)]
    fn give(&self, taken: Taken, to: UserSlice) -> Result<()> {
        match &taken {
            Taken::Inbox(_) => to.write_words(&Thread::current().inbox),
            Taken::Request(_, sqe) | Taken::Notice(sqe) => to.write_value(sqe),
        }
        .inspect_err(|_| self.give_back(taken))
    }

    #[cold]
    fn give_back(&self, taken: Taken) {
        let mut inner = self.scheme.inner.lock();
        match taken {
            Taken::Notice(notice) => inner.notices.push_front(notice),
            Taken::Request(index, _) => inner.requests.requeue(index),
            Taken::Inbox(index) => {
                let words = Thread::current().inbox.each_ref().map(|word| word.load(Ordering::Relaxed));
                inner.requests.get(index).restore(words);
                inner.requests.requeue(index);
            }
        }
    }

    fn read_requests(&self, to: UserSlice, nonblock: bool) -> Result<usize> {
        let size = size_of::<Sqe>();
        if to.len() < size {
            return Err(Error::new(EINVAL));
        }
        sched::return_level(Thread::current());
        let mut inner = self.lock_bound()?;
        let first = match Self::take(&mut inner) {
            Some(taken) => {
                drop(inner);
                taken
            }
            None => {
                let after = || {
                    wait::block(None);
                };
                match self.wait(inner, nonblock, after) {
                    Waited::Got(taken) => taken,
                    Waited::Nothing => return Err(Error::new(EAGAIN)),
                    Waited::Interrupted => return Err(Error::new(EINTR)),
                }
            }
        };
        self.give(first, to)?;
        let mut done = size;
        while done + size <= to.len() {
            let Some(taken) = Self::take(&mut self.scheme.inner.lock()) else {
                break;
            };
            if self.give(taken, to.skip(done)).is_err() {
                break;
            }
            done += size;
        }
        Ok(done)
    }

    /// Carries out one answer. The thread that waits for it is claimed (`wait::claim`) while the scheme is locked, so that the
    /// wake-up cannot meet a later wait of that thread; whoever gets it here must run it or queue it. None: nobody waits, or the
    /// one who does is on its way out of the wait and will find the answer.
    #[inline(always)]
    fn answer(
        &self,
        inner: &mut Inner,
        cqe: &Cqe,
        passed: &mut Option<Arc<Description>>,
    ) -> Result<Option<&'static Thread>> {
        if cqe.flags == CqeOpcode::RespondRegular as u8
            && let Some(index) = inner.requests.by_tag(cqe.tag)
        {
            let request = inner.requests.get(index);
            if let Some(caller) = request.caller {
                request.marks.extra = cqe.extra_raw[0];
                request.state = State::Done;
                caller.reply.store(cqe.result, Ordering::Relaxed);
                return Ok(wait::claim(caller, Wake::Event).then_some(caller));
            }
        }
        self.answer_otherwise(inner, cqe, passed)
    }

    /// What is not an ordinary answer to somebody who waits.
    #[cold]
    #[inline(never)]
    fn answer_otherwise(
        &self,
        inner: &mut Inner,
        cqe: &Cqe,
        passed: &mut Option<Arc<Description>>,
    ) -> Result<Option<&'static Thread>> {
        let kind = CqeOpcode::try_from_raw(cqe.flags).ok_or(Error::new(EINVAL))?;
        if kind == CqeOpcode::SendFevent {
            self.send_event(cqe);
            return Ok(None);
        }
        let index = inner.requests.by_tag(cqe.tag).ok_or(Error::new(EINVAL))?;
        let request = inner.requests.get(index);
        let mut value = cqe.result;
        match kind {
            CqeOpcode::RespondRegular => {}
            CqeOpcode::RespondAndNotifyOnDetach => request.marks.notify_detach = true,
            CqeOpcode::RespondWithFd => {
                request.given.extend(passed.take());
                request.marks.is_descriptor = true;
                request.marks.has_holdings = true;
                value = 0;
            }
            CqeOpcode::RespondWithMultipleFds => {
                if value as usize != request.given.len() {
                    return Err(Error::new(EBADF));
                }
                request.marks.is_descriptor = true;
            }
            CqeOpcode::ObtainFd | CqeOpcode::SendFevent => return Err(Error::new(EINVAL)),
        }
        request.marks.extra = cqe.extra_raw[0];
        request.state = State::Done;
        match request.caller {
            Some(caller) => {
                caller.reply.store(value, Ordering::Relaxed);
                Ok(wait::claim(caller, Wake::Event).then_some(caller))
            }
            None => {
                self.answer_to_nobody(inner, index, value);
                Ok(None)
            }
        }
    }

    /// The caller has given up: what was opened for it is closed, and the place is free.
    #[cold]
    fn answer_to_nobody(&self, inner: &mut Inner, index: usize, value: u64) {
        let request = inner.requests.get(index);
        let opened = matches!(Opcode::try_from_raw(request.sqe.opcode), Some(Opcode::OpenAt | Opcode::Dup));
        let regular = !request.marks.is_descriptor && (value as i64) >= 0;
        let garbage = (core::mem::take(&mut request.given), core::mem::take(&mut request.sent), request.loan.take());
        self.scheme.free(inner, index);
        if opened && regular {
            self.scheme.post(inner, super::notice(Opcode::CloseMsg, value as usize, 0));
        }
        inner.garbage.push(garbage);
    }

    fn send_event(&self, cqe: &Cqe) {
        let source = self.scheme.sources.lock().get(&(cqe.result as usize)).cloned();
        if let Some(source) = source {
            source.notify(EventFlags::from_bits_truncate(cqe.tag as usize));
        }
    }

    /// Takes the descriptor that an answer passes on out of the daemon's table; one that it does not have is its own mistake.
    #[inline(always)]
    fn take_passed(cqe: &Cqe) -> Result<Option<Arc<Description>>> {
        if cqe.flags != CqeOpcode::RespondWithFd as u8 { Ok(None) } else { Self::take_named(cqe) }
    }

    #[cold]
    fn take_named(cqe: &Cqe) -> Result<Option<Arc<Description>>> {
        Thread::current().files()?.remove(cqe.result as usize).map(Some)
    }

    /// Puts it back when the answer came to nothing.
    fn keep_passed(cqe: &Cqe, passed: Option<Arc<Description>>) {
        if let (Some(description), Ok(files)) = (passed, Thread::current().files()) {
            // Another thread of the daemon may have used the number meanwhile; then the descriptor is closed.
            let _ = files.insert(cqe.result as usize, description);
        }
    }

    /// Takes lent pages back before the client runs again.
    #[inline]
    fn end_loan(&self, tag: u32) {
        let loan = {
            let mut inner = self.scheme.inner.lock();
            match inner.requests.by_tag(tag) {
                Some(index) => inner.requests.get(index).loan.take(),
                None => None,
            }
        };
        if let Some(mut loan) = loan {
            loan.end();
            let mut inner = self.scheme.inner.lock();
            if let Some(index) = inner.requests.by_tag(tag) {
                inner.requests.get(index).loan = Some(loan);
            }
        }
    }

    fn write_answers(&self, from: UserSlice) -> Result<usize> {
        let size = size_of::<Cqe>();
        let mut done = 0;
        while done + size <= from.len() {
            match self.write_answer(from.skip(done)) {
                Ok(()) => done += size,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        if done == 0 { Err(Error::new(EINVAL)) } else { Ok(done) }
    }

    fn write_answer(&self, from: UserSlice) -> Result<()> {
        let cqe: Cqe = from.read_value()?;
        if cqe.flags != CqeOpcode::SendFevent as u8 {
            self.end_loan(cqe.tag);
        }
        let mut passed = Self::take_passed(&cqe)?;
        let (caller, garbage) = {
            let mut inner = self.scheme.inner.lock();
            (self.answer(&mut inner, &cqe, &mut passed), core::mem::take(&mut inner.garbage))
        };
        Self::keep_passed(&cqe, passed);
        drop(garbage);
        let caller = caller?;
        sched::return_level(Thread::current());
        if let Some(caller) = caller {
            sched::enqueue(caller);
        }
        Ok(())
    }

    /// Answers one request and waits for the next: the fast path of a daemon. Answers 1 when only the first was done, 2 for both.
    #[inline(always)]
    fn answer_and_wait(&self, from: UserSlice, buffer: UserSlice) -> Result<usize> {
        if buffer.len() < size_of::<Sqe>() {
            return Err(Error::new(EINVAL));
        }
        let cqe: Cqe = from.read_value()?;
        let mut passed = Self::take_passed(&cqe)?;
        let mut inner = self.lock_bound()?;
        let is_answer = cqe.flags != CqeOpcode::SendFevent as u8;
        if is_answer && inner.requests.by_tag(cqe.tag).is_some_and(|index| inner.requests.get(index).marks.has_holdings)
        {
            drop(inner);
            self.end_loan(cqe.tag);
            inner = self.scheme.inner.lock();
        }
        let caller = match self.answer(&mut inner, &cqe, &mut passed) {
            Ok(caller) => caller,
            Err(error) => {
                drop(inner);
                Self::keep_passed(&cqe, passed);
                return Err(error);
            }
        };
        sched::return_level(Thread::current());
        if !inner.garbage.is_empty() {
            let garbage = core::mem::take(&mut inner.garbage);
            drop(inner);
            drop(garbage);
            inner = self.scheme.inner.lock();
        }
        if let Some(taken) = Self::take(&mut inner) {
            drop(inner);
            if let Some(caller) = caller {
                sched::enqueue(caller);
            }
            return Ok(if self.give(taken, buffer).is_ok() { 2 } else { 1 });
        }
        let after = || match caller {
            Some(caller) if !Thread::current().is_interrupted() && sched::may_hand_over(caller) => {
                sched::hand_over(caller);
            }
            other => {
                if let Some(caller) = other {
                    sched::enqueue(caller);
                }
                wait::block(None);
            }
        };
        match self.wait(inner, false, after) {
            Waited::Got(taken) => Ok(if self.give(taken, buffer).is_ok() { 2 } else { 1 }),
            Waited::Nothing | Waited::Interrupted => Ok(1),
        }
    }
}

impl Socket {
    /// As [`Socket::answer_and_wait`] with several answers; who waits for the last one gets the processor.
    #[inline(never)]
    fn answer_all_and_wait(&self, answers: usize, buffer: UserSlice) -> Result<usize> {
        let ahead = (answers - 1).checked_mul(size_of::<Cqe>()).filter(|&bytes| bytes < buffer.len());
        let ahead = ahead.ok_or(Error::new(EINVAL))?;
        let written = self.write_answers(buffer.first(ahead))? / size_of::<Cqe>();
        if written < answers - 1 {
            return Ok(written);
        }
        // What is done is done, also when the last one is wrong.
        Ok(written + self.answer_and_wait(buffer.skip(ahead), buffer).unwrap_or(0))
    }

    /// The scheme's own number behind a descriptor of the daemon; `EXDEV` when it leads elsewhere.
    fn identify(&self, fd: usize) -> Result<usize> {
        match &Thread::current().files()?.get(fd)?.target {
            Target::User { scheme, number } if Arc::ptr_eq(scheme, &self.scheme) => Ok(*number),
            _ => Err(Error::new(EXDEV)),
        }
    }
}

impl Object for Socket {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Proc
    }

    /// With `NewFdParams`: a descriptor to the daemon's own scheme.
    fn dup(&self, argument: &[u8]) -> Result<Opened> {
        if argument.is_empty() {
            return Ok(Opened::Same);
        }
        if argument.len() != size_of::<NewFdParams>() {
            return Err(Error::new(EINVAL));
        }
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&argument[at..at + 8]);
            u64::from_ne_bytes(bytes)
        };
        let offset = word(core::mem::offset_of!(NewFdParams, offset));
        let number = word(core::mem::offset_of!(NewFdParams, number)) as usize;
        let flags = word(core::mem::offset_of!(NewFdParams, flags)) as usize;
        let internal = argument[core::mem::offset_of!(NewFdParams, internal_flags)];
        let internal = NewFdFlags::from_bits(internal).ok_or(Error::new(EINVAL))?;
        let positioned = internal.contains(NewFdFlags::POSITIONED);
        Ok(Opened::Description(Description::user(self.scheme.clone(), number, flags, positioned, offset)))
    }

    fn socket_of(&self) -> Option<u32> {
        Some(self.scheme.id())
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        self.read_requests(to, io.nonblock)
    }

    fn write(&self, from: UserSlice, _io: Io) -> Result<usize> {
        self.write_answers(from)
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        match metadata {
            [0, 1, 1] => self.answer_and_wait(payload, payload),
            [0, answers, 1] if *answers > 1 => self.answer_all_and_wait(*answers as usize, payload),
            [SOCKET_IDENTIFY, fd] => self.identify(*fd as usize),
            [0, answers, requests] => {
                let (answers, requests) = (*answers as usize, *requests as usize);
                let bytes = |count: usize, size: usize| count.checked_mul(size).filter(|&len| len <= payload.len());
                let (Some(write), Some(read)) = (bytes(answers, size_of::<Cqe>()), bytes(requests, size_of::<Sqe>()))
                else {
                    return Err(Error::new(EINVAL));
                };
                let written =
                    if answers == 0 { 0 } else { self.write_answers(payload.first(write))? / size_of::<Cqe>() };
                if written < answers || requests == 0 {
                    return Ok(written);
                }
                match self.read_requests(payload.first(read), false) {
                    Ok(bytes) => Ok(written + bytes / size_of::<Sqe>()),
                    Err(_) if written > 0 => Ok(written),
                    Err(error) => Err(error),
                }
            }
            _ => Err(Error::new(EINVAL)),
        }
    }

    /// `[MoveFd, tag]`: descriptors to go with the answer to a request.
    fn send(&self, descriptions: Vec<Arc<Description>>, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        let [verb, tag] = metadata else {
            return Err(Error::new(EINVAL));
        };
        if SchemeSocketCall::try_from_raw(*verb as usize) != Some(SchemeSocketCall::MoveFd) {
            return Err(Error::new(EINVAL));
        }
        descriptions.iter().try_for_each(|description| description.enter(Holder::Scheme))?;
        let count = descriptions.len();
        let mut inner = self.scheme.inner.lock();
        let index = u32::try_from(*tag).ok().and_then(|tag| inner.requests.by_tag(tag)).ok_or(Error::new(EINVAL))?;
        let request = inner.requests.get(index);
        request.marks.has_holdings = true;
        let before = core::mem::replace(&mut request.given, descriptions);
        drop(inner);
        drop(before);
        Ok(count)
    }

    /// `[ObtainFd, tag]`: the descriptors that came with a request.
    fn receive(
        &self,
        count: usize,
        _flags: CallFlags,
        metadata: &[u64],
        _nonblock: bool,
    ) -> Result<Vec<Arc<Description>>> {
        let [verb, tag] = metadata else {
            return Err(Error::new(EINVAL));
        };
        if SchemeSocketCall::try_from_raw(*verb as usize) != Some(SchemeSocketCall::ObtainFd) {
            return Err(Error::new(EINVAL));
        }
        let mut inner = self.scheme.inner.lock();
        let index = u32::try_from(*tag).ok().and_then(|tag| inner.requests.by_tag(tag)).ok_or(Error::new(EINVAL))?;
        let sent = &mut inner.requests.get(index).sent;
        if sent.is_empty() || count != sent.len() {
            return Err(Error::new(EINVAL));
        }
        Ok(core::mem::take(sent))
    }

    fn enter(&self, holder: Holder) -> Result<()> {
        if matches!(holder, Holder::Table | Holder::Process) { Ok(()) } else { Err(Error::new(ELOOP)) }
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.scheme.socket_events)
    }

    fn readiness(&self) -> EventFlags {
        let inner = self.scheme.inner.lock();
        if inner.requests.has_queued() || !inner.notices.is_empty() {
            EventFlags::EVENT_READ
        } else {
            EventFlags::EVENT_NONE
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.scheme.die();
    }
}
