//! The table of all threads, and the references that keep a thread's place in it.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use kernel_core::runqueue::DEFAULT_LEVEL;
use ochre_abi::proc::ThreadStatus;
use syscall::SetSighandlerData;
use syscall::error::{EAGAIN, Error, Result};

use super::{Thread, state};
use crate::arch::percpu;
use crate::sync::{Lock, SlotTable, level};

impl Thread {
    /// One more reference from a handle.
    pub fn retain(&self) {
        self.references.fetch_add(1, Ordering::Relaxed);
    }

    /// Drops a reference. The last one of a thread that is dead, or was never started, frees the slot.
    pub fn release(&'static self) {
        let left = self.references.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == 0 {
            self.free();
        } else if left == 1 && self.is_new() {
            // Never started, and nobody can start it any more.
            let gone = {
                let mut shared = self.shared.lock();
                (shared.space.take(), shared.files.take())
            };
            drop(gone);
            self.release();
        }
    }

    fn free(&'static self) {
        self.source.clear();
        self.state.store(state::FREE, Ordering::Release);
        let mut table = TABLE.lock();
        table.live -= 1;
        table.free.push(self.slot);
    }
}

/// The run queues' links are in the threads.
pub struct ThreadLinks;

impl kernel_core::runqueue::Links for ThreadLinks {
    #[inline]
    fn next(&self, id: u32) -> u32 {
        by_slot(id).next.load(Ordering::Relaxed)
    }

    #[inline]
    fn set_next(&self, id: u32, next: u32) {
        by_slot(id).next.store(next, Ordering::Relaxed);
    }
}

struct Table {
    live: usize,
    free: Vec<u32>,
}

static TABLE: Lock<{ level::THREADS }, Table> = Lock::new(Table { live: 0, free: Vec::new() });
static THREADS: SlotTable<Thread> = SlotTable::new();

/// The thread in a slot that has been made.
#[inline]
pub fn by_slot(slot: u32) -> &'static Thread {
    THREADS.get(slot).unwrap_or_else(|| panic!("no thread slot {slot}"))
}

/// Calls `visit` for every thread that is not free.
pub fn for_each(mut visit: impl FnMut(&'static Thread)) {
    for thread in (0..THREADS.len()).filter_map(|slot| THREADS.get(slot)) {
        if thread.state.load(Ordering::Acquire) != state::FREE {
            visit(thread);
        }
    }
}

/// Threads alive or with a handle, and slots made.
pub fn counts() -> (usize, usize) {
    (TABLE.lock().live, THREADS.len() as usize)
}

/// A new thread that is not started, with one reference besides the one for being alive. It starts with the creator's affinity and level.
pub fn create() -> Result<&'static Thread> {
    crate::memory::admit()?;
    let thread = take_slot()?;
    if let Err(error) = thread.arch.make_ready() {
        let mut table = TABLE.lock();
        table.live -= 1;
        table.free.push(thread.slot);
        return Err(error.into());
    }
    let creator = Thread::current();
    thread.pending.store(0, Ordering::Relaxed);
    thread.references.store(2, Ordering::Relaxed);
    thread.on_cpu.store(false, Ordering::Relaxed);
    thread.cpu.store(percpu::this().index as u32, Ordering::Relaxed);
    thread.affinity.store(creator.affinity.load(Ordering::Relaxed), Ordering::Relaxed);
    let base = if creator.is_kernel_thread() { DEFAULT_LEVEL } else { creator.base_level() };
    thread.base_level.store(base, Ordering::Relaxed);
    thread.level.store(base, Ordering::Relaxed);
    thread.slice_used.store(0, Ordering::Relaxed);
    thread.incarnation.fetch_add(1, Ordering::Relaxed);
    thread.timer.store(0, Ordering::Relaxed);
    thread.cpu_time.store(0, Ordering::Relaxed);
    thread.last_call.store(0, Ordering::Relaxed);
    thread.delivery.store(0, Ordering::Relaxed);
    {
        let mut shared = thread.shared.lock();
        shared.status = ThreadStatus::default();
        shared.sighandler = SetSighandlerData::default();
    }
    // A number of its own until the process manager gives it one; 0 is nobody's.
    thread.set_identity(thread.slot + 1, 0, 0, &[0; 32]);
    thread.state.store(state::NEW, Ordering::Release);
    Ok(thread)
}

fn take_slot() -> Result<&'static Thread> {
    let mut table = TABLE.lock();
    if let Some(slot) = table.free.pop() {
        table.live += 1;
        return Ok(by_slot(slot));
    }
    // Room to give every slot back is made here, so that `free` never allocates.
    let made = THREADS.len() as usize;
    table.free.try_reserve(made + 1).map_err(|_| Error::new(EAGAIN))?;
    let thread = THREADS.push(|slot| Thread::build(slot, false)).ok_or(Error::new(EAGAIN))?;
    table.live += 1;
    Ok(thread)
}
