//! A kernel of a few bytes that tells when a kernel is entered.
//!
//! Loaded through PVH like the real ones, it reads the time-stamp counter at its first instruction, writes the eight bytes to
//! the serial port and ends QEMU. What it tells is what firmware and loader take before any kernel, and is taken off Linux's
//! time to its first program (Ochre reads the counter at its own entry).

/// Code at the PVH entry point: 32-bit protected mode, flat segments, no stack.
const CODE: &[u8] = &[
    0x0f, 0x31, // rdtsc
    0x89, 0xc3, // mov ebx, eax
    0x89, 0xd5, // mov ebp, edx
    0x66, 0xba, 0xf8, 0x03, // mov dx, 0x3f8: first serial port
    0x89, 0xd8, // mov eax, ebx
    0xb9, 0x04, 0x00, 0x00, 0x00, // mov ecx, 4
    0xee, // out dx, al
    0xc1, 0xe8, 0x08, // shr eax, 8
    0xe2, 0xfa, // loop back to out
    0x89, 0xe8, // mov eax, ebp
    0xb9, 0x04, 0x00, 0x00, 0x00, // mov ecx, 4
    0xee, // out dx, al
    0xc1, 0xe8, 0x08, // shr eax, 8
    0xe2, 0xfa, // loop back to out
    0x66, 0xba, 0xf4, 0x00, // mov dx, 0xf4: isa-debug-exit
    0xee, // out dx, al
    0xf4, // hlt
    0xeb, 0xfd, // jmp back to hlt
];

/// Where it is loaded.
const BASE: u64 = 0x10_0000;
/// Offset of the code in the file, which is loaded whole.
const CODE_AT: u64 = 0x100;

/// The ELF file: one loadable segment, one note segment with the PVH entry (Xen `elfnote.h`, `XEN_ELFNOTE_PHYS32_ENTRY`, 18).
pub fn elf() -> Vec<u8> {
    const NOTE_AT: u64 = 0xc0;
    const NOTE_LENGTH: u64 = 20;
    let end = CODE_AT + CODE.len() as u64;
    let mut file = Vec::new();
    // e_ident: 64-bit, little endian, version 1
    file.extend([0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // e_type EXEC, e_machine x86-64, e_version, e_entry, e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum, sections
    file.extend(2_u16.to_le_bytes());
    file.extend(62_u16.to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    for word in [BASE + CODE_AT, 64, 0] {
        file.extend(word.to_le_bytes());
    }
    file.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 2, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    // p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align
    for (kind, offset, length) in [(1_u32, 0, end), (4, NOTE_AT, NOTE_LENGTH)] {
        file.extend(kind.to_le_bytes());
        file.extend(5_u32.to_le_bytes());
        for word in [offset, BASE + offset, BASE + offset, length, length, 4] {
            file.extend(word.to_le_bytes());
        }
    }
    file.resize(NOTE_AT as usize, 0);
    // n_namesz, n_descsz, n_type, name, 32-bit physical entry
    for word in [4_u32, 4, 18] {
        file.extend(word.to_le_bytes());
    }
    file.extend(b"Xen\0");
    file.extend(((BASE + CODE_AT) as u32).to_le_bytes());
    file.resize(CODE_AT as usize, 0);
    file.extend(CODE);
    file
}

/// The counter from what the stub wrote.
pub fn ticks(serial: &[u8]) -> Option<u64> {
    // The firmware may write lines of its own first; the stub's bytes are the last.
    let bytes = serial.get(serial.len().checked_sub(8)?..)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_headers_lie_in_the_file() {
        let file = elf();
        assert_eq!(&file[..4], b"\x7fELF");
        assert_eq!(file.len(), CODE_AT as usize + CODE.len());
        assert_eq!(&file[0xc0 + 12..0xc0 + 16], b"Xen\0");
    }

    #[test]
    fn the_last_eight_bytes_count() {
        assert_eq!(ticks(b"SeaBIOS\x01\x02\0\0\0\0\0\0"), Some(0x201));
        assert_eq!(ticks(b"short"), None);
    }
}
