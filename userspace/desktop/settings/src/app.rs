//! Settings as a program: what happens to them, and what is done about that.

#[cfg(test)]
mod tests;

use std::time::Duration;

use files::job::describe;
use ochre_ui::parts::dialog::Dialog;
use ochre_ui::{Application, Element, Event, Every, Icon, Sender, Task, event, keyboard, window};

use crate::facts::Mode;
use crate::system::{Facts, System};
use crate::view;

/// How often numbers that change by themselves are read while they are seen.
const LOOK: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);
/// Seconds in which a resolution has to be liked.
const TRIAL: u32 = 15;

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Light or dark.
    Appearance,
    /// Resolution and scale.
    Display,
    /// Key map and repeat.
    Keyboard,
    /// The system and the machine.
    About,
}

impl Section {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Appearance, Self::Display, Self::Keyboard, Self::About];

    /// What it is called, and its icon.
    pub fn title(self) -> (&'static str, Icon) {
        match self {
            Self::Appearance => ("Appearance", Icon::PALETTE),
            Self::Display => ("Display", Icon::MONITOR),
            Self::Keyboard => ("Keyboard", Icon::KEYBOARD),
            Self::About => ("About", Icon::INFO),
        }
    }

    /// The page of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.title().0.eq_ignore_ascii_case(name))
    }

    fn after(self, by: isize) -> Self {
        let at = Self::ALL.iter().position(|known| *known == self).unwrap_or(0) as isize;
        Self::ALL[(at + by).rem_euclid(Self::ALL.len() as isize) as usize]
    }
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Message {
    /// Another page.
    Section(Section),
    /// The next page, or the one before.
    Turn(isize),
    /// It is time to read what changes by itself.
    Look,
    /// All that is known.
    Known(Box<Facts>),
    /// Something could not be set.
    Failed(String),
    /// Dark, or light.
    Dark(bool),
    /// A scale; none: by itself.
    Scale(Option<u32>),
    /// A resolution.
    Resolution(Mode),
    /// A second of a trial is over.
    Second,
    /// The resolution is liked.
    Keep,
    /// It is not.
    Revert,
    /// A key map.
    Keymap(String),
    /// Milliseconds until a held key repeats.
    Delay(u32),
    /// How often it does then, in a second.
    Rate(u32),
    /// The keyboard's repeat is to be as the sliders are.
    Repeat,
    /// What is typed to try the keyboard.
    Try(String),
    /// The window has the focus.
    Focus(bool),
    /// Somebody has read what went wrong.
    Dismiss,
}

/// A resolution that is being tried.
#[derive(Clone, Debug)]
pub struct Trial {
    before: Mode,
    now: Mode,
    left: u32,
    pub(crate) card: Dialog<Message>,
}

impl Trial {
    fn new(before: Mode, now: Mode, left: u32) -> Self {
        let text = format!("The screen has {now} pixels now. In {left} s it goes back to {before}.");
        let card = Dialog::new("Keep this resolution?", text)
            .icon(Icon::MONITOR)
            .cancel("Go back", Message::Revert)
            .primary("Keep", Message::Keep);
        Self { before, now, left, card }
    }
}

/// The program.
pub struct Settings {
    system: System,
    pub(crate) section: Section,
    pub(crate) facts: Facts,
    pub(crate) trial: Option<Trial>,
    pub(crate) tried: String,
    pub(crate) notice: Option<String>,
    focused: bool,
}

impl Settings {
    /// Settings of a system, beginning with a page.
    pub fn new(system: System, section: Section) -> (Self, Task<Message>) {
        let facts = Facts::default();
        let settings = Self { system, section, facts, trial: None, tried: String::new(), notice: None, focused: true };
        let task = settings.read();
        (settings, task)
    }

