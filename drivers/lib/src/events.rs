//! What a driver is told by its loop.

use syscall::error::Result;

/// Where something has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The interrupt of this number has come.
    Interrupt(usize),
    /// What the driver watches under this number can be read.
    Input(usize),
    /// The time that [`Driver::wake_after`] named is over.
    Time,
}

/// Something that a driver reads besides, under a number of its own choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its descriptor.
    pub fd: usize,
    /// What [`Source::Input`] says.
    pub number: usize,
}

/// A driver, as its loop sees it.
pub trait Driver {
    /// Something has happened. An error ends the driver: the device is gone or beyond help.
    fn happened(&mut self, source: Source) -> Result<()>;

    /// What is to be watched besides what already is. Asked before each wait until there is nothing more. Who closes the descriptor ends it.
    fn new_input(&mut self) -> Option<Input> {
        None
    }

    /// In how many milliseconds it wants to be woken. Asked before each wait.
    fn wake_after(&self) -> Option<u64> {
        None
    }
}
