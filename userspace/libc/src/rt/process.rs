//! This process at the process manager: the descriptor that stands for it, and what is asked over it (`ochre_abi::process`).

use core::sync::atomic::{AtomicUsize, Ordering};

use ochre_abi::process::Verb;
use syscall::error::{ENOSYS, Error, Result};

use super::auxv::Aux;
use super::sys;

/// There is no process manager, or it does not know this process.
const NONE: usize = usize::MAX;
static PROCESS: AtomicUsize = AtomicUsize::new(NONE);

/// Takes over what the process was started with.
pub fn init(aux: &Aux) {
    PROCESS.store(aux.process.unwrap_or(NONE), Ordering::Relaxed);
}

/// This is the process's descriptor from now on.
pub fn set(fd: usize) {
    PROCESS.store(fd, Ordering::Relaxed);
}

/// The descriptor, if the process has one.
pub fn descriptor() -> Option<usize> {
    Some(PROCESS.load(Ordering::Relaxed)).filter(|&fd| fd != NONE)
}

/// The descriptor; `ENOSYS`.
pub fn required() -> Result<usize> {
    descriptor().ok_or(Error::new(ENOSYS))
}

/// Asks something that is answered by a number.
pub fn ask(verb: Verb, argument: u64) -> Result<usize> {
    sys::verb(required()?, &[verb as u64, argument])
}

/// Tells a structure.
pub fn tell<T: Copy>(verb: Verb, argument: u64, value: &T) -> Result<usize> {
    sys::verb_write(required()?, value, &[verb as u64, argument])
}

/// Asks for a structure.
///
/// # Safety
/// Any bytes are a valid `T`.
pub unsafe fn read<T: Copy + Default>(verb: Verb, argument: u64) -> Result<T> {
    // SAFETY: as this function demands.
    unsafe { sys::verb_read(required()?, &[verb as u64, argument]) }
}

/// Asks for a thread (a `Birth` or `SUCCESSOR`), at this number, which nobody else will use.
pub fn thread(what: &[u8], number: usize) -> Result<usize> {
    sys::dup_into(required()?, what, number)
}
