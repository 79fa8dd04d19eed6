//! What every driver shares: its registers ([`Registers`]), ports, memory that the device reaches too ([`Memory`]), interrupts
//! as events, the loop that takes them and a scheme's requests ([`run`], [`serve`]), and virtio's queues ([`virtio`]).
//!
//! A driver is started by `pcid` with the descriptors that its toml file names, and finds them in its [`Grant`]. Each boundary to
//! hardware is a trait with a stand-in in [`fake`], so that a driver's logic runs under `cargo test` on any machine. Modules
//! that touch hardware are the only place where drivers have `unsafe` code; they exist in Ochre only.
#![deny(unsafe_code)]

mod events;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
mod grant;
mod memory;
mod registers;
pub mod virtio;

#[cfg(target_os = "redox")]
mod dma;
#[cfg(target_os = "redox")]
mod mmio;
#[cfg(target_os = "redox")]
mod ports;
#[cfg(target_os = "redox")]
mod producer;
#[cfg(target_os = "redox")]
mod serve;

pub use events::{Driver, Input, Source};
pub use grant::{CONFIG, Grant, Granted, Signal, VARIABLE};
pub use memory::{Allocator, Memory, Piece};
pub use registers::{Registers, Window};
pub use scheme_server;
pub use scheme_server::syscall;

#[cfg(target_os = "redox")]
pub use dma::{Dma, Ordinary};
#[cfg(target_os = "redox")]
pub use mmio::Mmio;
#[cfg(target_os = "redox")]
pub use ports::Ports;
#[cfg(target_os = "redox")]
pub use producer::Producer;
#[cfg(target_os = "redox")]
pub use serve::{Interrupt, run, serve};

/// The user that drivers run as: nobody who could open anything by that.
pub const DRIVER_USER: u32 = 90;

/// Number of the root that a driver's scheme is opened from: pcid registers the scheme, the driver serves it.
pub const SCHEME_ROOT: usize = 1 << 32;

/// Another descriptor of the same, for giving away.
#[cfg(target_os = "redox")]
pub fn duplicate(fd: usize) -> syscall::error::Result<usize> {
    libredox::call::dup(fd, b"").map_err(|error| syscall::error::Error::new(error.errno()))
}

/// All that can be read from a granted file.
#[cfg(target_os = "redox")]
pub fn read_text(granted: Granted) -> syscall::error::Result<String> {
    let mut text = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        match libredox::call::read(granted.fd, &mut bytes).map_err(|error| syscall::error::Error::new(error.errno()))? {
            0 => return Ok(String::from_utf8_lossy(&text).into()),
            count => text.extend(&bytes[..count]),
        }
    }
}

/// Says a line on the console. A driver goes on when nobody can hear it.
#[macro_export]
macro_rules! say {
    ($($part:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), $($part)*);
    }};
}
