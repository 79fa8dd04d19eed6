//! The display server with a screen in memory, by a script on its standard input.

use std::fs::File;
use std::io::{self, BufWriter, Read, Result, Write};

use super::server::{FROM_KEEPER, FROM_TIMER, OTHERS, Server};
use crate::paint::canvas::Canvas;
use crate::screen::{Input, MemoryScreen, write_png};
use crate::script::{self, Line, Lines};
use crate::theme::Themes;

/// Descriptor of the script, and what the queue says of it.
const SCRIPT: usize = 0;
const FROM_SCRIPT: usize = OTHERS;

/// The server and its script.
struct Headless {
    server: Server<MemoryScreen>,
    lines: Lines,
}

/// Serves until the keeper is gone.
pub fn run(w: i32, h: i32, themes: Themes) -> Result<()> {
    let server = Server::new(MemoryScreen::new(w, h), themes)?;
    // Without a script there is only the screen.
    let _ = server.queue.watch(SCRIPT, FROM_SCRIPT);
    let mut headless = Headless { server, lines: Lines::default() };
    headless.server.hear()?;
    scheme_server::notify_ready();
    loop {
        headless.server.paint()?;
        headless.wait()?;
        headless.server.save();
    }
}

impl Headless {
    fn wait(&mut self) -> Result<()> {
        match self.server.queue.next()? {
            FROM_KEEPER => self.server.hear(),
            FROM_TIMER => {
                self.server.timer.woken();
                Ok(())
            }
            _ => self.read_script(),
        }
    }

    fn read_script(&mut self) -> Result<()> {
        let mut bytes = [0; 4096];
        let count = io::stdin().read(&mut bytes).unwrap_or(0);
        if count == 0 {
            return self.server.queue.leave(SCRIPT);
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
        let now = self.server.timer.now();
        // What clients have said before counts before.
        self.server.hear()?;
        let display = &mut self.server.display;
        match line {
            Line::Input(input) => display.input(input, now),
            Line::At(x, y) => {
                let bounds = display.canvas().bounds();
                display.input(Input::at_pixel(x, y, (bounds.w, bounds.h)), now);
            }
            Line::Screen(w, h) => {
                display.screen.canvas = Canvas::new(w, h);
                display.screen_changed(now);
            }
            Line::Pixel(x, y) => {
                display.paint(now);
                let pixel = display.screen.canvas.row(y, x, x + 1).first().copied().unwrap_or_default();
                return Ok(Some(format!("{:06x}", pixel & 0x00ff_ffff)));
            }
            Line::Png(path) => {
                display.paint(now);
                let written = File::create(&path).and_then(|file| {
                    let mut file = BufWriter::new(file);
                    write_png(&display.screen.canvas, &mut file)?;
                    file.flush()
                });
                return Ok(Some(written.map_or_else(|error| format!("{path}: {error}"), |()| String::from("done"))));
            }
            Line::Window(number) => return Ok(Some(script::window(display.desk(), number))),
        }
        Ok(None)
    }
}
