//! Streams: much, long, shut, gone, and who waits for them.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Duration;

use libredox::Fd;
use libredox::flag::O_CLOEXEC;
use syscall::{Event, EventFlags};

use super::c::{self, errno};
use super::{MOMENT, path};

/// A byte that tells where in a stream it belongs.
fn pattern(at: usize) -> u8 {
    (at % 251) as u8 ^ (at >> 12) as u8
}

pub fn bulk() {
    const TOTAL: usize = 3 << 20;
    let (one, other) = UnixStream::pair().unwrap();
    let ends = [one, other].map(|end| {
        let mut writer = end.try_clone().unwrap();
        let mut reader = end;
        let writes = thread::spawn(move || {
            let (mut at, mut size) = (0, 1);
            while at < TOTAL {
                let bytes: Vec<u8> = (at..TOTAL.min(at + size)).map(pattern).collect();
                writer.write_all(&bytes).unwrap();
                at += bytes.len();
                size = size * 5 % 40_009 + 1;
            }
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let reads = thread::spawn(move || {
            let (mut at, mut bytes) = (0, vec![0; 70_000]);
            loop {
                let room = at * 7 % 69_999 + 1;
                let count = reader.read(&mut bytes[..room]).unwrap();
                if count == 0 {
                    return at;
                }
                assert!(bytes[..count].iter().enumerate().all(|(index, &byte)| byte == pattern(at + index)));
                at += count;
            }
        });
        (writes, reads)
    });
    for (writes, reads) in ends {
        writes.join().unwrap();
        assert_eq!(reads.join().unwrap(), TOTAL);
    }
}

pub fn long_write() {
    let [one, other] = c::pair(libc::SOCK_STREAM).unwrap();
    let bytes: Vec<u8> = (0..1_000_000).map(pattern).collect();
    let theirs = bytes.clone();
    // A write that waits goes on until all of it is there.
    let writer = thread::spawn(move || c::write(&one, &theirs).unwrap());
    thread::sleep(MOMENT);
    let mut back = Vec::new();
    while back.len() < bytes.len() {
        back.extend(c::read(&other, 10_007).unwrap());
    }
    assert!(back == bytes);
    assert_eq!(writer.join().unwrap(), bytes.len());
    assert!(c::read(&other, 1).unwrap().is_empty());
}

pub fn shutdown() {
    let (mut one, mut other) = UnixStream::pair().unwrap();
    one.write_all(b"last").unwrap();
    one.shutdown(Shutdown::Write).unwrap();
    assert_eq!(errno(c::write(&one, b"x")), libc::EPIPE);
    let mut text = String::new();
    other.read_to_string(&mut text).unwrap();
    assert_eq!(text, "last");
    other.write_all(b"still").unwrap();
    let mut bytes = [0; 5];
    one.read_exact(&mut bytes).unwrap();
    // Who waits to receive is told when that is over.
    let waits = one.try_clone().unwrap();
    let reader = thread::spawn(move || c::read(&waits, 1).unwrap().len());
    thread::sleep(MOMENT);
    one.shutdown(Shutdown::Read).unwrap();
    assert_eq!(reader.join().unwrap(), 0);
    assert_eq!(errno(c::write(&other, b"x")), libc::EPIPE);
    let lonely = c::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).unwrap();
    assert_eq!(errno(c::shutdown(&lonely, libc::SHUT_RDWR)), libc::ENOTCONN);
}

pub fn gone() {
    let (mut one, other) = UnixStream::pair().unwrap();
    let waits = one.try_clone().unwrap();
    let reader = thread::spawn(move || c::read(&waits, 1).unwrap().len());
    thread::sleep(MOMENT);
    drop(other);
    assert_eq!(reader.join().unwrap(), 0);
    assert_eq!(errno(c::write(&one, b"x")), libc::EPIPE);
    assert_eq!(one.read(&mut [0]).unwrap(), 0);
    // What was not read by the other side is lost, and this side is told once.
    let (mut one, mut other) = UnixStream::pair().unwrap();
    other.write_all(b"left").unwrap();
    one.write_all(b"lost").unwrap();
    drop(other);
    let mut bytes = [0; 4];
    one.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"left");
    assert_eq!(c::option(&one, libc::SO_ERROR).unwrap(), libc::ECONNRESET);
    assert_eq!(one.read(&mut bytes).unwrap(), 0);
    // A writer that waits for room is told, too.
    let (one, other) = UnixStream::pair().unwrap();
    let writer = thread::spawn(move || {
        let whole = vec![0; 1 << 20];
        while c::write(&one, &whole).is_ok() {}
        errno(c::write(&one, b"x"))
    });
    thread::sleep(MOMENT);
    drop(other);
    assert_eq!(writer.join().unwrap(), libc::EPIPE);
}

