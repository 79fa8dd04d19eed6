//! Signals: masks, queues, handlers of every kind, calls that are interrupted, waiting, timers, faults, a storm, and the summary of a
//! crash.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
#[path = "signals/mod.rs"]
mod inside;
