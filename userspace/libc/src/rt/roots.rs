//! The name space: from a scheme's name to a descriptor of its root, kept for the next time.
//!
//! A root stays at the same number for as long as the process lives: when a daemon was restarted, the new root replaces
//! the old one in its slot, so that another thread which is about to use the number cannot hit something else.

use core::sync::atomic::{AtomicUsize, Ordering};

use ochre_abi::UPPER;
use syscall::data::GlobalSchemes;
use syscall::error::{EBADF, ENODEV, ENOENT, Error, Result};
use syscall::flag::{F_GET_SCHEMEID, O_DIRECTORY};

use super::auxv::Aux;
use super::files::{self, Place};
use super::lock::{Lock, RawLock};
use super::path::FILE_SCHEME;
use super::sys;

/// Roots kept. More schemes than this work, but are looked up each time.
const KEPT: usize = 32;
/// Longest name kept.
const NAME: usize = 31;
/// Prefix of what the namespace manager is asked for.
const PREFIX: &[u8] = b"/scheme/";
/// Longest scheme name.
const NAME_MAX: usize = 255;

#[derive(Clone, Copy)]
struct Root {
    name: [u8; NAME],
    len: u8,
    fd: usize,
    /// Number of the scheme, which `st_dev` of its files has.
    device: u64,
}

struct Roots {
    kept: [Root; KEPT],
    count: usize,
}

static ROOTS: Lock<Roots> =
    Lock::new(Roots { kept: [Root { name: [0; NAME], len: 0, fd: 0, device: 0 }; KEPT], count: 0 });

/// The lock of this module, for `fork`.
pub fn lock() -> &'static RawLock {
    ROOTS.raw()
}

/// No name space.
const NONE: usize = usize::MAX;
static NAMESPACE: AtomicUsize = AtomicUsize::new(NONE);
/// Whether the roots of the kernel's schemes are at the numbers of `ochre_abi::boot_fd`.
static BOOT_ROOTS: AtomicUsize = AtomicUsize::new(0);

/// Takes over what the process was started with.
pub fn init(aux: &Aux) {
    NAMESPACE.store(aux.namespace.unwrap_or(NONE), Ordering::Relaxed);
    BOOT_ROOTS.store(usize::from(aux.bootstrap), Ordering::Relaxed);
}

/// Descriptor of the name space; `ENOENT` when the process has none.
pub fn namespace() -> Result<usize> {
    match NAMESPACE.load(Ordering::Acquire) {
        NONE => Err(Error::new(ENOENT)),
        fd => Ok(fd),
    }
}

/// Uses another name space from now on; answers the one before, if there was one.
pub fn set_namespace(fd: usize) -> Option<usize> {
    let mut roots = ROOTS.lock();
    let before = NAMESPACE.swap(fd, Ordering::AcqRel);
    for root in &roots.kept[..roots.count] {
        // It belongs to the old name space; nothing can be done about an error.
        let _ = files::close(root.fd);
    }
    roots.count = 0;
    (before != NONE).then_some(before)
}

/// Uses no name space from now on: no path can be opened any more.
pub fn leave_namespace() {
    set_namespace(NONE);
}

/// Does something with the root of a scheme. When the root has become useless (the daemon was restarted), gets the new
/// one and tries once more.
#[inline]
pub fn with<T>(name: &[u8], mut action: impl FnMut(usize) -> Result<T>) -> Result<T> {
    let kept = find(name);
    let first = match kept {
        Some(fd) => action(fd),
        None => return with_new(name, None, action),
    };
    match (first, kept) {
        (Err(error), Some(old)) if matches!(error.errno, EBADF | ENODEV) => with_new(name, Some(old), action),
        (result, _) => result,
    }
}

/// As [`with`], for a root that is kept, with the number of its scheme; `None` when it is not kept or has become useless.
#[inline]
pub fn with_kept<T>(name: &[u8], action: impl FnOnce(usize, u64) -> Result<T>) -> Option<Result<T>> {
    let (fd, device) = {
        let roots = ROOTS.lock();
        let mut kept = roots.kept[..roots.count].iter();
        kept.find(|root| &root.name[..root.len.into()] == name).map(|root| (root.fd, root.device))?
    };
    match action(fd, device) {
        Err(error) if matches!(error.errno, EBADF | ENODEV) => None,
        result => Some(result),
    }
}

fn find(name: &[u8]) -> Option<usize> {
    let roots = ROOTS.lock();
    roots.kept[..roots.count].iter().find(|root| &root.name[..root.len.into()] == name).map(|root| root.fd)
}

#[cold]
fn with_new<T>(name: &[u8], old: Option<usize>, mut action: impl FnMut(usize) -> Result<T>) -> Result<T> {
    if let Some(fd) = boot_root(name) {
        return action(fd);
    }
    let fresh = look_up(name)?;
    if let Some(old) = old {
        let replaced = sys::dup2(fresh, old, b"");
        // The duplicate is what counts.
        let _ = files::close(fresh);
        replaced?;
        let device = sys::fcntl(old, F_GET_SCHEMEID, 0)? as u64;
        let mut roots = ROOTS.lock();
        let count = roots.count;
        roots.kept[..count].iter_mut().filter(|root| root.fd == old).for_each(|root| root.device = device);
        drop(roots);
        return action(old);
    }
    if keep(name, fresh) {
        return action(fresh);
    }
    let result = action(fresh);
    // It could not be kept.
    let _ = files::close(fresh);
    result
}

/// Remembers a root. `false` when there is no room, or another thread was faster.
fn keep(name: &[u8], fd: usize) -> bool {
    let Ok(device) = sys::fcntl(fd, F_GET_SCHEMEID, 0) else { return false };
    let mut roots = ROOTS.lock();
    let count = roots.count;
    let known = roots.kept[..count].iter().any(|root| &root.name[..root.len.into()] == name);
    if known || count == KEPT || name.len() > NAME {
        return false;
    }
    let root = &mut roots.kept[count];
    root.name[..name.len()].copy_from_slice(name);
    (root.len, root.fd, root.device) = (name.len() as u8, fd, device as u64);
    roots.count += 1;
    // That of ordinary paths is found first.
    if name == FILE_SCHEME {
        roots.kept.swap(0, count);
    }
    true
}

/// Asks the namespace manager.
fn look_up(name: &[u8]) -> Result<usize> {
    let mut path = [0; PREFIX.len() + NAME_MAX];
    let path = path.get_mut(..PREFIX.len() + name.len()).ok_or(Error::new(ENOENT))?;
    path[..PREFIX.len()].copy_from_slice(PREFIX);
    path[PREFIX.len()..].copy_from_slice(name);
    files::openat(namespace()?, path, O_DIRECTORY, Place::Libc)
}

/// Root of a kernel scheme in the first program, before there is a name space.
fn boot_root(name: &[u8]) -> Option<usize> {
    if BOOT_ROOTS.load(Ordering::Relaxed) == 0 || NAMESPACE.load(Ordering::Acquire) != NONE {
        return None;
    }
    (1..=u8::MAX)
        .map_while(GlobalSchemes::try_from_raw)
        .find(|scheme| scheme.as_str().as_bytes() == name)
        .map(|scheme| UPPER | scheme as usize)
}
