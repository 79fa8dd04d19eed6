//! The descriptors of this process: numbers from [`Slots`], objects from the kernel.

use core::sync::atomic::{AtomicBool, Ordering};

use ochre_abi::UPPER;
use ochre_abi::proc::FileTableVerb;
use syscall::error::{EBADF, EEXIST, Error, Result};
use syscall::flag::{CallFlags, F_GETFD};

use super::auxv::Aux;
use super::lock::{Lock, RawLock};
use super::slots::Slots;
use super::sys;

static SLOTS: Lock<Slots> = Lock::new(Slots::new());

/// The lock of this module, for `fork`.
pub fn lock() -> &'static RawLock {
    SLOTS.raw()
}

/// Which range a new descriptor comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The lowest free number, as POSIX wants it; closing on `exec` or not.
    Program {
        /// Close on `exec`.
        cloexec: bool,
    },
    /// A number far above those that programs choose themselves, closed on `exec`: for what a library keeps open behind the
    /// program's back.
    Aside,
    /// The upper range: libc's own, always closed on `exec`.
    Libc,
}

/// Where [`Place::Aside`] begins.
const ASIDE: usize = 256;
/// Slot for the descriptor table's handle when the kernel started us: above those that the kernel fills (`boot_fd`).
const BOOT_FILETABLE: usize = UPPER | 0x40;

/// Learns which descriptors this process was given.
pub fn init(aux: &Aux, thread: usize) {
    let table = match aux.filetable {
        Some(fd) => fd,
        None => match sys::dup_into(thread, b"filetable", BOOT_FILETABLE) {
            Ok(_) => BOOT_FILETABLE,
            // Nothing is known then; the standard descriptors most likely exist, and EEXIST tells of others.
            Err(_) => return (0..3).for_each(|fd| SLOTS.lock().mark(fd, false)),
        },
    };
    mark_all(table);
}

/// Whether the program holds handles of threads, which a forked child has not.
static HANDLES: AtomicBool = AtomicBool::new(false);

/// The program has got a handle of a thread.
pub fn note_handle() {
    HANDLES.store(true, Ordering::Relaxed);
}

/// See [`note_handle`].
pub fn has_handles() -> bool {
    HANDLES.load(Ordering::Relaxed)
}

/// Gives all numbers back that are not in use: those of a forked child, whose parent had others at the moment of the copy. The
/// marks of those that are stay.
pub fn relist() {
    SLOTS.lock().release_all_but(|fd| sys::fcntl(fd, F_GETFD, 0).is_ok());
}

/// Calls `act` with the numbers, some at a time, that are closed when another program is executed, but these. Looks at the numbers
/// without the lock: its holder may have been ended.
pub fn each_for_exec(kept: &[usize], mut act: impl FnMut(&[u64])) {
    // SAFETY: no other thread is left that could change them, or none that will go on.
    let slots = unsafe { SLOTS.look() };
    let (mut some, mut count) = ([0; 64], 0);
    slots.each_cloexec(|fd| {
        if kept.contains(&fd) {
            return;
        }
        some[count] = fd as u64;
        count += 1;
        if count == some.len() {
            act(&some);
            count = 0;
        }
    });
    if count > 0 {
        act(&some[..count]);
    }
}

/// Calls `visit` with each number of the program's that is in use, and whether it closes on `exec`.
pub fn each_program(visit: impl FnMut(usize, bool)) {
    SLOTS.lock().each_program(visit);
}

/// The highest number of the program's that is in use, or 0.
pub fn highest() -> usize {
    let mut highest = 0;
    each_program(|fd, _| highest = fd);
    highest
}

/// Marks the numbers in use, as the kernel tells them.
fn mark_all(table: usize) {
    let mut list = [0_u64; 64];
    let verb = [FileTableVerb::List as u64];
    // SAFETY: the list is ours to be written.
    let count = unsafe { sys::message(table, list.as_mut_ptr().cast(), size_of_val(&list), CallFlags::READ, &verb) };
    let count = count.unwrap_or(0);
    let mut slots = SLOTS.lock();
    if count <= list.len() {
        list[..count].iter().for_each(|&fd| slots.mark(fd as usize, fd as usize & UPPER != 0));
        return;
    }
    // Many: ask again with room for all (and for the few that might have come in between).
    let size = (count + 64) * 8;
    let Ok(address) = sys::map_anonymous(size) else { return };
    // SAFETY: the fresh mapping has this size; it is given back before the slice ends.
    unsafe {
        let count = sys::message(table, address as *mut u8, size, CallFlags::READ, &verb).unwrap_or(0).min(size / 8);
        for &fd in core::slice::from_raw_parts(address as *const u64, count) {
            slots.mark(fd as usize, fd as usize & UPPER != 0);
        }
        let _ = sys::funmap(address, size);
    }
}

