//! ACPI: reads the static tables at boot into a [`Machine`], and resets the machine.

use kernel_core::acpi::{Machine, Table};
use kernel_core::boot::{BootInfo, RegionKind};
use spin::Once;

use crate::arch::firmware::{self, Mapped};
use crate::log::Level;

static MACHINE: Once<Machine> = Once::new();
static MEMORY: Once<Mapped> = Once::new();

/// Reads the tables. What is damaged is named in the log, and the machine goes on with what is left.
pub fn init(info: &BootInfo) -> &'static Machine {
    let usable = info.memory.iter().filter(|region| region.kind == RegionKind::Usable);
    let memory = MEMORY.call_once(|| Mapped::new(usable.map(|region| region.end()).max().unwrap_or(0)));
    MACHINE.call_once(|| Machine::read(memory, info.rsdp, &mut |problem| crate::klog!(Level::Warn, "{problem}")))
}

/// The machine, once its tables have been read.
pub fn machine() -> Option<&'static Machine> {
    MACHINE.get()
}

/// The bytes of a table that [`Machine::tables`] or [`Machine::root`] names.
pub fn bytes(table: Table) -> &'static [u8] {
    MEMORY.get().and_then(|memory| memory.bytes(table.address, table.len)).unwrap_or(&[])
}

/// Resets the machine.
pub fn reset() -> ! {
    firmware::reset(machine().and_then(|machine| machine.reset))
}
