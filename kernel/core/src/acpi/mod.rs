//! The static ACPI tables that the kernel needs, read into a [`Machine`]: ACPI Specification 6.5.
//!
//! A table that is damaged is reported and left out; what it would have told is then missing or has its default value. The
//! byte code (AML) is user space's.

#[cfg(test)]
mod tests;

use core::fmt;

use crate::boot::Rsdp;
use ochre_abi::list::List;

/// Most processors that are noted.
pub const MAX_CPUS: usize = 64;
/// Most tables that are noted.
pub const MAX_TABLES: usize = 64;
/// Bytes of a table's header (section 5.2.6).
pub const HEADER: usize = 36;
/// No table is longer than this; a greater length is damage.
const MAX_TABLE: usize = 16 << 20;

/// Physical memory as slices.
pub trait Memory {
    /// `len` bytes at `address`, if they can be read.
    fn slice(&self, address: u64, len: usize) -> Option<&[u8]>;
}

/// What is wrong with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is no root pointer: no tables at all.
    NoRoot,
    /// The root pointer's checksum or contents are wrong.
    BadRoot,
    /// A table lies outside of memory; its address.
    Unreadable(u64),
    /// A table's checksum is wrong: its name and address.
    BadChecksum([u8; 4], u64),
    /// A table is too short for what it is, or its entries contradict themselves: its name and address.
    Malformed([u8; 4], u64),
    /// The table exists but has more entries than are noted.
    TooMany([u8; 4]),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |name: [u8; 4]| name.map(|byte| if byte.is_ascii_graphic() { byte as char } else { '?' });
        match self {
            Problem::NoRoot => f.write_str("ACPI: no root pointer found"),
            Problem::BadRoot => f.write_str("ACPI: the root pointer is damaged"),
            Problem::Unreadable(address) => write!(f, "ACPI: the table at {address:#x} cannot be read; skipped"),
            Problem::BadChecksum(table, address) => {
                let [a, b, c, d] = name(*table);
                write!(f, "ACPI: table {a}{b}{c}{d} at {address:#x} has a wrong checksum; skipped")
            }
            Problem::Malformed(table, address) => {
                let [a, b, c, d] = name(*table);
                write!(f, "ACPI: table {a}{b}{c}{d} at {address:#x} makes no sense; its rest is skipped")
            }
            Problem::TooMany(table) => {
                let [a, b, c, d] = name(*table);
                write!(f, "ACPI: table {a}{b}{c}{d} has more entries than can be used")
            }
        }
    }
}

/// A processor that can be started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Its local APIC's id.
    pub apic_id: u32,
    /// Its number in the tables.
    pub uid: u32,
}

/// An I/O APIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoApic {
    /// Physical address of its registers.
    pub address: u64,
    /// First global system interrupt that it serves.
    pub gsi_base: u32,
}

/// A legacy interrupt line that is wired otherwise than the old way (section 5.2.12.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Override {
    /// Legacy line, 0 to 15.
    pub line: u8,
    /// Global system interrupt that it is.
    pub gsi: u32,
    /// Level-triggered.
    pub level: bool,
    /// Active low.
    pub low: bool,
}

/// A pin of the local APICs that is wired to the NMI (section 5.2.12.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalNmi {
    /// Processor's uid; `u32::MAX` = all.
    pub uid: u32,
    /// LINT pin, 0 or 1.
    pub pin: u8,
    /// Active low.
    pub low: bool,
}

/// A register somewhere (Generic Address Structure, section 5.2.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// In memory, at a physical address.
    Memory(u64),
    /// An I/O port.
    Port(u16),
    /// In the configuration space of a device on bus 0: device, function, offset.
    Pci(u8, u8, u8),
}

/// The power management timer (section 4.8.3.3): counts at 3.579545 MHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmTimer {
    /// Where it is read.
    pub register: Register,
    /// 32 bits wide; else 24.
    pub wide: bool,
}

/// How to reset the machine (section 4.8.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The register to write.
    pub register: Register,
    /// What to write.
    pub value: u8,
}

/// A PCI Express configuration window (PCI Firmware Specification 3.3, section 4.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PciWindow {
    /// Physical address of bus 0 of the segment.
    pub address: u64,
    /// PCI segment group.
    pub segment: u16,
    /// First bus.
    pub first_bus: u8,
    /// Last bus.
    pub last_bus: u8,
}

