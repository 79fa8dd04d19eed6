//! PVH start information: Xen's `public/arch-x86/hvm/start_info.h`, versions 0 and 1.

use super::{BootError, BootInfo, PhysicalMemory, Protocol, RegionKind, Rsdp, read_text, u32_at, u64_at};
use ochre_abi::list::Text;

/// Magic number at the start of `hvm_start_info` ("xEn3", top bit set).
pub const MAGIC: u32 = 0x336e_c578;

/// Bytes of a version 0 structure: magic, version, flags, number of modules, module list, command line, RSDP.
const V0_BYTES: usize = 40;
/// Version 1 adds the memory map's address, its number of entries and a reserved word.
const V1_BYTES: usize = 56;
/// Bytes of `hvm_modlist_entry`: address, size, command line, reserved.
const MODULE_BYTES: u64 = 32;
/// Bytes of `hvm_memmap_table_entry`: address, size, type, reserved.
const MEMMAP_BYTES: u64 = 24;
/// No loader gives more entries than this; more is damage.
const MAX_ENTRIES: u32 = 4096;

/// Reads the structure at `address`.
pub fn parse(memory: &impl PhysicalMemory, address: u64) -> Result<BootInfo, BootError> {
    let mut head = [0u8; V1_BYTES];
    if !memory.read(address, &mut head[..V0_BYTES]) {
        return Err(BootError::Unreadable(address));
    }
    if u32_at(&head, 0) != MAGIC {
        return Err(BootError::BadMagic(u32_at(&head, 0)));
    }
    let version = u32_at(&head, 4);
    if version == 0 {
        // Its memory map is had from the hypervisor only; Ochre runs on none that leaves it at that.
        return Err(BootError::NoMemoryMap);
    }
    if !memory.read(address, &mut head) {
        return Err(BootError::Unreadable(address));
    }

    let mut info = BootInfo::new(Protocol::Pvh);
    info.loader = Text::from_bytes(b"PVH");
    let modules = u32_at(&head, 12);
    let module_list = u64_at(&head, 16);
    for index in 0..modules.min(MAX_ENTRIES) {
        let mut entry = [0u8; MODULE_BYTES as usize];
        read_entry(memory, module_list, index, MODULE_BYTES, &mut entry)?;
        let (start, size, name) = (u64_at(&entry, 0), u64_at(&entry, 8), u64_at(&entry, 16));
        let name = if name == 0 { Text::new() } else { read_text(memory, name) };
        info.add_module(start, start.saturating_add(size), name);
    }
    let cmdline = u64_at(&head, 24);
    if cmdline != 0 {
        info.cmdline = read_text(memory, cmdline);
    }
    let rsdp = u64_at(&head, 32);
    info.rsdp = (rsdp != 0).then_some(Rsdp::Address(rsdp));

    let map = u64_at(&head, 40);
    let entries = u32_at(&head, 48);
    if map == 0 || entries == 0 {
        return Err(BootError::NoMemoryMap);
    }
    for index in 0..entries.min(MAX_ENTRIES) {
        let mut entry = [0u8; MEMMAP_BYTES as usize];
        read_entry(memory, map, index, MEMMAP_BYTES, &mut entry)?;
        info.add_region(u64_at(&entry, 0), u64_at(&entry, 8), RegionKind::from_e820(u32_at(&entry, 16)));
    }
    info.finish()?;
    Ok(info)
}

fn read_entry(
    memory: &impl PhysicalMemory,
    table: u64,
    index: u32,
    stride: u64,
    entry: &mut [u8],
) -> Result<(), BootError> {
    let address = table.checked_add(u64::from(index) * stride).ok_or(BootError::Malformed("a table wraps around"))?;
    if memory.read(address, entry) { Ok(()) } else { Err(BootError::Unreadable(address)) }
}
