//! The terminal as a whole, without its window and its device: what happens to it, and what is to be done for it.

use orbclient::{ClipboardAction, EventOption, KeyEvent};

use crate::blink::Blink;
use crate::draw::{Area, Canvas, Painter, Pixel};
use crate::font::Fonts;
use crate::keys::{self, Keyboard, Meaning, Press, Scroll};
use crate::pointer::{self, Around, At, Pointer};
use crate::screen::{self, Place, Screen};
use crate::theme::Theme;
use alacritty_terminal::term::TermMode;

/// Milliseconds between two pictures, at least: sixty in a second.
const FRAME: u64 = 16;
/// Milliseconds that the bell is seen.
const BELL: u64 = 120;
/// Milliseconds after which an update that a program holds back is shown all the same.
const HOLD: u64 = 150;
/// Milliseconds between two steps of a selection that is drawn out beyond the screen.
const PULL: u64 = 50;
/// Pixels of a letter, as fonts count it, at a scale of one.
const SIZE: f32 = 14.0;
/// Steps of that size that one can go: from 8 to 56 pixels.
const STEPS: core::ops::RangeInclusive<i32> = -6..=42;
/// Pixels around the cells at a scale of one.
const MARGIN: usize = 8;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// These bytes go to the program.
    Send(Vec<u8>),
    /// The window has another title; `None`: the one that it began with.
    Title(Option<String>),
    /// This text goes to the clipboard.
    Copy(String),
    /// [`Machine::paste`] is to be called with what is in the clipboard.
    AskClipboard,
    /// The program's terminal has another size.
    Cells(Cells),
    /// The window should have this size. [`Machine::resized`] is to be called with what it then has.
    WindowSize(usize, usize),
    /// The window was closed.
    Quit,
}

/// Size of the program's terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
    /// Pixels of all columns.
    pub width: usize,
    /// Pixels of all rows.
    pub height: usize,
}

/// A terminal.
pub struct Machine {
    screen: Screen,
    painter: Painter,
    keyboard: Keyboard,
    pointer: Pointer,
    blink: Blink,
    focused: bool,
    /// Size of the window.
    size: (usize, usize),
    scale: usize,
    /// Steps from [`SIZE`].
    zoom: i32,
    cells: Cells,
    /// Something may look different.
    dirty: bool,
    /// When the next picture may be drawn.
    next_frame: u64,
    /// When the bell is no longer seen.
    bell: Option<u64>,
    /// When an update that is held back is shown.
    held: Option<u64>,
    /// When a selection reaches further.
    pull: Option<u64>,
    effects: Vec<Effect>,
}

impl Machine {
    /// A terminal with so many columns and rows. [`Machine::size`] tells which window that needs.
    pub fn new(mut fonts: Fonts, columns: usize, rows: usize, scale: usize, theme: Theme) -> Self {
        let scale = scale.max(1);
        fonts.set_size(SIZE * scale as f32);
        let painter = Painter::new(fonts, MARGIN * scale);
        let size = painter.needs(columns, rows);
        let mut machine = Self {
            screen: Screen::new(columns, rows, theme),
            painter,
            keyboard: Keyboard::default(),
            pointer: Pointer::default(),
            blink: Blink::new(),
            focused: false,
            size,
            scale,
            zoom: 0,
            cells: Cells::default(),
            dirty: true,
            next_frame: 0,
            bell: None,
            held: None,
            pull: None,
            effects: Vec::new(),
        };
        machine.painter.set_focused(false);
        machine.refit();
        machine
    }

    /// Pixels of the window.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Size of the program's terminal.
    pub fn cells(&self) -> Cells {
        self.cells
    }

    /// What is shown.
    pub fn screen(&self) -> &Screen {
        &self.screen
    }

