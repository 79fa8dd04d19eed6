//! Copies between kernel and user memory: the only instructions that touch user addresses.
//!
//! SMAP is lifted for their duration only (`stac`, `clac`). A page fault inside that cannot be resolved continues at the fault label, which reports failure: the trap handler asks [`fixup`].
//!
//! The copy is chosen by CPUID: `rep movsb` where it is fast (ERMS, Intel Optimization Manual 3.7.6), else eight bytes at a time.

use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Whether the processor has enhanced `rep movsb`.
pub static ERMS: AtomicBool = AtomicBool::new(false);

unsafe extern "C" {
    static usercopy_start: u8;
    static usercopy_end: u8;
    static usercopy_patches: u8;
    static usercopy_patches_end: u8;
    fn usercopy_failed();
    fn usercopy_words(dst: *mut u8, src: *const u8, len: usize) -> usize;
    fn usercopy_bytes(dst: *mut u8, src: *const u8, len: usize) -> usize;
    fn usercopy_1(dst: *mut u8, src: *const u8) -> usize;
    fn usercopy_8(dst: *mut u8, src: *const u8) -> usize;
    fn usercopy_16(dst: *mut u8, src: *const u8) -> usize;
    fn usercopy_24(dst: *mut u8, src: *const u8) -> usize;
    fn usercopy_64(dst: *mut u8, src: *const u8) -> usize;
    fn userzero(dst: *mut u8, len: usize) -> usize;
}

// All: rdi = destination, rsi = source, rdx = length; answer 0 or 1 (failed). The places of `stac` and `clac` (three bytes each)
// are listed, to be overwritten where the processor has no SMAP.
global_asm!(
    ".macro user_open",
    "  .pushsection .rodata.usercopy, \"a\"",
    "  .quad 771f",
    "  .popsection",
    "771:",
    "  stac",
    ".endm",
    ".macro user_close",
    "  .pushsection .rodata.usercopy, \"a\"",
    "  .quad 771f",
    "  .popsection",
    "771:",
    "  clac",
    ".endm",
    ".section .rodata.usercopy, \"a\"",
    ".balign 8",
    ".global usercopy_patches",
    "usercopy_patches:",
    ".section .text.usercopy, \"ax\"",
    ".global usercopy_start",
    "usercopy_start:",
    ".balign 16",
    ".global usercopy_words",
    "usercopy_words:",
    "  user_open",
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
    "  user_close",
    "  xor eax, eax",
    "  ret",
    "3:",
    "  rep movsq",
    "  jmp 2b",
    ".balign 16",
    ".global usercopy_bytes",
    "usercopy_bytes:",
    "  user_open",
    "  mov rcx, rdx",
    "  rep movsb",
    "  user_close",
    "  xor eax, eax",
    "  ret",
    ".balign 16",
    ".global usercopy_1",
    "usercopy_1:",
    "  user_open",
    "  mov al, [rsi]",
    "  mov [rdi], al",
    "  user_close",
    "  xor eax, eax",
    "  ret",
    ".balign 16",
    ".global usercopy_8",
    "usercopy_8:",
    "  user_open",
    "  mov rax, [rsi]",
    "  mov [rdi], rax",
    "  user_close",
    "  xor eax, eax",
    "  ret",
    ".balign 16",
    ".global usercopy_16",
    "usercopy_16:",
    "  user_open",
    "  mov rax, [rsi]",
    "  mov rcx, [rsi + 8]",
    "  mov [rdi], rax",
    "  mov [rdi + 8], rcx",
    "  user_close",
    "  xor eax, eax",
    "  ret",
    ".balign 16",
    ".global usercopy_24",
    "usercopy_24:",
    "  user_open",
    "  mov rax, [rsi]",
    "  mov rcx, [rsi + 8]",
    "  mov rdx, [rsi + 16]",
    "  mov [rdi], rax",
    "  mov [rdi + 8], rcx",
    "  mov [rdi + 16], rdx",
    "  user_close",
    "  xor eax, eax",
    "  ret",
    ".balign 16",
    ".global usercopy_64",
    "usercopy_64:",
    "  user_open",
    "  mov rax, [rsi]",
    "  mov rcx, [rsi + 8]",
    "  mov rdx, [rsi + 16]",
    "  mov r8, [rsi + 24]",
    "  mov [rdi], rax",
    "  mov [rdi + 8], rcx",
    "  mov [rdi + 16], rdx",
    "  mov [rdi + 24], r8",
    "  mov rax, [rsi + 32]",
    "  mov rcx, [rsi + 40]",
    "  mov rdx, [rsi + 48]",
    "  mov r8, [rsi + 56]",
    "  mov [rdi + 32], rax",
    "  mov [rdi + 40], rcx",
    "  mov [rdi + 48], rdx",
    "  mov [rdi + 56], r8",
    "  user_close",
    "  xor eax, eax",
    "  ret",
    ".balign 16",
    ".global userzero",
    "userzero:",
    // rdi = destination, rsi = length
    "  user_open",
    "  xor eax, eax",
    "  mov rcx, rsi",
    "  shr rcx, 3",
    "  rep stosq",
    "  mov rcx, rsi",
    "  and ecx, 7",
    "  rep stosb",
    "  user_close",
    "  ret",
    ".global usercopy_end",
    "usercopy_end:",
    ".global usercopy_failed",
    "usercopy_failed:",
    "  user_close",
    "  mov eax, 1",
    "  ret",
    ".section .rodata.usercopy, \"a\"",
    ".global usercopy_patches_end",
    "usercopy_patches_end:",
    ".text",
);

