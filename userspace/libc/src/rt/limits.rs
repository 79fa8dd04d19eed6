//! The limits that this process keeps to by itself: how long it makes files, and how much stack the next program gets.
//!
//! The process manager knows all limits and hands them on; these two are looked at where nobody else knows enough, so they are here
//! as well. A program finds them in its auxiliary vector, if there are any.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ochre_abi::process::NO_LIMIT;
use ochre_abi::{STACK_SIZE, auxv};
use syscall::error::{EFBIG, Error, Result};
use syscall::flag::{F_GETFL, MODE_FILE, MODE_TYPE, O_APPEND, SEEK_CUR};

use super::auxv::Aux;
use super::signal::send;
use super::sys;
use super::tcb::PAGE;

/// Stacks that a program can have at all.
const STACK_LEAST: u64 = 64 << 10;
const STACK_MOST: u64 = 512 << 20;
/// Arguments need no more than this, whatever the stack is.
const ARGUMENTS_MOST: usize = 6 << 20;

static FILE_SIZE: AtomicU64 = AtomicU64::new(NO_LIMIT);
static STACK: AtomicU64 = AtomicU64::new(STACK_SIZE as u64);

/// Takes over what the starter has said. Before anything else runs.
pub fn init(aux: &Aux) {
    if let Some(bytes) = aux.file_size {
        FILE_SIZE.store(bytes as u64, Relaxed);
    }
    if let Some(bytes) = aux.stack {
        STACK.store(bytes as u64, Relaxed);
    }
}

/// The entries that tell the next program.
pub fn entries() -> [(usize, usize); 2] {
    let entry = |kind, value: u64, usual| if value == usual { (0, 0) } else { (kind, value as usize) };
    [
        entry(auxv::FILE_SIZE_LIMIT, FILE_SIZE.load(Relaxed), NO_LIMIT),
        entry(auxv::STACK_LIMIT, STACK.load(Relaxed), STACK_SIZE as u64),
    ]
}

/// The manager has agreed to a new limit.
pub fn changed(resource: i32, soft: u64) {
    match resource {
        libc::RLIMIT_FSIZE => FILE_SIZE.store(soft, Relaxed),
        libc::RLIMIT_STACK => STACK.store(soft, Relaxed),
        _ => {}
    }
}

/// Bytes of stack for the next program.
pub fn stack() -> usize {
    let bytes = STACK.load(Relaxed).clamp(STACK_LEAST, STACK_MOST) as usize;
    bytes.next_multiple_of(PAGE)
}

/// Most bytes of arguments and environment together with the pointers to them: a quarter of the stack, as on Linux.
pub fn arguments() -> usize {
    (stack() / 4).min(ARGUMENTS_MOST)
}

/// How much of a write of `len` bytes may be done: at `offset`, or where the descriptor stands. `EFBIG` when none of it may, and then the
/// caller has `SIGXFSZ`.
#[inline]
pub fn writable(fd: usize, len: usize, offset: Option<u64>) -> Result<usize> {
    let limit = FILE_SIZE.load(Relaxed);
    if limit == NO_LIMIT { Ok(len) } else { writable_below(limit, fd, len, offset) }
}

#[cold]
fn writable_below(limit: u64, fd: usize, len: usize, offset: Option<u64>) -> Result<usize> {
    // What cannot be asked is told by the write itself.
    let Ok(stat) = sys::fstat(fd) else { return Ok(len) };
    if stat.st_mode & MODE_TYPE != MODE_FILE || len == 0 {
        return Ok(len);
    }
    let appends = sys::fcntl(fd, F_GETFL, 0).is_ok_and(|flags| flags & O_APPEND != 0);
    let at = match offset {
        _ if appends => stat.st_size,
        Some(offset) => offset,
        None => sys::lseek(fd, 0, SEEK_CUR)? as u64,
    };
    let room = limit.saturating_sub(at);
    if room == 0 { Err(refuse()) } else { Ok(usize::try_from(room).map_or(len, |room| len.min(room))) }
}

/// Whether a file may have this length. As [`writable`].
pub fn length(fd: usize, len: u64) -> Result<()> {
    if len <= FILE_SIZE.load(Relaxed) || sys::fstat(fd).is_ok_and(|stat| stat.st_size >= len) {
        return Ok(());
    }
    Err(refuse())
}

fn refuse() -> Error {
    // A signal that cannot be sent leaves the error.
    let _ = send::to_myself(libc::SIGXFSZ as u32, 0, send::BY_USER);
    Error::new(EFBIG)
}
