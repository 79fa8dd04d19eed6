//! Reads what the benchmark program printed.

use std::collections::BTreeMap;

/// One measured row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Whether `min` and `median` are ticks of the time-stamp counter (KiB otherwise).
    pub ticks: bool,
    /// Cheapest batch.
    pub min: f64,
    /// Batch in the middle.
    pub median: f64,
}

/// Everything one guest told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Rows by name.
    pub rows: BTreeMap<String, Figure>,
    /// Rows that could not be measured, with the reason.
    pub skipped: BTreeMap<String, String>,
    /// Other facts.
    pub info: BTreeMap<String, f64>,
    /// Whether the program came to its end.
    pub complete: bool,
}

impl Report {
    /// Picks the program's lines out of a serial log.
    pub fn parse(serial: &[u8]) -> Self {
        let mut report = Self::default();
        for line in String::from_utf8_lossy(serial).lines() {
            // A kernel may have left part of a line of its own before it.
            let Some(at) = line.find("bench ") else { continue };
            let words: Vec<&str> = line[at..].split_whitespace().collect();
            match words.as_slice() {
                ["bench", "row", name, unit, min, median] => {
                    if let (Ok(min), Ok(median)) = (min.parse(), median.parse()) {
                        report.rows.insert((*name).to_owned(), Figure { ticks: *unit == "ticks", min, median });
                    }
                }
                ["bench", "skip", name, reason @ ..] => {
                    report.skipped.insert((*name).to_owned(), reason.join(" "));
                }
                ["bench", "info", key, value] => {
                    if let Ok(value) = value.parse() {
                        report.info.insert((*key).to_owned(), value);
                    }
                }
                ["bench", "end"] => report.complete = true,
                _ => {}
            }
        }
        report
    }

    /// Nanoseconds of the guest's clock for one tick of its counter.
    pub fn ns_per_tick(&self) -> Option<f64> {
        let (ns, ticks) = (self.info.get("clock_ns")?, self.info.get("clock_ticks")?);
        (*ticks > 0.0).then(|| ns / ticks)
    }

    /// Turns ticks into nanoseconds.
    pub fn scale(&mut self, ns_per_tick: f64) {
        for figure in self.rows.values_mut().filter(|figure| figure.ticks) {
            figure.min *= ns_per_tick;
            figure.median *= ns_per_tick;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_picked_out_of_noise() {
        let log = b"[    0.5] hello\r\nbench begin linux\r\n[  1.0] xbench row clock ticks 73.0 74.5\r\n\
            bench row memory_at_first_program KiB 100 100\nbench skip spawn_wait not yet\n\
            bench info clock_ns 500\nbench info clock_ticks 1000\nbench end\n";
        let mut report = Report::parse(log);
        assert_eq!(report.rows["clock"], Figure { ticks: true, min: 73.0, median: 74.5 });
        assert!(!report.rows["memory_at_first_program"].ticks);
        assert_eq!(report.skipped["spawn_wait"], "not yet");
        assert_eq!(report.ns_per_tick(), Some(0.5));
        assert!(report.complete);
        report.scale(0.5);
        assert_eq!(report.rows["clock"].min, 36.5);
        assert_eq!(report.rows["memory_at_first_program"].min, 100.0);
    }

    #[test]
    fn a_log_that_breaks_off_is_incomplete() {
        assert!(!Report::parse(b"bench begin ochre\nbench row clock ticks 7").complete);
    }
}
