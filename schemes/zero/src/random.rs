//! The generator of random bytes.
//!
//! ChaCha20 (RFC 8439) makes the bytes. Each request replaces the key by bytes that nobody else gets to see, so that who learns
//! the key later cannot tell what was given out before. New entropy is mixed into the key by SHA-256, which never makes it
//! easier to guess, whoever chose what is mixed in.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

use crate::entropy::Entropy;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes given out before the generator is seeded again.
const SEED_BYTES: u64 = 1 << 20;
/// Requests answered before the generator is seeded again.
const SEED_REQUESTS: u32 = 4096;

/// A generator that is seeded from time to time.
pub struct Generator<E> {
    key: [u8; KEY],
    entropy: E,
    /// Bytes and requests since it was seeded.
    bytes: u64,
    requests: u32,
}

impl<E: Entropy> Generator<E> {
    /// A generator that is seeded from here.
    pub fn new(entropy: E) -> Self {
        let mut generator = Self { key: [0; KEY], entropy, bytes: 0, requests: 0 };
        generator.seed();
        generator
    }

    /// Fills a buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        if self.bytes >= SEED_BYTES || self.requests >= SEED_REQUESTS {
            self.seed();
        }
        self.bytes = self.bytes.saturating_add(buffer.len() as u64);
        self.requests += 1;
        let mut stream = ChaCha20Rng::from_seed(self.key);
        stream.fill_bytes(&mut self.key);
        stream.fill_bytes(buffer);
    }

    /// Mixes in what somebody else thinks is random.
    pub fn mix(&mut self, bytes: &[u8]) {
        let mut hash = Sha256::new_with_prefix(self.key);
        hash.update(bytes);
        self.key = hash.finalize().into();
    }

    fn seed(&mut self) {
        let mut hash = Sha256::new_with_prefix(self.key);
        self.entropy.gather(&mut |bytes| hash.update(bytes));
        self.key = hash.finalize().into();
        (self.bytes, self.requests) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entropy that says how often it was asked.
    #[derive(Default)]
    struct Counter(u8);

    impl Entropy for Counter {
        fn gather(&mut self, take: &mut dyn FnMut(&[u8])) {
            self.0 += 1;
            take(&[self.0]);
        }
    }

    fn bytes(generator: &mut Generator<Counter>, len: usize) -> Vec<u8> {
        let mut buffer = vec![0; len];
        generator.fill(&mut buffer);
        buffer
    }

    #[test]
    fn no_two_requests_are_alike() {
        let mut generator = Generator::new(Counter::default());
        let first = bytes(&mut generator, 64);
        assert_ne!(first, bytes(&mut generator, 64));
        // The same seed gives the same; how a request is divided makes no difference to its own bytes only.
        let mut again = Generator::new(Counter::default());
        assert_eq!(bytes(&mut again, 64), first);
        assert_ne!([bytes(&mut again, 32), bytes(&mut again, 32)].concat(), first);
    }

    #[test]
    fn bytes_do_not_repeat_the_key() {
        let mut generator = Generator::new(Counter::default());
        let given = bytes(&mut generator, 4096);
        assert!(!given.windows(KEY).any(|window| window == generator.key));
        // All values come about equally often: 16 of each are expected here.
        let mut counts = [0_u32; 256];
        given.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
        assert!(counts.iter().all(|&count| (1..50).contains(&count)), "{counts:?}");
    }

    #[test]
    fn what_is_written_matters() {
        let [mut a, mut b, mut c] = [(); 3].map(|()| Generator::new(Counter::default()));
        a.mix(b"x");
        b.mix(b"y");
        c.mix(b"");
        let all = [a, b, c].map(|mut generator| bytes(&mut generator, 32));
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
    }

    #[test]
    fn it_is_seeded_again() {
        let mut generator = Generator::new(Counter::default());
        bytes(&mut generator, SEED_BYTES as usize);
        assert_eq!(generator.entropy.0, 1);
        bytes(&mut generator, 1);
        assert_eq!(generator.entropy.0, 2);
        for _ in 0..SEED_REQUESTS {
            bytes(&mut generator, 1);
        }
        assert_eq!(generator.entropy.0, 3);
    }
}
