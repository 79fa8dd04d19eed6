//! From the loader to Rust: the entry points of both boot protocols, the first page tables, and the loader's information.
//!
//! | protocol | entry | source |
//! |---|---|---|
//! | PVH | named by an ELF note | Xen `docs/misc/pvh.pandoc` |
//! | Multiboot2 | named by a header tag | Multiboot2 Specification 2.0, section 3.1 |
//!
//! Both enter in 32-bit protected mode without paging, EBX pointing to their information. The code below maps the first
//! 4 GiB twice (where it is, and at [`PHYSMAP`]) and the kernel at its link address, switches to long mode and calls
//! `kernel_main(protocol, information)` on the boot stack.

use core::arch::global_asm;

use kernel_core::boot::{BootError, BootInfo, Module, PhysicalMemory, multiboot2, pvh};
use kernel_core::cmdline::Options;
use spin::Once;

use crate::log::Level;
use crate::memory::PHYSMAP;

/// The early page tables reach this far.
const EARLY_LIMIT: u64 = 4 << 30;

static INFO: Once<BootInfo> = Once::new();
static OPTIONS: Once<Options<'static>> = Once::new();

/// Physical memory as the early page tables show it.
struct Early;

impl PhysicalMemory for Early {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        if address.checked_add(into.len() as u64).is_none_or(|end| end > EARLY_LIMIT) {
            return false;
        }
        // SAFETY: the first 4 GiB are mapped, and nobody but the loader has written there yet.
        unsafe {
            core::ptr::copy_nonoverlapping((PHYSMAP + address as usize) as *const u8, into.as_mut_ptr(), into.len())
        }
        true
    }
}

/// Reads what the loader said, once. Without a memory map or an initfs within memory there is no going on: that ends in a message.
pub fn read_info(protocol: u32, info_phys: usize) -> &'static BootInfo {
    let address = info_phys as u64;
    let read = match protocol {
        pvh::MAGIC => pvh::parse(&Early, address),
        multiboot2::MAGIC => multiboot2::parse(&Early, address),
        other => Err(BootError::UnknownProtocol(other)),
    };
    let info = match read {
        Ok(info) => INFO.call_once(|| info),
        Err(error) => crate::panic::die(format_args!("cannot start: {error}")),
    };
    let options = OPTIONS.call_once(|| Options::parse(info.cmdline.as_str()));
    crate::log::configure(options);
    if info.truncated {
        klog!(
            Level::Warn,
            "the loader's memory map or list of modules is too long or makes no sense in part; the rest is used"
        );
    }
    match info.modules.first() {
        None => crate::panic::die(format_args!(
            "cannot start: there is no initfs; give one with `-initrd` (QEMU) or `module2` (GRUB)"
        )),
        Some(&Module { start, end, .. }) if !info.is_usable(start, end) => crate::panic::die(format_args!(
            "cannot start: the initfs, from {start:#x} to {end:#x}, is not where the memory map has usable memory"
        )),
        Some(_) => info,
    }
}

/// What the loader said, once it has been read.
pub fn info() -> Option<&'static BootInfo> {
    INFO.get()
}

/// The kernel's options; those of an empty command line before it has been read.
pub fn options() -> Options<'static> {
    OPTIONS.get().copied().unwrap_or_else(|| Options::parse(""))
}

/// The initfs archive, where the loader put it. What files have in them may be given back (`memory::archive`), and is then not to be
/// looked at; the headers between them stay.
pub fn initfs() -> Option<&'static [u8]> {
    let module = INFO.get()?.modules.first()?;
    // SAFETY: the module lies in memory that is mapped at PHYSMAP, and nobody writes what is looked at.
    Some(unsafe {
        core::slice::from_raw_parts(
            (PHYSMAP + module.start as usize) as *const u8,
            (module.end - module.start) as usize,
        )
    })
}

