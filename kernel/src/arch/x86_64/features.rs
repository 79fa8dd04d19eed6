//! Processor features that the kernel switches on, on every processor alike.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{cpuid, msr, usercopy, xsave};

/// Whether user code and kernel use `rdfsbase` and its kin (CR4.FSGSBASE).
pub static FSGSBASE: AtomicBool = AtomicBool::new(false);

/// CR4 bits (Intel SDM volume 3, section 2.5).
mod cr4 {
    pub const PGE: u64 = 1 << 7;
    pub const OSFXSR: u64 = 1 << 9;
    pub const OSXMMEXCPT: u64 = 1 << 10;
    pub const UMIP: u64 = 1 << 11;
    pub const FSGSBASE: u64 = 1 << 16;
    pub const SMEP: u64 = 1 << 20;
    pub const SMAP: u64 = 1 << 21;
}

/// CR0 bits (section 2.5).
mod cr0 {
    pub const MP: u64 = 1 << 1;
    pub const EM: u64 = 1 << 2;
    pub const TS: u64 = 1 << 3;
    pub const NE: u64 = 1 << 5;
    pub const WP: u64 = 1 << 16;
}

/// EFER bits (section 2.2.1).
mod efer {
    pub const SCE: u64 = 1;
    pub const NXE: u64 = 1 << 11;
}

/// Switches protection and state features on; on each processor before it runs anything else.
pub fn init() {
    let leaf7 = if cpuid::cpuid(0, 0).eax >= 7 { cpuid::cpuid(7, 0) } else { cpuid::Leaf::default() };
    // SAFETY: each bit is set only when CPUID reports the feature; CR0.WP makes the kernel respect read-only pages.
    unsafe {
        msr::write_cr0((msr::read_cr0() | cr0::MP | cr0::NE | cr0::WP) & !(cr0::EM | cr0::TS));
        let mut value = msr::read_cr4() | cr4::PGE | cr4::OSFXSR | cr4::OSXMMEXCPT;
        let wanted = [
            (leaf7.ebx & 1, cr4::FSGSBASE),
            (leaf7.ebx & 1 << 7, cr4::SMEP),
            (leaf7.ebx & 1 << 20, cr4::SMAP),
            (leaf7.ecx & 1 << 2, cr4::UMIP),
        ];
        for (have, bit) in wanted {
            if have != 0 {
                value |= bit;
            }
        }
        msr::write_cr4(value);
        let nx = cpuid::cpuid(0x8000_0001, 0).edx & 1 << 20 != 0;
        msr::write(msr::EFER, msr::read(msr::EFER) | efer::SCE | if nx { efer::NXE } else { 0 });
        FSGSBASE.store(value & cr4::FSGSBASE != 0, Relaxed);
        if value & cr4::SMAP == 0 && super::percpu::count() == 0 {
            usercopy::without_smap();
        }
        usercopy::ERMS.store(leaf7.ebx & 1 << 9 != 0, Relaxed);
    }
    super::paging::init_cache_types();
    xsave::init();
    super::syscall::init();
}
