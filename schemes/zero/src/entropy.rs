//! Where randomness comes from: the processor's generators, and the time that small things take.

use std::hint::black_box;
use std::time::Instant;

use chacha20::rand_core::TryRng;
use rdrand::{RdRand, RdSeed};

/// Words taken of each generator of the processor at a time: 256 bits.
const WORDS: usize = 4;
/// Times measured at a time beside a generator of the processor, and without one.
const SAMPLES: (u32, u32) = (64, 4096);

/// A source of randomness.
pub trait Entropy {
    /// Gives what there is to `take`, in pieces.
    fn gather(&mut self, take: &mut dyn FnMut(&[u8]));
}

/// What this machine has.
pub struct Machine {
    seed: Option<RdSeed>,
    random: Option<RdRand>,
    start: Instant,
}

impl Machine {
    /// Looks what there is.
    pub fn new() -> Self {
        Self { seed: RdSeed::new().ok(), random: RdRand::new().ok(), start: Instant::now() }
    }

    /// Whether the processor makes random numbers.
    pub fn has_generator(&self) -> bool {
        self.seed.is_some() || self.random.is_some()
    }
}

/// Words of a generator, which may have none for the moment.
fn words<G: TryRng>(generator: &mut Option<G>, take: &mut dyn FnMut(&[u8])) {
    if let Some(generator) = generator {
        for word in (0..WORDS).map_while(|_| generator.try_next_u64().ok()) {
            take(&word.to_ne_bytes());
        }
    }
}

impl Entropy for Machine {
    fn gather(&mut self, take: &mut dyn FnMut(&[u8])) {
        words(&mut self.seed, take);
        words(&mut self.random, take);
        let samples = if self.has_generator() { SAMPLES.0 } else { SAMPLES.1 };
        for round in 0..samples {
            // Memory and caches make the time of this differ.
            let work: Vec<u32> = black_box((0..=round % 61).collect());
            drop(black_box(work));
            let time = self.start.elapsed().as_nanos() as u64;
            take(&time.to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(machine: &mut Machine) -> Vec<u8> {
        let mut all = Vec::new();
        machine.gather(&mut |bytes| all.extend_from_slice(bytes));
        all
    }

    #[test]
    fn no_two_gatherings_are_alike() {
        let mut machine = Machine::new();
        let (first, second) = (gathered(&mut machine), gathered(&mut machine));
        assert_ne!(first, second);
        assert!(first.len() >= SAMPLES.0 as usize * 8);
    }

    #[test]
    fn without_a_generator_times_must_do() {
        let mut machine = Machine { seed: None, random: None, start: Instant::now() };
        assert!(!machine.has_generator());
        assert_eq!(gathered(&mut machine).len(), SAMPLES.1 as usize * 8);
    }
}
