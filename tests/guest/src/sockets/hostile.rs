//! Clients that mean harm, clients and daemons that die.

use std::fs;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use libredox::flag::{O_CLOEXEC, O_RDWR};
use libredox::{Fd, call};
use ochre_guest::{Accounts, Random, child, namespace};
use ochre_spawn::{End, Spawn};
use syscall::CallFlags;

use super::c::{self, errno};
use super::{MOMENT, path};

pub fn permissions() {
    let path = path("permissions");
    let listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    let echo = || child(&["echo", path.to_str().unwrap()]).credentials(1000, 100).start().unwrap();
    // The child panics, because it may not connect.
    assert_ne!(echo().wait().unwrap(), End::Exited(0));
    listener.set_nonblocking(true).unwrap();
    assert_eq!(errno(listener.accept()), libc::EAGAIN);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o702)).unwrap();
    listener.set_nonblocking(false).unwrap();
    let echo = echo();
    drop(listener.accept().unwrap());
    assert_eq!(echo.wait().unwrap(), End::Exited(0));
    fs::remove_file(&path).unwrap();
}

/// Connects and waits to be killed, in the middle of a read, a write or a `connect`.
pub fn die(path: &str) {
    let stream = UnixStream::connect(path).expect("a connection");
    let theirs = stream.try_clone().unwrap();
    thread::spawn(move || while c::write(&theirs, &[1; 100_000]).is_ok() {});
    let pair = UnixStream::pair().unwrap();
    c::send_with(&pair.0, b"x", &[stream.as_raw_fd()], 0).unwrap();
    thread::spawn(move || c::read(&pair.0, 1));
    let _ = c::read(&stream, 1);
    thread::sleep(Duration::from_secs(600));
}

pub fn killed() {
    let path = path("killed");
    Accounts::assert_steady(|| {
        let listener = UnixListener::bind(&path).unwrap();
        for _ in 0..8 {
            let dying = child(&["die", path.to_str().unwrap()]).start().unwrap();
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = vec![0; 300_000];
            stream.read_exact(&mut bytes).unwrap();
            thread::sleep(MOMENT / 4);
            dying.kill().unwrap();
            let start = Instant::now();
            // What was written stays; then comes the end.
            while stream.read(&mut bytes).unwrap() > 0 {}
            assert!(start.elapsed() < Duration::from_secs(10));
            assert_eq!(errno(c::write(&stream, b"x")), libc::EPIPE);
            dying.wait().unwrap();
        }
        fs::remove_file(&path).unwrap();
    });
}

/// As somebody else: makes all sockets that it can, fills them all, never reads, and sends datagrams to `path` without end.
pub fn flood(path: &str) {
    let mut pairs = Vec::new();
    let limit = loop {
        match c::pair(libc::SOCK_STREAM) {
            Ok(pair) => pairs.push(pair),
            Err(error) => break error.raw_os_error(),
        }
    };
    assert_eq!(limit, Some(libc::EMFILE));
    let mut last = 0;
    for [one, _other] in &pairs {
        last = loop {
            match c::send(one, &[0; 65_536], libc::MSG_DONTWAIT) {
                Ok(_) => {}
                Err(error) => break error.raw_os_error().unwrap(),
            }
        };
    }
    assert_eq!(last, libc::ENOBUFS);
    // Of 64 in one message, again and again.
    let (_reader, writer) = std::io::pipe().unwrap();
    let refused =
        pairs.iter().find_map(|[one, _]| c::send_with(one, b"x", &[writer.as_raw_fd(); 64], libc::MSG_DONTWAIT).err());
    assert!(refused.is_some());
    println!("  flood: {} pairs", pairs.len());
    drop(pairs.split_off(16));
    let datagram = UnixDatagram::unbound().unwrap();
    loop {
        if let Err(error) = datagram.send_to(&[0; 1000], path) {
            println!("  flood ends: {error}");
            return;
        }
    }
}

