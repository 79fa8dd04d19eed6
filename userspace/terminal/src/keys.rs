//! What keys send, as xterm does it (XTerm Control Sequences, "PC-Style Function Keys"), and what keys mean to the terminal itself.
//!
//! The display server tells a key by its number; a character comes as text of its own unless Control or Alt is held, and then with
//! the key. So text goes to the program as it is, and what is here is everything else.

use alacritty_terminal::term::TermMode;
use orbclient as key;

/// Keys that change what others mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Shift.
    pub shift: bool,
    /// Alt, on the left.
    pub alt: bool,
    /// Control.
    pub control: bool,
}

impl Modifiers {
    /// As xterm's parameter: 1 without any.
    fn parameter(self) -> u8 {
        1 + u8::from(self.shift) + 2 * u8::from(self.alt) + 4 * u8::from(self.control)
    }
}

/// A key that has gone down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Its number.
    pub scancode: u8,
    /// What it would write, if Control or Alt is held.
    pub character: Option<char>,
    /// What is held.
    pub modifiers: Modifiers,
}

/// How far to scroll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// Rows up, or down if negative.
    Rows(i32),
    /// Screens up, or down if negative.
    Screens(i32),
    /// To the oldest row.
    Top,
    /// To the newest row.
    Bottom,
}

/// What a key is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// These bytes go to the program.
    Send(Vec<u8>),
    /// Copies the selection.
    Copy,
    /// Pastes.
    Paste,
    /// Looks elsewhere.
    Scroll(Scroll),
    /// Makes letters larger by so many steps.
    Zoom(i32),
    /// Gives letters the size that they began with.
    ZoomBack,
    /// Nothing.
    Nothing,
}

/// Which keys that change others are down.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keyboard {
    shifts: u8,
    alt: bool,
    control: bool,
}

impl Keyboard {
    /// What is held.
    pub fn modifiers(&self) -> Modifiers {
        Modifiers { shift: self.shifts != 0, alt: self.alt, control: self.control }
    }

    /// A key goes down or up. Answers whether it is one that changes others.
    pub fn track(&mut self, scancode: u8, pressed: bool) -> bool {
        let shift = match scancode {
            key::K_LEFT_SHIFT => 1,
            key::K_RIGHT_SHIFT => 2,
            key::K_ALT => {
                self.alt = pressed;
                return true;
            }
            key::K_LEFT_CTRL => {
                self.control = pressed;
                return true;
            }
            _ => return false,
        };
        self.shifts = if pressed { self.shifts | shift } else { self.shifts & !shift };
        true
    }

    /// The window has lost the keyboard: what is released is not told any more.
    pub fn let_go(&mut self) {
        *self = Self::default();
    }
}

/// How a key is written.
#[derive(Clone, Copy)]
enum Form {
    /// `CSI letter`, or `SS3 letter` when the program wants the cursor keys so.
    Cursor(u8),
    /// `SS3 letter`.
    Function(u8),
    /// `CSI number ~`.
    Number(u8),
}

/// Keys without a character.
const SPECIAL: [(u8, Form); 22] = [
    (key::K_UP, Form::Cursor(b'A')),
    (key::K_DOWN, Form::Cursor(b'B')),
    (key::K_RIGHT, Form::Cursor(b'C')),
    (key::K_LEFT, Form::Cursor(b'D')),
    (key::K_END, Form::Cursor(b'F')),
    (key::K_HOME, Form::Cursor(b'H')),
    (key::K_INSERT, Form::Number(2)),
    (key::K_DEL, Form::Number(3)),
    (key::K_PGUP, Form::Number(5)),
    (key::K_PGDN, Form::Number(6)),
    (key::K_F1, Form::Function(b'P')),
    (key::K_F2, Form::Function(b'Q')),
    (key::K_F3, Form::Function(b'R')),
    (key::K_F4, Form::Function(b'S')),
    (key::K_F5, Form::Number(15)),
    (key::K_F6, Form::Number(17)),
    (key::K_F7, Form::Number(18)),
    (key::K_F8, Form::Number(19)),
    (key::K_F9, Form::Number(20)),
    (key::K_F10, Form::Number(21)),
    (key::K_F11, Form::Number(23)),
    (key::K_F12, Form::Number(24)),
];

const ESC: u8 = 0x1b;
const DEL: u8 = 0x7f;
const BACKSPACE: u8 = 0x08;

/// What a key means, in this mode of the screen.
pub fn meaning(press: Press, mode: TermMode) -> Meaning {
    own(press, mode).unwrap_or_else(|| match encode(press, mode) {
        bytes if bytes.is_empty() => Meaning::Nothing,
        bytes => Meaning::Send(bytes),
    })
}

