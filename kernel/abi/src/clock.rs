//! The clock page: what a program needs to read the clocks without a call. The kernel keeps its own clock in it, and the scheme
//! `time` lends it read-only as `page`.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The kernel's clock: nanoseconds since boot by the time stamp counter, and the time of day. One page, nothing else in it.
#[repr(C, align(4096))]
pub struct ClockPage {
    base: AtomicU64,
    factor: AtomicU64,
    epoch: AtomicU64,
}

impl ClockPage {
    /// A clock that stands at zero.
    pub const fn new() -> Self {
        Self { base: AtomicU64::new(0), factor: AtomicU64::new(0), epoch: AtomicU64::new(0) }
    }

    /// Starts it: zero when the counter stood at `base`, with the [`scale`] factor that makes nanoseconds of ticks. Done once,
    /// before there are programs.
    pub fn start(&self, base: u64, factor: u64) {
        self.base.store(base, Relaxed);
        self.factor.store(factor, Relaxed);
    }

    /// Sets the time of day: nanoseconds from 1970 to the clock's zero. One word, so that a reader sees the old time or the new one.
    pub fn set_epoch(&self, ns: u64) {
        self.epoch.store(ns, Relaxed);
    }

    /// The counter's value at the clock's zero.
    #[inline(always)]
    pub fn base(&self) -> u64 {
        self.base.load(Relaxed)
    }

    /// A span of counter ticks in nanoseconds.
    #[inline(always)]
    pub fn ticks_to_ns(&self, ticks: u64) -> u64 {
        scale(ticks, self.factor.load(Relaxed))
    }

    /// Nanoseconds since boot when the counter stands at `tsc`. A counter a little behind the first processor's gives zero at
    /// worst.
    #[inline(always)]
    pub fn monotonic(&self, tsc: u64) -> u64 {
        self.ticks_to_ns(tsc.saturating_sub(self.base()))
    }

    /// Nanoseconds since 1970, UTC.
    #[inline(always)]
    pub fn realtime(&self, tsc: u64) -> u64 {
        self.epoch.load(Relaxed).wrapping_add(self.monotonic(tsc))
    }
}

impl Default for ClockPage {
    fn default() -> Self {
        Self::new()
    }
}

/// `value` times a factor with 32 binary places.
#[inline(always)]
pub const fn scale(value: u64, factor: u64) -> u64 {
    ((value as u128 * factor as u128) >> 32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_count_from_where_they_are_started() {
        let page = ClockPage::new();
        assert_eq!((size_of::<ClockPage>(), page.monotonic(7), page.realtime(7)), (4096, 0, 0));
        page.start(1000, 1 << 31);
        page.set_epoch(50);
        assert_eq!((page.monotonic(999), page.monotonic(1010), page.realtime(1010)), (0, 5, 55));
    }
}
