//! From path names to descriptors: current directory, creation mask, name space, and symbolic links that leave a scheme.
//!
//! A scheme follows the symbolic links that stay inside it, and answers `EXDEV` where one leads out. Then the links are
//! followed here, component by component, until the path has none that matters.

use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicUsize, Ordering};

use syscall::data::Stat;
use syscall::error::{
    EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOSYS, ENOTDIR, EOPNOTSUPP, EPERM, ERANGE, EXDEV, Error, Result,
};
use syscall::flag::{CallFlags, MODE_DIR, MODE_SYMLINK, MODE_TYPE, O_CREAT, O_DIRECTORY, O_RDONLY, O_STAT, O_SYMLINK};

use super::auxv::Aux;
use super::files::{self, Place};
use super::lock::{Lock, RawLock};
use super::path::{Canonical, PATH_MAX, Target};
use super::{roots, sys};

/// Symbolic links followed for one path (`SYMLOOP_MAX`).
const LINKS_MAX: usize = 32;
/// Bits of a file mode that the creation mask acts on, and that a program can give.
const MODE_BITS: usize = 0o7777;

struct Cwd {
    path: [u8; PATH_MAX],
    len: usize,
}

static CWD: Lock<Cwd> = Lock::new(Cwd { path: [0; PATH_MAX], len: 0 });

/// The lock of this module, for `fork`.
pub fn lock() -> &'static RawLock {
    CWD.raw()
}
static UMASK: AtomicUsize = AtomicUsize::new(0o022);

/// Takes over what the process was started with.
///
/// # Safety
/// `aux` tells the truth about the memory it points to.
pub unsafe fn init(aux: &Aux) {
    if let Some(mask) = aux.umask {
        UMASK.store(mask & 0o777, Ordering::Relaxed);
    }
    if aux.cwd.0 != 0 {
        // SAFETY: as this function demands.
        let path = unsafe { core::slice::from_raw_parts(aux.cwd.0 as *const u8, aux.cwd.1) };
        if let Ok(path) = Canonical::new(b"/", path) {
            set_cwd(path.as_bytes());
        }
    }
}

fn set_cwd(path: &[u8]) {
    let mut cwd = CWD.lock();
    cwd.path[..path.len()].copy_from_slice(path);
    cwd.len = path.len();
}

/// Canonical form of a path, from the current directory.
#[inline]
pub fn canonical(path: &[u8]) -> Result<Canonical> {
    if path.first() == Some(&b'/') {
        return Canonical::new(b"/", path);
    }
    let cwd = CWD.lock();
    Canonical::new(if cwd.len == 0 { b"/" } else { &cwd.path[..cwd.len] }, path)
}

/// As [`canonical`], for `action` to use where it lies.
#[inline]
pub fn with_canonical<T>(path: &[u8], action: impl FnOnce(&Canonical) -> Result<T>) -> Result<T> {
    if path.first() == Some(&b'/') {
        return Canonical::with(b"/", path, action);
    }
    action(&canonical(path)?)
}

/// Canonical form of a path relative to a directory's descriptor.
pub fn canonical_at(dir: usize, path: &[u8]) -> Result<Canonical> {
    if path.first() == Some(&b'/') {
        return Canonical::new(b"/", path);
    }
    let mut buf = [0; PATH_MAX];
    let base = path_of(dir, &mut buf)?;
    let base = Canonical::new(b"/", base)?;
    Canonical::new(base.as_bytes(), path)
}

/// The path of a descriptor, as its scheme tells it.
pub fn path_of(fd: usize, buf: &mut [u8]) -> Result<&[u8]> {
    // SAFETY: the buffer is ours to be written.
    let len = unsafe { sys::fpath(fd, buf.as_mut_ptr(), buf.len())? };
    buf.get(..len).ok_or(Error::new(ENAMETOOLONG))
}

