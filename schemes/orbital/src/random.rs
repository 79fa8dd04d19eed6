//! Numbers for tests: the same ones each time.

/// A generator (xorshift).
pub struct Random(u64);

impl Random {
    /// A generator; each seed has its own numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below another one, which is not 0.
    pub fn below(&mut self, most: u64) -> u64 {
        (self.number() >> 16) % most
    }
}
