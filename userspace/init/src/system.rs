//! The wiring: units from files, processes, pipes of readiness, the clock, the scheme's socket; all in one event queue.

use std::collections::VecDeque;
use std::io::{Error, Result};
use std::time::{Duration, Instant};

use kernel_core::cmdline::{DEFAULT_INIT, Options};
use libredox::{Fd, call, flag};
use ochre_spawn::{Process, Program};
use scheme_server::syscall::{self, Event as Notice, EventFlags};
use scheme_server::{After, Port, Server};
use services::control::{self, Control};
use services::supervisor::{Effect, Event, Id, Supervisor};
use services::unit::{Ready, Unit};

/// Where the units are.
const UNITS: &str = "/scheme/initfs/etc/init";
/// What is brought up when the boot options name nothing else (`target=NAME`).
const DEFAULT_TARGET: &str = "console";
/// Target of a boot for one program (`init=/PATH`): only what belongs to all targets belongs to it.
const NO_TARGET: &str = "";
/// Where programs are found by name.
const PATH: &str = "/bin:/scheme/initfs/bin";
/// Descriptor, in a service, of the pipe on which it says that it is ready.
const NOTIFY: usize = 3;
/// In a name space that is made: the right to make schemes.
const CREATION: &str = "namespace/scheme-creation-cap";

/// The event queue's own timer: its data is milliseconds, and it comes once (`docs/kernel-schemes.md`, `event`).
const TIMER: usize = usize::MAX - 2;
/// Data of notices: what it is about in the lowest bits, which service above.
const ENDED: usize = 0;
const READY: usize = 1;
const SOCKET: usize = 2;

/// A service's process.
struct Running {
    process: Process,
    /// The pipe on which it says that it is ready, until it has.
    notify: Option<Fd>,
}

/// Init, as it runs.
pub struct System {
    arguments: Vec<String>,
    control: Control,
    server: Server<Port>,
    queue: Fd,
    namespace: usize,
    running: Vec<Option<Running>>,
    started: Instant,
}

impl System {
    /// Reads the units. `arguments` are for the last service.
    pub fn new(arguments: Vec<String>) -> Result<Self> {
        let (units, complaints) = units()?;
        complaints.iter().for_each(|complaint| eprintln!("init: {complaint}"));
        let supervisor = Supervisor::new(wanted(units));
        let running = supervisor.services().iter().map(|_| None).collect();
        let port = Port::nonblocking().map_err(error)?;
        port.register(control::NAME, control::ROOT).map_err(error)?;
        let queue = Fd::open("/scheme/event", flag::O_RDWR | flag::O_CLOEXEC, 0)?;
        let mut system = Self {
            arguments,
            control: Control::new(supervisor),
            server: Server::new(port),
            queue,
            namespace: call::getns()?,
            running,
            started: Instant::now(),
        };
        let socket = system.server.link().socket().inner().raw();
        system.watch(socket, SOCKET)?;
        Ok(system)
    }

