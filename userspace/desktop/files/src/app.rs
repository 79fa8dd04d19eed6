//! The file browser as a program: what happens to it, and what it does about that.

mod command;
mod dialog;
mod jobs;
mod keys;
mod menus;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use ochre_ui::keyboard::Modifiers;
use ochre_ui::parts::menu::{self, Menu};
use ochre_ui::programs::{self, Program};
use ochre_ui::{Application, Element, Event, Every, Point, Sender, Task, event, window};

use crate::clip::Clip;
use crate::entry::{self, Folder};
use crate::job;
use crate::list::{Grip, List, Step};
use crate::order::Column;
use crate::places::{self, History, Place};
use crate::rows;
use crate::thumbs::{Made, Thumbs};
use crate::tiles::{self, Grid};
use crate::touch::Touch;
use crate::{space, view};

pub use self::command::Command;
pub use self::dialog::Dialog;
pub use self::jobs::Running;

/// How often a folder that is seen is looked at for changes.
const LOOK: Duration = Duration::from_secs(2);

/// Names of widgets.
pub mod id {
    /// The scrolled list.
    pub const LIST: &str = "list";
    /// The field for paths.
    pub const ADDRESS: &str = "address";
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Message {
    /// A folder has been read; the number says for which asking.
    Read(u64, Result<Folder, String>, Option<(u64, u64)>),
    /// It is time to look for changes.
    Look,
    /// A folder was changed last then.
    Looked(u64, Option<SystemTime>),
    /// The window got the focus, or lost it.
    Focus(bool),
    /// Keys that change others.
    Modifiers(Modifiers),
    /// Something was done with the rows.
    Touch(Touch),
    /// The list was scrolled: how far, and how much of it is seen.
    Scrolled(f32, f32),
    /// A column's head was pressed.
    Column(Column),
    /// To that folder.
    Go(PathBuf),
    /// Something that menus, buttons and keys do.
    Command(Command),
    /// The cursor is moved.
    Step(Step, Grip),
    /// A screen up or down.
    Page(isize, Grip),
    /// Something is typed that is no command.
    Type(String),
    /// Something happens to the menu.
    Menu(menu::Input),
    /// The path that is typed.
    Address(String),
    /// Enter, in the path that is typed.
    AddressDone,
    /// What stands in the dialog's field.
    Prompt(String),
    /// The dialog's button.
    Confirm,
    /// The clipboard's content.
    Pasted(Option<ochre_ui::Clip>),
    /// The job is so far.
    Progress(job::Progress),
    /// The job is done.
    Done(job::Outcome),
    /// A small picture was made.
    Thumb(Made),
    /// A file was opened, or not.
    Opened(Result<(), String>),
    /// Somebody has read the message.
    Dismiss,
}

/// How files are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// Each in a row, with what is known of it.
    #[default]
    Rows,
    /// Side by side, with small pictures.
    Tiles,
}

/// What is known of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being read for the first time.
    Reading,
    /// It is shown.
    Ready,
    /// It cannot be read.
    Failed(String),
}

/// The program.
pub struct Files {
    pub(crate) home: PathBuf,
    pub(crate) places: Vec<Place>,
    pub(crate) folder: PathBuf,
    pub(crate) history: History,
    pub(crate) list: List,
    pub(crate) look: Look,
    pub(crate) thumbs: Thumbs,
    /// How many tiles lie side by side.
    across: usize,
    pub(crate) state: State,
    pub(crate) space: Option<(u64, u64)>,
    /// The path that is typed.
    pub(crate) address: Option<String>,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) menu: Option<Menu<Message>>,
    pub(crate) clip: Clip,
    pub(crate) running: Option<Running>,
    waiting: std::collections::VecDeque<job::Task>,
    /// What went wrong last.
    pub(crate) notice: Option<String>,
    pub(crate) focused: bool,
    modifiers: Modifiers,
    /// How far the list is scrolled, and how much of it is seen.
    pub(crate) scrolled: (f32, f32),
    /// Readings are numbered, so that one that comes late does not count.
    reading: u64,
    stamp: Option<SystemTime>,
    looking: bool,
    /// Files to be selected when the folder has been read.
    wanted: Vec<OsString>,
    programs: Vec<Program>,
    started: Instant,
}

