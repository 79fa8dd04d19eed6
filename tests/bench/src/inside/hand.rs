//! A keyboard and a pointer that are none: a client of `inputd`, as drivers are.

use std::fs::{File, OpenOptions};
use std::io::{Result, Write};

use input_contract::{MOST, Raw, button};

/// A key with a letter.
pub const A: u8 = orbclient::K_A;
/// The screen that the machine has.
const SCREEN: (i32, i32) = (1280, 800);

/// The device.
pub struct Hand(File);

impl Hand {
    /// Plugs it in.
    pub fn new() -> Result<Self> {
        OpenOptions::new().read(true).write(true).open("/scheme/input/producer/bench").map(Self)
    }

    fn say(&mut self, raw: Raw) -> Result<()> {
        self.0.write_all(&raw.encode())
    }

    /// Presses and releases a key.
    pub fn tap(&mut self, code: u8) -> Result<()> {
        self.say(Raw::Key { code, pressed: true })?;
        self.say(Raw::Key { code, pressed: false })
    }

    /// Puts the pointer to a place on the screen.
    pub fn point(&mut self, (x, y): (i32, i32)) -> Result<()> {
        self.say(Raw::Absolute { x: x * MOST / SCREEN.0, y: y * MOST / SCREEN.1 })
    }

    /// Presses or releases the left button.
    pub fn button(&mut self, pressed: bool) -> Result<()> {
        self.say(Raw::Button { which: button::LEFT, pressed })
    }
}
