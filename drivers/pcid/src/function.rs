//! What a function says of itself (PCI 3.0, chapter 6): ids, regions, capabilities. Read once, checked, and from then on a value.

use crate::config::{Address, Config};
use crate::control::{self, Decoding};
use crate::signal::{Msi, Msix};

/// Offsets in configuration space.
mod at {
    pub const VENDOR: usize = 0x00;
    pub const DEVICE: usize = 0x02;
    pub const STATUS: usize = 0x06;
    pub const REVISION: usize = 0x08;
    pub const INTERFACE: usize = 0x09;
    pub const SUBCLASS: usize = 0x0a;
    pub const CLASS: usize = 0x0b;
    pub const HEADER_TYPE: usize = 0x0e;
    pub const BARS: usize = 0x10;
    pub const SUBSYSTEM_VENDOR: usize = 0x2c;
    pub const SUBSYSTEM: usize = 0x2e;
    pub const CAPABILITIES: usize = 0x34;
    pub const LINE: usize = 0x3c;
    pub const PIN: usize = 0x3d;
}

/// Status: there is a list of capabilities.
const HAS_CAPABILITIES: u16 = 1 << 4;
/// Where the first can be, and how many there can be at most.
const FIRST_CAPABILITY: u8 = 0x40;
const MOST_CAPABILITIES: usize = 48;
/// Capabilities (PCI Code and ID Assignment 1.11, section 2).
const MSI: u8 = 0x05;
const MSIX: u8 = 0x11;

/// Bits of a region's register (section 6.2.5.1).
const IS_PORTS: u32 = 1;
const KIND: u32 = 0b110;
const IS_64: u32 = 0b100;
const PREFETCHABLE: u32 = 1 << 3;

/// What a function has of memory or ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Ports instead of memory.
    pub ports: bool,
    /// Reading has no effect: it may be cached in part.
    pub prefetchable: bool,
    /// First address; 0 when the firmware has given it none.
    pub base: u64,
    /// Bytes, a power of two.
    pub size: u64,
}

impl Region {
    /// Whether the firmware has given it a place that can be.
    pub fn is_placed(&self) -> bool {
        let limit = if self.ports { 1 << 16 } else { 1 << 52 };
        self.base != 0 && self.base.checked_add(self.size).is_some_and(|end| end <= limit)
    }
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Where it is.
    pub address: Address,
    /// Vendor and device.
    pub id: (u16, u16),
    /// Vendor and device of the card.
    pub subsystem: (u16, u16),
    /// Class, subclass, programming interface.
    pub class: [u8; 3],
    /// Revision.
    pub revision: u8,
    /// It is a bridge to another bus.
    pub bridge: bool,
    /// Its regions by their numbers; a wide one takes the number behind it as well.
    pub regions: [Option<Region>; 6],
    /// Line that the firmware says it interrupts by.
    pub line: Option<u8>,
    /// Message-signalled interrupts of the older kind.
    pub msi: Option<Msi>,
    /// Of the newer kind.
    pub msix: Option<Msix>,
}

impl Function {
    /// Reads it. Its regions are probed, for which it does not decode them for a moment.
    pub fn read(config: &dyn Config, address: Address) -> Self {
        let pair = |first, second| (config.read16(address, first), config.read16(address, second));
        let kind = config.read8(address, at::HEADER_TYPE) & 0x7f;
        let (pin, line) = (config.read8(address, at::PIN), config.read8(address, at::LINE));
        let capabilities = capabilities(config, address);
        let find = |id| capabilities.iter().find(|(found, _)| *found == id).map(|(_, at)| usize::from(*at));
        Self {
            address,
            id: pair(at::VENDOR, at::DEVICE),
            subsystem: if kind == 0 { pair(at::SUBSYSTEM_VENDOR, at::SUBSYSTEM) } else { (0, 0) },
            class: [at::CLASS, at::SUBCLASS, at::INTERFACE].map(|at| config.read8(address, at)),
            revision: config.read8(address, at::REVISION),
            bridge: kind != 0,
            regions: regions(config, address, kind),
            // 255 means none or not known (section 6.2.4); pins are numbered from 1.
            line: ((1..=4).contains(&pin) && line != 0xff).then_some(line),
            msi: find(MSI).and_then(|at| Msi::read(config, address, at)),
            msix: find(MSIX).and_then(|at| Msix::read(config, address, at)),
        }
    }

