//! The keeper, by its scheme.

use std::io::{Error, Result};
use std::time::Duration;

use libredox::Fd;
use libredox::errno::{EAGAIN, EBUSY, ENODEV, ENOENT};
use libredox::flag::{O_CLOEXEC, O_NONBLOCK, O_RDWR};

use crate::display::Link;
use crate::raw::Picture;
use crate::wire::{self, Notice, Order, WindowId};

/// The keeper's path for its server.
const PATH: &str = "/scheme/orbital/server";
/// How long to wait for the end of an earlier server, or for a keeper, and how often to look.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// The keeper.
pub struct Keeper {
    descriptor: Fd,
    buffer: Vec<u8>,
}

impl Keeper {
    /// Becomes the keeper's display server.
    pub fn connect() -> Result<Self> {
        let mut tries = PATIENCE.as_millis() / PAUSE.as_millis();
        loop {
            match Fd::open(PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK, 0) {
                Ok(descriptor) => return Ok(Self { descriptor, buffer: vec![0; wire::ROOM] }),
                Err(error) if tries > 0 && [EBUSY, ENODEV, ENOENT].contains(&error.errno()) => {
                    tries -= 1;
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Its descriptor, to be watched.
    pub fn descriptor(&self) -> usize {
        self.descriptor.raw()
    }

    /// All that it has to say now.
    pub fn hear(&mut self) -> Result<Vec<Notice>> {
        let mut notices = Vec::new();
        loop {
            let count = match self.descriptor.read(&mut self.buffer) {
                Ok(count) => count,
                Err(error) if error.errno() == EAGAIN => return Ok(notices),
                Err(error) => return Err(error.into()),
            };
            wire::read(&self.buffer[..count], |notice| notices.push(notice))
                .map_err(|_| Error::other("the keeper is of another build"))?;
        }
    }
}

impl Link for Keeper {
    type Picture = Picture;

    fn say(&mut self, orders: &[Order]) {
        let mut bytes = Vec::new();
        for order in orders {
            wire::write(order, &mut bytes);
        }
        // A keeper that does not listen is gone, which the next reading will tell.
        let _ = self.descriptor.write(&bytes);
    }

    fn map(&mut self, id: WindowId, generation: u32, size: (i32, i32)) -> Option<Picture> {
        let pixels = Fd::new(self.descriptor.dup(format!("pixels/{id}/{generation}").as_bytes()).ok()?);
        Picture::map(pixels.raw() as i32, (size.0 * size.1) as usize).ok()
    }
}
