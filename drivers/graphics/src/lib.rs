//! What graphics drivers share: the scheme of crate `display-contract` over an [`Adapter`], usual modes, and what a monitor says of
//! itself ([`edid`]).
#![forbid(unsafe_code)]

pub mod edid;
mod scheme;

use display_contract::{Info, Mode, Rectangle};
use driver::Source;
pub use scheme::Screen;
use scheme_server::syscall::error::{EOPNOTSUPP, Error, Result};

/// Modes that people expect.
pub const USUAL: [Mode; 14] = [
    mode(640, 480),
    mode(800, 600),
    mode(1024, 768),
    mode(1280, 720),
    mode(1280, 800),
    mode(1280, 1024),
    mode(1366, 768),
    mode(1440, 900),
    mode(1600, 900),
    mode(1680, 1050),
    mode(1920, 1080),
    mode(1920, 1200),
    mode(2560, 1440),
    mode(3840, 2160),
];

const fn mode(width: u32, height: u32) -> Mode {
    Mode { width, height }
}

/// Where a screen's pixels are.
pub enum Buffer {
    /// In the driver's own memory, at this address.
    Here(usize),
    /// Behind this descriptor, which goes to the client.
    Elsewhere(usize),
}

/// A graphics device, as the scheme sees it. What it is asked makes sense already: modes are sane, rectangles on the screen.
pub trait Adapter {
    /// What the screen is like now.
    fn info(&self) -> Info;
    /// Modes that it can have.
    fn modes(&self) -> Vec<Mode>;
    /// Sets one. `EINVAL` when it cannot have it; then everything stays as it was.
    fn set_mode(&mut self, mode: Mode) -> Result<()>;
    /// Where the pixels are.
    fn buffer(&mut self) -> Result<Buffer>;
    /// Shows what was stored. Does not wait.
    fn flush(&mut self, rectangles: &[Rectangle]) -> Result<()>;

    /// Takes a cursor's picture and the place in it that points.
    fn set_cursor(&mut self, _picture: &[u8], _hot: (u32, u32)) -> Result<()> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// Shows the cursor there, or hides it.
    fn move_cursor(&mut self, _place: Option<(i32, i32)>) -> Result<()> {
        Err(Error::new(EOPNOTSUPP))
    }

    /// The device has interrupted, or a time is over. An error ends the driver.
    fn happened(&mut self, _source: Source) -> Result<()> {
        Ok(())
    }

    /// In how many milliseconds it wants to be woken.
    fn wake_after(&self) -> Option<u64> {
        None
    }

    /// Somebody holds the screen, after nobody did: what [`Adapter::info`] says has to be so.
    fn taken(&mut self) -> Result<()> {
        Ok(())
    }

    /// Nobody holds the screen any more.
    fn released(&mut self) {}

    /// Whether the preferred mode has changed since this was asked last.
    fn take_change(&mut self) -> bool {
        false
    }
}
