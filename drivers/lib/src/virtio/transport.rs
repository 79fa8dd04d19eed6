//! The registers that all virtio devices have (section 4.1.4.3), and how a device is brought up with them (section 3.1).

use std::rc::Rc;

use syscall::error::{EIO, ENODEV, Error, Result};

use super::{Capabilities, Place, Queue, VERSION_1};
use crate::memory::Allocator;
use crate::registers::{Registers, Window};

/// Offsets in the common structure.
mod common {
    pub const DEVICE_FEATURE_SELECT: usize = 0;
    pub const DEVICE_FEATURE: usize = 4;
    pub const DRIVER_FEATURE_SELECT: usize = 8;
    pub const DRIVER_FEATURE: usize = 12;
    pub const CONFIG_MSIX_VECTOR: usize = 16;
    pub const DEVICE_STATUS: usize = 20;
    pub const CONFIG_GENERATION: usize = 21;
    pub const QUEUE_SELECT: usize = 22;
    pub const QUEUE_SIZE: usize = 24;
    pub const QUEUE_MSIX_VECTOR: usize = 26;
    pub const QUEUE_ENABLE: usize = 28;
    pub const QUEUE_NOTIFY_OFF: usize = 30;
    pub const QUEUE_DESC: usize = 32;
    pub const QUEUE_DRIVER: usize = 40;
    pub const QUEUE_DEVICE: usize = 48;
    /// Bytes of the structure up to here.
    pub const SIZE: usize = 56;
}

/// Bits of the device's status (section 2.1).
#[derive(Clone, Copy, Debug)]
pub struct Status;

impl Status {
    /// The device was found.
    pub const ACKNOWLEDGE: u8 = 1;
    /// There is a driver for it.
    pub const DRIVER: u8 = 2;
    /// The driver is ready.
    pub const DRIVER_OK: u8 = 4;
    /// The features are agreed upon.
    pub const FEATURES_OK: u8 = 8;
    /// The device has lost its way and must be reset.
    pub const NEEDS_RESET: u8 = 64;
    /// The driver has given up.
    pub const FAILED: u8 = 128;
}

/// How often a device is asked whether its reset is done; each time takes the time of a register access.
const PATIENCE: usize = 1_000_000;
/// How often a changing configuration is read again.
const ATTEMPTS: usize = 16;

/// A device's registers.
pub struct Transport {
    common: Window,
    notify: Window,
    multiplier: usize,
    isr: Window,
    device: Option<Window>,
}

impl Transport {
    /// The device with these capabilities, whose regions `map` gives. `ENODEV` when they do not hold what the capabilities say.
    pub fn new(found: &Capabilities, mut map: impl FnMut(u8) -> Option<Rc<dyn Registers>>) -> Result<Self> {
        let mut window = |place: Place, least: usize| {
            let registers = map(place.bar)?;
            let fits = place.len as usize >= least;
            fits.then(|| Window::new(registers, place.offset as usize, place.len as usize)).flatten()
        };
        let missing = Error::new(ENODEV);
        Ok(Self {
            common: window(found.common, common::SIZE).ok_or(missing)?,
            notify: window(found.notify, 2).ok_or(missing)?,
            multiplier: found.multiplier as usize,
            isr: window(found.isr, 1).ok_or(missing)?,
            device: match found.device {
                Some(place) => Some(window(place, 1).ok_or(missing)?),
                None => None,
            },
        })
    }

    /// Resets the device and agrees on features: those of `wanted` that it offers, and version 1, which it must. Answers them. `EIO`
    /// when the device does not obey, `ENODEV` when it is older.
    pub fn begin(&self, wanted: u64) -> Result<u64> {
        self.reset()?;
        self.add_status(Status::ACKNOWLEDGE);
        self.add_status(Status::DRIVER);
        let mut offered = 0;
        for half in 0..2 {
            self.common.put32(common::DEVICE_FEATURE_SELECT, half);
            offered |= u64::from(self.common.get32(common::DEVICE_FEATURE)) << (32 * half);
        }
        if offered & VERSION_1 == 0 {
            self.add_status(Status::FAILED);
            return Err(Error::new(ENODEV));
        }
        let agreed = offered & (wanted | VERSION_1);
        for half in 0..2 {
            self.common.put32(common::DRIVER_FEATURE_SELECT, half);
            self.common.put32(common::DRIVER_FEATURE, (agreed >> (32 * half)) as u32);
        }
        self.add_status(Status::FEATURES_OK);
        if self.status() & Status::FEATURES_OK == 0 {
            self.add_status(Status::FAILED);
            return Err(Error::new(EIO));
        }
        Ok(agreed)
    }

