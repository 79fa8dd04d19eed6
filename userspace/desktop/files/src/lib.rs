//! The file browser: what it knows and does, without a window.
#![forbid(unsafe_code)]

pub mod app;
pub mod clip;
pub mod entry;
pub mod format;
pub mod job;
pub mod kind;
pub mod list;
pub mod names;
pub mod open;
pub mod order;
mod pen;
pub mod picture;
pub mod places;
pub mod rows;
pub mod space;
#[cfg(test)]
mod testing;
mod thumbs;
mod tiles;
pub mod times;
pub mod touch;
mod view;
