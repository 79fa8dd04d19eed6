//! Input, from all keyboards and pointers to the display server: key maps, dead keys, modifiers, lights, repetition. Nothing here
//! waits or looks at a clock: time comes as an argument.
//!
//! | module | what |
//! |---|---|
//! | [`keymap`] | key maps, from toml files |
//! | [`compose`] | dead keys |
//! | [`keyboard`] | from keys to characters: modifiers, locks, repetition |
//! | [`router`] | all devices together, and what the consumer has not read yet |
//! | [`scheme`] | the scheme `input` |
#![forbid(unsafe_code)]

pub mod compose;
pub mod keyboard;
pub mod keymap;
pub mod router;
pub mod scheme;
