//! How a program's output and the kernel's messages share one console.
//!
//! What the guest's side says is in frames; whatever is outside of a frame is the kernel's or another program's. A frame is
//! shown by the console in one piece, because it is at most [`FRAME`] bytes long: start, a letter for its kind, the contents,
//! end. In the contents the two marks, the escape and the newline (which the console changes) are written as the escape and the
//! byte with bit 6 turned over. So a frame that another message breaks into, as a panic does, is found out by its newline.
//!
//! The other way, each piece of input has been asked for by a frame ([`Kind::Wants`]): two bytes for its length, the higher one
//! first, then as many bytes; no bytes are the end of the input.

/// Longest frame: what the kernel's console shows in one piece.
pub const FRAME: usize = 256;
/// Most input that is asked for at once: the kernel keeps 1024 bytes for those who are late.
pub const INPUT: usize = 512;

const START: u8 = 1;
const END: u8 = 4;
const ESCAPE: u8 = 0x10;
const FLIP: u8 = 0x40;

/// What a frame has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program's standard output.
    Out,
    /// Its standard error.
    Err,
    /// A wish for at most so many bytes of input, a decimal number.
    Wants,
    /// The program has started.
    Started,
    /// How it ended: a decimal number for a shell, a space, and words.
    Ended,
}

const KINDS: [(u8, Kind); 5] =
    [(b'o', Kind::Out), (b'e', Kind::Err), (b'w', Kind::Wants), (b's', Kind::Started), (b'x', Kind::Ended)];

impl Kind {
    fn letter(self) -> u8 {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or(b'?', |(letter, _)| *letter)
    }

    fn of(letter: u8) -> Option<Self> {
        KINDS.iter().find(|(own, _)| *own == letter).map(|(_, kind)| *kind)
    }
}

fn is_special(byte: u8) -> bool {
    matches!(byte, START | END | ESCAPE | b'\n' | b'\r')
}

/// Makes frames of `bytes`, at least one, and hands each to `show`.
pub fn encode<E>(kind: Kind, bytes: &[u8], mut show: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut rest = bytes;
    let mut frame = Vec::with_capacity(FRAME);
    loop {
        frame.clear();
        frame.extend([START, kind.letter()]);
        // A byte takes two places at most, and the end one.
        while let Some((&byte, after)) = rest.split_first()
            && frame.len() + 3 <= FRAME
        {
            if is_special(byte) {
                frame.extend([ESCAPE, byte ^ FLIP]);
            } else {
                frame.push(byte);
            }
            rest = after;
        }
        frame.push(END);
        show(&frame)?;
        if rest.is_empty() {
            return Ok(());
        }
    }
}

/// What was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Outside of frames.
    Plain(Vec<u8>),
    /// The contents of a frame.
    Frame(Kind, Vec<u8>),
}

/// Takes apart what comes from the console.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The frame that has begun, from its start mark on, as it came.
    frame: Vec<u8>,
}

impl Decoder {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more of it; answers what is complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut plain = Vec::new();
        for &byte in bytes {
            if self.frame.is_empty() && byte != START {
                plain.push(byte);
                continue;
            }
            if byte == END && !self.frame.is_empty() {
                match open(&self.frame) {
                    Some(piece) => {
                        flush(&mut plain, &mut pieces);
                        pieces.push(piece);
                        self.frame.clear();
                    }
                    None => plain.append(&mut self.frame),
                }
                continue;
            }
            // Something broke in: what was a frame is none.
            if !self.frame.is_empty() && (matches!(byte, START | b'\n' | b'\r') || self.frame.len() >= FRAME) {
                plain.append(&mut self.frame);
                if byte != START {
                    plain.push(byte);
                    continue;
                }
            }
            self.frame.push(byte);
        }
        flush(&mut plain, &mut pieces);
        pieces
    }
}

fn flush(plain: &mut Vec<u8>, pieces: &mut Vec<Piece>) {
    if !plain.is_empty() {
        pieces.push(Piece::Plain(std::mem::take(plain)));
    }
}

