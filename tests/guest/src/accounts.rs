//! What the kernel has given away: a test that leaks shows here.

use std::collections::BTreeMap;
use std::fmt;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Memory and threads in use, from `/scheme/sys/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Frames that neither are free nor belong to the kernel heap.
    pub frames: i64,
    /// Bytes in use in the kernel heap.
    pub heap: i64,
    /// Threads alive, or dead with a handle left.
    pub threads: i64,
}

/// Longest time for what was ended to be gone.
const SETTLE: Duration = Duration::from_secs(20);

impl Accounts {
    /// As they are now.
    pub fn now() -> Self {
        let text = std::fs::read_to_string("/scheme/sys/stat").expect("the kernel's statistics");
        let values: BTreeMap<&str, i64> = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
            .collect();
        let value = |name: &str| *values.get(name).unwrap_or_else(|| panic!("/scheme/sys/stat has no {name}"));
        Accounts {
            frames: value("frames_total") - value("frames_free") - value("heap_pages"),
            heap: value("heap_used_bytes"),
            threads: value("threads_live"),
        }
    }

    /// Does the same again and again until a round leaves no more in use than there was before it. The first rounds warm up
    /// what the kernel and the daemons keep for next time; what leaks grows in every one. Panics when eight rounds do.
    pub fn assert_steady(mut round: impl FnMut()) {
        const ROUNDS: usize = 8;
        let mut before = Accounts::now();
        for _ in 0..ROUNDS {
            round();
            let Err(after) = before.returned(0, 0, SETTLE / 10) else { return };
            before = after;
        }
        panic!("more is in use after each round; now: {before}");
    }

    /// Waits until no more is in use than at this moment before, and panics when that does not come. What the kernel keeps
    /// for next time is the caller's to have warmed up; `frames` and `heap` more than that are forgiven.
    pub fn assert_returned(self, frames: i64, heap: i64) {
        if let Err(now) = self.returned(frames, heap, SETTLE) {
            for text in ["heap", "context"] {
                println!("{}", std::fs::read_to_string(format!("/scheme/sys/{text}")).unwrap_or_default());
            }
            panic!("leaked: {self} before, {now} after");
        }
    }

    /// Waits for [`Accounts::assert_returned`]; the error is what is in use after the time.
    fn returned(self, frames: i64, heap: i64, time: Duration) -> Result<(), Self> {
        let start = Instant::now();
        loop {
            let now = Accounts::now();
            if now.frames <= self.frames + frames && now.heap <= self.heap + heap && now.threads <= self.threads {
                println!("  accounts: {self} before, {now} after");
                return Ok(());
            }
            if start.elapsed() > time {
                return Err(now);
            }
            sleep(Duration::from_millis(50));
        }
    }
}

impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frames, {} heap bytes, {} threads", self.frames, self.heap, self.threads)
    }
}
