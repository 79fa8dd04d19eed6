//! What a thread is doing, and how it ended.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use ochre_abi::proc::{ThreadStatus, state as public};

use super::{Thread, pending, state};
use crate::memory::AddressSpace;

impl Thread {
    /// Status for those who hold a handle.
    pub fn status(&self) -> ThreadStatus {
        let mut status = self.shared.lock().status;
        let stopped = self.pending() & pending::STOP != 0;
        match self.state.load(Ordering::Acquire) {
            state::NEW => status.state = public::NEW,
            state::RUNNABLE | state::BLOCKED if stopped => status.state = public::STOPPED,
            state::RUNNABLE => status.state = public::RUNNABLE,
            state::BLOCKED => status.state = public::BLOCKED,
            _ => {}
        }
        status.cpu_time_ns = crate::time::ticks_to_ns(self.ticks());
        status
    }

    /// Marks it as to be ended if it runs in this space; false when it does not, or is not started or dead.
    pub(in crate::context) fn end_in(&self, space: &Arc<AddressSpace>, status: &ThreadStatus) -> bool {
        // Under this lock it can neither leave the space nor be started, so the slot cannot serve another thread meanwhile.
        let mut shared = self.shared.lock();
        let inside = shared.space.as_ref().is_some_and(|own| Arc::ptr_eq(own, space));
        if !inside || self.is_new() || self.is_dead() {
            return false;
        }
        shared.status = *status;
        self.pending.fetch_or(pending::KILL, Ordering::SeqCst);
        true
    }

    /// State and name for the last words: no lock is waited for.
    pub fn glance(&self) -> (&'static str, Option<[u8; 32]>) {
        let state = match self.state.load(Ordering::Acquire) {
            state::NEW => "new",
            state::RUNNABLE | state::BLOCKED if self.pending() & pending::STOP != 0 => "stopped",
            state::RUNNABLE if self.on_cpu.load(Ordering::Relaxed) => "running",
            state::RUNNABLE => "runnable",
            state::BLOCKED => "blocked",
            _ => "ended",
        };
        (state, self.shared.try_lock().map(|shared| shared.name))
    }

    /// Where the kernel stack of a thread that is on no processor begins, for the last words.
    pub fn resting_frame(&self) -> Option<usize> {
        let started = matches!(self.state.load(Ordering::Acquire), state::RUNNABLE | state::BLOCKED);
        (started && !self.on_cpu.load(Ordering::Acquire)).then(|| self.arch.frame_pointer())
    }

    /// Changes the recorded status.
    pub fn update_status(&self, change: impl FnOnce(&mut ThreadStatus)) {
        change(&mut self.shared.lock().status);
    }

    /// Whether it has not been started.
    pub fn is_new(&self) -> bool {
        self.state.load(Ordering::Acquire) == state::NEW
    }

    /// Whether it has ended.
    pub fn is_dead(&self) -> bool {
        matches!(self.state.load(Ordering::Acquire), state::DEAD | state::FREE)
    }

    /// Whether it is off all processors and waits: its registers may be read.
    pub fn is_parked(&self) -> bool {
        self.is_new() || (self.state.load(Ordering::Acquire) == state::BLOCKED && !self.on_cpu.load(Ordering::Acquire))
    }
}
