//! The screen, and where on it a window goes.

use std::env;

use libredox::Fd;
use libredox::flag::{O_CLOEXEC, O_RDONLY};

use crate::app::{Options, Place};

/// Heights of a title bar and of the panel: an ordinary window leaves room for both.
const FRAME: f32 = 34.0;
const PANEL: f32 = 44.0;

/// The display server's scheme, as crate `orbclient` looks for it.
pub fn scheme() -> String {
    env::var("ORBITAL_DISPLAY").unwrap_or_else(|_| String::from("/scheme/orbital"))
}

/// The screen.
pub struct Display {
    /// Its pixels.
    size: (u32, u32),
    /// How many of them are one of the design.
    pub scale: f32,
}

impl Display {
    /// The screen as it is now.
    pub fn look() -> Option<Self> {
        let display = Fd::open(&format!("{}/99.0", scheme()), O_RDONLY | O_CLOEXEC, 0).ok()?;
        let mut path = [0; 256];
        let count = display.fpath(&mut path).ok()?;
        let mut numbers = str::from_utf8(path.get(..count)?).ok()?.split('/').skip(1).map(str::parse::<u32>);
        let size = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        let scale = numbers.next().and_then(Result::ok).filter(|&scale| scale > 0).unwrap_or(1);
        Some(Self { size, scale: scale as f32 })
    }

    /// Place and size of a window, in pixels; a negative place is left to the server.
    pub fn place(&self, options: &Options) -> (i32, i32, u32, u32) {
        let pixels = |side: f32| (side * self.scale).round() as i32;
        let (screen_w, screen_h) = (self.size.0 as i32, self.size.1 as i32);
        let room = match options.place {
            // As far from the upper edge as from the left one.
            Place::LowerLeft { x, y } => x + y,
            _ if options.framed => FRAME + PANEL,
            _ => 0.0,
        };
        let w = pixels(options.size.width).clamp(1, screen_w.max(1));
        let h = pixels(options.size.height).clamp(1, (screen_h - pixels(room)).max(1));
        let (x, y, w) = match options.place {
            Place::Anywhere => (-1, -1, w),
            Place::Middle => ((screen_w - w) / 2, (screen_h - h) / 2, w),
            Place::LowerEdge => (0, screen_h - h, screen_w.max(1)),
            Place::LowerLeft { x, y } => (pixels(x), screen_h - h - pixels(y), w),
        };
        (x, y, w as u32, h as u32)
    }
}
