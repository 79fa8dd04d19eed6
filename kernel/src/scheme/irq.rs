//! The `irq` scheme: interrupt lines for drivers.
//!
//! Path `N` (user 0) is a legacy line below 16, wired as the ACPI tables say, or the global system interrupt from 16 on. A read
//! gives the line's count (`u64`) once it differs from what the handle has seen. A level-triggered line is held back from
//! its interrupt until somebody writes that count back, having quieted the device.
//!
//! Path `msi` (user 0) is a vector for a message-signalled interrupt: `SYS_CALL` tells which message raises it. It is its
//! opener's alone, and it has no acknowledgement.
//!
//! Several handles share a line: each sees every interrupt, and the first acknowledgement lets the line through; a device that
//! still asks then interrupts again. The kernel's own lines (serial, PS/2) are called here as well and cannot be opened.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use ochre_abi::irq::Message;
use syscall::error::{EACCES, EAGAIN, EBUSY, EINTR, EINVAL, ENODEV, ENOENT, ENOSPC, Error, Result};
use syscall::{CallFlags, EventFlags, GlobalSchemes, MODE_CHR, MODE_DIR, Stat};

use super::event::EventSource;
use super::object::{Io, Object};
use crate::arch::trap::{IRQ_BASE, IRQ_LAST};
use crate::arch::{apic, ioapic, percpu};
use crate::context::Thread;
use crate::context::wait::{self, WaitList, Wake};
use crate::memory::UserSlice;
use crate::sync::{Lock, level};

/// Global system interrupts that have a vector.
const COUNT: usize = IRQ_LAST - IRQ_BASE + 1;
/// Where messages for processors are stored (Intel SDM volume 3, section 10.11.1).
const MESSAGE_BASE: u64 = 0xfee0_0000;
/// Bytes of a count.
const SIZE: usize = size_of::<u64>();

struct State {
    /// Interrupts so far.
    count: u64,
    /// Level-triggered.
    level: bool,
    /// Open handles.
    handles: usize,
    /// Raised by messages, not by a line.
    message: bool,
    /// The kernel's handler.
    kernel: Option<fn()>,
    readers: WaitList,
}

struct Line {
    state: Lock<{ level::BUFFER }, State>,
    source: EventSource,
}

static LINES: [Line; COUNT] = [const {
    Line {
        state: Lock::new(State {
            count: 0,
            level: false,
            handles: 0,
            message: false,
            kernel: None,
            readers: WaitList::new(),
        }),
        source: EventSource::new(),
    }
}; COUNT];

/// How a line is wired: global system interrupt, level-triggered, active low. `None` when no I/O APIC serves it.
fn wiring(number: u32) -> Option<(u32, bool, bool)> {
    let (gsi, level, low) = crate::acpi::machine()?.wiring(number);
    (gsi < ioapic::count() && (gsi as usize) < COUNT).then_some((gsi, level, low))
}

/// Sends the line to the first processor, masked.
fn route(gsi: u32, level: bool, low: bool) -> bool {
    let Some(cpu) = percpu::get(0) else { return false };
    ioapic::route(gsi, (IRQ_BASE + gsi as usize) as u8, cpu.apic_id(), level, low)
}

/// Takes a line for the kernel: `handler` is called at each of its interrupts. False when there is no such line.
pub fn claim(number: u32, handler: fn()) -> bool {
    let Some((gsi, level, low)) = wiring(number) else {
        return false;
    };
    let mut state = LINES[gsi as usize].state.lock();
    if state.kernel.is_some() || state.handles != 0 || !route(gsi, level, low) {
        return false;
    }
    state.level = level;
    state.kernel = Some(handler);
    ioapic::unmask(gsi);
    true
}

/// Global system interrupt `gsi` has come.
pub fn interrupt(gsi: u8) {
    let Some(line) = LINES.get(usize::from(gsi)) else {
        return apic::eoi();
    };
    let (kernel, level) = {
        let mut state = line.state.lock();
        state.count += 1;
        if state.level {
            ioapic::mask(u32::from(gsi));
        }
        apic::eoi();
        state.readers.wake_all();
        (state.kernel, state.level)
    };
    match kernel {
        Some(handler) => {
            handler();
            if level {
                ioapic::unmask(u32::from(gsi));
            }
        }
        None => line.source.notify(EventFlags::EVENT_READ),
    }
}

/// What is known of a line that is in use.
pub struct Status {
    /// Global system interrupt.
    pub gsi: usize,
    /// Interrupts so far.
    pub count: u64,
    /// Level-triggered, otherwise edge-triggered.
    pub level: bool,
    /// Whether the kernel handles it itself.
    pub kernel: bool,
    /// Open handles.
    pub handles: usize,
}

