//! `sys/stat.h` and `sys/statvfs.h`: what files are, and changing that.

use core::mem::zeroed;
use core::ptr::{null, null_mut};

use libc::{AT_FDCWD, c_char, c_int, dev_t, gid_t, mode_t, stat, statvfs, timespec, timeval, uid_t, utimbuf};
use syscall::data::{Stat, StatVfs, TimeSpec};
use syscall::error::{EINVAL, Result};
use syscall::flag::{MODE_FIFO, MODE_TYPE, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_STAT, O_SYMLINK, StdFsCallKind};

use crate::errno;
use crate::fcntl::{canonical, canonical_at, descriptor, with_canonical_at};
use crate::rt::path::Canonical;
use crate::rt::{clock, resolve, sys};

/// Look at the symbolic link itself: the bit of crate `libc`, and that of other systems.
const AT_SYMLINK_NOFOLLOW: c_int = libc::AT_SYMLINK_NOFOLLOW | 0x100;

/// The kernel's structure in C's layout.
pub fn convert(from: &Stat) -> stat {
    // SAFETY: all fields are integers.
    let mut to: stat = unsafe { zeroed() };
    to.st_dev = from.st_dev;
    to.st_ino = from.st_ino;
    to.st_nlink = from.st_nlink.into();
    to.st_mode = from.st_mode.into();
    to.st_uid = from.st_uid as uid_t;
    to.st_gid = from.st_gid as gid_t;
    to.st_size = from.st_size as libc::off_t;
    to.st_blksize = from.st_blksize.into();
    to.st_blocks = from.st_blocks as libc::blkcnt_t;
    (to.st_atime, to.st_atime_nsec) = (from.st_atime as i64, from.st_atime_nsec.into());
    (to.st_mtime, to.st_mtime_nsec) = (from.st_mtime as i64, from.st_mtime_nsec.into());
    (to.st_ctime, to.st_ctime_nsec) = (from.st_ctime as i64, from.st_ctime_nsec.into());
    to
}

/// Writes an answer in C's layout.
unsafe fn answer(result: Result<Stat>, to: *mut stat) -> c_int {
    errno::zero(result.map(|from| {
        // SAFETY: POSIX demands a place for the answer.
        unsafe { *to = convert(&from) };
    }))
}

/// `fstat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstat(fd: c_int, to: *mut stat) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    unsafe { answer(descriptor(fd).and_then(sys::fstat), to) }
}

/// `stat`.
#[unsafe(export_name = "stat")]
pub unsafe extern "C" fn stat_path(path: *const c_char, to: *mut stat) -> c_int {
    // SAFETY: POSIX demands a C string and a place for the answer.
    unsafe { fstatat(AT_FDCWD, path, to, 0) }
}

/// `lstat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lstat(path: *const c_char, to: *mut stat) -> c_int {
    // SAFETY: POSIX demands a C string and a place for the answer.
    unsafe { fstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW) }
}

/// `fstatat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstatat(dir: c_int, path: *const c_char, to: *mut stat, flags: c_int) -> c_int {
    let link = if flags & AT_SYMLINK_NOFOLLOW != 0 { O_SYMLINK } else { 0 };
    // SAFETY: POSIX demands a C string and a place for the answer.
    unsafe { answer(with_canonical_at(dir, path, |path| resolve::stat(path, link)), to) }
}

/// `mkdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    unsafe { mkdirat(AT_FDCWD, path, mode) }
}

/// `mkdirat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdirat(dir: c_int, path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    let path = unsafe { canonical_at(dir, path) };
    errno::zero(path.and_then(|path| create(path, O_RDONLY | O_DIRECTORY, mode, 0)))
}

/// `mkfifo`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkfifo(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    errno::zero(unsafe { canonical(path) }.and_then(|path| create(path, O_RDONLY, mode, MODE_FIFO.into())))
}

/// `mknod`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mknod(path: *const c_char, mode: mode_t, device: dev_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    unsafe { mknodat(AT_FDCWD, path, mode, device) }
}

/// `mkfifoat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkfifoat(dir: c_int, path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    unsafe { mknodat(dir, path, mode & !libc::S_IFMT | libc::S_IFIFO, 0) }
}

