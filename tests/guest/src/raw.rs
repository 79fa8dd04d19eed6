//! Calls past libc, which keeps no book of them.

use core::arch::asm;

/// Makes a call with any number and arguments and answers `rax`.
///
/// # Safety
/// What the call does to this process must be bearable.
pub unsafe fn call(number: usize, args: [usize; 5]) -> usize {
    let answer;
    // SAFETY: what the kernel may change is declared; the rest is the caller's matter.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2], in("r10") args[3], in("r8") args[4],
            lateout("rcx") _, lateout("r11") _, lateout("r9") _,
            options(nostack),
        );
    }
    answer
}

/// The error number of an answer, if it is one.
pub fn error(answer: usize) -> Option<i32> {
    (answer > usize::MAX - 4095).then(|| answer.wrapping_neg() as i32)
}
