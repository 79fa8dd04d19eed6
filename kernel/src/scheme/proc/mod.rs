//! The `kernel.proc` scheme: threads, address spaces and descriptor tables as objects (`ochre_abi::proc` has the contract).

mod files;
mod space;
mod thread;
mod whole;

pub use files::FileTableHandle;
pub use space::AddressSpaceHandle;
pub use thread::ThreadHandle;

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use syscall::GlobalSchemes;
use syscall::error::{EACCES, EINVAL, ENOENT, EPERM, Error, Result};

use super::object::Object;
use crate::context::files::FileTable;
use crate::context::{Thread, thread as threads};
use crate::memory::{AddressSpace, admit_ordinary};

/// The scheme's root. User 0 makes threads with authority here, and gets authority over itself; others can do nothing with it that they
/// could not do with their own handle.
pub struct Root;

impl Object for Root {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Proc
    }

    fn openat(&self, path: &str, _flags: usize) -> Result<Arc<dyn Object>> {
        let superuser = Thread::current().euid.load(Ordering::Relaxed) == 0;
        match path {
            "thread" | "system-thread" if !superuser => Err(Error::new(EACCES)),
            "thread" => {
                // Whoever makes it, it is an ordinary program's: the process manager makes them for others.
                admit_ordinary()?;
                new_thread(AddressSpace::new)
            }
            "system-thread" if !Thread::current().has_reserve() => Err(Error::new(EPERM)),
            "system-thread" => new_thread(AddressSpace::with_reserve),
            "self" => Ok(Arc::new(ThreadHandle::new(Thread::current(), superuser))),
            _ => Err(Error::new(ENOENT)),
        }
    }
}

fn new_thread(space: impl FnOnce() -> Result<Arc<AddressSpace>>) -> Result<Arc<dyn Object>> {
    let thread = threads::create()?;
    let handle = ThreadHandle::adopt(thread, true);
    thread.set_space(Some(space()?))?;
    thread.set_files(Some(FileTable::new()))?;
    Ok(Arc::new(handle))
}

/// Word `index` of a call's metadata.
fn word(metadata: &[u64], index: usize) -> Result<usize> {
    metadata.get(index).map(|&word| word as usize).ok_or(Error::new(EINVAL))
}
