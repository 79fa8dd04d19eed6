//! What threads have used, by the kernel's list of them, and waiting until they use nothing more.

use std::io::{Error, Result};
use std::thread::sleep;
use std::time::Duration;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Looks at something else between two of those.
const GLANCES: u32 = 10;
/// Nothing used for so long is quiet: longer than the wait for the next picture.
const QUIET: Duration = Duration::from_millis(120);
/// Longest wait for that.
const PATIENCE: Duration = Duration::from_secs(60);
/// This program's own name.
const OWN: &str = "bench-desk";

/// A number of the kernel's statistics.
pub fn figure(name: &str) -> Result<u64> {
    let text = std::fs::read_to_string("/scheme/sys/stat")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    line.ok_or_else(|| Error::other(format!("/scheme/sys/stat has no {name}")))
}

/// What some threads have done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Time of processors that they have used.
    pub time: Duration,
    /// How many there are.
    pub threads: usize,
}

/// Tells of each thread the name of its process and what it has used.
pub fn each(mut tell: impl FnMut(&str, Duration)) -> Result<()> {
    let text = std::fs::read_to_string("/scheme/sys/context")?;
    // thread pid uid gid state cpu level cpu_time_ns call name
    for words in text.lines().skip(1).map(|line| line.splitn(10, ' ').collect::<Vec<_>>()) {
        let [.., time, _, name] = words[..] else { continue };
        tell(name, Duration::from_nanos(time.parse().map_err(Error::other)?));
    }
    Ok(())
}

/// What all threads of processes with such names have done, but this program's own.
pub fn system(which: impl Fn(&str) -> bool) -> Result<System> {
    let mut found = System::default();
    each(|name, time| {
        if name != OWN && which(name) {
            found.time += time;
            found.threads += 1;
        }
    })?;
    Ok(found)
}

/// Waiting until threads use nothing.
pub struct Quiet<F> {
    which: F,
    least: Duration,
}

impl<F: Fn(&str) -> bool> Quiet<F> {
    /// Until those of processes with such names do.
    pub fn of(which: F) -> Self {
        Self { which, least: QUIET }
    }

    /// For so long.
    pub fn for_at_least(self, least: Duration) -> Self {
        Self { least, ..self }
    }

    /// Waits; answers how long the system had been up when it became quiet.
    pub fn wait(&self) -> Result<Duration> {
        self.meanwhile(|| Ok(()))
    }

    /// The same, looking at something else meanwhile, more often.
    pub fn meanwhile(&self, mut look: impl FnMut() -> Result<()>) -> Result<Duration> {
        let (mut last, mut since, mut waited) = (System::default(), Duration::ZERO, Duration::ZERO);
        let mut same = Duration::ZERO;
        while same < self.least {
            if waited > PATIENCE {
                return Err(Error::other("it does not become quiet"));
            }
            let now = system(&self.which)?;
            if now == last && now.threads != 0 {
                same += LOOK;
            } else {
                (last, same) = (now, Duration::ZERO);
                since = Duration::from_nanos(figure("uptime_ns")?);
            }
            for _ in 0..GLANCES {
                look()?;
                sleep(LOOK / GLANCES);
            }
            waited += LOOK;
        }
        Ok(since)
    }
}
