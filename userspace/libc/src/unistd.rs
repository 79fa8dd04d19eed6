//! `unistd.h`: reading and writing, names, the current directory, ids and limits.

use core::ffi::c_void;
use core::ptr::null_mut;

use libc::{
    AT_FDCWD, EACCES, EINVAL, ENOSYS, O_CLOEXEC, O_NONBLOCK, R_OK, W_OK, X_OK, c_char, c_int, c_uint, gid_t, off_t,
    pid_t, size_t, ssize_t, uid_t,
};
use syscall::error::{EXDEV, Result};
use syscall::flag::{
    AT_REMOVEDIR, F_GETFL, F_SETFL, MODE_TYPE, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_STAT, O_SYMLINK, O_WRONLY,
    StdFsCallKind,
};

use crate::epoll;
use crate::errno::{self, error};
use crate::fcntl::{canonical, canonical_at, descriptor};
use crate::rt::files::{self, Place};
use crate::rt::path::{Canonical, PATH_MAX, Target};
use crate::rt::signal::send;
use crate::rt::{limits, resolve, roots, slots, sys, thread};
use crate::string::{bytes, copy_text};
use crate::tty;

/// `read`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn read(fd: c_int, buf: *mut c_void, len: size_t) -> ssize_t {
    let read = descriptor(fd).and_then(|fd| {
        // SAFETY: POSIX demands the room; the kernel checks that it exists.
        unsafe { sys::read_raw(fd, buf.cast(), len) }.or_else(|error| tty::read_failed(fd, buf, len, error))
    });
    errno::size(read)
}

/// `write`.
#[unsafe(no_mangle)]
pub extern "C" fn write(fd: c_int, buf: *const c_void, len: size_t) -> ssize_t {
    let answer = descriptor(fd).and_then(|fd| {
        let len = limits::writable(fd, len, None)?;
        sys::write_raw(fd, buf.cast(), len).or_else(|error| tty::write_failed(fd, buf, len, error))
    });
    written(answer)
}

/// What a call that writes answers: who writes to nobody gets `SIGPIPE`, and then the error.
#[inline]
pub fn written(result: Result<usize>) -> ssize_t {
    match result {
        Ok(count) => count as ssize_t,
        Err(error) => {
            tell_of_pipe(error.errno);
            errno::fail(error.errno) as ssize_t
        }
    }
}

/// Sends the calling thread `SIGPIPE` if this is the error for it.
#[cold]
pub fn tell_of_pipe(errnum: c_int) {
    if errnum == libc::EPIPE {
        // A signal that cannot be sent leaves the error.
        let _ = send::to_myself(libc::SIGPIPE as u32, 0, send::BY_USER);
    }
}

/// An offset as the kernel takes it.
pub fn position(offset: off_t) -> Result<u64> {
    u64::try_from(offset).map_err(|_| error(EINVAL))
}

/// `pread`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pread(fd: c_int, buf: *mut c_void, len: size_t, offset: off_t) -> ssize_t {
    let place = descriptor(fd).and_then(|fd| Ok((fd, position(offset)?)));
    // SAFETY: POSIX demands the room; the kernel checks that it exists.
    errno::size(place.and_then(|(fd, offset)| unsafe { sys::read_at(fd, buf.cast(), len, offset) }))
}

/// `pwrite`.
#[unsafe(no_mangle)]
pub extern "C" fn pwrite(fd: c_int, buf: *const c_void, len: size_t, offset: off_t) -> ssize_t {
    let place = descriptor(fd).and_then(|fd| Ok((fd, position(offset)?)));
    written(
        place.and_then(|(fd, offset)| sys::write_at(fd, buf.cast(), limits::writable(fd, len, Some(offset))?, offset)),
    )
}

/// `lseek`.
#[unsafe(no_mangle)]
pub extern "C" fn lseek(fd: c_int, offset: off_t, whence: c_int) -> off_t {
    let whence = usize::try_from(whence).map_err(|_| error(EINVAL));
    errno::size(descriptor(fd).and_then(|fd| sys::lseek(fd, offset, whence?))) as off_t
}

/// `close`.
#[unsafe(no_mangle)]
pub extern "C" fn close(fd: c_int) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| {
        epoll::closed(fd);
        files::close(fd)
    }))
}

/// `dup`.
#[unsafe(no_mangle)]
pub extern "C" fn dup(fd: c_int) -> c_int {
    errno::int(descriptor(fd).and_then(|fd| files::dup(fd, b"", Place::Program { cloexec: false })))
}

