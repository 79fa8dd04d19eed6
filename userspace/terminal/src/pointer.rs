//! The pointer over the screen: clicks counted, selections drawn out, reports to programs that want them.

use alacritty_terminal::term::TermMode;

use crate::keys::Modifiers;
use crate::mouse::{self, Action, Button};
use crate::screen::{Place, Select};

/// Two clicks are one double click within so many milliseconds.
const DOUBLE_CLICK: u64 = 400;
/// Rows that a step of the wheel goes.
const WHEEL_ROWS: i32 = 3;
/// Most steps of the wheel that are told one by one.
const STEPS_MAX: u32 = 16;

/// What the pointer has brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// These bytes go to the program.
    Send(Vec<u8>),
    /// A selection begins.
    Select(Select, Place),
    /// The selection reaches to here.
    SelectTo(Place),
    /// Nothing is selected any more.
    Deselect,
    /// Looks so many rows further up, or down if negative.
    Scroll(i32),
    /// Pastes.
    Paste,
}

/// Where the pointer is, in cells. It may be above or below them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The cell nearest to it.
    pub place: Place,
    /// Rows that it is above the screen, or below it if negative.
    pub beyond: i32,
}

impl Default for At {
    fn default() -> Self {
        Self { place: Place { row: 0, column: 0, right: false }, beyond: 0 }
    }
}

/// What the pointer means depends on what is held, and on what the program wants.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// Keys that are held.
    pub modifiers: Modifiers,
    /// Modes of the screen.
    pub mode: TermMode,
}

impl Around {
    /// Whether it is the program's, not the terminal's: Shift takes it back.
    fn programs(self) -> bool {
        self.mode.intersects(TermMode::MOUSE_MODE) && !self.modifiers.shift
    }
}

/// The pointer.
#[derive(Debug, Default)]
pub struct Pointer {
    at: At,
    /// Left, middle, right.
    down: [bool; 3],
    /// Of these, the ones whose going down the program was told.
    told: [bool; 3],
    /// A selection is drawn out.
    selecting: bool,
    /// It has left the place where it began.
    dragged: bool,
    /// Place, time and number of the last clicks there.
    clicks: Option<(Place, u64, u8)>,
}

const BUTTONS: [Button; 3] = [Button::Left, Button::Middle, Button::Right];

impl Pointer {
    /// It moves.
    pub fn moved(&mut self, at: At, around: Around) -> Vec<Effect> {
        let before = core::mem::replace(&mut self.at, at);
        if before == at {
            return Vec::new();
        }
        if self.selecting {
            self.dragged = true;
            return vec![Effect::SelectTo(at.place)];
        }
        let same = (before.place.row, before.place.column) == (at.place.row, at.place.column);
        let held = self.told.iter().position(|&told| told).map_or(Button::None, |index| BUTTONS[index]);
        // A button that the terminal itself has taken is no motion for the program.
        let taken = self.down.iter().zip(self.told).any(|(&down, told)| down && !told);
        if same || taken || !around.programs() || !mouse::wanted(held, Action::Move, around.mode) {
            return Vec::new();
        }
        self.report(held, Action::Move, around)
    }

