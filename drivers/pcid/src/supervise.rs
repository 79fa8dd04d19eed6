//! Every device's driver: started, watched, started again when it dies. One thread, one event queue: what has ended, what has
//! become ready, what the scheme is asked, and when the next pause is over.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{Error, Result};
use std::rc::Rc;
use std::time::{Duration, Instant};

use driver::say;
use libredox::Fd;
use pci::backoff::Backoff;
use pci::config::Config;
use pci::function::{self, Function};
use pci::manifest::Manifest;
use pci::plan::plan;
use pci::scan;
use pci::scheme::{Devices, File, Pci};
use scheme_server::syscall::error::{EINTR, EIO, ENODEV};
use scheme_server::syscall::flag::{EVENT_TIMEOUT_ID, EventFlags};
use scheme_server::{After, Port, SchemeSync, Server, notify_ready, syscall};

use crate::machine;
use crate::spawn::{OnBus, Started, start};

/// Where drivers' files are.
const MANIFESTS: &str = "/scheme/initfs/etc/drivers";
/// The scheme's name.
const NAME: &str = "pci";
/// What an event is about: the scheme, else a device's end (twice its number and 1) or its readiness (and 2).
const SCHEME: usize = 0;

/// How a device's driver is.
enum State {
    /// There is none for it.
    Unclaimed,
    /// It was started and has not said yet that it is ready.
    Starting(Started),
    /// It is ready.
    Running(Started),
    /// It has died, and is started again then.
    Pausing(Instant),
    /// It has died too often, or could not be started.
    GivenUp(String),
}

/// A device and its driver.
struct Device {
    name: String,
    function: Option<Function>,
    manifest: Option<Rc<Manifest>>,
    state: State,
    /// When the driver was started, and how often before.
    started: Instant,
    starts: usize,
    backoff: Backoff,
}

impl Device {
    fn new(name: String, function: Option<Function>, manifest: Option<Rc<Manifest>>) -> Self {
        // Who has a driver is to be started at once.
        let state = if manifest.is_some() { State::Pausing(Instant::now()) } else { State::Unclaimed };
        let (started, backoff) = (Instant::now(), Backoff::default());
        Device { name, function, manifest, state, started, starts: 0, backoff }
    }

    fn program(&self) -> &str {
        self.manifest.as_ref().map_or("none", |manifest| &manifest.program)
    }
}

/// The bus, its devices, and the queue that tells what happens.
struct Bus {
    config: Box<dyn Config>,
    devices: Vec<Device>,
    queue: Fd,
}

/// Finds everything, starts the drivers, and serves until the scheme ends.
pub fn main() -> Result<()> {
    let (config, first_bus, last_bus) = machine::config()?;
    let found = scan::scan(&*config, first_bus, last_bus);
    let functions: Vec<Function> = found.into_iter().map(|address| Function::read(&*config, address)).collect();
    // Whatever an earlier pcid's drivers or the firmware left running.
    functions.iter().for_each(|function| function::quiet(&*config, function));
    let mut manifests = manifests()?;
    if machine::option("graphics").as_deref() == Some("loader") {
        manifests.retain(|manifest| !manifest.is_for_screens());
    }
    let queue = machine::open("/scheme/event")?;
    let mut scheme = Pci::new(Bus { config, devices: devices(functions, &manifests), queue });
    let port = Port::nonblocking().map_err(io)?;
    port.register(NAME, scheme.scheme_root().map_err(io)?).map_err(io)?;
    let socket = port.socket().inner().raw();
    let mut server = Server::new(port);
    scheme.devices.watch(socket, SCHEME)?;
    // The first look is what makes the scheme one that clients' messages go to.
    server.drain(&mut scheme).map_err(io)?;
    scheme.devices.start_all();
    notify_ready();
    loop {
        match scheme.devices.wait()? {
            Some(SCHEME) if server.drain(&mut scheme).map_err(io)? == After::Closed => {
                return Err(Error::from_raw_os_error(ENODEV));
            }
            Some(SCHEME) | None => {}
            Some(event) if event % 2 == 1 => scheme.devices.ended(event / 2),
            Some(event) => scheme.devices.ready(event / 2 - 1),
        }
        scheme.devices.start_all();
    }
}

