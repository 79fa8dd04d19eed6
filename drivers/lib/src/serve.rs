//! The loop of a driver: waits for interrupts, for a scheme's requests, for whatever else the driver watches, and for the end of
//! its starter, all in one event queue.
#![allow(unsafe_code)]

use libredox::Fd;
use redox_scheme::Socket;
use scheme_server::{After, Port, Scheme, Server, notify_ready};
use syscall::error::{EAGAIN, EBADF, EINTR, ENODEV, ESHUTDOWN, Error, Result};
use syscall::flag::{EVENT_TIMEOUT_ID, EventFlags};

use crate::{Driver, Grant, Granted, Input, Source};

/// An interrupt.
#[derive(Clone, Copy, Debug)]
pub struct Interrupt(usize);

impl Interrupt {
    /// What was granted.
    pub fn new(granted: Granted) -> Self {
        Self(granted.fd)
    }

    /// The count of interrupts, if it has changed since this was asked last.
    fn take(self) -> Result<Option<[u8; 8]>> {
        let mut count = [0; 8];
        match libredox::call::read(self.0, &mut count) {
            Ok(_) => Ok(Some(count)),
            Err(error) if matches!(error.errno(), EAGAIN | EINTR) => Ok(None),
            Err(error) => Err(Error::new(error.errno())),
        }
    }

    /// Lets a line through that is held back since its interrupt. The device has been quieted.
    fn acknowledge(self, count: [u8; 8]) -> Result<()> {
        libredox::call::write(self.0, &count).map(drop).map_err(|error| Error::new(error.errno()))
    }
}

/// What an event means, packed into the word that comes with it: kind in the upper half, number in the lower.
mod token {
    pub const LEASH: usize = 0;
    pub const SCHEME: usize = 1 << 32;
    pub const INTERRUPT: usize = 2 << 32;
    pub const INPUT: usize = 3 << 32;
    pub const NUMBER: usize = (1 << 32) - 1;
}

/// The event queue and what is watched by it.
struct Loop {
    queue: Fd,
    interrupts: Vec<Interrupt>,
}

impl Loop {
    fn new(grant: &Grant) -> Result<Self> {
        let queue = Fd::new(grant.get("events").ok_or(Error::new(EBADF))?.fd);
        let it = Self { queue, interrupts: grant.interrupts().map(Interrupt::new).collect() };
        if let Some(leash) = grant.get("leash") {
            it.watch(leash.fd, token::LEASH)?;
        }
        for (number, interrupt) in it.interrupts.iter().enumerate() {
            it.watch(interrupt.0, token::INTERRUPT | number)?;
        }
        Ok(it)
    }

    fn watch(&self, id: usize, data: usize) -> Result<()> {
        self.subscribe(syscall::Event { id, flags: EventFlags::EVENT_READ, data })
    }

    fn subscribe(&self, event: syscall::Event) -> Result<()> {
        self.queue.write(&event).map(drop).map_err(|error| Error::new(error.errno()))
    }

    /// Waits for the next thing; none when the wait was interrupted. `ESHUTDOWN`: the starter is gone.
    fn wait(&self, driver: &mut impl Driver) -> Result<Option<(usize, usize)>> {
        while let Some(Input { fd, number }) = driver.new_input() {
            self.watch(fd, token::INPUT | number)?;
        }
        if let Some(data) = driver.wake_after() {
            self.subscribe(syscall::Event {
                id: EVENT_TIMEOUT_ID,
                flags: EventFlags::EVENT_READ,
                data: data as usize,
            })?;
        }
        let mut event = syscall::Event::default();
        match self.queue.read(&mut event) {
            Ok(_) => {}
            Err(error) if error.errno() == EINTR => return Ok(None),
            Err(error) => return Err(Error::new(error.errno())),
        }
        match (event.id, event.data) {
            (EVENT_TIMEOUT_ID, _) => Ok(Some((event.id, 0))),
            (_, token::LEASH) => Err(Error::new(ESHUTDOWN)),
            (id, data) => Ok(Some((id, data))),
        }
    }

    fn tell(&self, driver: &mut impl Driver, (id, data): (usize, usize)) -> Result<()> {
        let number = data & token::NUMBER;
        if id == EVENT_TIMEOUT_ID {
            return driver.happened(Source::Time);
        }
        if data & !token::NUMBER == token::INPUT {
            return driver.happened(Source::Input(number));
        }
        let Some(interrupt) = self.interrupts.get(number) else { return Ok(()) };
        while let Some(count) = interrupt.take()? {
            driver.happened(Source::Interrupt(number))?;
            interrupt.acknowledge(count)?;
        }
        Ok(())
    }
}

/// Runs a driver that serves no scheme: says that it is ready, and tells it what happens until it fails or its starter is gone.
pub fn run(grant: &Grant, driver: &mut impl Driver) -> Result<()> {
    let events = Loop::new(grant)?;
    notify_ready();
    loop {
        if let Some(event) = events.wait(driver)? {
            events.tell(driver, event)?;
        }
    }
}

/// As [`run`], for a driver that serves the scheme whose socket it was given.
pub fn serve<D: Driver + Scheme>(grant: &Grant, driver: &mut D) -> Result<()> {
    let events = Loop::new(grant)?;
    let socket = grant.get("scheme").ok_or(Error::new(EBADF))?.fd;
    events.watch(socket, token::SCHEME)?;
    // SAFETY: the descriptor is this process's own, and nothing else uses it.
    let socket = unsafe { Socket::from_fd(Fd::new(socket)) };
    let mut server = Server::new(Port::from_socket(socket));
    // The first look is what makes the scheme one that clients' messages go to.
    server.drain(driver)?;
    notify_ready();
    loop {
        let Some(event) = events.wait(driver)? else { continue };
        if event.1 != token::SCHEME || event.0 == EVENT_TIMEOUT_ID {
            events.tell(driver, event)?;
            server.settle(driver)?;
        } else if server.drain(driver)? == After::Closed {
            return Err(Error::new(ENODEV));
        }
    }
}
