//! From a screen to pixels.

use alacritty_terminal::term::cell::Flags;
use alacritty_terminal::vte::ansi::CursorShape;

pub use crate::canvas::{Area, Canvas, Pixel, pixel};
use crate::font::{Fonts, Metrics, Style};
use crate::margin::{Edge, Margin};
use crate::screen::{Cursor, Look, Screen};
use crate::theme::Theme;

/// Draws screens.
pub struct Painter {
    fonts: Fonts,
    /// Pixels left free at each edge.
    margin: usize,
    /// What is shown there.
    edge: Margin,
    /// Whether the window has the keyboard: without it the cursor is hollow.
    focused: bool,
    /// The cursor is not seen, for now.
    hidden: bool,
    /// The bell is seen.
    bell: bool,
    /// Where the cursor was drawn.
    drawn: Option<Cursor>,
    /// What the rows looked like when they were drawn. The grid takes the cursor's row for changed each time.
    shown: Vec<Vec<Look>>,
    /// The colours that were used.
    theme: Option<Theme>,
    /// Nothing that was drawn before counts.
    afresh: bool,
}

impl Painter {
    /// One with these fonts, that leaves so many pixels free at each edge.
    pub fn new(fonts: Fonts, margin: usize) -> Self {
        let (edge, shown) = (Margin::default(), Vec::new());
        Self {
            fonts,
            margin,
            edge,
            focused: true,
            hidden: false,
            bell: false,
            drawn: None,
            shown,
            theme: None,
            afresh: true,
        }
    }

    /// Sizes of a cell.
    pub fn metrics(&self) -> Metrics {
        self.fonts.metrics()
    }

    /// The fonts, to be changed; everything is drawn anew.
    pub fn fonts(&mut self) -> &mut Fonts {
        self.afresh = true;
        &mut self.fonts
    }

    /// Columns and rows that fit on a canvas.
    pub fn fits(&self, width: usize, height: usize) -> (usize, usize) {
        let Metrics { width: cell_width, height: cell_height, .. } = self.metrics();
        let inner = |length: usize| length.saturating_sub(2 * self.margin);
        (inner(width) / cell_width, inner(height) / cell_height)
    }

    /// The cell at a pixel, and whether that is in its right half.
    pub fn cell_at(&self, x: usize, y: usize) -> (usize, usize, bool) {
        let Metrics { width, height, .. } = self.metrics();
        let (x, y) = (x.saturating_sub(self.margin), y.saturating_sub(self.margin));
        (y / height, x / width, x % width >= width / 2)
    }

    /// The window has the keyboard, or has it no more.
    pub fn set_focused(&mut self, focused: bool) {
        self.focused = focused;
        self.drawn = None;
    }

    /// Whether the cursor is seen: while it blinks it is not, half of the time.
    pub fn set_cursor_hidden(&mut self, hidden: bool) {
        self.hidden = hidden;
    }

    /// Whether the bell is seen: a line around everything.
    pub fn set_bell(&mut self, bell: bool) {
        self.bell = bell;
    }

    /// Leaves so many pixels free at each edge.
    pub fn set_margin(&mut self, margin: usize) {
        (self.margin, self.afresh) = (margin, true);
    }

    /// Pixels that so many columns and rows need.
    pub fn needs(&self, columns: usize, rows: usize) -> (usize, usize) {
        let Metrics { width, height, .. } = self.metrics();
        (columns * width + 2 * self.margin, rows * height + 2 * self.margin)
    }

    /// Draws everything anew next time: the canvas is another one.
    pub fn start_afresh(&mut self) {
        self.afresh = true;
    }

