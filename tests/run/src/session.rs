//! A run: what the guest says is shown as it comes, what it wants to read is sent, and what hangs is looked at.

use std::io::{self, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use errand::wire::{self, Decoder, Kind, Piece};
use ochre_vm::processors;
use ochre_vm::qemu::{Ended, Machine};
use serde_json::json;

use crate::names::Names;

/// Status for a run whose time was up, as `timeout` has it.
pub const TIMED_OUT: u8 = 124;
/// Status for a machine that failed.
pub const FAILED: u8 = 125;
/// How long the guest may take to tell of its threads.
const TELLING: Duration = Duration::from_secs(10);
/// The kernel's last line about them.
const TOLD: &str = "-- end of the threads --";
/// How long a guest may take to switch the machine off when its program has ended.
const LEAVING: Duration = Duration::from_secs(10);
/// What the guest said outside of the program that is kept for a failure.
const KEPT: usize = 1 << 16;

/// What comes of the machine.
enum Event {
    Piece(Piece),
    /// QEMU has closed its end.
    Closed,
}

/// A run that goes on.
pub struct Session<'a> {
    machine: Machine,
    heard: Receiver<Event>,
    wishes: Sender<usize>,
    /// The kernel's symbols.
    symbols: &'a str,
    /// The program's.
    names: &'a Names,
    /// What the guest said outside of the program while nobody was shown it.
    plain: Vec<u8>,
    /// Whether that is shown.
    shown: bool,
}

impl<'a> Session<'a> {
    /// Begins to listen to a machine that has just been started.
    pub fn new(started: (Machine, ChildStdin, ChildStdout), symbols: &'a str, names: &'a Names, verbose: bool) -> Self {
        let (machine, to_guest, from_guest) = started;
        let (events, heard) = channel();
        thread::spawn(move || listen(from_guest, &events));
        let (wishes, wished) = channel();
        // Reads this process's input only when the guest asks for it. It ends with the process.
        thread::spawn(move || feed(&wished, to_guest));
        Session { machine, heard, wishes, symbols, names, plain: Vec::new(), shown: verbose }
    }

    /// Carries on until the program, the machine or the time has ended; answers the status for the caller.
    pub fn run(&mut self) -> Result<u8, String> {
        loop {
            match self.heard.recv_timeout(self.machine.left()) {
                Ok(Event::Piece(Piece::Plain(bytes))) => self.plain(&bytes),
                Ok(Event::Piece(Piece::Frame(kind, bytes))) => {
                    if let Some(status) = self.frame(kind, &bytes)? {
                        return Ok(status);
                    }
                }
                Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => return self.failed(),
                Err(RecvTimeoutError::Timeout) => return self.timed_out(),
            }
        }
    }

    /// Takes a frame; answers the status when the program has ended.
    fn frame(&mut self, kind: Kind, bytes: &[u8]) -> Result<Option<u8>, String> {
        match kind {
            Kind::Out => show(io::stdout(), bytes)?,
            Kind::Err => show(io::stderr(), bytes)?,
            // From here on what others say may have to do with the program.
            Kind::Started => self.shown = true,
            Kind::Wants => {
                let count = str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
                // When the feeder is gone there is no more input: the guest waits in vain, as for a terminal nobody types on.
                let _ = self.wishes.send(count);
            }
            Kind::Ended => return self.ended(bytes).map(Some),
        }
        Ok(None)
    }

    fn ended(&mut self, bytes: &[u8]) -> Result<u8, String> {
        let text = String::from_utf8_lossy(bytes);
        let (code, words) = text.split_once(' ').ok_or("the guest does not tell how the program ended")?;
        let code = code.parse().map_err(|_| format!("the guest tells of an end with {code}"))?;
        if !words.starts_with("exited") {
            eprintln!("ochre-run: {words}");
        }
        if self.machine.wait_at_most(LEAVING.min(self.machine.left()), Ended::Stayed)? == Ended::Stayed {
            eprintln!("ochre-run: the machine did not switch itself off");
        }
        Ok(code)
    }

