//! The daemon with a kernel and a machine that are not there.

use std::collections::BTreeMap;

use ipc::ipc::{Ipc, System};
use ipc::scheme::ROOT;
use ochre_socket::{Received, TOKEN, Token, Verb, word};
use scheme_server::NewFdFlags;
use scheme_server::fake::{Answer, Kernel, NO_OFFSET};
use scheme_server::syscall::error::Result;
use scheme_server::syscall::schemev2::Opcode;

/// What the daemon does to its machine.
#[derive(Default)]
pub struct Machine {
    /// Nanoseconds.
    pub time: u64,
    /// Times that it wants to be woken at.
    pub alarms: Vec<u64>,
    /// Descriptors that it has closed.
    pub closed: Vec<usize>,
    /// Which descriptors lead to its own sockets.
    pub own: BTreeMap<usize, usize>,
    tokens: u64,
    /// The system has no memory for ordinary programs.
    pub no_memory: bool,
}

impl System for Machine {
    fn now(&self) -> u64 {
        self.time
    }

    fn wake_at(&mut self, at: u64) {
        self.alarms.push(at);
    }

    fn token(&mut self) -> Token {
        self.tokens += 1;
        let mut token = [0; TOKEN];
        token[..8].copy_from_slice(&self.tokens.to_ne_bytes());
        token
    }

    fn close(&mut self, fd: usize) {
        assert!(!self.closed.contains(&fd), "descriptor {fd} is closed twice");
        self.closed.push(fd);
    }

    fn own_number(&mut self, fd: usize) -> Option<usize> {
        self.own.get(&fd).copied()
    }

    fn has_memory(&mut self, _: usize) -> bool {
        !self.no_memory
    }
}

/// A machine with the daemon, and what clients do there.
pub struct Host {
    pub kernel: Kernel<Ipc<Machine>>,
}

#[allow(dead_code)]
impl Host {
    pub fn new() -> Self {
        Self { kernel: Kernel::new(Ipc::new(Machine::default())) }
    }

    pub fn ipc(&mut self) -> &mut Ipc<Machine> {
        &mut self.kernel.scheme
    }

    pub fn machine(&mut self) -> &mut Machine {
        self.kernel.scheme.system()
    }

    pub fn open(&mut self, kind: &str, flags: usize) -> Result<usize> {
        self.kernel.openat(ROOT, kind, flags).map(|opened| opened.number())
    }

    pub fn pair(&mut self, kind: &str) -> [usize; 2] {
        let one = self.open(kind, 0).unwrap();
        let other = self.kernel.dup(one, b"pair").unwrap();
        assert_eq!(other, scheme_server::fake::Opened::Number(other.number(), NewFdFlags::empty()));
        [one, other.number()]
    }

    pub fn ask(&mut self, id: usize, verb: Verb, flags: u32, second: u64, payload: &[u8]) -> Answer {
        self.kernel.call(id, payload, [word(verb, flags), second])
    }

    pub fn tell(&mut self, id: usize, verb: Verb, second: u64) -> Result<usize> {
        self.ask(id, verb, 0, second, &[]).result()
    }

    pub fn bind(&mut self, id: usize, name: &str) -> Result<Token> {
        let payload = [&[0; TOKEN], name.as_bytes()].concat();
        let answer = self.ask(id, Verb::Bind, 0, 0, &payload);
        answer.result()?;
        Ok(*answer.payload.first_chunk().unwrap())
    }

    pub fn connect(&mut self, id: usize, token: Token) -> Result<usize> {
        self.ask(id, Verb::Connect, 0, 0, &token).result()
    }

    pub fn accept(&mut self, id: usize) -> Result<usize> {
        self.kernel.dup(id, b"accept").map(|opened| opened.number())
    }

    /// Sends without waiting.
    pub fn send(&mut self, id: usize, bytes: &[u8], ticket: usize) -> Result<usize> {
        self.send_to(id, Token::default(), bytes, ticket)
    }

    pub fn send_to(&mut self, id: usize, token: Token, bytes: &[u8], ticket: usize) -> Result<usize> {
        let payload = [&token, bytes].concat();
        self.ask(id, Verb::Send, ochre_socket::flags::DONT_WAIT, ticket as u64, &payload).result()
    }

    /// Receives without waiting.
    pub fn receive(&mut self, id: usize, room: usize, fds: u64, flags: u32) -> Result<(Vec<u8>, Received)> {
        let flags = flags | ochre_socket::flags::DONT_WAIT;
        let answer = self.ask(id, Verb::Receive, flags, fds, &vec![0; Received::LEN + room]);
        let count = answer.result()?;
        let (head, bytes) = answer.payload.split_first_chunk().unwrap();
        Ok((bytes[..count].to_vec(), Received::decode(head)))
    }

    /// A read that may wait.
    pub fn start_read(&mut self, id: usize, room: usize) -> u32 {
        let sqe = self.kernel.sqe(Opcode::Read, [id as u64, 0, 0, NO_OFFSET, 0]);
        let tag = self.kernel.submit(sqe, Some(&vec![0; room]));
        self.kernel.settle();
        tag
    }

    /// A write that may wait.
    pub fn start_write(&mut self, id: usize, bytes: &[u8]) -> u32 {
        let sqe = self.kernel.sqe(Opcode::Write, [id as u64, 0, 0, NO_OFFSET, 0]);
        let tag = self.kernel.submit(sqe, Some(bytes));
        self.kernel.settle();
        tag
    }

    /// The time goes on, and the daemon is woken.
    pub fn pass(&mut self, nanos: u64) {
        self.machine().time += nanos;
        self.kernel.scheme.expire();
        self.kernel.settle();
    }

    /// Everything is closed: nothing may be left.
    pub fn assert_empty(&mut self) {
        assert!(self.ipc().is_empty(), "{} sockets are left", self.ipc().len());
        assert!(self.ipc().accounts().is_empty(), "something is left in an account");
    }
}

/// The error number.
#[track_caller]
#[allow(dead_code)]
pub fn errno<T: std::fmt::Debug>(result: Result<T>) -> i32 {
    result.expect_err("an error").errno
}