/// What the terminal itself does with a key.
fn own(press: Press, mode: TermMode) -> Option<Meaning> {
    let Modifiers { shift, alt, control } = press.modifiers;
    if alt {
        return None;
    }
    let letter = press.character.map(|character| character.to_ascii_lowercase());
    let scrolls = shift && !mode.contains(TermMode::ALT_SCREEN);
    Some(match (press.scancode, letter) {
        (key::K_INSERT, _) if shift && !control => Meaning::Paste,
        (key::K_INSERT, _) if control && !shift => Meaning::Copy,
        (key::K_PGUP, _) if scrolls => Meaning::Scroll(Scroll::Screens(1)),
        (key::K_PGDN, _) if scrolls => Meaning::Scroll(Scroll::Screens(-1)),
        (key::K_HOME, _) if scrolls => Meaning::Scroll(Scroll::Top),
        (key::K_END, _) if scrolls => Meaning::Scroll(Scroll::Bottom),
        (key::K_UP, _) if scrolls && control => Meaning::Scroll(Scroll::Rows(1)),
        (key::K_DOWN, _) if scrolls && control => Meaning::Scroll(Scroll::Rows(-1)),
        (_, Some('c')) if control && shift => Meaning::Copy,
        (_, Some('v')) if control && shift => Meaning::Paste,
        (_, Some('+' | '=')) if control => Meaning::Zoom(1),
        (_, Some('-')) if control => Meaning::Zoom(-1),
        (_, Some('0')) if control => Meaning::ZoomBack,
        _ => return None,
    })
}

/// What a key sends.
fn encode(press: Press, mode: TermMode) -> Vec<u8> {
    if let Some(&(_, form)) = SPECIAL.iter().find(|(scancode, _)| *scancode == press.scancode) {
        return special(form, press.modifiers, mode);
    }
    let Modifiers { shift, alt, control } = press.modifiers;
    let bytes = match press.scancode {
        key::K_TAB if shift => return b"\x1b[Z".to_vec(),
        key::K_TAB => vec![b'\t'],
        key::K_NUM_ENTER if mode.contains(TermMode::APP_KEYPAD) => return b"\x1bOM".to_vec(),
        key::K_ENTER | key::K_NUM_ENTER if mode.contains(TermMode::LINE_FEED_NEW_LINE) => b"\r\n".to_vec(),
        key::K_ENTER | key::K_NUM_ENTER => vec![b'\r'],
        key::K_ESC => vec![ESC],
        key::K_BKSP => vec![if control { BACKSPACE } else { DEL }],
        key::K_SPACE if control => vec![0],
        _ => match press.character {
            Some(character) if control => controlled(character),
            Some(character) if alt => character.to_string().into_bytes(),
            _ => return Vec::new(),
        },
    };
    if alt && !bytes.is_empty() { [&[ESC][..], &bytes].concat() } else { bytes }
}

fn special(form: Form, modifiers: Modifiers, mode: TermMode) -> Vec<u8> {
    let parameter = modifiers.parameter();
    let text = match form {
        Form::Number(number) if parameter == 1 => format!("\x1b[{number}~"),
        Form::Number(number) => format!("\x1b[{number};{parameter}~"),
        Form::Cursor(letter) | Form::Function(letter) if parameter != 1 => {
            format!("\x1b[1;{parameter}{}", char::from(letter))
        }
        Form::Cursor(letter) if !mode.contains(TermMode::APP_CURSOR) => format!("\x1b[{}", char::from(letter)),
        Form::Cursor(letter) | Form::Function(letter) => format!("\x1bO{}", char::from(letter)),
    };
    text.into_bytes()
}

