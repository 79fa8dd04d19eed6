//! Settings of the desktop: what they are, and what happens when somebody changes them, without a window.
#![forbid(unsafe_code)]

pub mod app;
pub mod facts;
pub mod system;
mod view;
