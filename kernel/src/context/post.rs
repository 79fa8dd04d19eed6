//! Sending signals: pending bits in memory that belongs to another program, and the interruption of a thread that allows them.
//!
//! Nothing here trusts that memory: its program may change it at any time, and what it does to it is its own affair. No locks are
//! held but the one of the address space, around each word.

use alloc::sync::Arc;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering};

use ochre_abi::signal::{self, FIRST_QUEUED, IGNORED, Info, LAST, PROCESS_QUEUE, THREAD_QUEUE};
use syscall::error::{EAGAIN, EINVAL, EOPNOTSUPP, ESRCH, Error, Result};
use syscall::{RawAction, SetSighandlerData, SigProcControl, Sigcontrol};

use super::sched;
use super::thread::{self, Thread, pending};
use crate::memory::AddressSpace;

/// Whom a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The thread alone.
    Thread,
    /// Any thread of its address space, this one first.
    Process,
}

/// A program's memory in which signals become pending.
struct Place<'a> {
    space: &'a AddressSpace,
    handler: SetSighandlerData,
}

impl Place<'_> {
    fn word(&self, address: usize, act: &dyn Fn(&AtomicU64) -> u64) -> Result<u64> {
        self.space.with_word(address, |word| act(word))
    }

    fn load(&self, address: usize) -> Result<u64> {
        self.word(address, &|word| word.load(Ordering::SeqCst))
    }

    /// The thread's word with this signal, and the signal's bit in it.
    fn thread_word(&self, signal: u32) -> (usize, u64) {
        let index = (signal - 1) as usize;
        let word = self.handler.thread_control_addr.wrapping_add(offset_of!(Sigcontrol, word) + index / 32 * 8);
        (word, 1 << (index % 32))
    }

    fn process_word(&self) -> usize {
        self.handler.proc_control_addr.wrapping_add(offset_of!(SigProcControl, pending))
    }

    /// Whether the thread allows one of these signals.
    fn allows(&self, signals: u64) -> Result<bool> {
        let [low, high] = [1, 33].map(|first| self.load(self.thread_word(first).0).map(|word| word >> 32));
        Ok((low? | high? << 32) & signals != 0)
    }

    fn is_ignored(&self, signal: u32) -> Result<bool> {
        let action = offset_of!(SigProcControl, actions) + (signal - 1) as usize * size_of::<RawAction>();
        let first = action + offset_of!(RawAction, first);
        Ok(self.load(self.handler.proc_control_addr.wrapping_add(first))? & IGNORED != 0)
    }

    /// Puts what is known about a signal into a queue; `EAGAIN` when there is no room for one that must be queued.
    fn put(&self, queue: usize, len: usize, signal: u32, info: &Info) -> Result<()> {
        let put = signal::put(len, signal, info, |offset, act| self.word(queue.wrapping_add(offset), act))?;
        if put || signal < FIRST_QUEUED { Ok(()) } else { Err(Error::new(EAGAIN)) }
    }

    fn post_to_thread(&self, thread: &'static Thread, signal: u32, info: &Info) -> Result<()> {
        let (word, bit) = self.thread_word(signal);
        if signal < FIRST_QUEUED && self.load(word)? & bit != 0 {
            return Ok(());
        }
        let queue = signal::queue_of_thread(self.handler.thread_control_addr, size_of::<Sigcontrol>());
        self.put(queue, THREAD_QUEUE, signal, info)?;
        // The thread changes what it allows in the same word: either it sees the bit, or it is seen here that it allows it.
        let before = self.word(word, &|word| word.fetch_or(bit, Ordering::SeqCst))?;
        if before >> 32 & bit != 0 {
            sched::interrupt(thread, pending::INTERRUPT);
        }
        Ok(())
    }

    fn post_to_process(&self, signal: u32, info: &Info) -> Result<()> {
        let (word, bit) = (self.process_word(), 1_u64 << (signal - 1));
        if signal < FIRST_QUEUED && self.load(word)? & bit != 0 {
            return Ok(());
        }
        let queue = signal::queue_of_process(self.handler.proc_control_addr, size_of::<SigProcControl>());
        self.put(queue, PROCESS_QUEUE, signal, info)?;
        self.word(word, &|word| word.fetch_or(bit, Ordering::SeqCst)).map(|_| ())
    }
}

/// Signal handling of a thread, if it has any.
fn handling(thread: &Thread) -> Option<SetSighandlerData> {
    let handler = thread.sighandler();
    (handler.user_handler != 0 && handler.thread_control_addr != 0).then_some(handler)
}

/// Sends a signal. 0 only has a thread look that allows what is pending for the process.
///
/// `EINVAL` for a number that is none, `ESRCH` for a thread that has ended, `EOPNOTSUPP` without signal handling, `EAGAIN` when the
/// queue is full, `EFAULT` when the memory is not there.
pub fn post(thread: &'static Thread, signal: u32, target: Target, info: &Info) -> Result<()> {
    if signal > LAST {
        return Err(Error::new(EINVAL));
    }
    let space = thread.remote_space().ok_or(Error::new(ESRCH))?;
    let handler = handling(thread).ok_or(Error::new(EOPNOTSUPP))?;
    if handler.proc_control_addr == 0 {
        return Err(Error::new(EOPNOTSUPP));
    }
    let place = Place { space: &space, handler };
    if signal == 0 {
        let waiting = place.load(place.process_word())?;
        return wake_one(thread, &space, waiting);
    }
    let bit = 1 << (signal - 1);
    // One that is blocked may be waited for (`sigwait`), so it is kept although it is ignored.
    if place.is_ignored(signal)? && place.allows(bit)? {
        return Ok(());
    }
    match target {
        Target::Thread => place.post_to_thread(thread, signal, info),
        Target::Process => {
            place.post_to_process(signal, info)?;
            wake_one(thread, &space, bit)
        }
    }
}

/// Interrupts one thread of a space that allows one of these signals: the preferred one, or else any.
fn wake_one(preferred: &'static Thread, space: &Arc<AddressSpace>, signals: u64) -> Result<()> {
    let allows = |thread: &Thread| {
        let handler = handling(thread);
        handler.is_some_and(|handler| Place { space, handler }.allows(signals).unwrap_or(false))
    };
    if signals == 0 {
        return Ok(());
    }
    let mut chosen = allows(preferred).then_some(preferred);
    if chosen.is_none() {
        thread::for_each(|thread| {
            let other = chosen.is_none() && !core::ptr::eq(thread, preferred) && !thread.is_new();
            if other && thread.remote_space().is_some_and(|own| Arc::ptr_eq(&own, space)) && allows(thread) {
                chosen = Some(thread);
            }
        });
    }
    // A thread that has ended meanwhile has left its place to another, which finds nothing and goes on.
    if let Some(thread) = chosen {
        sched::interrupt(thread, pending::INTERRUPT);
    }
    Ok(())
}
