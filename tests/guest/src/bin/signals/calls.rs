//! Calls that a signal comes into: which go on, which end, and which must not notice.

use std::ffi::c_int;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libc::{SIGUSR1, pollfd, pthread_t, timespec};
use ochre_guest::Pipe;

use super::*;

/// Signals that [`under_fire`] has sent.
static SENT: AtomicUsize = AtomicUsize::new(0);

/// Runs `wait` while another thread sends this one signals, until that one hears that enough has come.
fn under_fire<T>(signal: c_int, wait: impl FnOnce() -> T) -> T {
    // SAFETY: every thread has a name.
    let me = unsafe { libc::pthread_self() } as usize;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(3));
                // SAFETY: the thread waits for this one.
                assert_eq!(unsafe { libc::pthread_kill(me as pthread_t, signal) }, 0);
                SENT.fetch_add(1, Ordering::SeqCst);
            }
        });
        let answer = wait();
        over.store(true, Ordering::SeqCst);
        answer
    })
}

/// Reads a byte that comes after some signals, unless these have ended the read before.
fn read_late(signal: c_int) -> Result<isize, i32> {
    let pipe = Pipe::new().expect("a pipe");
    let fd = pipe.read.raw() as c_int;
    let ended = AtomicBool::new(false);
    SENT.store(0, Ordering::SeqCst);
    thread::scope(|scope| {
        scope.spawn(|| {
            while SENT.load(Ordering::SeqCst) < 5 && !ended.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            pipe.write.write(b"x").expect("room");
        });
        let mut byte = 0_u8;
        // SAFETY: the byte is ours.
        let mut read = || unsafe { libc::read(fd, (&raw mut byte).cast(), 1) };
        let answer = under_fire(signal, || match read() {
            -1 => Err(errno(-1)),
            count => Ok(count),
        });
        ended.store(true, Ordering::SeqCst);
        answer
    })
}

pub fn reads() {
    handle(SIGUSR1, count, libc::SA_RESTART as c_int);
    assert_eq!(read_late(SIGUSR1), Ok(1));
    assert!(counted() >= 1);
    handle(SIGUSR1, count, 0);
    assert_eq!(read_late(SIGUSR1), Err(libc::EINTR));
    assert!(counted() >= 1);
    // A daemon's answer that is waited for.
    handle(SIGUSR1, count, libc::SA_RESTART as c_int);
    let opened = under_fire(SIGUSR1, || {
        let start = Instant::now();
        let mut opened = 0;
        while start.elapsed() < Duration::from_millis(100) || COUNT.load(Ordering::SeqCst) < 3 {
            std::fs::read("/scheme/initfs/bin/signals").expect("this file");
            opened += 1;
        }
        opened
    });
    assert!(opened > 0 && counted() >= 3);
}

pub fn sleeps() {
    let time = timespec { tv_sec: 100, tv_nsec: 0 };
    for flags in [0, libc::SA_RESTART as c_int] {
        handle(SIGUSR1, count, flags);
        let mut left = timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: both are times.
        let slept = under_fire(SIGUSR1, || errno(unsafe { libc::nanosleep(&time, &mut left) } as isize));
        assert_eq!(slept, libc::EINTR);
        assert!(left.tv_sec >= 90, "{}", left.tv_sec);
        let pipe = Pipe::new().expect("a pipe");
        let mut entry = pollfd { fd: pipe.read.raw() as c_int, events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry.
        let polled = under_fire(SIGUSR1, || errno(unsafe { libc::poll(&mut entry, 1, 100_000) } as isize));
        assert_eq!(polled, libc::EINTR);
        // SAFETY: none.
        assert_eq!(under_fire(SIGUSR1, || errno(unsafe { libc::poll(null_mut(), 0, -1) } as isize)), libc::EINTR);
    }
    counted();
}

/// Locks, conditions and joins do not answer `EINTR` but wait on.
pub fn locks() {
    handle(SIGUSR1, count, 0);
    let lock = Mutex::new(0);
    let guard = lock.lock().expect("no panic");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| under_fire(SIGUSR1, || *lock.lock().expect("no panic")));
        thread::sleep(Duration::from_millis(50));
        drop(guard);
        assert_eq!(waiter.join().expect("a thread that ends"), 0);
    });
    let sleeper = thread::spawn(|| thread::sleep(Duration::from_millis(50)));
    under_fire(SIGUSR1, || sleeper.join().expect("a thread that ends"));
    assert!(counted() >= 1);
}

/// Signals that are ignored or blocked end nothing.
pub fn undisturbed() {
    set_action(SIGUSR1, libc::SIG_IGN, 0, 0);
    assert_eq!(read_late(SIGUSR1), Ok(1));
    handle(SIGUSR1, count, 0);
    let blocked = Blocked::new(bit(SIGUSR1));
    assert_eq!(read_late(SIGUSR1), Ok(1));
    let start = Instant::now();
    let time = timespec { tv_sec: 0, tv_nsec: 30_000_000 };
    // SAFETY: it is a time.
    assert_eq!(under_fire(SIGUSR1, || unsafe { libc::nanosleep(&time, null_mut()) }), 0);
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert_eq!(counted(), 0);
    drop(blocked);
    assert_eq!(counted(), 1);
}

pub fn broken_pipe() {
    let Pipe { read, write } = Pipe::new().expect("a pipe");
    drop(read);
    handle(libc::SIGPIPE, count, 0);
    let fd = write.raw() as c_int;
    // SAFETY: one byte is read.
    assert_eq!(errno(unsafe { libc::write(fd, b"x".as_ptr().cast(), 1) }), libc::EPIPE);
    assert_eq!((counted(), LAST.load(Ordering::SeqCst)), (1, libc::SIGPIPE));
    set_action(libc::SIGPIPE, libc::SIG_IGN, 0, 0);
    // SAFETY: as above.
    assert_eq!(errno(unsafe { libc::write(fd, b"x".as_ptr().cast(), 1) }), libc::EPIPE);
    assert_eq!(counted(), 0);
}
