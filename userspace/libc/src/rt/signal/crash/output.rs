//! Text to standard error, a buffer at a time.

use core::fmt;

use crate::rt::sys;

/// Standard error.
const STDERR: usize = 2;

/// The text that is not written yet.
pub struct Output {
    bytes: [u8; 512],
    len: usize,
    failed: bool,
}

impl Output {
    /// None.
    pub fn new() -> Self {
        Output { bytes: [0; 512], len: 0, failed: false }
    }

    /// Writes what there is.
    pub fn flush(&mut self) {
        let mut rest = &self.bytes[..self.len];
        while !rest.is_empty() && !self.failed {
            match sys::write(STDERR, rest) {
                Ok(count) if count > 0 => rest = &rest[count.min(rest.len())..],
                _ => self.failed = true,
            }
        }
        self.len = 0;
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for chunk in text.as_bytes().chunks(self.bytes.len()) {
            if self.len + chunk.len() > self.bytes.len() {
                self.flush();
            }
            self.bytes[self.len..self.len + chunk.len()].copy_from_slice(chunk);
            self.len += chunk.len();
        }
        if self.failed { Err(fmt::Error) } else { Ok(()) }
    }
}
