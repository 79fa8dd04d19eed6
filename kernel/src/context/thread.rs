//! A thread, and the table of all threads.
//!
//! Threads live in slots that are never freed ([`Thread`] references are `'static`): a slot keeps its kernel stack and the area
//! for its vector registers when its thread is gone, and serves the next one. So a reference can
//! never dangle, and starting a thread costs no memory management.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use ochre_abi::proc::{ThreadStatus, state as public};
use syscall::SetSighandlerData;
use syscall::error::{EAGAIN, EBADF, EBUSY, EFAULT, Error, Result};

use super::files::FileTable;
use super::futex::Sleep;
use super::wait::Wake;
use crate::arch::percpu;
use crate::arch::switch::ArchContext;
use crate::memory::AddressSpace;
use crate::scheme::Description;
use crate::scheme::event::EventSource;
use crate::sync::{Lock, OwnerCell, SlotTable, level};

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

    /// Calls `look` with the address space of the current thread.
    #[inline]
    pub fn with_space<R>(&self, look: impl FnOnce(&Arc<AddressSpace>) -> R) -> Option<R> {
        self.space.with(|space| space.as_ref().map(look))
    }

    /// Address space of the current thread.
    pub fn space(&self) -> Result<Arc<AddressSpace>> {
        self.space.get().ok_or(Error::new(EFAULT))
    }

    /// The current thread's descriptor `fd`.
    #[inline]
    pub fn descriptor(&self, fd: usize) -> Result<Arc<Description>> {
        self.files.with(|files| files.as_ref().ok_or(Error::new(EBADF))?.get(fd))
    }

    /// Descriptor table of the current thread.
    #[inline]
    pub fn files(&self) -> Result<Arc<FileTable>> {
        self.files.get().ok_or(Error::new(EBADF))
    }

    /// Address space, for others.
    pub fn remote_space(&self) -> Option<Arc<AddressSpace>> {
        self.shared.lock().space.clone()
    }

    /// Descriptor table, for others.
    pub fn remote_files(&self) -> Option<Arc<FileTable>> {
        self.shared.lock().files.clone()
    }

    /// Gives a thread that is not started, or the current one, another address space. With nothing locked: the old one may go, and
    /// what it had mapped. `EBUSY` for a thread that is neither.
    pub fn set_space(&self, space: Option<Arc<AddressSpace>>) -> Result<()> {
        let mut shared = self.shared.lock();
        if !self.is_current() && !self.is_new() {
            return Err(Error::new(EBUSY));
        }
        self.arch.set_page_table(space.as_ref().map_or(0, |space| space.root()));
        let old = core::mem::replace(&mut shared.space, space.clone());
        drop(shared);
        if self.is_current() {
            match &space {
                Some(space) => {
                    space.join();
                    crate::arch::tlb::enter(space.root());
                }
                None => crate::arch::tlb::leave_user_space(),
            }
            drop(self.space.with(|own| core::mem::replace(own, space)));
            if let Some(old) = old {
                if self.is_ending() {
                    old.add_spent(self.cpu_time.load(Ordering::Relaxed));
                }
                old.leave();
            }
        }
        Ok(())
    }

    /// Gives such a thread another descriptor table, or none. With nothing locked: the old one may go.
    pub fn set_files(&self, files: Option<Arc<FileTable>>) -> Result<()> {
        let mut shared = self.shared.lock();
        if !self.is_current() && !self.is_new() {
            return Err(Error::new(EBUSY));
        }
        let old = core::mem::replace(&mut shared.files, files.clone());
        drop(shared);
        if self.is_current() {
            if let Some(files) = &files {
                files.join();
            }
            drop(self.files.with(|own| core::mem::replace(own, files)));
            if let Some(old) = old {
                old.leave();
            }
        }
        Ok(())
    }

    /// Makes a new thread runnable; false when it was started before. Nobody can change its spaces from here on, and its
    /// descriptor table stays as long as it lives. (A thread that is not started keeps no table from being emptied: its own
    /// handle may lie there.)
    pub(super) fn leave_new(&self) -> bool {
        let shared = self.shared.lock();
        let started =
            self.state.compare_exchange(state::NEW, state::RUNNABLE, Ordering::SeqCst, Ordering::Relaxed).is_ok();
        if started {
            if let Some(files) = &shared.files {
                files.join();
            }
            if let Some(space) = &shared.space {
                space.join();
            }
        }
        started
    }

    /// First thing the thread itself does: takes what it was given while it was new.
    pub(super) fn take_possession(&self) {
        let (space, files) = {
            let shared = self.shared.lock();
            (shared.space.clone(), shared.files.clone())
        };
        self.space.with(|own| *own = space);
        self.files.with(|own| *own = files);
    }

    /// Credentials in the form that schemes get: user id, group id in the upper half.
    #[inline]
    pub fn credentials(&self) -> u64 {
        self.credentials.load(Ordering::Relaxed)
    }

    /// Sets process id, credentials and name.
    pub fn set_identity(&self, pid: u32, euid: u32, egid: u32, name: &[u8; 32]) {
        self.store_ids(pid, euid, egid);
        self.shared.lock().name = *name;
    }

    /// As [`Thread::set_identity`], if the thread is in this space.
    pub fn set_identity_in(&self, space: &Arc<AddressSpace>, pid: u32, euid: u32, egid: u32, name: &[u8; 32]) {
        let mut shared = self.shared.lock();
        if shared.space.as_ref().is_some_and(|own| Arc::ptr_eq(own, space)) {
            self.store_ids(pid, euid, egid);
            shared.name = *name;
        }
    }

    fn store_ids(&self, pid: u32, euid: u32, egid: u32) {
        self.pid.store(pid, Ordering::SeqCst);
        self.euid.store(euid, Ordering::Relaxed);
        self.egid.store(egid, Ordering::Relaxed);
        self.credentials.store(u64::from(euid) | u64::from(egid) << 32, Ordering::Relaxed);
        crate::scheme::trace::adopt(self, pid);
    }

    /// The name's bytes, zero-padded.
    pub fn name_bytes(&self) -> [u8; 32] {
        self.shared.lock().name
    }

    /// The name as text.
    pub fn name(&self) -> String {
        if self.kernel {
            return String::from("(kernel)");
        }
        let bytes = self.name_bytes();
        let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..len]).into_owned()
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
        status.cpu_time_ns = crate::time::ticks_to_ns(self.cpu_time.load(Ordering::Relaxed));
        status
    }

    /// Marks it as to be ended if it runs in this space; false when it does not, or is not started or dead.
    pub(super) fn end_in(&self, space: &Arc<AddressSpace>, status: &ThreadStatus) -> bool {
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

    /// Does something with the thread if it is in this space, and cannot leave it meanwhile.
    pub fn within(&'static self, space: &Arc<AddressSpace>, act: impl FnOnce(&'static Thread)) {
        let shared = self.shared.lock();
        if shared.space.as_ref().is_some_and(|own| Arc::ptr_eq(own, space)) {
            act(self);
        }
    }

    /// Counter ticks that it has used.
    pub fn ticks(&self) -> u64 {
        self.cpu_time.load(Ordering::Relaxed)
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
