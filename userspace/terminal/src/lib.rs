//! The core of the terminal program: everything but its window and its terminal device.
//!
//! [`screen`] takes what programs write and knows what is to be seen: crate `alacritty_terminal` with its grid, its
//! 10,000 lines of scrollback, reflow, selection and damage. [`draw`] draws that into pixels, row by row, only where something
//! has changed. [`font`] makes glyphs of font files and keeps them, [`boxes`] draws the characters that must join exactly,
//! [`theme`] has the colours.
//!
//! There is no input or output here: bytes come in and [`Effect`](screen::Effect)s go out, pixels are a slice.
#![forbid(unsafe_code)]

pub mod boxes;
pub mod draw;
pub mod font;
pub mod screen;
pub mod theme;
