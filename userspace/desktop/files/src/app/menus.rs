//! Menus of the list: about files, or about the folder.

use ochre_ui::parts::menu::{Input, Item, Menu, Outcome};
use ochre_ui::programs::{self, Program};
use ochre_ui::{Icon, Point, Task};

use super::{Command, Files, Look, Message};
use crate::kind;

impl Files {
    /// Opens a menu at a place of the window.
    pub(super) fn open_menu(&mut self, at: Point, about_files: bool) {
        let items = if about_files { self.about_files() } else { self.about_folder() };
        self.menu = Some(Menu::new(at, items));
    }

    pub(super) fn menu(&mut self, input: Input) -> Task<Message> {
        match self.menu.as_mut().map(|menu| menu.update(input)) {
            Some(Outcome::Chosen(Message::Command(command))) => self.command(command),
            Some(Outcome::Closed | Outcome::Chosen(_)) => {
                self.menu = None;
                Task::none()
            }
            Some(Outcome::Open) | None => Task::none(),
        }
    }

    fn about_files(&self) -> Vec<Item<Message>> {
        let one = self.list.selected() == 1;
        let mut items = vec![item(Icon::EXTERNAL_LINK, "Open", "Enter", Some(Command::Open))];
        items.extend(self.openers().into_iter().map(|program| {
            let label = format!("Open with {}", program.name);
            item(program.picture(), label, "", Some(Command::OpenWith(program.id.clone())))
        }));
        items.extend([
            Item::Line,
            item(Icon::SCISSORS, "Cut", "Ctrl+X", Some(Command::Cut)),
            item(Icon::COPY, "Copy", "Ctrl+C", Some(Command::Copy)),
            item(Icon::TEXT_CURSOR_INPUT, "Copy path", "Ctrl+Shift+C", Some(Command::CopyPath)),
            Item::Line,
            item(Icon::PENCIL, "Rename…", "F2", one.then_some(Command::Rename)),
            item(Icon::TRASH_2, "Delete…", "Del", Some(Command::Delete)),
        ]);
        items
    }

    fn about_folder(&self) -> Vec<Item<Message>> {
        let (hidden, eye) = if self.list.shows_hidden() {
            ("Hide hidden files", Icon::EYE_OFF)
        } else {
            ("Show hidden files", Icon::EYE)
        };
        let look = match self.look {
            Look::Rows => item(Icon::LAYOUT_GRID, "Show as tiles", "Ctrl+2", Some(Command::Show(Look::Tiles))),
            Look::Tiles => item(Icon::LIST, "Show in rows", "Ctrl+1", Some(Command::Show(Look::Rows))),
        };
        vec![
            item(Icon::FOLDER_PLUS, "New folder…", "Ctrl+Shift+N", Some(Command::NewFolder)),
            item(Icon::CLIPBOARD_PASTE, "Paste", "Ctrl+V", Some(Command::Paste)),
            Item::Line,
            item(Icon::CHECK, "Select all", "Ctrl+A", Some(Command::SelectAll)),
            look,
            item(eye, hidden, "Ctrl+H", Some(Command::ToggleHidden)),
            item(Icon::REFRESH_CW, "Refresh", "F5", Some(Command::Refresh)),
            Item::Line,
            item(Icon::SQUARE_TERMINAL, "Open terminal here", "Ctrl+Shift+T", Some(Command::Terminal)),
        ]
    }

    /// Programs that open what is selected.
    fn openers(&self) -> Vec<&Program> {
        let mut entries = self.list.selection();
        let (Some(entry), None) = (entries.next(), entries.next()) else { return Vec::new() };
        if entry.is_folder() {
            return Vec::new();
        }
        let kind = kind::by_name(&entry.title()).unwrap_or(kind::OTHER);
        programs::that_open(&self.programs, kind.name)
    }
}

fn item(icon: Icon, label: impl Into<String>, keys: &'static str, command: Option<Command>) -> Item<Message> {
    Item::new(icon, label, keys, command.map(Message::Command))
}
