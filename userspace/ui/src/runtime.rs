//! The loop: messages change the state, the state makes a view, events go to its widgets, and what changed is painted.
//!
//! The view lives as long as no message comes, because it borrows the state; events that change nothing cost neither a view nor a
//! painting. Where inputs come from and pictures go is a [`Platform`]; nothing here waits by itself.

mod timers;

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use iced_core::widget::operation::{Operation, Outcome};
use iced_core::{Event, Point, Size, event, mouse, window};
use iced_graphics::Viewport;
use iced_runtime::user_interface::{Cache, State as Updated, UserInterface};

use self::timers::Timers;
use crate::app::Application;
use crate::canvas::{Canvas, Rect};
use crate::input::{self, Input};
use crate::task::{Action, Clip, Sender, Step, Task, Waker};
use crate::theme::Theme;
use crate::{Renderer, fonts};

/// The least time between two pictures.
const FRAME: Duration = Duration::from_millis(16);

/// What a platform answers to waiting.
#[derive(Debug, Default)]
pub struct Woken {
    /// What happened.
    pub inputs: Vec<Input>,
    /// The theme is another one.
    pub theme: Option<Theme>,
    /// There will be nothing more.
    pub end: bool,
}

/// A window and what happens to it.
pub trait Platform {
    /// Waits for something to happen, until a time. Waking it by its [`Waker`] ends that too.
    fn wait(&mut self, until: Option<Instant>) -> Woken;

    /// What wakes it.
    fn waker(&self) -> Waker;

    /// The window's pixels.
    fn size(&self) -> Size<u32>;

    /// How many of them are one of the design.
    fn scale(&self) -> f32;

    /// Rectangles of a picture that changed.
    fn show(&mut self, canvas: &Canvas, rects: &[Rect]);

    /// Something for the window.
    fn act(&mut self, action: Action);

    /// What the clipboard has.
    fn paste(&self) -> Option<Clip>;
}

/// The clipboard, as iced's widgets use it.
struct Clipboard<'a, P>(&'a mut P);

