//! What firmware left: its tables in memory, and the ways to reset the machine.

use kernel_core::acpi::{Memory, Register, Reset};

use super::{mmio::DeviceMemory, port};
use crate::memory::PHYSMAP;

/// Physical memory through the linear map, up to an end.
pub struct Mapped {
    end: u64,
}

impl Mapped {
    /// The linear map always reaches this far.
    const ALWAYS: u64 = 4 << 30;

    /// For a machine whose usable memory ends at `top`.
    pub fn new(top: u64) -> Self {
        Mapped { end: top.max(Self::ALWAYS) }
    }
}

impl Mapped {
    /// Bytes of memory that nobody writes.
    pub fn bytes(&self, address: u64, len: usize) -> Option<&'static [u8]> {
        if address.checked_add(len as u64)? > self.end {
            return None;
        }
        // SAFETY: the linear map reaches up to `end`; firmware's tables are not written any more.
        Some(unsafe { core::slice::from_raw_parts((PHYSMAP + address as usize) as *const u8, len) })
    }
}

impl Memory for Mapped {
    fn slice(&self, address: u64, len: usize) -> Option<&[u8]> {
        self.bytes(address, len)
    }
}

/// Resets the machine: by ACPI's register if there is one, else by the keyboard controller, else by a triple fault.
pub fn reset(register: Option<Reset>) -> ! {
    const KEYBOARD_COMMAND: u16 = 0x64;
    const PULSE_RESET: u8 = 0xfe;
    const PCI_ADDRESS: u16 = 0xcf8;
    const PCI_DATA: u16 = 0xcfc;
    // SAFETY: there is nothing after this.
    unsafe {
        if let Some(reset) = register {
            match reset.register {
                Register::Port(number) => port::write_u8(number, reset.value),
                Register::Memory(address) => DeviceMemory::registers(address, 1).write_u8(0, reset.value),
                Register::Pci(device, function, offset) => {
                    let place = u32::from(device) << 11 | u32::from(function) << 8 | u32::from(offset & !3);
                    port::write_u32(PCI_ADDRESS, 1 << 31 | place);
                    port::write_u8(PCI_DATA + u16::from(offset & 3), reset.value);
                }
            }
        }
        port::write_u8(KEYBOARD_COMMAND, PULSE_RESET);
        let nothing = [0u16; 5];
        core::arch::asm!("lidt [{}]", "ud2", in(reg) &nothing, options(noreturn));
    }
}
