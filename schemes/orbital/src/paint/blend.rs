//! Rows of pixels put over others. Pixels are `0xAARRGGBB`; what lies below is opaque, always.
//!
//! Everything is exact: a channel is the rounded quotient by 255 of what it should be. The loops work on blocks of sixteen pixels
//! as bytes with products of 16 bits, which the compiler makes vector instructions of; blocks that are all opaque or all
//! empty, as most are, are copied or left alone.

/// Pixels of a block.
const BLOCK: usize = 16;
/// Bytes of a block.
const BYTES: usize = BLOCK * 4;
/// An opaque pixel's alpha.
const OPAQUE: u32 = 0xff00_0000;

/// The rounded quotient by 255, for products of two bytes and sums of two such that are no larger.
#[inline]
const fn by_255(product: u16) -> u8 {
    let rounded = product + 128;
    ((rounded + (rounded >> 8)) >> 8) as u8
}

/// Copies pixels and makes them opaque.
#[inline]
pub fn copy(to: &mut [u32], from: &[u32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from | OPAQUE);
}

/// One pixel with straight alpha, of which only `coverage` counts, over another.
#[inline]
pub fn over_one(below: u32, pixel: u32, coverage: u8) -> u32 {
    let alpha = by_255((pixel >> 24) as u16 * u16::from(coverage));
    let rest = 255 - u16::from(alpha);
    let channel = |shift: u32| {
        let [above, below] = [pixel, below].map(|pixel| u16::from((pixel >> shift) as u8));
        u32::from(by_255(above * u16::from(alpha) + below * rest)) << shift
    };
    OPAQUE | channel(16) | channel(8) | channel(0)
}

/// Pixels with straight alpha over others.
pub fn over(to: &mut [u32], from: &[u32]) {
    let (blocks, rest) = to.as_chunks_mut::<BLOCK>();
    let (from_blocks, from_rest) = from.as_chunks::<BLOCK>();
    for (to, from) in blocks.iter_mut().zip(from_blocks) {
        over_block(to, from);
    }
    for (to, from) in rest.iter_mut().zip(from_rest) {
        *to = over_one(*to, *from, 255);
    }
}

#[inline]
fn over_block(to: &mut [u32; BLOCK], from: &[u32; BLOCK]) {
    let all = from.iter().fold(u32::MAX, |all, pixel| all & pixel);
    let any = from.iter().fold(0, |any, pixel| any | pixel);
    if all >= OPAQUE {
        *to = *from;
    } else if any & OPAQUE != 0 {
        let alphas = from.map(|pixel| (pixel >> 24) * 0x0101_0101);
        let (above, alphas): ([u8; BYTES], [u8; BYTES]) = (bytemuck::cast(*from), bytemuck::cast(alphas));
        mix(to, &above, &alphas);
    }
}

/// One colour over pixels, with as much of it as the mask says.
pub fn over_mask(to: &mut [u32], mask: &[u8], colour: u32) {
    for (to, &coverage) in to.iter_mut().zip(mask) {
        if coverage != 0 {
            *to = over_one(*to, colour, coverage);
        }
    }
}

/// One colour with its alpha over pixels.
pub fn over_colour(to: &mut [u32], colour: u32) {
    if colour >= OPAQUE {
        to.fill(colour);
        return;
    }
    let (blocks, rest) = to.as_chunks_mut::<BLOCK>();
    let above: [u8; BYTES] = bytemuck::cast([colour; BLOCK]);
    let alphas = [(colour >> 24) as u8; BYTES];
    blocks.iter_mut().for_each(|to| mix(to, &above, &alphas));
    rest.iter_mut().for_each(|to| *to = over_one(*to, colour, 255));
}

/// Mixes bytes by the alpha of each.
#[inline]
fn mix(to: &mut [u32; BLOCK], above: &[u8; BYTES], alphas: &[u8; BYTES]) {
    let mut bytes: [u8; BYTES] = bytemuck::cast(*to);
    for ((byte, &above), &alpha) in bytes.iter_mut().zip(above).zip(alphas) {
        let product = u16::from(above) * u16::from(alpha) + u16::from(*byte) * (255 - u16::from(alpha));
        *byte = by_255(product);
    }
    *to = bytemuck::cast::<_, [u32; BLOCK]>(bytes).map(|pixel| pixel | OPAQUE);
}

