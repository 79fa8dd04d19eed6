//! Sockets as a scheme: what clients ask, taken apart.

use ochre_socket::{Credentials, Received, TOKEN, Token, Verb, flags, option, parse};
use scheme_server::syscall::data::Stat;
use scheme_server::syscall::error::{EBADF, EINVAL, ENOENT, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, Error, Result};
use scheme_server::syscall::flag::{EventFlags, F_SETFL, MODE_SOCK, O_NONBLOCK};
use scheme_server::{CallerCtx, Id, NewFdFlags, Offer, OpenResult, Scheme, SchemeSync};

use crate::channel::How;
use crate::ipc::{Ipc, System, fail};
use crate::socket::{Kind, State};
use crate::transfer::Sending;

/// Name of the scheme.
pub const NAME: &str = "unix";
/// Number of the place where sockets are made.
pub const ROOT: usize = 1 << 32;
/// Number that is written to when a time has come. No client has it.
pub const ALARM: usize = ROOT + 1;
/// Smallest and largest number of bytes that may be on their way from a socket.
const SEND_BUFFERS: (usize, usize) = (4096, 1 << 20);

/// Answers a number that is not a socket's.
fn made(number: usize) -> OpenResult {
    OpenResult::ThisScheme { number, flags: NewFdFlags::empty() }
}

/// Writes as much of `bytes` as fits; answers how many there are.
fn put(payload: &mut [u8], bytes: &[u8]) -> usize {
    let count = bytes.len().min(payload.len());
    payload[..count].copy_from_slice(&bytes[..count]);
    bytes.len()
}

fn value(payload: &[u8]) -> Result<u64> {
    payload.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes)).ok_or(Error::new(EINVAL))
}

impl<S: System> Ipc<S> {
    fn message(&mut self, id: usize, payload: &mut [u8], words: [u64; 2], ctx: &CallerCtx) -> Result<usize> {
        let [word, second] = words;
        let (verb, flags) = parse(word).ok_or(Error::new(EOPNOTSUPP))?;
        match verb {
            Verb::Bind => {
                let (room, name) = payload.split_first_chunk_mut::<TOKEN>().ok_or(Error::new(EINVAL))?;
                *room = self.bind(id, name)?;
                Ok(0)
            }
            Verb::Connect if payload.is_empty() => self.disconnect(id),
            Verb::Connect => {
                let token = payload.first_chunk().ok_or(Error::new(EINVAL))?;
                self.connect(id, token, ctx)
            }
            Verb::SetOption => self.set_option(id, second, value(payload)?),
            Verb::GetOption => self.option(id, second),
            Verb::Send => self.send_message(id, payload, flags, second, ctx),
            Verb::Receive => self.receive_message(id, payload, flags, second, ctx),
            Verb::Unbind => self.unbind(id),
            Verb::GetToken => {
                *payload.first_chunk_mut().ok_or(Error::new(EINVAL))? = self.token(id)?;
                Ok(TOKEN)
            }
            Verb::GetPeerName => {
                let socket = self.socket(id)?;
                if socket.peer().is_none() {
                    return fail(ENOTCONN);
                }
                Ok(socket.peer_name.as_deref().map_or(0, |name| put(payload, name)))
            }
            Verb::Shutdown => self.shutdown(id, second),
            Verb::Listen => self.listen(id, second, ctx),
            Verb::GetName => Ok(self.socket(id)?.name.as_deref().map_or(0, |name| put(payload, name))),
            Verb::GetPeerCredentials => {
                let credentials = self.socket(id)?.peer_credentials.ok_or(Error::new(ENOTCONN))?;
                let room = payload.first_chunk_mut::<{ Credentials::LEN }>().ok_or(Error::new(EINVAL))?;
                *room = credentials.encode();
                Ok(0)
            }
            Verb::Forget => self.forget_staged(id, second),
        }
    }

    fn send_message(&mut self, id: usize, payload: &[u8], flags: u32, ticket: u64, ctx: &CallerCtx) -> Result<usize> {
        let (token, bytes) = payload.split_first_chunk::<TOKEN>().ok_or(Error::new(EINVAL))?;
        if flags & !flags::DONT_WAIT != 0 {
            return fail(EOPNOTSUPP);
        }
        let to = (*token != Token::default()).then_some(*token);
        let nonblock = self.socket(id)?.nonblock || flags & flags::DONT_WAIT != 0;
        self.send(id, bytes, Sending { to, ticket, nonblock }, ctx)
    }

    fn receive_message(
        &mut self,
        id: usize,
        payload: &mut [u8],
        flags: u32,
        wanted: u64,
        ctx: &CallerCtx,
    ) -> Result<usize> {
        let (head, bytes) = payload.split_first_chunk_mut::<{ Received::LEN }>().ok_or(Error::new(EINVAL))?;
        if flags & !(flags::DONT_WAIT | flags::PEEK | flags::CUT) != 0 {
            return fail(EOPNOTSUPP);
        }
        let nonblock = self.socket(id)?.nonblock || flags & flags::DONT_WAIT != 0;
        let how = How { peek: flags & flags::PEEK != 0, one_sender: false };
        let taken = self.receive(id, bytes, how, nonblock, ctx)?;
        let room = usize::try_from(wanted).unwrap_or(usize::MAX);
        let (ticket, descriptors, mut told) = self.keep_taken(id, taken.rights, room);
        if taken.length > taken.count {
            told |= flags::CUT;
        }
        if self.socket(id)?.options.pass_credentials {
            told |= flags::CREDENTIALS;
        }
        let mut received = Received {
            length: taken.length as u64,
            ticket,
            descriptors: descriptors as u32,
            flags: told,
            sender: taken.sender,
            ..Received::default()
        };
        if let Some(name) = taken.name {
            received.name_len = put(&mut received.name, &name) as u32;
        }
        *head = received.encode();
        Ok(taken.count)
    }

