//! Which lines of an editor changed.
//!
//! iced counts all of an editor as changed when anything in it is. Here each line that is seen has a number made of its glyphs, so that a typed
//! letter is the change of a line.

use iced_core::{Color, Rectangle};
use iced_graphics::text::Text;
use iced_tiny_skia::Layer;

/// The lines of an editor that are seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    bounds: Rectangle,
    color: Color,
    /// Upper edge, height and number of each.
    lines: Vec<(f32, f32, u64)>,
}

impl Lines {
    /// All editors of a layer, which is left without them.
    pub fn take(layer: &mut Layer) -> Vec<Self> {
        let mut editors = Vec::new();
        layer.text.retain(|item| match item.as_slice() {
            [text] => match Self::of(text) {
                Some(lines) => {
                    editors.push(lines);
                    false
                }
                None => true,
            },
            _ => true,
        });
        editors
    }

    fn of(text: &Text) -> Option<Self> {
        let Text::Editor { editor, position, color, transformation, .. } = text else { return None };
        // What is drawn in another size is left to iced.
        if transformation.scale_factor() != 1.0 {
            return None;
        }
        let bounds = Rectangle::new(*position, editor.bounds) * *transformation;
        let editor = editor.upgrade()?;
        let lines = editor.buffer().layout_runs().map(|run| {
            let mut number = 0_u64;
            for glyph in run.glyphs {
                let colour = u64::from(glyph.color_opt.map_or(0, |colour| colour.0));
                let place = (u64::from(glyph.x.to_bits()) << 16 | u64::from(glyph.glyph_id)) ^ colour << 24;
                number = (number ^ place).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
            }
            (run.line_top, run.line_height, number)
        });
        Some(Self { bounds, color: *color, lines: lines.collect() })
    }

    /// What has to be painted when one became the other.
    pub fn changed(&self, now: &Self, areas: &mut Vec<Rectangle>) {
        if self.bounds != now.bounds || self.color != now.color {
            areas.extend([self.bounds, now.bounds]);
            return;
        }
        for at in 0..self.lines.len().max(now.lines.len()) {
            let lines = [self.lines.get(at), now.lines.get(at)];
            if lines[0] != lines[1] {
                areas.extend(lines.into_iter().flatten().filter_map(|&(top, height, _)| {
                    let line = Rectangle { y: self.bounds.y + top, height, ..self.bounds };
                    line.intersection(&self.bounds)
                }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_changed() {
        let bounds = Rectangle { x: 10.0, y: 20.0, width: 100.0, height: 50.0 };
        let lines = |numbers: &[u64]| Lines {
            bounds,
            color: Color::BLACK,
            lines: numbers.iter().enumerate().map(|(at, &number)| (at as f32 * 20.0, 20.0, number)).collect(),
        };
        let changed = |before: &Lines, now: &Lines| {
            let mut areas = Vec::new();
            before.changed(now, &mut areas);
            areas.iter().map(|area| (area.y, area.height)).collect::<Vec<_>>()
        };
        assert_eq!(changed(&lines(&[1, 2, 3]), &lines(&[1, 2, 3])), []);
        assert_eq!(changed(&lines(&[1, 2, 3]), &lines(&[1, 9, 3])), [(40.0, 20.0), (40.0, 20.0)]);
        // The last one is seen in part.
        assert_eq!(changed(&lines(&[1, 2]), &lines(&[1, 2, 3])), [(60.0, 10.0)]);
        let white = Lines { color: Color::WHITE, ..lines(&[1]) };
        assert_eq!(changed(&lines(&[1]), &white), [(20.0, 50.0), (20.0, 50.0)]);
    }
}
