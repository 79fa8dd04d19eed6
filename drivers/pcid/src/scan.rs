//! Which functions there are: a walk through the buses, from the first one down through bridges (PCI 3.0, section 3.2.2.3.4, and
//! PCI-to-PCI Bridge 1.2, chapter 3).

use std::collections::BTreeSet;

use crate::config::{Address, Config};

/// Offsets in configuration space.
const VENDOR: usize = 0x00;
const HEADER_TYPE: usize = 0x0e;
const SECONDARY_BUS: usize = 0x19;
/// Header type: a bridge; the device has more than one function.
const KIND: u8 = 0x7f;
const BRIDGE: u8 = 1;
const MANY: u8 = 0x80;
/// Vendor of what is not there.
const NOBODY: u16 = 0xffff;

/// The functions on `first_bus` and on the buses behind it, up to `last_bus`, in order. Each bus is looked at once, whatever bridges
/// say.
pub fn scan(config: &dyn Config, first_bus: u8, last_bus: u8) -> Vec<Address> {
    let mut found = Vec::new();
    let mut known = BTreeSet::from([first_bus]);
    let mut waiting = vec![first_bus];
    while let Some(bus) = waiting.pop() {
        for function in functions(config, bus) {
            found.push(function);
            if config.read8(function, HEADER_TYPE) & KIND == BRIDGE {
                let behind = config.read8(function, SECONDARY_BUS);
                if behind > first_bus && behind <= last_bus && known.insert(behind) {
                    waiting.push(behind);
                }
            }
        }
    }
    found.sort_unstable();
    found
}

fn functions(config: &dyn Config, bus: u8) -> Vec<Address> {
    let mut found = Vec::new();
    for device in 0..32 {
        let first = Address { bus, device, function: 0 };
        if config.read16(first, VENDOR) == NOBODY {
            continue;
        }
        found.push(first);
        if config.read8(first, HEADER_TYPE) & MANY == 0 {
            continue;
        }
        let others = (1..8).map(|function| Address { function, ..first });
        found.extend(others.filter(|other| config.read16(*other, VENDOR) != NOBODY));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Bus, address};

    #[test]
    fn bridges_are_followed() {
        let bus = Bus::new();
        bus.add(address(0, 0, 0), &[]);
        bus.bridge(address(0, 1, 0), 2);
        bus.bridge(address(2, 0, 0), 5);
        bus.add(address(5, 3, 0), &[(HEADER_TYPE, MANY)]);
        bus.add(address(5, 3, 6), &[]);
        // Not said to have more than one.
        bus.add(address(0, 4, 0), &[]);
        bus.add(address(0, 4, 1), &[]);
        // Behind no bridge.
        bus.add(address(7, 0, 0), &[]);
        let names: Vec<String> = scan(&bus, 0, 255).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["00-00.0", "00-01.0", "00-04.0", "02-00.0", "05-03.0", "05-03.6"]);
        assert_eq!(scan(&bus, 0, 4).len(), 4);
    }

    #[test]
    fn bridges_that_lie() {
        let bus = Bus::new();
        for (device, behind) in [(0, 0), (1, 1), (2, 1), (3, 255), (4, 0)] {
            bus.bridge(address(0, device, 0), behind);
        }
        bus.bridge(address(1, 0, 0), 0);
        bus.bridge(address(1, 1, 0), 1);
        assert_eq!(scan(&bus, 0, 200).len(), 7);
    }
}
