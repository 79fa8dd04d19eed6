//! The display server and the keeper of windows.
#![deny(unsafe_code)]

pub mod damage;
pub mod desk;
pub mod display;
pub mod geometry;
pub mod keeper;
#[cfg(target_os = "redox")]
pub mod ochre;
pub mod paint;
pub mod protocol;
#[cfg(test)]
mod random;
pub mod raw;
pub mod screen;
pub mod script;
pub mod theme;
pub mod wire;