impl Files {
    /// A browser that begins at a path; a file is shown in its folder.
    pub fn new(path: &Path, home: &Path) -> (Self, Task<Message>) {
        let path = places::clean(path);
        let is_file = path.metadata().is_ok_and(|metadata| !metadata.is_dir());
        let (folder, wanted) = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) if is_file => (parent.to_owned(), vec![name.to_owned()]),
            _ => (path, Vec::new()),
        };
        let mut files = Self {
            home: home.into(),
            places: places::places(home, Path::is_dir),
            folder,
            history: History::default(),
            list: List::default(),
            look: Look::default(),
            thumbs: Thumbs::default(),
            across: 1,
            state: State::Reading,
            space: None,
            address: None,
            dialog: None,
            menu: None,
            clip: Clip::default(),
            running: None,
            waiting: Default::default(),
            notice: None,
            focused: true,
            modifiers: Modifiers::empty(),
            scrolled: (0.0, 0.0),
            reading: 0,
            stamp: None,
            looking: false,
            wanted,
            programs: programs::all(),
            started: Instant::now(),
        };
        let task = files.read();
        (files, task)
    }

    /// The folder that is shown.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The list.
    pub fn list(&self) -> &List {
        &self.list
    }

    /// What is known of the folder.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Reads the folder in a thread.
    fn read(&mut self) -> Task<Message> {
        self.reading += 1;
        let (number, folder) = (self.reading, self.folder.clone());
        let work = move || (entry::read(&folder).map_err(|error| job::describe(&error)), space::of(&folder));
        Task::perform(work, move |(result, space)| Message::Read(number, result, space))
    }

    /// Another folder.
    fn show(&mut self, folder: PathBuf) -> Task<Message> {
        self.folder = folder;
        self.list.clear();
        self.thumbs.clear();
        self.state = State::Reading;
        (self.address, self.menu, self.notice, self.stamp) = (None, None, None, None);
        self.scrolled.0 = 0.0;
        self.read().and(Task::scroll_to(id::LIST, 0.0, 0.0))
    }

    /// To a folder, so that there is a way back.
    fn go(&mut self, folder: PathBuf) -> Task<Message> {
        if folder == self.folder {
            self.address = None;
            return self.read();
        }
        self.history.leave(self.folder.clone());
        self.show(folder)
    }

    fn have_read(&mut self, result: Result<Folder, String>, space: Option<(u64, u64)>) -> Task<Message> {
        self.space = space;
        match result {
            Ok(folder) => {
                self.stamp = folder.modified;
                self.list.fill(folder.entries);
                self.state = State::Ready;
            }
            Err(error) => {
                self.list.clear();
                self.state = State::Failed(error);
            }
        }
        let thumbs = self.make_thumbs();
        let wanted = std::mem::take(&mut self.wanted);
        if wanted.is_empty() {
            return thumbs;
        }
        self.list.select_names(&wanted);
        thumbs.and(self.reveal())
    }

    /// Makes small pictures, when they are shown.
    fn make_thumbs(&mut self) -> Task<Message> {
        if self.look != Look::Tiles {
            return Task::none();
        }
        let entries = (0..self.list.len()).filter_map(|at| self.list.row(at));
        let wanted = self.thumbs.wanted(&self.folder, entries);
        if wanted.is_empty() {
            return Task::none();
        }
        let work = self.thumbs.work(wanted);
        Task::run(move |sender| work(&mut |made| sender.send(Message::Thumb(made))))
    }

    /// Shows files in another way.
    fn set_look(&mut self, look: Look) -> Task<Message> {
        if self.look == look {
            return Task::none();
        }
        self.look = look;
        self.thumbs.stop();
        self.scrolled.0 = 0.0;
        self.make_thumbs().and(Task::scroll_to(id::LIST, 0.0, 0.0)).and(self.reveal())
    }

    /// Looks whether the folder has changed.
    fn look(&mut self) -> Task<Message> {
        // A scheme that does not answer keeps only one thread.
        if self.looking || self.state == State::Reading {
            return Task::none();
        }
        self.looking = true;
        let (number, folder) = (self.reading, self.folder.clone());
        Task::perform(move || entry::stamp(&folder), move |stamp| Message::Looked(number, stamp))
    }

    fn have_looked(&mut self, number: u64, stamp: Option<SystemTime>) -> Task<Message> {
        self.looking = false;
        // A folder that could not be read may be there by now, and one that was there may be gone.
        if number == self.reading && stamp != self.stamp { self.read() } else { Task::none() }
    }

    /// Scrolls so that the cursor is seen.
    fn reveal(&mut self) -> Task<Message> {
        let Some(row) = self.list.cursor() else { return Task::none() };
        let (from, seen) = self.scrolled;
        let (top, bottom) = match self.look {
            Look::Rows => (row as f32 * rows::HEIGHT, (row + 1) as f32 * rows::HEIGHT),
            Look::Tiles => Grid::span(self.across, row),
        };
        // Before anything was scrolled it is not known how much is seen; everything may be.
        let to = if top < from {
            top
        } else if seen > 0.0 && bottom > from + seen {
            bottom - seen
        } else {
            return Task::none();
        };
        self.scrolled.0 = to;
        Task::scroll_to(id::LIST, 0.0, to)
    }

    fn touch(&mut self, touch: Touch) -> Task<Message> {
        if !matches!(touch, Touch::Across(_)) {
            self.menu = None;
        }
        match touch {
            Touch::Press(Some(row)) => self.list.grip(row, keys::grip(self.modifiers)),
            Touch::Press(None) if self.modifiers.is_empty() => self.list.select_none(),
            Touch::Press(None) => {}
            Touch::Open(row) => {
                self.list.grip(row, Grip::Only);
                return self.command(Command::Open);
            }
            Touch::Menu(row, at) => {
                match row {
                    Some(row) => self.list.point(row),
                    None => self.list.select_none(),
                }
                self.open_menu(Point::new(at.x, at.y - self.scrolled.0), row.is_some());
            }
            Touch::Across(across) => self.across = across,
        }
        Task::none()
    }

    /// How many files one moves by who moves a screen up or down.
    fn page(&self) -> isize {
        let (height, across) = match self.look {
            Look::Rows => (rows::HEIGHT, 1),
            Look::Tiles => (tiles::HEIGHT, self.across as isize),
        };
        ((self.scrolled.1 / height) as isize - 1).max(1) * across
    }

    /// Where a step leads: one up or down is as many files as lie side by side.
    fn step(&mut self, step: Step, grip: Grip) -> Task<Message> {
        let step = match (step, self.look) {
            (Step::Beside(_), Look::Rows) => return Task::none(),
            (Step::Beside(files), Look::Tiles) => Step::By(files),
            (Step::By(rows), Look::Tiles) => {
                let by = rows * self.across as isize;
                let there = self.list.cursor().map_or(0, |at| at as isize + by);
                // There is nothing above the first row.
                if there < 0 {
                    return Task::none();
                }
                Step::By(by)
            }
            (step, _) => step,
        };
        self.list.step(step, grip);
        self.reveal()
    }
}