/// Makes a descriptor: `make` has the kernel fill the slot that it is given.
#[inline]
pub fn create(place: Place, make: impl FnMut(usize) -> Result<usize>) -> Result<usize> {
    match place {
        Place::Program { cloexec } => create_from(0, cloexec, make),
        Place::Aside => create_from(ASIDE, true, make),
        Place::Libc => create_from(UPPER, true, make),
    }
}

/// As [`create`], with the lowest number allowed.
#[inline]
pub fn create_from(from: usize, cloexec: bool, mut make: impl FnMut(usize) -> Result<usize>) -> Result<usize> {
    loop {
        let slot = SLOTS.lock().take(from, cloexec)?;
        match make(slot) {
            Ok(_) => return Ok(slot),
            // Either the object exists (`O_EXCL`), or somebody filled the slot past us: then it stays marked.
            Err(error) if error.errno == EEXIST && sys::fcntl(slot, F_GETFD, 0).is_ok() => {}
            Err(error) => {
                SLOTS.lock().release(slot);
                return Err(error);
            }
        }
    }
}

/// Opens relative to a descriptor.
#[inline]
pub fn openat(dir: usize, path: &[u8], flags: usize, place: Place) -> Result<usize> {
    create(place, |slot| sys::openat_into(dir, path, flags, slot))
}

/// Duplicates.
pub fn dup(fd: usize, buf: &[u8], place: Place) -> Result<usize> {
    create(place, |slot| sys::dup_into(fd, buf, slot))
}

/// Duplicates to a given number, closing what was there.
pub fn dup2(fd: usize, new: usize, buf: &[u8], cloexec: bool) -> Result<usize> {
    if fd == new && buf.is_empty() {
        sys::fcntl(fd, F_GETFD, 0)?;
        return Ok(new);
    }
    sys::dup2(fd, new, buf)?;
    SLOTS.lock().mark(new, cloexec);
    Ok(new)
}

/// Closes. The number is free afterwards whatever the answer.
#[inline]
pub fn close(fd: usize) -> Result<usize> {
    let result = sys::close(fd);
    // A number that the kernel does not know may still be marked: the kernel takes descriptors that a daemon sends away.
    SLOTS.lock().release(fd);
    result
}

/// Marks a number of libc's own that is in use without having been made here.
pub fn mark(fd: usize) {
    SLOTS.lock().mark(fd, true);
}

/// Whether the descriptor closes on `exec`; `EBADF`.
pub fn cloexec(fd: usize) -> Result<bool> {
    SLOTS.lock().get(fd).ok_or(Error::new(EBADF))
}

/// Sets whether the descriptor closes on `exec`; `EBADF`.
pub fn set_cloexec(fd: usize, cloexec: bool) -> Result<()> {
    let mut slots = SLOTS.lock();
    slots.get(fd).ok_or(Error::new(EBADF))?;
    slots.mark(fd, cloexec);
    Ok(())
}

/// Reserves slots for descriptors that a message is about to bring: each entry that is `usize::MAX` gets a number.
/// Answers a mask-like count of how many were filled, so that [`unreserve`] can undo it.
pub fn reserve(fds: &mut [usize], upper: bool, cloexec: bool) -> Result<()> {
    for index in 0..fds.len() {
        if fds[index] != usize::MAX {
            continue;
        }
        match SLOTS.lock().take(if upper { UPPER } else { 0 }, cloexec) {
            Ok(slot) => fds[index] = slot,
            Err(error) => {
                unreserve(&mut fds[..index]);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Gives reserved slots back: the message failed.
pub fn unreserve(fds: &mut [usize]) {
    for fd in fds {
        SLOTS.lock().release(*fd);
        *fd = usize::MAX;
    }
}

/// Frees the numbers of descriptors that the kernel has taken away.
pub fn forget(fds: &[usize]) {
    let mut slots = SLOTS.lock();
    fds.iter().for_each(|&fd| slots.release(fd));
}
