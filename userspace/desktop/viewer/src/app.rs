//! The viewer as a program: what happens to it, and what it does about that.

mod keys;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ochre_ui::core::image::Handle;
use ochre_ui::{Application, Element, Event, Sender, Size, Task, event, keyboard, window};

use crate::camera::Camera;
use crate::render::{Levels, render};
use crate::stage::{Act, Shown};
use crate::{series, view};
use files::picture::{self, Picture};

/// How far a key moves a picture, in pixels of the design.
const STEP: f64 = 64.0;

/// What can happen.
#[derive(Clone, Debug)]
pub enum Message {
    /// Pictures of the folder, as it is now.
    Series(Vec<PathBuf>),
    /// A picture has been read; the number says for which asking.
    Loaded(u64, Result<Loaded, String>),
    /// Something is done with the picture.
    Act(Act),
    /// So many pixels of the screen are one of the design.
    Scale(f32),
    /// All of it is shown.
    Fit,
    /// One pixel for one.
    FullSize,
    /// All of it, or one pixel for one.
    FitOrFullSize,
    /// Larger, or smaller.
    Zoom(bool),
    /// Clockwise, or the other way.
    Rotate(bool),
    /// Moved by a key; by so many steps.
    Move(f64, f64),
    /// The next picture of the folder, or the one before.
    Turn(bool),
    /// A left or right key: the picture is moved if there is something to be moved to, else it is the next one's turn.
    MoveOrTurn(bool),
    /// The whole screen, or no longer.
    FullScreen,
    /// Out of the whole screen, or out at all.
    Leave,
}

/// A picture that has been read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The picture.
    pub picture: Arc<Picture>,
    /// Bytes of its file.
    pub size: u64,
}

/// What is shown.
#[derive(Debug)]
pub(crate) enum State {
    /// There is no picture to be shown.
    Empty,
    /// It is being read.
    Loading,
    /// It could not be read.
    Failed(String),
    /// It is there.
    Shown(Box<Open>),
}

/// A picture that is open.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) size: u64,
    pub(crate) camera: Camera,
    levels: RefCell<Levels>,
    /// What was seen last, and by which camera.
    seen: RefCell<Option<(Camera, Shown)>>,
}

impl Open {
    /// What is to be seen. It is made only when the camera is another one than before.
    pub(crate) fn seen(&self, scale: f32) -> Shown {
        let mut seen = self.seen.borrow_mut();
        match &*seen {
            Some((camera, shown)) if *camera == self.camera && shown.scale == scale => shown.clone(),
            _ => {
                let frame = render(&mut self.levels.borrow_mut(), &self.camera);
                let (place, size) = ((frame.x, frame.y), (frame.width, frame.height));
                let handle = Handle::from_rgba(frame.width, frame.height, frame.pixels);
                let shown = Shown { handle, place, size, scale };
                *seen = Some((self.camera.clone(), shown.clone()));
                shown
            }
        }
    }
}

/// The program.
#[derive(Debug)]
pub struct Viewer {
    pub(crate) path: Option<PathBuf>,
    pub(crate) series: Vec<PathBuf>,
    pub(crate) state: State,
    pub(crate) full_screen: bool,
    /// Room for the picture, in pixels of the design, and how many of the screen one of them is.
    room: Size,
    pub(crate) scale: f32,
    asked: u64,
}

impl Viewer {
    /// A viewer of a picture, or of the first one of a folder.
    pub fn new(path: &Path) -> (Self, Task<Message>) {
        let mut viewer = Self {
            path: None,
            series: Vec::new(),
            state: State::Empty,
            full_screen: false,
            room: Size::ZERO,
            scale: 1.0,
            asked: 0,
        };
        let first = if path.is_dir() { series::of_folder(path).into_iter().next() } else { Some(path.to_owned()) };
        let task = first.map_or_else(Task::none, |path| viewer.open(path));
        (viewer, task)
    }

    /// The picture's file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The camera over the picture, if there is one.
    pub fn camera(&self) -> Option<&Camera> {
        match &self.state {
            State::Shown(open) => Some(&open.camera),
            _ => None,
        }
    }

