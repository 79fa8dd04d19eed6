//! Pixels to draw to.

use crate::font::Mask;
use crate::theme::Rgb;

/// A pixel as it lies in memory: 8 bits each of nothing, red, green and blue, the uppermost set to 255.
pub trait Pixel: Copy {
    /// From these bits.
    fn of(bits: u32) -> Self;
    /// Its bits.
    fn bits(self) -> u32;
}

impl Pixel for u32 {
    fn of(bits: u32) -> Self {
        bits
    }

    fn bits(self) -> u32 {
        self
    }
}

impl Pixel for orbclient::Color {
    fn of(bits: u32) -> Self {
        Self { data: bits }
    }

    fn bits(self) -> u32 {
        self.data
    }
}

/// Pixels to draw to.
pub struct Canvas<'a, P> {
    pixels: &'a mut [P],
    width: usize,
    height: usize,
}

/// A part of a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// From the left.
    pub x: usize,
    /// From the top.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl<'a, P: Pixel> Canvas<'a, P> {
    /// A canvas of rows of `width` pixels; as many whole ones as there are.
    pub fn new(pixels: &'a mut [P], width: usize) -> Self {
        let height = pixels.len().checked_div(width).unwrap_or(0);
        Self { pixels, width, height }
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Fills what of an area lies on the canvas.
    pub fn fill(&mut self, area: Area, color: Rgb) {
        let right = (area.x + area.width).min(self.width);
        for y in area.y..(area.y + area.height).min(self.height) {
            if area.x < right {
                self.pixels[y * self.width + area.x..y * self.width + right].fill(P::of(pixel(color)));
            }
        }
    }

    /// Puts a colour through a mask, within an area only.
    pub(crate) fn stamp(&mut self, mask: &Mask, x: usize, y: usize, color: Rgb, within: Area) {
        let full = pixel(color);
        let right = (within.x + within.width).min(self.width) as i32;
        let bottom = (within.y + within.height).min(self.height) as i32;
        let (left, top) = (x as i32 + mask.left, y as i32 + mask.top);
        let columns = (within.x as i32).max(left)..right.min(left + mask.width as i32);
        for row in (within.y as i32).max(top)..bottom.min(top + mask.height as i32) {
            if columns.is_empty() {
                break;
            }
            let covers = &mask.cover[(row - top) as usize * mask.width..][(columns.start - left) as usize..];
            let pixels = &mut self.pixels[row as usize * self.width..][columns.start as usize..columns.end as usize];
            for (pixel, &cover) in pixels.iter_mut().zip(covers) {
                match cover {
                    0 => {}
                    255 => *pixel = P::of(full),
                    _ => *pixel = P::of(mix(pixel.bits(), color, cover)),
                }
            }
        }
    }
}

/// A colour as a pixel.
pub fn pixel([red, green, blue]: Rgb) -> u32 {
    u32::from_be_bytes([255, red, green, blue])
}

/// A pixel that is covered in part.
fn mix(under: u32, over: Rgb, cover: u8) -> u32 {
    let [_, red, green, blue] = under.to_be_bytes();
    let cover = u32::from(cover);
    let part = |under: u8, over: u8| {
        let sum = u32::from(under) * (255 - cover) + u32::from(over) * cover + 127;
        (sum / 255) as u8
    };
    pixel([part(red, over[0]), part(green, over[1]), part(blue, over[2])])
}
