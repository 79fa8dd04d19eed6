//! Timers that send signals: `alarm`, `setitimer`, `timer_create`. A thread of libc's own, made with the first of them, sleeps until the
//! next one is due.
//!
//! The clocks: the monotonic one, the time of day, and the processor time of the process, of which the thread knows only that it runs no faster than the
//! threads together can make it.

use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, Ordering};

use syscall::error::{EAGAIN, EINVAL, Error, Result};
use syscall::{CLOCK_MONOTONIC, CLOCK_REALTIME};

use super::{entry, me, send};
use crate::rt::lock::Lock;
use crate::rt::{clock, sys, thread};

/// What a timer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Time since the start of the machine.
    Real,
    /// The time of day.
    Wall,
    /// Processor time of the process.
    Processor,
}

/// What a timer does when it is due.
#[derive(Clone, Copy)]
pub enum Deed {
    /// Nothing; it can be looked at.
    Nothing,
    /// Sends the process a signal with a value.
    Signal(u32, usize),
    /// Calls a function with a value, in a thread of its own.
    Call(extern "C" fn(*mut c_void), usize),
}

/// A timer's setting, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Until it is due; 0: never.
    pub left: i128,
    /// From then on between one time and the next; 0: once.
    pub interval: i128,
}

#[derive(Clone, Copy)]
struct Timer {
    count: Count,
    deed: Deed,
    /// On the clock that it counts; 0 while it stands.
    due: i128,
    interval: i128,
    /// Times that it was due again before the last one was told.
    overrun: i32,
}

/// Numbers of the timers that everybody has: those of `setitimer`, by its first argument.
pub const FIXED: usize = 3;
/// Timers of a process.
const TIMERS: usize = 64;
/// Stack of the thread, and of those that it starts.
const STACK: usize = 64 << 10;

struct Timers {
    list: [Option<Timer>; TIMERS],
    served: bool,
}

static TIMERS_OF_PROCESS: Lock<Timers> = Lock::new(Timers { list: [None; TIMERS], served: false });
/// Changes when the thread is to look at the timers again.
static CHANGES: AtomicI32 = AtomicI32::new(0);

/// Does something with the timers. Handlers set timers too, so that none may come between here.
fn with<T>(act: impl FnOnce(&mut Timers) -> T) -> T {
    // SAFETY: the calling thread's own.
    unsafe {
        (*me()).inhibit();
        let answer = act(&mut TIMERS_OF_PROCESS.lock());
        (*me()).admit();
        if (*me()).is_ready() {
            entry::now();
        }
        answer
    }
}

fn now(count: Count) -> i128 {
    match count {
        Count::Real => clock::now(CLOCK_MONOTONIC).map_or(0, |now| clock::nanos(&now)),
        Count::Wall => clock::now(CLOCK_REALTIME).map_or(0, |now| clock::nanos(&now)),
        Count::Processor => thread::process_time(),
    }
}

impl Timer {
    fn setting(&self) -> Setting {
        // A timer that is due but was not told yet is not one that stands.
        let left = if self.due == 0 { 0 } else { (self.due - now(self.count)).max(1) };
        Setting { left, interval: self.interval }
    }

    /// Moves on to the next time if it is due; answers whether it was.
    fn advance(&mut self, now: i128) -> bool {
        if self.due == 0 || now < self.due {
            return false;
        }
        if self.interval == 0 {
            (self.due, self.overrun) = (0, 0);
        } else {
            let missed = (now - self.due) / self.interval;
            self.due += (missed + 1) * self.interval;
            self.overrun = i32::try_from(missed).unwrap_or(i32::MAX);
        }
        true
    }
}

/// Makes a timer that stands still; `EAGAIN` when there are too many.
pub fn create(count: Count, deed: Deed) -> Result<usize> {
    with(|timers| {
        let free = timers.list.iter().enumerate().skip(FIXED).find(|(_, timer)| timer.is_none());
        let (index, _) = free.ok_or(Error::new(EAGAIN))?;
        timers.list[index] = Some(Timer { count, deed, due: 0, interval: 0, overrun: 0 });
        Ok(index)
    })
}

/// Removes a timer.
pub fn delete(index: usize) -> Result<()> {
    with(|timers| {
        let slot = timers.list.get_mut(index).filter(|_| index >= FIXED).ok_or(Error::new(EINVAL))?;
        slot.take().map(|_| ()).ok_or(Error::new(EINVAL))
    })
}

