//! Handles of descriptor tables.

use alloc::sync::Arc;

use ochre_abi::proc::FileTableVerb;
use syscall::error::{EINVAL, ELOOP, Error, Result};
use syscall::{CallFlags, GlobalSchemes};

use super::word;
use crate::context::files::{FileTable, MAX};
use crate::context::{Thread, sched};
use crate::memory::UserSlice;
use crate::scheme::object::{Holder, Object, Opened};

/// A handle of a descriptor table.
pub struct FileTableHandle {
    files: Arc<FileTable>,
}

impl FileTableHandle {
    /// Of this one.
    pub fn new(files: Arc<FileTable>) -> Self {
        FileTableHandle { files }
    }

    /// The table.
    pub fn files(&self) -> &Arc<FileTable> {
        &self.files
    }

    fn close_all(&self, payload: UserSlice) -> Result<usize> {
        let mut closed = 0;
        if payload.len() / 8 > 2 * MAX {
            return Err(Error::new(EINVAL));
        }
        for at in (0..payload.len() / 8 * 8).step_by(8) {
            // Each may be the last to something large.
            sched::breathe();
            let fd: u64 = payload.skip(at).read_value()?;
            if let Ok(description) = self.files.remove(fd as usize) {
                description.detach();
                closed += 1;
            }
        }
        Ok(closed)
    }

    fn list(&self, payload: UserSlice) -> Result<usize> {
        let (mut some, mut count, mut from) = ([0; 64], 0, 0);
        loop {
            let found = self.files.list(from, &mut some);
            for (index, fd) in some[..found].iter().enumerate().take((payload.len() / 8).saturating_sub(count)) {
                payload.skip((count + index) * 8).write_value(fd)?;
            }
            count += found;
            if found < some.len() {
                return Ok(count);
            }
            from = some[found - 1] as usize + 1;
        }
    }
}

impl Object for FileTableHandle {
    fn scheme(&self) -> GlobalSchemes {
        GlobalSchemes::Proc
    }

    fn dup(&self, argument: &[u8]) -> Result<Opened> {
        crate::memory::admit()?;
        let files = match argument {
            b"" => return Ok(Opened::Same),
            b"empty" => self.files.successor(),
            b"copy" => self.files.duplicate()?,
            _ => return Err(Error::new(EINVAL)),
        };
        Ok(Opened::Object(Arc::new(FileTableHandle { files })))
    }

    fn call(&self, payload: UserSlice, _flags: CallFlags, metadata: &[u64]) -> Result<usize> {
        let verb = metadata.first().and_then(|&raw| FileTableVerb::from_raw(raw)).ok_or(Error::new(EINVAL))?;
        match verb {
            FileTableVerb::Insert => {
                crate::memory::admit()?;
                let description = Thread::current().descriptor(word(metadata, 1)?)?;
                self.files.insert_from_outside(word(metadata, 2)?, description).map(|()| 0)
            }
            FileTableVerb::Close => self.close_all(payload),
            FileTableVerb::List => self.list(payload),
            FileTableVerb::Inherit => {
                crate::memory::admit()?;
                self.files.inherit(&*Thread::current().files()?).map(|()| 0)
            }
        }
    }

    fn enter(&self, _holder: Holder) -> Result<()> {
        // Threads may come to run with it or leave it: it is never known what it holds.
        Err(Error::new(ELOOP))
    }

    fn as_files(&self) -> Option<&FileTableHandle> {
        Some(self)
    }
}
