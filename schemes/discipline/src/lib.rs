//! The discipline of a terminal's line: what lies between the terminal (an emulator at the master's end of a pty, a serial
//! line) and the programs on it.
//!
//! [`Line`] is a state machine without input or output of its own. The terminal's side puts what was typed in by
//! [`Line::receive`] and takes what is to be shown out by [`Line::take_output`]; the programs' side uses [`Line::read`] and
//! [`Line::write`]. What has to happen elsewhere, above all signals to the foreground group, comes back as [`Effects`]. Time
//! is an argument.
//!
//! Files: [`line`] joins the parts, `edit` decides what an incoming byte does, `echo` shows it, `input` keeps what can be
//! read, `output` processes and keeps what is to be shown. Settings are [`ochre_abi::terminal::Termios`].
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod echo;
mod edit;
mod input;
pub mod line;
mod output;
#[cfg(test)]
mod tests;

pub use input::INPUT_MAX;
pub use line::{Effects, Line, Read, Signals};
pub use output::OUTPUT_MAX;
