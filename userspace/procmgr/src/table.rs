//! The processes.

use std::collections::BTreeMap;

use ochre_abi::process::{Credentials, LIMITS, Limit, NAME, Terminal};
use scheme_server::syscall::error::{EAGAIN, ESRCH, Error, Result};

use crate::limits;

/// Largest id.
const PID_MAX: u32 = 99_999;
/// Most processes.
const PROCESSES_MAX: usize = 32_768;

/// What a process is doing.
#[derive(Debug, PartialEq, Eq)]
pub enum State<T> {
    /// It runs, or is being made: this is its first thread.
    Running(T),
    /// As `Running`, but this signal has stopped it.
    Stopped(T, u8),
    /// It has ended with this wait status, and nobody has asked yet.
    Ended(usize),
}

/// News for a parent that waits, besides a child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The signal has stopped it.
    Stopped(u8),
    /// It goes on.
    Continued,
}

/// A process.
#[derive(Debug)]
pub struct Process<T> {
    /// Number of its own that no other process ever has: its id comes again.
    pub serial: u64,
    /// Its parent's id.
    pub parent: u32,
    /// Its children's, also those that nobody waits for.
    pub children: Vec<u32>,
    /// Its group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// Users and groups.
    pub ids: Credentials,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// -20 to 19.
    pub nice: i32,
    /// Limits, by their numbers.
    pub limits: [Limit; LIMITS],
    /// Name of its program.
    pub name: [u8; NAME],
    /// What it is doing.
    pub state: State<T>,
    /// A thread that is to be its first.
    pub successor: Option<T>,
    /// What its parent has not heard yet.
    pub news: Option<News>,
    /// It has executed a program since it was made.
    pub executed: bool,
    /// Nobody waits for it.
    pub detached: bool,
    /// It belongs to the system: no signals reach it.
    pub protected: bool,
    /// It may take from the system's reserve of memory, and so may children for which it asks for that; others may not.
    pub reserve: bool,
    /// Bits of `ochre_abi::process::child`.
    pub policy: u64,
    /// Open numbers on which it waits for children.
    pub waiting: Vec<usize>,
    /// Seconds of processor time at which it is told that it has used too much, again.
    pub next_warning: u64,
    /// Processor time it had used when it ended, in nanoseconds.
    pub time_ns: u64,
    /// Processor time of the children that it has waited for.
    pub children_ns: u64,
}

impl<T> Process<T> {
    /// The first process: user 0, its own group and session, limited by nothing but what the system can do.
    pub fn first(serial: u64, name: [u8; NAME], thread: T) -> Self {
        Process {
            serial,
            parent: 0,
            children: Vec::new(),
            group: 0,
            session: 0,
            ids: Credentials::default(),
            groups: Vec::new(),
            nice: 0,
            limits: limits::DEFAULT,
            name,
            state: State::Running(thread),
            successor: None,
            news: None,
            executed: true,
            detached: false,
            protected: true,
            reserve: false,
            policy: 0,
            waiting: Vec::new(),
            next_warning: 0,
            time_ns: 0,
            children_ns: 0,
        }
    }

    /// A child of this process, with the id `parent`.
    pub fn child<U>(&self, serial: u64, parent: u32, thread: U) -> Process<U> {
        Process {
            parent,
            group: self.group,
            session: self.session,
            ids: self.ids,
            groups: self.groups.clone(),
            nice: self.nice,
            limits: self.limits,
            // What the system's own processes do not ask for, others may.
            policy: if self.protected { 0 } else { self.policy },
            executed: false,
            protected: false,
            ..Process::first(serial, self.name, thread)
        }
    }

    /// The same process, with this thread.
    pub fn with<U>(self, thread: U) -> Process<U> {
        Process {
            serial: self.serial,
            parent: self.parent,
            children: self.children,
            group: self.group,
            session: self.session,
            ids: self.ids,
            groups: self.groups,
            nice: self.nice,
            limits: self.limits,
            name: self.name,
            state: State::Running(thread),
            successor: None,
            news: self.news,
            executed: self.executed,
            detached: self.detached,
            protected: self.protected,
            reserve: self.reserve,
            policy: self.policy,
            waiting: self.waiting,
            next_warning: self.next_warning,
            time_ns: self.time_ns,
            children_ns: self.children_ns,
        }
    }

