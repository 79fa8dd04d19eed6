//! What is done to all threads of an address space at once. A thread that joins meanwhile finds a mark on the space, or is found.

use alloc::sync::Arc;

use ochre_abi::proc::SpaceUsage;
use syscall::ProcSchemeAttrs;

use crate::context::thread::pending;
use crate::context::{Thread, sched, signal, thread as threads};
use crate::memory::AddressSpace;

/// Calls `act` for each thread of the space, which it cannot leave meanwhile.
fn each(space: &Arc<AddressSpace>, mut act: impl FnMut(&'static Thread)) {
    threads::for_each(|thread| thread.within(space, &mut act));
}

/// Takes all threads off the processors.
pub fn stop(space: &Arc<AddressSpace>) -> usize {
    space.set_stopped(true);
    each(space, |thread| {
        // One that is not started looks for the mark when it is.
        if !thread.is_new() && !thread.is_dead() {
            sched::interrupt(thread, pending::STOP);
        }
    });
    0
}

/// Lets them go on.
pub fn resume(space: &Arc<AddressSpace>) -> usize {
    space.set_stopped(false);
    each(space, signal::resume);
    0
}

/// Ends all threads but the one that calls.
pub fn end_others(space: &Arc<AddressSpace>) -> usize {
    each(space, |thread| {
        if !thread.is_new() && !thread.is_dead() && !thread.is_current() {
            sched::interrupt(thread, pending::KILL);
        }
    });
    0
}

/// Gives all threads these attributes. Twice: a thread that was made as a sibling of one that has the old ones is found by the second
/// time, or sees the new ones itself.
pub fn set_attrs(space: &Arc<AddressSpace>, attrs: &ProcSchemeAttrs) -> usize {
    for _ in 0..2 {
        threads::for_each(|thread| {
            thread.set_identity_in(space, attrs.pid, attrs.euid, attrs.egid, &attrs.debug_name);
            thread.within(space, |thread| sched::set_level(thread, attrs.prio as u8));
        });
    }
    0
}

/// What the space and its threads have used.
pub fn usage(space: &Arc<AddressSpace>) -> SpaceUsage {
    let (mut count, mut ticks) = (0, space.spent());
    each(space, |thread| {
        if !thread.is_new() && !thread.is_dead() {
            count += 1;
            ticks += thread.ticks();
        }
    });
    SpaceUsage {
        threads: count,
        cpu_time_ns: crate::time::ticks_to_ns(ticks),
        mapped_bytes: space.mapped_bytes() as u64,
        resident_bytes: space.resident_bytes() as u64,
    }
}
