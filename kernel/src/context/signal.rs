//! The way out of the kernel when something waits for the thread: its end, a stop, a signal, another thread's turn. And exceptions.
//!
//! The kernel knows signals only as bits in memory that libc and the process manager share (`redox_syscall::sigabi`): when one is
//! pending and allowed, the thread continues at libc's trampoline instead of where it was.

use alloc::sync::Arc;
use core::mem::offset_of;
use core::sync::atomic::Ordering;

use ochre_abi::proc::{ThreadStatus, state as public};
use syscall::error::{EBUSY, ESRCH, Error, Result};
use syscall::{IntRegisters, SetSighandlerData, SigProcControl, Sigcontrol, SigcontrolFlags};

use super::thread::{self, Thread, pending, state};
use super::{sched, wait};
use crate::arch::trap;
use crate::memory::{AddressSpace, UserSlice};

/// Called on the way to user code when [`Thread::pending`] is not zero.
pub extern "C" fn leave_kernel() {
    let me = Thread::current();
    // A signal that may not be delivered now: the next wait is to end at once, since who holds it back may wait for it.
    let mut held = 0;
    loop {
        let bits = me.pending();
        if bits & pending::EXIT != 0 {
            exit();
        } else if bits & pending::KILL != 0 {
            me.update_status(|status| {
                // How all threads of its space ended may stand there already.
                if status.state < public::EXITED {
                    status.state = public::KILLED;
                }
            });
            exit();
        } else if bits & pending::STOP != 0 {
            wait::prepare();
            // A resume that came before `prepare` has cleared the bit.
            if me.pending() & pending::STOP == 0 || me.pending() & pending::KILL != 0 {
                wait::wake(me, wait::Wake::Event);
            }
            me.source.notify(syscall::EventFlags::EVENT_READ);
            wait::block_uninterrupted();
        } else if bits & pending::INTERRUPT != 0 {
            // Before the look at what is pending: a sender sets it in the other order.
            me.pending.fetch_and(!pending::INTERRUPT, Ordering::SeqCst);
            held = if deliver(me) == Delivery::Held { pending::INTERRUPT } else { 0 };
        } else if bits & pending::RESCHEDULE != 0 {
            sched::preempt();
        } else {
            if held != 0 {
                me.pending.fetch_or(held, Ordering::Relaxed);
            }
            return;
        }
    }
}

/// Ends a stop.
pub fn resume(thread: &'static Thread) {
    if thread.pending.fetch_and(!pending::STOP, Ordering::SeqCst) & pending::STOP != 0 {
        // It may still be on its way there, in the wait of a call: that one must not take this for its event.
        wait::wake(thread, wait::Wake::Interrupt);
    }
}

/// Ends the current thread: everything it holds goes, then its processor.
pub fn exit() -> ! {
    let me = Thread::current();
    // From here on it is not interrupted by its own end.
    me.pending.store(pending::ENDING, Ordering::Relaxed);
    // A thread may always give up its own.
    let _ = me.set_files(None);
    let _ = me.set_space(None);
    if crate::first::is_first(me) {
        crate::panic::die(format_args!("the first program has ended"));
    }
    me.state.store(state::DEAD, Ordering::SeqCst);
    me.source.notify(syscall::EventFlags::EVENT_READ);
    sched::leave();
    unreachable!("a dead thread was run");
}

/// What became of a look for signals.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    /// The thread continues at the trampoline.
    Made,
    /// There is one, but libc does not want it now.
    Held,
    /// There is none.
    Nothing,
}

/// Sends the thread to libc's signal trampoline if a signal is pending and allowed.
fn deliver(me: &'static Thread) -> Delivery {
    let handler = me.sighandler();
    if handler.user_handler == 0 || handler.thread_control_addr == 0 {
        return Delivery::Nothing;
    }
    // A thread whose control words are not there has no signals; that is its own affair.
    try_deliver(me, &handler).unwrap_or(Delivery::Nothing)
}

/// Bits of the control words: pending in the lower half, allowed in the upper.
fn allowed_pending(thread_word: u64, process_pending: u64, half: u32) -> u64 {
    (thread_word | (process_pending >> (32 * half) & 0xffff_ffff)) & (thread_word >> 32) & 0xffff_ffff
}

const INHIBIT: u64 = SigcontrolFlags::INHIBIT_DELIVERY.bits() as u64;
const HANDLING: u64 = SigcontrolFlags::HANDLING_EXCEPTION.bits() as u64;

/// A word of a thread's `Sigcontrol`.
fn control_word(handler: &SetSighandlerData, offset: usize) -> Result<UserSlice> {
    UserSlice::new(handler.thread_control_addr.wrapping_add(offset), 8)
}

fn try_deliver(me: &'static Thread, handler: &SetSighandlerData) -> Result<Delivery> {
    let words: [u64; 2] = UserSlice::new(handler.thread_control_addr, 16)?.read_value()?;
    let process: u64 = if handler.proc_control_addr == 0 {
        0
    } else {
        let at = handler.proc_control_addr.wrapping_add(offset_of!(SigProcControl, pending));
        UserSlice::new(at, 8)?.read_value()?
    };
    if allowed_pending(words[0], process, 0) | allowed_pending(words[1], process, 1) == 0 {
        return Ok(Delivery::Nothing);
    }
    let flags: u64 = control_word(handler, offset_of!(Sigcontrol, control_flags))?.read_value()?;
    if flags & INHIBIT != 0 {
        return Ok(Delivery::Held);
    }
    divert(me, handler, handler.user_handler, flags | INHIBIT)?;
    Ok(Delivery::Made)
}