    /// These buttons are down now: left, middle, right.
    pub fn buttons(&mut self, down: [bool; 3], around: Around, now: u64) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (index, is_down) in down.into_iter().enumerate() {
            match (core::mem::replace(&mut self.down[index], is_down), is_down) {
                (false, true) => effects.extend(self.pressed(index, around, now)),
                (true, false) => effects.extend(self.released(index, around)),
                _ => {}
            }
        }
        effects
    }

    fn pressed(&mut self, index: usize, around: Around, now: u64) -> Vec<Effect> {
        if around.programs() {
            self.told[index] = true;
            return self.report(BUTTONS[index], Action::Press, around);
        }
        match BUTTONS[index] {
            Button::Left => self.begin(around.modifiers, now),
            Button::Middle => vec![Effect::Paste],
            _ => Vec::new(),
        }
    }

    fn begin(&mut self, modifiers: Modifiers, now: u64) -> Vec<Effect> {
        let place = self.at.place;
        let near = |other: Place| (other.row, other.column) == (place.row, place.column);
        let count = match self.clicks {
            Some((before, at, count)) if near(before) && now.saturating_sub(at) <= DOUBLE_CLICK => count % 3 + 1,
            _ => 1,
        };
        self.clicks = Some((place, now, count));
        (self.selecting, self.dragged) = (true, false);
        let kind = match count {
            2 => Select::Words,
            3 => Select::Lines,
            _ if modifiers.control => Select::Block,
            _ => Select::Characters,
        };
        vec![Effect::Select(kind, place)]
    }

    fn released(&mut self, index: usize, around: Around) -> Vec<Effect> {
        if core::mem::take(&mut self.told[index]) {
            // The program may have lost its interest meanwhile.
            let wanted = mouse::wanted(BUTTONS[index], Action::Release, around.mode);
            return if wanted { self.report(BUTTONS[index], Action::Release, around) } else { Vec::new() };
        }
        if index != 0 || !core::mem::take(&mut self.selecting) {
            return Vec::new();
        }
        let single = self.clicks.is_none_or(|(.., count)| count == 1);
        if single && !self.dragged { vec![Effect::Deselect] } else { Vec::new() }
    }

    /// The wheel has turned so many steps, away from the hand if positive, and to the right.
    pub fn wheel(&mut self, right: i32, up: i32, around: Around) -> Vec<Effect> {
        if around.programs() {
            let (sideways, along) = (
                if right > 0 { Button::WheelRight } else { Button::WheelLeft },
                if up > 0 { Button::WheelUp } else { Button::WheelDown },
            );
            let steps = [(sideways, right), (along, up)].into_iter();
            return steps
                .flat_map(|(button, count)| (0..count.unsigned_abs().min(STEPS_MAX)).map(move |_| button))
                .flat_map(|button| self.report(button, Action::Press, around))
                .collect();
        }
        if up == 0 {
            return Vec::new();
        }
        let rows = up.clamp(-(STEPS_MAX as i32), STEPS_MAX as i32) * WHEEL_ROWS;
        if !around.mode.contains(TermMode::ALT_SCREEN) {
            return vec![Effect::Scroll(rows)];
        }
        // Programs that fill the screen and know no mouse scroll by the cursor keys.
        if !around.mode.contains(TermMode::ALTERNATE_SCROLL) {
            return Vec::new();
        }
        let key: &[u8] = match (around.mode.contains(TermMode::APP_CURSOR), rows > 0) {
            (true, true) => b"\x1bOA",
            (true, false) => b"\x1bOB",
            (false, true) => b"\x1b[A",
            (false, false) => b"\x1b[B",
        };
        vec![Effect::Send(key.repeat(rows.unsigned_abs() as usize))]
    }

    /// While a selection is drawn out beyond the screen: rows to scroll by now, and where it then reaches.
    pub fn pull(&self) -> Option<(i32, Place)> {
        (self.selecting && self.at.beyond != 0).then_some((self.at.beyond, self.at.place))
    }

    fn report(&self, button: Button, action: Action, around: Around) -> Vec<Effect> {
        let place = (self.at.place.row, self.at.place.column);
        mouse::report(button, action, place, around.modifiers, around.mode).map(Effect::Send).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Around =
        Around { modifiers: Modifiers { shift: false, alt: false, control: false }, mode: TermMode::NONE };
    const LEFT: [bool; 3] = [true, false, false];
    const UP: [bool; 3] = [false; 3];

    fn at(row: usize, column: usize) -> At {
        At { place: Place { row, column, right: false }, beyond: 0 }
    }

    fn mode(mode: TermMode) -> Around {
        Around { mode, ..CALM }
    }

    #[test]
    fn clicks_become_selections() {
        let mut pointer = Pointer::default();
        pointer.moved(at(2, 5), CALM);
        let place = at(2, 5).place;
        assert_eq!(pointer.buttons(LEFT, CALM, 0), [Effect::Select(Select::Characters, place)]);
        assert_eq!(pointer.buttons(UP, CALM, 10), [Effect::Deselect]);
        assert_eq!(pointer.buttons(LEFT, CALM, 200), [Effect::Select(Select::Words, place)]);
        assert_eq!(pointer.buttons(UP, CALM, 210), []);
        assert_eq!(pointer.buttons(LEFT, CALM, 400), [Effect::Select(Select::Lines, place)]);
        pointer.buttons(UP, CALM, 410);
        // Too late, and elsewhere.
        assert_eq!(pointer.buttons(LEFT, CALM, 900), [Effect::Select(Select::Characters, place)]);
        assert_eq!(pointer.moved(at(3, 1), CALM), [Effect::SelectTo(at(3, 1).place)]);
        assert_eq!(pointer.buttons(UP, CALM, 920), []);
        assert_eq!(pointer.buttons(LEFT, CALM, 930), [Effect::Select(Select::Characters, at(3, 1).place)]);
    }

    #[test]
    fn a_selection_beyond_the_screen_scrolls() {
        let mut pointer = Pointer::default();
        let above = At { beyond: 2, ..at(0, 4) };
        pointer.moved(above, CALM);
        assert_eq!(pointer.pull(), None);
        pointer.buttons(LEFT, CALM, 0);
        assert_eq!(pointer.pull(), Some((2, above.place)));
        pointer.buttons(UP, CALM, 0);
        assert_eq!(pointer.pull(), None);
    }

    #[test]
    fn programs_that_ask_are_told() {
        let around = mode(TermMode::MOUSE_DRAG | TermMode::SGR_MOUSE);
        let mut pointer = Pointer::default();
        let send = |text: &str| vec![Effect::Send(text.into())];
        assert_eq!(pointer.moved(at(1, 1), around), []);
        assert_eq!(pointer.buttons(LEFT, around, 0), send("\x1b[<0;2;2M"));
        assert_eq!(pointer.moved(at(1, 2), around), send("\x1b[<32;3;2M"));
        // The other half of the same cell is nothing new.
        let half = At { place: Place { right: true, ..at(1, 2).place }, beyond: 0 };
        assert_eq!(pointer.moved(half, around), []);
        assert_eq!(pointer.buttons(UP, around, 0), send("\x1b[<0;3;2m"));
        assert_eq!(pointer.wheel(0, -2, around), ["\x1b[<65;3;2M"; 2].map(|text| Effect::Send(text.into())));
        // With Shift it is the terminal's.
        let shifted = Around { modifiers: Modifiers { shift: true, ..CALM.modifiers }, ..around };
        assert!(matches!(pointer.buttons(LEFT, shifted, 0)[..], [Effect::Select(Select::Characters, _)]));
        // A program that ends while a button is down is told nothing more.
        let mut pointer = Pointer::default();
        pointer.buttons(LEFT, around, 0);
        assert_eq!((pointer.moved(at(5, 5), CALM), pointer.buttons(UP, CALM, 0)), (vec![], vec![]));
    }

    #[test]
    fn the_wheel() {
        let mut pointer = Pointer::default();
        assert_eq!(pointer.wheel(0, 1, CALM), [Effect::Scroll(3)]);
        assert_eq!(pointer.wheel(0, i32::MIN, CALM), [Effect::Scroll(-48)]);
        let pager = mode(TermMode::ALT_SCREEN | TermMode::ALTERNATE_SCROLL | TermMode::APP_CURSOR);
        assert_eq!(pointer.wheel(0, -1, pager), [Effect::Send(b"\x1bOB\x1bOB\x1bOB".to_vec())]);
        assert_eq!(pointer.wheel(0, 1, mode(TermMode::ALT_SCREEN)), []);
        assert_eq!(pointer.wheel(1, 0, CALM), []);
    }
}
