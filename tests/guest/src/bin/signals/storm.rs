//! Many signals at once, to threads that are busy with calls.

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use libc::{SIGUSR1, SIGUSR2, pthread_t};
use ochre_guest::Pipe;

use super::*;

/// Signals in all.
const SIGNALS: usize = 100_000;
/// Threads that get them.
const TARGETS: usize = 4;

static QUEUED_SEEN: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_queued(_: c_int) {
    QUEUED_SEEN.fetch_add(1, Ordering::SeqCst);
}

/// Names of threads that work until the flag is set, each in its own way.
fn workers<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    over: &'scope AtomicBool,
    work: impl Fn(usize) + Copy + Send + 'scope,
) -> Vec<usize> {
    let (send, receive) = mpsc::channel();
    for index in 0..TARGETS {
        let send = send.clone();
        scope.spawn(move || {
            // SAFETY: every thread has a name.
            send.send(unsafe { libc::pthread_self() } as usize).expect("somebody listens");
            while !over.load(Ordering::SeqCst) {
                work(index);
            }
        });
    }
    (0..TARGETS).map(|_| receive.recv().expect("a thread")).collect()
}

/// Half of them queued, of which none may get lost, while the targets make calls, allocate and copy.
pub fn storm() {
    handle(SIGUSR1, count, libc::SA_RESTART as c_int);
    handle(SIGUSR2, count, libc::SA_RESTART as c_int);
    handle(QUEUED, count_queued, libc::SA_RESTART as c_int);
    let over = AtomicBool::new(false);
    let pipe = Pipe::new().expect("a pipe");
    let sent = thread::scope(|scope| {
        let targets = workers(scope, &over, |index| match index {
            0 => {
                let mut bytes = [0; 64];
                pipe.write.write(&[7; 64]).expect("room");
                assert_eq!(pipe.read.read(&mut bytes).expect("bytes"), 64);
                assert_eq!(bytes, [7; 64]);
            }
            1 => assert!(std::fs::metadata("/scheme/initfs/bin/signals").expect("this file").len() > 0),
            2 => {
                let list: Vec<u64> = (0..100).collect();
                assert_eq!(list.iter().map(|value| value * 3).sum::<u64>(), 14_850);
            }
            _ => thread::yield_now(),
        });
        let mut sent = 0;
        for round in 0..SIGNALS {
            let target = targets[round % TARGETS] as pthread_t;
            let signal = [SIGUSR1, QUEUED, SIGUSR2, QUEUED][round / TARGETS % 4];
            loop {
                // SAFETY: the targets work until they are told not to.
                match unsafe { libc::pthread_kill(target, signal) } {
                    0 => break,
                    error => assert_eq!(error, libc::EAGAIN),
                }
                thread::yield_now();
            }
            sent += usize::from(signal == QUEUED);
        }
        while QUEUED_SEEN.load(Ordering::SeqCst) < sent {
            thread::yield_now();
        }
        over.store(true, Ordering::SeqCst);
        sent
    });
    assert_eq!((QUEUED_SEEN.swap(0, Ordering::SeqCst), sent), (SIGNALS / 2, SIGNALS / 2));
    let others = counted();
    assert!((1..=SIGNALS / 2).contains(&others), "{others}");
    println!("  {SIGNALS} signals sent, {others} of {} ordinary ones seen", SIGNALS / 2);
}

/// Signals to the process, of which each is taken by exactly one of several threads that wait for them or sleep.
pub fn sleepers() {
    const EACH: usize = 20_000;
    handle(QUEUED, count_queued, 0);
    let over = AtomicBool::new(false);
    let all = AtomicUsize::new(0);
    thread::scope(|scope| {
        let blocked = Blocked::new(bit(QUEUED));
        workers(scope, &over, |index| {
            if index % 2 == 0 {
                let time = libc::timespec { tv_sec: 0, tv_nsec: 10_000_000 };
                // SAFETY: a set and a time.
                if unsafe { libc::sigtimedwait(&bit(QUEUED), null_mut(), &time) } == QUEUED {
                    all.fetch_add(1, Ordering::SeqCst);
                }
            } else {
                mask(libc::SIG_UNBLOCK, bit(QUEUED));
                thread::yield_now();
                mask(libc::SIG_BLOCK, bit(QUEUED));
            }
        });
        for _ in 0..EACH {
            // SAFETY: the process is this one.
            while unsafe { libc::kill(libc::getpid(), QUEUED) } != 0 {
                thread::yield_now();
            }
        }
        while all.load(Ordering::SeqCst) + QUEUED_SEEN.load(Ordering::SeqCst) < EACH {
            thread::yield_now();
        }
        over.store(true, Ordering::SeqCst);
        drop(blocked);
    });
    let handled = QUEUED_SEEN.swap(0, Ordering::SeqCst);
    println!("  {} taken by those who wait, {handled} by handlers", all.load(Ordering::SeqCst));
    assert_eq!(all.load(Ordering::SeqCst) + handled, EACH);
}
