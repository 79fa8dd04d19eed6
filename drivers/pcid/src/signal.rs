//! Message-signalled interrupts: MSI and MSI-X (PCI 3.0, section 6.8).

use driver::Registers;
use ochre_abi::irq::Message;

use crate::config::{Address, Config};

/// MSI: offsets from its capability, and bits of its control word.
mod msi {
    pub const CONTROL: usize = 2;
    pub const ADDRESS: usize = 4;
    pub const ENABLE: u16 = 1;
    /// How many messages are allowed, as a power of two.
    pub const ALLOWED: u16 = 0b111 << 4;
    pub const WIDE: u16 = 1 << 7;
}

/// MSI-X, likewise.
mod msix {
    pub const CONTROL: usize = 2;
    pub const TABLE: usize = 4;
    pub const PENDING: usize = 8;
    pub const SIZE: u16 = 0x7ff;
    pub const MASK_ALL: u16 = 1 << 14;
    pub const ENABLE: u16 = 1 << 15;
    /// An entry: bytes, and what is in them.
    pub const ENTRY: usize = 16;
    pub const DATA: usize = 8;
    pub const VECTOR: usize = 12;
    pub const MASKED: u32 = 1;
}

/// MSI of a function. One message is all that is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msi {
    at: usize,
    wide: bool,
}

impl Msi {
    /// Reads the capability at `at`; none when it does not fit.
    pub fn read(config: &dyn Config, function: Address, at: usize) -> Option<Self> {
        let wide = config.read16(function, at + msi::CONTROL) & msi::WIDE != 0;
        (at + if wide { 14 } else { 10 } <= 256).then_some(Self { at, wide })
    }

    /// Lets the function send this message. False when it cannot reach that address.
    pub fn enable(self, config: &dyn Config, function: Address, message: Message) -> bool {
        self.disable(config, function);
        let high = (message.address >> 32) as u32;
        if high != 0 && !self.wide {
            return false;
        }
        config.write32(function, self.at + msi::ADDRESS, message.address as u32);
        if self.wide {
            config.write32(function, self.at + msi::ADDRESS + 4, high);
        }
        let data = self.at + msi::ADDRESS + if self.wide { 8 } else { 4 };
        config.write16(function, data, message.data as u16);
        let control = config.read16(function, self.at + msi::CONTROL) & !msi::ALLOWED;
        config.write16(function, self.at + msi::CONTROL, control | msi::ENABLE);
        true
    }

    /// Lets it send none.
    pub fn disable(self, config: &dyn Config, function: Address) {
        let control = config.read16(function, self.at + msi::CONTROL);
        config.write16(function, self.at + msi::CONTROL, control & !msi::ENABLE);
    }
}

/// MSI-X of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msix {
    at: usize,
    /// Messages that it can send.
    pub count: u16,
    /// Region that the table is in, and where in it.
    pub table: (u8, u32),
    /// The same for the bits of what is pending.
    pub pending: (u8, u32),
}

impl Msix {
    /// Reads the capability at `at`; none when it does not fit or names a region that cannot be.
    pub fn read(config: &dyn Config, function: Address, at: usize) -> Option<Self> {
        let place = |at| {
            let word = config.read32(function, at);
            ((word & 7) as u8, word & !7)
        };
        if at + 12 > 256 {
            return None;
        }
        let count = (config.read16(function, at + msix::CONTROL) & msix::SIZE) + 1;
        let (table, pending) = (place(at + msix::TABLE), place(at + msix::PENDING));
        (table.0 < 6 && pending.0 < 6).then_some(Self { at, count, table, pending })
    }

    /// Bytes of the table.
    pub fn table_len(self) -> usize {
        usize::from(self.count) * msix::ENTRY
    }

