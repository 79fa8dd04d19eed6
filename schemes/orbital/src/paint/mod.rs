//! The picture of the desk: what is seen where, painted by rectangles.
//!
//! [`Painter::paint`] goes from the foremost window to the background, notes what of each is to be seen and takes away what it hides;
//! then it paints what it noted, from the background to the front. Nothing is painted that is hidden, and what is painted
//! depends on the desk alone, never on what was there: a picture painted in pieces is the same as one painted at once.

pub mod blend;
pub mod canvas;
pub mod fonts;
pub mod icons;
mod scene;
pub mod shadow;
pub mod text;
mod wallpaper;

use std::rc::Rc;

pub use self::wallpaper::HILLS;

use self::canvas::{Canvas, Mask};
use self::icons::Icons;
use self::shadow::Shadow;
use self::text::{Style, Text};
use self::wallpaper::Wallpaper;
use crate::desk::Desk;
use crate::desk::frame::Metrics;
use crate::desk::pointer::Shape;
use crate::geometry::Rect;
use crate::theme::Palette;
use crate::wire::WindowId;

/// The pixels of windows.
pub trait Pictures {
    /// Pixels of a window's buffer, row by row, as many as there are.
    fn pixels(&self, id: WindowId) -> &[u32];
}

/// Paints desks.
pub struct Painter {
    palette: Palette,
    icons: Icons,
    shadow: Shadow,
    text: Text,
    wallpaper: Wallpaper,
    metrics: Metrics,
    /// The screen draws the cursor itself.
    pub hardware_cursor: bool,
    /// A row of a magnified window.
    row: Vec<u32>,
}

impl Painter {
    /// A painter with a look and fonts.
    pub fn new(palette: Palette, text: Text) -> Self {
        let metrics = Metrics::new(1);
        Self {
            palette,
            icons: Icons::new(1),
            shadow: Shadow::new(metrics.shadow),
            text,
            wallpaper: Wallpaper::default(),
            metrics,
            hardware_cursor: false,
            row: Vec::new(),
        }
    }

    /// Takes another look; the whole desk has to be painted again.
    pub fn set_palette(&mut self, palette: Palette) {
        self.palette = palette;
        self.wallpaper = Wallpaper::default();
    }

    /// The place that a cursor takes, if it is painted.
    pub fn cursor_rect(&mut self, desk: &Desk) -> Option<Rect> {
        self.rescale(desk);
        let pointer = desk.pointer();
        let sprite = self.icons.cursor(pointer.shape).filter(|_| !self.hardware_cursor)?;
        Some(Rect::new(pointer.x - sprite.hot.0, pointer.y - sprite.hot.1, sprite.w, sprite.h))
    }

    /// The picture of a cursor.
    pub fn cursor(&self, shape: Shape) -> Option<&canvas::Sprite> {
        self.icons.cursor(shape)
    }

    /// Paints rectangles of the desk.
    pub fn paint(&mut self, canvas: &mut Canvas, desk: &Desk, pictures: &dyn Pictures, rects: &[Rect]) {
        self.rescale(desk);
        let screen = desk.screen();
        if !self.wallpaper.fits(screen.w, screen.h) {
            self.wallpaper = Wallpaper::new(screen.w, screen.h, &self.palette);
        }
        for rect in rects {
            let rect = rect.intersection(&canvas.bounds());
            if !rect.is_empty() {
                self.paint_rect(canvas, desk, pictures, rect);
            }
        }
    }

    fn rescale(&mut self, desk: &Desk) {
        if self.metrics != desk.metrics() {
            self.metrics = desk.metrics();
            self.icons = Icons::new(self.metrics.scale);
            self.shadow = Shadow::new(self.metrics.shadow);
        }
    }

    fn line(&mut self, text: &str, strong: bool) -> Rc<Mask> {
        self.text.line(text, Style { size: 14 * self.metrics.scale, strong })
    }
}
