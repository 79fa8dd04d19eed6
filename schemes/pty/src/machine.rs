//! Ochre as terminals see it: the process manager, asked through this daemon's own descriptor there, and the clock.

use std::time::{Duration, Instant};

use libredox::call;
use ochre_abi::process::{Ids, NO_TERMINAL, Terminal, Verb};
use ochre_abi::start_fd;
use pty::system::{Member, System};
use scheme_server::syscall::CallFlags;
use scheme_server::syscall::error::{EIO, Error, Result};

use crate::alarm::Alarm;

/// The rest of the system.
pub struct Machine {
    start: Instant,
    alarm: Alarm,
}

impl Machine {
    /// One whose time begins now.
    pub fn new(alarm: Alarm) -> Self {
        Self { start: Instant::now(), alarm }
    }
}

/// Asks the process manager for a structure of `N` bytes.
fn ask<const N: usize>(verb: Verb, argument: u64) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    call::call_ro(start_fd::PROCESS, &mut bytes, CallFlags::empty(), &[verb as u64, argument]).map_err(number)?;
    Ok(bytes)
}

/// Tells it one.
fn tell(verb: Verb, argument: u64, payload: &[u8]) -> Result<()> {
    call::call_wo(start_fd::PROCESS, payload, CallFlags::empty(), &[verb as u64, argument]).map_err(number)?;
    Ok(())
}

fn number(error: libredox::error::Error) -> Error {
    Error::new(error.errno())
}

/// Sends a signal to whom a number stands for as it does for `kill`. That there is nobody any more is nothing that a
/// terminal could do something about.
fn kill(whom: i32, signal: u32) {
    let _ = tell(Verb::Kill, u64::from(whom as u32) | u64::from(signal) << 32, &[]);
}

impl System for Machine {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn wake_at(&mut self, time: Duration) {
        self.alarm.ring_at(self.start + time);
    }

    fn member(&mut self, pid: u32) -> Result<Member> {
        let bytes: [u8; Ids::SIZE] = ask(Verb::Ids, pid.into())?;
        let Ids { group, session, orphaned, .. } = Ids::from_bytes(&bytes).ok_or(Error::new(EIO))?;
        Ok(Member { group, session, orphaned: orphaned != 0 })
    }

    fn terminal_of(&mut self, pid: u32) -> Result<usize> {
        let bytes: [u8; Terminal::SIZE] = ask(Verb::Terminal, pid.into())?;
        Ok(Terminal::from_bytes(&bytes).ok_or(Error::new(EIO))?.terminal as usize)
    }

    fn set_terminal(&mut self, session: u32, foreground: u32, terminal: Option<usize>) -> Result<()> {
        let terminal = terminal.map_or(NO_TERMINAL, |place| place as u64);
        let mut bytes = [0; Terminal::SIZE];
        Terminal { session, foreground, terminal }.write_to(&mut bytes).ok_or(Error::new(EIO))?;
        tell(Verb::SetTerminal, 0, &bytes)
    }

    fn signal_group(&mut self, group: u32, signal: u32) {
        if let Ok(group) = i32::try_from(group) {
            kill(-group, signal);
        }
    }

    fn signal_process(&mut self, pid: u32, signal: u32) {
        if let Ok(pid) = i32::try_from(pid) {
            kill(pid, signal);
        }
    }
}
