//! Birth, end, and waiting for it.

use ochre_abi::proc::{ThreadStatus, state};
use ochre_abi::process::{Birth, Credentials, Wait, birth, child, wait};
use ochre_abi::wait_status;
use scheme_server::syscall::error::{EBUSY, ECHILD, EINVAL, EPERM, ESRCH, EWOULDBLOCK, Error, Result};

use crate::table::{News, Process, State, Table};
use crate::{Machine, groups, ids, limits, signals};

/// Signals that stand for exceptions (crate `libc`).
const SIGILL: u8 = 4;
const SIGTRAP: u8 = 5;
const SIGBUS: u8 = 7;
const SIGFPE: u8 = 8;
const SIGKILL: u8 = signals::SIGKILL;
const SIGSEGV: u8 = 11;
/// `W*` bits that a wait may have.
const OPTIONS: u32 = wait::NO_HANG | wait::STOPPED | wait::EXITED | wait::CONTINUED | wait::KEEP;

/// Makes a child of a process; answers its id. `open` makes a descriptor of an open number for it.
pub fn bear<M: Machine>(
    table: &mut Table<M::Thread>,
    machine: &mut M,
    parent: u32,
    birth: &Birth,
    open: impl FnOnce(&mut M, u32, u64) -> Result<usize>,
) -> Result<u32> {
    limits::admit_child(table, parent)?;
    let pid = table.new_pid()?;
    let serial = table.new_serial();
    let mut child = table.get(parent)?.child(serial, parent, ());
    dress(table, parent, pid, &mut child, birth)?;
    // From here on nothing but the kernel can refuse.
    let thread = machine.create(pid, child.reserve)?;
    prepare(machine, pid, &child, &thread)?;
    let own = open(machine, pid, serial)?;
    machine.introduce(&thread, own)?;
    table.insert(pid, child.with(thread));
    Ok(pid)
}

/// Gives a child what it is to have otherwise than its parent.
fn dress<T>(table: &Table<T>, parent: u32, pid: u32, child: &mut Process<()>, birth: &Birth) -> Result<()> {
    let has = |bit: u32| birth.bits & bit != 0;
    let superuser = child.ids.euid == 0;
    if birth.bits >= 2 * birth::RESERVE {
        return Err(Error::new(EINVAL));
    }
    if has(birth::AUTHORITY) && !superuser {
        return Err(Error::new(EPERM));
    }
    child.reserve = has(birth::RESERVE);
    if child.reserve && !table.get(parent)?.reserve {
        return Err(Error::new(EPERM));
    }
    child.detached = has(birth::DETACHED);
    if has(birth::NAMED) {
        (child.name, child.executed) = (birth.name.0, true);
    }
    if has(birth::SESSION) {
        (child.session, child.group) = (pid, pid);
    }
    if has(birth::GROUP) {
        child.group = groups::group_of_child(table, parent, pid, child, birth.group)?;
    }
    let ids = &mut child.ids;
    if has(birth::RESET_IDS) {
        (ids.euid, ids.suid, ids.egid, ids.sgid) = (ids.ruid, ids.ruid, ids.rgid, ids.rgid);
    }
    if has(birth::IDS) {
        let Birth { uid, gid, .. } = *birth;
        let same = [ids.ruid, ids.euid, ids.suid] == [uid; 3] && [ids.rgid, ids.egid, ids.sgid] == [gid; 3];
        if !same && !superuser {
            return Err(Error::new(EPERM));
        }
        *ids = Credentials { ruid: uid, euid: uid, suid: uid, rgid: gid, egid: gid, sgid: gid };
        child.groups.clear();
    }
    Ok(())
}

/// Makes a thread what the process is.
fn prepare<M: Machine>(machine: &mut M, pid: u32, process: &Process<impl Sized>, thread: &M::Thread) -> Result<()> {
    machine.set_attributes(thread, &ids::attributes(pid, process))?;
    if let Some((bytes, descriptors)) = limits::enforced(&process.limits) {
        machine.set_limits(thread, bytes, descriptors)?;
    }
    Ok(())
}

/// A thread that is to be the first one of a process.
pub fn make_successor<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32) -> Result<()> {
    let thread = machine.create(pid, false)?;
    let process = table.get_mut(pid)?;
    prepare(machine, pid, process, &thread)?;
    process.successor = Some(thread);
    Ok(())
}

/// Makes it so. `EINVAL` when there is none.
pub fn succeed<T>(table: &mut Table<T>, pid: u32) -> Result<()> {
    let successor = table.get_mut(pid)?.successor.take().ok_or(Error::new(EINVAL))?;
    table.set_state(pid, |_| State::Running(successor))
}

/// Forgets a child of a process that was not started and will not be. `EBUSY` when it was, `ESRCH` when there is none.
pub fn forget<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, me: u32, pid: u32) -> Result<()> {
    if table.get(pid)?.parent != me {
        return Err(Error::new(ESRCH));
    }
    if !is_unborn(table, machine, pid) {
        return Err(Error::new(EBUSY));
    }
    table.remove(pid);
    table.wake(me);
    Ok(())
}

/// Whether a process was made, but not started.
fn is_unborn<M: Machine>(table: &Table<M::Thread>, machine: &mut M, pid: u32) -> bool {
    let thread = table.get(pid).ok().and_then(|process| process.thread());
    thread.is_some_and(|thread| machine.status(thread).is_ok_and(|status| status.state == state::NEW))
}

