//! `sys/socket.h`: making sockets, their names and options. docs/ipc.md tells what stands behind them.
//!
//! A unix socket is a descriptor of the scheme `unix`; reading and writing it needs nothing of this. What else can be done with it
//! is a message of the contract `ochre-socket`. Sockets of the network do not exist yet, and say so (`EAFNOSUPPORT`).

mod address;
mod control;
mod message;
mod option;
mod scratch;

use libc::{
    AF_UNIX, EAFNOSUPPORT, EINVAL, ENOTSOCK, EPROTONOSUPPORT, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_SEQPACKET,
    SOCK_STREAM, c_int, sockaddr, socklen_t,
};
use ochre_abi::ends;
use ochre_socket::{TOKEN, Verb, file, word};
use syscall::error::{EADDRINUSE, EBADF, ECONNREFUSED, EEXIST, ENOSYS, EOPNOTSUPP, EPERM, ESPIPE, Error, Result};
use syscall::flag::{
    CallFlags, F_GETFL, F_SETFL, MODE_SOCK, MODE_TYPE, O_CREAT, O_EXCL, O_NONBLOCK, O_RDWR, O_STAT, O_WRONLY,
};

use crate::errno::{self, error};
use crate::fcntl::descriptor;
use crate::rt::files::{self, Place};
use crate::rt::{resolve, roots, sys};
use address::Address;

/// The scheme of unix sockets.
const SCHEME: &[u8] = b"unix";
/// `ESOCKTNOSUPPORT`, which crate `libc` does not have for us.
const ESOCKTNOSUPPORT: c_int = 94;

/// What an error of a socket's message means: what is no socket answers in its own way.
#[cold]
fn socket_error(fd: usize, failed: Error) -> Error {
    if !matches!(failed.errno, EOPNOTSUPP | EINVAL | ENOSYS | EBADF | EPERM | ESPIPE) {
        return failed;
    }
    match sys::fstat(fd) {
        Ok(stat) if stat.st_mode & MODE_TYPE != MODE_SOCK => error(ENOTSOCK),
        Err(error) => error,
        Ok(_) => failed,
    }
}

/// A message to a socket.
fn ask(fd: usize, verb: Verb, second: u64, payload: &mut [u8], direction: CallFlags) -> Result<usize> {
    let words = [word(verb, 0), second];
    // SAFETY: the payload is ours to be written.
    let answer = unsafe { sys::message(fd, payload.as_mut_ptr(), payload.len(), direction, &words) };
    answer.map_err(|error| socket_error(fd, error))
}

/// A message to a socket that has only words.
fn tell(fd: usize, verb: Verb, second: u64) -> Result<usize> {
    ask(fd, verb, second, &mut [], CallFlags::empty())
}

/// Sets whether a description waits.
fn set_nonblock(fd: usize) -> Result<()> {
    let flags = sys::fcntl(fd, F_GETFL, 0)?;
    sys::fcntl(fd, F_SETFL, flags | O_NONBLOCK).map(drop)
}

/// What a program asks for by domain, type and protocol.
struct Wanted {
    path: &'static [u8],
    nonblock: bool,
    place: Place,
}

impl Wanted {
    fn decode(domain: c_int, kind: c_int, protocol: c_int) -> Result<Self> {
        if domain != AF_UNIX {
            return Err(error(EAFNOSUPPORT));
        }
        let path: &[u8] = match kind & !(SOCK_NONBLOCK | SOCK_CLOEXEC) {
            SOCK_STREAM => b"stream",
            SOCK_DGRAM => b"dgram",
            SOCK_SEQPACKET => b"seqpacket",
            _ => return Err(error(ESOCKTNOSUPPORT)),
        };
        if protocol != 0 && protocol != AF_UNIX {
            return Err(error(EPROTONOSUPPORT));
        }
        Ok(Self {
            path,
            nonblock: kind & SOCK_NONBLOCK != 0,
            place: Place::Program { cloexec: kind & SOCK_CLOEXEC != 0 },
        })
    }

