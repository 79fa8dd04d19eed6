//! Threads: making, ending and joining them, and the end of the whole process.
//!
//! A thread that has ended leaves its memory and its descriptor to whoever joins it. That one waits for the futex word
//! in the control block, then asks the kernel whether the thread is really gone (it runs on its stack until the very last
//! call), and keeps the memory for the next thread. A detached thread leaves both on a list that the next creation sweeps.

use core::arch::naked_asm;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use ochre_abi::proc::{SpaceUsage, ThreadStatus, ThreadVerb, state};
use ochre_abi::{boot_fd, wait_status};
use syscall::data::ProcSchemeAttrs;
use syscall::error::{EDEADLK, EINVAL, Error, Result};
use syscall::{EnvRegisters, IntRegisters};

use super::auxv::Aux;
use super::files::{self, Place};
use super::lock::{Lock, RawLock};
use super::signal::{self, Signals};
use super::tcb::{DETACHED, ENDED, JOINABLE, JOINED, Memory, RUNNING, StartRoutine, Tcb, current};
use super::{clock, sys};

/// Memories of ended threads that are kept.
const POOL: usize = 32;

struct Threads {
    /// All threads that have not ended, linked by `next` and `previous`.
    first: *mut Tcb,
    count: usize,
    /// Threads of libc's own, which are on the list but not counted.
    servants: usize,
    /// Detached threads that have ended, or are about to; linked by `next`.
    zombies: *mut Tcb,
    /// Memory for the next threads.
    pool: [Option<Memory>; POOL],
}

// SAFETY: the pointers are only followed with the lock held, and what they lead to lives until it leaves the lists.
unsafe impl Send for Threads {}

static THREADS: Lock<Threads> =
    Lock::new(Threads { first: null_mut(), count: 0, servants: 0, zombies: null_mut(), pool: [None; POOL] });

/// The lock of this module, for `fork`.
pub fn lock() -> &'static RawLock {
    THREADS.raw()
}

/// The first thread: the process ends when the kernel's thread of it does.
static MAIN: AtomicPtr<Tcb> = AtomicPtr::new(null_mut());

static NUMBERS: AtomicU32 = AtomicU32::new(1);
/// Stack of a thread that does not ask for a size.
static DEFAULT_STACK: AtomicUsize = AtomicUsize::new(2 << 20);

/// The process id, asked once. 0 before.
static PID: AtomicU32 = AtomicU32::new(0);

/// Gives the first thread its control block.
///
/// # Safety
/// Called once, at the start, before anything uses thread-local storage.
pub unsafe fn init(aux: &Aux, base: usize) -> Result<usize> {
    let handle = aux.thread.unwrap_or(boot_fd::THREAD);
    // SAFETY: the kernel or the spawner describes the program truly; the memory is fresh.
    let tcb = unsafe {
        super::tcb::find_template(aux, base);
        Memory::map(0)?.prepare(NUMBERS.fetch_add(1, Ordering::Relaxed), handle, aux.signals.0 as u64)
    };
    let mut threads = THREADS.lock();
    set_env(handle, tcb)?;
    signal::prepare();
    Signals::register(tcb, handle)?;
    threads.link(tcb);
    MAIN.store(tcb, Ordering::Relaxed);
    Ok(handle)
}

fn set_env(handle: usize, tcb: *mut Tcb) -> Result<usize> {
    let registers = EnvRegisters { fsbase: tcb as u64, gsbase: 0 };
    sys::verb_write(handle, &registers, &[ThreadVerb::SetEnv as u64])
}

impl Threads {
    fn link(&mut self, tcb: *mut Tcb) {
        // SAFETY: the block is alive and on no list.
        unsafe {
            (*tcb).previous = null_mut();
            (*tcb).next = self.first;
            if !self.first.is_null() {
                (*self.first).previous = tcb;
            }
        }
        self.first = tcb;
        self.count += 1;
    }

