//! The wiring: random numbers, the clock, descriptors, the socket.

use std::error::Error;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use ipc::ipc::{Ipc, System};
use ipc::scheme::{ALARM, NAME, ROOT};
use libredox::Fd;
use ochre_socket::{TOKEN, Token};
use scheme_server::{Identifier, Memory, Port, Server, notify_ready};

/// When the daemon is to be woken, for the thread that waits for that.
#[derive(Default)]
struct Alarm {
    at: Mutex<Option<u64>>,
    changed: Condvar,
}

impl Alarm {
    fn lock(&self) -> MutexGuard<'_, Option<u64>> {
        // The time is whole whatever happened to who held it.
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, time: u64) {
        let mut at = self.lock();
        if at.is_none_or(|before| time < before) {
            *at = Some(time);
            self.changed.notify_one();
        }
    }

    /// Waits for the time that is set, and takes it away.
    fn wait(&self, start: Instant) {
        let mut at = self.lock();
        loop {
            let now = nanos(start);
            at = match *at {
                Some(time) if time <= now => {
                    *at = None;
                    return;
                }
                Some(time) => {
                    let rest = Duration::from_nanos(time - now);
                    self.changed.wait_timeout(at, rest).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(at).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

fn nanos(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// This system.
struct Machine {
    start: Instant,
    alarm: Arc<Alarm>,
    random: ChaCha20Rng,
    identifier: Identifier,
    memory: Memory,
}

impl System for Machine {
    fn now(&self) -> u64 {
        nanos(self.start)
    }

    fn wake_at(&mut self, at: u64) {
        self.alarm.set(at);
    }

    fn token(&mut self) -> Token {
        let mut token = [0; TOKEN];
        self.random.fill_bytes(&mut token);
        token
    }

    fn close(&mut self, fd: usize) {
        // Only a number that is none fails.
        let _ = libredox::call::close(fd);
    }

    fn own_number(&mut self, fd: usize) -> Option<usize> {
        self.identifier.number(fd)
    }

    fn has_memory(&mut self, bytes: usize) -> bool {
        self.memory.has(bytes as u64)
    }
}

/// Serves until the socket is closed. The argument, if there is one, is the scheme's name.
pub fn run() -> Result<(), Box<dyn Error>> {
    let told = |what: &'static str| move |error| format!("{what}: {error}");
    let mut seed = [0; 32];
    std::fs::File::open("/scheme/rand")?.read_exact(&mut seed)?;
    let (start, alarm) = (Instant::now(), Arc::new(Alarm::default()));
    let port = Port::new().map_err(told("no socket"))?;
    let bell = Fd::new(port.socket().create_this_scheme_fd(0, ALARM, 0, 0).map_err(told("no alarm"))?);
    let name = std::env::args().nth(1);
    port.register(name.as_deref().unwrap_or(NAME), ROOT).map_err(told("no name"))?;
    let theirs = alarm.clone();
    std::thread::Builder::new().name("alarm".into()).spawn(move || {
        loop {
            theirs.wait(start);
            if bell.write(&[0]).is_err() {
                return;
            }
        }
    })?;
    notify_ready();
    let identifier = port.identifier();
    let memory = Memory::open().map_err(told("the memory cannot be asked"))?;
    let machine = Machine { start, alarm, random: ChaCha20Rng::from_seed(seed), identifier, memory };
    Ok(Server::new(port).run(&mut Ipc::new(machine)).map_err(told("the socket fails"))?)
}
