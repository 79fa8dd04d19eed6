//! The first instructions after the kernel's delivery, and the last ones before the interrupted program goes on.
//!
//! The kernel has saved instruction pointer and flags and has inhibited further deliveries; every other register is the
//! interrupted program's. What it uses as a stack is not trusted: everything is saved on a stack of libc's own first.

use core::arch::naked_asm;
use core::mem::offset_of;

use syscall::{Sigcontrol, SigcontrolFlags};

use super::deliver::{self, RED_ZONE};
use super::frame::{Frame, MAX_AREA, Registers, XSAVE};
use super::state::Signals;
use crate::rt::tcb::Tcb;

const SIGNALS: usize = offset_of!(Tcb, signals);
const WORDS: usize = SIGNALS + offset_of!(Signals, control);
const FLAGS: usize = WORDS + offset_of!(Sigcontrol, control_flags);
const SAVED_IP: usize = WORDS + offset_of!(Sigcontrol, saved_ip);
const SAVED_FLAGS: usize = WORDS + offset_of!(Sigcontrol, saved_archdep_reg);

/// Room for the registers, so that the area below it is aligned to 64.
const REGISTERS: usize = size_of::<Registers>().next_multiple_of(64);

/// Saves what the kernel has found. `sp` and `stack` are places in the control block, `then` is told where registers and extended
/// state are.
macro_rules! entry {
    ($name:ident, $doc:literal, $sp:ident, $stack:ident, $then:path) => {
        #[doc = $doc]
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name() -> ! {
            naked_asm!(
                "mov fs:[{sp}], rsp",
                "mov rsp, fs:[{stack}]",
                "push qword ptr fs:[{sp}]",
                "push qword ptr fs:[{saved_ip}]",
                "push qword ptr fs:[{saved_flags}]",
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
                "mov rdi, rsp",
                "sub rsp, {below}",
                "mov rsi, rsp",
                "xor ebp, ebp",
                "mov eax, [rip + {xsave}]",
                "test eax, eax",
                "jz 2f",
                // The header must be zero where XSAVE does not write it (Intel SDM volume 1, section 13.7).
                "xor eax, eax",
                "mov [rsp + 512], rax",
                "mov [rsp + 520], rax",
                "mov [rsp + 528], rax",
                "mov [rsp + 536], rax",
                "mov [rsp + 544], rax",
                "mov [rsp + 552], rax",
                "mov [rsp + 560], rax",
                "mov [rsp + 568], rax",
                "mov eax, -1",
                "mov edx, -1",
                "xsave64 [rsp]",
                "jmp 3f",
                "2:",
                "fxsave64 [rsp]",
                "3:",
                "call {then}",
                "ud2",
                sp = const SIGNALS + offset_of!(Signals, $sp),
                stack = const SIGNALS + offset_of!(Signals, $stack),
                saved_ip = const SAVED_IP,
                saved_flags = const SAVED_FLAGS,
                below = const REGISTERS - size_of::<Registers>() + MAX_AREA,
                xsave = sym XSAVE,
                then = sym $then,
            )
        }
    };
}

entry!(signal, "Where the kernel delivers signals.", sp, stack, deliver::dispatch);
entry!(exception, "Where the kernel delivers exceptions.", fault_sp, fault_stack, deliver::dispatch_exception);

/// Delivers what is ready to the caller, as if the kernel had found it at this call.
#[unsafe(naked)]
pub unsafe extern "C" fn now() {
    naked_asm!(
        "mov qword ptr fs:[{flags}], {inhibit}",
        "pushfq",
        "pop qword ptr fs:[{saved_flags}]",
        "pop qword ptr fs:[{saved_ip}]",
        "jmp {signal}",
        flags = const FLAGS,
        inhibit = const SigcontrolFlags::INHIBIT_DELIVERY.bits(),
        saved_flags = const SAVED_FLAGS,
        saved_ip = const SAVED_IP,
        signal = sym signal,
    )
}

/// Goes on with a frame on its own stack: with its handler, in the floating-point environment that a function expects.
#[unsafe(naked)]
pub unsafe extern "C" fn leave(frame: *mut Frame) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        "xor ebp, ebp",
        // System V ABI for AMD64, section 3.2.3: x87 empty and in its initial mode, MXCSR at its default.
        "fninit",
        "push 0x1f80",
        "ldmxcsr [rsp]",
        "pop rax",
        "call {run}",
        "ud2",
        run = sym deliver::run,
    )
}

/// Looks for another signal before the interrupted program goes on: from the beginning, on the stack for signals.
#[unsafe(naked)]
pub unsafe extern "C" fn once_more(frame: *mut Frame) -> ! {
    naked_asm!(
        "mov rsp, fs:[{stack}]",
        "call {again}",
        "ud2",
        stack = const SIGNALS + offset_of!(Signals, stack),
        again = sym deliver::again,
    )
}

/// Lets the interrupted program go on. The last three registers come from below the red zone of its own stack, since a signal may come
/// between any two instructions here, and would use what lies below the stack pointer. (`iretq` would load them in one piece, but
/// QEMU 7.2 lets it fail in user mode when the kernel has switched SMAP on.)
#[unsafe(naked)]
pub unsafe extern "C" fn resume(registers: *mut Registers, area: *const u8) -> ! {
    naked_asm!(
        "mov eax, [rip + {xsave}]",
        "test eax, eax",
        "jz 2f",
        "mov eax, -1",
        "mov edx, -1",
        "xrstor64 [rsi]",
        "jmp 3f",
        "2:",
        "fxrstor64 [rsi]",
        "3:",
        // The extended state may lie in this place; it is not needed any more.
        "mov rax, [rdi + {rsp}]",
        "mov rcx, [rdi + {rip}]",
        "mov [rax - {red_zone} - 8], rcx",
        "mov rcx, [rdi + {rflags}]",
        "mov [rax - {red_zone} - 16], rcx",
        "mov rcx, [rdi + {rdi}]",
        "mov [rax - {red_zone} - 24], rcx",
        "lea rcx, [rax - {red_zone} - 24]",
        "mov [rdi + {rsp}], rcx",
        "mov r15, [rdi]",
        "mov r14, [rdi + 8]",
        "mov r13, [rdi + 16]",
        "mov r12, [rdi + 24]",
        "mov rbp, [rdi + 32]",
        "mov rbx, [rdi + 40]",
        "mov r11, [rdi + 48]",
        "mov r10, [rdi + 56]",
        "mov r9, [rdi + 64]",
        "mov r8, [rdi + 72]",
        "mov rax, [rdi + 80]",
        "mov rcx, [rdi + 88]",
        "mov rdx, [rdi + 96]",
        "mov rsi, [rdi + 104]",
        "mov rsp, [rdi + {rsp}]",
        "pop rdi",
        "popfq",
        "ret {red_zone}",
        xsave = sym XSAVE,
        red_zone = const RED_ZONE,
        rsp = const offset_of!(Registers, rsp),
        rflags = const offset_of!(Registers, rflags),
        rip = const offset_of!(Registers, rip),
        rdi = const offset_of!(Registers, rdi),
    )
}