    fn is_alone(&self) -> bool {
        self.count + self.servants == 1
    }

    fn unlink(&mut self, tcb: *mut Tcb) {
        // SAFETY: the block and its neighbours are on the list.
        unsafe {
            let (previous, next) = ((*tcb).previous, (*tcb).next);
            if previous.is_null() {
                self.first = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
        self.count -= 1;
    }

    /// Takes memory with at least this much stack, and not wastefully more, from the pool.
    fn reuse(&mut self, stack: usize) -> Option<Memory> {
        let fits = |memory: &Memory| memory.stack >= stack && memory.stack <= stack.saturating_mul(2);
        self.pool.iter_mut().find(|slot| slot.as_ref().is_some_and(fits))?.take()
    }

    /// Takes care of detached threads that are gone by now. Answers memory that has no room in the pool.
    fn sweep(&mut self) -> Option<Memory> {
        let mut link: *mut *mut Tcb = &raw mut self.zombies;
        // SAFETY: blocks on this list belong to us; a block is read before its memory goes to the pool.
        unsafe {
            while !(*link).is_null() {
                let tcb = *link;
                if !is_gone((*tcb).handle) {
                    link = &raw mut (*tcb).next;
                    continue;
                }
                *link = (*tcb).next;
                let _ = files::close((*tcb).handle);
                if let Some(memory) = self.keep((*tcb).memory) {
                    return Some(memory);
                }
            }
        }
        None
    }

    /// Puts memory into the pool; gives it back when the pool is full. Memory without a stack is the first thread's.
    fn keep(&mut self, memory: Memory) -> Option<Memory> {
        match self.pool.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) if memory.stack > 0 => {
                *slot = Some(memory);
                None
            }
            _ => Some(memory),
        }
    }
}

/// Unmaps what found no room in the pool.
fn discard(memory: Option<Memory>) {
    if let Some(memory) = memory {
        // SAFETY: its thread has ended, and nobody else knows the memory.
        let _ = unsafe { sys::funmap(memory.address, memory.size) };
    }
}

/// Whether the kernel has ended a thread.
fn is_gone(handle: usize) -> bool {
    // SAFETY: any bytes are a valid status.
    let status = unsafe { sys::verb_read::<ThreadStatus>(handle, &[ThreadVerb::GetStatus as u64]) };
    // No status means no thread.
    status.map_or(true, |status| status.state >= state::EXITED)
}

/// Stack size of threads that do not ask for one.
pub fn default_stack() -> usize {
    DEFAULT_STACK.load(Ordering::Relaxed)
}

/// Starts a thread.
pub fn create(stack: usize, detached: bool, start: StartRoutine, argument: *mut c_void) -> Result<*mut Tcb> {
    let (memory, surplus) = {
        let mut threads = THREADS.lock();
        let surplus = if threads.zombies.is_null() { None } else { threads.sweep() };
        (threads.reuse(stack), surplus)
    };
    discard(surplus);
    let memory = match memory {
        Some(memory) => memory,
        None => Memory::map(stack)?,
    };
    // SAFETY: this thread has a control block.
    let handle = files::dup(unsafe { (*current()).handle }, b"sibling", Place::Libc);
    let handle = handle.inspect_err(|_| discard(Some(memory)))?;
    // SAFETY: the memory is fresh or from the pool.
    let tcb = unsafe {
        let tcb = memory.prepare(NUMBERS.fetch_add(1, Ordering::Relaxed), handle, signal::mask::blocked());
        (*tcb).start = Some(start);
        (*tcb).argument = argument;
        (*tcb).owner = AtomicU32::new(if detached { DETACHED } else { JOINABLE });
        tcb
    };
    let registers = IntRegisters {
        rip: enter as *const () as usize,
        rsp: memory.stack_top(),
        rdi: tcb as usize,
        ..IntRegisters::default()
    };
    let mut threads = THREADS.lock();
    let started = sys::verb_write(handle, &registers, &[ThreadVerb::SetRegs as u64])
        .and_then(|_| set_env(handle, tcb))
        .and_then(|_| Signals::register(tcb, handle))
        .and_then(|_| {
            // From its start on, the thread may use everything of its block.
            threads.link(tcb);
            sys::verb(handle, &[ThreadVerb::Start as u64]).inspect_err(|_| threads.unlink(tcb))
        });
    if let Err(error) = started {
        drop(threads);
        let _ = files::close(handle);
        discard(Some(memory));
        return Err(error);
    }
    Ok(tcb)
}

