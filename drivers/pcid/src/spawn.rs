//! Starting a driver: everything that it is to have is opened here and given to it, and its name space holds what its file names.

use std::io::{Error, Result};

use driver::{DRIVER_USER, Grant, Granted, Signal, VARIABLE};
use libredox::flag::{O_CLOEXEC, O_NONBLOCK, O_RDWR, O_WRONLY};
use libredox::{Fd, call};
use ochre_spawn::{Process, Program};
use pci::config::Config;
use pci::control;
use pci::function::Function;
use pci::manifest::Manifest;
use pci::plan::Plan;
use scheme_server::Port;

use crate::machine::{map_table, message, open, open_interrupt};

/// Where programs are.
const PROGRAMS: &str = "/scheme/initfs/bin";
/// Descriptor, in the driver, of the pipe on which it says that it is ready.
const NOTIFY: usize = 3;
/// First of the others.
const FIRST: usize = 4;
/// Number of the root that every driver's scheme opens from.
const ROOT: usize = driver::SCHEME_ROOT;

/// A driver that was started, and what is to be kept or closed when it has ended.
pub struct Started {
    /// Its process.
    pub process: Process,
    /// Ends when the driver has said that it is ready, or has ended.
    pub ready: Fd,
    /// Its end of the leash: closed with this process.
    _leash: Fd,
    /// Interrupts, which nobody else is to get as long as the device may raise them.
    _interrupts: Vec<Fd>,
}

/// What a driver gets, while it is gathered.
struct Parcel {
    grant: Grant,
    /// Descriptors in the order of their numbers in the driver, from [`FIRST`] on.
    fds: Vec<Fd>,
}

impl Parcel {
    fn add(&mut self, name: &str, fd: Fd, len: usize, offset: usize) {
        self.grant.add(name, Granted { fd: FIRST + self.fds.len(), len, offset });
        self.fds.push(fd);
    }

    fn add_opened(&mut self, name: &str, path: &str) -> Result<()> {
        // Drivers wait for several things at once, so for none alone.
        let fd = Fd::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0).map_err(Error::from);
        let fd = fd.map_err(|error| Error::other(format!("{path}: {error}")))?;
        let len = fd.stat().map_or(0, |stat| stat.st_size as usize);
        self.add(name, fd, len, 0);
        Ok(())
    }
}

/// A device with a driver: a function with what it is given of it, or none for a fixed device.
pub type OnBus<'a> = Option<(&'a dyn Config, &'a Function, &'a Plan)>;

/// Starts the driver of `device`.
pub fn start(manifest: &Manifest, device: &str, on_bus: OnBus<'_>) -> Result<Started> {
    let program = Program::open(&format!("{PROGRAMS}/{}", manifest.program))?;
    let mut parcel = Parcel { grant: Grant::new(device), fds: Vec::new() };
    let (leash, leash_end) = pipe()?;
    parcel.add("leash", leash, 0, 0);
    parcel.add("events", open("/scheme/event")?, 0, 0);
    for (name, path) in &manifest.grant.open {
        parcel.add_opened(name, path)?;
    }
    if manifest.grant.dma {
        parcel.add_opened("dma", "/scheme/memory/zeroed?phys_contiguous")?;
        parcel.add_opened("translation", "/scheme/memory/translation")?;
    }
    if let Some(name) = manifest.scheme_for(device) {
        let port = Port::nonblocking().map_err(io)?;
        port.register(&name, ROOT).map_err(|error| Error::other(format!("the scheme {name}: {}", io(error))))?;
        // Only the driver is to have it, so that the scheme ends with it: this process's own goes with the parcel.
        parcel.add("scheme", Fd::new(port.socket().inner().dup(b"")?), 0, 0);
    }
    let interrupts = match on_bus {
        Some((config, function, plan)) => give_device(&mut parcel, config, function, plan)?,
        None => Vec::new(),
    };
    let (ready, notify) = pipe()?;
    let process = spawn(&program, manifest, &parcel, &notify)?;
    Ok(Started { process, ready, _leash: leash_end, _interrupts: interrupts })
}

/// Regions and interrupts; answers the interrupts, for keeping.
fn give_device(parcel: &mut Parcel, config: &dyn Config, function: &Function, plan: &Plan) -> Result<Vec<Fd>> {
    for bar in &plan.bars {
        let range = open(&format!("/scheme/memory/{}", bar.path()))?;
        parcel.add(&bar.name(), range, bar.len as usize, bar.offset() as usize);
    }
    let interrupts = open_interrupts(function, plan)?;
    control::allow(config, function.address, plan.allowed);
    let messages = match plan.signal {
        Signal::Msi | Signal::Msix => interrupts.iter().map(message).collect::<Result<Vec<_>>>()?,
        Signal::Line | Signal::None => Vec::new(),
    };
    match (plan.signal, function.msi, function.msix) {
        (Signal::Msix, _, Some(msix)) => msix.enable(config, function.address, &map_table(function)?, &messages),
        (Signal::Msi, Some(msi), _) if !msi.enable(config, function.address, messages[0]) => {
            return Err(Error::other("it cannot reach where messages go"));
        }
        _ => {}
    }
    for (number, interrupt) in interrupts.iter().enumerate() {
        parcel.add(&format!("irq{number}"), Fd::new(interrupt.dup(b"")?), 0, 0);
    }
    parcel.grant.signal = plan.signal;
    parcel.grant.config = Some(Function::bytes(config, function.address));
    Ok(interrupts)
}

fn open_interrupts(function: &Function, plan: &Plan) -> Result<Vec<Fd>> {
    let line = function.line.map(|line| line.to_string()).unwrap_or_default();
    let name = if plan.signal == Signal::Line { line.as_str() } else { "msi" };
    (0..plan.interrupts).map(|_| open_interrupt(name)).collect()
}

fn spawn(program: &Program, manifest: &Manifest, parcel: &Parcel, notify: &Fd) -> Result<Process> {
    let namespace = fork_namespace(&manifest.schemes)?;
    let null = open("/scheme/null")?;
    // It may speak; what is typed on the console is not for it.
    let console = Fd::open("/scheme/debug", O_WRONLY | O_CLOEXEC, 0)?;
    let mut spawn = program
        .spawn(&manifest.program)
        .env(VARIABLE, &parcel.grant.text())
        .env("INIT_NOTIFY", &NOTIFY.to_string())
        .namespace(namespace.raw())
        .credentials(DRIVER_USER, DRIVER_USER)
        .inherit(null.raw(), 0)
        .inherit(console.raw(), 1)
        .inherit(console.raw(), 2)
        .inherit(notify.raw(), NOTIFY);
    for (number, fd) in parcel.fds.iter().enumerate() {
        spawn = spawn.inherit(fd.raw(), FIRST + number);
    }
    spawn.start()
}

/// A name space that shows these schemes and lets nobody make others: the argument of `dup` is the word 0 for a fork, then each name
/// behind its length.
fn fork_namespace(schemes: &[String]) -> Result<Fd> {
    let mut argument = 0_usize.to_le_bytes().to_vec();
    for name in schemes {
        argument.extend(name.len().to_le_bytes());
        argument.extend(name.as_bytes());
    }
    Ok(Fd::new(call::dup(call::getns()?, &argument)?))
}

/// A pipe: its reading and its writing end.
fn pipe() -> Result<(Fd, Fd)> {
    let read = Fd::open("/scheme/pipe", O_CLOEXEC, 0)?;
    let write = Fd::new(read.dup(b"write")?);
    Ok((read, write))
}

fn io(error: scheme_server::syscall::Error) -> Error {
    Error::from_raw_os_error(error.errno)
}
