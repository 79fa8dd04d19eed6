//! The Ochre kernel: address spaces, threads, messages between clients and schemes, interrupts and time. See docs/ for the
//! calls and schemes, and `kernel/core` for the logic that needs no machine.
//!
//! | folder | what |
//! |---|---|
//! | `arch` | the processor: entry, exceptions, page tables, timers, other processors |
//! | `memory` | frames, heap, address spaces, page faults, user memory |
//! | `context` | threads, scheduler, waiting, futexes, deadlines, descriptor tables |
//! | `scheme` | what descriptors lead to: the kernel's schemes, and user schemes |
//! | `syscall` | the calls |
//! | `sync` | locks |
//!
//! `unsafe` is allowed in `arch`, `memory` and `sync` and nowhere else. The kernel runs with interrupts off and is not
//! preemptible; only the idle loop and the pieces of long work let interrupts in.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

#[macro_use]
#[allow(unsafe_code)]
mod log;
mod acpi;
#[allow(unsafe_code)]
mod arch;
#[allow(unsafe_code)]
mod console;
#[forbid(unsafe_code)]
mod context;
#[forbid(unsafe_code)]
mod first;
#[allow(unsafe_code)]
mod memory;
#[allow(unsafe_code)]
mod panic;
mod report;
#[forbid(unsafe_code)]
mod scheme;
#[allow(unsafe_code)]
mod sync;
#[forbid(unsafe_code)]
mod syscall;
#[allow(unsafe_code)]
mod time;

use core::sync::atomic::{AtomicU64, Ordering};

use arch::percpu::PerCpu;
use context::Thread;
use kernel_core::cmdline::Unclear;
use log::Level;

static FIRST_IDLE: Thread = Thread::idle();
static FIRST_CPU: PerCpu = PerCpu::new(0, 0, &FIRST_IDLE);
static ENTRY_TSC: AtomicU64 = AtomicU64::new(0);

/// Time stamp counter when the kernel was entered.
pub fn boot_tsc() -> u64 {
    ENTRY_TSC.load(Ordering::Relaxed)
}

/// Physical range of the initfs.
pub fn initfs_range() -> Option<(u64, u64)> {
    arch::boot::info()?.modules.first().map(|module| (module.start, module.end))
}

/// Where the boot code continues on the first processor, with the early page tables and no more.
#[unsafe(no_mangle)]
#[allow(unsafe_code)]
extern "C" fn kernel_main(protocol: u32, info: usize) -> ! {
    ENTRY_TSC.store(time::tsc(), Ordering::Relaxed);
    arch::features::init();
    FIRST_CPU.install();
    arch::gdt::load(&FIRST_CPU);
    // Loading segments cleared the GS base.
    FIRST_CPU.install();
    arch::idt::init();
    arch::idt::load();
    arch::serial::init();
    let info = arch::boot::read_info(protocol, info);
    memory::init(info);
    console::init(info);
    klog!(Level::Info, "Ochre {} started by {}", env!("CARGO_PKG_VERSION"), info.protocol);
    for word in arch::boot::options().unclear() {
        match word {
            Unclear::Unknown(word) => klog!(Level::Warn, "boot option {word} is not the kernel's"),
            Unclear::BadValue(word) => klog!(Level::Warn, "boot option {word} has a value that it cannot have"),
        }
    }
    let machine = acpi::init(info);
    time::init(machine);
    arch::pic::disable();
    arch::apic::init_bsp(machine);
    FIRST_CPU.set_apic_id(arch::apic::id());
    arch::ioapic::init(machine);
    scheme::debug::init();
    scheme::serio::init();
    arch::percpu::prepare(machine.cpus.len());
    let processors = arch::smp::start(machine, ap_main);
    let mib = memory::frames::total() / 256;
    klog!(Level::Info, "{processors} processors, {mib} MiB of memory");
    if let Err(why) = first::start() {
        panic::die(format_args!("cannot start the first program: {why}"));
    }
    context::sched::idle_loop()
}

/// Where every other processor begins, on its own stack.
fn ap_main(index: usize) -> ! {
    arch::features::init();
    let cpu = arch::percpu::prepared(index);
    cpu.install();
    arch::gdt::load(cpu);
    cpu.install();
    arch::idt::load();
    arch::paging::kernel::load(arch::paging::kernel_root());
    if let Some(machine) = acpi::machine() {
        arch::apic::init_ap(machine);
    }
    cpu.set_apic_id(arch::apic::id());
    context::sched::idle_loop()
}
