//! What keyboards and pointers say to `inputd`, and what `inputd` says to the one who consumes it, the display server.
//!
//! | path of scheme `input` | who | does |
//! |---|---|---|
//! | `producer/NAME` | drivers (user 0 or the drivers' user) | writes [`Raw`]s; reads a byte, the [`leds`], whenever they have changed |
//! | `consumer` | one at a time (user 0; `EBUSY`) | reads [`Event`]s |
//! | `control` | user 0 writes, everybody reads | settings, a line each: `keymap de`, `repeat 400 30` (milliseconds until a key repeats, then times in a second; 0 times: never) |
//!
//! Both kinds are 16 bytes: four little-endian numbers. Whole ones are read and written, as many as fit. A descriptor is ready to be
//! read (`EVENT_READ`) when there is something; reads wait unless `O_NONBLOCK` is set. When a producer goes, its keys and
//! buttons are released; when `inputd` goes, whoever has something open gets `ENODEV` and opens it again.
#![forbid(unsafe_code)]

pub mod key;

/// Bytes of a [`Raw`] and of an [`Event`].
pub const RECORD: usize = 16;
/// The greatest coordinate of an absolute pointer; 0 is the left or upper edge of the screen.
pub const MOST: i32 = 0xffff;

/// Lights of a keyboard, as bits.
pub mod leds {
    /// Scroll lock.
    pub const SCROLL: u8 = 1;
    /// Num lock.
    pub const NUM: u8 = 1 << 1;
    /// Caps lock.
    pub const CAPS: u8 = 1 << 2;
}

/// Modifiers that are held or locked, as bits.
pub mod modifier {
    /// One of the shift keys.
    pub const SHIFT: u16 = 1;
    /// One of the control keys.
    pub const CTRL: u16 = 1 << 1;
    /// The left alternate key.
    pub const ALT: u16 = 1 << 2;
    /// The right one.
    pub const ALT_GR: u16 = 1 << 3;
    /// One of the super keys.
    pub const SUPER: u16 = 1 << 4;
    /// Caps lock is on.
    pub const CAPS: u16 = 1 << 5;
    /// Num lock is on.
    pub const NUM: u16 = 1 << 6;
    /// Scroll lock is on.
    pub const SCROLL: u16 = 1 << 7;
}

/// Buttons of a pointer, as bits.
pub mod button {
    /// The left one.
    pub const LEFT: u8 = 1;
    /// The middle one.
    pub const MIDDLE: u8 = 1 << 1;
    /// The right one.
    pub const RIGHT: u8 = 1 << 2;
    /// The one at the side that goes back.
    pub const BACK: u8 = 1 << 3;
    /// The one at the side that goes forward.
    pub const FORWARD: u8 = 1 << 4;
}

/// What a device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raw {
    /// A key goes down or up; its repetitions are not said.
    Key {
        /// Which: see [`key`].
        code: u8,
        /// It goes down.
        pressed: bool,
    },
    /// The pointer was moved by so much.
    Relative {
        /// To the right.
        dx: i32,
        /// Downwards.
        dy: i32,
    },
    /// The pointer is at a place, from 0 to [`MOST`] each way.
    Absolute {
        /// From the left.
        x: i32,
        /// From above.
        y: i32,
    },
    /// Buttons go down or up.
    Button {
        /// Bits of [`button`].
        which: u8,
        /// They go down.
        pressed: bool,
    },
    /// The wheel was turned by so many steps.
    Scroll {
        /// To the right.
        dx: i32,
        /// Away from the user.
        dy: i32,
    },
}

/// What the consumer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A key goes down, repeats, or goes up.
    Key {
        /// Which: see [`key`]. `orbclient`'s scan codes.
        code: u8,
        /// The character that the key map has for it now, also when control is held; NUL when none.
        character: char,
        /// It goes down, or repeats.
        pressed: bool,
        /// It repeats.
        repeated: bool,
        /// Bits of [`modifier`], after this.
        modifiers: u16,
    },
    /// A character was entered, by one key or by several. Comes before the last key that did it.
    Text {
        /// The character.
        character: char,
    },
    /// The pointer was moved by so much.
    Relative {
        /// To the right.
        dx: i32,
        /// Downwards.
        dy: i32,
    },
    /// The pointer is at a place, from 0 to [`MOST`] each way.
    Absolute {
        /// From the left.
        x: i32,
        /// From above.
        y: i32,
    },
    /// Buttons have changed.
    Buttons {
        /// All that are down now, bits of [`button`].
        down: u8,
    },
    /// The wheel was turned by so many steps.
    Scroll {
        /// To the right.
        dx: i32,
        /// Away from the user.
        dy: i32,
    },
}

/// The numbers that stand for the kinds.
mod kind {
    pub const KEY: u32 = 1;
    pub const RELATIVE: u32 = 2;
    pub const ABSOLUTE: u32 = 3;
    pub const BUTTON: u32 = 4;
    pub const SCROLL: u32 = 5;
    pub const TEXT: u32 = 6;
}

fn encode(words: [u32; 4]) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