    fn plain(&mut self, bytes: &[u8]) {
        if self.shown {
            // Who cannot be told anything is told nothing.
            let _ = show(io::stderr(), &without_returns(bytes));
        } else {
            self.plain.extend(bytes);
            let surplus = self.plain.len().saturating_sub(KEPT);
            self.plain.drain(..surplus);
        }
    }

    /// Shows what was not shown so far, and all that comes.
    fn show_plain(&mut self) {
        self.shown = true;
        let plain = std::mem::take(&mut self.plain);
        self.plain(&plain);
    }

    /// The machine has ended before the program.
    fn failed(&mut self) -> Result<u8, String> {
        self.show_plain();
        let ended = self.machine.wait_at_most(LEAVING, Ended::Stayed)?;
        let complaints = self.machine.complaints();
        eprintln!("ochre-run: the machine ended before the program ({ended:?})");
        if !complaints.is_empty() {
            eprint!("QEMU: {complaints}");
        }
        Ok(FAILED)
    }

    /// Lets the kernel tell of its threads, and QEMU of the processors.
    fn timed_out(&mut self) -> Result<u8, String> {
        self.show_plain();
        eprintln!("\nochre-run: not done in time; the state of the machine:");
        let places = self.machine.registers().map(|registers| processors::places(&registers, self.symbols));
        eprint!("{}", places.unwrap_or_else(|error| format!("where the processors are is not known: {error}\n")));
        if let Err(error) = self.machine.qmp().and_then(|qmp| qmp.execute("inject-nmi", json!({}))) {
            eprintln!("ochre-run: the kernel cannot be asked: {error}");
            return Ok(TIMED_OUT);
        }
        self.until_told();
        Ok(TIMED_OUT)
    }

    fn until_told(&mut self) {
        let end = Instant::now() + TELLING;
        let mut told = Vec::new();
        let mut complete = false;
        while let Ok(event) = self.heard.recv_timeout(end.saturating_duration_since(Instant::now())) {
            match event {
                Event::Piece(Piece::Plain(bytes)) => {
                    told.extend(bytes);
                    complete = told.windows(TOLD.len()).any(|window| window == TOLD.as_bytes());
                }
                Event::Piece(Piece::Frame(..)) => {}
                Event::Closed => break,
            }
            if complete {
                break;
            }
        }
        let told = String::from_utf8_lossy(&without_returns(&told)).into_owned();
        eprint!("{}", self.names.add(&told));
        if !complete {
            eprintln!("ochre-run: the kernel does not tell all");
        }
    }
}

fn show(mut to: impl Write, bytes: &[u8]) -> Result<(), String> {
    to.write_all(bytes).and_then(|()| to.flush()).map_err(|error| format!("the program's output: {error}"))
}

/// The console writes a carriage return before each newline.
fn without_returns(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| *byte != b'\r').collect()
}

/// Hears the guest.
fn listen(mut from: impl Read, events: &Sender<Event>) {
    let mut decoder = Decoder::new();
    let mut buffer = [0; 4096];
    // An error is the end as well.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        for piece in decoder.take(&buffer[..count]) {
            if events.send(Event::Piece(piece)).is_err() {
                return;
            }
        }
    }
    // When nobody listens any more there is nobody to be told.
    let _ = events.send(Event::Closed);
}

/// Sends input as it is wished for. What cannot be read is the end of it.
fn feed(wished: &Receiver<usize>, mut to: impl Write) {
    let mut buffer = [0; wire::INPUT];
    for count in wished {
        let most = count.min(buffer.len());
        let read = io::stdin().lock().read(&mut buffer[..most]).unwrap_or(0);
        if to.write_all(&wire::input(&buffer[..read])).and_then(|()| to.flush()).is_err() || read == 0 {
            return;
        }
    }
}
