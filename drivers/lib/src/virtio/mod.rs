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

/// The device that was granted, not brought up yet. `ENODEV` when it is no virtio device or its toml file does not name its regions.
#[cfg(target_os = "redox")]
pub fn open(grant: &crate::Grant) -> crate::syscall::error::Result<Transport> {
    use std::rc::Rc;

    use crate::syscall::error::{ENODEV, Error};
    use crate::{Mmio, Registers};

    let found = grant.config.as_deref().and_then(Capabilities::parse).ok_or(Error::new(ENODEV))?;
    let mut mapped: Vec<(u8, Rc<dyn Registers>)> = Vec::new();
    Transport::new(&found, |bar| {
        if let Some((_, known)) = mapped.iter().find(|(number, _)| *number == bar) {
            return Some(known.clone());
        }
        let registers: Rc<dyn Registers> = Rc::new(Mmio::map(grant.get(&format!("bar{bar}"))?).ok()?);
        mapped.push((bar, registers.clone()));
        Some(registers)
    })
}

/// The device obeys version 1 of the specification (section 6).
pub const VERSION_1: u64 = 1 << 32;