/// Starts a thread of libc's own that takes no signals, never ends, and does not keep the process alive.
pub fn create_servant(stack: usize, start: StartRoutine) -> Result<()> {
    let before = signal::mask::change(signal::set::How::Replace, u64::MAX);
    let created = create(stack, true, start, null_mut()).map(|_| {
        let mut threads = THREADS.lock();
        threads.count -= 1;
        threads.servants += 1;
    });
    signal::mask::change(signal::set::How::Replace, before);
    created
}

/// First instruction of a thread: `rdi` holds its control block.
#[unsafe(naked)]
unsafe extern "C" fn enter() -> ! {
    // The zero is the return address of the outermost frame: backtraces end there.
    naked_asm!("xor ebp, ebp", "push rbp", "jmp {run}", run = sym run)
}

unsafe extern "C" fn run(tcb: *mut Tcb) -> ! {
    // SAFETY: `create` filled the block.
    let result = unsafe { (*tcb).start.map(|start| start((*tcb).argument)) };
    exit(result.unwrap_or(null_mut()))
}

/// Ends the calling thread: destructors, then the kernel. With the last thread ends the process.
pub fn exit(result: *mut c_void) -> ! {
    let tcb = current();
    // SAFETY: this thread's own block; the cache is not used after it was drained.
    let (handle, last) = unsafe {
        crate::pthread::run_destructors();
        super::alloc::drain_cache();
        // It takes no signals any more. Those that are pending for the process go to another one.
        signal::mask::change(signal::set::How::Replace, u64::MAX);
        (*tcb).result = result;
        let mut threads = THREADS.lock();
        threads.unlink(tcb);
        let last = threads.count == 0;
        if last {
            // Nobody else is left to look at it, but the ending of the process wants to find a thread.
            threads.link(tcb);
        } else if (*tcb).owner.load(Ordering::Relaxed) == DETACHED {
            (*tcb).next = threads.zombies;
            threads.zombies = tcb;
        }
        ((*tcb).handle, last)
    };
    if last {
        crate::stdlib::exit(0);
    }
    if is_main() {
        wait_for_the_end(tcb);
    }
    // SAFETY: the block stays until the kernel says that this thread has ended.
    unsafe {
        (*tcb).state.store(ENDED, Ordering::Release);
        sys::futex_wake(&(*tcb).state, usize::MAX >> 33);
    }
    end(handle, 0)
}

/// The first thread has nothing more to do, but its end would be the process's: whoever is the last ends that.
fn wait_for_the_end(tcb: *mut Tcb) -> ! {
    // SAFETY: the block stays: this thread never ends by itself.
    unsafe {
        (*tcb).state.store(ENDED, Ordering::Release);
        sys::futex_wake(&(*tcb).state, usize::MAX >> 33);
        loop {
            let _ = sys::futex_wait(&(*tcb).state, ENDED, None);
        }
    }
}

/// Whether the calling thread is the first one.
pub fn is_main() -> bool {
    MAIN.load(Ordering::Relaxed) == current()
}

/// Whether the calling thread is the only one.
pub fn is_alone() -> bool {
    THREADS.lock().is_alone()
}

