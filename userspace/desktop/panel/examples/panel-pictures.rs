//! Pictures of the panel and the menu, to be looked at: `cargo run -p panel --example panel-pictures -- FOLDER`.

use std::path::{Path, PathBuf};
use std::{env, io};

use jiff::ZonedDateTime;
use ochre_ui::programs::{self, Program};
use ochre_ui::{Harness, Size, Theme};
use panel::bar::{self, Bar};
use panel::launcher::{self, Launcher};
use panel::power::Power;
use panel::windows::{Windows, Wish};

struct Stage;

impl bar::System for Stage {
    fn wish(&mut self, _wish: Wish) {}

    fn menu(&mut self) {}

    fn now(&self) -> ZonedDateTime {
        ZonedDateTime::now()
    }
}

impl launcher::System for Stage {
    fn programs() -> Vec<Program> {
        let desktop = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let folders: Vec<PathBuf> =
            ["editor", "files", "viewer", "settings", "../terminal"].map(|name| desktop.join(name)).into();
        programs::in_folders(folders.iter().map(PathBuf::as_path))
    }

    fn start(&mut self, _program: &Program) -> Result<(), String> {
        Ok(())
    }

    fn power(&mut self, _power: Power) -> Result<(), String> {
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| String::from(".")));
    for (name, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
        for scale in [1, 2] {
            let path = |what: &str| folder.join(format!("{what}-{name}-{scale}.png"));
            let mut bar = Harness::new(Size::new(900.0, bar::HEIGHT), scale as f32, theme, |_| Bar::new(Stage));
            let list = "menu 0\n1 shown Files – Documents\n2 focused Notes.txt – Text Editor\n3 minimized A window with a long title\n";
            bar.message(bar::Message::Windows(Windows::parse(list)));
            bar.point(100.0, 20.0);
            bar.save(path("panel"))?;
            let size = Launcher::<Stage>::options().size;
            let mut menu = Harness::new(size, scale as f32, theme, |_| Launcher::new(Stage));
            menu.message(launcher::Message::Toggle);
            menu.settle();
            menu.save(path("menu"))?;
            menu.text("ed");
            menu.message(launcher::Message::Power(Some(Power::Off)));
            menu.save(path("menu-search"))?;
        }
    }
    Ok(())
}