    /// Brings the system up, keeps it up, and answers the status to leave with.
    pub fn run(mut self) -> Result<u8> {
        let mut status = self.happened(Event::Boot);
        while status.is_none() {
            if let Some(at) = self.control.supervisor.deadline() {
                let wait = at.saturating_sub(self.now()).as_millis() as usize + 1;
                self.queue.write(&Notice { id: TIMER, flags: EventFlags::EVENT_READ, data: wait })?;
            }
            let mut notice = Notice::default();
            match self.queue.read(&mut notice) {
                Err(error) if error.is_interrupt() => continue,
                other => other?,
            };
            status = self.noticed(&notice)?;
        }
        Ok(status.unwrap_or(0))
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn watch(&self, fd: usize, data: usize) -> Result<()> {
        self.queue.write(&Notice { id: fd, flags: EventFlags::EVENT_READ, data })?;
        Ok(())
    }

    /// From a notice to what it means.
    fn noticed(&mut self, notice: &Notice) -> Result<Option<u8>> {
        if notice.id == TIMER {
            return Ok(self.happened(Event::Tick));
        }
        let id = notice.data >> 2;
        match notice.data & 3 {
            SOCKET => self.serve(),
            ENDED => match self.running.get(id).and_then(Option::as_ref).map(|running| running.process.end()) {
                Some(Ok(Some(end))) => {
                    self.running[id] = None;
                    Ok(self.happened(Event::Ended(id, end)))
                }
                _ => Ok(None),
            },
            READY => Ok(self.said_ready(id)),
            _ => Ok(None),
        }
    }

    /// A byte on the pipe means ready; its end without one means nothing: the process will tell by its own end.
    fn said_ready(&mut self, id: Id) -> Option<u8> {
        let notify = self.running.get_mut(id)?.as_mut()?.notify.take()?;
        match notify.read(&mut [0]) {
            Ok(1) => self.happened(Event::Ready(id)),
            _ => None,
        }
    }

    /// Answers clients, and obeys them.
    fn serve(&mut self) -> Result<Option<u8>> {
        self.control.now = self.now();
        if self.server.drain(&mut self.control).map_err(error)? == After::Closed {
            return Err(Error::other("the socket of the scheme init is gone"));
        }
        while let Some(command) = self.control.take_command() {
            if let Some(status) = self.happened(command) {
                return Ok(Some(status));
            }
        }
        Ok(None)
    }

    /// Tells the supervisor, and does what it says; answers the status to leave with, if it is time.
    fn happened(&mut self, event: Event) -> Option<u8> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = self.now();
            for effect in self.control.supervisor.step(now, event) {
                match effect {
                    Effect::Start(id) => {
                        if let Err(error) = self.start(id) {
                            events.push_back(Event::Failed(id, error.to_string()));
                        }
                    }
                    Effect::Terminate(id) | Effect::Kill(id) => self.kill(id),
                    Effect::Say(text) => eprintln!("init: {text}"),
                    Effect::Leave(status) => {
                        self.reboot();
                        return Some(status);
                    }
                }
            }
        }
        None
    }

    /// Starts the machine again, if that is wanted.
    fn reboot(&self) {
        if self.control.reboots
            && let Err(error) = std::fs::write("/scheme/sys/kstop", "reset")
        {
            eprintln!("init: the machine does not start again: {error}");
        }
    }

    fn kill(&self, id: Id) {
        if let Some(Err(error)) = self.running[id].as_ref().map(|running| running.process.kill()) {
            eprintln!("init: {}: {error}", self.control.supervisor.services()[id].unit.name);
        }
    }

    fn start(&mut self, id: Id) -> Result<()> {
        let unit = &self.control.supervisor.services()[id].unit;
        let program = Program::open(&unit.program)?;
        let own = self.own_namespace(unit)?;
        let namespace = own.as_ref().map_or(self.namespace, Fd::raw);
        let mut spawn = program.spawn(&unit.program).namespace(namespace).credentials(unit.user, unit.group);
        spawn = spawn.reserve(unit.reserve);
        spawn = spawn.env("PATH", PATH).env("RUST_BACKTRACE", "1");
        // There is one user so far.
        spawn = spawn.env("HOME", "/root").env("USER", "root");
        spawn = unit.environment.iter().fold(spawn, |spawn, (name, value)| spawn.env(name, value));
        spawn = unit.arguments.iter().fold(spawn, |spawn, argument| spawn.arg(argument));
        spawn = spawn.inherit(1, 1).inherit(2, 2);
        if unit.last {
            spawn = self.arguments.iter().fold(spawn, |spawn, argument| spawn.arg(argument));
        }
        let null;
        if unit.last || unit.base {
            // What makes `/scheme/null` is base itself.
            spawn = spawn.inherit(0, 0);
        } else {
            null = Fd::open("/scheme/null", flag::O_RDWR | flag::O_CLOEXEC, 0)?;
            spawn = spawn.inherit(null.raw(), 0);
        }
        let pipe = if unit.ready == Ready::Notify { Some(pipe()?) } else { None };
        if let Some((_, write)) = &pipe {
            spawn = spawn.env("INIT_NOTIFY", &NOTIFY.to_string()).inherit(write.raw(), NOTIFY);
        }
        let process = spawn.start()?;
        self.watch(process.descriptor(), id << 2 | ENDED)?;
        let notify = pipe.map(|(read, _)| read);
        if let Some(read) = &notify {
            self.watch(read.raw(), id << 2 | READY)?;
        }
        self.running[id] = Some(Running { process, notify });
        Ok(())
    }

    /// The name space of a service that does not have init's.
    fn own_namespace(&self, unit: &Unit) -> Result<Option<Fd>> {
        let Some(schemes) = &unit.schemes else { return Ok(None) };
        let creation = unit.makes_schemes.then_some(CREATION);
        // A fork (0), then names, each behind its length (`userspace/nsmgr/src/request.rs`).
        let mut argument = 0_usize.to_le_bytes().to_vec();
        for name in schemes.iter().map(String::as_str).chain(creation) {
            argument.extend(name.len().to_le_bytes());
            argument.extend(name.as_bytes());
        }
        Ok(Some(Fd::new(call::dup(self.namespace, &argument)?)))
    }
}

/// A pipe: its reading and its writing end.
fn pipe() -> Result<(Fd, Fd)> {
    let read = Fd::open("/scheme/pipe", flag::O_CLOEXEC | flag::O_NONBLOCK, 0)?;
    let write = Fd::new(read.dup(b"write")?);
    Ok((read, write))
}

/// Those of the units that this boot is for: a target's, or those of all targets and the one program that it was asked for.
fn wanted(units: Vec<Unit>) -> Vec<Unit> {
    let cmdline = std::fs::read_to_string("/scheme/sys/cmdline").unwrap_or_default();
    let options = Options::parse(&cmdline);
    let program = (options.init != DEFAULT_INIT).then(|| Unit::of_program(options.init));
    let default = if program.is_some() { NO_TARGET } else { DEFAULT_TARGET };
    let target = options.value("target").unwrap_or(default);
    let replaced = |unit: &Unit| unit.last && program.is_some();
    let units: Vec<Unit> = units.into_iter().filter(|unit| unit.is_for(target) && !replaced(unit)).collect();
    // In front: of two with one name the first is taken.
    program.into_iter().chain(units).collect()
}

/// All units that can be read, and what is wrong with the others.
fn units() -> Result<(Vec<Unit>, Vec<String>)> {
    let (mut units, mut complaints) = (Vec::new(), Vec::new());
    let entries = std::fs::read_dir(UNITS).map_err(|error| Error::other(format!("{UNITS}: {error}")))?;
    for entry in entries {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".toml"))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()));
        match text.and_then(|text| Unit::parse(name, &text)) {
            Ok(unit) => units.push(unit),
            Err(complaint) => complaints.push(complaint),
        }
    }
    Ok((units, complaints))
}

fn error(error: syscall::Error) -> Error {
    Error::from_raw_os_error(error.errno)
}