    /// Draws what has changed. Answers the areas that are different now, from the top.
    pub fn draw(&mut self, screen: &mut Screen, canvas: &mut Canvas<'_, impl Pixel>) -> Vec<Area> {
        let mut rows = screen.changed_rows();
        let cursor = screen.cursor().filter(|_| !self.hidden);
        if core::mem::take(&mut self.afresh) || self.theme != Some(*screen.theme()) || self.shown.len() != screen.rows()
        {
            return self.draw_all(screen, canvas);
        }
        let redrawn = cursor != self.drawn;
        let moved = [cursor, self.drawn].map(|cursor| cursor.filter(|_| redrawn));
        rows.extend(moved.into_iter().flatten().map(|cursor| cursor.row));
        rows.retain(|&row| row < screen.rows());
        rows.sort_unstable();
        rows.dedup();
        rows.retain(|&row| {
            let looks: Vec<Look> = screen.row(row).collect();
            let same = self.shown[row] == looks && !moved.iter().flatten().any(|cursor| cursor.row == row);
            self.shown[row] = looks;
            !same
        });
        self.drawn = cursor;
        rows.iter().for_each(|&row| self.row(screen, canvas, row));
        let mut areas = self.areas(&rows, canvas);
        areas.extend(self.edge.draw(self.look_of_edge(screen, canvas), screen.theme(), canvas));
        areas
    }

    fn look_of_edge(&self, screen: &Screen, canvas: &Canvas<'_, impl Pixel>) -> Edge {
        let (columns, rows) = (screen.columns(), screen.rows());
        let (right, bottom) = self.needs(columns, rows);
        let inner = Area {
            x: self.margin,
            y: self.margin,
            width: (right - 2 * self.margin).min(canvas.width().saturating_sub(self.margin)),
            height: (bottom - 2 * self.margin).min(canvas.height().saturating_sub(self.margin)),
        };
        Edge { inner, margin: self.margin, bell: self.bell, thumb: screen.scrolled_part() }
    }

    fn draw_all(&mut self, screen: &Screen, canvas: &mut Canvas<'_, impl Pixel>) -> Vec<Area> {
        let all = Area { x: 0, y: 0, width: canvas.width(), height: canvas.height() };
        canvas.fill(all, screen.theme().background);
        (self.drawn, self.theme) = (screen.cursor().filter(|_| !self.hidden), Some(*screen.theme()));
        self.shown = (0..screen.rows()).map(|row| screen.row(row).collect()).collect();
        (0..screen.rows()).for_each(|row| self.row(screen, canvas, row));
        self.edge = Margin::default();
        self.edge.draw(self.look_of_edge(screen, canvas), screen.theme(), canvas);
        vec![all]
    }

    /// Areas of rows; neighbours are one.
    fn areas(&self, rows: &[usize], canvas: &Canvas<'_, impl Pixel>) -> Vec<Area> {
        let height = self.metrics().height;
        rows.chunk_by(|row, next| row + 1 == *next)
            .map(|run| Area {
                x: 0,
                y: self.margin + run[0] * height,
                width: canvas.width(),
                height: run.len() * height,
            })
            .collect()
    }

    fn row(&mut self, screen: &Screen, canvas: &mut Canvas<'_, impl Pixel>, row: usize) {
        let Metrics { width, height, .. } = self.metrics();
        let y = self.margin + row * height;
        let looks = core::mem::take(&mut self.shown[row]);
        let strip = Area { x: self.margin, y, width: width * looks.len(), height };
        for run in runs(&looks) {
            let area = Area { x: strip.x + run.start * width, width: width * run.len(), ..strip };
            canvas.fill(area, looks[run.start].background);
        }
        for (column, look) in looks.iter().enumerate() {
            self.text(canvas, look, strip.x + column * width, strip);
        }
        if let Some(cursor) = self.drawn.filter(|cursor| cursor.row == row) {
            self.cursor(screen, canvas, cursor, &looks[cursor.column], strip);
        }
        self.shown[row] = looks;
    }

