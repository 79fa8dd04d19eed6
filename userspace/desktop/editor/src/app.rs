//! The editor's state and what changes it.

use std::env;
use std::path::{Path, PathBuf};

use ochre_ui::core::text::editor::{Action, Edit};
use ochre_ui::core::widget::Id;
use ochre_ui::keyboard::key::Named;
use ochre_ui::keyboard::{self, Key, Modifiers};
use ochre_ui::parts::chooser::{self, Chooser, Purpose};
use ochre_ui::parts::{Dialog, dialog};
use ochre_ui::{Application, Element, Event, Icon, Task, event};

use crate::document::Document;
use crate::file::{self, Ending, Text};

/// The text, to give it the keyboard.
pub(crate) const TEXT: Id = Id::new("text");
/// The field of what is searched for.
pub(crate) const SEARCH: Id = Id::new("search");

/// What happens.
#[derive(Clone, Debug)]
pub enum Message {
    /// The text is edited, or its cursor moved.
    Action(Action),
    /// Tab, with Shift or without.
    Tab(bool),
    /// An empty text.
    New,
    /// A file is to be opened.
    Open,
    /// The text is to be saved.
    Save,
    /// It is to be saved under a name.
    SaveAs,
    /// A file was read.
    Opened(PathBuf, Result<Text, String>),
    /// A file was written.
    Saved(PathBuf, Result<(), String>),
    /// A step is undone.
    Undo,
    /// A step is done again.
    Redo,
    /// The search is opened.
    Search,
    /// Something else is searched for.
    SearchFor(String),
    /// The search goes on, forward or back.
    SearchOn(bool),
    /// The search is closed.
    SearchEnd,
    /// Something happens to the dialog that chooses files.
    Chooser(chooser::Input),
    /// Changes are saved before what comes next.
    SaveFirst,
    /// Changes are lost.
    Discard,
    /// The dialog is closed, and nothing comes of it.
    Cancel,
    /// The window is to be closed.
    Close,
}

/// What is to happen once changes are saved or given up.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    New,
    Open,
    Close,
}

/// What is searched for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    pub wanted: String,
    pub count: usize,
}

/// The editor.
pub struct Editor {
    pub(crate) path: Option<PathBuf>,
    pub(crate) document: Document,
    pub(crate) ending: Ending,
    pub(crate) search: Option<Search>,
    pub(crate) dialog: Option<Dialog<Message>>,
    pub(crate) chooser: Option<Chooser>,
    next: Option<Next>,
}

impl Editor {
    /// An editor with a file, if there is one.
    pub fn new(path: Option<PathBuf>) -> (Self, Task<Message>) {
        let mut editor = Self {
            path: None,
            document: Document::new(""),
            ending: Ending::default(),
            search: None,
            dialog: None,
            chooser: None,
            next: None,
        };
        let task = path.map_or_else(Task::none, |path| editor.read(path));
        (editor, task.and(Task::focus(TEXT)))
    }