/// In a forked child: the calling thread is the first and only one, `handle` its descriptor. What the others had of memory is kept
/// for the next threads.
///
/// # Safety
/// The other threads do not exist.
pub unsafe fn stay_alone(handle: usize) {
    let me = current();
    let mut surplus = None;
    let mut threads = THREADS.lock();
    // SAFETY: the blocks are still there; nobody runs on their stacks.
    unsafe {
        for list in [threads.first, threads.zombies] {
            let mut at = list;
            while !at.is_null() {
                let next = (*at).next;
                if at != me {
                    files::forget(&[(*at).handle]);
                    discard(core::mem::replace(&mut surplus, threads.keep((*at).memory)));
                }
                at = next;
            }
        }
        files::forget(&[(*me).handle]);
        (*me).handle = handle;
        (*me).next = null_mut();
        (*me).previous = null_mut();
    }
    files::mark(handle);
    (threads.first, threads.zombies, threads.count, threads.servants) = (me, null_mut(), 1, 0);
    drop(threads);
    discard(surplus);
    MAIN.store(me, Ordering::Relaxed);
    PID.store(0, Ordering::Relaxed);
}

/// Ends all other threads, wherever they are, and waits until they are gone. Their locks stay as they are.
pub fn end_others() {
    // SAFETY: this thread has a control block. The count is only looked at: what it is worth the kernel knows.
    let (handle, alone) = unsafe { ((*current()).handle, THREADS.look().is_alone()) };
    if alone {
        return;
    }
    loop {
        let _ = sys::verb(handle, &[ThreadVerb::EndOthers as u64]);
        // SAFETY: any bytes are numbers.
        let usage = unsafe { sys::verb_read::<SpaceUsage>(handle, &[ThreadVerb::GetUsage as u64]) };
        if usage.is_ok_and(|usage| usage.threads <= 1) {
            return;
        }
        sys::sched_yield();
    }
}

/// The kernel's end of the calling thread.
fn end(handle: usize, status: usize) -> ! {
    loop {
        // It fails only when the descriptor was closed by somebody who guessed its number.
        let _ = sys::verb(handle, &[ThreadVerb::Exit as u64, 0, 0, status as u64]);
        // SAFETY: `ud2` raises an exception, which ends the process.
        unsafe { core::arch::asm!("ud2", options(nomem, nostack)) };
    }
}

/// Waits for a thread and answers what it returned. `EINVAL` when somebody else does or it is detached, `EDEADLK`.
///
/// # Safety
/// `tcb` is a thread that was created and not yet joined.
pub unsafe fn join(tcb: *mut Tcb) -> Result<*mut c_void> {
    if tcb == current() {
        return Err(Error::new(EDEADLK));
    }
    // SAFETY: as this function demands: the block lives until we give its memory away.
    unsafe {
        let claimed = (*tcb).owner.compare_exchange(JOINABLE, JOINED, Ordering::AcqRel, Ordering::Acquire);
        claimed.map_err(|_| Error::new(EINVAL))?;
        while (*tcb).state.load(Ordering::Acquire) == RUNNING {
            // Woken, interrupted or too late: the word tells.
            let _ = sys::futex_wait(&(*tcb).state, RUNNING, None);
        }
        let (result, handle, memory) = ((*tcb).result, (*tcb).handle, (*tcb).memory);
        if MAIN.load(Ordering::Relaxed) == tcb {
            // It stays until the process ends.
            return Ok(result);
        }
        // It is at most a few hundred instructions away from its end.
        while !is_gone(handle) {
            sys::sched_yield();
        }
        let _ = files::close(handle);
        let surplus = THREADS.lock().keep(memory);
        discard(surplus);
        Ok(result)
    }
}

