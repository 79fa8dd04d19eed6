//! Pictures of the file browser, to be looked at: `cargo run -p files --example files-views -- FOLDER`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use files::app::{self, Command, Look, Message};
use files::touch::Touch;
use ochre_ui::{Harness, Point, Size, Theme};

fn main() -> std::io::Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "views".into()));
    fs::create_dir_all(&out)?;
    let home = std::env::temp_dir().join(format!("ochre-views-{}", std::process::id())).join("root");
    fill(&home)?;
    for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
        for scale in [1.0, 2.0] {
            let picture = |what: &str| out.join(format!("files-{what}-{name}-{scale}x.png"));
            let mut browser = Harness::new(Size::new(860.0, 560.0), scale, theme, app::start(&home, &home));
            browser.settle();
            browser.message(Message::Touch(Touch::Press(Some(3))));
            browser.point(420.0, 240.0);
            browser.save(picture("list"))?;
            browser.message(Message::Command(Command::Show(Look::Tiles)));
            browser.settle();
            browser.save(picture("tiles"))?;
            browser.message(Message::Command(Command::Show(Look::Rows)));
            browser.message(Message::Touch(Touch::Menu(Some(5), Point::new(430.0, 230.0))));
            browser.save(picture("menu"))?;
            browser.message(Message::Command(Command::Delete));
            browser.save(picture("delete"))?;
            browser.message(Message::Command(Command::Leave));
            browser.message(Message::Command(Command::Rename));
            browser.message(Message::Prompt("notes.md".into()));
            browser.save(picture("rename"))?;
            browser.message(Message::Command(Command::Leave));
            browser.message(Message::Command(Command::EditAddress));
            browser.message(Message::Opened(Err("No program is there that opens “harbour.wav”.".into())));
            browser.save(picture("address"))?;
            browser.message(Message::Go(home.join("Projects")));
            browser.settle();
            browser.save(picture("empty"))?;
            browser.message(Message::Go("/nowhere".into()));
            browser.settle();
            browser.resize(Size::new(500.0, 400.0));
            browser.save(picture("failed"))?;
        }
    }
    fs::remove_dir_all(home.parent().unwrap_or(&home))
}

fn fill(home: &Path) -> std::io::Result<()> {
    for folder in ["Documents", "Pictures", "Projects"] {
        fs::create_dir_all(home.join(folder))?;
    }
    let now = SystemTime::now();
    for (name, size, hours) in [
        ("welcome.txt", 1_834, 0),
        ("notes.md", 912, 3),
        ("harbour.png", 483_120, 30),
        ("dunes.jpg", 1_204_800, 200),
        (
            "a photograph with quite a long name that somebody forgot to shorten before it was copied here.jpeg",
            4_204_800,
            900,
        ),
        ("backup.tar.zst", 73_204_800, 9_000),
        ("measurements.csv", 20_480, 49),
        ("harbour.wav", 20_480_000, 51),
        ("main.rs", 5_120, 20),
        ("core", 2_048_000, 400),
        (".profile", 300, 400),
    ] {
        let file = fs::File::create(home.join(name))?;
        file.set_len(size)?;
        file.set_modified(now - Duration::from_secs(hours * 3600))?;
    }
    Ok(())
}
