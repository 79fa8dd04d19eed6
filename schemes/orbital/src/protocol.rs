//! What clients say, as crate `orbclient` 0.4 says it: the path that opens a window, and the messages written to it. Text
//! becomes a valid value here, or an error; nothing else looks at it.

use std::fmt;

use orbclient::{MediaKind, WindowFlag};

use crate::geometry::{LIMIT, Rect};

/// Most bytes of a title that are kept.
pub const TITLE_ROOM: usize = 256;
/// Most rectangles of one damage message that are told apart.
const DAMAGE_ROOM: usize = 64;
/// Largest width and height of a window.
pub const SIDE: u32 = 1 << 14;

/// The message is none of the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The flags of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Flags(u16);

impl Flags {
    /// Flags by their letters. Letters that are unknown mean nothing.
    pub fn from_letters(letters: &str) -> Self {
        let known = letters.bytes().filter_map(WindowFlag::try_from_byte);
        known.fold(Self(0), |flags, flag| flags.with(flag, true))
    }

    /// Whether a flag is set.
    pub const fn has(self, flag: WindowFlag) -> bool {
        self.0 & flag.to_u64() as u16 != 0
    }

    /// The same with a flag set or cleared.
    #[must_use]
    pub const fn with(self, flag: WindowFlag, value: bool) -> Self {
        let bit = flag.to_u64() as u16;
        Self(if value { self.0 | bit } else { self.0 & !bit })
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = (0..16).filter(|bit| self.0 & 1 << bit != 0);
        flags.filter_map(|bit| WindowFlag::try_from_u64(1 << bit)).try_for_each(|flag| write!(f, "{flag}"))
    }
}

/// What an open path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// A window.
    Window {
        /// Its flags.
        flags: Flags,
        /// Where its content begins; `None`: wherever it looks well.
        position: Option<(i32, i32)>,
        /// Width and height of its buffer.
        size: (u32, u32),
        /// Its title.
        title: String,
    },
    /// Facts of a display: `99.0` and the like.
    Display,
    /// The display server's end.
    Server,
    /// Settings.
    Settings,
    /// The list of windows, for panels.
    Windows,
}

impl Open {
    /// Reads a path. A window's is `flags/x/y/w/h/title`; the flags may be missing, because the C library leaves out an
    /// empty part of a path, and so may the title.
    pub fn parse(path: &str) -> Result<Self, Malformed> {
        match path {
            "server" => return Ok(Self::Server),
            "settings" => return Ok(Self::Settings),
            "windows" => return Ok(Self::Windows),
            _ => {}
        }
        let path = path.trim_start_matches('/');
        let mut rest = path;
        let first = rest.split('/').next().unwrap_or_default();
        if !rest.contains('/') && first.parse::<f64>().is_ok() {
            return Ok(Self::Display);
        }
        let mut letters = "";
        if first.parse::<i64>().is_err() {
            (letters, rest) = path.split_once('/').ok_or(Malformed)?;
        }
        let mut parts = rest.splitn(5, '/');
        let mut number = || parts.next().and_then(|part| part.parse::<i64>().ok()).ok_or(Malformed);
        let [x, y, w, h] = [number()?, number()?, number()?, number()?];
        let size = size(w, h)?;
        let position = (x >= 0 || y >= 0).then_some(position(x, y));
        let title = title(parts.next().unwrap_or_default());
        Ok(Self::Window { flags: Flags::from_letters(letters), position, size, title })
    }
}

fn position(x: i64, y: i64) -> (i32, i32) {
    let limit = i64::from(LIMIT / 2);
    let [x, y] = [x, y].map(|value| value.clamp(-limit, limit) as i32);
    (x, y)
}

fn size(w: i64, h: i64) -> Result<(u32, u32), Malformed> {
    let side = |value: i64| u32::try_from(value).ok().filter(|value| (1..=SIDE).contains(value)).ok_or(Malformed);
    Ok((side(w)?, side(h)?))
}

