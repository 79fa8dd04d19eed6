//! Terminals: what libc asks of a terminal's daemon, and the settings that a terminal has.
//!
//! The kernel knows none of this; the file is here because it is what libc and the daemon both compile. Values are those of
//! crate `libc` for Redox where that has them, and unused ones of the same fields elsewhere.
//!
//! Programs of the Redox family reach the same things by `dup` with the names in [`part`]: the descriptor that comes back is
//! read and written as the structure.

/// Upper half of every request: a daemon that is no terminal must not take one for its own.
const MAGIC: u64 = 0x7465_726d << 32;

/// What a terminal can be asked by `SYS_CALL`: the first word of metadata. The second one is the argument where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Request {
    /// Reads the [`Termios`].
    GetAttributes = MAGIC | 1,
    /// Writes the [`Termios`]; the argument is one of [`when`].
    SetAttributes = MAGIC | 2,
    /// Reads the [`WindowSize`].
    GetSize = MAGIC | 3,
    /// Writes the [`WindowSize`].
    SetSize = MAGIC | 4,
    /// Answers the foreground group.
    GetGroup = MAGIC | 5,
    /// Makes the group in the argument the foreground one.
    SetGroup = MAGIC | 6,
    /// Answers the session that the terminal controls.
    GetSession = MAGIC | 7,
    /// Makes the terminal the controlling one of the caller's session.
    Acquire = MAGIC | 8,
    /// Gives that up.
    Release = MAGIC | 9,
    /// Throws away what the argument says ([`queue`]).
    Flush = MAGIC | 10,
    /// Stops or starts as the argument says ([`flow`]).
    Flow = MAGIC | 11,
    /// Waits until all output has been taken.
    Drain = MAGIC | 12,
    /// Answers how many bytes can be read.
    InputCount = MAGIC | 13,
    /// Answers how many bytes of output nobody has taken.
    OutputCount = MAGIC | 14,
    /// Whether the other end can be opened: argument 1 forbids it, 0 allows it. The master's.
    Lock = MAGIC | 15,
    /// Answers the terminal's number. The master's.
    Number = MAGIC | 16,
    /// Whether only the superuser may open it once more: argument 1 or 0.
    Exclusive = MAGIC | 17,
    /// Answers what the caller is to the terminal ([`standing`]).
    Standing = MAGIC | 18,
    /// Writes the payload even if the caller is in the background and `TOSTOP` is set. For who ignores or blocks `SIGTTOU`.
    WriteAnyway = MAGIC | 19,
    /// Whether reads of the master begin with a byte that tells what happened: argument 1 or 0. The master's.
    Packet = MAGIC | 20,
    /// Answers how many descriptions of the terminal's own end are open. The master's.
    Users = MAGIC | 21,
}

impl Request {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::GetAttributes,
        Self::SetAttributes,
        Self::GetSize,
        Self::SetSize,
        Self::GetGroup,
        Self::SetGroup,
        Self::GetSession,
        Self::Acquire,
        Self::Release,
        Self::Flush,
        Self::Flow,
        Self::Drain,
        Self::InputCount,
        Self::OutputCount,
        Self::Lock,
        Self::Number,
        Self::Exclusive,
        Self::Standing,
        Self::WriteAnyway,
        Self::Packet,
        Self::Users,
    ];

    /// The request that a word is.
    pub fn from_word(word: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|&request| request as u64 == word)
    }
}

/// Beside an argument: go on even if the caller is in the background, because it ignores or blocks `SIGTTOU`.
pub const ANYWAY: u64 = 1 << 63;

/// When attributes change.
pub mod when {
    /// At once.
    pub const NOW: u64 = 0;
    /// When all output has been taken.
    pub const DRAIN: u64 = 1;
    /// When all output has been taken; input that was not read is thrown away.
    pub const FLUSH: u64 = 2;
}

/// What is thrown away.
pub mod queue {
    /// Input that was not read.
    pub const INPUT: u64 = 0;
    /// Output that was not taken.
    pub const OUTPUT: u64 = 1;
    /// Both.
    pub const BOTH: u64 = 2;
}

/// What is stopped or started.
pub mod flow {
    /// Output is held back.
    pub const OUTPUT_OFF: u64 = 0;
    /// Output goes on.
    pub const OUTPUT_ON: u64 = 1;
    /// The other end is sent the stop character.
    pub const INPUT_OFF: u64 = 2;
    /// The other end is sent the start character.
    pub const INPUT_ON: u64 = 3;
}

/// What a process is to a terminal.
pub mod standing {
    /// In the foreground, or not of its session.
    pub const FOREGROUND: u64 = 0;
    /// In the background.
    pub const BACKGROUND: u64 = 1;
    /// In the background, and nobody is left in the session who could bring its group to the front.
    pub const ORPHANED: u64 = 2;
}