    fn open(&self) -> Result<usize> {
        let flags = O_RDWR | if self.nonblock { O_NONBLOCK } else { 0 };
        roots::with(SCHEME, |root| files::openat(root, self.path, flags, self.place))
    }
}

/// Duplicates to a new socket, which is not left behind when something fails.
fn derive(fd: usize, argument: &[u8], nonblock: bool, place: Place) -> Result<usize> {
    let new = files::dup(fd, argument, place)?;
    if nonblock && let Err(error) = set_nonblock(new) {
        let _ = files::close(new);
        return Err(error);
    }
    Ok(new)
}

/// `socket`.
#[unsafe(no_mangle)]
pub extern "C" fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int {
    errno::int(Wanted::decode(domain, kind, protocol).and_then(|wanted| wanted.open()))
}

fn pair(domain: c_int, kind: c_int, protocol: c_int) -> Result<[usize; 2]> {
    let wanted = Wanted::decode(domain, kind, protocol)?;
    let first = wanted.open()?;
    match derive(first, b"pair", wanted.nonblock, wanted.place) {
        Ok(second) => Ok([first, second]),
        Err(error) => {
            let _ = files::close(first);
            Err(error)
        }
    }
}

/// `socketpair`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn socketpair(domain: c_int, kind: c_int, protocol: c_int, fds: *mut c_int) -> c_int {
    errno::zero(pair(domain, kind, protocol).map(|[first, second]| {
        // SAFETY: POSIX demands room for two.
        unsafe { (*fds, *fds.add(1)) = (first as c_int, second as c_int) };
    }))
}

/// `accept`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn accept(fd: c_int, to: *mut sockaddr, len: *mut socklen_t) -> c_int {
    // SAFETY: as for `accept4`.
    unsafe { accept4(fd, to, len, 0) }
}

/// `accept4`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn accept4(fd: c_int, to: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int {
    if flags & !(SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return errno::fail(EINVAL);
    }
    let place = Place::Program { cloexec: flags & SOCK_CLOEXEC != 0 };
    errno::int(descriptor(fd).and_then(|fd| {
        let new = derive(fd, b"accept", flags & SOCK_NONBLOCK != 0, place).map_err(|error| socket_error(fd, error))?;
        if !to.is_null() {
            // Whoever came may be gone; then it has no name.
            let name = name_of(new, Verb::GetPeerName).unwrap_or_default();
            // SAFETY: POSIX demands room for an address, and its length.
            unsafe { name.write(to, len) };
        }
        Ok(new)
    }))
}

/// A name that the daemon tells.
fn name_of(fd: usize, verb: Verb) -> Result<Address> {
    let mut address = Address::default();
    let count = ask(fd, verb, 0, address.room(), CallFlags::READ)?;
    address.set_len(count);
    Ok(address)
}

/// `getsockname`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getsockname(fd: c_int, to: *mut sockaddr, len: *mut socklen_t) -> c_int {
    let name = descriptor(fd).and_then(|fd| name_of(fd, Verb::GetName));
    // SAFETY: POSIX demands room for an address, and its length.
    errno::zero(name.map(|name| unsafe { name.write(to, len) }))
}

/// `getpeername`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getpeername(fd: c_int, to: *mut sockaddr, len: *mut socklen_t) -> c_int {
    let name = descriptor(fd).and_then(|fd| name_of(fd, Verb::GetPeerName));
    // SAFETY: POSIX demands room for an address, and its length.
    errno::zero(name.map(|name| unsafe { name.write(to, len) }))
}

