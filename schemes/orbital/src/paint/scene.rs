//! What of the desk is to be seen in a rectangle, and how each piece of it is painted.

use super::canvas::{Canvas, corner_coverage};
use super::{Painter, Pictures, blend};
use crate::desk::Desk;
use crate::desk::frame::{Button, Frame};
use crate::desk::window::{Tile, Window};
use crate::geometry::Rect;

/// Room beside a title, in pixels of the design.
const LABEL_ROOM: i32 = 14;
/// How much of the accent shows where a window would be put, of 255.
const PREVIEW: u32 = 72;

/// Something to be painted.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Background,
    Shade(&'a Window),
    Title(&'a Window),
    Content(&'a Window),
    Preview(Rect),
    Switcher,
    Cursor,
}

/// What is to be seen: pieces with the rectangles of them, the foremost first, and what nothing has hidden yet.
struct Scene<'a> {
    pieces: Vec<(Piece<'a>, Rect)>,
    free: Vec<Rect>,
}

impl<'a> Scene<'a> {
    fn add(&mut self, piece: Piece<'a>, bounds: Rect) {
        let seen = self.free.iter().map(|free| free.intersection(&bounds)).filter(|seen| !seen.is_empty());
        self.pieces.extend(seen.map(|seen| (piece, seen)));
    }

    fn hide(&mut self, by: Rect) {
        if by.is_empty() || !self.free.iter().any(|free| free.meets(&by)) {
            return;
        }
        let mut left = Vec::with_capacity(self.free.len() + 3);
        self.free.iter().for_each(|free| free.without(&by, |piece| left.push(piece)));
        self.free = left;
    }
}

/// What of a window hides what is behind it: all but its corners.
fn hidden_by(window: &Window, frame: &Frame) -> [Rect; 3] {
    let (body, radius) = (frame.body(), frame.radius());
    let body = if window.opaque() { body } else { frame.title() };
    // What is not opaque has no lower corners of its own to be spared.
    let lower = if window.opaque() { radius } else { 0 };
    [
        Rect::from_edges(body.x + radius, body.y, body.right() - radius, body.y + radius),
        Rect::from_edges(body.x, body.y + radius, body.right(), body.bottom() - lower),
        Rect::from_edges(body.x + lower, body.bottom() - lower, body.right() - lower, body.bottom()),
    ]
}

impl Painter {
    pub(super) fn paint_rect(&mut self, canvas: &mut Canvas, desk: &Desk, pictures: &dyn Pictures, rect: Rect) {
        let cursor = self.cursor_rect(desk);
        let mut scene = Scene { pieces: Vec::new(), free: vec![rect] };
        if let Some(place) = cursor {
            scene.add(Piece::Cursor, place);
        }
        if let Some(place) = desk.switcher_rect() {
            scene.add(Piece::Switcher, place);
        }
        let preview = desk.snap_preview();
        for window in desk.front_to_back() {
            if scene.free.is_empty() {
                break;
            }
            let frame = window.frame(desk.metrics());
            if frame.outer().meets(&rect) {
                scene.add(Piece::Content(window), frame.content);
                scene.add(Piece::Title(window), frame.title());
                hidden_by(window, &frame).into_iter().for_each(|opaque| scene.hide(opaque));
                if frame.decorated && frame.floating {
                    scene.add(Piece::Shade(window), frame.outer());
                }
            }
            if let Some((_, place)) = preview.filter(|&(id, _)| id == window.id) {
                scene.add(Piece::Preview(place), place);
            }
        }
        scene.add(Piece::Background, rect);
        for &(piece, clip) in scene.pieces.iter().rev() {
            self.paint_piece(canvas, desk, pictures, piece, clip);
        }
    }

    fn paint_piece(&mut self, canvas: &mut Canvas, desk: &Desk, pictures: &dyn Pictures, piece: Piece<'_>, clip: Rect) {
        match piece {
            Piece::Background => self.wallpaper.paint(canvas, clip),
            Piece::Shade(window) => self.shade(canvas, desk, window, clip),
            Piece::Title(window) => self.title(canvas, desk, window, clip),
            Piece::Content(window) => self.content(canvas, desk, window, pictures, clip),
            Piece::Preview(place) => {
                let (margin, radius) = (6 * self.metrics.scale, self.metrics.radius);
                let accent = self.palette.accent.0 & 0x00ff_ffff;
                let place = place.grown(-margin);
                canvas.fill_round(clip, place, radius, PREVIEW << 24 | accent);
                canvas.stroke_round(clip, place, radius, self.metrics.line, 0xc000_0000 | accent);
            }
            Piece::Switcher => self.switcher(canvas, desk, clip),
            Piece::Cursor => {
                let pointer = desk.pointer();
                if let Some(sprite) = self.icons.cursor(pointer.shape) {
                    canvas.sprite(clip, pointer.x, pointer.y, sprite);
                }
            }
        }
    }

    /// Shadow and line around a window.
    fn shade(&self, canvas: &mut Canvas, desk: &Desk, window: &Window, clip: Rect) {
        let frame = window.frame(desk.metrics());
        let focused = desk.focused() == Some(window.id);
        let strength = if focused { self.palette.shadow } else { self.palette.shadow_dim };
        self.shadow.paint(canvas, clip, &frame, strength);
        let line = self.metrics.line;
        canvas.stroke_round(clip, frame.body().grown(line), frame.radius() + line, line, self.palette.line.0);
    }

    fn title(&mut self, canvas: &mut Canvas, desk: &Desk, window: &Window, clip: Rect) {
        let frame = window.frame(desk.metrics());
        let focused = desk.focused() == Some(window.id);
        let palette = &self.palette;
        let (ground, ink) = match focused {
            true => (palette.title.0, palette.text.0),
            false => (palette.title_dim.0, palette.text_dim.0),
        };
        let (title, seam) = (frame.title(), palette.seam.0);
        // Only the upper corners are round: the lower ones lie beyond the clip.
        let tall = Rect { h: title.h + frame.radius(), ..title };
        canvas.fill_round(clip, tall, frame.radius(), ground);
        let line = self.metrics.line;
        let below = Rect::new(title.x, title.bottom() - line, title.w, line);
        canvas.fill_round(clip, below, 0, seam);
        self.buttons(canvas, desk, window, &frame, clip, ink);
        let label = frame.label();
        if clip.meets(&label) {
            self.label(canvas, &window.title, label, title, clip, ink);
        }
    }

    /// A title: in the middle of the bar if it has room there, else as far left as it must.
    fn label(&mut self, canvas: &mut Canvas, text: &str, label: Rect, title: Rect, clip: Rect, ink: u32) {
        let mask = self.line(text, true);
        let room = LABEL_ROOM * self.metrics.scale;
        let middle = title.x + (title.w - mask.w) / 2;
        let x = middle.min(label.right() - room / 2 - mask.w).max(title.x + room);
        let y = title.y + (title.h - mask.h) / 2;
        canvas.mask(clip.intersection(&label), x, y, &mask, ink, Some((label.right(), 2 * room)));
    }

    fn buttons(&self, canvas: &mut Canvas, desk: &Desk, window: &Window, frame: &Frame, clip: Rect, ink: u32) {
        let palette = &self.palette;
        let scale = self.metrics.scale;
        for (button, place) in frame.buttons().filter(|(_, place)| clip.meets(place)) {
            let lit = desk.lit_button().filter(|&(id, known, _)| id == window.id && known == button);
            let mut colour = ink;
            if let Some((_, _, pressed)) = lit {
                let side = 26 * scale;
                let disc = Rect::new(place.x + (place.w - side) / 2, place.y + (place.h - side) / 2, side, side);
                let ground = match (button, pressed) {
                    (Button::Close, _) => palette.close.0,
                    (_, true) => palette.pressed.0,
                    (_, false) => palette.lit.0,
                };
                canvas.fill_round(clip, disc, side / 2, ground);
                colour = if button == Button::Close { palette.close_text.0 } else { palette.text.0 };
            }
            let mask = self.icons.button(button, window.tile == Tile::Maximized);
            let (x, y) = (place.x + (place.w - mask.w) / 2, place.y + (place.h - mask.h) / 2);
            canvas.mask(clip, x, y, mask, colour, None);
        }
    }

    fn content(&mut self, canvas: &mut Canvas, desk: &Desk, window: &Window, pictures: &dyn Pictures, clip: Rect) {
        let frame = window.frame(desk.metrics());
        let (content, body, radius) = (frame.content, frame.body(), frame.radius());
        let factor = window.magnification(self.metrics.scale);
        let pixels = pictures.pixels(window.id);
        let (width, opaque) = (window.size.0 as usize, window.opaque());
        let mut row = core::mem::take(&mut self.row);
        for y in clip.y..clip.bottom() {
            let (first, last) = ((clip.x - content.x) / factor, (clip.right() - 1 - content.x) / factor);
            let start = (y - content.y) as usize / factor as usize * width;
            let from = pixels.get(start + first as usize..=start + last as usize);
            let Some(mut from) = from else {
                // There is no picture of this size, for a moment.
                blend::over_colour(canvas.row_mut(y, clip.x, clip.right()), self.palette.surface.0);
                continue;
            };
            if factor > 1 {
                blend::magnify(&mut row, from, factor as usize);
                let skipped = (clip.x - content.x - first * factor) as usize;
                from = &row[skipped..skipped + clip.w as usize];
            }
            // The parts of the row that corners are cut from.
            let inset = if y >= body.bottom() - radius { radius } else { 0 };
            let (left, right) =
                ((body.x + inset).clamp(clip.x, clip.right()), (body.right() - inset).clamp(clip.x, clip.right()));
            let middle = &from[(left - clip.x) as usize..(right.max(left) - clip.x) as usize];
            let to = canvas.row_mut(y, left, right);
            if opaque {
                blend::copy(to, middle)
            } else {
                blend::over(to, middle)
            }
            for x in (clip.x..left).chain(right..clip.right()) {
                let alpha = if opaque { 0xff00_0000 } else { 0 };
                let pixel = from[(x - clip.x) as usize] | alpha;
                let coverage = corner_coverage(&body, radius, x, y);
                canvas
                    .row_mut(y, x, x + 1)
                    .iter_mut()
                    .for_each(|below| *below = blend::over_one(*below, pixel, coverage));
            }
        }
        self.row = row;
    }

    fn switcher(&mut self, canvas: &mut Canvas, desk: &Desk, clip: Rect) {
        let (Some(switcher), Some(place)) = (desk.switcher(), desk.switcher_rect()) else { return };
        let (line, radius, scale) = (self.metrics.line, self.metrics.radius, self.metrics.scale);
        canvas.fill_round(clip, place, radius + 4 * scale, self.palette.panel.0);
        canvas.stroke_round(clip, place, radius + 4 * scale, line, self.palette.line.0);
        let (shown, chosen) = switcher.shown();
        for (index, id) in shown.iter().enumerate() {
            let (Some(window), Some(row)) = (desk.window(*id), desk.switcher_row(index)) else { continue };
            if !row.meets(&clip) {
                continue;
            }
            let (ink, strong) = match (index == chosen, window.minimized) {
                (true, _) => (self.palette.accent_text.0, true),
                (_, true) => (self.palette.text_dim.0, false),
                _ => (self.palette.text.0, false),
            };
            if index == chosen {
                canvas.fill_round(clip, row, radius, self.palette.accent.0);
            }
            let mask = self.line(&window.title, strong);
            let room = LABEL_ROOM * scale;
            let y = row.y + (row.h - mask.h) / 2;
            let inside = Rect::from_edges(row.x + room, row.y, row.right() - room, row.bottom());
            canvas.mask(clip.intersection(&inside), inside.x, y, &mask, ink, Some((inside.right(), 2 * room)));
        }
    }
}
