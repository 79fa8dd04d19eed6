//! Limits of resources. Memory and descriptors are limited by the kernel, processes here, processor time in [`cpu`](crate::cpu), sizes of
//! files and stacks by libc; the others are kept and handed on.

use ochre_abi::process::{LIMITS, Limit, NO_LIMIT};
use scheme_server::syscall::error::{EAGAIN, EINVAL, EPERM, Error, Result};

use crate::Machine;
use crate::table::Table;

/// Numbers of limits (`RLIMIT_*` of crate `libc`).
pub const CPU: usize = 0;
/// See [`CPU`].
pub const DATA: usize = 2;
/// See [`CPU`].
pub const STACK: usize = 3;
/// See [`CPU`].
pub const PROCESSES: usize = 6;
/// See [`CPU`].
pub const DESCRIPTORS: usize = 7;
/// See [`CPU`].
pub const ADDRESS_SPACE: usize = 9;

/// Descriptors that a table can hold.
const DESCRIPTORS_MAX: u64 = 65_536;

/// Limits of the first process.
pub const DEFAULT: [Limit; LIMITS] = {
    let mut limits = [Limit { soft: NO_LIMIT, hard: NO_LIMIT }; LIMITS];
    limits[STACK].soft = ochre_abi::STACK_SIZE as u64;
    limits[DESCRIPTORS] = Limit { soft: DESCRIPTORS_MAX, hard: DESCRIPTORS_MAX };
    limits
};

/// What the kernel is to enforce: bytes and descriptors; none when that is nothing.
pub fn enforced(limits: &[Limit; LIMITS]) -> Option<(u64, u64)> {
    let bytes = limits[ADDRESS_SPACE].soft.min(limits[DATA].soft);
    let descriptors = limits[DESCRIPTORS].soft;
    (bytes != NO_LIMIT || descriptors < DESCRIPTORS_MAX).then_some((bytes, descriptors))
}

/// A limit of a process; `EINVAL` when there is none of this number.
pub fn get<T>(table: &Table<T>, pid: u32, number: u64) -> Result<Limit> {
    let limits = &table.get(pid)?.limits;
    usize::try_from(number).ok().and_then(|number| limits.get(number)).copied().ok_or(Error::new(EINVAL))
}

/// Sets it. `EINVAL` when it makes no sense, `EPERM` when only user 0 may raise it so.
pub fn set<M: Machine>(
    table: &mut Table<M::Thread>,
    machine: &mut M,
    pid: u32,
    number: u64,
    mut limit: Limit,
) -> Result<()> {
    let before = get(table, pid, number)?;
    let process = table.get_mut(pid)?;
    if number as usize == DESCRIPTORS {
        limit = Limit { soft: limit.soft.min(DESCRIPTORS_MAX), hard: limit.hard.min(DESCRIPTORS_MAX) };
    }
    if limit.soft > limit.hard {
        return Err(Error::new(EINVAL));
    }
    if limit.hard > before.hard && process.ids.euid != 0 {
        return Err(Error::new(EPERM));
    }
    process.limits[number as usize] = limit;
    if matches!(number as usize, DATA | ADDRESS_SPACE | DESCRIPTORS)
        && let Some(thread) = process.thread()
    {
        let (bytes, descriptors) = enforced(&process.limits).unwrap_or((NO_LIMIT, DESCRIPTORS_MAX));
        machine.set_limits(thread, bytes, descriptors)?;
    }
    Ok(())
}

/// Whether a process may have one more child; `EAGAIN` when its user has too many processes. User 0 may.
pub fn admit_child<T>(table: &Table<T>, pid: u32) -> Result<()> {
    let process = table.get(pid)?;
    let limit = process.limits[PROCESSES].soft;
    if limit == NO_LIMIT || process.ids.euid == 0 {
        return Ok(());
    }
    let user = process.ids.ruid;
    let count = table.iter().filter(|(_, process)| process.ids.ruid == user).count();
    if (count as u64) < limit { Ok(()) } else { Err(Error::new(EAGAIN)) }
}
