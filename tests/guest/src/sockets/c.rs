//! The calls of C that `std` has no names for.

use std::io::{Error, Result};
use std::mem::{MaybeUninit, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `SCM_CREDENTIALS` of other systems.
pub const SCM_CREDENTIALS: i32 = 2;

/// Tells an error from a value.
pub fn check(answer: isize) -> Result<usize> {
    if answer < 0 { Err(Error::last_os_error()) } else { Ok(answer as usize) }
}

/// The error number of what failed.
#[track_caller]
pub fn errno<T: std::fmt::Debug>(result: Result<T>) -> i32 {
    result.expect_err("an error").raw_os_error().expect("an error of the system")
}

/// `socketpair`.
pub fn pair(kind: i32) -> Result<[OwnedFd; 2]> {
    let mut fds = [0; 2];
    // SAFETY: the call fills two numbers, which are then ours.
    unsafe {
        check(libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) as isize)?;
        Ok(fds.map(|fd| OwnedFd::from_raw_fd(fd)))
    }
}

/// `socket`.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: the number is ours.
    unsafe { check(libc::socket(domain, kind, protocol) as isize).map(|fd| OwnedFd::from_raw_fd(fd as RawFd)) }
}

/// An address of a name.
pub fn address(name: &str) -> (libc::sockaddr_un, libc::socklen_t) {
    // SAFETY: zeros are an address.
    let mut address: libc::sockaddr_un = unsafe { zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, &from) in address.sun_path.iter_mut().zip(name.as_bytes()) {
        *to = from as _;
    }
    (address, (2 + name.len() + 1) as libc::socklen_t)
}

/// `bind`.
pub fn bind(fd: &impl AsRawFd, name: &str) -> Result<usize> {
    let (address, len) = address(name);
    // SAFETY: the address has this length.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len) } as isize)
}

/// `connect`.
pub fn connect(fd: &impl AsRawFd, name: &str) -> Result<usize> {
    let (address, len) = address(name);
    // SAFETY: the address has this length.
    check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const address).cast(), len) } as isize)
}

/// `listen`.
pub fn listen(fd: &impl AsRawFd, backlog: i32) -> Result<usize> {
    // SAFETY: numbers only.
    check(unsafe { libc::listen(fd.as_raw_fd(), backlog) } as isize)
}

/// `accept`.
pub fn accept(fd: &impl AsRawFd) -> Result<OwnedFd> {
    // SAFETY: no address is asked for; the number is ours.
    unsafe {
        check(libc::accept(fd.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut()) as isize)
            .map(|fd| OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// `shutdown`.
pub fn shutdown(fd: &impl AsRawFd, what: i32) -> Result<usize> {
    // SAFETY: numbers only.
    check(unsafe { libc::shutdown(fd.as_raw_fd(), what) } as isize)
}

/// `send`.
pub fn send(fd: &impl AsRawFd, bytes: &[u8], flags: i32) -> Result<usize> {
    // SAFETY: the bytes are there.
    check(unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) })
}

/// `recv`.
pub fn recv(fd: &impl AsRawFd, room: usize, flags: i32) -> Result<(Vec<u8>, usize)> {
    let mut bytes = vec![0; room];
    // SAFETY: the room is there.
    let count = check(unsafe { libc::recv(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), room, flags) })?;
    bytes.truncate(count);
    Ok((bytes, count))
}

/// `read`.
pub fn read(fd: &impl AsRawFd, room: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; room];
    // SAFETY: the room is there.
    let count = check(unsafe { libc::read(fd.as_raw_fd(), bytes.as_mut_ptr().cast(), room) })?;
    bytes.truncate(count);
    Ok(bytes)
}

/// `write`.
pub fn write(fd: &impl AsRawFd, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the bytes are there.
    check(unsafe { libc::write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) })
}

/// An option that is a number.
pub fn option(fd: &impl AsRawFd, name: i32) -> Result<i32> {
    let (mut value, mut len) = (0_i32, 4);
    // SAFETY: there is room for a number.
    unsafe {
        check(libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, name, (&raw mut value).cast(), &mut len) as isize)?;
    }
    Ok(value)
}

/// Sets an option that is a number.
pub fn set_option(fd: &impl AsRawFd, name: i32, value: i32) -> Result<usize> {
    // SAFETY: the value is there.
    unsafe { check(libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, name, (&raw const value).cast(), 4) as isize) }
}

