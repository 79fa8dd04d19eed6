//! Ending all of it.

use std::{fs, io};

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// The machine is switched off.
    Off,
    /// It starts again.
    Restart,
}

impl Power {
    /// Tells init, which stops everything in order.
    pub fn ask(self) -> io::Result<()> {
        let command = match self {
            Self::Off => "shutdown",
            Self::Restart => "reboot",
        };
        fs::write("/scheme/init/list", command)
    }
}
