//! Users, groups and priorities.

use ochre_abi::process::{Credentials, KEEP, MAX_GROUPS, SetPriority, UserIds};
use scheme_server::syscall::error::{EACCES, EINVAL, EPERM, ESRCH, Error, Result};

use crate::table::{Process, Table};
use crate::{Attributes, Machine};

/// `PRIO_PROCESS`, `PRIO_PGRP`, `PRIO_USER`.
const PRIO_PROCESS: u32 = 0;
const PRIO_GROUP: u32 = 1;
const PRIO_USER: u32 = 2;
/// Priority in the kernel of a process that is neither nice nor the opposite.
const ORDINARY: i32 = 20;

/// What the kernel is to know.
pub fn attributes<T>(pid: u32, process: &Process<T>) -> Attributes {
    Attributes {
        pid,
        euid: process.ids.euid,
        egid: process.ids.egid,
        priority: (ORDINARY + process.nice) as u32,
        name: process.name,
    }
}

/// Tells it to the kernel.
pub fn publish<M: Machine>(table: &Table<M::Thread>, machine: &mut M, pid: u32) -> Result<()> {
    let process = table.get(pid)?;
    match process.thread() {
        Some(thread) => machine.set_attributes(thread, &attributes(pid, process)),
        None => Ok(()),
    }
}

/// Sets real, effective and saved ids: those of the user, or of the group. `EPERM` for ids that the process has not already,
/// unless it is user 0.
pub fn set<M: Machine>(
    table: &mut Table<M::Thread>,
    machine: &mut M,
    pid: u32,
    of_group: bool,
    new: UserIds,
) -> Result<()> {
    let ids = &mut table.get_mut(pid)?.ids;
    let superuser = ids.euid == 0;
    let Credentials { ruid, euid, suid, rgid, egid, sgid } = ids;
    let [real, effective, saved] = if of_group { [rgid, egid, sgid] } else { [ruid, euid, suid] };
    let own = [KEEP, *real, *effective, *saved];
    if !superuser && [new.real, new.effective, new.saved].iter().any(|id| !own.contains(id)) {
        return Err(Error::new(EPERM));
    }
    for (id, new) in [(real, new.real), (effective, new.effective), (saved, new.saved)] {
        if new != KEEP {
            *id = new;
        }
    }
    publish(table, machine, pid)
}

/// Sets the supplementary groups. User 0.
pub fn set_groups<T>(table: &mut Table<T>, pid: u32, groups: Vec<u32>) -> Result<()> {
    let process = table.get_mut(pid)?;
    if process.ids.euid != 0 {
        return Err(Error::new(EPERM));
    }
    if groups.len() > MAX_GROUPS {
        return Err(Error::new(EINVAL));
    }
    process.groups = groups;
    Ok(())
}

/// The processes that a call on priorities names.
fn named<T>(table: &Table<T>, pid: u32, which: u32, who: u32) -> Result<Vec<u32>> {
    let me = table.get(pid)?;
    let or = |own: u32| if who == 0 { own } else { who };
    let list = match which {
        PRIO_PROCESS => table.get(or(pid)).map_or(Vec::new(), |_| vec![or(pid)]),
        PRIO_GROUP => table.members(or(me.group)),
        PRIO_USER => table.select(|process| process.ids.ruid == or(me.ids.ruid)),
        _ => return Err(Error::new(EINVAL)),
    };
    if list.is_empty() { Err(Error::new(ESRCH)) } else { Ok(list) }
}

/// The lowest nice value of some processes, plus 20.
pub fn priority<T>(table: &Table<T>, pid: u32, which: u32, who: u32) -> Result<usize> {
    let list = named(table, pid, which, who)?;
    let lowest = list.iter().filter_map(|&pid| table.get(pid).ok()).map(|process| process.nice).min();
    Ok((lowest.unwrap_or(0) + ORDINARY) as usize)
}

/// Sets the nice value of some processes. `EPERM` for those of other users, `EACCES` for a lower one, unless it is user 0 who asks.
pub fn set_priority<M: Machine>(
    table: &mut Table<M::Thread>,
    machine: &mut M,
    pid: u32,
    to: SetPriority,
) -> Result<()> {
    let me = table.get(pid)?.ids;
    let nice = to.nice.clamp(-20, 19);
    let mut failed = None;
    for target in named(table, pid, to.which, to.who)? {
        let process = table.get_mut(target)?;
        if me.euid != 0 && me.euid != process.ids.euid && me.euid != process.ids.ruid {
            failed = Some(Error::new(EPERM));
        } else if me.euid != 0 && nice < process.nice {
            failed = Some(Error::new(EACCES));
        } else {
            process.nice = nice;
            publish(table, machine, target)?;
        }
    }
    failed.map_or(Ok(()), Err)
}
