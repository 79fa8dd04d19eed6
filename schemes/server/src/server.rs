//! The loop: takes requests, has the scheme answer them, lets wait what cannot be answered yet.

use std::collections::BTreeSet;

use redox_scheme::scheme::{Op, SchemeResponse, SchemeState};
use redox_scheme::{CallRequest, CallerCtx, OpenResult, RecvFdRequest, Request, RequestKind, Response, SendFdRequest};
use syscall::error::{EAGAIN, EBADF, ECANCELED, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP, ESRCH, EWOULDBLOCK, Error, Result};
use syscall::flag::{O_NONBLOCK, StdFsCallKind};
use syscall::schemev2::{Opcode, SqeFlags};

use crate::locks::{Locks, Owner, Range, Refusal};
use crate::parked::{Key, Parked, Waiting};
use crate::scheme::{Offer, Scheme};
use crate::std_fs::{self, LockCall, STAT_AT};
use crate::{Answer, Link, raw};

/// Serves one scheme, or several that share a socket.
pub struct Server<L> {
    link: L,
    parked: Parked,
    locks: Locks,
    /// Numbers whose readiness somebody asked to be told.
    watched: BTreeSet<usize>,
    /// What crate `redox-scheme` keeps; its locks are not used.
    state: SchemeState,
    /// Answers and events that go out together.
    out: Vec<Answer>,
}

/// What follows [`Server::drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing is left to do now.
    Idle,
    /// There will be no requests any more.
    Closed,
}

/// What becomes of a request that the loop decodes itself.
enum Quick {
    /// It is answered.
    Done(Answer),
    /// It waits.
    Wait(Request),
    /// It is one that the loop does not decode.
    Other(Request),
}

/// What was made of a request.
enum Outcome {
    Done(SchemeResponse),
    Wait(Key),
}

impl<L: Link> Server<L> {
    /// A server without requests.
    pub fn new(link: L) -> Self {
        Self {
            link,
            parked: Parked::default(),
            locks: Locks::new(),
            watched: BTreeSet::new(),
            state: SchemeState::new(),
            out: Vec::new(),
        }
    }

    /// The socket.
    pub fn link(&mut self) -> &mut L {
        &mut self.link
    }

    /// Serves until there are no requests any more. Errors are those of the socket.
    pub fn run<S: Scheme>(&mut self, scheme: &mut S) -> Result<()> {
        let mut next = None;
        loop {
            let request = match next.take() {
                Some(request) => request,
                None => match self.link.next()? {
                    Some(request) => request,
                    None => return Ok(()),
                },
            };
            let reply = self.handle(request, scheme);
            // Those whom the request has woken run first: they have waited longer, and who made it may find more to do.
            self.out.extend(reply);
            self.gather(scheme);
            next = match self.out.len() {
                0 => None,
                1 => match self.out.pop() {
                    Some(Answer { response, carries }) => self.link.answer_and_next(response, carries)?,
                    None => None,
                },
                _ => self.link.answers_and_next(&mut self.out)?,
            };
        }
    }

    /// Serves what is there without waiting, for daemons that have other things to wait for: the link must be one that
    /// answers `EAGAIN` when it has nothing.
    pub fn drain<S: Scheme>(&mut self, scheme: &mut S) -> Result<After> {
        loop {
            let request = match self.link.next() {
                Ok(Some(request)) => request,
                Ok(None) => return Ok(After::Closed),
                Err(error) if error.errno == EAGAIN => return Ok(After::Idle),
                Err(error) => return Err(error),
            };
            let reply = self.handle(request, scheme);
            self.out.extend(reply);
            self.settle(scheme)?;
        }
    }

    /// Tells and tries again what the scheme says is ready. [`Server::run`] and [`Server::drain`] do this after each
    /// request; a daemon calls it when something else made its scheme ready.
    pub fn settle<S: Scheme>(&mut self, scheme: &mut S) -> Result<()> {
        self.gather(scheme);
        self.out.drain(..).try_for_each(|answer| self.link.answer(answer.response))
    }

