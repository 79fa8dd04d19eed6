//! The display server with a screen in memory, by a script on its standard input.

use std::fs::File;
use std::io::{self, BufWriter, Read, Result, Write};
use std::path::Path;

use super::link::Keeper;
use super::queue::Queue;
use super::timer::Timer;
use crate::display::Display;
use crate::paint::canvas::Canvas;
use crate::paint::fonts;
use crate::paint::text::Text;
use crate::screen::{self, Input, MemoryScreen, write_png};
use crate::script::{self, Line, Lines};
use crate::theme::Themes;

/// Descriptor of the script.
const SCRIPT: usize = 0;
/// Where the screen is saved.
const CAPTURES: &str = "/tmp";
/// What the queue says of each descriptor.
const FROM_KEEPER: usize = 0;
const FROM_SCRIPT: usize = 1;
const FROM_TIMER: usize = 2;

/// The server and what it waits for.
struct Headless {
    display: Display<Keeper, MemoryScreen>,
    timer: Timer,
    queue: Queue,
    lines: Lines,
}

/// Serves until the keeper is gone.
pub fn run(w: i32, h: i32, themes: Themes) -> Result<()> {
    let keeper = Keeper::connect()?;
    let timer = Timer::new()?;
    let queue = Queue::new()?;
    queue.watch(keeper.descriptor(), FROM_KEEPER)?;
    queue.watch(timer.descriptor(), FROM_TIMER)?;
    // Without a script there is only the screen.
    let _ = queue.watch(SCRIPT, FROM_SCRIPT);
    let display = Display::new(keeper, MemoryScreen::new(w, h), themes, Text::new(fonts::load()));
    let mut server = Headless { display, timer, queue, lines: Lines::default() };
    server.hear()?;
    scheme_server::notify_ready();
    loop {
        server.paint()?;
        server.wait()?;
    }
}

impl Headless {
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
        match self.queue.next()? {
            FROM_KEEPER => self.hear()?,
            FROM_TIMER => self.timer.woken(),
            _ => self.read_script()?,
        }
        if self.display.take_capture() {
            match screen::save(self.display.canvas(), Path::new(CAPTURES)) {
                Ok(path) => println!("{}", path.display()),
                Err(error) => eprintln!("orbitald: the screen is not saved: {error}"),
            }
        }
        Ok(())
    }

    fn read_script(&mut self) -> Result<()> {
        let mut bytes = [0; 4096];
        let count = io::stdin().read(&mut bytes).unwrap_or(0);
        if count == 0 {
            return self.queue.leave(SCRIPT);
        }
        let mut lines = Vec::new();
        self.lines.add(&bytes[..count], |line| lines.push(line.to_owned()));
        for line in lines {
            let answer = match Line::parse(&line) {
                Some(line) => self.obey(line)?,
                None => Some(format!("what is `{line}`?")),
            };
            if let Some(answer) = answer {
                println!("{answer}");
            }
        }
        Ok(())
    }

    fn obey(&mut self, line: Line) -> Result<Option<String>> {
        let now = self.timer.now();
        // What clients have said before counts before.
        self.hear()?;
        match line {
            Line::Input(input) => self.display.input(input, now),
            Line::At(x, y) => {
                let bounds = self.display.canvas().bounds();
                self.display.input(Input::at_pixel(x, y, (bounds.w, bounds.h)), now);
            }
            Line::Screen(w, h) => {
                self.display.screen.canvas = Canvas::new(w, h);
                self.display.screen_changed(now);
            }
            Line::Pixel(x, y) => {
                self.display.paint(now);
                let pixel = self.display.screen.canvas.row(y, x, x + 1).first().copied().unwrap_or_default();
                return Ok(Some(format!("{:06x}", pixel & 0x00ff_ffff)));
            }
            Line::Png(path) => {
                self.display.paint(now);
                let written = File::create(&path).and_then(|file| {
                    let mut file = BufWriter::new(file);
                    write_png(&self.display.screen.canvas, &mut file)?;
                    file.flush()
                });
                return Ok(Some(written.map_or_else(|error| format!("{path}: {error}"), |()| String::from("done"))));
            }
            Line::Window(number) => return Ok(Some(script::window(self.display.desk(), number))),
        }
        Ok(None)
    }
}