impl<P: Platform> iced_core::Clipboard for Clipboard<'_, P> {
    fn read(&self, kind: iced_core::clipboard::Kind) -> Option<String> {
        match (kind, self.0.paste()?) {
            (iced_core::clipboard::Kind::Standard, Clip::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn write(&mut self, kind: iced_core::clipboard::Kind, contents: String) {
        if kind == iced_core::clipboard::Kind::Standard {
            self.0.act(Action::Copy(Clip::Text(contents)));
        }
    }
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The program wants to.
    Exit,
    /// The platform has nothing more.
    Quiet,
}

/// A program and its window's picture.
pub struct Runtime<A: Application> {
    app: A,
    theme: Theme,
    renderer: Renderer,
    canvas: Canvas,
    cache: Option<Cache>,
    title: String,
    cursor: mouse::Cursor,
    /// The program wants it to be shown; it is shown.
    shown: bool,
    visible: bool,
    events: VecDeque<Event>,
    messages: VecDeque<A::Message>,
    operations: Vec<Box<dyn Operation>>,
    timers: Timers<A::Message>,
    queue: mpsc::Receiver<A::Message>,
    sender: Sender<A::Message>,
    exit: bool,
    frame: Option<Instant>,
}

impl<A: Application> Runtime<A> {
    /// A program made by a function, which gets what sends it messages.
    pub fn new(
        new: impl FnOnce(Sender<A::Message>) -> (A, Task<A::Message>),
        theme: Theme,
        shown: bool,
        platform: &mut impl Platform,
    ) -> Self {
        fonts::load();
        let (sends, queue) = mpsc::channel();
        let sender = Sender::new(sends, platform.waker());
        let (app, task) = new(sender.clone());
        let mut runtime = Self {
            app,
            theme,
            renderer: Renderer::new(fonts::TEXT, fonts::SIZE.into()),
            canvas: Canvas::new(),
            cache: Some(Cache::new()),
            title: String::new(),
            cursor: mouse::Cursor::Unavailable,
            shown,
            visible: shown,
            // Programs that make pixels themselves need to know what one of the design is.
            events: VecDeque::from([Event::Window(window::Event::Rescaled(platform.scale()))]),
            messages: VecDeque::new(),
            operations: Vec::new(),
            timers: Timers::default(),
            queue,
            sender,
            exit: false,
            frame: None,
        };
        runtime.obey(task, platform);
        runtime
    }

    /// The program.
    pub fn app(&self) -> &A {
        &self.app
    }

    /// What the window shows.
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// What sends the program messages.
    pub fn sender(&self) -> Sender<A::Message> {
        self.sender.clone()
    }

    /// Runs until the program or the platform ends.
    pub fn run(&mut self, platform: &mut impl Platform) -> End {
        loop {
            self.handle_messages(platform);
            if self.exit {
                return End::Exit;
            }
            let title = self.app.title();
            if title != self.title {
                platform.act(Action::Title(title.clone()));
                self.title = title;
            }
            self.timers.set(self.app.timers(), Instant::now());
            if let Some(end) = self.live(platform) {
                return end;
            }
        }
    }

    /// Takes what threads sent, and lets the program handle all that there is.
    fn handle_messages(&mut self, platform: &mut impl Platform) {
        self.messages.extend(self.queue.try_iter());
        while let Some(message) = self.messages.pop_front() {
            let task = self.app.update(message);
            self.obey(task, platform);
        }
    }

    fn obey(&mut self, task: Task<A::Message>, platform: &mut impl Platform) {
        for step in task.0 {
            match step {
                Step::Message(message) => self.messages.push_back(message),
                Step::After(delay, message) => self.timers.after(Instant::now() + delay, message),
                Step::Work(work) => {
                    let sender = self.sender.clone();
                    if let Err(error) = std::thread::Builder::new().spawn(move || work(sender)) {
                        log::error!("no thread for work: {error}");
                    }
                }
                Step::Paste(message) => self.messages.push_back(message(platform.paste())),
                Step::Widget(operation) => self.operations.push(operation),
                Step::Window(Action::Show(shown)) => {
                    self.shown = shown;
                    // It is shown when it has been painted.
                    if !shown {
                        self.visible = false;
                        platform.act(Action::Show(false));
                    }
                }
                Step::Window(action) => platform.act(action),
                Step::Exit => self.exit = true,
            }
        }
    }

    /// The life of one view.
    fn live(&mut self, platform: &mut impl Platform) -> Option<End> {
        let Self { app, theme, renderer, canvas, cursor, events, messages, timers, .. } = self;
        let (pixels, scale) = (platform.size(), platform.scale());
        let viewport = Viewport::with_physical_size(pixels, scale);
        let size = viewport.logical_size();
        let cache = self.cache.take().unwrap_or_default();
        let mut ui = UserInterface::build(app.view(), size, cache, renderer);
        for mut operation in self.operations.drain(..) {
            loop {
                ui.operate(renderer, operation.as_mut());
                match operation.finish() {
                    Outcome::Chain(next) => operation = next,
                    Outcome::None | Outcome::Some(()) => break,
                }
            }
        }
        let mut said = Vec::new();
        // A new view may look different.
        let mut redraw = Some(Instant::now());
        // Between two pictures it is always asked what has happened, however long painting takes and however soon the next one is due.
        let mut heard = true;
        let end = loop {
            let mut outdated = false;
            if let Some(event) = events.pop_front() {
                let segment = segment(event, events, cursor);
                let (state, statuses) = ui.update(&segment, *cursor, renderer, &mut Clipboard(platform), &mut said);
                for (event, &status) in segment.iter().zip(&statuses) {
                    said.extend(app.event(event, status));
                }
                redraw = sooner(redraw, wanted(&state));
                outdated = matches!(state, Updated::Outdated);
            } else if let Some(at) = redraw
                && heard
                && self.shown
                && at <= Instant::now()
                && self.frame.is_none_or(|frame| frame + FRAME <= Instant::now())
            {
                let now = Instant::now();
                let asked = [Event::Window(window::Event::RedrawRequested(now))];
                let (state, _) = ui.update(&asked, *cursor, renderer, &mut Clipboard(platform), &mut said);
                redraw = wanted(&state);
                outdated = matches!(state, Updated::Outdated);
                let base = iced_core::theme::Base::base(theme);
                let style = iced_core::renderer::Style { text_color: base.text_color };
                ui.draw(renderer, theme, &style, *cursor);
                let rects = canvas.paint(renderer, &viewport, app.background(theme));
                if !rects.is_empty() {
                    platform.show(canvas, &rects);
                }
                if !std::mem::replace(&mut self.visible, true) {
                    platform.act(Action::Show(true));
                }
                self.frame = Some(now);
                heard = false;
            } else {
                let due = redraw.filter(|_| self.shown).map(|at| at.max(self.frame.map_or(at, |frame| frame + FRAME)));
                let woken = platform.wait(sooner(due, timers.next()));
                heard = true;
                timers.take_due(Instant::now(), &mut said);
                if let Some(new) = woken.theme {
                    *theme = new;
                    redraw = Some(Instant::now());
                }
                for input in woken.inputs {
                    match input {
                        Input::Event(event) => events.push_back(event),
                        Input::Close => match app.closing() {
                            Some(message) => said.push(message),
                            None => self.exit = true,
                        },
                        Input::Pixels(..) | Input::Scale(_) | Input::Screen(..) => {}
                    }
                }
                if woken.end {
                    break Some(End::Quiet);
                }
                if self.exit {
                    break Some(End::Exit);
                }
                if platform.size() != pixels || platform.scale() != scale {
                    let new = Viewport::with_physical_size(platform.size(), platform.scale()).logical_size();
                    if platform.scale() != scale {
                        events.push_back(Event::Window(window::Event::Rescaled(platform.scale())));
                    }
                    events.push_back(input::resized(new));
                    canvas.forget();
                    break None;
                }
                if let Ok(message) = self.queue.try_recv() {
                    said.push(message);
                }
            }
            if outdated || !said.is_empty() {
                break None;
            }
        };
        self.cache = Some(ui.into_cache());
        messages.extend(said);
        end
    }
}

/// Events that one place of the cursor is right for, beginning with one.
fn segment(event: Event, events: &mut VecDeque<Event>, cursor: &mut mouse::Cursor) -> Vec<Event> {
    let moved = |event: &Event| match event {
        Event::Mouse(mouse::Event::CursorMoved { position }) => Some(*position),
        _ => None,
    };
    let mut first = event;
    // Of several places only the last counts.
    while moved(&first).is_some() && events.front().is_some_and(|next| moved(next).is_some()) {
        if let Some(next) = events.pop_front() {
            first = next;
        }
    }
    follow(&first, moved(&first), cursor);
    let mut segment = vec![first];
    while let Some(next) = events
        .pop_front_if(|next| !matches!(next, Event::Mouse(mouse::Event::CursorMoved { .. } | mouse::Event::CursorLeft)))
    {
        segment.push(next);
    }
    segment
}

fn follow(event: &Event, moved: Option<Point>, cursor: &mut mouse::Cursor) {
    match (event, moved) {
        (_, Some(position)) => *cursor = mouse::Cursor::Available(position),
        (Event::Mouse(mouse::Event::CursorLeft), None) => *cursor = mouse::Cursor::Unavailable,
        _ => {}
    }
}

/// When widgets want to be drawn again.
fn wanted(state: &Updated) -> Option<Instant> {
    match state {
        Updated::Outdated => Some(Instant::now()),
        Updated::Updated { redraw_request, .. } => match redraw_request {
            window::RedrawRequest::NextFrame => Some(Instant::now()),
            window::RedrawRequest::At(at) => Some(*at),
            window::RedrawRequest::Wait => None,
        },
    }
}

fn sooner(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Whether a widget has taken an event.
pub fn captured(status: event::Status) -> bool {
    status == event::Status::Captured
}
