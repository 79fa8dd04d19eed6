//! Where randomness comes from: the processor's generators, and the time that small things take.
#![allow(unsafe_code)]

use std::arch::is_x86_feature_detected;
use std::arch::x86_64::{_rdrand64_step, _rdseed64_step};
use std::hint::black_box;
use std::time::Instant;

/// Words taken of each generator of the processor at a time: 256 bits.
const WORDS: usize = 4;
/// Tries for a word: a generator may have none for the moment (Intel, "Digital Random Number Generator", section 5.2.1).
const TRIES: usize = 10;
/// Times measured at a time beside a generator of the processor, and without one.
const SAMPLES: (u32, u32) = (64, 4096);

/// A source of randomness.
pub trait Entropy {
    /// Gives what there is to `take`, in pieces.
    fn gather(&mut self, take: &mut dyn FnMut(&[u8]));
}

/// What this machine has. A generator of the processor that is broken does no harm, because all sources are mixed; so none is
/// left out for its maker's name.
pub struct Machine {
    seed: bool,
    random: bool,
    start: Instant,
}

impl Machine {
    /// Looks what there is.
    pub fn new() -> Self {
        let (seed, random) = (is_x86_feature_detected!("rdseed"), is_x86_feature_detected!("rdrand"));
        Self { seed, random, start: Instant::now() }
    }

    /// Whether the processor makes random numbers.
    pub fn has_generator(&self) -> bool {
        self.seed || self.random
    }
}

/// A word of the generator behind `RDSEED`, if it has one.
#[target_feature(enable = "rdseed")]
fn seed_word() -> Option<u64> {
    let mut word = 0;
    (0..TRIES).any(|_| _rdseed64_step(&mut word) == 1).then_some(word)
}

/// A word of the generator behind `RDRAND`, if it has one.
#[target_feature(enable = "rdrand")]
fn random_word() -> Option<u64> {
    let mut word = 0;
    (0..TRIES).any(|_| _rdrand64_step(&mut word) == 1).then_some(word)
}

impl Entropy for Machine {
    fn gather(&mut self, take: &mut dyn FnMut(&[u8])) {
        for _ in 0..WORDS {
            // SAFETY: the processor has the instruction.
            let seed = if self.seed { unsafe { seed_word() } } else { None };
            // SAFETY: the processor has the instruction.
            let random = if self.random { unsafe { random_word() } } else { None };
            [seed, random].into_iter().flatten().for_each(|word| take(&word.to_ne_bytes()));
        }
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
        let mut machine = Machine { seed: false, random: false, start: Instant::now() };
        assert!(!machine.has_generator());
        assert_eq!(gathered(&mut machine).len(), SAMPLES.1 as usize * 8);
    }

    #[test]
    fn a_generator_is_used_if_there_is_one() {
        for (seed, random) in [(true, false), (false, true)] {
            let mut machine = Machine { start: Instant::now(), seed, random };
            let exists = Machine::new();
            if (seed && exists.seed) || (random && exists.random) {
                assert_eq!(gathered(&mut machine).len(), (SAMPLES.0 as usize + WORDS) * 8);
            }
        }
    }
}
