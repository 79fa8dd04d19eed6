//! A terminal in which one letter after another is typed, and where on the screen each of them comes.

use std::io::{Error, Result};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::hand::{A, Hand};
use super::pixels::{Area, Screen, difference};
use super::quiet::Quiet;

/// Between two looks at the screen.
const LOOK: Duration = Duration::from_micros(50);
/// The same where all of it is looked at.
const GLANCE: Duration = Duration::from_millis(5);
/// Lines in which the panel and its shadow may be.
const PANEL: usize = 64;
/// A key that shows nothing for so long is pressed again: who should have got it was not there.
const AGAIN: Duration = Duration::from_millis(25);
/// Longest wait for a letter.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the shell and its prompt take at most until they are there.
const SHELL: Duration = Duration::from_secs(2);

/// The terminal, and where its next letter will be.
pub struct Typing {
    screen: Screen,
    hand: Hand,
    terminal: Child,
    /// The first letter's place; those of the others follow to the right.
    first: Area,
    /// What a letter looks like there.
    letter: Vec<u32>,
    /// The prompt: what is left of the first letter.
    prompt: (Area, Vec<u32>),
    /// The colour that text stands on, and the area of the window in which it is.
    paper: u32,
    content: Area,
    /// Letters that are there.
    typed: usize,
}

impl Typing {
    /// Starts a terminal and types three letters, from which it learns where they come and what they look like. The second and the third
    /// come where the cursor was before, which is to be seen for a while after every key: what they change begins where their place does.
    pub fn begin() -> Result<Self> {
        let screen = Screen::open()?;
        let terminal = start()?;
        Quiet::of(|_| true).for_at_least(SHELL).wait()?;
        let mut hand = Hand::new()?;
        let desk = desk(&screen);
        let mut before = screen.picture(desk);
        let mut changes = Vec::new();
        for _ in 0..3 {
            hand.tap(A)?;
            Quiet::of(|_| true).wait()?;
            let after = screen.picture(desk);
            changes.extend(difference(desk, &before, &after));
            before = after;
        }
        let [_, second, third] = changes[..] else { return Err(Error::other("letters are typed and not seen")) };
        let step = third.x.0.saturating_sub(second.x.0);
        if step == 0 || second.y != third.y || second.x.0 < step {
            return Err(Error::other(format!("letters do not come side by side: {second:?}, {third:?}")));
        }
        let first = Area { x: (second.x.0 - step, second.x.0), ..second };
        let letter = screen.picture(first);
        let paper = letter.first().copied().unwrap_or_default();
        let content = screen.coloured(desk, paper).filter(|content| content.x.0 < first.x.0);
        let content = content.ok_or_else(|| Error::other("the letters are in no window"))?;
        let prompt = Area { x: (content.x.0, first.x.0), ..first };
        let prompt = (prompt, screen.picture(prompt));
        Ok(Self { screen, hand, terminal, first, letter, prompt, paper, content, typed: 3 })
    }

    /// The place of a letter.
    fn place(&self, number: usize) -> Area {
        let step = self.first.x.1 - self.first.x.0;
        Area { x: (self.first.x.0 + number * step, self.first.x.1 + number * step), ..self.first }
    }

    fn is_there(&self) -> bool {
        self.screen.shows(self.place(self.typed), &self.letter)
    }

    /// Types a letter and comes back as soon as its pixels are on the screen.
    pub fn letter(&mut self) -> Result<()> {
        self.hand.tap(A)?;
        let begun = Instant::now();
        while !self.is_there() {
            if begun.elapsed() > PATIENCE {
                return Err(Error::other("a letter is typed and not seen"));
            }
            sleep(LOOK);
        }
        self.typed += 1;
        Ok(())
    }

    /// Does something that takes the desktop away, and answers how long it was until letters are on the screen again.
    pub fn without(&mut self, what: impl FnOnce(&mut Self) -> Result<()>) -> Result<Duration> {
        let begun = Instant::now();
        what(self)?;
        while begun.elapsed() < PATIENCE {
            // A keyboard whose daemon has died is plugged in anew.
            if self.hand.tap(A).is_err() {
                match Hand::new() {
                    Ok(hand) => self.hand = hand,
                    Err(_) => sleep(LOOK),
                }
                continue;
            }
            let pressed = Instant::now();
            while pressed.elapsed() < AGAIN {
                if self.is_there() {
                    let took = begun.elapsed();
                    Quiet::of(|_| true).wait()?;
                    // Keys that were pressed meanwhile may all have arrived.
                    while self.is_there() {
                        self.typed += 1;
                    }
                    return Ok(took);
                }
                sleep(LOOK);
            }
        }
        Err(Error::other("the desktop does not come back"))
    }

    /// Ends the terminal, starts a new one, and waits until its shell asks for a line, wherever its window is.
    pub fn renew(&mut self) -> Result<()> {
        let begun = Instant::now();
        self.end()?;
        self.until(begun, |typing| Ok(typing.content_now().is_none()))?;
        self.terminal = start()?;
        let mut found = self.content;
        self.until(begun, |typing| {
            if typing.terminal.try_wait()?.is_some() {
                // There were no terminals yet.
                typing.terminal = start()?;
            }
            let now = typing.content_now();
            found = now.unwrap_or(found);
            // Until all of it is painted.
            Ok(now.is_some_and(|now| now.size() == typing.content.size()))
        })?;
        let old = std::mem::replace(&mut self.content, found);
        for area in [&mut self.first, &mut self.prompt.0] {
            *area = area.moved(old, found);
        }
        self.typed = 0;
        self.until(begun, |typing| Ok(typing.screen.shows(typing.prompt.0, &typing.prompt.1)))
    }

    /// Looks until something is so.
    fn until(&mut self, begun: Instant, mut so: impl FnMut(&mut Self) -> Result<bool>) -> Result<()> {
        while !so(self)? {
            if begun.elapsed() > PATIENCE {
                return Err(Error::other("no new terminal shows its prompt"));
            }
            sleep(GLANCE);
        }
        Ok(())
    }

    /// Where on the screen text can stand.
    fn content_now(&self) -> Option<Area> {
        self.screen.coloured(desk(&self.screen), self.paper)
    }

    /// The screen.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// Ends the terminal.
    pub fn end(&mut self) -> Result<()> {
        // It may have ended with what it stands on.
        let _ = self.terminal.kill();
        self.terminal.wait().map(drop)
    }
}

/// The screen above the panel, from its upper left corner.
fn desk(screen: &Screen) -> Area {
    Area { y: (0, screen.whole.y.1 - PANEL), ..screen.whole }
}

fn start() -> Result<Child> {
    Command::new("/scheme/initfs/bin/terminal").spawn()
}