/// Looks at a timer.
pub fn get(index: usize) -> Result<Setting> {
    let timer = with(|timers| timers.list.get(index).copied().flatten());
    timer.map(|timer| timer.setting()).ok_or(Error::new(EINVAL))
}

/// How often the timer was due again before the last time was told.
pub fn overrun(index: usize) -> Result<i32> {
    let timer = with(|timers| timers.list.get(index).copied().flatten());
    timer.map(|timer| timer.overrun).ok_or(Error::new(EINVAL))
}

/// Sets a timer; answers how it stood. With `absolute`, the time until it is due is a moment on its clock.
pub fn set(index: usize, new: Setting, absolute: bool) -> Result<Setting> {
    if new.left < 0 || new.interval < 0 {
        return Err(Error::new(EINVAL));
    }
    serve()?;
    let before = with(|timers| {
        let timer = timers.list.get_mut(index).and_then(Option::as_mut).ok_or(Error::new(EINVAL))?;
        let before = timer.setting();
        let start = if absolute { 0 } else { now(timer.count) };
        timer.due = if new.left == 0 { 0 } else { start + new.left };
        (timer.interval, timer.overrun) = (new.interval, 0);
        Ok(before)
    })?;
    wake();
    Ok(before)
}

/// Sets one of the timers that everybody has, which counts this and sends that signal.
pub fn set_fixed(index: usize, count: Count, signal: u32, new: Setting) -> Result<Setting> {
    with(|timers| {
        let deed = Deed::Signal(signal, 0);
        timers.list[index].get_or_insert(Timer { count, deed, due: 0, interval: 0, overrun: 0 });
    });
    set(index, new, false)
}

fn wake() {
    CHANGES.fetch_add(1, Ordering::Release);
    sys::futex_wake(&CHANGES, 1);
}

/// Sees to it that the thread is there.
fn serve() -> Result<()> {
    if with(|timers| core::mem::replace(&mut timers.served, true)) {
        return Ok(());
    }
    thread::create_servant(STACK, servant).inspect_err(|_| with(|timers| timers.served = false))
}

/// The thread.
extern "C" fn servant(_: *mut c_void) -> *mut c_void {
    loop {
        let seen = CHANGES.load(Ordering::Acquire);
        let mut due = [None; TIMERS];
        let next = with(|timers| {
            let mut next = None;
            for (timer, due) in timers.list.iter_mut().zip(&mut due) {
                let Some(timer) = timer else { continue };
                if timer.due == 0 {
                    continue;
                }
                let now = now(timer.count);
                if timer.advance(now) {
                    *due = Some(timer.deed);
                }
                if timer.due != 0 {
                    let left = timer.due - now;
                    let left = if timer.count == Count::Processor { left / thread::count() } else { left };
                    next = Some(next.map_or(left, |next: i128| next.min(left)));
                }
            }
            next
        });
        due.into_iter().flatten().for_each(perform);
        // A time that cannot be had, or a change: look again.
        let _ = match next.map(|left| clock::monotonic_in(left.max(1))) {
            Some(Ok(moment)) => sys::futex_wait(&CHANGES, seen, Some(&moment)),
            Some(Err(_)) | None => sys::futex_wait(&CHANGES, seen, None),
        };
    }
}

fn perform(deed: Deed) {
    // What cannot be done now (a full queue, no memory) is lost, as a signal that is pending already would be.
    let _ = match deed {
        Deed::Nothing => Ok(()),
        Deed::Signal(signal, value) => send::to_own_process(signal, value, send::BY_TIMER).map(|_| ()),
        Deed::Call(function, value) => {
            // The same registers carry the value to a function of either type, and nobody looks at what it answers.
            type Start = extern "C" fn(*mut c_void) -> *mut c_void;
            // SAFETY: both are pointers to functions that take a pointer.
            let start: Start = unsafe { core::mem::transmute(function) };
            thread::create(STACK, true, start, value as *mut c_void).map(|_| ())
        }
    };
}

/// In the child of a `fork`: there are no timers, and no thread for them.
///
/// # Safety
/// There is no other thread.
pub unsafe fn forked() {
    // SAFETY: as this function demands: nobody holds the lock, whatever it says.
    unsafe {
        (&raw const TIMERS_OF_PROCESS).cast_mut().write(Lock::new(Timers { list: [None; TIMERS], served: false }));
    }
}

/// For those who name a timer by a pointer.
pub fn to_pointer(index: usize) -> *mut c_void {
    null_mut::<c_void>().wrapping_byte_add(index)
}