/// Lets a thread take care of itself when it ends. `EINVAL` when it is joined or detached already.
///
/// # Safety
/// As [`join`].
pub unsafe fn detach(tcb: *mut Tcb) -> Result<()> {
    let mut threads = THREADS.lock();
    // SAFETY: as this function demands. An ended thread is on no list: it goes to the zombies, as it would have itself.
    unsafe {
        let claimed = (*tcb).owner.compare_exchange(JOINABLE, DETACHED, Ordering::AcqRel, Ordering::Acquire);
        claimed.map_err(|_| Error::new(EINVAL))?;
        if !threads.has(tcb) {
            (*tcb).next = threads.zombies;
            threads.zombies = tcb;
        }
    }
    Ok(())
}

impl Threads {
    fn has(&self, tcb: *mut Tcb) -> bool {
        let mut at = self.first;
        // SAFETY: the list holds blocks that are alive.
        unsafe {
            while !at.is_null() && at != tcb {
                at = (*at).next;
            }
        }
        !at.is_null()
    }
}

/// Ends all threads of the process, with the low byte of `code` as its exit status.
pub fn exit_process(code: i32) -> ! {
    end_process(wait_status::exited(code as u8))
}

/// Ends all threads of the process, as one that this signal ended.
pub fn end_by_signal(signal: i32) -> ! {
    end_process(wait_status::signaled(signal as u8))
}

fn end_process(status: usize) -> ! {
    // SAFETY: this thread has a control block.
    let handle = unsafe { (*current()).handle };
    // It fails only when the descriptor was closed by somebody who guessed its number.
    let _ = sys::verb(handle, &[ThreadVerb::EndSpace as u64, status as u64]);
    end(handle, status)
}

/// Attributes of the calling thread: ids, priority, name.
pub fn attributes() -> Result<ProcSchemeAttrs> {
    // SAFETY: this thread has a control block; any bytes are valid attributes.
    unsafe { sys::verb_read((*current()).handle, &[ThreadVerb::GetAttrs as u64]) }
}

/// The process id.
pub fn pid() -> u32 {
    match PID.load(Ordering::Relaxed) {
        0 => {
            let pid = attributes().map_or(0, |attributes| attributes.pid);
            PID.store(pid, Ordering::Relaxed);
            pid
        }
        pid => pid,
    }
}

/// Threads of the process, libc's own counted once.
pub fn count() -> i128 {
    THREADS.lock().count as i128 + 1
}

/// Processor time of all threads of the process, in nanoseconds. What ended threads used is not in it.
pub fn process_time() -> i128 {
    let threads = THREADS.lock();
    let (mut sum, mut at) = (0, threads.first);
    // SAFETY: the list holds blocks that are alive; any bytes are a valid status.
    unsafe {
        while !at.is_null() {
            let status = sys::verb_read::<ThreadStatus>((*at).handle, &[ThreadVerb::GetStatus as u64]);
            sum += status.map_or(0, |status| i128::from(status.cpu_time_ns));
            at = (*at).next;
        }
    }
    sum.min(i128::from(i64::MAX) * i128::from(clock::SECOND))
}

/// Processor time of the calling thread, in nanoseconds.
pub fn thread_time() -> i128 {
    // SAFETY: this thread has a control block.
    unsafe { time_of(current()) }.unwrap_or(0)
}

/// Processor time of a thread, in nanoseconds.
///
/// # Safety
/// The block is that of a thread that has not been joined.
unsafe fn time_of(tcb: *mut Tcb) -> Result<i128> {
    // SAFETY: as this function demands; any bytes are a valid status.
    let status = unsafe { sys::verb_read::<ThreadStatus>((*tcb).handle, &[ThreadVerb::GetStatus as u64])? };
    Ok(i128::from(status.cpu_time_ns))
}

/// The same of a thread that runs, by its number. `EINVAL` when there is none.
pub fn time_of_number(number: u32) -> Result<i128> {
    let threads = THREADS.lock();
    let mut at = threads.first;
    // SAFETY: the list holds blocks that are alive.
    unsafe {
        while !at.is_null() {
            if (*at).number == number {
                return time_of(at);
            }
            at = (*at).next;
        }
    }
    Err(Error::new(EINVAL))
}