    /// What is to be done since this was asked last.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.effects)
    }

    /// The window's buffer is another one, of this size.
    pub fn resized(&mut self, width: usize, height: usize) {
        self.size = (width, height);
        self.painter.start_afresh();
        self.dirty = true;
        // What was asked for by dragging an edge is shown at once.
        self.next_frame = 0;
        self.refit();
    }

    /// Other colours.
    pub fn set_theme(&mut self, theme: Theme) {
        if *self.screen.theme() != theme {
            self.screen.set_theme(theme);
            self.dirty = true;
        }
    }

    /// The display magnifies so many times.
    pub fn set_scale(&mut self, scale: usize) {
        if core::mem::replace(&mut self.scale, scale.clamp(1, 8)) == self.scale {
            return;
        }
        self.painter.set_margin(MARGIN * self.scale);
        let letters = self.letters();
        self.painter.fonts().set_size(letters);
        // The same cells in another size. The program is told when the window has it.
        let (width, height) = self.painter.needs(self.cells.columns, self.cells.rows);
        self.effects.push(Effect::WindowSize(width, height));
    }

    /// Size of letters, as fonts count it.
    fn letters(&self) -> f32 {
        (SIZE + self.zoom as f32) * self.scale as f32
    }

    fn set_letters(&mut self) {
        let letters = self.letters();
        self.painter.fonts().set_size(letters);
        self.dirty = true;
        self.refit();
    }

    /// As many cells as fit into the window.
    fn refit(&mut self) {
        let (width, height) = self.size;
        let (columns, rows) = self.painter.fits(width, height);
        let (columns, rows) = (columns.max(2), rows.max(1));
        let metrics = self.painter.metrics();
        let cells = Cells { columns, rows, width: columns * metrics.width, height: rows * metrics.height };
        if cells != self.cells {
            self.cells = cells;
            self.screen.resize(columns, rows, (metrics.width as u16, metrics.height as u16));
            self.effects.push(Effect::Cells(cells));
            self.dirty = true;
        }
    }

    /// The program has written.
    pub fn output(&mut self, bytes: &[u8], now: u64) {
        let effects = self.screen.feed(bytes);
        self.shown(effects, now);
        self.held = self.screen.is_held().then(|| self.held.unwrap_or(now + HOLD));
        self.blink.set_wanted(self.focused && self.screen.blinks(), now);
    }

    fn shown(&mut self, effects: Vec<screen::Effect>, now: u64) {
        self.dirty = true;
        for effect in effects {
            self.effects.push(match effect {
                screen::Effect::Reply(bytes) => Effect::Send(bytes),
                screen::Effect::Title(title) => Effect::Title(title),
                screen::Effect::Copy(text) => Effect::Copy(text),
                screen::Effect::Bell => {
                    self.bell = Some(now + BELL);
                    self.painter.set_bell(true);
                    continue;
                }
            });
        }
    }

    /// A line of the terminal's own, behind what the program wrote; whatever the program had switched on is off.
    pub fn tell(&mut self, text: &str, now: u64) {
        const CALM: &str =
            "\x1b[?1049l\x1b[?1000;1002;1003;1004;1006;2004;2026l\x1b[?1l\x1b>\x1b[?25h\x1b7\x1b[r\x1b8\x1b[0m";
        self.screen.release();
        self.output(format!("{CALM}\r\n\x1b[2m{text}\x1b[0m\r\n").as_bytes(), now);
    }

    /// Something has happened to the window.
    pub fn hear(&mut self, event: EventOption, now: u64) {
        match event {
            EventOption::Key(key) => self.key(key, now),
            EventOption::TextInput(text) => self.type_in(text.character.to_string().into_bytes(), now),
            EventOption::Mouse(mouse) => {
                let at = self.at(mouse.x, mouse.y);
                let effects = self.pointer.moved(at, self.around());
                self.point(effects);
                self.pull = self.pointer.pull().map(|_| self.pull.unwrap_or(now + PULL));
            }
            EventOption::Button(button) => {
                let down = [button.left, button.middle, button.right];
                let effects = self.pointer.buttons(down, self.around(), now);
                self.point(effects);
                self.pull = self.pointer.pull().map(|_| now + PULL);
            }
            EventOption::Scroll(scroll) => {
                let effects = self.pointer.wheel(scroll.x, scroll.y, self.around());
                self.point(effects);
            }
            EventOption::Focus(focus) => self.focus(focus.focused, now),
            EventOption::Clipboard(clipboard) => match clipboard.kind {
                ClipboardAction::Paste => self.effects.push(Effect::AskClipboard),
                _ => self.copy(),
            },
            EventOption::Scale(scale) => self.set_scale((scale.scale / scale.baseline.max(1)).max(1) as usize),
            EventOption::Quit(_) => self.effects.push(Effect::Quit),
            _ => {}
        }
    }

    fn around(&self) -> Around {
        Around { modifiers: self.keyboard.modifiers(), mode: self.screen.mode() }
    }

    /// The cell at a place in the window.
    fn at(&self, x: i32, y: i32) -> At {
        let (row, column, right) = self.painter.cell_at(x.max(0) as usize, y.max(0) as usize);
        let (rows, columns) = (self.cells.rows, self.cells.columns);
        let margin = (MARGIN * self.scale) as i32;
        let height = self.painter.metrics().height as i32;
        let below = y - margin - self.cells.height as i32;
        let beyond = match (y - margin, below) {
            (above, _) if above < 0 => 1 - above / height,
            (_, below) if below >= margin => -(1 + below / height),
            _ => 0,
        };
        let right = right || column >= columns;
        At { place: Place { row: row.min(rows - 1), column: column.min(columns - 1), right }, beyond }
    }

    fn key(&mut self, key: KeyEvent, now: u64) {
        if self.keyboard.track(key.scancode, key.pressed) || !key.pressed {
            return;
        }
        let character = Some(key.character).filter(|&character| character != '\0');
        let press = Press { scancode: key.scancode, character, modifiers: self.keyboard.modifiers() };
        match keys::meaning(press, self.screen.mode()) {
            Meaning::Send(bytes) => self.type_in(bytes, now),
            Meaning::Copy => self.copy(),
            Meaning::Paste => self.effects.push(Effect::AskClipboard),
            Meaning::Scroll(scroll) => self.scroll(scroll),
            Meaning::Zoom(steps) => self.set_zoom(self.zoom + steps),
            Meaning::ZoomBack => self.set_zoom(0),
            Meaning::Nothing => {}
        }
    }

    /// What was typed goes to the program, and what it answers is to be seen.
    fn type_in(&mut self, bytes: Vec<u8>, now: u64) {
        self.screen.deselect();
        self.scroll(Scroll::Bottom);
        self.blink.restart(now);
        self.painter.set_cursor_hidden(false);
        self.dirty = true;
        self.effects.push(Effect::Send(bytes));
    }

    fn set_zoom(&mut self, zoom: i32) {
        let zoom = zoom.clamp(*STEPS.start(), *STEPS.end());
        if core::mem::replace(&mut self.zoom, zoom) != zoom {
            self.set_letters();
        }
    }

    fn scroll(&mut self, scroll: Scroll) {
        let before = self.screen.scrolled();
        match scroll {
            Scroll::Rows(rows) => self.screen.scroll(rows),
            Scroll::Screens(screens) => self.screen.scroll(screens * (self.cells.rows as i32 - 1).max(1)),
            Scroll::Top => self.screen.scroll(screen::SCROLLBACK as i32),
            Scroll::Bottom => self.screen.scroll_to_end(),
        }
        self.dirty |= self.screen.scrolled() != before;
    }

    fn copy(&mut self) {
        self.effects.extend(self.screen.selected().map(Effect::Copy));
    }

    /// The contents of the clipboard were asked for: they are typed, so to speak.
    pub fn paste(&mut self, text: &str, now: u64) {
        // Control characters in it would be commands; an end of line is what the key sends.
        let lines = text.replace("\r\n", "\r").replace('\n', "\r");
        let plain: String = lines.chars().filter(|&c| !c.is_control() || matches!(c, '\r' | '\t')).collect();
        if plain.is_empty() {
            return;
        }
        let bracketed = self.screen.mode().contains(TermMode::BRACKETED_PASTE);
        let text = if bracketed { format!("\x1b[200~{plain}\x1b[201~") } else { plain };
        self.type_in(text.into_bytes(), now);
    }

    fn point(&mut self, effects: Vec<pointer::Effect>) {
        for effect in effects {
            match effect {
                pointer::Effect::Send(bytes) => self.effects.push(Effect::Send(bytes)),
                pointer::Effect::Select(kind, place) => self.screen.select(kind, place),
                pointer::Effect::SelectTo(place) => self.screen.select_to(place),
                pointer::Effect::Deselect => self.screen.deselect(),
                pointer::Effect::Scroll(rows) => self.scroll(Scroll::Rows(rows)),
                pointer::Effect::Paste => self.effects.push(Effect::AskClipboard),
            }
            self.dirty = true;
        }
    }

    fn focus(&mut self, focused: bool, now: u64) {
        self.focused = focused;
        self.painter.set_focused(focused);
        self.keyboard.let_go();
        self.blink.set_wanted(focused && self.screen.blinks(), now);
        self.blink.restart(now);
        self.painter.set_cursor_hidden(false);
        if self.screen.mode().contains(TermMode::FOCUS_IN_OUT) {
            self.effects.push(Effect::Send(if focused { b"\x1b[I".to_vec() } else { b"\x1b[O".to_vec() }));
        }
        self.dirty = true;
    }

    /// When [`Machine::tick`] is to be called next; not at all if nothing is going on.
    pub fn due(&self) -> Option<u64> {
        let frame = (self.dirty && self.held.is_none()).then_some(self.next_frame);
        [frame, self.blink.due(), self.bell, self.held, self.pull].into_iter().flatten().min()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: u64) {
        if self.blink.tick(now) {
            self.painter.set_cursor_hidden(self.blink.is_hidden());
            self.dirty = true;
        }
        if self.bell.is_some_and(|end| end <= now) {
            self.bell = None;
            self.painter.set_bell(false);
            self.dirty = true;
        }
        if self.held.is_some_and(|end| end <= now) {
            self.held = None;
            let effects = self.screen.release();
            self.shown(effects, now);
        }
        if let (Some(due), Some((rows, place))) = (self.pull, self.pointer.pull())
            && due <= now
        {
            self.scroll(Scroll::Rows(rows));
            self.screen.select_to(place);
            self.dirty = true;
            self.pull = Some(now + PULL);
        }
    }

    /// Draws what has changed, if it is time. Answers the areas that are different now.
    pub fn frame<P: Pixel>(&mut self, pixels: &mut [P], width: usize, now: u64) -> Vec<Area> {
        if !self.dirty || self.held.is_some() || now < self.next_frame {
            return Vec::new();
        }
        (self.dirty, self.next_frame) = (false, now + FRAME);
        self.painter.draw(&mut self.screen, &mut Canvas::new(pixels, width))
    }
}