    /// Lets the function send these messages, by `table`, and masks all its others.
    pub fn enable(self, config: &dyn Config, function: Address, table: &dyn Registers, messages: &[Message]) {
        self.set(config, function, msix::ENABLE | msix::MASK_ALL);
        for number in 0..usize::from(self.count) {
            let entry = number * msix::ENTRY;
            table.put32(entry + msix::VECTOR, msix::MASKED);
            if let Some(message) = messages.get(number) {
                table.put32(entry, message.address as u32);
                table.put32(entry + 4, (message.address >> 32) as u32);
                table.put32(entry + msix::DATA, message.data);
                table.put32(entry + msix::VECTOR, 0);
            }
        }
        self.set(config, function, msix::ENABLE);
    }

    /// Lets it send none.
    pub fn disable(self, config: &dyn Config, function: Address) {
        self.set(config, function, msix::MASK_ALL);
    }

    fn set(self, config: &dyn Config, function: Address, bits: u16) {
        let control = config.read16(function, self.at + msix::CONTROL) & !(msix::ENABLE | msix::MASK_ALL);
        config.write16(function, self.at + msix::CONTROL, control | bits);
    }
}

#[cfg(test)]
mod tests {
    use driver::fake::Bytes;

    use super::*;
    use crate::fake::Bus;

    const AT: Address = Address { bus: 0, device: 1, function: 0 };
    const MESSAGE: Message = Message { address: 0xfee0_1000, data: 0xea, reserved: 0 };

    fn bus() -> Bus {
        let bus = Bus::new();
        bus.add(AT, &[]);
        (0x40..0x60).step_by(4).for_each(|at| bus.allow(AT, at, u32::MAX));
        bus
    }

    #[test]
    fn msi_of_both_widths() {
        for wide in [false, true] {
            let bus = bus();
            bus.put(AT, 0x40, &[5, 0, 0b0110_0000 | u8::from(wide) << 7, 0]);
            let found = Msi::read(&bus, AT, 0x40).unwrap();
            assert!(found.enable(&bus, AT, MESSAGE));
            let data = if wide { 0x4c } else { 0x48 };
            assert_eq!((bus.read32(AT, 0x44), bus.read16(AT, data)), (0xfee0_1000, 0xea));
            // One message, whatever was allowed before.
            assert_eq!(bus.read16(AT, 0x42), 1 | u16::from(wide) << 7);
            found.disable(&bus, AT);
            assert_eq!(bus.read16(AT, 0x42) & 1, 0);
            assert_eq!(found.enable(&bus, AT, Message { address: 1 << 32, ..MESSAGE }), wide);
        }
        assert_eq!(Msi::read(&bus(), AT, 0xf8), None);
    }

    #[test]
    fn msix_table() {
        let bus = bus();
        bus.put(AT, 0x40, &[0x11, 0, 2, 0, 0x01, 0x10, 0, 0, 0x01, 0x18, 0, 0]);
        let found = Msix::read(&bus, AT, 0x40).unwrap();
        assert_eq!((found.count, found.table, found.pending, found.table_len()), (3, (1, 0x1000), (1, 0x1800), 48));
        let table = Bytes::new(&[0xff; 48]);
        found.enable(&bus, AT, &table, &[MESSAGE, MESSAGE]);
        assert_eq!((table.get64(16), table.get32(24), table.get32(28)), (0xfee0_1000, 0xea, 0));
        assert_eq!(table.get32(44), 1, "the third is masked");
        assert_eq!(bus.read16(AT, 0x42), 0x8002);
        found.disable(&bus, AT);
        assert_eq!(bus.read16(AT, 0x42), 0x4002);
        // More messages than it has entries do not go anywhere.
        found.enable(&bus, AT, &table, &[MESSAGE; 9]);
    }

    #[test]
    fn msix_that_makes_no_sense() {
        let bus = bus();
        bus.put(AT, 0x40, &[0x11, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Msix::read(&bus, AT, 0x40), None);
        assert_eq!(Msix::read(&bus, AT, 0xf8), None);
    }
}
