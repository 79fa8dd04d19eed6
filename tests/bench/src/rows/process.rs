//! Threads and processes made and waited for.

use std::io::Result;

use super::Context;
use crate::measure::Sample;
use crate::sys;

/// A thread that ends at once, joined.
pub fn thread_create_join(context: &Context) -> Result<Sample> {
    sys::thread_create_join()?;
    Ok(context.bench.each(200, || {
        let _ = sys::thread_create_join();
    }))
}

/// The same after ten thousand threads: what a thread costs must not grow with those that were.
pub fn thread_create_join_10k(context: &Context) -> Result<Sample> {
    for _ in 0..10_000 {
        sys::thread_create_join()?;
    }
    thread_create_join(context)
}

/// A forked child that ends at once, waited for.
pub fn fork_exit_wait(context: &Context) -> Result<Sample> {
    sys::fork_exit_wait()?;
    Ok(context.bench.each(50, || {
        let _ = sys::fork_exit_wait();
    }))
}

/// A forked child that executes a small program, waited for.
pub fn fork_exec_wait(context: &Context) -> Result<Sample> {
    sys::fork_exec_wait()?;
    Ok(context.bench.each(50, || {
        let _ = sys::fork_exec_wait();
    }))
}

/// The same small program by `posix_spawn`.
pub fn spawn_wait(context: &Context) -> Result<Sample> {
    sys::spawn_wait()?;
    Ok(context.bench.each(50, || {
        let _ = sys::spawn_wait();
    }))
}
