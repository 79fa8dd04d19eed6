//! Sets of signals as masks: bit `n - 1` stands for signal `n`. What signals do when nobody says otherwise.

// The numbers are those of crate `libc`, which the build host's tests do not have for this target.

/// End by a jump to something that is no instruction.
pub const SIGILL: u32 = 4;
/// A breakpoint, or a step.
pub const SIGTRAP: u32 = 5;
/// `abort`.
pub const SIGABRT: u32 = 6;
/// Memory that cannot be had.
pub const SIGBUS: u32 = 7;
/// Arithmetic that has no result.
pub const SIGFPE: u32 = 8;
/// The end.
pub const SIGKILL: u32 = 9;
/// Memory that may not be touched.
pub const SIGSEGV: u32 = 11;
/// A child has ended or stopped.
pub const SIGCHLD: u32 = 17;
/// The end of a stop.
pub const SIGCONT: u32 = 18;
/// A stop.
pub const SIGSTOP: u32 = 19;

/// Signals that are never blocked, ignored or handled.
pub const UNBLOCKABLE: u64 = bit(SIGKILL) | bit(SIGSTOP);

/// A signal's bit.
pub const fn bit(signal: u32) -> u64 {
    1 << (signal - 1)
}

/// The lowest signal of a set.
pub const fn lowest(set: u64) -> Option<u32> {
    if set == 0 { None } else { Some(set.trailing_zeros() + 1) }
}

/// What a signal does to a process that has said nothing about it (POSIX, `signal.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Ends it.
    End,
    /// Ends it with a summary of the crash.
    Core,
    /// Nothing.
    Ignore,
    /// Stops it.
    Stop,
    /// Ends a stop, which is done when the signal is sent.
    Continue,
}

/// See [`Default`].
pub const fn default_of(signal: u32) -> Default {
    match signal {
        3..=8 | SIGSEGV | 24 | 25 | 31 => Default::Core,
        SIGCHLD | 23 | 28 => Default::Ignore,
        SIGCONT => Default::Continue,
        SIGSTOP..=22 => Default::Stop,
        _ => Default::End,
    }
}

/// How a mask is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `SIG_BLOCK`.
    Block,
    /// `SIG_UNBLOCK`.
    Unblock,
    /// `SIG_SETMASK`.
    Replace,
}

/// The mask of blocked signals after a change.
pub const fn changed(blocked: u64, how: How, set: u64) -> u64 {
    let new = match how {
        How::Block => blocked | set,
        How::Unblock => blocked & !set,
        How::Replace => set,
    };
    new & !UNBLOCKABLE
}

/// What is blocked while a signal's handler runs.
pub const fn during_handler(blocked: u64, signal: u32, action_mask: u64, defer: bool) -> u64 {
    let own = if defer { bit(signal) } else { 0 };
    (blocked | action_mask | own) & !UNBLOCKABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_change_but_never_block_kill_and_stop() {
        assert_eq!(changed(bit(1), How::Block, bit(2)), bit(1) | bit(2));
        assert_eq!(changed(bit(1) | bit(2), How::Unblock, bit(1) | bit(5)), bit(2));
        assert_eq!(changed(bit(1), How::Replace, u64::MAX), !UNBLOCKABLE);
        assert_eq!(changed(0, How::Block, UNBLOCKABLE), 0);
    }

    #[test]
    fn a_handler_is_not_interrupted_by_its_own_signal() {
        assert_eq!(during_handler(bit(1), 10, bit(12) | bit(9), true), bit(1) | bit(10) | bit(12));
        assert_eq!(during_handler(bit(1), 10, 0, false), bit(1));
    }

    #[test]
    fn the_lowest_comes_first() {
        assert_eq!((lowest(0), lowest(bit(64)), lowest(bit(64) | bit(3))), (None, Some(64), Some(3)));
    }

    #[test]
    fn defaults_are_those_of_posix() {
        let all = |wanted| (1..=64).filter(|&signal| default_of(signal) == wanted).collect::<Vec<u32>>();
        assert_eq!(all(Default::Core), [3, 4, 5, 6, 7, 8, 11, 24, 25, 31]);
        assert_eq!(all(Default::Ignore), [17, 23, 28]);
        assert_eq!(all(Default::Stop), [19, 20, 21, 22]);
        assert_eq!(all(Default::Continue), [18]);
        assert_eq!(all(Default::End).len(), 64 - 18);
    }
}
