//! The state of a line, and what both sides do with it.

use core::time::Duration;

use bitflags::bitflags;
use ochre_abi::terminal::character::{VEOL, VEOL2, VMIN, VSTART, VSTOP, VTIME};
use ochre_abi::terminal::input::{ICRNL, IGNCR, INLCR, ISTRIP, IUTF8, IXOFF, IXON, PARMRK};
use ochre_abi::terminal::local::{ECHO, ICANON, IEXTEN, ISIG};
use ochre_abi::terminal::{Termios, flow, packet, queue};

use crate::input::{INPUT_MAX, Input};
use crate::output::Output;

/// With this much to be read the other end is asked to stop, and with this little to go on.
const FULL: usize = INPUT_MAX / 4 * 3;
const EMPTY: usize = INPUT_MAX / 4;

bitflags! {
    /// Signals to the foreground group.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Signals: u8 {
        /// `SIGINT`.
        const INTERRUPT = 1;
        /// `SIGQUIT`.
        const QUIT = 2;
        /// `SIGTSTP`.
        const SUSPEND = 4;
    }
}

/// What is to happen elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Signals to be sent.
    pub signals: Signals,
    /// What the master is told in packet mode ([`packet`]).
    pub packet: u8,
}

/// What comes of a program's read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes were read.
    Done(usize),
    /// It waits: for input, and if a time is given no longer than until then.
    Wait(Option<Duration>),
}

/// A terminal's line.
#[derive(Clone, Debug)]
pub struct Line {
    pub(crate) termios: Termios,
    pub(crate) input: Input,
    pub(crate) output: Output,
    /// The next byte is taken as it is.
    pub(crate) literal: bool,
    /// Column in which the line that is being edited began.
    pub(crate) line_column: usize,
    /// The other end was sent the stop character.
    throttled: bool,
    last_input: Duration,
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

impl Line {
    /// A line as a new terminal has it.
    pub fn new() -> Self {
        Self {
            termios: Termios::SANE,
            input: Input::default(),
            output: Output::default(),
            literal: false,
            line_column: 0,
            throttled: false,
            last_input: Duration::ZERO,
        }
    }

    /// The settings.
    pub fn termios(&self) -> &Termios {
        &self.termios
    }

    pub(crate) fn has_local(&self, flag: u32) -> bool {
        self.termios.local & flag != 0
    }

    pub(crate) fn has_input(&self, flag: u32) -> bool {
        self.termios.input & flag != 0
    }

    /// Whether a byte is the special character of this place.
    pub(crate) fn is_character(&self, place: usize, byte: u8) -> bool {
        byte != 0 && self.termios.characters[place] == byte
    }

    /// Changes the settings. What was typed stays: lines become bytes, bytes become lines as far as they go.
    pub fn set_termios(&mut self, new: &Termios) -> Effects {
        let old = core::mem::replace(&mut self.termios, Termios { discipline: 0, ..*new });
        let mut effects = Effects::default();
        if (old.local ^ new.local) & ICANON != 0 {
            self.literal = false;
            if self.has_local(ICANON) {
                self.find_lines();
            } else {
                self.input.forget_lines();
            }
        }
        if self.output.stopped && old.input & IXON != 0 && !self.has_input(IXON) {
            self.hold(false, &mut effects);
        }
        let usual = |termios: &Termios| {
            let [start, stop] = [VSTART, VSTOP].map(|place| termios.characters[place]);
            termios.input & IXON != 0 && (start, stop) == (0x11, 0x13)
        };
        match (usual(&old), usual(new)) {
            (true, false) => effects.packet |= packet::NO_STOP,
            (false, true) => effects.packet |= packet::DO_STOP,
            _ => {}
        }
        effects
    }

    fn find_lines(&mut self) {
        let characters = self.termios.characters;
        let extended = self.has_local(IEXTEN);
        self.input.find_lines(|byte| {
            let ends = |place: usize| byte != 0 && characters[place] == byte;
            byte == b'\n' || ends(VEOL) || extended && ends(VEOL2)
        });
        self.line_column = self.output.column;
    }

    /// Takes what was typed at the terminal, as far as there is room; answers how many bytes that were.
    pub fn receive(&mut self, bytes: &[u8], now: Duration, effects: &mut Effects) -> usize {
        let count = if self.is_plain() {
            let count = bytes.len().min(INPUT_MAX.saturating_sub(self.input.len()));
            self.input.extend(&bytes[..count]);
            count
        } else {
            self.edit(bytes, effects)
        };
        if count > 0 {
            self.last_input = now;
        }
        if self.has_input(IXOFF) && !self.throttled && self.input.len() >= FULL {
            self.throttle(true);
        }
        count
    }

