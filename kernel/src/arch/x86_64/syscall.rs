//! System call entry: Intel SDM volume 3, section 5.8.8 (`SYSCALL`, `SYSRET`).
//!
//! The call number comes in RAX, arguments in RDI, RSI, RDX, R10, R8; the answer goes back in RAX. RCX and R11 are lost to the
//! instruction; every other register is preserved, vector registers included, although newer callers do not ask for it.

use core::arch::naked_asm;

use super::{gdt, msr, percpu};

/// RFLAGS that entry clears: TF, IF, DF, IOPL, NT, AC.
const CLEARED_FLAGS: u64 = 0x4_7700;

/// Sets the entry point; on each processor.
pub fn init() {
    let star = u64::from(gdt::KERNEL_CODE) << 32 | u64::from(gdt::SYSRET_BASE) << 48;
    // SAFETY: the selectors are laid out as the instructions want, and the entry point follows.
    unsafe {
        msr::write(msr::STAR, star);
        msr::write(msr::LSTAR, entry as *const () as u64);
        msr::write(msr::SFMASK, CLEARED_FLAGS);
    }
}

/// Saves the user's registers as an `IntRegisters` on the thread's kernel stack and calls the thread's dispatcher with the
/// arguments where C wants them.
#[unsafe(naked)]
unsafe extern "C" fn entry() {
    naked_asm!(
        "swapgs",
        "mov gs:[{user_rsp}], rsp",
        "mov rsp, gs:[{kernel_stack}]",
        "push {user_data}",
        "push gs:[{user_rsp}]",
        "push r11",
        "push {user_code}",
        "push rcx",
        "push rdi",
        "push rsi",
        "push rdx",
        "push rcx",
        "push rax",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov rcx, r10",
        "mov r9, rax",
        // The thread's own dispatcher: it lies above the registers.
        "call [rsp + {frame}]",
        "mov [rsp + 10 * 8], rax",
        "mov rcx, gs:[{current}]",
        "cmp dword ptr [rcx + {pending}], 0",
        "jne 3f",
        "2:",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "add rsp, 8",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rax",
        "add rsp, 8",
        "pop rdx",
        "pop rsi",
        "pop rdi",
        "pop rcx",
        "add rsp, 8",
        "pop r11",
        "pop rsp",
        "swapgs",
        "sysretq",
        // Something waits for this thread: end, stop, signal, another thread's turn. It may have changed every register, so
        // leave by `iretq`.
        "3:",
        "call {leave}",
        "jmp trap_return",
        user_rsp = const percpu::USER_RSP,
        kernel_stack = const percpu::KERNEL_STACK,
        current = const percpu::CURRENT,
        pending = const core::mem::offset_of!(crate::context::Thread, pending),
        user_data = const gdt::USER_DATA as usize,
        user_code = const gdt::USER_CODE as usize,
        frame = const super::switch::FRAME,
        leave = sym crate::context::signal::leave_kernel,
    )
}