impl Application for Files {
    type Message = Message;

    fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Read(number, result, space) if number == self.reading => return self.have_read(result, space),
            Message::Read(..) => {}
            Message::Look => return self.look(),
            Message::Looked(number, stamp) => return self.have_looked(number, stamp),
            Message::Focus(focused) => {
                self.focused = focused;
                self.places = places::places(&self.home, Path::is_dir);
                return if focused { self.look() } else { Task::none() };
            }
            Message::Modifiers(modifiers) => self.modifiers = modifiers,
            Message::Touch(touch) => return self.touch(touch),
            Message::Scrolled(from, seen) => self.scrolled = (from, seen),
            Message::Column(column) => self.list.press_column(column),
            Message::Go(folder) => return self.go(folder),
            Message::Command(command) => return self.command(command),
            Message::Step(step, grip) => return self.step(step, grip),
            Message::Page(way, grip) => {
                self.list.step(Step::By(way * self.page()), grip);
                return self.reveal();
            }
            Message::Type(text) => {
                self.list.type_ahead(&text, self.started.elapsed());
                return self.reveal();
            }
            Message::Menu(input) => return self.menu(input),
            Message::Address(text) => self.address = Some(text),
            Message::AddressDone => return self.address_done(),
            Message::Prompt(text) => self.prompt(text),
            Message::Confirm => return self.confirm(),
            Message::Pasted(clip) => return self.pasted(clip),
            Message::Progress(progress) => self.progress(progress),
            Message::Done(outcome) => return self.job_done(outcome),
            Message::Thumb(made) => self.thumbs.put(made),
            Message::Opened(Ok(())) => {}
            Message::Opened(Err(error)) => self.notice = Some(error),
            Message::Dismiss => self.notice = None,
        }
        Task::none()
    }

    fn view(&self) -> Element<'_, Message> {
        view::view(self)
    }

    fn title(&self) -> String {
        match self.folder.file_name() {
            _ if self.folder == self.home => "Home".into(),
            Some(name) => name.to_string_lossy().into_owned(),
            None => "Computer".into(),
        }
    }

    fn event(&self, event: &Event, status: event::Status) -> Option<Message> {
        match event {
            Event::Window(window::Event::Focused) => Some(Message::Focus(true)),
            Event::Window(window::Event::Unfocused) => Some(Message::Focus(false)),
            event if let Some(dialog) = &self.dialog => dialog.card.event(event),
            event if let Some(menu) = &self.menu => menu.event(event).map(Message::Menu),
            Event::Keyboard(event) => keys::message(event, status, self.address.is_some()),
            _ => None,
        }
    }

    fn timers(&self) -> Vec<Every<Message>> {
        // A window that nobody works with is brought up to date when somebody does again.
        let look = Every { period: LOOK, message: || Message::Look };
        if self.focused { vec![look] } else { Vec::new() }
    }
}

/// Runs the browser.
pub fn start(path: &Path, home: &Path) -> impl FnOnce(Sender<Message>) -> (Files, Task<Message>) {
    let (path, home) = (path.to_owned(), home.to_owned());
    move |_| Files::new(&path, &home)
}
