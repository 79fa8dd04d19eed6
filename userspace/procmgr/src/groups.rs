//! Groups, sessions, and the terminals that control them (POSIX.1-2017, 3.291, 3.343, 11.1).

use ochre_abi::process::{NO_TERMINAL, Terminal};
use scheme_server::syscall::error::{EACCES, EINVAL, ENXIO, EPERM, ESRCH, Error, Result};

use crate::signals::{self, SIGCONT, SIGHUP};
use crate::table::{Process, State, Table};
use crate::{Machine, Signal};

/// `setpgid`. `ESRCH` for what is neither the process itself nor its child, `EACCES` for a child that executes a program of its own
/// already, `EPERM` for leaders of sessions, other sessions, and groups that are not there.
pub fn set_group<T>(table: &mut Table<T>, me: u32, pid: u32, group: u32) -> Result<()> {
    let pid = if pid == 0 { me } else { pid };
    let group = if group == 0 { pid } else { group };
    if group > i32::MAX as u32 {
        return Err(Error::new(EINVAL));
    }
    let session = table.get(me)?.session;
    let target = table.get(pid)?;
    if pid != me && target.parent != me || !target.is_alive() {
        return Err(Error::new(ESRCH));
    }
    if pid != me && target.executed {
        return Err(Error::new(EACCES));
    }
    if target.session == pid || target.session != session {
        return Err(Error::new(EPERM));
    }
    if group != pid && !table.iter().any(|(_, process)| process.group == group && process.session == session) {
        return Err(Error::new(EPERM));
    }
    table.get_mut(pid)?.group = group;
    Ok(())
}

/// The group of a child that is being made: 0 for one of its own, else one of its session's. `EPERM`.
pub fn group_of_child<T>(table: &Table<T>, parent: u32, pid: u32, child: &Process<()>, group: u32) -> Result<u32> {
    let own = group == 0 || group == pid;
    if child.session == pid {
        // It leads a session, and with it its own group.
        return if own { Ok(pid) } else { Err(Error::new(EPERM)) };
    }
    let session = table.get(parent)?.session;
    match own {
        true => Ok(pid),
        false if table.iter().any(|(_, other)| other.group == group && other.session == session) => Ok(group),
        false => Err(Error::new(EPERM)),
    }
}

/// `setsid`: a session and a group of its own, without a terminal. `EPERM` for who leads a group.
pub fn set_session<T>(table: &mut Table<T>, me: u32) -> Result<u32> {
    if table.iter().any(|(_, process)| process.group == me) {
        return Err(Error::new(EPERM));
    }
    let process = table.get_mut(me)?;
    (process.session, process.group) = (me, me);
    Ok(me)
}

/// Whether nobody outside of a group, but in its session, is the parent of one of its members: nobody is left who could resume it.
pub fn is_orphaned<T>(table: &Table<T>, group: u32) -> bool {
    !table.iter().any(|(_, process)| {
        process.group == group
            && process.is_alive()
            && table
                .get(process.parent)
                .is_ok_and(|parent| parent.is_alive() && parent.group != group && parent.session == process.session)
    })
}

/// The groups of a process and of its children that are not orphaned: of those it may be the last support.
pub fn supported<T>(table: &Table<T>, pid: u32) -> Vec<u32> {
    if table.stopped == 0 {
        // Whether a group is orphaned only matters when somebody in it stands still.
        return Vec::new();
    }
    let Ok(process) = table.get(pid) else { return Vec::new() };
    let mut groups: Vec<u32> =
        process.children.iter().filter_map(|&child| Some(table.get(child).ok()?.group)).collect();
    groups.push(process.group);
    groups.sort_unstable();
    groups.dedup();
    groups.retain(|&group| !is_orphaned(table, group));
    groups
}

/// Groups that have become orphaned and have stopped members are woken up to their fate: `SIGHUP`, `SIGCONT`.
pub fn abandon<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, groups: Vec<u32>) {
    for group in groups {
        let members = table.members(group);
        let stands = |pid: &u32| table.get(*pid).is_ok_and(|process| matches!(process.state, State::Stopped(..)));
        if is_orphaned(table, group) && members.iter().any(stands) {
            hang_up(table, machine, &members);
        }
    }
}

fn hang_up<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, members: &[u32]) {
    for number in [SIGHUP, SIGCONT] {
        for &member in members {
            signals::deliver(table, machine, member, &Signal { number, sender: 0, value: 0, code: signals::BY_USER });
        }
    }
}

/// The leader of a session has ended: its terminal controls it no longer, and hangs up on the foreground group.
pub fn leave_terminal<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, session: u32) {
    if let Some(terminal) = table.terminals.remove(&session)
        && terminal.foreground != 0
    {
        let members = table.members(terminal.foreground);
        hang_up(table, machine, &members);
    }
}

/// What the daemon of a terminal tells. `ESRCH` when the session, `EPERM` when the foreground group in it is not there.
pub fn set_terminal<T>(table: &mut Table<T>, terminal: Terminal) -> Result<()> {
    let Terminal { session, foreground, .. } = terminal;
    if terminal.terminal == NO_TERMINAL {
        table.terminals.remove(&session);
        return Ok(());
    }
    if !table.get(session)?.is_alive() || table.get(session)?.session != session {
        return Err(Error::new(ESRCH));
    }
    let there = table.iter().any(|(_, process)| process.group == foreground && process.session == session);
    if foreground != 0 && !there {
        return Err(Error::new(EPERM));
    }
    table.terminals.insert(session, terminal);
    Ok(())
}

/// The terminal of a process's session; `ENXIO`.
pub fn terminal<T>(table: &Table<T>, pid: u32) -> Result<Terminal> {
    let session = table.get(pid)?.session;
    table.terminals.get(&session).copied().ok_or(Error::new(ENXIO))
}
