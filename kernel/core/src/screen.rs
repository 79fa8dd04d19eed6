//! The text screen's state: what characters are where. Drawing is somebody else's.
//!
//! [`Screen::write`] changes only the wanted picture; [`Screen::update`] then names each cell that differs from what was drawn
//! before. So a page that scrolls costs the cells that changed, once per write, and the screen's memory is never read.
//! Understood are newline, carriage return, backspace, tab and of the ANSI control sequences (ECMA-48) SGR colours, erase
//! line, erase display and cursor home; all others are swallowed.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::Range;

/// A character and its colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character.
    pub c: char,
    /// Foreground: 0 to 7 are the ANSI colours, 8 to 15 the bright ones.
    pub foreground: u8,
    /// Background, the same way.
    pub background: u8,
}

/// A blank in the default colours.
pub const BLANK: Cell = Cell { c: ' ', foreground: 7, background: 0 };

/// Most parameters of a control sequence that are kept.
const MAX_PARAMETERS: usize = 8;

#[derive(Clone, Copy)]
enum State {
    Text,
    Escape,
    Sequence { parameters: [u16; MAX_PARAMETERS], count: usize },
}

/// A screen of characters.
pub struct Screen {
    columns: usize,
    rows: usize,
    column: usize,
    row: usize,
    wanted: Box<[Cell]>,
    shown: Box<[Cell]>,
    /// Rows in which the two may differ.
    touched: Range<usize>,
    foreground: u8,
    background: u8,
    state: State,
    partial: [u8; 4],
    partial_len: usize,
}

impl Screen {
    /// A blank screen that is taken to be drawn as blank. At least one character.
    pub fn new(columns: usize, rows: usize) -> Self {
        let (columns, rows) = (columns.max(1), rows.max(1));
        let blank = vec![BLANK; columns * rows].into_boxed_slice();
        Screen {
            columns,
            rows,
            column: 0,
            row: 0,
            wanted: blank.clone(),
            shown: blank,
            touched: 0..0,
            foreground: BLANK.foreground,
            background: BLANK.background,
            state: State::Text,
            partial: [0; 4],
            partial_len: 0,
        }
    }

    /// Takes text. A UTF-8 character may be divided between two calls.
    pub fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    /// Calls `draw(column, row, cell)` for each cell that differs from what was drawn last.
    pub fn update(&mut self, mut draw: impl FnMut(usize, usize, Cell)) {
        for row in core::mem::take(&mut self.touched) {
            let cells = row * self.columns..(row + 1) * self.columns;
            let pairs = self.wanted[cells.clone()].iter().zip(&mut self.shown[cells]);
            for (column, (wanted, shown)) in pairs.enumerate().filter(|(_, (wanted, shown))| **wanted != **shown) {
                *shown = *wanted;
                draw(column, row, *wanted);
            }
        }
    }

    fn touch(&mut self, rows: Range<usize>) {
        self.touched = match self.touched.is_empty() {
            true => rows,
            false => self.touched.start.min(rows.start)..self.touched.end.max(rows.end),
        };
    }

    /// Blanks cells of the wanted picture.
    fn blank(&mut self, cells: Range<usize>) {
        self.touch(cells.start / self.columns..cells.end.div_ceil(self.columns));
        self.wanted[cells].fill(BLANK);
    }

    /// Forgets what was drawn: the next [`Screen::update`] names every cell. For when somebody else has drawn over it.
    pub fn invalidate(&mut self) {
        self.shown.fill(Cell { c: '\0', ..BLANK });
        self.touch(0..self.rows);
    }

