//! `pty.h`, `utmp.h` and what `stdlib.h` has of it: pairs of terminals, and names of terminals.

use core::ptr::null_mut;

use libc::{EINVAL, ENOTTY, ERANGE, O_CLOEXEC, O_NONBLOCK, O_RDWR, c_char, c_int, pid_t, size_t, termios, winsize};
use ochre_abi::terminal::Request;
use syscall::error::Result;

use crate::errno::{self, error};
use crate::fcntl::{descriptor, open_path};
use crate::rt::{files, resolve};
use crate::string::copy_text;
use crate::{termios as termios_h, tty, unistd};

/// `O_NOCTTY`, which crate `libc` has for this target too: opening never makes a terminal the controlling one.
const O_NOCTTY: c_int = libc::O_NOCTTY;
/// Where masters come from.
const MULTIPLEXER: &[u8] = b"/scheme/pty/ptmx";
/// The controlling terminal of whoever opens it.
const CONTROLLING: &[u8] = b"/dev/tty\0";
/// Longest name of a terminal, with its NUL.
const NAME_MAX: usize = 64;

/// Room for the answers of functions that give a name without asking for room.
struct Name(core::cell::UnsafeCell<[c_char; NAME_MAX]>);

// SAFETY: POSIX lets these functions write to the same room from any thread; callers who share it make sure of their order.
unsafe impl Sync for Name {}

static PTSNAME: Name = Name(core::cell::UnsafeCell::new([0; NAME_MAX]));
static TTYNAME: Name = Name(core::cell::UnsafeCell::new([0; NAME_MAX]));

/// `posix_openpt`.
#[unsafe(no_mangle)]
pub extern "C" fn posix_openpt(flags: c_int) -> c_int {
    if flags & !(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK) != 0 {
        return errno::fail(EINVAL);
    }
    errno::int(open_master(flags))
}

fn open_master(flags: c_int) -> Result<usize> {
    resolve::canonical(MULTIPLEXER).and_then(|path| open_path(path, flags & !O_NOCTTY, 0))
}

/// `grantpt`: the other end belongs to who opened the master from the start.
#[unsafe(no_mangle)]
pub extern "C" fn grantpt(fd: c_int) -> c_int {
    errno::zero(number(fd))
}

/// `unlockpt`.
#[unsafe(no_mangle)]
pub extern "C" fn unlockpt(fd: c_int) -> c_int {
    errno::zero(number(fd).and_then(|_| tty::ask(descriptor(fd)?, Request::Lock, 0)))
}

/// The number of a master's terminal; `EINVAL` for what is none.
fn number(fd: c_int) -> Result<usize> {
    let number = tty::ask(descriptor(fd)?, Request::Number, 0);
    number.map_err(|refused| if refused.errno == ENOTTY { error(EINVAL) } else { refused })
}

/// Writes a terminal's path to room of C; answers 0 or an error number, as the functions with `_r` do.
///
/// # Safety
/// The room has `len` bytes.
unsafe fn write_name(fd: c_int, check: impl FnOnce() -> Result<()>, to: *mut c_char, len: size_t) -> c_int {
    errno::number(check().and_then(|()| {
        let mut buf = [0; NAME_MAX];
        let path = resolve::path_of(descriptor(fd)?, &mut buf)?;
        // SAFETY: as this function demands.
        if path.len() < len && unsafe { copy_text(path, to, len) } { Ok(0) } else { Err(error(ERANGE)) }
    }))
}

/// `ptsname_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ptsname_r(fd: c_int, to: *mut c_char, len: size_t) -> c_int {
    // The master has the path of its other end.
    let check = || match number(fd) {
        Err(refused) if refused.errno == EINVAL => Err(error(ENOTTY)),
        other => other.map(drop),
    };
    // SAFETY: the caller promises the room.
    unsafe { write_name(fd, check, to, len) }
}

/// `ttyname_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ttyname_r(fd: c_int, to: *mut c_char, len: size_t) -> c_int {
    let check = || {
        let fd = descriptor(fd)?;
        crate::rt::sys::fstat(fd)?;
        if tty::is_terminal(fd) { Ok(()) } else { Err(error(ENOTTY)) }
    };
    // SAFETY: POSIX demands the room.
    unsafe { write_name(fd, check, to, len) }
}

