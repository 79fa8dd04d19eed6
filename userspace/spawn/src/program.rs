//! A program file that is not read whole: the new process maps it, and shares its pages with all others that run it.

use std::fs::File;
use std::io::{Error, Read, Result};
use std::os::fd::AsRawFd;

use crate::Spawn;

/// Bytes in which the headers of ordinary programs are.
const FRONT: u64 = 4096;

/// An open program file.
#[derive(Debug)]
pub struct Program {
    file: File,
    front: Vec<u8>,
    len: usize,
}

impl Program {
    /// Opens a file. An error names it.
    pub fn open(path: &str) -> Result<Self> {
        Self::read(path).map_err(|error| Error::new(error.kind(), format!("{path}: {error}")))
    }

    fn read(path: &str) -> Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len() as usize;
        let mut front = Vec::new();
        (&file).take(FRONT).read_to_end(&mut front)?;
        Ok(Program { file, front, len })
    }

    /// A process that runs it: see [`Spawn::new`].
    pub fn spawn(&self, name: &str) -> Spawn<'_> {
        Spawn::mapped(&self.front, (self.file.as_raw_fd() as usize, 0), self.len, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_front_is_read() {
        let program = Program::open("/proc/self/exe").unwrap();
        assert_eq!(program.front.len() as u64, FRONT);
        assert!(program.len > program.front.len());
        assert!(program.front.starts_with(b"\x7fELF"));
        assert!(Program::open("/none").unwrap_err().to_string().starts_with("/none: "));
    }
}