    fn byte(&mut self, byte: u8) {
        if byte < 0x80 {
            if self.partial_len != 0 {
                self.partial_len = 0;
                self.character(char::REPLACEMENT_CHARACTER);
            }
            return self.character(byte as char);
        }
        if byte >= 0xc0 && self.partial_len != 0 {
            self.partial_len = 0;
            self.character(char::REPLACEMENT_CHARACTER);
        }
        self.partial[self.partial_len] = byte;
        self.partial_len += 1;
        match core::str::from_utf8(&self.partial[..self.partial_len]) {
            Ok(text) => {
                let c = text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
                self.partial_len = 0;
                self.character(c);
            }
            Err(error) if error.error_len().is_some() || self.partial_len == self.partial.len() => {
                self.partial_len = 0;
                self.character(char::REPLACEMENT_CHARACTER);
            }
            Err(_) => {}
        }
    }

    fn character(&mut self, c: char) {
        match self.state {
            State::Text => self.text(c),
            State::Escape => {
                let sequence = State::Sequence { parameters: [0; MAX_PARAMETERS], count: 0 };
                self.state = if c == '[' { sequence } else { State::Text };
            }
            State::Sequence { mut parameters, mut count } => {
                match c {
                    '0'..='9' => {
                        if let Some(value) = parameters.get_mut(count) {
                            *value = value.saturating_mul(10).saturating_add(c as u16 - '0' as u16);
                        }
                    }
                    ';' => count = (count + 1).min(MAX_PARAMETERS),
                    // Final bytes (ECMA-48, section 5.4).
                    '@'..='~' => {
                        self.state = State::Text;
                        return self.sequence(c, &parameters[..(count + 1).min(MAX_PARAMETERS)]);
                    }
                    ' '..='?' => {}
                    _ => {
                        self.state = State::Text;
                        return;
                    }
                }
                self.state = State::Sequence { parameters, count };
            }
        }
    }

    fn text(&mut self, c: char) {
        match c {
            '\n' => self.new_line(),
            '\r' => self.column = 0,
            '\x08' => self.column = self.column.saturating_sub(1),
            '\t' => {
                let stop = (self.column + 8) / 8 * 8;
                (self.column..stop.min(self.columns)).for_each(|_| self.put(' '));
            }
            '\x1b' => self.state = State::Escape,
            c if c.is_control() => {}
            c => self.put(c),
        }
    }

    fn put(&mut self, c: char) {
        if self.column >= self.columns {
            self.new_line();
        }
        let cell = Cell { c, foreground: self.foreground, background: self.background };
        self.wanted[self.row * self.columns + self.column] = cell;
        self.touch(self.row..self.row + 1);
        self.column += 1;
    }

    fn new_line(&mut self) {
        self.column = 0;
        if self.row + 1 < self.rows {
            self.row += 1;
        } else {
            self.wanted.copy_within(self.columns.., 0);
            self.blank(self.wanted.len() - self.columns..self.wanted.len());
            self.touch(0..self.rows);
        }
    }

    fn sequence(&mut self, kind: char, parameters: &[u16]) {
        let here = self.row * self.columns + self.column.min(self.columns - 1);
        let first = parameters.first().copied().unwrap_or(0);
        match (kind, first) {
            ('m', _) => parameters.iter().for_each(|parameter| self.colour(*parameter)),
            ('K', 0) => self.blank(here..(self.row + 1) * self.columns),
            ('K', 2) => self.blank(self.row * self.columns..(self.row + 1) * self.columns),
            ('J', 0) => self.blank(here..self.wanted.len()),
            ('J', 2) => self.blank(0..self.wanted.len()),
            ('H', _) => {
                let second = parameters.get(1).copied().unwrap_or(0);
                self.row = usize::from(first.max(1) - 1).min(self.rows - 1);
                self.column = usize::from(second.max(1) - 1).min(self.columns - 1);
            }
            _ => {}
        }
    }

