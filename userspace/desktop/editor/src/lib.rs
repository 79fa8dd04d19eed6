//! The text editor: a file, its text with a history of changes ([`document`]), searching ([`find`]), reading and writing ([`file`]), and the
//! window of it all ([`app`]).
#![forbid(unsafe_code)]

pub mod app;
pub mod document;
pub mod file;
pub mod find;
mod view;

pub use app::{Editor, Message};
