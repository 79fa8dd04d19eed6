//! What a monitor says of itself (VESA E-EDID 1.4): only which mode it would rather have.

use display_contract::Mode;

/// Bytes of the first block.
pub const SIZE: usize = 128;
const HEADER: [u8; 8] = [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
/// The first detailed timing (section 3.10.2).
const TIMING: usize = 54;

/// The preferred mode; none when the block is damaged or does not say.
pub fn preferred(block: &[u8; SIZE]) -> Option<Mode> {
    let sum = block.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    if !block.starts_with(&HEADER) || sum != 0 {
        return None;
    }
    let timing = &block[TIMING..TIMING + 18];
    if timing[..2] == [0, 0] {
        return None;
    }
    let size = |low: usize, high: usize| u32::from(timing[low]) | u32::from(timing[high] >> 4) << 8;
    Some(Mode { width: size(2, 4), height: size(5, 7) }).filter(|mode| mode.is_sane())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(change: impl Fn(&mut [u8; SIZE])) -> [u8; SIZE] {
        let mut block = [0; SIZE];
        block[..8].copy_from_slice(&HEADER);
        block[TIMING..TIMING + 8].copy_from_slice(&[1, 1, 0x80, 0, 0x70, 0x38, 0, 0x40]);
        change(&mut block);
        block[127] = 0_u8.wrapping_sub(block[..127].iter().fold(0, |sum, byte| sum.wrapping_add(*byte)));
        block
    }

    #[test]
    fn the_first_timing() {
        assert_eq!(preferred(&block(|_| {})), Some(Mode { width: 1920, height: 1080 }));
        assert_eq!(preferred(&block(|block| block[TIMING..TIMING + 2].fill(0))), None);
        assert_eq!(preferred(&block(|block| block[TIMING + 2..TIMING + 5].fill(0))), None);
        assert_eq!(preferred(&block(|block| block[0] = 1)), None);
        let mut damaged = block(|_| {});
        damaged[60] ^= 1;
        assert_eq!(preferred(&damaged), None);
        assert_eq!(preferred(&[0xff; SIZE]), None);
    }
}