/// `mknodat`: FIFOs and plain files; devices are schemes here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mknodat(dir: c_int, path: *const c_char, mode: mode_t, _device: dev_t) -> c_int {
    let kind = mode as usize & MODE_TYPE as usize;
    if !matches!(mode & libc::S_IFMT, 0 | libc::S_IFREG | libc::S_IFIFO) {
        return errno::fail(EINVAL);
    }
    // SAFETY: POSIX demands a C string.
    errno::zero(unsafe { canonical_at(dir, path) }.and_then(|path| create(path, O_RDONLY, mode, kind)))
}

/// Makes something new that is not opened. The low bits of the flags carry its mode and kind.
fn create(path: Canonical, flags: usize, mode: mode_t, kind: usize) -> Result<()> {
    let flags = flags | O_CREAT | O_EXCL | resolve::creation_mode(mode as usize) | kind;
    resolve::with_open(path, flags, |_| Ok(()))
}

/// Changes the permissions of what a descriptor leads to.
pub fn change_mode(fd: usize, mode: u64) -> Result<usize> {
    // SAFETY: there is no payload.
    unsafe { sys::std_fs(fd, StdFsCallKind::Fchmod, null_mut(), 0, [mode & 0o7777, 0]) }
}

/// `fchmod`.
#[unsafe(no_mangle)]
pub extern "C" fn fchmod(fd: c_int, mode: mode_t) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| change_mode(fd, mode as u64)))
}

/// `chmod`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chmod(path: *const c_char, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    unsafe { fchmodat(AT_FDCWD, path, mode, 0) }
}

/// `fchmodat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fchmodat(dir: c_int, path: *const c_char, mode: mode_t, _flags: c_int) -> c_int {
    // SAFETY: POSIX demands a C string.
    let path = unsafe { canonical_at(dir, path) };
    errno::zero(path.and_then(|path| resolve::with_open(path, O_STAT, |fd| change_mode(fd, mode as u64))))
}

/// `fchown`.
#[unsafe(no_mangle)]
pub extern "C" fn fchown(fd: c_int, uid: uid_t, gid: gid_t) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| sys::fchown(fd, uid, gid)))
}

/// `chown`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chown(path: *const c_char, uid: uid_t, gid: gid_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    unsafe { fchownat(AT_FDCWD, path, uid, gid, 0) }
}

/// `lchown`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lchown(path: *const c_char, uid: uid_t, gid: gid_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    unsafe { fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW) }
}

/// `fchownat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fchownat(dir: c_int, path: *const c_char, uid: uid_t, gid: gid_t, flags: c_int) -> c_int {
    let link = if flags & AT_SYMLINK_NOFOLLOW != 0 { O_SYMLINK } else { 0 };
    // SAFETY: POSIX demands a C string.
    let path = unsafe { canonical_at(dir, path) };
    errno::zero(path.and_then(|path| resolve::with_open(path, O_STAT | link, |fd| sys::fchown(fd, uid, gid))))
}

/// `umask`.
#[unsafe(no_mangle)]
pub extern "C" fn umask(mask: mode_t) -> mode_t {
    resolve::umask(mask as usize) as mode_t
}

/// Sets the times of access and modification; without `times`, both to now.
///
/// # Safety
/// `times` is null or leads to two values.
pub unsafe fn set_times(fd: usize, times: *const timespec) -> Result<usize> {
    let now = clock::now(syscall::CLOCK_REALTIME)?;
    let mut both = [now; 2];
    if !times.is_null() {
        for (index, time) in both.iter_mut().enumerate() {
            // SAFETY: as this function demands.
            let from = unsafe { &*times.add(index) };
            *time = match from.tv_nsec {
                libc::UTIME_NOW => now,
                // The scheme sets both: this one to what it is.
                libc::UTIME_OMIT => kept(fd, index)?,
                _ => crate::time::from_c(from)?,
            };
        }
    }
    // SAFETY: the payload is ours.
    unsafe { sys::std_fs(fd, StdFsCallKind::Futimens, both.as_mut_ptr().cast(), size_of_val(&both), [0, 0]) }
}

