//! The core of the terminal program: everything but its window and its terminal device.
//!
//! [`screen`] takes what programs write and knows what is to be seen: crate `alacritty_terminal` with its grid, its
//! 10,000 lines of scrollback, reflow, selection and damage. [`draw`] draws that into pixels, row by row, only where something
//! has changed. [`font`] makes glyphs of font files and keeps them, [`boxes`] draws the characters that must join exactly,
//! [`theme`] has the colours. [`keys`], [`mouse`] and [`pointer`] know what is sent for what a hand does, [`blink`] when the cursor
//! is seen; [`machine`] puts all of it together.
//!
//! There is no input or output here: bytes and events come in, [`Effect`](machine::Effect)s go out, pixels are a slice, and the
//! time is an argument.
#![forbid(unsafe_code)]

pub mod blink;
pub mod boxes;
pub mod canvas;
pub mod draw;
pub mod font;
pub mod keys;
pub mod machine;
pub mod margin;
pub mod mouse;
pub mod options;
pub mod pointer;
pub mod screen;
pub mod theme;
