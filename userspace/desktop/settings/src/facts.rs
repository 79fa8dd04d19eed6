//! What the texts of daemons and kernel say, as values. Lines that are not known say nothing.

use std::fmt;

/// A size of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mode {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

impl Mode {
    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_whitespace().map(str::parse);
        match (numbers.next()?, numbers.next()?, numbers.next()) {
            (Ok(width), Ok(height), None) if width > 0 && height > 0 => Some(Self { width, height }),
            _ => None,
        }
    }

    /// As the display server's setting has it.
    pub fn setting(self) -> String {
        format!("{}x{}", self.width, self.height)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.width, self.height)
    }
}

/// A screen, as its driver tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Its mode.
    pub mode: Mode,
    /// The mode that it would rather have.
    pub preferred: Option<Mode>,
    /// Modes that it can have, smallest first; only its own if it cannot be changed.
    pub modes: Vec<Mode>,
    /// It is used only when there is no other.
    pub fallback: bool,
}

impl Screen {
    /// From `info` of a screen's scheme.
    pub fn parse(text: &str) -> Option<Self> {
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let mode = Mode::parse(value("mode ")?)?;
        let flags: Vec<&str> = value("flags ").unwrap_or_default().split_whitespace().collect();
        let mut modes = vec![mode];
        if flags.contains(&"modes") {
            modes.extend(text.lines().filter_map(|line| Mode::parse(line.strip_prefix("has mode ")?)));
        }
        modes.sort();
        modes.dedup();
        let preferred = value("preferred ").and_then(Mode::parse);
        Some(Self { mode, preferred, modes, fallback: flags.contains(&"fallback") })
    }
}

/// A key map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// Its file's name.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// The keyboard, as the input daemon tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyboard {
    /// The key map that is used.
    pub keymap: String,
    /// Those that there are.
    pub keymaps: Vec<Keymap>,
    /// Milliseconds until a key that is held repeats.
    pub delay: u32,
    /// How often it does then, in a second; 0 if it does not.
    pub rate: u32,
}

impl Keyboard {
    /// From `control` of the input daemon.
    pub fn parse(text: &str) -> Option<Self> {
        let mut keyboard = Self::default();
        for line in text.lines() {
            match line.split_once(' ')? {
                ("keymap", id) => keyboard.keymap = id.into(),
                ("repeat", numbers) => {
                    let (delay, rate) = numbers.split_once(' ')?;
                    (keyboard.delay, keyboard.rate) = (delay.parse().ok()?, rate.parse().ok()?);
                }
                ("has", what) => {
                    if let Some((id, name)) = what.strip_prefix("keymap ").and_then(|map| map.split_once(' ')) {
                        keyboard.keymaps.push(Keymap { id: id.into(), name: name.into() });
                    }
                }
                _ => {}
            }
        }
        Some(keyboard)
    }
}

/// What the display server is set to. What is missing nobody has set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desktop {
    /// It is dark.
    pub dark: bool,
    /// Pixels of the screen for one of the design.
    pub scale: Option<u32>,
}

impl Desktop {
    /// From the display server's settings.
    pub fn parse(text: &str) -> Self {
        let value = |name: &str| text.lines().filter_map(|line| line.split_once('=')).find(|(known, _)| *known == name);
        let value = |name: &str| value(name).map(|(_, value)| value);
        let scale = value("scale").and_then(|scale| scale.parse().ok()).filter(|scale| (1..=4).contains(scale));
        Self { dark: value("theme") == Some("dark"), scale }
    }
}

/// The machine, as the kernel tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The system's name and version.
    pub version: String,
    /// Which build of the kernel.
    pub build: String,
    /// What the processor calls itself.
    pub processor: String,
    /// How many there are.
    pub processors: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes that nobody uses.
    pub free: u64,
    /// Seconds since the start.
    pub uptime: u64,
}