/// The contents of a frame without its end mark.
fn open(frame: &[u8]) -> Option<Piece> {
    let [START, letter, contents @ ..] = frame else { return None };
    let mut bytes = Vec::with_capacity(contents.len());
    let mut rest = contents.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(if byte == ESCAPE { rest.next()? ^ FLIP } else { byte });
    }
    Some(Piece::Frame(Kind::of(*letter)?, bytes))
}

/// A piece of input as it is sent, at most [`INPUT`] bytes of it.
pub fn input(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(INPUT)];
    let mut sent = (bytes.len() as u16).to_be_bytes().to_vec();
    sent.extend(bytes);
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(kind: Kind, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let done: Result<(), ()> = encode(kind, bytes, |frame| {
            frames.push(frame.to_vec());
            Ok(())
        });
        done.unwrap();
        frames
    }

    #[test]
    fn every_byte_passes_in_frames_of_the_right_size() {
        let all: Vec<u8> = (0..=255).chain([b'\n'; 600]).chain(0..=255).collect();
        for cut in [1, 7, 255, 4096] {
            let frames = frames(Kind::Err, &all);
            assert!(frames.iter().all(|frame| frame.len() <= FRAME && !frame.contains(&b'\n')));
            let mut decoder = Decoder::new();
            let pieces: Vec<Piece> = frames.concat().chunks(cut).flat_map(|part| decoder.take(part)).collect();
            let contents: Vec<u8> = pieces
                .into_iter()
                .flat_map(|piece| match piece {
                    Piece::Frame(Kind::Err, bytes) => bytes,
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(contents, all);
        }
        assert_eq!(frames(Kind::Ended, b"").len(), 1);
    }

    #[test]
    fn what_is_between_frames_is_plain() {
        let mut heard = b"[ 0.1] boot\r\n".to_vec();
        heard.extend(frames(Kind::Out, b"a\nb").concat());
        heard.extend(b"kernel\r\n");
        let pieces = Decoder::new().take(&heard);
        assert_eq!(
            pieces,
            [
                Piece::Plain(b"[ 0.1] boot\r\n".to_vec()),
                Piece::Frame(Kind::Out, b"a\nb".to_vec()),
                Piece::Plain(b"kernel\r\n".to_vec()),
            ]
        );
    }

    #[test]
    fn a_frame_that_is_broken_into_is_plain() {
        let mut decoder = Decoder::new();
        assert_eq!(decoder.take(b"\x01oab"), []);
        assert_eq!(decoder.take(b"\r\nPANIC\r\n"), [Piece::Plain(b"\x01oab\r\nPANIC\r\n".to_vec())]);
        // A new frame in the midst of one, no kind, an escape of nothing, no end.
        let whole = frames(Kind::Out, b"x").concat();
        let broken = [b"\x01oy".to_vec(), whole.clone()].concat();
        let expected = [Piece::Plain(b"\x01oy".to_vec()), Piece::Frame(Kind::Out, b"x".to_vec())];
        assert_eq!(decoder.take(&broken), expected);
        assert_eq!(decoder.take(b"\x01?\x04"), [Piece::Plain(b"\x01?".to_vec())]);
        assert_eq!(decoder.take(b"\x01o\x10\x04"), [Piece::Plain(b"\x01o\x10".to_vec())]);
        let endless = [b"\x01o".to_vec(), vec![b'a'; 3000]].concat();
        let heard: usize =
            decoder.take(&endless).into_iter().map(|piece| matches!(piece, Piece::Plain(_)) as usize).sum();
        assert_eq!(heard, 1);
    }

    #[test]
    fn input_has_its_length_before_it() {
        assert_eq!(input(b"ab"), [0, 2, b'a', b'b']);
        assert_eq!(input(b""), [0, 0]);
        assert_eq!(input(&[7; 600]).len(), 2 + INPUT);
    }
}
