//! What happened before the first program's `main`.

use std::io::Result;

use super::Context;
use crate::measure::Sample;
use crate::sys;

/// What was read before anything else was done.
#[derive(Debug)]
pub struct Arrival {
    /// The time-stamp counter.
    pub ticks: u64,
    /// Memory that was free.
    pub free_kib: Result<u64>,
}

/// Ticks from the kernel's entry to `main`. Linux does not keep its entry: there the figure counts from the start of the
/// machine, and the driver takes off what a stub in the kernel's place reads (the line `bench info entry` is missing).
pub fn boot_to_first_program(context: &Context) -> Result<Sample> {
    let entry = sys::entry_ticks();
    if let Some(entry) = entry {
        println!("bench info entry {entry}");
    }
    Ok(Sample::single((context.arrival.ticks - entry.unwrap_or(0)) as f64))
}

/// Memory of the machine that was not free, kernel and archive included.
pub fn memory_at_first_program(context: &Context) -> Result<Sample> {
    match &context.arrival.free_kib {
        Ok(free) => Ok(Sample::single(context.memory_kib.saturating_sub(*free) as f64)),
        Err(error) => Err(std::io::Error::new(error.kind(), error.to_string())),
    }
}
