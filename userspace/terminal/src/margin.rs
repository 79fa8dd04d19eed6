//! What is shown around the cells: nothing, the bell, and where in all its rows the screen stands.

use crate::canvas::{Area, Canvas, Pixel};
use crate::theme::{Theme, dim};

/// What is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where the cells are.
    pub inner: Area,
    /// Pixels around them, at least.
    pub margin: usize,
    /// The bell rings.
    pub bell: bool,
    /// The part of all rows that is seen, if it is not the newest: from where, how much, of how many.
    pub thumb: Option<(usize, usize, usize)>,
}

/// The smallest thumb is so many times as high as it is wide.
const THUMB_LEAST: usize = 6;

/// What was drawn around the cells.
#[derive(Debug, Default)]
pub struct Margin(Option<Edge>);

impl Margin {
    /// Draws what is different. Answers the areas that are.
    pub fn draw(&mut self, edge: Edge, theme: &Theme, canvas: &mut Canvas<'_, impl Pixel>) -> Vec<Area> {
        let bare = Edge { bell: false, thumb: None, ..edge };
        if self.0.unwrap_or(bare) == edge {
            self.0 = Some(edge);
            return Vec::new();
        }
        self.0 = Some(edge);
        let areas = around(edge.inner, canvas.width(), canvas.height());
        areas.iter().for_each(|&area| canvas.fill(area, theme.background));
        if let Some(area) = thumb(&edge, canvas.width(), canvas.height()) {
            canvas.fill(area, dim(theme.foreground, theme.background));
        }
        if edge.bell {
            let all = Area { x: 0, y: 0, width: canvas.width(), height: canvas.height() };
            let line = (edge.margin / 4).max(1);
            let hole = Area {
                x: line,
                y: line,
                width: all.width.saturating_sub(2 * line),
                height: all.height.saturating_sub(2 * line),
            };
            around(hole, all.width, all.height).iter().for_each(|&area| canvas.fill(area, theme.cursor));
        }
        areas.into_iter().filter(|area| area.width > 0 && area.height > 0).collect()
    }
}

/// What is around an area: above, below, left, right.
fn around(inner: Area, width: usize, height: usize) -> [Area; 4] {
    let (right, bottom) = ((inner.x + inner.width).min(width), (inner.y + inner.height).min(height));
    [
        Area { x: 0, y: 0, width, height: inner.y.min(height) },
        Area { x: 0, y: bottom, width, height: height - bottom },
        Area { x: 0, y: inner.y, width: inner.x.min(width), height: bottom.saturating_sub(inner.y) },
        Area { x: right, y: inner.y, width: width - right, height: bottom.saturating_sub(inner.y) },
    ]
}

/// Where the thumb is.
fn thumb(edge: &Edge, width: usize, height: usize) -> Option<Area> {
    let (from, count, all) = edge.thumb?;
    let thick = edge.margin / 2;
    let space = (edge.margin - thick) / 2;
    let length = height.saturating_sub(2 * space);
    let size = (length * count / all.max(1)).max(thick * THUMB_LEAST).min(length);
    let hidden = all.saturating_sub(count).max(1);
    let y = space + (length - size) * from.min(hidden) / hidden;
    Some(Area { x: width.saturating_sub(space + thick), y, width: thick, height: size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::pixel;
    use crate::theme::DARK;

    const INNER: Area = Area { x: 8, y: 8, width: 80, height: 60 };

    fn edge(bell: bool, thumb: Option<(usize, usize, usize)>) -> Edge {
        Edge { inner: INNER, margin: 8, bell, thumb }
    }

    #[test]
    fn the_cells_are_never_touched_and_all_of_the_rest_is_told() {
        const TEXT: u32 = 0x1234_5678;
        let (width, height) = (100, 79);
        let mut pixels = vec![TEXT; width * height];
        let mut margin = Margin::default();
        let mut canvas = Canvas::new(&mut pixels, width);
        assert_eq!(margin.draw(edge(false, None), &DARK, &mut canvas), []);
        let areas = margin.draw(edge(true, Some((0, 10, 20))), &DARK, &mut canvas);
        assert_eq!(areas.iter().map(|area| area.width * area.height).sum::<usize>(), width * height - 80 * 60);
        assert_eq!(margin.draw(edge(true, Some((0, 10, 20))), &DARK, &mut canvas), []);
        for y in 0..height {
            for x in 0..width {
                let inside = (8..88).contains(&x) && (8..68).contains(&y);
                assert_eq!(pixels[y * width + x] == TEXT, inside, "{x} {y}");
            }
        }
        assert_eq!((pixels[0], pixels[5 * width + 5]), (pixel(DARK.cursor), pixel(DARK.background)));
        // The bell is over.
        margin.draw(edge(false, None), &DARK, &mut Canvas::new(&mut pixels, width));
        assert_eq!(pixels[0], pixel(DARK.background));
    }

    #[test]
    fn the_thumb_goes_from_end_to_end() {
        let at = |from| thumb(&edge(false, Some((from, 30, 130))), 100, 200).unwrap();
        assert_eq!((at(0).y, at(100).y + at(100).height), (2, 198));
        assert!(at(50).y > at(49).y && at(0).height == 196 * 30 / 130);
        let small = thumb(&edge(false, Some((0, 30, 10_030))), 100, 200).unwrap();
        assert_eq!((small.x, small.width, small.height), (94, 4, 24));
    }
}