    /// All that is known.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    fn read(&self) -> Task<Message> {
        let system = self.system.clone();
        Task::perform(move || system.read(), |facts| Message::Known(Box::new(facts)))
    }

    /// Sets something in a thread, and reads what has become of it.
    fn set(
        &self,
        what: &'static str,
        set: impl FnOnce(&System) -> std::io::Result<()> + Send + 'static,
    ) -> Task<Message> {
        let system = self.system.clone();
        Task::run(move |sender| {
            if let Err(error) = set(&system) {
                sender.send(Message::Failed(format!("{what} was not changed: {}.", describe(&error))));
            }
            sender.send(Message::Known(Box::new(system.read())));
        })
    }

    fn set_resolution(&self, mode: Mode) -> Task<Message> {
        // The display server takes its time with it.
        self.set("The resolution", move |system| system.set_desktop("resolution", &mode.setting()))
            .and(Task::after(SECOND / 2, Message::Look))
    }

    /// A resolution is tried: a screen that shows nothing any more comes back by itself.
    fn resolution(&mut self, mode: Mode) -> Task<Message> {
        let Some(before) = self.facts.screen.as_ref().map(|screen| screen.mode).filter(|before| *before != mode) else {
            return Task::none();
        };
        // Who tries one after the other goes back to the one that was liked.
        let before = self.trial.take().map_or(before, |trial| trial.before);
        self.trial = (before != mode).then(|| Trial::new(before, mode, TRIAL));
        self.set_resolution(mode)
    }

    fn second(&mut self) -> Task<Message> {
        match self.trial.take() {
            Some(Trial { before, left: ..=1, .. }) => self.set_resolution(before),
            Some(Trial { before, now, left, .. }) => {
                self.trial = Some(Trial::new(before, now, left - 1));
                self.read()
            }
            None => Task::none(),
        }
    }

    fn known(&mut self, facts: Facts) {
        // A driver that refused the resolution has nothing to be liked.
        if let (Some(trial), Some(screen)) = (&self.trial, &facts.screen)
            && screen.mode == trial.before
            && trial.left < TRIAL - 2
        {
            self.notice = Some(format!("The screen does not take {}.", trial.now));
            self.trial = None;
        }
        self.facts = facts;
    }
}

impl Application for Settings {
    type Message = Message;

    fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Section(section) => {
                self.section = section;
                return self.read();
            }
            Message::Turn(by) => {
                self.section = self.section.after(by);
                return self.read();
            }
            Message::Look => return self.read(),
            Message::Known(facts) => self.known(*facts),
            Message::Failed(error) => self.notice = Some(error),
            Message::Dark(dark) => {
                self.facts.desktop.dark = dark;
                let theme = if dark { "dark" } else { "light" };
                return self.set("The theme", move |system| system.set_desktop("theme", theme));
            }
            Message::Scale(scale) => {
                self.facts.desktop.scale = scale;
                let value = scale.map_or_else(|| "auto".into(), |scale| scale.to_string());
                return self.set("The scale", move |system| system.set_desktop("scale", &value));
            }
            Message::Resolution(mode) => return self.resolution(mode),
            Message::Second => return self.second(),
            Message::Keep => self.trial = None,
            Message::Revert => {
                if let Some(trial) = self.trial.take() {
                    return self.set_resolution(trial.before);
                }
            }
            Message::Keymap(id) => {
                return self.set("The key map", move |system| system.set_keyboard(&format!("keymap {id}")));
            }
            Message::Delay(delay) => {
                if let Some(keyboard) = &mut self.facts.keyboard {
                    keyboard.delay = delay;
                }
            }
            Message::Rate(rate) => {
                if let Some(keyboard) = &mut self.facts.keyboard {
                    keyboard.rate = rate;
                }
            }
            Message::Repeat => {
                if let Some(keyboard) = &self.facts.keyboard {
                    let line = format!("repeat {} {}", keyboard.delay, keyboard.rate);
                    return self.set("The repeat of keys", move |system| system.set_keyboard(&line));
                }
            }
            Message::Try(text) => self.tried = text,
            Message::Focus(focused) => {
                self.focused = focused;
                return if focused { self.read() } else { Task::none() };
            }
            Message::Dismiss => self.notice = None,
        }
        Task::none()
    }

    fn view(&self) -> Element<'_, Message> {
        view::view(self)
    }

    fn title(&self) -> String {
        "Settings".into()
    }

    fn event(&self, event: &Event, status: event::Status) -> Option<Message> {
        use keyboard::key::Named;
        if let Some(trial) = &self.trial {
            return trial.card.event(event);
        }
        match event {
            Event::Window(window::Event::Focused) => Some(Message::Focus(true)),
            Event::Window(window::Event::Unfocused) => Some(Message::Focus(false)),
            Event::Keyboard(keyboard::Event::KeyPressed { key: keyboard::Key::Named(key), .. })
                if status == event::Status::Ignored =>
            {
                match key {
                    Named::ArrowDown => Some(Message::Turn(1)),
                    Named::ArrowUp => Some(Message::Turn(-1)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn timers(&self) -> Vec<Every<Message>> {
        if self.trial.is_some() {
            vec![Every { period: SECOND, message: || Message::Second }]
        } else if self.focused && self.section == Section::About {
            vec![Every { period: LOOK, message: || Message::Look }]
        } else {
            Vec::new()
        }
    }
}

/// Runs settings of a system.
pub fn start(system: System, section: Section) -> impl FnOnce(Sender<Message>) -> (Settings, Task<Message>) {
    move |_| Settings::new(system, section)
}
