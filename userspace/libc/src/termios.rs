//! `termios.h`: settings of terminals, their queues, their groups. A descriptor that leads to no terminal is `ENOTTY`.

use libc::{EINVAL, TCIFLUSH, TCIOFLUSH, TCOFLUSH, TCSADRAIN, TCSAFLUSH, TCSANOW, c_int, pid_t, speed_t, termios};
use ochre_abi::terminal::{Request, Termios, WindowSize, flow, queue, when};
use syscall::error::Result;

use crate::errno::{self, error, fail};
use crate::fcntl::descriptor;
use crate::tty;

/// Highest code of a speed: `B4000000`.
const SPEED_MAX: speed_t = libc::B4000000;

// The daemon's structures are those of C, so that their bytes can be handed through.
const _: () = {
    use core::mem::offset_of;
    assert!(size_of::<termios>() == Termios::SIZE && size_of::<libc::winsize>() == WindowSize::SIZE);
    assert!(offset_of!(termios, c_lflag) == 12 && offset_of!(termios, c_cc) == 17);
    assert!(offset_of!(termios, c_ispeed) == 52 && offset_of!(termios, c_ospeed) == 56);
};

// And so are its numbers.
const _: () = {
    use ochre_abi::terminal::{character as c, input as i, local as l, output as o};
    assert!(c::VEOF == libc::VEOF && c::VEOL == libc::VEOL && c::VEOL2 == libc::VEOL2 && c::VERASE == libc::VERASE);
    assert!(c::VWERASE == libc::VWERASE && c::VKILL == libc::VKILL && c::VREPRINT == libc::VREPRINT);
    assert!(c::VINTR == libc::VINTR && c::VQUIT == libc::VQUIT && c::VSUSP == libc::VSUSP);
    assert!(c::VSTART == libc::VSTART && c::VSTOP == libc::VSTOP && c::VLNEXT == libc::VLNEXT);
    assert!(c::VMIN == libc::VMIN && c::VTIME == libc::VTIME);
    assert!(i::PARMRK == libc::PARMRK && i::ISTRIP == libc::ISTRIP && i::INLCR == libc::INLCR);
    assert!(i::IGNCR == libc::IGNCR && i::ICRNL == libc::ICRNL && i::IXON == libc::IXON && i::IXOFF == libc::IXOFF);
    assert!(o::OPOST == libc::OPOST && o::ONLCR == libc::ONLCR && o::OCRNL == libc::OCRNL && o::ONOCR == libc::ONOCR);
    assert!(o::ONLRET == libc::ONLRET && o::OLCUC == libc::OLCUC);
    assert!(l::ISIG == libc::ISIG && l::ICANON == libc::ICANON && l::IEXTEN == libc::IEXTEN && l::ECHO == libc::ECHO);
    assert!(l::ECHOE == libc::ECHOE && l::ECHOK == libc::ECHOK && l::ECHONL == libc::ECHONL);
    assert!(l::TOSTOP == libc::TOSTOP && l::NOFLSH == libc::NOFLSH);
    assert!(when::NOW == TCSANOW as u64 && when::DRAIN == TCSADRAIN as u64 && when::FLUSH == TCSAFLUSH as u64);
    assert!(queue::INPUT == TCIFLUSH as u64 && queue::OUTPUT == TCOFLUSH as u64 && queue::BOTH == TCIOFLUSH as u64);
    assert!(flow::OUTPUT_OFF == libc::TCOOFF as u64 && flow::OUTPUT_ON == libc::TCOON as u64);
    assert!(flow::INPUT_OFF == libc::TCIOFF as u64 && flow::INPUT_ON == libc::TCION as u64);
};

/// Sends a request without a payload for a descriptor of C.
fn ask(fd: c_int, request: Request, argument: Result<u64>) -> Result<usize> {
    tty::ask(descriptor(fd)?, request, argument?)
}

/// `tcgetattr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcgetattr(fd: c_int, to: *mut termios) -> c_int {
    errno::zero(descriptor(fd).and_then(tty::attributes).map(|bytes| {
        // SAFETY: POSIX demands the room; the bytes are a structure of numbers.
        unsafe { to.cast::<[u8; Termios::SIZE]>().write(bytes) }
    }))
}

/// `tcsetattr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcsetattr(fd: c_int, when: c_int, from: *const termios) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| {
        // SAFETY: POSIX demands a structure, which is numbers; what lies between them has no meaning.
        let new = unsafe { from.read() };
        let new = Termios {
            input: new.c_iflag,
            output: new.c_oflag,
            control: new.c_cflag,
            local: new.c_lflag,
            discipline: new.c_line,
            characters: new.c_cc,
            input_speed: new.c_ispeed,
            output_speed: new.c_ospeed,
        };
        tty::set_attributes(fd, tty::choice(when)?, &new.to_bytes())
    }))
}

/// `tcdrain`.
#[unsafe(no_mangle)]
pub extern "C" fn tcdrain(fd: c_int) -> c_int {
    errno::zero(ask(fd, Request::Drain, Ok(0)))
}

