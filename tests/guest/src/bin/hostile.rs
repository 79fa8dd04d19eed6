//! A daemon that answers at random, clients that ask it at random, and an end at any moment: whatever the daemon does, its clients
//! get an answer or an error, nobody else notices, and the kernel has everything back. Arguments: rounds (default 100), seed.

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

    use libredox::{Fd, call};
    use ochre_abi::proc::{ANONYMOUS, ThreadVerb};
    use ochre_guest::{Accounts, Pipe, Random, child, raw, role};
    use ochre_spawn::{End, Process};
    use redox_scheme::Socket;
    use syscall::flag::{CallFlags, MapFlags};
    use syscall::number::*;
    use syscall::schemev2::{Cqe, Opcode, Sqe, SqeFlags};
    use syscall::{ENODEV, Map};

    /// Where a child finds its descriptors.
    const ROOT: usize = 5;
    const NOTICE: usize = 6;
    const CLIENTS: usize = 3;
    /// Longest time for a client to notice that the daemon is gone.
    const PATIENCE: Duration = Duration::from_secs(20);
    /// Bytes of a client's buffers.
    const BUFFER: usize = 256 << 10;

    pub fn main() {
        if let Some(words) = role() {
            let seed = words[1].parse().expect("a seed");
            match words[0].as_str() {
                "daemon" => daemon(seed),
                _ => client(seed),
            }
            return;
        }
        let mut args = std::env::args().skip(1);
        let rounds: u64 = args.next().map_or(100, |text| text.parse().expect("rounds"));
        let seed: u64 = args.next().map_or(1, |text| text.parse().expect("a seed"));
        for number in 0..10 {
            round(seed + number);
        }
        let before = Accounts::now();
        for number in 0..rounds {
            round(seed + 100 + number);
        }
        before.assert_returned(64, 64 << 10);
        println!("{rounds} hostile daemons");
        std::process::exit(0);
    }

    /// One daemon and its clients; the daemon is killed after a while, if it does not end by itself.
    fn round(seed: u64) {
        let mut random = Random::new(seed);
        let pipe = Pipe::new().expect("a pipe");
        let daemon = child(&["daemon", &seed.to_string()]).inherit(pipe.write.raw(), NOTICE).start().expect("a daemon");
        drop(pipe.write);
        let mut fds = [usize::MAX];
        // SAFETY: the bytes of a number.
        let payload = unsafe { std::slice::from_raw_parts_mut(fds.as_mut_ptr().cast(), size_of_val(&fds)) };
        call::call_ro(pipe.read.raw(), payload, CallFlags::FD, &[]).expect("the daemon's root");
        let root = Fd::new(fds[0]);
        let clients: Vec<Process> = (0..CLIENTS)
            .map(|index| {
                let seed = seed * 10 + index as u64;
                child(&["client", &seed.to_string()]).inherit(root.raw(), ROOT).start().expect("a client")
            })
            .collect();
        thread::sleep(Duration::from_millis(random.below(200) as u64));
        daemon.kill().expect("the right to kill");
        let end = daemon.wait().expect("its end");
        // It may have damaged itself before.
        assert!(!matches!(end, End::Exited(status) if status != 0), "the daemon {end}");
        for (index, client) in clients.into_iter().enumerate() {
            let start = Instant::now();
            let end = loop {
                match client.end().expect("its status") {
                    Some(end) => break end,
                    None if start.elapsed() > PATIENCE => {
                        println!("{}", std::fs::read_to_string("/scheme/sys/context").unwrap_or_default());
                        panic!("seed {seed}: client {index} hangs");
                    }
                    None => thread::sleep(Duration::from_millis(1)),
                }
            };
            assert_eq!(end, End::Exited(0), "seed {seed}: client {index}");
        }
    }

    /// Makes a scheme, hands its root to the parent, and answers nonsense.
    fn daemon(seed: u64) {
        let mut random = Random::new(seed);
        let socket = Socket::create().expect("a socket");
        let root = socket.create_this_scheme_fd(0, 1, 0, 0).expect("a root");
        let mut fds = [root];
        // SAFETY: the bytes of a number.
        let payload = unsafe { std::slice::from_raw_parts_mut(fds.as_mut_ptr().cast(), size_of_val(&fds)) };
        call::call_wo(NOTICE, payload, CallFlags::FD, &[]).expect("the parent");
        let _ = call::close(NOTICE);
        let fd = socket.inner().raw();
        let mut known: Vec<u32> = Vec::new();
        loop {
            let mut requests = [Sqe::default(); 8];
            let wanted = 1 + random.below(8);
            // SAFETY: the requests are ours to be written.
            let got =
                unsafe { raw::call(SYS_READ, [fd, requests.as_mut_ptr() as usize, wanted * size_of::<Sqe>(), 0, 0]) };
            if raw::error(got).is_some() || got == 0 {
                return;
            }
            for request in &requests[..got / size_of::<Sqe>()] {
                if !request.sqe_flags.contains(SqeFlags::ONEWAY) {
                    known.push(request.tag);
                }
                use_buffer(&mut random, request);
            }
            for _ in 0..random.below(12) {
                answer(&mut random, fd, &mut known);
            }
            // Now and then answers are kept until more has come together.
            while known.len() > random.below(CLIENTS) + 1 || (!known.is_empty() && random.one_in(2)) {
                answer(&mut random, fd, &mut known);
            }
        }
    }

    /// Reads and writes what the client lends, as far as it goes.
    fn use_buffer(random: &mut Random, request: &Sqe) {
        let lent = [Opcode::Read as u8, Opcode::Write as u8, Opcode::Fstat as u8, Opcode::Call as u8];
        let (address, len) = (request.args[1] as usize, request.args[2] as usize);
        if !lent.contains(&request.opcode) || len == 0 || len > BUFFER || random.one_in(3) {
            return;
        }
        for at in [0, len / 2, len - 1] {
            let place = (address + at) as *mut u8;
            // SAFETY: the kernel lends this much until the answer.
            unsafe {
                if request.opcode == Opcode::Write as u8 {
                    place.read_volatile()
                } else {
                    place.write_volatile(7);
                    0
                };
            }
        }
    }

    fn answer(random: &mut Random, socket: usize, known: &mut Vec<u32>) {
        let tag = match random.below(8) {
            0 => random.word() as u32,
            1 => random.below(64) as u32,
            2 if !known.is_empty() => known[random.below(known.len())],
            _ if !known.is_empty() => known.swap_remove(random.below(known.len())),
            _ => random.below(4) as u32,
        };
        let result = match random.below(10) {
            0..4 => 0,
            4 => random.below(BUFFER) as u64,
            5 => random.below(64) as u64,
            6 => (random.below(200) as u64).wrapping_neg(),
            7 => random.word(),
            8 => u64::MAX - random.below(10_000) as u64,
            _ => 1 << random.below(64),
        };
        let word = random.word();
        let cqe = Cqe {
            flags: if random.one_in(6) { word as u8 } else { random.below(6) as u8 },
            extra_raw: [(word >> 8) as u8 & 3, (word >> 16) as u8 & 3, (word >> 24) as u8 & 3],
            tag,
            result,
        };
        let bytes = [cqe, cqe];
        let len = if random.one_in(20) { random.below(40) } else { size_of::<Cqe>() };
        // SAFETY: the kernel only reads.
        unsafe { raw::call(SYS_WRITE, [socket, bytes.as_ptr() as usize, len, 0, 0]) };
    }

    static MADE: AtomicU64 = AtomicU64::new(0);
    static ENDED: AtomicBool = AtomicBool::new(false);

    /// Asks at random until the scheme is gone. A call that waits long is interrupted.
    fn client(seed: u64) {
        let (send, receive) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let me =
                call::open("/scheme/kernel.proc/self", libredox::flag::O_RDWR, 0).expect("a handle of this thread");
            send.send(me).expect("the other thread");
            ask(seed);
            ENDED.store(true, Ordering::SeqCst);
        });
        let handle = receive.recv().expect("the handle");
        let mut last = 0;
        while !ENDED.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(3));
            let made = MADE.load(Ordering::SeqCst);
            if made == last {
                let sent = call::call_wo(handle, &[], CallFlags::empty(), &[ThreadVerb::Interrupt as u64]);
                assert!(sent.is_ok() || ENDED.load(Ordering::SeqCst), "the right to interrupt: {sent:?}");
            }
            last = made;
        }
        std::process::exit(0);
    }

    fn ask(seed: u64) {
        let mut random = Random::new(seed);
        let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE;
        let map = Map { offset: 0, size: BUFFER, flags, address: 0 };
        // SAFETY: a fresh mapping, used for buffers only.
        let buffer = unsafe { syscall::fmap(ANONYMOUS, &map) }.expect("memory");
        let mut gone = 0;
        while gone < 20 {
            let answer = request(&mut random, buffer);
            MADE.fetch_add(1, Ordering::Relaxed);
            // A dead scheme answers so at once; a living one may of course claim to be dead.
            gone = if raw::error(answer) == Some(ENODEV) { gone + 1 } else { 0 };
        }
    }

    /// Descriptors the client opens are at these numbers.
    const OPENED: usize = 40;

    fn request(random: &mut Random, buffer: usize) -> usize {
        let fd = if random.one_in(2) { ROOT } else { OPENED + random.below(4) };
        let fd = if call::fcntl(fd, syscall::F_GETFD, 0).is_ok() { fd } else { ROOT };
        let len = random.pick(&[0, 1, 100, 4096, 4097, 10_000, 16_384, 70_000, BUFFER / 2]);
        let at = buffer + random.pick(&[0, 0, 1, 4095, 4096, 5000]);
        let slot = OPENED + random.below(4);
        let metadata = [random.below(34) as u64, random.word(), random.word()];
        let words = metadata.as_ptr() as usize;
        let call_flags = |flags: CallFlags| flags.bits() | metadata.len();
        // SAFETY: buffers and metadata are ours, and live through the call.
        unsafe {
            match random.below(16) {
                0 => raw::call(SYS_OPENAT_INTO2, [fd, at, len.min(100), 0, slot]),
                1 => raw::call(SYS_CLOSE, [OPENED + random.below(4), 0, 0, 0, 0]),
                2..5 => raw::call(SYS_READ, [fd, at, len, 0, 0]),
                5..7 => raw::call(SYS_WRITE, [fd, at, len, 0, 0]),
                7 => raw::call(SYS_FSTAT, [fd, at, size_of::<syscall::Stat>(), 0, 0]),
                8 => raw::call(SYS_DUP_INTO, [fd, at, len.min(64), slot, 0]),
                9 => raw::call(SYS_CALL, [fd, at, len, call_flags(CallFlags::READ | CallFlags::WRITE), words]),
                10 => raw::call(SYS_CALL, [fd, at, len, call_flags(CallFlags::STD_FS | CallFlags::READ), words]),
                11 => {
                    send_descriptor(fd, at, call_flags(CallFlags::WRITE | CallFlags::FD | CallFlags::FD_CLONE), words)
                }
                12 => receive_descriptor(fd, at, call_flags(CallFlags::READ | CallFlags::FD), words),
                13 => map(random, fd, len),
                14 => raw::call(SYS_FPATH, [fd, at, len.min(4096), 0, 0]),
                _ => raw::call(SYS_FCNTL, [fd, syscall::F_SETFL, random.below(2) * syscall::O_NONBLOCK, 0, 0]),
            }
        }
    }

    /// # Safety
    /// `at` is memory of ours.
    unsafe fn send_descriptor(fd: usize, at: usize, flags: usize, words: usize) -> usize {
        let at = at & !7;
        // SAFETY: as this function demands.
        unsafe {
            (at as *mut usize).write(ROOT);
            raw::call(SYS_CALL, [fd, at, 8, flags, words])
        }
    }

    /// # Safety
    /// `at` is memory of ours.
    unsafe fn receive_descriptor(fd: usize, at: usize, flags: usize, words: usize) -> usize {
        let at = at & !7;
        // SAFETY: as this function demands; what comes is closed again, libc never heard of it.
        unsafe {
            (at as *mut usize).write(usize::MAX);
            let answer = raw::call(SYS_CALL, [fd, at, 8, flags, words]);
            if raw::error(answer).is_none() {
                raw::call(SYS_CLOSE, [(at as *const usize).read(), 0, 0, 0, 0]);
            }
            answer
        }
    }

    /// # Safety
    /// None is needed: the kernel chooses the address.
    unsafe fn map(random: &mut Random, fd: usize, len: usize) -> usize {
        let kind = random.pick(&[MapFlags::MAP_SHARED, MapFlags::MAP_PRIVATE]);
        let map = Map { offset: 0, size: len, flags: MapFlags::PROT_READ | kind, address: 0 };
        // SAFETY: what was mapped is not used, and unmapped.
        unsafe {
            let answer = raw::call(SYS_FMAP, [fd, &raw const map as usize, size_of::<Map>(), 0, 0]);
            if raw::error(answer).is_none() {
                raw::call(SYS_FUNMAP, [answer, len, 0, 0, 0]);
            }
            answer
        }
    }
}
