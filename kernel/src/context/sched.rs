//! The scheduler: one run queue for each processor, and the direct hand-over that goes past it.
//!
//! A thread that blocks while it hands a request to another that waits for one gives it the processor at once
//! ([`hand_over`]): no queue, no choice; the time slice goes on. That is refused when a higher thread waits here.
//!
//! Who may run a thread: a thread that blocked is on its processor's hands (`on_cpu`) until the switch away from it is complete. A
//! wake-up before that queues it on that same processor; nobody else takes it from there while `on_cpu` holds.

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use kernel_core::runqueue::{LEVELS, RunQueue, slice_ns};

use super::thread::{Thread, ThreadLinks, by_slot, pending, state};
use super::timeout;
use super::wait::{self, Wake};
use crate::arch::percpu::{self, PerCpu};
use crate::arch::{apic, switch};
use crate::sync::{Lock, level};

/// A processor's part of the scheduler.
pub struct CpuSched {
    queue: Lock<{ level::RUN }, RunQueue>,
    /// Level of the best queued thread, [`LEVELS`] when there is none; written under the queue's lock.
    best: AtomicU8,
    idle: &'static Thread,
    is_idle: AtomicBool,
    /// When the current thread got the processor (TSC). Others look at it, too.
    since: AtomicU64,
    /// When its slice ends (monotonic nanoseconds), 0 when nobody else wants the processor.
    slice_end: Cell<u64>,
    /// A thread that must go on elsewhere, to be queued there once it is off this processor.
    emigrant: Cell<Option<&'static Thread>>,
    /// Switches made, for statistics.
    switches: Cell<u64>,
    /// Deadlines.
    pub(super) timers: timeout::CpuTimers,
}

// SAFETY is not needed here: the cells are used by their own processor only; `PerCpu` vouches for that.

const NOBODY: u8 = LEVELS as u8;

impl CpuSched {
    /// Of a processor that runs its idle thread.
    pub const fn new(idle: &'static Thread) -> Self {
        CpuSched {
            queue: Lock::new(RunQueue::new()),
            best: AtomicU8::new(NOBODY),
            idle,
            is_idle: AtomicBool::new(false),
            since: AtomicU64::new(0),
            slice_end: Cell::new(0),
            emigrant: Cell::new(None),
            switches: Cell::new(0),
            timers: timeout::CpuTimers::new(),
        }
    }

    /// Switches made on this processor.
    pub fn switches(&self) -> u64 {
        self.switches.get()
    }

    /// End of the current slice, for the timer: 0 when there is no limit.
    pub(super) fn slice_end(&self) -> u64 {
        self.slice_end.get()
    }
}

/// Threads in run queues, a hint for stealing: none while it is 0.
static QUEUED: AtomicUsize = AtomicUsize::new(0);

fn allows(thread: &Thread, cpu: usize) -> bool {
    thread.affinity.load(Ordering::Relaxed) >> cpu & 1 != 0
}

/// Where a thread that becomes runnable should wait: where it ran last if nobody runs there, else with an idle processor, else
/// where it ran last.
fn place(thread: &Thread) -> &'static PerCpu {
    let me = percpu::this();
    let count = percpu::count();
    if count == 1 {
        return me;
    }
    let last = thread.cpu.load(Ordering::Relaxed) as usize;
    let last_cpu = percpu::get(last);
    if thread.on_cpu.load(Ordering::Acquire)
        && let Some(cpu) = last_cpu
    {
        return cpu;
    }
    if let Some(cpu) = last_cpu
        && allows(thread, last)
        && cpu.sched.is_idle.load(Ordering::Relaxed)
    {
        return cpu;
    }
    percpu::all()
        .find(|cpu| allows(thread, cpu.index) && cpu.sched.is_idle.load(Ordering::Relaxed))
        .or(last_cpu.filter(|cpu| allows(thread, cpu.index)))
        .or_else(|| percpu::all().find(|cpu| allows(thread, cpu.index)))
        .unwrap_or(me)
}

/// Queues a thread that has become runnable, and sees to it that its processor notices.
#[inline]
pub fn enqueue(thread: &'static Thread) {
    put(place(thread), thread, Back::New);
}

enum Back {
    /// Woken: behind its equals of this round.
    New,
    /// Its slice is used up.
    Expired,
    /// Interrupted by a higher one.
    Preempted,
    /// It lets its equals run.
    Yielding,
}