    /// Makes a queue of up to `most` places and tells the device of it. Its interrupts are the vector `vector`, if that is not none.
    /// `ENODEV` when the device has no such queue.
    pub fn queue(&self, number: u16, most: u16, vector: Option<u16>, memory: &dyn Allocator) -> Result<Queue> {
        self.common.put16(common::QUEUE_SELECT, number);
        let offered = self.common.get16(common::QUEUE_SIZE);
        // A power of two (section 2.7); a device that answers something else is not believed.
        if offered == 0 || !offered.is_power_of_two() || self.common.get16(common::QUEUE_ENABLE) != 0 {
            return Err(Error::new(ENODEV));
        }
        let queue = Queue::new(number, offered.min(most), memory)?;
        self.common.put16(common::QUEUE_SIZE, queue.size());
        let [descriptors, driver, device] = queue.addresses();
        self.common.put64(common::QUEUE_DESC, descriptors);
        self.common.put64(common::QUEUE_DRIVER, driver);
        self.common.put64(common::QUEUE_DEVICE, device);
        if let Some(vector) = vector {
            self.common.put16(common::QUEUE_MSIX_VECTOR, vector);
            if self.common.get16(common::QUEUE_MSIX_VECTOR) != vector {
                return Err(Error::new(EIO));
            }
        }
        self.common.put16(common::QUEUE_ENABLE, 1);
        Ok(queue)
    }

    /// Lets changes of the configuration interrupt by this vector.
    pub fn set_config_vector(&self, vector: u16) -> Result<()> {
        self.common.put16(common::CONFIG_MSIX_VECTOR, vector);
        if self.common.get16(common::CONFIG_MSIX_VECTOR) == vector { Ok(()) } else { Err(Error::new(EIO)) }
    }

    /// The driver is ready; the device may begin.
    pub fn finish(&self) {
        self.add_status(Status::DRIVER_OK);
    }

    /// Tells the device that there is something new in a queue.
    pub fn notify(&self, number: u16) {
        self.common.put16(common::QUEUE_SELECT, number);
        let place = usize::from(self.common.get16(common::QUEUE_NOTIFY_OFF)).saturating_mul(self.multiplier);
        self.notify.put16(place, number);
    }

    /// Quiets an interrupt by line; answers whether it was the configuration that changed.
    pub fn take_line(&self) -> bool {
        self.isr.get8(0) & 2 != 0
    }

    /// Reads the device's own registers in a state that did not change meanwhile, as `read` does.
    pub fn config<R>(&self, read: impl Fn(&dyn Registers) -> R) -> Result<R> {
        let device = self.device.as_ref().ok_or(Error::new(ENODEV))?;
        for _ in 0..ATTEMPTS {
            let before = self.common.get8(common::CONFIG_GENERATION);
            let value = read(device);
            if self.common.get8(common::CONFIG_GENERATION) == before {
                return Ok(value);
            }
        }
        Err(Error::new(EIO))
    }

    /// The device's own registers, to be written.
    pub fn device(&self) -> Option<&Window> {
        self.device.as_ref()
    }

    /// The device's status; all ones when it is gone.
    pub fn status(&self) -> u8 {
        self.common.get8(common::DEVICE_STATUS)
    }

    /// Whether the device still does what it should: it is there and does not ask for a reset.
    pub fn is_well(&self) -> bool {
        let status = self.status();
        status != u8::MAX && status & Status::NEEDS_RESET == 0
    }

    fn add_status(&self, bit: u8) {
        let status = self.common.get8(common::DEVICE_STATUS);
        self.common.put8(common::DEVICE_STATUS, status | bit);
    }

    /// Forgets everything; the device leaves the driver's memory alone from then on.
    pub fn reset(&self) -> Result<()> {
        self.common.put8(common::DEVICE_STATUS, 0);
        for _ in 0..PATIENCE {
            if self.common.get8(common::DEVICE_STATUS) == 0 {
                return Ok(());
            }
        }
        Err(Error::new(EIO))
    }
}
