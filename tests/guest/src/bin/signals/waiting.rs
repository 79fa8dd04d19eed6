//! Waiting for signals, and timers that send them.

use std::ffi::{c_int, c_uint, c_void};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use libc::{SIGALRM, SIGUSR1, SIGUSR2, itimerval, pollfd, pthread_t, siginfo_t, sigset_t, timespec, timeval};
use ochre_guest::Pipe;

use super::*;

unsafe extern "C" {
    fn alarm(seconds: c_uint) -> c_uint;
    fn ualarm(micros: c_uint, interval: c_uint) -> c_uint;
    fn setitimer(which: c_int, new: *const itimerval, old: *mut itimerval) -> c_int;
    fn getitimer(which: c_int, to: *mut itimerval) -> c_int;
    fn timer_create(clock: c_int, event: *const c_void, to: *mut *mut c_void) -> c_int;
    fn timer_settime(timer: *mut c_void, flags: c_int, new: *const [timespec; 2], old: *mut [timespec; 2]) -> c_int;
    fn timer_delete(timer: *mut c_void) -> c_int;
    fn ppoll(fds: *mut pollfd, count: libc::nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int;
}

/// Sends this thread a signal after a while, and again until it is said to be enough.
fn later(signal: c_int, wait: impl FnOnce()) {
    // SAFETY: every thread has a name.
    let me = unsafe { libc::pthread_self() } as usize;
    thread::scope(|scope| {
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(20));
            // SAFETY: the thread waits for this one.
            assert_eq!(unsafe { libc::pthread_kill(me as pthread_t, signal) }, 0);
        });
        wait();
    });
}

pub fn suspend() {
    handle(SIGUSR1, count, libc::SA_RESTART as c_int);
    handle(SIGUSR2, count, 0);
    let blocked = Blocked::new(bit(SIGUSR1) | bit(SIGUSR2));
    let but_first = bit(SIGUSR2);
    // One that is there already ends it at once; the other stays blocked.
    raise(SIGUSR2);
    raise(SIGUSR1);
    // SAFETY: it is a mask.
    assert_eq!(errno(unsafe { sigsuspend(&but_first) } as isize), libc::EINTR);
    assert_eq!((counted(), LAST.load(Ordering::SeqCst), pending()), (1, SIGUSR1, but_first));
    assert_eq!(mask(libc::SIG_BLOCK, 0) & (bit(SIGUSR1) | bit(SIGUSR2)), bit(SIGUSR1) | bit(SIGUSR2));
    // SAFETY: as above.
    later(SIGUSR1, || assert_eq!(errno(unsafe { sigsuspend(&but_first) } as isize), libc::EINTR));
    assert_eq!(counted(), 1);
    drop(blocked);
    assert_eq!(counted(), 1, "the one that was blocked all the time");
    // SAFETY: the signal ends it.
    later(SIGUSR1, || assert_eq!(errno(unsafe { libc::pause() } as isize), libc::EINTR));
    assert_eq!(counted(), 1);
    // What is ignored does not end it.
    set_action(SIGUSR2, libc::SIG_IGN, 0, 0);
    later(SIGUSR2, || {
        // SAFETY: as above.
        later(SIGUSR1, || assert_eq!(errno(unsafe { libc::pause() } as isize), libc::EINTR));
    });
    assert_eq!(counted(), 1);
    // Ping-pong: not one wake-up is lost, however close they come.
    const ROUNDS: usize = 2000;
    let blocked = Blocked::new(bit(SIGUSR1));
    // SAFETY: every thread has a name.
    let me = unsafe { libc::pthread_self() } as usize;
    thread::scope(|scope| {
        let other = scope.spawn(move || {
            for round in 1..=ROUNDS {
                // SAFETY: the thread waits for this one.
                assert_eq!(unsafe { libc::pthread_kill(me as pthread_t, SIGUSR1) }, 0);
                while COUNT.load(Ordering::SeqCst) < round {
                    thread::yield_now();
                }
            }
        });
        for _ in 0..ROUNDS {
            // SAFETY: it is a mask.
            assert_eq!(errno(unsafe { sigsuspend(&0) } as isize), libc::EINTR);
        }
        other.join().expect("a thread that ends");
    });
    drop(blocked);
    assert_eq!(counted(), ROUNDS);
}

fn timed_wait(set: sigset_t, millis: i64) -> Result<siginfo_t, i32> {
    let time = timespec { tv_sec: 0, tv_nsec: millis * 1_000_000 };
    let mut info = MaybeUninit::uninit();
    // SAFETY: set, place and time are what they should be.
    unsafe {
        match libc::sigtimedwait(&set, info.as_mut_ptr(), &time) {
            -1 => Err(errno(-1)),
            signal => {
                let info: siginfo_t = info.assume_init();
                assert_eq!(info.si_signo, signal);
                Ok(info)
            }
        }
    }
}

