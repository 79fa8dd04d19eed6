//! When a driver that died is started again: soon at first, later and later while it keeps dying, and no more at last.

use std::time::Duration;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
/// A driver that ran as long as this has not failed at starting.
const HEALTHY: Duration = Duration::from_secs(20);
/// So many failures in a row, and it is left alone.
const MOST: u32 = 10;

/// The failures of a driver so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It has died after it ran this long: the pause before it is started again; none when it is not to be.
    pub fn died_after(&mut self, ran: Duration) -> Option<Duration> {
        self.failures = if ran >= HEALTHY { 1 } else { self.failures + 1 };
        (self.failures < MOST).then(|| (FIRST * 2_u32.pow(self.failures - 1)).min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> =
            std::iter::from_fn(|| backoff.died_after(Duration::ZERO)).map(|it| it.as_millis()).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    }

    #[test]
    fn who_ran_long_begins_anew() {
        let mut backoff = Backoff::default();
        (0..50).for_each(|_| assert_eq!(backoff.died_after(HEALTHY), Some(FIRST)));
    }
}