pub fn greedy() {
    let path = path("greedy");
    let victim = UnixDatagram::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let flood = child(&["flood", path.to_str().unwrap()]).credentials(1000, 100).start().unwrap();
    // Meanwhile others make sockets and talk as ever.
    let mut rounds = 0;
    victim.set_nonblocking(true).unwrap();
    let mut bytes = [0; 2000];
    while victim.recv(&mut bytes).is_err() {
        let (one, other) = UnixStream::pair().unwrap();
        c::write(&one, b"ping").unwrap();
        assert_eq!(c::read(&other, 9).unwrap(), b"ping");
        rounds += 1;
        thread::sleep(Duration::from_millis(1));
    }
    println!("  {rounds} rounds beside it");
    drop(victim);
    assert_eq!(flood.wait().unwrap(), End::Exited(0));
    fs::remove_file(&path).unwrap();
}

/// Messages past libc: any words, any payload, any descriptors.
pub fn nonsense() {
    let mut random = Random::new(11);
    let fds: Vec<OwnedFd> = [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET]
        .into_iter()
        .flat_map(|kind| c::pair(kind).unwrap())
        .collect();
    for _ in 0..20_000 {
        let fd = fds[random.below(fds.len())].as_raw_fd() as usize;
        let verb = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 65, 66, 67, 68, 255][random.below(16)];
        let flags = [0, 64, 64 | 2, 1 << 31, u32::MAX as usize][random.below(5)] as u64;
        // Those that would wait are not for here.
        let flags = if verb == 4 || verb == 5 { flags | 64 } else { flags };
        let mark = if random.one_in(8) { random.below(1 << 24) as u64 } else { 0x736b74 };
        let second = [0, 1, 2, 64, u64::MAX, random.below(1 << 20) as u64][random.below(6)];
        let len = [0, 1, 15, 16, 17, 151, 152, 4096, 20_000][random.below(9)];
        let mut payload = vec![random.below(256) as u8; len];
        let kinds = [CallFlags::READ, CallFlags::WRITE, CallFlags::READ | CallFlags::WRITE, CallFlags::empty()];
        let words = [verb | mark << 8 | flags << 32, second];
        let kind = kinds[random.below(4)];
        // SAFETY: the payload is there.
        let _ = call::call_rw(fd, &mut payload, kind, &words);
        if random.one_in(4) {
            let mut asked = [usize::MAX; 3];
            let bytes = asked.map(usize::to_ne_bytes).concat();
            let mut payload = bytes;
            let flags = CallFlags::FD;
            if call::call_ro(fd, &mut payload, flags, &[second, 0]).is_ok() {
                for (to, from) in asked.iter_mut().zip(payload.chunks(8)) {
                    *to = usize::from_ne_bytes(from.try_into().unwrap());
                    let _ = call::close(*to);
                }
            }
        }
    }
    drop(fds);
    through_all();
}

/// All works as before.
fn through_all() {
    super::through_std::pair();
    super::through_std::datagrams();
}

pub fn nothing_left() {
    Accounts::assert_steady(|| {
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET] {
            let pairs: Vec<_> = (0..500).map(|_| c::pair(kind).unwrap()).collect();
            for [one, other] in &pairs {
                c::send_with(one, b"xyz", &[1, 2], 0).unwrap();
                c::write(other, &[0; 5000]).unwrap();
            }
        }
    });
}

pub fn daemon() {
    let image = fs::read("/scheme/initfs/bin/ipcd").expect("the daemon's file");
    let start = || {
        let spawn = Spawn::new(&image, "ipcd").arg("unix-of-test").namespace(namespace());
        spawn.inherit(1, 1).inherit(2, 2).start().expect("a daemon")
    };
    for _ in 0..3 {
        let daemon = start();
        let open = || Fd::open("/scheme/unix-of-test/stream", O_RDWR | O_CLOEXEC, 0);
        let deadline = Instant::now() + Duration::from_secs(20);
        let one = loop {
            match open() {
                Ok(fd) => break fd,
                Err(error) => assert!(Instant::now() < deadline, "no daemon: {error}"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        let other = Fd::new(one.dup(b"pair").unwrap());
        one.write(b"x").unwrap();
        let waits = thread::spawn(move || {
            let mut bytes = [0; 4];
            assert_eq!(other.read(&mut bytes).unwrap(), 1);
            other.read(&mut bytes).map_err(|error| error.errno())
        });
        thread::sleep(MOMENT);
        daemon.kill().unwrap();
        assert_eq!(waits.join().unwrap(), Err(libc::ENODEV));
        assert_eq!(one.write(b"x").map_err(|error| error.errno()), Err(libc::ENODEV));
        daemon.wait().unwrap();
    }
}
