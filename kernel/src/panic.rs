//! The end: what happened, where, in which thread, and how the kernel got there.
//!
//! A panic stops the other processors first and then prints to the serial line and the screen whatever the options say,
//! without waiting for a lock. With the option `exit=debug` it ends the virtual machine, else it halts.

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::arch::{self, apic, backtrace, boot, percpu, port};

/// What a panic writes to QEMU's exit device.
const EXIT_PANIC: u32 = 0x7f;

/// Local APIC id of the processor that panics, or [`NOBODY`].
static PANICKING: AtomicU32 = AtomicU32::new(NOBODY);
const NOBODY: u32 = u32::MAX;
static TRAP_RIP: AtomicUsize = AtomicUsize::new(0);
static TRAP_RBP: AtomicUsize = AtomicUsize::new(0);

/// Tells where the kernel was when the processor raised an exception, before a panic about it: the backtrace goes on there.
pub fn note_trap(rip: usize, rbp: usize) {
    TRAP_RIP.store(rip, Relaxed);
    TRAP_RBP.store(rbp, Relaxed);
}

/// Ends the kernel with a message for people: no backtrace, because it is not the kernel's bug.
pub fn die(message: fmt::Arguments<'_>) -> ! {
    crate::log::take_over();
    apic::stop_others();
    kprintln!("Ochre: {message}");
    end()
}

/// The end, when all has been said.
pub fn end() -> ! {
    if boot::options().exit_debug {
        port::debug_exit(EXIT_PANIC);
    }
    arch::halt()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let me = arch::cpuid::apic_id();
    match PANICKING.compare_exchange(NOBODY, me, Relaxed, Relaxed) {
        Ok(_) => {}
        // In the midst of its own last words.
        Err(who) if who == me => {
            arch::serial::write(b"\npanic while panicking\n");
            end();
        }
        // One panic is enough; the other processor is still telling its own.
        Err(_) => arch::halt(),
    }
    // Before the others stop, so that none of them stops half-way through a line.
    crate::log::take_over();
    apic::stop_others();

    let started = percpu::count() > 0;
    let cpu = if started { percpu::this().index } else { 0 };
    kprintln!("\nKERNEL PANIC on processor {cpu}: {}", info.message());
    if let Some(location) = info.location() {
        kprintln!("  at {location}");
    }
    if started {
        kprintln!("  thread: {}", crate::context::current_name());
    }
    print_backtrace();
    end()
}

fn symbols() -> &'static [u8] {
    boot::initfs().and_then(|archive| kernel_core::cpio::find(archive, "kernel.sym")).unwrap_or(&[])
}

/// The function of the kernel that an address lies in, and how far.
pub fn symbol(address: usize) -> Option<(&'static str, u64)> {
    kernel_core::symbols::lookup(symbols(), address as u64)
}

fn print_backtrace() {
    kprintln!(
        "Backtrace{}:",
        if symbols().is_empty() { " (the initfs has no kernel.sym to name addresses)" } else { "" }
    );
    let print = |address: usize| match symbol(address) {
        Some((name, offset)) => kprintln!("  {address:#018x} {name}+{offset:#x}"),
        None => kprintln!("  {address:#018x}"),
    };
    backtrace::walk(backtrace::frame_pointer(), print);
    let rip = TRAP_RIP.load(Relaxed);
    if rip != 0 {
        kprintln!("  -- exception --");
        print(rip);
        backtrace::walk(TRAP_RBP.load(Relaxed), print);
    }
}
