//! The image viewer: what it knows and does, without a window.
#![forbid(unsafe_code)]

pub mod app;
pub mod camera;
pub mod render;
pub mod series;
mod stage;
mod view;
