//! A running QEMU: its child process, what the guest says on the serial line, and the way to its control socket.
//!
//! A machine never outlives its [`Machine`], and is killed when its time is up. What the guest says is kept line by line with
//! the time when it came.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wait_timeout::ChildExt;

use crate::qmp::Qmp;

/// Ends the child when the driver itself is killed (util-linux).
const SETPRIV: &str = "/usr/bin/setpriv";

/// No case says more than this; what comes behind it is not kept.
const MOST_BYTES: usize = 16 << 20;

/// What has come from the serial line.
#[derive(Debug, Default)]
struct Heard {
    bytes: Vec<u8>,
    /// Where in `bytes` each piece ends, and when it came.
    times: Vec<(usize, Duration)>,
    /// QEMU has closed its end.
    closed: bool,
}

#[derive(Debug, Default)]
struct Serial {
    heard: Mutex<Heard>,
    more: Condvar,
}

impl Serial {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().expect("nobody panics with the lock")
    }

    fn listen(&self, mut from: impl Read, started: Instant) {
        let mut buffer = [0; 4096];
        // A read error is the end as well: QEMU is gone.
        while let Ok(len @ 1..) = from.read(&mut buffer) {
            let mut heard = self.lock();
            if heard.bytes.len() > MOST_BYTES {
                continue;
            }
            heard.bytes.extend_from_slice(&buffer[..len]);
            let end = heard.bytes.len();
            heard.times.push((end, started.elapsed()));
            self.more.notify_all();
        }
        self.lock().closed = true;
        self.more.notify_all();
    }
}

/// How a machine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// QEMU ended with this status; `None` when a signal killed it.
    Status(Option<i32>),
    /// It was still there when the driver had seen and done everything.
    Stayed,
    /// It was still there when its time was up.
    TimedOut,
}

/// A machine that runs.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    serial: Arc<Serial>,
    threads: Vec<JoinHandle<()>>,
    stderr: Arc<Mutex<String>>,
    deadline: Instant,
    qmp_socket: PathBuf,
    qmp: Option<Qmp>,
    /// How far [`Machine::wait_for`] has got in what was said.
    read_to: usize,
}

impl Machine {
    /// Starts QEMU with these arguments; it has this long. Its standard output, which should be the guest's serial line, is heard.
    pub fn start(arguments: &[String], qmp_socket: &Path, limit: Duration) -> Result<Self, String> {
        let started = Instant::now();
        let mut machine = Self::spawn(arguments, Stdio::null(), qmp_socket, started + limit)?;
        if let Some(stdout) = machine.child.stdout.take() {
            let serial = machine.serial.clone();
            machine.threads.push(std::thread::spawn(move || serial.listen(stdout, started)));
        }
        Ok(machine)
    }

    /// Starts QEMU and leaves it to the caller to write its standard input and read its standard output. Nothing is heard then.
    pub fn start_open(
        arguments: &[String],
        qmp_socket: &Path,
        limit: Duration,
    ) -> Result<(Self, ChildStdin, ChildStdout), String> {
        let mut machine = Self::spawn(arguments, Stdio::piped(), qmp_socket, Instant::now() + limit)?;
        match (machine.child.stdin.take(), machine.child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((machine, stdin, stdout)),
            _ => Err("QEMU has no standard input and output".into()),
        }
    }

