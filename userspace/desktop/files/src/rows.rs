//! The rows of the list as one widget: it draws only those that are seen, so that a folder of ten thousand files costs what one
//! of thirty does.

use std::time::SystemTime;

use ochre_ui::core::layout::{self, Layout};
use ochre_ui::core::renderer::{Quad, Renderer as _, Style};
use ochre_ui::core::widget::tree::{self, Tree};
use ochre_ui::core::{Clipboard, Shell, Widget, border};
use ochre_ui::{Color, Element, Event, Length, Point, Rectangle, Renderer, Size, Theme, icon, mouse};

use crate::entry::Entry;
use crate::format;
use crate::list::List;
use crate::pen::{Alignment, Pen, shorten};
use crate::touch::{State, Touch};

/// Height of a row.
pub const HEIGHT: f32 = 28.0;
/// Room at both ends of a row.
const MARGIN: f32 = 8.0;
/// Room around what is in a column.
pub const PADDING: f32 = 8.0;
/// Where names begin.
pub const INDENT: f32 = MARGIN + PADDING + icon::SIZE + 8.0;
/// Without this much for names a column is left out.
const LEAST_NAME: f32 = 220.0;

/// The columns behind the name, in the order in which they are left out when there is no room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Columns {
    /// Width of the name.
    pub name: f32,
    /// Width of the size.
    pub size: f32,
    /// Width of the date; 0 if it is not shown.
    pub modified: f32,
    /// Width of the kind; 0 if it is not shown.
    pub kind: f32,
}

impl Columns {
    /// The columns of a list of this width.
    pub fn of(width: f32) -> Self {
        let (size, modified, kind) = (92.0, 138.0, 118.0);
        let all = width - 2.0 * MARGIN;
        let (modified, kind) = match all - size {
            rest if rest - modified - kind >= LEAST_NAME => (modified, kind),
            rest if rest - modified >= LEAST_NAME => (modified, 0.0),
            _ => (0.0, 0.0),
        };
        Self { name: (all - size - modified - kind).max(0.0), size, modified, kind }
    }
}

/// The widget.
pub struct Rows<'a, Message> {
    list: &'a List,
    now: SystemTime,
    focused: bool,
    height: f32,
    cut: Box<dyn Fn(&Entry) -> bool + 'a>,
    touch: fn(Touch) -> Message,
}

impl<'a, Message> Rows<'a, Message> {
    /// Rows of a list, on which things are done.
    pub fn new(list: &'a List, now: SystemTime, touch: fn(Touch) -> Message) -> Self {
        Self { list, now, focused: true, height: 0.0, cut: Box::new(|_| false), touch }
    }

    /// Whether keys go there, so that the cursor is shown.
    pub fn focused(self, focused: bool) -> Self {
        Self { focused, ..self }
    }

    /// How high it is at least: room below the rows belongs to them too.
    pub fn at_least(self, height: f32) -> Self {
        Self { height, ..self }
    }

    /// Which files wait to be moved elsewhere.
    pub fn cut(self, cut: impl Fn(&Entry) -> bool + 'a) -> Self {
        Self { cut: Box::new(cut), ..self }
    }

    fn row_at(&self, bounds: Rectangle, position: Point) -> Option<usize> {
        let row = ((position.y - bounds.y) / HEIGHT) as usize;
        (position.y >= bounds.y && row < self.list.len()).then_some(row)
    }
}

impl<Message> Rows<'_, Message> {
    fn draw_row(&self, pen: &mut Pen<'_>, theme: &Theme, row: usize, area: Rectangle, hovered: bool) {
        let Some(entry) = self.list.row(row) else { return };
        let colours = theme.colours();
        let selected = self.list.is_selected(row);
        let inner = Rectangle { x: area.x + MARGIN, width: area.width - 2.0 * MARGIN, ..area };
        let ground = match (selected, hovered) {
            (true, _) => Some(colours.chosen),
            (false, true) => Some(colours.lit),
            (false, false) => None,
        };
        let marked = self.focused && self.list.cursor() == Some(row);
        if ground.is_some() || marked {
            // A row between two selected ones has no corners.
            let joined = |other: Option<usize>| selected && other.is_some_and(|other| self.list.is_selected(other));
            let radius = |joined: bool| if joined { 0.0 } else { ochre_ui::style::RADIUS };
            let (top, bottom) = (radius(joined(row.checked_sub(1))), radius(joined(Some(row + 1))));
            let edge = if marked && !selected { colours.accent } else { Color::TRANSPARENT };
            let shape = border::Radius { top_left: top, top_right: top, bottom_right: bottom, bottom_left: bottom };
            let quad = Quad { bounds: inner, border: border::rounded(shape).width(1.0).color(edge), ..Quad::default() };
            pen.renderer.fill_quad(quad, ground.unwrap_or(Color::TRANSPARENT));
        }
        let faded = |colour: Color| if (self.cut)(entry) { Color { a: colour.a * 0.5, ..colour } } else { colour };
        // Folders are what one looks for first.
        let ink = if entry.is_folder() { colours.accent_ink } else { colours.text_soft };
        let columns = Columns::of(area.width);
        let mut x = inner.x;
        let mut cell = |width: f32| {
            let cell = Rectangle { x: x + PADDING, width: (width - 2.0 * PADDING).max(0.0), ..area };
            x += width;
            cell
        };
        let name = cell(columns.name);
        pen.icon(entry.kind.icon, icon::SIZE, name, Alignment::Left, faded(ink));
        let name = Rectangle { x: area.x + INDENT, width: (name.x + name.width - area.x - INDENT).max(0.0), ..name };
        let title = shorten(&entry.title(), name.width);
        pen.write(title, name, Alignment::Left, faded(colours.text));
        let size = if entry.is_folder() { "—".into() } else { format::size(entry.size) };
        pen.write(size, cell(columns.size), Alignment::Right, faded(colours.text_soft));
        if columns.modified > 0.0 {
            let date = format::date(entry.modified, self.now);
            pen.write(date, cell(columns.modified), Alignment::Left, faded(colours.text_soft));
        }
        if columns.kind > 0.0 {
            let what = if entry.link { format!("{}, link", entry.kind.label) } else { entry.kind.label.into() };
            pen.write(what, cell(columns.kind), Alignment::Left, faded(colours.text_soft));
        }
    }
}

impl<Message> Widget<Message, Theme, Renderer> for Rows<'_, Message> {
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
        let height = (self.list.len() as f32 * HEIGHT).max(self.height);
        layout::Node::new(Size::new(limits.max().width, height))
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
        let mut pen = Pen { renderer, clip: seen };
        let first = ((seen.y - bounds.y) / HEIGHT) as usize;
        let last = (((seen.y + seen.height - bounds.y) / HEIGHT).ceil() as usize).min(self.list.len());
        for row in first..last {
            let area = Rectangle { y: bounds.y + row as f32 * HEIGHT, height: HEIGHT, ..bounds };
            self.draw_row(&mut pen, theme, row, area, hovered == Some(row));
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
        let position = cursor.position_over(bounds.intersection(viewport).unwrap_or_default());
        let row = position.and_then(|position| self.row_at(bounds, position));
        state.update(event, position, row, shell, self.touch);
    }
}

impl<'a, Message: 'a> From<Rows<'a, Message>> for Element<'a, Message> {
    fn from(rows: Rows<'a, Message>) -> Self {
        Self::new(rows)
    }
}
