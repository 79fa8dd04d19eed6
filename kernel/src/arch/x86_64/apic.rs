//! The local APIC: interrupts between processors, the timer, and the end of interrupts. Intel SDM volume 3, chapter 10.
//!
//! Its registers are MSRs where the processor has the x2APIC, memory otherwise. The timer is one-shot: against the time stamp
//! counter where there is a TSC-deadline timer, else a count that was measured against it.

use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::Relaxed};

use kernel_core::acpi::Machine;
use kernel_core::clock;

use super::cpuid::{self, tsc};
use super::{msr, percpu};
use crate::time;

/// The timer.
pub const VECTOR_TIMER: usize = 0xf0;
/// Another processor has work for this one.
pub const VECTOR_WAKE: usize = 0xf1;
/// Another processor asks to forget translations.
pub const VECTOR_SHOOTDOWN: usize = 0xf2;
/// Another processor panics.
pub const VECTOR_STOP: usize = 0xf3;
/// Spurious interrupts, which are not acknowledged (section 10.9).
pub const VECTOR_SPURIOUS: usize = 0xff;

/// Register offsets (table 10-1).
mod reg {
    pub const ID: u32 = 0x20;
    pub const VERSION: u32 = 0x30;
    pub const TASK_PRIORITY: u32 = 0x80;
    pub const EOI: u32 = 0xb0;
    pub const SPURIOUS: u32 = 0xf0;
    pub const ICR_LOW: u32 = 0x300;
    pub const ICR_HIGH: u32 = 0x310;
    pub const LVT_TIMER: u32 = 0x320;
    pub const LVT_THERMAL: u32 = 0x330;
    pub const LVT_PERFORMANCE: u32 = 0x340;
    pub const LVT_LINT0: u32 = 0x350;
    pub const LVT_LINT1: u32 = 0x360;
    pub const LVT_ERROR: u32 = 0x370;
    pub const TIMER_INITIAL: u32 = 0x380;
    pub const TIMER_CURRENT: u32 = 0x390;
    pub const TIMER_DIVIDE: u32 = 0x3e0;
}

/// IA32_APIC_BASE: enabled, x2APIC mode (section 10.4.4).
const BASE_ENABLE: u64 = 1 << 11;
const BASE_X2APIC: u64 = 1 << 10;
/// Spurious vector register: APIC enabled.
const SOFTWARE_ENABLE: u32 = 1 << 8;
/// Local vector table (section 10.5.1).
const LVT_MASKED: u32 = 1 << 16;
const LVT_TSC_DEADLINE: u32 = 2 << 17;
const LVT_NMI: u32 = 4 << 8;
const LVT_ACTIVE_LOW: u32 = 1 << 13;
/// Interrupt command (section 10.6.1).
const ICR_NMI: u32 = 4 << 8;
const ICR_INIT: u32 = 5 << 8;
const ICR_STARTUP: u32 = 6 << 8;
const ICR_PENDING: u32 = 1 << 12;
const ICR_ASSERT: u32 = 1 << 14;
/// Divide configuration: by one (section 10.5.4).
const DIVIDE_BY_1: u32 = 0b1011;

/// Nanoseconds over which the timer is measured.
const MEASURE_NS: u64 = 100_000;
/// Looks at a pending command before it is taken for sent.
const PATIENCE: usize = 1_000_000;

static REGISTERS: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
static X2APIC: AtomicBool = AtomicBool::new(false);
static DEADLINE: AtomicBool = AtomicBool::new(false);
/// Factor from nanoseconds to timer ticks.
static NS_TO_TICKS: AtomicU64 = AtomicU64::new(0);

#[inline(always)]
fn read(register: u32) -> u32 {
    // SAFETY: the APIC belongs to the kernel; its registers are mapped, or are MSRs in x2APIC mode.
    unsafe {
        if X2APIC.load(Relaxed) {
            msr::read(msr::X2APIC + register / 16) as u32
        } else {
            REGISTERS.load(Relaxed).add(register as usize).cast::<u32>().read_volatile()
        }
    }
}

#[inline(always)]
fn write(register: u32, value: u32) {
    // SAFETY: as in `read`; what is written are the values of the manual's chapter 10.
    unsafe {
        if X2APIC.load(Relaxed) {
            msr::write(msr::X2APIC + register / 16, u64::from(value));
        } else {
            REGISTERS.load(Relaxed).add(register as usize).cast::<u32>().write_volatile(value);
        }
    }
}