pub fn backlog() {
    let path = path("backlog");
    let name = path.to_str().unwrap();
    let listener = c::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).unwrap();
    assert_eq!(errno(c::listen(&listener, 1)), libc::EINVAL);
    c::bind(&listener, name).unwrap();
    assert_eq!(errno(c::bind(&listener, "/tmp/other")), libc::EINVAL);
    assert!(!std::path::Path::new("/tmp/other").exists());
    let client = || c::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0).unwrap();
    assert_eq!(errno(c::connect(&client(), name)), libc::ECONNREFUSED);
    c::listen(&listener, 2).unwrap();
    let waiting = [client(), client()];
    for client in &waiting {
        c::connect(client, name).unwrap();
    }
    let third = UnixStream::from(client());
    third.set_nonblocking(true).unwrap();
    assert_eq!(errno(c::connect(&third, name)), libc::EAGAIN);
    third.set_nonblocking(false).unwrap();
    let theirs = path.clone();
    let waits = thread::spawn(move || c::connect(&third, theirs.to_str().unwrap()).map(|_| third));
    thread::sleep(MOMENT);
    let first = c::accept(&listener).unwrap();
    let third = waits.join().unwrap().unwrap();
    assert_eq!(errno(c::connect(&third, name)), libc::EISCONN);
    c::write(&waiting[0], b"first").unwrap();
    assert_eq!(c::read(&first, 9).unwrap(), b"first");
    // Those who were not accepted are let go with the listener, those who wait to connect are refused.
    let blocked = client();
    let more = [client(), client()];
    c::accept(&listener).unwrap();
    c::connect(&more[0], name).unwrap();
    let theirs = path.clone();
    let waits = thread::spawn(move || errno(c::connect(&blocked, theirs.to_str().unwrap())));
    thread::sleep(MOMENT);
    drop(listener);
    assert_eq!(waits.join().unwrap(), libc::ECONNREFUSED);
    assert!(c::read(&third, 1).unwrap().is_empty());
    assert_eq!(errno(c::connect(&more[1], name)), libc::ECONNREFUSED);
    fs::remove_file(&path).unwrap();
}

/// A queue that watches one descriptor.
fn watch(fd: &impl AsRawFd, flags: EventFlags) -> Fd {
    let queue = Fd::open("/scheme/event", libredox::flag::O_RDWR | O_CLOEXEC | libredox::flag::O_NONBLOCK, 0).unwrap();
    queue.write(&Event { id: fd.as_raw_fd() as usize, flags, data: 5 }).expect("a subscription");
    queue
}

/// What a queue tells without waiting.
fn told(queue: &Fd) -> Option<EventFlags> {
    let mut event = Event::default();
    match queue.read(&mut event) {
        Ok(_) => Some(event.flags),
        Err(error) => {
            assert_eq!(error.errno(), libc::EAGAIN);
            None
        }
    }
}

pub fn events() {
    const READ: EventFlags = EventFlags::EVENT_READ;
    const WRITE: EventFlags = EventFlags::EVENT_WRITE;
    let (one, other) = UnixStream::pair().unwrap();
    for end in [&one, &other] {
        end.set_nonblocking(true).unwrap();
    }
    let queue = watch(&one, READ | WRITE);
    assert_eq!(told(&queue), Some(WRITE));
    c::write(&other, b"x").unwrap();
    assert_eq!(told(&queue), Some(READ));
    assert_eq!(told(&queue), None);
    assert_eq!(c::read(&one, 9).unwrap(), b"x");
    assert_eq!(errno(c::read(&one, 9)), libc::EAGAIN);
    c::write(&other, b"y").unwrap();
    assert_eq!(told(&queue), Some(READ));
    // Full, and then not any more.
    while c::write(&one, &[0; 4096]).is_ok() {}
    assert_eq!(told(&queue), None);
    while c::read(&other, 65_536).is_ok() {}
    assert_eq!(told(&queue), Some(WRITE));
    drop(other);
    // Nobody waits for a close.
    thread::sleep(MOMENT);
    assert_eq!(told(&queue), Some(READ | WRITE));
    // A listener is ready when somebody has come.
    let path = path("events");
    let listener = UnixListener::bind(&path).unwrap();
    let queue = watch(&listener, READ);
    assert_eq!(told(&queue), None);
    let client = UnixStream::connect(&path).unwrap();
    assert_eq!(told(&queue), Some(READ));
    drop((client, listener));
    fs::remove_file(&path).unwrap();
}

fn poll_for(fd: &impl AsRawFd, events: i16, millis: i32) -> i16 {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    // SAFETY: there is one entry.
    c::check(unsafe { libc::poll(&mut entry, 1, millis) } as isize).unwrap();
    entry.revents
}

pub fn poll() {
    let (one, other) = UnixStream::pair().unwrap();
    assert_eq!(poll_for(&one, libc::POLLIN | libc::POLLOUT, 0), libc::POLLOUT);
    assert_eq!(poll_for(&one, libc::POLLIN, 20), 0);
    let writer = {
        let other = other.try_clone().unwrap();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            c::write(&other, b"x").unwrap();
        })
    };
    assert_eq!(poll_for(&one, libc::POLLIN, 20_000), libc::POLLIN);
    writer.join().unwrap();
    c::read(&one, 1).unwrap();
    drop(other);
    assert_eq!(poll_for(&one, libc::POLLIN, 20_000), libc::POLLIN | libc::POLLHUP);
}
