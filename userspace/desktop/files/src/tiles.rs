//! Files side by side, each with a large icon, or a small picture of what it is: one widget that draws those that are seen.

use ochre_ui::core::image::{FilterMethod, Image, Renderer as _};
use ochre_ui::core::layout::{self, Layout};
use ochre_ui::core::renderer::{Quad, Renderer as _, Style};
use ochre_ui::core::widget::tree::{self, Tree};
use ochre_ui::core::{Clipboard, Shell, Widget, border};
use ochre_ui::{Color, Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, mouse, style, window};

use crate::entry::Entry;
use crate::list::List;
use crate::pen::{Alignment, Pen, shorten};
use crate::thumbs::Thumbs;
use crate::touch::{State, Touch};

/// Least width of a tile, and its height.
const WIDTH: f32 = 116.0;
/// Height of a tile.
pub const HEIGHT: f32 = 112.0;
/// Room around all of them, and around what is in one.
const MARGIN: f32 = 8.0;
const PADDING: f32 = 6.0;
/// Room for the name.
const NAME: f32 = 22.0;
/// Size of an icon.
const ICON: f32 = 40.0;

/// How tiles lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// So many side by side.
    pub across: usize,
    /// Width of one.
    width: f32,
}

impl Grid {
    /// Tiles in so much room: as many as fit, and as wide as they may then be.
    pub fn of(width: f32) -> Self {
        let room = (width - 2.0 * MARGIN).max(WIDTH);
        let across = (room / WIDTH) as usize;
        Self { across, width: room / across as f32 }
    }

    fn tile(&self, bounds: Rectangle, at: usize) -> Rectangle {
        let (column, row) = ((at % self.across) as f32, (at / self.across) as f32);
        let (x, y) = (bounds.x + MARGIN + column * self.width, bounds.y + MARGIN + row * HEIGHT);
        Rectangle { x, y, width: self.width, height: HEIGHT }
    }

    fn at(&self, bounds: Rectangle, position: Point) -> Option<usize> {
        let (x, y) = (position.x - bounds.x - MARGIN, position.y - bounds.y - MARGIN);
        let inside = x >= 0.0 && y >= 0.0 && x < self.width * self.across as f32;
        inside.then(|| (y / HEIGHT) as usize * self.across + (x / self.width) as usize)
    }

    /// Where a tile begins and ends, from the upper edge of all.
    pub fn span(across: usize, at: usize) -> (f32, f32) {
        let row = (at / across.max(1)) as f32;
        let last = MARGIN + (row + 1.0) * HEIGHT;
        (if row == 0.0 { 0.0 } else { MARGIN + row * HEIGHT }, last)
    }

    fn height(&self, count: usize) -> f32 {
        count.div_ceil(self.across) as f32 * HEIGHT + 2.0 * MARGIN
    }
}

/// The widget.
pub struct Tiles<'a, Message> {
    list: &'a List,
    thumbs: &'a Thumbs,
    focused: bool,
    height: f32,
    cut: Box<dyn Fn(&Entry) -> bool + 'a>,
    touch: fn(Touch) -> Message,
}

impl<'a, Message> Tiles<'a, Message> {
    /// Tiles of a list with small pictures, on which things are done.
    pub fn new(list: &'a List, thumbs: &'a Thumbs, touch: fn(Touch) -> Message) -> Self {
        Self { list, thumbs, focused: true, height: 0.0, cut: Box::new(|_| false), touch }
    }

    /// Whether keys go there, so that the cursor is shown.
    pub fn focused(self, focused: bool) -> Self {
        Self { focused, ..self }
    }

    /// How high it is at least: room below the tiles belongs to them too.
    pub fn at_least(self, height: f32) -> Self {
        Self { height, ..self }
    }

    /// Which files wait to be moved elsewhere.
    pub fn cut(self, cut: impl Fn(&Entry) -> bool + 'a) -> Self {
        Self { cut: Box::new(cut), ..self }
    }