/// The drivers' files. One that is wrong is left out, with a line that says why.
fn manifests() -> Result<Vec<Rc<Manifest>>> {
    let mut found = Vec::new();
    let mut paths: Vec<_> = std::fs::read_dir(MANIFESTS)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
        match text.and_then(|text| Manifest::parse(&text)) {
            Ok(manifest) => found.push(Rc::new(manifest)),
            Err(error) => say!("pcid: {}: {error}", path.display()),
        }
    }
    Ok(found)
}

/// Each function with the driver that fits it best, then the fixed devices.
fn devices(functions: Vec<Function>, manifests: &[Rc<Manifest>]) -> Vec<Device> {
    let best = |function: &Function| {
        let fits = manifests.iter().filter_map(|manifest| Some((manifest.fits(function)?, manifest)));
        fits.max_by_key(|(how_well, _)| *how_well).map(|(_, manifest)| manifest.clone())
    };
    let on_bus = functions.into_iter().map(|function| {
        let manifest = if function.bridge { None } else { best(&function) };
        Device::new(function.address.to_string(), Some(function), manifest)
    });
    let fixed = manifests
        .iter()
        .filter_map(|manifest| manifest.fixed().map(|name| Device::new(name.into(), None, Some(manifest.clone()))));
    on_bus.chain(fixed).collect()
}

impl Bus {
    fn watch(&self, id: usize, data: usize) -> Result<()> {
        self.queue.write(&syscall::Event { id, flags: EventFlags::EVENT_READ, data })?;
        Ok(())
    }

    /// Waits until something happens, or the next pause is over: then none.
    fn wait(&self) -> Result<Option<usize>> {
        let pauses = self.devices.iter().filter_map(|device| match device.state {
            State::Pausing(until) => Some(until.saturating_duration_since(Instant::now())),
            _ => None,
        });
        if let Some(pause) = pauses.min() {
            let data = pause.as_millis() as usize + 1;
            self.queue.write(&syscall::Event { id: EVENT_TIMEOUT_ID, flags: EventFlags::EVENT_READ, data })?;
        }
        let mut event = syscall::Event::default();
        match self.queue.read(&mut event) {
            Err(error) if error.errno() != EINTR => Err(error.into()),
            Ok(_) if event.id != EVENT_TIMEOUT_ID => Ok(Some(event.data)),
            _ => Ok(None),
        }
    }

    /// Starts the drivers whose time has come.
    fn start_all(&mut self) {
        let now = Instant::now();
        for number in 0..self.devices.len() {
            if matches!(self.devices[number].state, State::Pausing(until) if until <= now) {
                self.start(number);
            }
        }
    }

    fn start(&mut self, number: usize) {
        let state = match self.try_start(number) {
            Ok(started) => State::Starting(started),
            Err(error) => {
                self.quiet(number);
                self.failed(number, Duration::ZERO, &format!("does not start: {error}"))
            }
        };
        let device = &mut self.devices[number];
        (device.state, device.started) = (state, Instant::now());
        device.starts += 1;
    }

    fn try_start(&self, number: usize) -> Result<Started> {
        let device = &self.devices[number];
        let manifest = device.manifest.as_ref().ok_or_else(|| Error::from_raw_os_error(ENODEV))?;
        let functions: Vec<Function> = self.devices.iter().filter_map(|device| device.function.clone()).collect();
        let plan = match &device.function {
            Some(function) => Some((function, plan(manifest, function, &functions).map_err(Error::other)?)),
            None => None,
        };
        let on_bus: OnBus<'_> = plan.as_ref().map(|(function, plan)| (&*self.config, *function, plan));
        let started = start(manifest, &device.name, on_bus)?;
        self.watch(started.process.descriptor(), number * 2 + 1)?;
        self.watch(started.ready.raw(), number * 2 + 2)?;
        Ok(started)
    }

    /// What becomes of a driver that has died or could not be started.
    fn failed(&mut self, number: usize, ran: Duration, why: &str) -> State {
        let device = &mut self.devices[number];
        let program = device.program().to_string();
        // A fixed device whose parts are not there is not in this machine: its file tells.
        if device.function.is_none() && ran.is_zero() && device.starts == 0 {
            return State::GivenUp(format!("not here: {why}"));
        }
        match device.backoff.died_after(ran) {
            Some(pause) => {
                say!("pcid: {}: {program} {why}; it is started again", device.name);
                State::Pausing(Instant::now() + pause)
            }
            None => {
                say!("pcid: {}: {program} {why}, too often; it is left alone", device.name);
                State::GivenUp(why.into())
            }
        }
    }

