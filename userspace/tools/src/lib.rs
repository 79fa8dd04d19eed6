//! Looking inside a running system: what `ps`, `top` and `trace` share.
//!
//! | module | what |
//! |---|---|
//! | [`processes`] | processes, from the texts of the process manager and the kernel |
//! | [`listing`] | them as a table |
//! | [`view`] | what `top` shows and does: a state machine that knows neither clock nor terminal |
//! | [`calls`], [`message`], [`text`] | a traced call in words |
//! | `terminal` | the terminal that a program has, with its settings |
#![forbid(unsafe_code)]

pub mod calls;
pub mod listing;
pub mod message;
pub mod processes;
#[cfg(target_os = "redox")]
pub mod terminal;
pub mod text;
pub mod view;
