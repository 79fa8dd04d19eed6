//! Calls that reach the kernel and nothing beyond it.

use std::hint::black_box;
use std::io::Result;

use super::Context;
use crate::measure::Sample;
use crate::sys;

/// Into the kernel and out: a call number that does not exist.
pub fn null_call(context: &Context) -> Result<Sample> {
    Ok(context.bench.each(10_000, sys::null_call))
}

/// `clock_gettime(CLOCK_MONOTONIC)` through the C library.
pub fn clock(context: &Context) -> Result<Sample> {
    Ok(context.bench.each(10_000, || {
        black_box(sys::clock_ns());
    }))
}

/// A yield with nothing else to run.
pub fn yield_alone(context: &Context) -> Result<Sample> {
    Ok(context.bench.each(5_000, sys::yield_now))
}