    /// Its first thread; none when it has ended.
    pub fn thread(&self) -> Option<&T> {
        match &self.state {
            State::Running(thread) | State::Stopped(thread, _) => Some(thread),
            State::Ended(_) => None,
        }
    }

    /// Whether it has not ended.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, State::Ended(_))
    }
}

/// All processes, and what they share.
#[derive(Debug)]
pub struct Table<T> {
    processes: BTreeMap<u32, Process<T>>,
    /// Sessions that a terminal controls.
    pub terminals: BTreeMap<u32, Terminal>,
    /// Whose children orphans become.
    pub adopter: u32,
    /// How many are stopped.
    pub stopped: usize,
    /// Open numbers on which a wait is to be tried again.
    pub ready: Vec<usize>,
    last_pid: u32,
    last_serial: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Table<T> {
    /// Empty.
    pub fn new() -> Self {
        Table {
            processes: BTreeMap::new(),
            terminals: BTreeMap::new(),
            adopter: 1,
            stopped: 0,
            ready: Vec::new(),
            last_pid: 0,
            last_serial: 0,
        }
    }

    /// The process with this id, which may have ended; `ESRCH`.
    pub fn get(&self, pid: u32) -> Result<&Process<T>> {
        self.processes.get(&pid).ok_or(Error::new(ESRCH))
    }

    /// As [`Table::get`], to be changed.
    pub fn get_mut(&mut self, pid: u32) -> Result<&mut Process<T>> {
        self.processes.get_mut(&pid).ok_or(Error::new(ESRCH))
    }

    /// All, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Process<T>)> {
        self.processes.iter().map(|(&pid, process)| (pid, process))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// An id that no process has, and no group or session; `EAGAIN`.
    pub fn new_pid(&mut self) -> Result<u32> {
        if self.processes.len() >= PROCESSES_MAX {
            return Err(Error::new(EAGAIN));
        }
        for _ in 0..PID_MAX {
            self.last_pid = self.last_pid % PID_MAX + 1;
            let pid = self.last_pid;
            // Ids that were never used need no search.
            let fresh = self.last_serial < u64::from(pid);
            if fresh || !self.is_used(pid) {
                return Ok(pid);
            }
        }
        Err(Error::new(EAGAIN))
    }

    fn is_used(&self, id: u32) -> bool {
        self.processes.contains_key(&id)
            || self.processes.values().any(|process| process.group == id || process.session == id)
    }

    /// A number that was never given out.
    pub fn new_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    /// Puts a process in, as its parent's child.
    pub fn insert(&mut self, pid: u32, process: Process<T>) {
        if let Some(parent) = self.processes.get_mut(&process.parent) {
            parent.children.push(pid);
        }
        self.processes.insert(pid, process);
    }

    /// Takes a process out; its parent has it no longer.
    pub fn remove(&mut self, pid: u32) -> Option<Process<T>> {
        let process = self.processes.remove(&pid)?;
        if let Some(parent) = self.processes.get_mut(&process.parent) {
            parent.children.retain(|&child| child != pid);
        }
        self.stopped -= usize::from(matches!(process.state, State::Stopped(..)));
        Some(process)
    }

    /// Gives a process another state; answers the one before.
    pub fn set_state(&mut self, pid: u32, change: impl FnOnce(T) -> State<T>) -> Result<()> {
        let process = self.processes.get_mut(&pid).ok_or(Error::new(ESRCH))?;
        let before = std::mem::replace(&mut process.state, State::Ended(0));
        let was = matches!(before, State::Stopped(..));
        process.state = match before {
            State::Running(thread) | State::Stopped(thread, _) => change(thread),
            ended => ended,
        };
        let is = matches!(process.state, State::Stopped(..));
        self.stopped = self.stopped + usize::from(is) - usize::from(was);
        Ok(())
    }

    /// Those who wait for children of a process look again.
    pub fn wake(&mut self, pid: u32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            self.ready.append(&mut process.waiting);
        }
    }

    /// Ids of the processes of a group that have not ended.
    pub fn members(&self, group: u32) -> Vec<u32> {
        self.select(|process| process.group == group)
    }

    /// Ids of the processes that have not ended and fit.
    pub fn select(&self, fits: impl Fn(&Process<T>) -> bool) -> Vec<u32> {
        self.iter().filter(|(_, process)| process.is_alive() && fits(process)).map(|(pid, _)| pid).collect()
    }
}
