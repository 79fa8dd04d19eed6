//! A picture in memory, and what can be drawn on it: always inside a clip, always exact, so that a picture painted in pieces is the
//! same as one painted at once.

use super::blend;
use crate::geometry::Rect;

/// A picture of opaque pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Canvas {
    w: i32,
    h: i32,
    pixels: Vec<u32>,
}

/// How much of each pixel of a small picture a colour covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
    /// A byte for each pixel.
    pub coverage: Vec<u8>,
}

/// A small picture; its colours are multiplied by their alpha.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sprite {
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
    /// The pixel that is where the sprite is said to be.
    pub hot: (i32, i32),
    /// The pixels.
    pub pixels: Vec<u32>,
}

impl core::fmt::Debug for Canvas {
    /// Without the pixels, which nobody could read.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Canvas {} x {}", self.w, self.h)
    }
}

impl Canvas {
    /// A black picture.
    pub fn new(w: i32, h: i32) -> Self {
        Self { w, h, pixels: vec![0xff00_0000; (w.max(0) * h.max(0)) as usize] }
    }

    /// All of it.
    pub fn bounds(&self) -> Rect {
        Rect::new(0, 0, self.w, self.h)
    }

    /// The pixels, row by row.
    pub fn pixels(&self) -> &[u32] {
        &self.pixels
    }

    /// A part of a row. What lies outside the picture is not there.
    pub fn row(&self, y: i32, left: i32, right: i32) -> &[u32] {
        let range = self.range(y, left, right);
        &self.pixels[range]
    }

    /// A part of a row, to be changed.
    pub fn row_mut(&mut self, y: i32, left: i32, right: i32) -> &mut [u32] {
        let range = self.range(y, left, right);
        &mut self.pixels[range]
    }

    fn range(&self, y: i32, left: i32, right: i32) -> core::ops::Range<usize> {
        if y < 0 || y >= self.h {
            return 0..0;
        }
        let (left, right) = (left.clamp(0, self.w), right.clamp(0, self.w));
        let start = (y * self.w + left) as usize;
        start..start + (right - left).max(0) as usize
    }

    /// A rectangle of one colour with round corners.
    pub fn fill_round(&mut self, clip: Rect, rect: Rect, radius: i32, colour: u32) {
        let part = rect.intersection(&clip);
        for y in part.y..part.bottom() {
            let inset = if y < rect.y + radius || y >= rect.bottom() - radius { radius } else { 0 };
            let (left, right) = (rect.x + inset, rect.right() - inset);
            blend::over_colour(self.row_mut(y, left.max(part.x), right.min(part.right())), colour);
            let [from, to] = [left.min(part.right()), right.max(part.x)];
            for x in (part.x..from).chain(to..part.right()) {
                let coverage = corner_coverage(&rect, radius, x, y);
                self.row_mut(y, x, x + 1)
                    .iter_mut()
                    .for_each(|pixel| *pixel = blend::over_one(*pixel, colour, coverage));
            }
        }
    }

    /// A line inside the edge of a rectangle with round corners.
    pub fn stroke_round(&mut self, clip: Rect, rect: Rect, radius: i32, width: i32, colour: u32) {
        let part = rect.intersection(&clip);
        let inner = rect.grown(-width);
        for y in part.y..part.bottom() {
            let near = y < rect.y + radius || y >= rect.bottom() - radius;
            let inset = if near { radius.max(width) } else { width };
            let (left, right) = (rect.x + inset, rect.right() - inset);
            if y < inner.y || y >= inner.bottom() {
                blend::over_colour(self.row_mut(y, left.max(part.x), right.min(part.right())), colour);
            }
            let [from, to] = [left.min(part.right()), right.max(part.x)];
            for x in (part.x..from).chain(to..part.right()) {
                let inside = corner_coverage(&inner, (radius - width).max(0), x, y);
                let coverage = corner_coverage(&rect, radius, x, y).saturating_sub(inside);
                self.row_mut(y, x, x + 1)
                    .iter_mut()
                    .for_each(|pixel| *pixel = blend::over_one(*pixel, colour, coverage));
            }
        }
    }

