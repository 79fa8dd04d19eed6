//! Options of sockets.

use core::ffi::c_void;

use libc::{
    AF_UNIX, EINVAL, ENOPROTOOPT, SO_ACCEPTCONN, SO_BROADCAST, SO_DEBUG, SO_DOMAIN, SO_DONTROUTE, SO_ERROR,
    SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE, SO_PASSCRED, SO_PEERCRED, SO_PRIORITY, SO_PROTOCOL, SO_RCVBUF, SO_RCVLOWAT,
    SO_RCVTIMEO, SO_REUSEADDR, SO_REUSEPORT, SO_SNDBUF, SO_SNDLOWAT, SO_SNDTIMEO, SO_TYPE, SOL_SOCKET, c_int,
    socklen_t, timeval, ucred,
};
use ochre_socket::{Credentials, Verb, option};
use syscall::error::Result;
use syscall::flag::CallFlags;

use super::{ask, tell};
use crate::errno::{self, error};
use crate::fcntl::descriptor;

const NANOS: u64 = 1_000_000_000;

/// Copies a value to C: as much as there is room for. The length becomes what was copied.
unsafe fn give<T: Copy>(value: T, to: *mut c_void, len: *mut socklen_t) -> Result<()> {
    // SAFETY: the caller has room for `*len` bytes there.
    unsafe {
        let count = size_of::<T>().min(*len as usize);
        core::ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), to.cast(), count);
        *len = count as socklen_t;
    }
    Ok(())
}

/// A value from C.
unsafe fn take<T: Copy>(from: *const c_void, len: socklen_t) -> Result<T> {
    if from.is_null() || (len as usize) < size_of::<T>() {
        return Err(error(EINVAL));
    }
    // SAFETY: the caller has so many bytes there.
    Ok(unsafe { from.cast::<T>().read_unaligned() })
}

unsafe fn get(fd: usize, name: c_int, to: *mut c_void, len: *mut socklen_t) -> Result<()> {
    let ask_for = |option| tell(fd, Verb::GetOption, option);
    // SAFETY: as for `give`, in all cases.
    unsafe {
        match name {
            SO_TYPE | SO_ERROR | SO_SNDBUF | SO_RCVBUF | SO_PASSCRED | SO_ACCEPTCONN => {
                give(ask_for(name as u64)? as c_int, to, len)
            }
            SO_RCVTIMEO | SO_SNDTIMEO => {
                let nanos = ask_for(name as u64)? as u64;
                let time =
                    timeval { tv_sec: (nanos / NANOS) as i64, tv_usec: (nanos % NANOS / 1000) as libc::suseconds_t };
                give(time, to, len)
            }
            SO_PEERCRED => {
                let mut bytes = [0; Credentials::LEN];
                ask(fd, Verb::GetPeerCredentials, 0, &mut bytes, CallFlags::READ)?;
                let Credentials { pid, uid, gid } = Credentials::decode(&bytes);
                give(ucred { pid: pid as _, uid: uid as _, gid: gid as _ }, to, len)
            }
            SO_DOMAIN => ask_for(option::KIND).and_then(|_| give(AF_UNIX, to, len)),
            SO_LINGER => ask_for(option::KIND).and_then(|_| give([0 as c_int; 2], to, len)),
            SO_RCVLOWAT | SO_SNDLOWAT => ask_for(option::KIND).and_then(|_| give(1 as c_int, to, len)),
            SO_PROTOCOL | SO_REUSEADDR | SO_REUSEPORT | SO_KEEPALIVE | SO_BROADCAST | SO_DONTROUTE | SO_DEBUG
            | SO_OOBINLINE | SO_PRIORITY => ask_for(option::KIND).and_then(|_| give(0 as c_int, to, len)),
            _ => ask_for(option::KIND).and(Err(error(ENOPROTOOPT))),
        }
    }
}

unsafe fn set(fd: usize, name: c_int, from: *const c_void, len: socklen_t) -> Result<usize> {
    let set_to = |value: u64| ask(fd, Verb::SetOption, name as u64, &mut value.to_ne_bytes(), CallFlags::WRITE);
    match name {
        SO_SNDBUF | SO_RCVBUF | SO_PASSCRED => {
            // SAFETY: as for `take`.
            let value: c_int = unsafe { take(from, len)? };
            set_to(value.max(0) as u64)
        }
        SO_RCVTIMEO | SO_SNDTIMEO => {
            // SAFETY: as for `take`.
            let time: timeval = unsafe { take(from, len)? };
            let seconds = u64::try_from(time.tv_sec).map_err(|_| error(EINVAL))?;
            let micros = u64::try_from(time.tv_usec).ok().filter(|&micros| micros < 1_000_000);
            let micros = micros.ok_or(error(libc::EDOM))?;
            // The answer is a number that must not look like an error.
            set_to(seconds.saturating_mul(NANOS).saturating_add(micros * 1000).min(i64::MAX as u64))
        }
        // They change nothing between programs of one machine.
        SO_REUSEADDR | SO_REUSEPORT | SO_KEEPALIVE | SO_BROADCAST | SO_DONTROUTE | SO_DEBUG | SO_OOBINLINE
        | SO_PRIORITY | SO_LINGER | SO_RCVLOWAT => tell(fd, Verb::GetOption, option::KIND),
        _ => tell(fd, Verb::GetOption, option::KIND).and(Err(error(ENOPROTOOPT))),
    }
}

/// `getsockopt`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    to: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| match level {
        _ if to.is_null() || len.is_null() => Err(error(libc::EFAULT)),
        // SAFETY: POSIX demands room of this length.
        SOL_SOCKET => unsafe { get(fd, name, to, len) },
        _ => tell(fd, Verb::GetOption, option::KIND).and(Err(error(ENOPROTOOPT))),
    }))
}

/// `setsockopt`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    from: *const c_void,
    len: socklen_t,
) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| match level {
        // SAFETY: POSIX demands a value of this length.
        SOL_SOCKET => unsafe { set(fd, name, from, len) },
        _ => tell(fd, Verb::GetOption, option::KIND).and(Err(error(ENOPROTOOPT))),
    }))
}