fn decode(bytes: &[u8; RECORD]) -> [u32; 4] {
    std::array::from_fn(|place| {
        let word = &bytes[place * 4..place * 4 + 4];
        u32::from_le_bytes([word[0], word[1], word[2], word[3]])
    })
}

impl Raw {
    /// As bytes.
    pub fn encode(self) -> [u8; RECORD] {
        encode(match self {
            Raw::Key { code, pressed } => [kind::KEY, code.into(), pressed.into(), 0],
            Raw::Relative { dx, dy } => [kind::RELATIVE, dx as u32, dy as u32, 0],
            Raw::Absolute { x, y } => [kind::ABSOLUTE, x as u32, y as u32, 0],
            Raw::Button { which, pressed } => [kind::BUTTON, which.into(), pressed.into(), 0],
            Raw::Scroll { dx, dy } => [kind::SCROLL, dx as u32, dy as u32, 0],
        })
    }

    /// Back from bytes; none when they make no sense.
    pub fn decode(bytes: &[u8; RECORD]) -> Option<Self> {
        let [kind, a, b, _] = decode(bytes);
        let (number, flag) = (u8::try_from(a).ok(), b == 1);
        let (x, y) = (a as i32, b as i32);
        Some(match kind {
            kind::KEY => Raw::Key { code: number?, pressed: flag },
            kind::RELATIVE => Raw::Relative { dx: x, dy: y },
            kind::ABSOLUTE if (0..=MOST).contains(&x) && (0..=MOST).contains(&y) => Raw::Absolute { x, y },
            kind::BUTTON => Raw::Button { which: number?, pressed: flag },
            kind::SCROLL => Raw::Scroll { dx: x, dy: y },
            _ => return None,
        })
    }
}

impl Event {
    /// As bytes.
    pub fn encode(self) -> [u8; RECORD] {
        encode(match self {
            Event::Key { code, character, pressed, repeated, modifiers } => {
                let flags = u32::from(pressed) | u32::from(repeated) << 1 | u32::from(modifiers) << 16;
                [kind::KEY, code.into(), character.into(), flags]
            }
            Event::Text { character } => [kind::TEXT, character.into(), 0, 0],
            Event::Relative { dx, dy } => [kind::RELATIVE, dx as u32, dy as u32, 0],
            Event::Absolute { x, y } => [kind::ABSOLUTE, x as u32, y as u32, 0],
            Event::Buttons { down } => [kind::BUTTON, down.into(), 0, 0],
            Event::Scroll { dx, dy } => [kind::SCROLL, dx as u32, dy as u32, 0],
        })
    }

    /// Back from bytes; none when they make no sense.
    pub fn decode(bytes: &[u8; RECORD]) -> Option<Self> {
        let [kind, a, b, c] = decode(bytes);
        let (number, x, y) = (u8::try_from(a).ok(), a as i32, b as i32);
        Some(match kind {
            kind::KEY => Event::Key {
                code: number?,
                character: char::from_u32(b)?,
                pressed: c & 1 != 0,
                repeated: c & 2 != 0,
                modifiers: (c >> 16) as u16,
            },
            kind::TEXT => Event::Text { character: char::from_u32(a)? },
            kind::RELATIVE => Event::Relative { dx: x, dy: y },
            kind::ABSOLUTE => Event::Absolute { x, y },
            kind::BUTTON => Event::Buttons { down: number? },
            kind::SCROLL => Event::Scroll { dx: x, dy: y },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_devices_say_is_read_back() {
        for raw in [
            Raw::Key { code: 0x1e, pressed: true },
            Raw::Relative { dx: -5, dy: i32::MAX },
            Raw::Absolute { x: 0, y: MOST },
            Raw::Button { which: button::RIGHT, pressed: false },
            Raw::Scroll { dx: 0, dy: -1 },
        ] {
            assert_eq!(Raw::decode(&raw.encode()), Some(raw));
        }
    }

    #[test]
    fn what_the_consumer_is_told_is_read_back() {
        for event in [
            Event::Key { code: 0x1e, character: 'ä', pressed: true, repeated: true, modifiers: modifier::SCROLL },
            Event::Text { character: '😀' },
            Event::Relative { dx: i32::MIN, dy: 1 },
            Event::Absolute { x: 1, y: 2 },
            Event::Buttons { down: 31 },
            Event::Scroll { dx: 1, dy: -1 },
        ] {
            assert_eq!(Event::decode(&event.encode()), Some(event));
        }
    }

    #[test]
    fn nonsense_is_nothing() {
        for words in
            [[0; 4], [7, 0, 0, 0], [kind::KEY, 256, 0, 0], [kind::ABSOLUTE, 0x1_0000, 0, 0], [kind::ABSOLUTE, !0, 0, 0]]
        {
            assert_eq!(Raw::decode(&encode(words)), None, "{words:?}");
        }
        for words in [[kind::KEY, 1, 0xd800, 0], [kind::TEXT, 0x11_0000, 0, 0], [9, 0, 0, 0]] {
            assert_eq!(Event::decode(&encode(words)), None, "{words:?}");
        }
    }
}
