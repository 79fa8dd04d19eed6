//! Virtio devices on PCI (Virtual I/O Device specification 1.2): capabilities, transport and queues.
//!
//! Made here although there is the crate `virtio-drivers`, because its queues panic when a device names a buffer that it was not
//! given, its devices wait by spinning, and its transport knows no message-signalled interrupts. Here a device that breaks the
//! rules is an error ([`EIO`](crate::syscall::error::EIO)), and nothing waits.

mod capability;
mod queue;
mod transport;

pub use capability::{Capabilities, Place};
pub use queue::{Queue, Segment, Used};
pub use transport::{Status, Transport};

#[cfg(any(test, feature = "fake"))]
pub mod fake;
#[cfg(test)]
mod tests;

/// The device obeys version 1 of the specification (section 6).
pub const VERSION_1: u64 = 1 << 32;
