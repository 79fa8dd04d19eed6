//! What a program can ask about the system and about itself: `sysconf`, `uname`, `times`.

use libc::{EFAULT, EINVAL, c_char, c_int, c_long, clock_t, size_t, tms, utsname};
use syscall::error::Result;
use syscall::flag::O_RDONLY;

use crate::rt::path::{Canonical, PATH_MAX};
use crate::rt::{clock, resolve, slots, sys};
use crate::string::copy_text;
use crate::{errno, process};

/// The name of this machine: the first line of `/etc/hostname`.
fn host_name(text: &mut [u8; 256]) -> &[u8] {
    let count = Canonical::new(b"/", b"/etc/hostname")
        .and_then(|path| resolve::with_open(path, O_RDONLY, |fd| sys::read(fd, text)));
    let text = &text[..count.unwrap_or(0)];
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or(b"");
    if line.is_empty() { b"ochre" } else { line }
}

/// `gethostname`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gethostname(name: *mut c_char, len: size_t) -> c_int {
    let mut text = [0; 256];
    // SAFETY: POSIX demands the room.
    if unsafe { copy_text(host_name(&mut text), name, len) } { 0 } else { errno::fail(libc::ENAMETOOLONG) }
}

/// Processors of the machine, as the kernel tells them: one `processor` line or `CPUs: N` in `/scheme/sys/cpu`.
fn processors() -> c_long {
    let mut text = [0; 4096];
    let count = Canonical::new(b"/", b"/scheme/sys/cpu")
        .and_then(|path| resolve::with_open(path, O_RDONLY, |fd| sys::read(fd, &mut text)));
    let mut lines = text[..count.unwrap_or(0)].split(|&byte| byte == b'\n');
    let number = lines.find_map(|line| {
        let digits = line.strip_prefix(b"CPUs: ").or_else(|| line.strip_prefix(b"cpus "))?;
        core::str::from_utf8(digits).ok()?.trim().parse().ok()
    });
    number.unwrap_or(1).max(1)
}

/// `sysconf`.
#[unsafe(no_mangle)]
pub extern "C" fn sysconf(name: c_int) -> c_long {
    /// POSIX.1-2008 (`_POSIX_VERSION`).
    const POSIX: c_long = 200_809;
    match name {
        libc::_SC_PAGESIZE => crate::rt::tcb::PAGE as c_long,
        libc::_SC_NPROCESSORS_CONF | libc::_SC_NPROCESSORS_ONLN => processors(),
        libc::_SC_OPEN_MAX => slots::RANGE as c_long,
        libc::_SC_CLK_TCK => TICKS,
        libc::_SC_ARG_MAX => crate::rt::limits::arguments() as c_long,
        libc::_SC_CHILD_MAX | libc::_SC_STREAM_MAX => 65_536,
        libc::_SC_NGROUPS_MAX => 32,
        libc::_SC_TZNAME_MAX => 6,
        libc::_SC_VERSION => POSIX,
        libc::_SC_RE_DUP_MAX => 255,
        libc::_SC_GETGR_R_SIZE_MAX | libc::_SC_GETPW_R_SIZE_MAX => 1024,
        libc::_SC_LOGIN_NAME_MAX => 256,
        libc::_SC_TTY_NAME_MAX => 32,
        libc::_SC_SYMLOOP_MAX => 32,
        libc::_SC_HOST_NAME_MAX => 255,
        libc::_SC_SIGQUEUE_MAX => ochre_abi::signal::THREAD_QUEUE as c_long,
        libc::_SC_REALTIME_SIGNALS => POSIX,
        _ => c_long::from(errno::fail(EINVAL)),
    }
}

/// `pathconf` and `fpathconf` answer the same for every file.
fn configuration(name: c_int) -> c_long {
    match name {
        libc::_PC_LINK_MAX => 65_535,
        libc::_PC_NAME_MAX => 255,
        libc::_PC_PATH_MAX => PATH_MAX as c_long,
        libc::_PC_PIPE_BUF => 4096,
        libc::_PC_MAX_CANON | libc::_PC_MAX_INPUT => 255,
        libc::_PC_CHOWN_RESTRICTED | libc::_PC_NO_TRUNC => 1,
        libc::_PC_VDISABLE => 0,
        libc::_PC_FILESIZEBITS => 64,
        _ => c_long::from(errno::fail(EINVAL)),
    }
}

/// `pathconf`.
#[unsafe(no_mangle)]
pub extern "C" fn pathconf(_path: *const c_char, name: c_int) -> c_long {
    configuration(name)
}

/// `fpathconf`.
#[unsafe(no_mangle)]
pub extern "C" fn fpathconf(_fd: c_int, name: c_int) -> c_long {
    configuration(name)
}

/// `confstr`: where programs are; the other names have no value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn confstr(name: c_int, to: *mut c_char, len: size_t) -> size_t {
    let text: &[u8] = match name {
        libc::_CS_PATH => b"/bin:/usr/bin",
        libc::_CS_POSIX_V6_WIDTH_RESTRICTED_ENVS
        | libc::_CS_POSIX_V5_WIDTH_RESTRICTED_ENVS
        | libc::_CS_POSIX_V7_WIDTH_RESTRICTED_ENVS => b"POSIX_V7_LP64_OFF64",
        libc::_CS_POSIX_V6_ILP32_OFF32_CFLAGS..=libc::_CS_POSIX_V7_LPBIG_OFFBIG_LINTFLAGS => b"",
        _ => {
            errno::set(EINVAL);
            return 0;
        }
    };
    if !to.is_null() {
        // SAFETY: POSIX demands the room.
        unsafe { copy_text(text, to, len) };
    }
    text.len() + 1
}

/// `uname`. The release is that of Ochre.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn uname(to: *mut utsname) -> c_int {
    // SAFETY: POSIX demands null or a place for the answer.
    let Some(to) = (unsafe { to.as_mut() }) else {
        return errno::fail(EFAULT);
    };
    let mut host = [0; 256];
    let host = host_name(&mut host);
    for (field, text) in [
        (&mut to.sysname, &b"Ochre"[..]),
        (&mut to.nodename, host),
        (&mut to.release, env!("CARGO_PKG_VERSION").as_bytes()),
        (&mut to.version, b"Ochre microkernel"),
        (&mut to.machine, b"x86_64"),
        (&mut to.domainname, b"(none)"),
    ] {
        // SAFETY: the field has this room. A name that is too long is cut.
        unsafe { copy_text(text, field.as_mut_ptr(), field.len()) };
    }
    0
}

/// Ticks of a second, for `times` (`_SC_CLK_TCK`).
const TICKS: c_long = 100;

/// `times`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn times(to: *mut tms) -> clock_t {
    let tick = i128::from(clock::SECOND / TICKS);
    if !to.is_null() {
        let ticks = |nanos: Result<u64>| (i128::from(nanos.unwrap_or(0)) / tick) as clock_t;
        let [own, children] = [process::own_time(), process::children_time()].map(ticks);
        // SAFETY: POSIX demands null or a place for the answer.
        unsafe { to.write(tms { tms_utime: own, tms_stime: 0, tms_cutime: children, tms_cstime: 0 }) };
    }
    clock::now(syscall::CLOCK_MONOTONIC).map_or(-1, |now| (clock::nanos(&now) / tick) as clock_t)
}
