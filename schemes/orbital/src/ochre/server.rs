//! What the display server is with every kind of screen: the display, and what wakes it.

use std::io::Result;
use std::path::Path;

use super::link::Keeper;
use super::queue::Queue;
use super::timer::Timer;
use crate::display::Display;
use crate::paint::fonts;
use crate::paint::text::Text;
use crate::screen::{self, Screen};
use crate::theme::Themes;

/// Where the screen is saved.
const CAPTURES: &str = "/tmp";
/// What the queue says of each descriptor; from [`OTHERS`] on they are those of the kind of screen.
pub const FROM_KEEPER: usize = 0;
pub const FROM_TIMER: usize = 1;
pub const OTHERS: usize = 2;

/// The server and what it waits for.
pub struct Server<S> {
    pub display: Display<Keeper, S>,
    pub timer: Timer,
    pub queue: Queue,
}

impl<S: Screen> Server<S> {
    /// A server on a screen.
    pub fn new(screen: S, themes: Themes) -> Result<Self> {
        let keeper = Keeper::connect()?;
        let timer = Timer::new()?;
        let queue = Queue::new()?;
        queue.watch(keeper.descriptor(), FROM_KEEPER)?;
        queue.watch(timer.descriptor(), FROM_TIMER)?;
        let display = Display::new(keeper, screen, themes, Text::new(fonts::load()));
        Ok(Self { display, timer, queue })
    }

    /// Takes what the keeper has to say. The first time clients learn from the answer what screen there is.
    pub fn hear(&mut self) -> Result<()> {
        let notices = self.display.link.hear()?;
        self.display.notices(notices, self.timer.now());
        Ok(())
    }

    /// Paints if it is time, else sees to being woken when it is.
    pub fn paint(&mut self) -> Result<()> {
        let now = self.timer.now();
        match self.display.due(now) {
            Some(due) if due <= now => self.display.frame(now),
            Some(due) => self.timer.arm(due)?,
            None => {}
        }
        Ok(())
    }

    /// Saves the screen, if somebody wants that.
    pub fn save(&mut self) {
        if self.display.take_capture() {
            match screen::save(self.display.canvas(), Path::new(CAPTURES)) {
                Ok(path) => println!("{}", path.display()),
                Err(error) => eprintln!("orbitald: the screen is not saved: {error}"),
            }
        }
    }
}
