//! What is to be shown: processing of programs' output, and the queue until the terminal takes it.

use alloc::collections::VecDeque;

use memchr::{memchr, memrchr2};
use ochre_abi::terminal::output::{OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TAB3, TABDLY};

use crate::input;

/// Most bytes of programs' output kept.
pub const OUTPUT_MAX: usize = 64 << 10;
/// Bytes beyond that for echo, which cannot wait.
const ECHO_MAX: usize = 8 << 10;
/// A program that waits for room goes on when so many bytes of its own fit.
const CHUNK: usize = 2048;
/// Columns between tab stops.
const TAB: usize = 8;

/// The queue.
#[derive(Clone, Debug, Default)]
pub struct Output {
    bytes: VecDeque<u8>,
    /// What goes before everything else, even while the rest is held back: a stop or a start character.
    urgent: Option<u8>,
    /// Where the cursor is, as far as can be said without understanding escape sequences. Not followed without processing.
    pub column: usize,
    /// The terminal has asked to be sent nothing.
    pub stopped: bool,
}

impl Output {
    /// Bytes that the terminal has not taken.
    pub fn len(&self) -> usize {
        self.bytes.len() + usize::from(self.urgent.is_some())
    }

    /// Bytes that it can take now.
    pub fn ready(&self) -> usize {
        usize::from(self.urgent.is_some()) + if self.stopped { 0 } else { self.bytes.len() }
    }

    /// Forgets what was not taken.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Sends a byte past everything that waits; it takes the place of one that nobody has taken.
    pub fn set_urgent(&mut self, byte: u8) {
        self.urgent = Some(byte);
    }

    /// Takes bytes out, as many as fit.
    pub fn take(&mut self, to: &mut [u8]) -> usize {
        let mut first = 0;
        if let Some(room) = to.first_mut()
            && let Some(byte) = self.urgent.take()
        {
            (*room, first) = (byte, 1);
        }
        if self.stopped { first } else { first + input::take(&mut self.bytes, &mut to[first..]) }
    }

    /// How many of a program's bytes fit, whatever they become; 0 when it is to wait.
    pub fn room(&self, flags: u32, wanted: usize) -> usize {
        let most = match flags {
            _ if flags & OPOST == 0 => 1,
            _ if flags & TABDLY == TAB3 => TAB,
            _ => 2,
        };
        let room = OUTPUT_MAX.saturating_sub(self.bytes.len()) / most;
        if room < wanted.min(CHUNK) { 0 } else { room.min(wanted) }
    }

    /// Puts a program's bytes in, as many as fit.
    pub fn write(&mut self, flags: u32, utf8: bool, bytes: &[u8]) -> usize {
        let bytes = &bytes[..self.room(flags, bytes.len())];
        self.process(flags, utf8, bytes);
        bytes.len()
    }

    /// Puts echo in; when nobody takes it for long, it is lost.
    pub fn echo(&mut self, flags: u32, utf8: bool, bytes: &[u8]) {
        if self.bytes.len() < OUTPUT_MAX + ECHO_MAX {
            self.process(flags, utf8, bytes);
        }
    }

    /// Moves the cursor back over so many columns, wiping them.
    pub fn wipe(&mut self, columns: usize) {
        if self.bytes.len() < OUTPUT_MAX + ECHO_MAX {
            (0..columns).for_each(|_| self.bytes.extend(b"\x08 \x08"));
        }
        self.column = self.column.saturating_sub(columns);
    }

    fn process(&mut self, flags: u32, utf8: bool, bytes: &[u8]) {
        match flags & (OPOST | ONLCR | OCRNL | ONOCR | ONLRET | OLCUC | TABDLY) {
            flags if flags & OPOST == 0 => self.bytes.extend(bytes),
            OPOST => {
                self.bytes.extend(bytes);
                self.advance(utf8, bytes);
            }
            flags if flags == OPOST | ONLCR => self.newlines(utf8, bytes),
            flags => bytes.iter().for_each(|&byte| self.process_byte(flags, utf8, byte)),
        }
    }

    /// What nearly all output goes through: a carriage return before each newline.
    fn newlines(&mut self, utf8: bool, mut bytes: &[u8]) {
        self.advance(utf8, bytes);
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            self.bytes.extend(line);
            self.bytes.extend(b"\r\n");
            bytes = &rest[1..];
        }
        self.bytes.extend(bytes);
    }

    /// Follows the cursor over many bytes.
    fn advance(&mut self, utf8: bool, bytes: &[u8]) {
        let tail = match memrchr2(b'\n', b'\r', bytes) {
            Some(end) => {
                self.column = 0;
                &bytes[end + 1..]
            }
            None => bytes,
        };
        self.column = tail.iter().fold(self.column, |column, &byte| after(byte, column, utf8));
    }

    fn process_byte(&mut self, flags: u32, utf8: bool, byte: u8) {
        let has = |flag: u32| flags & flag != 0;
        match byte {
            b'\n' => {
                if has(ONLCR) {
                    self.bytes.push_back(b'\r');
                }
                if has(ONLCR | ONLRET) {
                    self.column = 0;
                }
                self.bytes.push_back(b'\n');
            }
            b'\r' if has(ONOCR) && self.column == 0 => {}
            b'\r' if has(OCRNL) => {
                if has(ONLRET) {
                    self.column = 0;
                }
                self.bytes.push_back(b'\n');
            }
            b'\r' => {
                self.column = 0;
                self.bytes.push_back(b'\r');
            }
            b'\t' if flags & TABDLY == TAB3 => {
                let next = after(b'\t', self.column, utf8);
                (self.column..next).for_each(|_| self.bytes.push_back(b' '));
                self.column = next;
            }
            _ => {
                let byte = if has(OLCUC) { byte.to_ascii_uppercase() } else { byte };
                self.bytes.push_back(byte);
                self.column = after(byte, self.column, utf8);
            }
        }
    }
}

/// The column after a byte that stays on the line.
pub fn after(byte: u8, column: usize, utf8: bool) -> usize {
    match byte {
        b'\t' => (column / TAB + 1) * TAB,
        b'\x08' => column.saturating_sub(1),
        _ if byte.is_ascii_control() => column,
        0x80..=0xbf if utf8 => column,
        _ => column + 1,
    }
}
