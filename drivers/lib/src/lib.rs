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
mod serve;

pub use events::{Driver, Source};
pub use grant::{Grant, Granted, VARIABLE};
pub use memory::{Allocator, Memory, Piece};
pub use registers::{Registers, Window};
pub use scheme_server;
pub use scheme_server::syscall;

#[cfg(target_os = "redox")]
pub use dma::Dma;
#[cfg(target_os = "redox")]
pub use mmio::Mmio;
#[cfg(target_os = "redox")]
pub use ports::Ports;
#[cfg(target_os = "redox")]
pub use serve::{Input, Interrupt, run, serve};

/// The user that drivers run as: nobody who could open anything by that.
pub const DRIVER_USER: u32 = 90;

/// Says a line on the console. A driver goes on when nobody can hear it.
#[macro_export]
macro_rules! say {
    ($($part:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), $($part)*);
    }};
}