/// `dup2`.
#[unsafe(no_mangle)]
pub extern "C" fn dup2(fd: c_int, new: c_int) -> c_int {
    errno::int(descriptor(fd).and_then(|fd| files::dup2(fd, target(new)?, b"", false)))
}

/// `dup3`.
#[unsafe(no_mangle)]
pub extern "C" fn dup3(fd: c_int, new: c_int, flags: c_int) -> c_int {
    if fd == new || flags & !O_CLOEXEC != 0 {
        return errno::fail(EINVAL);
    }
    errno::int(descriptor(fd).and_then(|fd| files::dup2(fd, target(new)?, b"", flags & O_CLOEXEC != 0)))
}

/// A number that a descriptor can be put at.
fn target(fd: c_int) -> Result<usize> {
    descriptor(fd).and_then(|fd| if fd < slots::RANGE { Ok(fd) } else { Err(error(libc::EBADF)) })
}

/// `pipe`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pipe(fds: *mut c_int) -> c_int {
    // SAFETY: as for `pipe2`.
    unsafe { pipe2(fds, 0) }
}

/// `pipe2`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pipe2(fds: *mut c_int, flags: c_int) -> c_int {
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return errno::fail(EINVAL);
    }
    let place = Place::Program { cloexec: flags & O_CLOEXEC != 0 };
    let nonblock = (flags & O_NONBLOCK) as usize;
    let ends = roots::with(b"pipe", |root| files::openat(root, b"", O_RDONLY | nonblock, place)).and_then(|read| {
        let write = files::dup(read, b"write", place).and_then(|write| {
            if nonblock != 0 {
                let flags = sys::fcntl(write, F_GETFL, 0).unwrap_or(O_WRONLY);
                sys::fcntl(write, F_SETFL, flags | nonblock)?;
            }
            Ok(write)
        });
        match write {
            Ok(write) => Ok((read, write)),
            Err(error) => {
                let _ = files::close(read);
                Err(error)
            }
        }
    });
    if let Ok((read, write)) = ends {
        // SAFETY: POSIX demands room for two.
        unsafe { (*fds, *fds.add(1)) = (read as c_int, write as c_int) };
    }
    errno::zero(ends)
}

/// `fsync`.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    errno::zero(descriptor(fd).and_then(sys::fsync))
}

/// `fdatasync`.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    fsync(fd)
}

/// Sets the length of a file.
pub fn set_length(fd: usize, len: u64) -> Result<usize> {
    limits::length(fd, len)?;
    // SAFETY: there is no payload.
    unsafe { sys::std_fs(fd, StdFsCallKind::Ftruncate, null_mut(), 0, [len, 0]) }
}

/// `ftruncate`.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(fd: c_int, len: off_t) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| set_length(fd, position(len)?)))
}

/// `truncate`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn truncate(path: *const c_char, len: off_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    let path = unsafe { canonical(path) };
    errno::zero(path.and_then(|path| {
        let len = position(len)?;
        resolve::with_open(path, O_WRONLY, |fd| set_length(fd, len))
    }))
}

/// Removes a name; `AT_REMOVEDIR` is the same bit for C and the kernel.
fn remove(path: Canonical, flags: usize) -> Result<usize> {
    resolve::with_reference(path, |root, reference| sys::unlinkat(root, reference, flags))
}

/// `unlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlink(path: *const c_char) -> c_int {
    // SAFETY: POSIX demands a C string.
    errno::zero(unsafe { canonical(path) }.and_then(|path| remove(path, 0)))
}

/// `unlinkat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unlinkat(dir: c_int, path: *const c_char, flags: c_int) -> c_int {
    // SAFETY: POSIX demands a C string.
    let path = unsafe { canonical_at(dir, path) };
    errno::zero(path.and_then(|path| remove(path, flags as usize & AT_REMOVEDIR)))
}

/// `rmdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rmdir(path: *const c_char) -> c_int {
    // SAFETY: POSIX demands a C string.
    errno::zero(unsafe { canonical(path) }.and_then(|path| remove(path, AT_REMOVEDIR)))
}

/// `remove`: `unlink` or `rmdir`, as fits.
#[unsafe(export_name = "remove")]
pub unsafe extern "C" fn remove_either(path: *const c_char) -> c_int {
    // SAFETY: as for both; `errno` is this thread's.
    unsafe {
        match unlink(path) {
            -1 if *errno::__errno() == libc::EISDIR => rmdir(path),
            answer => answer,
        }
    }
}

/// Both ends of `link` and `rename` in one scheme: its root and the two references.
fn in_one_scheme<T>(
    from: &Canonical,
    to: &Canonical,
    mut action: impl FnMut(usize, &[u8], &[u8]) -> Result<T>,
) -> Result<T> {
    match (from.target(), to.target()) {
        (Target::Scheme { name, reference: from }, Target::Scheme { name: other, reference: to }) if name == other => {
            roots::with(name, |root| action(root, from, to))
        }
        _ => Err(error(EXDEV)),
    }
}

