//! A thread, and the table of all threads.
//!
//! | module | what |
//! |---|---|
//! | `belongings` | its address space and descriptor table |
//! | `identity` | process id, credentials, name |
//! | `status` | what it is doing, and how it ended |
//! | `slots` | the table of all threads |
//!
//! Threads live in slots that are never freed ([`Thread`] references are `'static`): a slot keeps its kernel stack and the area
//! for its vector registers when its thread is gone, and serves the next one. So a reference can
//! never dangle, and starting a thread costs no memory management.

mod belongings;
mod identity;
mod slots;
mod status;

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use ochre_abi::proc::{ThreadStatus, state as public};
use syscall::SetSighandlerData;

pub use slots::{ThreadLinks, by_slot, counts, create, for_each};

use super::files::FileTable;
use super::futex::Sleep;
use super::wait::Wake;
use crate::arch::percpu;
use crate::arch::switch::ArchContext;
use crate::memory::AddressSpace;
use crate::scheme::event::EventSource;
use crate::sync::{Lock, OwnerCell, level};

use kernel_core::runqueue::DEFAULT_LEVEL;

/// Internal states of a thread ([`Thread::state`]).
pub mod state {
    /// The slot has no thread.
    pub const FREE: u8 = 0;
    /// Not started.
    pub const NEW: u8 = 1;
    /// Running, or in a run queue.
    pub const RUNNABLE: u8 = 2;
    /// Waiting to be woken.
    pub const BLOCKED: u8 = 3;
    /// Ended.
    pub const DEAD: u8 = 4;
}

/// Bits of [`Thread::pending`]: what the thread must see to before it returns to user code.
pub mod pending {
    /// It is to end.
    pub const KILL: u32 = 1;
    /// It is to leave its call and look for signals.
    pub const INTERRUPT: u32 = 2;
    /// It is to wait for a resume.
    pub const STOP: u32 = 4;
    /// Another thread is to run.
    pub const RESCHEDULE: u32 = 8;
    /// It has ended itself.
    pub const EXIT: u32 = 16;
    /// Its end has begun.
    pub const ENDING: u32 = 32;
}

/// A thread.
pub struct Thread {
    /// See [`pending`]. The entry code looks at it, hence its fixed type.
    pub pending: AtomicU32,
    /// Registers while it does not run.
    pub arch: ArchContext,
    slot: u32,
    /// One for being alive, one for each handle.
    references: AtomicU32,
    /// Which thread of those that the slot has served.
    incarnation: AtomicU32,
    /// Number of the timer that may wake it, see `timeout`.
    pub(super) timer: AtomicU64,
    /// Its place among those that sleep on a word of memory.
    pub(super) sleep: Sleep,
    pub(super) state: AtomicU8,
    /// Whether a processor still has (or again has) it on its hands.
    pub(super) on_cpu: AtomicBool,
    pub(super) wake_reason: AtomicU8,
    pub(super) next: AtomicU32,
    /// Processor it ran on last.
    pub(super) cpu: AtomicU32,
    pub(super) affinity: AtomicU64,
    /// Priority of its own, and the one it has now (a server has its callers').
    pub(super) base_level: AtomicU8,
    pub(super) level: AtomicU8,
    /// Ticks of its time slice that it has used.
    pub(super) slice_used: AtomicU64,
    pub(super) cpu_time: AtomicU64,
    kernel: bool,
    /// Whether its address space may take from the system's reserve of memory.
    reserve: AtomicBool,
    /// Process id, written by the process manager.
    pub pid: AtomicU32,
    /// Effective user id.
    pub euid: AtomicU32,
    /// Effective group id.
    pub egid: AtomicU32,
    /// User id << 0 | group id << 32, the form in which schemes get it.
    credentials: AtomicU64,
    space: OwnerCell<Option<Arc<AddressSpace>>>,
    files: OwnerCell<Option<Arc<FileTable>>>,
    shared: Lock<{ level::THREAD }, Shared>,
    /// Raised when its status changes.
    pub source: EventSource,
    /// Number of the request that was given to it while it waited for one, plus one; see `scheme::user`.
    pub delivery: AtomicU32,
    /// That request, the eight words of its `Sqe`.
    pub inbox: [AtomicU64; 8],
    /// What a daemon has answered to the request that it waits for.
    pub reply: AtomicU64,
    /// Call number that it is in, for those who look.
    pub last_call: AtomicUsize,
}

/// What others may look at and change.
struct Shared {
    name: [u8; 32],
    space: Option<Arc<AddressSpace>>,
    files: Option<Arc<FileTable>>,
    status: ThreadStatus,
    sighandler: SetSighandlerData,
}

