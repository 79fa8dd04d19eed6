//! The firmware's word for where memory-mapped configuration space is: table `MCFG` (PCI Firmware 3.2, section 4.1.2), found
//! through the root table (ACPI 6.5, sections 5.2.6 to 5.2.8).

/// Bytes of a table's header, and where in it its length is.
const HEADER: usize = 36;
const LENGTH: usize = 4;
/// No table that is wanted here is longer.
const LONGEST: usize = 1 << 16;
/// Entries of `MCFG`: where they begin, and their size.
const ENTRIES: usize = 44;
const ENTRY: usize = 16;

/// Configuration space of a range of buses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Physical address of the first bus.
    pub physical: u64,
    /// First bus.
    pub first_bus: u8,
    /// Last bus.
    pub last_bus: u8,
}

/// Finds the region of the first segment. `root` is the root table; `read` gives physical memory.
pub fn find(root: &[u8], read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<Region> {
    let width = match root.get(..4)? {
        b"XSDT" => 8,
        b"RSDT" => 4,
        _ => return None,
    };
    let entries = root.get(HEADER..)?.chunks_exact(width);
    let addresses = entries.map(|entry| entry.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)));
    addresses.into_iter().find_map(|address| {
        let header = read(address, HEADER).filter(|header| header.starts_with(b"MCFG"))?;
        let len = word(&header, LENGTH)? as usize;
        let table = (HEADER..=LONGEST).contains(&len).then(|| read(address, len)).flatten()?;
        let sum = table.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        if sum == 0 { region(&table) } else { None }
    })
}

fn region(table: &[u8]) -> Option<Region> {
    table.get(ENTRIES..)?.chunks_exact(ENTRY).find_map(|entry| {
        let physical = u64::from(word(entry, 0)?) | u64::from(word(entry, 4)?) << 32;
        let (segment, first_bus, last_bus) = (u16::from_le_bytes([entry[8], entry[9]]), entry[10], entry[11]);
        let sane = physical != 0 && physical.is_multiple_of(1 << 20) && first_bus <= last_bus;
        (segment == 0 && sane).then_some(Region { physical, first_bus, last_bus })
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut table = vec![0; HEADER];
        table[..4].copy_from_slice(name);
        table.extend(body);
        let len = table.len() as u32;
        table[4..8].copy_from_slice(&len.to_le_bytes());
        table[9] = table.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
        table
    }

    fn mcfg(entries: &[(u64, u16, u8, u8)]) -> Vec<u8> {
        let mut body = vec![0; 8];
        for (physical, segment, first, last) in entries {
            body.extend(physical.to_le_bytes());
            body.extend(segment.to_le_bytes());
            body.extend([*first, *last, 0, 0, 0, 0]);
        }
        table(b"MCFG", &body)
    }

    fn look(width: usize, mcfg: Vec<u8>) -> Option<Region> {
        let other = table(b"APIC", &[1, 2, 3]);
        let body: Vec<u8> = [0x1000_u64, 0x2000].iter().flat_map(|at| at.to_le_bytes()[..width].to_vec()).collect();
        let root = table(if width == 8 { b"XSDT" } else { b"RSDT" }, &body);
        find(&root, &|at, len| {
            let table = if at == 0x1000 { &other } else { &mcfg };
            table.get(..len).map(<[u8]>::to_vec)
        })
    }

    #[test]
    fn both_kinds_of_root() {
        let region = Region { physical: 0xb000_0000, first_bus: 0, last_bus: 255 };
        for width in [4, 8] {
            assert_eq!(look(width, mcfg(&[(0x1000_0000, 1, 0, 9), (0xb000_0000, 0, 0, 255)])), Some(region));
        }
    }

    #[test]
    fn damaged_tables() {
        assert_eq!(look(8, mcfg(&[])), None);
        assert_eq!(look(8, mcfg(&[(0, 0, 0, 255)])), None);
        assert_eq!(look(8, mcfg(&[(0xb000_0000, 0, 5, 4)])), None);
        assert_eq!(look(8, mcfg(&[(0xb000_0001, 0, 0, 4)])), None);
        let mut wrong = mcfg(&[(0xb000_0000, 0, 0, 255)]);
        wrong[12] ^= 1;
        assert_eq!(look(8, wrong.clone()), None);
        wrong[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(look(8, wrong.clone()), None);
        wrong.truncate(20);
        assert_eq!(look(8, wrong), None);
        assert_eq!(find(b"XS", &|_, _| None), None);
        assert_eq!(find(&[0; 64], &|_, _| None), None);
    }
}
