//! What becomes of signals in the child of a `fork`: nothing is pending in it, its timers are not there, and no handler runs before libc
//! is in order there.
//!
//! The child's memory is a copy, so what the parent does to its own words before the copy is made the child finds in its own.

use core::mem::offset_of;

use ochre_abi::signal::{Queue, THREAD_QUEUE};
use syscall::error::Result;
use syscall::{SigProcControl, Sigcontrol};

use super::{PROCESS, Signals, entry, me, timer};
use crate::rt::sys;
use crate::rt::tcb::current;

/// In the parent, before the copy is made: the child begins with deliveries inhibited.
pub fn before() {
    // SAFETY: the calling thread's own.
    unsafe { (*me()).inhibit() };
}

/// In both, once all is in order.
pub fn after() {
    // SAFETY: the calling thread's own.
    unsafe {
        (*me()).admit();
        if (*me()).is_ready() {
            entry::now();
        }
    }
}

/// In the parent: gives the child's thread its handling of signals, and empties what is pending in the child's space, as long as nobody can
/// send it any.
pub fn prepare_child(thread: usize, space: usize) -> Result<()> {
    Signals::register(current(), thread)?;
    // SAFETY: only addresses are made.
    let control = unsafe { &raw const (*me()).control } as usize;
    let mut words = [0_u64; 2];
    let mut pending = [0_u64];
    let process = (&raw const PROCESS) as usize + offset_of!(SigProcControl, pending);
    read(space, control + offset_of!(Sigcontrol, word), &mut words)?;
    read(space, process, &mut pending)?;
    if words.iter().any(|word| word & 0xffff_ffff != 0) {
        let allowed = words.map(|word| word & 0xffff_ffff_0000_0000);
        write(space, control + offset_of!(Sigcontrol, word), &allowed)?;
        clear(space, control + size_of::<Sigcontrol>(), size_of::<Queue<THREAD_QUEUE>>())?;
    }
    if pending[0] != 0 {
        write(space, process, &[0])?;
        clear(space, (&raw const PROCESS.queue) as usize, size_of_val(&PROCESS.queue))?;
    }
    Ok(())
}

/// In the child, when its locks are free.
///
/// # Safety
/// There is no other thread.
pub unsafe fn in_child() {
    // SAFETY: as this function demands.
    unsafe { timer::forked() };
    after();
}

fn read(space: usize, address: usize, words: &mut [u64]) -> Result<usize> {
    // SAFETY: the words are ours.
    unsafe { sys::read_at(space, words.as_mut_ptr().cast(), size_of_val(words), address as u64) }
}

fn write(space: usize, address: usize, words: &[u64]) -> Result<usize> {
    sys::write_at(space, words.as_ptr().cast(), size_of_val(words), address as u64)
}

/// Writes zeros.
fn clear(space: usize, start: usize, len: usize) -> Result<()> {
    const ZEROS: [u64; 64] = [0; 64];
    for at in (0..len / 8).step_by(ZEROS.len()) {
        write(space, start + at * 8, &ZEROS[..ZEROS.len().min(len / 8 - at)])?;
    }
    Ok(())
}
