//! Named pipes, shared memory objects, and names of hosts.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::ToSocketAddrs;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::ptr::null_mut;
use std::thread;

use super::c::{check, errno};
use super::{MOMENT, path};

pub fn fifos() {
    let path = path("fifo");
    let name = CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name is there.
    check(unsafe { libc::mkfifo(name.as_ptr(), 0o600) } as isize).unwrap();
    assert!(std::fs::metadata(&path).unwrap().file_type().is_fifo());
    let mut nonblocking = OpenOptions::new();
    nonblocking.write(true).custom_flags(libc::O_NONBLOCK);
    assert_eq!(errno(nonblocking.open(&path)), libc::ENXIO);
    let theirs = path.clone();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        File::open(&theirs).unwrap().read_to_string(&mut text).unwrap();
        text
    });
    thread::sleep(MOMENT);
    let mut writer = nonblocking.open(&path).expect("a reader that waits");
    writer.write_all(b"through ").unwrap();
    thread::sleep(MOMENT);
    writer.write_all(b"a name").unwrap();
    drop(writer);
    assert_eq!(reader.join().unwrap(), "through a name");
    std::fs::remove_file(&path).unwrap();
}

/// Opens an object.
fn object(flags: i32) -> std::io::Result<i32> {
    // SAFETY: the name is there.
    check(unsafe { libc::shm_open(c"/of-test".as_ptr(), flags, 0o600) } as isize).map(|fd| fd as i32)
}

/// Maps a page of an object, and closes the object.
fn map(fd: i32) -> *mut u8 {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the system chooses an unused address; the number is not used afterwards.
    unsafe {
        let address = libc::mmap(null_mut(), 4096, access, libc::MAP_SHARED, fd, 0);
        assert_ne!(address, libc::MAP_FAILED);
        libc::close(fd);
        address.cast()
    }
}

pub fn shared_memory() {
    assert_eq!(errno(object(libc::O_RDWR)), libc::ENOENT);
    let created = object(libc::O_RDWR | libc::O_CREAT | libc::O_EXCL).unwrap();
    assert_eq!(errno(object(libc::O_RDWR | libc::O_CREAT | libc::O_EXCL)), libc::EEXIST);
    // SAFETY: the mappings have the bytes that are touched, and are not used after they are gone.
    unsafe {
        check(libc::ftruncate(created, 4096) as isize).unwrap();
        let one = map(created);
        let other = map(object(libc::O_RDWR).unwrap());
        assert_ne!(one, other);
        one.write_volatile(42);
        assert_eq!(other.read_volatile(), 42);
        check(libc::shm_unlink(c"/of-test".as_ptr()) as isize).unwrap();
        assert_eq!(errno(check(libc::shm_unlink(c"/of-test".as_ptr()) as isize)), libc::ENOENT);
        // Both see each other's stores for as long as they have it.
        other.add(4095).write_volatile(43);
        assert_eq!(one.add(4095).read_volatile(), 43);
        for mapping in [one, other] {
            check(libc::munmap(mapping.cast(), 4096) as isize).unwrap();
        }
    }
    assert_eq!(errno(object(libc::O_RDWR)), libc::ENOENT);
}

pub fn hosts() {
    let found = |name: &str| -> Vec<String> {
        name.to_socket_addrs().map(|list| list.map(|address| address.to_string()).collect()).unwrap_or_default()
    };
    assert_eq!(found("127.0.0.1:80"), ["127.0.0.1:80"]);
    let local = found("localhost:443");
    assert!(local.contains(&"127.0.0.1:443".into()) && local.contains(&"[::1]:443".into()), "{local:?}");
    assert!(found("host.invalid:1").is_empty());
    assert_eq!(errno(std::net::TcpStream::connect("127.0.0.1:1")), libc::EAFNOSUPPORT);
}