    /// Collects events, and answers of what can be answered now.
    #[inline]
    fn gather<S: Scheme>(&mut self, scheme: &mut S) {
        let mut events = 0;
        while let Some((number, flags)) = scheme.next_ready() {
            if !self.watched.is_empty() && self.watched.contains(&number) {
                // Before all answers: whoever is told that a request is done finds what it has made ready.
                self.out.insert(events, Response::post_fevent(number, flags.bits()).into());
                events += 1;
            }
            self.retry(Key::Number(number), scheme);
        }
    }

    /// Has a request answered; `None` when it has no answer, or none yet.
    #[inline]
    fn handle<S: Scheme>(&mut self, request: Request, scheme: &mut S) -> Option<Answer> {
        if raw::entry(&request).opcode == Opcode::CloseMsg as u8 {
            self.closed(raw::entry(&request).args[0] as usize, scheme);
            return None;
        }
        match self.quick(request, scheme) {
            Quick::Done(answer) => Some(answer),
            Quick::Wait(request) => {
                let number = raw::entry(&request).args[0] as usize;
                self.parked.park(Key::Number(number), Waiting::Quick(request));
                None
            }
            Quick::Other(request) => self.handle_other(request, scheme),
        }
    }

    /// What clients do most is decoded here, and the rest by crate `redox-scheme`.
    #[inline]
    fn quick<S: Scheme>(&mut self, mut request: Request, scheme: &mut S) -> Quick {
        const READ: u8 = Opcode::Read as u8;
        const WRITE: u8 = Opcode::Write as u8;
        const FSTAT: u8 = Opcode::Fstat as u8;
        const OPEN: u8 = Opcode::OpenAt as u8;
        const STD_FS: u8 = Opcode::StdFsCall as u8;
        let entry = raw::entry(&request);
        let (opcode, id, third, fourth) = (entry.opcode, entry.args[0] as usize, entry.args[3], entry.args[4] as u32);
        let result = match opcode {
            READ => {
                let caller = raw::caller(&request);
                scheme.read(id, raw::payload(&mut request), third, fourth, &caller)
            }
            WRITE => {
                let caller = raw::caller(&request);
                scheme.write(id, raw::payload(&mut request), third, fourth, &caller)
            }
            FSTAT => {
                let caller = raw::caller(&request);
                let stat = raw::stat(&mut request).ok_or(Error::new(EINVAL));
                stat.and_then(|stat| scheme.fstat(id, stat, &caller)).map(|()| 0)
            }
            OPEN => {
                let caller = raw::caller(&request);
                match scheme.openat(id, raw::path(&mut request), third as usize, fourth, &caller) {
                    Ok(OpenResult::ThisScheme { number, flags }) => {
                        return Quick::Done(raw::answer(request, Ok(number), flags.bits()).into());
                    }
                    Ok(OpenResult::WouldBlock) => Err(Error::new(EWOULDBLOCK)),
                    Err(error) => Err(error),
                    Ok(opened) => return Quick::Done(opened_elsewhere(request, opened)),
                }
            }
            STD_FS if third as u8 == STAT_AT && !entry.sqe_flags.contains(SqeFlags::MULTIPLE_IDS) => {
                let caller = raw::caller(&request);
                std_fs::stat_at(scheme, id, fourth as usize, raw::payload(&mut request), &caller)
            }
            _ => return Quick::Other(request),
        };
        match result {
            Err(error) if error.errno == EWOULDBLOCK => {
                let nonblock = matches!(opcode, READ | WRITE | OPEN) && fourth as usize & O_NONBLOCK != 0;
                if nonblock {
                    // POSIX allows either number; this is the one that programs look for.
                    Quick::Done(raw::answer(request, Err(Error::new(EAGAIN)), 0).into())
                } else {
                    Quick::Wait(request)
                }
            }
            result => Quick::Done(raw::answer(request, result, 0).into()),
        }
    }

