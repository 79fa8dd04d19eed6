//! The moment when the loader hands over to the kernel: what it tells can be read and changed, so that the kernel is seen to
//! cope with loaders and firmware worse than QEMU's and GRUB; and so can the kernel itself, to see how it fails.
//!
//! The guest has stopped at the kernel's entry, without paging: addresses are physical. Structures: Xen
//! `public/arch-x86/hvm/start_info.h`; Multiboot2 Specification 2.0, section 3.6; ACPI Specification 6.5, sections 5.2.5 to
//! 5.2.8.

use std::os::unix::net::UnixStream;

use object::LittleEndian;
use object::elf::FileHeader64;
use object::read::elf::{FileHeader, ProgramHeader};

use crate::case::Door;
use crate::gdb::{Gdb, RAX, RBX};

/// Offsets in `hvm_start_info`.
pub mod start_info {
    /// Magic number, 32 bits.
    pub const MAGIC: u64 = 0;
    /// Version, 32 bits.
    pub const VERSION: u64 = 4;
    /// Address of the list of modules: of each address, size, command line, reserved.
    pub const MODULES: u64 = 16;
    /// Address of the command line.
    pub const COMMAND_LINE: u64 = 24;
    /// Address of ACPI's root pointer.
    pub const RSDP: u64 = 32;
    /// Address of the memory map.
    pub const MEMORY_MAP: u64 = 40;
    /// Its number of entries, 32 bits.
    pub const MEMORY_MAP_ENTRIES: u64 = 48;
}

/// The kernel's entries, as they appear to the loader.
#[derive(Clone, Copy, Debug)]
pub struct Entries {
    /// For PVH; the start information's address is in EBX.
    pub pvh: u64,
    /// For Multiboot2; EAX has [`MULTIBOOT2_MAGIC`], EBX the boot information's address.
    pub multiboot2: u64,
}

/// What a Multiboot2 loader puts into EAX (Multiboot2 Specification 2.0, section 3.3).
const MULTIBOOT2_MAGIC: u64 = 0x36d7_6289;
/// Where the kernel is linked to, less where it is loaded.
const IMAGE_BASE: u64 = 0xffff_ffff_8000_0000;

/// A guest that has stopped where the kernel begins.
pub struct Handover<'a> {
    gdb: &'a mut Gdb<UnixStream>,
    symbols: &'a str,
    /// Address of the loader's information.
    pub info: u64,
}

impl<'a> Handover<'a> {
    /// Lets the guest run to the kernel's entry.
    pub fn reach(gdb: &'a mut Gdb<UnixStream>, door: Door, entries: Entries, symbols: &'a str) -> Result<Self, String> {
        match door {
            Door::Pvh => gdb.run_to(entries.pvh)?,
            Door::Iso(..) => {
                gdb.run_to(entries.multiboot2)?;
                // Firmware and GRUB may have code of their own at this address.
                while gdb.register(RAX)? != MULTIBOOT2_MAGIC {
                    gdb.step()?;
                    gdb.run_to(entries.multiboot2)?;
                }
            }
        }
        let info = gdb.register(RBX)?;
        Ok(Handover { gdb, symbols, info })
    }

    /// Replaces the first instruction of the kernel's function whose name ends so by one that no processor has.
    pub fn break_function(&mut self, name: &str) -> Result<(), String> {
        let line = self.symbols.lines().find(|line| line.ends_with(name));
        let address = line.and_then(|line| u64::from_str_radix(line.split(' ').next()?, 16).ok());
        let address = address.ok_or_else(|| format!("the kernel has no function {name}"))?;
        self.write(address.wrapping_sub(IMAGE_BASE), &[0x0f, 0x0b])
    }

    /// Address of the first tag of this kind in Multiboot2's information (section 3.6).
    pub fn tag(&mut self, kind: u64) -> Result<u64, String> {
        let end = self.info + self.number(self.info, 4)?;
        let mut at = self.info + 8;
        while at < end {
            let (found, len) = (self.number(at, 4)?, self.number(at + 4, 4)?);
            if found == kind {
                return Ok(at);
            }
            at = (at + len.max(8)).next_multiple_of(8);
        }
        Err(format!("GRUB gave no tag of kind {kind}"))
    }

    /// `len` bytes at a physical address.
    pub fn read(&mut self, address: u64, len: usize) -> Result<Vec<u8>, String> {
        self.gdb.read(address, len)
    }