/// A character with Control.
fn controlled(character: char) -> Vec<u8> {
    let code = match character {
        'a'..='z' | '@'..='_' => character as u8 & 0x1f,
        '2' | ' ' => 0,
        '3'..='7' => character as u8 - b'3' + ESC,
        '8' | '?' => DEL,
        '/' => 0x1f,
        _ => return character.to_string().into_bytes(),
    };
    vec![code]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Modifiers = Modifiers { shift: false, alt: false, control: false };
    const SHIFT: Modifiers = Modifiers { shift: true, ..NONE };
    const ALT: Modifiers = Modifiers { alt: true, ..NONE };
    const CONTROL: Modifiers = Modifiers { control: true, ..NONE };
    const ALL: Modifiers = Modifiers { shift: true, alt: true, control: true };

    fn press(scancode: u8, modifiers: Modifiers) -> Press {
        Press { scancode, character: None, modifiers }
    }

    fn typed(character: char, modifiers: Modifiers) -> Press {
        Press { scancode: key::K_X, character: Some(character), modifiers }
    }

    #[test]
    fn keys_with_names() {
        let plain = TermMode::NONE;
        for (scancode, modifiers, mode, sent) in [
            (key::K_UP, NONE, plain, "\x1b[A"),
            (key::K_UP, NONE, TermMode::APP_CURSOR, "\x1bOA"),
            (key::K_UP, SHIFT, TermMode::APP_CURSOR, "\x1b[1;2A"),
            (key::K_LEFT, CONTROL, plain, "\x1b[1;5D"),
            (key::K_RIGHT, ALL, plain, "\x1b[1;8C"),
            (key::K_HOME, NONE, plain, "\x1b[H"),
            (key::K_END, NONE, TermMode::APP_CURSOR, "\x1bOF"),
            (key::K_INSERT, NONE, plain, "\x1b[2~"),
            (key::K_DEL, CONTROL, plain, "\x1b[3;5~"),
            (key::K_PGUP, NONE, plain, "\x1b[5~"),
            (key::K_PGDN, SHIFT, TermMode::ALT_SCREEN, "\x1b[6;2~"),
            (key::K_F1, NONE, plain, "\x1bOP"),
            (key::K_F4, SHIFT, plain, "\x1b[1;2S"),
            (key::K_F5, NONE, plain, "\x1b[15~"),
            (key::K_F12, ALT, plain, "\x1b[24;3~"),
            (key::K_TAB, NONE, plain, "\t"),
            (key::K_TAB, SHIFT, plain, "\x1b[Z"),
            (key::K_ENTER, NONE, plain, "\r"),
            (key::K_ENTER, ALT, plain, "\x1b\r"),
            (key::K_ENTER, NONE, TermMode::LINE_FEED_NEW_LINE, "\r\n"),
            (key::K_NUM_ENTER, NONE, plain, "\r"),
            (key::K_NUM_ENTER, NONE, TermMode::APP_KEYPAD, "\x1bOM"),
            (key::K_ESC, NONE, plain, "\x1b"),
            (key::K_BKSP, NONE, plain, "\x7f"),
            (key::K_BKSP, CONTROL, plain, "\x08"),
            (key::K_BKSP, ALT, plain, "\x1b\x7f"),
        ] {
            assert_eq!(
                meaning(press(scancode, modifiers), mode),
                Meaning::Send(sent.into()),
                "{scancode:#x} {modifiers:?}"
            );
        }
        assert_eq!(meaning(press(key::K_CAPS, NONE), plain), Meaning::Nothing);
        // Text comes by itself.
        assert_eq!(meaning(press(key::K_A, NONE), plain), Meaning::Nothing);
    }

    #[test]
    fn control_and_alt() {
        for (character, modifiers, sent) in [
            ('c', CONTROL, "\x03"),
            ('A', CONTROL, "\x01"),
            ('[', CONTROL, "\x1b"),
            ('_', CONTROL, "\x1f"),
            ('2', CONTROL, "\0"),
            ('3', CONTROL, "\x1b"),
            ('7', CONTROL, "\x1f"),
            ('8', CONTROL, "\x7f"),
            ('/', CONTROL, "\x1f"),
            ('1', CONTROL, "1"),
            ('f', ALT, "\x1bf"),
            ('ö', ALT, "\x1bö"),
            ('0', ALT, "\x1b0"),
            ('x', Modifiers { control: true, ..ALT }, "\x1b\x18"),
        ] {
            assert_eq!(meaning(typed(character, modifiers), TermMode::NONE), Meaning::Send(sent.into()), "{character}");
        }
        let space = Press { scancode: key::K_SPACE, character: Some(' '), modifiers: CONTROL };
        assert_eq!(meaning(space, TermMode::NONE), Meaning::Send(vec![0]));
    }

    #[test]
    fn keys_of_the_terminal_itself() {
        let both = Modifiers { shift: true, ..CONTROL };
        let plain = TermMode::NONE;
        for (press, meant) in [
            (typed('C', both), Meaning::Copy),
            (typed('V', both), Meaning::Paste),
            (typed('+', both), Meaning::Zoom(1)),
            (typed('=', CONTROL), Meaning::Zoom(1)),
            (typed('-', CONTROL), Meaning::Zoom(-1)),
            (typed('0', CONTROL), Meaning::ZoomBack),
            (press(key::K_INSERT, SHIFT), Meaning::Paste),
            (press(key::K_INSERT, CONTROL), Meaning::Copy),
            (press(key::K_PGUP, SHIFT), Meaning::Scroll(Scroll::Screens(1))),
            (press(key::K_DOWN, both), Meaning::Scroll(Scroll::Rows(-1))),
            (press(key::K_HOME, SHIFT), Meaning::Scroll(Scroll::Top)),
        ] {
            assert_eq!(meaning(press, plain), meant, "{press:?}");
        }
    }

    #[test]
    fn what_is_held_is_known_until_the_keyboard_is_lost() {
        let mut keyboard = Keyboard::default();
        for scancode in [key::K_LEFT_SHIFT, key::K_RIGHT_SHIFT, key::K_LEFT_CTRL] {
            assert!(keyboard.track(scancode, true));
        }
        assert!(!keyboard.track(key::K_A, true));
        keyboard.track(key::K_LEFT_SHIFT, false);
        assert_eq!(keyboard.modifiers(), Modifiers { shift: true, ..CONTROL });
        keyboard.let_go();
        assert_eq!(keyboard.modifiers(), NONE);
    }
}
