//! Everything at once: 32 threads that call schemes, use futexes and pipes, map and unmap, start and kill processes at random.
//! No call may hang, and everything must be back in the end. Arguments: seconds (default 60), and the seed.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::fs;
    use std::io::{Read, Seek, SeekFrom, Write};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Condvar, Mutex};
    use std::thread;
    use std::time::{Duration, Instant};

    use ochre_abi::proc::ANONYMOUS;
    use ochre_guest::{Accounts, Pipe, Random, child, role};
    use ochre_spawn::{End, Process};
    use syscall::Map;
    use syscall::flag::MapFlags;

    const THREADS: usize = 32;
    /// A thread that has done nothing for so long hangs.
    const HANG: Duration = Duration::from_secs(30);

    pub fn main() {
        if let Some(role) = role() {
            return as_child(&role[0]);
        }
        let mut args = std::env::args().skip(1);
        let seconds = args.next().map_or(60, |text| text.parse().expect("seconds"));
        let seed = args.next().map_or(1, |text| text.parse().expect("a seed"));
        // The first round warms up what the kernel and libc keep.
        round(Duration::from_secs(seconds.min(10)), seed);
        let before = Accounts::now();
        round(Duration::from_secs(seconds), seed + 1000);
        // How much the daemons and libc keep depends on how many requests ever met: it nears a bound, but not in these seconds.
        // What leaks in one of forty steps is more.
        before.assert_returned(1024, 256 << 10);
        std::process::exit(0);
    }

    /// What all threads work on.
    struct Shared {
        /// Steps of each thread.
        steps: [AtomicU64; THREADS],
        pairs: Mutex<u64>,
        changed: Condvar,
    }

    fn round(time: Duration, seed: u64) {
        let shared = Arc::new(Shared {
            steps: [const { AtomicU64::new(0) }; THREADS],
            pairs: Mutex::new(0),
            changed: Condvar::new(),
        });
        let end = Instant::now() + time;
        let threads: Vec<_> = (0..THREADS)
            .map(|index| {
                let shared = shared.clone();
                let work = move || {
                    let mut random = Random::new(seed + index as u64);
                    while Instant::now() < end {
                        step(&mut random, &shared, index);
                        shared.steps[index].fetch_add(1, Ordering::Relaxed);
                    }
                };
                thread::Builder::new().name(format!("stress-{index}")).spawn(work).expect("a thread")
            })
            .collect();
        watch(&shared, end);
        for thread in threads {
            thread.join().expect("a thread without an error");
        }
        for index in 0..THREADS {
            // Most are there; what they leave would count as lost memory.
            let _ = fs::remove_file(path_of(index));
        }
        let steps: u64 = shared.steps.iter().map(|steps| steps.load(Ordering::Relaxed)).sum();
        let least = shared.steps.iter().map(|steps| steps.load(Ordering::Relaxed)).min();
        println!("{steps} steps in {time:?}, the slowest thread made {least:?}");
    }

    /// Looks after the threads while they work.
    fn watch(shared: &Shared, end: Instant) {
        let count = || shared.steps.each_ref().map(|steps| steps.load(Ordering::Relaxed));
        let mut last = count();
        let mut since = [Instant::now(); THREADS];
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(200));
            for (index, now) in count().into_iter().enumerate() {
                if now != last[index] {
                    (last[index], since[index]) = (now, Instant::now());
                }
                if since[index].elapsed() > HANG {
                    println!("{}", fs::read_to_string("/scheme/sys/context").unwrap_or_default());
                    panic!("thread {index} hangs");
                }
            }
            // The condition's waiters must not sleep for ever.
            shared.changed.notify_all();
        }
    }

    fn step(random: &mut Random, shared: &Shared, index: usize) {
        match random.below(24) {
            0..4 => file(random, index),
            4..8 => devices(random),
            8..12 => memory(random),
            12..16 => pipe(random),
            16..19 => futex(random, shared),
            19..21 => short_thread(random),
            21 => thread::sleep(Duration::from_micros(random.below(3000) as u64)),
            _ => process(random),
        }
    }

    fn path_of(index: usize) -> String {
        format!("/tmp/stress-{index}")
    }

    fn file(random: &mut Random, index: usize) {
        let path = path_of((index + random.below(2)) % THREADS);
        let bytes: Vec<u8> = (0..random.below(20_000)).map(|at| at as u8).collect();
        let mut file =
            fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).expect("a file");
        file.write_all(&bytes).expect("room in the RAM file system");
        file.seek(SeekFrom::Start(0)).expect("the beginning");
        let mut back = vec![0; bytes.len()];
        // Another thread may be writing the same: the same bytes.
        file.read_exact(&mut back).expect("what was written");
        assert!(back == bytes, "a file has other bytes than were written");
        if random.one_in(4) {
            // Another thread may have been faster.
            let _ = fs::remove_file(&path);
        }
    }

    fn devices(random: &mut Random) {
        let mut bytes = vec![1; random.below(70_000)];
        fs::File::open("/scheme/zero").and_then(|mut zero| zero.read_exact(&mut bytes)).expect("zeros");
        assert!(bytes.iter().all(|&byte| byte == 0));
        fs::write("/scheme/null", &bytes).expect("a place for nothing");
        assert!(fs::read("/scheme/null").expect("nothing").is_empty());
        fs::metadata("/scheme/sys/uname").expect("the system's name");
    }

    fn memory(random: &mut Random) {
        let pages = 1 + random.below(64);
        let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE;
        let map = Map { offset: 0, size: pages * 4096, flags, address: 0 };
        // SAFETY: a fresh mapping, which only this function knows.
        unsafe {
            let address = syscall::fmap(ANONYMOUS, &map).expect("memory");
            for _ in 0..random.below(pages) {
                let at = (address + random.below(pages) * 4096) as *mut usize;
                at.write_volatile(at as usize);
                assert_eq!(at.read_volatile(), at as usize);
            }
            if random.one_in(3) {
                syscall::mprotect(address, 4096, MapFlags::PROT_READ).expect("another protection");
            }
            syscall::funmap(address, pages * 4096).expect("unmapped");
        }
    }

    fn pipe(random: &mut Random) {
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let bytes = vec![random.below(256) as u8; 1 + random.below(100_000)];
        let expected = bytes.len();
        let writer = thread::spawn(move || {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                rest = &rest[write.write(rest).expect("a reader")..];
            }
        });
        let (mut got, mut room) = (0, [0; 4096]);
        loop {
            match read.read(&mut room).expect("a pipe to read") {
                0 => break,
                count => got += count,
            }
        }
        writer.join().expect("a writer");
        assert_eq!(got, expected);
    }

    fn futex(random: &mut Random, shared: &Shared) {
        for _ in 0..random.below(50) {
            *shared.pairs.lock().expect("the lock") += 1;
            shared.changed.notify_one();
        }
        let guard = shared.pairs.lock().expect("the lock");
        let wait = Duration::from_micros(random.below(2000) as u64);
        drop(shared.changed.wait_timeout(guard, wait).expect("the lock"));
    }

    fn short_thread(random: &mut Random) {
        let value = random.word();
        let thread = thread::spawn(move || value.wrapping_mul(3));
        assert_eq!(thread.join().expect("a thread"), value.wrapping_mul(3));
    }

    fn process(random: &mut Random) {
        let role = random.pick(&["exit", "loop", "sleep", "call", "threads", "crash"]);
        let process: Process = child(&[role]).start().expect("a process");
        if role == "exit" {
            assert_eq!(process.wait().expect("its end"), End::Exited(3));
            return;
        }
        if role == "crash" {
            // By the signal, when a busy machine left it no time to tell what happened.
            let end = process.wait().expect("its end");
            assert!(matches!(end, End::Exception { .. } | End::Signaled(11)), "{end:?}");
            return;
        }
        thread::sleep(Duration::from_micros(random.below(20_000) as u64));
        process.kill().expect("the right to kill");
        assert_eq!(process.wait().expect("its end"), End::Signaled(9));
    }

    fn as_child(role: &str) {
        match role {
            "exit" => std::process::exit(3),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "sleep" => thread::sleep(Duration::from_secs(1000)),
            // SAFETY: none: this must end the child.
            "crash" => unsafe { (8 as *mut u8).write_volatile(1) },
            "call" => loop {
                let mut bytes = [1; 5000];
                let _ = fs::File::open("/scheme/zero").and_then(|mut zero| zero.read_exact(&mut bytes));
                let _ = fs::metadata("/tmp");
            },
            _ => {
                for _ in 0..4 {
                    thread::spawn(|| {
                        loop {
                            let _ = fs::metadata("/tmp");
                        }
                    });
                }
                loop {
                    thread::park();
                }
            }
        }
    }
}
