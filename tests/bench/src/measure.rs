//! Timing: batches of one operation, measured with the processor's time-stamp counter.
//!
//! Under `-icount shift=0` one tick of that counter is one guest instruction, so the smallest batch is the cost of the
//! operation and the median tells how often something else (a timer, a reclaim) got between. Nothing is subtracted: the two
//! or three instructions of the loop itself are in every figure, in both systems alike.

use crate::sys::{self, Mark};

/// Batches measured for each row; the first one warms caches and lazy tables and is thrown away.
const BATCHES: usize = 7;

/// How a row is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Several batches, for the table.
    Table,
    /// One marked batch and one marked single round, for the profiler that watches the machine from outside.
    Profile,
}

/// Cost of one operation, in ticks of the time-stamp counter or whatever unit the row declares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The cheapest batch.
    pub min: f64,
    /// The batch in the middle.
    pub median: f64,
}

impl Sample {
    /// A figure that was read once, not measured in batches.
    pub fn single(value: f64) -> Self {
        Self { min: value, median: value }
    }

    /// Smallest and middle of `costs`; `None` when there are none.
    pub fn of(mut costs: Vec<f64>) -> Option<Self> {
        costs.sort_by(f64::total_cmp);
        Some(Self { min: *costs.first()?, median: *costs.get(costs.len() / 2)? })
    }
}

/// Runs the batches of one row.
#[derive(Clone, Copy, Debug)]
pub struct Bench {
    purpose: Purpose,
    scale: u32,
}

impl Bench {
    /// `scale` multiplies the iterations of each batch: 1 where every run is exact, more where the clock is the wall's.
    pub fn new(purpose: Purpose, scale: u32) -> Self {
        Self { purpose, scale: scale.max(1) }
    }

    /// Measures `op`, called `iterations` times in each batch.
    pub fn each(&self, iterations: u32, mut op: impl FnMut()) -> Sample {
        self.batches(iterations, |watch, n| {
            watch.time(|| {
                for _ in 0..n {
                    op();
                }
            })
        })
    }

    /// Measures batches that prepare and clean up outside the timed part: `batch` gets a stop watch and the number of
    /// operations to do, and answers what the watch told.
    pub fn batches(&self, iterations: u32, mut batch: impl FnMut(&Watch, u32) -> u64) -> Sample {
        let iterations = iterations.max(1) * self.scale;
        let plain = Watch { marks: None };
        batch(&plain, iterations);
        match self.purpose {
            Purpose::Table => {
                let costs = (0..BATCHES).map(|_| batch(&plain, iterations) as f64 / f64::from(iterations)).collect();
                Sample::of(costs).unwrap_or(Sample::single(f64::NAN))
            }
            Purpose::Profile => {
                let ticks = batch(&Watch { marks: Some((Mark::CountOn, Mark::CountOff)) }, iterations);
                batch(&Watch { marks: Some((Mark::TraceOn, Mark::TraceOff)) }, 1);
                println!("bench profiled {iterations} {ticks}");
                Sample::single(ticks as f64 / f64::from(iterations))
            }
        }
    }
}

/// Times the part of a batch that counts.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    marks: Option<(Mark, Mark)>,
}

impl Watch {
    /// Ticks that `work` takes.
    #[inline(always)]
    pub fn time(&self, work: impl FnOnce()) -> u64 {
        let Some((on, off)) = self.marks else {
            let start = sys::tsc();
            work();
            return sys::tsc() - start;
        };
        sys::mark(on);
        let start = sys::tsc();
        work();
        let ticks = sys::tsc() - start;
        sys::mark(off);
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_is_smallest_and_middle() {
        let sample = Sample::of(vec![5.0, 1.0, 9.0, 3.0, 7.0]).unwrap();
        assert_eq!(sample, Sample { min: 1.0, median: 5.0 });
        assert_eq!(Sample::of(Vec::new()), None);
    }

    #[test]
    fn a_batch_is_divided_by_its_iterations() {
        let sample = Bench::new(Purpose::Table, 3).batches(10, |_, n| u64::from(n) * 4);
        assert_eq!(sample, Sample { min: 4.0, median: 4.0 });
    }

    #[test]
    fn each_calls_the_operation_for_every_batch() {
        let mut calls = 0;
        Bench::new(Purpose::Table, 1).each(5, || calls += 1);
        assert_eq!(calls, 5 * (BATCHES + 1));
    }
}