/// Arguments of `dup`, and what the descriptors that come back are.
pub mod part {
    /// A [`Termios`](super::Termios).
    pub const ATTRIBUTES: &str = "termios";
    /// A [`WindowSize`](super::WindowSize).
    pub const SIZE: &str = "winsize";
    /// The foreground group, four bytes or eight.
    pub const GROUP: &str = "pgrp";
    /// Written only: which queue to throw away ([`queue`](super::queue)), at most eight bytes.
    pub const FLUSH: &str = "flush";
}

/// What a packet's first byte says.
pub mod packet {
    /// What follows is output.
    pub const DATA: u8 = 0;
    /// Input was thrown away.
    pub const FLUSH_READ: u8 = 1;
    /// Output was thrown away.
    pub const FLUSH_WRITE: u8 = 2;
    /// Output is held back.
    pub const STOP: u8 = 4;
    /// Output goes on.
    pub const START: u8 = 8;
    /// The stop and start characters are ordinary ones, or others, now.
    pub const NO_STOP: u8 = 16;
    /// The stop and start characters are `^S` and `^Q` now.
    pub const DO_STOP: u8 = 32;
}

/// How a terminal treats what goes through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Termios {
    /// Input: bits of [`input`].
    pub input: u32,
    /// Output: bits of [`output`].
    pub output: u32,
    /// The line: bits of [`control`].
    pub control: u32,
    /// Editing and signals: bits of [`local`].
    pub local: u32,
    /// The discipline; there is one.
    pub discipline: u8,
    /// Special characters, by [`character`]. 0 switches one off.
    pub characters: [u8; CHARACTERS],
    /// Code of the speed of input.
    pub input_speed: u32,
    /// Code of the speed of output.
    pub output_speed: u32,
}

/// Room for special characters.
pub const CHARACTERS: usize = 32;
/// Code of 38,400 baud, which means nothing here and is what terminals say.
pub const SPEED: u32 = 0o17;

impl Termios {
    /// Bytes of one.
    pub const SIZE: usize = size_of::<Self>();
    /// What a new terminal has.
    pub const SANE: Self = Self {
        input: input::ICRNL | input::IXON | input::IUTF8,
        output: output::OPOST | output::ONLCR,
        control: control::CS8 | control::CREAD | control::HUPCL,
        local: local::ISIG
            | local::ICANON
            | local::IEXTEN
            | local::ECHO
            | local::ECHOE
            | local::ECHOK
            | local::ECHOCTL
            | local::ECHOKE,
        discipline: 0,
        characters: character::SANE,
        input_speed: SPEED,
        output_speed: SPEED,
    };

    /// The structure as bytes. What lies between fields is 0.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let words = [self.input, self.output, self.control, self.local];
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        bytes[16] = self.discipline;
        bytes[17..17 + CHARACTERS].copy_from_slice(&self.characters);
        bytes[52..56].copy_from_slice(&self.input_speed.to_ne_bytes());
        bytes[56..60].copy_from_slice(&self.output_speed.to_ne_bytes());
        bytes
    }

    /// The structure that bytes are, if there are enough. Any bytes are one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<{ Self::SIZE }>()?;
        let word = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut characters = [0; CHARACTERS];
        characters.copy_from_slice(&bytes[17..17 + CHARACTERS]);
        Some(Self {
            input: word(0),
            output: word(4),
            control: word(8),
            local: word(12),
            discipline: bytes[16],
            characters,
            input_speed: word(52),
            output_speed: word(56),
        })
    }
}

const _: () = assert!(Termios::SIZE == 60);

/// Size of a terminal's window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct WindowSize {
    /// Lines of characters.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
}

impl WindowSize {
    /// Bytes of one.
    pub const SIZE: usize = size_of::<Self>();

    /// The structure as bytes.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        for (to, word) in bytes.chunks_exact_mut(2).zip([self.rows, self.columns, self.width, self.height]) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// The structure that bytes are, if there are enough.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<{ Self::SIZE }>()?;
        let word = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        Some(Self { rows: word(0), columns: word(2), width: word(4), height: word(6) })
    }
}

/// Places of special characters.
pub mod character {
    /// Ends the input.
    pub const VEOF: usize = 0;
    /// Ends a line, besides newline.
    pub const VEOL: usize = 1;
    /// Ends a line too.
    pub const VEOL2: usize = 2;
    /// Erases a character.
    pub const VERASE: usize = 3;
    /// Erases a word.
    pub const VWERASE: usize = 4;
    /// Erases the line.
    pub const VKILL: usize = 5;
    /// Shows the line again.
    pub const VREPRINT: usize = 6;
    /// Interrupts.
    pub const VINTR: usize = 8;
    /// Ends with a dump.
    pub const VQUIT: usize = 9;
    /// Suspends.
    pub const VSUSP: usize = 10;
    /// Lets output go on.
    pub const VSTART: usize = 12;
    /// Holds output back.
    pub const VSTOP: usize = 13;
    /// Takes what follows as it is.
    pub const VLNEXT: usize = 14;
    /// Least bytes of a read without lines.
    pub const VMIN: usize = 16;
    /// Tenths of a second that such a read waits.
    pub const VTIME: usize = 17;