/// Copies the current directory's path and a NUL; `ERANGE` when it does not fit. Answers its length.
pub fn cwd(buf: &mut [u8]) -> Result<usize> {
    let cwd = CWD.lock();
    let path = if cwd.len == 0 { b"/" } else { &cwd.path[..cwd.len] };
    let room = buf.get_mut(..path.len() + 1).ok_or(Error::new(ERANGE))?;
    room[..path.len()].copy_from_slice(path);
    room[path.len()] = 0;
    Ok(path.len())
}

/// Makes a directory the current one.
pub fn chdir(path: Canonical) -> Result<()> {
    set_cwd(directory(path)?.as_bytes());
    Ok(())
}

/// The path of a directory, where all links have led that a scheme left to us; `ENOTDIR`.
pub fn directory(path: Canonical) -> Result<Canonical> {
    let (fd, path) = open_resolved(path, O_RDONLY | O_STAT | O_DIRECTORY, Place::Libc)?;
    let stat = sys::fstat(fd);
    let _ = files::close(fd);
    if stat?.st_mode & MODE_TYPE != MODE_DIR {
        return Err(Error::new(ENOTDIR));
    }
    Ok(path)
}

/// Sets the creation mask; answers the one before.
pub fn umask(mask: usize) -> usize {
    UMASK.swap(mask & 0o777, Ordering::Relaxed)
}

/// The creation mask.
pub fn current_umask() -> usize {
    UMASK.load(Ordering::Relaxed)
}

/// The lower bits of open flags that carry a mode, after the creation mask.
pub fn creation_mode(mode: usize) -> usize {
    mode & MODE_BITS & !UMASK.load(Ordering::Relaxed)
}

/// Opens a path. `flags` are those of the kernel; with `O_CREAT` their low bits hold the mode.
pub fn open(path: Canonical, flags: usize, place: Place) -> Result<usize> {
    open_at(&path, flags, place)
}

/// As [`open`], with the path where it lies.
#[inline]
pub fn open_at(path: &Canonical, flags: usize, place: Place) -> Result<usize> {
    let slash = if path.must_be_directory && flags & O_CREAT == 0 { O_DIRECTORY } else { 0 };
    match open_once(path, flags | slash, place) {
        Err(error) if error.errno == EXDEV => open_resolved(path.copy()?, flags | slash, place).map(|(fd, _)| fd),
        result => result,
    }
}

#[inline]
fn open_once(path: &Canonical, flags: usize, place: Place) -> Result<usize> {
    match path.target() {
        Target::SchemeList => files::openat(roots::namespace()?, b"", flags, place),
        // The namespace manager itself: it serves these without a root of their own.
        Target::Scheme { name: b"namespace", .. } => files::openat(roots::namespace()?, path.as_bytes(), flags, place),
        Target::Scheme { name, reference } => roots::with(name, |root| files::openat(root, reference, flags, place)),
    }
}