global_asm!(
    r#"
.set IMAGE_BASE, 0xffffffff80000000
.set CODE64, 0x08
.set DATA, 0x10
.set CODE32, 0x18

# Multiboot2 header (section 3.1.1), within the first 32 KiB of the file.
.section .boot.header, "ax", @progbits
.balign 8
multiboot2_header:
    .long 0xe85250d6                        # magic
    .long 0                                 # i386, protected mode
    .long multiboot2_header_end - multiboot2_header
    .long -(0xe85250d6 + 0 + (multiboot2_header_end - multiboot2_header))
    .balign 8
    .short 3, 0                             # entry address tag (section 3.1.6)
    .long 12
    .long boot_entry_multiboot2 - IMAGE_BASE
    .balign 8
    .short 5, 1                             # frame buffer tag, optional (section 3.1.10): any size, 32 bits a pixel
    .long 20, 0, 0, 32
    .balign 8
    .short 6, 0                             # module alignment tag (section 3.1.9): whole pages
    .long 8
    .balign 8
    .short 0, 0                             # end
    .long 8
multiboot2_header_end:

# XEN_ELFNOTE_PHYS32_ENTRY (Xen public/elfnote.h): the 32-bit entry point.
.section .note.boot, "a", @note
.balign 4
    .long 4                                 # bytes of the name
    .long 8                                 # bytes of the value
    .long 18                                # type
    .asciz "Xen"
    .quad boot_entry_pvh - IMAGE_BASE

# The boot stack is the first thing among the data: below it an unmapped page catches its overflow.
.section .boot.stack, "aw", @nobits
.balign 4096
.global boot_stack_bottom
boot_stack_bottom:
    .skip 65536
.global boot_stack_top
boot_stack_top:

.section .boot.bss, "aw", @nobits
.balign 4096
.global boot_pml4
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pdpt_high: .skip 4096
boot_pd: .skip 4 * 4096

.section .boot.text, "ax", @progbits
.code32
.global boot_entry_multiboot2
boot_entry_multiboot2:
    movl %eax, %ebp                         # the loader's magic number
    jmp boot_start

.global boot_entry_pvh
boot_entry_pvh:
    movl $0x336ec578, %ebp                  # PVH has no magic number in a register: that of its structure

boot_start:
    cli
    cld
    movl $(boot_stack_top - IMAGE_BASE), %esp
    movl %ebx, %esi                         # CPUID overwrites EBX

    # Long mode? Leaf 0x80000001, EDX bit 29. A processor that can run this code has CPUID.
    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb no_long_mode
    movl $0x80000001, %eax
    cpuid
    testl $(1 << 29), %edx
    jz no_long_mode

    # 2048 pages of 2 MiB, present, writable.
    movl $(boot_pd - IMAGE_BASE), %edi
    movl $0x83, %eax
    movl $2048, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    decl %ecx
    jnz 1b
    movl $(boot_pd - IMAGE_BASE) + 3, %eax
    movl $(boot_pdpt - IMAGE_BASE), %edi
    movl %eax, boot_pdpt_high - IMAGE_BASE + 510 * 8
    movl $4, %ecx
2:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    decl %ecx
    jnz 2b
    movl $(boot_pdpt - IMAGE_BASE) + 3, %eax
    movl %eax, boot_pml4 - IMAGE_BASE
    movl %eax, boot_pml4 - IMAGE_BASE + 256 * 8
    movl $(boot_pdpt_high - IMAGE_BASE) + 3, %eax
    movl %eax, boot_pml4 - IMAGE_BASE + 511 * 8

    call enable_long_mode
    lgdt boot_gdt_pointer - IMAGE_BASE
    ljmpl $CODE64, $(boot_low - IMAGE_BASE)

# Intel SDM volume 3, section 9.8.5: PAE, page tables, EFER.LME, paging.
enable_long_mode:
    movl $(1 << 5), %eax
    movl %eax, %cr4
    movl $(boot_pml4 - IMAGE_BASE), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $(1 << 8), %eax
    wrmsr
    movl $0x80000011, %eax                  # paging, extension type, protection; caches on
    movl %eax, %cr0
    ret

no_long_mode:
    movl $(no_long_mode_text - IMAGE_BASE), %esi
    movl $0xb8000, %edi
3:  lodsb
    testb %al, %al
    jz 5f
    movb %al, %bl
    movb $0x4f, %ah
    stosw
    movw $0x3fd, %dx                        # COM1: wait for room, but not for ever
    movl $100000, %ecx
4:  inb %dx, %al
    testb $0x20, %al
    loopz 4b
    movw $0x3f8, %dx
    movb %bl, %al
    outb %al, %dx
    jmp 3b
5:  hlt
    jmp 5b

.code64
boot_low:
    movabsq $boot_high, %rax
    jmp *%rax
boot_high:
    lgdt boot_gdt_pointer_high(%rip)
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq $boot_stack_top, %rsp
    movl %ebp, %edi
    movl %esi, %esi
    xorl %ebp, %ebp
    call kernel_main
    ud2

# Other processors start here, in real mode, at the page that smp.rs has copied this to.
.code16
.global ap_start
ap_start:
    cli
    cld
    lgdtl %cs:(ap_gdt_pointer - ap_start)
    movl $0x11, %eax
    movl %eax, %cr0
    ljmpl $CODE32, $(ap_protected - IMAGE_BASE)
.balign 4
ap_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long boot_gdt - IMAGE_BASE
.global ap_start_end
ap_start_end:

.code32
ap_protected:
    movl $DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    # No stack yet: several processors may be here at once. Hence no call.
    movl $(1 << 5), %eax
    movl %eax, %cr4
    movl $(boot_pml4 - IMAGE_BASE), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $(1 << 8), %eax
    wrmsr
    movl $0x80000011, %eax
    movl %eax, %cr0
    ljmpl $CODE64, $(ap_low - IMAGE_BASE)

.code64
ap_low:
    movabsq $ap_high, %rax
    jmp *%rax
ap_high:
    lgdt boot_gdt_pointer_high(%rip)
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    # The first processor's settings: EFER first, because its page tables have no-execute bits.
    movl $0xc0000080, %ecx
    movl ap_efer(%rip), %eax
    xorl %edx, %edx
    wrmsr
    movq ap_cr3(%rip), %rax
    movq %rax, %cr3
    movq ap_cr0(%rip), %rax
    movq %rax, %cr0
    movq ap_cr4(%rip), %rax
    movq %rax, %cr4
    # Who am I? Leaf 0x0b EDX where it exists, else leaf 1 EBX bits 31 to 24.
    xorl %eax, %eax
    cpuid
    cmpl $0x0b, %eax
    jb 1f
    movl $0x0b, %eax
    xorl %ecx, %ecx
    cpuid
    testl %ebx, %ebx
    jnz 2f
1:  movl $1, %eax
    cpuid
    movl %ebx, %edx
    shrl $24, %edx
    # The slot with this id that still waits; a processor that comes too late finds none.
2:  leaq ap_slots(%rip), %rsi
    xorl %edi, %edi
3:  cmpl %edx, (%rsi)
    je 5f
4:  addq $16, %rsi
    incl %edi
    cmpl ap_slot_count(%rip), %edi
    jb 3b
6:  cli
    hlt
    jmp 6b
5:  movl $1, %eax
    movl $2, %ecx
    lock cmpxchgl %ecx, 4(%rsi)
    jne 4b
    movq 8(%rsi), %rsp
    xorl %ebp, %ebp
    call ap_entry
    ud2

.section .rodata.boot, "a", @progbits
.balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9a000000ffff                # 64-bit code (Intel SDM volume 3, section 3.4.5)
    .quad 0x00cf92000000ffff                # data
    .quad 0x00cf9a000000ffff                # 32-bit code
boot_gdt_end:
boot_gdt_pointer:
    .short boot_gdt_end - boot_gdt - 1
    .long boot_gdt - IMAGE_BASE
boot_gdt_pointer_high:
    .short boot_gdt_end - boot_gdt - 1
    .quad boot_gdt
no_long_mode_text:
    .asciz "Ochre needs a 64-bit processor (x86-64 with long mode); this one is not. "
.text
"#,
    options(att_syntax)
);