/// A table: its name and where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Signature.
    pub name: [u8; 4],
    /// Physical address.
    pub address: u64,
    /// Bytes, header included.
    pub len: usize,
}

/// What the tables say about the machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Processors that can be started, in the tables' order.
    pub cpus: List<Cpu, MAX_CPUS>,
    /// Physical address of the local APIC.
    pub local_apic: u64,
    /// I/O APICs.
    pub io_apics: List<IoApic, 16>,
    /// Legacy lines that are wired otherwise.
    pub overrides: List<Override, 16>,
    /// NMI pins.
    pub local_nmis: List<LocalNmi, MAX_CPUS>,
    /// There are legacy interrupt controllers to be silenced.
    pub has_pic: bool,
    /// Physical address of the HPET.
    pub hpet: Option<u64>,
    /// Power management timer.
    pub pm_timer: Option<PmTimer>,
    /// Reset register.
    pub reset: Option<Reset>,
    /// CMOS index of the century, 0 = none (section 5.2.9, CENTURY).
    pub century: u8,
    /// There is a keyboard controller (section 5.2.9.3, bit 1).
    pub has_8042: bool,
    /// PCI Express configuration windows.
    pub pci: List<PciWindow, 8>,
    /// The root table (XSDT or RSDT).
    pub root: Option<Table>,
    /// All readable tables with good checksums that the root names.
    pub tables: List<Table, MAX_TABLES>,
}

impl Machine {
    /// A machine without tables: one processor, an I/O APIC and interrupt wiring as in every PC.
    pub fn without_tables() -> Self {
        Machine {
            cpus: List::new(),
            local_apic: 0xfee0_0000,
            io_apics: List::new(),
            overrides: List::new(),
            local_nmis: List::new(),
            has_pic: true,
            hpet: None,
            pm_timer: None,
            reset: None,
            century: 0,
            has_8042: true,
            pci: List::new(),
            root: None,
            tables: List::new(),
        }
    }

    /// Reads the tables that `rsdp` leads to. `report` hears what was wrong.
    pub fn read(memory: &impl Memory, rsdp: Option<Rsdp>, report: &mut impl FnMut(Problem)) -> Self {
        let mut machine = Machine::without_tables();
        let Some((root, wide)) = find_root(memory, rsdp, report) else {
            return machine;
        };
        let root = match table(memory, root) {
            Ok(root) => root,
            Err(problem) => {
                report(problem);
                return machine;
            }
        };
        machine.root = Some(root);
        let bytes = memory.slice(root.address, root.len).unwrap_or(&[]);
        let addresses = bytes.get(HEADER..).unwrap_or(&[]);
        for entry in addresses.chunks_exact(if wide { 8 } else { 4 }) {
            let address = little_endian(entry);
            match table(memory, address) {
                Ok(table) => {
                    if machine.tables.push(table).is_err() {
                        report(Problem::TooMany(root.name));
                        break;
                    }
                    if machine.take(memory, table, report).is_none() {
                        report(Problem::Malformed(table.name, address));
                    }
                }
                Err(problem) => report(problem),
            }
        }
        machine
    }

    /// The table with this name, if there is a good one.
    pub fn table(&self, name: &[u8; 4]) -> Option<Table> {
        self.tables.iter().copied().find(|table| &table.name == name)
    }

    /// How legacy line `line` is wired: global system interrupt, level-triggered, active low. Lines from 16 on are PCI's:
    /// level-triggered, active low.
    pub fn wiring(&self, line: u32) -> (u32, bool, bool) {
        let other = self.overrides.iter().find(|entry| u32::from(entry.line) == line);
        other.map_or((line, line >= 16, line >= 16), |entry| (entry.gsi, entry.level, entry.low))
    }

