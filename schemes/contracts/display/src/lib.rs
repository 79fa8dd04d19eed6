//! What graphics drivers do for the one who shows something on a screen, the display server.
//!
//! Each screen is a scheme, whose name begins with [`PREFIX`]: `display.00-02.0` for a device on the bus, `display.loader` for the frame
//! buffer that the boot loader has set up. Who looks for screens lists `/scheme`; a screen whose [`Info`] says
//! [`flag::FALLBACK`] is used only when there is no other.
//!
//! | path | who | gives |
//! |---|---|---|
//! | `""` | one at a time (user 0; `EBUSY`) | the screen |
//! | `buffer`, opened from the screen | its holder | the pixels, to be mapped from offset 0, shared, [`Info::len`] bytes |
//! | `info` | everybody | what it is, as text |
//!
//! A pixel is four bytes, blue, green, red and one that does not count ([`Info::stride`] bytes from one line to the next). Where
//! [`flag::FLUSH`] is set, what is stored is shown when it is flushed ([`verb::FLUSH`], which does not wait); otherwise at once,
//! and the memory is slow to read. Nothing is promised about the moment when a device reads the pixels.
//!
//! The screen is asked by `SYS_CALL`: a verb in the first word, at most one number in the second, the rest as payload.
//! `EINVAL` for what makes no sense, `EOPNOTSUPP` for what the screen cannot do, `EIO` when the device has failed meanwhile.
//!
//! **Changes**: when the screen would rather have another size, because somebody resizes the virtual machine's window for instance,
//! it is ready to be read (`EVENT_READ`); a read gives a [`Mode`] (8 bytes). Nothing changes until the holder sets a mode.
//!
//! **Modes**: after [`verb::SET_MODE`] the buffer is another one: `buffer` is opened and mapped anew, and everything is drawn again.
//!
//! **Restart**: when a driver dies every call answers `ENODEV`; mapped memory stays, but nobody shows it any more. The
//! scheme of the same name comes back; who held the screen opens it again, sets its mode, and draws everything. While
//! somebody shows something the kernel's console is to be silent: the holder keeps `/scheme/debug/screen` open.
#![forbid(unsafe_code)]

/// What screens' schemes begin with.
pub const PREFIX: &str = "display.";
/// Pixels of a cursor, each way.
pub const CURSOR: u32 = 64;
/// Bytes of a cursor's picture: pixels as on the screen, with the fourth byte for opacity, and colours multiplied by it.
pub const CURSOR_LEN: usize = (CURSOR * CURSOR * 4) as usize;
/// Most rectangles in one flush.
pub const RECTANGLES: usize = 256;
/// No screen is larger, each way.
pub const LARGEST: u32 = 16384;

/// What a screen can be asked.
pub mod verb {
    /// The payload becomes an [`Info`](super::Info).
    pub const INFO: u64 = 1;
    /// The payload becomes [`Mode`](super::Mode)s, as many as fit; answers how many there are.
    pub const MODES: u64 = 2;
    /// Takes the [`Mode`](super::Mode) in the second word ([`Mode::pack`](super::Mode::pack)).
    pub const SET_MODE: u64 = 3;
    /// Shows what is stored in the [`Rectangle`](super::Rectangle)s of the payload.
    pub const FLUSH: u64 = 4;
    /// Takes a cursor's picture; the second word is the place in it that points, as a [`Mode`](super::Mode) is packed.
    pub const CURSOR: u64 = 5;
    /// Shows the cursor at the place in the second word, packed as two signed numbers; [`HIDE`](super::HIDE) hides it.
    pub const MOVE_CURSOR: u64 = 6;
}

/// The place of a cursor that is hidden.
pub const HIDE: u64 = u64::MAX;

/// What a screen is like, as bits.
pub mod flag {
    /// What is stored must be flushed.
    pub const FLUSH: u32 = 1;
    /// It has a cursor of its own.
    pub const CURSOR: u32 = 1 << 1;
    /// Its mode can be set.
    pub const MODES: u32 = 1 << 2;
    /// It is to be used only when there is no other.
    pub const FALLBACK: u32 = 1 << 3;
}

/// A size of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

impl Mode {
    /// Bytes of a mode in a payload.
    pub const SIZE: usize = 8;

    /// As one number.
    pub fn pack(self) -> u64 {
        u64::from(self.width) | u64::from(self.height) << 32
    }

    /// Back from it.
    pub fn unpack(word: u64) -> Self {
        Mode { width: word as u32, height: (word >> 32) as u32 }
    }

    /// As bytes.
    pub fn encode(self) -> [u8; Self::SIZE] {
        self.pack().to_le_bytes()
    }

    /// Back from them.
    pub fn decode(bytes: [u8; Self::SIZE]) -> Self {
        Self::unpack(u64::from_le_bytes(bytes))
    }

    /// Whether a screen can have it.
    pub fn is_sane(self) -> bool {
        (1..=LARGEST).contains(&self.width) && (1..=LARGEST).contains(&self.height)
    }
}

