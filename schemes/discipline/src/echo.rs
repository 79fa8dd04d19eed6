//! How what is typed looks.

use ochre_abi::terminal::input::IUTF8;
use ochre_abi::terminal::local::ECHOCTL;
use unicode_width::UnicodeWidthChar;

use crate::line::Line;
use crate::output::after;

impl Line {
    /// Shows bytes that went through no editing.
    pub(crate) fn echo_bytes(&mut self, bytes: &[u8]) {
        self.output.echo(self.termios.output, self.has_input(IUTF8), bytes);
    }

    /// Shows a typed byte; control characters as `^X` if they are to be seen.
    pub(crate) fn echo_byte(&mut self, byte: u8) {
        if byte.is_ascii_control() && byte != b'\t' && self.has_local(ECHOCTL) {
            self.echo_bytes(&[b'^', byte ^ 0x40]);
        } else {
            self.echo_bytes(&[byte]);
        }
    }

    /// Takes a character away from the screen that `echo_byte` has shown; the cursor stood at `column` before it.
    pub(crate) fn wipe(&mut self, character: Character, column: usize) {
        let width = self.width(character, column);
        self.output.wipe(width);
    }

    /// Columns that a character takes.
    fn width(&self, character: Character, column: usize) -> usize {
        match character.0 {
            '\t' => after(b'\t', column, false) - column,
            control if control.is_ascii_control() => {
                if self.has_local(ECHOCTL) {
                    2
                } else {
                    0
                }
            }
            other => other.width().unwrap_or(0),
        }
    }

    /// Where the cursor is behind the line that is being edited.
    pub(crate) fn column_of_line(&self) -> usize {
        let mut column = self.line_column;
        let mut decoder = Decoder::new(self.has_input(IUTF8));
        for byte in self.input.edited_bytes() {
            if let Some(character) = decoder.take(byte) {
                column += self.width(character, column);
            }
        }
        column
    }
}

/// Something that was typed as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Character(pub char);

impl Character {
    /// The character that bytes are; what is none takes one column.
    pub fn new(bytes: &[u8], utf8: bool) -> Self {
        match (bytes, str::from_utf8(bytes)) {
            (_, Ok(text)) if utf8 || text.is_ascii() => Self(text.chars().next().unwrap_or('?')),
            _ => Self('?'),
        }
    }
}

/// Makes characters of bytes.
struct Decoder {
    utf8: bool,
    bytes: [u8; 4],
    len: usize,
    wanted: usize,
}

impl Decoder {
    fn new(utf8: bool) -> Self {
        Self { utf8, bytes: [0; 4], len: 0, wanted: 0 }
    }

    fn take(&mut self, byte: u8) -> Option<Character> {
        if !self.utf8 || self.len == 0 || !is_continuation(byte) {
            self.len = 0;
            self.wanted = if self.utf8 { length(byte) } else { 1 };
        }
        self.bytes[self.len] = byte;
        self.len += 1;
        if self.len < self.wanted {
            return None;
        }
        let character = Character::new(&self.bytes[..self.len], self.utf8);
        self.len = 0;
        Some(character)
    }
}

/// Bytes of a character that begins with this one.
fn length(first: u8) -> usize {
    match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

/// Whether a byte goes on with a character.
pub fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