/// A title as it is kept: bounded, without control characters.
fn title(text: &str) -> String {
    let mut kept = String::new();
    for character in text.chars().map(|character| if character.is_control() { ' ' } else { character }) {
        if kept.len() + character.len_utf8() > TITLE_ROOM {
            break;
        }
        kept.push(character);
    }
    kept
}

/// Edges of a window that are dragged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Edges {
    /// The left one.
    pub left: bool,
    /// The right one.
    pub right: bool,
    /// The upper one.
    pub top: bool,
    /// The lower one.
    pub bottom: bool,
}

/// What a window asks to be done with the pointer that is pressed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DragRequest {
    /// Nothing any more.
    Stop,
    /// Move the window.
    Move,
    /// Resize it by edges.
    Resize(Edges),
}

/// What a window answers to something that is dragged over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum DropAnswer {
    /// It would take it.
    Yes,
    /// It would not.
    No,
    /// It has taken it, or does not want to hear of it any more.
    Done,
}

/// Ways of the pointer over a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseMode {
    /// The cursor is shown.
    Cursor,
    /// The pointer stays in the window.
    Grab,
    /// The window gets motions instead of positions.
    Relative,
}

/// A message written to a window.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Parts of the buffer changed.
    Damage(Vec<Rect>),
    /// All of it changed.
    DamageAll,
    /// The window moves; what is missing stays.
    Position(Option<i32>, Option<i32>),
    /// The buffer gets another size; what is missing stays.
    Size(Option<u32>, Option<u32>),
    /// Another title.
    Title(String),
    /// A flag is set or cleared.
    Flag(WindowFlag, bool),
    /// A way of the pointer is switched.
    Mouse(MouseMode, bool),
    /// The pointer shall drag the window.
    Drag(DragRequest),
    /// An answer to something dragged.
    Drop(DropAnswer),
}

impl Message {
    /// Reads a message: a letter, then its arguments, separated by commas.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(bytes).map_err(|_| Malformed)?;
        let (letter, arguments) = text.split_once(',').unwrap_or((text, ""));
        match letter {
            "Y" => damage(arguments),
            "P" => {
                let [x, y] = pair(arguments)?;
                let bounded = |value: Option<i64>| value.map(|value| position(value, 0).0);
                Ok(Self::Position(bounded(x), bounded(y)))
            }
            "S" => {
                let [w, h] = pair(arguments)?;
                let (known_w, known_h) = size(w.unwrap_or(1), h.unwrap_or(1))?;
                Ok(Self::Size(w.map(|_| known_w), h.map(|_| known_h)))
            }
            "T" => Ok(Self::Title(title(arguments))),
            "F" => match arguments.as_bytes() {
                &[flag, b',', value] => {
                    Ok(Self::Flag(WindowFlag::try_from_byte(flag).ok_or(Malformed)?, switch(value)?))
                }
                _ => Err(Malformed),
            },
            "A" => match arguments.as_bytes() {
                &[value] => Ok(Self::Flag(WindowFlag::Async, switch(value)?)),
                _ => Err(Malformed),
            },
            "M" => match arguments.as_bytes() {
                &[mode, b',', value] => Ok(Self::Mouse(mouse_mode(mode)?, switch(value)?)),
                _ => Err(Malformed),
            },
            "D" => drag(arguments).map(Self::Drag),
            "N" => match arguments {
                "Y" => Ok(Self::Drop(DropAnswer::Yes)),
                "N" => Ok(Self::Drop(DropAnswer::No)),
                "D" => Ok(Self::Drop(DropAnswer::Done)),
                _ => Err(Malformed),
            },
            _ => Err(Malformed),
        }
    }
}

fn switch(byte: u8) -> Result<bool, Malformed> {
    match byte {
        b'0' => Ok(false),
        b'1' => Ok(true),
        _ => Err(Malformed),
    }
}

fn mouse_mode(byte: u8) -> Result<MouseMode, Malformed> {
    match byte {
        b'C' => Ok(MouseMode::Cursor),
        b'G' => Ok(MouseMode::Grab),
        b'R' => Ok(MouseMode::Relative),
        _ => Err(Malformed),
    }
}

