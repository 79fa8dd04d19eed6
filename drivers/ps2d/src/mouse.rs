//! The mouse: brought up, with wheel and more buttons where it has them, then packets of movement.

use input_contract::{Raw, button};

use crate::commands::Commands;

/// Commands.
const DEFAULTS: u8 = 0xf6;
const ENABLE: u8 = 0xf4;
const RATE: u8 = 0xf3;
const IDENTIFY: u8 = 0xf2;
/// Rates that are a secret knock: a mouse with a wheel is another kind afterwards, and one with five buttons again another.
const KNOCK_WHEEL: [u8; 3] = [200, 100, 80];
const KNOCK_BUTTONS: [u8; 3] = [200, 200, 80];
const IS_WHEEL: u8 = 3;
const HAS_FIVE_BUTTONS: u8 = 4;
/// First byte of a packet: always set; the signs; movement that was too far to be said.
const SYNC: u8 = 1 << 3;
const NEGATIVE_X: u8 = 1 << 4;
const NEGATIVE_Y: u8 = 1 << 5;
const OVERFLOW: u8 = 0b11 << 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Asked what it is, for the first or the second time.
    Identifying { again: bool },
    /// Enabled.
    Reporting,
    /// It does not answer.
    Absent,
}

/// A mouse.
#[derive(Debug)]
pub struct Mouse {
    state: State,
    kind: u8,
    commands: Commands,
    packet: Vec<u8>,
    buttons: u8,
}

impl Default for Mouse {
    fn default() -> Self {
        let (commands, packet) = (Commands::default(), Vec::new());
        Self { state: State::Identifying { again: false }, kind: 0, commands, packet, buttons: 0 }
    }
}

fn knock(rates: [u8; 3]) -> Vec<u8> {
    let mut bytes: Vec<u8> = rates.into_iter().flat_map(|rate| [RATE, rate]).collect();
    bytes.push(IDENTIFY);
    bytes
}

impl Mouse {
    /// Begins to bring it up; answers the byte to be sent now.
    pub fn start(&mut self) -> Option<u8> {
        self.commands.add(&[&[DEFAULTS][..], &knock(KNOCK_WHEEL)].concat())
    }

    /// Takes a byte; answers the byte to be sent. Events are put into `out`.
    pub fn take(&mut self, byte: u8, out: &mut Vec<Raw>) -> Option<u8> {
        // While it is brought up, what comes is answers; afterwards they look like packets.
        if self.commands.is_waiting() {
            let (was_answer, next) = self.commands.answer(byte);
            if was_answer || self.state == State::Reporting {
                return next;
            }
        }
        match self.state {
            State::Identifying { again } => self.identified(byte, again),
            State::Reporting => {
                self.report(byte, out);
                None
            }
            State::Absent => None,
        }
    }

    fn identified(&mut self, kind: u8, again: bool) -> Option<u8> {
        self.kind = kind;
        if kind == IS_WHEEL && !again {
            self.state = State::Identifying { again: true };
            return self.commands.add(&knock(KNOCK_BUTTONS));
        }
        self.state = State::Reporting;
        self.commands.add(&[ENABLE])
    }

    /// Whether it is being brought up.
    pub fn is_waiting(&self) -> bool {
        self.commands.is_waiting() || matches!(self.state, State::Identifying { .. })
    }

    /// No answer has come for too long: there is no mouse. Answers whether that is new.
    pub fn give_up(&mut self) -> bool {
        self.commands.clear();
        let new = self.state != State::Absent;
        self.state = State::Absent;
        new
    }

    fn report(&mut self, byte: u8, out: &mut Vec<Raw>) {
        if self.packet.is_empty() && byte & SYNC == 0 {
            return;
        }
        self.packet.push(byte);
        let len = if matches!(self.kind, IS_WHEEL | HAS_FIVE_BUTTONS) { 4 } else { 3 };
        if self.packet.len() < len {
            return;
        }
        let packet = std::mem::take(&mut self.packet);
        let (flags, wheel) = (packet[0], packet.get(3).copied().unwrap_or(0));
        self.movement(flags, packet[1], packet[2], out);
        // Four bits where the others are buttons (towards the user is positive).
        let steps =
            if self.kind == HAS_FIVE_BUTTONS { i32::from((wheel << 4) as i8 >> 4) } else { i32::from(wheel as i8) };
        if steps != 0 {
            out.push(Raw::Scroll { dx: 0, dy: -steps });
        }
        let more = if self.kind == HAS_FIVE_BUTTONS { wheel } else { 0 };
        let bits = [
            (flags & 1, button::LEFT),
            (flags & 2, button::RIGHT),
            (flags & 4, button::MIDDLE),
            (more & 1 << 4, button::BACK),
            (more & 1 << 5, button::FORWARD),
        ];
        self.press(bits.into_iter().filter(|(set, _)| *set != 0).fold(0, |all, (_, button)| all | button), out);
    }