    /// Those of a new terminal.
    pub const SANE: [u8; super::CHARACTERS] = {
        let mut list = [0; super::CHARACTERS];
        list[VEOF] = 0x04;
        list[VERASE] = 0x7f;
        list[VWERASE] = 0x17;
        list[VKILL] = 0x15;
        list[VREPRINT] = 0x12;
        list[VINTR] = 0x03;
        list[VQUIT] = 0x1c;
        list[VSUSP] = 0x1a;
        list[VSTART] = 0x11;
        list[VSTOP] = 0x13;
        list[VLNEXT] = 0x16;
        list[VMIN] = 1;
        list
    };
}

/// Bits of [`Termios::input`].
pub mod input {
    /// Marks doubtful bytes: a byte 255 comes twice.
    pub const PARMRK: u32 = 0o10;
    /// Takes away the eighth bit.
    pub const ISTRIP: u32 = 0o40;
    /// Newline becomes carriage return.
    pub const INLCR: u32 = 0o100;
    /// Carriage return is left out.
    pub const IGNCR: u32 = 0o200;
    /// Carriage return becomes newline.
    pub const ICRNL: u32 = 0o400;
    /// The stop and start characters hold output back and let it go on.
    pub const IXON: u32 = 0o1_000;
    /// The other end is sent them when input is full.
    pub const IXOFF: u32 = 0o2_000;
    /// Any character lets output go on.
    pub const IXANY: u32 = 0o4_000;
    /// The bell rings when a line gets too long.
    pub const IMAXBEL: u32 = 0o20_000;
    /// Characters are UTF-8.
    pub const IUTF8: u32 = 0o40_000;
}

/// Bits of [`Termios::output`].
pub mod output {
    /// The others count.
    pub const OPOST: u32 = 0o1;
    /// Newline becomes carriage return and newline.
    pub const ONLCR: u32 = 0o2;
    /// Small letters become capitals.
    pub const OLCUC: u32 = 0o4;
    /// Carriage return becomes newline.
    pub const OCRNL: u32 = 0o10;
    /// No carriage return at the start of a line.
    pub const ONOCR: u32 = 0o20;
    /// Newline goes to the start of the line by itself.
    pub const ONLRET: u32 = 0o40;
    /// What is done with tabs.
    pub const TABDLY: u32 = 0o14_000;
    /// They become spaces.
    pub const TAB3: u32 = 0o14_000;
}

/// Bits of [`Termios::control`]. They mean nothing to a line that is none.
pub mod control {
    /// Eight bits a character.
    pub const CS8: u32 = 0o1_400;
    /// Bits a character.
    pub const CSIZE: u32 = 0o1_400;
    /// Receives.
    pub const CREAD: u32 = 0o4_000;
    /// Parity.
    pub const PARENB: u32 = 0o10_000;
    /// Hangs up with the last close.
    pub const HUPCL: u32 = 0o40_000;
}

/// Bits of [`Termios::local`].
pub mod local {
    /// Erasing the line erases it on the screen.
    pub const ECHOKE: u32 = 0x1;
    /// Erasing a character erases it on the screen.
    pub const ECHOE: u32 = 0x2;
    /// Erasing the line begins a new one.
    pub const ECHOK: u32 = 0x4;
    /// Input is shown.
    pub const ECHO: u32 = 0x8;
    /// Newlines are shown even if nothing else is.
    pub const ECHONL: u32 = 0x10;
    /// Control characters are shown as `^X`.
    pub const ECHOCTL: u32 = 0x40;
    /// Signals by special characters.
    pub const ISIG: u32 = 0x80;
    /// Input by lines.
    pub const ICANON: u32 = 0x100;
    /// Further special characters: word, reprint, next.
    pub const IEXTEN: u32 = 0x400;
    /// The background may not write.
    pub const TOSTOP: u32 = 0x40_0000;
    /// Signals leave the queues as they are.
    pub const NOFLSH: u32 = 0x8000_0000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_survive_their_bytes() {
        let termios = Termios { local: 0x1234_5678, input_speed: 7, ..Termios::SANE };
        assert_eq!(Termios::from_bytes(&termios.to_bytes()), Some(termios));
        assert_eq!(Termios::from_bytes(&[0; Termios::SIZE - 1]), None);
        let size = WindowSize { rows: 24, columns: 80, width: 640, height: 384 };
        assert_eq!(WindowSize::from_bytes(&size.to_bytes()), Some(size));
    }

    #[test]
    fn requests_are_told_apart() {
        for request in Request::ALL {
            assert_eq!(Request::from_word(request as u64), Some(request));
            assert_eq!(Request::from_word(request as u64 & 0xffff_ffff), None);
        }
    }
}
