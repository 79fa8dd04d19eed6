//! `syslog.h`: lines for the system's log, which is the scheme `log`; where there is none, the debugging console if the
//! program asked for it.

use core::ffi::VaList;

use libc::{LOG_CONS, LOG_PID, LOG_USER, O_CLOEXEC, O_WRONLY, c_char, c_int};

use crate::fcntl::open_path;
use crate::rt::files;
use crate::rt::lock::Lock;
use crate::rt::path::Canonical;
use crate::rt::sys;
use crate::stdio::print::Variadic;
use crate::string::strlen;
use crate::text::format::{Sink, format};

/// Lines go to standard error as well; crate `libc` does not have it for this system.
const LOG_PERROR: c_int = 0x20;
/// Longest line.
const LINE: usize = 1024;
/// The bits of a priority that say how grave it is.
const GRAVITY: c_int = 7;

/// What `openlog` was told.
struct Log {
    name: *const c_char,
    options: c_int,
    facility: c_int,
    /// Which gravities are logged, a bit each.
    mask: c_int,
    fd: Option<usize>,
}

// SAFETY: the name is the program's, which promised to leave it alone.
unsafe impl Send for Log {}

static LOG: Lock<Log> = Lock::new(Log { name: core::ptr::null(), options: 0, facility: LOG_USER, mask: ALL, fd: None });

/// All gravities.
const ALL: c_int = 0xff;

/// A line that is cut where it is full.
struct Line {
    bytes: [u8; LINE],
    len: usize,
}

impl Sink for Line {
    fn put(&mut self, bytes: &[u8]) {
        // The last byte is for the end of the line.
        let count = bytes.len().min(LINE - 1 - self.len);
        self.bytes[self.len..self.len + count].copy_from_slice(&bytes[..count]);
        self.len += count;
    }
}

/// Opens something for writing, where the program does not see it.
fn open(path: &[u8]) -> Option<usize> {
    let path = Canonical::new(b"/", path).ok()?;
    open_path(path, O_WRONLY | O_CLOEXEC, 0).ok()
}

impl Log {
    fn write(&mut self, line: &[u8]) {
        if self.fd.is_none() {
            self.fd = open(b"/scheme/log");
        }
        let written = self.fd.is_some_and(|fd| sys::write(fd, line).is_ok());
        if !written && let Some(fd) = self.fd.take() {
            // The log was started again, perhaps: the next line finds it.
            let _ = files::close(fd);
        }
        if !written
            && self.options & LOG_CONS != 0
            && let Some(console) = open(b"/scheme/debug")
        {
            let _ = sys::write(console, line);
            let _ = files::close(console);
        }
    }
}

/// `openlog`.
#[unsafe(no_mangle)]
pub extern "C" fn openlog(name: *const c_char, options: c_int, facility: c_int) {
    let mut log = LOG.lock();
    (log.name, log.options) = (name, options);
    log.facility = if facility == 0 { LOG_USER } else { facility };
}

/// `closelog`.
#[unsafe(no_mangle)]
pub extern "C" fn closelog() {
    if let Some(fd) = LOG.lock().fd.take() {
        let _ = files::close(fd);
    }
}

/// `setlogmask`.
#[unsafe(no_mangle)]
pub extern "C" fn setlogmask(mask: c_int) -> c_int {
    let mut log = LOG.lock();
    if mask == 0 { log.mask } else { core::mem::replace(&mut log.mask, mask) }
}

/// `vsyslog`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vsyslog(priority: c_int, text: *const c_char, mut args: VaList<'_>) {
    let mut variadic = Variadic::new(&mut args);
    let mut log = LOG.lock();
    if log.mask >> (priority & GRAVITY) & 1 == 0 {
        return;
    }
    let priority = if priority & !GRAVITY == 0 { priority | log.facility } else { priority };
    let mut line = Line { bytes: [0; LINE], len: 0 };
    let mut number = [0; 64];
    line.put(b"<");
    line.put(crate::text::integer::digits(priority as u64, 10, false, &mut number));
    line.put(b">");
    let start = line.len;
    // SAFETY: C demands C strings, and arguments as the format says.
    unsafe {
        if !log.name.is_null() {
            line.put(core::slice::from_raw_parts(log.name.cast(), strlen(log.name)));
        }
        if log.options & LOG_PID != 0 {
            line.put(b"[");
            line.put(crate::text::integer::digits(crate::unistd::getpid() as u64, 10, false, &mut number));
            line.put(b"]");
        }
        if line.len > start {
            line.put(b": ");
        }
        // A format that is none still logs what came before its mistake.
        let _ = format(&mut line, core::slice::from_raw_parts(text.cast(), strlen(text)), &mut variadic);
    }
    if line.bytes[line.len - 1] != b'\n' {
        line.bytes[line.len] = b'\n';
        line.len += 1;
    }
    if log.options & LOG_PERROR != 0 {
        // Nobody can be told that nobody can be told.
        let _ = sys::write(2, &line.bytes[start..line.len]);
    }
    log.write(&line.bytes[..line.len]);
}

/// `syslog`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn syslog(priority: c_int, text: *const c_char, args: ...) {
    // SAFETY: as for `vsyslog`.
    unsafe { vsyslog(priority, text, args) }
}
