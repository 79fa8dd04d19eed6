//! The machine's own bus: configuration space as the firmware offers it, and the objects of the kernel that stand for parts of a
//! device.

use std::io::{Error, Result};
use std::rc::Rc;

use driver::{Granted, Mmio, Ports};
use kernel_core::cmdline::Options;
use libredox::flag::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use libredox::{Fd, call};
use ochre_abi::irq::{MESSAGE, Message};
use pci::acpi::{self, Region};
use pci::config::{Config, ECAM_BUS, Ecam, LEGACY_PORTS, Legacy};
use pci::function::Function;
use pci::plan::table_address;
use scheme_server::syscall::AcpiVerb;
use scheme_server::syscall::flag::CallFlags;

const PAGE: u64 = 4096;
/// The root table has an entry of 8 bytes for each table; no machine has more of them than fit here.
const ROOT_TABLE: usize = 4096;

/// Opens a path, to read and write.
pub fn open(path: &str) -> Result<Fd> {
    Ok(Fd::open(path, O_RDWR | O_CLOEXEC, 0)?)
}

/// The value of a boot option; of several the last.
pub fn option(name: &str) -> Option<String> {
    let line = std::fs::read_to_string("/scheme/sys/cmdline").ok()?;
    Options::parse(&line).value(name).map(String::from)
}

/// Opens an interrupt: it answers `EAGAIN` instead of waiting.
pub fn open_interrupt(name: &str) -> Result<Fd> {
    Ok(Fd::open(&format!("/scheme/irq/{name}"), O_RDWR | O_CLOEXEC | O_NONBLOCK, 0)?)
}

/// The message that raises an interrupt.
pub fn message(interrupt: &Fd) -> Result<Message> {
    let mut payload = [0; size_of::<Message>()];
    call::call_ro(interrupt.raw(), &mut payload, CallFlags::empty(), &[MESSAGE])?;
    let number =
        |at: usize| payload[at..at + 4].iter().rev().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    Ok(Message { address: u64::from(number(0)) | u64::from(number(4)) << 32, data: number(8), reserved: 0 })
}

/// Maps registers at a physical address.
fn map(physical: u64, len: usize) -> Result<Mmio> {
    let (first, end) = (physical & !(PAGE - 1), (physical + len as u64).next_multiple_of(PAGE));
    let range = open(&format!("/scheme/memory/physical@uc?{first:x}-{:x}", end - 1))?;
    Mmio::map(Granted { fd: range.raw(), len, offset: (physical - first) as usize })
}

/// The function's table of messages.
pub fn map_table(function: &Function) -> Result<Mmio> {
    let (address, msix) =
        table_address(function).zip(function.msix).ok_or_else(|| Error::other("there is no table"))?;
    map(address, msix.table_len())
}

/// Configuration space, its first and its last bus.
pub fn config() -> Result<(Box<dyn Config>, u8, u8)> {
    match region() {
        Some(Region { physical, first_bus, last_bus }) => {
            let len = (usize::from(last_bus - first_bus) + 1) * ECAM_BUS;
            Ok((Box::new(Ecam::new(Rc::new(map(physical, len)?), first_bus)), first_bus, last_bus))
        }
        None => {
            let (first, last) = LEGACY_PORTS;
            let range = open(&format!("/scheme/memory/ports?{first:x}-{last:x}"))?;
            let ports = Ports::new(Granted { fd: range.into_raw(), len: usize::from(last - first) + 1, offset: 0 });
            Ok((Box::new(Legacy::new(Rc::new(ports))), 0, u8::MAX))
        }
    }
}

/// Where the firmware's tables say that configuration space is; none when there are none, or they do not say.
fn region() -> Option<Region> {
    let tables = Fd::open("/scheme/kernel.acpi/rxsdt", O_CLOEXEC, 0).ok()?;
    let mut root = vec![0; ROOT_TABLE];
    let verb = [AcpiVerb::ReadRxsdt as u64];
    let len = call::call_ro(tables.raw(), &mut root, CallFlags::empty(), &verb).ok()?;
    acpi::find(root.get(..len)?, &|physical, len| {
        let range = map(physical, len).ok()?;
        Some((0..len).map(|at| driver::Registers::get8(&range, at)).collect())
    })
}
