//! Interrupt descriptor table and the stubs behind it: Intel SDM volume 3, sections 6.10 to 6.14.
//!
//! Each of the 256 stubs pushes nothing but its vector (and a zero where the processor pushes no error code) and goes on to
//! one common path that saves the registers as an `IntRegisters` and calls [`super::trap::handle`].

use core::arch::global_asm;
use core::cell::UnsafeCell;

use super::gdt;

#[repr(C)]
#[derive(Clone, Copy)]
struct Gate {
    low: u16,
    selector: u16,
    ist: u8,
    kind: u8,
    middle: u16,
    high: u32,
    _reserved: u32,
}

#[repr(C, align(16))]
struct Table(UnsafeCell<[Gate; 256]>);

// SAFETY: written by the first processor before the others start, then only read.
unsafe impl Sync for Table {}

static TABLE: Table =
    Table(UnsafeCell::new([Gate { low: 0, selector: 0, ist: 0, kind: 0, middle: 0, high: 0, _reserved: 0 }; 256]));

/// Interrupt gate, present, DPL 0 (section 6.11).
const INTERRUPT_GATE: u8 = 0x8e;
/// The same for DPL 3: breakpoints that user code may raise.
const USER_GATE: u8 = 0xee;

unsafe extern "C" {
    /// 256 stubs of 16 bytes.
    static trap_stubs: [[u8; 16]; 256];
}

/// Fills the table; on the first processor, once.
pub fn init() {
    // SAFETY: the symbol is defined below with exactly this layout.
    for (vector, stub) in unsafe { trap_stubs.iter() }.enumerate() {
        let address = stub.as_ptr() as u64;
        // SAFETY: no other processor runs yet, and nobody else on this one writes the table.
        let gate = unsafe { &mut (*TABLE.0.get())[vector] };
        *gate = Gate {
            low: address as u16,
            selector: gdt::KERNEL_CODE,
            ist: match vector {
                2 => gdt::IST_NMI,
                8 => gdt::IST_DOUBLE_FAULT,
                18 => gdt::IST_MACHINE_CHECK,
                _ => 0,
            },
            kind: if vector == 3 { USER_GATE } else { INTERRUPT_GATE },
            middle: (address >> 16) as u16,
            high: (address >> 32) as u32,
            _reserved: 0,
        };
    }
}

/// Makes this processor use the table.
pub fn load() {
    #[repr(C, packed)]
    struct Pointer {
        limit: u16,
        base: u64,
    }
    let pointer = Pointer { limit: 4095, base: TABLE.0.get() as u64 };
    // SAFETY: the table is complete and lives for ever.
    unsafe { core::arch::asm!("lidt [{}]", in(reg) &pointer, options(nostack, readonly)) }
}

global_asm!(
    ".section .text.trap, \"ax\"",
    ".balign 16",
    ".global trap_stubs",
    "trap_stubs:",
    ".set vector, 0",
    ".rept 256",
    "  .balign 16",
    // Vectors with an error code: 8, 10 to 14, 17, 21, 29, 30 (Intel SDM volume 3, table 6-1; AMD APM volume 2, 8.2).
    "  .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30",
    "  .else",
    "    push 0",
    "  .endif",
    "  push vector",
    "  jmp trap_common",
    "  .set vector, vector + 1",
    ".endr",
    ".balign 16",
    "trap_common:",
    // Stack: vector, error code, rip, cs, rflags, rsp, ss. rdi and rsi take the first two's places.
    "  cld",
    "  xchg rsi, [rsp]",
    "  xchg rdi, [rsp + 8]",
    // Now [rsp] = rsi, [rsp+8] = rdi: the order of IntRegisters.
    "  push rdx",
    "  push rcx",
    "  push rax",
    "  push r8",
    "  push r9",
    "  push r10",
    "  push r11",
    "  push rbx",
    "  push rbp",
    "  push r12",
    "  push r13",
    "  push r14",
    "  push r15",
    "  test byte ptr [rsp + 16 * 8], 3",
    "  jz 2f",
    "  swapgs",
    "2:",
    // rdi = error code, rsi = vector already; third argument: the registers.
    "  mov rdx, rsp",
    "  xor ebp, ebp",
    "  call {handle}",
    ".global trap_return",
    "trap_return:",
    "  test byte ptr [rsp + 16 * 8], 3",
    "  jz 3f",
    "  swapgs",
    "3:",
    "  pop r15",
    "  pop r14",
    "  pop r13",
    "  pop r12",
    "  pop rbp",
    "  pop rbx",
    "  pop r11",
    "  pop r10",
    "  pop r9",
    "  pop r8",
    "  pop rax",
    "  pop rcx",
    "  pop rdx",
    "  pop rsi",
    "  pop rdi",
    "  iretq",
    handle = sym super::trap::handle,
);
