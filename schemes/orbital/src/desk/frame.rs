//! Geometry of a window's frame: what belongs to it besides its content, and what a point of it is for.

use crate::geometry::Rect;
use crate::protocol::Edges;

/// Sizes of the design at a scale, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Pixels of the screen to a pixel of the design.
    pub scale: i32,
    /// Height of a title bar.
    pub title: i32,
    /// Width of a button in it.
    pub button: i32,
    /// Radius of the corners.
    pub radius: i32,
    /// How far the shadow reaches.
    pub shadow: i32,
    /// Width of the band around a window that resizes it.
    pub edge: i32,
    /// Length of the band's ends that resize in two directions.
    pub corner: i32,
    /// Width of the line around a window.
    pub line: i32,
}

impl Metrics {
    /// The sizes at a scale.
    pub const fn new(scale: i32) -> Self {
        Self {
            scale,
            title: 34 * scale,
            button: 38 * scale,
            radius: 10 * scale,
            shadow: 30 * scale,
            edge: 7 * scale,
            corner: 18 * scale,
            line: scale,
        }
    }
}

/// A button of the title bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Takes the window from the screen.
    Minimize,
    /// Makes it fill the screen, or what it was before.
    Maximize,
    /// Asks its client to close it.
    Close,
}

/// A window's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The content, on the screen.
    pub content: Rect,
    /// It has a title bar.
    pub decorated: bool,
    /// It stands alone: round corners, a shadow, and edges that can be dragged if it is resizable.
    pub floating: bool,
    /// It can be resized.
    pub resizable: bool,
    /// It can be closed.
    pub closable: bool,
    /// Sizes.
    pub metrics: Metrics,
}

/// What a point of a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The client's.
    Content,
    /// The title bar.
    Title,
    /// A button in it.
    Button(Button),
    /// The band around it.
    Edge(Edges),
}

impl Frame {
    /// The title bar; empty when there is none.
    pub fn title(&self) -> Rect {
        let height = if self.decorated { self.metrics.title } else { 0 };
        Rect::new(self.content.x, self.content.y - height, self.content.w, height)
    }

    /// Title bar and content.
    pub fn body(&self) -> Rect {
        let title = self.title();
        Rect::new(title.x, title.y, title.w, title.h + self.content.h)
    }

    /// Everything that is painted of the window.
    pub fn outer(&self) -> Rect {
        if self.decorated && self.floating { self.body().grown(self.metrics.shadow) } else { self.body() }
    }

    /// Radius of its corners.
    pub fn radius(&self) -> i32 {
        let round = self.decorated && self.floating;
        if round { self.metrics.radius.min(self.content.h).min(self.content.w / 2) } else { 0 }
    }

    /// The buttons, from the right, with their places.
    pub fn buttons(&self) -> impl Iterator<Item = (Button, Rect)> {
        let title = self.title();
        let there = [(Button::Close, self.closable), (Button::Maximize, self.resizable), (Button::Minimize, true)];
        let width = self.metrics.button;
        let mut right = title.right() - 2 * self.metrics.scale;
        let places = there.into_iter().filter(|&(_, there)| there).map(move |(button, _)| {
            right -= width;
            (button, Rect::new(right, title.y, width, title.h))
        });
        places.filter(move |(_, rect)| rect.x >= title.x && title.h > 0)
    }

    /// The part of the title bar that the title may fill.
    pub fn label(&self) -> Rect {
        let title = self.title();
        let left = self.buttons().map(|(_, rect)| rect.x).min().unwrap_or(title.right());
        Rect::from_edges(title.x, title.y, left, title.bottom())
    }

    /// What a point is for.
    pub fn part(&self, x: i32, y: i32) -> Option<Part> {
        if self.content.contains(x, y) {
            return Some(Part::Content);
        }
        if self.title().contains(x, y) {
            let button = self.buttons().find(|(_, rect)| rect.contains(x, y));
            return Some(button.map_or(Part::Title, |(button, _)| Part::Button(button)));
        }
        self.edges(x, y).map(Part::Edge)
    }

    fn edges(&self, x: i32, y: i32) -> Option<Edges> {
        let body = self.body();
        let near = body.grown(self.metrics.edge).contains(x, y);
        if !(self.resizable && self.decorated && self.floating && near) {
            return None;
        }
        let corner = self.metrics.corner.min(body.w / 3).min(body.h / 3);
        let beside = x < body.x || x >= body.right();
        let beyond = y < body.y || y >= body.bottom();
        // Where one edge is left, the other counts if it is near.
        let (reach_x, reach_y) = (if beyond { corner } else { 0 }, if beside { corner } else { 0 });
        Some(Edges {
            left: x < body.x + reach_x,
            right: x >= body.right() - reach_x,
            top: y < body.y + reach_y,
            bottom: y >= body.bottom() - reach_y,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            content: Rect::new(100, 100, 300, 200),
            decorated: true,
            floating: true,
            resizable: true,
            closable: true,
            metrics: Metrics::new(1),
        }
    }

    fn edges(letters: &str) -> Part {
        let has = |letter| letters.contains(letter);
        Part::Edge(Edges { left: has('l'), right: has('r'), top: has('t'), bottom: has('b') })
    }

    #[test]
    fn points_and_what_they_are_for() {
        let table = [
            (100, 100, Some(Part::Content)),
            (399, 299, Some(Part::Content)),
            (110, 99, Some(Part::Title)),
            (390, 80, Some(Part::Button(Button::Close))),
            (350, 80, Some(Part::Button(Button::Maximize))),
            (300, 80, Some(Part::Button(Button::Minimize))),
            (260, 80, Some(Part::Title)),
            (99, 200, Some(edges("l"))),
            (400, 200, Some(edges("r"))),
            (250, 300, Some(edges("b"))),
            (250, 65, Some(edges("t"))),
            (99, 70, Some(edges("tl"))),
            (105, 62, Some(edges("tl"))),
            (404, 62, Some(edges("tr"))),
            (96, 303, Some(edges("bl"))),
            (395, 302, Some(edges("br"))),
            (406, 290, Some(edges("br"))),
            (92, 200, None),
            (250, 307, None),
        ];
        for (x, y, part) in table {
            assert_eq!(frame().part(x, y), part, "{x}, {y}");
        }
    }

    #[test]
    fn frames_that_have_less() {
        let plain = Frame { decorated: false, ..frame() };
        assert_eq!((plain.part(110, 90), plain.outer(), plain.radius()), (None, plain.content, 0));
        let fixed = Frame { resizable: false, closable: false, ..frame() };
        assert_eq!(fixed.part(99, 200), None);
        assert_eq!(fixed.buttons().map(|(button, _)| button).collect::<Vec<_>>(), [Button::Minimize]);
        let tiled = Frame { floating: false, ..frame() };
        assert_eq!((tiled.part(99, 200), tiled.outer()), (None, tiled.body()));
        let narrow = Frame { content: Rect::new(0, 100, 50, 10), ..frame() };
        assert_eq!(narrow.buttons().count(), 1);
        assert!(narrow.label().w <= 50);
    }
}