    /// Changes physical memory.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), String> {
        self.gdb.write(address, bytes)
    }

    /// A number of up to 8 bytes at a physical address.
    pub fn number(&mut self, address: u64, len: usize) -> Result<u64, String> {
        let bytes = self.read(address, len)?;
        Ok(little_endian(&bytes))
    }

    /// The 64-bit field of the start information at this offset.
    pub fn field(&mut self, offset: u64) -> Result<u64, String> {
        self.number(self.info + offset, 8)
    }

    /// Changes the 32-bit field of the start information at this offset.
    pub fn set_field32(&mut self, offset: u64, value: u32) -> Result<(), String> {
        self.write(self.info + offset, &value.to_le_bytes())
    }

    /// Changes the 64-bit field of the start information at this offset.
    pub fn set_field(&mut self, offset: u64, value: u64) -> Result<(), String> {
        self.write(self.info + offset, &value.to_le_bytes())
    }

    /// Address of ACPI's root table.
    pub fn acpi_root(&mut self) -> Result<u64, String> {
        let rsdp = self.field(start_info::RSDP)?;
        // Revision 2 has the 64-bit table at 24, revision 0 the 32-bit one at 16.
        match self.number(rsdp + 15, 1)? {
            0 => self.number(rsdp + 16, 4),
            _ => self.number(rsdp + 24, 8),
        }
    }

    /// Address of the ACPI table with this signature.
    pub fn acpi_table(&mut self, signature: &[u8; 4]) -> Result<u64, String> {
        let root = self.acpi_root()?;
        let entry = if self.read(root, 4)? == b"XSDT" { 8 } else { 4 };
        let end = root + self.number(root + 4, 4)?;
        for at in (root + 36..end).step_by(entry) {
            let table = self.number(at, entry)?;
            if self.read(table, 4)? == signature {
                return Ok(table);
            }
        }
        Err(format!("there is no ACPI table {}", String::from_utf8_lossy(signature)))
    }

    /// Changes a byte so that a checksum over it is wrong.
    pub fn damage(&mut self, address: u64) -> Result<(), String> {
        let byte = self.read(address, 1)?[0];
        self.write(address, &[byte ^ 0x55])
    }
}

/// Finds the entries that a kernel's ELF file names.
pub fn entries(elf: &[u8]) -> Result<Entries, String> {
    let pvh = pvh_entry(elf).map_err(|error| format!("not an ELF file that can be read: {error}"))?;
    Ok(Entries {
        pvh: pvh.ok_or("the kernel has no note for PVH")?,
        multiboot2: multiboot2_entry(elf).ok_or("the kernel has no Multiboot2 header with an entry")?,
    })
}

/// The 32-bit entry of the note for PVH (Xen `public/elfnote.h`, `XEN_ELFNOTE_PHYS32_ENTRY`).
fn pvh_entry(elf: &[u8]) -> object::read::Result<Option<u64>> {
    const PHYS32_ENTRY: u32 = 18;
    let header = FileHeader64::<LittleEndian>::parse(elf)?;
    let endian = header.endian()?;
    for segment in header.program_headers(endian, elf)? {
        let Some(mut notes) = segment.notes(endian, elf)? else { continue };
        while let Some(note) = notes.next()? {
            if note.name() == b"Xen" && note.n_type(endian) == PHYS32_ENTRY {
                return Ok(Some(little_endian(&note.desc()[..note.desc().len().min(8)])));
            }
        }
    }
    Ok(None)
}

/// The entry tag of the Multiboot2 header (sections 3.1.1 to 3.1.6).
fn multiboot2_entry(elf: &[u8]) -> Option<u64> {
    const MAGIC: u64 = 0xe852_50d6;
    const ENTRY: u64 = 3;
    let field = |at: usize, len: usize| elf.get(at..at + len).map(little_endian);
    // In the first 32 KiB, aligned.
    let header = (0..32 << 10).step_by(8).find(|at| field(*at, 4) == Some(MAGIC))?;
    let end = header + field(header + 8, 4)? as usize;
    let mut at = header + 16;
    while at < end {
        let len = field(at + 4, 4)? as usize;
        if field(at, 2)? == ENTRY {
            return field(at + 8, 4);
        }
        at = (at + len.max(8)).next_multiple_of(8);
    }
    None
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_tag_is_found_behind_others() {
        let mut file = vec![0; 64];
        for word in [0xe852_50d6_u32, 0, 56, 0] {
            file.extend(word.to_le_bytes());
        }
        // A tag of 20 bytes, padded to 24; the entry; the end.
        for word in [5, 20, 0, 0, 32, 0, 3, 12, 0x10_0048, 0, 0, 8] {
            file.extend(u32::to_le_bytes(word));
        }
        assert_eq!(multiboot2_entry(&file), Some(0x10_0048));
        for len in 0..file.len() - 16 {
            assert_eq!(multiboot2_entry(&file[..len]), None, "{len}");
        }
    }

    #[test]
    fn what_has_no_entries_is_refused() {
        assert!(entries(b"no ELF file").unwrap_err().contains("not an ELF file"));
        let program = crate::elf::Elf::running(&[0x90]).bytes();
        assert!(entries(&program).unwrap_err().contains("no note for PVH"));
    }
}
