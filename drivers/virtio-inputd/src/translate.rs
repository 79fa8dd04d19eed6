//! What events mean (numbers: `linux/input-event-codes.h`): gathered until the device says that they belong together.

use input_contract::{MOST, Raw, button, key};

/// Types of events.
pub mod kind {
    /// What came before belongs together.
    pub const SYNC: u16 = 0;
    /// A key or button.
    pub const KEY: u16 = 1;
    /// Movement.
    pub const RELATIVE: u16 = 2;
    /// A place.
    pub const ABSOLUTE: u16 = 3;
    /// A light.
    pub const LED: u16 = 0x11;
}

/// Axes: X, Y, and wheels.
const X: u16 = 0;
const Y: u16 = 1;
const SIDE_WHEEL: u16 = 6;
const WHEEL: u16 = 8;
/// Wheels of devices that say each step as a button.
const GEAR_DOWN: u16 = 0x150;
const GEAR_UP: u16 = 0x151;
/// Values of keys.
const RELEASED: u32 = 0;
const PRESSED: u32 = 1;

/// An event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Type.
    pub kind: u16,
    /// Which key, axis, light.
    pub code: u16,
    /// How it is now.
    pub value: u32,
}

impl Event {
    /// Bytes of an event.
    pub const SIZE: usize = 8;

    /// From bytes.
    pub fn decode(bytes: [u8; Self::SIZE]) -> Self {
        let [a, b, c, d, value @ ..] = bytes;
        Self { kind: u16::from_le_bytes([a, b]), code: u16::from_le_bytes([c, d]), value: u32::from_le_bytes(value) }
    }

    /// As bytes.
    pub fn encode(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..2].copy_from_slice(&self.kind.to_le_bytes());
        bytes[2..4].copy_from_slice(&self.code.to_le_bytes());
        bytes[4..].copy_from_slice(&self.value.to_le_bytes());
        bytes
    }
}

/// An axis' least and greatest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: i32,
    /// The greatest.
    pub max: i32,
}

impl Default for Range {
    fn default() -> Self {
        Self { min: 0, max: MOST }
    }
}

impl Range {
    /// A value of it from 0 to [`MOST`].
    fn scale(self, value: i32) -> i32 {
        let span = i64::from(self.max) - i64::from(self.min);
        if span <= 0 {
            return 0;
        }
        let from_start = (i64::from(value) - i64::from(self.min)).clamp(0, span);
        (from_start * i64::from(MOST) / span) as i32
    }
}

/// Events that belong together, as they come.
#[derive(Clone, Debug, Default)]
pub struct Translator {
    /// Of both axes.
    ranges: [Range; 2],
    place: [i32; 2],
    placed: bool,
    moved: [i32; 2],
    scrolled: [i32; 2],
    others: Vec<Raw>,
}

/// More than this between two ends is nobody's hand; the rest is dropped.
const MOST_OTHERS: usize = 256;

impl Translator {
    /// For a device whose axes have these ranges.
    pub fn new(ranges: [Range; 2]) -> Self {
        Self { ranges, ..Self::default() }
    }

    /// Takes an event; when it is the end of what belongs together, all that is to be said.
    pub fn take(&mut self, event: Event) -> Vec<Raw> {
        let value = event.value as i32;
        match (event.kind, event.code) {
            (kind::SYNC, 0) => return self.end(),
            (kind::KEY, code) => self.key(code, event.value),
            (kind::RELATIVE, axis @ (X | Y)) => add(&mut self.moved[usize::from(axis)], value),
            (kind::RELATIVE, SIDE_WHEEL) => add(&mut self.scrolled[0], value),
            (kind::RELATIVE, WHEEL) => add(&mut self.scrolled[1], value),
            (kind::ABSOLUTE, axis @ (X | Y)) => {
                let axis = usize::from(axis);
                self.place[axis] = self.ranges[axis].scale(value);
                self.placed = true;
            }
            _ => {}
        }
        Vec::new()
    }

    fn key(&mut self, code: u16, value: u32) {
        // A third value is the device's own repetition.
        if value != PRESSED && value != RELEASED || self.others.len() >= MOST_OTHERS {
            return;
        }
        let pressed = value == PRESSED;
        match code {
            GEAR_UP | GEAR_DOWN if pressed => add(&mut self.scrolled[1], if code == GEAR_UP { 1 } else { -1 }),
            _ => match (button_of(code), key::from_evdev(code)) {
                (Some(which), _) => self.others.push(Raw::Button { which, pressed }),
                (_, Some(code)) => self.others.push(Raw::Key { code, pressed }),
                _ => {}
            },
        }
    }