    /// What went wrong.
    pub fn error(&self) -> Option<&str> {
        match &self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// Reads a picture in a thread, and looks what others are beside it.
    fn open(&mut self, path: PathBuf) -> Task<Message> {
        self.asked += 1;
        let number = self.asked;
        // What was there before goes first: two large pictures may be too much.
        self.state = State::Loading;
        self.path = Some(path.clone());
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let read = move || {
            let size = path.metadata().map_or(0, |metadata| metadata.len());
            picture::read(&path).map(|picture| Loaded { picture: Arc::new(picture), size })
        };
        Task::perform(read, move |loaded| Message::Loaded(number, loaded))
            .and(Task::perform(move || series::of_folder(&folder), Message::Series))
    }

    fn pixels(&self) -> (u32, u32) {
        let pixels = |side: f32| (side * self.scale).round().clamp(0.0, 32_768.0) as u32;
        (pixels(self.room.width), pixels(self.room.height))
    }

    fn loaded(&mut self, loaded: Result<Loaded, String>) {
        self.state = match loaded {
            Err(error) => State::Failed(error),
            Ok(Loaded { picture, size }) => {
                let camera = Camera::over((picture.width, picture.height), picture.turn, self.pixels());
                let levels = RefCell::new(Levels::new(picture));
                State::Shown(Box::new(Open { size, camera, levels, seen: RefCell::default() }))
            }
        };
    }

    fn with_camera(&mut self, change: impl FnOnce(&mut Camera)) {
        if let State::Shown(open) = &mut self.state {
            change(&mut open.camera);
        }
    }

    fn act(&mut self, act: Act) {
        let scale = f64::from(self.scale);
        match act {
            Act::Room(room) => {
                self.room = room;
                let pixels = self.pixels();
                self.with_camera(|camera| camera.resize(pixels));
            }
            Act::Zoom(larger, at) => {
                let at = (f64::from(at.x) * scale, f64::from(at.y) * scale);
                self.with_camera(|camera| camera.step(larger, Some(at)));
            }
            Act::Drag(by) => {
                self.with_camera(|camera| camera.pan(f64::from(by.x) * scale, f64::from(by.y) * scale));
            }
            Act::Double => self.fit_or_full_size(),
        }
    }

    fn fit_or_full_size(&mut self) {
        self.with_camera(
            |camera| if camera.is_fit() && camera.scale() != 1.0 { camera.full_size() } else { camera.fit() },
        );
    }

    fn turn(&mut self, forward: bool) -> Task<Message> {
        let next = self.path.as_ref().and_then(|path| series::neighbour(&self.series, path, forward)).cloned();
        next.map_or_else(Task::none, |next| self.open(next))
    }

    fn full_screen(&mut self, full: bool) -> Task<Message> {
        self.full_screen = full;
        Task::full_screen(full)
    }
}

impl Application for Viewer {
    type Message = Message;

    fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Series(series) => self.series = series,
            Message::Loaded(number, loaded) if number == self.asked => self.loaded(loaded),
            // The picture after it has been asked for already.
            Message::Loaded(..) => {}
            Message::Act(act) => self.act(act),
            Message::Scale(scale) => {
                self.scale = scale;
                let pixels = self.pixels();
                self.with_camera(|camera| camera.resize(pixels));
            }
            Message::Fit => self.with_camera(Camera::fit),
            Message::FullSize => self.with_camera(Camera::full_size),
            Message::FitOrFullSize => self.fit_or_full_size(),
            Message::Zoom(larger) => self.with_camera(|camera| camera.step(larger, None)),
            Message::Rotate(clockwise) => self.with_camera(|camera| camera.rotate(clockwise)),
            Message::Move(x, y) => {
                let step = STEP * f64::from(self.scale);
                self.with_camera(|camera| camera.pan(-x * step, -y * step));
            }
            Message::Turn(forward) => return self.turn(forward),
            Message::MoveOrTurn(forward) => {
                if self.camera().is_some_and(Camera::can_move) {
                    return self.update(Message::Move(if forward { 1.0 } else { -1.0 }, 0.0));
                }
                return self.turn(forward);
            }
            Message::FullScreen => return self.full_screen(!self.full_screen),
            Message::Leave if self.full_screen => return self.full_screen(false),
            Message::Leave => return Task::exit(),
        }
        Task::none()
    }

    fn view(&self) -> Element<'_, Message> {
        view::view(self)
    }

    fn title(&self) -> String {
        let name = self.path.as_ref().and_then(|path| path.file_name());
        name.map_or_else(|| "Image Viewer".into(), |name| name.to_string_lossy().into_owned())
    }

    fn event(&self, event: &Event, status: event::Status) -> Option<Message> {
        match event {
            Event::Window(window::Event::Rescaled(scale)) => Some(Message::Scale(*scale)),
            Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) if status == event::Status::Ignored => {
                keys::message(key, *modifiers)
            }
            _ => None,
        }
    }
}

/// Runs the viewer.
pub fn start(path: &Path) -> impl FnOnce(Sender<Message>) -> (Viewer, Task<Message>) {
    let path = path.to_owned();
    move |_| Viewer::new(&path)
}