    /// The text.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The file's name.
    pub(crate) fn name(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name);
        name.map_or_else(|| String::from("Untitled"), |name| name.to_string_lossy().into_owned())
    }

    fn read(&mut self, path: PathBuf) -> Task<Message> {
        let read = move || {
            let text = file::read(&path);
            (path, text)
        };
        Task::perform(read, |(path, text)| Message::Opened(path, text))
    }

    fn opened(&mut self, path: PathBuf, text: Result<Text, String>) -> Task<Message> {
        match text {
            Ok(text) => {
                self.document.load(&text.content);
                (self.path, self.ending) = (Some(path), text.ending);
                self.count();
            }
            Err(error) => self.fail("The file was not opened", &path, &error),
        }
        Task::focus(TEXT)
    }

    fn fail(&mut self, title: &str, path: &Path, error: &str) {
        let text = format!("{}: {error}.", path.display());
        self.dialog = Some(Dialog::error(title, text, Message::Cancel));
    }

    /// Saves the text, under a name that is asked for when it has none.
    fn save(&mut self) -> Task<Message> {
        match self.path.clone() {
            Some(path) => self.write(path),
            None => self.choose(Purpose::Save),
        }
    }

    fn write(&mut self, path: PathBuf) -> Task<Message> {
        let text = Text { content: self.document.text(), ending: self.ending };
        // What is typed from now on is not in the file.
        self.document.saved();
        let write = move || {
            let result = file::write(&path, &text);
            (path, result)
        };
        Task::perform(write, |(path, result)| Message::Saved(path, result))
    }

    fn saved(&mut self, path: PathBuf, result: Result<(), String>) -> Task<Message> {
        if let Err(error) = result {
            self.document.unsaved();
            self.next = None;
            self.fail("The file was not saved", &path, &error);
            return Task::none();
        }
        self.path = Some(path);
        self.go_on().and(Task::focus(TEXT))
    }

    fn choose(&mut self, purpose: Purpose) -> Task<Message> {
        let home = || env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let folder = self.path.as_deref().and_then(Path::parent).map_or_else(home, Path::to_owned);
        let name = if self.path.is_some() { self.name() } else { String::from("untitled.txt") };
        let (chooser, task) = Chooser::new(purpose, &folder, &name);
        self.chooser = Some(chooser);
        task.map(Message::Chooser)
    }

    fn chooser(&mut self, input: chooser::Input) -> Task<Message> {
        let Some(chooser) = &mut self.chooser else { return Task::none() };
        let (outcome, task) = chooser.update(input);
        let purpose = chooser.purpose();
        match outcome {
            chooser::Outcome::Open => task.map(Message::Chooser),
            chooser::Outcome::Cancelled => {
                (self.chooser, self.next) = (None, None);
                Task::focus(TEXT)
            }
            chooser::Outcome::Chosen(path) => {
                self.chooser = None;
                if purpose == Purpose::Open { self.read(path) } else { self.write(path) }
            }
        }
    }

    /// Something for which the text has to be saved or given up.
    fn leave(&mut self, next: Next) -> Task<Message> {
        self.next = Some(next);
        if !self.document.is_changed() {
            return self.go_on();
        }
        let text = format!("“{}” has changes that are not saved.", self.name());
        let dialog = Dialog::new("Save the changes?", text).icon(Icon::SAVE).other("Discard", Message::Discard);
        self.dialog = Some(dialog.cancel("Cancel", Message::Cancel).primary("Save", Message::SaveFirst));
        Task::unfocus()
    }

    /// What was to happen when the text is saved or given up.
    fn go_on(&mut self) -> Task<Message> {
        match self.next.take() {
            None => Task::none(),
            Some(Next::New) => {
                self.document.load("");
                (self.path, self.ending) = (None, Ending::default());
                self.count();
                Task::focus(TEXT)
            }
            Some(Next::Open) => self.choose(Purpose::Open),
            Some(Next::Close) => Task::exit(),
        }
    }

    fn count(&mut self) {
        if let Some(search) = &mut self.search {
            search.count = self.document.count(&search.wanted);
        }
    }

    fn edit(&mut self, action: Action) {
        let edits = action.is_edit();
        self.document.perform(action);
        if edits {
            self.count();
        }
    }

    fn open_search(&mut self) -> Task<Message> {
        let selected = self.document.content().selection().filter(|text| !text.contains('\n'));
        let search = self.search.get_or_insert_default();
        if let Some(selected) = selected {
            search.wanted = selected;
        }
        self.count();
        Task::focus(SEARCH).and(Task::select_all(SEARCH))
    }

    fn search_on(&mut self, forward: bool) -> Task<Message> {
        match self.search.as_ref().map(|search| search.wanted.clone()) {
            Some(wanted) => {
                self.document.find(&wanted, forward, true);
                Task::none()
            }
            None => self.open_search(),
        }
    }

    fn shortcut(letter: &str, modifiers: Modifiers) -> Option<Message> {
        if !modifiers.control() || modifiers.alt() {
            return None;
        }
        match (letter, modifiers.shift()) {
            ("n", false) => Some(Message::New),
            ("o", false) => Some(Message::Open),
            ("s", false) => Some(Message::Save),
            ("s", true) => Some(Message::SaveAs),
            ("z", false) => Some(Message::Undo),
            ("z", true) | ("y", false) => Some(Message::Redo),
            ("f", false) => Some(Message::Search),
            ("g", back) => Some(Message::SearchOn(!back)),
            ("w" | "q", false) => Some(Message::Close),
            _ => None,
        }
    }
}

impl Application for Editor {
    type Message = Message;

    fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Action(action) => self.edit(action),
            Message::Tab(back) => {
                let selects = self.document.content().selection().is_some_and(|text| text.contains('\n'));
                let edit = match (back, selects) {
                    (true, _) => Edit::Unindent,
                    (false, true) => Edit::Indent,
                    (false, false) => Edit::Insert('\t'),
                };
                self.edit(Action::Edit(edit));
            }
            Message::New => return self.leave(Next::New),
            Message::Open => return self.leave(Next::Open),
            Message::Close => return self.leave(Next::Close),
            Message::Save => return self.save(),
            Message::SaveAs => return self.choose(Purpose::Save),
            Message::Opened(path, text) => return self.opened(path, text),
            Message::Saved(path, result) => return self.saved(path, result),
            Message::Undo => {
                self.document.undo();
                self.count();
            }
            Message::Redo => {
                self.document.redo();
                self.count();
            }
            Message::Search => return self.open_search(),
            Message::SearchFor(wanted) => {
                self.document.find(&wanted, true, false);
                let count = self.document.count(&wanted);
                self.search = Some(Search { wanted, count });
            }
            Message::SearchOn(forward) => return self.search_on(forward),
            Message::SearchEnd => {
                self.search = None;
                return Task::focus(TEXT);
            }
            Message::Chooser(input) => return self.chooser(input),
            Message::SaveFirst => {
                self.dialog = None;
                return self.save();
            }
            Message::Discard => {
                self.dialog = None;
                return self.go_on();
            }
            Message::Cancel => {
                (self.dialog, self.next) = (None, None);
                return Task::focus(TEXT);
            }
        }
        Task::none()
    }

    fn view(&self) -> Element<'_, Message> {
        let chooser = self.chooser.as_ref().map(|chooser| chooser.view().map(Message::Chooser));
        let over = self.dialog.as_ref().map(Dialog::view).or(chooser);
        dialog::over(self.page(), over, None)
    }

    fn title(&self) -> String {
        let mark = if self.document.is_changed() { "• " } else { "" };
        format!("{mark}{} – Text Editor", self.name())
    }

    fn event(&self, event: &Event, _status: event::Status) -> Option<Message> {
        if let Some(dialog) = &self.dialog {
            return dialog.event(event);
        }
        if let Some(chooser) = &self.chooser {
            return chooser.event(event).map(Message::Chooser);
        }
        match event {
            Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) => match key {
                Key::Character(letter) => Self::shortcut(letter, *modifiers),
                Key::Named(Named::F3) => Some(Message::SearchOn(!modifiers.shift())),
                Key::Named(Named::Escape) if self.search.is_some() => Some(Message::SearchEnd),
                _ => None,
            },
            _ => None,
        }
    }

    fn closing(&self) -> Option<Message> {
        Some(Message::Close)
    }
}

#[cfg(test)]
mod tests;
