//! What a driver is given of its device: decided here, opened elsewhere.

use driver::Signal;

use crate::control::Allowed;
use crate::function::{Function, Region};
use crate::manifest::{Cache, Manifest};

const PAGE: u64 = 4096;

/// A region for a driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its number.
    pub number: usize,
    /// Ports instead of memory.
    pub ports: bool,
    /// How it is cached.
    pub cache: Cache,
    /// First address.
    pub base: u64,
    /// Bytes that the driver gets.
    pub len: u64,
}

impl Bar {
    /// The path of what the driver is to get, in the scheme `memory`: whole pages, or the ports.
    pub fn path(&self) -> String {
        if self.ports {
            return format!("ports?{:x}-{:x}", self.base, self.base + self.len - 1);
        }
        let (first, end) = (self.base & !(PAGE - 1), (self.base + self.len).next_multiple_of(PAGE));
        format!("physical@{}?{first:x}-{:x}", self.cache.name(), end - 1)
    }

    /// The name by which the driver finds it.
    pub fn name(&self) -> String {
        format!("{}{}", if self.ports { "port" } else { "bar" }, self.number)
    }

    /// Bytes of the first page before it.
    pub fn offset(&self) -> u64 {
        if self.ports { 0 } else { self.base % PAGE }
    }
}

/// What a driver is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Regions.
    pub bars: Vec<Bar>,
    /// How the device interrupts.
    pub signal: Signal,
    /// How many interrupts it has.
    pub interrupts: u16,
    /// What the function is allowed.
    pub allowed: Allowed,
}

/// What a driver is given of a function. `all` are the functions of the machine. An error is a sentence.
pub fn plan(manifest: &Manifest, function: &Function, all: &[Function]) -> Result<Plan, String> {
    let bars =
        manifest.bars().map(|(number, cache)| bar(function, number, cache, all)).collect::<Result<Vec<_>, _>>()?;
    let wanted = manifest.grant.interrupts;
    // Messages are only sent by who may write memory.
    let messages = manifest.grant.dma;
    let (signal, interrupts) = match function {
        _ if wanted == 0 => (Signal::None, 0),
        Function { msix: Some(msix), .. } if messages && has_table(function) => (Signal::Msix, wanted.min(msix.count)),
        Function { msi: Some(_), .. } if messages => (Signal::Msi, 1),
        Function { line: Some(_), .. } => (Signal::Line, 1),
        _ => return Err("it has no interrupt that could be used".into()),
    };
    let allowed = Allowed {
        ports: bars.iter().any(|bar| bar.ports),
        memory: bars.iter().any(|bar| !bar.ports) || signal == Signal::Msix,
        master: manifest.grant.dma,
        line: signal == Signal::Line,
    };
    Ok(Plan { bars, signal, interrupts, allowed })
}

/// Where the table of messages is: its physical address.
pub fn table_address(function: &Function) -> Option<u64> {
    let msix = function.msix?;
    let region = placed(function, usize::from(msix.table.0)).filter(|region| !region.ports)?;
    let end = u64::from(msix.table.1) + msix.table_len() as u64;
    (end <= region.size).then(|| region.base + u64::from(msix.table.1))
}

fn has_table(function: &Function) -> bool {
    table_address(function).is_some()
}

fn placed(function: &Function, number: usize) -> Option<Region> {
    function.regions.get(number).copied().flatten().filter(Region::is_placed)
}

fn bar(function: &Function, number: usize, cache: Cache, all: &[Function]) -> Result<Bar, String> {
    let region =
        placed(function, number).ok_or_else(|| format!("it has no region {number}, or one without a place"))?;
    let len = without_table(function, number, region.size);
    if len == 0 {
        return Err(format!("region {number} begins with the table of messages, which no driver gets"));
    }
    let bar = Bar { number, ports: region.ports, cache, base: region.base, len };
    if !bar.ports && all.iter().any(|other| lies_in_pages(other, &bar, function, number)) {
        return Err(format!("region {number} shares a page with another device"));
    }
    Ok(bar)
}

/// How much of a region a driver gets: up to the page in which the table of messages or what is pending begins. Who writes the table
/// decides which interrupts are raised.
fn without_table(function: &Function, number: usize, size: u64) -> u64 {
    let Some(msix) = function.msix else { return size };
    let begins = |(bar, offset): (u8, u32)| (usize::from(bar) == number).then(|| u64::from(offset) & !(PAGE - 1));
    [begins(msix.table), begins(msix.pending)].into_iter().flatten().fold(size, u64::min)
}