    /// The first 256 bytes of its configuration space.
    pub fn bytes(config: &dyn Config, address: Address) -> Box<[u8; 256]> {
        let mut bytes = Box::new([0; 256]);
        for (place, word) in bytes.chunks_exact_mut(4).enumerate() {
            word.copy_from_slice(&config.read32(address, place * 4).to_le_bytes());
        }
        bytes
    }
}

/// The capabilities: what they are and where. The list ends where it makes no sense, and after as many as there is room for.
fn capabilities(config: &dyn Config, address: Address) -> Vec<(u8, u8)> {
    let mut found = Vec::new();
    if config.read16(address, at::STATUS) & HAS_CAPABILITIES == 0 {
        return found;
    }
    let mut at = config.read8(address, at::CAPABILITIES) & !3;
    while at >= FIRST_CAPABILITY && found.len() < MOST_CAPABILITIES {
        found.push((config.read8(address, at.into()), at));
        at = config.read8(address, usize::from(at) + 1) & !3;
    }
    found
}

/// Finds places and sizes of the regions, by what remains of all ones written to their registers.
fn regions(config: &dyn Config, address: Address, kind: u8) -> [Option<Region>; 6] {
    let count = match kind {
        0 => 6,
        1 => 2,
        _ => 0,
    };
    let _quiet = Decoding::off(config, address);
    let mut found = [None; 6];
    let mut number = 0;
    while number < count {
        let (region, wide) = region(config, address, number, count);
        found[number] = region;
        number += if wide { 2 } else { 1 };
    }
    found
}

/// One region, and whether its register is two.
fn region(config: &dyn Config, address: Address, number: usize, count: usize) -> (Option<Region>, bool) {
    let place = at::BARS + 4 * number;
    let (low, low_mask) = probe(config, address, place);
    if low & IS_PORTS != 0 {
        let mask = low_mask & !3;
        // Devices may have 16 bits only (section 6.2.5.1).
        let mask = if mask & 0xffff_0000 == 0 && mask != 0 { mask | 0xffff_0000 } else { mask };
        return (sized(u64::from(low & !3), u64::from(mask) | !0xffff_ffff, true, false), false);
    }
    let wide = low & KIND == IS_64;
    let (mut base, mut mask) = (u64::from(low & !15), u64::from(low_mask & !15) | !0xffff_ffff);
    if wide {
        if number + 1 == count {
            return (None, true);
        }
        let (high, high_mask) = probe(config, address, place + 4);
        base |= u64::from(high) << 32;
        mask = mask & 0xffff_ffff | u64::from(high_mask) << 32;
    }
    (sized(base, mask, false, low & PREFETCHABLE != 0), wide)
}

/// A register's contents and what it keeps of all ones.
fn probe(config: &dyn Config, address: Address, place: usize) -> (u32, u32) {
    let contents = config.read32(address, place);
    config.write32(address, place, u32::MAX);
    let mask = config.read32(address, place);
    config.write32(address, place, contents);
    (contents, mask)
}

fn sized(base: u64, mask: u64, ports: bool, prefetchable: bool) -> Option<Region> {
    // A mask without ones in the part that counts: no region. Else all ones above the size, or it is nonsense.
    if mask as u32 == 0 && mask >> 32 == 0xffff_ffff || mask == 0 {
        return None;
    }
    let size = (!mask).checked_add(1)?;
    (size.is_power_of_two() && base.is_multiple_of(size)).then_some(Region { ports, prefetchable, base, size })
}

