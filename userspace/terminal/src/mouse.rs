//! What the mouse sends to programs that ask for it (XTerm Control Sequences, "Mouse Tracking").

use alacritty_terminal::term::TermMode;

use crate::keys::Modifiers;

/// What a button can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// The left one.
    Left,
    /// The middle one.
    Middle,
    /// The right one.
    Right,
    /// A step of the wheel away from the hand.
    WheelUp,
    /// A step of the wheel to the hand.
    WheelDown,
    /// A step of the wheel to the left.
    WheelLeft,
    /// A step of the wheel to the right.
    WheelRight,
    /// None, while the mouse moves.
    None,
}

impl Button {
    const fn code(self) -> u8 {
        match self {
            Self::Left => 0,
            Self::Middle => 1,
            Self::Right => 2,
            Self::None => 3,
            Self::WheelUp => 64,
            Self::WheelDown => 65,
            Self::WheelLeft => 66,
            Self::WheelRight => 67,
        }
    }
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It goes down.
    Press,
    /// It goes up.
    Release,
    /// The mouse moves while it is down.
    Move,
}

/// Added to the code of a button while the mouse moves.
const MOTION: u8 = 32;
/// The code of any button that is released, in the older forms.
const RELEASED: u8 = 3;
/// The largest place that the oldest form can tell, and the one with UTF-8.
const BYTE_MAX: usize = 255 - 32 - 1;
const UTF8_MAX: usize = 2047 - 32 - 1;

/// Whether the program wants to hear of this.
pub fn wanted(button: Button, action: Action, mode: TermMode) -> bool {
    match action {
        Action::Press | Action::Release => mode.intersects(TermMode::MOUSE_MODE),
        Action::Move if button == Button::None => mode.contains(TermMode::MOUSE_MOTION),
        Action::Move => mode.intersects(TermMode::MOUSE_MOTION | TermMode::MOUSE_DRAG),
    }
}

/// The report; nothing if the place cannot be told.
pub fn report(
    button: Button,
    action: Action,
    (row, column): (usize, usize),
    modifiers: Modifiers,
    mode: TermMode,
) -> Option<Vec<u8>> {
    let held = 4 * u8::from(modifiers.shift) + 8 * u8::from(modifiers.alt) + 16 * u8::from(modifiers.control);
    let motion = if action == Action::Move { MOTION } else { 0 };
    if mode.contains(TermMode::SGR_MOUSE) {
        let end = if action == Action::Release { 'm' } else { 'M' };
        let code = button.code() + motion + held;
        return Some(format!("\x1b[<{code};{};{}{end}", column + 1, row + 1).into_bytes());
    }
    let code = if action == Action::Release { RELEASED } else { button.code() + motion } + held;
    let utf8 = mode.contains(TermMode::UTF8_MOUSE);
    let most = if utf8 { UTF8_MAX } else { BYTE_MAX };
    if row > most || column > most {
        return None;
    }
    let mut report = b"\x1b[M".to_vec();
    for value in [usize::from(code), column + 1, row + 1].map(|value| value + 32) {
        match u8::try_from(value) {
            Ok(byte) if !utf8 || byte < 0x80 => report.push(byte),
            // Two bytes of UTF-8: eleven bits.
            _ => report.extend([0xc0 | (value >> 6) as u8, 0x80 | (value & 0x3f) as u8]),
        }
    }
    Some(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Modifiers = Modifiers { shift: false, alt: false, control: false };
    const CLICKS: TermMode = TermMode::MOUSE_REPORT_CLICK;

    #[test]
    fn forms() {
        let sgr = CLICKS | TermMode::SGR_MOUSE;
        let all = Modifiers { shift: true, alt: true, control: true };
        for (button, action, place, modifiers, mode, sent) in [
            (Button::Left, Action::Press, (0, 0), NONE, sgr, &b"\x1b[<0;1;1M"[..]),
            (Button::Left, Action::Release, (4, 299), NONE, sgr, b"\x1b[<0;300;5m"),
            (Button::Right, Action::Move, (1, 2), all, sgr, b"\x1b[<62;3;2M"),
            (Button::WheelDown, Action::Press, (1, 2), NONE, sgr, b"\x1b[<65;3;2M"),
            (Button::Middle, Action::Press, (0, 0), NONE, CLICKS, b"\x1b[M!!!"),
            (Button::Middle, Action::Release, (0, 9), NONE, CLICKS, b"\x1b[M#*!"),
            (Button::None, Action::Move, (0, 222), NONE, CLICKS, b"\x1b[MC\xff!"),
            (Button::Left, Action::Press, (0, 222), NONE, CLICKS | TermMode::UTF8_MOUSE, b"\x1b[M \xc3\xbf!"),
        ] {
            let got = report(button, action, place, modifiers, mode);
            assert_eq!(got.as_deref(), Some(sent), "{button:?} {action:?} {place:?}");
        }
        assert_eq!(report(Button::Left, Action::Press, (0, 223), NONE, CLICKS), None);
        assert_eq!(report(Button::Left, Action::Press, (2015, 0), NONE, CLICKS | TermMode::UTF8_MOUSE), None);
    }

    #[test]
    fn who_wants_what() {
        let drag = TermMode::MOUSE_DRAG;
        let motion = TermMode::MOUSE_MOTION;
        assert!(!wanted(Button::Left, Action::Press, TermMode::SGR_MOUSE));
        assert!(wanted(Button::Left, Action::Press, CLICKS) && !wanted(Button::Left, Action::Move, CLICKS));
        assert!(wanted(Button::Left, Action::Move, drag) && !wanted(Button::None, Action::Move, drag));
        assert!(wanted(Button::None, Action::Move, motion));
    }
}