/// Whether `other` has something in the pages that `bar` is in, which is region `number` of `own`.
fn lies_in_pages(other: &Function, bar: &Bar, own: &Function, number: usize) -> bool {
    let (first, end) = (bar.base & !(PAGE - 1), (bar.base + bar.len).next_multiple_of(PAGE));
    other.regions.iter().enumerate().filter_map(|(place, region)| Some((place, region.as_ref()?))).any(
        |(place, region)| {
            let itself = other.address == own.address && place == number;
            !itself && !region.ports && region.is_placed() && region.base < end && region.base + region.size > first
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Address, Config};
    use crate::fake::Bus;
    use crate::manifest::tests::function;
    use crate::signal::{Msi, Msix};

    const ALL: &str =
        "program = \"x\"\n[[match]]\nclass = \"00\"\n[grant]\ndma = true\ninterrupts = 4\nbars = { 0 = \"uc\" }";

    fn manifest(text: &str) -> Manifest {
        Manifest::parse(text).unwrap()
    }

    fn memory(base: u64, size: u64) -> Option<Region> {
        Some(Region { ports: false, prefetchable: false, base, size })
    }

    fn device() -> Function {
        let mut device = function((1, 2), [0; 3]);
        device.regions[0] = memory(0xfe00_0000, 0x4000);
        device.line = Some(11);
        device
    }

    /// Signals as a function has them, with the table at this place.
    fn msix(bar: u8, table: u32, pending: u32) -> Option<Msix> {
        let (bus, at) = (Bus::new(), Address { bus: 0, device: 0, function: 0 });
        bus.add(at, &[]);
        let words = [table | u32::from(bar), pending | u32::from(bar)].map(u32::to_le_bytes).concat();
        bus.put(at, 0x40, &[&[0x11, 0, 1, 0][..], &words].concat());
        Msix::read(&bus as &dyn Config, at, 0x40)
    }

    fn msi() -> Option<Msi> {
        let (bus, at) = (Bus::new(), Address { bus: 0, device: 0, function: 0 });
        bus.add(at, &[]);
        Msi::read(&bus, at, 0x40)
    }

    #[test]
    fn the_best_signal_is_taken() {
        let mut device = device();
        let signal = |device: &Function, text: &str| {
            plan(&manifest(text), device, &[]).map(|plan| (plan.signal, plan.interrupts, plan.allowed.line))
        };
        assert_eq!(signal(&device, ALL), Ok((Signal::Line, 1, true)));
        device.msi = msi();
        assert_eq!(signal(&device, ALL), Ok((Signal::Msi, 1, false)));
        device.msix = msix(1, 0, 0x800);
        device.regions[1] = memory(0xfe01_0000, 0x1000);
        assert_eq!(signal(&device, ALL), Ok((Signal::Msix, 2, false)));
        assert_eq!(signal(&device, &ALL.replace("= 4", "= 1")), Ok((Signal::Msix, 1, false)));
        assert_eq!(signal(&device, &ALL.replace("= 4", "= 0")), Ok((Signal::None, 0, false)));
        // Who may not write memory sends no messages.
        assert_eq!(signal(&device, &ALL.replace("true", "false")), Ok((Signal::Line, 1, true)));
        // The table is not where it says.
        device.regions[1] = None;
        assert_eq!(signal(&device, ALL), Ok((Signal::Msi, 1, false)));
        (device.msi, device.line) = (None, None);
        assert!(signal(&device, ALL).is_err());
    }

    #[test]
    fn the_table_of_messages_is_kept_back() {
        let mut device = device();
        device.msix = msix(0, 0x2000, 0x3000);
        let bars = |device: &Function| plan(&manifest(ALL), device, &[]).map(|plan| plan.bars[0]);
        assert_eq!(bars(&device).unwrap().len, 0x2000);
        device.msix = msix(0, 0x3000, 0x1800);
        assert_eq!(bars(&device).unwrap().len, 0x1000);
        device.msix = msix(0, 0x10, 0x3000);
        assert!(bars(&device).unwrap_err().contains("table"));
    }

    #[test]
    fn pages_are_not_shared() {
        let mut device = device();
        device.regions[0] = memory(0xfe00_0100, 0x100);
        let mut other = function((1, 3), [0; 3]);
        other.address.device = 9;
        let bar = |device: &Function, other: &Function| {
            plan(&manifest(ALL), device, &[device.clone(), other.clone()]).map(|plan| plan.bars[0])
        };
        let alone = bar(&device, &other).unwrap();
        assert_eq!((alone.path().as_str(), alone.offset(), alone.len), ("physical@uc?fe000000-fe000fff", 0x100, 0x100));
        other.regions[3] = memory(0xfe00_0800, 0x100);
        assert!(bar(&device, &other).unwrap_err().contains("shares a page"));
        other.regions[3] = memory(0xfe00_1000, 0x100);
        assert!(bar(&device, &other).is_ok());
    }

    #[test]
    fn ports_and_what_is_not_there() {
        let mut device = device();
        device.regions[0] = Some(Region { ports: true, prefetchable: false, base: 0xc000, size: 32 });
        let made = plan(&manifest(ALL), &device, &[]).unwrap();
        assert_eq!((made.bars[0].path().as_str(), made.bars[0].name().as_str()), ("ports?c000-c01f", "port0"));
        assert!(made.allowed.ports && !made.allowed.memory && made.allowed.master);
        device.regions[0] = memory(0, 0x1000);
        assert!(plan(&manifest(ALL), &device, &[]).is_err());
        device.regions[0] = None;
        assert!(plan(&manifest(ALL), &device, &[]).is_err());
    }
}
