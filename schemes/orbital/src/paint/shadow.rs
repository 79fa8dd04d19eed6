//! The shadow of a window: a blurred rectangle of black. The blur of a rectangle is the product of two blurred steps, so
//! a table of one step is enough for windows of all sizes.

use super::blend;
use super::canvas::Canvas;
use crate::desk::frame::Frame;
use crate::geometry::Rect;

/// A blurred step.
#[derive(Clone, Debug)]
pub struct Shadow {
    /// From `reach` pixels before the edge to as many behind it.
    step: Vec<u8>,
    reach: i32,
    /// How far below the window it lies.
    drop: i32,
}

impl Shadow {
    /// A shadow that reaches so far beyond a window.
    pub fn new(reach: i32) -> Self {
        let drop = reach / 5;
        let reach = reach - drop;
        let step = (-reach..reach).map(|at| {
            // Smooth, with slopes of zero at both ends.
            let t = (at as f32 + 0.5 + reach as f32) / (2 * reach) as f32;
            (t * t * t * (t * (t * 6.0 - 15.0) + 10.0) * 255.0 + 0.5) as u8
        });
        Self { step: step.collect(), reach, drop }
    }

    /// How dark it is between two edges, of 255.
    fn between(&self, at: i32, start: i32, end: i32) -> u32 {
        let step = |inside: i32| match usize::try_from(inside + self.reach) {
            Ok(index) => u32::from(self.step.get(index).copied().unwrap_or(255)),
            Err(_) => 0,
        };
        step(at - start) * step(end - 1 - at) / 255
    }

    /// Paints what is seen of it around a window; `strength` is how dark it is where it is darkest.
    pub fn paint(&self, canvas: &mut Canvas, clip: Rect, frame: &Frame, strength: u8) {
        let (body, radius) = (frame.body(), frame.radius());
        let part = frame.outer().intersection(&clip);
        let cast = body.moved(0, self.drop);
        for y in part.y..part.bottom() {
            let down = self.between(y, cast.y, cast.bottom()) * u32::from(strength) / 255;
            if down == 0 {
                continue;
            }
            let inside = y >= body.y && y < body.bottom();
            let round = y < body.y + radius || y >= body.bottom() - radius;
            let inset = if round { radius } else { 0 };
            // The middle, where it is the same all along, is hidden by the window or not.
            let (left, right) = match inside {
                true => (body.x + inset, body.right() - inset),
                false => (cast.x + self.reach, (cast.right() - self.reach).max(cast.x + self.reach)),
            };
            if !inside && left < right {
                blend::over_colour(canvas.row_mut(y, left.max(part.x), right.min(part.right())), down << 24);
            }
            let [from, to] = [left.min(part.right()), right.max(part.x)];
            self.sides(canvas, y, part.x..from, &cast, down);
            self.sides(canvas, y, to..part.right(), &cast, down);
        }
    }

    fn sides(&self, canvas: &mut Canvas, y: i32, columns: core::ops::Range<i32>, cast: &Rect, down: u32) {
        let start = columns.start;
        for (x, pixel) in (start..).zip(canvas.row_mut(y, start, columns.end)) {
            let alpha = self.between(x, cast.x, cast.right()) * down / 255;
            *pixel = blend::over_one(*pixel, alpha << 24, 255);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::frame::Metrics;

    #[test]
    fn it_fades_away_and_pieces_are_the_whole() {
        let metrics = Metrics::new(1);
        let content = Rect::new(60, 90, 80, 50);
        let frame = Frame { content, decorated: true, floating: true, resizable: true, closable: true, metrics };
        let shadow = Shadow::new(metrics.shadow);
        let all = Rect::new(0, 0, 200, 200);
        let white = |canvas: &mut Canvas| canvas.fill_round(all, all, 0, 0xffff_ffff);
        let mut whole = Canvas::new(200, 200);
        white(&mut whole);
        shadow.paint(&mut whole, all, &frame, 100);
        let outer = frame.outer();
        for (x, y) in (0..200).flat_map(|x| (0..200).map(move |y| (x, y))) {
            let pixel = whole.row(y, x, x + 1)[0];
            assert!(outer.contains(x, y) || pixel == 0xffff_ffff, "{x}, {y}");
        }
        let below = |y: i32| whole.row(y, 100, 101)[0] & 0xff;
        assert!((content.bottom()..outer.bottom() - 1).all(|y| below(y) <= below(y + 1)));
        assert!(below(content.bottom()) < 200 && below(outer.bottom() - 1) >= 253);
        let mut pieces = Canvas::new(200, 200);
        white(&mut pieces);
        for x in 0..20 {
            shadow.paint(&mut pieces, Rect::new(x * 10, 0, 10, 77), &frame, 100);
            shadow.paint(&mut pieces, Rect::new(x * 10, 77, 10, 200), &frame, 100);
        }
        assert!(pieces == whole);
    }
}
