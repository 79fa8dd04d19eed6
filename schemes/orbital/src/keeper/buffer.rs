//! Pixels of a window: memory that keeper, client and display server share.

use memmap2::MmapMut;
use scheme_server::syscall::error::{EINVAL, ENOMEM, Error, Result};

/// Bytes of a pixel.
const PIXEL: usize = size_of::<u32>();
/// What a mapping is a multiple of.
const PAGE: usize = 4096;

/// A buffer. The memory lives as long as anybody has it mapped, whatever becomes of the keeper's own mapping.
pub struct Buffer {
    memory: MmapMut,
    w: usize,
    h: usize,
}

impl Buffer {
    /// A buffer of zeros. `ENOMEM` when there is no memory.
    pub fn new(size: (u32, u32)) -> Result<Self> {
        let (w, h) = (size.0 as usize, size.1 as usize);
        let len = (w * h * PIXEL).next_multiple_of(PAGE);
        Ok(Self { memory: MmapMut::map_anon(len).map_err(|_| Error::new(ENOMEM))?, w, h })
    }

    /// A buffer of another size with the same picture: cut off, or drawn out from its last row and column.
    pub fn resized(&self, size: (u32, u32)) -> Result<Self> {
        let mut new = Self::new(size)?;
        let (old_w, new_w) = (self.w * PIXEL, new.w * PIXEL);
        let common = old_w.min(new_w);
        for y in 0..new.h {
            let from = &self.memory[y.min(self.h - 1) * old_w..][..old_w];
            let row = &mut new.memory[y * new_w..][..new_w];
            row[..common].copy_from_slice(&from[..common]);
            let last = &from[old_w - PIXEL..];
            row[common..].chunks_exact_mut(PIXEL).for_each(|pixel| pixel.copy_from_slice(last));
        }
        Ok(new)
    }

    /// The address of a part, for a client that maps it.
    pub fn map(&self, offset: u64, len: usize) -> Result<usize> {
        let offset = usize::try_from(offset).map_err(|_| Error::new(EINVAL))?;
        let end = offset.checked_add(len).filter(|&end| end <= self.memory.len());
        if len == 0 || !offset.is_multiple_of(PAGE) || end.is_none() {
            return Err(Error::new(EINVAL));
        }
        Ok(self.memory.as_ptr().expose_provenance() + offset)
    }

    /// Number of pixels.
    pub fn pixels(&self) -> u64 {
        (self.w * self.h) as u64
    }

    /// All bytes.
    #[cfg(test)]
    pub fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(buffer: &mut Buffer) -> Vec<u32> {
        let count = buffer.w * buffer.h;
        bytemuck::cast_slice(buffer.bytes())[..count].to_vec()
    }

    #[test]
    fn another_size_has_the_same_picture() {
        let mut buffer = Buffer::new((3, 2)).unwrap();
        bytemuck::cast_slice_mut(buffer.bytes())[..6].copy_from_slice(&[1_u32, 2, 3, 4, 5, 6]);
        let larger = pixels(&mut buffer.resized((4, 3)).unwrap());
        assert_eq!(larger, [1, 2, 3, 3, 4, 5, 6, 6, 4, 5, 6, 6]);
        assert_eq!(pixels(&mut buffer.resized((2, 1)).unwrap()), [1, 2]);
    }

    #[test]
    fn mappings_lie_inside() {
        let buffer = Buffer::new((1024, 3)).unwrap();
        let start = buffer.map(0, 1).unwrap();
        assert_eq!(buffer.map(4096, 8192), Ok(start + 4096));
        for (offset, len) in [(0, 0), (0, 12289), (1, 1), (12288, 1), (u64::MAX & !4095, 4096), (4096, usize::MAX)] {
            assert_eq!(buffer.map(offset, len), Err(Error::new(EINVAL)), "{offset} {len}");
        }
    }
}