/// The time of access (0) or of modification.
fn kept(fd: usize, index: usize) -> Result<TimeSpec> {
    let stat = sys::fstat(fd)?;
    let (sec, nsec) =
        if index == 0 { (stat.st_atime, stat.st_atime_nsec) } else { (stat.st_mtime, stat.st_mtime_nsec) };
    Ok(TimeSpec { tv_sec: sec as i64, tv_nsec: nsec as i32 })
}

/// Both times in the form of `utimensat`.
unsafe fn micros(times: *const timeval) -> Option<[timespec; 2]> {
    if times.is_null() {
        return None;
    }
    // SAFETY: POSIX demands null or two values.
    Some([0, 1].map(|index| unsafe {
        let time = &*times.add(index);
        timespec { tv_sec: time.tv_sec, tv_nsec: i64::from(time.tv_usec) * 1000 }
    }))
}

/// `utimes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn utimes(path: *const c_char, times: *const timeval) -> c_int {
    // SAFETY: POSIX demands a C string, and null or two values.
    unsafe {
        let times = micros(times);
        utimensat(AT_FDCWD, path, times.as_ref().map_or(null(), |times| times.as_ptr()), 0)
    }
}

/// `lutimes`: those of a symbolic link itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lutimes(path: *const c_char, times: *const timeval) -> c_int {
    // SAFETY: as for `utimes`.
    unsafe {
        let times = micros(times);
        utimensat(AT_FDCWD, path, times.as_ref().map_or(null(), |times| times.as_ptr()), AT_SYMLINK_NOFOLLOW)
    }
}

/// `futimes`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn futimes(fd: c_int, times: *const timeval) -> c_int {
    // SAFETY: as for `utimes`.
    unsafe {
        let times = micros(times);
        futimens(fd, times.as_ref().map_or(null(), |times| times.as_ptr()))
    }
}

/// `utime`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn utime(path: *const c_char, times: *const utimbuf) -> c_int {
    // SAFETY: POSIX demands a C string, and null or two times.
    unsafe {
        let times = times
            .as_ref()
            .map(|times| [times.actime, times.modtime].map(|second| timespec { tv_sec: second, tv_nsec: 0 }));
        utimensat(AT_FDCWD, path, times.as_ref().map_or(null(), |times| times.as_ptr()), 0)
    }
}

/// `futimens`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn futimens(fd: c_int, times: *const timespec) -> c_int {
    // SAFETY: POSIX demands null or two values.
    errno::zero(descriptor(fd).and_then(|fd| unsafe { set_times(fd, times) }))
}

/// `utimensat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn utimensat(dir: c_int, path: *const c_char, times: *const timespec, flags: c_int) -> c_int {
    let link = if flags & AT_SYMLINK_NOFOLLOW != 0 { O_SYMLINK } else { 0 };
    // SAFETY: POSIX demands a C string, and null or two values.
    errno::zero(unsafe {
        canonical_at(dir, path).and_then(|path| resolve::with_open(path, O_STAT | link, |fd| set_times(fd, times)))
    })
}

/// Space and use of a file system.
pub fn file_system(fd: usize) -> Result<statvfs> {
    let mut from = StatVfs::default();
    let payload = (&raw mut from).cast();
    // SAFETY: the payload is ours; all fields of the answer are integers.
    unsafe {
        sys::std_fs(fd, StdFsCallKind::Fstatvfs, payload, size_of::<StatVfs>(), [0, 0])?;
        let mut to: statvfs = zeroed();
        (to.f_bsize, to.f_frsize) = (from.f_bsize.into(), from.f_bsize.into());
        (to.f_blocks, to.f_bfree, to.f_bavail) = (from.f_blocks, from.f_bfree, from.f_bavail);
        to.f_namemax = 255;
        Ok(to)
    }
}

/// `fstatvfs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fstatvfs(fd: c_int, to: *mut statvfs) -> c_int {
    // SAFETY: POSIX demands a place for the answer.
    errno::zero(descriptor(fd).and_then(file_system).map(|from| unsafe { *to = from }))
}

/// `statvfs`.
#[unsafe(export_name = "statvfs")]
pub unsafe extern "C" fn statvfs_path(path: *const c_char, to: *mut statvfs) -> c_int {
    // SAFETY: POSIX demands a C string and a place for the answer.
    errno::zero(unsafe {
        canonical(path).and_then(|path| resolve::with_open(path, O_STAT, file_system)).map(|from| *to = from)
    })
}