/// A place of the cursor as one number.
pub fn pack_place(x: i32, y: i32) -> u64 {
    u64::from(x as u32) | u64::from(y as u32) << 32
}

/// Back from it; none when the cursor is hidden.
pub fn unpack_place(word: u64) -> Option<(i32, i32)> {
    (word != HIDE).then_some((word as i32, (word >> 32) as i32))
}

/// What a screen is like now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Its mode.
    pub mode: Mode,
    /// Bytes from one line to the next.
    pub stride: u32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// The mode that it would rather have.
    pub preferred: Mode,
}

impl Info {
    /// Bytes of it in a payload.
    pub const SIZE: usize = 24;

    /// Bytes of the buffer.
    pub fn len(&self) -> usize {
        self.stride as usize * self.mode.height as usize
    }

    /// Whether there is no buffer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As bytes.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.mode.encode());
        bytes[8..12].copy_from_slice(&self.stride.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.flags.to_le_bytes());
        bytes[16..].copy_from_slice(&self.preferred.encode());
        bytes
    }

    /// Back from bytes; none when they make no sense.
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Option<Self> {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|place| bytes[at + place]));
        let info = Info {
            mode: Mode::unpack(word(0)),
            stride: word(8) as u32,
            flags: (word(8) >> 32) as u32,
            preferred: Mode::unpack(word(16)),
        };
        (info.mode.is_sane() && info.stride >= info.mode.width * 4 && info.stride <= LARGEST * 8).then_some(info)
    }
}

/// A part of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rectangle {
    /// First column.
    pub x: u32,
    /// First line.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

impl Rectangle {
    /// Bytes of a rectangle in a payload.
    pub const SIZE: usize = 16;

    /// All of a screen of this mode.
    pub fn of(mode: Mode) -> Self {
        Rectangle { x: 0, y: 0, width: mode.width, height: mode.height }
    }

    /// As bytes.
    pub fn encode(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        for (place, word) in bytes.chunks_exact_mut(4).zip([self.x, self.y, self.width, self.height]) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Back from bytes.
    pub fn decode(bytes: &[u8; Self::SIZE]) -> Self {
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|place| bytes[at + place]));
        Rectangle { x: word(0), y: word(4), width: word(8), height: word(12) }
    }

    /// What of it is on a screen of this mode; none when nothing is.
    pub fn clip(self, mode: Mode) -> Option<Self> {
        let (right, below) = (self.x.saturating_add(self.width), self.y.saturating_add(self.height));
        let (right, below) = (right.min(mode.width), below.min(mode.height));
        (self.x < right && self.y < below).then(|| Rectangle {
            x: self.x,
            y: self.y,
            width: right - self.x,
            height: below - self.y,
        })
    }

    /// The smallest one that holds both.
    pub fn around(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = self.x.saturating_add(self.width).max(other.x.saturating_add(other.width));
        let below = self.y.saturating_add(self.height).max(other.y.saturating_add(other.height));
        Rectangle { x, y, width: right - x, height: below - y }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: Mode = Mode { width: 640, height: 480 };

    #[test]
    fn everything_is_read_back() {
        assert_eq!(Mode::decode(MODE.encode()), MODE);
        let info =
            Info { mode: MODE, stride: 2560, flags: flag::CURSOR, preferred: Mode { width: 1920, height: 1080 } };
        assert_eq!(Info::decode(&info.encode()), Some(info));
        assert_eq!(info.len(), 640 * 480 * 4);
        let rectangle = Rectangle { x: 1, y: 2, width: 3, height: u32::MAX };
        assert_eq!(Rectangle::decode(&rectangle.encode()), rectangle);
        assert_eq!(unpack_place(pack_place(-5, 7)), Some((-5, 7)));
        assert_eq!(unpack_place(HIDE), None);
    }

    #[test]
    fn nonsense_is_nothing() {
        let good = Info { mode: MODE, stride: 2560, flags: 0, preferred: MODE };
        for wrong in [
            Info { stride: 2559, ..good },
            Info { mode: Mode { width: 0, ..MODE }, ..good },
            Info { mode: Mode { height: LARGEST + 1, ..MODE }, ..good },
            Info { stride: u32::MAX, ..good },
        ] {
            assert_eq!(Info::decode(&wrong.encode()), None);
        }
    }

    #[test]
    fn rectangles_are_clipped_and_joined() {
        let rectangle = |x, y, width, height| Rectangle { x, y, width, height };
        assert_eq!(rectangle(630, 470, 20, 5).clip(MODE), Some(rectangle(630, 470, 10, 5)));
        assert_eq!(rectangle(10, 10, u32::MAX, u32::MAX).clip(MODE), Some(rectangle(10, 10, 630, 470)));
        assert_eq!(rectangle(640, 0, 1, 1).clip(MODE), None);
        assert_eq!(rectangle(0, 0, 0, 9).clip(MODE), None);
        assert_eq!(rectangle(1, 2, 3, 4).around(rectangle(2, 1, 9, 1)), rectangle(1, 1, 10, 5));
    }
}
