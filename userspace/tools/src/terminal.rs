//! The terminal on a program's standard input: its size, and settings in which keys come at once and are not shown.

use std::io::{Error, Result};

use libredox::{Fd, call, flag};
use ochre_abi::terminal::{Termios, WindowSize, character, input, local, part};

/// Standard input.
const STDIN: usize = 0;

/// A part of the terminal, to be read and written.
fn part(name: &str) -> Result<Fd> {
    Ok(Fd::new(call::dup(STDIN, name.as_bytes())?))
}

/// Lines and columns; none when standard input is no terminal or does not know.
pub fn window() -> Option<(usize, usize)> {
    let mut bytes = [0; WindowSize::SIZE];
    part(part::SIZE).ok()?.read(&mut bytes).ok()?;
    let WindowSize { rows, columns, .. } = WindowSize::from_bytes(&bytes)?;
    (rows != 0 && columns != 0).then_some((rows.into(), columns.into()))
}

/// A terminal that gives keys as they are typed. It is as it was when this goes.
pub struct Raw {
    settings: Fd,
    before: Termios,
}

impl Raw {
    /// Switches the terminal. A read then waits for a key so many tenths of a second.
    pub fn new(tenths: u8) -> Result<Self> {
        let settings = part(part::ATTRIBUTES)?;
        let mut bytes = [0; Termios::SIZE];
        settings.read(&mut bytes)?;
        let before =
            Termios::from_bytes(&bytes).ok_or_else(|| Error::other("the terminal's settings make no sense"))?;
        let mut raw = before;
        raw.local &= !(local::ICANON | local::ECHO | local::ISIG | local::IEXTEN);
        raw.input &= !(input::ICRNL | input::IXON);
        raw.characters[character::VMIN] = 0;
        raw.characters[character::VTIME] = tenths;
        settings.write(&raw.to_bytes())?;
        Ok(Self { settings, before })
    }

    /// What was typed; nothing when the time is up.
    pub fn read<'a>(&self, bytes: &'a mut [u8]) -> Result<&'a [u8]> {
        let count = call::read(STDIN, bytes)?;
        Ok(&bytes[..count])
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone has no settings any more.
        let _ = self.settings.write(&self.before.to_bytes());
    }
}

/// Whether standard output is a terminal.
pub fn is_shown() -> bool {
    use std::io::IsTerminal;
    std::io::stdout().is_terminal()
}

/// Opens something to be read, without waiting for what it brings.
pub fn open_nonblocking(path: &str) -> Result<Fd> {
    Ok(Fd::open(path, flag::O_RDONLY | flag::O_CLOEXEC | flag::O_NONBLOCK, 0)?)
}
