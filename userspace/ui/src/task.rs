//! What a program wants done beside changing its state: work in threads, the clipboard, its window, a widget's focus.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use iced_core::widget::operation::scrollable::AbsoluteOffset;
use iced_core::widget::operation::{Operation, focusable, scrollable, text_input};
use iced_core::{Size, widget};

/// What the clipboard holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clip {
    /// Text.
    Text(String),
    /// Files, by their paths.
    Files(Vec<PathBuf>),
}

/// Something for the window.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It gets a title.
    Title(String),
    /// It gets a size.
    Resize(Size),
    /// It is shown, or not.
    Show(bool),
    /// It fills the screen, or not.
    FullScreen(bool),
    /// The pressed button moves it.
    Drag,
    /// The clipboard gets this.
    Copy(Clip),
}

type Work<Message> = Box<dyn FnOnce(Sender<Message>) + Send>;

/// A part of a task.
pub(crate) enum Step<Message> {
    /// A message.
    Message(Message),
    /// A message, later.
    After(Duration, Message),
    /// Work in a thread of its own.
    Work(Work<Message>),
    /// What the clipboard has, as a message.
    Paste(Box<dyn FnOnce(Option<Clip>) -> Message + Send>),
    /// Something for widgets.
    Widget(Box<dyn Operation>),
    /// Something for the window.
    Window(Action),
    /// The program ends.
    Exit,
}

/// What is to be done.
#[must_use = "a task does nothing until `update` answers it"]
pub struct Task<Message>(pub(crate) Vec<Step<Message>>);

impl<Message: Send + 'static> Task<Message> {
    /// Nothing.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Several tasks.
    pub fn batch(tasks: impl IntoIterator<Item = Self>) -> Self {
        Self(tasks.into_iter().flat_map(|task| task.0).collect())
    }

    /// This one, then another.
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// A message, after those that wait.
    pub fn message(message: Message) -> Self {
        Self(vec![Step::Message(message)])
    }

    /// A message, later.
    pub fn after(delay: Duration, message: Message) -> Self {
        Self(vec![Step::After(delay, message)])
    }

    /// Work in a thread; what comes of it, as a message.
    pub fn perform<T>(
        work: impl FnOnce() -> T + Send + 'static,
        message: impl FnOnce(T) -> Message + Send + 'static,
    ) -> Self {
        Self::run(move |sender| sender.send(message(work())))
    }

    /// Work in a thread that sends messages.
    pub fn run(work: impl FnOnce(Sender<Message>) + Send + 'static) -> Self {
        Self(vec![Step::Work(Box::new(work))])
    }

    /// Text for the clipboard.
    pub fn copy(text: impl Into<String>) -> Self {
        Self::window(Action::Copy(Clip::Text(text.into())))
    }

    /// Files for the clipboard.
    pub fn copy_files(paths: Vec<PathBuf>) -> Self {
        Self::window(Action::Copy(Clip::Files(paths)))
    }

    /// What the clipboard has, as a message.
    pub fn paste(message: impl FnOnce(Option<Clip>) -> Message + Send + 'static) -> Self {
        Self(vec![Step::Paste(Box::new(message))])
    }

    /// Gives a widget the keyboard.
    pub fn focus(id: impl Into<widget::Id>) -> Self {
        Self::operation(focusable::focus(id.into()))
    }

    /// Takes the keyboard from whichever widget has it.
    pub fn unfocus() -> Self {
        Self::operation(focusable::unfocus())
    }

    /// Gives the next widget the keyboard.
    pub fn focus_next() -> Self {
        Self::operation(focusable::focus_next())
    }

    /// Gives the widget before it the keyboard.
    pub fn focus_previous() -> Self {
        Self::operation(focusable::focus_previous())
    }

    /// Selects all text of a field.
    pub fn select_all(id: impl Into<widget::Id>) -> Self {
        Self::operation(text_input::select_all(id.into()))
    }

    /// Selects text of a field.
    pub fn select_range(id: impl Into<widget::Id>, start: usize, end: usize) -> Self {
        Self::operation(text_input::select_range(id.into(), start, end))
    }

    /// Scrolls to a place.
    pub fn scroll_to(id: impl Into<widget::Id>, x: f32, y: f32) -> Self {
        Self::operation(scrollable::scroll_to(id.into(), AbsoluteOffset { x: Some(x), y: Some(y) }))
    }

    /// An operation of iced's on widgets.
    pub fn operation(operation: impl Operation + 'static) -> Self {
        Self(vec![Step::Widget(Box::new(operation))])
    }

    /// Gives the window a size.
    pub fn resize(size: Size) -> Self {
        Self::window(Action::Resize(size))
    }

    /// Shows the window, or takes it from the screen.
    pub fn show(shown: bool) -> Self {
        Self::window(Action::Show(shown))
    }

    /// Lets the window fill the screen, or brings it back.
    pub fn full_screen(full: bool) -> Self {
        Self::window(Action::FullScreen(full))
    }

    /// The pressed button moves the window.
    pub fn drag() -> Self {
        Self::window(Action::Drag)
    }

    /// The program ends.
    pub fn exit() -> Self {
        Self(vec![Step::Exit])
    }

    fn window(action: Action) -> Self {
        Self(vec![Step::Window(action)])
    }

    /// The same, for a program of which this one's is a part.
    pub fn map<Outer: Send + 'static>(
        self,
        message: impl Fn(Message) -> Outer + Clone + Send + Sync + 'static,
    ) -> Task<Outer> {
        let step = |step| match step {
            Step::Message(inner) => Step::Message(message(inner)),
            Step::After(delay, inner) => Step::After(delay, message(inner)),
            Step::Work(work) => {
                let message = message.clone();
                Step::Work(Box::new(move |sender: Sender<Outer>| work(sender.of_part(message))))
            }
            Step::Paste(paste) => {
                let message = message.clone();
                Step::Paste(Box::new(move |clip| message(paste(clip))))
            }
            Step::Widget(operation) => Step::Widget(operation),
            Step::Window(action) => Step::Window(action),
            Step::Exit => Step::Exit,
        };
        Task(self.0.into_iter().map(step).collect())
    }
}

/// Wakes a program that waits.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Sends messages to a program, from any thread.
pub struct Sender<Message>(Arc<dyn Fn(Message) + Send + Sync>);

impl<Message> Clone for Sender<Message> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Message: Send + 'static> Sender<Message> {
    pub(crate) fn new(queue: mpsc::Sender<Message>, wake: Waker) -> Self {
        Self(Arc::new(move |message| {
            // A program that has ended hears nothing, which is nobody's fault.
            if queue.send(message).is_ok() {
                wake();
            }
        }))
    }

    /// Sends a message. When the program has ended, nothing happens.
    pub fn send(&self, message: Message) {
        (self.0)(message);
    }

    /// A sender for a part of the program.
    pub fn of_part<Inner: Send + 'static>(
        &self,
        message: impl Fn(Inner) -> Message + Send + Sync + 'static,
    ) -> Sender<Inner> {
        let outer = self.clone();
        Sender(Arc::new(move |inner| outer.send(message(inner))))
    }
}
