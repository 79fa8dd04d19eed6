//! Many at once, and many in a row.

use std::io::Read;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use ochre_guest::Accounts;
use ochre_guest::posix::{code, exec, fork, wait};

pub fn at_once() {
    const MANY: usize = 500;
    Accounts::assert_steady(|| {
        let (mut gate, keeper) = std::io::pipe().expect("a pipe");
        let (mut signs, life) = std::io::pipe().expect("a pipe");
        let children: Vec<_> = (0..MANY)
            .map(|number| {
                fork(|| {
                    // SAFETY: this child's own descriptor, which it must not keep.
                    unsafe { libc::close(std::os::fd::AsRawFd::as_raw_fd(&keeper)) };
                    let _ = std::io::Write::write_all(&mut &life, b".");
                    let _ = gate.read(&mut [0]);
                    (number % 200) as i32
                })
            })
            .collect();
        signs.read_exact(&mut [0; MANY]).expect("all of them");
        let there = std::fs::read_dir("/scheme/proc").expect("a list").count();
        assert!(there >= MANY, "{there} processes");
        drop(keeper);
        for (number, pid) in children.into_iter().enumerate() {
            assert_eq!(code(pid), (number % 200) as i32);
        }
    });
}

pub fn threads() {
    const MANY: usize = 200;
    Accounts::assert_steady(|| {
        let pid = fork(|| {
            let barrier = Arc::new(Barrier::new(MANY + 1));
            let threads: Vec<_> = (0..MANY)
                .map(|_| {
                    let barrier = barrier.clone();
                    std::thread::spawn(move || {
                        barrier.wait();
                    })
                })
                .collect();
            barrier.wait();
            threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
            0
        });
        assert_eq!(code(pid), 0);
    });
}

pub fn in_a_row() {
    let count = std::env::args().nth(1).map_or(10_000, |text| text.parse().expect("a number"));
    let some = |count: usize| {
        for _ in 0..count {
            assert_eq!(code(fork(|| exec(&["exit", "4"]))), 4);
        }
    };
    some(100);
    let before = Accounts::now();
    let start = Instant::now();
    some(count);
    println!("  {count} times fork, exec and wait in {:?}", start.elapsed());
    before.assert_returned(16, 16 << 10);
    assert_eq!(wait(-1, 0).0, -1);
}
