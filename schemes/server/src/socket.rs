//! The socket itself, and what a daemon does before its loop: register, say that it is ready.

use ochre_abi::SOCKET_IDENTIFY;
use redox_scheme::scheme::register_scheme_inner;
use redox_scheme::{RecvFdRequest, Request, Response, SendFdRequest, SignalBehavior, Socket};
use syscall::error::{EAGAIN, EINTR, ENODEV, Error, Result};
use syscall::flag::{CallFlags, FmoveFdFlags, FobtainFdFlags};
use syscall::schemev2::{Cqe, Sqe};

use crate::{Answer, Link, Scheme, Server, raw};

/// Bytes of an answer.
const CQE: usize = size_of::<Cqe>();
/// Answers that go together. Their room must do for a request.
const BATCH: usize = 16;
/// Environment variable with the number of the pipe that waits for the notice of readiness.
const INIT_NOTIFY: &str = "INIT_NOTIFY";

/// A scheme's socket.
pub struct Port {
    socket: Socket,
}

impl Port {
    /// A new socket, whose requests are waited for. Errors: there is no name space (`ENOENT`), or it does not let its
    /// programs make schemes (`EACCES`).
    pub fn new() -> Result<Self> {
        Ok(Self { socket: Socket::create()? })
    }

    /// A new socket for [`Server::drain`]: it answers `EAGAIN` instead of waiting.
    pub fn nonblocking() -> Result<Self> {
        let socket = Socket::nonblock()?;
        // The first read gives the daemon the memory that requests come with; until then clients wait, and no event tells.
        match socket.next_request(SignalBehavior::Restart) {
            Err(error) if error.errno != EAGAIN => Err(error),
            _ => Ok(Self { socket }),
        }
    }

    /// A socket that was made otherwise.
    pub fn from_socket(socket: Socket) -> Self {
        Self { socket }
    }

    /// The socket, to be watched or to make descriptors of the scheme.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What tells the scheme's own numbers by descriptors of the daemon.
    pub fn identifier(&self) -> Identifier {
        Identifier { socket: self.socket.inner().raw() }
    }

    /// Puts the scheme into the name space as `name`; `root` is what opening starts from.
    pub fn register(&self, name: &str, root: usize) -> Result<()> {
        register_scheme_inner(&self.socket, name, root)
    }
}

/// Tells which descriptors of the daemon lead to its own scheme, as long as its socket is open.
#[derive(Clone, Copy, Debug)]
pub struct Identifier {
    socket: usize,
}

impl Identifier {
    /// The scheme's number behind a descriptor; `None` when it leads elsewhere.
    pub fn number(self, fd: usize) -> Option<usize> {
        let words = [SOCKET_IDENTIFY, fd as u64];
        libredox::call::call_wo(self.socket, &[], CallFlags::empty(), &words).ok()
    }
}

impl Link for Port {
    #[inline]
    fn next(&mut self) -> Result<Option<Request>> {
        self.socket.next_request(SignalBehavior::Restart)
    }

    #[inline]
    fn answer(&mut self, response: Response) -> Result<()> {
        let carries = raw::carried(&response);
        let taken = self.socket.write_response(response, SignalBehavior::Restart)?;
        if let Some(fd) = carries {
            // The kernel has taken it out of the table and says so; this frees the number in libc.
            let _ = libredox::call::close(fd);
        }
        match taken {
            true => Ok(()),
            false => Err(Error::new(ENODEV)),
        }
    }

    #[inline]
    fn answer_and_next(&mut self, response: Response, carries: Option<usize>) -> Result<Option<Request>> {
        let next = self.socket.write_response_and_await_next_request(SignalBehavior::Restart, response)?;
        if let Some(fd) = carries {
            // The kernel has taken it out of the table and says so; this frees the number in libc.
            let _ = libredox::call::close(fd);
        }
        match next {
            (true, next) => Ok(next),
            (false, _) => Err(Error::new(ENODEV)),
        }
    }

    fn answers_and_next(&mut self, answers: &mut Vec<Answer>) -> Result<Option<Request>> {
        let mut buffer = [0; BATCH * CQE];
        // What does not go together goes ahead.
        let ahead = answers.len().saturating_sub(BATCH);
        answers.drain(..ahead).try_for_each(|answer| self.answer(answer.response))?;
        let count = answers.len();
        let mut carried = false;
        for (to, Answer { response, carries }) in buffer.as_chunks_mut::<CQE>().0.iter_mut().zip(answers.iter_mut()) {
            let cqe = raw::completion(core::mem::take(response));
            to.copy_from_slice(&cqe);
            carried |= carries.is_some();
        }
        let words = [0, count as u64, 1];
        let done = loop {
            match libredox::call::call_rw(self.socket.inner().raw(), &mut buffer, CallFlags::empty(), &words) {
                Err(error) if error.errno() == EINTR => {}
                done => break done?,
            }
        };
        if carried {
            for fd in answers.iter().filter_map(|answer| answer.carries) {
                // The kernel has taken it out of the table and says so; this frees the number in libc.
                let _ = libredox::call::close(fd);
            }
        }
        answers.clear();
        if done < count {
            return Err(Error::new(ENODEV));
        }
        let mut entry = Sqe::default();
        entry.copy_from_slice(&buffer[..size_of::<Sqe>()]);
        Ok((done > count).then(|| raw::request(entry)))
    }

    fn obtain(&mut self, request: &SendFdRequest, fds: &mut [usize]) -> Result<()> {
        request.obtain_fd(&self.socket, FobtainFdFlags::empty(), fds)
    }

    fn pass(&mut self, request: &RecvFdRequest, fds: &[usize]) -> Result<()> {
        request.move_fd(&self.socket, FmoveFdFlags::empty(), fds)
    }
}

/// Tells whoever started this program that it is ready, if that waits for it.
pub fn notify_ready() {
    let Some(fd) = std::env::var(INIT_NOTIFY).ok().and_then(|text| text.parse().ok()) else {
        return;
    };
    // Whoever waited may be gone, which changes nothing for the daemon.
    let _ = libredox::call::write(fd, &[0]);
    let _ = libredox::call::close(fd);
}

/// Serves a scheme under a name: makes its socket, registers it, says that it is ready, and answers until the socket is
/// closed.
pub fn serve<S: Scheme>(name: &str, scheme: &mut S) -> Result<()> {
    let port = Port::new()?;
    port.register(name, scheme.scheme_root()?)?;
    notify_ready();
    Server::new(port).run(scheme)
}
