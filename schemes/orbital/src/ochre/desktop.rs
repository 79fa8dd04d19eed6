//! The display server with a graphics driver's screen and the input daemon's devices. Both may come later, and go and come again.

use std::io::Result;
use std::path::Path;

use super::input::Devices;
use super::link::Keeper;
use super::queue::Queue;
use super::screen::DriverScreen;
use super::timer::Timer;
use crate::display::Display;
use crate::paint::fonts;
use crate::paint::text::Text;
use crate::screen;
use crate::theme::Themes;

/// Where the screen is saved.
const CAPTURES: &str = "/tmp";
/// What the queue says of each descriptor.
const FROM_KEEPER: usize = 0;
const FROM_SCREEN: usize = 1;
const FROM_INPUT: usize = 2;
const FROM_TIMER: usize = 3;
/// Milliseconds until what is missing is looked for again.
const LOOK_AGAIN: u64 = 100;

/// The server and what it waits for.
struct Desktop {
    display: Display<Keeper, DriverScreen>,
    devices: Devices,
    timer: Timer,
    queue: Queue,
}

/// Serves until the keeper is gone.
pub fn run(themes: Themes) -> Result<()> {
    let keeper = Keeper::connect()?;
    let timer = Timer::new()?;
    let queue = Queue::new()?;
    queue.watch(keeper.descriptor(), FROM_KEEPER)?;
    queue.watch(timer.descriptor(), FROM_TIMER)?;
    let mut screen = DriverScreen::default();
    if let Some(descriptor) = screen.look() {
        queue.watch(descriptor, FROM_SCREEN)?;
    }
    let display = Display::new(keeper, screen, themes, Text::new(fonts::load()));
    let mut server = Desktop { display, devices: Devices::default(), timer, queue };
    server.hear()?;
    scheme_server::notify_ready();
    loop {
        server.look()?;
        server.paint()?;
        server.wait()?;
    }
}

impl Desktop {
    /// Looks for what is missing.
    fn look(&mut self) -> Result<()> {
        let now = self.timer.now();
        if let Some(descriptor) = self.display.screen.look() {
            self.queue.watch(descriptor, FROM_SCREEN)?;
            self.display.screen_came(now);
        }
        if let Some(descriptor) = self.devices.look() {
            self.queue.watch(descriptor, FROM_INPUT)?;
        }
        if self.display.screen.is_missing() || self.devices.is_missing() {
            self.timer.arm(now + LOOK_AGAIN)?;
        }
        Ok(())
    }

    /// Paints if it is time, else sees to being woken when it is.
    fn paint(&mut self) -> Result<()> {
        let now = self.timer.now();
        match self.display.due(now) {
            Some(due) if due <= now => self.display.frame(now),
            Some(due) => self.timer.arm(due)?,
            None => {}
        }
        Ok(())
    }

    /// Takes what the keeper has to say. The first time clients learn from the answer what screen there is.
    fn hear(&mut self) -> Result<()> {
        let notices = self.display.link.hear()?;
        self.display.notices(notices, self.timer.now());
        Ok(())
    }

    fn wait(&mut self) -> Result<()> {
        let mark = self.queue.next()?;
        let now = self.timer.now();
        match mark {
            FROM_KEEPER => self.hear()?,
            FROM_SCREEN => {
                if self.display.screen.attend() {
                    self.display.screen_changed(now);
                }
            }
            FROM_INPUT => {
                for input in self.devices.hear() {
                    self.display.input(input, now);
                }
            }
            _ => self.timer.woken(),
        }
        if self.display.take_capture() {
            match screen::save(self.display.canvas(), Path::new(CAPTURES)) {
                Ok(path) => println!("{}", path.display()),
                Err(error) => eprintln!("orbitald: the screen is not saved: {error}"),
            }
        }
        Ok(())
    }
}
