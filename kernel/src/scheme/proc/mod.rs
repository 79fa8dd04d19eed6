//! The `kernel.proc` scheme: threads, address spaces and descriptor tables as objects (`ochre_abi::proc` has the contract).

mod files;
mod space;
mod thread;

pub use files::FileTableHandle;
pub use space::AddressSpaceHandle;
pub use thread::ThreadHandle;

use alloc::sync::Arc;

use syscall::GlobalSchemes;
use syscall::error::{EINVAL, ENOENT, Error, Result};

use super::object::Object;
use crate::context::{Thread, thread as threads};

/// The scheme's root. Whoever has it may make threads with authority.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Proc
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        match path {
            "thread" => {
                let thread = threads::create()?;
                let handle = ThreadHandle::adopt(thread, true);
                thread.set_space(Some(crate::memory::AddressSpace::new()?))?;
                thread.set_files(Some(crate::context::files::FileTable::new()))?;
                Ok(Arc::new(handle))
            }
            "self" => Ok(Arc::new(ThreadHandle::new(Thread::current(), true))),
            _ => Err(Error::new(ENOENT)),
        }
    }
}

/// Word `index` of a call's metadata.
fn word(metadata: &[u64], index: usize) -> Result<usize> {
    metadata.get(index).map(|&word| word as usize).ok_or(Error::new(EINVAL))
}