/// Makes all functions quiet that no driver has yet: whatever the firmware or an earlier driver left running.
pub fn quiet(config: &dyn Config, function: &Function) {
    if !function.bridge {
        control::quiet(config, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Bus, address};

    const AT: Address = Address { bus: 0, device: 3, function: 0 };

    fn with(change: impl FnOnce(&Bus)) -> Function {
        let bus = Bus::new();
        bus.add(AT, &[]);
        change(&bus);
        Function::read(&bus, AT)
    }

    #[test]
    fn ids() {
        let function = with(|bus| {
            bus.put(AT, 8, &[7, 0x10, 0x80, 0x03]);
            bus.put(AT, 0x2c, &[0xf4, 0x1a, 0x00, 0x11]);
            bus.put(AT, 0x3c, &[11, 1]);
        });
        assert_eq!((function.id, function.subsystem), ((0x1234, 0x5678), (0x1af4, 0x1100)));
        assert_eq!((function.class, function.revision, function.line), ([3, 0x80, 0x10], 7, Some(11)));
        assert_eq!(with(|bus| bus.put(AT, 0x3c, &[255, 1])).line, None);
        assert_eq!(with(|bus| bus.put(AT, 0x3c, &[5, 0])).line, None);
    }

    #[test]
    fn regions_of_each_kind() {
        let function = with(|bus| {
            bus.region(AT, 0, 0xfebf_0000, 0x1000, 0);
            bus.region(AT, 1, 0xc000, 32, 1);
            bus.region(AT, 2, 0x38_0000_0000, 1 << 34, 0b1100);
            bus.region(AT, 4, 0xf000_0000, 1 << 28, 0b1000);
        });
        let region = |ports, prefetchable, base, size| Some(Region { ports, prefetchable, base, size });
        assert_eq!(
            function.regions,
            [
                region(false, false, 0xfebf_0000, 0x1000),
                region(true, false, 0xc000, 32),
                region(false, true, 0x38_0000_0000, 1 << 34),
                None,
                region(false, true, 0xf000_0000, 1 << 28),
                None
            ]
        );
        assert!(function.regions.iter().flatten().all(Region::is_placed));
    }

    #[test]
    fn probing_leaves_everything_as_it_was_and_does_not_decode_meanwhile() {
        let bus = Bus::new();
        bus.add(AT, &[(4, 0x07)]);
        bus.region(AT, 0, 0xfebf_0000, 0x1000, 0);
        let before = Function::bytes(&bus, AT);
        Function::read(&bus, AT);
        assert_eq!(Function::bytes(&bus, AT), before);
        let written = bus.written.borrow();
        assert_eq!(written.first(), Some(&(AT, 4, 2, 0x04)), "decoding is off before the first probe");
        assert_eq!(written.last(), Some(&(AT, 4, 2, 0x07)), "and on after the last");
    }

    #[test]
    fn regions_that_make_no_sense() {
        // A mask with holes; one that keeps nothing; a wide one at the end.
        assert_eq!(with(|bus| bus.allow(AT, 0x10, 0xf0f0_0000)).regions[0], None);
        assert_eq!(with(|bus| bus.put(AT, 0x10, &[0x10, 0, 0, 0])).regions[0], None);
        assert_eq!(with(|bus| bus.region(AT, 5, 0, 0x1000, 0b100)).regions[5], None);
        let unplaced = with(|bus| bus.region(AT, 0, 0, 0x1000, 0)).regions[0].unwrap();
        assert!(!unplaced.is_placed());
    }

    #[test]
    fn all_ones_is_a_device_with_nothing() {
        let bus = Bus::new();
        let function = Function::read(&bus, AT);
        assert_eq!((function.regions, function.msi, function.msix, function.line), ([None; 6], None, None, None));
    }

    #[test]
    fn random_spaces_do_no_harm() {
        let mut state = 11_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        for _ in 0..5_000 {
            let bus = Bus::new();
            bus.add(AT, &[]);
            let bytes: Vec<u8> = (0..256).map(|_| random()).collect();
            bus.put(AT, 0, &bytes);
            bus.put(AT, 0x0e, &[random() & 0x81]);
            for bar in 0..6 {
                bus.allow(AT, 0x10 + 4 * bar, u32::from_le_bytes([random(), random(), random(), random()]));
            }
            let function = Function::read(&bus, AT);
            for region in function.regions.iter().flatten() {
                assert!(region.size.is_power_of_two() && region.base.is_multiple_of(region.size));
            }
            quiet(&bus, &function);
            let _ = address(0, 0, 0);
        }
    }
}
