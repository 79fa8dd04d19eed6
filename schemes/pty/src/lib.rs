//! Terminals: the schemes `pty` and `tty`.
//!
//! A terminal has two ends. The **master** belongs to what shows it (an emulator, a network login, the console's bridge); the
//! **other end**, of which there may be many descriptions, to the programs on it. Between them lies a line with its
//! discipline (crate `line-discipline`).
//!
//! Files: [`scheme`] answers requests, `control` the ones that are a terminal's own; [`terminal`] is one terminal, `table`
//! all of them; [`system`] is what is asked of the rest of the system: processes and time. In Ochre `main.rs` adds the
//! threads that know when time is up and that bridge the kernel's console.
#![forbid(unsafe_code)]

mod control;
pub mod scheme;
pub mod system;
mod table;
pub mod terminal;
