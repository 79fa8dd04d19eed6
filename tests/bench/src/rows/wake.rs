//! Two threads or two processes that give each other the processor.

use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Context;
use super::helper::Role;
use crate::measure::{Sample, Watch};
use crate::sys::{self, Bell, Fd, Helper};

/// Two threads yield in turn; the cost of one switch, which is half of a round.
pub fn switch_threads(context: &Context) -> Result<Sample> {
    sys::pin();
    let (to, from) = (sys::pipe()?, sys::pipe()?);
    let thread = std::thread::spawn(move || super::helper::play(Role::Yield, &to.0, &from.1));
    let sample = context.bench.batches(10_000, |watch, n| yield_in_turn(watch, n, &to.1, &from.0));
    drop(to.1);
    let _ = thread.join();
    sys::unpin();
    Ok(sample)
}

/// The same between two processes.
pub fn switch_processes(context: &Context) -> Result<Sample> {
    sys::pin();
    let (input, to) = sys::pipe()?;
    let (from, output) = sys::pipe()?;
    let _helper = Helper::start(Role::Yield, input, output)?;
    to.write(&0_u32.to_ne_bytes())?;
    if from.read(&mut [0])? != 1 {
        return Err(Error::other("the helper does not answer"));
    }
    let sample = context.bench.batches(10_000, |watch, n| yield_in_turn(watch, n, &to, &from));
    sys::unpin();
    Ok(sample)
}

/// Asks the other side to yield as often as this one does, `n` switches in all.
fn yield_in_turn(watch: &Watch, n: u32, to: &Fd, from: &Fd) -> u64 {
    let each = n.div_ceil(2);
    let mut done = [0];
    watch.time(|| {
        let _ = to.write(&each.to_ne_bytes());
        for _ in 0..each {
            sys::yield_now();
        }
        let _ = from.read(&mut done);
    })
}

/// One byte to another process and back through two pipes.
pub fn pipe_round_trip(context: &Context) -> Result<Sample> {
    let (input, to) = sys::pipe()?;
    let (from, output) = sys::pipe()?;
    let _helper = Helper::start(Role::Echo, input, output)?;
    echo(context, &to, &from)
}

/// One byte to another process and back through a unix stream socket.
pub fn socket_round_trip(context: &Context) -> Result<Sample> {
    let (ours, theirs) = sys::socket_pair()?;
    let _helper = Helper::start(Role::Echo, theirs.dup()?, theirs)?;
    echo(context, &ours, &ours)
}

fn echo(context: &Context, to: &Fd, from: &Fd) -> Result<Sample> {
    let mut byte = [7];
    to.write(&byte)?;
    if from.read(&mut byte)? != 1 || byte != [7] {
        return Err(Error::other("the helper does not answer"));
    }
    Ok(context.bench.each(2_000, || {
        let _ = to.write(&byte);
        let _ = from.read(&mut byte);
    }))
}

/// Two threads wake each other by futex.
pub fn futex_round_trip(context: &Context) -> Result<Sample> {
    /// The main thread may go.
    const MAIN: u32 = 0;
    /// The other one may go.
    const OTHER: u32 = 1;
    /// The other one shall end.
    const END: u32 = 2;

    fn pass(turn: &AtomicU32, to: u32) {
        turn.store(to, Ordering::Release);
        sys::futex_wake(turn);
    }
    fn await_change(turn: &AtomicU32, from: u32) -> u32 {
        loop {
            let now = turn.load(Ordering::Acquire);
            if now != from {
                return now;
            }
            sys::futex_wait(turn, from);
        }
    }

    let turn = Arc::new(AtomicU32::new(MAIN));
    let theirs = turn.clone();
    let thread = std::thread::spawn(move || {
        while await_change(&theirs, MAIN) != END {
            pass(&theirs, MAIN);
        }
    });
    let sample = context.bench.each(2_000, || {
        pass(&turn, OTHER);
        await_change(&turn, OTHER);
    });
    pass(&turn, END);
    let _ = thread.join();
    Ok(sample)
}

/// Two threads wake each other out of their event queues.
pub fn event_round_trip(context: &Context) -> Result<Sample> {
    let bells = Arc::new((Bell::new()?, Bell::new()?, AtomicU32::new(0)));
    let theirs = bells.clone();
    let thread = std::thread::spawn(move || {
        loop {
            theirs.0.wait();
            if theirs.2.load(Ordering::Acquire) == 1 {
                return;
            }
            theirs.1.ring();
        }
    });
    let sample = context.bench.each(2_000, || {
        bells.0.ring();
        bells.1.wait();
    });
    bells.2.store(1, Ordering::Release);
    bells.0.ring();
    let _ = thread.join();
    Ok(sample)
}
