//! The panel: open windows, the time and a button for the menu of programs; and that menu. Two windows of one program, each a state
//! machine of its own ([`bar`], [`launcher`]); `main.rs` connects them with the system.
#![forbid(unsafe_code)]

pub mod bar;
pub mod clock;
pub mod launcher;
pub mod power;
pub mod windows;
