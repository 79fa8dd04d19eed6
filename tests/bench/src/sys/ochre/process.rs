//! Starts this program again as another process.

use std::io::Result;
use std::sync::OnceLock;

use ochre_spawn::Spawn;

use super::{Fd, PROGRAM, error};
use crate::rows::helper;

/// A process started here, ended when dropped.
pub struct Process {
    process: ochre_spawn::Process,
}

impl Process {
    /// Starts the program with `arguments`; it finds `input` and `output` at the numbers `rows::helper` names.
    pub fn start(arguments: &[&str], input: &Fd, output: &Fd) -> Result<Self> {
        static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
        let image = match IMAGE.get() {
            Some(image) => image,
            None => {
                let bytes = std::fs::read(PROGRAM)?;
                IMAGE.get_or_init(|| bytes)
            }
        };
        let namespace = libredox::call::getns().map_err(error)?;
        let spawn = Spawn::new(image, PROGRAM).namespace(namespace).inherit(1, 1).inherit(2, 2);
        let spawn = arguments.iter().fold(spawn, |spawn, argument| spawn.arg(argument));
        let process = spawn
            .inherit(input.raw() as usize, helper::INPUT as usize)
            .inherit(output.raw() as usize, helper::OUTPUT as usize)
            .start()?;
        Ok(Self { process })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
