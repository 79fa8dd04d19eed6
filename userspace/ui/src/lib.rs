//! Programs with windows: iced's state, `update` and `view`, drawn by tiny-skia into windows of the display server.
//!
//! A program implements [`Application`] and calls [`run`]. The look is [`Theme`]'s; widgets are iced's, by [`widget`], and the pieces
//! that iced lacks are in [`parts`]. [`Harness`] runs the same program without a screen, for tests and pictures.
//!
//! Inside: [`runtime`] is the loop, [`input`] makes iced's events of the display server's, [`canvas`] finds out what changed and
//! paints that, [`platform`] is where windows come from. `docs/ui.md` has the whole of it.
#![forbid(unsafe_code)]
// A program that is started gets a session of its own, which std can do and does not yet promise.
#![feature(process_setsid)]

pub mod app;
pub mod canvas;
pub mod fonts;
pub mod harness;
pub mod icon;
pub mod input;
pub mod parts;
pub mod platform;
pub mod programs;
pub mod runtime;
pub mod task;
pub mod theme;

pub use app::{Application, Every, Options, Place};
pub use harness::Harness;
pub use icon::Icon;
pub use platform::{Error, run};
pub use task::{Clip, Sender, Task};
pub use theme::{Theme, style};

/// iced's own names, for what is not named here.
pub use iced_core as core;
pub use iced_core::{
    Alignment, Background, Border, Color, Event, Length, Padding, Pixels, Point, Rectangle, Size, Vector, event,
    keyboard, mouse, window,
};
pub use iced_graphics as graphics;

/// iced's widgets, and the macros `column!`, `row!` and `stack!`.
pub use iced_widget as widget;
pub use iced_widget::{column, row, stack};

/// What draws.
pub type Renderer = iced_renderer::Renderer;
/// A piece of a view.
pub type Element<'a, Message> = iced_core::Element<'a, Message, Theme, Renderer>;
/// The content of a text editor.
pub type Content = iced_widget::text_editor::Content<Renderer>;
