//! Being told when time is up. The daemon's loop waits for requests only, so a thread makes one: a write to the scheme's own
//! clock.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use libredox::Fd;

/// The time that is waited for, and whoever waits.
#[derive(Clone, Default)]
pub struct Alarm {
    shared: Arc<(Mutex<Option<Instant>>, Condvar)>,
}

impl Alarm {
    /// Starts the thread, which writes to `clock`.
    pub fn start(clock: Fd) -> Self {
        let alarm = Self::default();
        let waiting = alarm.clone();
        std::thread::spawn(move || {
            loop {
                waiting.wait();
                // If the daemon ends there is nobody to be told.
                if clock.write(&[0]).is_err() {
                    return;
                }
            }
        });
        alarm
    }

    /// Rings at this time, or before if that was asked for.
    pub fn ring_at(&self, time: Instant) {
        let (next, changed) = &*self.shared;
        let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.is_none_or(|known| time < known) {
            *next = Some(time);
            changed.notify_one();
        }
    }

    /// Waits until it rings.
    fn wait(&self) {
        let (next, changed) = &*self.shared;
        let mut guard = next.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let now = Instant::now();
            guard = match *guard {
                Some(time) if time <= now => {
                    *guard = None;
                    return;
                }
                Some(time) => changed.wait_timeout(guard, time - now).unwrap_or_else(PoisonError::into_inner).0,
                None => changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
