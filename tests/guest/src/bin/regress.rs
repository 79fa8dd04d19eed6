//! What once went wrong in the kernel's pipes, event queues, futexes and descriptor tables, each provoked again.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::collections::HashMap;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use libredox::flag::O_CLOEXEC;
    use libredox::{Fd, call};
    use ochre_abi::memory::GIVE_BACK;
    use ochre_abi::proc::{FileTableVerb, ThreadVerb};
    use ochre_guest::{Accounts, Pipe, child, raw, role, run};
    use ochre_spawn::End;
    use redox_scheme::Socket;
    use syscall::flag::{CallFlags, EventFlags};
    use syscall::number::*;
    use syscall::schemev2::{Cqe, CqeOpcode, Sqe, SqeFlags};
    use syscall::{
        EAGAIN, EBUSY, EINVAL, ELOOP, EMFILE, ENAMETOOLONG, ENOENT, EROFS, ETIMEDOUT, Event, FUTEX_REQUEUE, FUTEX_WAIT,
        FUTEX_WAKE, O_NONBLOCK, O_RDWR, TimeSpec,
    };

    /// Long enough for a thread to have gone to sleep.
    const MOMENT: Duration = Duration::from_millis(30);
    /// Longest time for what must happen.
    const PATIENCE: Duration = Duration::from_secs(20);

    pub fn main() {
        match role().as_deref().and_then(|words| words.first()).map(String::as_str) {
            None => {}
            Some("half-made") => return half_made(),
            Some("full") => return full(),
            Some("sleeps") => return thread::sleep(Duration::from_secs(600)),
            Some(other) => panic!("no role {other}"),
        }
        run(&[
            ("requeue onto the same word", requeue_same),
            ("requeue keeps the order", requeue_order),
            ("a deadline ends a sleep that was moved", requeue_deadline),
            ("many sleep and wake", many_sleepers),
            ("a long chain of event queues", event_chain),
            ("event queues in a circle", event_circle),
            ("what is closed raises no events", event_closed),
            ("two descriptions of one number", event_number),
            ("a subscription that fails is none", event_failed),
            ("a write of a page is one piece", pipe_pieces),
            ("every reader is woken", pipe_readers),
            ("every writer is woken", pipe_writers),
            ("bytes are not for those who wait for descriptors", pipe_receivers),
            ("pipes in pipes", pipe_nesting),
            ("the ends of a pipe say what they are for", pipe_modes),
            ("what std keeps open is not in the way", std_descriptor),
            ("sockets stay where they are", socket_nesting),
            ("tables in tables", table_nesting),
            ("a half-made process goes with its maker", leaks),
            ("a full table", full_table),
            ("answers are cut to the buffer", short_buffers),
            ("verbs that do not exist", verbs),
            ("the archive's memory stays with whom it belongs to", archive),
        ]);
    }

    /// What of the initfs is not given back: what the kernel needs, what there is not, and nothing for anybody but user 0.
    fn archive() {
        let archive = Fd::open("/scheme/memory/initfs", O_CLOEXEC, 0).expect("the archive");
        let ask = |verb: u64, path: &str| errno(archive.call_wo(path.as_bytes(), CallFlags::empty(), &[verb]));
        assert_eq!(ask(GIVE_BACK, "kernel.sym"), Err(EBUSY));
        assert_eq!(ask(GIVE_BACK, "no/such/file"), Err(ENOENT));
        assert_eq!(ask(GIVE_BACK, "bin"), Err(ENOENT));
        assert_eq!(ask(GIVE_BACK, &"x".repeat(1000)), Err(ENAMETOOLONG));
        assert_eq!(ask(GIVE_BACK + 1, "kernel.sym"), Err(EINVAL));
        // Nobody but user 0 removes the file that may be removed, and nobody any other.
        for path in ["bin/regress", "kernel.sym"] {
            let removed = std::fs::remove_file(format!("/scheme/initfs/{path}"));
            assert_eq!(removed.map_err(|error| error.raw_os_error()), Err(Some(EROFS)));
        }
    }

    fn futex(word: &AtomicU32, operation: usize, value: usize, second: usize, target: usize) -> Result<usize, i32> {
        let address = word as *const AtomicU32 as usize;
        // SAFETY: the words live through the call; nothing is written.
        demux(unsafe { raw::call(SYS_FUTEX, [address, operation, value, second, target]) })
    }

    fn demux(answer: usize) -> Result<usize, i32> {
        raw::error(answer).map_or(Ok(answer), Err)
    }

    fn errno<T>(result: libredox::error::Result<T>) -> Result<T, i32> {
        result.map_err(|error| error.errno())
    }

    fn address(word: &AtomicU32) -> usize {
        word as *const AtomicU32 as usize
    }

    /// Waits until `done` says so.
    #[track_caller]
    fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < PATIENCE, "{what} does not come");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Threads that sleep on a word one after the other and note in what order they were woken.
    fn sleepers(word: &Arc<AtomicU32>, count: usize) -> (Arc<[AtomicUsize]>, Arc<AtomicUsize>) {
        let order: Arc<[AtomicUsize]> = (0..count).map(|_| AtomicUsize::new(usize::MAX)).collect();
        let woken = Arc::new(AtomicUsize::new(0));
        for index in 0..count {
            let (word, order, woken) = (word.clone(), order.clone(), woken.clone());
            thread::spawn(move || {
                assert_eq!(futex(&word, FUTEX_WAIT, 0, 0, 0), Ok(0));
                order[woken.fetch_add(1, Ordering::SeqCst)].store(index, Ordering::SeqCst);
            });
            thread::sleep(MOMENT);
        }
        (order, woken)
    }

    fn requeue_same() {
        let word = Arc::new(AtomicU32::new(0));
        let (_, woken) = sleepers(&word, 2);
        assert_eq!(futex(&word, FUTEX_REQUEUE, 0, usize::MAX, address(&word)), Ok(0));
        assert_eq!(futex(&word, FUTEX_REQUEUE, 1, usize::MAX, address(&word)), Ok(1));
        assert_eq!(futex(&word, FUTEX_WAKE, 5, 0, 0), Ok(1));
        wait_for("the end of both", || woken.load(Ordering::SeqCst) == 2);
    }

    fn requeue_order() {
        let (word, other) = (Arc::new(AtomicU32::new(0)), AtomicU32::new(0));
        let (order, woken) = sleepers(&word, 5);
        // The first is woken, the second and third are moved, the others stay.
        assert_eq!(futex(&word, FUTEX_REQUEUE, 1, 2, address(&other)), Ok(1));
        for (number, from) in [&other, &word, &other, &*word].into_iter().enumerate() {
            wait_for("the one before", || woken.load(Ordering::SeqCst) == number + 1);
            assert_eq!(futex(from, FUTEX_WAKE, 1, 0, 0), Ok(1));
        }
        wait_for("the last", || woken.load(Ordering::SeqCst) == 5);
        let order: Vec<usize> = order.iter().map(|index| index.load(Ordering::SeqCst)).collect();
        assert_eq!(order, [0, 1, 3, 2, 4]);
        assert_eq!(futex(&other, FUTEX_WAKE, 9, 0, 0), Ok(0));
    }

    fn requeue_deadline() {
        let (word, other) = (Arc::new(AtomicU32::new(0)), AtomicU32::new(0));
        let now = call::clock_gettime(libredox::flag::CLOCK_MONOTONIC).expect("the time");
        let until = TimeSpec { tv_sec: now.tv_sec + 1, tv_nsec: now.tv_nsec as i32 };
        let sleeper = {
            let word = word.clone();
            thread::spawn(move || futex(&word, FUTEX_WAIT, 0, &raw const until as usize, 0))
        };
        thread::sleep(MOMENT);
        assert_eq!(futex(&word, FUTEX_REQUEUE, 0, 9, address(&other)), Ok(0));
        assert_eq!(sleeper.join().expect("a sleeper"), Err(ETIMEDOUT));
        assert_eq!(futex(&other, FUTEX_WAKE, 9, 0, 0), Ok(0));
    }

    fn many_sleepers() {
        const THREADS: usize = 64;
        let words: Arc<[AtomicU32; 2]> = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let (done, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for index in 0..THREADS {
            let (words, done, stop) = (words.clone(), done.clone(), stop.clone());
            thread::spawn(move || {
                while stop.load(Ordering::SeqCst) == 0 {
                    let now = call::clock_gettime(libredox::flag::CLOCK_MONOTONIC).expect("the time");
                    let nanos = now.tv_nsec as i64 + 1_000_000 * (index as i64 % 7);
                    let (more, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
                    let until = TimeSpec { tv_sec: now.tv_sec + more, tv_nsec: rest as i32 };
                    // Woken, too late, or interrupted: all that matters is that it comes back.
                    let _ = futex(&words[index % 2], FUTEX_WAIT, 0, &raw const until as usize, 0);
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(1500) {
            for (from, to) in [(0, 1), (1, 0)] {
                assert!(futex(&words[from], FUTEX_REQUEUE, 1, 5, address(&words[to])).is_ok());
            }
        }
        stop.store(1, Ordering::SeqCst);
        wait_for("every thread", || {
            let _ = futex(&words[0], FUTEX_WAKE, THREADS, 0, 0);
            let _ = futex(&words[1], FUTEX_WAKE, THREADS, 0, 0);
            done.load(Ordering::SeqCst) == THREADS
        });
        assert_eq!(futex(&words[0], FUTEX_WAKE, THREADS, 0, 0), Ok(0));
    }

    fn queue() -> Fd {
        Fd::open("/scheme/event", (O_RDWR | O_NONBLOCK) as i32 | O_CLOEXEC, 0).expect("an event queue")
    }

    fn watch(queue: &Fd, fd: usize, data: usize) -> Result<usize, i32> {
        errno(queue.write(&Event { id: fd, flags: EventFlags::EVENT_READ, data }))
    }

    fn next(queue: &Fd) -> Result<(usize, usize), i32> {
        let mut event = Event::default();
        errno(queue.read(&mut event)).map(|_| (event.id, event.data))
    }

    fn event_chain() {
        const LENGTH: usize = 3000;
        let pipe = Pipe::new().expect("a pipe");
        let queues: Vec<Fd> = (0..LENGTH).map(|_| queue()).collect();
        assert!(watch(&queues[0], pipe.read.raw(), 0).is_ok());
        for (index, pair) in queues.windows(2).enumerate() {
            assert!(watch(&pair[1], pair[0].raw(), index + 1).is_ok());
        }
        assert_eq!(next(&queues[LENGTH - 1]), Err(EAGAIN));
        pipe.write.write(b"x").expect("room");
        for index in (1..LENGTH).rev() {
            assert_eq!(next(&queues[index]), Ok((queues[index - 1].raw(), index)));
        }
        assert_eq!(next(&queues[0]), Ok((pipe.read.raw(), 0)));
    }

    fn event_circle() {
        let pipe = Pipe::new().expect("a pipe");
        let (one, two) = (queue(), queue());
        assert!(watch(&one, two.raw(), 2).is_ok());
        assert!(watch(&two, one.raw(), 1).is_ok());
        assert!(watch(&one, one.raw(), 3).is_ok());
        assert!(watch(&one, pipe.read.raw(), 4).is_ok());
        pipe.write.write(b"x").expect("room");
        let mut found: Vec<usize> = std::iter::from_fn(|| next(&one).ok().map(|(_, data)| data)).take(8).collect();
        found.sort_unstable();
        assert!(found.contains(&4) && found.contains(&2), "{found:?}");
        assert_eq!(next(&two).map(|(_, data)| data), Ok(1));
    }

    fn event_closed() {
        let process = child(&["sleeps"]).start().expect("a child");
        let queue = queue();
        let closed = call::dup(process.descriptor(), b"plain").expect("another handle");
        assert!(watch(&queue, closed, 1).is_ok());
        assert!(watch(&queue, process.descriptor(), 2).is_ok());
        call::close(closed).expect("closed");
        process.kill().expect("the right to kill");
        assert!(matches!(process.wait(), Ok(End::Signaled(9))));
        assert_eq!(next(&queue), Ok((process.descriptor(), 2)));
        assert_eq!(next(&queue), Err(EAGAIN));
    }

    /// A scheme of one thread that answers every request with 0 until the program ends.
    struct Zeros {
        socket: Arc<Socket>,
    }

    impl Zeros {
        fn start() -> Self {
            let socket = Arc::new(Socket::create().expect("a socket"));
            let own = socket.clone();
            thread::spawn(move || {
                let fd = own.inner().raw();
                loop {
                    let mut request = Sqe::default();
                    let len = size_of::<Sqe>();
                    // SAFETY: the request is ours to be written.
                    let got = unsafe { raw::call(SYS_READ, [fd, &raw mut request as usize, len, 0, 0]) };
                    if raw::error(got).is_some() {
                        return;
                    }
                    if !request.sqe_flags.contains(SqeFlags::ONEWAY) {
                        answer(fd, CqeOpcode::RespondRegular, request.tag, 0).expect("an answer");
                    }
                }
            });
            Zeros { socket }
        }

        fn open(&self, number: usize) -> Fd {
            Fd::new(self.socket.create_this_scheme_fd(0, number, 0, 0).expect("a descriptor"))
        }

        fn raise(&self, number: usize) {
            let flags = EventFlags::EVENT_READ.bits() as u32;
            answer(self.socket.inner().raw(), CqeOpcode::SendFevent, flags, number as u64).expect("an event");
        }
    }

    fn answer(fd: usize, kind: CqeOpcode, tag: u32, result: u64) -> Result<usize, i32> {
        let cqe = Cqe { flags: kind as u8, extra_raw: [0; 3], tag, result };
        // SAFETY: only read.
        demux(unsafe { raw::call(SYS_WRITE, [fd, &raw const cqe as usize, size_of::<Cqe>(), 0, 0]) })
    }

    fn event_number() {
        let (zeros, queue) = (Zeros::start(), queue());
        let (first, second) = (zeros.open(5), zeros.open(5));
        assert!(watch(&queue, first.raw(), 1).is_ok());
        assert!(watch(&queue, second.raw(), 2).is_ok());
        let closed = second.raw();
        drop(second);
        zeros.raise(5);
        assert_eq!(next(&queue), Ok((first.raw(), 1)));
        assert_eq!(next(&queue), Err(EAGAIN), "descriptor {closed} is closed");
        let third = zeros.open(5);
        assert!(watch(&queue, third.raw(), 3).is_ok());
        drop(first);
        zeros.raise(5);
        assert_eq!(next(&queue), Ok((third.raw(), 3)));
        assert_eq!(next(&queue), Err(EAGAIN));
    }

    fn event_failed() {
        let queue = queue();
        let file = Fd::open("/scheme/sys/uname", O_CLOEXEC, 0).expect("a text");
        assert_eq!(watch(&queue, file.raw(), 1), Err(syscall::EPERM));
        assert_eq!(next(&queue), Err(EAGAIN));
        assert_eq!(errno(queue.write(&[0_u8; 8])), Err(EINVAL));
    }

    /// A shell asks before it duplicates.
    fn pipe_modes() {
        let (read, write) = std::io::pipe().expect("a pipe");
        let mode = |fd: i32| call::fcntl(fd as usize, syscall::F_GETFL, 0).expect("flags") & syscall::O_ACCMODE;
        assert_eq!((mode(read.as_raw_fd()), mode(write.as_raw_fd())), (syscall::O_RDONLY, syscall::O_WRONLY));
    }

    /// The seed of the first hash map comes from a file that stays open; the number after the standard ones is the program's.
    fn std_descriptor() {
        let lowest = || File::open("/tmp").expect("a folder").as_raw_fd();
        let before = lowest();
        assert!(HashMap::from([(1, 2)]).contains_key(&1));
        assert_eq!(lowest(), before);
    }

    fn pipe_pieces() {
        const WRITERS: usize = 4;
        const TIMES: usize = 200;
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let write = Arc::new(write);
        for index in 0..WRITERS {
            let write = write.clone();
            thread::spawn(move || {
                let piece = [index as u8; 4096];
                (0..TIMES).for_each(|_| assert_eq!(write.write(&piece).expect("a reader"), piece.len()));
            });
        }
        drop(write);
        let (mut all, mut some) = (Vec::new(), [0; 9000]);
        loop {
            match read.read(&mut some).expect("bytes") {
                0 => break,
                count => all.extend_from_slice(&some[..count]),
            }
        }
        assert_eq!(all.len(), WRITERS * TIMES * 4096);
        assert!(all.chunks(4096).all(|piece| piece.iter().all(|&byte| byte == piece[0])), "writes are mixed");
    }

    fn pipe_readers() {
        const READERS: usize = 8;
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let read = Arc::new(read);
        let (left, ended) = (Arc::new(AtomicUsize::new(READERS)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..READERS {
            let (read, left, ended) = (read.clone(), left.clone(), ended.clone());
            thread::spawn(move || {
                let mut got = 0;
                while got < 50 {
                    match read.read(&mut [0; 10][..(50 - got).min(10)]).expect("bytes") {
                        0 => break,
                        count => got += count,
                    }
                }
                ended.fetch_add(usize::from(got < 50), Ordering::SeqCst);
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        thread::sleep(MOMENT);
        // All at once, and in two ways that a buffer can go from empty to full.
        assert_eq!(write.write(&[1; 50 * READERS / 2]).expect("room"), 50 * READERS / 2);
        thread::sleep(MOMENT);
        for _ in 0..50 * READERS / 2 {
            write.write(&[2]).expect("room");
        }
        wait_for("what each reader waits for", || left.load(Ordering::SeqCst) == 0);
        assert_eq!(ended.load(Ordering::SeqCst), 0, "readers were told of an end that was none");
    }

    fn pipe_writers() {
        const WRITERS: usize = 6;
        const EACH: usize = 300;
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let write = Arc::new(write);
        let left = Arc::new(AtomicUsize::new(WRITERS));
        for index in 0..WRITERS {
            let (write, left) = (write.clone(), left.clone());
            thread::spawn(move || {
                // Small ones, whole pages, and more than fits.
                let len = [100, 4096, 100_000][index % 3];
                let bytes = vec![3; len];
                for _ in 0..EACH * 4096 / len {
                    let mut done = 0;
                    while done < len {
                        done += write.write(&bytes[done..]).expect("a reader");
                    }
                }
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let expected: usize =
            (0..WRITERS).map(|index| [100, 4096, 100_000][index % 3]).map(|l| EACH * 4096 / l * l).sum();
        thread::sleep(MOMENT);
        let (mut got, mut some) = (0, [0; 3000]);
        while got < expected {
            got += read.read(&mut some).expect("bytes");
        }
        wait_for("every writer", || left.load(Ordering::SeqCst) == 0);
    }

    /// Sends a copy of a descriptor.
    fn send(to: &Fd, fd: usize) -> Result<usize, i32> {
        let fds = [fd];
        // SAFETY: the bytes of a number.
        let payload = unsafe { std::slice::from_raw_parts(fds.as_ptr().cast::<u8>(), size_of_val(&fds)) };
        errno(call::call_wo(to.raw(), payload, CallFlags::FD | CallFlags::FD_CLONE, &[]))
    }

    fn receive(from: &Fd) -> Result<usize, i32> {
        let mut fds = [usize::MAX];
        // SAFETY: the bytes of a number.
        let payload = unsafe { std::slice::from_raw_parts_mut(fds.as_mut_ptr().cast::<u8>(), size_of_val(&fds)) };
        errno(call::call_ro(from.raw(), payload, CallFlags::FD, &[])).map(|_| fds[0])
    }

    fn pipe_receivers() {
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let read = Arc::new(read);
        let done = Arc::new(AtomicU64::new(0));
        let receiver = {
            let read = read.clone();
            thread::spawn(move || receive(&read).expect("a descriptor"))
        };
        thread::sleep(MOMENT);
        let (reader, finished) = (read.clone(), done.clone());
        thread::spawn(move || {
            finished.store(1 + reader.read(&mut [0; 4]).expect("bytes") as u64, Ordering::SeqCst);
        });
        thread::sleep(MOMENT);
        write.write(b"x").expect("room");
        wait_for("the byte", || done.load(Ordering::SeqCst) == 2);
        assert_eq!(send(&write, 1), Ok(1));
        call::close(receiver.join().expect("a receiver")).expect("an open descriptor");
    }

    fn pipe_nesting() {
        let round = || {
            let (one, two, three) =
                (Pipe::new().expect("a pipe"), Pipe::new().expect("a pipe"), Pipe::new().expect("a pipe"));
            assert_eq!(send(&one.write, one.read.raw()), Err(ELOOP), "a pipe in itself");
            assert_eq!(send(&one.write, two.read.raw()), Ok(1));
            assert_eq!(send(&two.write, one.read.raw()), Err(ELOOP), "two pipes in each other");
            assert_eq!(send(&two.write, 1), Err(ELOOP), "descriptors in a pipe that went through one");
            assert_eq!(send(&three.write, one.read.raw()), Err(ELOOP), "descriptors in a pipe in a pipe");
            assert_eq!(send(&one.write, one.write.raw()), Ok(1), "a writing end holds nothing");
            two.write.write(b"through").expect("room");
            let received = Fd::new(receive(&one.read).expect("the reading end"));
            let mut bytes = [0; 16];
            assert_eq!(received.read(&mut bytes), Ok(7));
            // What is still inside goes with the reading end.
            assert_eq!(send(&one.write, two.read.raw()), Ok(1));
        };
        round();
        let before = Accounts::now();
        (0..100).for_each(|_| round());
        before.assert_returned(4, 4096);
    }

    fn socket_nesting() {
        let pipe = Pipe::new().expect("a pipe");
        let zeros = Zeros::start();
        let socket = zeros.socket.inner().raw();
        assert_eq!(send(&pipe.write, socket), Err(ELOOP));
        assert_eq!(send(&zeros.open(1), socket), Err(ELOOP));
        assert_eq!(send(&zeros.open(1), pipe.read.raw()), Ok(0));
    }

    fn verb(fd: usize, words: &[u64]) -> Result<usize, i32> {
        errno(call::call_wo(fd, &[], CallFlags::empty(), words))
    }

    fn new_thread() -> Fd {
        Fd::open("/scheme/kernel.proc/thread", O_CLOEXEC, 0).expect("a thread")
    }

    fn dup(fd: &Fd, what: &[u8]) -> Fd {
        Fd::new(fd.dup(what).expect("a related handle"))
    }

    fn insert(table: &Fd, fd: usize, number: u64) -> Result<usize, i32> {
        verb(table.raw(), &[FileTableVerb::Insert as u64, fd as u64, number])
    }

    fn list(table: &Fd) -> Vec<u64> {
        let mut numbers = [0_u64; 512];
        // SAFETY: any bytes are numbers.
        let bytes = unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast::<u8>(), size_of_val(&numbers)) };
        let count =
            call::call_ro(table.raw(), bytes, CallFlags::empty(), &[FileTableVerb::List as u64]).expect("a list");
        numbers[..count].to_vec()
    }

    fn table_nesting() {
        let round = || {
            let thread = new_thread();
            let table = dup(&thread, b"filetable");
            let other = dup(&table, b"empty");
            assert_eq!(insert(&table, table.raw(), 7), Err(ELOOP));
            assert_eq!(insert(&other, table.raw(), 7), Err(ELOOP));
            assert_eq!(insert(&table, other.raw(), 7), Err(ELOOP));
            assert_eq!(insert(&table, thread.raw(), 7), Err(ELOOP));
            assert_eq!(insert(&table, dup(&thread, b"plain").raw(), 7), Err(ELOOP));
            let pipe = Pipe::new().expect("a pipe");
            assert_eq!(send(&pipe.write, table.raw()), Err(ELOOP));
            assert_eq!(send(&pipe.write, thread.raw()), Err(ELOOP));
            assert_eq!(insert(&table, pipe.read.raw(), 7), Ok(0));
            assert_eq!(insert(&table, 1, 7), Err(syscall::EEXIST));
            assert_eq!(list(&table), [7]);
            // A copy of the running program's table has neither.
            let me = Fd::open("/scheme/kernel.proc/self", O_CLOEXEC, 0).expect("this thread");
            let own = dup(&me, b"filetable");
            let copy = dup(&own, b"copy");
            let copied = list(&copy);
            for absent in [&thread, &table, &other, &own, &copy] {
                assert!(!copied.contains(&(absent.raw() as u64)));
            }
            assert!(copied.contains(&1) && copied.contains(&(me.raw() as u64)));
        };
        round();
        let before = Accounts::now();
        (0..100).for_each(|_| round());
        before.assert_returned(4, 4096);
    }

    /// Makes processes half and ends.
    fn half_made() {
        for _ in 0..5 {
            let thread = new_thread();
            let (table, space) = (dup(&thread, b"filetable"), dup(&thread, b"addrspace"));
            insert(&table, 1, 1).expect("the console");
            insert(&table, space.raw(), 2).expect("a space");
            // They stay open until the end.
            std::mem::forget([thread, table, space]);
        }
        let pipe = Pipe::new().expect("a pipe");
        send(&pipe.write, Pipe::new().expect("a pipe").read.raw()).expect("room");
        std::process::exit(7);
    }

    fn leaks() {
        let round = || {
            assert_eq!(child(&["half-made"]).start().expect("a child").wait().expect("its end"), End::Exited(7));
        };
        (0..3).for_each(|_| round());
        let before = Accounts::now();
        (0..20).for_each(|_| round());
        // A thread keeps its place until its processor has left it, so another place or two may have been made.
        before.assert_returned(16, 16 << 10);
    }

    /// Most descriptors of a table's range.
    const MAX: usize = 65_536;

    /// Copies descriptor 1 to a number that libc knows nothing of.
    fn put(number: usize) -> Result<usize, i32> {
        // SAFETY: the number is nobody's.
        demux(unsafe { raw::call(SYS_DUP_INTO, [1, 0, 0, number, 0]) })
    }

    fn close(number: usize) {
        // SAFETY: the number was given by the kernel or `put`.
        demux(unsafe { raw::call(SYS_CLOSE, [number, 0, 0, 0, 0]) }).expect("an open descriptor");
    }

    /// Receives the descriptors that the kernel finds numbers for.
    fn receive_raw<const N: usize>(from: usize) -> Result<[usize; N], i32> {
        let mut fds = [usize::MAX; N];
        let flags = (CallFlags::FD | CallFlags::READ).bits();
        // SAFETY: the numbers are ours to be written.
        demux(unsafe { raw::call(SYS_CALL, [from, fds.as_mut_ptr() as usize, 8 * N, flags, 0]) }).map(|_| fds)
    }

    fn send_raw(to: usize, fds: &[usize]) {
        let flags = (CallFlags::FD | CallFlags::WRITE | CallFlags::FD_CLONE).bits();
        // SAFETY: the numbers are only read.
        demux(unsafe { raw::call(SYS_CALL, [to, fds.as_ptr() as usize, 8 * fds.len(), flags, 0]) }).expect("room");
    }

    fn full() {
        const TIMES: u32 = 2000;
        let Pipe { read, write } = Pipe::new().expect("a pipe");
        let (read, write) = (read.into_raw(), write.into_raw());
        let measure = || {
            let start = Instant::now();
            for _ in 0..TIMES {
                send_raw(write, &[1]);
                close(receive_raw::<1>(read).expect("a number")[0]);
            }
            start.elapsed()
        };
        let empty = measure();
        (0..MAX - 2).for_each(|number| assert!(matches!(put(number), Ok(_) | Err(syscall::EEXIST))));
        let nearly_full = measure();
        println!("  {TIMES} times with few descriptors {empty:?}, with many {nearly_full:?}");
        assert!(nearly_full < empty * 10 + Duration::from_millis(100));
        // Two places are left: three descriptors get none of them, two get both.
        send_raw(write, &[1, 1, 1]);
        assert_eq!(receive_raw::<3>(read), Err(EMFILE));
        send_raw(write, &[1, 1]);
        assert_eq!(receive_raw::<2>(read), Ok([MAX - 2, MAX - 1]));
        send_raw(write, &[1]);
        assert_eq!(receive_raw::<1>(read), Err(EMFILE));
        assert_eq!(put(MAX), Err(EMFILE));
        for free in [40_000, 100, 100, 50_000] {
            close(free);
            send_raw(write, &[1]);
            assert_eq!(receive_raw::<1>(read), Ok([free]));
        }
        let me = call::open("/scheme/kernel.proc/self", O_CLOEXEC, 0);
        assert_eq!(me.map_err(|error| error.errno()), Err(EMFILE));
        std::process::exit(5);
    }

    fn full_table() {
        let end = child(&["full"]).start().expect("a child").wait().expect("its end");
        assert_eq!(end, End::Exited(5));
    }

    fn short_buffers() {
        let text = Fd::open("/scheme/sys/uname", O_CLOEXEC, 0).expect("a text");
        let mut few = [0; 5];
        assert_eq!(text.read(&mut few), Ok(5));
        assert_eq!(&few, b"Ochre");
        assert_eq!(text.fpath(&mut few), Ok(5));
        assert_eq!(&few, b"/sche");
        let thread = new_thread();
        let table = dup(&thread, b"filetable");
        (0..100).for_each(|number| assert_eq!(insert(&table, 1, number), Ok(0)));
        let mut numbers = [7; 20];
        let count = call::call_ro(table.raw(), &mut numbers, CallFlags::empty(), &[FileTableVerb::List as u64]);
        assert_eq!(count, Ok(100));
        assert_eq!(numbers, [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7]);
        assert_eq!(list(&table), (0..100).collect::<Vec<u64>>());
    }

    fn verbs() {
        let thread = new_thread();
        for unknown in [0, ThreadVerb::EndSpace as u64 + 1, u64::MAX] {
            assert_eq!(verb(thread.raw(), &[unknown]), Err(EINVAL));
        }
        // Numbers of the table that are taken leave the thread as it is.
        let table = dup(&thread, b"filetable");
        assert_eq!(insert(&table, 1, 9), Ok(0));
        assert_eq!(verb(thread.raw(), &[ThreadVerb::Start as u64, 9, 10]), Err(syscall::EEXIST));
        assert_eq!(verb(thread.raw(), &[ThreadVerb::Start as u64, 10, MAX as u64]), Err(EMFILE));
        assert_eq!(list(&table), [9]);
        // It has no code: it ends by a page fault, with both handles.
        assert_eq!(verb(thread.raw(), &[ThreadVerb::Start as u64, 10, 11]), Ok(0));
    }
}
