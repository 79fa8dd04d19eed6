//! The kernel log: a ring of bytes that keeps the newest.

/// The last `N` bytes written. Positions count all bytes ever written, so a reader notices what it missed.
pub struct Ring<const N: usize> {
    bytes: [u8; N],
    written: u64,
}

impl<const N: usize> Ring<N> {
    /// Empty.
    pub const fn new() -> Self {
        Ring { bytes: [0; N], written: 0 }
    }

    /// Adds bytes; the oldest go.
    pub fn write(&mut self, bytes: &[u8]) {
        self.written += bytes.len() as u64;
        let kept = &bytes[bytes.len().saturating_sub(N)..];
        let at = ((self.written - kept.len() as u64) % N as u64) as usize;
        let first = kept.len().min(N - at);
        self.bytes[at..at + first].copy_from_slice(&kept[..first]);
        self.bytes[..kept.len() - first].copy_from_slice(&kept[first..]);
    }

    /// Position of the oldest byte that is still here.
    pub fn start(&self) -> u64 {
        self.written.saturating_sub(N as u64)
    }

    /// Position behind the newest byte.
    pub fn end(&self) -> u64 {
        self.written
    }

    /// Copies bytes from `position` on, or from the oldest if that one is gone already; answers how many.
    pub fn read(&self, position: u64, into: &mut [u8]) -> usize {
        let position = position.clamp(self.start(), self.end());
        let len = into.len().min((self.end() - position) as usize);
        let at = (position % N as u64) as usize;
        let first = len.min(N - at);
        into[..first].copy_from_slice(&self.bytes[at..at + first]);
        into[first..len].copy_from_slice(&self.bytes[..len - first]);
        len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn agrees_with_a_vector() {
        let mut ring: Ring<16> = Ring::new();
        let mut all: Vec<u8> = Vec::new();
        for round in 0..200usize {
            let piece: Vec<u8> = (0..round % 37).map(|n| (round * 7 + n) as u8).collect();
            ring.write(&piece);
            all.extend(&piece);
            let start = all.len().saturating_sub(16);
            assert_eq!((ring.start(), ring.end()), (start as u64, all.len() as u64));
            for from in start..=all.len() {
                let mut out = [0; 16];
                let len = ring.read(from as u64, &mut out);
                assert_eq!(&out[..len], &all[from..]);
                assert_eq!(ring.read(from as u64, &mut out[..3]), 3.min(all.len() - from));
            }
            let mut out = [0; 16];
            assert_eq!(ring.read(0, &mut out), all.len().min(16));
            assert_eq!(ring.read(u64::MAX, &mut out), 0);
        }
    }
}