    /// The pointer is where it was pressed: its place comes first.
    fn end(&mut self) -> Vec<Raw> {
        let mut raws = Vec::new();
        if std::mem::take(&mut self.placed) {
            raws.push(Raw::Absolute { x: self.place[0], y: self.place[1] });
        }
        let [dx, dy] = std::mem::take(&mut self.moved);
        if (dx, dy) != (0, 0) {
            raws.push(Raw::Relative { dx, dy });
        }
        raws.append(&mut self.others);
        let [dx, dy] = std::mem::take(&mut self.scrolled);
        if (dx, dy) != (0, 0) {
            raws.push(Raw::Scroll { dx, dy });
        }
        raws
    }
}

fn add(sum: &mut i32, value: i32) {
    *sum = sum.saturating_add(value);
}

fn button_of(code: u16) -> Option<u8> {
    Some(match code {
        // A mouse's left button, and a touch.
        0x110 | 0x14a => button::LEFT,
        0x111 => button::RIGHT,
        0x112 => button::MIDDLE,
        0x113 | 0x116 => button::BACK,
        0x114 | 0x115 => button::FORWARD,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translate(translator: &mut Translator, events: &[(u16, u16, i32)]) -> Vec<Raw> {
        let events = events.iter().map(|(kind, code, value)| Event { kind: *kind, code: *code, value: *value as u32 });
        events.flat_map(|event| translator.take(Event::decode(event.encode()))).collect()
    }

    #[test]
    fn what_belongs_together_comes_together() {
        let mut tablet = Translator::new([Range { min: 0, max: 0x7fff }, Range { min: -100, max: 100 }]);
        let events = [(kind::KEY, 0x110, 1), (kind::ABSOLUTE, X, 0x7fff), (kind::ABSOLUTE, Y, 0)];
        assert_eq!(translate(&mut tablet, &events), []);
        let all = [Raw::Absolute { x: MOST, y: MOST / 2 }, Raw::Button { which: button::LEFT, pressed: true }];
        assert_eq!(translate(&mut tablet, &[(kind::SYNC, 0, 0)]), all);
        // One axis alone: the other stays where it was.
        let events = [(kind::ABSOLUTE, X, 0), (kind::SYNC, 0, 0), (kind::SYNC, 0, 0)];
        assert_eq!(translate(&mut tablet, &events), [Raw::Absolute { x: 0, y: MOST / 2 }]);
    }

    #[test]
    fn keys_movement_and_wheels() {
        let mut mouse = Translator::default();
        let events = [
            (kind::KEY, 30, 1),
            (kind::KEY, 30, 2),
            (kind::KEY, 103, 0),
            (kind::KEY, 0x2ff, 1),
            (kind::RELATIVE, X, -3),
            (kind::RELATIVE, X, -4),
            (kind::RELATIVE, WHEEL, 1),
            (kind::KEY, GEAR_DOWN, 1),
            (kind::KEY, GEAR_DOWN, 0),
            (kind::RELATIVE, SIDE_WHEEL, 2),
            (kind::SYNC, 0, 0),
        ];
        let raws = [
            Raw::Relative { dx: -7, dy: 0 },
            Raw::Key { code: 0x1e, pressed: true },
            Raw::Key { code: key::UP, pressed: false },
            Raw::Scroll { dx: 2, dy: 0 },
        ];
        assert_eq!(translate(&mut mouse, &events), raws);
    }

    #[test]
    fn nonsense_is_within_limits() {
        let mut mouse = Translator::new([Range { min: 5, max: 5 }, Range { min: i32::MIN, max: i32::MAX }]);
        for _ in 0..10_000 {
            assert_eq!(translate(&mut mouse, &[(kind::KEY, 30, 1), (kind::RELATIVE, Y, i32::MIN)]), []);
        }
        let raws = translate(&mut mouse, &[(kind::ABSOLUTE, X, 77), (kind::ABSOLUTE, Y, i32::MAX), (kind::SYNC, 0, 0)]);
        assert_eq!(raws.len(), MOST_OTHERS + 2);
        assert_eq!(raws[..2], [Raw::Absolute { x: 0, y: MOST }, Raw::Relative { dx: 0, dy: i32::MIN }]);
    }
}
