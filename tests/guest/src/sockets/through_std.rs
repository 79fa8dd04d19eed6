//! What `std` offers.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use ochre_guest::child;
use ochre_spawn::End;

use super::{MOMENT, path};

pub fn pair() {
    let (mut one, mut other) = UnixStream::pair().expect("a pair");
    one.write_all(b"hello").unwrap();
    let mut bytes = [0; 9];
    assert_eq!(other.read(&mut bytes).unwrap(), 5);
    assert_eq!(&bytes[..5], b"hello");
    let reader = thread::spawn(move || {
        let mut text = String::new();
        one.read_to_string(&mut text).unwrap();
        text
    });
    thread::sleep(MOMENT);
    other.write_all(b"later").unwrap();
    thread::sleep(MOMENT);
    other.write_all(b" and more").unwrap();
    drop(other);
    assert_eq!(reader.join().unwrap(), "later and more");
}

pub fn listener() {
    let path = path("listener");
    let listener = UnixListener::bind(&path).expect("a name");
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    let theirs = path.clone();
    let client = thread::spawn(move || {
        let mut stream = UnixStream::connect(&theirs).expect("a connection");
        assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(theirs.as_path()));
        assert!(stream.local_addr().unwrap().is_unnamed());
        stream.write_all(b"question").unwrap();
        let mut answer = [0; 6];
        stream.read_exact(&mut answer).unwrap();
        answer
    });
    let (mut stream, address) = listener.accept().expect("somebody");
    assert!(address.is_unnamed());
    assert_eq!(stream.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    let mut question = [0; 8];
    stream.read_exact(&mut question).unwrap();
    assert_eq!(&question, b"question");
    stream.write_all(b"answer").unwrap();
    assert_eq!(&client.join().unwrap(), b"answer");
    // A clone is the same connection.
    let mut again = stream.try_clone().unwrap();
    drop(stream);
    assert_eq!(again.read(&mut question).unwrap(), 0);
    fs::remove_file(&path).unwrap();
}

pub fn names() {
    let path = path("names");
    let refused = |result: std::io::Result<UnixStream>| result.expect_err("nobody").kind();
    assert_eq!(refused(UnixStream::connect(&path)), ErrorKind::NotFound);
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    // A name can be renamed and linked like any other.
    let moved = super::path("names-moved");
    fs::rename(&path, &moved).unwrap();
    let connected = UnixStream::connect(&moved).unwrap();
    assert_eq!(refused(UnixStream::connect(&path)), ErrorKind::NotFound);
    drop((listener, connected));
    assert_eq!(refused(UnixStream::connect(&moved)), ErrorKind::ConnectionRefused);
    // It cannot be opened, and stays when its socket is gone.
    assert_eq!(fs::File::open(&moved).unwrap_err().raw_os_error(), Some(libc::ENXIO));
    fs::remove_file(&moved).unwrap();
    fs::write(&path, b"no socket").unwrap();
    assert_eq!(refused(UnixStream::connect(&path)), ErrorKind::ConnectionRefused);
    fs::remove_file(&path).unwrap();
    let long = format!("/tmp/{}", "x".repeat(103));
    assert_eq!(UnixListener::bind(&long).unwrap_err().kind(), ErrorKind::InvalidInput);
    let longest = &long[..107];
    let listener = UnixListener::bind(longest).unwrap();
    assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(longest.as_ref()));
    fs::remove_file(longest).unwrap();
}

