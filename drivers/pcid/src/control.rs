//! The command register (PCI 3.0, section 6.2.2): letting a function work, and making it quiet.

use crate::config::{Address, Config};
use crate::function::Function;

const COMMAND: usize = 0x04;
const PORTS: u16 = 1;
const MEMORY: u16 = 1 << 1;
const MASTER: u16 = 1 << 2;
const NO_LINE: u16 = 1 << 10;

/// What a function is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// To answer at its ports.
    pub ports: bool,
    /// To answer in memory.
    pub memory: bool,
    /// To read and write memory by itself.
    pub master: bool,
    /// To interrupt by its line.
    pub line: bool,
}

impl Allowed {
    fn bits(self) -> u16 {
        let bit = |wanted, bit| if wanted { bit } else { 0 };
        bit(self.ports, PORTS) | bit(self.memory, MEMORY) | bit(self.master, MASTER) | bit(!self.line, NO_LINE)
    }
}

/// Allows this, and nothing else of these.
pub fn allow(config: &dyn Config, function: Address, allowed: Allowed) {
    let command = config.read16(function, COMMAND) & !(PORTS | MEMORY | MASTER | NO_LINE);
    config.write16(function, COMMAND, command | allowed.bits());
}

/// Makes a function quiet: it reads and writes no memory and does not interrupt. It still answers: its regions stay where the
/// firmware and others look for them.
pub fn quiet(config: &dyn Config, function: &Function) {
    let command = config.read16(function.address, COMMAND);
    config.write16(function.address, COMMAND, command & !MASTER | NO_LINE);
    if let Some(msi) = function.msi {
        msi.disable(config, function.address);
    }
    if let Some(msix) = function.msix {
        msix.disable(config, function.address);
    }
}

/// A function that answers nowhere as long as this lives.
pub(crate) struct Decoding<'a> {
    config: &'a dyn Config,
    function: Address,
    command: u16,
}

impl<'a> Decoding<'a> {
    pub(crate) fn off(config: &'a dyn Config, function: Address) -> Self {
        let command = config.read16(function, COMMAND);
        config.write16(function, COMMAND, command & !(PORTS | MEMORY));
        Self { config, function, command }
    }
}

impl Drop for Decoding<'_> {
    fn drop(&mut self) {
        self.config.write16(self.function, COMMAND, self.command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Bus;

    const AT: Address = Address { bus: 0, device: 1, function: 0 };

    #[test]
    fn what_is_allowed_and_what_is_not() {
        let bus = Bus::new();
        bus.add(AT, &[(4, 0x07), (5, 0x01)]);
        allow(&bus, AT, Allowed { memory: true, line: true, ..Allowed::default() });
        assert_eq!(bus.read16(AT, COMMAND), 0x102);
        allow(&bus, AT, Allowed { memory: true, ports: true, master: true, line: false });
        assert_eq!(bus.read16(AT, COMMAND), 0x507);
    }

    #[test]
    fn a_quiet_function_answers_and_does_nothing_else() {
        let bus = Bus::new();
        bus.add(
            AT,
            &[(4, 0x07), (6, 0x10), (0x34, 0x40), (0x40, 5), (0x41, 0x50), (0x42, 1), (0x50, 0x11), (0x53, 0x80)],
        );
        bus.allow(AT, 0x40, 0xffff_0000);
        bus.allow(AT, 0x50, 0xffff_0000);
        let function = Function::read(&bus, AT);
        assert!(function.msi.is_some() && function.msix.is_some());
        quiet(&bus, &function);
        assert_eq!(bus.read16(AT, COMMAND), 0x403);
        assert_eq!((bus.read16(AT, 0x42) & 1, bus.read16(AT, 0x52)), (0, 0x4000));
    }
}
