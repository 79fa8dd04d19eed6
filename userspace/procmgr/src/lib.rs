//! The process manager: who is whose child, in which group and session, as which user, within which limits, and how it ended.
//!
//! A process is an open number of this daemon, and whoever has a descriptor of it speaks for the process
//! (`ochre_abi::process` has the requests). [`table`] holds the processes; [`family`], [`groups`], [`signals`], [`ids`] and
//! [`limits`] are what can be done with them, [`manager`] is the scheme. Threads are the kernel's: the manager knows one of each
//! process, its first, through [`Machine`], so all of it is tested on the host.
//!
//! ## Who calls whom
//! The manager calls the kernel and nobody else, and never waits. That a thread has ended is told to it by a thread of its own
//! that does nothing but wait for that, and says so as a client of the scheme.
#![forbid(unsafe_code)]

mod cpu;
pub mod family;
pub mod groups;
pub mod ids;
pub mod limits;
pub mod manager;
pub mod signals;
pub mod table;
#[cfg(test)]
mod tests;
mod text;

use ochre_abi::process::NAME;
use scheme_server::syscall::error::Result;

pub use ochre_abi::proc::{SpaceUsage, ThreadStatus};

/// What the kernel is to know of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Its id.
    pub pid: u32,
    /// Effective user.
    pub euid: u32,
    /// Effective group.
    pub egid: u32,
    /// Priority, 0 (highest) to 39.
    pub priority: u32,
    /// Its name, padded with zeros.
    pub name: [u8; NAME],
}

/// A signal on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its number, 1 to 64.
    pub number: u8,
    /// Who sends it: the process, and its real user in the upper half.
    pub sender: u64,
    /// What goes along.
    pub value: u64,
    /// How it was sent (`si_code`).
    pub code: i32,
}

/// The kernel, as far as the manager knows it. A thread's value is a handle: dropping it gives the thread up.
pub trait Machine {
    /// A handle of a thread.
    type Thread;

    /// A new thread, not started, whose end is told to the manager with this id; with or without the right to take from the system's
    /// reserve of memory.
    fn create(&mut self, pid: u32, reserve: bool) -> Result<Self::Thread>;

    /// A descriptor of an open number of the manager.
    fn descriptor(&mut self, number: usize) -> Result<usize>;

    /// Puts it into the thread's table, where a process finds itself. On an error it is closed.
    fn introduce(&mut self, thread: &Self::Thread, fd: usize) -> Result<()>;

    /// A descriptor of the thread, to be given away; with or without the authority over it.
    fn give_thread(&mut self, thread: &Self::Thread, authority: bool) -> Result<usize>;

    /// What the thread is doing, or how it ended.
    fn status(&mut self, thread: &Self::Thread) -> Result<ThreadStatus>;

    /// Tells the kernel what a process is, all its threads.
    fn set_attributes(&mut self, thread: &Self::Thread, attributes: &Attributes) -> Result<()>;

    /// Limits a process to so many bytes of mappings and so many descriptors.
    fn set_limits(&mut self, thread: &Self::Thread, bytes: u64, descriptors: u64) -> Result<()>;

    /// What a process has used.
    fn usage(&mut self, thread: &Self::Thread) -> Result<SpaceUsage>;

    /// Has [`Manager::tick`](manager::Manager::tick) called after so many milliseconds, and not at the time that was asked for before.
    fn wake_in(&mut self, millis: u64);

    /// Ends a process, all its threads, with this status.
    fn end(&mut self, thread: &Self::Thread, status: usize);

    /// Stops all threads of a process.
    fn stop(&mut self, thread: &Self::Thread);

    /// Lets them go on.
    fn resume(&mut self, thread: &Self::Thread);

    /// Gives a signal to a process. `EOPNOTSUPP`: it handles none.
    fn signal(&mut self, thread: &Self::Thread, signal: &Signal) -> Result<()>;
}
