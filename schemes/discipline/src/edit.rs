//! What an incoming byte does.

use ochre_abi::terminal::character::{
    VEOF, VEOL, VEOL2, VERASE, VINTR, VKILL, VLNEXT, VQUIT, VREPRINT, VSTART, VSTOP, VSUSP, VWERASE,
};
use ochre_abi::terminal::input::{ICRNL, IGNCR, IMAXBEL, INLCR, ISTRIP, IUTF8, IXANY, IXON, PARMRK};
use ochre_abi::terminal::local::{ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, ECHONL, ICANON, IEXTEN, ISIG, NOFLSH};
use ochre_abi::terminal::packet;

use crate::echo::{Character, is_continuation};
use crate::input::{INPUT_MAX, LINE_MAX, LINES_MAX};
use crate::line::{Effects, Line, Signals};

/// Most bytes of a character in UTF-8.
const CHARACTER_MAX: usize = 4;

impl Line {
    /// Takes what there is room for from the terminal's bytes, one after the other.
    pub(crate) fn edit(&mut self, bytes: &[u8], effects: &mut Effects) -> usize {
        for (index, &byte) in bytes.iter().enumerate() {
            if !self.takes(byte) {
                return index;
            }
            self.edit_byte(byte, effects);
        }
        bytes.len()
    }

    /// Whether there is room for a byte. While nothing can be read there is: what is too long for a line is left out. Signals
    /// and flow control need none.
    fn takes(&self, byte: u8) -> bool {
        self.has_room() || self.signal_of(byte).is_some() || self.is_flow(byte)
    }

    /// Whether there is room for a byte that is kept.
    pub(crate) fn has_room(&self) -> bool {
        self.input.len() < INPUT_MAX && self.input.lines() < LINES_MAX
            || self.has_local(ICANON) && !self.input.has_line()
    }

    fn edit_byte(&mut self, byte: u8, effects: &mut Effects) {
        let byte = if self.has_input(ISTRIP) { byte & 0x7f } else { byte };
        if core::mem::take(&mut self.literal) {
            return self.add(byte);
        }
        if self.is_flow(byte) {
            let stop = self.is_character(VSTOP, byte) && !(self.output.stopped && self.is_character(VSTART, byte));
            return self.hold(stop, effects);
        }
        if let Some(signal) = self.signal_of(byte) {
            return self.signal(signal, byte, effects);
        }
        if self.output.stopped && self.has_input(IXON) && self.has_input(IXANY) {
            self.hold(false, effects);
        }
        let byte = match byte {
            b'\r' if self.has_input(IGNCR) => return,
            b'\r' if self.has_input(ICRNL) => b'\n',
            b'\n' if self.has_input(INLCR) => b'\r',
            other => other,
        };
        if self.has_local(ICANON) { self.edit_line(byte) } else { self.add(byte) }
    }

    fn is_flow(&self, byte: u8) -> bool {
        self.has_input(IXON) && (self.is_character(VSTOP, byte) || self.is_character(VSTART, byte))
    }

    fn signal_of(&self, byte: u8) -> Option<Signals> {
        if !self.has_local(ISIG) {
            return None;
        }
        [(VINTR, Signals::INTERRUPT), (VQUIT, Signals::QUIT), (VSUSP, Signals::SUSPEND)]
            .into_iter()
            .find_map(|(place, signal)| self.is_character(place, byte).then_some(signal))
    }

    fn signal(&mut self, signal: Signals, byte: u8, effects: &mut Effects) {
        if !self.has_local(NOFLSH) {
            self.input.clear();
            effects.packet |= packet::FLUSH_READ;
            if signal != Signals::SUSPEND {
                self.output.clear();
                effects.packet |= packet::FLUSH_WRITE;
            }
        }
        if self.output.stopped && self.has_input(IXON) {
            self.hold(false, effects);
        }
        if self.has_local(ECHO) {
            self.echo_byte(byte);
        }
        effects.signals |= signal;
    }