    fn draw_tile(&self, pen: &mut Pen<'_>, theme: &Theme, at: usize, tile: Rectangle, hovered: bool) {
        let Some(entry) = self.list.row(at) else { return };
        let colours = theme.colours();
        let inner = tile.shrink(2.0);
        let ground = match (self.list.is_selected(at), hovered) {
            (true, _) => colours.chosen,
            (false, true) => colours.lit,
            (false, false) => Color::TRANSPARENT,
        };
        let marked = self.focused && self.list.cursor() == Some(at) && !self.list.is_selected(at);
        if marked || ground != Color::TRANSPARENT {
            let edge = if marked { colours.accent } else { Color::TRANSPARENT };
            let shape = border::rounded(style::RADIUS).width(1.0).color(edge);
            pen.renderer.fill_quad(Quad { bounds: inner, border: shape, ..Quad::default() }, ground);
        }
        let part = if (self.cut)(entry) { 0.5 } else { 1.0 };
        let faded = |colour: Color| Color { a: colour.a * part, ..colour };
        let above = Rectangle { y: inner.y + PADDING, height: inner.height - 2.0 * PADDING - NAME, ..inner };
        match self.thumbs.of(entry) {
            Some(thumb) => {
                let size = thumb.size();
                // On whole pixels of the design, so that it is sharp.
                let x = (above.center_x() - size.width / 2.0).round();
                let y = (above.center_y() - size.height / 2.0).round();
                let place = Rectangle::new(Point::new(x, y), size);
                let image = Image::new(thumb.handle.clone()).filter_method(FilterMethod::Linear).opacity(part);
                pen.renderer.draw_image(image, place, pen.clip);
            }
            None => {
                let ink = if entry.is_folder() { colours.accent_ink } else { colours.text_soft };
                pen.icon(entry.kind.icon, ICON, above, Alignment::Center, faded(ink));
            }
        }
        let name = Rectangle {
            x: inner.x + PADDING,
            y: inner.y + inner.height - PADDING - NAME,
            width: inner.width - 2.0 * PADDING,
            height: NAME,
        };
        pen.write(shorten(&entry.title(), name.width), name, Alignment::Center, faded(colours.text));
    }
}

impl<Message> Widget<Message, Theme, Renderer> for Tiles<'_, Message> {
    fn size(&self) -> Size<Length> {
        Size::new(Length::Fill, Length::Shrink)
    }

    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::default())
    }

    fn layout(&mut self, _tree: &mut Tree, _renderer: &Renderer, limits: &layout::Limits) -> layout::Node {
        let width = limits.max().width;
        layout::Node::new(Size::new(width, Grid::of(width).height(self.list.len()).max(self.height)))
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut Renderer,
        theme: &Theme,
        _style: &Style,
        layout: Layout<'_>,
        _cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let bounds = layout.bounds();
        let hovered = tree.state.downcast_ref::<State>().hovered;
        let Some(seen) = bounds.intersection(viewport) else { return };
        let grid = Grid::of(bounds.width);
        let row = |y: f32| ((y - bounds.y - MARGIN) / HEIGHT).max(0.0);
        let first = row(seen.y) as usize * grid.across;
        let last = (row(seen.y + seen.height).ceil() as usize * grid.across).min(self.list.len());
        let mut pen = Pen { renderer, clip: seen };
        for at in first..last {
            self.draw_tile(&mut pen, theme, at, grid.tile(bounds, at), hovered == Some(at));
        }
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        _renderer: &Renderer,
        _clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        let state = tree.state.downcast_mut::<State>();
        let bounds = layout.bounds();
        let grid = Grid::of(bounds.width);
        if matches!(event, Event::Window(window::Event::RedrawRequested(_))) && state.across != grid.across {
            state.across = grid.across;
            shell.publish((self.touch)(Touch::Across(grid.across)));
        }
        let position = cursor.position_over(bounds.intersection(viewport).unwrap_or_default());
        let at = position.and_then(|position| grid.at(bounds, position)).filter(|&at| at < self.list.len());
        state.update(event, position, at, shell, self.touch);
    }
}

impl<'a, Message: 'a> From<Tiles<'a, Message>> for Element<'a, Message> {
    fn from(tiles: Tiles<'a, Message>) -> Self {
        Self::new(tiles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fill_the_width_and_are_found_again() {
        for width in [0.0, 100.0, 500.0, 683.0, 2000.0] {
            let (grid, bounds) = (Grid::of(width), Rectangle::new(Point::new(10.0, 20.0), Size::new(width, 900.0)));
            assert!(grid.across >= 1 && grid.width >= WIDTH && grid.width < 2.0 * WIDTH, "{width}: {grid:?}");
            for at in 0..20 {
                let tile = grid.tile(bounds, at);
                assert_eq!(grid.at(bounds, tile.center()), Some(at), "{width}");
                let (top, bottom) = Grid::span(grid.across, at);
                assert!(top <= tile.y - bounds.y && tile.y + tile.height - bounds.y <= bottom);
            }
            assert_eq!(grid.at(bounds, Point::new(11.0, 400.0)), None, "the margin is nobody's");
        }
    }
}
