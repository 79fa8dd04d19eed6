//! Commands and answers as bytes (sections 5.7.6.7 and 5.7.6.10).

use display_contract::{Mode, Rectangle};
use driver::Piece;

/// Kinds of commands.
mod kind {
    pub const GET_DISPLAY_INFO: u32 = 0x100;
    pub const RESOURCE_CREATE: u32 = 0x101;
    pub const RESOURCE_UNREF: u32 = 0x102;
    pub const SET_SCANOUT: u32 = 0x103;
    pub const RESOURCE_FLUSH: u32 = 0x104;
    pub const TRANSFER: u32 = 0x105;
    pub const ATTACH: u32 = 0x106;
    pub const UPDATE_CURSOR: u32 = 0x300;
    pub const MOVE_CURSOR: u32 = 0x301;
    pub const OK: u32 = 0x1100;
    pub const OK_DISPLAY_INFO: u32 = 0x1101;
}

/// Bytes of the header that all have.
const HEADER: usize = 24;
/// Screens in an answer, and bytes of each.
const SCREENS: usize = 16;
const SCREEN: usize = 24;
/// Bytes of the longest answer.
pub const LONGEST_ANSWER: usize = HEADER + SCREENS * SCREEN;
/// The screen that is driven: the first.
const FIRST_SCREEN: u32 = 0;

/// Formats of pixels: blue, green, red, and a byte that does not count or is the opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Without opacity.
    Opaque = 2,
    /// With it.
    Blended = 1,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Asks which screens there are.
    GetDisplayInfo,
    /// Makes a picture.
    Create {
        /// Its number, not 0.
        resource: u32,
        /// Its pixels.
        format: Format,
        /// Its size.
        mode: Mode,
    },
    /// Says where the memory of a picture is.
    Attach {
        /// The picture.
        resource: u32,
        /// Its memory.
        pieces: &'a [Piece],
    },
    /// Forgets a picture and its memory.
    Unref {
        /// The picture.
        resource: u32,
    },
    /// Shows a picture on the screen.
    SetScanout {
        /// The picture.
        resource: u32,
        /// Its size.
        mode: Mode,
    },
    /// Copies a part of a picture from memory to the device.
    Transfer {
        /// The picture.
        resource: u32,
        /// The part.
        part: Rectangle,
        /// Where the part begins in memory.
        offset: u64,
    },
    /// Shows a part of a picture that was copied.
    Flush {
        /// The picture.
        resource: u32,
        /// The part.
        part: Rectangle,
    },
    /// Takes another picture for the cursor, and shows it.
    UpdateCursor {
        /// The picture; 0 for none.
        resource: u32,
        /// Where.
        place: (i32, i32),
        /// What of it points.
        hot: (u32, u32),
    },
    /// Shows the cursor elsewhere.
    MoveCursor {
        /// Where.
        place: (i32, i32),
    },
}

/// Bytes, as they are put together.
struct Bytes(Vec<u8>);

impl Bytes {
    fn new(kind: u32) -> Self {
        let mut bytes = Bytes(kind.to_le_bytes().into());
        bytes.0.resize(HEADER, 0);
        bytes
    }

    fn words(mut self, words: &[u32]) -> Self {
        words.iter().for_each(|word| self.0.extend(word.to_le_bytes()));
        self
    }

    fn part(self, part: Rectangle) -> Self {
        self.words(&[part.x, part.y, part.width, part.height])
    }

    fn long(self, number: u64) -> Self {
        self.words(&[number as u32, (number >> 32) as u32])
    }
}

