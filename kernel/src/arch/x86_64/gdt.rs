//! Segments and task state: Intel SDM volume 3, sections 3.4.5 (descriptors) and 8.7 (64-bit TSS).
//!
//! Long mode needs little of segmentation: flat code and data segments in an order that `SYSCALL` and `SYSRET` expect, and one
//! TSS for each processor with the stacks of interrupts and the I/O permission bitmap.

use core::mem::size_of;

use super::percpu::PerCpu;

/// Kernel code selector.
pub const KERNEL_CODE: u16 = 0x08;
/// Kernel data selector (code + 8, as `SYSCALL` wants).
pub const KERNEL_DATA: u16 = 0x10;
/// User data selector with RPL 3.
pub const USER_DATA: u16 = 0x18 | 3;
/// User code selector with RPL 3 (data + 8, as `SYSRET` wants).
pub const USER_CODE: u16 = 0x20 | 3;
/// Base that `SYSRET` adds 8 and 16 to.
pub const SYSRET_BASE: u16 = 0x10 | 3;
const TSS: u16 = 0x28;

/// IST slot of the double fault.
pub const IST_DOUBLE_FAULT: u8 = 1;
/// IST slot of the NMI.
pub const IST_NMI: u8 = 2;
/// IST slot of the machine check.
pub const IST_MACHINE_CHECK: u8 = 3;

const IST_STACK: usize = 8192;
const IO_BITMAP: usize = 8192;

/// 64-bit task state segment (Intel SDM volume 3, figure 8-11), followed by the I/O permission bitmap.
#[repr(C, packed(4))]
struct TaskState {
    _reserved0: u32,
    rsp: [u64; 3],
    _reserved1: u64,
    ist: [u64; 7],
    _reserved2: u64,
    _reserved3: u16,
    io_base: u16,
    /// All zero: every port allowed, to a thread for which `io_base` points here.
    io_bitmap: [u8; IO_BITMAP],
    /// The byte of ones that must end the bitmap (section 19.5.2).
    io_end: u8,
}

const IO_ALLOWED: u16 = 104;
const IO_DENIED: u16 = size_of::<TaskState>() as u16;

/// One processor's descriptor table, task state and emergency stacks.
#[repr(C, align(16))]
pub struct Tables {
    gdt: [u64; 7],
    tss: TaskState,
    stacks: [[u8; IST_STACK]; 3],
}

impl Tables {
    /// All zero; [`load`] fills them.
    pub const fn new() -> Self {
        Tables {
            gdt: [0; 7],
            tss: TaskState {
                _reserved0: 0,
                rsp: [0; 3],
                _reserved1: 0,
                ist: [0; 7],
                _reserved2: 0,
                _reserved3: 0,
                io_base: 0,
                io_bitmap: [0; IO_BITMAP],
                io_end: 0,
            },
            stacks: [[0; IST_STACK]; 3],
        }
    }
}

#[repr(C, packed)]
struct Pointer {
    limit: u16,
    base: u64,
}

/// Loads this processor's segments and task register.
pub fn load(cpu: &'static PerCpu) {
    // SAFETY: only this processor uses its tables, and they live for ever. The far return reloads CS with the selector that
    // the new table has at the same place; data segments are loaded with null or flat ones.
    unsafe {
        let tables = &mut *cpu.gdt.get();
        // 64-bit code: L, present, type code/read (0x9a); data: present, writable (0x92); DPL 3 for user.
        tables.gdt =
            [0, 0x00af_9a00_0000_ffff, 0x00cf_9200_0000_ffff, 0x00cf_f200_0000_ffff, 0x00af_fa00_0000_ffff, 0, 0];
        tables.tss.io_base = IO_DENIED;
        tables.tss.io_end = 0xff;
        for (index, stack) in tables.stacks.iter().enumerate() {
            tables.tss.ist[index] = stack.as_ptr_range().end as u64 & !15;
        }
        let base = &raw const tables.tss as u64;
        let limit = size_of::<TaskState>() as u64 - 1;
        // Available 64-bit TSS: type 9, present (Intel SDM volume 3, figure 8-4).
        tables.gdt[5] = (limit & 0xffff)
            | (base & 0xff_ffff) << 16
            | 0x89 << 40
            | (limit >> 16 & 0xf) << 48
            | (base >> 24 & 0xff) << 56;
        tables.gdt[6] = base >> 32;
        let pointer = Pointer { limit: size_of::<[u64; 7]>() as u16 - 1, base: tables.gdt.as_ptr() as u64 };
        core::arch::asm!(
            "lgdt [{pointer}]",
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            "mov ds, {data:e}",
            "mov es, {data:e}",
            "mov ss, {data:e}",
            "mov fs, {zero:e}",
            "mov gs, {zero:e}",
            "ltr {tss:x}",
            pointer = in(reg) &pointer,
            code = const KERNEL_CODE as u64,
            data = in(reg) KERNEL_DATA as u32,
            zero = in(reg) 0,
            tss = in(reg) TSS,
            // Written before the last operand is read: it must have a register of its own.
            scratch = out(reg) _,
        );
    }
}

/// Sets the stack that interrupts from user mode start on.
#[inline]
pub fn set_kernel_stack(cpu: &PerCpu, top: usize) {
    // SAFETY: only this processor writes its task state; the processor reads it at its next interrupt from user mode.
    unsafe { (*cpu.gdt.get()).tss.rsp[0] = top as u64 }
}

/// Allows or denies the I/O ports to what runs next in user mode.
pub fn set_io_allowed(cpu: &PerCpu, allowed: bool) {
    // SAFETY: as in `set_kernel_stack`.
    unsafe { (*cpu.gdt.get()).tss.io_base = if allowed { IO_ALLOWED } else { IO_DENIED } }
}