/// Hands a processor exception to libc's handler, unless it is handling one.
fn deliver_exception(
    me: &'static Thread,
    handler: &SetSighandlerData,
    exception: syscall::Exception,
) -> Result<Delivery> {
    let flags: u64 = control_word(handler, offset_of!(Sigcontrol, control_flags))?.read_value()?;
    if flags & HANDLING != 0 {
        return Ok(Delivery::Held);
    }
    let (code, address) = exception.pack();
    control_word(handler, offset_of!(Sigcontrol, saved_excp_code))?.write_value(&(code as u64))?;
    control_word(handler, offset_of!(Sigcontrol, saved_excp_addr))?.write_value(&(address as u64))?;
    divert(me, handler, handler.excp_handler, flags | INHIBIT | HANDLING)?;
    Ok(Delivery::Made)
}

/// Lets the thread go on at `entry`; where it was stands in its control words.
fn divert(me: &'static Thread, handler: &SetSighandlerData, entry: usize, flags: u64) -> Result<()> {
    let mut regs = me.arch.registers();
    control_word(handler, offset_of!(Sigcontrol, saved_ip))?.write_value(&(regs.rip as u64))?;
    control_word(handler, offset_of!(Sigcontrol, saved_archdep_reg))?.write_value(&(regs.rflags as u64))?;
    control_word(handler, offset_of!(Sigcontrol, control_flags))?.write_value(&flags)?;
    regs.rip = entry;
    // Direction and trap flags off: the trampoline is ordinary code.
    regs.rflags &= !0x500;
    me.arch.set_registers(&regs);
    Ok(())
}

/// A processor exception in user code: to libc's handler if it has one, else the thread's end, told in one line.
pub fn exception(vector: usize, code: usize, address: usize, regs: &IntRegisters) {
    let me = Thread::current();
    let handler = me.sighandler();
    if handler.excp_handler != 0 && handler.thread_control_addr != 0 {
        let exception = syscall::Exception { kind: vector, code, address };
        if deliver_exception(me, &handler, exception) == Ok(Delivery::Made) {
            return;
        }
    }
    let (name, pid) = (me.name(), me.pid.load(Ordering::Relaxed));
    if vector == 14 {
        kprintln!(
            "kernel: {name} (process {pid}, thread {}) ended by a page fault: {} {address:#x} at {:#x}: {}",
            me.slot(),
            access_name(code),
            regs.rip,
            reason(code, address),
        );
    } else {
        kprintln!(
            "kernel: {name} (process {pid}, thread {}) ended by {}: code {code:#x} at {:#x}",
            me.slot(),
            trap::name(vector),
            regs.rip,
        );
    }
    let status = ThreadStatus {
        state: public::EXCEPTION,
        exception: vector,
        exception_code: code,
        exception_address: address,
        exception_ip: regs.rip,
        ..ThreadStatus::default()
    };
    match me.space() {
        Ok(space) => end_space(&space, &status),
        Err(_) => me.update_status(|mine| *mine = status),
    }
    me.pending.fetch_or(pending::KILL, Ordering::Relaxed);
}

/// Ends every thread of an address space with this status. Only the first one who does so counts.
pub fn end_space(space: &Arc<AddressSpace>, status: &ThreadStatus) {
    if !space.set_ended() {
        return;
    }
    thread::for_each(|thread| {
        // A thread that is started from now on sees the mark (`start`).
        if thread.end_in(space, status) {
            sched::nudge(thread);
        }
    });
}

/// Starts a new thread. `EBUSY` when it was started before, `ESRCH` when its address space has ended.
///
/// `prepare` is called when nobody can change its spaces any more, and it does not run yet; if that fails the thread ends.
pub fn start(thread: &'static Thread, prepare: impl FnOnce() -> Result<()>) -> Result<()> {
    if !thread.leave_new() {
        return Err(Error::new(EBUSY));
    }
    // Looked at after the start: whoever ends the space either finds the thread started, or has left the mark for us.
    let space = thread.remote_space();
    let ended = space.as_ref().is_some_and(|space| space.is_ended());
    let result = if ended { Err(Error::new(ESRCH)) } else { prepare() };
    if let Some(space) = space.filter(|space| space.is_stopped()) {
        thread.pending.fetch_or(pending::STOP, Ordering::SeqCst);
        // Whoever resumes the space either finds the thread stopped, or has taken the mark away by now.
        if !space.is_stopped() {
            thread.pending.fetch_and(!pending::STOP, Ordering::SeqCst);
        }
    }
    if result.is_err() {
        thread.pending.fetch_or(pending::KILL, Ordering::Relaxed);
    }
    crate::scheme::trace::started(thread);
    sched::enqueue(thread);
    result
}

fn access_name(code: usize) -> &'static str {
    if code & 16 != 0 {
        "jump to"
    } else if code & 2 != 0 {
        "write to"
    } else {
        "read of"
    }
}

fn reason(code: usize, address: usize) -> &'static str {
    if address >= ochre_abi::USER_END {
        "kernel space"
    } else if address < ochre_abi::USER_BASE {
        "null pointer"
    } else if Thread::current().with_space(|space| space.has_mapping(address)).unwrap_or(false) {
        if code & 1 != 0 { "not allowed there" } else { "not allowed there, or no memory left" }
    } else {
        "nothing is mapped there"
    }
}