impl Machine {
    /// From the kernel's `uname`, `cpu` and `stat`.
    pub fn parse(uname: &str, cpu: &str, stat: &str) -> Self {
        let lines: Vec<&str> = uname.lines().collect();
        let line = |at: usize| lines.get(at).copied().unwrap_or_default();
        let number = |name: &str| {
            let value = stat.lines().filter_map(|line| line.split_once(' ')).find(|(known, _)| *known == name);
            value.and_then(|(_, value)| value.parse::<u64>().ok()).unwrap_or(0)
        };
        let processor = cpu.lines().find_map(|line| line.strip_prefix("name:")).unwrap_or_default();
        let bytes = |name: &str| number(name).saturating_mul(number("frame_bytes"));
        Self {
            version: format!("{} {}", line(0), line(2)).trim().into(),
            build: [line(3), line(4)].join(", ").trim_matches([',', ' ']).into(),
            processor: processor.split_whitespace().collect::<Vec<_>>().join(" "),
            processors: number("processors"),
            memory: bytes("frames_total"),
            free: bytes("frames_free"),
            uptime: number("uptime_ns") / 1_000_000_000,
        }
    }
}

/// A time in words.
pub fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens() {
        let text = "mode 1024 768\nstride 4096\npreferred 1280 800\nflags flush cursor modes\nhas mode 1280 800\nhas mode 640 480\n";
        let mode = |width, height| Mode { width, height };
        let screen = Screen::parse(text).unwrap();
        assert_eq!(screen.modes, [mode(640, 480), mode(1024, 768), mode(1280, 800)]);
        assert_eq!((screen.preferred, screen.fallback), (Some(mode(1280, 800)), false));
        // One that cannot be changed has its own mode, whatever else it says.
        let fixed = Screen::parse("mode 800 600\nflags fallback\nhas mode 640 480\n").unwrap();
        assert_eq!((fixed.modes, fixed.fallback), (vec![mode(800, 600)], true));
        for nonsense in ["", "mode 0 5", "mode 1", "mode 1 2 3", "mode a b"] {
            assert_eq!(Screen::parse(nonsense), None, "{nonsense}");
        }
        assert_eq!((mode(1, 2).to_string(), mode(1, 2).setting()), ("1 × 2".into(), "1x2".into()));
    }

    #[test]
    fn keyboards() {
        let text = "keymap us\nrepeat 400 30\nhas keymap de German\nhas keymap us English (US)\nhas producer ps2\n";
        let keyboard = Keyboard::parse(text).unwrap();
        assert_eq!((keyboard.keymap.as_str(), keyboard.delay, keyboard.rate), ("us", 400, 30));
        assert_eq!(keyboard.keymaps[1], Keymap { id: "us".into(), name: "English (US)".into() });
        assert_eq!(Keyboard::parse("repeat x y"), None);
    }

    #[test]
    fn desktops() {
        let desktop = Desktop::parse("scale=2\ntheme=dark\nother=x\n");
        assert_eq!((desktop.dark, desktop.scale), (true, Some(2)));
        assert_eq!(Desktop::parse("scale=9\ntheme=light"), Desktop::default());
    }

    #[test]
    fn machines() {
        let stat = "frame_bytes 4096\nframes_total 1000\nframes_free 250\nprocessors 2\nuptime_ns 61000000000\n";
        let machine = Machine::parse("Ochre\n\n0.1.0\nrelease build\nx86_64\n", "CPUs: 2\nname:  QEMU  TCG \n", stat);
        assert_eq!((machine.version.as_str(), machine.build.as_str()), ("Ochre 0.1.0", "release build, x86_64"));
        assert_eq!((machine.processor.as_str(), machine.processors), ("QEMU TCG", 2));
        assert_eq!((machine.memory, machine.free, machine.uptime), (4_096_000, 1_024_000, 61));
        assert_eq!(Machine::parse("", "", ""), Machine::default());
    }

    #[test]
    fn times() {
        for (seconds, text) in [(5, "5 s"), (61, "1 min"), (3_660, "1 h 1 min"), (100_000, "1 d 3 h")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