/// `rename`, with the flags of `renameat2`.
pub fn rename_paths(from: &Canonical, to: &Canonical, flags: u64) -> Result<usize> {
    in_one_scheme(from, to, |root, from, to| {
        let mut payload = [0; 2 * PATH_MAX];
        let (first, second) = payload.split_at_mut(from.len() + 1);
        first[..from.len()].copy_from_slice(from);
        second[..to.len()].copy_from_slice(to);
        let payload = &mut payload[..from.len() + 1 + to.len()];
        sys::std_fs_pair([root, root], StdFsCallKind::Frenameat, payload, flags)
    })
}

/// `rename`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: POSIX demands C strings.
    unsafe { renameat2(AT_FDCWD, from, AT_FDCWD, to, 0) }
}

/// `renameat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat(dir: c_int, from: *const c_char, new_dir: c_int, to: *const c_char) -> c_int {
    // SAFETY: POSIX demands C strings.
    unsafe { renameat2(dir, from, new_dir, to, 0) }
}

/// `renameat2`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn renameat2(
    dir: c_int,
    from: *const c_char,
    new_dir: c_int,
    to: *const c_char,
    flags: c_uint,
) -> c_int {
    // SAFETY: POSIX demands C strings.
    let paths = unsafe { canonical_at(dir, from).and_then(|from| Ok((from, canonical_at(new_dir, to)?))) };
    errno::zero(paths.and_then(|(from, to)| rename_paths(&from, &to, flags.into())))
}

/// `link`: to a symbolic link itself, as Linux has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn link(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: POSIX demands C strings.
    unsafe { linkat(AT_FDCWD, from, AT_FDCWD, to, 0) }
}

/// `linkat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn linkat(
    dir: c_int,
    from: *const c_char,
    new_dir: c_int,
    to: *const c_char,
    flags: c_int,
) -> c_int {
    let follow = if flags & libc::AT_SYMLINK_FOLLOW != 0 { 0 } else { O_SYMLINK };
    // SAFETY: POSIX demands C strings.
    let paths = unsafe { canonical_at(dir, from).and_then(|from| Ok((from, canonical_at(new_dir, to)?))) };
    errno::zero(paths.and_then(|(from, to)| {
        in_one_scheme(&from, &to, |root, from, to| {
            let file = files::openat(root, from, O_STAT | follow, Place::Libc)?;
            let mut payload = [0; PATH_MAX];
            payload[..to.len()].copy_from_slice(to);
            let kind = StdFsCallKind::Flinkat;
            let result = sys::std_fs_pair([file, root], kind, &mut payload[..to.len()], 0);
            let _ = files::close(file);
            result
        })
    }))
}

/// `symlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn symlink(target: *const c_char, path: *const c_char) -> c_int {
    // SAFETY: POSIX demands C strings.
    unsafe { symlinkat(target, AT_FDCWD, path) }
}

/// `symlinkat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn symlinkat(target: *const c_char, dir: c_int, path: *const c_char) -> c_int {
    // SAFETY: POSIX demands C strings.
    let both = unsafe { bytes(target).and_then(|target| Ok((target, canonical_at(dir, path)?))) };
    errno::zero(both.and_then(|(target, path)| {
        let flags = O_CREAT | O_EXCL | O_SYMLINK | O_WRONLY | 0o777;
        resolve::with_open(path, flags, |fd| sys::write(fd, target))
    }))
}

/// `readlink`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn readlink(path: *const c_char, buf: *mut c_char, len: size_t) -> ssize_t {
    // SAFETY: POSIX demands a C string and the room.
    unsafe { readlinkat(AT_FDCWD, path, buf, len) }
}

/// `readlinkat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn readlinkat(dir: c_int, path: *const c_char, buf: *mut c_char, len: size_t) -> ssize_t {
    // SAFETY: POSIX demands a C string and the room.
    errno::size(unsafe { canonical_at(dir, path) }.and_then(|path| {
        resolve::with_open(path, O_RDONLY | O_SYMLINK, |fd| {
            if sys::fstat(fd)?.st_mode & MODE_TYPE != syscall::MODE_SYMLINK {
                return Err(error(EINVAL));
            }
            // SAFETY: POSIX demands the room.
            unsafe { sys::read_raw(fd, buf.cast(), len) }
        })
    }))
}

