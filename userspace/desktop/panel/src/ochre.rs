//! The panel and the system: the display server's list of windows, programs, init.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::sync::mpsc;
use std::thread;

use event::{EventFlags, RawEventQueue};
use jiff::ZonedDateTime;
use ochre_ui::programs::{self, Program};
use ochre_ui::{Error, Sender};
use panel::bar::{self, Bar};
use panel::launcher::{self, Launcher};
use panel::power::Power;
use panel::windows::{Windows, Wish};

/// The list of windows.
const WINDOWS: &str = "/scheme/orbital/windows";

struct ForBar {
    windows: File,
    menu: Sender<launcher::Message>,
}

impl bar::System for ForBar {
    fn wish(&mut self, wish: Wish) {
        // A window that is gone in the meantime wants nothing.
        let _ = self.windows.write(wish.text().as_bytes());
    }

    fn menu(&mut self) {
        self.menu.send(launcher::Message::Toggle);
    }

    fn now(&self) -> ZonedDateTime {
        ZonedDateTime::now()
    }
}

struct ForLauncher;

impl launcher::System for ForLauncher {
    fn programs() -> Vec<Program> {
        programs::all()
    }

    fn start(&mut self, program: &Program) -> Result<(), String> {
        program.start::<&str>(&[]).map_err(|error| error.to_string())
    }

    fn power(&mut self, power: Power) -> Result<(), String> {
        power.ask().map_err(|error| error.to_string())
    }
}

/// Runs until the display server's keeper is gone.
pub fn run() -> Result<(), Error> {
    let windows = File::options().read(true).write(true).open(WINDOWS)?;
    let heard = File::open(WINDOWS)?;
    let (give, take) = mpsc::channel();
    thread::spawn(move || {
        let made = ochre_ui::run(Launcher::<ForLauncher>::options(), |sender| {
            // The bar waits for this.
            let _ = give.send(sender);
            Launcher::new(ForLauncher)
        });
        if let Err(error) = made {
            eprintln!("panel: no menu: {error}");
        }
    });
    let menu = take.recv().map_err(|_| Error::NoWindow)?;
    ochre_ui::run(Bar::<ForBar>::options(), |sender| {
        thread::spawn(move || {
            if let Err(error) = hear(heard, &sender) {
                eprintln!("panel: no list of windows: {error}");
            }
        });
        Bar::new(ForBar { windows, menu })
    })
}

/// Reads the list of windows each time that it has changed.
fn hear(mut list: File, sender: &Sender<bar::Message>) -> io::Result<()> {
    let system = |error: event::libredox::error::Error| io::Error::from_raw_os_error(error.errno());
    let queue = RawEventQueue::new().map_err(system)?;
    queue.subscribe(list.as_raw_fd() as usize, 0, EventFlags::READ).map_err(system)?;
    loop {
        let mut text = String::new();
        list.read_to_string(&mut text)?;
        sender.send(bar::Message::Windows(Windows::parse(&text)));
        queue.next_event().map_err(system)?;
    }
}
