//! The loop: takes requests, has the scheme answer them, lets wait what cannot be answered yet.

use std::collections::BTreeSet;

use redox_scheme::scheme::{Op, SchemeResponse, SchemeState};
use redox_scheme::{CallRequest, CallerCtx, OpenResult, RecvFdRequest, Request, RequestKind, Response, SendFdRequest};
use syscall::error::{EAGAIN, EBADF, ECANCELED, EINVAL, ENOLCK, ENOSYS, EOPNOTSUPP, ESRCH, EWOULDBLOCK, Error, Result};
use syscall::flag::StdFsCallKind;
use syscall::schemev2::{Opcode, SqeFlags};

use crate::locks::{Locks, Owner, Range, Refusal};
use crate::parked::{Key, Parked, Waiting};
use crate::scheme::{Offer, Scheme};
use crate::std_fs::{self, LockCall, STAT_AT};
use crate::{Link, raw};

/// Serves one scheme, or several that share a socket.
pub struct Server<L> {
    link: L,
    parked: Parked,
    locks: Locks,
    /// Numbers whose readiness somebody asked to be told.
    watched: BTreeSet<usize>,
    /// What crate `redox-scheme` keeps; its locks are not used.
    state: SchemeState,
}

/// What follows [`Server::drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing is left to do now.
    Idle,
    /// There will be no requests any more.
    Closed,
}