/// Sets the first processor's APIC up and measures its timer. [`time::init`] has run.
pub fn init_bsp(machine: &Machine) {
    if cpuid::cpuid(1, 0).edx & 1 << 9 == 0 {
        crate::panic::die(format_args!("this processor has no local APIC; Ochre needs one"));
    }
    // In x2APIC mode already: firmware had a reason, and there is no way back. Else by the processor's word.
    X2APIC.store(cpuid::cpuid(1, 0).ecx & 1 << 21 != 0, Relaxed);
    if !is_x2apic() {
        REGISTERS.store(crate::memory::map_mmio(machine.local_apic, 4096), Relaxed);
    }
    // TSC-deadline: leaf 1, ECX bit 24. It is only as steady as the counter.
    DEADLINE.store(cpuid::cpuid(1, 0).ecx & 1 << 24 != 0, Relaxed);
    init_ap(machine);
    if !DEADLINE.load(Relaxed) {
        measure();
    }
}

/// Sets this processor's APIC up like the first one's.
pub fn init_ap(machine: &Machine) {
    // SAFETY: the register exists where there is an APIC; the base address stays as it is. From xAPIC to x2APIC the manual
    // wants both bits set with the first set before (section 10.12.5).
    unsafe {
        let base = msr::read(msr::APIC_BASE) | BASE_ENABLE;
        msr::write(msr::APIC_BASE, base);
        if is_x2apic() {
            msr::write(msr::APIC_BASE, base | BASE_X2APIC);
        }
    }
    write(reg::SPURIOUS, SOFTWARE_ENABLE | VECTOR_SPURIOUS as u32);
    write(reg::TASK_PRIORITY, 0);
    // Version register bits 23 to 16: the last entry of the local vector table. In x2APIC mode a missing one must not be
    // touched (sections 10.4.8, 10.12.1.2).
    let last = read(reg::VERSION) >> 16 & 0xff;
    let table = [reg::LVT_LINT0, reg::LVT_LINT1, reg::LVT_ERROR, reg::LVT_PERFORMANCE, reg::LVT_THERMAL];
    for (register, number) in table.into_iter().zip(1..) {
        if number <= last {
            write(register, LVT_MASKED);
        }
    }
    let uid = machine.cpus.iter().find(|cpu| cpu.apic_id == id()).map_or(u32::MAX, |cpu| cpu.uid);
    for nmi in machine.local_nmis.iter().filter(|nmi| nmi.uid == uid || nmi.uid == u32::MAX) {
        let register = if nmi.pin == 0 { reg::LVT_LINT0 } else { reg::LVT_LINT1 };
        write(register, LVT_NMI | if nmi.low { LVT_ACTIVE_LOW } else { 0 });
    }
    write(reg::TIMER_DIVIDE, DIVIDE_BY_1);
    let deadline = if DEADLINE.load(Relaxed) { LVT_TSC_DEADLINE } else { 0 };
    write(reg::LVT_TIMER, VECTOR_TIMER as u32 | deadline);
    if deadline != 0 {
        // The mode must be set before the deadline is (section 10.5.4.1).
        // SAFETY: a fence touches nothing.
        unsafe { core::arch::asm!("mfence", options(nostack, preserves_flags)) }
    }
}

/// Counts the timer's ticks against the time stamp counter.
fn measure() {
    write(reg::LVT_TIMER, LVT_MASKED);
    write(reg::TIMER_INITIAL, u32::MAX);
    let (start, first) = sample();
    let span = time::ns_to_ticks(MEASURE_NS);
    while tsc() - start < span {
        core::hint::spin_loop();
    }
    let (end, last) = sample();
    write(reg::TIMER_INITIAL, 0);
    let (ticks, ns) = (u64::from(first - last).max(1), time::ticks_to_ns(end - start));
    NS_TO_TICKS.store(clock::factor(ns, ticks).unwrap_or(1 << 32), Relaxed);
    write(reg::LVT_TIMER, VECTOR_TIMER as u32);
}

/// Time stamp counter and timer count at nearly one moment: the closest of a few pairs.
fn sample() -> (u64, u32) {
    let (_, when, count) = (0..4).map(|_| pair()).fold(pair(), |best, next| if next.0 <= best.0 { next } else { best });
    (when, count)
}

