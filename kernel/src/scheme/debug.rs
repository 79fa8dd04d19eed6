//! The `debug` scheme: the console. What is written goes to the serial line and the screen, what arrives on the serial line is
//! read.
//!
//! | path | gives | needs |
//! |---|---|---|
//! | `""`, `no-preserve` | the console | |
//! | `screen` | the screen: while it is open, the console leaves the screen alone | user 0 |
//!
//! Bytes pass as they are, but for a carriage return before each newline on the serial line. What is written is not kept in the log.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use syscall::error::{EACCES, EBADF, ENOENT, Error, Result};
use syscall::{EventFlags, GlobalSchemes, O_ACCMODE, O_WRONLY};

use super::event::EventSource;
use super::input::Input;
use super::irq;
use super::object::{Io, Object};
use crate::arch::serial;
use crate::context::{Thread, sched};
use crate::memory::UserSlice;

/// Bytes shown in one piece. Interrupts wait meanwhile: 22 ms at 115,200 baud.
const STEP: usize = 256;

static INPUT: Input = Input::new();
/// Open handles of `screen`.
static SCREEN_HANDLES: AtomicUsize = AtomicUsize::new(0);

/// Lets the serial line interrupt. The I/O APICs are set up.
pub fn init() {
    if !serial::is_present() {
        return;
    }
    if irq::claim(serial::LINE, serial_interrupt) {
        serial::enable_receive_interrupt();
        // What came before has raised its interrupt when nobody heard it.
        serial_interrupt();
    } else {
        klog!(crate::log::Level::Warn, "the serial line cannot interrupt: there will be no console input");
    }
}

/// Takes what the serial line has received.
fn serial_interrupt() {
    while let Some(byte) = serial::read() {
        INPUT.push(byte);
    }
}

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Debug
    }

    fn openat(&self, path: &str, flags: usize) -> Result<Arc<dyn Object>> {
        match path {
            "" | "no-preserve" => Ok(Arc::new(Console { readable: flags & O_ACCMODE != O_WRONLY })),
            "screen" if Thread::current().euid.load(Ordering::Relaxed) != 0 => Err(Error::new(EACCES)),
            "screen" => Ok(Arc::new(Screen::take())),
            _ => Err(Error::new(ENOENT)),
        }
    }

    fn entries(&self) -> Result<Vec<String>> {
        Ok(["no-preserve", "screen"].map(String::from).into())
    }
}

struct Console {
    /// What is typed is not for those who are only to speak: drivers, for instance.
    readable: bool,
}

impl Object for Console {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Debug
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        if self.readable { INPUT.read(to, io.nonblock) } else { Err(Error::new(EBADF)) }
    }

    fn write(&self, from: UserSlice, _io: Io) -> Result<usize> {
        let mut bytes = [0; STEP];
        let mut done = 0;
        while done < from.len() {
            if done != 0 && !sched::breathe() {
                break;
            }
            let part = from.skip(done).first(STEP);
            match part.read(&mut bytes) {
                Ok(()) => crate::log::show(&bytes[..part.len()]),
                Err(_) if done != 0 => break,
                Err(error) => return Err(error),
            }
            done += part.len();
        }
        Ok(done)
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(INPUT.source())
    }

    fn readiness(&self) -> EventFlags {
        if self.readable && INPUT.is_readable() {
            EventFlags::EVENT_READ | EventFlags::EVENT_WRITE
        } else {
            EventFlags::EVENT_WRITE
        }
    }
}

/// Whoever holds this draws on the screen. When the last one goes the console comes back.
struct Screen;

impl Screen {
    fn take() -> Self {
        if SCREEN_HANDLES.fetch_add(1, Ordering::Relaxed) == 0 {
            crate::console::give_away(true);
        }
        Screen
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if SCREEN_HANDLES.fetch_sub(1, Ordering::Relaxed) == 1 {
            crate::console::give_away(false);
        }
    }
}

impl Object for Screen {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Debug
    }

    fn path(&self) -> Result<String> {
        Ok(String::from("screen"))
    }
}
