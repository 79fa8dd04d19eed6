//! `sys/ioctl.h`: requests to descriptors of every kind, and those to terminals. The numbers that crate `libc` does not have
//! for this target are those of Linux.

use core::ffi::c_void;

use libc::{
    ENOTTY, FIOCLEX, FIONBIO, FIONREAD, TCFLSH, TCGETS, TCSETS, TIOCGPGRP, TIOCGWINSZ, TIOCSCTTY, TIOCSPGRP,
    TIOCSWINSZ, c_int, c_ulong, pid_t, termios, winsize,
};
use ochre_abi::terminal::Request;
use syscall::error::{EBADF, EINVAL, EOPNOTSUPP, Result};
use syscall::flag::{F_GETFL, F_SETFL, MODE_FILE, MODE_SOCK, MODE_TYPE, O_NONBLOCK};

use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::{files, sys};
use crate::{socket, termios as termios_h, tty};

const TCSETSW: c_ulong = 0x5403;
const TCSETSF: c_ulong = 0x5404;
const TCSBRK: c_ulong = 0x5409;
const TCXONC: c_ulong = 0x540a;
const TIOCEXCL: c_ulong = 0x540c;
const TIOCNXCL: c_ulong = 0x540d;
const TIOCOUTQ: c_ulong = 0x5411;
const TIOCPKT: c_ulong = 0x5420;
const TIOCNOTTY: c_ulong = 0x5422;
const TIOCGSID: c_ulong = 0x5429;
const FIONCLEX: c_ulong = 0x5450;
const TIOCGPTN: c_ulong = 0x8004_5430;
const TIOCSPTLCK: c_ulong = 0x4004_5431;

/// `ioctl`. Where a request takes an argument, it is a pointer or a number, as the request says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    // SAFETY: the request says what the argument leads to.
    match unsafe { settings(fd, request, argument) } {
        Some(answer) => answer,
        // SAFETY: as above.
        None => errno::int(descriptor(fd).and_then(|fd| unsafe { control(fd, request, argument) })),
    }
}

/// What has a function of its own.
unsafe fn settings(fd: c_int, request: c_ulong, argument: *mut c_void) -> Option<c_int> {
    let (new, number) = (argument.cast::<termios>(), argument as c_int);
    // SAFETY: the request says what the argument leads to.
    Some(unsafe {
        match request {
            TCGETS => termios_h::tcgetattr(fd, new),
            TCSETS => termios_h::tcsetattr(fd, libc::TCSANOW, new),
            TCSETSW => termios_h::tcsetattr(fd, libc::TCSADRAIN, new),
            TCSETSF => termios_h::tcsetattr(fd, libc::TCSAFLUSH, new),
            TCSBRK if number != 0 => termios_h::tcdrain(fd),
            TCSBRK => termios_h::tcsendbreak(fd, 0),
            TCXONC => termios_h::tcflow(fd, number),
            TCFLSH => termios_h::tcflush(fd, number),
            TIOCGWINSZ => termios_h::tcgetwinsize(fd, argument.cast::<winsize>()),
            TIOCSWINSZ => termios_h::tcsetwinsize(fd, argument.cast::<winsize>()),
            TIOCSPGRP => termios_h::tcsetpgrp(fd, *argument.cast::<pid_t>()),
            _ => return None,
        }
    })
}

unsafe fn control(fd: usize, request: c_ulong, argument: *mut c_void) -> Result<usize> {
    let to = argument.cast::<c_int>();
    // SAFETY: the requests that come here with a pointer to read or write have an `int` there.
    let (answer, number) = unsafe {
        (
            |answer: Result<usize>| {
                *to = c_int::try_from(answer?).unwrap_or(c_int::MAX);
                Ok(0)
            },
            || u64::from(*to != 0),
        )
    };
    match request {
        FIOCLEX => files::set_cloexec(fd, true).map(|()| 0),
        FIONCLEX => files::set_cloexec(fd, false).map(|()| 0),
        FIONBIO => {
            let flags = sys::fcntl(fd, F_GETFL, 0)?;
            sys::fcntl(fd, F_SETFL, if number() != 0 { flags | O_NONBLOCK } else { flags & !O_NONBLOCK }).map(|_| 0)
        }
        FIONREAD => answer(readable(fd)),
        TIOCOUTQ => answer(tty::ask(fd, Request::OutputCount, 0)),
        TIOCGPGRP => answer(tty::ask(fd, Request::GetGroup, 0)),
        TIOCGSID => answer(tty::ask(fd, Request::GetSession, 0)),
        TIOCGPTN => answer(tty::ask(fd, Request::Number, 0)),
        TIOCSCTTY => tty::ask(fd, Request::Acquire, u64::from(argument as usize == 1)),
        TIOCNOTTY => tty::ask(fd, Request::Release, 0),
        TIOCEXCL => tty::ask(fd, Request::Exclusive, 1),
        TIOCNXCL => tty::ask(fd, Request::Exclusive, 0),
        TIOCSPTLCK => tty::ask(fd, Request::Lock, number()),
        TIOCPKT => tty::ask(fd, Request::Packet, number()),
        _ => {
            sys::fstat(fd)?;
            Err(error(ENOTTY))
        }
    }
}

/// Bytes that can be read: of a socket or a terminal what it says, of a file what is behind the position.
fn readable(fd: usize) -> Result<usize> {
    let stat = sys::fstat(fd)?;
    if stat.st_mode & MODE_TYPE == MODE_SOCK {
        return socket::pending(fd);
    }
    match tty::ask(fd, Request::InputCount, 0) {
        Err(refused) if matches!(refused.errno, ENOTTY | EINVAL | EOPNOTSUPP | EBADF) => {
            if stat.st_mode & MODE_TYPE != MODE_FILE {
                return Err(error(ENOTTY));
            }
            let position = sys::lseek(fd, 0, libc::SEEK_CUR as usize)?;
            Ok((stat.st_size as usize).saturating_sub(position))
        }
        answer => answer,
    }
}
