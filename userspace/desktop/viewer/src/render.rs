//! The part of a picture that is seen, as pixels of the screen.
//!
//! Smaller pictures are made from one that was halved before as often as it helps ([`Levels`]), so that each pixel that is left
//! out has been counted once; larger ones show their pixels as squares.

use std::sync::Arc;

use crate::camera::{Camera, Place};
use files::picture::{Picture, Turn};

/// From this scale on, pixels are shown as they are.
const SQUARES: f64 = 1.999;
/// Pixels of a field of the pattern behind what can be seen through, and its two greys.
const FIELD: u32 = 8;
const GREYS: [u8; 2] = [0x66, 0x99];
/// One, for positions in a picture.
const ONE: i64 = 1 << 16;

/// What is seen of a picture: where in the window, and the pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// From the left.
    pub x: u32,
    /// From above.
    pub y: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Red, green, blue, and opacity, which is all there is.
    pub pixels: Vec<u8>,
}

/// A picture, and the same with half as many pixels each way, a quarter, and so on, as far as they were needed.
#[derive(Debug)]
pub struct Levels(Vec<Arc<Picture>>);

impl Levels {
    /// Of a picture.
    pub fn new(picture: impl Into<Arc<Picture>>) -> Self {
        Self(vec![picture.into()])
    }

    /// The picture itself.
    pub fn picture(&self) -> &Picture {
        &self.0[0]
    }

    /// The smallest one that has at least as many pixels as the screen at this scale.
    fn for_scale(&mut self, scale: f64) -> &Picture {
        let mut level = 0;
        while scale * f64::from(1 << (level + 1)) <= 1.0 && self.0[level].width.min(self.0[level].height) > 1 {
            level += 1;
            if self.0.len() == level {
                let half = halve(&self.0[level - 1]);
                self.0.push(Arc::new(half));
            }
        }
        &self.0[level]
    }
}

/// Half as many pixels each way.
fn halve(picture: &Picture) -> Picture {
    let (width, height) = (picture.width.div_ceil(2), picture.height.div_ceil(2));
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 4);
    for y in 0..height {
        let rows = [2 * y, (2 * y + 1).min(picture.height - 1)];
        for x in 0..width {
            let columns = [2 * x, (2 * x + 1).min(picture.width - 1)];
            let four = rows.map(|y| columns.map(|x| pixel(picture, x, y)));
            pixels.extend(mean(four));
        }
    }
    Picture { width, height, pixels, ..*picture }
}

fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 4] {
    let at = (y as usize * picture.width as usize + x as usize) * 4;
    picture.pixels[at..at + 4].try_into().expect("four bytes")
}

/// The mean of four pixels; colours count as much as they can be seen.
fn mean(four: [[[u8; 4]; 2]; 2]) -> [u8; 4] {
    let four = four.concat();
    let alpha: u32 = four.iter().map(|pixel| u32::from(pixel[3])).sum();
    let channel = |at: usize| {
        let sum: u32 = four.iter().map(|pixel| u32::from(pixel[at]) * u32::from(pixel[3])).sum();
        (sum + alpha / 2).checked_div(alpha).unwrap_or(0) as u8
    };
    [channel(0), channel(1), channel(2), ((alpha + 2) / 4) as u8]
}

/// From places in the frame to places in a picture, both in fractions of [`ONE`].
struct Way {
    start: [i64; 2],
    per_x: [i64; 2],
    per_y: [i64; 2],
}