/// How far apart, when, and the timer's count. Not inlined: see [`super::reference`].
#[inline(never)]
fn pair() -> (u64, u64, u32) {
    let before = tsc();
    let count = read(reg::TIMER_CURRENT);
    let width = tsc() - before;
    (width, before + width / 2, count)
}

/// Whether the APIC is in x2APIC mode (ids have 32 bits).
pub fn is_x2apic() -> bool {
    X2APIC.load(Relaxed)
}

/// This processor's APIC id.
pub fn id() -> u32 {
    let id = read(reg::ID);
    if is_x2apic() { id } else { id >> 24 }
}

/// Ends the interrupt that is being handled.
#[inline(always)]
pub fn eoi() {
    write(reg::EOI, 0);
}

/// Lets the timer interrupt this processor once, at `deadline_ns` of [`time::now_ns`] or at once when that is past. A count of
/// 32 bits may end earlier than that: the interrupt's handler looks at the clock and arms the timer again.
#[inline]
pub fn arm_timer(deadline_ns: u64) {
    if DEADLINE.load(Relaxed) {
        // Zero would disarm.
        let ticks = time::ns_to_tsc(deadline_ns).max(1);
        // SAFETY: the register exists with the TSC-deadline timer.
        unsafe { msr::write(msr::TSC_DEADLINE, ticks) }
    } else {
        let left = deadline_ns.saturating_sub(time::now_ns()).min(u64::from(u32::MAX));
        let ticks = clock::scale(left, NS_TO_TICKS.load(Relaxed)) + 1;
        write(reg::TIMER_INITIAL, ticks.min(u64::from(u32::MAX)) as u32);
    }
}

/// Takes an [`arm_timer`] back. An interrupt that is on its way still comes.
#[inline]
pub fn disarm_timer() {
    if DEADLINE.load(Relaxed) {
        // SAFETY: as in `arm_timer`.
        unsafe { msr::write(msr::TSC_DEADLINE, 0) }
    } else {
        write(reg::TIMER_INITIAL, 0);
    }
}

/// Interrupts the processor with this APIC id.
#[inline]
pub fn send_ipi(apic_id: u32, vector: u8) {
    command(apic_id, u32::from(vector) | ICR_ASSERT);
}

/// Resets the processor with this APIC id; it then waits for [`send_startup`].
pub fn send_init(apic_id: u32) {
    command(apic_id, ICR_INIT | ICR_ASSERT);
}

/// Starts a processor that was reset, in real mode at the beginning of physical page `page` (below 256).
pub fn send_startup(apic_id: u32, page: u8) {
    command(apic_id, ICR_STARTUP | ICR_ASSERT | u32::from(page));
}

/// Set when an NMI only means that its processor is to stop.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Whether an NMI is the kernel's own.
pub fn is_stopping() -> bool {
    STOPPING.load(Relaxed)
}

/// Stops all other processors that run by an NMI, which reaches them even with interrupts off. Not those that were never started:
/// an NMI without a handler resets the machine.
pub fn stop_others() {
    STOPPING.store(true, core::sync::atomic::Ordering::SeqCst);
    if is_x2apic() || !REGISTERS.load(Relaxed).is_null() {
        let me = id();
        for other in percpu::all().map(|cpu| cpu.apic_id()).filter(|&other| other != me) {
            command(other, ICR_NMI | ICR_ASSERT);
        }
    }
}

fn command(apic_id: u32, low: u32) {
    // SAFETY: as in `write`. The fence makes what was stored before visible to whom the command reaches: in x2APIC mode the
    // write itself does not (section 10.12.3).
    unsafe {
        if is_x2apic() {
            core::arch::asm!("mfence", "lfence", options(nostack, preserves_flags));
            msr::write(msr::X2APIC + reg::ICR_LOW / 16, u64::from(apic_id) << 32 | u64::from(low));
            return;
        }
    }
    wait_sent();
    write(reg::ICR_HIGH, apic_id << 24);
    write(reg::ICR_LOW, low);
}

fn wait_sent() {
    for _ in 0..PATIENCE {
        if read(reg::ICR_LOW) & ICR_PENDING == 0 {
            return;
        }
        core::hint::spin_loop();
    }
}
