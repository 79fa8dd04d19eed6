//! Sending signals: to threads of this process and to the process itself by the kernel, to others by the process manager.

use libc::c_int;
use ochre_abi::proc::ThreadVerb;
use ochre_abi::process::Verb;
use ochre_abi::signal::LAST;
use syscall::error::{EINVAL, ENOSYS, ESRCH, Error, Result};

use super::me;
use super::set::{SIGCONT, SIGKILL, SIGSTOP};
use crate::rt::tcb::{ENDED, Tcb, current};
use crate::rt::{process, sys, thread};

/// `si_code`: by `kill`, `raise` or `pthread_kill`; by `sigqueue`; by a timer.
pub const BY_USER: c_int = 0;
/// See [`BY_USER`].
pub const BY_QUEUE: c_int = -1;
/// See [`BY_USER`].
pub const BY_TIMER: c_int = -2;

/// Number of a signal; `EINVAL`. 0 stands for none.
pub fn number(signal: c_int) -> Result<u32> {
    u32::try_from(signal).ok().filter(|&signal| signal <= LAST).ok_or(Error::new(EINVAL))
}

/// The caller, as receivers are told.
fn sender() -> u64 {
    let user = thread::attributes().map_or(0, |attributes| attributes.euid);
    u64::from(thread::pid()) | u64::from(user) << 32
}

fn post(handle: usize, signal: u32, to_process: bool, value: usize, code: c_int) -> Result<usize> {
    let target = u64::from(to_process);
    sys::verb(handle, &[ThreadVerb::Signal as u64, signal.into(), target, sender(), value as u64, code as i64 as u64])
}

/// Sends a signal to a thread of this process.
///
/// # Safety
/// The thread was not joined, and was not detached if it has ended.
pub unsafe fn to_thread(tcb: *mut Tcb, signal: u32, value: usize, code: c_int) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe {
        // A thread that has ended but was not joined takes signals, and nothing comes of them.
        if signal == 0 || (*tcb).state.load(core::sync::atomic::Ordering::Acquire) == ENDED {
            return Ok(0);
        }
        match post((*tcb).handle, signal, false, value, code) {
            Err(error) if error.errno == ESRCH => Ok(0),
            result => result,
        }
    }
}

/// Sends a signal to the calling thread.
pub fn to_myself(signal: u32, value: usize, code: c_int) -> Result<usize> {
    // SAFETY: the calling thread's own block.
    unsafe { to_thread(current(), signal, value, code) }
}

/// Sends a signal to this process. If the calling thread does not block it, it has got it when this returns.
pub fn to_own_process(signal: u32, value: usize, code: c_int) -> Result<usize> {
    if signal == 0 {
        return Ok(0);
    }
    // SAFETY: the calling thread's own block.
    post(unsafe { (*current()).handle }, signal, true, value, code)
}

/// Sends a signal to the processes that `pid` names as for `kill`. `ESRCH` for others than the own one when there is no process
/// manager.
pub fn to_processes(pid: i32, signal: u32, value: Option<usize>) -> Result<usize> {
    // A process that stops or continues is the manager's business, whoever asks for it.
    if pid == thread::pid() as i32 && !matches!(signal, SIGKILL | SIGCONT | SIGSTOP) {
        return to_own_process(signal, value.unwrap_or(0), if value.is_some() { BY_QUEUE } else { BY_USER });
    }
    let argument = u64::from(pid as u32) | u64::from(signal) << 32;
    let sent = match value {
        Some(value) => process::tell(Verb::Kill, argument, &value),
        None => process::ask(Verb::Kill, argument),
    };
    sent.map_err(|error| if error.errno == ENOSYS { Error::new(ESRCH) } else { error })
}

/// Stops this process, as this signal's default is. Called in the middle of a delivery.
pub fn stop_self(signal: u32) {
    // SAFETY: the calling thread's own. Nothing may be ready while the manager is asked, or the question would not wait.
    unsafe {
        let before = (*me()).blocked();
        (*me()).set_blocked(u64::MAX);
        // Nobody else could let it go on.
        let _ = process::ask(Verb::Stop, signal.into());
        (*me()).set_blocked(before);
    }
}
