//! Commands to a device: each byte waits until the one before it was acknowledged.

use std::collections::VecDeque;

/// Answers: taken, say it again.
const ACKNOWLEDGED: u8 = 0xfa;
const AGAIN: u8 = 0xfe;
/// A byte is said so often before it is given up.
const ATTEMPTS: u32 = 3;

/// What is to be said to a device.
#[derive(Debug, Default)]
pub struct Commands {
    waiting: VecDeque<u8>,
    /// The first one was sent, and so many times.
    sent: u32,
}

impl Commands {
    /// Adds bytes; answers the one to be sent now.
    pub fn add(&mut self, bytes: &[u8]) -> Option<u8> {
        self.waiting.extend(bytes);
        if self.sent == 0 { self.next() } else { None }
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.waiting.front().copied();
        self.sent = u32::from(next.is_some());
        next
    }

    /// Whether an answer is waited for.
    pub fn is_waiting(&self) -> bool {
        self.sent != 0
    }

    /// Forgets all that is left.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.sent = 0;
    }

    /// Takes an answer: whether the byte was one, and the next byte to be sent.
    pub fn answer(&mut self, byte: u8) -> (bool, Option<u8>) {
        match byte {
            ACKNOWLEDGED if self.is_waiting() => {
                self.waiting.pop_front();
                (true, self.next())
            }
            AGAIN if self.is_waiting() && self.sent < ATTEMPTS => {
                self.sent += 1;
                (true, self.waiting.front().copied())
            }
            AGAIN if self.is_waiting() => {
                self.clear();
                (true, None)
            }
            _ => (false, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_after_the_other() {
        let mut commands = Commands::default();
        assert_eq!(commands.add(&[1, 2]), Some(1));
        assert_eq!(commands.add(&[3]), None);
        assert_eq!(commands.answer(0x1e), (false, None));
        assert_eq!(commands.answer(ACKNOWLEDGED), (true, Some(2)));
        assert_eq!(commands.answer(AGAIN), (true, Some(2)));
        assert_eq!(commands.answer(AGAIN), (true, Some(2)));
        assert_eq!(commands.answer(AGAIN), (true, None));
        assert!(!commands.is_waiting());
        assert_eq!(commands.answer(ACKNOWLEDGED), (false, None));
    }
}