    fn set_option(&mut self, id: usize, what: u64, value: u64) -> Result<usize> {
        let options = &mut self.socket_mut(id)?.options;
        let bytes = || usize::try_from(value).unwrap_or(usize::MAX).clamp(SEND_BUFFERS.0, SEND_BUFFERS.1);
        match what {
            option::SEND_BUFFER => options.send_buffer = bytes(),
            option::RECEIVE_BUFFER => options.receive_buffer = bytes(),
            option::PASS_CREDENTIALS => options.pass_credentials = value != 0,
            option::RECEIVE_TIMEOUT => options.receive_timeout = value,
            option::SEND_TIMEOUT => options.send_timeout = value,
            _ => return fail(ENOPROTOOPT),
        }
        Ok(0)
    }

    fn option(&mut self, id: usize, what: u64) -> Result<usize> {
        let socket = self.socket_mut(id)?;
        Ok(match what {
            option::KIND => socket.kind as usize,
            option::ERROR => core::mem::take(&mut socket.error) as usize,
            option::SEND_BUFFER => socket.options.send_buffer,
            option::RECEIVE_BUFFER => socket.options.receive_buffer,
            option::PASS_CREDENTIALS => socket.options.pass_credentials.into(),
            option::RECEIVE_TIMEOUT => socket.options.receive_timeout as usize,
            option::SEND_TIMEOUT => socket.options.send_timeout as usize,
            option::LISTENS => matches!(socket.state, State::Listening(_)).into(),
            option::PENDING => socket.received.pending(),
            option::STATE => self.state(id)? as usize,
            _ => return fail(ENOPROTOOPT),
        })
    }
}

impl<S: System> SchemeSync for Ipc<S> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, _: usize, status: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        if dir != ROOT {
            return fail(scheme_server::syscall::error::ENOTDIR);
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.path() == path).ok_or(Error::new(ENOENT))?;
        self.create(kind, status as usize & O_NONBLOCK != 0, ctx.uid).map(made)
    }

    fn dup(&mut self, id: usize, argument: &[u8], ctx: &CallerCtx) -> Result<OpenResult> {
        match argument {
            b"accept" => self.accept(id, ctx).map(made),
            b"pair" => self.pair(id, ctx).map(made),
            _ => fail(EINVAL),
        }
    }

    #[inline]
    fn read(&mut self, id: usize, buf: &mut [u8], _: u64, flags: u32, ctx: &CallerCtx) -> Result<usize> {
        let taken = self.receive(id, buf, How::default(), flags as usize & O_NONBLOCK != 0, ctx)?;
        if let Some(rights) = taken.rights {
            // They are lost to who does not ask for them.
            self.drop_rights(*rights);
        }
        Ok(taken.count)
    }

    #[inline]
    fn write(&mut self, id: usize, buf: &[u8], _: u64, flags: u32, ctx: &CallerCtx) -> Result<usize> {
        if id == ALARM {
            self.expire();
            return Ok(buf.len());
        }
        let how = Sending { nonblock: flags as usize & O_NONBLOCK != 0, ..Sending::default() };
        self.send(id, buf, how, ctx)
    }

    fn fcntl(&mut self, id: usize, command: usize, argument: usize, _: &CallerCtx) -> Result<usize> {
        let socket = self.socket_mut(id)?;
        if command != F_SETFL {
            return fail(EINVAL);
        }
        socket.nonblock = argument & O_NONBLOCK != 0;
        Ok(0)
    }

    fn fevent(&mut self, id: usize, flags: EventFlags, _: &CallerCtx) -> Result<EventFlags> {
        self.readiness(id, flags)
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let kind = if id == ROOT { "" } else { self.socket(id)?.kind.path() };
        let path = format!("/scheme/{NAME}/{kind}");
        Ok(put(buf, path.as_bytes()).min(buf.len()))
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        if id == ROOT {
            *stat = Stat { st_mode: scheme_server::syscall::flag::MODE_DIR | 0o555, ..Stat::default() };
            return Ok(());
        }
        let socket = self.socket(id)?;
        *stat = Stat {
            st_ino: socket.serial,
            st_mode: MODE_SOCK | 0o777,
            st_nlink: 1,
            st_uid: socket.uid,
            st_blksize: 4096,
            ..Stat::default()
        };
        Ok(())
    }

    fn call(&mut self, id: usize, payload: &mut [u8], words: &[u64], ctx: &CallerCtx) -> Result<usize> {
        match *words {
            [first, second, ..] if id < ROOT => self.message(id, payload, [first, second], ctx),
            _ => fail(EBADF),
        }
    }

    #[inline]
    fn on_close(&mut self, id: usize) {
        self.close(id);
    }
}

impl<S: System> Scheme for Ipc<S> {
    #[inline]
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }

    fn on_cancel(&mut self, id: usize, request: Id) -> Option<usize> {
        self.cancelled(id, request)
    }

    fn on_descriptors(&mut self, id: usize, offer: &mut Offer<'_>, ctx: &CallerCtx) -> Result<usize> {
        self.stage(id, offer, ctx.uid)
    }

    fn give_descriptors(&mut self, id: usize, count: usize, words: [u64; 2], _: &CallerCtx) -> Result<Vec<usize>> {
        self.fetch(id, words[0], count)
    }
}
