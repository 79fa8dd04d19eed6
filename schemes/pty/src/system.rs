//! What terminals ask of the rest of the system.

use core::time::Duration;

use scheme_server::syscall::error::Result;

/// Numbers of the signals that terminals send.
pub mod signal {
    /// The terminal is gone.
    pub const HANGUP: u32 = 1;
    /// `^C`.
    pub const INTERRUPT: u32 = 2;
    /// `^\`.
    pub const QUIT: u32 = 3;
    /// Goes on after a stop.
    pub const CONTINUE: u32 = 18;
    /// `^Z`.
    pub const SUSPEND: u32 = 20;
    /// The window has another size.
    pub const WINDOW: u32 = 28;
}

/// Where a process belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// Nobody is left in the session who cares for the group.
    pub orphaned: bool,
}

/// Processes and time. What cannot be done, because the process manager says no or because there is none, is an error.
pub trait System {
    /// Time since some moment in the past.
    fn now(&self) -> Duration;

    /// The scheme wants to be called ([`Terminals::tick`](crate::scheme::Terminals::tick)) at this time; of several, at the
    /// first.
    fn wake_at(&mut self, time: Duration);

    /// Where a process belongs.
    fn member(&mut self, pid: u32) -> Result<Member>;

    /// Which terminal controls the session of a process. `ENXIO`: none.
    fn terminal_of(&mut self, pid: u32) -> Result<usize>;

    /// A session is controlled by a terminal, with this group in the foreground; `None`: it is not any more. `EPERM`: the
    /// session has no such group.
    fn set_terminal(&mut self, session: u32, foreground: u32, terminal: Option<usize>) -> Result<()>;

    /// Sends a signal to a group.
    fn signal_group(&mut self, group: u32, signal: u32);

    /// Sends a signal to a process.
    fn signal_process(&mut self, pid: u32, signal: u32);
}
