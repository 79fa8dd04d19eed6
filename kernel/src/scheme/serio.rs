//! The `serio` scheme: the bytes of the PS/2 ports, as they are. Path `0` is the keyboard, `1` the mouse (user 0).
//!
//! The interrupts of both are the kernel's, because one controller serves both and whoever reads it gets whatever is next. The
//! controller's set-up and what the bytes mean is the driver's.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use syscall::error::{EACCES, EIO, ENODEV, ENOENT, Error, Result};
use syscall::{EventFlags, GlobalSchemes, MODE_CHR, MODE_DIR, Stat};

use super::event::EventSource;
use super::input::Input;
use super::irq;
use super::object::{Io, Object};
use crate::arch::ps2;
use crate::context::Thread;
use crate::memory::UserSlice;
use crate::sync::{Lock, level};

/// Legacy interrupt lines of keyboard and mouse.
const LINES: [u32; 2] = [1, 12];
/// Most bytes taken at one interrupt: a controller that never runs dry is broken.
const MOST: usize = 64;
/// How long the controller may take for a byte, in nanoseconds.
const PATIENCE_NS: u64 = 20_000_000;
/// Most bytes sent by one write; a command has a few.
const MOST_SENT: usize = 16;

static PORTS: [Input; 2] = [const { Input::new() }; 2];
/// A byte for the mouse is two writes to the controller.
static SENDING: Lock<{ level::BUFFER }, ()> = Lock::new(());

fn is_present() -> bool {
    crate::acpi::machine().is_some_and(|machine| machine.has_8042)
}

/// Takes the controller's interrupts, if there is a controller. The I/O APICs are set up.
pub fn init() {
    if is_present() && !LINES.into_iter().all(|line| irq::claim(line, interrupt)) {
        klog!(crate::log::Level::Warn, "the keyboard controller cannot interrupt");
    }
}

/// Takes what has arrived from either port.
fn interrupt() {
    for (from_mouse, byte) in core::iter::from_fn(ps2::read).take(MOST) {
        PORTS[usize::from(from_mouse)].push(byte);
    }
}

fn wait_for_room() -> Result<()> {
    let end = crate::time::now_ns().saturating_add(PATIENCE_NS);
    while !ps2::takes_byte() {
        if crate::time::now_ns() > end {
            return Err(Error::new(EIO));
        }
        core::hint::spin_loop();
    }
    Ok(())
}

fn send(to_mouse: bool, byte: u8) -> Result<()> {
    let _one_at_a_time = SENDING.lock();
    wait_for_room()?;
    if to_mouse {
        ps2::address_mouse();
        wait_for_room()?;
    }
    ps2::send(byte);
    Ok(())
}

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Serio
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        let mouse = match path {
            "" => return Ok(Arc::new(Root)),
            "0" => false,
            "1" => true,
            _ => return Err(Error::new(ENOENT)),
        };
        if Thread::current().euid.load(Ordering::Relaxed) != 0 {
            return Err(Error::new(EACCES));
        }
        if is_present() { Ok(Arc::new(Port { mouse })) } else { Err(Error::new(ENODEV)) }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_DIR | 0o555, ..Stat::default() })
    }

    fn entries(&self) -> Result<Vec<String>> {
        Ok(if is_present() { ["0", "1"].map(String::from).into() } else { Vec::new() })
    }
}

struct Port {
    mouse: bool,
}

impl Port {
    fn input(&self) -> &'static Input {
        &PORTS[usize::from(self.mouse)]
    }
}

impl Object for Port {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Serio
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        self.input().read(to, io.nonblock)
    }

    fn write(&self, from: UserSlice, _io: Io) -> Result<usize> {
        let from = from.first(MOST_SENT);
        let mut bytes = [0; MOST_SENT];
        from.read(&mut bytes)?;
        for (done, byte) in bytes[..from.len()].iter().enumerate() {
            match send(self.mouse, *byte) {
                Ok(()) => {}
                Err(_) if done != 0 => return Ok(done),
                Err(error) => return Err(error),
            }
        }
        Ok(from.len())
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(self.input().source())
    }

    fn readiness(&self) -> EventFlags {
        let ready = if self.input().is_readable() { EventFlags::EVENT_READ } else { EventFlags::EVENT_NONE };
        ready | EventFlags::EVENT_WRITE
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_CHR | 0o600, ..Stat::default() })
    }

    fn path(&self) -> Result<String> {
        Ok(String::from(if self.mouse { "1" } else { "0" }))
    }
}