/// As [`open`], and answers where the path led after all links that a scheme left to us.
fn open_resolved(mut path: Canonical, flags: usize, place: Place) -> Result<(usize, Canonical)> {
    for _ in 0..LINKS_MAX {
        match open_once(&path, flags, place) {
            Ok(fd) => return Ok((fd, path)),
            Err(error) if error.errno == EXDEV => path = follow_first_link(&path)?,
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(ELOOP))
}

/// Does something with the scheme's root and the reference of a path, following links that lead out of a scheme.
pub fn with_reference<T>(mut path: Canonical, mut action: impl FnMut(usize, &[u8]) -> Result<T>) -> Result<T> {
    for _ in 0..LINKS_MAX {
        let result = match path.target() {
            Target::SchemeList => return Err(Error::new(syscall::error::EPERM)),
            Target::Scheme { name, reference } => roots::with(name, |root| action(root, reference)),
        };
        match result {
            Err(error) if error.errno == EXDEV => path = follow_first_link(&path)?,
            result => return result,
        }
    }
    Err(Error::new(ELOOP))
}

/// Replaces the first component of the path that is a symbolic link by what it says. `EXDEV` when there is none.
#[cold]
fn follow_first_link(path: &Canonical) -> Result<Canonical> {
    let text = path.as_bytes();
    let ends = (1..=text.len()).filter(|&end| end == text.len() || text[end] == b'/');
    for end in ends {
        let prefix = Canonical::new(b"/", &text[..end])?;
        if !matches!(prefix.target(), Target::Scheme { reference: [_, ..], .. }) {
            continue;
        }
        let mut buf = [0; PATH_MAX];
        let Some(link) = read_link_at(&prefix, &mut buf)? else {
            continue;
        };
        let (dir, _) = prefix.split().ok_or(Error::new(ENOENT))?;
        let target = Canonical::new(dir, link)?;
        let rest = text.get(end + 1..).unwrap_or(b"");
        let mut new = if rest.is_empty() { target } else { Canonical::new(target.as_bytes(), rest)? };
        new.must_be_directory |= path.must_be_directory;
        return Ok(new);
    }
    Err(Error::new(EXDEV))
}

/// What a symbolic link says; `None` when the path is something else, or leads through a link that was not looked at yet.
fn read_link_at<'a>(path: &Canonical, buf: &'a mut [u8]) -> Result<Option<&'a [u8]>> {
    let fd = match open_once(path, O_RDONLY | O_SYMLINK, Place::Libc) {
        Ok(fd) => fd,
        // A component that cannot be read is not a link.
        Err(_) => return Ok(None),
    };
    let result = sys::fstat(fd).and_then(|stat| {
        if stat.st_mode & MODE_TYPE != MODE_SYMLINK {
            return Ok(None);
        }
        sys::read(fd, buf).map(Some)
    });
    let _ = files::close(fd);
    Ok(match result? {
        Some(len) => Some(buf.get(..len).ok_or(Error::new(ENAMETOOLONG))?),
        None => None,
    })
}

/// A kind of message of our own beside those of `StdFsCallKind` (docs/libc.md): attributes without opening.
const STAT_AT: u64 = 128;
/// Bytes of the attributes.
const STAT: usize = size_of::<Stat>();

/// Asks the scheme for the attributes of a path. `EOPNOTSUPP` when it does not know the message.
#[inline]
fn stat_at(path: &Canonical, flags: usize) -> Result<Stat> {
    let unknown = Error::new(EOPNOTSUPP);
    let Target::Scheme { name, reference } = path.target() else { return Err(unknown) };
    let slash = if path.must_be_directory { O_DIRECTORY } else { 0 };
    let mut payload = [MaybeUninit::<u8>::uninit(); STAT + PATH_MAX];
    // SAFETY: both parts lie within the payload; the scheme sees what was written to it, and zeros where its answer goes.
    unsafe {
        let start = payload.as_mut_ptr().cast::<u8>();
        start.write_bytes(0, STAT);
        start.add(STAT).copy_from_nonoverlapping(reference.as_ptr(), reference.len());
        // A root that is not kept is, once something was opened in it.
        let asked = roots::with_kept(name, |root, device| {
            let message = CallFlags::STD_FS | CallFlags::READ | CallFlags::WRITE;
            let words = [STAT_AT, (flags | slash) as u64, 0];
            sys::message(root, start, STAT + reference.len(), message, &words)?;
            Ok(Stat { st_dev: device, ..start.cast::<Stat>().read_unaligned() })
        });
        asked.unwrap_or(Err(unknown))
    }
}

/// `stat` of a path; `lstat` with `O_SYMLINK` in `flags`. In one message, where the scheme knows that one.
pub fn stat(path: &Canonical, flags: usize) -> Result<Stat> {
    match stat_at(path, flags) {
        // Whatever is behind these, opening it tells.
        Err(error) if matches!(error.errno, EOPNOTSUPP | ENOSYS | EINVAL | EXDEV | EPERM) => {}
        result => return result,
    }
    let fd = open_at(path, O_STAT | flags, Place::Libc)?;
    let stat = sys::fstat(fd);
    let _ = files::close(fd);
    stat
}

/// Opens something, does something with it, closes it.
pub fn with_open<T>(path: Canonical, flags: usize, action: impl FnOnce(usize) -> Result<T>) -> Result<T> {
    let fd = open(path, flags, Place::Libc)?;
    let result = action(fd);
    let _ = files::close(fd);
    result
}
