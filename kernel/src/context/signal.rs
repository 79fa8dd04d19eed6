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
            me.pending.fetch_and(!pending::INTERRUPT, Ordering::Relaxed);
            deliver(me);
        } else if bits & pending::RESCHEDULE != 0 {
            sched::preempt();
        } else {
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

/// Sends the thread to libc's signal trampoline if a signal is pending and allowed.
fn deliver(me: &'static Thread) {
    let handler = me.sighandler();
    if handler.user_handler == 0 || handler.thread_control_addr == 0 {
        return;
    }
    // A thread whose control words are not there has no signals; that is its own affair.
    let _ = try_deliver(me, &handler, handler.user_handler, None);
}

/// Bits of the control words: pending in the lower half, allowed in the upper.
fn allowed_pending(thread_word: u64, process_pending: u64, half: u32) -> u64 {
    (thread_word | (process_pending >> (32 * half) & 0xffff_ffff)) & (thread_word >> 32) & 0xffff_ffff
}

fn try_deliver(
    me: &'static Thread,
    handler: &SetSighandlerData,
    entry: usize,
    exception: Option<(usize, usize)>,
) -> Result<bool> {
    let word = |offset: usize| UserSlice::new(handler.thread_control_addr.wrapping_add(offset), 8);
    let flags_at = word(offset_of!(Sigcontrol, control_flags))?;
    let flags: u64 = flags_at.read_value()?;
    let inhibit = SigcontrolFlags::INHIBIT_DELIVERY.bits() as u64;
    let handling = SigcontrolFlags::HANDLING_EXCEPTION.bits() as u64;
    match exception {
        Some(_) if flags & handling != 0 => return Ok(false),
        Some((code, address)) => {
            word(offset_of!(Sigcontrol, saved_excp_code))?.write_value(&(code as u64))?;
            word(offset_of!(Sigcontrol, saved_excp_addr))?.write_value(&(address as u64))?;
        }
        None => {
            let words: [u64; 2] = UserSlice::new(handler.thread_control_addr, 16)?.read_value()?;
            let process: u64 = if handler.proc_control_addr == 0 {
                0
            } else {
                let at = handler.proc_control_addr.wrapping_add(offset_of!(SigProcControl, pending));
                UserSlice::new(at, 8)?.read_value()?
            };
            let ready = allowed_pending(words[0], process, 0) | allowed_pending(words[1], process, 1);
            if ready == 0 || flags & inhibit != 0 {
                return Ok(false);
            }
        }
    }
    let mut regs = me.arch.registers();
    word(offset_of!(Sigcontrol, saved_ip))?.write_value(&(regs.rip as u64))?;
    word(offset_of!(Sigcontrol, saved_archdep_reg))?.write_value(&(regs.rflags as u64))?;
    let set = if exception.is_some() { inhibit | handling } else { inhibit };
    flags_at.write_value(&(flags | set))?;
    regs.rip = entry;
    // Direction and trap flags off: the trampoline is ordinary code.
    regs.rflags &= !0x500;
    me.arch.set_registers(&regs);
    Ok(true)
}

/// A processor exception in user code: to libc's handler if it has one, else the thread's end, told in one line.
pub fn exception(vector: usize, code: usize, address: usize, regs: &IntRegisters) {
    let me = Thread::current();
    let handler = me.sighandler();
    if handler.excp_handler != 0 && handler.thread_control_addr != 0 {
        let packed = syscall::Exception { kind: vector, code, address }.pack();
        if try_deliver(me, &handler, handler.excp_handler, Some(packed)) == Ok(true) {
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
