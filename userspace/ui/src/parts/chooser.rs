//! Choosing a file to be opened, or where one is to be saved.

mod folder;

use std::path::{Path, PathBuf};

use iced_core::keyboard::key::Named;
use iced_core::keyboard::{self, Key};
use iced_core::{Alignment, Event, Length, Padding, widget};
use iced_widget::{Row, button, column, container, row, scrollable, space, text, text_input};

pub use self::folder::Entry;
use super::list::{self, List, Outcome as Chosen};
use super::{bar, list::bar as thin};
use crate::icon::Icon;
use crate::{Element, Task, fonts, programs, style};

/// Size of the dialog.
const SIZE: iced_core::Size = iced_core::Size::new(560.0, 440.0);
const NAME: widget::Id = widget::Id::new("file-name");

/// What a file is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is opened.
    Open,
    /// It is saved.
    Save,
}

/// What happens to the dialog.
#[derive(Clone, Debug)]
pub enum Input {
    /// What a folder has.
    Listed(PathBuf, Result<Vec<Entry>, String>),
    /// Something happens to the list.
    List(list::Input),
    /// The name is another one.
    Name(String),
    /// Another folder is shown.
    Go(PathBuf),
    /// The folder around this one.
    Up,
    /// This one.
    Accept,
    /// None.
    Cancel,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The dialog goes on.
    Open,
    /// None was chosen.
    Cancelled,
    /// This one was.
    Chosen(PathBuf),
}

/// The dialog.
#[derive(Clone, Debug)]
pub struct Chooser {
    purpose: Purpose,
    folder: PathBuf,
    entries: Vec<Entry>,
    name: String,
    list: List,
    wrong: Option<String>,
    /// The file is there and may be replaced, when it is accepted once more.
    replaces: bool,
}

impl Chooser {
    /// A dialog that shows a folder. The name is that of a file to be saved.
    pub fn new(purpose: Purpose, folder: &Path, name: &str) -> (Self, Task<Input>) {
        let mut chooser = Self {
            purpose,
            folder: folder.to_owned(),
            entries: Vec::new(),
            name: name.to_owned(),
            list: List::new(30.0, false),
            wrong: None,
            replaces: false,
        };
        let mut task = chooser.go(folder.to_owned());
        if purpose == Purpose::Save {
            let stem = name.rfind('.').unwrap_or(name.len());
            task = task.and(Task::focus(NAME)).and(Task::select_range(NAME, 0, name[..stem].chars().count()));
        }
        (chooser, task)
    }