    /// The text of a cell. Italics and wide characters may reach beyond it, but not out of the row.
    fn text(&mut self, canvas: &mut Canvas<'_, impl Pixel>, look: &Look, x: usize, within: Area) {
        if look.flags.intersects(Flags::WIDE_CHAR_SPACER | Flags::LEADING_WIDE_CHAR_SPACER) {
            return;
        }
        let style = Style { bold: look.flags.contains(Flags::BOLD), italic: look.flags.contains(Flags::ITALIC) };
        if !matches!(look.text, ' ' | '\t') {
            canvas.stamp(self.fonts.glyph(look.text, style), x, within.y, look.foreground, within);
        }
        let width = self.metrics().width as i32;
        for &mark in &look.marks {
            // Marks go over the middle, wherever the font has them.
            let mask = self.fonts.glyph(mark, style);
            let centered = (x as i32 + (width - mask.width as i32) / 2 - mask.left).max(0);
            canvas.stamp(mask, centered as usize, within.y, look.foreground, within);
        }
        self.lines(canvas, look, x, within.y);
    }

    /// Lines under and through text.
    fn lines(&self, canvas: &mut Canvas<'_, impl Pixel>, look: &Look, x: usize, y: usize) {
        let Metrics { width, height, underline, strikeout, line, .. } = self.metrics();
        let width = if look.flags.contains(Flags::WIDE_CHAR) { 2 * width } else { width };
        let mut rule = |x: usize, from: usize, width: usize| {
            let from = from.min(height - line);
            canvas.fill(Area { x, y: y + from, width, height: line }, look.foreground);
        };
        let flags = look.flags;
        if flags.intersects(Flags::UNDERLINE | Flags::DOUBLE_UNDERLINE) {
            rule(x, underline, width);
        }
        if flags.contains(Flags::DOUBLE_UNDERLINE) {
            rule(x, underline + 2 * line, width);
        }
        let pieces = if flags.contains(Flags::DOTTED_UNDERLINE) { Some((line, 2 * line)) } else { None };
        let dashes = if flags.contains(Flags::DASHED_UNDERLINE) { Some((3 * line, 5 * line)) } else { None };
        if let Some((length, step)) = pieces.or(dashes) {
            (0..width).step_by(step).for_each(|at| rule(x + at, underline, length.min(width - at)));
        }
        if flags.contains(Flags::UNDERCURL) {
            // A wave of four steps, which goes on from cell to cell.
            (0..width).for_each(|at| rule(x + at, underline + [0, 1, 2, 1][(x + at) / line % 4] * line / 2, 1));
        }
        if flags.contains(Flags::STRIKEOUT) {
            rule(x, strikeout, width);
        }
    }

    fn cursor(
        &mut self,
        screen: &Screen,
        canvas: &mut Canvas<'_, impl Pixel>,
        cursor: Cursor,
        look: &Look,
        strip: Area,
    ) {
        let Metrics { width, height, line, .. } = self.metrics();
        let x = strip.x + cursor.column * width;
        let cell = Area { x, width: if cursor.wide { 2 * width } else { width }, ..strip };
        let color = screen.theme().cursor;
        let thin = line + 1;
        match cursor.shape {
            CursorShape::Block if self.focused => {
                canvas.fill(cell, color);
                let under = Look { foreground: screen.theme().background, ..look.clone() };
                self.text(canvas, &under, x, cell);
            }
            CursorShape::Underline => canvas.fill(Area { y: cell.y + height - thin, height: thin, ..cell }, color),
            CursorShape::Beam => canvas.fill(Area { width: thin, ..cell }, color),
            _ => {
                let (right, bottom) = (cell.x + cell.width - line, cell.y + height - line);
                for edge in [
                    Area { height: line, ..cell },
                    Area { y: bottom, height: line, ..cell },
                    Area { width: line, ..cell },
                    Area { x: right, width: line, ..cell },
                ] {
                    canvas.fill(edge, color);
                }
            }
        }
    }
}

/// Columns with the same background, as ranges.
fn runs(looks: &[Look]) -> impl Iterator<Item = core::ops::Range<usize>> {
    let mut start = 0;
    looks.chunk_by(|look, next| look.background == next.background).map(move |run| {
        let range = start..start + run.len();
        start = range.end;
        range
    })
}