    /// Whether incoming bytes are only kept.
    fn is_plain(&self) -> bool {
        const LOCAL: u32 = ICANON | ISIG | ECHO;
        const INPUT: u32 = PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON;
        !self.has_local(LOCAL) && !self.has_input(INPUT) && !self.literal
    }

    /// Whether a byte that is typed would be kept.
    pub fn can_receive(&self) -> bool {
        self.has_room()
    }

    /// A program's read that began at `started`. One that does not wait for anything takes what there is.
    pub fn read(&mut self, to: &mut [u8], nonblock: bool, started: Duration, now: Duration) -> Read {
        if to.is_empty() {
            return Read::Done(0);
        }
        let answer = if self.has_local(ICANON) {
            if self.input.has_line() { Read::Done(self.input.read_line(to)) } else { Read::Wait(None) }
        } else {
            self.read_bytes(to, nonblock, started, now)
        };
        if self.throttled && self.input.len() <= EMPTY {
            self.throttle(false);
        }
        answer
    }

    fn read_bytes(&mut self, to: &mut [u8], nonblock: bool, started: Duration, now: Duration) -> Read {
        let least = usize::from(self.termios.characters[VMIN]);
        let time = Duration::from_millis(100 * u64::from(self.termios.characters[VTIME]));
        let there = self.input.len();
        let deadline = match least {
            0 => Some(started + time),
            _ if there > 0 && !time.is_zero() => Some(started.max(self.last_input) + time),
            _ => None,
        };
        let enough = there > 0 && (nonblock || there >= least.min(to.len()));
        if enough || deadline.is_some_and(|deadline| now >= deadline) {
            return Read::Done(self.input.read(to));
        }
        Read::Wait(deadline)
    }

    /// Whether a read would give something at once, as who waits for events understands it.
    pub fn is_readable(&self) -> bool {
        if self.has_local(ICANON) {
            return self.input.has_line();
        }
        let [least, time] = [VMIN, VTIME].map(|place| usize::from(self.termios.characters[place]));
        self.input.len() >= if time == 0 { least.max(1) } else { 1 }
    }

    /// Bytes that can be read.
    pub fn input_count(&self) -> usize {
        if self.has_local(ICANON) { self.input.whole() } else { self.input.len() }
    }

    /// A program's output, as much as there is room for; 0 when it is to wait.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.output.write(self.termios.output, self.has_input(IUTF8), bytes)
    }

    /// Whether a write would take something.
    pub fn can_write(&self) -> bool {
        self.output.room(self.termios.output, usize::MAX) > 0
    }

    /// Bytes of output that the terminal has not taken.
    pub fn output_count(&self) -> usize {
        self.output.len()
    }

    /// Bytes of output that the terminal can take now.
    pub fn output_ready(&self) -> usize {
        self.output.ready()
    }

    /// Takes output for the terminal, as much as fits.
    pub fn take_output(&mut self, to: &mut [u8]) -> usize {
        self.output.take(to)
    }

    /// Throws away what is waiting ([`queue`]); `None`: there is no such queue.
    pub fn flush(&mut self, which: u64) -> Option<Effects> {
        let (input, output) = match which {
            queue::INPUT => (true, false),
            queue::OUTPUT => (false, true),
            queue::BOTH => (true, true),
            _ => return None,
        };
        let mut effects = Effects::default();
        if input {
            self.input.clear();
            self.literal = false;
            effects.packet |= packet::FLUSH_READ;
            if self.throttled {
                self.throttle(false);
            }
        }
        if output {
            self.output.clear();
            effects.packet |= packet::FLUSH_WRITE;
        }
        Some(effects)
    }

    /// Stops or starts one direction ([`flow`]); `None`: there is no such action.
    pub fn flow(&mut self, action: u64) -> Option<Effects> {
        let mut effects = Effects::default();
        match action {
            flow::OUTPUT_OFF => self.hold(true, &mut effects),
            flow::OUTPUT_ON => self.hold(false, &mut effects),
            flow::INPUT_OFF => self.throttle(true),
            flow::INPUT_ON => self.throttle(false),
            _ => return None,
        }
        Some(effects)
    }

    /// Holds output back or lets it go on.
    pub(crate) fn hold(&mut self, stop: bool, effects: &mut Effects) {
        if self.output.stopped != stop {
            self.output.stopped = stop;
            effects.packet &= !(packet::STOP | packet::START);
            effects.packet |= if stop { packet::STOP } else { packet::START };
        }
    }

    /// Asks the other end to stop or to go on.
    fn throttle(&mut self, stop: bool) {
        let character = self.termios.characters[if stop { VSTOP } else { VSTART }];
        if character != 0 {
            self.output.set_urgent(character);
        }
        self.throttled = stop;
    }
}