pub fn wait() {
    handle(SIGUSR1, count, 0);
    handle(SIGUSR2, count, 0);
    let set = bit(SIGUSR1) | bit(QUEUED);
    let blocked = Blocked::new(set);
    assert_eq!(timed_wait(set, 0).err(), Some(libc::EAGAIN));
    let start = Instant::now();
    assert_eq!(timed_wait(set, 20).err(), Some(libc::EAGAIN));
    assert!(start.elapsed() >= Duration::from_millis(20));
    queue(QUEUED, 5);
    queue(QUEUED, 6);
    raise(SIGUSR1);
    let values = [(); 3].map(|()| timed_wait(set, 0).expect("a signal")).map(|info| {
        // SAFETY: the value was sent along.
        (info.si_signo, info.si_code, unsafe { info.si_value() }.sival_ptr as usize)
    });
    assert_eq!(values, [(SIGUSR1, 0, 0), (QUEUED, -1, 5), (QUEUED, -1, 6)]);
    later(SIGUSR1, || assert_eq!(timed_wait(set, 900).map(|info| info.si_signo), Ok(SIGUSR1)));
    // A handler ends the wait.
    later(SIGUSR2, || assert_eq!(timed_wait(set, 900).err(), Some(libc::EINTR)));
    assert_eq!(counted(), 1);
    // A signal to the process goes to the one who waits.
    let waiter = thread::spawn(move || {
        let mut signal = 0;
        // SAFETY: a set and a place.
        assert_eq!(unsafe { libc::sigwait(&set, &mut signal) }, 0);
        signal
    });
    thread::sleep(Duration::from_millis(20));
    // SAFETY: the process is this one.
    assert_eq!(unsafe { libc::kill(libc::getpid(), QUEUED) }, 0);
    assert_eq!(waiter.join().expect("a thread that ends"), QUEUED);
    // Even one that is ignored, as long as it is blocked.
    let child = Blocked::new(bit(libc::SIGCHLD));
    raise(libc::SIGCHLD);
    assert_eq!(timed_wait(bit(libc::SIGCHLD), 0).map(|info| info.si_signo), Ok(libc::SIGCHLD));
    drop(child);
    // SAFETY: a set.
    later(SIGUSR1, || assert_eq!(unsafe { sigwaitinfo(&set, null_mut()) }, SIGUSR1));
    drop(blocked);
    assert_eq!(counted(), 0, "all were taken without a handler");
}

pub fn masked_poll() {
    handle(SIGUSR1, count, libc::SA_RESTART as c_int);
    let pipe = Pipe::new().expect("a pipe");
    let mut entry = pollfd { fd: pipe.read.raw() as c_int, events: libc::POLLIN, revents: 0 };
    let blocked = Blocked::new(bit(SIGUSR1));
    raise(SIGUSR1);
    // SAFETY: one entry, a mask.
    let mut poll = || unsafe { ppoll(&mut entry, 1, std::ptr::null(), &0) };
    assert_eq!(errno(poll() as isize), libc::EINTR);
    later(SIGUSR1, || assert_eq!(errno(poll() as isize), libc::EINTR));
    assert_eq!(counted(), 2);
    pipe.write.write(b"x").expect("room");
    assert_eq!(poll(), 1);
    assert_eq!(mask(libc::SIG_BLOCK, 0) & bit(SIGUSR1), bit(SIGUSR1));
    drop(blocked);
    assert_eq!(counted(), 0);
}

fn itimer(interval_micros: i32, value_micros: i32) -> itimerval {
    let time = |micros| timeval { tv_sec: 0, tv_usec: micros };
    itimerval { it_interval: time(interval_micros), it_value: time(value_micros) }
}

pub fn timers() {
    handle(SIGALRM, count, 0);
    // SAFETY: settings and places are what they should be; the handlers only count.
    unsafe {
        let start = Instant::now();
        assert_eq!(alarm(1), 0);
        assert_eq!(alarm(1), 1);
        assert_eq!(errno(libc::pause() as isize), libc::EINTR);
        assert!(start.elapsed() >= Duration::from_millis(999));
        assert_eq!((counted(), alarm(0)), (1, 0));
        ualarm(10_000, 0);
        assert_eq!(errno(libc::pause() as isize), libc::EINTR);
        assert_eq!(counted(), 1);
        // Again and again.
        assert_eq!(setitimer(0, &itimer(2_000, 2_000), null_mut()), 0);
        while COUNT.load(Ordering::SeqCst) < 20 {
            libc::pause();
        }
        let mut left = itimer(0, 0);
        assert_eq!(getitimer(0, &mut left), 0);
        assert_eq!(left.it_interval.tv_usec, 2_000);
        assert!((1..=2_000).contains(&left.it_value.tv_usec), "{}", left.it_value.tv_usec);
        assert_eq!(setitimer(0, &itimer(0, 0), null_mut()), 0);
        counted();
        assert_eq!(errno(setitimer(3, &itimer(0, 0), null_mut()) as isize), libc::EINVAL);
        assert_eq!(errno(setitimer(0, &itimer(0, 1_000_000), null_mut()) as isize), libc::EINVAL);
        // Processor time passes only while somebody computes.
        handle(libc::SIGPROF, count, 0);
        assert_eq!(setitimer(2, &itimer(0, 20_000), null_mut()), 0);
        thread::sleep(Duration::from_millis(60));
        assert_eq!(counted(), 0);
        while COUNT.load(Ordering::SeqCst) == 0 {
            std::hint::spin_loop();
        }
        assert_eq!((counted(), LAST.load(Ordering::SeqCst)), (1, libc::SIGPROF));
        let mut timer = null_mut();
        assert_eq!(timer_create(libc::CLOCK_MONOTONIC, std::ptr::null(), &mut timer), 0);
        let setting = [timespec { tv_sec: 0, tv_nsec: 0 }, timespec { tv_sec: 0, tv_nsec: 5_000_000 }];
        assert_eq!(timer_settime(timer, 0, &setting, null_mut()), 0);
        assert_eq!(errno(libc::pause() as isize), libc::EINTR);
        assert_eq!((counted(), LAST.load(Ordering::SeqCst)), (1, SIGALRM));
        assert_eq!(timer_delete(timer), 0);
        assert_eq!(errno(timer_delete(timer) as isize), libc::EINVAL);
    }
}
