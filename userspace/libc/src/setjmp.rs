//! `setjmp.h`, for programs in C: going back to where a function was, with the registers that functions preserve (System V ABI for
//! AMD64, section 3.2.1), and on demand with the signals that were blocked there.
//!
//! `jmp_buf` is eight words: RBX, RBP, R12 to R15, RSP, RIP. `sigjmp_buf` has two more: whether the mask was saved, and the mask.

use core::arch::naked_asm;
use core::ffi::c_int;

use crate::rt::signal::{mask, set};

/// Bytes of a `jmp_buf`.
const BUFFER: usize = 64;

/// `setjmp`: answers 0, and once more what `longjmp` was told.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn setjmp(buffer: *mut usize) -> c_int {
    naked_asm!(
        "mov [rdi], rbx",
        "mov [rdi + 8], rbp",
        "mov [rdi + 16], r12",
        "mov [rdi + 24], r13",
        "mov [rdi + 32], r14",
        "mov [rdi + 40], r15",
        "lea rdx, [rsp + 8]",
        "mov [rdi + 48], rdx",
        "mov rdx, [rsp]",
        "mov [rdi + 56], rdx",
        "xor eax, eax",
        "ret",
    )
}

/// `_setjmp`, the same.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn _setjmp(buffer: *mut usize) -> c_int {
    naked_asm!("jmp {setjmp}", setjmp = sym setjmp)
}

/// `longjmp`. A value of 0 becomes 1.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn longjmp(buffer: *const usize, value: c_int) -> ! {
    naked_asm!(
        "mov rbx, [rdi]",
        "mov rbp, [rdi + 8]",
        "mov r12, [rdi + 16]",
        "mov r13, [rdi + 24]",
        "mov r14, [rdi + 32]",
        "mov r15, [rdi + 40]",
        "mov rsp, [rdi + 48]",
        "mov eax, 1",
        "test esi, esi",
        "cmovnz eax, esi",
        "jmp qword ptr [rdi + 56]",
    )
}

/// `_longjmp`, the same.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn _longjmp(buffer: *const usize, value: c_int) -> ! {
    naked_asm!("jmp {longjmp}", longjmp = sym longjmp)
}

/// `sigsetjmp`: saves the mask too if it is told to.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn sigsetjmp(buffer: *mut usize, with_mask: c_int) -> c_int {
    naked_asm!(
        "push rdi",
        "call {save}",
        "pop rdi",
        "jmp {setjmp}",
        save = sym save_mask,
        setjmp = sym setjmp,
    )
}

/// `__sigsetjmp`, which headers make of `sigsetjmp`.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn __sigsetjmp(buffer: *mut usize, with_mask: c_int) -> c_int {
    naked_asm!("jmp {sigsetjmp}", sigsetjmp = sym sigsetjmp)
}

unsafe extern "C" fn save_mask(buffer: *mut usize, with_mask: c_int) {
    // SAFETY: POSIX demands a buffer, which has two words behind the first eight.
    unsafe {
        let words = buffer.byte_add(BUFFER);
        *words = usize::from(with_mask != 0);
        *words.add(1) = mask::blocked() as usize;
    }
}

/// `siglongjmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn siglongjmp(buffer: *const usize, value: c_int) -> ! {
    // SAFETY: POSIX demands a buffer that `sigsetjmp` filled in a function that has not returned.
    unsafe {
        let words = buffer.byte_add(BUFFER);
        if *words != 0 {
            mask::change(set::How::Replace, *words.add(1) as u64);
        }
        longjmp(buffer, value)
    }
}
