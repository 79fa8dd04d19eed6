//! `time.h` and `sys/time.h`: clocks and sleeping, the calendar, time zones, and moments as text.
//!
//! What needs no kernel is apart from it: [`calendar`], [`rule`] and [`zone`] (which time holds where), [`format`] and
//! [`parse`].

pub mod calendar;
pub mod format;
pub mod parse;
pub mod rule;
pub mod zone;

#[cfg(target_os = "redox")]
mod clocks;
#[cfg(target_os = "redox")]
mod local;

#[cfg(target_os = "redox")]
pub use clocks::{from_c, read, to_c};

#[cfg(test)]
mod tests;
