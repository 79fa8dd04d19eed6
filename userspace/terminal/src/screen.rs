//! What a terminal shows: the bytes that programs write, understood.

use std::cell::RefCell;
use std::rc::Rc;

use alacritty_terminal::event::{Event, EventListener, WindowSize};
use alacritty_terminal::grid::{Dimensions, Scroll};
use alacritty_terminal::index::{Column, Line, Point, Side};
use alacritty_terminal::selection::{Selection, SelectionType};
use alacritty_terminal::term::cell::{Cell, Flags};
use alacritty_terminal::term::color::Colors;
use alacritty_terminal::term::{Config, Term, TermDamage, TermMode, point_to_viewport, viewport_to_point};
use alacritty_terminal::vte::ansi::{Color, CursorShape, CursorStyle, NamedColor, Processor};

use crate::theme::{Rgb, Theme, dim};

/// Lines that are kept above the screen.
pub const SCROLLBACK: usize = 10_000;

/// What has to happen outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// These bytes go to the program, as if they had been typed.
    Reply(Vec<u8>),
    /// The window has another title; `None`: its own one.
    Title(Option<String>),
    /// The bell.
    Bell,
    /// This text goes to the clipboard.
    Copy(String),
}

/// How far a selection reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// From character to character.
    Characters,
    /// A rectangle.
    Block,
    /// Whole words.
    Words,
    /// Whole lines.
    Lines,
}

/// A place on the screen: row from its top, column, and which half of the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Row.
    pub row: usize,
    /// Column.
    pub column: usize,
    /// The right half.
    pub right: bool,
}

/// What a cell looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its character, and marks that go on it.
    pub text: char,
    /// Those marks.
    pub marks: Vec<char>,
    /// Colour of the text.
    pub foreground: Rgb,
    /// Colour behind it.
    pub background: Rgb,
    /// Bold, italic, underlined, wide and so on.
    pub flags: Flags,
}

/// The cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Where it is.
    pub row: usize,
    /// Where it is.
    pub column: usize,
    /// What it looks like.
    pub shape: CursorShape,
    /// It stands on a wide character.
    pub wide: bool,
}

#[derive(Clone, Default)]
struct Outbox(Rc<RefCell<Vec<Event>>>);

impl EventListener for Outbox {
    fn send_event(&self, event: Event) {
        self.0.borrow_mut().push(event);
    }
}

/// Columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    columns: usize,
    rows: usize,
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.rows
    }

    fn screen_lines(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> usize {
        self.columns
    }
}

/// A screen.
pub struct Screen {
    term: Term<Outbox>,
    parser: Processor,
    outbox: Outbox,
    theme: Theme,
    /// Pixels of a cell, for programs that ask.
    cell: (u16, u16),
    /// Rows that have changed; all of them when something has changed that the grid knows nothing of.
    everything: bool,
}

impl Screen {
    /// An empty one. There is at least one row and two columns.
    pub fn new(columns: usize, rows: usize, theme: Theme) -> Self {
        let outbox = Outbox::default();
        let cursor = CursorStyle { blinking: true, ..CursorStyle::default() };
        let config = Config { scrolling_history: SCROLLBACK, default_cursor_style: cursor, ..Config::default() };
        let size = Size { columns: columns.max(2), rows: rows.max(1) };
        let term = Term::new(config, &size, outbox.clone());
        Self { term, parser: Processor::new(), outbox, theme, cell: (0, 0), everything: true }
    }

    /// Columns of the screen.
    pub fn columns(&self) -> usize {
        self.term.columns()
    }

    /// Rows of the screen.
    pub fn rows(&self) -> usize {
        self.term.screen_lines()
    }

    /// Rows above the screen that can be looked at.
    pub fn history(&self) -> usize {
        self.term.grid().history_size()
    }

    /// The colours.
    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    /// Other colours.
    pub fn set_theme(&mut self, theme: Theme) {
        self.theme = theme;
        self.everything = true;
    }

    /// Modes that decide what keys and the mouse send.
    pub fn mode(&self) -> TermMode {
        *self.term.mode()
    }

