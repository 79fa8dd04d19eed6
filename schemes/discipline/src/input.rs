//! What was typed and not yet read.

use alloc::collections::VecDeque;

/// Most bytes kept.
pub const INPUT_MAX: usize = 16 << 10;
/// Longest line, with what ends it.
pub const LINE_MAX: usize = 4096;

/// Most lines kept: an empty one, the end of input, takes no bytes.
pub const LINES_MAX: usize = 4096;

/// Bytes in the order they came. By lines, the front part consists of whole lines and the rest is still edited.
#[derive(Clone, Debug, Default)]
pub struct Input {
    bytes: VecDeque<u8>,
    /// Lengths of the whole lines in front. One of length 0 is an end of input.
    lines: VecDeque<usize>,
    /// Bytes in whole lines.
    whole: usize,
}

impl Input {
    /// All bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether a whole line is there.
    pub fn has_line(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Whole lines.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// Bytes in whole lines.
    pub fn whole(&self) -> usize {
        self.whole
    }

    /// Bytes that are still edited.
    pub fn edited(&self) -> usize {
        self.bytes.len() - self.whole
    }

    /// The bytes that are still edited.
    pub fn edited_bytes(&self) -> impl DoubleEndedIterator<Item = u8> + '_ {
        self.bytes.range(self.whole..).copied()
    }

    /// Adds bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// Adds a byte.
    pub fn push(&mut self, byte: u8) {
        self.bytes.push_back(byte);
    }

    /// Takes back the last byte, if it is still edited.
    pub fn pop(&mut self) -> Option<u8> {
        if self.edited() == 0 { None } else { self.bytes.pop_back() }
    }

    /// Forgets what is edited.
    pub fn kill(&mut self) {
        self.bytes.truncate(self.whole);
    }

    /// What was edited is a line now; if it is empty, an end of input.
    pub fn end_line(&mut self) {
        self.lines.push_back(self.edited());
        self.whole = self.bytes.len();
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.forget_lines();
    }

    /// From now on there are only bytes.
    pub fn forget_lines(&mut self) {
        self.lines.clear();
        self.whole = 0;
    }

    /// From now on there are lines, which end where `ends` says; what is left is still edited.
    pub fn find_lines(&mut self, ends: impl Fn(u8) -> bool) {
        self.forget_lines();
        for (index, &byte) in self.bytes.iter().enumerate() {
            if ends(byte) {
                self.lines.push_back(index + 1 - self.whole);
                self.whole = index + 1;
            }
        }
    }

    /// Reads from the first line, up to its end.
    pub fn read_line(&mut self, to: &mut [u8]) -> usize {
        let Some(line) = self.lines.front_mut() else { return 0 };
        let count = (*line).min(to.len());
        *line -= count;
        if *line == 0 {
            self.lines.pop_front();
        }
        self.whole -= count;
        take(&mut self.bytes, &mut to[..count])
    }

    /// Reads bytes.
    pub fn read(&mut self, to: &mut [u8]) -> usize {
        take(&mut self.bytes, to)
    }
}

/// Moves bytes from the front of a queue, as many as there are and fit.
pub fn take(from: &mut VecDeque<u8>, to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    let (first, second) = from.as_slices();
    let split = first.len().min(count);
    to[..split].copy_from_slice(&first[..split]);
    to[split..count].copy_from_slice(&second[..count - split]);
    from.drain(..count);
    count
}
