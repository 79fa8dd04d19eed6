//! Deadlines, on the one-shot timer of each processor: while nobody waits for a time, no timer runs.
//!
//! Each processor has a queue of its own, ordered by time; a deadline may be taken back from any processor.

use alloc::collections::BTreeMap;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::{AtomicU64, Ordering};

use super::sched;
use super::thread::Thread;
use super::wait::{self, Wake};
use crate::arch::{apic, percpu};
use crate::sync::{Lock, level};
use crate::time;

/// What happens at a deadline.
pub enum Target {
    /// A blocked thread is woken.
    Thread(&'static Thread),
    /// An object is told.
    Object(Weak<dyn Timed>),
}

/// Something that wants to know when a time has come.
pub trait Timed: Send + Sync {
    /// The time has come. Called from the timer interrupt; takes no lock below `level::BUFFER` and does not wait.
    fn expired(&self, key: u64);
}

/// Names a deadline, to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    deadline: u64,
    number: u64,
    cpu: u32,
}

/// A processor's deadlines.
pub struct CpuTimers {
    queue: Lock<{ level::TIMER }, BTreeMap<(u64, u64), Target>>,
    /// What the timer is set to, `u64::MAX` when it is off. Used by its own processor only.
    armed: AtomicU64,
}

impl CpuTimers {
    /// None.
    pub const fn new() -> Self {
        CpuTimers { queue: Lock::new(BTreeMap::new()), armed: AtomicU64::new(u64::MAX) }
    }
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Sets a deadline (monotonic nanoseconds). An object's `expired` gets the timer's number as its key.
pub fn start(deadline: u64, target: Target) -> Timer {
    let cpu = percpu::this();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    cpu.sched.timers.queue.lock().insert((deadline, number), target);
    want(deadline);
    Timer { deadline, number, cpu: cpu.index as u32 }
}

/// Number of a timer, as `expired` gets it.
pub fn number(timer: Timer) -> u64 {
    timer.number
}

/// [`Thread::timer`] while the wake-up is under way.
const FIRING: u64 = u64::MAX;

/// Leaves the processor until the current thread, which is marked as blocked, is woken or `deadline` has passed. Afterwards the
/// deadline cannot wake it any more.
pub(super) fn sleep(me: &'static Thread, deadline: u64) {
    let timer = {
        let cpu = percpu::this();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        me.timer.store(number, Ordering::Relaxed);
        cpu.sched.timers.queue.lock().insert((deadline, number), Target::Thread(me));
        want(deadline);
        Timer { deadline, number, cpu: cpu.index as u32 }
    };
    sched::leave();
    while me.timer.compare_exchange(timer.number, 0, Ordering::Acquire, Ordering::Relaxed) == Err(FIRING) {
        // Another processor is in the middle of waking: it has interrupts off and waits for nobody.
        core::hint::spin_loop();
    }
    cancel(timer);
}

/// Takes a deadline back; nothing happens when it has passed.
pub fn cancel(timer: Timer) {
    if let Some(cpu) = percpu::get(timer.cpu as usize) {
        let gone = cpu.sched.timers.queue.lock().remove(&(timer.deadline, timer.number));
        drop(gone);
    }
}

/// Sees to it that this processor's timer fires at `deadline` or before.
pub(super) fn want(deadline: u64) {
    let armed = &percpu::this().sched.timers.armed;
    if deadline < armed.load(Ordering::Relaxed) {
        armed.store(deadline, Ordering::Relaxed);
        apic::arm_timer(deadline);
    }
}

/// The timer of this processor has fired.
pub fn interrupt() {
    let cpu = percpu::this();
    let timers = &cpu.sched.timers;
    timers.armed.store(u64::MAX, Ordering::Relaxed);
    let now = time::now_ns();
    loop {
        let due = {
            let mut queue = timers.queue.lock();
            match queue.first_key_value() {
                Some((&(deadline, _), _)) if deadline <= now => queue.pop_first(),
                _ => None,
            }
        };
        match due {
            None => break,
            Some(((_, number), Target::Thread(thread))) => {
                // Only the wait that this deadline was set for.
                if thread.timer.compare_exchange(number, FIRING, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                    wait::wake(thread, Wake::Timeout);
                    thread.timer.store(0, Ordering::Release);
                }
            }
            Some(((_, number), Target::Object(object))) => {
                if let Some(object) = object.upgrade() {
                    object.expired(number);
                    drop::<Arc<_>>(object);
                }
            }
        }
    }
    sched::slice_interrupt(now);
    let next = timers.queue.lock().first_key_value().map(|(&(deadline, _), _)| deadline);
    let slice = Some(cpu.sched.slice_end()).filter(|&end| end > now);
    if let Some(deadline) = next.into_iter().chain(slice).min() {
        want(deadline);
    }
}

/// Before a processor goes idle: a timer set only for a slice that no longer counts is turned off.
pub(super) fn prepare_idle() {
    let timers = &percpu::this().sched.timers;
    let armed = timers.armed.load(Ordering::Relaxed);
    if armed == u64::MAX {
        return;
    }
    let next = timers.queue.lock().first_key_value().map_or(u64::MAX, |(&(deadline, _), _)| deadline);
    if next > armed {
        timers.armed.store(next, Ordering::Relaxed);
        if next == u64::MAX { apic::disarm_timer() } else { apic::arm_timer(next) }
    }
}