    fn movement(&self, flags: u8, x: u8, y: u8, out: &mut Vec<Raw>) {
        let signed = |value: u8, negative| i32::from(value) - if flags & negative != 0 { 256 } else { 0 };
        let (dx, dy) = (signed(x, NEGATIVE_X), -signed(y, NEGATIVE_Y));
        if flags & OVERFLOW == 0 && (dx, dy) != (0, 0) {
            out.push(Raw::Relative { dx, dy });
        }
    }

    fn press(&mut self, down: u8, out: &mut Vec<Raw>) {
        let (pressed, released) = (down & !self.buttons, self.buttons & !down);
        self.buttons = down;
        if released != 0 {
            out.push(Raw::Button { which: released, pressed: false });
        }
        if pressed != 0 {
            out.push(Raw::Button { which: pressed, pressed: true });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brings up a mouse of this kind: what it is sent.
    fn bring_up(kind: u8) -> (Mouse, Vec<u8>) {
        let mut mouse = Mouse::default();
        let mut sent = Vec::new();
        let mut next = mouse.start();
        let mut rates = Vec::new();
        while let Some(byte) = next {
            sent.push(byte);
            if sent.len() >= 2 && sent[sent.len() - 2] == RATE {
                rates.push(byte);
            }
            next = mouse.take(0xfa, &mut Vec::new());
            if byte == IDENTIFY {
                let is = match (kind, &rates[..]) {
                    (HAS_FIVE_BUTTONS, [.., 200, 200, 80]) => HAS_FIVE_BUTTONS,
                    (IS_WHEEL | HAS_FIVE_BUTTONS, _) => IS_WHEEL,
                    _ => 0,
                };
                next = mouse.take(is, &mut Vec::new());
            }
        }
        assert!(!mouse.is_waiting());
        (mouse, sent)
    }

    fn report(mouse: &mut Mouse, bytes: &[u8]) -> Vec<Raw> {
        let mut out = Vec::new();
        bytes.iter().for_each(|byte| assert_eq!(mouse.take(*byte, &mut out), None));
        out
    }

    #[test]
    fn each_kind_is_brought_up() {
        for kind in [0, IS_WHEEL, HAS_FIVE_BUTTONS] {
            let (mouse, sent) = bring_up(kind);
            assert_eq!((mouse.kind, sent.last()), (kind, Some(&ENABLE)));
        }
    }

    #[test]
    fn movement_and_buttons() {
        let (mut mouse, _) = bring_up(0);
        assert_eq!(report(&mut mouse, &[0x08, 5, 3]), [Raw::Relative { dx: 5, dy: -3 }]);
        let left = |pressed| Raw::Button { which: button::LEFT, pressed };
        assert_eq!(report(&mut mouse, &[0x39, 0xff, 0xfe]), [Raw::Relative { dx: -1, dy: 2 }, left(true)]);
        let right = Raw::Button { which: button::RIGHT, pressed: true };
        assert_eq!(report(&mut mouse, &[0x0a, 0, 0]), [left(false), right]);
        // Too far to be said.
        assert_eq!(report(&mut mouse, &[0x4a, 1, 1]), []);
    }

    #[test]
    fn wheels() {
        let (mut mouse, _) = bring_up(IS_WHEEL);
        assert_eq!(report(&mut mouse, &[0x08, 0, 0, 0xff]), [Raw::Scroll { dx: 0, dy: 1 }]);
        let (mut mouse, _) = bring_up(HAS_FIVE_BUTTONS);
        assert_eq!(report(&mut mouse, &[0x08, 0, 0, 0x0f]), [Raw::Scroll { dx: 0, dy: 1 }]);
        let back = Raw::Button { which: button::BACK, pressed: true };
        assert_eq!(report(&mut mouse, &[0x08, 0, 0, 0x11]), [Raw::Scroll { dx: 0, dy: -1 }, back]);
    }

    #[test]
    fn bytes_that_are_out_of_step_are_dropped() {
        let (mut mouse, _) = bring_up(0);
        assert_eq!(report(&mut mouse, &[0x00, 0x01, 0x08, 1, 1]), [Raw::Relative { dx: 1, dy: -1 }]);
    }

    #[test]
    fn no_mouse() {
        let mut mouse = Mouse::default();
        mouse.start();
        assert!(mouse.is_waiting() && mouse.give_up() && !mouse.give_up() && !mouse.is_waiting());
        assert_eq!(report(&mut mouse, &[0x08, 1, 1]), []);
    }
}