/// `SO_PEERCRED`.
pub fn peer(fd: &impl AsRawFd) -> Result<(i32, i32, i32)> {
    let mut value = libc::ucred { pid: 0, uid: -1, gid: -1 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    let name = libc::SO_PEERCRED;
    // SAFETY: there is room for the structure.
    unsafe {
        check(libc::getsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, name, (&raw mut value).cast(), &mut len) as isize)?;
    }
    Ok((value.pid, value.uid, value.gid))
}

/// Room for control data, aligned as it must be.
#[repr(align(8))]
struct Control([u8; 512]);

/// `sendmsg` of bytes in two pieces, with descriptors.
pub fn send_with(fd: &impl AsRawFd, bytes: &[u8], fds: &[RawFd], flags: i32) -> Result<usize> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let mut pieces =
        [first, second].map(|piece| libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() });
    let mut control = Control([0; 512]);
    // SAFETY: all that the message names is there; the control data is written by the rules of CMSG.
    unsafe {
        let mut message: libc::msghdr = zeroed();
        (message.msg_iov, message.msg_iovlen) = (pieces.as_mut_ptr(), 2);
        if !fds.is_empty() {
            let len = size_of_val(fds) as u32;
            message.msg_control = control.0.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(len) as usize;
            let header = libc::CMSG_FIRSTHDR(&message);
            (*header).cmsg_len = libc::CMSG_LEN(len) as usize;
            ((*header).cmsg_level, (*header).cmsg_type) = (libc::SOL_SOCKET, libc::SCM_RIGHTS);
            std::ptr::copy_nonoverlapping(fds.as_ptr().cast(), libc::CMSG_DATA(header), len as usize);
        }
        check(libc::sendmsg(fd.as_raw_fd(), &message, flags))
    }
}

/// What `recvmsg` gave.
#[derive(Debug)]
pub struct Got {
    /// Bytes.
    pub bytes: Vec<u8>,
    /// Descriptors.
    pub fds: Vec<OwnedFd>,
    /// Process, user and group of the sender, if they came.
    pub sender: Option<(i32, i32, i32)>,
    /// Flags.
    pub flags: i32,
    /// The sender's name.
    pub name: Vec<u8>,
}

/// `recvmsg` with room for bytes in two pieces and for control data.
pub fn receive(fd: &impl AsRawFd, room: usize, control_room: usize, flags: i32) -> Result<Got> {
    let mut bytes = vec![0; room];
    let (first, second) = bytes.split_at_mut(room / 2);
    let mut pieces =
        [first, second].map(|piece| libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: piece.len() });
    let mut control = Control([0; 512]);
    let mut name = MaybeUninit::<libc::sockaddr_un>::zeroed();
    let mut got = Got { bytes: Vec::new(), fds: Vec::new(), sender: None, flags: 0, name: Vec::new() };
    // SAFETY: all that the message names is there; the control data is read by the rules of CMSG.
    let count = unsafe {
        let mut message: libc::msghdr = zeroed();
        (message.msg_name, message.msg_namelen) = (name.as_mut_ptr().cast(), size_of::<libc::sockaddr_un>() as u32);
        (message.msg_iov, message.msg_iovlen) = (pieces.as_mut_ptr(), 2);
        (message.msg_control, message.msg_controllen) = (control.0.as_mut_ptr().cast(), control_room);
        let count = check(libc::recvmsg(fd.as_raw_fd(), &mut message, flags))?;
        got.flags = message.msg_flags;
        let text = (message.msg_namelen as usize).saturating_sub(3);
        got.name = name.assume_init_ref().sun_path[..text].iter().map(|&byte| byte as u8).collect();
        let mut header = libc::CMSG_FIRSTHDR(&message);
        while !header.is_null() {
            let len = (*header).cmsg_len - libc::CMSG_LEN(0) as usize;
            let words = std::slice::from_raw_parts(libc::CMSG_DATA(header).cast::<i32>(), len / 4);
            match (*header).cmsg_type {
                libc::SCM_RIGHTS => got.fds.extend(words.iter().map(|&fd| OwnedFd::from_raw_fd(fd))),
                SCM_CREDENTIALS => got.sender = Some((words[0], words[1], words[2])),
                other => panic!("control data of kind {other}"),
            }
            header = libc::CMSG_NXTHDR(&message, header);
        }
        count
    };
    bytes.truncate(count);
    got.bytes = bytes;
    Ok(got)
}