fn put(cpu: &'static PerCpu, thread: &'static Thread, how: Back) {
    let sched = &cpu.sched;
    let level = thread.level().min(NOBODY - 1);
    let how = match how {
        // It may have waited in between as often as it likes: what it has used of its slice counts.
        Back::New | Back::Yielding
            if crate::time::ticks_to_ns(thread.slice_used.load(Ordering::Relaxed)) >= slice_ns(level) =>
        {
            Back::Expired
        }
        how => how,
    };
    if matches!(how, Back::Expired) {
        thread.slice_used.store(0, Ordering::Relaxed);
    }
    {
        let mut queue = sched.queue.lock();
        match how {
            Back::New => queue.push(&ThreadLinks, thread.slot(), level, false),
            Back::Expired => queue.push(&ThreadLinks, thread.slot(), level, true),
            Back::Preempted => queue.push_front(&ThreadLinks, thread.slot(), level),
            Back::Yielding => queue.push_yielding(&ThreadLinks, thread.slot(), level),
        }
        sched.best.store(queue.best(), Ordering::Relaxed);
    }
    QUEUED.fetch_add(1, Ordering::Relaxed);
    let me = percpu::this();
    if cpu.index == me.index {
        let current = percpu::current();
        if level < current.level() {
            current.pending.fetch_or(pending::RESCHEDULE, Ordering::Relaxed);
        } else {
            limit_slice(me, current);
        }
    } else {
        // The other processor decides itself whether this is worth a switch.
        apic::send_ipi(cpu.apic_id(), apic::VECTOR_WAKE as u8);
    }
}

/// Somebody else wants this processor: from now on the current thread's slice counts.
fn limit_slice(cpu: &PerCpu, current: &Thread) {
    if cpu.sched.slice_end.get() != 0 || current.is_kernel_thread() {
        return;
    }
    let slice = slice_ns(current.level().min(NOBODY - 1));
    let used = crate::time::ticks_to_ns(current.slice_used.load(Ordering::Relaxed));
    // Who has run on alone for longer than a slice gets one more.
    let left = if used < slice { slice - used } else { slice };
    let end = crate::time::now_ns() + left;
    cpu.sched.slice_end.set(end);
    timeout::want(end);
}

/// Another processor has queued a thread here.
pub fn wake_interrupt() {
    let cpu = percpu::this();
    let current = percpu::current();
    let best = cpu.sched.best.load(Ordering::Relaxed);
    if best < current.level() {
        current.pending.fetch_or(pending::RESCHEDULE, Ordering::Relaxed);
    } else if best != NOBODY {
        limit_slice(cpu, current);
    }
}

/// The timer has fired: has the current slice ended?
pub(super) fn slice_interrupt(now: u64) {
    let cpu = percpu::this();
    let end = cpu.sched.slice_end.get();
    if end != 0 && now >= end {
        percpu::current().pending.fetch_or(pending::RESCHEDULE, Ordering::Relaxed);
    }
}