    /// A byte where lines are edited.
    fn edit_line(&mut self, byte: u8) {
        let extended = self.has_local(IEXTEN);
        match byte {
            b'\n' => {
                if self.has_local(ECHO) || self.has_local(ECHONL) {
                    self.echo_bytes(b"\n");
                }
                self.end_line(Some(byte));
            }
            _ if self.is_character(VEOF, byte) => self.end_line(None),
            _ if self.is_character(VEOL, byte) || extended && self.is_character(VEOL2, byte) => {
                if self.has_local(ECHO) {
                    self.echo_byte(byte);
                }
                self.end_line(Some(byte));
            }
            _ if self.is_character(VERASE, byte) => self.erase(byte),
            _ if self.is_character(VKILL, byte) => self.kill(byte),
            _ if extended && self.is_character(VWERASE, byte) => self.erase_word(byte),
            _ if extended && self.is_character(VREPRINT, byte) => self.reprint(byte),
            _ if extended && self.is_character(VLNEXT, byte) => {
                self.literal = true;
                if self.has_local(ECHO) && self.has_local(ECHOCTL) {
                    self.echo_bytes(b"^\x08");
                }
            }
            _ => self.add(byte),
        }
    }

    fn end_line(&mut self, byte: Option<u8>) {
        byte.into_iter().for_each(|byte| self.input.push(byte));
        self.input.end_line();
    }

    /// Keeps a byte and shows it.
    fn add(&mut self, byte: u8) {
        let lines = self.has_local(ICANON);
        if lines && self.input.edited() + 1 >= LINE_MAX {
            if self.has_input(IMAXBEL) {
                self.echo_bytes(b"\x07");
            }
            return;
        }
        if self.input.edited() == 0 {
            self.line_column = self.output.column;
        }
        if byte == 0xff && self.has_input(PARMRK) && !self.has_input(ISTRIP) {
            self.input.push(byte);
        }
        self.input.push(byte);
        if self.has_local(ECHO) {
            if byte == b'\n' && !lines { self.echo_bytes(b"\n") } else { self.echo_byte(byte) }
        }
    }

    /// Takes the last character out of the line.
    fn pop_character(&mut self) -> Option<Character> {
        let utf8 = self.has_input(IUTF8);
        let mut bytes = [0; CHARACTER_MAX];
        let mut from = CHARACTER_MAX;
        while from > 0 {
            let Some(byte) = self.input.pop() else { break };
            from -= 1;
            bytes[from] = byte;
            if !utf8 || !is_continuation(byte) {
                break;
            }
        }
        (from < CHARACTER_MAX).then(|| Character::new(&bytes[from..], utf8))
    }

    /// Takes the last character out of the line and off the screen.
    fn erase_character(&mut self) -> Option<Character> {
        let character = self.pop_character()?;
        if self.has_local(ECHO) && self.has_local(ECHOE) {
            let column = if character == Character('\t') { self.column_of_line() } else { 0 };
            self.wipe(character, column);
        }
        Some(character)
    }

    fn erase(&mut self, byte: u8) {
        if self.erase_character().is_some() && self.has_local(ECHO) && !self.has_local(ECHOE) {
            self.echo_byte(byte);
        }
    }

    /// Takes the last word out: what follows it, and letters, digits and underlines up to something else.
    fn erase_word(&mut self, byte: u8) {
        let mut in_word = false;
        let mut erased = false;
        while let Some(last) = self.last_character() {
            let part = last == '_' || last.is_alphanumeric();
            if in_word && !part {
                break;
            }
            in_word |= part;
            erased |= self.erase_character().is_some();
        }
        if erased && self.has_local(ECHO) && !self.has_local(ECHOE) {
            self.echo_byte(byte);
        }
    }

    /// The last character of the line.
    fn last_character(&self) -> Option<char> {
        let utf8 = self.has_input(IUTF8);
        let mut bytes = [0; CHARACTER_MAX];
        let mut from = CHARACTER_MAX;
        for byte in self.input.edited_bytes().rev().take(CHARACTER_MAX) {
            from -= 1;
            bytes[from] = byte;
            if !utf8 || !is_continuation(byte) {
                break;
            }
        }
        (from < CHARACTER_MAX).then(|| Character::new(&bytes[from..], utf8).0)
    }

    fn kill(&mut self, byte: u8) {
        if self.has_local(ECHO) && self.input.edited() > 0 {
            if self.has_local(ECHOK) && self.has_local(ECHOKE) && self.has_local(ECHOE) {
                self.output.wipe(self.column_of_line() - self.line_column);
            } else {
                self.echo_byte(byte);
                if self.has_local(ECHOK) {
                    self.echo_bytes(b"\n");
                }
            }
        }
        self.input.kill();
    }

    fn reprint(&mut self, byte: u8) {
        if !self.has_local(ECHO) {
            return;
        }
        self.echo_byte(byte);
        self.echo_bytes(b"\n");
        self.line_column = self.output.column;
        let line: alloc::vec::Vec<u8> = self.input.edited_bytes().collect();
        line.into_iter().for_each(|byte| self.echo_byte(byte));
    }
}
