//! A system for terminals on paper, and clients of them.
#![allow(dead_code)] // Each test program uses a part of it.

use std::collections::BTreeMap;
use std::time::Duration;

use ochre_abi::terminal::{Request, Termios, WindowSize};
use pty::scheme::{CLOCK, PTY, Terminals};
use pty::system::{Member, System};
use scheme_server::fake::{Kernel, NO_OFFSET};
use scheme_server::syscall::error::{ENXIO, EPERM, ESRCH, Error, Result};
use scheme_server::syscall::flag::{O_NONBLOCK, O_RDWR};
use scheme_server::syscall::schemev2::Opcode;

/// Processes and time as a test wants them.
#[derive(Default)]
pub struct Fake {
    pub now: Duration,
    pub wake: Option<Duration>,
    /// Group and session of each process.
    pub processes: BTreeMap<u32, Member>,
    /// Terminal of each session, with the foreground.
    pub sessions: BTreeMap<u32, (usize, u32)>,
    /// Signals to groups (positive) and processes (negative).
    pub signals: Vec<(i64, u32)>,
}

impl System for Fake {
    fn now(&self) -> Duration {
        self.now
    }

    fn wake_at(&mut self, time: Duration) {
        self.wake = Some(self.wake.map_or(time, |known| known.min(time)));
    }

    fn member(&mut self, pid: u32) -> Result<Member> {
        self.processes.get(&pid).copied().ok_or(Error::new(ESRCH))
    }

    fn terminal_of(&mut self, pid: u32) -> Result<usize> {
        let member = self.member(pid)?;
        self.sessions.get(&member.session).map(|&(terminal, _)| terminal).ok_or(Error::new(ENXIO))
    }

    fn set_terminal(&mut self, session: u32, foreground: u32, terminal: Option<usize>) -> Result<()> {
        let Some(terminal) = terminal else {
            self.sessions.remove(&session);
            return Ok(());
        };
        if !self.processes.values().any(|member| (member.group, member.session) == (foreground, session)) {
            return Err(Error::new(EPERM));
        }
        self.sessions.insert(session, (terminal, foreground));
        Ok(())
    }

    fn signal_group(&mut self, group: u32, signal: u32) {
        self.signals.push((group.into(), signal));
    }

    fn signal_process(&mut self, pid: u32, signal: u32) {
        self.signals.push((-i64::from(pid), signal));
    }
}

/// The machine, its clients and what they are made of.
pub struct Machine {
    pub kernel: Kernel<Terminals<Fake>>,
}

/// A request that may wait.
pub struct Pending(pub u32);

impl Machine {
    /// Sessions 10 (processes 10, 11 in group 10, 12 in group 12) and 20 (process 20).
    pub fn new() -> Self {
        let mut system = Fake::default();
        for (pid, group, session, orphaned) in
            [(10, 10, 10, false), (11, 10, 10, false), (12, 12, 10, false), (13, 13, 10, true), (20, 20, 20, false)]
        {
            system.processes.insert(pid, Member { group, session, orphaned });
        }
        Self { kernel: Kernel::new(Terminals::new(system)) }
    }

    /// Does something as another process.
    pub fn by<T>(&mut self, pid: usize, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = core::mem::replace(&mut self.kernel.pid, pid);
        let answer = act(self);
        self.kernel.pid = before;
        answer
    }

    pub fn open(&mut self, root: usize, path: &str) -> Result<usize> {
        self.kernel.openat(root, path, O_RDWR).map(|opened| opened.number())
    }

    /// A new terminal: both ends.
    pub fn pair(&mut self) -> (usize, usize) {
        let master = self.open(PTY, "").unwrap();
        let path = self.kernel.fpath(master).unwrap();
        let slave = self.open(PTY, path.strip_prefix("/scheme/pty/").unwrap()).unwrap();
        (master, slave)
    }

    pub fn start(&mut self, opcode: Opcode, id: usize, bytes: &[u8], flags: usize) -> Pending {
        let sqe = self.kernel.sqe(opcode, [id as u64, 0, 0, NO_OFFSET, flags as u64]);
        let tag = self.kernel.submit(sqe, Some(bytes));
        self.kernel.settle();
        Pending(tag)
    }

    pub fn start_read(&mut self, id: usize) -> Pending {
        self.start(Opcode::Read, id, &[0; 256], 0)
    }

    /// What came of it; `None` while it waits.
    pub fn answer(&mut self, pending: &Pending) -> Option<Result<Vec<u8>>> {
        let mut answer = self.kernel.answer(pending.0)?;
        Some(answer.result().map(|count| {
            answer.payload.truncate(count);
            answer.payload
        }))
    }

    /// Reads without waiting.
    pub fn read(&mut self, id: usize) -> Result<Vec<u8>> {
        self.read_up_to(id, 1 << 17)
    }

    pub fn read_up_to(&mut self, id: usize, room: usize) -> Result<Vec<u8>> {
        let pending = self.start(Opcode::Read, id, &vec![0; room], O_NONBLOCK);
        self.answer(&pending).expect("it was not to wait")
    }

    /// Writes without waiting.
    pub fn write(&mut self, id: usize, bytes: &[u8]) -> Result<usize> {
        self.kernel.write(id, bytes, NO_OFFSET, O_NONBLOCK)
    }

    pub fn call(&mut self, id: usize, request: Request, argument: u64, payload: &[u8]) -> Result<(usize, Vec<u8>)> {
        let answer = self.kernel.call(id, payload, [request as u64, argument]);
        answer.result().map(|value| (value, answer.payload))
    }

    pub fn ask(&mut self, id: usize, request: Request, argument: u64) -> Result<usize> {
        self.call(id, request, argument, &[]).map(|(value, _)| value)
    }

    pub fn termios(&mut self, id: usize) -> Termios {
        let (_, bytes) = self.call(id, Request::GetAttributes, 0, &[0; Termios::SIZE]).unwrap();
        Termios::from_bytes(&bytes).unwrap()
    }

    pub fn change(&mut self, id: usize, change: impl FnOnce(&mut Termios)) {
        let mut termios = self.termios(id);
        change(&mut termios);
        self.call(id, Request::SetAttributes, 0, &termios.to_bytes()).unwrap();
    }

    pub fn resize(&mut self, id: usize, rows: u16, columns: u16) -> Result<()> {
        let size = WindowSize { rows, columns, width: 0, height: 0 };
        self.call(id, Request::SetSize, 0, &size.to_bytes()).map(drop)
    }

    /// Time passes; who asked to be woken is.
    pub fn pass(&mut self, time: Duration) {
        let system = self.kernel.scheme.system();
        system.now += time;
        if system.wake.is_some_and(|wake| wake <= system.now) {
            system.wake = None;
            self.kernel.write(CLOCK, &[0], NO_OFFSET, 0).unwrap();
        }
    }

    /// Signals sent since this was asked last.
    pub fn signals(&mut self) -> Vec<(i64, u32)> {
        core::mem::take(&mut self.kernel.scheme.system().signals)
    }

    /// Events told since this was asked last, of one number.
    pub fn events(&mut self, id: usize) -> usize {
        let told = core::mem::take(&mut self.kernel.events);
        told.into_iter().filter(|&(number, _)| number == id).fold(0, |all, (_, flags)| all | flags.bits())
    }
}

/// The error that came.
pub fn errno<T>(result: Result<T>) -> i32 {
    result.err().map_or(0, |error| error.errno)
}
