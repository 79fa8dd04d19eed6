//! What a program is, to the shell.

use std::time::Duration;

use iced_core::{Color, Event, Size, event};

use crate::Element;
use crate::task::Task;
use crate::theme::Theme;

/// A program with a window: state, what changes it, and what it looks like.
pub trait Application {
    /// What can happen to it.
    type Message: Send + 'static;

    /// Something happens. What cannot be done at once is the answer.
    fn update(&mut self, message: Self::Message) -> Task<Self::Message>;

    /// What it looks like now.
    fn view(&self) -> Element<'_, Self::Message>;

    /// The window's title now.
    fn title(&self) -> String;

    /// An event, and whether a widget has taken it; for shortcuts, and for what no widget sees.
    fn event(&self, _event: &Event, _status: event::Status) -> Option<Self::Message> {
        None
    }

    /// Messages that come again and again. Asked after each change; a timer whose place in the list and period stay goes on.
    fn timers(&self) -> Vec<Every<Self::Message>> {
        Vec::new()
    }

    /// The window is to be closed: with a message the program decides, without one it ends.
    fn closing(&self) -> Option<Self::Message> {
        None
    }

    /// Behind everything.
    fn background(&self, theme: &Theme) -> Color {
        theme.colours().window
    }
}

/// A message that comes again and again.
#[derive(Clone, Copy, Debug)]
pub struct Every<Message> {
    /// How often.
    pub period: Duration,
    /// Which.
    pub message: fn() -> Message,
}

/// Where a window lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Place {
    /// Where the display server finds room.
    #[default]
    Anywhere,
    /// In the middle of the screen.
    Middle,
    /// Along the whole lower edge of the screen.
    LowerEdge,
    /// In the lower left corner, so far from both edges.
    LowerLeft {
        /// From the left edge.
        x: f32,
        /// From the lower edge.
        y: f32,
    },
}

/// How a window is opened. Sizes are those of the design: at a scale of two they are twice as many pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Its size.
    pub size: Size,
    /// Where it lies.
    pub place: Place,
    /// Its edges can be dragged.
    pub resizable: bool,
    /// It has a title bar.
    pub framed: bool,
    /// What is behind it is seen where it is not opaque.
    pub transparent: bool,
    /// It is in front of all others.
    pub in_front: bool,
    /// It is not shown until [`Task::show`].
    pub hidden: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            size: Size::new(720.0, 480.0),
            place: Place::Anywhere,
            resizable: true,
            framed: true,
            transparent: false,
            in_front: false,
            hidden: false,
        }
    }
}

impl Options {
    /// An ordinary window of a size.
    pub fn sized(width: f32, height: f32) -> Self {
        Self { size: Size::new(width, height), ..Self::default() }
    }
}