impl Way {
    /// For a picture of this size, laid by a turn into a place, of which the frame begins at `x` and `y`.
    fn new(size: (u32, u32), turn: Turn, place: Place, x: u32, y: u32) -> Self {
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        // Shares of the place: how far the picture's own x and y go along.
        let (along, down) = match turn.quarters {
            0 => ([1.0, 0.0], [0.0, 1.0]),
            1 => ([0.0, 1.0], [-1.0, 0.0]),
            2 => ([-1.0, 0.0], [0.0, -1.0]),
            _ => ([0.0, -1.0], [1.0, 0.0]),
        };
        let mirror = |value: [f64; 2]| if turn.mirrored { [-value[0], -value[1]] } else { value };
        // Each of the picture's coordinates as a share of its size: a part of x, a part of y, and where it begins.
        let axis = |direction: [f64; 2], size: f64| {
            let share = [direction[0] / place.width, direction[1] / place.height];
            let begin = if direction[0] + direction[1] < 0.0 { 1.0 } else { 0.0 };
            let from = [f64::from(x) + 0.5 - place.x, f64::from(y) + 0.5 - place.y];
            let start = begin + from[0] * share[0] + from[1] * share[1];
            let fixed = |value: f64| (value * size * ONE as f64).round() as i64;
            (fixed(start), fixed(share[0]), fixed(share[1]))
        };
        let (u, u_x, u_y) = axis(mirror(along), width);
        let (v, v_x, v_y) = axis(down, height);
        Self { start: [u, v], per_x: [u_x, v_x], per_y: [u_y, v_y] }
    }

    fn at(&self, x: u32, y: u32) -> [i64; 2] {
        let (x, y) = (i64::from(x), i64::from(y));
        [0, 1].map(|axis| self.start[axis] + x * self.per_x[axis] + y * self.per_y[axis])
    }
}

/// What the camera sees.
pub fn render(levels: &mut Levels, camera: &Camera) -> Frame {
    let (place, scale, window) = (camera.place(), camera.scale(), camera.window());
    let left = place.x.max(0.0) as u32;
    let top = place.y.max(0.0) as u32;
    let end = |from: f64, size: f64, window: u32| ((from + size).round().max(0.0) as u32).min(window);
    let (right, bottom) = (end(place.x, place.width, window.0), end(place.y, place.height, window.1));
    let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
    let picture = levels.for_scale(scale);
    let way = Way::new((picture.width, picture.height), camera.turn(), place, left, top);
    let exact = scale >= SQUARES || scale == 1.0;
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 4);
    for y in 0..height {
        if exact {
            (0..width).for_each(|x| pixels.extend(nearest(picture, way.at(x, y))));
        } else {
            (0..width).for_each(|x| pixels.extend(between(picture, way.at(x, y))));
        }
    }
    let mut frame = Frame { x: left, y: top, width, height, pixels };
    if picture.transparent {
        put_behind(&mut frame);
    }
    frame
}

/// The pixel at a place.
fn nearest(picture: &Picture, [u, v]: [i64; 2]) -> [u8; 4] {
    let inside = |value: i64, size: u32| (value >> 16).clamp(0, i64::from(size) - 1) as u32;
    pixel(picture, inside(u, picture.width), inside(v, picture.height))
}

/// What lies between the four pixels around a place.
fn between(picture: &Picture, [u, v]: [i64; 2]) -> [u8; 4] {
    // Pixels have their colour in their middle.
    let (u, v) = (u - ONE / 2, v - ONE / 2);
    let (right, down) = ((u >> 8 & 0xff) as u32, (v >> 8 & 0xff) as u32);
    let [a, b] = [0, ONE].map(|row| [0, ONE].map(|column| nearest(picture, [u + column, v + row])));
    let mix = |channel: usize| {
        let row =
            |[one, other]: [[u8; 4]; 2]| u32::from(one[channel]) * (256 - right) + u32::from(other[channel]) * right;
        ((row(a) * (256 - down) + row(b) * down + (1 << 15)) >> 16) as u8
    };
    std::array::from_fn(mix)
}

/// Puts the pattern of two greys behind what can be seen through. It lies still in the window.
fn put_behind(frame: &mut Frame) {
    let width = frame.width as usize;
    for (y, row) in frame.pixels.chunks_exact_mut(width.max(1) * 4).enumerate() {
        for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
            let field = (frame.x + x as u32) / FIELD + (frame.y + y as u32) / FIELD;
            let grey = u32::from(GREYS[field as usize % 2]);
            let alpha = u32::from(pixel[3]);
            for channel in &mut pixel[..3] {
                *channel = ((u32::from(*channel) * alpha + grey * (255 - alpha) + 127) / 255) as u8;
            }
            pixel[3] = u8::MAX;
        }
    }
}

#[cfg(test)]
mod tests;