/// Pixels whose colours are already multiplied by their alpha over others: pictures of our own.
pub fn over_multiplied(to: &mut [u32], from: &[u32]) {
    for (to, &from) in to.iter_mut().zip(from) {
        let rest = 255 - (from >> 24) as u16;
        let channel = |shift: u32| {
            let below = by_255(u16::from((*to >> shift) as u8) * rest);
            u32::from(((from >> shift) as u8).saturating_add(below)) << shift
        };
        *to = OPAQUE | channel(16) | channel(8) | channel(0);
    }
}

/// Each pixel made `factor` pixels in a row.
pub fn magnify(to: &mut Vec<u32>, from: &[u32], factor: usize) {
    to.clear();
    to.extend(from.iter().flat_map(|&pixel| core::iter::repeat_n(pixel, factor)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What it should be, by arithmetic without tricks.
    fn exact(below: u32, above: u32, coverage: u32) -> u32 {
        let divided = |product: u32| (2 * product + 255) / 510;
        let alpha = divided((above >> 24) * coverage);
        let channel = |shift: u32| {
            let [above, below] = [above, below].map(|pixel| pixel >> shift & 0xff);
            divided(above * alpha + below * (255 - alpha)) << shift
        };
        OPAQUE | channel(16) | channel(8) | channel(0)
    }

    #[test]
    fn quotients_are_rounded() {
        for product in 0..=255 * 255 {
            assert_eq!(u32::from(by_255(product)), (2 * u32::from(product) + 255) / 510, "{product}");
        }
    }

    #[test]
    fn every_alpha_is_exact() {
        let mut random = Random::new(1);
        for alpha in 0..=255_u32 {
            let below: Vec<u32> = (0..133).map(|_| random.number() as u32 | OPAQUE).collect();
            let above: Vec<u32> = (0..133).map(|_| random.number() as u32 >> 8 | alpha << 24).collect();
            let mut seen = below.clone();
            over(&mut seen, &above);
            let wanted: Vec<u32> = below.iter().zip(&above).map(|(&below, &above)| exact(below, above, 255)).collect();
            assert_eq!(seen, wanted);
            let mut seen = below.clone();
            over_colour(&mut seen, above[0]);
            let wanted: Vec<u32> = below.iter().map(|&below| exact(below, above[0], 255)).collect();
            assert_eq!(seen, wanted);
        }
    }

    #[test]
    fn mixed_rows_and_masks_are_exact() {
        let mut random = Random::new(2);
        for _ in 0..200 {
            let len = random.below(70) as usize;
            let mut row = || -> Vec<u32> { (0..len).map(|_| random.number() as u32).collect() };
            let (below, mut above) = (row(), row());
            for pixel in &mut above {
                // Runs of opaque and empty ones.
                *pixel = match random.below(3) {
                    0 => *pixel | OPAQUE,
                    1 => *pixel & !OPAQUE,
                    _ => *pixel,
                };
            }
            let mask: Vec<u8> = (0..len).map(|_| random.number() as u8).collect();
            let below: Vec<u32> = below.iter().map(|pixel| pixel | OPAQUE).collect();
            let mut seen = below.clone();
            over(&mut seen, &above);
            assert!(
                seen.iter()
                    .zip(below.iter().zip(&above))
                    .all(|(&seen, (&below, &above))| seen == exact(below, above, 255))
            );
            let mut seen = below.clone();
            over_mask(&mut seen, &mask, 0xc012_3456);
            let wanted = below.iter().zip(&mask).map(|(&below, &mask)| match mask {
                0 => below,
                mask => exact(below, 0xc012_3456, mask.into()),
            });
            assert_eq!(seen, wanted.collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_ends_are_exact() {
        let mut row = [0xff11_2233; 20];
        over_multiplied(&mut row, &[0; 20]);
        assert_eq!(row, [0xff11_2233; 20]);
        over_multiplied(&mut row, &[0xff44_5566; 20]);
        assert_eq!(row, [0xff44_5566; 20]);
        copy(&mut row, &[0x0012_3456; 20]);
        assert_eq!(row, [0xff12_3456; 20]);
        let mut wide = Vec::new();
        magnify(&mut wide, &[1, 2], 3);
        assert_eq!(wide, [1, 1, 1, 2, 2, 2]);
    }
}
