//! The program: window, terminal device and clock, in one event queue.

mod program;
mod queue;
mod window;

use std::collections::VecDeque;
use std::io::{Error, Result};
use std::process::ExitStatus;

use terminal::font::{Fonts, Style};
use terminal::machine::{Effect, Machine};
use terminal::options::Options;

use self::program::{More, Program, Wish};
use self::queue::Queue;
use self::window::{Settings, Window};

/// Columns and rows of a new window, where there is room for them.
const COLUMNS: usize = 80;
const ROWS: usize = 24;
/// Parts of a screen that a new window may fill, of ten.
const PART: usize = 9;
/// Reads of the terminal before the window is looked at again.
const READS: usize = 4;
/// A program that fails sooner than this, in milliseconds, could not be seen to do so: the window stays.
const AT_ONCE: u64 = 2000;
/// Milliseconds between two looks for a daemon that serves terminals.
const LOOK_AGAIN: u64 = 200;

/// Marks in the queue.
const FROM_WINDOW: usize = 0;
const FROM_TERMINAL: usize = 1;
const FROM_END: usize = 2;
const FROM_SETTINGS: usize = 3;

/// Where fonts may lie.
const FONTS: [&str; 2] = ["/usr/share/fonts", "/scheme/initfs/fonts"];

/// An error of `libredox` as one of `std`.
fn told(error: libredox::error::Error) -> Error {
    Error::from_raw_os_error(error.errno())
}

/// What runs in the window.
enum Inside {
    /// A program, since this time.
    Program(Box<Program>, u64),
    /// Nothing: a key closes the window.
    Ended,
    /// The daemon that serves terminals is gone; it is looked for again at this time.
    Waiting(u64),
}

struct Terminal {
    window: Window,
    machine: Machine,
    queue: Queue,
    settings: Settings,
    wish: Wish,
    title: String,
    inside: Inside,
}

/// Runs until the window is closed or the program in it has ended.
pub fn run(options: Options) -> Result<()> {
    let mut terminal = Terminal::open(options)?;
    let mut more = true;
    loop {
        let now = terminal.queue.now();
        terminal.machine.tick(now);
        if let Inside::Waiting(at) = terminal.inside
            && at <= now
        {
            terminal.start(now)?;
        }
        if !terminal.obey(now)? {
            return Ok(());
        }
        terminal.window.draw(&mut terminal.machine, now);
        let mark = if more { Some(FROM_TERMINAL) } else { terminal.wait()? };
        let now = terminal.queue.now();
        let alive = match mark {
            Some(FROM_WINDOW) => terminal.hear(now),
            Some(FROM_SETTINGS) => {
                let theme = terminal.settings.theme();
                terminal.machine.set_theme(theme);
                true
            }
            Some(FROM_TERMINAL) => {
                more = terminal.take(now);
                // While much is written the window is not forgotten.
                !more || terminal.hear(now)
            }
            Some(FROM_END) => terminal.ended(now),
            _ => true,
        };
        if !alive {
            return Ok(());
        }
    }
}

impl Terminal {
    fn open(options: Options) -> Result<Self> {
        let (width, height, scale) = window::display().unwrap_or((1024, 768, 1));
        let mut settings = Settings::open();
        let theme = settings.theme();
        let fit = |machine: &Machine, (columns, rows): (usize, usize)| {
            let (wide, high) = machine.size();
            let shrink =
                |count: usize, length: usize, room: usize| (count * room * PART / 10 / length.max(1)).min(count);
            (shrink(columns, wide, width).max(2), shrink(rows, high, height).max(1))
        };
        let mut machine = Machine::new(fonts()?, COLUMNS, ROWS, scale, theme);
        let (columns, rows) = fit(&machine, (COLUMNS, ROWS));
        if (columns, rows) != (COLUMNS, ROWS) {
            machine = Machine::new(fonts()?, columns, rows, scale, theme);
        }
        let title = options.title.unwrap_or_else(|| "Terminal".into());
        let window =
            Window::open(machine.size(), &title).ok_or_else(|| Error::other("the display server gives no window"))?;
        let queue = Queue::new()?;
        queue.watch(window.descriptor(), FROM_WINDOW)?;
        if let Some(descriptor) = settings.descriptor() {
            // A display server that does not tell of changes has none to tell of.
            let _ = queue.watch(descriptor, FROM_SETTINGS);
        }
        let wish = Wish { program: options.program, directory: options.directory };
        let inside = Inside::Waiting(queue.now());
        let mut terminal = Self { window, machine, queue, settings, wish, title, inside };
        let size = terminal.window.size();
        if size != terminal.machine.size() {
            terminal.machine.resized(size.0, size.1);
        }
        Ok(terminal)
    }

    /// Starts the program, or sees to trying again.
    fn start(&mut self, now: u64) -> Result<()> {
        self.inside = match Program::start(&self.wish, self.machine.cells()) {
            Ok(program) => {
                let [terminal, end] = program.descriptors();
                self.queue.watch(terminal, FROM_TERMINAL)?;
                self.queue.watch(end, FROM_END)?;
                Inside::Program(Box::new(program), now)
            }
            // Nobody serves terminals now.
            Err(error) if error.raw_os_error().is_some() => Inside::Waiting(now + LOOK_AGAIN),
            Err(error) => {
                self.machine.tell(&format!("{error}. Any key closes the window."), now);
                Inside::Ended
            }
        };
        Ok(())
    }