    #[inline(never)]
    fn handle_other<S: Scheme>(&mut self, request: Request, scheme: &mut S) -> Option<Answer> {
        let two_ids = two_id_credentials(&request);
        match request.kind() {
            RequestKind::Call(call) => self.call(call, two_ids, scheme),
            other => self.rare(other, scheme),
        }
    }

    #[inline]
    fn call<S: Scheme>(&mut self, call: CallRequest, two_ids: Option<(u32, u32)>, scheme: &mut S) -> Option<Answer> {
        let mut caller = call.caller();
        if let Some((uid, gid)) = two_ids {
            (caller.uid, caller.gid) = (uid, gid);
        }
        match call.op() {
            Ok(op) => self.carry_out(op, caller, scheme),
            Err(call) => Some(Response::err(ENOSYS, call).into()),
        }
    }

    #[inline]
    fn carry_out<S: Scheme>(&mut self, mut op: Op, caller: CallerCtx, scheme: &mut S) -> Option<Answer> {
        match self.attempt(&mut op, &caller, scheme) {
            Outcome::Done(response) => Some(reply(response, op)),
            Outcome::Wait(key) => {
                self.parked.park(key, Waiting::Decoded(caller, Box::new(op)));
                None
            }
        }
    }

    /// Tries to do what is asked.
    #[inline]
    fn attempt<S: Scheme>(&mut self, op: &mut Op, caller: &CallerCtx, scheme: &mut S) -> Outcome {
        let response = match op {
            Op::StdFsCall(_) | Op::Fevent { .. } | Op::Recvfd(_) => match self.ours(op, caller, scheme) {
                Outcome::Done(response) => response,
                wait => return wait,
            },
            _ => op.handle_sync_dont_consume(caller, scheme, &mut self.state),
        };
        if !would_block(&response) {
            return Outcome::Done(response);
        }
        match op.file_id() {
            Some(number) if !op.is_explicitly_nonblock() => Outcome::Wait(Key::Number(number)),
            // POSIX allows either number; this is the one that programs look for.
            _ => Outcome::Done(SchemeResponse::Regular(Err(Error::new(EAGAIN)))),
        }
    }

    /// Operations that are more than handing through.
    #[inline(never)]
    fn ours<S: Scheme>(&mut self, op: &mut Op, caller: &CallerCtx, scheme: &mut S) -> Outcome {
        let result = match op {
            Op::Fevent { fd, req_flags, .. } => {
                let answer = scheme.fevent(*fd, *req_flags, caller);
                if answer.is_ok() {
                    self.watched.insert(*fd);
                }
                answer.map(|flags| flags.bits())
            }
            Op::Recvfd(request) => return Outcome::Done(SchemeResponse::Opened(self.give(request, caller, scheme))),
            Op::StdFsCall(call) => match std_fs::kind(call) {
                Some(kind @ (StdFsCallKind::Lock | StdFsCallKind::Unlock | StdFsCallKind::GetLock)) => {
                    return self.lock(kind, op, caller, scheme);
                }
                Some(kind) => std_fs::call(scheme, kind, call, caller),
                None => Err(Error::new(EOPNOTSUPP)),
            },
            _ => Err(Error::new(ENOSYS)),
        };
        Outcome::Done(SchemeResponse::Regular(result))
    }

    fn give<S: Scheme>(&mut self, request: &RecvFdRequest, ctx: &CallerCtx, scheme: &mut S) -> Result<OpenResult> {
        let words = match request.metadata() {
            &[first, second] => [first, second],
            _ => return Err(Error::new(EINVAL)),
        };
        let fds = scheme.give_descriptors(request.id(), request.num_fds(), words, ctx)?;
        self.link.pass(request, &fds)?;
        Ok(OpenResult::OtherSchemeMultiple { num_fds: fds.len() })
    }