    fn quiet(&self, number: usize) {
        if let Some(function) = &self.devices[number].function {
            function::quiet(&*self.config, function);
        }
    }

    /// A driver has ended, if this is not about one before it.
    fn ended(&mut self, number: usize) {
        let Some(device) = self.devices.get(number) else { return };
        let (State::Starting(started) | State::Running(started)) = &device.state else { return };
        let Ok(Some(end)) = started.process.end() else { return };
        let ran = device.started.elapsed();
        // First the device, then the interrupts, which go with the state.
        self.quiet(number);
        self.devices[number].state = self.failed(number, ran, &end.to_string());
    }

    /// A driver has said that it is ready. That the pipe has ended means nothing more than that the driver has.
    fn ready(&mut self, number: usize) {
        let Some(device) = self.devices.get_mut(number) else { return };
        let State::Starting(started) = &device.state else { return };
        if !matches!(started.ready.read(&mut [0]), Ok(1)) {
            return;
        }
        if let State::Starting(started) = std::mem::replace(&mut device.state, State::Unclaimed) {
            device.state = State::Running(started);
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.devices.iter().position(|device| device.name == name)
    }
}

fn io(error: syscall::Error) -> Error {
    Error::from_raw_os_error(error.errno)
}

impl Devices for Bus {
    fn names(&self) -> Vec<String> {
        self.devices.iter().map(|device| device.name.clone()).collect()
    }

    fn read(&self, name: &str, file: File) -> Option<Vec<u8>> {
        let device = &self.devices[self.find(name)?];
        match (file, &device.function) {
            (File::Driver, _) => Some(driver_line(device).into_bytes()),
            (File::Info, Some(function)) => Some(info(function).into_bytes()),
            (File::Info, None) => Some(b"fixed\n".into()),
            (File::Config, Some(function)) => {
                let words = (0..self.config.size()).step_by(4);
                Some(words.flat_map(|at| self.config.read32(function.address, at).to_le_bytes()).collect())
            }
            (File::Config, None) => None,
        }
    }

    fn restart(&mut self, name: &str) -> syscall::error::Result<()> {
        let number = self.find(name).ok_or(syscall::Error::new(ENODEV))?;
        match &self.devices[number].state {
            State::Unclaimed => Err(syscall::Error::new(ENODEV)),
            // Its end is noticed as any other.
            State::Starting(started) | State::Running(started) => {
                started.process.kill().map_err(|_| syscall::Error::new(EIO))
            }
            State::Pausing(_) | State::GivenUp(_) => {
                let device = &mut self.devices[number];
                (device.backoff, device.state) = (Backoff::default(), State::Pausing(Instant::now()));
                Ok(())
            }
        }
    }
}

fn driver_line(device: &Device) -> String {
    let state = match &device.state {
        State::Unclaimed => return "none\n".into(),
        State::Starting(_) => "starting",
        State::Running(_) => "running",
        State::Pausing(_) => "pausing",
        State::GivenUp(why) => return format!("{} given up: {why}\n", device.program()),
    };
    format!("{} {state}, started {} times\n", device.program(), device.starts)
}

/// What a function is, in `name value` lines.
fn info(function: &Function) -> String {
    let [class, subclass, interface] = function.class;
    let mut text = format!("id {:04x}:{:04x}\n", function.id.0, function.id.1);
    let mut line = |arguments: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = text.write_fmt(arguments);
    };
    line(format_args!("subsystem {:04x}:{:04x}\n", function.subsystem.0, function.subsystem.1));
    line(format_args!("class {class:02x}.{subclass:02x}.{interface:02x}\nrevision {:02x}\n", function.revision));
    let regions: BTreeMap<usize, _> = function.regions.iter().enumerate().collect();
    for (number, region) in regions.into_iter().filter_map(|(number, region)| Some((number, (*region)?))) {
        let kind = if region.ports { "ports" } else { "memory" };
        line(format_args!("bar{number} {kind} {:#x} {:#x}\n", region.base, region.size));
    }
    if let Some(number) = function.line {
        line(format_args!("line {number}\n"));
    }
    if function.msi.is_some() {
        line(format_args!("msi\n"));
    }
    if let Some(msix) = function.msix {
        line(format_args!("msix {}\n", msix.count));
    }
    text
}