/// The lines that are or were in use.
pub fn in_use() -> impl Iterator<Item = Status> {
    LINES.iter().enumerate().filter_map(|(gsi, line)| {
        let state = line.state.lock();
        let used = state.kernel.is_some() || state.handles != 0 || state.count != 0;
        used.then_some(Status {
            gsi,
            count: state.count,
            level: state.level,
            kernel: state.kernel.is_some(),
            handles: state.handles,
        })
    })
}

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Irq
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        if path.is_empty() {
            return Ok(Arc::new(Root));
        }
        let number: Option<u32> = match path {
            "msi" => None,
            path => Some(path.parse().map_err(|_| Error::new(ENOENT))?),
        };
        if Thread::current().euid.load(Ordering::Relaxed) != 0 {
            return Err(Error::new(EACCES));
        }
        match number {
            Some(number) => Ok(Arc::new(Handle::open(number)?)),
            None => Ok(Arc::new(Handle::open_message()?)),
        }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_DIR | 0o555, ..Stat::default() })
    }

    fn entries(&self) -> Result<Vec<String>> {
        let open =
            |&number: &u32| wiring(number).is_some_and(|(gsi, ..)| LINES[gsi as usize].state.lock().kernel.is_none());
        Ok((0..ioapic::count()).filter(open).map(|number| number.to_string()).collect())
    }
}

/// An open line.
struct Handle {
    /// As it was opened; none for a message's vector.
    number: Option<u32>,
    /// Global system interrupt, or place of the vector.
    gsi: u32,
    line: &'static Line,
    /// Count that was read last.
    seen: AtomicU64,
}

impl Handle {
    fn open(number: u32) -> Result<Self> {
        let (gsi, level, low) = wiring(number).ok_or(Error::new(ENOENT))?;
        let line = &LINES[gsi as usize];
        let mut state = line.state.lock();
        if state.kernel.is_some() {
            return Err(Error::new(EBUSY));
        }
        if state.handles == 0 {
            if !route(gsi, level, low) {
                return Err(Error::new(ENODEV));
            }
            state.level = level;
            ioapic::unmask(gsi);
        }
        state.handles += 1;
        let seen = AtomicU64::new(state.count);
        drop(state);
        Ok(Handle { number: Some(number), gsi, line, seen })
    }

    /// A vector that no line has and nobody else uses; `ENOSPC` when there is none left.
    fn open_message() -> Result<Self> {
        let lines = (ioapic::count() as usize).min(COUNT);
        for place in (lines..COUNT).rev() {
            let line = &LINES[place];
            let mut state = line.state.lock();
            if state.handles == 0 && state.kernel.is_none() {
                (state.handles, state.message, state.level) = (1, true, false);
                let seen = AtomicU64::new(state.count);
                drop(state);
                return Ok(Handle { number: None, gsi: place as u32, line, seen });
            }
        }
        Err(Error::new(ENOSPC))
    }

    /// What raises the vector: fixed delivery to the first processor, edge-triggered (Intel SDM volume 3, section 10.11).
    fn message(&self) -> Result<Message> {
        let apic_id = percpu::get(0).map(|cpu| cpu.apic_id()).filter(|&id| id <= 0xff).ok_or(Error::new(ENODEV))?;
        let address = MESSAGE_BASE | u64::from(apic_id) << 12;
        Ok(Message { address, data: (IRQ_BASE + self.gsi as usize) as u32, reserved: 0 })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut state = self.line.state.lock();
        state.handles -= 1;
        if state.handles == 0 && !core::mem::take(&mut state.message) {
            ioapic::mask(self.gsi);
        }
    }
}

impl Object for Handle {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Irq
    }

    fn read(&self, to: UserSlice, io: Io) -> Result<usize> {
        if to.len() < SIZE {
            return Err(Error::new(EINVAL));
        }
        loop {
            let mut state = self.line.state.lock();
            let count = state.count;
            if self.seen.swap(count, Ordering::Relaxed) != count {
                drop(state);
                to.write_value(&count)?;
                return Ok(SIZE);
            }
            if io.nonblock {
                return Err(Error::new(EAGAIN));
            }
            state.readers.join();
            drop(state);
            if wait::block(None) != Wake::Event {
                // Everybody is woken by an interrupt, so there is nothing to pass on.
                self.line.state.lock().readers.leave();
                return Err(Error::new(EINTR));
            }
        }
    }

    fn write(&self, from: UserSlice, _io: Io) -> Result<usize> {
        let count: u64 = from.read_value()?;
        let state = self.line.state.lock();
        // An older count is an answer to an interrupt that was followed by another, which is to be answered itself.
        if state.level && state.count == count {
            ioapic::unmask(self.gsi);
        }
        Ok(SIZE)
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        match (self.number, metadata.first()) {
            (None, Some(&ochre_abi::irq::MESSAGE)) => {
                let Message { address, data, reserved } = self.message()?;
                payload.write_value(&[address, u64::from(data) | u64::from(reserved) << 32]).map(|()| 0)
            }
            _ => Err(Error::new(EINVAL)),
        }
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&self.line.source)
    }

    fn readiness(&self) -> EventFlags {
        let new = self.line.state.lock().count != self.seen.load(Ordering::Relaxed);
        if new { EventFlags::EVENT_READ } else { EventFlags::EVENT_NONE }
    }

    fn stat(&self) -> Result<Stat> {
        Ok(Stat { st_mode: MODE_CHR | 0o600, ..Stat::default() })
    }

    fn path(&self) -> Result<String> {
        Ok(self.number.map_or_else(|| String::from("msi"), |number| number.to_string()))
    }
}