    fn lock<S: Scheme>(&mut self, kind: StdFsCallKind, op: &mut Op, ctx: &CallerCtx, scheme: &mut S) -> Outcome {
        let done = |result| Outcome::Done(SchemeResponse::Regular(result));
        let Op::StdFsCall(call) = op else {
            return done(Err(Error::new(ENOSYS)));
        };
        let (ids, payload, words) = call.fds_and_payload_and_metadata();
        let &[id] = ids else {
            return done(Err(Error::new(EINVAL)));
        };
        let asked = scheme.lockable(id).and_then(|file| Ok((file, LockCall::decode(words, id, ctx.pid)?)));
        let (file, LockCall { lock, wait }) = match asked {
            Ok(asked) => asked,
            Err(error) => return done(Err(error)),
        };
        match kind {
            StdFsCallKind::GetLock => match self.locks.conflict(file.inode, &lock) {
                Some(conflict) => done(LockCall::encode(&conflict, payload).map(|()| match conflict.owner {
                    Owner::Process(pid) => pid,
                    Owner::Description(_) => 0,
                })),
                None => done(Err(Error::new(ESRCH))),
            },
            StdFsCallKind::Unlock => {
                self.locks.unlock(file.inode, lock.owner, lock.range);
                self.retry(Key::Locks(file.inode), scheme);
                done(Ok(0))
            }
            _ if !(if lock.exclusive { file.write } else { file.read }) => done(Err(Error::new(EBADF))),
            _ => match self.locks.lock(file.inode, lock) {
                // A process's locks go with the first descriptor that it closes.
                Ok(()) if matches!(lock.owner, Owner::Process(_)) => {
                    Outcome::Done(SchemeResponse::RegularAndNotifyOnDetach(Ok(0)))
                }
                Ok(()) => done(Ok(0)),
                Err(Refusal::Conflict(_)) if wait => Outcome::Wait(Key::Locks(file.inode)),
                Err(Refusal::Conflict(_)) => done(Err(Error::new(EAGAIN))),
                Err(Refusal::TooMany) => done(Err(Error::new(ENOLCK))),
            },
        }
    }

    /// Tries all that wait for this, in the order they came.
    #[inline]
    fn retry<S: Scheme>(&mut self, key: Key, scheme: &mut S) {
        let Some(mut queue) = self.parked.take(key) else { return };
        for _ in 0..queue.len() {
            let Some(waiting) = queue.pop_front() else { break };
            match self.again(waiting, scheme) {
                Ok(answer) => self.out.push(answer),
                Err(waiting) => queue.push_back(waiting),
            }
        }
        self.parked.put_back(key, queue);
    }

    /// Tries a request that has waited; it comes back when it has to go on.
    #[inline]
    fn again<S: Scheme>(&mut self, waiting: Waiting, scheme: &mut S) -> core::result::Result<Answer, Waiting> {
        let (caller, mut op) = match waiting {
            Waiting::Quick(request) => match self.quick(request, scheme) {
                Quick::Done(answer) => return Ok(answer),
                Quick::Wait(request) | Quick::Other(request) => return Err(Waiting::Quick(request)),
            },
            Waiting::Decoded(caller, op) => (caller, op),
        };
        match self.attempt(&mut op, &caller, scheme) {
            Outcome::Done(response) => Ok(reply(response, *op)),
            Outcome::Wait(_) => Err(Waiting::Decoded(caller, op)),
        }
    }

    /// The last descriptor of a number is gone.
    #[inline]
    fn closed<S: Scheme>(&mut self, id: usize, scheme: &mut S) {
        if !self.watched.is_empty() {
            self.watched.remove(&id);
        }
        if !self.locks.is_empty() {
            self.unlock_all(id, Owner::Description(id), scheme);
        }
        for waiting in self.parked.take(Key::Number(id)).unwrap_or_default() {
            self.out.push(refusal(waiting, EBADF));
        }
        scheme.on_close(id);
    }

    #[cold]
    fn unlock_all<S: Scheme>(&mut self, id: usize, owner: Owner, scheme: &mut S) {
        let Ok(file) = scheme.lockable(id) else { return };
        self.locks.unlock(file.inode, owner, Range::ALL);
        self.retry(Key::Locks(file.inode), scheme);
    }