    fn spawn(arguments: &[String], stdin: Stdio, qmp_socket: &Path, deadline: Instant) -> Result<Self, String> {
        let qemu = std::env::var("QEMU").unwrap_or_else(|_| "qemu-system-x86_64".into());
        let mut command = if Path::new(SETPRIV).is_file() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "KILL", "--", &qemu]);
            command
        } else {
            Command::new(&qemu)
        };
        command.args(arguments).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{qemu}: {error}"))?;
        let complaints = Arc::new(Mutex::new(String::new()));
        let mut threads = Vec::new();
        if let Some(mut stderr) = child.stderr.take() {
            let complaints = complaints.clone();
            threads.push(std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What was read before an error still counts.
                let _ = stderr.read_to_end(&mut bytes);
                *complaints.lock().expect("nobody panics with the lock") = String::from_utf8_lossy(&bytes).into();
            }));
        }
        Ok(Machine {
            child,
            serial: Arc::default(),
            threads,
            stderr: complaints,
            deadline,
            qmp_socket: qmp_socket.into(),
            qmp: None,
            read_to: 0,
        })
    }

    /// Time that is left.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits until the guest says `text`, behind what an earlier call waited for.
    pub fn wait_for(&mut self, text: &str) -> Result<(), String> {
        match self.hear(text, self.deadline) {
            Some(true) => Ok(()),
            Some(false) => Err(format!("QEMU ended while {text:?} was waited for")),
            None => Err(format!("no time left while {text:?} was waited for")),
        }
    }

    /// The same, but only so long. Answers whether it was said.
    pub fn wait_at_most_for(&mut self, text: &str, time: Duration) -> bool {
        self.hear(text, self.deadline.min(Instant::now() + time)) == Some(true)
    }

    /// Whether `text` is said before QEMU ends; nothing when neither happens in time.
    fn hear(&mut self, text: &str, deadline: Instant) -> Option<bool> {
        let mut heard = self.serial.lock();
        let mut searched = self.read_to;
        loop {
            if let Some(at) = find(&heard.bytes[searched..], text.as_bytes()) {
                self.read_to = searched + at + text.len();
                return Some(true);
            }
            // The guest may be in the middle of `text`.
            searched = searched.max((heard.bytes.len() + 1).saturating_sub(text.len()));
            let left = deadline.saturating_duration_since(Instant::now());
            if heard.closed {
                return Some(false);
            }
            if left.is_zero() {
                return None;
            }
            heard = self.serial.more.wait_timeout(heard, left).expect("nobody panics with the lock").0;
        }
    }

    /// Waits until all of these have been said in this order, from the beginning.
    pub fn wait_for_all(&mut self, texts: &[String]) -> Result<(), String> {
        self.read_to = 0;
        texts.iter().try_for_each(|text| self.wait_for(text))
    }

    /// QEMU's control connection.
    pub fn qmp(&mut self) -> Result<&mut Qmp, String> {
        if self.qmp.is_none() {
            self.qmp = Some(Qmp::connect(&self.qmp_socket)?);
        }
        self.qmp.as_mut().ok_or_else(|| "no control connection".into())
    }

    /// Waits until QEMU ends by itself, or its time is up; then it is still there.
    pub fn wait(&mut self) -> Result<Ended, String> {
        self.wait_at_most(self.left(), Ended::TimedOut)
    }

    /// Whether QEMU is still there. A guest that is about to end by itself, by a triple fault for example, has a moment to do so.
    pub fn look(&mut self) -> Result<Ended, String> {
        self.wait_at_most(Duration::from_millis(200), Ended::Stayed)
    }

    /// Waits until QEMU ends by itself, or so long; then the answer is `otherwise`.
    pub fn wait_at_most(&mut self, limit: Duration, otherwise: Ended) -> Result<Ended, String> {
        let status = self.child.wait_timeout(limit).map_err(|error| format!("waiting for QEMU: {error}"))?;
        Ok(status.map_or(otherwise, |status| Ended::Status(status.code())))
    }

    /// What QEMU itself has complained about so far.
    pub fn complaints(&self) -> String {
        self.stderr.lock().expect("nobody panics with the lock").clone()
    }

    /// Where each processor is, for the log of a machine that hangs.
    pub fn registers(&mut self) -> Result<String, String> {
        self.qmp()?.monitor("info registers -a")
    }

    fn kill(&mut self) {
        // It may have ended meanwhile: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends QEMU, if it is still there. Answers all that the guest said, and the same with times and QEMU's own complaints for
    /// people to read.
    pub fn finish(mut self) -> (String, String) {
        self.kill();
        for thread in self.threads.drain(..) {
            // A thread that panicked has heard less than all; what it heard is there.
            let _ = thread.join();
        }
        let heard = self.serial.lock();
        let mut log = with_times(&heard);
        if heard.bytes.len() > MOST_BYTES {
            log += "... the guest said more than that\n";
        }
        let complaints = self.stderr.lock().expect("nobody panics with the lock");
        for line in complaints.lines() {
            log += &format!("QEMU: {line}\n");
        }
        (String::from_utf8_lossy(&heard.bytes).into(), log)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}

/// What was said, with the seconds since the start before each line.
fn with_times(heard: &Heard) -> String {
    let mut log = String::new();
    let mut at = 0;
    for line in heard.bytes.split_inclusive(|byte| *byte == b'\n') {
        // The time of the piece that the line began in.
        let piece = heard.times.partition_point(|(end, _)| *end <= at);
        let time = heard.times.get(piece).map_or(0.0, |(_, time)| time.as_secs_f64());
        let text: String = String::from_utf8_lossy(line).chars().filter(|c| !c.is_control() || *c == '\t').collect();
        log += &format!("{time:9.3} {text}\n");
        at += line.len();
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_time_when_they_began() {
        let heard = Heard {
            bytes: b"one\r\ntw\x1bo\nthree".to_vec(),
            times: vec![(2, Duration::from_millis(10)), (7, Duration::from_millis(20)), (15, Duration::from_secs(2))],
            closed: true,
        };
        assert_eq!(with_times(&heard), "    0.010 one\n    0.020 two\n    2.000 three\n");
    }

    #[test]
    fn what_is_waited_for_is_found_across_pieces_and_once() {
        struct Pieces(Vec<&'static [u8]>);
        impl Read for Pieces {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let Some(piece) = self.0.pop() else { return Ok(0) };
                buffer[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            }
        }
        let serial = Serial::default();
        serial.listen(Pieces(vec![b"dy", b"rea"]), Instant::now());
        let heard = serial.lock();
        assert!(heard.closed);
        assert_eq!(find(&heard.bytes, b"ready"), Some(0));
        assert_eq!(find(&heard.bytes[1..], b"ready"), None);
        assert_eq!(heard.times.len(), 2);
    }
}