    /// What it is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    fn go(&mut self, folder: PathBuf) -> Task<Input> {
        self.replaces = false;
        Task::perform(
            move || {
                let entries = folder::read(&folder);
                (folder, entries)
            },
            |(folder, entries)| Input::Listed(folder, entries),
        )
    }

    /// The input that an event is, while the dialog is open.
    pub fn event(&self, event: &Event) -> Option<Input> {
        match event {
            Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Named(Named::Escape), .. }) => Some(Input::Cancel),
            Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Named(Named::Backspace), .. })
                if self.purpose == Purpose::Open =>
            {
                Some(Input::Up)
            }
            _ if self.purpose == Purpose::Open => self.list.event(event).map(Input::List),
            _ => None,
        }
    }

    /// Something happens.
    pub fn update(&mut self, input: Input) -> (Outcome, Task<Input>) {
        let task = match input {
            Input::Listed(folder, Ok(entries)) => {
                (self.folder, self.entries, self.wrong) = (folder, entries, None);
                self.list.clear();
                self.list.reveal(0)
            }
            Input::Listed(folder, Err(error)) => {
                self.wrong = Some(format!("{}: {error}", folder.display()));
                Task::none()
            }
            Input::List(input) => return self.list_input(input),
            Input::Name(name) => {
                (self.name, self.replaces, self.wrong) = (name, false, None);
                Task::none()
            }
            Input::Go(folder) => self.go(folder),
            Input::Up => match self.folder.parent().map(Path::to_owned) {
                Some(parent) => self.go(parent),
                None => Task::none(),
            },
            Input::Accept => return self.accept(),
            Input::Cancel => return (Outcome::Cancelled, Task::none()),
        };
        (Outcome::Open, task)
    }

    fn list_input(&mut self, input: list::Input) -> (Outcome, Task<Input>) {
        let (outcome, task) = self.list.update(input, self.entries.len());
        match outcome {
            Chosen::Open(row) => self.open(row),
            Chosen::Chosen => {
                let chosen = self.list.chosen().next().and_then(|row| self.entries.get(row));
                if let Some(entry) = chosen.filter(|entry| !entry.folder && self.purpose == Purpose::Save) {
                    (self.name, self.replaces) = (entry.name.clone(), false);
                }
                (Outcome::Open, task)
            }
            Chosen::Nothing | Chosen::Menu => (Outcome::Open, task),
        }
    }

    fn open(&mut self, row: usize) -> (Outcome, Task<Input>) {
        match self.entries.get(row) {
            Some(entry) if entry.folder => {
                let folder = self.folder.join(&entry.name);
                (Outcome::Open, self.go(folder))
            }
            Some(entry) if self.purpose == Purpose::Open => {
                (Outcome::Chosen(self.folder.join(&entry.name)), Task::none())
            }
            Some(entry) => {
                self.name = entry.name.clone();
                self.accept()
            }
            None => (Outcome::Open, Task::none()),
        }
    }

    fn accept(&mut self) -> (Outcome, Task<Input>) {
        if self.purpose == Purpose::Open {
            return self.list.cursor().map_or((Outcome::Open, Task::none()), |row| self.open(row));
        }
        let name = self.name.trim();
        if name.is_empty() {
            return (Outcome::Open, Task::none());
        }
        let path = self.folder.join(name);
        if path.is_dir() {
            return (Outcome::Open, self.go(path));
        }
        if path.exists() && !self.replaces {
            self.replaces = true;
            self.wrong = Some(format!("“{name}” is there already."));
            return (Outcome::Open, Task::none());
        }
        (Outcome::Chosen(path), Task::none())
    }

    /// What it looks like.
    pub fn view(&self) -> Element<'_, Input> {
        let title = match self.purpose {
            Purpose::Open => "Open a file",
            Purpose::Save => "Save as",
        };
        let up = bar::tool(Icon::FOLDER_UP, "The folder around this one", self.folder.parent().map(|_| Input::Up));
        let head = row![text(title).font(fonts::STRONG).size(fonts::TITLE_SIZE), space().width(Length::Fill)];
        let path = scrollable(self.path()).direction(scrollable::Direction::Horizontal(thin())).anchor_right();
        let path = row![up, path.width(Length::Fill)].spacing(4).align_y(Alignment::Center);
        let list = self.list.view(self.entries.len(), |row, _| self.entry(row), Input::List);
        let list = container(list).height(Length::Fill).style(style::card);
        let mut page = column![head, path, list].spacing(10);
        if self.purpose == Purpose::Save {
            let field = text_input("Name", &self.name).id(NAME).padding([7, 10]).on_input(Input::Name);
            page = page.push(field.on_submit(Input::Accept));
        }
        let wrong = self.wrong.as_deref().map(|wrong| text(wrong).size(fonts::SMALL_SIZE).style(style::wrong));
        let (word, look, can) = match self.purpose {
            Purpose::Open => ("Open", style::primary as fn(&_, _) -> _, self.list.cursor().is_some()),
            Purpose::Save if self.replaces => ("Replace it", style::danger as fn(&_, _) -> _, true),
            Purpose::Save => ("Save", style::primary as fn(&_, _) -> _, !self.name.trim().is_empty()),
        };
        let accept = button(text(word).font(fonts::STRONG)).padding([7, 16]).style(look);
        let foot = row![
            container(wrong).width(Length::Fill),
            button("Cancel").padding([7, 16]).on_press(Input::Cancel),
            accept.on_press_maybe(can.then_some(Input::Accept)),
        ];
        let page = page.push(foot.spacing(8).align_y(Alignment::Center));
        container(page).padding(16).width(SIZE.width).height(SIZE.height).style(style::raised).into()
    }

    /// The folder's path, each part of which can be pressed.
    fn path(&self) -> Element<'_, Input> {
        let mut folders: Vec<&Path> = self.folder.ancestors().collect();
        folders.reverse();
        let mut parts = Row::new().spacing(2).align_y(Alignment::Center);
        for (at, folder) in folders.into_iter().enumerate() {
            if at > 1 {
                parts = parts.push(text("/").style(style::soft));
            }
            let name = folder.file_name().map_or("/".into(), |name| name.to_string_lossy());
            let part = button(text(name)).padding(Padding::from([4, 6])).style(style::bare);
            parts = parts.push(part.on_press(Input::Go(folder.to_owned())));
        }
        parts.into()
    }

    fn entry(&self, row: usize) -> Element<'_, Input> {
        let Some(entry) = self.entries.get(row) else { return space().into() };
        let (icon, size) = if entry.folder {
            (Icon::FOLDER, String::new())
        } else {
            let kind = programs::kind_by_name(Path::new(&entry.name));
            (kind.map_or(Icon::FILE, |kind| kind.icon), folder::size(entry.size))
        };
        let icon = if entry.folder { icon.view().style(style::accent) } else { icon.view().style(style::soft) };
        let name = text(&entry.name).width(Length::Fill).wrapping(text::Wrapping::None);
        let size = text(size).size(fonts::SMALL_SIZE).style(style::soft);
        row![icon, name, size].spacing(10).align_y(Alignment::Center).into()
    }
}

#[cfg(test)]
mod tests;
