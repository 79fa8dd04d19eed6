//! Signals to processes: who may send them to whom, and what those do that no process can handle.
//!
//! All others are given to the process's own libc by the kernel. A process that has set up no handling, because it is no program of
//! this libc or has not come so far, gets the default here.

use ochre_abi::process::child;
use ochre_abi::wait_status;
use scheme_server::syscall::error::{EINVAL, EOPNOTSUPP, EPERM, ESRCH, Error, Result};

use crate::table::{News, Process, State, Table};
use crate::{Machine, Signal};

/// Numbers of signals (crate `libc`).
pub const SIGHUP: u8 = 1;
/// See [`SIGHUP`].
pub const SIGKILL: u8 = 9;
/// See [`SIGHUP`].
pub const SIGCHLD: u8 = 17;
/// See [`SIGHUP`].
pub const SIGCONT: u8 = 18;
/// See [`SIGHUP`].
pub const SIGSTOP: u8 = 19;
const SIGTSTP: u8 = 20;
const SIGTTIN: u8 = 21;
const SIGTTOU: u8 = 22;
const SIGURG: u8 = 23;
const SIGWINCH: u8 = 28;
/// Largest number.
const LAST: u8 = 64;

/// `si_code` (POSIX, `signal.h`): by `kill`, and by `sigqueue`. What is said of children libc makes of their wait status.
pub const BY_USER: i32 = 0;
/// `SI_KERNEL`: by nobody.
pub const BY_SYSTEM: i32 = 0x80;
const BY_QUEUE: i32 = -1;

/// Whether a process may send a signal to another: user 0, the same user, and `SIGCONT` within a session.
fn may_send<T>(from: &Process<T>, to: &Process<T>, number: u8) -> bool {
    let allowed = |id: u32| id == to.ids.ruid || id == to.ids.suid;
    let same_session = number == SIGCONT && from.session == to.session;
    !to.protected && (from.ids.euid == 0 || allowed(from.ids.euid) || allowed(from.ids.ruid) || same_session)
}

/// `kill`: `to` as there, 0 as the signal's number only looks whether it could be sent. `value` goes along (`sigqueue`).
pub fn kill<M: Machine>(
    table: &mut Table<M::Thread>,
    machine: &mut M,
    me: u32,
    to: i32,
    number: u32,
    value: Option<u64>,
) -> Result<()> {
    let number = u8::try_from(number).ok().filter(|&number| number <= LAST).ok_or(Error::new(EINVAL))?;
    let sender = table.get(me)?;
    let targets = match to {
        1.. => vec![to as u32],
        0 => table.members(sender.group),
        -1 => table.select(|process| !process.protected && process.serial != sender.serial),
        group => table.members(group.unsigned_abs()),
    };
    let code = if value.is_some() { BY_QUEUE } else { BY_USER };
    let from = u64::from(me) | u64::from(sender.ids.ruid) << 32;
    let signal = Signal { number, sender: from, value: value.unwrap_or(0), code };
    let (mut found, mut sent) = (false, false);
    for target in targets {
        let (Ok(from), Ok(process)) = (table.get(me), table.get(target)) else { continue };
        found = true;
        if may_send(from, process, number) {
            sent = true;
            deliver(table, machine, target, &signal);
        }
    }
    match (sent, found) {
        (true, _) => Ok(()),
        (false, true) => Err(Error::new(EPERM)),
        (false, false) => Err(Error::new(ESRCH)),
    }
}

/// Gives a signal to a process. One that has ended gets none.
pub fn deliver<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32, signal: &Signal) {
    let Some(thread) = table.get(pid).ok().and_then(|process| process.thread()) else { return };
    match signal.number {
        0 => {}
        SIGKILL => machine.end(thread, wait_status::signaled(SIGKILL)),
        SIGSTOP => stop(table, machine, pid, SIGSTOP),
        SIGCONT => {
            resume(table, machine, pid);
            give(table, machine, pid, signal);
        }
        _ => give(table, machine, pid, signal),
    }
}

/// To the process's own handling, or the default.
fn give<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32, signal: &Signal) {
    let Some(thread) = table.get(pid).ok().and_then(|process| process.thread()) else { return };
    match machine.signal(thread, signal) {
        Err(error) if error.errno == EOPNOTSUPP => match signal.number {
            SIGCHLD | SIGCONT | SIGURG | SIGWINCH => {}
            SIGTSTP | SIGTTIN | SIGTTOU => stop(table, machine, pid, signal.number),
            number => machine.end(thread, wait_status::signaled(number)),
        },
        // Whatever else is wrong is wrong with the process itself.
        _ => {}
    }
}

/// Stops a process, unless it is stopped. The signals of terminals do not stop who cannot be resumed.
pub fn stop<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32, number: u8) {
    let Ok(process) = table.get(pid) else { return };
    if number != SIGSTOP && crate::groups::is_orphaned(table, process.group) {
        return;
    }
    let State::Running(thread) = &process.state else { return };
    machine.stop(thread);
    // The process is there.
    let _ = table.set_state(pid, |thread| State::Stopped(thread, number));
    tell_parent(table, machine, pid, News::Stopped(number));
}

/// Lets a process go on that is stopped.
fn resume<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32) {
    let Ok(Process { state: State::Stopped(thread, _), .. }) = table.get(pid) else { return };
    machine.resume(thread);
    // The process is there.
    let _ = table.set_state(pid, State::Running);
    tell_parent(table, machine, pid, News::Continued);
}

fn tell_parent<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32, news: News) {
    let Ok(process) = table.get_mut(pid) else { return };
    process.news = Some(news);
    let parent = process.parent;
    table.wake(parent);
    let wants = table.get(parent).is_ok_and(|parent| parent.policy & child::NO_STOPS == 0);
    if wants {
        about_child(table, machine, parent, pid, status_of(news));
    }
}

/// News as a wait tells them.
pub fn status_of(news: News) -> usize {
    match news {
        News::Stopped(number) => wait_status::stopped(number),
        News::Continued => wait_status::CONTINUED,
    }
}

/// `SIGCHLD` to a parent; the wait status goes along.
pub fn about_child<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, parent: u32, pid: u32, status: usize) {
    let uid = table.get(pid).map_or(0, |process| process.ids.ruid);
    let sender = u64::from(pid) | u64::from(uid) << 32;
    if table.get(parent).is_ok_and(|parent| !parent.protected) {
        deliver(table, machine, parent, &Signal { number: SIGCHLD, sender, value: status as u64, code: BY_USER });
    }
}

/// A process stops itself, as the default of a signal is.
pub fn stop_self<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32, number: u64) -> Result<()> {
    match u8::try_from(number) {
        Ok(number @ (SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU)) => {
            stop(table, machine, pid, number);
            Ok(())
        }
        _ => Err(Error::new(EINVAL)),
    }
}
