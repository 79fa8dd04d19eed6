//! Locks on files: `fcntl`, `flock` and `lockf`. The scheme keeps them (`schemes/server`); here are C's structures.

use libc::{
    EACCES, EAGAIN, EINVAL, EOVERFLOW, ESRCH, EWOULDBLOCK, F_GETLK, F_LOCK, F_SETLK, F_SETLKW, F_TEST, F_TLOCK,
    F_ULOCK, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, SEEK_CUR, SEEK_END, SEEK_SET, c_int, c_short, off_t, pid_t,
};
use syscall::error::Result;
use syscall::flag::{CallFlags, StdFsCallKind};

use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::sys;

/// Beside the kind of a lock call: wait until the lock can be given.
const WAIT: u64 = 1 << 8;
/// In the start of a range: the lock belongs to the open file, not to the process.
const OF_DESCRIPTION: u64 = 1 << 63;
/// In the length of a range: nobody else may have one.
const EXCLUSIVE: u64 = 1 << 63;

/// `struct flock`, which crate `libc` does not have for this system.
#[repr(C)]
pub struct Flock {
    kind: c_short,
    whence: c_short,
    start: off_t,
    len: off_t,
    pid: pid_t,
}

const F_RDLCK: c_short = 0;
const F_WRLCK: c_short = 1;
const F_UNLCK: c_short = 2;

/// Asks the scheme. The payload is where it tells of a lock in the way.
fn ask(fd: usize, kind: u64, start: u64, len: u64, payload: &mut [u64; 2]) -> Result<usize> {
    let flags = CallFlags::STD_FS | CallFlags::READ | CallFlags::WRITE;
    // SAFETY: the payload is ours to be written.
    unsafe { sys::message(fd, payload.as_mut_ptr().cast(), size_of_val(payload), flags, &[kind, start, len]) }
}

/// First byte and number of bytes (0: all that follow) of a range as C gives it.
fn range(fd: usize, whence: c_int, start: off_t, len: off_t) -> Result<(u64, u64)> {
    let base = match whence {
        SEEK_SET => 0,
        SEEK_CUR => sys::lseek(fd, 0, SEEK_CUR as usize)? as i64,
        SEEK_END => sys::fstat(fd)?.st_size as i64,
        _ => return Err(error(EINVAL)),
    };
    let start = base.checked_add(start).ok_or(error(EOVERFLOW))?;
    // A negative length counts backwards.
    let (start, len) = if len < 0 { (start.checked_add(len).ok_or(error(EINVAL))?, -len) } else { (start, len) };
    Ok((u64::try_from(start).map_err(|_| error(EINVAL))?, len as u64))
}

/// `fcntl` with `F_GETLK`, `F_SETLK` and `F_SETLKW`.
///
/// # Safety
/// `lock` leads to a structure that is the caller's.
pub unsafe fn control(fd: usize, command: c_int, lock: *mut Flock) -> Result<usize> {
    // SAFETY: as this function demands.
    let lock = unsafe { lock.as_mut() }.ok_or(error(libc::EFAULT))?;
    let (start, len) = range(fd, lock.whence.into(), lock.start, lock.len)?;
    let exclusive = match lock.kind {
        F_RDLCK => 0,
        F_WRLCK => EXCLUSIVE,
        F_UNLCK if command != F_GETLK => return ask(fd, StdFsCallKind::Unlock as u64, start, len, &mut [0; 2]),
        _ => return Err(error(EINVAL)),
    };
    let mut answer = [0; 2];
    match command {
        F_GETLK => match ask(fd, StdFsCallKind::GetLock as u64, start, len | exclusive, &mut answer) {
            Ok(pid) => {
                lock.kind = if answer[1] & EXCLUSIVE != 0 { F_WRLCK } else { F_RDLCK };
                lock.whence = SEEK_SET as c_short;
                (lock.start, lock.len) = (answer[0] as off_t, (answer[1] & !EXCLUSIVE) as off_t);
                // A lock of an open file is nobody's.
                lock.pid = if pid == 0 { -1 } else { pid as pid_t };
                Ok(0)
            }
            Err(error) if error.errno == ESRCH => {
                lock.kind = F_UNLCK;
                Ok(0)
            }
            Err(error) => Err(error),
        },
        F_SETLK => ask(fd, StdFsCallKind::Lock as u64, start, len | exclusive, &mut answer)
            // The two numbers differ here, and this is the one that POSIX names.
            .map_err(|refused| if refused.errno == EWOULDBLOCK { error(EAGAIN) } else { refused }),
        F_SETLKW => ask(fd, StdFsCallKind::Lock as u64 | WAIT, start, len | exclusive, &mut answer),
        _ => Err(error(EINVAL)),
    }
    .map(|_| 0)
}

/// `flock`: the lock belongs to the open file.
#[unsafe(no_mangle)]
pub extern "C" fn flock(fd: c_int, operation: c_int) -> c_int {
    let wait = if operation & LOCK_NB != 0 { 0 } else { WAIT };
    let (kind, len) = match operation & !LOCK_NB {
        LOCK_SH => (StdFsCallKind::Lock as u64 | wait, 0),
        LOCK_EX => (StdFsCallKind::Lock as u64 | wait, EXCLUSIVE),
        LOCK_UN => (StdFsCallKind::Unlock as u64, 0),
        _ => return errno::fail(EINVAL),
    };
    let asked = descriptor(fd).and_then(|fd| ask(fd, kind, OF_DESCRIPTION, len, &mut [0; 2]));
    // Of the two numbers, this is the one that programs know from `flock`.
    errno::zero(asked.map_err(|refused| if refused.errno == EAGAIN { error(EWOULDBLOCK) } else { refused }))
}

/// `lockf`: exclusive locks from where the file is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockf(fd: c_int, operation: c_int, len: off_t) -> c_int {
    let (command, kind) = match operation {
        F_ULOCK => (F_SETLK, F_UNLCK),
        F_LOCK => (F_SETLKW, F_WRLCK),
        F_TLOCK => (F_SETLK, F_WRLCK),
        F_TEST => (F_GETLK, F_WRLCK),
        _ => return errno::fail(EINVAL),
    };
    let mut lock = Flock { kind, whence: SEEK_CUR as c_short, start: 0, len, pid: 0 };
    // SAFETY: the structure is ours.
    match descriptor(fd).and_then(|fd| unsafe { control(fd, command, &raw mut lock) }) {
        Ok(_) if operation == F_TEST && lock.kind != F_UNLCK => errno::fail(EACCES),
        Ok(_) => 0,
        Err(error) => errno::fail(error.errno),
    }
}
