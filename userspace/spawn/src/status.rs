//! How a process ended.

use core::fmt;

use ochre_abi::proc::{ThreadStatus, state};
use ochre_abi::wait_status;

// Numbers of the signals that stand for the ends (POSIX, `kill`).
const SIGILL: u8 = 4;
const SIGFPE: u8 = 8;
const SIGKILL: u8 = 9;
const SIGSEGV: u8 = 11;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(u8),
    /// By the signal of this number.
    Signaled(u8),
    /// By a processor exception that it did not handle (Intel SDM volume 3, table 6-1).
    Exception {
        /// Its vector.
        vector: u8,
        /// The address that was accessed, for a page fault.
        address: usize,
        /// Where in the program.
        ip: usize,
    },
}

impl End {
    /// From the kernel's status; none while the thread lives.
    pub fn of(status: &ThreadStatus) -> Option<Self> {
        match status.state {
            state::EXITED | state::KILLED => Some(match wait_status::signal(status.exit_status) {
                Some(signal) => End::Signaled(signal),
                None if status.state == state::KILLED => End::Signaled(SIGKILL),
                None => End::Exited(wait_status::code(status.exit_status)),
            }),
            state::EXCEPTION => Some(End::Exception {
                vector: status.exception as u8,
                address: status.exception_address,
                ip: status.exception_ip,
            }),
            _ => None,
        }
    }

    /// One byte for a shell: the status, or 128 and a signal's number as POSIX shells have it.
    pub fn code(self) -> u8 {
        match self {
            End::Exited(code) => code,
            End::Signaled(signal) => 128 + signal,
            End::Exception { vector: 0 | 16 | 19, .. } => 128 + SIGFPE,
            End::Exception { vector: 6, .. } => 128 + SIGILL,
            End::Exception { .. } => 128 + SIGSEGV,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(status) => write!(f, "exited with status {status}"),
            End::Signaled(SIGKILL) => write!(f, "killed"),
            End::Signaled(signal) => write!(f, "ended by signal {signal}"),
            End::Exception { vector: 14, address, ip } => write!(f, "page fault on {address:#x} at {ip:#x}"),
            End::Exception { vector, ip, .. } => write!(f, "processor exception {vector} at {ip:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_have_no_end() {
        for alive in [state::NEW, state::RUNNABLE, state::BLOCKED, state::STOPPED] {
            assert_eq!(End::of(&ThreadStatus { state: alive, ..ThreadStatus::default() }), None);
        }
    }

    #[test]
    fn codes_are_what_a_shell_shows() {
        let end = |state, exit_status, exception| {
            End::of(&ThreadStatus { state, exit_status, exception, ..ThreadStatus::default() }).unwrap().code()
        };
        assert_eq!(end(state::EXITED, wait_status::exited(7), 0), 7);
        assert_eq!(end(state::EXITED, wait_status::signaled(6), 0), 134);
        assert_eq!(end(state::KILLED, 0, 0), 137);
        assert_eq!(end(state::EXCEPTION, 0, 14), 139);
        assert_eq!(end(state::EXCEPTION, 0, 0), 136);
        assert_eq!(end(state::EXCEPTION, 0, 6), 132);
    }
}
