//! Who may have the last frames: how much memory is held back from whom.
//!
//! Two reserves lie one above the other. The lower one ([`KERNEL`]) is the kernel's own, so that it can do its work for those who
//! have something already. The upper one is the system's: threads in an address space that is marked
//! ([`AddressSpace::has_reserve`](super::AddressSpace::has_reserve)) may take from it, all others not. So a program that takes all the
//! memory it can get does not take it from the daemons that everybody needs.
//!
//! What is asked on each page fault is one word, [`SPARE`]: the frames above both reserves. Who asks is looked at when there are none.

use core::sync::atomic::{AtomicIsize, AtomicUsize, Ordering::Relaxed};

use syscall::error::{ENOMEM, Error, Result};

use crate::context::Thread;

/// Frames that no user program can have (2 MiB).
const KERNEL: usize = 512;
/// The system's reserve is this part of all frames, but not less than the kernel's and not more than 64 MiB.
const SYSTEM_PART: usize = 64;
const SYSTEM_MOST: usize = 16_384;

/// Frames of the system's reserve.
static SYSTEM: AtomicUsize = AtomicUsize::new(KERNEL);
/// Free frames above both reserves; negative when they are touched.
static SPARE: AtomicIsize = AtomicIsize::new(0);

/// Called when the allocator has got more memory: so many frames in all.
pub(super) fn divide(total: usize) {
    SYSTEM.store((total / SYSTEM_PART).clamp(KERNEL, SYSTEM_MOST), Relaxed);
}

/// Called when the number of free frames has changed.
#[inline]
pub(super) fn note(free: usize) {
    SPARE.store(free as isize - (KERNEL + SYSTEM.load(Relaxed)) as isize, Relaxed);
}

/// Frames held back from ordinary programs.
pub fn held_back() -> usize {
    KERNEL + SYSTEM.load(Relaxed)
}

/// Frames that the current thread may have.
fn available() -> isize {
    let system = if Thread::current().has_reserve() { SYSTEM.load(Relaxed) as isize } else { 0 };
    SPARE.load(Relaxed) + system
}

/// Whether the current thread may have one frame more.
#[inline]
pub fn may_give() -> bool {
    SPARE.load(Relaxed) > 0 || may_give_of_reserve()
}

#[cold]
fn may_give_of_reserve() -> bool {
    available() > 0
}

/// Whether the current thread may have this many pages more, in a row.
pub fn may_give_pages(pages: usize) -> bool {
    let pages = pages.checked_next_power_of_two().and_then(|pages| isize::try_from(pages).ok());
    pages.is_some_and(|pages| available() > pages)
}

/// Asked at the door of every call that makes the kernel allocate for a user: each such call needs a few objects only, so while
/// the reserve is whole it will get them, and when it is not the user is told `ENOMEM`.
#[inline]
pub fn admit() -> Result<()> {
    if may_give() { Ok(()) } else { Err(Error::new(ENOMEM)) }
}

/// As [`admit`], for what is made for an ordinary program, whoever makes it.
pub fn admit_ordinary() -> Result<()> {
    if SPARE.load(Relaxed) > 0 { Ok(()) } else { Err(Error::new(ENOMEM)) }
}