    /// Everything that is not a call.
    #[cold]
    fn rare<S: Scheme>(&mut self, request: RequestKind, scheme: &mut S) -> Option<Answer> {
        match request {
            RequestKind::Cancellation(request) => {
                let waiting = self.parked.cancel(request.id)?;
                let number = match &waiting {
                    Waiting::Quick(request) => Some(raw::entry(request).args[0] as usize),
                    Waiting::Decoded(_, op) => op.file_id(),
                };
                let done = number.and_then(|number| scheme.on_cancel(number, request.id));
                Some(finish(waiting, done.ok_or(Error::new(ECANCELED))))
            }
            RequestKind::OnClose { id } => {
                self.closed(id, scheme);
                None
            }
            RequestKind::OnDetach { id, pid } => {
                self.unlock_all(id, Owner::Process(pid), scheme);
                scheme.on_detach(id, pid);
                None
            }
            RequestKind::SendFd(request) => Some(self.take_descriptors(request, scheme).into()),
            RequestKind::RecvFd(request) => {
                let caller = request.caller();
                self.carry_out(request.op(), caller, scheme)
            }
            // Messages of kernels that page files in and out through the scheme.
            RequestKind::Call(_) | RequestKind::MsyncMsg | RequestKind::MunmapMsg | RequestKind::MmapMsg => None,
        }
    }

    fn take_descriptors<S: Scheme>(&mut self, request: SendFdRequest, scheme: &mut S) -> Response {
        let caller = request.caller();
        let mut offer = Offer { link: &mut self.link, request: &request };
        let result = scheme.on_descriptors(request.id(), &mut offer, &caller);
        Response::new(result, request)
    }
}

/// Credentials of a request on two numbers, whose second one is where those of others are. The kernel puts them into the
/// halves of two words that such calls do not use.
#[inline]
fn two_id_credentials(request: &Request) -> Option<(u32, u32)> {
    let entry = raw::entry(request);
    if entry.opcode != Opcode::StdFsCall as u8 || !entry.sqe_flags.contains(SqeFlags::MULTIPLE_IDS) {
        return None;
    }
    Some(((entry.args[4] >> 32) as u32, (entry.args[3] >> 32) as u32))
}

/// The answer to an open that leads to another scheme.
#[cold]
fn opened_elsewhere(request: Request, opened: OpenResult) -> Answer {
    let carries = carried(&opened);
    match request.kind() {
        RequestKind::Call(call) => Answer { response: Response::open_dup_like(Ok(opened), call), carries },
        // An open is nothing else.
        _ => Answer { response: Response::default(), carries },
    }
}

/// The descriptor that goes with an answer.
fn carried(opened: &OpenResult) -> Option<usize> {
    match opened {
        OpenResult::OtherScheme { fd } => Some(*fd),
        _ => None,
    }
}

fn would_block(response: &SchemeResponse) -> bool {
    match response {
        SchemeResponse::Opened(Ok(OpenResult::WouldBlock)) => true,
        SchemeResponse::Regular(Err(error))
        | SchemeResponse::RegularAndNotifyOnDetach(Err(error))
        | SchemeResponse::Opened(Err(error)) => error.errno == EWOULDBLOCK,
        _ => false,
    }
}

/// Ends the waiting of a request.
fn finish(waiting: Waiting, result: Result<usize>) -> Answer {
    match waiting {
        Waiting::Quick(request) => raw::answer(request, result, 0).into(),
        Waiting::Decoded(_, op) => Response::new(result, *op).into(),
    }
}

fn refusal(waiting: Waiting, errno: i32) -> Answer {
    finish(waiting, Err(Error::new(errno)))
}

#[inline]
fn reply(response: SchemeResponse, op: Op) -> Answer {
    match response {
        SchemeResponse::Regular(result) => Response::new(result, op).into(),
        SchemeResponse::RegularAndNotifyOnDetach(result) => Response::new_notify_on_detach(result, op).into(),
        SchemeResponse::Opened(opened) => {
            let carries = opened.as_ref().ok().and_then(carried);
            Answer { response: Response::open_dup_like(opened, op), carries }
        }
    }
}
