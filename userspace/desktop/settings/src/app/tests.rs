//! Settings with a folder instead of schemes, pressed like a program with a window.

use std::fs;
use std::path::{Path, PathBuf};

use ochre_ui::core::keyboard::key::Named;
use ochre_ui::{Harness, Size, Theme};

use super::*;

struct Fake(PathBuf);

impl Fake {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("ochre-settings-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let fake = Self(root);
        // Empty: a file, unlike the daemon, keeps what is behind a shorter text.
        fake.write("orbital/settings", "");
        fake.write("input/control", "keymap us\nrepeat 400 30\nhas keymap de German\nhas keymap us English (US)\n");
        fake.write("display.loader/info", "mode 800 600\nflags fallback\n");
        fake.screen("1024 768");
        fake.write("sys/uname", "Ochre\n\n0.1.0\nrelease build\nx86_64\n");
        fake.write("sys/stat", "processors 2\n");
        fake.write("sys/cpu", "name: T\n");
        fake
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn screen(&self, mode: &str) {
        let modes = "has mode 640 480\nhas mode 1024 768\nhas mode 1280 800\n";
        self.write("display.00-02.0/info", &format!("mode {mode}\nflags modes\n{modes}"));
    }

    /// What a daemon was told: the beginning of its text.
    fn told(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }

    fn open(&self, section: Section) -> Harness<Settings> {
        let system = System::new(&self.0);
        let mut settings = Harness::new(Size::new(720.0, 520.0), 1.0, Theme::Light, start(system, section));
        settings.settle();
        settings
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_theme_is_set_where_it_is_seen() {
    let fake = Fake::new("theme");
    let mut settings = fake.open(Section::Appearance);
    // The right one of the two looks.
    settings.click(560.0, 200.0);
    settings.settle();
    assert!(fake.told("orbital/settings").starts_with("theme=dark"));
    assert!(settings.app().facts().desktop.dark);
}

#[test]
fn scale_and_key_map_are_set() {
    let fake = Fake::new("scale");
    let mut settings = fake.open(Section::Display);
    settings.message(Message::Scale(Some(2)));
    settings.settle();
    assert!(fake.told("orbital/settings").starts_with("scale=2"));
    settings.message(Message::Scale(None));
    settings.settle();
    assert!(fake.told("orbital/settings").starts_with("scale=auto"));
    settings.message(Message::Keymap("de".into()));
    settings.settle();
    assert!(fake.told("input/control").starts_with("keymap de\n"));
    settings.message(Message::Delay(250));
    settings.message(Message::Repeat);
    settings.settle();
    assert!(fake.told("input/control").starts_with("repeat 250 30\n"));
}

#[test]
fn a_resolution_is_tried_before_it_is_kept() {
    let fake = Fake::new("trial");
    let wide = Mode { width: 1280, height: 800 };
    let mut settings = fake.open(Section::Display);
    assert_eq!(settings.app().facts().screen.as_ref().unwrap().modes.len(), 3);
    // The screen is quick: it has the mode when it is looked at.
    fake.screen("1280 800");
    settings.message(Message::Resolution(wide));
    settings.settle();
    assert!(fake.told("orbital/settings").starts_with("resolution=1280x800"));
    assert!(settings.app().trial.is_some());
    settings.press(Named::Enter);
    assert!(settings.app().trial.is_none(), "Enter keeps it");
    settings.settle();
    assert_eq!(settings.app().facts().screen.as_ref().unwrap().mode, wide);
    // Nobody says anything: it goes back.
    fake.screen("640 480");
    settings.message(Message::Resolution(Mode { width: 640, height: 480 }));
    for _ in 0..TRIAL {
        settings.message(Message::Second);
    }
    settings.settle();
    assert!(settings.app().trial.is_none());
    assert!(fake.told("orbital/settings").starts_with("resolution=1280x800"));
}

#[test]
fn escape_goes_back_to_the_first_resolution() {
    let fake = Fake::new("back");
    let mut settings = fake.open(Section::Display);
    for (width, height) in [(1280, 800), (640, 480)] {
        fake.screen(&format!("{width} {height}"));
        settings.message(Message::Resolution(Mode { width, height }));
        settings.settle();
    }
    settings.press(Named::Escape);
    settings.settle();
    assert!(fake.told("orbital/settings").starts_with("resolution=1024x768"));
}

#[test]
fn what_cannot_be_set_is_told() {
    let fake = Fake::new("failure");
    let mut settings = fake.open(Section::Keyboard);
    fs::remove_file(fake.0.join("input/control")).unwrap();
    settings.message(Message::Keymap("de".into()));
    settings.settle();
    assert!(settings.app().notice.as_ref().unwrap().starts_with("The key map was not changed"));
    assert_eq!(settings.app().facts().keyboard, None);
}

#[test]
fn without_any_daemon_all_pages_are_shown() {
    let system = System::new(Path::new("/nowhere"));
    let mut settings = Harness::new(Size::new(720.0, 520.0), 1.0, Theme::Dark, start(system, Section::Appearance));
    for _ in 0..5 {
        settings.press(Named::ArrowDown);
        settings.settle();
    }
    assert_eq!(settings.app().section, Section::Display);
    assert_eq!(Section::named("about"), Some(Section::About));
    assert_eq!(Section::named("x"), None);
}