    /// Takes what programs write.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Effect> {
        self.parser.advance(&mut self.term, bytes);
        self.effects()
    }

    /// Whether a program has begun an update that is to be seen as a whole, and has not ended it (mode 2026).
    pub fn is_held(&self) -> bool {
        self.parser.sync_bytes_count() > 0
    }

    /// Shows such an update as far as it has come.
    pub fn release(&mut self) -> Vec<Effect> {
        self.parser.stop_sync(&mut self.term);
        self.effects()
    }

    fn effects(&mut self) -> Vec<Effect> {
        let events = core::mem::take(&mut *self.outbox.0.borrow_mut());
        events.into_iter().filter_map(|event| self.effect(event)).collect()
    }

    fn effect(&mut self, event: Event) -> Option<Effect> {
        Some(match event {
            Event::PtyWrite(text) => Effect::Reply(text.into_bytes()),
            Event::Title(title) => Effect::Title(Some(title)),
            Event::ResetTitle => Effect::Title(None),
            Event::Bell => Effect::Bell,
            Event::ClipboardStore(_, text) => Effect::Copy(text),
            Event::ColorRequest(index, answer) => {
                let [r, g, b] = self.color_at(index);
                Effect::Reply(answer(alacritty_terminal::vte::ansi::Rgb { r, g, b }).into_bytes())
            }
            Event::TextAreaSizeRequest(answer) => {
                let (cell_width, cell_height) = self.cell;
                let (num_lines, num_cols) = (self.rows() as u16, self.columns() as u16);
                Effect::Reply(answer(WindowSize { num_lines, num_cols, cell_width, cell_height }).into_bytes())
            }
            _ => return None,
        })
    }

    /// The window has another size: lines are broken anew. `cell` is the size of a cell in pixels.
    pub fn resize(&mut self, columns: usize, rows: usize, cell: (u16, u16)) {
        self.cell = cell;
        self.term.resize(Size { columns: columns.max(2), rows: rows.max(1) });
        self.everything = true;
    }

    /// Looks so many rows further up (or down, if negative).
    pub fn scroll(&mut self, rows: i32) {
        self.term.scroll_display(Scroll::Delta(rows));
    }

    /// Looks at the newest rows.
    pub fn scroll_to_end(&mut self) {
        self.term.scroll_display(Scroll::Bottom);
    }

    /// How many rows above the newest ones the screen stands.
    pub fn scrolled(&self) -> usize {
        self.term.grid().display_offset()
    }

    /// Which part of all rows the screen shows, if that is not the newest: from where, how much, and of how many.
    pub fn scrolled_part(&self) -> Option<(usize, usize, usize)> {
        let (above, rows) = (self.history(), self.rows());
        (self.scrolled() > 0).then(|| (above - self.scrolled(), rows, above + rows))
    }

    /// Whether the cursor is one that blinks.
    pub fn blinks(&self) -> bool {
        self.term.cursor_style().blinking
    }

    fn point(&self, place: Place) -> (Point, Side) {
        let row = place.row.min(self.rows() - 1);
        let column = Column(place.column.min(self.columns() - 1));
        let point = viewport_to_point(self.scrolled(), Point::new(row, column));
        (point, if place.right { Side::Right } else { Side::Left })
    }

    /// Begins a selection.
    pub fn select(&mut self, kind: Select, at: Place) {
        let kind = match kind {
            Select::Characters => SelectionType::Simple,
            Select::Block => SelectionType::Block,
            Select::Words => SelectionType::Semantic,
            Select::Lines => SelectionType::Lines,
        };
        let (point, side) = self.point(at);
        self.term.selection = Some(Selection::new(kind, point, side));
        self.everything = true;
    }

    /// The selection reaches to here.
    pub fn select_to(&mut self, at: Place) {
        let (point, side) = self.point(at);
        if let Some(selection) = &mut self.term.selection {
            selection.update(point, side);
            self.everything = true;
        }
    }

    /// Nothing is selected any more.
    pub fn deselect(&mut self) {
        self.everything |= self.term.selection.take().is_some();
    }

    /// The selected text.
    pub fn selected(&self) -> Option<String> {
        self.term.selection_to_string().filter(|text| !text.is_empty())
    }

    /// Rows that have changed since this was asked last.
    pub fn changed_rows(&mut self) -> Vec<usize> {
        let everything = core::mem::take(&mut self.everything);
        let rows = match self.term.damage() {
            TermDamage::Full => None,
            TermDamage::Partial(lines) => Some(lines.map(|line| line.line).collect()),
        };
        self.term.reset_damage();
        let count = self.rows();
        rows.filter(|_| !everything).unwrap_or_else(|| (0..count).collect())
    }

    /// The cursor, if it can be seen.
    pub fn cursor(&self) -> Option<Cursor> {
        let cursor = self.term.renderable_content().cursor;
        if cursor.shape == CursorShape::Hidden {
            return None;
        }
        let Point { line: row, column } = point_to_viewport(self.scrolled(), cursor.point)?;
        let wide = self.term.grid()[cursor.point].flags.contains(Flags::WIDE_CHAR);
        (row < self.rows()).then_some(Cursor { row, column: column.0, shape: cursor.shape, wide })
    }

    /// What a row looks like.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Look> + '_ {
        let line = Line(row as i32 - self.scrolled() as i32);
        let selection = self.term.selection.as_ref().and_then(|selection| selection.to_range(&self.term));
        (0..self.columns()).map(move |column| {
            let point = Point::new(line, Column(column));
            let selected = selection.is_some_and(|range| range.contains(point));
            self.look(&self.term.grid()[point], selected)
        })
    }

    fn look(&self, cell: &Cell, selected: bool) -> Look {
        let mut foreground = self.color(cell.fg);
        let mut background = self.color(cell.bg);
        if cell.flags.contains(Flags::INVERSE) {
            core::mem::swap(&mut foreground, &mut background);
        }
        if cell.flags.contains(Flags::DIM) {
            foreground = dim(foreground, background);
        }
        if selected {
            background = self.theme.selection;
        }
        if cell.flags.contains(Flags::HIDDEN) {
            foreground = background;
        }
        let marks = cell.zerowidth().map(<[char]>::to_vec).unwrap_or_default();
        Look { text: cell.c, marks, foreground, background, flags: cell.flags }
    }

    fn color(&self, color: Color) -> Rgb {
        match color {
            Color::Spec(rgb) => [rgb.r, rgb.g, rgb.b],
            Color::Indexed(index) => self.color_at(index.into()),
            Color::Named(name) => self.color_at(name as usize),
        }
    }

    /// The colour with a number of the parser's: what a program has set there, or the theme's.
    fn color_at(&self, index: usize) -> Rgb {
        let colors: &Colors = self.term.colors();
        if index < alacritty_terminal::term::color::COUNT
            && let Some(set) = colors[index]
        {
            return [set.r, set.g, set.b];
        }
        let dims = NamedColor::DimBlack as usize..=NamedColor::DimWhite as usize;
        match index {
            0..256 => self.theme.indexed(index as u8),
            _ if index == NamedColor::Background as usize => self.theme.background,
            _ if index == NamedColor::Cursor as usize => self.theme.cursor,
            _ if index == NamedColor::DimForeground as usize => dim(self.theme.foreground, self.theme.background),
            _ if dims.contains(&index) => dim(self.theme.ansi[index - dims.start()], self.theme.background),
            _ => self.theme.foreground,
        }
    }
}
