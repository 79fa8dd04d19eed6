//! `fork`: a child that is a copy of this process at one moment, with one thread, the calling one.
//!
//! The caller's registers go to its stack; the copy of the address space has them too, and the child's thread starts where they are
//! taken back. What of libc's own data is about threads and descriptors is put right in the child before it returns.

use core::arch::naked_asm;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ochre_abi::proc::{FileTableVerb, ThreadVerb};
use ochre_abi::process::{Birth, Verb};
use ochre_abi::start_fd;
use syscall::data::ProcSchemeAttrs;
use syscall::error::Result;
use syscall::{EnvRegisters, IntRegisters};

use super::lock::RawLock;
use super::signal::copy as copy_of_signals;
use super::tcb::current;
use super::{files, process, spawn, sys, thread};

/// `fork`, as C calls it.
#[unsafe(naked)]
pub extern "C" fn fork() -> libc::pid_t {
    // What a function must keep (System V ABI AMD64, section 3.2.1), below the return address; `rsp` stays a multiple of 16.
    naked_asm!(
        "push rbp", "push rbx", "push r12", "push r13", "push r14", "push r15",
        "sub rsp, 8",
        "stmxcsr [rsp]",
        "fnstcw [rsp + 4]",
        "mov rdi, rsp",
        "call {parent}",
        "add rsp, 8",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp",
        "ret",
        parent = sym in_parent,
    )
}

/// First instruction of the child: `rsp` is where its parent put its registers.
#[unsafe(naked)]
unsafe extern "C" fn begin() -> ! {
    naked_asm!(
        "ldmxcsr [rsp]",
        "fldcw [rsp + 4]",
        "call {child}",
        "xor eax, eax",
        "add rsp, 8",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbx", "pop rbp",
        "ret",
        child = sym in_child,
    )
}

/// The descriptors that making a child needs: its thread, its table, our space, its space.
const NUMBERS: usize = 4;
/// Their numbers, for the child, in which they are nothing. Only one thread at a time forks, or none is left to disturb.
static MAKING: [AtomicUsize; NUMBERS] = [const { AtomicUsize::new(0) }; NUMBERS];
/// Whether other threads were there when the child was copied, so that libc's locks are held in it.
static LOCKED: AtomicBool = AtomicBool::new(false);
/// One `fork` at a time.
static ONE: RawLock = RawLock::new();

extern "C" fn in_parent(sp: usize) -> libc::pid_t {
    crate::pthread::atfork::prepare();
    ONE.lock();
    let child = make(sp);
    ONE.unlock();
    crate::pthread::atfork::parent();
    match child {
        Ok(pid) => pid as libc::pid_t,
        Err(error) => crate::errno::fail(error.errno),
    }
}

fn make(sp: usize) -> Result<u32> {
    let mut numbers = [usize::MAX; NUMBERS];
    files::reserve(&mut numbers, true, true)?;
    for (to, number) in MAKING.iter().zip(numbers) {
        to.store(number, Ordering::Relaxed);
    }
    let result = start(sp, &numbers);
    for number in numbers {
        // Some were not made.
        let _ = files::close(number);
    }
    result
}

/// Makes the child and starts it. What is opened on the way is at the reserved numbers, which the caller closes.
fn start(sp: usize, &[thread, table, space, copy]: &[usize; NUMBERS]) -> Result<u32> {
    process::thread(spawn::message(&Birth::default()), thread)?;
    // SAFETY: any bytes are valid attributes.
    let pid = unsafe { sys::verb_read::<ProcSchemeAttrs>(thread, &[ThreadVerb::GetAttrs as u64])?.pid };
    let started = copy_and_start(sp, [thread, table, space, copy]);
    if started.is_err() {
        // The manager would forget it at this process's own end.
        let _ = process::ask(Verb::Forget, pid.into());
    }
    started.map(|_| pid)
}

fn copy_and_start(sp: usize, [thread, table, space, copy]: [usize; NUMBERS]) -> Result<usize> {
    // SAFETY: this thread has a control block.
    let own = unsafe { (*current()).handle };
    sys::dup_into(own, b"addrspace", space)?;
    sys::dup_into(thread, b"filetable", table)?;
    let alone = thread::is_alone();
    LOCKED.store(!alone, Ordering::Relaxed);
    copy_of_signals::before();
    if !alone {
        each_lock(RawLock::lock);
    }
    // Its own descriptor at the process manager is in the child's table already, and stays there.
    let copied = sys::verb(table, &[FileTableVerb::Inherit as u64]).and_then(|_| sys::dup_into(space, b"clone", copy));
    if !alone {
        each_lock(RawLock::unlock);
    }
    copy_of_signals::after();
    copied?;
    copy_of_signals::prepare_child(thread, copy)?;
    sys::verb(thread, &[ThreadVerb::SetAddrSpace as u64, copy as u64])?;
    let registers = IntRegisters { rip: begin as *const () as usize, rsp: sp, ..IntRegisters::default() };
    sys::verb_write(thread, &registers, &[ThreadVerb::SetRegs as u64])?;
    let environment = EnvRegisters { fsbase: current() as u64, gsbase: 0 };
    sys::verb_write(thread, &environment, &[ThreadVerb::SetEnv as u64])?;
    sys::verb(thread, &[ThreadVerb::Start as u64, start_fd::THREAD as u64, start_fd::FILETABLE as u64])
}

/// The locks of libc's own data, in the order in which those are taken that are taken together.
fn each_lock(act: impl Fn(&'static RawLock)) {
    crate::stdlib::locks().into_iter().for_each(&act);
    let others =
        [crate::pthread::key_lock(), super::roots::lock(), super::resolve::lock(), thread::lock(), files::lock()];
    others.into_iter().for_each(&act);
    super::alloc::locks().for_each(&act);
}

extern "C" fn in_child() {
    let locked = LOCKED.load(Ordering::Relaxed);
    ONE.unlock();
    if locked {
        each_lock(RawLock::unlock);
    }
    // The parent's may have been elsewhere.
    let own = process::descriptor();
    process::set(start_fd::PROCESS);
    // SAFETY: this is the child, before anything else runs in it.
    unsafe { thread::stay_alone(start_fd::THREAD) };
    if locked || files::has_handles() {
        // Numbers that others were about to use, and handles that are not the child's.
        files::relist();
    }
    files::forget(&MAKING.each_ref().map(|number| number.load(Ordering::Relaxed)));
    if let Some(own) = own.filter(|&own| own != start_fd::PROCESS) {
        let _ = files::close(own);
    }
    files::mark(start_fd::PROCESS);
    // SAFETY: as above; the locks are free.
    unsafe { copy_of_signals::in_child() };
    crate::pthread::atfork::child();
}
