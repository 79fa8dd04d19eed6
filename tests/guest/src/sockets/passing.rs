//! Descriptors that go through sockets.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;

use ochre_guest::{child, role};

use super::c::{self, errno};
use super::{MOMENT, path};

/// Room for control data of so many descriptors.
fn room(count: usize) -> usize {
    // SAFETY: arithmetic only.
    unsafe { libc::CMSG_SPACE(count as u32 * 4) as usize }
}

pub fn rights() {
    assert!(role().is_none());
    for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET] {
        let [one, other] = c::pair(kind).unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        c::send_with(&one, b"take", &[writer.as_raw_fd()], 0).unwrap();
        drop(writer);
        let got = c::receive(&other, 9, room(4), 0).unwrap();
        assert_eq!((&got.bytes[..], got.fds.len(), got.flags), (&b"take"[..], 1, 0));
        let mut theirs = File::from(got.fds.into_iter().next().unwrap());
        theirs.write_all(b"through").unwrap();
        drop(theirs);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }
    // Another process keeps what it is given.
    let path = path("rights");
    let listener = UnixListener::bind(&path).unwrap();
    let echo = child(&["echo", path.to_str().unwrap()]).start().unwrap();
    let (stream, _) = listener.accept().unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    c::send_with(&stream, b"x", &[writer.as_raw_fd()], 0).unwrap();
    drop(writer);
    // It reads without asking for descriptors: they are closed.
    assert_eq!(c::read(&stream, 9).unwrap(), b"x");
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    drop(stream);
    echo.wait().unwrap();
    std::fs::remove_file(&path).unwrap();
}

pub fn aligned() {
    let [one, other] = c::pair(libc::SOCK_STREAM).unwrap();
    let (_, writer) = std::io::pipe().unwrap();
    c::write(&one, b"before").unwrap();
    c::send_with(&one, b"with", &[writer.as_raw_fd(); 3], 0).unwrap();
    c::write(&one, b"after").unwrap();
    let got = c::receive(&other, 99, room(8), 0).unwrap();
    assert_eq!((&got.bytes[..], got.fds.len()), (&b"before"[..], 0));
    let got = c::receive(&other, 99, room(8), libc::MSG_PEEK).unwrap();
    assert_eq!((&got.bytes[..], got.fds.len()), (&b"with"[..], 0));
    // Room for fewer than there are.
    let got = c::receive(&other, 2, room(2), 0).unwrap();
    assert_eq!((&got.bytes[..], got.fds.len(), got.flags), (&b"wi"[..], 2, libc::MSG_CTRUNC));
    let got = c::receive(&other, 99, room(8), 0).unwrap();
    assert_eq!((&got.bytes[..], got.fds.len()), (&b"thafter"[..], 0));
    assert_eq!(errno(c::send_with(&one, b"x", &[writer.as_raw_fd(); 65], 0)), libc::EINVAL);
    assert_eq!(errno(c::send_with(&one, b"x", &[9999], 0)), libc::EBADF);
}

/// Whether all writing ends of a pipe are closed.
#[track_caller]
fn assert_closed(mut reader: impl Read) {
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
}

pub fn dropped() {
    let [one, other] = c::pair(libc::SOCK_STREAM).unwrap();
    let send = |bytes: &[u8]| {
        let (reader, writer) = std::io::pipe().unwrap();
        c::send_with(&one, bytes, &[writer.as_raw_fd()], 0).unwrap();
        reader
    };
    // Nothing is sent, so nothing goes along.
    assert_closed(send(b""));
    let reader = send(b"x");
    assert_eq!(c::read(&other, 1).unwrap(), b"x");
    assert_closed(reader);
    let reader = send(b"y");
    let got = c::receive(&other, 1, 0, 0).unwrap();
    assert_eq!((got.fds.len(), got.flags), (0, libc::MSG_CTRUNC));
    assert_closed(reader);
    let reader = send(b"z");
    drop(other);
    assert_closed(reader);
    let (reader, writer) = std::io::pipe().unwrap();
    assert_eq!(errno(c::send_with(&one, b"x", &[writer.as_raw_fd()], 0)), libc::EPIPE);
    drop(writer);
    assert_closed(reader);
}

pub fn nested() {
    // A connection travels through another, and works where it arrives.
    let (one, other) = UnixStream::pair().unwrap();
    let (mut inner, gone) = UnixStream::pair().unwrap();
    c::send_with(&one, b"x", &[gone.as_raw_fd()], 0).unwrap();
    inner.write_all(b"early").unwrap();
    drop(gone);
    let got = c::receive(&other, 9, room(1), 0).unwrap();
    let arrived = got.fds.into_iter().next().expect("a socket");
    assert_eq!(c::read(&arrived, 9).unwrap(), b"early");
    c::write(&arrived, b"back").unwrap();
    let mut bytes = [0; 4];
    inner.read_exact(&mut bytes).unwrap();
    // A socket does not go through itself, nor one that has descriptors in it through anything: nobody could close them.
    assert_eq!(errno(c::send_with(&one, b"x", &[other.as_raw_fd()], 0)), libc::ETOOMANYREFS);
    c::send_with(&one, b"x", &[arrived.as_raw_fd()], 0).unwrap();
    assert_eq!(errno(c::send_with(&inner, b"x", &[other.as_raw_fd()], 0)), libc::ETOOMANYREFS);
    // One that is on its way takes descriptors when it has arrived.
    let (_reader, writer) = std::io::pipe().unwrap();
    let flags = libc::MSG_DONTWAIT;
    assert_eq!(errno(c::send_with(&inner, b"x", &[writer.as_raw_fd()], flags)), libc::EAGAIN);
    let waits = thread::spawn(move || c::send_with(&inner, b"waited", &[writer.as_raw_fd()], 0).unwrap());
    thread::sleep(MOMENT);
    let got = c::receive(&other, 9, room(1), 0).unwrap();
    assert_eq!(waits.join().unwrap(), 6);
    let again = got.fds.into_iter().next().expect("a socket");
    let got = c::receive(&again, 9, room(1), 0).unwrap();
    assert_eq!((&got.bytes[..], got.fds.len()), (&b"waited"[..], 1));
    listeners();
}

/// A listening socket travels; who has come to it before it arrives is accepted there.
fn listeners() {
    let path = path("nested");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let (one, other) = UnixStream::pair().unwrap();
    // Descriptors may go ahead of being accepted, but not with the listener itself among them.
    assert_eq!(errno(c::send_with(&client, b"x", &[listener.as_raw_fd()], 0)), libc::ETOOMANYREFS);
    c::send_with(&one, b"x", &[listener.as_raw_fd()], 0).unwrap();
    let flags = libc::MSG_DONTWAIT;
    assert_eq!(errno(c::send_with(&client, b"x", &[one.as_raw_fd()], flags)), libc::EAGAIN);
    drop(listener);
    let arrived: OwnedFd = c::receive(&other, 9, room(1), 0).unwrap().fds.into_iter().next().unwrap();
    c::send_with(&client, b"y", &[one.as_raw_fd()], flags).unwrap();
    let accepted = c::accept(&arrived).unwrap();
    assert_eq!(c::receive(&accepted, 9, room(1), 0).unwrap().fds.len(), 1);
    std::fs::remove_file(&path).unwrap();
}