/// Gives a socket a name: a file of its own kind that keeps what stands for the socket.
fn bind_to(fd: usize, address: &Address) -> Result<usize> {
    // A socket that cannot have the name must not leave it behind.
    ask(fd, Verb::GetName, 0, &mut [], CallFlags::empty())?;
    let path = resolve::canonical(address.path()?)?;
    let flags = O_CREAT | O_EXCL | O_WRONLY | resolve::creation_mode(0o777) | MODE_SOCK as usize;
    let node = resolve::open(path, flags, Place::Libc)
        .map_err(|failed| if failed.errno == EEXIST { error(EADDRINUSE) } else { failed })?;
    let mut payload = [0; TOKEN + ochre_socket::NAME_MAX];
    let name = address.path()?;
    payload[TOKEN..][..name.len()].copy_from_slice(name);
    let payload = &mut payload[..TOKEN + name.len()];
    let bound = ask(fd, Verb::Bind, 0, payload, CallFlags::READ | CallFlags::WRITE)
        .and_then(|_| sys::write(node, &payload[..TOKEN]));
    let _ = files::close(node);
    if bound.is_err()
        && let Ok(path) = resolve::canonical(name)
    {
        let _ = resolve::with_reference(path, |root, reference| sys::unlinkat(root, reference, 0));
    }
    bound
}

/// `bind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bind(fd: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: POSIX demands an address of this length.
    let address = unsafe { Address::read(address, len) };
    errno::zero(descriptor(fd).and_then(|fd| bind_to(fd, &address?)))
}

/// What stands for the socket that has a name.
fn token_of(address: &Address) -> Result<[u8; TOKEN]> {
    let path = resolve::canonical(address.path()?)?;
    let mut token = [0; TOKEN];
    let asked = resolve::with_open(path, O_STAT, |node| {
        // SAFETY: the payload is ours.
        unsafe { sys::message(node, token.as_mut_ptr(), TOKEN, CallFlags::READ, &[file::CONNECT, 0]) }.map_err(
            |failed| {
                // It is something else than the name of a socket.
                let other = matches!(failed.errno, EOPNOTSUPP | EINVAL | ENOSYS | EBADF);
                if other { error(ECONNREFUSED) } else { failed }
            },
        )
    });
    asked.map(|_| token)
}

/// `connect`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connect(fd: c_int, address: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: POSIX demands an address of this length.
    let address = unsafe { Address::read(address, len) };
    errno::zero(descriptor(fd).and_then(|fd| {
        let address = address?;
        if address.is_unspecified() {
            return tell(fd, Verb::Connect, 0);
        }
        ask(fd, Verb::Connect, 0, &mut token_of(&address)?, CallFlags::WRITE)
    }))
}

/// `listen`.
#[unsafe(no_mangle)]
pub extern "C" fn listen(fd: c_int, backlog: c_int) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| tell(fd, Verb::Listen, backlog.max(0) as u64)))
}

/// `shutdown`.
#[unsafe(no_mangle)]
pub extern "C" fn shutdown(fd: c_int, what: c_int) -> c_int {
    errno::zero(descriptor(fd).and_then(|fd| tell(fd, Verb::Shutdown, what as u64)))
}

/// The token of a socket, for `libredox`.
pub fn token(fd: usize, to: &mut [u8]) -> Result<usize> {
    ask(fd, Verb::GetToken, 0, to, CallFlags::READ)
}

/// Bytes that can be received from a socket without waiting, for `ioctl`.
pub fn pending(fd: usize) -> Result<usize> {
    tell(fd, Verb::GetOption, ochre_socket::option::PENDING)
}

// Whatever the descriptor leads to is asked the same.
const _: () = assert!(
    ochre_socket::word(Verb::GetOption, 0) == ends::QUESTION[0]
        && ochre_socket::option::STATE == ends::QUESTION[1]
        && ochre_socket::state::ERROR == ends::ERROR
        && ochre_socket::state::READ_END == ends::READ_END
        && ochre_socket::state::HANG_UP == ends::HANG_UP
);

/// What `poll` tells beside readiness: bits of `ochre_abi::ends`. Nothing for what has no ends.
pub fn state(fd: usize) -> u64 {
    tell(fd, Verb::GetOption, ochre_socket::option::STATE).map_or(0, |bits| bits as u64)
}
