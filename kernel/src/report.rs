//! What an NMI makes the kernel tell: where each processor was, and what each thread waits for. QEMU's `inject-nmi` and the button
//! of a server that hangs send it to every processor. Whoever presses that button is at the end of his wits, and broken
//! hardware sends the same: the kernel tells and ends.
//!
//! The interrupted code may hold any lock, so none is waited for, and nothing here allocates.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use syscall::IntRegisters;

use crate::arch::percpu::{self, MAX_CPUS};
use crate::arch::{self, apic, backtrace};
use crate::context::{Thread, thread};
use crate::panic::{end, symbol};

/// How long the other processors may take to get their NMI.
const PATIENCE_NS: u64 = 100_000_000;
/// Calls shown of each thread, in the kernel and in its program.
const CALLS: usize = 10;

/// Where a processor was.
struct Place {
    rip: AtomicUsize,
    rbp: AtomicUsize,
    user: AtomicBool,
}

static PLACES: [Place; MAX_CPUS] =
    [const { Place { rip: AtomicUsize::new(0), rbp: AtomicUsize::new(0), user: AtomicBool::new(false) } }; MAX_CPUS];
static ARRIVED: AtomicUsize = AtomicUsize::new(0);
static TOLD: AtomicBool = AtomicBool::new(false);

/// Takes an NMI. One that comes from the kernel itself only stops this processor.
pub fn interrupted(regs: &IntRegisters) -> ! {
    // It may have come between the entry's first instructions: which processor this is must be found without its data.
    let Some(cpu) = percpu::recover().filter(|_| !apic::is_stopping()) else {
        arch::halt();
    };
    let place = &PLACES[cpu.index];
    place.rip.store(regs.rip, Relaxed);
    place.rbp.store(regs.rbp, Relaxed);
    place.user.store(regs.cs & 3 == 3, Relaxed);
    ARRIVED.fetch_add(1, SeqCst);
    if TOLD.swap(true, SeqCst) {
        arch::halt();
    }
    let end_of_patience = crate::time::now_ns().saturating_add(PATIENCE_NS);
    while ARRIVED.load(SeqCst) < percpu::count() && crate::time::now_ns() < end_of_patience {
        core::hint::spin_loop();
    }
    crate::log::take_over();
    apic::stop_others();
    kprintln!("\nNMI: the kernel tells its state and ends.");
    percpu::all().for_each(tell_processor);
    thread::for_each(tell_thread);
    kprintln!("-- end of the threads --");
    end()
}

fn tell_processor(cpu: &percpu::PerCpu) {
    let place = &PLACES[cpu.index];
    let rip = place.rip.load(Relaxed);
    match (rip, place.user.load(Relaxed)) {
        (0, _) => kprintln!("processor {}: no answer", cpu.index),
        (_, true) => kprintln!("processor {}: in a program at {rip:#x}", cpu.index),
        (_, false) => {
            kprintln!("processor {}: in the kernel", cpu.index);
            tell_call(rip);
            backtrace::walk(place.rbp.load(Relaxed), tell_call);
        }
    }
}

fn tell_call(address: usize) {
    match symbol(address) {
        Some((name, offset)) => kprintln!("    {address:#x} {name}+{offset:#x}"),
        None => kprintln!("    {address:#x}"),
    }
}

fn tell_thread(thread: &'static Thread) {
    let (state, name) = thread.glance();
    let name = name.unwrap_or(*b"(name not to be had)            ");
    let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
    kprintln!(
        "thread {} of process {}: {state}, processor {}, call {:#x}: {}",
        thread.slot(),
        thread.pid.load(Relaxed),
        thread.last_cpu(),
        thread.last_call.load(Relaxed),
        core::str::from_utf8(name).unwrap_or("(a name that is no text)"),
    );
    let Some(frame) = thread.resting_frame() else { return };
    let mut left = CALLS;
    backtrace::walk(frame, |address| {
        if left > 0 {
            tell_call(address);
        }
        left = left.saturating_sub(1);
    });
    let regs = thread.arch.registers();
    kprintln!("    user {:#x}", regs.rip);
    let mut left = CALLS;
    backtrace::walk_user(thread.arch.page_table(), regs.rbp, |address| {
        if left > 0 {
            kprintln!("    user {address:#x}");
        }
        left = left.saturating_sub(1);
    });
}