fn pick(cpu: &'static PerCpu) -> &'static Thread {
    let sched = &cpu.sched;
    if sched.best.load(Ordering::Relaxed) != NOBODY {
        let mut queue = sched.queue.lock();
        let next = queue.pop(&ThreadLinks);
        sched.best.store(queue.best(), Ordering::Relaxed);
        drop(queue);
        if let Some(id) = next {
            QUEUED.fetch_sub(1, Ordering::Relaxed);
            return by_slot(id);
        }
    }
    steal(cpu).unwrap_or(sched.idle)
}

/// Takes a thread from another processor's queue.
fn steal(cpu: &'static PerCpu) -> Option<&'static Thread> {
    if QUEUED.load(Ordering::Relaxed) == 0 || percpu::count() == 1 {
        return None;
    }
    for other in percpu::all().filter(|other| other.index != cpu.index) {
        if other.sched.best.load(Ordering::Relaxed) == NOBODY {
            continue;
        }
        let Some(mut queue) = other.sched.queue.try_lock() else {
            continue;
        };
        let found = queue.take(&ThreadLinks, |id| {
            let thread = by_slot(id);
            allows(thread, cpu.index) && !thread.on_cpu.load(Ordering::Acquire)
        });
        other.sched.best.store(queue.best(), Ordering::Relaxed);
        drop(queue);
        if let Some(id) = found {
            QUEUED.fetch_sub(1, Ordering::Relaxed);
            return Some(by_slot(id));
        }
    }
    None
}

/// Leaves the processor to whoever is next. The caller has marked itself blocked, queued itself, or is dead.
#[inline]
pub fn leave() {
    let cpu = percpu::this();
    let next = pick(cpu);
    cpu.sched.slice_end.set(0);
    go(cpu, next);
    let cpu = percpu::this();
    if cpu.sched.best.load(Ordering::Relaxed) != NOBODY {
        limit_slice(cpu, percpu::current());
    }
}

/// Gives the processor to `next`, whom the caller has claimed (`wait::claim`) after marking itself blocked.
#[inline]
pub fn hand_over(next: &'static Thread) {
    go(percpu::this(), next);
}

/// Runs `next`, whom the caller has claimed, while the current thread waits: at once if `direct` ([`may_hand_over`]).
#[inline(always)]
pub fn give_processor(me: &'static Thread, next: &'static Thread, direct: bool) {
    if me.is_interrupted() {
        wait::wake(me, Wake::Interrupt);
    }
    if direct {
        hand_over(next);
    } else {
        enqueue(next);
        leave();
    }
}

/// Whether [`hand_over`] to this blocked thread is possible and fair: it is off every processor, may run here, and no
/// higher thread waits here.
#[inline]
pub fn may_hand_over(next: &Thread) -> bool {
    let cpu = percpu::this();
    !next.on_cpu.load(Ordering::Acquire)
        && allows(next, cpu.index)
        && cpu.sched.best.load(Ordering::Relaxed) >= next.level()
}

/// Ticks that whoever has this processor has had it for; not counted as used before a switch.
pub(super) fn running_for(cpu: u32) -> u64 {
    let since = percpu::get(cpu as usize).map(|cpu| cpu.sched.since.load(Ordering::Relaxed));
    since.map_or(0, |since| crate::time::tsc().saturating_sub(since))
}

#[inline]
fn go(cpu: &'static PerCpu, next: &'static Thread) {
    let me = percpu::current();
    let now = crate::time::tsc();
    let ran = now.wrapping_sub(cpu.sched.since.load(Ordering::Relaxed));
    me.cpu_time.fetch_add_relaxed(ran);
    me.slice_used.fetch_add_relaxed(ran);
    cpu.sched.since.store(now, Ordering::Relaxed);
    // Who gives way and gets the processor back has used its slice all the same.
    if core::ptr::eq(me, next) {
        return;
    }
    cpu.sched.switches.set(cpu.sched.switches.get() + 1);
    next.on_cpu.store(true, Ordering::Relaxed);
    next.cpu.store(cpu.index as u32, Ordering::Relaxed);
    switch::switch(me, next);
}

/// Adding to a counter that only its own processor writes, without a locked instruction.
trait FetchAddRelaxed {
    fn fetch_add_relaxed(&self, more: u64);
}

impl FetchAddRelaxed for core::sync::atomic::AtomicU64 {
    #[inline]
    fn fetch_add_relaxed(&self, more: u64) {
        self.store(self.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }
}

/// Completes a switch: `left` may now be run by others, or freed.
#[inline]
pub fn switched_from(left: &'static Thread) {
    let dead = left.state.load(Ordering::Relaxed) == state::DEAD;
    left.on_cpu.store(false, Ordering::Release);
    if dead {
        left.release();
    } else if let Some(thread) = percpu::this().sched.emigrant.take() {
        enqueue(thread);
    }
}

/// First code of a new thread.
pub extern "C" fn user_thread_started(left: &'static Thread) {
    switched_from(left);
    Thread::current().take_possession();
    let cpu = percpu::this();
    if cpu.sched.best.load(Ordering::Relaxed) != NOBODY {
        limit_slice(cpu, percpu::current());
    }
    if Thread::current().pending() != 0 {
        super::signal::leave_kernel();
    }
}

/// `SYS_YIELD`: lets equals run.
pub fn yield_now() {
    let cpu = percpu::this();
    if cpu.sched.best.load(Ordering::Relaxed) == NOBODY {
        return;
    }
    put(cpu, Thread::current(), Back::Yielding);
    leave();
}

/// The current thread's turn is over (its slice has ended, or a higher one waits).
pub fn preempt() {
    let cpu = percpu::this();
    let me = Thread::current();
    me.pending.fetch_and(!pending::RESCHEDULE, Ordering::Relaxed);
    if !allows(me, cpu.index) {
        cpu.sched.emigrant.set(Some(me));
        return leave();
    }
    if cpu.sched.best.load(Ordering::Relaxed) == NOBODY {
        cpu.sched.slice_end.set(0);
        return;
    }
    let end = cpu.sched.slice_end.get();
    let now = crate::time::now_ns();
    if end != 0 && now >= end {
        put(cpu, me, Back::Expired);
    } else {
        put(cpu, me, Back::Preempted);
    }
    leave();
}

/// Between the pieces of a long call, with nothing locked: lets interrupts in, and others run whose turn it is. False when the call
/// should end because the thread is to leave it.
#[inline]
pub fn breathe() -> bool {
    crate::arch::take_interrupts();
    let me = Thread::current();
    if me.pending() & pending::RESCHEDULE != 0 {
        preempt();
    }
    !me.is_interrupted()
}

/// Gives a thread another priority level; in force as soon as it is queued anew.
pub fn set_level(thread: &'static Thread, level: u8) {
    thread.base_level.store(level, Ordering::Relaxed);
    thread.level.store(level, Ordering::Relaxed);
}

/// Lends a caller's priority to the thread that serves it, if that is higher.
#[inline]
pub fn lend_level(server: &'static Thread, caller_level: u8) {
    if caller_level >= server.level() {
        return;
    }
    server.level.store(caller_level, Ordering::Relaxed);
    raise_queued(server, caller_level);
}

/// The current thread takes on a caller's priority, if that is higher.
#[inline]
pub fn take_level(me: &Thread, caller_level: u8) {
    if caller_level < me.level() {
        me.level.store(caller_level, Ordering::Relaxed);
    }
}

/// A server that waits in a run queue moves up to its new level.
#[cold]
fn raise_queued(server: &'static Thread, _level: u8) {
    if server.state.load(Ordering::Acquire) != state::RUNNABLE {
        return;
    }
    for cpu in percpu::all() {
        let taken = {
            let mut queue = cpu.sched.queue.lock();
            let taken = queue.take(&ThreadLinks, |id| id == server.slot());
            cpu.sched.best.store(queue.best(), Ordering::Relaxed);
            taken
        };
        if taken.is_some() {
            QUEUED.fetch_sub(1, Ordering::Relaxed);
            put(cpu, server, Back::New);
            return;
        }
    }
}

/// The current thread serves nobody any more: its own priority again.
#[inline]
pub fn return_level(thread: &Thread) {
    thread.level.store(thread.base_level.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// Restricts a thread to some processors; false when none of them exists.
pub fn set_affinity(thread: &'static Thread, mask: u64) -> bool {
    let existing = (1u64 << percpu::count()) - 1;
    if mask & existing == 0 {
        return false;
    }
    thread.affinity.store(mask, Ordering::Relaxed);
    if thread.is_current() {
        thread.pending.fetch_or(pending::RESCHEDULE, Ordering::Relaxed);
    } else if thread.on_cpu.load(Ordering::Acquire)
        && let Some(cpu) = percpu::get(thread.cpu.load(Ordering::Relaxed) as usize)
    {
        thread.pending.fetch_or(pending::RESCHEDULE, Ordering::Relaxed);
        apic::send_ipi(cpu.apic_id(), apic::VECTOR_WAKE as u8);
    }
    true
}

/// What each processor does when there is nothing to do.
pub fn idle_loop() -> ! {
    let cpu = percpu::this();
    cpu.sched.since.store(crate::time::tsc(), Ordering::Relaxed);
    loop {
        percpu::current().pending.store(0, Ordering::Relaxed);
        leave();
        cpu.sched.is_idle.store(true, Ordering::SeqCst);
        if cpu.sched.best.load(Ordering::SeqCst) == NOBODY && !stealable(cpu) {
            timeout::prepare_idle();
            crate::arch::idle_wait();
        }
        cpu.sched.is_idle.store(false, Ordering::SeqCst);
    }
}

fn stealable(cpu: &'static PerCpu) -> bool {
    QUEUED.load(Ordering::Relaxed) != 0
        && percpu::all().any(|other| other.index != cpu.index && other.sched.best.load(Ordering::Relaxed) != NOBODY)
        && steal(cpu).map(|thread| put(cpu, thread, Back::New)).is_some()
}

/// Tells a thread to leave its call and look around; it does so wherever it is.
pub fn interrupt(thread: &'static Thread, bits: u32) {
    thread.pending.fetch_or(bits, Ordering::SeqCst);
    nudge(thread);
}

/// Has a thread look at what is pending, wherever it is.
pub fn nudge(thread: &'static Thread) {
    if wait::wake(thread, Wake::Interrupt) {
        return;
    }
    if thread.on_cpu.load(Ordering::Acquire) && !thread.is_current() {
        let cpu = thread.cpu.load(Ordering::Relaxed) as usize;
        if let Some(cpu) = percpu::get(cpu) {
            apic::send_ipi(cpu.apic_id(), apic::VECTOR_WAKE as u8);
        }
    }
}
