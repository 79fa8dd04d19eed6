//! `fcntl.h`: opening, and control of descriptors.

use libc::{
    AT_FDCWD, EINVAL, F_DUPFD, F_GETFD, F_GETFL, F_SETFD, F_SETFL, O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY, c_char,
    c_int, mode_t,
};
use syscall::error::Result;

use crate::errno::{self, error};
use crate::locks;
use crate::rt::files::{self, Place};
use crate::rt::path::Canonical;
use crate::rt::{resolve, sys};
use crate::string::bytes;

/// `F_DUPFD_CLOEXEC` as crate `libredox` has it (crate `libc` has the value of `F_DUPFD`).
const F_DUPFD_CLOEXEC: c_int = 1030;
/// Where `std` reads the seeds of its hash maps. It keeps the descriptor, which elsewhere it does not need: a shell would find one
/// of the numbers taken that scripts use.
const RANDOM: &[u8] = b"/scheme/rand";
/// Bits of `O_*` that the kernel sees: not those of the descriptor number, and none of the mode's.
pub const OPEN_FLAGS: usize = 0xffff_0000 & !(O_CLOEXEC as usize);

/// The canonical path of what a C program says.
///
/// # Safety
/// `path` is a C string.
pub unsafe fn canonical(path: *const c_char) -> Result<Canonical> {
    // SAFETY: as this function demands.
    resolve::canonical(unsafe { bytes(path)? })
}

/// The same for the functions that take a directory.
///
/// # Safety
/// As [`canonical`].
pub unsafe fn canonical_at(dir: c_int, path: *const c_char) -> Result<Canonical> {
    // SAFETY: as this function demands.
    let path = unsafe { bytes(path)? };
    if dir == AT_FDCWD { resolve::canonical(path) } else { resolve::canonical_at(descriptor(dir)?, path) }
}

/// As [`canonical_at`], for `action` to use where it lies.
///
/// # Safety
/// As [`canonical`].
#[inline]
pub unsafe fn with_canonical_at<T>(
    dir: c_int,
    path: *const c_char,
    action: impl FnOnce(&Canonical) -> Result<T>,
) -> Result<T> {
    // SAFETY: as this function demands.
    let path = unsafe { bytes(path)? };
    if dir == AT_FDCWD || path.first() == Some(&b'/') {
        return resolve::with_canonical(path, action);
    }
    action(&resolve::canonical_at(descriptor(dir)?, path)?)
}

/// A descriptor as the kernel takes it: C's are never negative.
#[inline]
pub fn descriptor(fd: c_int) -> Result<usize> {
    usize::try_from(fd).map_err(|_| error(libc::EBADF))
}

/// Opens with the flags of C.
pub fn open_path(path: Canonical, flags: c_int, mode: usize) -> Result<usize> {
    open_at(&path, flags, mode)
}

/// As [`open_path`], with the path where it lies.
fn open_at(path: &Canonical, flags: c_int, mode: usize) -> Result<usize> {
    let mode = if flags & O_CREAT != 0 { resolve::creation_mode(mode) } else { 0 };
    let place = match flags & O_CLOEXEC != 0 {
        true if path.as_bytes() == RANDOM => Place::Aside,
        cloexec => Place::Program { cloexec },
    };
    resolve::open_at(path, flags as u32 as usize & OPEN_FLAGS | mode, place)
}

/// `open`. The mode is only looked at with `O_CREAT`, so a caller that leaves it out is harmless.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    errno::int(unsafe { with_canonical_at(AT_FDCWD, path, |path| open_at(path, flags, mode as usize)) })
}

/// `openat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn openat(dir: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    errno::int(unsafe { with_canonical_at(dir, path, |path| open_at(path, flags, mode as usize)) })
}

/// `creat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn creat(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: as for `open`.
    unsafe { open(path, O_CREAT | O_TRUNC | O_WRONLY, mode) }
}

/// What `fcntl` does, for C and for `libredox`.
pub fn control(fd: usize, command: c_int, argument: usize) -> Result<usize> {
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => {
            if argument & !ochre_abi::UPPER >= crate::rt::slots::RANGE {
                return Err(error(EINVAL));
            }
            let cloexec = command == F_DUPFD_CLOEXEC;
            files::create_from(argument, cloexec, |slot| sys::dup_into(fd, b"", slot))
        }
        F_GETFD => files::cloexec(fd).map(|cloexec| if cloexec { O_CLOEXEC as usize } else { 0 }),
        // 1 is what the flag is elsewhere; programs that write the number mean this.
        F_SETFD => files::set_cloexec(fd, argument & (O_CLOEXEC as usize | 1) != 0).map(|()| 0),
        F_GETFL | F_SETFL => sys::fcntl(fd, command as usize, argument),
        _ if command as usize == syscall::F_GET_SCHEMEID => sys::fcntl(fd, command as usize, argument),
        // SAFETY: C demands a structure with these commands.
        libc::F_GETLK | libc::F_SETLK | libc::F_SETLKW => unsafe { locks::control(fd, command, argument as *mut _) },
        _ => Err(error(EINVAL)),
    }
}

/// `fcntl`.
#[unsafe(no_mangle)]
pub extern "C" fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    errno::int(descriptor(fd).and_then(|fd| control(fd, command, argument)))
}

/// `posix_fallocate`: makes the file at least so long.
#[unsafe(no_mangle)]
pub extern "C" fn posix_fallocate(fd: c_int, offset: libc::off_t, len: libc::off_t) -> c_int {
    errno::number(descriptor(fd).and_then(|fd| {
        let end = offset.checked_add(len).filter(|_| offset >= 0 && len > 0).ok_or(error(EINVAL))? as u64;
        if sys::fstat(fd)?.st_size < end { crate::unistd::set_length(fd, end) } else { Ok(0) }
    }))
}

/// `posix_fadvise`: advice that changes nothing. Answers the error number itself.
#[unsafe(no_mangle)]
pub extern "C" fn posix_fadvise(fd: c_int, _offset: libc::off_t, len: libc::off_t, _advice: c_int) -> c_int {
    if len < 0 {
        return EINVAL;
    }
    errno::number(descriptor(fd).and_then(files::cloexec))
}