/// Takes `stac` and `clac` out where the processor has no SMAP. On the first processor, before the kernel's text becomes read-only.
pub fn without_smap() {
    // `nop dword ptr [rax]`, three bytes (Intel SDM volume 2B, NOP).
    const NOP: [u8; 3] = [0x0f, 0x1f, 0x00];
    // SAFETY: the list holds the addresses of three-byte instructions in text that the early tables map writable; nothing
    // copies from or to user memory yet.
    unsafe {
        let (mut at, end) =
            (&raw const usercopy_patches as *const *mut [u8; 3], &raw const usercopy_patches_end as *const _);
        while at < end {
            at.read().write(NOP);
            at = at.add(1);
        }
    }
}

/// Where the trap handler continues when a fault at `rip` cannot be resolved: a place that reports failure to the caller.
pub fn fixup(rip: usize) -> Option<usize> {
    let (start, end) = (&raw const usercopy_start as usize, &raw const usercopy_end as usize);
    (start..end).contains(&rip).then_some(usercopy_failed as *const () as usize)
}

/// Copies `len` bytes, one side of which is user memory. False when a page was not there (part may have been copied).
///
/// # Safety
/// The kernel side is valid for `len` bytes; the user side lies wholly below `USER_END`; no lock is held that the page fault
/// handler takes.
#[inline(always)]
pub unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> bool {
    // SAFETY: the caller vouches for the kernel side; faults on the user side come back as failure.
    let failed = unsafe {
        match len {
            1 => usercopy_1(dst, src),
            8 => usercopy_8(dst, src),
            16 => usercopy_16(dst, src),
            24 => usercopy_24(dst, src),
            64 => usercopy_64(dst, src),
            _ if len > 256 && ERMS.load(Relaxed) => usercopy_bytes(dst, src, len),
            _ => usercopy_words(dst, src, len),
        }
    };
    failed == 0
}

/// Copies `len` bytes as [`copy`] does, for lengths that are not known beforehand and seldom tiny.
///
/// # Safety
/// As for [`copy`].
#[inline(always)]
pub unsafe fn copy_some(dst: *mut u8, src: *const u8, len: usize) -> bool {
    // SAFETY: as above.
    let failed = unsafe {
        if len == 1 {
            usercopy_1(dst, src)
        } else if len > 256 && ERMS.load(Relaxed) {
            usercopy_bytes(dst, src, len)
        } else {
            usercopy_words(dst, src, len)
        }
    };
    failed == 0
}

/// Fills user memory with zeros; false when a page was not there.
///
/// # Safety
/// `dst..dst + len` lies wholly below `USER_END`, and no lock is held that the page fault handler takes.
#[allow(dead_code)]
pub unsafe fn zero(dst: *mut u8, len: usize) -> bool {
    // SAFETY: as above.
    unsafe { userzero(dst, len) == 0 }
}