pub fn datagrams() {
    let (server_path, client_path) = (path("server"), path("client"));
    let server = UnixDatagram::bind(&server_path).unwrap();
    let client = UnixDatagram::bind(&client_path).unwrap();
    client.send_to(b"one", &server_path).unwrap();
    client.send_to(b"", &server_path).unwrap();
    let nameless = UnixDatagram::unbound().unwrap();
    nameless.connect(&server_path).unwrap();
    nameless.send(b"three").unwrap();
    let mut bytes = [0; 16];
    let (count, from) = server.recv_from(&mut bytes).unwrap();
    assert_eq!((&bytes[..count], from.as_pathname()), (&b"one"[..], Some(client_path.as_path())));
    assert_eq!(server.recv_from(&mut bytes).unwrap().0, 0);
    let (count, from) = server.recv_from(&mut bytes[..3]).unwrap();
    assert_eq!((&bytes[..count], from.is_unnamed()), (&b"thr"[..], true));
    server.send_to(b"back", &client_path).unwrap();
    assert_eq!(client.recv(&mut bytes).unwrap(), 4);
    let waits = thread::spawn(move || {
        let mut bytes = [0; 16];
        let count = client.recv(&mut bytes).unwrap();
        bytes[..count].to_vec()
    });
    thread::sleep(MOMENT);
    server.send_to(b"woken", &client_path).unwrap();
    assert_eq!(waits.join().unwrap(), b"woken");
    drop(server);
    assert_eq!(nameless.send(b"gone").unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let (one, other) = UnixDatagram::pair().unwrap();
    one.send(b"pair").unwrap();
    assert_eq!(other.recv(&mut bytes).unwrap(), 4);
    for path in [server_path, client_path] {
        fs::remove_file(path).unwrap();
    }
}

pub fn timeouts() {
    let (mut one, mut other) = UnixStream::pair().unwrap();
    assert_eq!(one.read_timeout().unwrap(), None);
    one.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
    assert_eq!(one.read_timeout().unwrap(), Some(Duration::from_millis(60)));
    let start = Instant::now();
    assert_eq!(one.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(start.elapsed() >= Duration::from_millis(60), "{:?}", start.elapsed());
    // What comes in time is read, and the next wait is a new one.
    for _ in 0..3 {
        let mut writer = other.try_clone().unwrap();
        let late = thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            writer.write_all(&[7]).unwrap();
        });
        one.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        assert_eq!(one.read(&mut [0]).unwrap(), 1);
        late.join().unwrap();
    }
    // A write that does not fit.
    other.set_write_timeout(Some(Duration::from_millis(60))).unwrap();
    let start = Instant::now();
    let written = other.write(&vec![1; 4 << 20]).unwrap();
    assert!((1..4 << 20).contains(&written) && start.elapsed() >= Duration::from_millis(60));
    assert_eq!(other.write(&[1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut left = vec![0; written];
    one.read_exact(&mut left).unwrap();
    let listener = UnixListener::bind(path("timeouts")).unwrap();
    // A listener has no such method in `std`.
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    fs::remove_file(path("timeouts")).unwrap();
}

pub fn nonblocking() {
    let (mut one, mut other) = UnixStream::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    assert_eq!(one.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    let mut total = 0;
    loop {
        match one.write(&[5; 10_000]) {
            Ok(count) => total += count,
            Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    assert!(total >= 100_000, "only {total} bytes fit");
    let mut bytes = vec![0; total];
    other.read_exact(&mut bytes).unwrap();
    assert!(bytes.iter().all(|&byte| byte == 5));
    one.write_all(b"again").unwrap();
    one.set_nonblocking(false).unwrap();
    other.write_all(&[1]).unwrap();
    assert_eq!(one.read(&mut [0]).unwrap(), 1);
}

pub fn process() {
    let path = path("process");
    let listener = UnixListener::bind(&path).unwrap();
    let echo = child(&["echo", path.to_str().unwrap()]).start().expect("a child");
    let (mut stream, _) = listener.accept().unwrap();
    for round in 0..200_usize {
        let bytes: Vec<u8> = (0..round * 37).map(|at| (at + round) as u8).collect();
        stream.write_all(&bytes).unwrap();
        let mut back = vec![0; bytes.len()];
        stream.read_exact(&mut back).unwrap();
        assert!(back == bytes);
    }
    drop(stream);
    assert_eq!(echo.wait().unwrap(), End::Exited(0));
    fs::remove_file(&path).unwrap();
}
