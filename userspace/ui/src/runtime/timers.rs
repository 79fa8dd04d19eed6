//! Messages that come later, or again and again.

use std::time::{Duration, Instant};

use crate::app::Every;

/// What is to come.
pub struct Timers<Message> {
    once: Vec<(Instant, Message)>,
    every: Vec<(Instant, Every<Message>)>,
}

impl<Message> Default for Timers<Message> {
    fn default() -> Self {
        Self { once: Vec::new(), every: Vec::new() }
    }
}

impl<Message> Timers<Message> {
    /// A message, once.
    pub fn after(&mut self, at: Instant, message: Message) {
        self.once.push((at, message));
    }

    /// The messages that come again and again. One whose place and period are those of before keeps its time.
    pub fn set(&mut self, every: Vec<Every<Message>>, now: Instant) {
        let before: Vec<(Instant, Duration)> = self.every.iter().map(|(at, every)| (*at, every.period)).collect();
        let with_time = |(place, every): (usize, Every<Message>)| {
            let kept = before.get(place).filter(|(_, period)| *period == every.period).map(|(at, _)| *at);
            (kept.unwrap_or(now + every.period), every)
        };
        self.every = every.into_iter().enumerate().map(with_time).collect();
    }

    /// When the next comes.
    pub fn next(&self) -> Option<Instant> {
        let once = self.once.iter().map(|(at, _)| *at);
        once.chain(self.every.iter().map(|(at, _)| *at)).min()
    }

    /// Those whose time has come. What comes again is not made up for when it was missed.
    pub fn take_due(&mut self, now: Instant, due: &mut Vec<Message>) {
        due.extend(self.once.extract_if(.., |(at, _)| *at <= now).map(|(_, message)| message));
        for (at, every) in &mut self.every {
            if *at <= now {
                due.push((every.message)());
                *at = (*at + every.period).max(now + every.period / 2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(period: u64) -> Every<u32> {
        Every { period: Duration::from_secs(period), message: || 7 }
    }

    #[test]
    fn once_and_again_and_again() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        timers.after(at(3), 1);
        timers.set(vec![tick(2)], start);
        assert_eq!(timers.next(), Some(at(2)));
        let take = |timers: &mut Timers<u32>, now| {
            let mut due = Vec::new();
            timers.take_due(now, &mut due);
            due
        };
        assert_eq!(take(&mut timers, at(1)), []);
        assert_eq!(take(&mut timers, at(2)), [7]);
        // Asking again for the same does not begin anew.
        timers.set(vec![tick(2)], at(3));
        assert_eq!(take(&mut timers, at(3)), [1]);
        assert_eq!(timers.next(), Some(at(4)));
        // What was slept through comes once.
        assert_eq!(take(&mut timers, at(100)), [7]);
        assert_eq!(timers.next(), Some(at(101)));
        timers.set(vec![], at(100));
        assert_eq!(timers.next(), None);
    }
}
