//! What menus, buttons and keys do.

use std::path::PathBuf;

use ochre_ui::Task;

use super::{Files, Look, Message, id};
use crate::clip::Purpose;
use crate::{job, open, places};

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Opens what is selected.
    Open,
    /// Opens what is selected with the program whose file has this name.
    OpenWith(String),
    /// To where one was before.
    Back,
    /// Forward again.
    Forward,
    /// To the folder around this one.
    Up,
    /// To one's own folder.
    Home,
    /// Reads the folder again.
    Refresh,
    /// Lets a path be typed.
    EditAddress,
    /// Selects everything.
    SelectAll,
    /// Selects what the cursor is on, or no longer.
    Toggle,
    /// Shows hidden files, or no longer.
    ToggleHidden,
    /// Shows files in rows or as tiles.
    Show(Look),
    /// Asks for the name of a new folder.
    NewFolder,
    /// Asks for a new name.
    Rename,
    /// Asks whether what is selected shall be deleted.
    Delete,
    /// Remembers what is selected, to be copied.
    Copy,
    /// Remembers what is selected, to be moved.
    Cut,
    /// Copies or moves to here what was remembered.
    Paste,
    /// Puts the paths on the clipboard as text.
    CopyPath,
    /// A terminal in this folder.
    Terminal,
    /// Leaves whatever is in front: a question, a menu, the typed path, a message, the selection.
    Leave,
    /// Stops what takes long.
    Stop,
    /// Closes the window.
    Close,
}

impl Files {
    pub(super) fn command(&mut self, command: Command) -> Task<Message> {
        if command == Command::Leave {
            return self.leave();
        }
        self.menu = None;
        match command {
            Command::Open => return self.open(),
            Command::OpenWith(program) => return self.open_with(&program),
            Command::Back => {
                if let Some(folder) = self.history.back(&self.folder) {
                    return self.show(folder);
                }
            }
            Command::Forward => {
                if let Some(folder) = self.history.forward(&self.folder) {
                    return self.show(folder);
                }
            }
            Command::Up => return self.up(),
            Command::Home => return self.go(self.home.clone()),
            Command::Refresh => return self.read(),
            Command::EditAddress => {
                let mut text = self.folder.to_string_lossy().into_owned();
                if text != "/" {
                    text.push('/');
                }
                self.address = Some(text);
                return Task::focus(id::ADDRESS).and(Task::select_all(id::ADDRESS));
            }
            Command::SelectAll => self.list.select_all(),
            Command::Toggle => self.list.toggle_at_cursor(),
            Command::ToggleHidden => self.list.toggle_hidden(),
            Command::Show(look) => return self.set_look(look),
            Command::NewFolder => return self.ask_new_folder(),
            Command::Rename => return self.ask_rename(),
            Command::Delete => self.ask_delete(),
            Command::Copy => return self.remember(Purpose::Copy),
            Command::Cut => return self.remember(Purpose::Move),
            Command::Paste => return Task::paste(Message::Pasted),
            Command::CopyPath => return self.copy_path(),
            Command::Terminal => {
                let folder = self.folder.clone();
                return Task::perform(move || open::terminal(&folder), Message::Opened);
            }
            // Has been done.
            Command::Leave => {}
            Command::Stop => self.stop(),
            Command::Close => return Task::exit(),
        }
        Task::none()
    }

    /// Paths of what is selected.
    pub(super) fn selection(&self) -> Vec<PathBuf> {
        self.list.selection().map(|entry| self.folder.join(&entry.name)).collect()
    }

    fn up(&mut self) -> Task<Message> {
        let Some(parent) = self.folder.parent().map(PathBuf::from) else { return Task::none() };
        // Where one comes from is easily found again.
        self.wanted = self.folder.file_name().map(Into::into).into_iter().collect();
        self.go(parent)
    }

    fn open(&mut self) -> Task<Message> {
        let folders: Vec<PathBuf> = self
            .list
            .selection()
            .filter(|entry| entry.is_folder())
            .map(|entry| self.folder.join(&entry.name))
            .collect();
        match (&folders[..], self.list.selected()) {
            ([folder], 1) => self.go(folder.clone()),
            ([], 1..) => self.open_files(),
            ([], 0) => Task::none(),
            _ => {
                self.notice = Some("Only one folder can be opened in this window.".into());
                Task::none()
            }
        }
    }

    /// Each file with the program that fits best.
    fn open_files(&self) -> Task<Message> {
        let (paths, programs) = (self.selection(), self.programs.clone());
        Task::perform(move || open::files(&programs, &paths), Message::Opened)
    }

    fn open_with(&self, id: &str) -> Task<Message> {
        let Some(program) = self.programs.iter().find(|program| program.id == id).cloned() else {
            return Task::none();
        };
        let paths = self.selection();
        Task::perform(move || open::with(&program, &paths), Message::Opened)
    }

    fn remember(&mut self, purpose: Purpose) -> Task<Message> {
        let paths = self.selection();
        if paths.is_empty() {
            return Task::none();
        }
        match self.clip.put(&paths, purpose) {
            Some(_) => Task::copy_files(paths),
            None => {
                self.notice = Some("Names with line ends, or that are no text, cannot go to the clipboard.".into());
                Task::none()
            }
        }
    }

    pub(super) fn pasted(&mut self, clip: Option<ochre_ui::Clip>) -> Task<Message> {
        let text = match clip {
            Some(ochre_ui::Clip::Files(paths)) => {
                paths.iter().filter_map(|path| path.to_str()).collect::<Vec<_>>().join("\n")
            }
            Some(ochre_ui::Clip::Text(text)) => text,
            None => String::new(),
        };
        let (paths, purpose) = self.clip.take(&text);
        if paths.is_empty() {
            self.notice = Some("There are no files on the clipboard.".into());
            return Task::none();
        }
        let into = self.folder.clone();
        match purpose {
            Purpose::Copy => self.begin(job::Task::Copy(paths, into)),
            Purpose::Move => {
                self.clip.forget();
                // What is moved to where it is stays there.
                let away = |path: &PathBuf| path.parent() != Some(&into);
                let paths: Vec<PathBuf> = paths.into_iter().filter(away).collect();
                if paths.is_empty() { Task::none() } else { self.begin(job::Task::Move(paths, into)) }
            }
        }
    }

    fn copy_path(&self) -> Task<Message> {
        let mut paths = self.selection();
        if paths.is_empty() {
            paths.push(self.folder.clone());
        }
        let lines: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
        Task::copy(lines.join("\n"))
    }

    pub(super) fn address_done(&mut self) -> Task<Message> {
        let Some(text) = self.address.take() else { return Task::none() };
        let Some(path) = places::typed(&text, &self.folder, &self.home) else { return Task::none() };
        match path.metadata() {
            Ok(metadata) if !metadata.is_dir() => {
                // A file is shown where it lies.
                self.wanted = path.file_name().map(Into::into).into_iter().collect();
                let folder = path.parent().map_or_else(|| PathBuf::from("/"), PathBuf::from);
                self.go(folder)
            }
            _ => self.go(path),
        }
    }

    /// Leaves whatever is in front.
    fn leave(&mut self) -> Task<Message> {
        let front = self.dialog.take().is_some() || self.menu.take().is_some() || self.address.take().is_some();
        if !front && self.notice.take().is_none() {
            self.list.select_none();
        }
        Task::none()
    }
}