/// Two numbers, each of which may be empty or missing.
fn pair(arguments: &str) -> Result<[Option<i64>; 2], Malformed> {
    let (first, second) = arguments.split_once(',').unwrap_or((arguments, ""));
    let number = |text: &str| match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Malformed),
    };
    Ok([number(first)?, number(second)?])
}

fn damage(arguments: &str) -> Result<Message, Malformed> {
    let mut numbers = arguments.split(',').map(|text| text.parse::<i64>().map_err(|_| Malformed));
    let mut rects = Vec::new();
    if arguments.is_empty() {
        return Ok(Message::Damage(rects));
    }
    while let Some(x) = numbers.next() {
        let mut next = || numbers.next().unwrap_or(Err(Malformed));
        let rect = Rect::bounded(x?, next()?, next()?, next()?);
        if rects.len() == DAMAGE_ROOM {
            return Ok(Message::DamageAll);
        }
        rects.push(rect);
    }
    Ok(Message::Damage(rects))
}

fn drag(arguments: &str) -> Result<DragRequest, Malformed> {
    match arguments {
        "" | "M" => return Ok(DragRequest::Move),
        "0" => return Ok(DragRequest::Stop),
        _ => {}
    }
    let mut edges = Edges::default();
    for edge in arguments.split(',') {
        let place = match edge {
            "L" => &mut edges.left,
            "R" => &mut edges.right,
            "T" => &mut edges.top,
            "B" => &mut edges.bottom,
            _ => return Err(Malformed),
        };
        *place = true;
    }
    if (edges.left && edges.right) || (edges.top && edges.bottom) {
        Err(Malformed)
    } else {
        Ok(DragRequest::Resize(edges))
    }
}

