//! What keeper and display server say to each other. Both ends compile this file; the bytes are those of crate `postcard`.
//!
//! The keeper tells what clients want ([`Notice`]), the server says what becomes of it ([`Order`]). A message on the wire has
//! its length in front, two bytes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::geometry::Rect;
use crate::protocol::{DragRequest, DropAnswer, Flags};

/// Number of a window, the keeper's.
pub type WindowId = u32;

/// Largest message with its length.
pub const ROOM: usize = u16::MAX as usize;
/// Largest memory that the keeper keeps for the server.
pub const MEMORY_ROOM: usize = 48 * 1024;

/// A window as its client made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its number.
    pub id: WindowId,
    /// Its flags.
    pub flags: Flags,
    /// Its title.
    pub title: String,
    /// Width and height of its buffer.
    pub size: (u32, u32),
    /// Which buffer: each size has another one.
    pub generation: u32,
    /// The cursor is shown over it.
    pub cursor: bool,
    /// The pointer stays in it.
    pub grab: bool,
    /// It gets motions instead of positions.
    pub relative: bool,
    /// Where its content is, when the client has said so or the server is told of it for the first time.
    pub position: Option<(i32, i32)>,
    /// The client wants it maximised, or no longer.
    pub maximize: Option<bool>,
    /// The client wants it to fill the screen, or no longer.
    pub fullscreen: Option<bool>,
}

/// From the keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The first: what an earlier server left to be remembered; empty when there was none.
    Memory(Vec<u8>),
    /// All that was there when the server came has been told.
    Complete,
    /// A window is new, or not as it was.
    Window(Told),
    /// Pixels of a window changed.
    Damage(WindowId, Vec<Rect>),
    /// A window wants to be dragged.
    Drag(WindowId, DragRequest),
    /// A window is gone.
    Closed(WindowId),
    /// A window has something to drag; so many bytes.
    Offer(WindowId, u64),
    /// A window has looked at what is dragged: it wants to hear more.
    Peeked(WindowId),
    /// A window answers.
    Answer(WindowId, DropAnswer),
    /// A setting is given or changed.
    Setting(String, String),
    /// A panel wants something of a window.
    Wish(WindowId, Wish),
}

/// From the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// An event for a window's client.
    Event(WindowId, [i64; 3]),
    /// A window's client shall copy, cut or paste; the number is that of a `ClipboardAction`.
    Clipboard(WindowId, u8),
    /// A window's content is there now.
    Place(WindowId, i32, i32),
    /// A window is maximised, or fills the screen.
    Mark(WindowId, bool, bool),
    /// To be given to the next server.
    Memory(Vec<u8>),
    /// The screen.
    Screen(Screen),
    /// The list of windows, when it is another one.
    List(Vec<Listed>),
    /// The window key was pressed and let go, and nothing else.
    Menu,
    /// The dragging is over. What was dragged is kept for a window that it was dropped on.
    DragOver(bool),
}

/// A window as panels list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its number.
    pub id: WindowId,
    /// It has the focus.
    pub focused: bool,
    /// It is taken from the screen.
    pub minimized: bool,
}

/// What a panel wants of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    /// In front, with the focus.
    Raise,
    /// From the screen.
    Minimize,
    /// Its client shall close it.
    Close,
}

/// What clients can know about the screen, and what new windows are placed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// Its width.
    pub w: u32,
    /// Its height.
    pub h: u32,
    /// Size of a pixel of the design.
    pub scale: u32,
    /// The part of it that is for windows.
    pub work: Rect,
    /// Height of a title bar.
    pub title: u32,
}

impl Default for Screen {
    /// What clients are told before a server has ever said.
    fn default() -> Self {
        Self { w: 1024, h: 768, scale: 1, work: Rect::new(0, 0, 1024, 768), title: 32 }
    }
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Appends a message. What does not fit into one is not written, and `false` is answered.
pub fn write<T: Serialize>(message: &T, out: &mut Vec<u8>) -> bool {
    let at = out.len();
    out.extend([0, 0]);
    let Ok(bytes) = postcard::to_allocvec(message) else {
        out.truncate(at);
        return false;
    };
    let Ok(len) = u16::try_from(bytes.len()) else {
        out.truncate(at);
        return false;
    };
    out.extend(bytes);
    out[at..at + 2].copy_from_slice(&len.to_le_bytes());
    true
}

/// Reads all messages of a buffer.
pub fn read<T: DeserializeOwned>(mut bytes: &[u8], mut each: impl FnMut(T)) -> Result<(), Malformed> {
    while !bytes.is_empty() {
        let (len, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (message, rest) = rest.split_at_checked(u16::from_le_bytes(*len).into()).ok_or(Malformed)?;
        let (message, left) = postcard::take_from_bytes(message).map_err(|_| Malformed)?;
        if !left.is_empty() {
            return Err(Malformed);
        }
        each(message);
        bytes = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn messages_come_back() {
        let notices = [
            Notice::Memory(vec![1, 2, 3]),
            Notice::Window(Told {
                id: 7,
                flags: Flags::from_letters("ar"),
                title: "t".into(),
                size: (3, 4),
                generation: 9,
                cursor: true,
                grab: false,
                relative: false,
                position: Some((-1, 5)),
                maximize: None,
                fullscreen: Some(true),
            }),
            Notice::Damage(7, vec![Rect::new(1, 2, 3, 4)]),
            Notice::Complete,
        ];
        let mut bytes = Vec::new();
        assert!(notices.iter().all(|notice| write(notice, &mut bytes)));
        let mut back = Vec::new();
        read(&bytes, |notice: Notice| back.push(notice)).unwrap();
        assert_eq!(back, notices);
        assert!(read(&bytes[..bytes.len() - 1], |_: Notice| ()).is_err());
        assert!(!write(&Notice::Memory(vec![0; 1 << 16]), &mut bytes));
        assert_eq!(read(&bytes, |_: Notice| ()), Ok(()));
    }

    #[test]
    fn random_bytes_are_refused_or_read() {
        let mut random = Random::new(3);
        for _ in 0..50_000 {
            let mut bytes: Vec<u8> = (0..random.below(40)).map(|_| random.below(16) as u8).collect();
            if let Ok(len) = u8::try_from(bytes.len().saturating_sub(2)) {
                bytes.iter_mut().take(2).zip([len, 0]).for_each(|(byte, value)| *byte = value);
            }
            let _ = read(&bytes, |_: Order| ());
            let _ = read(&bytes, |_: Notice| ());
        }
    }
}
