//! A daemon that is kept running.

use std::io::{Error, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libredox::Fd;
use ochre_spawn::{Process, Spawn};

/// Descriptor, in the daemon, of the pipe on which it says that it is ready.
const NOTIFY: usize = 3;

/// A daemon that dies sooner than this after its start is started again only after this.
const PAUSE: Duration = Duration::from_secs(1);

/// A daemon that is started again when it dies.
pub struct Service {
    program: Program,
    /// The process that runs, or ran last.
    process: Mutex<Arc<Process>>,
}

struct Program {
    path: String,
    args: Vec<String>,
    image: Vec<u8>,
    namespace: usize,
}

impl Service {
    /// Starts a daemon and waits until it says that it is ready. An error when it ends without doing so.
    pub fn start(path: &str, args: &[&str], namespace: usize) -> Result<Arc<Self>> {
        let args = args.iter().map(|&arg| arg.into()).collect();
        let program = Program { path: path.into(), args, image: std::fs::read(path)?, namespace };
        let process = Mutex::new(Arc::new(program.start()?));
        let service = Arc::new(Self { program, process });
        let keeper = service.clone();
        thread::Builder::new().name("keeper".into()).spawn(move || keeper.keep())?;
        Ok(service)
    }

    /// Ends the daemon's process, in the middle of whatever it does.
    pub fn kill(&self) -> Result<()> {
        self.process().kill()
    }

    fn process(&self) -> Arc<Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for the daemon's ends, and starts it again.
    fn keep(&self) {
        let path = &self.program.path;
        loop {
            let started = Instant::now();
            match self.process().wait() {
                Ok(end) => println!("{path}: {end}; it is started again"),
                Err(error) => return println!("{path}: nothing is known about it any more: {error}"),
            }
            thread::sleep(PAUSE.saturating_sub(started.elapsed()));
            let process = loop {
                match self.program.start() {
                    Ok(process) => break process,
                    Err(error) => println!("{path}: {error}"),
                }
                thread::sleep(PAUSE);
            };
            *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(process);
        }
    }
}

impl Program {
    fn start(&self) -> Result<Process> {
        let read = Fd::open("/scheme/pipe", libredox::flag::O_CLOEXEC, 0)?;
        let write = Fd::new(read.dup(b"write")?);
        let spawn = Spawn::new(&self.image, &self.path).namespace(self.namespace);
        let spawn = self.args.iter().fold(spawn, |spawn, arg| spawn.arg(arg));
        let spawn = spawn.env("INIT_NOTIFY", &NOTIFY.to_string()).inherit(write.raw(), NOTIFY);
        let process = spawn.inherit(0, 0).inherit(1, 1).inherit(2, 2).start()?;
        // From here on the only writer is the daemon: the end of the stream means that it is gone.
        drop(write);
        match read.read(&mut [0])? {
            0 => Err(Error::other(format!("{} before it was ready", process.wait()?))),
            _ => Ok(process),
        }
    }
}
