//! The display server with a graphics driver's screen and the input daemon's devices. Both may come later, and go and come again.

use std::io::Result;

use super::input::Devices;
use super::screen::DriverScreen;
use super::server::{FROM_KEEPER, OTHERS, Server};
use crate::theme::Themes;

/// What the queue says of the screen and the devices.
const FROM_SCREEN: usize = OTHERS;
const FROM_INPUT: usize = OTHERS + 1;
/// Milliseconds until what is missing is looked for again.
const LOOK_AGAIN: u64 = 100;

/// The server and its devices.
struct Desktop {
    server: Server<DriverScreen>,
    devices: Devices,
}

/// Serves until the keeper is gone.
pub fn run(themes: Themes) -> Result<()> {
    let mut screen = DriverScreen::default();
    let descriptor = screen.look();
    let server = Server::new(screen, themes)?;
    if let Some(descriptor) = descriptor {
        server.queue.watch(descriptor, FROM_SCREEN)?;
    }
    let mut desktop = Desktop { server, devices: Devices::default() };
    desktop.server.hear()?;
    scheme_server::notify_ready();
    loop {
        desktop.look()?;
        desktop.server.paint()?;
        desktop.wait()?;
        desktop.server.save();
    }
}

impl Desktop {
    /// Looks for what is missing.
    fn look(&mut self) -> Result<()> {
        let Server { display, timer, queue } = &mut self.server;
        let now = timer.now();
        if let Some(descriptor) = display.screen.look() {
            queue.watch(descriptor, FROM_SCREEN)?;
            display.screen_came(now);
        }
        if let Some(descriptor) = self.devices.look() {
            queue.watch(descriptor, FROM_INPUT)?;
        }
        if display.screen.is_missing() || self.devices.is_missing() {
            timer.arm(now + LOOK_AGAIN)?;
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let mark = self.server.queue.next()?;
        let Server { display, timer, .. } = &mut self.server;
        let now = timer.now();
        match mark {
            FROM_KEEPER => self.server.hear()?,
            FROM_SCREEN => {
                if display.screen.attend() {
                    display.screen_changed(now);
                }
            }
            FROM_INPUT => {
                for input in self.devices.hear() {
                    display.input(input, now);
                }
            }
            _ => timer.woken(),
        }
        Ok(())
    }
}
