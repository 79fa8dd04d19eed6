//! The end of the process by a crash, and the summary of it on standard error: who, why, registers, backtrace, memory.
//!
//! It runs on one of libc's own stacks, and trusts nothing that the program may have broken: no lock of libc is taken, no memory
//! allocated, and the program's memory is read by the kernel, which answers where there is none. A thread without any state of
//! libc's ends the process in any case ([`watchdog`]), should standard error, or whoever holds the program's file, not take part.

mod memory;
mod names;
mod output;
mod watchdog;

use core::fmt::Write as _;
use core::sync::atomic::{AtomicPtr, Ordering};

use libc::siginfo_t;
use ochre_abi::proc::ThreadVerb;
use ochre_abi::wait_status;

use super::fault::Exception;
use super::frame::Registers;
use super::me;
use super::set;
use crate::rt::tcb::{Tcb, current};
use crate::rt::{sys, thread};
use memory::Space;
use output::Output;

pub use memory::access_at;
pub use names::signal_name;

/// The thread whose crash it is.
static CRASHED: AtomicPtr<Tcb> = AtomicPtr::new(core::ptr::null_mut());

/// Most frames of a backtrace.
const FRAMES: usize = 48;

/// Ends the process by this signal, with a summary. `exception` is what the processor said, if it was that.
pub fn end(signal: u32, info: &siginfo_t, registers: &Registers, exception: Option<&Exception>) -> ! {
    let status = wait_status::signaled(signal as u8) | wait_status::CORE;
    match CRASHED.compare_exchange(core::ptr::null_mut(), current(), Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            // SAFETY: the calling thread's own. Nothing is ready from here on, so that calls wait as they should.
            unsafe { (*me()).set_blocked(u64::MAX) };
            watchdog::start(status);
            report(signal, info, registers, exception);
        }
        // The summary itself has crashed: what is out is out.
        Err(crashed) if crashed == current() => {}
        Err(_) => loop {
            // The end comes with that of the other summary.
            // SAFETY: the calling thread's own.
            unsafe { (*me()).set_blocked(u64::MAX) };
            let _ = super::mask::suspend(None);
        },
    }
    // SAFETY: this thread has a control block.
    let handle = unsafe { (*current()).handle };
    let end = ThreadVerb::EndSpace as u64;
    // It fails only when the descriptor was closed by somebody who guessed its number.
    let _ = match exception {
        Some(exception) => {
            let Exception { vector, code, address, ip } = *exception;
            sys::verb(handle, &[end, status as u64, vector as u64, code as u64, address as u64, ip as u64])
        }
        None => sys::verb(handle, &[end, status as u64]),
    };
    thread::end_by_signal(signal as i32)
}

fn report(signal: u32, info: &siginfo_t, registers: &Registers, exception: Option<&Exception>) {
    let mut out = Output::new();
    // Nothing can be done about an unwritable standard error; an error ends the summary.
    let _ = headline(&mut out, signal, info, exception).and_then(|()| print_registers(&mut out, registers)).and_then(
        |()| {
            let Some(space) = Space::open() else { return Ok(()) };
            let frames = memory::backtrace(&space, registers);
            names::print_backtrace(&mut out, &frames)?;
            memory::print_map(&mut out, &space)
        },
    );
    out.flush();
}

fn headline(out: &mut Output, signal: u32, info: &siginfo_t, exception: Option<&Exception>) -> core::fmt::Result {
    let attributes = thread::attributes().unwrap_or_default();
    let name = attributes.debug_name.split(|&byte| byte == 0).next().unwrap_or_default();
    let name = core::str::from_utf8(name).unwrap_or("?");
    // SAFETY: this thread has a control block.
    let number = unsafe { (*current()).number };
    write!(out, "{name} (process {}, thread {number}) ended by {}", attributes.pid, signal_name(signal))?;
    match exception {
        Some(exception) => {
            write!(out, ": {}", exception.deed())?;
            if exception.vector == 14 {
                write!(out, " {:#x}: {}", exception.address, reason(signal, info))?;
            }
            writeln!(out, " at {:#x}", exception.ip)
        }
        None if signal == set::SIGABRT && info.si_pid == attributes.pid as i32 => writeln!(out, ": abort"),
        None => writeln!(out, ": sent by process {}", info.si_pid),
    }
}

fn reason(signal: u32, info: &siginfo_t) -> &'static str {
    match (signal, info.si_code) {
        (set::SIGBUS, _) => "there is no page, or no memory left",
        (_, 1) if (info.si_addr as usize) < ochre_abi::USER_BASE => "null pointer",
        (_, 1) => "nothing is mapped there",
        _ if info.si_addr as usize >= ochre_abi::USER_END => "kernel space",
        _ => "not allowed there",
    }
}

fn print_registers(out: &mut Output, registers: &Registers) -> core::fmt::Result {
    let r = registers;
    writeln!(out, "registers")?;
    let lines = [
        [("rip", r.rip), ("rsp", r.rsp), ("rbp", r.rbp), ("flg", r.rflags)],
        [("rax", r.rax), ("rbx", r.rbx), ("rcx", r.rcx), ("rdx", r.rdx)],
        [("rsi", r.rsi), ("rdi", r.rdi), ("r8 ", r.r8), ("r9 ", r.r9)],
        [("r10", r.r10), ("r11", r.r11), ("r12", r.r12), ("r13", r.r13)],
    ];
    for line in lines {
        for (name, value) in line {
            write!(out, "  {name} {value:016x}")?;
        }
        writeln!(out)?;
    }
    writeln!(out, "  r14 {:016x}  r15 {:016x}", r.r14, r.r15)
}
