//! The screen console: what the kernel says before there is a display server, and when it panics.
//!
//! [`kernel_core::screen::Screen`] knows what stands where; this module draws what changed. It takes one lock, under which
//! the kernel allocates only while it is set up.

mod font;
mod surface;

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kernel_core::boot::BootInfo;
use kernel_core::screen::{BLANK, Cell, Screen};
use spin::mutex::SpinMutex;

use crate::arch::boot;
use crate::sync::Relax;
use surface::Surface;

/// What is on the screen.
enum State {
    /// The console as it should be.
    Full(Screen),
    /// Without a heap: characters are drawn as they come, from the top again when the screen is full.
    Early { column: usize, row: usize },
}

struct Console {
    surface: Surface,
    state: State,
}

static CONSOLE: SpinMutex<Option<Console>, Relax> = SpinMutex::new(None);
/// Somebody else draws on the screen.
static GIVEN_AWAY: AtomicBool = AtomicBool::new(false);
/// A panic writes: nobody waits for a lock.
static LAST_WORDS: AtomicBool = AtomicBool::new(false);

/// Sets the console up on the loader's screen, if there is one and it is wanted, and shows the log so far. The kernel's heap
/// and mappings work.
pub fn init(info: &BootInfo) {
    if !crate::log::uses_screen() {
        return;
    }
    let wanted = boot::options().console == kernel_core::cmdline::Console::Screen;
    let Some(surface) = Surface::new(info, wanted) else {
        return;
    };
    surface.clear();
    let (columns, rows) = surface.size();
    *CONSOLE.lock() = Some(Console { surface, state: State::Full(Screen::new(columns, rows)) });
    if !boot::options().quiet {
        let mut bytes = [0; 512];
        let (mut position, end) = (crate::log::start(), crate::log::end());
        while position < end {
            let len = crate::log::read(position, &mut bytes);
            write(&bytes[..len]);
            position += len as u64;
        }
    }
}

/// Shows text. Only [`crate::log`] calls this.
pub fn write(bytes: &[u8]) {
    if GIVEN_AWAY.load(Relaxed) {
        return;
    }
    let console = if LAST_WORDS.load(Relaxed) { CONSOLE.try_lock() } else { Some(CONSOLE.lock()) };
    if let Some(mut console) = console
        && let Some(console) = console.as_mut()
    {
        console.write(bytes);
    }
}

/// Leaves the screen to somebody else (`true`: a display server has it) or takes it back and draws it anew (`false`).
pub fn give_away(away: bool) {
    if !GIVEN_AWAY.swap(away, Relaxed) || away {
        return;
    }
    if let Some(Console { surface, state: State::Full(screen) }) = CONSOLE.lock().as_mut() {
        screen.invalidate();
        screen.update(|column, row, cell| surface.draw(column, row, cell));
    }
}

/// Takes the screen for the last messages, whoever had it, without waiting.
pub fn take_over() {
    LAST_WORDS.store(true, Relaxed);
    GIVEN_AWAY.store(false, Relaxed);
    let Some(mut console) = CONSOLE.try_lock() else { return };
    match console.as_mut() {
        Some(Console { state: State::Full(screen), .. }) => screen.invalidate(),
        Some(_) => {}
        None => {
            *console = Surface::early(boot::info())
                .map(|surface| Console { surface, state: State::Early { column: 0, row: 0 } });
            if let Some(console) = console.as_ref() {
                console.surface.clear();
            }
        }
    }
}

impl Console {
    fn write(&mut self, bytes: &[u8]) {
        let surface = &self.surface;
        match &mut self.state {
            State::Full(screen) => {
                screen.write(bytes);
                screen.update(|column, row, cell| surface.draw(column, row, cell));
            }
            State::Early { column, row } => {
                let (columns, rows) = surface.size();
                for byte in bytes {
                    if *byte == b'\n' || *column >= columns {
                        *column = 0;
                        *row = (*row + 1) % rows.max(1);
                    }
                    if byte.is_ascii_graphic() || *byte == b' ' {
                        surface.draw(*column, *row, Cell { c: *byte as char, ..BLANK });
                        *column += 1;
                    }
                }
            }
        }
    }
}
