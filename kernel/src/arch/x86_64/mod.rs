//! x86-64: everything that a processor of this kind wants done its own way, and the only assembly.

pub mod apic;
pub mod backtrace;
pub mod boot;
pub mod cpuid;
pub mod features;
pub mod firmware;
pub mod gdt;
pub mod idt;
pub mod ioapic;
pub mod mmio;
pub mod msr;
pub mod paging;
pub mod percpu;
pub mod pic;
pub mod port;
pub mod ps2;
pub mod reference;
pub mod rtc;
pub mod serial;
pub mod smp;
pub mod switch;
pub mod syscall;
pub mod tlb;
pub mod trap;
pub mod usercopy;
pub mod xsave;

/// Lets interrupts in for a moment and waits for one. Only the idle thread does this.
pub fn idle_wait() {
    // SAFETY: the idle thread holds no lock; `sti` takes effect behind `hlt`, so a wake-up cannot slip in between.
    unsafe { core::arch::asm!("sti; hlt; cli", options(nomem, nostack)) }
}

/// Lets pending interrupts in. Called between the pieces of long work, with no lock held.
pub fn take_interrupts() {
    // SAFETY: the caller holds no lock, and the handlers only wake threads and set flags.
    unsafe { core::arch::asm!("sti; nop; cli", options(nomem, nostack)) }
}

/// Stops this processor for good.
pub fn halt() -> ! {
    loop {
        // SAFETY: with interrupts off this waits for ever (or for an NMI, after which it waits again).
        unsafe { core::arch::asm!("cli; hlt", options(nomem, nostack)) }
    }
}