/// The kind of media that a letter stands for.
pub fn media(letter: u8) -> Result<MediaKind, Malformed> {
    let letter = [letter];
    str::from_utf8(&letter).ok().and_then(|letter| letter.parse().ok()).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    type Parts = (String, Option<(i32, i32)>, (u32, u32), String);

    fn window(path: &str) -> Parts {
        match Open::parse(path) {
            Ok(Open::Window { flags, position, size, title }) => (flags.to_string(), position, size, title),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn paths_of_windows() {
        let plain = (String::new(), Some((1, 2)), (3, 4), String::from("A title"));
        assert_eq!(window("/1/2/3/4/A title"), plain);
        assert_eq!(window("1/2/3/4/A title"), plain);
        assert_eq!(window("ar/-1/-1/640/480/a/b"), ("ar".into(), None, (640, 480), "a/b".into()));
        assert_eq!(window("x/-1/5/1/1"), ("".into(), Some((-1, 5)), (1, 1), "".into()));
        assert_eq!(window("t/0/0/1/1/a\u{7}\nb").3, "a  b");
        assert_eq!(window(&format!("t/0/0/1/1/{}", "ä".repeat(400))).3.len(), TITLE_ROOM);
    }

    #[test]
    fn paths_that_are_no_windows() {
        assert_eq!(Open::parse("99.0"), Ok(Open::Display));
        assert_eq!(Open::parse("server"), Ok(Open::Server));
        assert_eq!(Open::parse("settings"), Ok(Open::Settings));
        assert_eq!(Open::parse("windows"), Ok(Open::Windows));
        for path in ["", "a", "a/1/2/3", "a/1/2/0/4/t", "a/1/2/3/99999999999/t", "a/1/2/-3/4/t", "a/b/c/d/e/f", "1/2/3"]
        {
            assert_eq!(Open::parse(path), Err(Malformed), "{path}");
        }
    }

    #[test]
    fn messages() {
        let table: [(&str, Message); 20] = [
            ("Y,1,2,3,4", Message::Damage(vec![Rect::new(1, 2, 3, 4)])),
            ("Y", Message::Damage(vec![])),
            ("Y,1,2,3,4,-5,6,7,8", Message::Damage(vec![Rect::new(1, 2, 3, 4), Rect::new(-5, 6, 7, 8)])),
            ("P,-7,8", Message::Position(Some(-7), Some(8))),
            ("P,,8", Message::Position(None, Some(8))),
            ("P,7", Message::Position(Some(7), None)),
            ("S,640,480", Message::Size(Some(640), Some(480))),
            ("S,640,", Message::Size(Some(640), None)),
            ("T,a,b", Message::Title("a,b".into())),
            ("T,", Message::Title("".into())),
            ("F,m,1", Message::Flag(WindowFlag::Maximized, true)),
            ("F,h,0", Message::Flag(WindowFlag::Hidden, false)),
            ("A,1", Message::Flag(WindowFlag::Async, true)),
            ("M,G,1", Message::Mouse(MouseMode::Grab, true)),
            ("M,C,0", Message::Mouse(MouseMode::Cursor, false)),
            ("D", Message::Drag(DragRequest::Move)),
            ("D,0", Message::Drag(DragRequest::Stop)),
            ("D,B", Message::Drag(DragRequest::Resize(Edges { bottom: true, ..Edges::default() }))),
            ("D,T,L", Message::Drag(DragRequest::Resize(Edges { top: true, left: true, ..Edges::default() }))),
            ("N,D", Message::Drop(DropAnswer::Done)),
        ];
        for (text, message) in table {
            assert_eq!(Message::parse(text.as_bytes()), Ok(message), "{text}");
        }
    }

    #[test]
    fn messages_that_mean_nothing() {
        let table = [
            "",
            "Z",
            "y,1,2,3,4",
            "Y,1",
            "Y,1,2,3",
            "Y,1,2,3,x",
            "P,a,b",
            "S,0,5",
            "S,5,-1",
            "S,99999,5",
            "F",
            "F,z,1",
            "F,m,2",
            "F,m",
            "A",
            "A,x",
            "M,X,1",
            "M,G",
            "D,L,R",
            "D,X",
            "N",
            "N,X",
        ];
        for text in table {
            assert_eq!(Message::parse(text.as_bytes()), Err(Malformed), "{text}");
        }
        assert_eq!(Message::parse(b"T,\xff"), Err(Malformed));
    }

    #[test]
    fn too_many_rectangles_are_all_of_it() {
        let text = format!("Y{}", ",1,2,3,4".repeat(65));
        assert_eq!(Message::parse(text.as_bytes()), Ok(Message::DamageAll));
        assert_eq!(Message::parse(format!("{text},1").as_bytes()), Ok(Message::DamageAll));
    }

    #[test]
    fn random_bytes_are_a_message_or_none() {
        let letters = b"YPSTFAMDN,,,,0123456789-mahGRC/.\xc3\xa4\0";
        let mut random = Random::new(11);
        let mut good = 0;
        for _ in 0..200_000 {
            let bytes: Vec<u8> = (0..random.below(24))
                .map(|_| match random.below(8) {
                    0 => random.number() as u8,
                    _ => letters[random.below(letters.len() as u64) as usize],
                })
                .collect();
            good += usize::from(Message::parse(&bytes).is_ok());
            if let Ok(text) = str::from_utf8(&bytes)
                && let Ok(Open::Window { size, title, .. }) = Open::parse(text)
            {
                assert!((1..=SIDE).contains(&size.0) && (1..=SIDE).contains(&size.1) && title.len() <= TITLE_ROOM);
            }
        }
        assert!(good > 500, "only {good} messages were good: this test looks at nothing");
    }

    #[test]
    fn flags_come_back_as_letters() {
        let flags = Flags::from_letters("utsrmMlhfba?").with(WindowFlag::Back, false);
        assert_eq!(flags.to_string().len(), 10);
        assert_eq!(Flags::from_letters(&flags.to_string()), flags);
        assert!(flags.has(WindowFlag::Scalable) && !flags.has(WindowFlag::Back));
    }
}