impl Command<'_> {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Command::GetDisplayInfo => Bytes::new(kind::GET_DISPLAY_INFO),
            Command::Create { resource, format, mode } => {
                Bytes::new(kind::RESOURCE_CREATE).words(&[resource, format as u32, mode.width, mode.height])
            }
            Command::Attach { resource, pieces } => {
                let bytes = Bytes::new(kind::ATTACH).words(&[resource, pieces.len() as u32]);
                pieces.iter().fold(bytes, |bytes, piece| bytes.long(piece.physical).words(&[piece.len as u32, 0]))
            }
            Command::Unref { resource } => Bytes::new(kind::RESOURCE_UNREF).words(&[resource, 0]),
            Command::SetScanout { resource, mode } => {
                Bytes::new(kind::SET_SCANOUT).part(Rectangle::of(mode)).words(&[FIRST_SCREEN, resource])
            }
            Command::Transfer { resource, part, offset } => {
                Bytes::new(kind::TRANSFER).part(part).long(offset).words(&[resource, 0])
            }
            Command::Flush { resource, part } => Bytes::new(kind::RESOURCE_FLUSH).part(part).words(&[resource, 0]),
            Command::UpdateCursor { resource, place, hot } => cursor(kind::UPDATE_CURSOR, place, resource, hot),
            Command::MoveCursor { place } => cursor(kind::MOVE_CURSOR, place, 0, (0, 0)),
        }
        .0
    }

    /// Whether it goes to the queue for cursors.
    pub fn is_cursor(&self) -> bool {
        matches!(self, Command::UpdateCursor { .. } | Command::MoveCursor { .. })
    }
}

fn cursor(kind: u32, (x, y): (i32, i32), resource: u32, hot: (u32, u32)) -> Bytes {
    Bytes::new(kind).words(&[FIRST_SCREEN, x as u32, y as u32, 0, resource, hot.0, hot.1, 0])
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done,
    /// The size that the first screen would like, if it is there.
    Screen(Option<Mode>),
    /// It was not done; what the device says.
    Failed(u32),
}

impl Answer {
    /// From bytes, of which the device has written the first `len`.
    pub fn decode(bytes: &[u8], len: usize) -> Self {
        let bytes = &bytes[..len.min(bytes.len())];
        let word = |at: usize| bytes.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        match word(0) {
            _ if bytes.len() < HEADER => Answer::Failed(0),
            kind::OK => Answer::Done,
            kind::OK_DISPLAY_INFO => {
                let mode = Mode { width: word(HEADER + 8), height: word(HEADER + 12) };
                Answer::Screen(Some(mode).filter(|mode| word(HEADER + 16) != 0 && mode.is_sane()))
            }
            other => Answer::Failed(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_their_sizes() {
        let (part, mode) = (Rectangle { x: 1, y: 2, width: 3, height: 4 }, Mode { width: 5, height: 6 });
        let pieces = [Piece { physical: 0x1_2345_6000, len: 4096 }; 2];
        let len = |command: Command<'_>| command.encode().len();
        assert_eq!(len(Command::GetDisplayInfo), 24);
        assert_eq!(len(Command::Create { resource: 1, format: Format::Opaque, mode }), 40);
        assert_eq!(len(Command::Attach { resource: 1, pieces: &pieces }), 64);
        assert_eq!(len(Command::Unref { resource: 1 }), 32);
        assert_eq!(len(Command::SetScanout { resource: 1, mode }), 48);
        assert_eq!(len(Command::Transfer { resource: 1, part, offset: 9 }), 56);
        assert_eq!(len(Command::Flush { resource: 1, part }), 48);
        assert_eq!(len(Command::UpdateCursor { resource: 1, place: (-1, 2), hot: (3, 4) }), 56);
        let bytes = Command::Attach { resource: 1, pieces: &pieces }.encode();
        assert_eq!(bytes[32..48], [0, 0x60, 0x45, 0x23, 1, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn answers() {
        let mut bytes = [0; LONGEST_ANSWER];
        bytes[..4].copy_from_slice(&kind::OK_DISPLAY_INFO.to_le_bytes());
        bytes[32..34].copy_from_slice(&1280_u16.to_le_bytes());
        bytes[36..38].copy_from_slice(&800_u16.to_le_bytes());
        assert_eq!(Answer::decode(&bytes, LONGEST_ANSWER), Answer::Screen(None), "it is off");
        bytes[40] = 1;
        assert_eq!(Answer::decode(&bytes, LONGEST_ANSWER), Answer::Screen(Some(Mode { width: 1280, height: 800 })));
        assert_eq!(Answer::decode(&bytes, 23), Answer::Failed(0));
        bytes[32..40].fill(0xff);
        assert_eq!(Answer::decode(&bytes, usize::MAX), Answer::Screen(None));
        bytes[..4].copy_from_slice(&0x1203_u32.to_le_bytes());
        assert_eq!(Answer::decode(&bytes, 24), Answer::Failed(0x1203));
    }
}
