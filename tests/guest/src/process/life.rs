//! Birth, end and waiting.

use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::time::Duration;

use ochre_guest::posix::{code, errno, fork, signal, wait};

pub fn fork_exit_wait() {
    assert_eq!((wait(-1, 0).0, errno()), (-1, libc::ECHILD));
    assert_eq!(code(fork(|| 7)), 7);
    // SAFETY: takes nothing.
    let me = unsafe { libc::getpid() };
    let pid = fork(move || {
        // SAFETY: take nothing.
        let (own, parent) = unsafe { (libc::getpid(), libc::getppid()) };
        i32::from(own == me || parent != me)
    });
    assert_ne!(pid, me);
    assert_eq!(code(pid), 0);
    assert_eq!((wait(pid, 0).0, errno()), (-1, libc::ECHILD));
}

/// A file that is mapped privately: pages that were read, written, written and then protected, hidden after that, and never touched.
pub fn inherits_mapped_files() {
    const PAGE: usize = 4096;
    const WRITTEN: [u8; 5] = [0, b'w', b'p', b'h', 0];
    let path = "/tmp/process-mapped";
    let contents: Vec<u8> = (0..5).flat_map(|page| [b'0' + page; PAGE]).collect();
    std::fs::write(path, contents).expect("a file");
    let file = std::fs::File::open(path).expect("the file");
    // SAFETY: a new mapping, which only these processes know.
    let base = unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        libc::mmap(std::ptr::null_mut(), 5 * PAGE, access, libc::MAP_PRIVATE, file.as_raw_fd(), 0).cast::<u8>()
    };
    assert_ne!(base.addr(), usize::MAX);
    // SAFETY: places in the mapping.
    let at = |page: usize| unsafe { base.add(page * PAGE) };
    let protect = |page, access| {
        // SAFETY: a page of the mapping.
        assert_eq!(unsafe { libc::mprotect(at(page).cast(), PAGE, access) }, 0);
    };
    // SAFETY: as above; the pages can be read and written.
    unsafe {
        assert_eq!(at(0).read_volatile(), b'0');
        (1..4).for_each(|page| at(page).write_volatile(WRITTEN[page]));
    }
    protect(2, libc::PROT_READ);
    protect(3, libc::PROT_NONE);
    protect(4, libc::PROT_READ);
    let seen = |page: usize| {
        // SAFETY: as above; what was hidden is in sight again.
        unsafe { (at(page).read_volatile(), at(page).add(1).read_volatile()) }
    };
    let child = fork(|| {
        protect(3, libc::PROT_READ);
        let good = (0..5).all(|page| {
            let own = b'0' + page as u8;
            seen(page) == (if WRITTEN[page] == 0 { own } else { WRITTEN[page] }, own)
        });
        // What the child writes is its own.
        // SAFETY: as above.
        unsafe { at(0).write_volatile(b'c') };
        i32::from(!good || seen(0).0 != b'c')
    });
    assert_eq!(code(child), 0);
    assert_eq!((seen(0).0, seen(1).0, seen(2).0, seen(4).0), (b'0', b'w', b'p', b'4'));
    // SAFETY: nobody uses it any more.
    assert_eq!(unsafe { libc::munmap(base.cast(), 5 * PAGE) }, 0);
    std::fs::remove_file(path).expect("removed");
}

pub fn inherits() {
    let mut number = Box::new(5);
    let local = [1, 2, 3];
    let pid = fork(|| {
        *number += 1;
        i32::from(*number != 6 || local != [1, 2, 3])
    });
    assert_eq!(code(pid), 0);
    assert_eq!(*number, 5);
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let pid = fork(|| i32::from((&write).write_all(b"hello").is_err()));
    drop(write);
    let mut text = String::new();
    read.read_to_string(&mut text).expect("what the child wrote");
    assert_eq!((code(pid), text.as_str()), (0, "hello"));
    // The position in a file is one for both.
    let path = "/tmp/process-position";
    let file =
        std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).expect("a file");
    assert_eq!(code(fork(|| i32::from((&file).write_all(b"child").is_err()))), 0);
    (&file).write_all(b" parent").expect("room");
    assert_eq!(std::fs::read_to_string(path).expect("the file"), "child parent");
    std::fs::remove_file(path).expect("removed");
    // Memory that is shared stays so.
    // SAFETY: a new mapping, which only these two know.
    let shared = unsafe {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        libc::mmap(std::ptr::null_mut(), 4096, access, flags, -1, 0).cast::<i32>()
    };
    assert_ne!(shared.addr(), usize::MAX);
    // SAFETY: as above.
    unsafe {
        assert_eq!(
            code(fork(|| {
                shared.write_volatile(77);
                0
            })),
            0
        );
        assert_eq!(shared.read_volatile(), 77);
        libc::munmap(shared.cast(), 4096);
    }
}

