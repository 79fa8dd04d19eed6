//! Floating-point and vector state: Intel SDM volume 1, chapter 13 (XSAVE) and section 10.5 (FXSAVE).
//!
//! Each user thread has an area that is filled when it leaves a processor and loaded when it comes back. The kernel itself is
//! compiled without these registers.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use super::{cpuid, msr};

/// FXSAVE's area (SDM volume 1, table 10-2).
const LEGACY: usize = 512;
/// Largest area that is supported: x87, SSE, AVX and AVX-512 need 2,696 bytes; AMX tiles are left off.
pub const MAX_SIZE: usize = 4096;
/// Components that are switched on when present: x87, SSE, AVX, and AVX-512's three (SDM volume 1, section 13.1).
const WANTED: u64 = 0b1110_0111;

/// How the state is saved.
static KIND: AtomicU8 = AtomicU8::new(0);
const FXSAVE: u8 = 0;
const XSAVE: u8 = 1;
const XSAVEOPT: u8 = 2;
static SIZE: AtomicU32 = AtomicU32::new(LEGACY as u32);

/// Bytes of a thread's area.
pub fn size() -> usize {
    SIZE.load(Relaxed) as usize
}

/// Switches the extended state on; on each processor, with CR4.OSFXSR set before.
pub fn init() {
    let leaf1 = cpuid::cpuid(1, 0);
    if leaf1.ecx & 1 << 26 == 0 {
        return;
    }
    // SAFETY: the processor has XSAVE; CR4.OSXSAVE allows XSETBV, and the mask holds only components it reports.
    unsafe {
        msr::write_cr4(msr::read_cr4() | 1 << 18);
        let leaf = cpuid::cpuid(13, 0);
        let mut mask = (u64::from(leaf.edx) << 32 | u64::from(leaf.eax)) & WANTED;
        if mask & 0b1110_0000 != 0b1110_0000 {
            mask &= 0b111;
        }
        core::arch::asm!("xsetbv", in("ecx") 0, in("eax") mask as u32, in("edx") (mask >> 32) as u32);
        let size = cpuid::cpuid(13, 0).ebx;
        assert!(size as usize <= MAX_SIZE, "extended state of {size} bytes");
        SIZE.store(size, Relaxed);
        KIND.store(if cpuid::cpuid(13, 1).eax & 1 != 0 { XSAVEOPT } else { XSAVE }, Relaxed);
    }
}

/// A thread's state while it is not on a processor.
#[repr(C, align(64))]
pub struct Area([u8; MAX_SIZE]);

impl Area {
    /// A new area that stays with its thread's slot for ever.
    pub fn leaked() -> *mut u8 {
        Box::into_raw(Box::new(Area([0; MAX_SIZE]))).cast()
    }

    /// Writes the state that a program starts with: FCW 0x37f, MXCSR 0x1f80 (System V ABI for AMD64, section 3.4.1), all else initial.
    ///
    /// # Safety
    /// `area` is valid for [`size`] bytes and aligned to 64.
    pub unsafe fn init(area: *mut u8) {
        // SAFETY: by the contract; offsets of SDM volume 1, table 10-2. The XSAVE header at 512 stays zero but for the bits
        // that say x87 and SSE state are present.
        unsafe {
            area.write_bytes(0, size());
            area.cast::<u16>().write(0x37f);
            area.add(24).cast::<u32>().write(0x1f80);
            if KIND.load(Relaxed) != FXSAVE {
                area.add(512).cast::<u64>().write(0b11);
            }
        }
    }
}

/// Saves this processor's state to `area`.
///
/// # Safety
/// `area` is valid for [`size`] bytes and aligned to 64.
#[inline(always)]
pub unsafe fn save(area: *mut u8) {
    // SAFETY: by the contract, and the instruction is the one the processor has. All bits of the mask are set: the
    // processor takes those that XCR0 allows.
    unsafe {
        match KIND.load(Relaxed) {
            XSAVEOPT => {
                core::arch::asm!("xsaveopt64 [{}]", in(reg) area, in("eax") !0u32, in("edx") !0u32, options(nostack))
            }
            XSAVE => core::arch::asm!("xsave64 [{}]", in(reg) area, in("eax") !0u32, in("edx") !0u32, options(nostack)),
            _ => core::arch::asm!("fxsave64 [{}]", in(reg) area, options(nostack)),
        }
    }
}

/// Loads this processor's state from `area`.
///
/// # Safety
/// `area` was written by [`save`] or [`Area::init`]; user-supplied contents have gone through [`sanitise`].
#[inline(always)]
pub unsafe fn restore(area: *const u8) {
    // SAFETY: by the contract.
    unsafe {
        if KIND.load(Relaxed) == FXSAVE {
            core::arch::asm!("fxrstor64 [{}]", in(reg) area, options(nostack, readonly));
        } else {
            core::arch::asm!("xrstor64 [{}]", in(reg) area, in("eax") !0u32, in("edx") !0u32, options(nostack, readonly));
        }
    }
}

/// Makes a legacy area that a user supplied harmless: reserved MXCSR bits would fault in [`restore`] (SDM volume 1, 10.5.1.2).
pub fn sanitise(legacy: &mut [u8; LEGACY]) {
    let mxcsr = u32::from_le_bytes([legacy[24], legacy[25], legacy[26], legacy[27]]) & 0xffbf;
    legacy[24..28].copy_from_slice(&mxcsr.to_le_bytes());
}
