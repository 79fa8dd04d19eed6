//! The moment when QEMU's loader hands over to the kernel: what it tells can be read and changed, so that the kernel is seen to
//! cope with loaders and firmware worse than QEMU's own.
//!
//! The guest has stopped at the kernel's PVH entry, without paging: addresses are physical. Structures: Xen
//! `public/arch-x86/hvm/start_info.h`; ACPI Specification 6.5, sections 5.2.5 to 5.2.8.

use std::os::unix::net::UnixStream;

use object::LittleEndian;
use object::elf::{FileHeader64, PT_NOTE};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::gdb::{Gdb, RBX};

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

/// A guest that has stopped where the kernel begins.
pub struct Handover<'a> {
    gdb: &'a mut Gdb<UnixStream>,
    /// Address of the start information.
    pub info: u64,
}

impl<'a> Handover<'a> {
    /// Lets the guest run to the kernel's entry.
    pub fn reach(gdb: &'a mut Gdb<UnixStream>, entry: u64) -> Result<Self, String> {
        gdb.run_to(entry)?;
        let info = gdb.register(RBX)?;
        Ok(Handover { gdb, info })
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
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
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

/// The 32-bit entry that the kernel's note for PVH names (Xen `public/elfnote.h`, `XEN_ELFNOTE_PHYS32_ENTRY`).
pub fn pvh_entry(elf: &[u8]) -> Result<u64, String> {
    const PHYS32_ENTRY: u32 = 18;
    let broken = |error: object::read::Error| format!("the kernel is no ELF file that can be read: {error}");
    let header = FileHeader64::<LittleEndian>::parse(elf).map_err(broken)?;
    let endian = header.endian().map_err(broken)?;
    for segment in header.program_headers(endian, elf).map_err(broken)? {
        if segment.p_type(endian) != PT_NOTE {
            continue;
        }
        let Some(mut notes) = segment.notes(endian, elf).map_err(broken)? else {
            continue;
        };
        while let Some(note) = notes.next().map_err(broken)? {
            if note.name() == b"Xen" && note.n_type(endian) == PHYS32_ENTRY {
                let entry = note.desc().iter().take(8).rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
                return Ok(entry);
            }
        }
    }
    Err("the kernel has no note for PVH".into())
}