/// How a thread ended, as a wait tells it; none while it lives. What a process says of its own end is not to be trusted.
pub fn status_of(status: &ThreadStatus) -> Option<usize> {
    let signal = wait_status::signal(status.exit_status);
    Some(match (status.state, signal) {
        (state::EXITED | state::KILLED | state::EXCEPTION, Some(_)) => status.exit_status & 0xff,
        (state::KILLED, None) => wait_status::signaled(SIGKILL),
        (state::EXITED, None) => wait_status::exited(wait_status::code(status.exit_status)),
        // Vectors of exceptions (Intel SDM volume 3, table 6-1).
        (state::EXCEPTION, _) => wait_status::signaled(match status.exception {
            0 | 16 | 19 => SIGFPE,
            1 | 3 => SIGTRAP,
            6 => SIGILL,
            17 => SIGBUS,
            _ => SIGSEGV,
        }),
        _ => return None,
    })
}

/// The first thread of a process may have ended; if so, the process has.
pub fn end<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32) {
    let Some(thread) = table.get(pid).ok().and_then(|process| process.thread()) else { return };
    let Ok(status) = machine.status(thread) else { return };
    let Some(how) = status_of(&status) else { return };
    let supported = groups::supported(table, pid);
    let _ = table.set_state(pid, |_| State::Ended(how));
    let Ok(process) = table.get_mut(pid) else { return };
    process.time_ns = status.cpu_time_ns;
    process.news = None;
    let (parent, session) = (process.parent, process.session);
    let children = core::mem::take(&mut process.children);
    if table.adopter == pid {
        table.adopter = 1;
    }
    orphan(table, machine, children);
    if session == pid {
        groups::leave_terminal(table, machine, session);
    }
    groups::abandon(table, machine, supported);
    report(table, machine, pid, parent);
}

/// Children whose parent has ended get another.
fn orphan<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, children: Vec<u32>) {
    let adopter = table.adopter;
    for child in children {
        if is_unborn(table, machine, child) {
            // Nobody is left who would start it.
            table.remove(child);
            continue;
        }
        let Ok(process) = table.get_mut(child) else { continue };
        process.parent = adopter;
        let ended = !process.is_alive();
        if let Ok(adopter) = table.get_mut(adopter) {
            adopter.children.push(child);
        }
        if ended {
            report(table, machine, child, adopter);
        }
    }
}

/// A process has ended: its parent hears it, unless nobody wants to.
fn report<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32, parent: u32) {
    let Ok(process) = table.get(pid) else { return };
    let (detached, status) = match process.state {
        State::Ended(status) => (process.detached, status),
        _ => return,
    };
    let policy = table.get(parent).map_or(child::NO_WAIT, |parent| parent.policy);
    if !detached {
        signals::about_child(table, machine, parent, pid, status);
    }
    if detached || policy & child::NO_WAIT != 0 {
        table.remove(pid);
    }
    table.wake(parent);
}

/// Whether a wait is for this child.
fn concerns<T>(request: &Wait, me: &Process<T>, pid: u32, process: &Process<T>) -> bool {
    let which = match request.kind {
        wait::PROCESS => pid == request.id,
        wait::GROUP => process.group == if request.id == 0 { me.group } else { request.id },
        _ => true,
    };
    which && !process.detached
}

/// What a wait with these options would hear of a child.
fn heard<T>(process: &Process<T>, options: u32) -> Option<usize> {
    match (&process.state, process.news) {
        (State::Ended(status), _) if options & wait::EXITED != 0 => Some(*status),
        (State::Ended(_), _) => None,
        (_, Some(news @ News::Stopped(_))) if options & wait::STOPPED != 0 => Some(signals::status_of(news)),
        (_, Some(news @ News::Continued)) if options & wait::CONTINUED != 0 => Some(signals::status_of(news)),
        _ => None,
    }
}

/// Waits for children: what was heard, with the id 0 when nothing was and the caller does not want to wait. `ECHILD` when there are none
/// of which anything could be heard; `EWOULDBLOCK` when it is to be asked again after `number` has become ready.
pub fn await_child<T>(table: &mut Table<T>, me: u32, number: usize, request: &Wait) -> Result<Wait> {
    let any = wait::EXITED | wait::STOPPED | wait::CONTINUED;
    if request.options & !OPTIONS != 0 || request.options & any == 0 || request.kind > wait::GROUP {
        return Err(Error::new(EINVAL));
    }
    let process = table.get(me)?;
    let mut some = false;
    let mut found = None;
    for &child in &process.children {
        let Ok(candidate) = table.get(child) else { continue };
        if !concerns(request, process, child, candidate) {
            continue;
        }
        some = true;
        if let Some(status) = heard(candidate, request.options) {
            found = Some((child, status));
            break;
        }
    }
    match found {
        Some((child, status)) => Ok(tell(table, me, child, status, request)),
        None if !some => Err(Error::new(ECHILD)),
        None if request.options & wait::NO_HANG != 0 => Ok(Wait { id: 0, ..Wait::default() }),
        None => {
            let process = table.get_mut(me)?;
            if !process.waiting.contains(&number) {
                process.waiting.push(number);
            }
            Err(Error::new(EWOULDBLOCK))
        }
    }
}

/// The answer to a wait; with it the child is gone, or its news are old.
fn tell<T>(table: &mut Table<T>, me: u32, pid: u32, status: usize, request: &Wait) -> Wait {
    let mut answer = Wait { id: pid, status: status as u32, ..Wait::default() };
    let keep = request.options & wait::KEEP != 0;
    if let Ok(process) = table.get_mut(pid) {
        answer.uid = process.ids.ruid;
        answer.time_ns = process.time_ns + process.children_ns;
        if !keep {
            process.news = None;
        }
        if !keep && !process.is_alive() {
            table.remove(pid);
            if let Ok(parent) = table.get_mut(me) {
                parent.children_ns += answer.time_ns;
            }
        }
    }
    answer
}
