//! Where windows come from: the display server in Ochre, memory everywhere.

pub mod memory;
#[cfg(target_os = "redox")]
mod ochre;

use std::fmt;
use std::io;

use crate::app::{Application, Options};
use crate::task::{Sender, Task};

/// Why a program has no window.
#[derive(Debug)]
pub enum Error {
    /// The display server does not give one.
    NoWindow,
    /// Something else of the system failed.
    System(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWindow => f.write_str("the display server gives no window"),
            Self::System(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Runs a program in a window until it ends. It is made by a function, which gets what sends it messages. Each thread can have a window
/// of its own.
#[cfg(target_os = "redox")]
pub fn run<A: Application>(
    options: Options,
    new: impl FnOnce(Sender<A::Message>) -> (A, Task<A::Message>),
) -> Result<(), Error> {
    let shown = !options.hidden;
    let mut window = ochre::Window::open(options)?;
    let theme = window.theme();
    crate::runtime::Runtime::new(new, theme, shown, &mut window).run(&mut window);
    Ok(())
}

/// Runs a program in a window: only Ochre has any. Elsewhere there is [`crate::Harness`].
#[cfg(not(target_os = "redox"))]
pub fn run<A: Application>(
    _options: Options,
    _new: impl FnOnce(Sender<A::Message>) -> (A, Task<A::Message>),
) -> Result<(), Error> {
    Err(Error::NoWindow)
}
