//! Pixels that belong to somebody else. The only unsafe code of this crate.
#![allow(unsafe_code)]

use core::slice;
use std::io;

use memmap2::{MmapOptions, MmapRaw};

/// The pixels of a window, mapped for reading.
pub struct Picture {
    memory: MmapRaw,
    pixels: usize,
}

/// What maps so many pixels.
fn options(pixels: usize) -> io::Result<MmapOptions> {
    let len = pixels.checked_mul(4).ok_or(io::ErrorKind::InvalidInput)?;
    let mut options = MmapOptions::new();
    options.len(len);
    Ok(options)
}

impl Picture {
    /// Maps so many pixels of a descriptor.
    pub fn map(descriptor: i32, pixels: usize) -> io::Result<Self> {
        Ok(Self { memory: options(pixels)?.map_raw_read_only(descriptor)?, pixels })
    }
}

impl AsRef<[u32]> for Picture {
    fn as_ref(&self) -> &[u32] {
        // SAFETY: the mapping is as long as was asked for, page-aligned, and lives as long as `self`. The window's client may
        // write to it at any time, so a pixel may be read as it was, as it will be, or as a mixture. Any bits are a pixel; pixels
        // are mixed and copied, and never looked at for a decision that memory safety depends on.
        unsafe { slice::from_raw_parts(self.memory.as_ptr().cast(), self.pixels) }
    }
}

/// The pixels of a screen, mapped for writing.
pub struct Surface {
    memory: MmapRaw,
    pixels: usize,
}

impl Surface {
    /// Maps so many pixels of a descriptor.
    pub fn map(descriptor: i32, pixels: usize) -> io::Result<Self> {
        Ok(Self { memory: options(pixels)?.map_raw(descriptor)?, pixels })
    }
}

impl AsMut<[u32]> for Surface {
    fn as_mut(&mut self) -> &mut [u32] {
        // SAFETY: as for a picture; the memory can be written, and the device, which reads it at its own time, is the only
        // other one that has it.
        unsafe { slice::from_raw_parts_mut(self.memory.as_mut_ptr().cast(), self.pixels) }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn what_is_written_to_the_file_is_seen() {
        let path = std::env::temp_dir().join(format!("ochre-picture-{}", std::process::id()));
        let mut file = std::fs::File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(bytemuck::cast_slice(&[1_u32, 2, 3])).unwrap();
        let picture = Picture::map(file.as_raw_fd(), 3).unwrap();
        assert_eq!(picture.as_ref(), [1, 2, 3]);
        assert!(Picture::map(file.as_raw_fd(), usize::MAX).is_err());
        Surface::map(file.as_raw_fd(), 3).unwrap().as_mut()[1] = 7;
        assert_eq!(picture.as_ref(), [1, 7, 3]);
    }
}