/// `access`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn access(path: *const c_char, mode: c_int) -> c_int {
    // SAFETY: POSIX demands a C string.
    unsafe { faccessat(AT_FDCWD, path, mode, 0) }
}

/// `faccessat`. Looks at the permission bits, with the effective ids.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn faccessat(dir: c_int, path: *const c_char, mode: c_int, _flags: c_int) -> c_int {
    // SAFETY: POSIX demands a C string.
    let stat = unsafe { canonical_at(dir, path) }.and_then(|path| resolve::stat(&path, 0));
    errno::zero(stat.and_then(|stat| {
        let asked = (mode & (R_OK | W_OK | X_OK)) as u16;
        let me = thread::attributes()?;
        let execute = stat.st_mode & 0o111 != 0;
        let granted = if me.euid == 0 {
            6 | u16::from(execute || stat.st_mode & MODE_TYPE == syscall::MODE_DIR)
        } else if stat.st_uid == me.euid {
            stat.st_mode >> 6
        } else if stat.st_gid == me.egid {
            stat.st_mode >> 3
        } else {
            stat.st_mode
        };
        if asked & !granted == 0 { Ok(()) } else { Err(error(EACCES)) }
    }))
}

/// `chdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chdir(path: *const c_char) -> c_int {
    // SAFETY: POSIX demands a C string.
    errno::zero(unsafe { canonical(path) }.and_then(resolve::chdir))
}

/// `fchdir`.
#[unsafe(no_mangle)]
pub extern "C" fn fchdir(fd: c_int) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| {
        let mut buf = [0; PATH_MAX];
        let path = Canonical::new(b"/", resolve::path_of(fd, &mut buf)?)?;
        resolve::chdir(path)
    }))
}

/// `getcwd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getcwd(buf: *mut c_char, len: size_t) -> *mut c_char {
    let mut path = [0; PATH_MAX + 1];
    let result = resolve::cwd(&mut path).and_then(|count| match (buf.is_null(), len) {
        (false, 0) => Err(error(EINVAL)),
        (false, len) if len <= count => Err(error(libc::ERANGE)),
        _ => Ok(count),
    });
    match result {
        Ok(count) => {
            let room = if len == 0 { count + 1 } else { len };
            let buf = if buf.is_null() { crate::stdlib::malloc(room).cast() } else { buf };
            if !buf.is_null() {
                // SAFETY: the room was checked, or is new.
                unsafe { copy_text(&path[..count], buf, room) };
            }
            buf
        }
        Err(error) => {
            errno::set(error.errno);
            null_mut()
        }
    }
}

/// `chroot`: a name space does what it is for, and more.
#[unsafe(no_mangle)]
pub extern "C" fn chroot(_path: *const c_char) -> c_int {
    errno::fail(ENOSYS)
}

/// `getpid`.
#[unsafe(no_mangle)]
pub extern "C" fn getpid() -> pid_t {
    thread::pid() as pid_t
}

/// `geteuid`.
#[unsafe(no_mangle)]
pub extern "C" fn geteuid() -> uid_t {
    thread::attributes().map_or(uid_t::MAX, |me| me.euid as uid_t)
}

/// `getegid`.
#[unsafe(no_mangle)]
pub extern "C" fn getegid() -> gid_t {
    thread::attributes().map_or(gid_t::MAX, |me| me.egid as gid_t)
}

/// `getpagesize`.
#[unsafe(no_mangle)]
pub extern "C" fn getpagesize() -> c_int {
    crate::rt::tcb::PAGE as c_int
}

/// `getdtablesize`.
#[unsafe(no_mangle)]
pub extern "C" fn getdtablesize() -> c_int {
    slots::RANGE as c_int
}

/// `getrandom`. There is one source, which never blocks once it runs, so the flags make no difference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buf: *mut c_void, len: size_t, _flags: c_uint) -> ssize_t {
    let path = Canonical::new(b"/", b"/scheme/rand");
    // SAFETY: the caller's room.
    errno::size(
        path.and_then(|path| resolve::with_open(path, O_RDONLY, |fd| unsafe { sys::read_raw(fd, buf.cast(), len) })),
    )
}

/// `getentropy`: all or nothing, up to 256 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getentropy(buf: *mut c_void, len: size_t) -> c_int {
    if len > 256 {
        return errno::fail(libc::EIO);
    }
    // SAFETY: the caller's room.
    if unsafe { getrandom(buf, len, 0) } == len as ssize_t { 0 } else { errno::fail(libc::EIO) }
}

/// Opens a directory for `opendir`.
pub fn open_directory(path: Canonical) -> Result<usize> {
    resolve::open(path, O_RDONLY | O_DIRECTORY, Place::Program { cloexec: true })
}
