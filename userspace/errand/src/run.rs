//! The guest's side of a run.

use std::fs::File;
use std::io::{Error, PipeReader, PipeWriter, Read, Result, Write, pipe};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use errand::files;
use errand::order::{FILES, ORDER, Order};
use errand::wire::{self, INPUT, Kind};

/// Where the boot archive is.
const INITFS: &str = "/scheme/initfs";
/// The console itself, whatever the standard descriptors are.
const CONSOLE: &str = "/scheme/debug";
/// What a shell answers for a program that cannot be started.
const NOT_STARTED: i32 = 126;
/// What it adds to the number of a signal.
const SIGNALED: i32 = 128;
/// How long others who have the program's output may keep silent after the program has ended.
const SILENCE: Duration = Duration::from_millis(300);

/// What happens to the program.
enum Event {
    /// It says something.
    Says(Kind, Vec<u8>),
    /// Nobody can say anything there any more.
    Silent,
    /// It has ended.
    Ended(Result<ExitStatus>),
}

/// Runs what was ordered and tells how it ended.
pub fn main() -> ExitCode {
    match File::options().read(true).write(true).open(CONSOLE).and_then(|console| run(&console)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("errand: {CONSOLE}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// An error is the console's; any other is told there.
fn run(console: &File) -> Result<()> {
    let end = match start(console) {
        Ok(events) => carry(&events, console)?,
        Err(error) => Err(error),
    };
    let (code, words) = match end {
        Ok(end) => (code(end), words(end)),
        Err(error) => (NOT_STARTED, error.to_string()),
    };
    say(console, Kind::Ended, format!("{code} {words}").as_bytes())
}

/// What a shell shows for it.
fn code(end: ExitStatus) -> i32 {
    end.code().or(end.signal().map(|signal| SIGNALED + signal)).unwrap_or(NOT_STARTED)
}

fn words(end: ExitStatus) -> String {
    match end.signal() {
        Some(signal) => format!("ended by signal {signal}"),
        None => format!("exited with status {}", code(end)),
    }
}

fn say(mut console: &File, kind: Kind, bytes: &[u8]) -> Result<()> {
    wire::encode(kind, bytes, |frame| console.write_all(frame))
}

/// Starts the program with a pipe for each of its standard descriptors, and threads that serve them.
fn start(console: &File) -> Result<Receiver<Event>> {
    let order = std::fs::read(format!("{INITFS}/{ORDER}"))?;
    let order = Order::decode(&order).ok_or_else(|| Error::other("the order cannot be read"))?;
    let carried = format!("{INITFS}/{FILES}");
    if std::fs::exists(&carried)? {
        files::unpack(&std::fs::read(&carried)?, Path::new("/"))?;
    }
    let (input, output, error) = (pipe()?, pipe()?, pipe()?);
    let mut command = Command::new(&order.program);
    command.args(&order.args).env_clear().envs(order.env).current_dir(&order.directory);
    command.stdin(input.0).stdout(output.1).stderr(error.1);
    let mut process =
        command.spawn().map_err(|error| Error::new(error.kind(), format!("{}: {error}", order.program)))?;
    // Its ends of the pipes: the end of the output is then the last writer's.
    drop(command);
    say(console, Kind::Started, b"")?;
    let (events, received) = channel();
    hear(output.0, Kind::Out, events.clone());
    hear(error.0, Kind::Err, events.clone());
    feed(console.try_clone()?, input.1);
    thread::spawn(move || events.send(Event::Ended(process.wait())));
    Ok(received)
}

/// Reads what the program says.
fn hear(mut from: PipeReader, kind: Kind, events: Sender<Event>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // An error is the end as well.
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if events.send(Event::Says(kind, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
        // When nobody listens any more there is nobody to be told.
        let _ = events.send(Event::Silent);
    });
}

/// Asks for input and gives it to the program, until there is no more or the program does not want it.
fn feed(mut console: File, mut to: PipeWriter) {
    thread::spawn(move || -> Result<()> {
        let mut buffer = [0; INPUT];
        loop {
            say(&console, Kind::Wants, INPUT.to_string().as_bytes())?;
            let mut len = [0; 2];
            console.read_exact(&mut len)?;
            match buffer.get_mut(..usize::from(u16::from_be_bytes(len))) {
                // The end: the pipe closes with this thread.
                None | Some([]) => return Ok(()),
                Some(bytes) => {
                    console.read_exact(bytes)?;
                    to.write_all(bytes)?;
                }
            }
        }
    });
}

/// Shows what the program says until it has ended, and what others who have its output say shortly after. The outer error is
/// the console's.
fn carry(events: &Receiver<Event>, console: &File) -> Result<Result<ExitStatus>> {
    let mut open = 2;
    let mut ended = None;
    while open > 0 || ended.is_none() {
        let event = match ended {
            None => events.recv().map_err(Error::other)?,
            Some(_) => match events.recv_timeout(SILENCE) {
                Ok(event) => event,
                Err(_) => break,
            },
        };
        match event {
            Event::Says(kind, bytes) => say(console, kind, &bytes)?,
            Event::Silent => open -= 1,
            Event::Ended(end) => ended = Some(end),
        }
    }
    ended.ok_or_else(|| Error::other("nothing is known about the program any more"))
}