pub fn waits() {
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let slow = fork(|| {
        drop(write.try_clone());
        // SAFETY: this child's own descriptor.
        unsafe { libc::close(std::os::fd::AsRawFd::as_raw_fd(&write)) };
        let _ = read.read(&mut [0]);
        3
    });
    assert_eq!(wait(slow, libc::WNOHANG).0, 0);
    assert_eq!(wait(-1, libc::WNOHANG).0, 0);
    let quick = fork(|| 4);
    assert_eq!(wait(-1, 0), (quick, 4 << 8));
    assert_eq!((wait(slow, 1 << 20).0, errno()), (-1, libc::EINVAL));
    assert_eq!((wait(1, 0).0, errno()), (-1, libc::ECHILD));
    drop(write);
    assert_eq!(wait(0, 0), (slow, 3 << 8));
    // A look that takes nothing, then one that does.
    let pid = fork(|| 9);
    for options in [libc::WEXITED | libc::WNOWAIT, libc::WEXITED] {
        let info = wait_id(1, pid, options).expect("a child");
        assert_eq!((info.si_signo, info.si_pid, info.si_status, info.si_code), (libc::SIGCHLD, pid, 9, 1));
    }
    assert_eq!(wait_id(1, pid, libc::WEXITED).map(|_| ()), Err(libc::ECHILD));
    // What children have used is known to who waits.
    let pid = fork(|| {
        (0..20_000_000).for_each(|number| _ = std::hint::black_box(number));
        0
    });
    assert_eq!(code(pid), 0);
    // SAFETY: a place for the answer.
    let used = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage), 0);
        usage.ru_utime
    };
    assert!(used.tv_sec > 0 || used.tv_usec > 0);
}

unsafe extern "C" {
    // Crate `libc` does not declare it for this target.
    fn waitid(kind: i32, id: libc::id_t, info: *mut libc::siginfo_t, options: i32) -> i32;
}

fn wait_id(kind: i32, id: libc::pid_t, options: i32) -> Result<libc::siginfo_t, i32> {
    // SAFETY: a place for the answer; zeros are valid.
    unsafe {
        let mut info = std::mem::zeroed();
        if waitid(kind, id as libc::id_t, &mut info, options) == 0 { Ok(info) } else { Err(errno()) }
    }
}

pub fn orphans() {
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let pid = fork(|| {
        fork(|| {
            // SAFETY: takes nothing.
            while unsafe { libc::getppid() } != 1 {
                std::thread::sleep(Duration::from_millis(1));
            }
            i32::from((&write).write_all(b"adopted").is_err())
        });
        0
    });
    drop(write);
    assert_eq!(code(pid), 0);
    let mut text = String::new();
    read.read_to_string(&mut text).expect("the grandchild's word");
    assert_eq!(text, "adopted");
    assert_eq!((wait(-1, 0).0, errno()), (-1, libc::ECHILD));
}

pub fn ends() {
    assert_eq!(code(fork(|| 255)), 255);
    assert_eq!(code(fork(|| 256)), 0);
    assert_eq!(signal(fork(|| std::process::abort())), libc::SIGABRT);
    // SAFETY: none: these must end the child.
    assert_eq!(signal(fork(|| unsafe { (8 as *mut i32).read_volatile() })), libc::SIGSEGV);
    // SAFETY: as above.
    assert_eq!(signal(fork(|| unsafe { std::arch::asm!("ud2", options(noreturn)) })), libc::SIGILL);
    let sleeper = fork(|| {
        std::thread::sleep(Duration::from_secs(1000));
        0
    });
    // SAFETY: takes numbers only.
    assert_eq!(unsafe { libc::kill(sleeper, libc::SIGKILL) }, 0);
    assert_eq!(signal(sleeper), libc::SIGKILL);
    // SAFETY: as above.
    assert_eq!((unsafe { libc::kill(sleeper, 0) }, errno()), (-1, libc::ESRCH));
}

/// The first thread calls `pthread_exit`; another one ends the process, with its own status.
pub fn first_thread_leaves() {
    let pid = fork(|| {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            std::process::exit(5)
        });
        // SAFETY: nothing on this stack is used by the other thread.
        unsafe { libc::pthread_exit(std::ptr::null_mut()) }
    });
    assert_eq!(code(pid), 5);
    // With the last thread ends the process.
    let pid = fork(|| {
        std::thread::spawn(|| std::thread::sleep(Duration::from_millis(20)));
        // SAFETY: as above.
        unsafe { libc::pthread_exit(std::ptr::null_mut()) }
    });
    assert_eq!(code(pid), 0);
}
