//! Questions: a name, or whether something shall really be done.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::{fs, io};

use ochre_ui::parts::dialog::{Dialog as Card, FIELD};
use ochre_ui::{Icon, Task};

use super::{Command, Files, Message};
use crate::{format, job, names};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The name of a new folder.
    NewFolder,
    /// Another name for this file.
    Rename(OsString),
    /// Whether these files shall be deleted.
    Delete(Vec<PathBuf>),
}

/// A question that waits for its answer.
#[derive(Clone, Debug)]
pub struct Dialog {
    question: Question,
    /// What stands in the field.
    name: String,
    /// Why it cannot be that.
    wrong: Option<String>,
    /// What is shown of it.
    pub(crate) card: Card<Message>,
}

impl Dialog {
    fn new(question: Question, name: String, wrong: Option<String>) -> Self {
        let card = match &question {
            Question::NewFolder => naming("New folder", "Create", &name, &wrong),
            Question::Rename(_) => naming("Rename", "Rename", &name, &wrong),
            Question::Delete(paths) => deleting(paths),
        };
        Self { question, name, wrong, card }
    }

    /// Whether its button can be pressed.
    pub fn is_ready(&self) -> bool {
        matches!(self.question, Question::Delete(_)) || is_good(&self.name, &self.wrong)
    }
}

fn is_good(name: &str, wrong: &Option<String>) -> bool {
    wrong.is_none() && names::check(name).is_ok()
}

fn naming(title: &str, answer: &str, name: &str, wrong: &Option<String>) -> Card<Message> {
    // The place of the complaint is there from the start, so that nothing moves.
    let said = wrong.clone().unwrap_or_else(|| " ".into());
    Card::new(title, "")
        .field(name, "Name", Message::Prompt)
        .wrong(Some(said))
        .cancel("Cancel", Message::Command(Command::Leave))
        .primary_maybe(answer, is_good(name, wrong).then_some(Message::Confirm))
}

fn deleting(paths: &[PathBuf]) -> Card<Message> {
    let title = match paths {
        [path] => format!("Delete “{}”?", path.file_name().unwrap_or_default().to_string_lossy()),
        paths => format!("Delete {}?", format::count(paths.len(), "item", "items")),
    };
    let more = match paths {
        [path] if !path.is_dir() => "It will be gone for good.",
        [_] => "The folder and all that is in it will be gone for good.",
        _ => "They will be gone for good, folders with all that is in them.",
    };
    Card::new(title, more)
        .icon(Icon::TRASH_2)
        .cancel("Cancel", Message::Command(Command::Leave))
        .danger("Delete", Message::Confirm)
}

impl Files {
    fn ask(&mut self, question: Question, name: String, wrong: Option<String>) {
        self.dialog = Some(Dialog::new(question, name, wrong));
    }

    pub(super) fn ask_new_folder(&mut self) -> Task<Message> {
        let name = names::free("New Folder".as_ref(), |name| self.list.has(name));
        self.ask(Question::NewFolder, name.to_string_lossy().into_owned(), None);
        Task::focus(FIELD).and(Task::select_all(FIELD))
    }

    pub(super) fn ask_rename(&mut self) -> Task<Message> {
        let Some(entry) = self.list.selection().next().filter(|_| self.list.selected() == 1) else {
            return Task::none();
        };
        let (name, from) = (entry.title().into_owned(), entry.name.clone());
        // What comes before the ending is what people change.
        let stem = if entry.is_folder() { &name } else { &name[..names::stem_len(&name)] }.chars().count();
        self.ask(Question::Rename(from), name, None);
        Task::focus(FIELD).and(Task::select_range(FIELD, 0, stem))
    }

    pub(super) fn ask_delete(&mut self) {
        let paths = self.selection();
        if !paths.is_empty() {
            self.ask(Question::Delete(paths), String::new(), None);
        }
    }

    /// The name in the field is another one.
    pub(super) fn prompt(&mut self, name: String) {
        let Some(Dialog { question, .. }) = self.dialog.take() else { return };
        let own = matches!(&question, Question::Rename(from) if from == OsStr::new(&name));
        let taken = !own && self.list.has(OsStr::new(&name));
        let fit = names::check(&name).and(if taken { Err(names::Unfit::Taken) } else { Ok(()) });
        // Nobody needs to be told that there is nothing yet.
        let wrong = fit.err().filter(|unfit| *unfit != names::Unfit::Empty).map(|unfit| unfit.to_string());
        self.ask(question, name, wrong);
    }

    /// The button, or Enter.
    pub(super) fn confirm(&mut self) -> Task<Message> {
        let Some(Dialog { question, name, .. }) = self.dialog.take_if(|dialog| dialog.is_ready()) else {
            return Task::none();
        };
        let result = match &question {
            Question::Delete(paths) => return self.begin(job::Task::Delete(paths.clone())),
            Question::NewFolder => fs::create_dir(self.folder.join(&name)),
            Question::Rename(from) => rename(&self.folder, from, &name),
        };
        match result {
            Ok(()) => {
                self.wanted = vec![name.into()];
                self.read()
            }
            Err(error) => {
                let mut reason = job::describe(&error);
                reason[..1].make_ascii_uppercase();
                self.ask(question, name, Some(format!("{reason}.")));
                Task::focus(FIELD)
            }
        }
    }
}

fn rename(folder: &Path, from: &OsStr, name: &str) -> io::Result<()> {
    if from == OsStr::new(name) {
        return Ok(());
    }
    let target = folder.join(name);
    // Renaming replaces what is there, and the list may be older than that.
    if target.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(folder.join(from), target)
}
