//! Copies between kernel and user memory: the only instructions that touch user addresses.
//!
//! SMAP is lifted for their duration only (`stac`, `clac`; harmless no-ops are patched by [`SMAP`] being false). A page fault
//! inside that cannot be resolved continues at the fault label, which reports failure: the trap handler asks [`fixup`].
//!
//! The copy is chosen by CPUID: `rep movsb` where it is fast (ERMS, Intel Optimization Manual 3.7.6), else eight bytes at a time.

use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether CR4.SMAP is on.
pub static SMAP: AtomicBool = AtomicBool::new(false);
/// Whether the processor has enhanced `rep movsb`.
pub static ERMS: AtomicBool = AtomicBool::new(false);

unsafe extern "C" {
    static usercopy_start: u8;
    static usercopy_end: u8;
    fn usercopy_failed();
    fn usercopy_words(dst: *mut u8, src: *const u8, len: usize) -> usize;
    fn usercopy_bytes(dst: *mut u8, src: *const u8, len: usize) -> usize;
    fn userzero(dst: *mut u8, len: usize) -> usize;
}

// All: rdi = destination, rsi = source, rdx = length; answer 0 or 1 (failed).
global_asm!(
    ".section .text.usercopy, \"ax\"",
    ".global usercopy_start",
    "usercopy_start:",
    ".balign 16",
    ".global usercopy_words",
    "usercopy_words:",
    "  mov rcx, rdx",
    "  shr rcx, 3",
    "  cmp rcx, 16",
    "  ja 3f",
    // Up to 16 words by a loop, the start-up cost of `rep` being higher.
    "  test rcx, rcx",
    "  jz 2f",
    "1:",
    "  mov rax, [rsi]",
    "  mov [rdi], rax",
    "  add rsi, 8",
    "  add rdi, 8",
    "  dec rcx",
    "  jnz 1b",
    "2:",
    "  and edx, 7",
    "  jz 5f",
    "4:",
    "  mov al, [rsi]",
    "  mov [rdi], al",
    "  inc rsi",
    "  inc rdi",
    "  dec edx",
    "  jnz 4b",
    "5:",
    "  xor eax, eax",
    "  ret",
    "3:",
    "  rep movsq",
    "  jmp 2b",
    ".balign 16",
    ".global usercopy_bytes",
    "usercopy_bytes:",
    "  mov rcx, rdx",
    "  rep movsb",
    "  xor eax, eax",
    "  ret",
    ".balign 16",
    ".global userzero",
    "userzero:",
    // rdi = destination, rsi = length
    "  xor eax, eax",
    "  mov rcx, rsi",
    "  shr rcx, 3",
    "  rep stosq",
    "  mov rcx, rsi",
    "  and ecx, 7",
    "  rep stosb",
    "  ret",
    ".global usercopy_end",
    "usercopy_end:",
    ".global usercopy_failed",
    "usercopy_failed:",
    "  mov eax, 1",
    "  ret",
);

/// Where the trap handler continues when a fault at `rip` cannot be resolved: a place that reports failure to the caller.
pub fn fixup(rip: usize) -> Option<usize> {
    let (start, end) = (&raw const usercopy_start as usize, &raw const usercopy_end as usize);
    (start..end).contains(&rip).then_some(usercopy_failed as *const () as usize)
}

#[inline(always)]
fn open() {
    if SMAP.load(Relaxed) {
        // SAFETY: the processor has SMAP; between `stac` and `clac` only the copy below runs.
        unsafe { core::arch::asm!("stac", options(nomem, nostack)) }
    }
}

#[inline(always)]
fn close() {
    if SMAP.load(Relaxed) {
        // SAFETY: see `open`.
        unsafe { core::arch::asm!("clac", options(nomem, nostack)) }
    }
}

/// Copies `len` bytes, one side of which is user memory. False when a page was not there (part may have been copied).
///
/// # Safety
/// The kernel side is valid for `len` bytes; the user side lies wholly below `USER_END`; no lock is held that the page fault
/// handler takes.
#[inline]
pub unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> bool {
    open();
    // SAFETY: the caller vouches for the kernel side; faults on the user side come back as failure.
    let failed = unsafe {
        if len > 256 && ERMS.load(Relaxed) { usercopy_bytes(dst, src, len) } else { usercopy_words(dst, src, len) }
    };
    close();
    failed == 0
}

/// Fills user memory with zeros; false when a page was not there.
///
/// # Safety
/// `dst..dst + len` lies wholly below `USER_END`, and no lock is held that the page fault handler takes.
pub unsafe fn zero(dst: *mut u8, len: usize) -> bool {
    open();
    // SAFETY: as above.
    let failed = unsafe { userzero(dst, len) };
    close();
    failed == 0
}