impl Thread {
    const fn build(slot: u32, kernel: bool) -> Self {
        Thread {
            pending: AtomicU32::new(0),
            arch: ArchContext::new(),
            slot,
            references: AtomicU32::new(1),
            incarnation: AtomicU32::new(0),
            timer: AtomicU64::new(0),
            sleep: Sleep::new(),
            state: AtomicU8::new(state::FREE),
            on_cpu: AtomicBool::new(false),
            wake_reason: AtomicU8::new(0),
            next: AtomicU32::new(u32::MAX),
            cpu: AtomicU32::new(0),
            affinity: AtomicU64::new(u64::MAX),
            base_level: AtomicU8::new(DEFAULT_LEVEL),
            level: AtomicU8::new(DEFAULT_LEVEL),
            slice_used: AtomicU64::new(0),
            cpu_time: AtomicU64::new(0),
            kernel,
            reserve: AtomicBool::new(kernel),
            pid: AtomicU32::new(0),
            euid: AtomicU32::new(0),
            egid: AtomicU32::new(0),
            credentials: AtomicU64::new(0),
            space: OwnerCell::new(None),
            files: OwnerCell::new(None),
            shared: Lock::new(Shared {
                name: [0; 32],
                space: None,
                files: None,
                status: ThreadStatus {
                    state: public::NEW,
                    exit_status: 0,
                    exception: 0,
                    exception_code: 0,
                    exception_address: 0,
                    exception_ip: 0,
                    cpu_time_ns: 0,
                },
                sighandler: SetSighandlerData {
                    user_handler: 0,
                    excp_handler: 0,
                    thread_control_addr: 0,
                    proc_control_addr: 0,
                },
            }),
            source: EventSource::new(),
            delivery: AtomicU32::new(0),
            inbox: [const { AtomicU64::new(0) }; 8],
            reply: AtomicU64::new(0),
            last_call: AtomicUsize::new(0),
        }
    }

    /// The idle thread of a processor: it is the code that runs there already.
    pub const fn idle() -> Self {
        let mut thread = Self::build(u32::MAX, true);
        thread.state = AtomicU8::new(state::RUNNABLE);
        thread.on_cpu = AtomicBool::new(true);
        thread.level = AtomicU8::new(kernel_core::runqueue::LEVELS as u8);
        thread
    }

    /// The thread that runs this.
    #[inline(always)]
    pub fn current() -> &'static Thread {
        percpu::current()
    }

    /// Whether this is the thread that runs this.
    #[inline(always)]
    pub fn is_current(&self) -> bool {
        core::ptr::eq(self, percpu::current())
    }

    /// Its place in the table, also its public number.
    #[inline]
    pub fn slot(&self) -> u32 {
        self.slot
    }

    /// Which thread of those that its slot has served this is.
    #[inline]
    pub fn incarnation(&self) -> u32 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// Whether it is on its way out, and waits for nobody.
    #[inline]
    pub fn is_ending(&self) -> bool {
        self.pending() & pending::ENDING != 0
    }

    /// Whether it never runs user code.
    #[inline]
    pub fn is_kernel_thread(&self) -> bool {
        self.kernel
    }

    /// Whether it may take from the system's reserve of memory.
    pub fn has_reserve(&self) -> bool {
        self.reserve.load(Ordering::Relaxed)
    }

    /// See [`pending`].
    #[inline]
    pub fn pending(&self) -> u32 {
        self.pending.load(Ordering::Relaxed)
    }

    /// Why it was woken last.
    #[inline]
    pub fn last_wake(&self) -> Wake {
        Wake::of(self.wake_reason.load(Ordering::Relaxed))
    }

    /// Whether it was told to leave its call.
    #[inline]
    pub fn is_interrupted(&self) -> bool {
        self.pending() & (pending::KILL | pending::INTERRUPT | pending::STOP) != 0
    }

    /// Signal handling addresses.
    pub fn sighandler(&self) -> SetSighandlerData {
        self.shared.lock().sighandler
    }

    /// Sets them.
    pub fn set_sighandler(&self, data: SetSighandlerData) {
        self.shared.lock().sighandler = data;
    }

    /// Priority level of its own.
    pub fn base_level(&self) -> u8 {
        self.base_level.load(Ordering::Relaxed)
    }

    /// Priority level in force.
    #[inline]
    pub fn level(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }

    /// Processor it runs on, or ran on last.
    pub fn last_cpu(&self) -> u32 {
        self.cpu.load(Ordering::Relaxed)
    }

    /// Does something with the thread if it is in this space, and cannot leave it meanwhile.
    pub fn within(&'static self, space: &Arc<AddressSpace>, act: impl FnOnce(&'static Thread)) {
        let shared = self.shared.lock();
        if shared.space.as_ref().is_some_and(|own| Arc::ptr_eq(own, space)) {
            act(self);
        }
    }

    /// Counter ticks that it has used. Of one that runs on another processor, which may switch meanwhile, nearly.
    pub fn ticks(&self) -> u64 {
        let used = self.cpu_time.load(Ordering::Relaxed);
        if self.on_cpu.load(Ordering::Acquire) { used + super::sched::running_for(self.last_cpu()) } else { used }
    }
}