/// `tcflush`.
#[unsafe(no_mangle)]
pub extern "C" fn tcflush(fd: c_int, which: c_int) -> c_int {
    errno::zero(ask(fd, Request::Flush, tty::choice(which)))
}

/// `tcflow`.
#[unsafe(no_mangle)]
pub extern "C" fn tcflow(fd: c_int, action: c_int) -> c_int {
    errno::zero(ask(fd, Request::Flow, tty::choice(action)))
}

/// `tcsendbreak`: there is no line that could be broken.
#[unsafe(no_mangle)]
pub extern "C" fn tcsendbreak(fd: c_int, _duration: c_int) -> c_int {
    errno::zero(ask(fd, Request::OutputCount, Ok(0)))
}

/// `tcgetsid`.
#[unsafe(no_mangle)]
pub extern "C" fn tcgetsid(fd: c_int) -> pid_t {
    errno::int(ask(fd, Request::GetSession, Ok(0)))
}

/// `tcgetpgrp`.
#[unsafe(no_mangle)]
pub extern "C" fn tcgetpgrp(fd: c_int) -> pid_t {
    errno::int(ask(fd, Request::GetGroup, Ok(0)))
}

/// `tcsetpgrp`.
#[unsafe(no_mangle)]
pub extern "C" fn tcsetpgrp(fd: c_int, group: pid_t) -> c_int {
    errno::zero(ask(fd, Request::SetGroup, tty::choice(group)))
}

/// `tcgetwinsize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcgetwinsize(fd: c_int, to: *mut libc::winsize) -> c_int {
    errno::zero(descriptor(fd).and_then(tty::size).map(|bytes| {
        // SAFETY: POSIX demands the room; the bytes are a structure of numbers.
        unsafe { to.cast::<[u8; WindowSize::SIZE]>().write(bytes) }
    }))
}

/// `tcsetwinsize`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcsetwinsize(fd: c_int, from: *const libc::winsize) -> c_int {
    // SAFETY: POSIX demands a structure, which is numbers without room between them.
    errno::zero(descriptor(fd).and_then(|fd| tty::set_size(fd, unsafe { &*from.cast() })))
}

/// `cfgetispeed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfgetispeed(from: *const termios) -> speed_t {
    // SAFETY: POSIX demands a structure.
    unsafe { (*from).c_ispeed }
}

/// `cfgetospeed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfgetospeed(from: *const termios) -> speed_t {
    // SAFETY: POSIX demands a structure.
    unsafe { (*from).c_ospeed }
}

/// `cfsetispeed`. Zero is the speed of output.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfsetispeed(to: *mut termios, speed: speed_t) -> c_int {
    if speed > SPEED_MAX {
        return fail(EINVAL);
    }
    // SAFETY: POSIX demands a structure.
    unsafe { (*to).c_ispeed = if speed == 0 { (*to).c_ospeed } else { speed } };
    0
}

/// `cfsetospeed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfsetospeed(to: *mut termios, speed: speed_t) -> c_int {
    if speed > SPEED_MAX {
        return fail(EINVAL);
    }
    // SAFETY: POSIX demands a structure.
    unsafe { (*to).c_ospeed = speed };
    0
}

/// `cfsetspeed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfsetspeed(to: *mut termios, speed: speed_t) -> c_int {
    // SAFETY: the caller promises a structure.
    unsafe { if cfsetospeed(to, speed) == 0 { cfsetispeed(to, speed) } else { -1 } }
}

/// `cfmakeraw`: bytes as they are, both ways.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cfmakeraw(to: *mut termios) {
    use libc::{BRKINT, ECHO, ECHONL, ICANON, ICRNL, IEXTEN, IGNBRK, IGNCR, INLCR, ISIG, ISTRIP, IXON, OPOST, PARMRK};
    // SAFETY: the caller promises a structure.
    let to = unsafe { &mut *to };
    to.c_iflag &= !(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    to.c_oflag &= !OPOST;
    to.c_lflag &= !(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    to.c_cflag = to.c_cflag & !(libc::CSIZE | libc::PARENB) | libc::CS8;
    (to.c_cc[libc::VMIN], to.c_cc[libc::VTIME]) = (1, 0);
}

/// `isatty`.
#[unsafe(no_mangle)]
pub extern "C" fn isatty(fd: c_int) -> c_int {
    match descriptor(fd).and_then(is_terminal) {
        Ok(()) => 1,
        Err(error) => {
            errno::set(error.errno);
            0
        }
    }
}

/// A terminal, or the kernel's console, which is one without settings.
fn is_terminal(fd: usize) -> Result<()> {
    use syscall::flag::{MODE_CHR, MODE_TYPE};
    if crate::rt::sys::fstat(fd)?.st_mode & MODE_TYPE != MODE_CHR {
        return Err(error(libc::ENOTTY));
    }
    let mut buf = [0; 64];
    let is_console = crate::rt::resolve::path_of(fd, &mut buf).is_ok_and(|path| path.starts_with(b"/scheme/debug"));
    if tty::is_terminal(fd) || is_console { Ok(()) } else { Err(error(libc::ENOTTY)) }
}
