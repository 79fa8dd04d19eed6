//! Where exceptions and interrupts go once their registers are saved.

use syscall::IntRegisters;

use super::{apic, percpu, tlb, usercopy};
use crate::context;
use crate::memory::fault::{self, Access};

/// First vector of device interrupts (global system interrupt 0).
pub const IRQ_BASE: usize = 0x30;
/// Last vector of device interrupts.
pub const IRQ_LAST: usize = 0xef;

/// Page fault error code bits (Intel SDM volume 3, section 4.7).
mod pf {
    pub const PRESENT: usize = 1;
    pub const WRITE: usize = 1 << 1;
    pub const USER: usize = 1 << 2;
    pub const RESERVED: usize = 1 << 3;
    pub const FETCH: usize = 1 << 4;
}

const NAMES: [&str; 22] = [
    "divide error",
    "debug exception",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection fault",
    "page fault",
    "reserved exception",
    "x87 floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point error",
    "virtualization exception",
    "control protection exception",
];

/// Name of an exception vector (Intel SDM volume 3, table 6-1).
pub fn name(vector: usize) -> &'static str {
    NAMES.get(vector).copied().unwrap_or("exception")
}

/// Called by the stubs with interrupts off.
pub extern "C" fn handle(code: usize, vector: usize, regs: &mut IntRegisters) {
    let user = regs.cs & 3 == 3;
    match vector {
        14 => page_fault(code, user, regs),
        2 => crate::report::interrupted(regs),
        0..32 => exception(vector, code, 0, user, regs),
        _ => interrupt(vector),
    }
    if user && percpu::current().pending() != 0 {
        context::signal::leave_kernel();
    }
}

fn page_fault(code: usize, user: bool, regs: &mut IntRegisters) {
    let address: usize;
    // SAFETY: reading CR2 has no side effect.
    unsafe { core::arch::asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) }
    let access = Access { write: code & pf::WRITE != 0, exec: code & pf::FETCH != 0 };
    let in_copy = !user && usercopy::fixup(regs.rip).is_some();
    if (user || in_copy) && code & pf::RESERVED == 0 && address < ochre_abi::USER_END && fault::resolve(address, access)
    {
        return;
    }
    match usercopy::fixup(regs.rip) {
        Some(rip) if !user => regs.rip = rip,
        _ => exception(14, code & (pf::PRESENT | pf::WRITE | pf::USER | pf::FETCH), address, user, regs),
    }
}

fn exception(vector: usize, code: usize, address: usize, user: bool, regs: &mut IntRegisters) {
    if !user {
        crate::panic::note_trap(regs.rip, regs.rbp);
        panic!(
            "{} in the kernel: code {code:#x} address {address:#x} rip {:#x} rsp {:#x} rflags {:#x}\n\
             rax {:#x} rbx {:#x} rcx {:#x} rdx {:#x} rsi {:#x} rdi {:#x} rbp {:#x} r8 {:#x} r9 {:#x} r10 {:#x} r11 {:#x} r12 {:#x} r13 {:#x} r14 {:#x} r15 {:#x}",
            name(vector),
            regs.rip,
            regs.rsp,
            regs.rflags,
            regs.rax,
            regs.rbx,
            regs.rcx,
            regs.rdx,
            regs.rsi,
            regs.rdi,
            regs.rbp,
            regs.r8,
            regs.r9,
            regs.r10,
            regs.r11,
            regs.r12,
            regs.r13,
            regs.r14,
            regs.r15,
        );
    }
    context::signal::exception(vector, code, address, regs);
}

fn interrupt(vector: usize) {
    let cpu = percpu::this();
    cpu.interrupts.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
    match vector {
        apic::VECTOR_TIMER => {
            apic::eoi();
            context::timeout::interrupt();
        }
        apic::VECTOR_WAKE => {
            apic::eoi();
            context::sched::wake_interrupt();
        }
        apic::VECTOR_SHOOTDOWN => {
            apic::eoi();
            tlb::serve();
        }
        apic::VECTOR_STOP => super::halt(),
        IRQ_BASE..=IRQ_LAST => crate::scheme::irq::interrupt((vector - IRQ_BASE) as u8),
        // Spurious interrupts are not acknowledged (Intel SDM volume 3, section 10.9).
        _ => {}
    }
}