    fn take(&mut self, memory: &impl Memory, table: Table, report: &mut impl FnMut(Problem)) -> Option<()> {
        let bytes = memory.slice(table.address, table.len)?;
        match &table.name {
            b"APIC" => self.take_madt(bytes, report),
            b"FACP" => self.take_fadt(bytes),
            b"HPET" => {
                if let Some(Register::Memory(address)) = register(bytes.get(40..52)?) {
                    self.hpet = Some(address);
                }
                Some(())
            }
            b"MCFG" => {
                for entry in bytes.get(44..)?.chunks_exact(16) {
                    let window = PciWindow {
                        address: little_endian(&entry[..8]),
                        segment: little_endian(&entry[8..10]) as u16,
                        first_bus: entry[10],
                        last_bus: entry[11],
                    };
                    if window.first_bus <= window.last_bus && self.pci.push(window).is_err() {
                        report(Problem::TooMany(table.name));
                    }
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    /// Multiple APIC Description Table, section 5.2.12.
    fn take_madt(&mut self, bytes: &[u8], report: &mut impl FnMut(Problem)) -> Option<()> {
        self.local_apic = little_endian(bytes.get(36..40)?);
        // Flags bit 0: PCAT_COMPAT.
        self.has_pic = bytes.get(40)? & 1 != 0;
        let mut rest = bytes.get(44..)?;
        let mut full = false;
        while let [kind, len, ..] = *rest {
            let entry = rest.get(..usize::from(len)).filter(|entry| entry.len() >= 2)?;
            rest = &rest[usize::from(len)..];
            full |= self.take_madt_entry(kind, entry)?;
        }
        if full {
            report(Problem::TooMany(*b"APIC"));
        }
        Some(())
    }

    /// Answers whether something did not fit.
    fn take_madt_entry(&mut self, kind: u8, entry: &[u8]) -> Option<bool> {
        let number = |from: usize, to: usize| entry.get(from..to).map(little_endian);
        let full = match kind {
            // Processor local APIC, section 5.2.12.2.
            0 => self.add_cpu(number(3, 4)? as u32, number(2, 3)? as u32, number(4, 8)? as u32),
            // Processor local x2APIC, section 5.2.12.12.
            9 => self.add_cpu(number(4, 8)? as u32, number(12, 16)? as u32, number(8, 12)? as u32),
            1 => {
                let io_apic = IoApic { address: number(4, 8)?, gsi_base: number(8, 12)? as u32 };
                self.io_apics.push(io_apic).is_err()
            }
            2 => {
                let line = number(3, 4)? as u8;
                let (low, level) = wiring_flags(number(8, 10)? as u16);
                let entry = Override { line, gsi: number(4, 8)? as u32, level, low };
                self.overrides.push(entry).is_err()
            }
            4 => {
                let uid = match number(2, 3)? as u32 {
                    0xff => u32::MAX,
                    uid => uid,
                };
                let (low, _) = wiring_flags(number(3, 5)? as u16);
                self.local_nmis.push(LocalNmi { uid, pin: number(5, 6)? as u8, low }).is_err()
            }
            // x2APIC NMI, section 5.2.12.13.
            10 => {
                let (low, _) = wiring_flags(number(2, 4)? as u16);
                let uid = number(4, 8)? as u32;
                self.local_nmis.push(LocalNmi { uid, pin: number(8, 9)? as u8, low }).is_err()
            }
            5 => {
                self.local_apic = number(4, 12)?;
                false
            }
            _ => false,
        };
        Some(full)
    }

    fn add_cpu(&mut self, apic_id: u32, uid: u32, flags: u32) -> bool {
        // Flags bit 0: enabled.
        flags & 1 != 0
            && !self.cpus.iter().any(|cpu| cpu.apic_id == apic_id)
            && self.cpus.push(Cpu { apic_id, uid }).is_err()
    }

    /// Fixed ACPI Description Table, section 5.2.9.
    fn take_fadt(&mut self, bytes: &[u8]) -> Option<()> {
        let flags = little_endian(bytes.get(112..116)?) as u32;
        let port = little_endian(bytes.get(76..80)?);
        // The extended field counts when it is there and not zero.
        let extended = bytes.get(208..220).and_then(register);
        let timer = extended.or((port != 0).then_some(Register::Port(port as u16)));
        // Flags bit 8: TMR_VAL_EXT; bit 10: RESET_REG_SUP.
        self.pm_timer = timer.map(|register| PmTimer { register, wide: flags & 1 << 8 != 0 });
        self.century = *bytes.get(108)?;
        // A table of version 1 has no boot architecture flags: such machines have the controller.
        if bytes[8] >= 2 {
            self.has_8042 = bytes.get(109)? & 1 << 1 != 0;
        }
        if flags & 1 << 10 != 0 {
            let register = register(bytes.get(116..128)?);
            let value = *bytes.get(128)?;
            self.reset = register.map(|register| Reset { register, value });
        }
        Some(())
    }
}

/// MPS INTI flags (section 5.2.12.5, table 5.26): active low, level-triggered. "Conforms to the bus" means ISA here.
fn wiring_flags(flags: u16) -> (bool, bool) {
    (flags & 3 == 3, flags >> 2 & 3 == 3)
}

fn register(bytes: &[u8]) -> Option<Register> {
    let address = little_endian(bytes.get(4..12)?);
    match bytes[0] {
        _ if address == 0 => None,
        0 => Some(Register::Memory(address)),
        1 => u16::try_from(address).ok().map(Register::Port),
        2 => Some(Register::Pci((address >> 32) as u8 & 31, (address >> 16) as u8 & 7, address as u8)),
        _ => None,
    }
}

/// Root System Description Pointer (section 5.2.5.3): the root table's address and whether its entries are 64 bits.
fn find_root(memory: &impl Memory, rsdp: Option<Rsdp>, report: &mut impl FnMut(Problem)) -> Option<(u64, bool)> {
    let root = match rsdp {
        Some(Rsdp::Copy(copy, len)) => read_rsdp(&copy[..len.min(copy.len())]),
        Some(Rsdp::Address(address)) => {
            memory.slice(address, 36).or_else(|| memory.slice(address, 20)).and_then(read_rsdp)
        }
        None => None,
    };
    if root.is_none() && rsdp.is_some() {
        report(Problem::BadRoot);
    }
    let root = root.or_else(|| search_rsdp(memory));
    if root.is_none() {
        report(Problem::NoRoot);
    }
    root
}

fn read_rsdp(bytes: &[u8]) -> Option<(u64, bool)> {
    let first = bytes.get(..20)?;
    if &first[..8] != b"RSD PTR " || !sums_to_zero(first) {
        return None;
    }
    if first[15] >= 2 {
        // A damaged second half still leaves the first.
        if let Some(all) = bytes.get(..36).filter(|all| sums_to_zero(all)) {
            let xsdt = little_endian(&all[24..32]);
            if xsdt != 0 {
                return Some((xsdt, true));
            }
        }
    }
    let rsdt = little_endian(&first[16..20]);
    (rsdt != 0).then_some((rsdt, false))
}

/// On a BIOS machine the pointer is on a 16-byte boundary in the first KiB of the EBDA or in the BIOS area (section 5.2.5.1).
fn search_rsdp(memory: &impl Memory) -> Option<(u64, bool)> {
    // The BIOS data area has the EBDA's segment at 0x40e.
    let ebda = memory.slice(0x40e, 2).map_or(0, |bytes| little_endian(bytes) << 4);
    for (start, end) in [(ebda, ebda + 1024), (0xe_0000, 0x10_0000)] {
        if start == 0 {
            continue;
        }
        for address in (start..end).step_by(16) {
            let bytes = memory.slice(address, 36).or_else(|| memory.slice(address, 20));
            if let Some(root) = bytes.and_then(read_rsdp) {
                return Some(root);
            }
        }
    }
    None
}

/// The table at `address`, if its checksum is good.
fn table(memory: &impl Memory, address: u64) -> Result<Table, Problem> {
    let header = memory.slice(address, HEADER).ok_or(Problem::Unreadable(address))?;
    let name = [header[0], header[1], header[2], header[3]];
    let len = little_endian(&header[4..8]) as usize;
    if !(HEADER..=MAX_TABLE).contains(&len) {
        return Err(Problem::Malformed(name, address));
    }
    let bytes = memory.slice(address, len).ok_or(Problem::Unreadable(address))?;
    if !sums_to_zero(bytes) {
        return Err(Problem::BadChecksum(name, address));
    }
    Ok(Table { name, address, len })
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// Up to eight bytes, which need not be aligned.
fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}
