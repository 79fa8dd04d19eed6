//! The keyboard, in scan code set 1, into which the controller translates.

use input_contract::{Raw, key, leds};

use crate::commands::Commands;

/// Prefixes.
const EXTENDED: u8 = 0xe0;
const PAUSE: u8 = 0xe1;
/// A key goes up.
const UP: u8 = 0x80;
/// Bytes of the pause key behind its prefix; it has no code for going up.
const PAUSE_BYTES: u8 = 2;
/// Command: set the lights, which follow.
const SET_LIGHTS: u8 = 0xed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Code,
    Extended,
    /// So many bytes of the pause key are left; it goes down or up.
    Pause(u8, bool),
}

/// A keyboard.
#[derive(Debug)]
pub struct Keyboard {
    state: State,
    commands: Commands,
}

impl Default for Keyboard {
    fn default() -> Self {
        Self { state: State::Code, commands: Commands::default() }
    }
}

impl Keyboard {
    /// Takes a byte: the event that it ends, if any, and the byte to be sent.
    pub fn take(&mut self, byte: u8) -> (Option<Raw>, Option<u8>) {
        if self.state == State::Code {
            let (was_answer, next) = self.commands.answer(byte);
            if was_answer {
                return (None, next);
            }
        }
        let pressed = byte & UP == 0;
        let event = |code: Option<u8>| code.map(|code| Raw::Key { code, pressed });
        let event = match (self.state, byte) {
            (State::Code, EXTENDED) => {
                self.state = State::Extended;
                return (None, None);
            }
            (State::Code, PAUSE) => {
                self.state = State::Pause(PAUSE_BYTES, true);
                return (None, None);
            }
            (State::Pause(left @ 2.., _), _) => {
                self.state = State::Pause(left - 1, pressed);
                return (None, None);
            }
            (State::Pause(_, pressed), _) => Some(Raw::Key { code: key::PAUSE, pressed }),
            (State::Extended, _) => event(key::from_extended_scan(byte & !UP)),
            (State::Code, _) => event(key::from_scan(byte & !UP)),
        };
        self.state = State::Code;
        (event, None)
    }

    /// Sets the lights; answers the byte to be sent now.
    pub fn set_leds(&mut self, lit: u8) -> Option<u8> {
        self.commands.add(&[SET_LIGHTS, lit & (leds::SCROLL | leds::NUM | leds::CAPS)])
    }

    /// Whether an answer is waited for.
    pub fn is_waiting(&self) -> bool {
        self.commands.is_waiting()
    }

    /// No answer has come for too long.
    pub fn give_up(&mut self) {
        self.commands.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(bytes: &[u8]) -> Vec<(u8, bool)> {
        let mut keyboard = Keyboard::default();
        let raws = bytes.iter().filter_map(|byte| keyboard.take(*byte).0);
        raws.map(|raw| if let Raw::Key { code, pressed } = raw { (code, pressed) } else { unreachable!() }).collect()
    }

    #[test]
    fn keys_of_each_kind() {
        assert_eq!(events(&[0x1e, 0x9e]), [(0x1e, true), (0x1e, false)]);
        assert_eq!(
            events(&[0xe0, 0x48, 0xe0, 0xc8, 0x48]),
            [(key::UP, true), (key::UP, false), (key::PAD_0 + 8, true)]
        );
        assert_eq!(
            events(&[0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x1e]),
            [(key::PAUSE, true), (key::PAUSE, false), (0x1e, true)]
        );
        // Shifts that old keyboards make up around the arrows, and bytes that are no key.
        assert_eq!(events(&[0xe0, 0x2a, 0xe0, 0x48, 0x7f, 0x00, 0xff]), [(key::UP, true)]);
    }

    #[test]
    fn lights_and_keys_at_the_same_time() {
        let mut keyboard = Keyboard::default();
        assert_eq!(keyboard.set_leds(0xff), Some(SET_LIGHTS));
        assert_eq!(keyboard.take(0x1e), (Some(Raw::Key { code: 0x1e, pressed: true }), None));
        assert_eq!(keyboard.take(0xfa), (None, Some(7)));
        assert_eq!(keyboard.take(0xfa), (None, None));
        assert!(!keyboard.is_waiting());
        // Not acknowledged when nothing was said: no key either.
        assert_eq!(keyboard.take(0xfa), (None, None));
    }
}
