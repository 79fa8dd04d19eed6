//! Messages: borders, pieces, flags, options, who sent them.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;

use ochre_guest::child;

use super::c::{self, errno};
use super::{MOMENT, path};

pub fn seqpacket() {
    let path = path("seqpacket");
    let name = path.to_str().unwrap();
    let listener = c::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET, 0).unwrap();
    c::bind(&listener, name).unwrap();
    c::listen(&listener, 5).unwrap();
    assert_eq!(errno(UnixStream::connect(name)), libc::EPROTOTYPE);
    let client = c::socket(libc::AF_UNIX, libc::SOCK_SEQPACKET, 0).unwrap();
    c::connect(&client, name).unwrap();
    let server = c::accept(&listener).unwrap();
    for message in [&b"one"[..], b"", b"three"] {
        assert_eq!(c::write(&client, message).unwrap(), message.len());
    }
    assert_eq!(c::read(&server, 99).unwrap(), b"one");
    assert_eq!(c::read(&server, 99).unwrap(), b"");
    assert_eq!(c::read(&server, 2).unwrap(), b"th");
    assert_eq!(errno(c::recv(&server, 9, libc::MSG_DONTWAIT)), libc::EAGAIN);
    c::write(&server, b"last").unwrap();
    drop(server);
    assert_eq!(c::read(&client, 99).unwrap(), b"last");
    assert_eq!(c::read(&client, 99).unwrap(), b"");
    fs::remove_file(&path).unwrap();
}

pub fn peek() {
    let [one, other] = c::pair(libc::SOCK_DGRAM).unwrap();
    c::write(&one, b"a message").unwrap();
    let peek = libc::MSG_PEEK;
    assert_eq!(c::recv(&other, 4, peek).unwrap(), (b"a me".to_vec(), 4));
    assert_eq!(c::recv(&other, 4, peek | libc::MSG_TRUNC).unwrap().1, 9);
    let got = c::receive(&other, 4, 0, 0).unwrap();
    assert_eq!((got.bytes, got.flags), (b"a me".to_vec(), libc::MSG_TRUNC));
    assert_eq!(errno(c::recv(&other, 4, peek | libc::MSG_DONTWAIT)), libc::EAGAIN);
    // Too long for a message.
    assert_eq!(errno(c::write(&one, &vec![0; 1 << 20])), libc::EMSGSIZE);
    let [one, other] = c::pair(libc::SOCK_STREAM).unwrap();
    c::write(&one, b"a stream").unwrap();
    assert_eq!(c::recv(&other, 4, peek).unwrap().0, b"a st");
    assert_eq!(c::recv(&other, 99, 0).unwrap().0, b"a stream");
    // All that was asked for, or what there is at the end.
    let waits = thread::spawn(move || {
        let all = c::recv(&other, 6, libc::MSG_WAITALL).unwrap().0;
        (all, c::recv(&other, 6, libc::MSG_WAITALL).unwrap().0)
    });
    for part in [&b"ab"[..], b"cd", b"efg"] {
        thread::sleep(MOMENT);
        c::write(&one, part).unwrap();
    }
    thread::sleep(MOMENT);
    drop(one);
    assert_eq!(waits.join().unwrap(), (b"abcdef".to_vec(), b"g".to_vec()));
}

pub fn vectored() {
    let [one, other] = c::pair(libc::SOCK_STREAM).unwrap();
    assert_eq!(c::send_with(&one, b"two pieces", &[], 0).unwrap(), 10);
    let got = c::receive(&other, 6, 0, 0).unwrap();
    assert_eq!((&got.bytes[..], got.flags), (&b"two pi"[..], 0));
    assert_eq!(c::receive(&other, 99, 0, 0).unwrap().bytes, b"eces");
    // A long one, which waits in the middle.
    let bytes: Vec<u8> = (0..600_000).map(|at| (at % 253) as u8).collect();
    let theirs = bytes.clone();
    let writer = thread::spawn(move || c::send_with(&one, &theirs, &[], 0).unwrap());
    let mut back = Vec::new();
    while back.len() < bytes.len() {
        back.extend(c::receive(&other, 100_000, 0, 0).unwrap().bytes);
    }
    assert!(back == bytes);
    assert_eq!(writer.join().unwrap(), bytes.len());
    let path = path("vectored");
    let named = UnixDatagram::bind(&path).unwrap();
    named.connect(&path).unwrap();
    named.send(b"to myself").unwrap();
    let got = c::receive(&named, 99, 0, 0).unwrap();
    assert_eq!((got.bytes, got.name), (b"to myself".to_vec(), path.to_str().unwrap().as_bytes().to_vec()));
    fs::remove_file(&path).unwrap();
}

