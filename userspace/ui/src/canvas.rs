//! The picture of a window: what changed since it was last painted, and the painting of that.
//!
//! iced's renderer tells the layers of a view; two such lists give rectangles that differ. They become whole pixels, rounded outwards, and
//! at most two of them, because each rectangle paints all that touches it. The pixels are the program's own and are copied to the
//! window afterwards: the display server must not see a picture that is half painted.

mod lines;
mod quads;

use iced_core::renderer::Quad;
use iced_core::{Background, Color, Rectangle, Size};
use iced_graphics::{Viewport, damage};
use iced_tiny_skia::{Layer, Renderer};
use tiny_skia::{Mask, PixmapMut};

use self::lines::Lines;

/// Most rectangles that are painted apart.
const RECTS: usize = 2;
/// Two rectangles are one when that paints no more than so many pixels in vain.
const WASTE: u64 = 16_384;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Its left edge.
    pub x: u32,
    /// Its upper edge.
    pub y: u32,
    /// Its width.
    pub w: u32,
    /// Its height.
    pub h: u32,
}

impl Rect {
    fn union(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.w).max(other.x + other.w);
        let bottom = (self.y + self.h).max(other.y + other.h);
        Self { x, y, w: right - x, h: bottom - y }
    }

    fn area(self) -> u64 {
        u64::from(self.w) * u64::from(self.h)
    }

    /// Pixels that are in a union and in neither of the two.
    fn waste(self, other: Self) -> u64 {
        self.union(other).area().saturating_sub(self.area() + other.area())
    }

    /// Whole pixels around an area of the design; one more on each side, where soft edges may reach.
    fn around(area: Rectangle, scale: f32, pixels: Size<u32>) -> Option<Self> {
        let edge = |value: f32, limit: u32| (value * scale).clamp(0.0, limit as f32) as u32;
        let low = |value: f32, limit: u32| edge(value, limit).saturating_sub(1);
        let high = |value: f32, limit: u32| ((value * scale).ceil().clamp(0.0, limit as f32) as u32 + 1).min(limit);
        let (x, y) = (low(area.x, pixels.width), low(area.y, pixels.height));
        let (right, bottom) = (high(area.x + area.width, pixels.width), high(area.y + area.height, pixels.height));
        (right > x && bottom > y).then(|| Self { x, y, w: right - x, h: bottom - y })
    }
}

/// At most [`RECTS`] rectangles that cover all of these.
pub fn merge(rects: impl IntoIterator<Item = Rect>) -> Vec<Rect> {
    let mut merged: Vec<Rect> = Vec::new();
    for mut rect in rects {
        // What grows may reach others.
        while let Some(at) = merged.iter().position(|known| known.waste(rect) <= WASTE) {
            rect = rect.union(merged.swap_remove(at));
        }
        merged.push(rect);
        if merged.len() > RECTS {
            let pairs = [(0, 1), (0, 2), (1, 2)];
            if let Some((a, b)) = pairs.into_iter().min_by_key(|&(a, b)| merged[a].waste(merged[b])) {
                let other = merged.swap_remove(b);
                merged[a] = merged[a].union(other);
            }
        }
    }
    merged
}

/// A layer of a view, without what is compared in other ways than iced's.
struct Picture {
    layer: Layer,
    quads: Vec<(Quad, Background)>,
    editors: Vec<Lines>,
}

impl Picture {
    fn of(mut layer: Layer) -> Self {
        let (quads, editors) = (std::mem::take(&mut layer.quads), Lines::take(&mut layer));
        Self { layer, quads, editors }
    }
}

/// The picture.
pub struct Canvas {
    size: Size<u32>,
    pixels: Vec<u32>,
    mask: Option<Mask>,
    /// What was painted last.
    pictures: Vec<Picture>,
    background: Color,
    whole: bool,
}

impl Canvas {
    /// A picture without pixels.
    pub const fn new() -> Self {
        Self {
            size: Size::new(0, 0),
            pixels: Vec::new(),
            mask: None,
            pictures: Vec::new(),
            background: Color::BLACK,
            whole: true,
        }
    }

    /// Width and height.
    pub const fn size(&self) -> Size<u32> {
        self.size
    }

