//! I/O APICs: from interrupt lines to vectors. Intel 82093AA data sheet, section 3.
//!
//! Takes one lock, which is held for a few register accesses and under which nothing else is taken.

use kernel_core::acpi::Machine;
use spin::mutex::SpinMutex;

use crate::log::Level;
use crate::sync::Relax;

/// Register select and window.
const SELECT: usize = 0x00;
const WINDOW: usize = 0x10;
/// Indirect registers.
const VERSION: u32 = 0x01;
const REDIRECTION: u32 = 0x10;
/// Redirection entry (section 3.2.4).
const MASKED: u32 = 1 << 16;
const LEVEL: u32 = 1 << 15;
const ACTIVE_LOW: u32 = 1 << 13;

/// Most I/O APICs.
const MAX: usize = 16;
/// Most pins of one (section 3.2.2 has eight bits for their number).
const MAX_PINS: usize = 256;
/// Where the one I/O APIC of a machine without tables is.
const DEFAULT_ADDRESS: u64 = 0xfec0_0000;

struct IoApic {
    registers: usize,
    base: u32,
    pins: u32,
    /// What the lower half of each entry holds: saves reading it back.
    entries: [u32; MAX_PINS],
}

static ALL: SpinMutex<[Option<IoApic>; MAX], Relax> = SpinMutex::new([const { None }; MAX]);

impl IoApic {
    fn read(&self, register: u32) -> u32 {
        // SAFETY: the registers are mapped, and the lock is held between selecting and reading.
        unsafe {
            ((self.registers + SELECT) as *mut u32).write_volatile(register);
            ((self.registers + WINDOW) as *const u32).read_volatile()
        }
    }

    fn write(&self, register: u32, value: u32) {
        // SAFETY: as in `read`.
        unsafe {
            ((self.registers + SELECT) as *mut u32).write_volatile(register);
            ((self.registers + WINDOW) as *mut u32).write_volatile(value);
        }
    }

    fn set_low(&mut self, pin: u32, value: u32) {
        let entry = &mut self.entries[pin as usize];
        if *entry != value {
            *entry = value;
            self.write(REDIRECTION + pin * 2, value);
        }
    }
}

/// Finds the I/O APICs and masks all their lines.
pub fn init(machine: &Machine) {
    let mut all = ALL.lock();
    let default = [kernel_core::acpi::IoApic { address: DEFAULT_ADDRESS, gsi_base: 0 }];
    let listed = if machine.io_apics.is_empty() { &default[..] } else { &machine.io_apics[..] };
    for (place, found) in all.iter_mut().zip(listed) {
        let registers = crate::memory::map_mmio(found.address, 0x20) as usize;
        let mut io_apic = IoApic { registers, base: found.gsi_base, pins: 0, entries: [MASKED; MAX_PINS] };
        let version = io_apic.read(VERSION);
        if version == u32::MAX || version == 0 {
            crate::klog!(Level::Warn, "no I/O APIC answers at {:#x}", found.address);
            continue;
        }
        // Entries that would not fit below the vector space are never routed; see `route`.
        io_apic.pins = (version >> 16 & 0xff) + 1;
        for pin in 0..io_apic.pins {
            io_apic.write(REDIRECTION + pin * 2, MASKED);
        }
        *place = Some(io_apic);
    }
}

fn with<R>(gsi: u32, act: impl FnOnce(&mut IoApic, u32) -> R) -> Option<R> {
    let mut all = ALL.lock();
    let io_apic = all.iter_mut().flatten().find(|it| gsi.checked_sub(it.base).is_some_and(|pin| pin < it.pins))?;
    let pin = gsi - io_apic.base;
    Some(act(io_apic, pin))
}

/// Number of global system interrupts that the I/O APICs serve (the greatest and one).
pub fn count() -> u32 {
    ALL.lock().iter().flatten().map(|it| it.base + it.pins).max().unwrap_or(0)
}

/// Sends global system interrupt `gsi` as `vector` to the processor with this APIC id; it stays masked until [`unmask`].
/// `false` when no I/O APIC has such a line or the processor cannot be reached.
pub fn route(gsi: u32, vector: u8, apic_id: u32, level: bool, low: bool) -> bool {
    if apic_id > 0xff {
        return false;
    }
    let wiring = if level { LEVEL } else { 0 } | if low { ACTIVE_LOW } else { 0 };
    with(gsi, |io_apic, pin| {
        io_apic.set_low(pin, io_apic.entries[pin as usize] | MASKED);
        io_apic.write(REDIRECTION + pin * 2 + 1, apic_id << 24);
        io_apic.set_low(pin, u32::from(vector) | wiring | MASKED);
    })
    .is_some()
}

/// Holds a line back. An edge that comes meanwhile is lost, a level is not.
pub fn mask(gsi: u32) {
    with(gsi, |io_apic, pin| io_apic.set_low(pin, io_apic.entries[pin as usize] | MASKED));
}

/// Lets a line through.
pub fn unmask(gsi: u32) {
    with(gsi, |io_apic, pin| io_apic.set_low(pin, io_apic.entries[pin as usize] & !MASKED));
}