/// The name in room of ours, or null and `errno`.
fn named(room: &'static Name, write: impl FnOnce(*mut c_char) -> c_int) -> *mut c_char {
    let room = room.0.get().cast::<c_char>();
    match write(room) {
        0 => room,
        failed => {
            errno::set(failed);
            null_mut()
        }
    }
}

/// `ptsname`.
#[unsafe(no_mangle)]
pub extern "C" fn ptsname(fd: c_int) -> *mut c_char {
    // SAFETY: the room has this size.
    named(&PTSNAME, |room| unsafe { ptsname_r(fd, room, NAME_MAX) })
}

/// `ttyname`.
#[unsafe(no_mangle)]
pub extern "C" fn ttyname(fd: c_int) -> *mut c_char {
    // SAFETY: the room has this size.
    named(&TTYNAME, |room| unsafe { ttyname_r(fd, room, NAME_MAX) })
}

/// `ctermid`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ctermid(to: *mut c_char) -> *mut c_char {
    if to.is_null() {
        // Nobody may write to what this function answers.
        return CONTROLLING.as_ptr().cast_mut().cast();
    }
    // SAFETY: POSIX demands room for `L_ctermid` bytes, which is more.
    unsafe { core::ptr::copy_nonoverlapping(CONTROLLING.as_ptr().cast(), to, CONTROLLING.len()) };
    to
}

/// `openpty`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openpty(
    master: *mut c_int,
    slave: *mut c_int,
    name: *mut c_char,
    settings: *const termios,
    size: *const winsize,
) -> c_int {
    // SAFETY: the caller promises null or structures.
    let (settings, size) = unsafe { (settings.as_ref(), size.as_ref()) };
    let opened = open_pair(settings, size);
    if let Ok((first, second)) = opened {
        // SAFETY: the caller promises room for two numbers, and for the name if it wants that.
        unsafe {
            (*master, *slave) = (first, second);
            if !name.is_null() {
                ptsname_r(first, name, NAME_MAX);
            }
        }
    }
    errno::zero(opened)
}

fn open_pair(settings: Option<&termios>, size: Option<&winsize>) -> Result<(c_int, c_int)> {
    let master = open_master(O_RDWR)?;
    let slave = open_other_end(master, settings, size);
    if slave.is_err() {
        let _ = files::close(master);
    }
    Ok((master as c_int, slave? as c_int))
}

fn open_other_end(master: usize, settings: Option<&termios>, size: Option<&winsize>) -> Result<usize> {
    tty::ask(master, Request::Lock, 0)?;
    let mut buf = [0; NAME_MAX];
    let path = resolve::canonical(resolve::path_of(master, &mut buf)?)?;
    let slave = open_path(path, O_RDWR, 0)?;
    // SAFETY: both are structures of ours.
    let failed = unsafe {
        settings.is_some_and(|settings| termios_h::tcsetattr(slave as c_int, libc::TCSANOW, settings) != 0)
            || size.is_some_and(|size| termios_h::tcsetwinsize(slave as c_int, size) != 0)
    };
    if failed {
        let _ = files::close(slave);
        return Err(error(errno::get()));
    }
    Ok(slave)
}

/// `login_tty`: a new session with this terminal, which becomes standard input, output and error.
#[unsafe(no_mangle)]
pub extern "C" fn login_tty(fd: c_int) -> c_int {
    // SAFETY: a plain call. Who leads a session already stays where it is.
    unsafe { libc::setsid() };
    let acquired = descriptor(fd).and_then(|fd| tty::ask(fd, Request::Acquire, 0));
    if acquired.is_err() {
        return errno::zero(acquired);
    }
    for standard in 0..3 {
        if unistd::dup2(fd, standard) < 0 {
            return -1;
        }
    }
    if fd > 2 {
        unistd::close(fd);
    }
    0
}

/// `forkpty`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn forkpty(
    master: *mut c_int,
    name: *mut c_char,
    settings: *const termios,
    size: *const winsize,
) -> pid_t {
    let mut slave = -1;
    // SAFETY: the caller promises what `openpty` demands.
    unsafe {
        if openpty(master, &raw mut slave, name, settings, size) != 0 {
            return -1;
        }
        match libc::fork() {
            -1 => {
                let failed = errno::get();
                unistd::close(slave);
                unistd::close(*master);
                errno::fail(failed)
            }
            0 => {
                unistd::close(*master);
                if login_tty(slave) != 0 {
                    libc::_exit(1);
                }
                0
            }
            child => {
                unistd::close(slave);
                child
            }
        }
    }
}
