//! System calls: decode, then act.
//!
//! [`dispatch`] (or, for threads that are watched, [`trace::dispatch`] around it) has one line for each number of `redox_syscall`; a number that is not there answers `ENOSYS`. The functions
//! behind it are grouped in `descriptor` (open, close, dup, fcntl), `io` (read, write, seek), `call` (`SYS_CALL`), `attributes`,
//! `memory` and `time`. docs/kernel-calls.md has the table.

mod attributes;
mod call;
mod descriptor;
mod io;
pub mod memory;
mod time;
pub mod trace;

use syscall::error::{EINVAL, ENOSYS, Error, Result};
use syscall::number::*;

use crate::context::{Thread, futex, sched};

/// Called by the entry code with the arguments in order, the call number last.
pub extern "C" fn dispatch(a: usize, b: usize, c: usize, d: usize, e: usize, number: usize) -> usize {
    #[cfg(feature = "test-build")]
    Thread::current().last_call.store(number, core::sync::atomic::Ordering::Relaxed);
    let result = match number {
        SYS_READ => io::read(a, b, c),
        SYS_WRITE => io::write(a, b, c),
        SYS_CALL => call::call(a, b, c, d, e),
        SYS_FUTEX => futex(a, b, c, d, e),
        SYS_CLOCK_GETTIME => time::clock_gettime(a, b),
        SYS_YIELD => {
            sched::yield_now();
            Ok(0)
        }
        SYS_READ2 => io::read_at(a, b, c, d, e),
        SYS_WRITE2 => io::write_at(a, b, c, d, e),
        SYS_OPENAT_INTO2 => descriptor::openat(a, b, c, d, e),
        SYS_CLOSE => descriptor::close(a),
        SYS_DUP_INTO => descriptor::dup(a, b, c, d),
        SYS_DUP2 => descriptor::dup2(a, b, c, d),
        SYS_FMAP => memory::map(a, b, c),
        SYS_FUNMAP => memory::unmap(a, b),
        SYS_MPROTECT => memory::protect(a, b, c),
        SYS_MREMAP => memory::remap(a, b, c, d, e),
        SYS_FSTAT => attributes::stat(a, b, c),
        SYS_FPATH => attributes::path(a, b, c),
        SYS_FSYNC => attributes::sync(a),
        SYS_FCHOWN => attributes::chown(a, b, c),
        SYS_FRENAME => attributes::rename(a, b, c),
        SYS_FLINK => attributes::link(a, b, c),
        SYS_UNLINKAT => attributes::unlinkat(a, b, c, d),
        SYS_LSEEK => io::seek(a, b as isize, c),
        SYS_FCNTL => descriptor::fcntl(a, b, c),
        SYS_NANOSLEEP => time::nanosleep(a, b),
        _ => Err(Error::new(ENOSYS)),
    };
    Error::mux(result)
}

fn futex(address: usize, operation: usize, value: usize, second: usize, target: usize) -> Result<usize> {
    use syscall::{FUTEX_REQUEUE, FUTEX_WAIT, FUTEX_WAIT64, FUTEX_WAKE};
    match operation {
        FUTEX_WAIT | FUTEX_WAIT64 => {
            let deadline = if second == 0 { None } else { Some(time::read_timespec(second)?) };
            let wide = operation == FUTEX_WAIT64;
            let value = if wide { value as u64 } else { u64::from(value as u32) };
            futex::wait(address, value, wide, deadline)
        }
        FUTEX_WAKE => futex::wake(address, value),
        FUTEX_REQUEUE => futex::requeue(address, value, second, target),
        _ => Err(Error::new(EINVAL)),
    }
}

/// The current thread's user and group id as a request's last argument.
#[inline]
fn credentials() -> u64 {
    Thread::current().credentials()
}
