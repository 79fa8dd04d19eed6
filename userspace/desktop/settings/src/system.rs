//! Where settings are: texts of schemes, read and written. Tests have a folder with such texts instead.

use std::fs;
use std::io::{Error, Result, Write};
use std::path::PathBuf;

use crate::facts::{Desktop, Keyboard, Machine, Screen};

/// What screens' schemes begin with.
const SCREENS: &str = "display.";

/// All that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the display server is set to.
    pub desktop: Desktop,
    /// The screen that is shown on; none if no driver tells.
    pub screen: Option<Screen>,
    /// The keyboard; none if the input daemon does not tell.
    pub keyboard: Option<Keyboard>,
    /// The machine.
    pub machine: Machine,
}

/// The schemes.
#[derive(Clone, Debug)]
pub struct System {
    root: PathBuf,
}

impl System {
    /// Schemes below this path.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn text(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.root.join(path))
    }

    /// Reads everything. What does not answer is not known.
    pub fn read(&self) -> Facts {
        let text = |path: &str| self.text(path).unwrap_or_default();
        Facts {
            desktop: Desktop::parse(&text("orbital/settings")),
            screen: self.screen(),
            keyboard: self.text("input/control").ok().and_then(|text| Keyboard::parse(&text)),
            machine: Machine::parse(&text("sys/uname"), &text("sys/cpu"), &text("sys/stat")),
        }
    }

    /// The screen that the display server takes: the first by name of those that are no makeshift, else a makeshift.
    fn screen(&self) -> Option<Screen> {
        let entries = fs::read_dir(&self.root).ok()?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| name.starts_with(SCREENS)).collect();
        names.sort();
        let mut screens: Vec<Screen> =
            names.iter().filter_map(|name| Screen::parse(&self.text(&format!("{name}/info")).ok()?)).collect();
        screens.sort_by_key(|screen| screen.fallback);
        screens.into_iter().next()
    }

    /// Sets something of the display server.
    pub fn set_desktop(&self, name: &str, value: &str) -> Result<()> {
        self.write("orbital/settings", &format!("{name}={value}"))
    }

    /// Tells the input daemon a line.
    pub fn set_keyboard(&self, line: &str) -> Result<()> {
        self.write("input/control", &format!("{line}\n"))
    }

    /// In one piece: daemons take each for itself.
    fn write(&self, path: &str, text: &str) -> Result<()> {
        let mut file = fs::File::options().write(true).open(self.root.join(path))?;
        match file.write(text.as_bytes())? {
            count if count == text.len() => Ok(()),
            _ => Err(Error::other("only a part was taken")),
        }
    }
}