pub fn options() {
    let [one, other] = c::pair(libc::SOCK_STREAM).unwrap();
    assert_eq!(c::option(&one, libc::SO_TYPE).unwrap(), libc::SOCK_STREAM);
    assert_eq!(c::option(&one, libc::SO_DOMAIN).unwrap(), libc::AF_UNIX);
    assert_eq!(c::option(&one, libc::SO_ERROR).unwrap(), 0);
    assert_eq!(c::option(&one, libc::SO_ACCEPTCONN).unwrap(), 0);
    c::set_option(&one, libc::SO_REUSEADDR, 1).unwrap();
    assert_eq!(errno(c::set_option(&one, 999, 1)), libc::ENOPROTOOPT);
    c::set_option(&one, libc::SO_SNDBUF, 8192).unwrap();
    assert_eq!(c::option(&one, libc::SO_SNDBUF).unwrap(), 8192);
    let nonblocking = libc::MSG_DONTWAIT;
    assert_eq!(c::send(&one, &[0; 20_000], nonblocking).unwrap(), 8192);
    assert_eq!(errno(c::send(&one, &[0], nonblocking)), libc::EAGAIN);
    let mut pending = 0;
    // SAFETY: there is room for a number.
    let asked = unsafe { libc::ioctl(other.as_raw_fd(), libc::FIONREAD, &raw mut pending) };
    assert!(asked == 0 && pending == 8192, "FIONREAD answers {asked}, {pending}");
    c::read(&other, 9000).unwrap();
    assert_eq!(c::send(&one, &[0; 20], nonblocking).unwrap(), 20);
    let path = path("options");
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(c::option(&listener, libc::SO_ACCEPTCONN).unwrap(), 1);
    fs::remove_file(&path).unwrap();
}

pub fn credentials() {
    let own = (std::process::id() as i32, 0, 0);
    let [one, other] = c::pair(libc::SOCK_STREAM).unwrap();
    assert_eq!(c::peer(&one).unwrap(), own);
    c::set_option(&other, libc::SO_PASSCRED, 1).unwrap();
    c::write(&one, b"who").unwrap();
    let got = c::receive(&other, 9, 512, 0).unwrap();
    assert_eq!((got.bytes, got.sender), (b"who".to_vec(), Some(own)));
    // Another process, another user.
    let path = path("credentials");
    let listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let echo = child(&["echo", path.to_str().unwrap()]).credentials(1000, 100).start().unwrap();
    let (stream, _) = listener.accept().unwrap();
    let (pid, uid, gid) = c::peer(&stream).unwrap();
    assert_eq!((uid, gid), (1000, 100));
    assert_ne!(pid, own.0);
    c::set_option(&stream, libc::SO_PASSCRED, 1).unwrap();
    c::write(&stream, b"x").unwrap();
    assert_eq!(c::receive(&stream, 9, 512, 0).unwrap().sender, Some((pid, uid, gid)));
    drop(stream);
    echo.wait().unwrap();
    fs::remove_file(&path).unwrap();
}

pub fn errors() {
    assert_eq!(errno(c::socket(libc::AF_INET, libc::SOCK_STREAM, 0)), libc::EAFNOSUPPORT);
    assert_eq!(errno(c::socket(libc::AF_INET6, libc::SOCK_DGRAM, 0)), libc::EAFNOSUPPORT);
    assert_eq!(errno(c::socket(libc::AF_UNIX, 77, 0)), 94);
    assert_eq!(errno(c::socket(libc::AF_UNIX, libc::SOCK_STREAM, 6)), libc::EPROTONOSUPPORT);
    assert_eq!(errno(c::pair(libc::SOCK_RAW)), 94);
    let file = fs::File::create(path("file")).unwrap();
    assert_eq!(errno(c::listen(&file, 1)), libc::ENOTSOCK);
    assert_eq!(errno(c::accept(&file)), libc::ENOTSOCK);
    assert_eq!(errno(c::option(&file, libc::SO_TYPE)), libc::ENOTSOCK);
    assert_eq!(errno(c::shutdown(&file, 0)), libc::ENOTSOCK);
    assert_eq!(errno(c::recv(&file, 1, libc::MSG_PEEK)), libc::ENOTSOCK);
    fs::remove_file(path("file")).unwrap();
    let pipe = std::io::pipe().unwrap();
    assert_eq!(errno(c::connect(&pipe.0, "/tmp")), libc::ECONNREFUSED);
    assert_eq!(errno(c::listen(&pipe.1, 1)), libc::ENOTSOCK);
    assert_eq!(errno(c::send(&pipe.1, b"x", libc::MSG_DONTWAIT)), libc::ENOTSOCK);
    assert_eq!(errno(c::listen(&1234, 1)), libc::EBADF);
    let lonely = c::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).unwrap();
    assert_eq!(errno(c::write(&lonely, b"x")), libc::ENOTCONN);
    assert_eq!(errno(c::read(&lonely, 1)), libc::ENOTCONN);
    assert_eq!(errno(c::peer(&lonely)), libc::ENOTCONN);
    assert_eq!(errno(c::send(&lonely, b"x", libc::MSG_OOB)), libc::EOPNOTSUPP);
    assert_eq!(errno(c::accept(&lonely)), libc::EINVAL);
    let datagram = c::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0).unwrap();
    assert_eq!(errno(c::accept(&datagram)), libc::EOPNOTSUPP);
    assert_eq!(errno(c::listen(&datagram, 1)), libc::EOPNOTSUPP);
}
