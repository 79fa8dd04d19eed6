//! The console as a terminal: a thread that holds the master of `/scheme/tty/console` and shows it on the kernel's console.
//!
//! What is typed is taken from the kernel only while a program has the terminal open; at other times it is left to whoever
//! reads the kernel's console itself. The kernel puts a carriage return before each newline on a serial line, so the one that
//! the discipline has put there is taken away.

use std::io::Result;

use libredox::Fd;
use libredox::flag::{O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
use ochre_abi::terminal::{Request, WindowSize};
use scheme_server::syscall::{CallFlags, Event, EventFlags};

/// What serial lines and text screens have, until somebody says otherwise.
const SIZE: WindowSize = WindowSize { rows: 24, columns: 80, width: 0, height: 0 };
/// Bytes moved at a time.
const BATCH: usize = 16 << 10;

/// Starts the thread.
pub fn start(master: Fd) {
    std::thread::spawn(move || {
        if let Err(error) = Bridge::new(master).and_then(|mut bridge| bridge.run()) {
            eprintln!("ptyd: the console is no terminal any more: {error}");
        }
    });
}

struct Bridge {
    master: Fd,
    keyboard: Fd,
    screen: Fd,
    queue: Fd,
    /// Typed and not yet taken by the terminal.
    typed: Vec<u8>,
    /// The last byte shown was a carriage return, which waits for what follows.
    held: bool,
}

impl Bridge {
    fn new(master: Fd) -> Result<Self> {
        let keyboard = Fd::open("/scheme/debug", O_RDONLY | O_NONBLOCK, 0)?;
        let screen = Fd::open("/scheme/debug", O_WRONLY, 0)?;
        let queue = Fd::open("/scheme/event", O_RDWR, 0)?;
        let both = EventFlags::EVENT_READ | EventFlags::EVENT_WRITE;
        queue.write(&Event { id: keyboard.raw(), flags: EventFlags::EVENT_READ, data: 0 })?;
        queue.write(&Event { id: master.raw(), flags: both, data: 0 })?;
        master.call_wo(&SIZE.to_bytes(), CallFlags::empty(), &[Request::SetSize as u64, 0])?;
        Ok(Self { master, keyboard, screen, queue, typed: Vec::new(), held: false })
    }

    fn run(&mut self) -> Result<()> {
        let mut room = vec![0; BATCH];
        loop {
            while self.show(&mut room)? | self.type_in(&mut room)? {}
            self.queue.read(&mut Event::default())?;
        }
    }

    /// Moves output to the screen; whether there was any.
    fn show(&mut self, room: &mut [u8]) -> Result<bool> {
        let count = unless_waiting(self.master.read(room))?;
        let text = self.without_returns(&room[..count]);
        let mut rest = &text[..];
        while !rest.is_empty() {
            rest = &rest[self.screen.write(rest)?..];
        }
        Ok(count > 0)
    }

    /// The bytes without the carriage returns before newlines.
    fn without_returns(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            if core::mem::replace(&mut self.held, byte == b'\r') && byte != b'\n' {
                text.push(b'\r');
            }
            if byte != b'\r' {
                text.push(byte);
            }
        }
        text
    }

    /// Moves what was typed to the terminal, if there is anybody on it; whether there was anything.
    fn type_in(&mut self, room: &mut [u8]) -> Result<bool> {
        if self.typed.is_empty() {
            if self.master.call_ro(&mut [], CallFlags::empty(), &[Request::Users as u64, 0])? == 0 {
                return Ok(false);
            }
            let count = unless_waiting(self.keyboard.read(room))?;
            self.typed.extend_from_slice(&room[..count]);
        }
        if self.typed.is_empty() {
            return Ok(false);
        }
        let count = unless_waiting(self.master.write(&self.typed))?;
        self.typed.drain(..count);
        Ok(count > 0)
    }
}

/// Nothing is no error.
fn unless_waiting(result: libredox::error::Result<usize>) -> Result<usize> {
    match result {
        Err(error) if error.is_wouldblock() => Ok(0),
        other => Ok(other?),
    }
}
