//! `RLIMIT_CPU`: who has used as much processor time as it may is told, and in the end killed.
//!
//! The kernel tells nobody of time that is used up, so it is looked at: when a limit is set, and again when the nearest one can be
//! reached, but not more often than [`LEAST`]. As long as nobody is limited nothing is looked at.

use ochre_abi::process::NO_LIMIT;

use crate::limits::CPU;
use crate::table::Table;
use crate::{Machine, Signal, signals};

const SIGXCPU: u8 = 24;
const SECOND: u64 = 1_000_000_000;
/// Milliseconds between two looks.
const LEAST: u64 = 20;
const MOST: u64 = 1000;

/// Looks at all whose time is limited. Answers after how many milliseconds that is to be done again; never, when nobody is limited.
pub fn look<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M) -> Option<u64> {
    let limited = table.select(|process| process.limits[CPU].soft != NO_LIMIT || process.limits[CPU].hard != NO_LIMIT);
    limited.into_iter().filter_map(|pid| look_at(table, machine, pid)).min()
}

fn look_at<M: Machine>(table: &mut Table<M::Thread>, machine: &mut M, pid: u32) -> Option<u64> {
    let process = table.get_mut(pid).ok()?;
    let limit = process.limits[CPU];
    // One whose first thread is about to end has no space any more.
    let used = machine.usage(process.thread()?).ok()?;
    let seconds = used.cpu_time_ns / SECOND;
    let number = if seconds >= limit.hard {
        Some(signals::SIGKILL)
    } else if seconds >= limit.soft && seconds >= process.next_warning {
        // Told again each second.
        process.next_warning = seconds + 1;
        Some(SIGXCPU)
    } else {
        None
    };
    if let Some(number) = number {
        signals::deliver(table, machine, pid, &Signal { number, sender: 0, value: 0, code: signals::BY_SYSTEM });
    }
    let next = if seconds < limit.soft { limit.soft.min(limit.hard) } else { (seconds + 1).min(limit.hard) };
    let left = next.saturating_mul(SECOND).saturating_sub(used.cpu_time_ns);
    Some((left / 1_000_000 / used.threads.max(1)).clamp(LEAST, MOST))
}