    /// The pixels, row by row: `0xAARRGGBB`, each channel multiplied by alpha.
    pub fn pixels(&self) -> &[u32] {
        &self.pixels
    }

    /// All of it has to be painted again.
    pub const fn forget(&mut self) {
        self.whole = true;
    }

    /// Paints what differs from the last time, and answers where that is.
    pub fn paint(&mut self, renderer: &mut Renderer, viewport: &Viewport, background: Color) -> Vec<Rect> {
        self.resize(viewport.physical_size());
        let pictures: Vec<Picture> = renderer.layers().iter().cloned().map(Picture::of).collect();
        let rects = self.changed(&pictures, viewport.scale_factor(), background);
        let size = self.size;
        let (Some(mask), Some(mut pixmap)) = (
            &mut self.mask,
            PixmapMut::from_bytes(bytemuck::cast_slice_mut(&mut self.pixels), size.width, size.height),
        ) else {
            return Vec::new();
        };
        if !rects.is_empty() {
            let scale = viewport.scale_factor();
            let areas: Vec<Rectangle> = rects
                .iter()
                .map(|rect| {
                    let [x, y, width, height] = [rect.x, rect.y, rect.w, rect.h].map(|side| side as f32 / scale);
                    Rectangle { x, y, width, height }
                })
                .collect();
            renderer.draw(&mut pixmap, mask, viewport, &areas, background);
            self.pictures = pictures;
            self.background = background;
            self.whole = false;
        }
        rects
    }

    fn resize(&mut self, size: Size<u32>) {
        if size != self.size {
            self.size = size;
            self.pixels = vec![0; size.width as usize * size.height as usize];
            self.mask = Mask::new(size.width, size.height);
            self.whole = true;
        }
    }

    fn changed(&self, pictures: &[Picture], scale: f32, background: Color) -> Vec<Rect> {
        let all = Rect { x: 0, y: 0, w: self.size.width, h: self.size.height };
        if self.whole || background != self.background {
            return vec![all];
        }
        let mut areas = damage::diff(
            &self.pictures,
            pictures,
            |picture| vec![picture.layer.bounds],
            |before, now| Layer::damage(&before.layer, &now.layer),
        );
        for (before, now) in self.pictures.iter().zip(pictures) {
            quads::changed(&before.quads, &now.quads, now.layer.bounds, &mut areas);
            if before.editors.len() != now.editors.len() {
                return vec![all];
            }
            before.editors.iter().zip(&now.editors).for_each(|(before, now)| before.changed(now, &mut areas));
        }
        merge(areas.into_iter().filter_map(|area| Rect::around(area, scale, self.size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rect(x: u32, y: u32, w: u32, h: u32) -> Rect {
        Rect { x, y, w, h }
    }

    #[test]
    fn pixels_around_an_area() {
        let pixels = Size::new(100, 50);
        let around = |x, y, width, height, scale| Rect::around(Rectangle { x, y, width, height }, scale, pixels);
        assert_eq!(around(10.2, 10.0, 5.0, 5.5, 1.0), Some(rect(9, 9, 8, 8)));
        assert_eq!(around(10.0, 10.0, 5.0, 5.0, 2.0), Some(rect(19, 19, 12, 12)));
        assert_eq!(around(-5.0, -5.0, 200.0, 200.0, 1.0), Some(rect(0, 0, 100, 50)));
        assert_eq!(around(200.0, 0.0, 5.0, 5.0, 1.0), None.or(Some(rect(99, 0, 1, 6))));
        assert_eq!(around(f32::NAN, 0.0, 5.0, 5.0, 1.0), Some(rect(0, 0, 1, 6)));
    }

    #[test]
    fn near_rectangles_are_one_and_there_are_never_more_than_two() {
        assert_eq!(merge([rect(0, 0, 10, 10), rect(12, 0, 10, 10)]), [rect(0, 0, 22, 10)]);
        let apart = [rect(0, 0, 10, 10), rect(900, 900, 10, 10)];
        assert_eq!(merge(apart), apart);
        let many = (0..40).map(|at| rect(at * 50, at * 50, 20, 20));
        let merged = merge(many.clone());
        assert!(merged.len() <= RECTS);
        for rect in many {
            assert!(merged.iter().any(|cover| cover.union(rect) == *cover), "{rect:?} is not painted");
        }
    }
}