    /// A colour through a mask. Towards `fade` on the right it becomes nothing.
    pub fn mask(&mut self, clip: Rect, x: i32, y: i32, mask: &Mask, colour: u32, fade: Option<(i32, i32)>) {
        let part = Rect::new(x, y, mask.w, mask.h).intersection(&clip).intersection(&self.bounds());
        let Some((end, width)) = fade.filter(|&(end, _)| end < x + mask.w) else {
            for row in part.y..part.bottom() {
                let from = ((row - y) * mask.w + part.x - x) as usize;
                let coverage = &mask.coverage[from..from + part.w as usize];
                blend::over_mask(self.row_mut(row, part.x, part.right()), coverage, colour);
            }
            return;
        };
        for row in part.y..part.bottom() {
            for column in part.x..part.right().min(end) {
                let coverage = i32::from(mask.coverage[((row - y) * mask.w + column - x) as usize]);
                let coverage = coverage * (end - column).min(width) / width.max(1);
                let pixels = self.row_mut(row, column, column + 1);
                pixels.iter_mut().for_each(|pixel| *pixel = blend::over_one(*pixel, colour, coverage as u8));
            }
        }
    }

    /// A sprite at a place.
    pub fn sprite(&mut self, clip: Rect, x: i32, y: i32, sprite: &Sprite) {
        let place = Rect::new(x - sprite.hot.0, y - sprite.hot.1, sprite.w, sprite.h);
        let part = place.intersection(&clip).intersection(&self.bounds());
        for row in part.y..part.bottom() {
            let from = ((row - place.y) * sprite.w + part.x - place.x) as usize;
            blend::over_multiplied(
                self.row_mut(row, part.x, part.right()),
                &sprite.pixels[from..from + part.w as usize],
            );
        }
    }
}

/// How much of a pixel lies in a rectangle with round corners.
pub fn corner_coverage(rect: &Rect, radius: i32, x: i32, y: i32) -> u8 {
    if !rect.contains(x, y) {
        return 0;
    }
    // Distance of the pixel's middle from the corner circle's, in both directions, inwards negative.
    let from_edge =
        |place: i32, start: i32, end: i32| (start + radius - place).max(place + 1 - end + radius) as f32 - 0.5;
    let (dx, dy) = (from_edge(x, rect.x, rect.right()), from_edge(y, rect.y, rect.bottom()));
    if dx <= 0.0 || dy <= 0.0 {
        return 255;
    }
    let outside = (dx * dx + dy * dy).sqrt() - radius as f32;
    ((0.5 - outside).clamp(0.0, 1.0) * 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn pieces_make_the_same_picture_as_the_whole() {
        let mask = Mask { w: 40, h: 9, coverage: (0..360).map(|value| value as u8).collect() };
        let sprite =
            Sprite { w: 8, h: 8, hot: (3, 3), pixels: (0..64).map(|value| (value << 24) | (value / 2)).collect() };
        let draw = |canvas: &mut Canvas, clip: Rect| {
            canvas.fill_round(clip, Rect::new(3, 4, 60, 40), 9, 0xc0ff_8000);
            canvas.stroke_round(clip, Rect::new(2, 3, 62, 42), 10, 2, 0xff20_4060);
            canvas.mask(clip, 10, 12, &mask, 0xffff_ffff, None);
            canvas.mask(clip, 30, 30, &mask, 0xffff_ffff, Some((55, 10)));
            canvas.sprite(clip, 1, 47, &sprite);
        };
        let mut whole = Canvas::new(64, 48);
        draw(&mut whole, Rect::new(0, 0, 64, 48));
        assert!(whole.pixels().iter().any(|&pixel| pixel != 0xff00_0000));
        let mut random = Random::new(8);
        for _ in 0..50 {
            let mut pieces = Canvas::new(64, 48);
            let (x, y) = (random.below(64) as i32, random.below(48) as i32);
            for clip in [
                Rect::from_edges(0, 0, x, y),
                Rect::from_edges(x, 0, 64, y),
                Rect::from_edges(0, y, x, 48),
                Rect::from_edges(x, y, 64, 48),
            ] {
                draw(&mut pieces, clip);
            }
            assert!(pieces == whole, "divided at {x}, {y}");
        }
    }

    #[test]
    fn corners_are_round_and_alike() {
        let rect = Rect::new(0, 0, 20, 20);
        let coverage = |x, y| corner_coverage(&rect, 8, x, y);
        assert_eq!((coverage(0, 0), coverage(10, 0), coverage(10, 10), coverage(-1, 10)), (0, 255, 255, 0));
        for (x, y) in (0..8).flat_map(|x| (0..8).map(move |y| (x, y))) {
            assert!(
                [coverage(19 - x, y), coverage(x, 19 - y), coverage(y, x)].iter().all(|&other| other == coverage(x, y))
            );
        }
    }
}
