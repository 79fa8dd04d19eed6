//! Signals: what is pending and blocked, where the kernel delivers them, and what becomes of them (docs/signals.md).
//!
//! | module | what |
//! |---|---|
//! | `set` | sets of signals, defaults; no I/O |
//! | `action` | what the process wants done |
//! | `fault` | which signal a processor exception is; no I/O |
//! | `frame` | what lies on a handler's stack |
//! | `entry` | the first instructions after the kernel's, and the way back |
//! | `deliver` | taking the next signal, and doing with it what is to be done |
//! | `mask` | blocking, and waiting for signals |
//! | `send` | sending |
//! | `copy` | what a `fork` makes of it |
//! | `crash` | the summary of a crash |
//! | `timer` | `alarm` and its relatives |
//!
//! No locks: everything here may be called by a handler that has interrupted it. What must not be interrupted inhibits delivery
//! (`SigcontrolFlags::INHIBIT_DELIVERY` in the thread's own control words, of which the kernel takes notice) for a moment, and looks
//! afterwards whether something has come ([`Signals::is_ready`]).

pub mod action;
pub mod fault;
pub mod set;

#[cfg(target_os = "redox")]
pub mod copy;
#[cfg(target_os = "redox")]
pub mod crash;
#[cfg(target_os = "redox")]
pub mod deliver;
#[cfg(target_os = "redox")]
mod entry;
#[cfg(target_os = "redox")]
mod frame;
#[cfg(target_os = "redox")]
pub mod mask;
#[cfg(target_os = "redox")]
pub mod send;
#[cfg(target_os = "redox")]
mod state;
#[cfg(target_os = "redox")]
pub mod timer;

#[cfg(target_os = "redox")]
use ochre_abi::process::{Verb, child};
#[cfg(target_os = "redox")]
pub use state::{Alternate, Interruption, PROCESS, STACKS, Signals, me};

/// Looks at the processor: before the first thread is known to the kernel.
#[cfg(target_os = "redox")]
pub fn prepare() {
    frame::init();
}

/// What another program inherits: the signals that are blocked, and those that are ignored.
#[cfg(target_os = "redox")]
pub fn inherited() -> (u64, u64) {
    let ignored = (1..=ochre_abi::signal::LAST).filter(|&signal| action_of(signal).handler == action::IGNORE);
    (mask::blocked(), ignored.fold(0, |set, signal| set | set::bit(signal)))
}

/// Ignores what the process was started to ignore.
#[cfg(target_os = "redox")]
pub fn init(ignored: u64) {
    let mut left = ignored & !set::UNBLOCKABLE;
    while let Some(signal) = set::lowest(left) {
        set_action(signal, action::Action { handler: action::IGNORE, ..action::Action::INITIAL });
        left &= !set::bit(signal);
    }
}

/// What is to be done with a signal.
#[cfg(target_os = "redox")]
pub fn action_of(signal: u32) -> action::Action {
    state::action_of(signal)
}

/// Sets what is to be done with a signal; answers what was before. What is pending of one that is to be ignored is forgotten.
#[cfg(target_os = "redox")]
pub fn set_action(signal: u32, new: action::Action) -> action::Action {
    let before = action::replace(state::cell(signal), signal, new);
    if new.ignores(signal) {
        // SAFETY: the calling thread's own.
        deliver::forget(unsafe { &*me() }, signal);
    }
    if signal == set::SIGCHLD && policy(&before) != policy(&new) {
        // Without a process manager there are no children.
        let _ = super::process::ask(Verb::Children, policy(&new));
    }
    before
}

/// What the process manager is told of the action for `SIGCHLD`.
#[cfg(target_os = "redox")]
fn policy(action: &action::Action) -> u64 {
    let no_wait = action.handler == action::IGNORE || action.flags & action::NO_CHILD_WAIT != 0;
    let no_stops = action.flags & action::NO_CHILD_STOP != 0;
    (u64::from(no_wait) * child::NO_WAIT) | (u64::from(no_stops) * child::NO_STOPS)
}
