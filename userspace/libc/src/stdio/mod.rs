//! `stdio.h`: streams for those who call from C.
//!
//! [`stream`] is the buffer, [`file`] the `FILE` around it (its device, its lock, the list of all), the others are the
//! functions of C by what they do.

pub mod stream;

#[cfg(target_os = "redox")]
pub mod file;
#[cfg(target_os = "redox")]
mod input;
#[cfg(target_os = "redox")]
mod memory;
#[cfg(target_os = "redox")]
mod open;
#[cfg(target_os = "redox")]
mod output;
#[cfg(target_os = "redox")]
mod pipe;
#[cfg(target_os = "redox")]
mod place;
#[cfg(target_os = "redox")]
pub mod print;
#[cfg(target_os = "redox")]
mod scan;
#[cfg(target_os = "redox")]
mod temporary;
#[cfg(target_os = "redox")]
mod wide;

#[cfg(target_os = "redox")]
pub use file::flush_all;

#[cfg(test)]
mod tests;
