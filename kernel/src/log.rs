//! The kernel's messages: formatted once, kept in a ring, and shown on the serial line and the screen.
//!
//! Takes two locks, one after the other and nothing under them: the ring's, and that of what is shown.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kernel_core::cmdline::{Console, Options};
use kernel_core::ring::Ring;
use spin::mutex::SpinMutex;

use crate::arch::serial;
use crate::sync::Relax;

/// Bytes of log that are kept.
pub const RING_BYTES: usize = 64 * 1024;

static RING: SpinMutex<Ring<RING_BYTES>, Relax> = SpinMutex::new(Ring::new());
static SHOW: SpinMutex<(), Relax> = SpinMutex::new(());
static SERIAL: AtomicBool = AtomicBool::new(true);
static SCREEN: AtomicBool = AtomicBool::new(true);
/// A panic writes; see [`take_over`].
static LAST_WORDS: AtomicBool = AtomicBool::new(false);
static QUIET: AtomicBool = AtomicBool::new(false);

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something works worse than it should.
    Warn,
    /// Worth knowing.
    Info,
}

/// Writes a line to the log and the console, without a time. `kprintln!("{}", x)`.
#[macro_export]
macro_rules! kprintln {
    ($($argument:tt)*) => {
        $crate::log::plain(format_args!($($argument)*))
    };
}

/// Writes a line with time and level to the log and, unless it is `quiet` and does not matter, to the console.
/// `klog!(Level::Warn, "{}", x)`.
#[macro_export]
macro_rules! klog {
    ($level:expr, $($argument:tt)*) => {
        $crate::log::message($level, format_args!($($argument)*))
    };
}

/// Takes over the options `console` and `quiet`.
pub fn configure(options: &Options<'_>) {
    SERIAL.store(options.console != Console::Screen || !serial::is_present(), Relaxed);
    SCREEN.store(options.console != Console::Serial, Relaxed);
    QUIET.store(options.quiet, Relaxed);
}

/// Whether the screen is wanted.
pub fn uses_screen() -> bool {
    SCREEN.load(Relaxed)
}

/// A line without a time. See [`kprintln!`].
pub fn plain(line: fmt::Arguments<'_>) {
    let mut sink = Sink::new(!QUIET.load(Relaxed));
    // A formatting error comes from a broken Display only; what was written so far is shown.
    let _ = sink.write_fmt(format_args!("{line}\n"));
    sink.flush();
}

/// A line with time and level. See [`klog!`].
pub fn message(level: Level, line: fmt::Arguments<'_>) {
    let limit = if QUIET.load(Relaxed) { Level::Warn } else { Level::Info };
    let mut sink = Sink::new(level <= limit);
    let label = match level {
        Level::Error => "error: ",
        Level::Warn => "warning: ",
        Level::Info => "",
    };
    let microseconds = crate::time::now_ns() / 1000;
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    // As in `plain`.
    let _ = sink.write_fmt(format_args!("[{seconds:5}.{rest:06}] {label}{line}\n"));
    sink.flush();
}

/// Shows bytes of the `debug` scheme on the console. They are not kept in the log.
pub fn show(bytes: &[u8]) {
    let _one_at_a_time = if LAST_WORDS.load(Relaxed) { None } else { Some(SHOW.lock()) };
    if SERIAL.load(Relaxed) {
        serial::write(bytes);
    }
    if SCREEN.load(Relaxed) {
        crate::console::write(bytes);
    }
}

/// Position behind the newest byte of the log; it starts at zero at boot.
pub fn end() -> u64 {
    RING.lock().end()
}

/// Position of the oldest byte that is still kept.
pub fn start() -> u64 {
    RING.lock().start()
}

/// Copies the log from `position` on, or from the oldest byte kept; answers how many bytes.
pub fn read(position: u64, into: &mut [u8]) -> usize {
    RING.lock().read(position, into)
}

/// From here on only this processor writes, everywhere and without waiting: for the last messages. Others that are just
/// writing get a moment to finish.
pub fn take_over() {
    const PATIENCE_NS: u64 = 10_000_000;
    let end = crate::time::now_ns().saturating_add(PATIENCE_NS);
    for _ in 0..10_000_000 {
        if let Some(guard) = SHOW.try_lock() {
            // Kept for ever: nobody else gets in any more.
            core::mem::forget(guard);
            break;
        }
        if crate::time::now_ns() > end {
            break;
        }
        core::hint::spin_loop();
    }
    LAST_WORDS.store(true, Relaxed);
    SERIAL.store(true, Relaxed);
    SCREEN.store(true, Relaxed);
    QUIET.store(false, Relaxed);
    crate::console::take_over();
}

/// Gathers a line, so that it is shown in one piece.
struct Sink {
    buffer: [u8; 256],
    len: usize,
    shown: bool,
}

impl Sink {
    fn new(shown: bool) -> Self {
        Sink { buffer: [0; 256], len: 0, shown }
    }

    fn flush(&mut self) {
        let bytes = &self.buffer[..self.len];
        let ring = if LAST_WORDS.load(Relaxed) { RING.try_lock() } else { Some(RING.lock()) };
        if let Some(mut ring) = ring {
            ring.write(bytes);
        }
        if self.shown {
            show(bytes);
        }
        self.len = 0;
    }
}

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            if self.len == self.buffer.len() {
                self.flush();
            }
            let take = rest.len().min(self.buffer.len() - self.len);
            self.buffer[self.len..self.len + take].copy_from_slice(&rest[..take]);
            self.len += take;
            rest = &rest[take..];
        }
        Ok(())
    }
}
