//! How much of the display one process, and all together, may take. What goes beyond is refused to the one who asks.

use scheme_server::syscall::error::{EMFILE, ENOMEM, ENOSPC, Error, Result};

/// Limits of the keeper.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Windows of one process.
    pub windows: usize,
    /// Windows of all.
    pub all_windows: usize,
    /// Pixels of the buffers of one process.
    pub pixels: u64,
    /// Pixels of all buffers.
    pub all_pixels: u64,
    /// Bytes of what is copied or dragged.
    pub media: usize,
}

impl Limits {
    /// Limits for a machine with so much memory free: a half of it is for pixels, an eighth for those of one process.
    pub fn of_memory(bytes: u64) -> Self {
        Self { windows: 128, all_windows: 1024, pixels: bytes / 8 / 4, all_pixels: bytes / 2 / 4, media: 16 << 20 }
    }

    /// Whether a process that has `own` windows and pixels, of `all`, may have a window more.
    pub fn window(&self, own: usize, all: usize) -> Result<()> {
        if own >= self.windows {
            return Err(Error::new(EMFILE));
        }
        if all >= self.all_windows { Err(Error::new(ENOSPC)) } else { Ok(()) }
    }

    /// Whether a process that has `own` pixels, of `all`, may have so many more.
    pub fn pixels(&self, own: u64, all: u64, more: u64) -> Result<()> {
        let fits = own.saturating_add(more) <= self.pixels && all.saturating_add(more) <= self.all_pixels;
        if fits { Ok(()) } else { Err(Error::new(ENOMEM)) }
    }
}
