//! Limits of processor time, of files and of stacks.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use ochre_guest::posix::{code, errno, exec, fork, signal};

use crate::bad::set_limit;

static CAUGHT: AtomicI32 = AtomicI32::new(0);

extern "C" fn catch(number: i32) {
    CAUGHT.store(number, Ordering::Relaxed);
}

fn handle(number: i32) {
    // SAFETY: the handler stores a number only.
    unsafe { libc::signal(number, catch as extern "C" fn(i32) as libc::sighandler_t) };
}

/// Uses processor time until something ends it, or for so long.
fn spin(longest: Duration, until: impl Fn() -> bool) {
    let start = Instant::now();
    while !until() && start.elapsed() < longest {
        std::hint::black_box((0..10_000_u64).sum::<u64>());
    }
}

pub fn processor_time() {
    const LONG: Duration = Duration::from_secs(60);
    let pid = fork(|| {
        set_limit(libc::RLIMIT_CPU, 1, libc::RLIM_INFINITY);
        spin(LONG, || false);
        0
    });
    assert_eq!(signal(pid), libc::SIGXCPU);
    let pid = fork(|| {
        handle(libc::SIGXCPU);
        set_limit(libc::RLIMIT_CPU, 1, 2);
        spin(LONG, || CAUGHT.load(Ordering::Relaxed) != 0);
        if CAUGHT.load(Ordering::Relaxed) != libc::SIGXCPU {
            return 1;
        }
        spin(LONG, || false);
        2
    });
    assert_eq!(signal(pid), libc::SIGKILL);
    // Who waits uses nothing.
    let pid = fork(|| {
        set_limit(libc::RLIMIT_CPU, 1, 1);
        std::thread::sleep(Duration::from_millis(1500));
        0
    });
    assert_eq!(code(pid), 0);
}

fn refused(result: std::io::Result<usize>) -> bool {
    let error = result.err().and_then(|error| error.raw_os_error());
    error == Some(libc::EFBIG) && CAUGHT.swap(0, Ordering::Relaxed) == libc::SIGXFSZ
}

pub fn files() {
    let path = "/tmp/process-bounds";
    let pid = fork(|| {
        set_limit(libc::RLIMIT_FSIZE, 1000, 1000);
        handle(libc::SIGXFSZ);
        let mut file = File::create(path).expect("a file");
        let cut = file.write(&[1; 4000]).ok() == Some(1000);
        let none = refused(file.write(&[1; 1]));
        let over = file.seek(SeekFrom::Start(10)).is_ok() && file.write(&[2; 20]).ok() == Some(20);
        let at = refused(file.write_at(&[1; 1], 1000)) && file.write_at(&[3; 10], 995).ok() == Some(5);
        let longer = refused(file.set_len(1001).map(|()| 0)) && file.set_len(500).is_ok();
        let mut end = OpenOptions::new().append(true).open(path).expect("the file");
        let appended = end.write(&[4; 4000]).ok() == Some(500) && refused(end.write(&[4; 1]));
        // A pipe is no file.
        let (_read, mut write) = std::io::pipe().expect("a pipe");
        let pipe = write.write(&[5; 4000]).ok() == Some(4000);
        let child = code(fork(|| i32::from(!refused(end.write(&[4; 1]))))) == 0;
        i32::from(!(cut && none && over && at && longer && appended && pipe && child))
    });
    assert_eq!(code(pid), 0);
    assert_eq!(fs::metadata(path).expect("the file").len(), 1000);
    // Another program has the limit too, and ends by the signal that it does not handle.
    let pid = fork(|| {
        set_limit(libc::RLIMIT_FSIZE, 100, 100);
        exec(&["write", path, "4000"])
    });
    assert_eq!(code(pid), 100);
    let pid = fork(|| {
        set_limit(libc::RLIMIT_FSIZE, 0, 0);
        exec(&["write", path, "4000"])
    });
    assert_eq!(signal(pid), libc::SIGXFSZ);
    fs::remove_file(path).expect("removed");
}

/// How deep a program can call itself that takes a page each time.
pub fn dig(left: u32) -> u32 {
    let page = std::hint::black_box([left as u8; 4096]);
    if left == 0 { 0 } else { 1 + dig(left - 1) + u32::from(page[17]) - u32::from(left as u8) }
}

pub fn stacks() {
    let deep = |soft: u64, pages: &str| {
        fork(|| {
            set_limit(libc::RLIMIT_STACK, soft, libc::RLIM_INFINITY);
            exec(&["dig", pages])
        })
    };
    // 12 MiB of stack, of 8, 16, and 1.
    assert_eq!(signal(deep(8 << 20, "3000")), libc::SIGSEGV);
    assert_eq!(code(deep(16 << 20, "3000")), 0);
    assert_eq!((code(deep(1 << 20, "100")), signal(deep(1 << 20, "300"))), (0, libc::SIGSEGV));
    // Room for arguments is a quarter of it.
    let long = "x".repeat(600 << 10);
    let with = |soft: u64| {
        fork(|| {
            set_limit(libc::RLIMIT_STACK, soft, libc::RLIM_INFINITY);
            if exec(&["exit", "3", &long]) == libc::E2BIG { 4 } else { errno() }
        })
    };
    assert_eq!((code(with(8 << 20)), code(with(1 << 20))), (3, 4));
    // The limit goes on to the program after the next.
    let pid = fork(|| {
        set_limit(libc::RLIMIT_STACK, 16 << 20, libc::RLIM_INFINITY);
        exec(&["then", "dig", "3000"])
    });
    assert_eq!(code(pid), 0);
}
