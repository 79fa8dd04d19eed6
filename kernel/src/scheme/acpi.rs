//! The `kernel.acpi` scheme: what the power daemon needs of the kernel. Path `rxsdt` or `""`, for user 0.
//!
//! `SYS_CALL` with an `AcpiVerb` in `metadata[0]`: `ReadRxsdt` copies the root table and answers its length, `CheckShutdown`
//! answers whether somebody has asked for a shutdown (`sys`, path `kstop`), which also raises `EVENT_READ`. `Msr` answers
//! `EOPNOTSUPP`: model-specific registers can take the kernel's own protection away.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use syscall::error::{EACCES, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, Error, Result};
use syscall::{AcpiVerb, CallFlags, EventFlags, GlobalSchemes};

use super::event::EventSource;
use super::object::Object;
use crate::context::Thread;
use crate::memory::UserSlice;

static SHUTDOWN: AtomicBool = AtomicBool::new(false);
static SOURCE: EventSource = EventSource::new();
static HANDLES: AtomicUsize = AtomicUsize::new(0);

/// Asks whoever has the tables open to shut the machine down; `ENODEV` when nobody has.
pub fn request_shutdown() -> Result<()> {
    if HANDLES.load(Ordering::Relaxed) == 0 {
        return Err(Error::new(ENODEV));
    }
    SHUTDOWN.store(true, Ordering::Relaxed);
    SOURCE.notify(EventFlags::EVENT_READ);
    Ok(())
}

/// The scheme's root.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Acpi
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        if !matches!(path, "" | "rxsdt") {
            return Err(Error::new(ENOENT));
        }
        if Thread::current().euid.load(Ordering::Relaxed) != 0 {
            return Err(Error::new(EACCES));
        }
        HANDLES.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Tables))
    }

    fn entries(&self) -> Result<Vec<String>> {
        Ok(["rxsdt"].map(String::from).into())
    }
}

struct Tables;

impl Drop for Tables {
    fn drop(&mut self) {
        HANDLES.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Object for Tables {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Acpi
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        match metadata.first().copied().and_then(AcpiVerb::try_from_raw) {
            Some(AcpiVerb::ReadRxsdt) => {
                let root = crate::acpi::machine().and_then(|machine| machine.root);
                let bytes = root.map_or(&[][..], crate::acpi::bytes);
                payload.write_part(bytes)?;
                Ok(bytes.len())
            }
            Some(AcpiVerb::CheckShutdown) => Ok(usize::from(SHUTDOWN.load(Ordering::Relaxed))),
            Some(AcpiVerb::Msr) => Err(Error::new(EOPNOTSUPP)),
            None => Err(Error::new(EINVAL)),
        }
    }

    fn events(&self) -> Result<&EventSource> {
        Ok(&SOURCE)
    }

    fn readiness(&self) -> EventFlags {
        if SHUTDOWN.load(Ordering::Relaxed) { EventFlags::EVENT_READ } else { EventFlags::EVENT_NONE }
    }

    fn path(&self) -> Result<String> {
        Ok(String::from("rxsdt"))
    }
}