    /// Does what the machine wants done. Answers whether the window stays.
    fn obey(&mut self, now: u64) -> Result<bool> {
        let mut effects: VecDeque<Effect> = self.machine.take_effects().into();
        while let Some(effect) = effects.pop_front() {
            match (effect, &mut self.inside) {
                (Effect::Quit, _) | (Effect::Send(_), Inside::Ended) => return Ok(false),
                (Effect::Send(bytes), Inside::Program(program, _)) => program.type_in(&bytes),
                (Effect::Cells(cells), Inside::Program(program, _)) => program.set_size(cells),
                (Effect::Send(_) | Effect::Cells(_), _) => {}
                (Effect::Title(title), _) => self.window.set_title(title.unwrap_or_else(|| self.title.clone())),
                (Effect::Copy(text), _) => self.window.copy(&text),
                (Effect::AskClipboard, _) => {
                    if let Some(text) = self.window.clipboard() {
                        self.machine.paste(&text, now);
                    }
                }
                (Effect::WindowSize(width, height), _) => {
                    self.window.set_size(width, height);
                    let (width, height) = self.window.size();
                    self.machine.resized(width, height);
                }
            }
            // What comes of an effect comes before what was typed behind it.
            self.machine.take_effects().into_iter().rev().for_each(|effect| effects.push_front(effect));
        }
        Ok(true)
    }

    /// The buffer may have another size.
    fn follow(&mut self) {
        let (width, height) = self.window.size();
        if (width, height) != self.machine.size() {
            self.machine.resized(width, height);
        }
    }

    /// Waits for something to happen.
    fn wait(&mut self) -> Result<Option<usize>> {
        let mut due = self.machine.due();
        match &mut self.inside {
            Inside::Program(program, _) => {
                let left = program.flush();
                self.queue.watch_writes(program.descriptors()[0], FROM_TERMINAL, left)?;
            }
            Inside::Waiting(at) => due = Some(due.map_or(*at, |due| due.min(*at))),
            Inside::Ended => {}
        }
        self.queue.wait(due)
    }

    /// Takes what has happened to the window. Answers whether it is still there.
    fn hear(&mut self, now: u64) -> bool {
        let events = self.window.events();
        if events.is_empty() && !self.window.is_there() {
            eprintln!("terminal: the window is gone");
            return false;
        }
        events.into_iter().for_each(|event| self.machine.hear(event, now));
        self.follow();
        true
    }

    /// Takes what the program has written; whether there is more.
    fn take(&mut self, now: u64) -> bool {
        let Inside::Program(program, _) = &mut self.inside else { return false };
        for _ in 0..READS {
            match program.read(|bytes| self.machine.output(bytes, now)) {
                More::Yes => {}
                More::Later => return false,
                More::Never => {
                    self.lost(now);
                    return false;
                }
            }
        }
        true
    }

    /// The terminal's daemon has died: what was shown stays, and a new shell begins as soon as there can be one.
    fn lost(&mut self, now: u64) {
        self.leave();
        if self.wish.program.is_empty() {
            self.machine.tell("The terminal was lost. A new shell begins.", now);
            self.inside = Inside::Waiting(now);
        } else {
            self.machine.tell("The terminal was lost. Any key closes the window.", now);
            self.inside = Inside::Ended;
        }
    }

    fn leave(&mut self) {
        if let Inside::Program(program, _) = &self.inside {
            program.descriptors().into_iter().for_each(|descriptor| self.queue.leave(descriptor));
        }
    }

    /// The program has ended. Answers whether the window stays.
    fn ended(&mut self, now: u64) -> bool {
        // What it wrote last comes first.
        while self.take(now) {}
        let Inside::Program(program, since) = &mut self.inside else { return true };
        let Some(end) = program.ended() else { return true };
        let at_once = now.saturating_sub(*since) < AT_ONCE;
        let failed = match end {
            Ok(status) if status.success() => None,
            Ok(status) => Some(words(status)),
            Err(error) => Some(error.to_string()),
        };
        match failed {
            Some(how) if at_once => {
                self.leave();
                self.machine.tell(&format!("It ended {how}. Any key closes the window."), now);
                self.inside = Inside::Ended;
                true
            }
            _ => false,
        }
    }
}

fn words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with status {code}"),
        (None, Some(signal)) => format!("by signal {signal}"),
        (None, None) => "in an unknown way".into(),
    }
}

/// A font file, from the first folder that has it.
fn font(name: &str) -> Option<Vec<u8>> {
    FONTS.iter().find_map(|folder| std::fs::read(format!("{folder}/{name}")).ok())
}

/// The fonts: faces beyond the first are read when something needs them.
fn fonts() -> Result<Fonts> {
    let regular = font("JetBrainsMono-Regular.ttf");
    let regular = regular.or_else(|| font("DejaVuSansMono.ttf"));
    let regular = regular.ok_or_else(|| Error::other(format!("there is no font in {}", FONTS.join(" or "))))?;
    let mut fonts = Fonts::new(regular, 14.0).map_err(Error::other)?;
    for (name, bold, italic) in [("Bold", true, false), ("Italic", false, true), ("BoldItalic", true, true)] {
        let name = format!("JetBrainsMono-{name}.ttf");
        fonts.add_later(Box::new(move || font(&name)), Style { bold, italic });
    }
    fonts.add_later(Box::new(|| font("DejaVuSansMono.ttf")), Style::default());
    Ok(fonts)
}
