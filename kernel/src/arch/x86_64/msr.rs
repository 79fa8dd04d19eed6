//! Model-specific and control registers: Intel SDM volume 4 (MSRs), volume 3 section 2.5 (CR0 to CR4).

use core::arch::asm;

/// Local APIC base and mode.
pub const APIC_BASE: u32 = 0x1b;
/// Page attribute table.
pub const PAT: u32 = 0x277;
/// Time at which the TSC-deadline timer interrupts.
pub const TSC_DEADLINE: u32 = 0x6e0;
/// First of the x2APIC's registers; the MMIO offset divided by 16 is added.
pub const X2APIC: u32 = 0x800;
/// Extended feature enables.
pub const EFER: u32 = 0xc000_0080;
/// Segments for `SYSCALL` and `SYSRET`.
pub const STAR: u32 = 0xc000_0081;
/// Entry point of `SYSCALL`.
pub const LSTAR: u32 = 0xc000_0082;
/// Flags that `SYSCALL` clears.
pub const SFMASK: u32 = 0xc000_0084;
/// FS segment base.
pub const FS_BASE: u32 = 0xc000_0100;
/// GS segment base.
pub const GS_BASE: u32 = 0xc000_0101;
/// The GS base that `swapgs` brings in.
pub const KERNEL_GS_BASE: u32 = 0xc000_0102;

/// EFER.NXE: no-execute pages.
const NXE: u64 = 1 << 11;

/// Reads a model-specific register.
///
/// # Safety
/// The register must exist: otherwise the processor raises a general protection fault.
#[inline]
pub unsafe fn read(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the caller's.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a model-specific register.
///
/// # Safety
/// The register must exist, the value be one it takes, and what it changes be in order.
#[inline]
pub unsafe fn write(register: u32, value: u64) {
    // SAFETY: the caller's. No `nomem`: the write may change what memory means.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") value as u32, in("edx") (value >> 32) as u32, options(nostack, preserves_flags));
    }
}

/// Whether no-execute pages are switched on.
pub fn has_nx() -> bool {
    // SAFETY: EFER exists on every 64-bit processor.
    unsafe { read(EFER) & NXE != 0 }
}

macro_rules! control_register {
    ($read:ident, $write:ident, $name:literal) => {
        #[doc = concat!("Reads ", $name, ".")]
        #[inline]
        pub fn $read() -> u64 {
            let value;
            // SAFETY: reading has no effect.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nomem, nostack, preserves_flags)) }
            value
        }

        #[doc = concat!("Writes ", $name, ".")]
        ///
        /// # Safety
        /// The value must keep the kernel's own assumptions true.
        #[inline]
        pub unsafe fn $write(value: u64) {
            // SAFETY: the caller's.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) value, options(nostack, preserves_flags)) }
        }
    };
}

control_register!(read_cr0, write_cr0, "cr0");
control_register!(read_cr4, write_cr4, "cr4");

/// Reads CR3: the page table root and, in its low bits, the process-context identifier.
pub fn read_cr3() -> u64 {
    let value;
    // SAFETY: reading has no effect.
    unsafe { asm!("mov {}, cr3", out(reg) value, options(nomem, nostack, preserves_flags)) }
    value
}