    fn colour(&mut self, parameter: u16) {
        match parameter {
            0 => (self.foreground, self.background) = (BLANK.foreground, BLANK.background),
            1 => self.foreground |= 8,
            22 => self.foreground &= 7,
            30..=37 => self.foreground = (parameter - 30) as u8 | self.foreground & 8,
            39 => self.foreground = BLANK.foreground,
            40..=47 => self.background = (parameter - 40) as u8,
            49 => self.background = BLANK.background,
            90..=97 => self.foreground = (parameter - 90) as u8 | 8,
            100..=107 => self.background = (parameter - 100) as u8 | 8,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    struct Glass(Vec<Vec<char>>, usize);

    impl Glass {
        fn new(columns: usize, rows: usize) -> Self {
            Glass(vec![vec![' '; columns]; rows], 0)
        }
        fn update(&mut self, screen: &mut Screen) -> Vec<String> {
            self.1 = 0;
            screen.update(|column, row, cell| {
                self.0[row][column] = cell.c;
                self.1 += 1;
            });
            self.0.iter().map(|line| line.iter().collect::<String>().trim_end().into()).collect()
        }
    }

    #[test]
    fn wraps_and_scrolls() {
        let mut screen = Screen::new(5, 3);
        let mut glass = Glass::new(5, 3);
        screen.write(b"abcdefg\nx");
        assert_eq!(glass.update(&mut screen), ["abcde", "fg", "x"]);
        assert_eq!(glass.1, 8);
        screen.write(b"\ny");
        assert_eq!(glass.update(&mut screen), ["fg", "x", "y"]);
        screen.write(b"");
        glass.update(&mut screen);
        assert_eq!(glass.1, 0);
    }

    #[test]
    fn a_full_line_wraps_only_when_more_comes() {
        let mut screen = Screen::new(3, 2);
        let mut glass = Glass::new(3, 2);
        screen.write(b"abc\ndef");
        assert_eq!(glass.update(&mut screen), ["abc", "def"]);
        screen.write(b"\x08\x08X\tZ");
        assert_eq!(glass.update(&mut screen), ["dX", "Z"]);
    }

    #[test]
    fn control_sequences() {
        let mut screen = Screen::new(6, 2);
        let mut glass = Glass::new(6, 2);
        screen.write(b"\x1b[1;31mred\x1b[0m\x1b[?25l\x1b[38;5;1m.\x1b]x");
        assert_eq!(glass.update(&mut screen), ["red.x", ""]);
        assert_eq!(screen.wanted[0], Cell { c: 'r', foreground: 9, background: 0 });
        screen.write(b"\r\x1b[K\x1b[2;2Hq\x1b[99;99Hz");
        assert_eq!(glass.update(&mut screen), ["", " q   z"]);
        screen.write(b"\x1b[2J\x1b[Hhome");
        assert_eq!(glass.update(&mut screen), ["home", ""]);
    }

    #[test]
    fn utf8_in_pieces_and_broken() {
        let mut screen = Screen::new(8, 1);
        let mut glass = Glass::new(8, 1);
        screen.write(b"\xc3");
        screen.write(b"\xa9\xff\xc3x\xf0\x9f\x98\x80");
        assert_eq!(glass.update(&mut screen), ["\u{e9}\u{fffd}\u{fffd}x\u{1f600}"]);
    }

    #[test]
    fn any_bytes_on_any_size_are_survived() {
        let mut seed = 1u32;
        for (columns, rows) in [(0, 0), (1, 1), (1, 5), (7, 2)] {
            let mut screen = Screen::new(columns, rows);
            for _ in 0..20_000 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let byte = match seed >> 30 {
                    0 => b"\x1b[;0m19HJK\n\t"[(seed >> 8) as usize % 12],
                    _ => (seed >> 16) as u8,
                };
                screen.write(&[byte]);
                if seed >> 29 == 0 {
                    screen.update(|_, _, _| {});
                    assert!(screen.wanted == screen.shown);
                }
            }
            screen.invalidate();
            let mut count = 0;
            screen.update(|_, _, _| count += 1);
            assert_eq!(count, columns.max(1) * rows.max(1));
        }
    }
}