/// An answer, and the descriptor that goes with it.
struct Reply {
    response: Response,
    carries: Option<usize>,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self { response, carries: None }
    }
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
            let reply = self.handle(request, scheme)?;
            self.settle(scheme)?;
            if let Some(Reply { response, carries }) = reply {
                next = self.link.answer_and_next(response, carries)?;
            }
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
            if let Some(reply) = self.handle(request, scheme)? {
                self.link.answer(reply.response)?;
            }
            self.settle(scheme)?;
        }
    }

    /// Tells and tries again what the scheme says is ready. [`Server::run`] and [`Server::drain`] do this after each
    /// request; a daemon calls it when something else made its scheme ready.
    #[inline]
    pub fn settle<S: Scheme>(&mut self, scheme: &mut S) -> Result<()> {
        while let Some((number, flags)) = scheme.next_ready() {
            if self.watched.contains(&number) {
                self.link.answer(Response::post_fevent(number, flags.bits()))?;
            }
            self.retry(Key::Number(number), scheme)?;
        }
        Ok(())
    }

    /// Has a request answered; `None` when it has no answer, or none yet. What clients do most is decoded here, and the
    /// rest by crate `redox-scheme`.
    #[inline]
    fn handle<S: Scheme>(&mut self, mut request: Request, scheme: &mut S) -> Result<Option<Reply>> {
        const READ: u8 = Opcode::Read as u8;
        const WRITE: u8 = Opcode::Write as u8;
        const FSTAT: u8 = Opcode::Fstat as u8;
        const OPEN: u8 = Opcode::OpenAt as u8;
        const CLOSE: u8 = Opcode::CloseMsg as u8;
        const STD_FS: u8 = Opcode::StdFsCall as u8;
        let entry = raw::entry(&request);
        let (id, third, fourth) = (entry.args[0] as usize, entry.args[3], entry.args[4] as u32);
        let result = match entry.opcode {
            CLOSE => return self.closed(id, scheme).map(|()| None),
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
                        return Ok(Some(raw::answer(request, Ok(number), flags.bits()).into()));
                    }
                    Ok(OpenResult::WouldBlock) => Err(Error::new(EWOULDBLOCK)),
                    Err(error) => Err(error),
                    Ok(opened) => return Ok(self.opened(request, opened)),
                }
            }
            STD_FS if third as u8 == STAT_AT && !entry.sqe_flags.contains(SqeFlags::MULTIPLE_IDS) => {
                let caller = raw::caller(&request);
                std_fs::stat_at(scheme, id, fourth as usize, raw::payload(&mut request), &caller)
            }
            _ => return self.handle_other(request, scheme),
        };
        match result {
            Err(error) if error.errno == EWOULDBLOCK => Ok(self.would_block(request)),
            result => Ok(Some(raw::answer(request, result, 0).into())),
        }
    }

    /// A request that cannot be answered now waits for the number it is about, unless its client does not want that.
    #[cold]
    fn would_block(&mut self, request: Request) -> Option<Reply> {
        let caller = raw::caller(&request);
        let RequestKind::Call(call) = request.kind() else { return None };
        match call.op() {
            Ok(op) => match op.file_id() {
                Some(number) if !op.is_explicitly_nonblock() => {
                    self.parked.park(Key::Number(number), Waiting { caller, op });
                    None
                }
                _ => Some(Response::err(EAGAIN, op).into()),
            },
            Err(call) => Some(Response::err(ENOSYS, call).into()),
        }
    }

    /// The answer to an open that leads to another scheme.
    #[cold]
    fn opened(&mut self, request: Request, opened: OpenResult) -> Option<Reply> {
        let RequestKind::Call(call) = request.kind() else { return None };
        let carries = carried(&opened);
        Some(Reply { response: Response::open_dup_like(Ok(opened), call), carries })
    }

    #[inline(never)]
    fn handle_other<S: Scheme>(&mut self, request: Request, scheme: &mut S) -> Result<Option<Reply>> {
        let two_ids = two_id_credentials(&request);
        match request.kind() {
            RequestKind::Call(call) => Ok(self.call(call, two_ids, scheme)),
            other => self.rare(other, scheme),
        }
    }

    #[inline]
    fn call<S: Scheme>(&mut self, call: CallRequest, two_ids: Option<(u32, u32)>, scheme: &mut S) -> Option<Reply> {
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
    fn carry_out<S: Scheme>(&mut self, mut op: Op, caller: CallerCtx, scheme: &mut S) -> Option<Reply> {
        match self.attempt(&mut op, &caller, scheme) {
            Outcome::Done(response) => Some(reply(response, op)),
            Outcome::Wait(key) => {
                self.parked.park(key, Waiting { caller, op });
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
                done(self.retry(Key::Locks(file.inode), scheme).map(|()| 0))
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
    fn retry<S: Scheme>(&mut self, key: Key, scheme: &mut S) -> Result<()> {
        let mut from = 0;
        while let Some((ticket, Waiting { caller, mut op })) = self.parked.take(key, from) {
            from = ticket + 1;
            match self.attempt(&mut op, &caller, scheme) {
                Outcome::Done(response) => self.link.answer(reply(response, op).response)?,
                Outcome::Wait(_) => self.parked.put_back(key, ticket, Waiting { caller, op }),
            }
        }
        Ok(())
    }

    /// The last descriptor of a number is gone.
    #[inline]
    fn closed<S: Scheme>(&mut self, id: usize, scheme: &mut S) -> Result<()> {
        if !self.watched.is_empty() {
            self.watched.remove(&id);
        }
        if !self.locks.is_empty() {
            self.unlock_all(id, Owner::Description(id), scheme)?;
        }
        while !self.parked.is_empty()
            && let Some((_, waiting)) = self.parked.take(Key::Number(id), 0)
        {
            self.link.answer(Response::err(EBADF, waiting.op))?;
        }
        scheme.on_close(id);
        Ok(())
    }

    #[cold]
    fn unlock_all<S: Scheme>(&mut self, id: usize, owner: Owner, scheme: &mut S) -> Result<()> {
        let Ok(file) = scheme.lockable(id) else { return Ok(()) };
        self.locks.unlock(file.inode, owner, Range::ALL);
        self.retry(Key::Locks(file.inode), scheme)
    }

    /// Everything that is not a call.
    #[cold]
    fn rare<S: Scheme>(&mut self, request: RequestKind, scheme: &mut S) -> Result<Option<Reply>> {
        match request {
            RequestKind::Cancellation(request) => {
                let Some(Waiting { op, .. }) = self.parked.cancel(request.id) else { return Ok(None) };
                let done = op.file_id().and_then(|number| scheme.on_cancel(number, request.id));
                Ok(Some(Response::new(done.ok_or(Error::new(ECANCELED)), op).into()))
            }
            RequestKind::OnClose { id } => self.closed(id, scheme).map(|()| None),
            RequestKind::OnDetach { id, pid } => {
                self.unlock_all(id, Owner::Process(pid), scheme)?;
                scheme.on_detach(id, pid);
                Ok(None)
            }
            RequestKind::SendFd(request) => Ok(Some(self.take_descriptors(request, scheme).into())),
            RequestKind::RecvFd(request) => {
                let caller = request.caller();
                Ok(self.carry_out(request.op(), caller, scheme))
            }
            // Messages of kernels that page files in and out through the scheme.
            RequestKind::Call(_) | RequestKind::MsyncMsg | RequestKind::MunmapMsg | RequestKind::MmapMsg => Ok(None),
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

#[inline]
fn reply(response: SchemeResponse, op: Op) -> Reply {
    match response {
        SchemeResponse::Regular(result) => Response::new(result, op).into(),
        SchemeResponse::RegularAndNotifyOnDetach(result) => Response::new_notify_on_detach(result, op).into(),
        SchemeResponse::Opened(opened) => {
            let carries = opened.as_ref().ok().and_then(carried);
            Reply { response: Response::open_dup_like(opened, op), carries }
        }
    }
}
