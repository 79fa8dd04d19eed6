//! Memory that programs ask for in every way, also in ways that would take what is not theirs: the kernel's own memory, pages of
//! others, more than there is.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use libredox::flag::{O_CLOEXEC, O_RDONLY, O_RDWR};
    use libredox::{Fd, call};
    use ochre_abi::USER_END;
    use ochre_abi::proc::{ANONYMOUS, AddrSpaceVerb, FileTableVerb};
    use ochre_guest::{Accounts, Pipe, child, raw, role, run};
    use ochre_spawn::{End, Process};
    use redox_scheme::Socket;
    use syscall::flag::{CallFlags, MapFlags, MremapFlags};
    use syscall::number::*;
    use syscall::schemev2::{Cqe, CqeOpcode, Opcode, Sqe, SqeFlags};
    use syscall::{EACCES, EEXIST, EFAULT, EINVAL, EIO, ENOMEM, EPERM, FUTEX_WAKE, GrantDesc, Map, TimeSpec};

    const PAGE: usize = 4096;
    const READ: MapFlags = MapFlags::PROT_READ;
    const WRITE: MapFlags = MapFlags::PROT_WRITE;
    const EXEC: MapFlags = MapFlags::PROT_EXEC;
    const NONE: MapFlags = MapFlags::PROT_NONE;
    const PRIVATE: MapFlags = MapFlags::MAP_PRIVATE;
    const SHARED: MapFlags = MapFlags::MAP_SHARED;
    /// Vector of a page fault.
    const FAULT: u8 = 14;
    /// Most mappings of an address space (docs/kernel-calls.md).
    const MAX_MAPPINGS: usize = 65_536;

    type Answer = Result<usize, i32>;

    pub fn main() {
        match role() {
            Some(words) => match words[0].as_str() {
                "daemon" => daemon(),
                "sparse" => touch_sparsely(),
                _ => TESTS.iter().for_each(|(_, test)| test()),
            },
            None => {
                let mut tests = TESTS.to_vec();
                tests.push(("nothing leaks", leaks));
                run(&tests)
            }
        }
    }

    const TESTS: [(&str, fn()); 10] = [
        ("what is not said to be shared is private", private),
        ("kernel addresses have no translation", translation),
        ("a daemon gives away its own memory only", daemons),
        ("what devices know is not copied", devices),
        ("memory that is moved keeps what is in it", moved),
        ("moving needs room and one mapping", refused_moves),
        ("two threads that move and unmap", race),
        ("as many mappings as there may be", mappings),
        ("descriptor tables until none is left", tables),
        ("page tables until no memory is left", page_tables),
    ];

    fn answer(value: usize) -> Answer {
        raw::error(value).map_or(Ok(value), Err)
    }

    fn map_at(fd: usize, offset: usize, size: usize, flags: MapFlags, address: usize) -> Answer {
        let map = Map { offset, size, flags, address };
        // SAFETY: fixed places are only used for mappings of these tests.
        answer(unsafe { raw::call(SYS_FMAP, [fd, &raw const map as usize, size_of::<Map>(), 0, 0]) })
    }

    fn map(fd: usize, size: usize, flags: MapFlags) -> Answer {
        map_at(fd, 0, size, flags, 0)
    }

    fn anonymous(pages: usize) -> usize {
        map(ANONYMOUS, pages * PAGE, READ | WRITE | PRIVATE).expect("memory")
    }

    fn unmap(address: usize, size: usize) -> Answer {
        // SAFETY: mappings of these tests.
        answer(unsafe { raw::call(SYS_FUNMAP, [address, size, 0, 0, 0]) })
    }

    fn protect(address: usize, size: usize, flags: MapFlags) -> Answer {
        // SAFETY: as above.
        answer(unsafe { raw::call(SYS_MPROTECT, [address, size, flags.bits(), 0, 0]) })
    }

    fn remap(old: usize, old_size: usize, new: usize, size: usize, how: MremapFlags, prot: MapFlags) -> Answer {
        // SAFETY: as above.
        answer(unsafe { raw::call(SYS_MREMAP, [old, old_size, new, size, how.bits() | prot.bits()]) })
    }

    fn put(address: usize, value: u64) {
        // SAFETY: the caller has mapped it.
        unsafe { (address as *mut u64).write_volatile(value) }
    }

    fn get(address: usize) -> u64 {
        // SAFETY: the caller has mapped it.
        unsafe { (address as *const u64).read_volatile() }
    }

    /// Whether the kernel can read there for us.
    fn is_readable(address: usize) -> bool {
        // SAFETY: nobody sleeps there.
        answer(unsafe { raw::call(SYS_FUTEX, [address, FUTEX_WAKE, 1, 0, 0]) }) != Err(EFAULT)
    }

    /// Whether the kernel can write there for us. It writes 16 bytes.
    fn is_writable(address: usize) -> bool {
        const _: () = assert!(size_of::<TimeSpec>() <= 16);
        // SAFETY: a mapping of these tests.
        answer(unsafe { raw::call(SYS_CLOCK_GETTIME, [syscall::CLOCK_MONOTONIC, address, 0, 0, 0]) }) != Err(EFAULT)
    }

    fn memory(name: &str, flags: i32) -> libredox::error::Result<Fd> {
        Fd::open(&format!("/scheme/memory/{name}"), flags | O_CLOEXEC, 0)
    }

    fn private() {
        let initfs = memory("initfs", O_RDONLY).expect("the initfs");
        let original = map(initfs.raw(), PAGE, READ | SHARED).expect("the archive");
        let word = get(original);
        for flags in [READ | WRITE, READ | WRITE | PRIVATE] {
            let copy = map(initfs.raw(), PAGE, flags).expect("a private mapping");
            put(copy, !word);
            assert_eq!((get(original), get(copy)), (word, !word), "{flags:?}");
            unmap(copy, PAGE).expect("it is ours");
        }
        assert_eq!(map(initfs.raw(), PAGE, READ | WRITE | SHARED), Err(EACCES));
        assert_eq!(map(initfs.raw(), PAGE, WRITE | SHARED | PRIVATE), Err(EINVAL));
        assert_eq!(protect(original, PAGE, READ | WRITE), Err(EPERM));
        assert!(!is_writable(original));
        unmap(original, PAGE).expect("it is ours");
        // A descriptor for reading gives no memory that can be written for others.
        let zeros = memory("zeroed", O_RDONLY).expect("zeros");
        assert_eq!(map(zeros.raw(), PAGE, READ | WRITE | SHARED), Err(EACCES));
        let shared = map(zeros.raw(), PAGE, READ | SHARED).expect("zeros");
        assert_eq!(protect(shared, PAGE, READ | WRITE), Err(EPERM));
        unmap(shared, PAGE).expect("it is ours");
    }

    fn translate(table: &Fd, address: usize) -> Result<u64, i32> {
        let mut bytes = (address as u64).to_ne_bytes();
        match call::call_rw(table.raw(), &mut bytes, CallFlags::empty(), &[]) {
            Ok(_) => Ok(u64::from_ne_bytes(bytes)),
            Err(error) => Err(error.errno()),
        }
    }

    fn translation() {
        let table = memory("translation", O_RDWR).expect("the right to translate");
        let own = anonymous(1);
        let physical = translate(&table, own + 5).expect("our own page");
        assert_eq!(physical % PAGE as u64, 5);
        let not_ours = [0xffff_8000_0000_0000, 0xffff_ffff_8010_0000, USER_END, 1 << 47, (1 << 48) + own, usize::MAX];
        unmap(own, PAGE).expect("it is ours");
        for address in not_ours.into_iter().chain([own]) {
            assert_eq!(translate(&table, address), Err(EFAULT), "{address:#x}");
        }
    }

    /// What the daemon answers to `MmapPrep` for each page of its object.
    const GOOD: usize = 0;
    const WINDOW: usize = 1;
    const LENT: usize = 2;
    const ABSURD: [usize; 6] =
        [0xffff_8000_0000_0000, 0xffff_ffff_8010_0000, 1 << 48, USER_END, usize::MAX & !(PAGE - 1), 0x5000];
    /// Bytes of a payload that is lent.
    const LARGE: usize = 64 << 10;
    const WORD: u64 = 0x0c_4e_0c_4e;

    /// Where the daemon finds the pipe to its parent.
    const NOTICE: usize = 6;

    /// The bytes of descriptor numbers.
    fn numbers(fds: &mut [usize]) -> &mut [u8] {
        // SAFETY: any bytes are numbers.
        unsafe { std::slice::from_raw_parts_mut(fds.as_mut_ptr().cast(), size_of_val(fds)) }
    }

    fn daemon() {
        let socket = Socket::create().expect("a socket");
        let root = socket.create_this_scheme_fd(0, 1, syscall::O_RDWR, 0).expect("a root");
        call::call_wo(NOTICE, numbers(&mut [root]), CallFlags::FD, &[]).expect("the parent");
        let _ = call::close(NOTICE);
        let good = anonymous(1);
        put(good, WORD);
        let (mut window, mut lent, mut waiting) = (0, None, None);
        loop {
            let mut request = Sqe::default();
            let at = &raw mut request as usize;
            // SAFETY: the request is ours to be written.
            let got = answer(unsafe { raw::call(SYS_READ, [socket.inner().raw(), at, size_of::<Sqe>(), 0, 0]) });
            if got != Ok(size_of::<Sqe>()) {
                return;
            }
            if request.sqe_flags.contains(SqeFlags::ONEWAY) {
                continue;
            }
            let reply = |tag: u32, result: usize| {
                let flags = CqeOpcode::RespondRegular as u8;
                let cqe = Cqe { flags, extra_raw: [0; 3], tag, result: result as u64 };
                let at = &raw const cqe as usize;
                // SAFETY: the kernel only reads.
                answer(unsafe { raw::call(SYS_WRITE, [socket.inner().raw(), at, size_of::<Cqe>(), 0, 0]) })
                    .expect("the kernel takes answers");
            };
            let (address, len) = (request.args[1] as usize, request.args[2] as usize);
            match Opcode::try_from_raw(request.opcode) {
                Some(Opcode::Read) if len == LARGE => lent = Some((request.tag, address)),
                Some(Opcode::Read) => {
                    window = address & !(PAGE - 1);
                    reply(request.tag, 0);
                }
                Some(Opcode::MmapPrep) => match request.args[3] as usize / PAGE {
                    GOOD => reply(request.tag, good),
                    WINDOW => reply(request.tag, window),
                    LENT => waiting = Some(request.tag),
                    other => reply(request.tag, ABSURD[other - LENT - 1]),
                },
                _ => reply(request.tag, 0),
            }
            // The one is answered with what the other lends, before that ends.
            if let (Some(mapping), Some((reading, address))) = (waiting, lent) {
                reply(mapping, address);
                (waiting, lent) = (None, None);
                reply(reading, 0);
            }
        }
    }

    fn start_daemon() -> (Process, Fd) {
        let pipe = Pipe::new().expect("a pipe");
        let daemon = child(&["daemon"]).inherit(pipe.write.raw(), NOTICE).start().expect("a daemon");
        drop(pipe.write);
        let mut fds = [usize::MAX];
        call::call_ro(pipe.read.raw(), numbers(&mut fds), CallFlags::FD, &[]).expect("the daemon's root");
        (daemon, Fd::new(fds[0]))
    }

    fn daemons() {
        let (daemon, root) = start_daemon();
        let fd = root.raw();
        let ask = |page: usize, flags: MapFlags| map_at(fd, page * PAGE, PAGE, flags, 0);
        for flags in [READ | SHARED, READ | PRIVATE, READ | WRITE | SHARED, READ | WRITE] {
            let good = ask(GOOD, flags).expect("the daemon's own page");
            assert_eq!(get(good), WORD);
            unmap(good, PAGE).expect("it is ours");
            // The first payload makes the window's page.
            assert_eq!(root.read(&mut [0; 16]), Ok(0));
            assert_eq!(ask(WINDOW, flags), Err(EIO), "{flags:?}");
            for page in LENT + 1..=LENT + ABSURD.len() {
                assert_eq!(ask(page, flags), Err(EIO), "{:#x} {flags:?}", ABSURD[page - LENT - 1]);
            }
            let reader = thread::spawn(move || {
                let buffer = anonymous(LARGE / PAGE);
                // SAFETY: the buffer is ours to be written.
                let got = answer(unsafe { raw::call(SYS_READ, [fd, buffer, LARGE, 0, 0]) });
                unmap(buffer, LARGE).expect("it is ours");
                got
            });
            assert_eq!(ask(LENT, flags), Err(EIO), "{flags:?}");
            assert_eq!(reader.join().expect("the reader"), Ok(0));
        }
        daemon.kill().expect("the right to kill");
        daemon.wait().expect("its end");
    }

    fn devices() {
        /// Text memory of the VGA, which nobody uses here.
        const SCREEN: usize = 0xb_8000;
        for name in ["physical@uc", "physical@wc", "physical"] {
            let physical = memory(name, O_RDWR).expect("the right to device memory");
            for flags in [READ | PRIVATE, READ | WRITE | PRIVATE, READ] {
                assert_eq!(map_at(physical.raw(), SCREEN, PAGE, flags, 0), Err(EINVAL), "{name} {flags:?}");
            }
            let screen = map_at(physical.raw(), SCREEN, PAGE, READ | SHARED, 0).expect("device memory");
            assert!(is_readable(screen));
            unmap(screen, PAGE).expect("it is ours");
        }
        for name in ["zeroed@uc", "zeroed@wc", "zeroed@uc?phys_contiguous", "@wc"] {
            let error = memory(name, O_RDWR).err().map(|error| error.errno());
            assert_eq!(error, Some(EINVAL), "{name}: memory is write-back");
        }
        // What a device was told of stays where it is when it is written, however it is mapped.
        let table = memory("translation", O_RDWR).expect("the right to translate");
        for flags in [PRIVATE, SHARED, MapFlags::empty()] {
            let buffer = memory("zeroed@wb?phys_contiguous", O_CLOEXEC).expect("memory for devices");
            const PAGES: usize = 5;
            let start = map(buffer.raw(), PAGES * PAGE, READ | WRITE | flags).expect("memory for devices");
            let first = translate(&table, start).expect("its address");
            for page in 0..PAGES {
                put(start + page * PAGE, page as u64);
                let physical = translate(&table, start + page * PAGE);
                assert_eq!(physical, Ok(first + (page * PAGE) as u64), "{flags:?}");
            }
            unmap(start, PAGES * PAGE).expect("it is ours");
        }
    }

    const ANYWHERE: MremapFlags = MremapFlags::empty();

    fn moved() {
        const PAGES: usize = 600;
        let old = anonymous(PAGES);
        let fill = |at: usize| (0..PAGES).for_each(|page| put(at + page * PAGE, page as u64 + 1));
        let check = |at: usize| {
            (0..PAGES).for_each(|page| assert_eq!(get(at + page * PAGE), page as u64 + 1, "page {page}"));
        };
        fill(old);
        // Out of sight, and moved.
        protect(old, PAGES * PAGE, NONE).expect("it is ours");
        let at = remap(old, PAGES * PAGE, 0, 2 * PAGES * PAGE, ANYWHERE, READ | WRITE).expect("room");
        check(at);
        assert!(!is_readable(old));
        assert_eq!(get(at + PAGES * PAGE), 0);
        // To a mapping that cannot be written, and one that cannot be touched.
        let grown = 3 * PAGES * PAGE;
        let at = remap(at, 2 * PAGES * PAGE, 0, grown, ANYWHERE, READ).expect("room");
        check(at);
        assert!(!is_writable(at) && !is_writable(at + grown - PAGE));
        let at = remap(at, grown, 0, grown + PAGE, ANYWHERE, NONE).expect("room");
        assert!(!is_readable(at));
        // Shrinking stays where it is, with the protection that is asked for.
        assert_eq!(remap(at, grown + PAGE, 0, PAGES * PAGE, ANYWHERE, READ), Ok(at));
        check(at);
        assert!(!is_writable(at) && !is_readable(at + PAGES * PAGE));
        protect(at, PAGES * PAGE, READ | WRITE).expect("it is ours");
        fill(at);
        check(at);
        // Over something else.
        let there = anonymous(PAGES + 10);
        put(there, 77);
        put(there + PAGES * PAGE, 77);
        let place = MremapFlags::FIXED_REPLACE;
        assert_eq!(remap(at, PAGES * PAGE, there, PAGES * PAGE, place, READ | WRITE), Ok(there));
        check(there);
        assert_eq!(get(there + PAGES * PAGE), 77);
        unmap(there, (PAGES + 10) * PAGE).expect("it is ours");
        assert!(!is_readable(at));
        // A function.
        let code = anonymous(1);
        const RETURN: u64 = 0xc3;
        put(code, RETURN);
        let code = remap(code, PAGE, 0, 2 * PAGE, ANYWHERE, READ | EXEC).expect("room");
        // SAFETY: it returns at once.
        unsafe { core::mem::transmute::<usize, extern "C" fn()>(code)() };
        unmap(code, 2 * PAGE).expect("it is ours");
        // Much room with little in it takes no time.
        const HUGE: usize = 1 << 40;
        let sparse = map(ANONYMOUS, HUGE, READ | WRITE | PRIVATE).expect("room");
        let places = [0, HUGE / 2 + 5 * PAGE, HUGE - PAGE];
        places.iter().for_each(|&place| put(sparse + place, place as u64));
        let sparse = remap(sparse, HUGE, 0, 2 * HUGE, ANYWHERE, READ | WRITE).expect("room");
        places.iter().for_each(|&place| assert_eq!(get(sparse + place), place as u64));
        unmap(sparse, 2 * HUGE).expect("it is ours");
    }

    fn refused_moves() {
        let at = anonymous(8);
        let (fixed, replace) = (MremapFlags::FIXED, MremapFlags::FIXED_REPLACE);
        let all = |new: usize, size: usize, how: MremapFlags| remap(at, 8 * PAGE, new, size, how, READ | WRITE);
        put(at + 7 * PAGE, 7);
        assert_eq!(all(at + PAGE, 8 * PAGE, fixed), Err(EEXIST));
        for (new, size) in [(at, 8 * PAGE), (at + PAGE, 8 * PAGE), (at - PAGE, 2 * PAGE), (at + 1, PAGE)] {
            assert_eq!(all(new, size, replace), Err(EINVAL));
        }
        assert_eq!(all(USER_END - PAGE, 2 * PAGE, replace), Err(EINVAL));
        assert_eq!(all(0xffff_8000_0000_0000, PAGE, replace), Err(EINVAL));
        assert_eq!(all(0, usize::MAX & !(PAGE - 1), ANYWHERE), Err(EINVAL));
        assert_eq!(all(0, USER_END - PAGE, ANYWHERE), Err(ENOMEM));
        assert_eq!(remap(at, 9 * PAGE, 0, 20 * PAGE, ANYWHERE, READ), Err(EINVAL));
        assert_eq!(remap(at, usize::MAX - 2 * PAGE, 0, PAGE, ANYWHERE, READ), Err(EINVAL));
        assert_eq!(remap(0x5000, PAGE, 0, 2 * PAGE, ANYWHERE, READ), Err(EFAULT));
        let shared = map(ANONYMOUS, PAGE, READ | SHARED).expect("memory");
        assert_eq!(remap(shared, PAGE, 0, 2 * PAGE, ANYWHERE, READ), Err(EINVAL));
        unmap(shared, PAGE).expect("it is ours");
        assert_eq!(get(at + 7 * PAGE), 7);
        unmap(at, 8 * PAGE).expect("it is ours");
    }

    /// One thread moves memory to and fro while another one unmaps, maps and touches the same places.
    fn race() {
        const PAGES: usize = 40;
        const SIZE: usize = PAGES * PAGE;
        let area = anonymous(2 * PAGES);
        static STOP: AtomicBool = AtomicBool::new(false);
        STOP.store(false, Ordering::SeqCst);
        let other = thread::spawn(move || {
            let mut round = 0;
            while !STOP.load(Ordering::SeqCst) {
                round += 1;
                let at = area + round * 7 % (2 * PAGES) * PAGE;
                let _ = match round % 5 {
                    0 => unmap(at, (3 * PAGE).min(area + 2 * SIZE - at)),
                    1 => protect(at, PAGE, if round % 2 == 0 { NONE } else { READ | WRITE }),
                    2 => map_at(ANONYMOUS, 0, PAGE, READ | WRITE | PRIVATE | MapFlags::MAP_FIXED, at),
                    _ => Ok(usize::from(is_writable(at))),
                };
            }
        });
        let replace = MremapFlags::FIXED_REPLACE;
        for round in 0..1000 {
            let (from, to) = if round % 2 == 0 { (area, area + SIZE) } else { (area + SIZE, area) };
            let _ = remap(from, SIZE, to, SIZE, replace, READ | WRITE);
            if round % 8 == 0 {
                let place = READ | WRITE | PRIVATE | MapFlags::MAP_FIXED;
                map_at(ANONYMOUS, 0, 2 * SIZE, place, area).expect("room");
            }
            let touched = (0..2 * PAGES).filter(|page| is_writable(area + page * PAGE)).count();
            assert!(touched <= 2 * PAGES);
        }
        STOP.store(true, Ordering::SeqCst);
        other.join().expect("the other thread");
        // It may have mapped three pages beyond.
        unmap(area, 2 * SIZE).expect("it is ours");
    }

    /// A handle of this process's thread.
    fn me() -> Fd {
        Fd::open("/scheme/kernel.proc/self", O_RDWR | O_CLOEXEC, 0).expect("a handle of this thread")
    }

    fn mappings() {
        let space = Fd::new(me().dup(b"addrspace").expect("our address space"));
        let grants = |list: &mut [u8]| {
            call::call_ro(space.raw(), list, CallFlags::empty(), &[AddrSpaceVerb::Grants as u64]).expect("the list")
        };
        // Memory for the list is taken before there are as many mappings as there may be.
        let mut list = vec![0; MAX_MAPPINGS * size_of::<GrantDesc>()];
        let before = grants(&mut []);
        const PAGES: usize = 2 * MAX_MAPPINGS;
        let start = anonymous(PAGES);
        let mut page = 0;
        let refused = loop {
            put(start + page * PAGE, 1);
            match protect(start + page * PAGE, PAGE, READ) {
                Ok(_) => page += 2,
                Err(error) => break error,
            }
        };
        assert_eq!(refused, ENOMEM);
        let count = grants(&mut []);
        assert!(count <= MAX_MAPPINGS && count + 2 > MAX_MAPPINGS, "{count} mappings");
        // A hole would make one more, or two of one at the limit; less can be had at an end.
        let tail = start + (page + 10) * PAGE;
        if count == MAX_MAPPINGS {
            assert_eq!(unmap(tail, PAGE), Err(ENOMEM));
        }
        assert_eq!(map(ANONYMOUS, PAGE, READ | SHARED), Err(ENOMEM));
        assert_eq!(remap(tail, PAGE, 0, 2 * PAGE, ANYWHERE, READ), Err(ENOMEM));
        assert_eq!(grants(&mut list), count);
        drop(space.dup(b"clone").map(Fd::new).expect("a copy"));
        unmap(start, PAGES * PAGE).expect("it is ours");
        assert!(grants(&mut []) <= before + 2);
        // As many again, replaced by one in one go.
        let start = anonymous(PAGES);
        for page in (0..MAX_MAPPINGS - 2000).step_by(2) {
            protect(start + page * PAGE, PAGE, READ).expect("it is ours");
        }
        let place = READ | WRITE | PRIVATE | MapFlags::MAP_FIXED;
        assert_eq!(map_at(ANONYMOUS, 0, PAGES * PAGE, place, start), Ok(start));
        assert!(grants(&mut []) <= before + 2);
        unmap(start, PAGES * PAGE).expect("it is ours");
    }

    fn tables() {
        const LAST: u64 = 65_535;
        let own = Fd::new(me().dup(b"filetable").expect("our descriptor table"));
        // A table with little in it but the highest number: a copy has all places below that too.
        let table = Fd::new(own.dup(b"empty").expect("a table"));
        let pipe = Pipe::new().expect("a pipe");
        let insert = [FileTableVerb::Insert as u64, pipe.read.raw() as u64, LAST];
        call::call_wo(table.raw(), &[], CallFlags::empty(), &insert).expect("a place in it");
        let mut list = [0; 2];
        let used = call::call_ro(table.raw(), numbers(&mut list), CallFlags::empty(), &[FileTableVerb::List as u64]);
        assert_eq!((used, list), (Ok(1), [LAST as usize, 0]));
        let mut copies = Vec::with_capacity(1 << 16);
        let error = loop {
            match table.dup(b"copy") {
                Ok(copy) => copies.push(Fd::new(copy)),
                Err(error) => break error,
            }
        };
        assert_eq!(error.errno(), ENOMEM);
    }

    /// Bytes that one page table reaches over.
    const TABLE_SPAN: usize = 2 << 20;

    fn touch_sparsely() {
        let start = map(ANONYMOUS, 64 << 40, READ | WRITE | PRIVATE).expect("room");
        for place in (start..start + (64 << 40)).step_by(TABLE_SPAN) {
            put(place, 1);
        }
    }

    fn page_tables() {
        let end = child(&["sparse"]).start().expect("a child").wait().expect("its end");
        assert!(matches!(end, End::Exception { vector: FAULT, .. }), "{end}");
    }

    fn leaks() {
        let before = Accounts::now();
        let end = child(&["again"]).start().expect("a child").wait().expect("its end");
        assert_eq!(end, End::Exited(0));
        // The daemons may have touched a few pages of theirs for the first time.
        before.assert_returned(16, 16 << 10);
    }
}
