//! How a process ended, in the number that `waitpid` gives (POSIX, `sys/wait.h`): the exit status in the second byte, or the number
//! of a signal in the first, with [`CORE`] when a summary of the crash was written. The kernel carries it and does not look.

/// A summary of the crash was written.
pub const CORE: usize = 0x80;

/// The process ended by itself.
pub const fn exited(code: u8) -> usize {
    (code as usize) << 8
}

/// A signal ended it. `signal` is 1 to 64.
pub const fn signaled(signal: u8) -> usize {
    (signal & 0x7f) as usize
}

/// A signal has stopped it.
pub const fn stopped(signal: u8) -> usize {
    (signal as usize) << 8 | 0x7f
}

/// It goes on after a stop.
pub const CONTINUED: usize = 0xffff;

/// The number of the signal that ended it, if one did.
pub const fn signal(status: usize) -> Option<u8> {
    match (status & 0x7f) as u8 {
        0 | 0x7f => None,
        signal => Some(signal),
    }
}

/// The exit status, of a process that ended by itself.
pub const fn code(status: usize) -> u8 {
    (status >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_exits_from_signals() {
        assert_eq!((signal(exited(0)), code(exited(0))), (None, 0));
        assert_eq!((signal(exited(255)), code(exited(255))), (None, 255));
        assert_eq!(signal(signaled(9)), Some(9));
        assert_eq!(signal(signaled(11) | CORE), Some(11));
        assert_eq!((signal(stopped(19)), signal(CONTINUED)), (None, None));
    }
}
