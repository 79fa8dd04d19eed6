//! Random calls: numbers, descriptors, flags, pointers and lengths. The kernel must answer each, stay alive, and have everything
//! back in the end. Arguments: the number of calls (default a million), and the seed.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use libredox::Fd;
    use ochre_abi::proc::{ANONYMOUS, ThreadVerb};
    use ochre_abi::{UPPER, USER_END};
    use ochre_guest::{Accounts, Pipe, Random, quiet_child, raw, role};
    use ochre_spawn::{End, Spawn};
    use syscall::flag::{CallFlags, MapFlags};
    use syscall::number::*;
    use syscall::{Event, EventFlags, Map};

    /// Calls that one child makes.
    const BATCH: u64 = 10_000;
    /// Status of a child that made all of them.
    const DONE: u8 = 77;
    /// Longest time for a batch.
    const PATIENCE: Duration = Duration::from_secs(60);
    /// Bytes of memory that calls may do anything to.
    const PLAYGROUND: usize = 64 * 4096;

    const NUMBERS: [usize; 28] = [
        SYS_CLOSE,
        SYS_DUP_INTO,
        SYS_DUP2,
        SYS_READ,
        SYS_READ2,
        SYS_WRITE,
        SYS_WRITE2,
        SYS_LSEEK,
        SYS_FCHOWN,
        SYS_FCNTL,
        SYS_FEVENT,
        SYS_CALL,
        SYS_FMAP,
        SYS_FUNMAP,
        SYS_MREMAP,
        SYS_FLINK,
        SYS_FPATH,
        SYS_FRENAME,
        SYS_FSTAT,
        SYS_FSYNC,
        SYS_CLOCK_GETTIME,
        SYS_FUTEX,
        SYS_MPROTECT,
        SYS_NANOSLEEP,
        SYS_YIELD,
        SYS_OPENAT_INTO,
        SYS_OPENAT_INTO2,
        SYS_UNLINKAT,
    ];

    pub fn main() {
        match role() {
            Some(words) => worker(words[0].parse().expect("a seed")),
            None => test(),
        }
    }

    fn test() {
        let mut args = std::env::args().skip(1);
        let calls: u64 = args.next().map_or(1_000_000, |text| text.parse().expect("a number of calls"));
        let seed: u64 = args.next().map_or(1, |text| text.parse().expect("a seed"));
        // What the kernel keeps for next time is there after a few.
        let (mut made, mut next) = (0, seed);
        while made < 5 * BATCH {
            made += batch(&mut next);
        }
        let before = Accounts::now();
        let start = Instant::now();
        let mut cut = 0;
        made = 0;
        while made < calls {
            match batch(&mut next) {
                0 => cut += 1,
                count => made += count,
            }
            // Most batches end well: a child can only end itself by a message to its own handle.
            assert!(cut < 1000 + made / BATCH * 10, "too many batches were cut short: {cut}, {made} calls made");
        }
        println!("{made} calls in whole batches, {cut} batches cut short, {:?}", start.elapsed());
        // What five daemons keep of a million calls; a leak of one in ten thousand calls would be more.
        before.assert_returned(64, 64 << 10);
        std::process::exit(0);
    }

    /// One child; answers how many calls it made for certain.
    fn batch(seed: &mut u64) -> u64 {
        *seed += 1;
        let (spawn, opened) = worker_process(*seed);
        let process = spawn.start().expect("a child");
        drop(opened);
        let start = Instant::now();
        loop {
            match process.end().expect("its status") {
                Some(End::Exited(DONE)) => return BATCH,
                Some(_) => return 0,
                None if start.elapsed() > PATIENCE => {
                    let table = std::fs::read_to_string("/scheme/sys/context").unwrap_or_default();
                    println!("{table}");
                    panic!("seed {seed}: the child hangs");
                }
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Schemes of which a worker has something open; no console, which it would fill with nonsense.
    const OPEN: [&str; 12] = [
        "/scheme/null",
        "/scheme/null",
        "/scheme/null",
        "/scheme/zero",
        "/scheme/rand",
        "/scheme/event",
        "/scheme/event",
        "/scheme/pipe",
        "/scheme/sys/uname",
        "/scheme/memory",
        "/scheme/time/4",
        "/tmp",
    ];

    /// The worker, and what must stay open until it is started.
    fn worker_process(seed: u64) -> (Spawn<'static>, Vec<Fd>) {
        let mut spawn = quiet_child(&[&seed.to_string()]);
        let mut opened = Vec::new();
        for path in OPEN {
            let flags = if path == "/tmp" { libredox::flag::O_RDONLY } else { libredox::flag::O_RDWR };
            opened.push(
                Fd::open(path, flags | libredox::flag::O_CLOEXEC, 0).unwrap_or_else(|error| panic!("{path}: {error}")),
            );
        }
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        opened.extend([read, write]);
        for (number, fd) in opened.iter().enumerate() {
            spawn = spawn.inherit(fd.raw(), number);
        }
        (spawn, opened)
    }

    static MADE: AtomicU64 = AtomicU64::new(0);
    static ENDED: AtomicBool = AtomicBool::new(false);

    /// Makes the calls in a thread of its own, and interrupts those that wait too long.
    fn worker(seed: u64) {
        let (send, receive) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let me = libredox::call::open("/scheme/kernel.proc/self", libredox::flag::O_RDWR, 0)
                .expect("a handle of this thread");
            send.send(me).expect("the other thread");
            fuzz(seed);
            ENDED.store(true, Ordering::SeqCst);
        });
        let handle = receive.recv().expect("the handle");
        let mut last = 0;
        while !ENDED.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(2));
            let made = MADE.load(Ordering::SeqCst);
            if made == last {
                // The handle may have been closed by a random call: then the parent ends this batch.
                let verb = [ThreadVerb::Interrupt as u64];
                if libredox::call::call_wo(handle, &[], CallFlags::empty(), &verb).is_err() {
                    std::process::exit(1);
                }
            }
            last = made;
        }
        std::process::exit(DONE.into());
    }

    fn fuzz(seed: u64) {
        let mut random = Random::new(seed);
        let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE;
        let map = Map { offset: 0, size: PLAYGROUND, flags, address: 0 };
        // SAFETY: a fresh mapping.
        let playground = unsafe { syscall::fmap(ANONYMOUS, &map) }.expect("memory");
        for _ in 0..BATCH {
            if random.one_in(16) {
                refill(&mut random, playground);
            }
            let (number, args) = choose(&mut random, playground);
            // SAFETY: none: this process is here to be damaged; its parent is not.
            unsafe { raw::call(number, args) };
            MADE.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts something that calls can read at the beginning of the playground, if that is still there.
    fn refill(random: &mut Random, playground: usize) {
        let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE | MapFlags::MAP_FIXED;
        let map = Map { offset: 0, size: 4096, flags, address: playground };
        // SAFETY: nothing of ours lies there.
        if unsafe { syscall::fmap(ANONYMOUS, &map) }.is_err() {
            return;
        }
        let words: [usize; 8] = std::array::from_fn(|_| value(random, playground));
        let event = Event { id: random.below(16), flags: EventFlags::EVENT_READ, data: 1 };
        // SAFETY: the page was just mapped.
        unsafe {
            match random.below(3) {
                0 => (playground as *mut [usize; 8]).write(words),
                1 => (playground as *mut Event).write(event),
                _ => (playground as *mut [u8; 24]).write(*b"addrspace\0\0\0\0\0\0\0selfthre"),
            }
        }
    }

    fn choose(random: &mut Random, playground: usize) -> (usize, [usize; 5]) {
        let number = match random.below(20) {
            0 => random.word() as usize,
            1 => random.below(2000),
            2 => random.pick(&NUMBERS) ^ 1 << random.below(32),
            _ => random.pick(&NUMBERS),
        };
        let mut args: [usize; 5] = std::array::from_fn(|_| value(random, playground));
        args[0] = if random.one_in(8) { args[0] } else { descriptor(random) };
        match number {
            SYS_FUNMAP | SYS_MPROTECT | SYS_MREMAP => args[0] = value(random, playground),
            SYS_NANOSLEEP | SYS_CLOCK_GETTIME => args[0] = if random.one_in(2) { random.below(8) } else { args[1] },
            SYS_FUTEX => {
                args[0] = playground + random.below(PLAYGROUND) / 4 * 4;
                args[1] = random.below(6);
            }
            // Verbs: small numbers, in the metadata.
            SYS_CALL => args[3] = random.below(8) | (random.word() as usize & 0xff_0000),
            _ => {}
        }
        // A process without a handle of itself cannot even end well; once in a while that must be survived too.
        if matches!(number, SYS_CLOSE | SYS_DUP2) && args[0] >= UPPER && !random.one_in(100) {
            args[0] = random.below(24);
        }
        // Not to be unmapped: the code and the stacks. A process that does that ends, which is not what is tested here.
        if matches!(number, SYS_FUNMAP | SYS_MPROTECT | SYS_MREMAP | SYS_FMAP) && !random.one_in(500) {
            args[0] = if number == SYS_FMAP { random.pick(&[ANONYMOUS, 0, 5]) } else { inside(random, playground) };
            args[1] = if number == SYS_FMAP { playground } else { random.below(PLAYGROUND) };
            args[2] = if number == SYS_MREMAP { inside(random, playground) } else { args[2] };
        }
        (number, args)
    }

    fn inside(random: &mut Random, playground: usize) -> usize {
        playground + random.below(PLAYGROUND / 4096) * 4096
    }

    fn descriptor(random: &mut Random) -> usize {
        match random.below(10) {
            0..5 => random.below(24),
            5..7 => UPPER | random.below(0x60),
            7 => UPPER | random.below(8),
            8 => usize::MAX - random.below(4),
            _ => random.word() as usize,
        }
    }

    fn value(random: &mut Random, playground: usize) -> usize {
        match random.below(16) {
            0 => 0,
            1 => random.below(64),
            2 => random.below(10_000),
            3 => 1 << random.below(64),
            4 => usize::MAX - random.below(4096),
            5 => random.word() as usize,
            6 => USER_END - random.below(8192),
            7 => 0xffff_8000_0000_0000 + random.below(1 << 30),
            8 => 0xffff_ffff_8000_0000 + random.below(1 << 22),
            9 => 0x6666_0000_0000 + random.below(1 << 20),
            10 => playground + PLAYGROUND - random.below(64),
            11 => MapFlags::all().bits() & random.word() as usize,
            _ => playground + random.below(4096) / 8 * 8,
        }
    }
}
