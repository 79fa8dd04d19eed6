//! The C library as a C program sees it: the functions that Rust's `std` does not use, called by their C names.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
    use std::mem::{MaybeUninit, zeroed};
    use std::ptr::{null, null_mut};
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use libc::{FILE, epoll_event, pthread_rwlock_t, sem_t, timespec, tm};
    use ochre_guest::run;

    // What crate `libc` does not declare for this system.
    unsafe extern "C" {
        static stdin: *mut FILE;
        fn asprintf(to: *mut *mut c_char, format: *const c_char, ...) -> c_int;
        fn dprintf(fd: c_int, format: *const c_char, ...) -> c_int;
        fn strptime(text: *const c_char, format: *const c_char, time: *mut tm) -> *mut c_char;
        fn getopt_long(
            argc: c_int,
            argv: *const *mut c_char,
            letters: *const c_char,
            long: *const LongOption,
            index: *mut c_int,
        ) -> c_int;
        static mut optind: c_int;
        static mut optarg: *mut c_char;
        static mut opterr: c_int;
        fn pthread_rwlock_timedrdlock(it: *mut pthread_rwlock_t, time: *const timespec) -> c_int;
        fn pthread_mutex_timedlock(it: *mut libc::pthread_mutex_t, time: *const timespec) -> c_int;
        fn pthread_getname_np(thread: libc::pthread_t, name: *mut c_char, len: usize) -> c_int;
        fn pthread_setname_np(thread: libc::pthread_t, name: *const c_char) -> c_int;
        fn scandir(
            path: *const c_char,
            list: *mut *mut *mut libc::dirent,
            choice: Option<extern "C" fn(*const libc::dirent) -> c_int>,
            order: Option<unsafe extern "C" fn(*mut *const libc::dirent, *mut *const libc::dirent) -> c_int>,
        ) -> c_int;
        fn alphasort(a: *mut *const libc::dirent, b: *mut *const libc::dirent) -> c_int;
        fn popen(command: *const c_char, mode: *const c_char) -> *mut FILE;
        fn pclose(it: *mut FILE) -> c_int;
        fn mbstowcs(to: *mut i32, from: *const c_char, max: usize) -> usize;
    }

    #[repr(C)]
    struct LongOption {
        name: *const c_char,
        has_arg: c_int,
        flag: *mut c_int,
        value: c_int,
    }

    #[repr(C)]
    #[derive(Debug)]
    struct Flock {
        kind: i16,
        whence: i16,
        start: i64,
        len: i64,
        pid: c_int,
    }

    pub fn main() {
        let arguments: Vec<String> = std::env::args().collect();
        if let [_, option, command] = &arguments[..]
            && option == "-c"
        {
            as_shell(command);
        }
        run(&[
            ("formats go to memory, descriptors and streams", formats),
            ("formats are read", scans),
            ("streams read, write, seek and push back", streams),
            ("streams over memory", memory_streams),
            ("lines of any length", lines),
            ("temporary files", temporary),
            ("numbers and sorting", numbers),
            ("strings", strings),
            ("options of a command line", options),
            ("time zones by rule and by file", zones),
            ("users and groups", accounts),
            ("semaphores and timed locks", waiting),
            ("epoll by level, by edge, and once", epoll),
            ("ends of pipes and sockets", ends),
            ("nothing but ends is waited for", only_ends),
            ("the shell as a child", shells),
            ("locks on files", locks),
            ("directories and names", names),
            ("what a program asks about itself", asks),
        ]);
    }

    /// What this program does under the name of the shell.
    fn as_shell(command: &str) -> ! {
        match command.split_once(' ') {
            Some(("say", text)) => println!("{text}"),
            Some(("end", status)) => std::process::exit(status.parse().unwrap()),
            Some(("keep", path)) => {
                let mut file = std::fs::File::create(path).unwrap();
                std::io::copy(&mut std::io::stdin(), &mut file).unwrap();
            }
            // Whether the keyboard's signals reach it.
            Some(("interrupt", pid)) => {
                // SAFETY: plain numbers.
                unsafe { libc::kill(pid.parse().unwrap(), libc::SIGINT) };
                thread::sleep(Duration::from_millis(30));
                // SAFETY: as above.
                unsafe { libc::raise(libc::SIGINT) };
            }
            _ => std::process::exit(99),
        }
        std::process::exit(0)
    }

    fn shells() {
        std::fs::create_dir_all("/bin").unwrap();
        let _ = std::fs::remove_file("/bin/sh");
        // SAFETY: C strings; a null pointer asks whether there is a shell.
        unsafe {
            assert_eq!(libc::system(null()), 0);
            assert_eq!(libc::WEXITSTATUS(libc::system(c"say x".as_ptr())), 127);
            std::os::unix::fs::symlink(std::env::args().next().unwrap(), "/bin/sh").unwrap();
            assert_ne!(libc::system(null()), 0);
            assert_eq!(libc::WEXITSTATUS(libc::system(c"end 7".as_ptr())), 7);
            // What the keyboard sends ends the command and not who waits for it.
            let command = CString::new(format!("interrupt {}", libc::getpid())).unwrap();
            let status = libc::system(command.as_ptr());
            assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGINT, "{status:#x}");
            let mut action: libc::sigaction = zeroed();
            libc::sigaction(libc::SIGINT, null(), &mut action);
            assert_eq!(action.sa_sigaction, libc::SIG_DFL);
            let from = popen(c"say a line".as_ptr(), c"r".as_ptr());
            let mut line = [0; 32];
            assert!(!libc::fgets(line.as_mut_ptr(), 32, from).is_null());
            assert_eq!(text(line.as_ptr()), "a line\n");
            assert_eq!(pclose(from), 0);
            let to = popen(c"keep /tmp/kept".as_ptr(), c"w".as_ptr());
            assert!(libc::fputs(c"kept text".as_ptr(), to) >= 0);
            assert_eq!(pclose(to), 0);
            assert_eq!(std::fs::read_to_string("/tmp/kept").unwrap(), "kept text");
            let ends = popen(c"end 3".as_ptr(), c"re".as_ptr());
            assert_eq!(libc::WEXITSTATUS(pclose(ends)), 3);
            assert!(popen(c"say x".as_ptr(), c"x".as_ptr()).is_null());
        }
        std::fs::remove_file("/bin/sh").unwrap();
    }

    /// What `poll` and `epoll` tell of a descriptor, asked for these events.
    fn told(fd: c_int, events: i16) -> (i16, i16) {
        let mut entry = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one entry, one event, numbers of our own.
        unsafe {
            let count = libc::poll(&mut entry, 1, 0);
            assert_eq!(count, c_int::from(entry.revents != 0));
            let queue = libc::epoll_create1(0);
            let mut event = epoll_event { events: events as u32, u64: 1, _pad: 0 };
            assert_eq!(libc::epoll_ctl(queue, libc::EPOLL_CTL_ADD, fd, &mut event), 0);
            event.events = 0;
            let count = libc::epoll_wait(queue, &mut event, 1, 0);
            assert!(count >= 0);
            close_all(&[queue]);
            (entry.revents, event.events as i16)
        }
    }

    fn ends() {
        use libc::{POLLERR, POLLHUP, POLLIN, POLLOUT};
        let mut pipe = [0; 2];
        // SAFETY: room for two numbers.
        unsafe { assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0) };
        assert_eq!((told(pipe[0], POLLIN), told(pipe[1], POLLOUT)), ((0, 0), (POLLOUT, POLLOUT)));
        close_all(&pipe[1..]);
        assert_eq!(told(pipe[0], POLLIN), (POLLIN | POLLHUP, POLLIN | POLLHUP));
        close_all(&pipe[..1]);
        // SAFETY: as above.
        unsafe { assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0) };
        close_all(&pipe[..1]);
        assert_eq!(told(pipe[1], POLLOUT), (POLLOUT | POLLERR, POLLOUT | POLLERR));
        close_all(&pipe[1..]);
        // SAFETY: as above.
        unsafe { assert_eq!(libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pipe.as_mut_ptr()), 0) };
        assert_eq!(told(pipe[0], POLLIN), (0, 0));
        close_all(&pipe[1..]);
        let (poll, epoll) = told(pipe[0], POLLIN);
        assert!(poll & POLLHUP != 0 && epoll & POLLHUP != 0, "{poll:#x} {epoll:#x}");
        close_all(&pipe[..1]);
    }

    /// Waits for nothing but an end of `watched`, which comes when `other` is closed, after bytes that nobody asked for.
    fn await_end(watched: c_int, other: c_int, by_epoll: bool) -> c_int {
        const STEP: Duration = Duration::from_millis(30);
        let start = Instant::now();
        let closer = std::thread::spawn(move || {
            std::thread::sleep(STEP);
            // SAFETY: bytes of our own; it fails for an end that is read.
            unsafe { libc::write(other, b"x".as_ptr().cast(), 1) };
            std::thread::sleep(STEP);
            close_all(&[other]);
        });
        let mut entry = libc::pollfd { fd: watched, events: 0, revents: 0 };
        let mut event = epoll_event { events: 0, u64: 1, _pad: 0 };
        // SAFETY: one entry, one event, numbers of our own.
        let told = unsafe {
            if by_epoll {
                let queue = libc::epoll_create1(0);
                assert_eq!(libc::epoll_ctl(queue, libc::EPOLL_CTL_ADD, watched, &mut event), 0);
                assert_eq!(libc::epoll_wait(queue, &mut event, 1, 10_000), 1);
                close_all(&[queue]);
                event.events as c_int
            } else {
                assert_eq!((libc::poll(&mut entry, 1, 5), entry.revents), (0, 0));
                assert_eq!(libc::poll(&mut entry, 1, 10_000), 1);
                entry.revents.into()
            }
        };
        assert!(start.elapsed() >= 2 * STEP, "it did not wait");
        closer.join().unwrap();
        close_all(&[watched]);
        told
    }

    fn only_ends() {
        let pipe = || {
            let mut ends = [0; 2];
            // SAFETY: room for two numbers.
            unsafe { assert_eq!(libc::pipe(ends.as_mut_ptr()), 0) };
            ends
        };
        for by_epoll in [false, true] {
            let [read, write] = pipe();
            assert_eq!(await_end(read, write, by_epoll), libc::POLLHUP.into());
            let [read, write] = pipe();
            assert_eq!(await_end(write, read, by_epoll), libc::POLLERR.into());
            let mut pair = [0; 2];
            // SAFETY: room for two numbers.
            unsafe { assert_eq!(libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, pair.as_mut_ptr()), 0) };
            assert_eq!(await_end(pair[0], pair[1], by_epoll), libc::POLLHUP.into());
        }
        // A file has no ends, and a number that is none is told at once.
        let file = std::fs::File::open("/scheme/null").unwrap();
        let mut entry = libc::pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(&file), events: 0, revents: 0 };
        // SAFETY: one entry.
        unsafe {
            assert_eq!((libc::poll(&mut entry, 1, 10), entry.revents), (0, 0));
            entry.fd = 12_345;
            assert_eq!((libc::poll(&mut entry, 1, -1), entry.revents), (1, libc::POLLNVAL));
        }
    }

    fn text(at: *const c_char) -> String {
        assert!(!at.is_null(), "a string is missing: {}", std::io::Error::last_os_error());
        // SAFETY: the tests pass C strings.
        unsafe { CStr::from_ptr(at) }.to_str().unwrap().to_owned()
    }

    fn close_all(fds: &[c_int]) {
        // SAFETY: nobody uses the numbers any more.
        fds.iter().for_each(|&fd| assert_eq!(unsafe { libc::close(fd) }, 0));
    }

    fn errno() -> c_int {
        std::io::Error::last_os_error().raw_os_error().unwrap()
    }

    fn formats() {
        let mut buffer = [0 as c_char; 64];
        // SAFETY: the arguments are as the formats say, the room as it is given.
        unsafe {
            let count = libc::snprintf(
                buffer.as_mut_ptr(),
                buffer.len(),
                c"%d %5.2f|%-4s|%#x %lld%%".as_ptr(),
                -7 as c_int,
                2.5_f64,
                c"ab".as_ptr(),
                255 as c_int,
                i64::MIN,
            );
            assert_eq!(text(buffer.as_ptr()), "-7  2.50|ab  |0xff -9223372036854775808%");
            assert_eq!(count, 40);
            // More arguments than registers, and what does not fit.
            let (a, b) = (1.0_f64, 2_i32);
            let count = libc::snprintf(
                buffer.as_mut_ptr(),
                8,
                c"%g%d%g%d%g%d%g%d%g%d%g%d%g%d%g%d%g%d%g%d".as_ptr(),
                a,
                b,
                a,
                b,
                a,
                b,
                a,
                b,
                a,
                b,
                a,
                b,
                a,
                b,
                a,
                b,
                a,
                b,
                a,
                b,
            );
            assert_eq!((count, text(buffer.as_ptr())), (20, "1212121".into()));
            assert_eq!(libc::snprintf(null_mut(), 0, c"%s".as_ptr(), c"four".as_ptr()), 4);
            assert_eq!(libc::snprintf(buffer.as_mut_ptr(), 64, c"%n".as_ptr(), &raw mut buffer), -1);
            assert_eq!(errno(), libc::EINVAL);
            let mut made = null_mut();
            assert_eq!(asprintf(&raw mut made, c"%s-%s".as_ptr(), c"long".as_ptr(), c"text".as_ptr()), 9);
            assert_eq!(text(made), "long-text");
            libc::free(made.cast());
            let mut ends = [0; 2];
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            assert_eq!(dprintf(ends[1], c"%c%c".as_ptr(), 111 as c_int, 107 as c_int), 2);
            let mut two = [0_u8; 4];
            assert_eq!(libc::read(ends[0], two.as_mut_ptr().cast(), 4), 2);
            assert_eq!(&two[..2], b"ok");
            close_all(&ends);
            // This line is part of what the case looks for.
            assert_eq!(libc::printf(c"printed by %s\n".as_ptr(), c"printf".as_ptr()), 18);
            assert_eq!(libc::fflush(null_mut()), 0);
        }
    }

    fn scans() {
        let (mut number, mut real, mut word) = (0_i32, 0_f64, [0 as c_char; 16]);
        // SAFETY: the pointers are as the formats say.
        unsafe {
            let line = c"  42 name=ochre 2.5e1 rest";
            let format = c"%d name=%15[a-z] %lf";
            let count = libc::sscanf(line.as_ptr(), format.as_ptr(), &raw mut number, word.as_mut_ptr(), &raw mut real);
            assert_eq!((count, number, real), (3, 42, 25.0));
            assert_eq!(text(word.as_ptr()), "ochre");
            assert_eq!(libc::sscanf(c"".as_ptr(), c"%d".as_ptr(), &raw mut number), -1);
            let mut all = null_mut::<c_char>();
            assert_eq!(libc::sscanf(c"word".as_ptr(), c"%ms".as_ptr(), &raw mut all), 1);
            assert_eq!(text(all), "word");
            libc::free(all.cast());
        }
    }

    fn streams() {
        let path = c"/tmp/clib-stream";
        // SAFETY: C strings, and streams until they are closed.
        unsafe {
            let file = libc::fopen(path.as_ptr(), c"w+x".as_ptr());
            assert!(!file.is_null());
            assert!(libc::fopen(path.as_ptr(), c"wx".as_ptr()).is_null());
            assert_eq!(errno(), libc::EEXIST);
            for line in 0..2000 {
                assert!(libc::fprintf(file, c"line %d\n".as_ptr(), line as c_int) > 0);
            }
            let len = libc::ftell(file);
            assert_eq!(len, 10 * 7 + 90 * 8 + 900 * 9 + 1000 * 10);
            libc::rewind(file);
            let mut line = [0 as c_char; 32];
            for expected in 0..2000 {
                assert!(!libc::fgets(line.as_mut_ptr(), 32, file).is_null());
                assert_eq!(text(line.as_ptr()), format!("line {expected}\n"));
            }
            assert_eq!(libc::fgetc(file), -1);
            assert_eq!((libc::feof(file), libc::ferror(file)), (1, 0));
            assert_eq!(libc::fseek(file, -5, libc::SEEK_END), 0);
            assert_eq!((libc::feof(file), libc::fgetc(file)), (0, c_int::from(b'1')));
            assert_eq!(libc::ungetc(c_int::from(b'X'), file), c_int::from(b'X'));
            assert_eq!(libc::ftell(file), len - 5);
            let mut rest = [0_u8; 16];
            assert_eq!(libc::fread(rest.as_mut_ptr().cast(), 1, 16, file), 5);
            assert_eq!(&rest[..5], b"X999\n");
            assert_eq!(libc::fputs(c"end".as_ptr(), file), 0);
            assert_eq!(libc::fclose(file), 0);
            let appended = libc::fopen(path.as_ptr(), c"a".as_ptr());
            assert_eq!(libc::fwrite(b"ab".as_ptr().cast(), 1, 2, appended), 2);
            assert_eq!(libc::fgetc(appended), -1);
            assert_eq!(libc::ferror(appended), 1);
            assert!(!libc::freopen(path.as_ptr(), c"r".as_ptr(), appended).is_null());
            assert_eq!(libc::fgetc(appended), c_int::from(b'l'));
            assert_eq!(libc::fclose(appended), 0);
            assert_eq!(std::fs::read("/tmp/clib-stream").unwrap().len() as c_long, len + 5);
            assert_eq!(libc::unlink(path.as_ptr()), 0);
            // Standard input of a test leads nowhere that would answer; it is there all the same.
            assert_eq!(libc::fileno(stdin), 0);
        }
        many_threads_one_stream();
    }

    /// Lines of several threads stay whole.
    fn many_threads_one_stream() {
        // SAFETY: the stream is open until all threads have ended.
        unsafe {
            let file = libc::fopen(c"/tmp/clib-threads".as_ptr(), c"w".as_ptr()) as usize;
            let threads: Vec<_> = (0..4)
                .map(|number| {
                    thread::spawn(move || {
                        let line = CString::new(format!("{number}{}\n", "x".repeat(40))).unwrap();
                        (0..500).for_each(|_| assert_eq!(libc::fputs(line.as_ptr(), file as *mut FILE), 0));
                    })
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(libc::fclose(file as *mut FILE), 0);
        }
        let all = std::fs::read_to_string("/tmp/clib-threads").unwrap();
        assert_eq!(all.lines().count(), 2000);
        assert!(all.lines().all(|line| line.len() == 41 && line[1..].bytes().all(|byte| byte == b'x')));
        std::fs::remove_file("/tmp/clib-threads").unwrap();
    }

    fn memory_streams() {
        let mut block = *b"hello world\0....";
        let (mut text_at, mut size) = (null_mut::<c_char>(), 0_usize);
        // SAFETY: the block and the places live longer than the streams.
        unsafe {
            let file = libc::fmemopen(block.as_mut_ptr().cast(), 11, c"r+".as_ptr());
            let mut word = [0 as c_char; 16];
            assert_eq!(libc::fscanf(file, c"%15s".as_ptr(), word.as_mut_ptr()), 1);
            assert_eq!(text(word.as_ptr()), "hello");
            assert_eq!(libc::fseek(file, 6, libc::SEEK_SET), 0);
            assert_eq!(libc::fputs(c"WORLD".as_ptr(), file), 0);
            assert_eq!(libc::fclose(file), 0);
            assert_eq!(&block[..11], b"hello WORLD");
            let file = libc::open_memstream(&raw mut text_at, &raw mut size);
            for number in 0..1000 {
                libc::fprintf(file, c"%03d,".as_ptr(), number as c_int);
            }
            assert_eq!(libc::fflush(file), 0);
            assert_eq!(size, 4000);
            assert_eq!(libc::fclose(file), 0);
            assert!(text(text_at).ends_with("998,999,"));
            libc::free(text_at.cast());
        }
    }

    fn lines() {
        let long = "y".repeat(10_000);
        std::fs::write("/tmp/clib-lines", format!("short\n{long}\n\nlast")).unwrap();
        // SAFETY: C strings, an open stream, and places that are ours.
        unsafe {
            let file = libc::fopen(c"/tmp/clib-lines".as_ptr(), c"r".as_ptr());
            let (mut line, mut room) = (null_mut::<c_char>(), 0_usize);
            let mut read = || (libc::getline(&raw mut line, &raw mut room, file), line);
            for expected in ["short\n", &format!("{long}\n"), "\n", "last"] {
                let (len, line) = read();
                assert_eq!((len as usize, text(line)), (expected.len(), expected.to_owned()));
            }
            assert_eq!(read().0, -1);
            libc::free(line.cast());
            assert_eq!(libc::fclose(file), 0);
        }
        std::fs::remove_file("/tmp/clib-lines").unwrap();
    }

    fn temporary() {
        // SAFETY: the templates are C strings of ours.
        unsafe {
            let mut name = *b"/tmp/clib-XXXXXX.txt\0";
            let fd = libc::mkostemps(name.as_mut_ptr().cast(), 4, 0);
            assert!(fd >= 0);
            let made = text(name.as_ptr().cast());
            assert!(made.ends_with(".txt") && !made.contains("XXXXXX"));
            assert_eq!(std::fs::metadata(&made).unwrap().len(), 0);
            libc::close(fd);
            std::fs::remove_file(made).unwrap();
            let mut bad = *b"/tmp/clib-XXXXX\0";
            assert_eq!((libc::mkstemp(bad.as_mut_ptr().cast()), errno()), (-1, libc::EINVAL));
            let mut folder = *b"/tmp/clib-XXXXXX\0";
            let made = text(libc::mkdtemp(folder.as_mut_ptr().cast()));
            assert!(std::fs::metadata(&made).unwrap().is_dir());
            std::fs::remove_dir(made).unwrap();
            let file = libc::tmpfile();
            assert_eq!(libc::fputs(c"gone".as_ptr(), file), 0);
            libc::rewind(file);
            assert_eq!(libc::fgetc(file), c_int::from(b'g'));
            assert_eq!(libc::fclose(file), 0);
        }
    }

    unsafe extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
        // SAFETY: the elements are of this type.
        unsafe { (*a.cast::<i32>()).cmp(&*b.cast::<i32>()) as c_int }
    }

    fn numbers() {
        // SAFETY: C strings, arrays with their sizes, places that are ours.
        unsafe {
            let mut end = null_mut();
            let number = c"0x7fffffffffffffffff";
            assert_eq!(libc::strtol(number.as_ptr(), &raw mut end, 0), c_long::MAX);
            assert_eq!((errno(), text(end)), (libc::ERANGE, String::new()));
            assert_eq!(libc::strtod(c"1.5e3x".as_ptr(), &raw mut end), 1500.0);
            assert_eq!(text(end), "x");
            assert_eq!(libc::atoi(c" -12monkeys".as_ptr()), -12);
            let mut values: Vec<i32> = (0..1000).map(|index| (index * 7919) % 1000 - 500).collect();
            libc::qsort(values.as_mut_ptr().cast(), values.len(), 4, Some(compare));
            assert!(values.is_sorted());
            let key = 77_i32;
            let found = libc::bsearch((&raw const key).cast(), values.as_ptr().cast(), 1000, 4, Some(compare));
            assert_eq!(*found.cast::<i32>(), 77);
            let key = 5000_i32;
            assert!(libc::bsearch((&raw const key).cast(), values.as_ptr().cast(), 1000, 4, Some(compare)).is_null());
        }
    }

    fn strings() {
        let mut buffer = [0 as c_char; 16];
        // SAFETY: C strings, and room as it is given.
        unsafe {
            assert_eq!(libc::strlcpy(buffer.as_mut_ptr(), c"0123456789abcdefgh".as_ptr(), 8), 18);
            assert_eq!(text(buffer.as_ptr()), "0123456");
            assert_eq!(libc::strlcat(buffer.as_mut_ptr(), c"xyz".as_ptr(), 9), 10);
            assert_eq!(text(buffer.as_ptr()), "0123456x");
            assert_eq!(text(libc::strstr(c"the needle here".as_ptr(), c"need".as_ptr())), "needle here");
            assert!(libc::strstr(c"nee".as_ptr(), c"need".as_ptr()).is_null());
            assert_eq!(libc::strcasecmp(c"ABC".as_ptr(), c"abd".as_ptr()), -1);
            let mut words = *b"one, two,,three\0";
            let mut rest = null_mut();
            let mut token = libc::strtok_r(words.as_mut_ptr().cast(), c", ".as_ptr(), &raw mut rest);
            let mut found = Vec::new();
            while !token.is_null() {
                found.push(text(token));
                token = libc::strtok_r(null_mut(), c", ".as_ptr(), &raw mut rest);
            }
            assert_eq!(found, ["one", "two", "three"]);
            assert_eq!(text(libc::strerror(libc::ENOENT)), "No such file or directory");
            assert_eq!(libc::fnmatch(c"*.[ch]".as_ptr(), c"main.c".as_ptr(), 0), 0);
            assert_eq!(libc::fnmatch(c"*".as_ptr(), c"a/b".as_ptr(), libc::FNM_PATHNAME), libc::FNM_NOMATCH);
            let mut wide = [0; 8];
            assert_eq!(mbstowcs(wide.as_mut_ptr(), c"ä€😀".as_ptr(), 8), 3);
            let mut back = [0 as c_char; 16];
            assert_eq!(libc::wcstombs(back.as_mut_ptr(), wide.as_ptr(), 16), 9);
            assert_eq!(text(back.as_ptr()), "ä€😀");
            assert_eq!(mbstowcs(wide.as_mut_ptr(), c"\xff".as_ptr(), 8), usize::MAX);
            // memchr at every distance and alignment, and not a byte beyond.
            let bytes: Vec<u8> = (0..100).collect();
            for start in 0..40 {
                for byte in 0..100_u8 {
                    let at = libc::memchr(bytes[start..].as_ptr().cast(), byte.into(), 50).cast::<u8>();
                    let expected = bytes[start..start + 50].iter().position(|&each| each == byte);
                    let found = (!at.is_null()).then(|| at as usize - bytes[start..].as_ptr() as usize);
                    assert_eq!(found, expected);
                }
            }
        }
    }

    fn options() {
        let words = ["prog", "file", "-ab", "-o", "value", "--long=x", "other", "--flag", "--", "-z"];
        let owned: Vec<CString> = words.iter().map(|word| CString::new(*word).unwrap()).collect();
        let mut argv: Vec<*mut c_char> = owned.iter().map(|word| word.as_ptr().cast_mut()).collect();
        argv.push(null_mut());
        let long = [
            LongOption { name: c"long".as_ptr(), has_arg: 1, flag: null_mut(), value: 200 },
            LongOption { name: c"flag".as_ptr(), has_arg: 0, flag: null_mut(), value: 201 },
            LongOption { name: null(), has_arg: 0, flag: null_mut(), value: 0 },
        ];
        let mut seen = Vec::new();
        // SAFETY: the lists end as they must; nobody else parses options here.
        unsafe {
            opterr = 0;
            loop {
                let count = words.len() as c_int;
                let answer = getopt_long(count, argv.as_ptr(), c"abo:".as_ptr(), long.as_ptr(), null_mut());
                if answer < 0 {
                    break;
                }
                let argument = optarg;
                seen.push((answer, if argument.is_null() { String::new() } else { text(argument) }));
            }
            let letter = |letter: u8| (c_int::from(letter), String::new());
            let expected = [
                letter(b'a'),
                letter(b'b'),
                (c_int::from(b'o'), "value".into()),
                (200, "x".into()),
                (201, String::new()),
            ];
            assert_eq!(seen, expected);
            let rest: Vec<String> = argv[optind as usize..words.len()].iter().map(|&word| text(word)).collect();
            assert_eq!(rest, ["file", "other", "-z"]);
        }
    }

    fn set_zone(value: &str) {
        // SAFETY: no other thread runs.
        unsafe { std::env::set_var("TZ", value) };
    }

    fn local(time: i64) -> (i32, i32, i32, i64, String) {
        // SAFETY: the places are ours; the zone is a C string.
        unsafe {
            let mut broken = MaybeUninit::<tm>::uninit();
            assert!(!libc::localtime_r(&raw const time, broken.as_mut_ptr()).is_null());
            let tm = broken.assume_init();
            (tm.tm_mday, tm.tm_hour, tm.tm_isdst, tm.tm_gmtoff, text(tm.tm_zone))
        }
    }

    /// A zone file (version 2) with one change: from `AAA` (UTC+1) to `BBB` (UTC+2) at 1,000,000, then by rule.
    fn zone_file() -> Vec<u8> {
        let header = |times: u32, types: u32, letters: u32| {
            let mut bytes = b"TZif2".to_vec();
            bytes.extend([0; 15]);
            [0, 0, 0, times, types, letters].iter().for_each(|count| bytes.extend(count.to_be_bytes()));
            bytes
        };
        let mut bytes = header(0, 1, 4);
        bytes.extend([0, 0, 0, 0, 0, 0]);
        bytes.extend(b"UTC\0");
        bytes.extend(header(1, 2, 8));
        bytes.extend(1_000_000_i64.to_be_bytes());
        bytes.push(1);
        bytes.extend([0, 0, 0x0e, 0x10, 0, 0]);
        bytes.extend([0, 0, 0x1c, 0x20, 0, 4]);
        bytes.extend(b"AAA\0BBB\0");
        bytes.extend(b"\nBBB-2\n");
        bytes
    }

    fn zones() {
        set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
        // The last Sunday of March 2024 was the 31st, at 01:00 UTC.
        assert_eq!(local(1_711_846_799), (31, 1, 0, 3600, "CET".into()));
        assert_eq!(local(1_711_846_800), (31, 3, 1, 7200, "CEST".into()));
        std::fs::write("/tmp/clib-zone", zone_file()).unwrap();
        set_zone(":/tmp/clib-zone");
        assert_eq!(local(999_999), (12, 14, 0, 3600, "AAA".into()));
        assert_eq!(local(1_000_000), (12, 15, 0, 7200, "BBB".into()));
        set_zone(":/tmp/nothing-there");
        assert_eq!(local(0), (1, 0, 0, 0, "UTC".into()));
        std::fs::remove_file("/tmp/clib-zone").unwrap();
        set_zone("EST5EDT,M3.2.0,M11.1.0");
        // SAFETY: the places are ours.
        unsafe {
            let mut time: tm = zeroed();
            let format = c"%Y-%m-%d %H:%M:%S";
            let end = strptime(c"2026-07-04 12:00:00".as_ptr(), format.as_ptr(), &raw mut time);
            assert_eq!(text(end), "");
            time.tm_isdst = -1;
            assert_eq!(libc::mktime(&raw mut time), 1_783_180_800);
            assert_eq!((time.tm_isdst, time.tm_wday), (1, 6));
            let mut out = [0 as c_char; 64];
            let format = c"%a %d %b %Y %T %Z %z".as_ptr();
            assert!(libc::strftime(out.as_mut_ptr(), out.len(), format, &raw const time) > 0);
            assert_eq!(text(out.as_ptr()), "Sat 04 Jul 2026 12:00:00 EDT -0400");
            assert_eq!(libc::timegm(&raw mut time), 1_783_166_400);
        }
        set_zone("UTC0");
    }

    fn accounts() {
        std::fs::create_dir_all("/etc").unwrap();
        std::fs::write("/etc/passwd", "root:x:0:0:The one:/root:/bin/sh\nada:x:1000:100:Ada:/home/ada:/bin/brush\n")
            .unwrap();
        std::fs::write("/etc/group", "root:x:0:\nusers:x:100:\nwheel:x:10:root,ada\naudio:x:11:ada\n").unwrap();
        // SAFETY: C strings, and entries until the next call.
        unsafe {
            let ada = libc::getpwnam(c"ada".as_ptr());
            assert_eq!(((*ada).pw_uid, (*ada).pw_gid, text((*ada).pw_dir)), (1000, 100, "/home/ada".into()));
            assert!(libc::getpwnam(c"nobody".as_ptr()).is_null());
            let (mut entry, mut buffer, mut result) = (zeroed(), [0 as c_char; 64], null_mut());
            let mut find = |len| libc::getpwuid_r(0, &raw mut entry, buffer.as_mut_ptr(), len, &raw mut result);
            assert_eq!((find(10), find(64)), (libc::ERANGE, 0));
            assert_eq!((text(entry.pw_name), text(entry.pw_shell)), ("root".into(), "/bin/sh".into()));
            let wheel = libc::getgrnam(c"wheel".as_ptr());
            let members = [text(*(*wheel).gr_mem), text(*(*wheel).gr_mem.add(1))];
            assert_eq!((members, (*(*wheel).gr_mem.add(2)).is_null()), (["root".into(), "ada".into()], true));
            let (mut groups, mut count) = ([0; 8], 8);
            assert_eq!(libc::getgrouplist(c"ada".as_ptr(), 100, groups.as_mut_ptr(), &raw mut count), 3);
            assert_eq!(&groups[..3], [100, 10, 11]);
            count = 1;
            assert_eq!(libc::getgrouplist(c"ada".as_ptr(), 100, groups.as_mut_ptr(), &raw mut count), -1);
            assert_eq!(count, 3);
            libc::setpwent();
            let mut names = Vec::new();
            loop {
                let entry = libc::getpwent();
                if entry.is_null() {
                    break;
                }
                names.push(text((*entry).pw_name));
            }
            libc::endpwent();
            assert_eq!(names, ["root", "ada"]);
        }
        std::fs::remove_file("/etc/passwd").unwrap();
        std::fs::remove_file("/etc/group").unwrap();
    }

    /// A moment on the realtime clock, so far ahead.
    fn ahead(millis: i64) -> timespec {
        // SAFETY: the place is ours.
        unsafe {
            let mut now = zeroed::<timespec>();
            assert_eq!(libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now), 0);
            now.tv_nsec += millis * 1_000_000;
            now.tv_sec += now.tv_nsec / 1_000_000_000;
            now.tv_nsec %= 1_000_000_000;
            now
        }
    }

    fn waiting() {
        // SAFETY: the objects outlive the threads that use them.
        unsafe {
            let mut semaphore: sem_t = null_mut();
            let it = &raw mut semaphore;
            assert_eq!(libc::sem_init(it, 0, 2), 0);
            assert_eq!((libc::sem_wait(it), libc::sem_trywait(it), libc::sem_trywait(it)), (0, 0, -1));
            assert_eq!(errno(), libc::EAGAIN);
            let (start, until) = (Instant::now(), ahead(30));
            assert_eq!((libc::sem_timedwait(it, &raw const until), errno()), (-1, libc::ETIMEDOUT));
            assert!(start.elapsed() >= Duration::from_millis(29));
            let address = it as usize;
            let passed = AtomicU32::new(0);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..500 {
                            assert_eq!(libc::sem_wait(address as *mut sem_t), 0);
                            passed.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                for _ in 0..2000 {
                    assert_eq!(libc::sem_post(address as *mut sem_t), 0);
                }
            });
            assert_eq!(passed.load(Ordering::Relaxed), 2000);
            let mut rwlock = libc::PTHREAD_RWLOCK_INITIALIZER;
            assert_eq!(libc::pthread_rwlock_wrlock(&raw mut rwlock), 0);
            let until = ahead(20);
            assert_eq!(pthread_rwlock_timedrdlock(&raw mut rwlock, &raw const until), libc::ETIMEDOUT);
            assert_eq!(libc::pthread_rwlock_unlock(&raw mut rwlock), 0);
            assert_eq!(pthread_rwlock_timedrdlock(&raw mut rwlock, &raw const until), 0);
            let mut mutex = libc::PTHREAD_MUTEX_INITIALIZER;
            assert_eq!(pthread_mutex_timedlock(&raw mut mutex, &raw const until), 0);
            let address = &raw mut mutex as usize;
            let other = thread::spawn(move || {
                let until = ahead(20);
                pthread_mutex_timedlock(address as *mut libc::pthread_mutex_t, &raw const until)
            });
            assert_eq!(other.join().unwrap(), libc::ETIMEDOUT);
            let me = libc::pthread_self();
            let mut name = [0 as c_char; 16];
            assert_eq!(pthread_setname_np(me, c"worker".as_ptr()), 0);
            assert_eq!(pthread_setname_np(me, c"a name that is too long".as_ptr()), libc::ERANGE);
            assert_eq!(pthread_setname_np(me, c"worker".as_ptr()), 0);
            assert_eq!((pthread_getname_np(me, name.as_mut_ptr(), 16), text(name.as_ptr())), (0, "worker".into()));
        }
    }

    fn epoll() {
        // SAFETY: descriptors and places are ours.
        unsafe {
            let (queue, mut ends) = (libc::epoll_create1(libc::EPOLL_CLOEXEC), [0; 2]);
            assert!(queue >= 0);
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            let [read, write] = ends;
            let control = |operation, events: c_int| {
                let mut event = epoll_event { events: events as u32, u64: 7, _pad: 0 };
                libc::epoll_ctl(queue, operation, read, &raw mut event)
            };
            let wait = |timeout| {
                let mut events = [epoll_event { events: 0, u64: 0, _pad: 0 }; 4];
                let count = libc::epoll_wait(queue, events.as_mut_ptr(), 4, timeout);
                assert!(count < 1 || (events[0].u64, events[0].events) == (7, libc::EPOLLIN as u32));
                count
            };
            let say = || assert_eq!(libc::write(write, b"x".as_ptr().cast(), 1), 1);
            let take = || assert_eq!(libc::read(read, [0_u8; 8].as_mut_ptr().cast(), 8), 1);
            assert_eq!((control(libc::EPOLL_CTL_MOD, libc::EPOLLIN), errno()), (-1, libc::ENOENT));
            assert_eq!(control(libc::EPOLL_CTL_ADD, libc::EPOLLIN), 0);
            assert_eq!((control(libc::EPOLL_CTL_ADD, libc::EPOLLIN), errno()), (-1, libc::EEXIST));
            let start = Instant::now();
            assert_eq!((wait(0), wait(30)), (0, 0));
            assert!(start.elapsed() >= Duration::from_millis(29));
            say();
            // By level: again and again, until it is read.
            assert_eq!((wait(1000), wait(0), wait(-1)), (1, 1, 1));
            take();
            assert_eq!(wait(10), 0);
            assert_eq!(control(libc::EPOLL_CTL_MOD, libc::EPOLLIN | libc::EPOLLET), 0);
            say();
            assert_eq!((wait(1000), wait(10)), (1, 0));
            take();
            assert_eq!(control(libc::EPOLL_CTL_MOD, libc::EPOLLIN | libc::EPOLLONESHOT), 0);
            say();
            assert_eq!((wait(1000), wait(10)), (1, 0));
            assert_eq!(control(libc::EPOLL_CTL_MOD, libc::EPOLLIN), 0);
            assert_eq!(wait(-1), 1);
            assert_eq!(control(libc::EPOLL_CTL_DEL, 0), 0);
            assert_eq!(wait(10), 0);
            // A number that is used again is another descriptor.
            assert_eq!(control(libc::EPOLL_CTL_ADD, libc::EPOLLIN), 0);
            close_all(&[read, write]);
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            assert_eq!(ends, [read, write]);
            assert_eq!(wait(10), 0);
            assert_eq!((libc::epoll_wait(read, null_mut(), 1, 0), errno()), (-1, libc::EINVAL));
            close_all(&[queue, read, write]);
        }
    }

    fn locks() {
        std::fs::write("/tmp/clib-locks", "0123456789").unwrap();
        // SAFETY: C strings and structures that are ours.
        unsafe {
            let open = || libc::open(c"/tmp/clib-locks".as_ptr(), libc::O_RDWR);
            let (a, b) = (open(), open());
            assert_eq!(libc::flock(a, libc::LOCK_SH), 0);
            assert_eq!(libc::flock(b, libc::LOCK_SH | libc::LOCK_NB), 0);
            assert_eq!(libc::flock(b, libc::LOCK_EX | libc::LOCK_NB), -1);
            assert_eq!(errno(), libc::EWOULDBLOCK);
            assert_eq!(libc::flock(a, libc::LOCK_UN), 0);
            assert_eq!(libc::flock(b, libc::LOCK_EX | libc::LOCK_NB), 0);
            // The lock goes with the open file; who waits gets it.
            let waiter = thread::spawn(move || libc::flock(a, libc::LOCK_EX));
            thread::sleep(Duration::from_millis(20));
            assert!(!waiter.is_finished());
            assert_eq!(libc::close(b), 0);
            assert_eq!(waiter.join().unwrap(), 0);
            // Locks of the process do not stand in each other's way, but those of an open file do.
            let b = open();
            let mut lock = Flock { kind: 1, whence: 0, start: 2, len: 3, pid: 0 };
            assert_eq!(libc::fcntl(b, libc::F_SETLK, &raw mut lock), -1);
            assert_eq!(errno(), libc::EAGAIN);
            assert_eq!(libc::fcntl(b, libc::F_GETLK, &raw mut lock), 0);
            assert_eq!((lock.kind, lock.start, lock.len, lock.pid), (1, 0, 0, -1));
            assert_eq!(libc::flock(a, libc::LOCK_UN), 0);
            let mut lock = Flock { kind: 1, whence: 2, start: -4, len: 2, pid: 0 };
            assert_eq!(libc::fcntl(b, libc::F_SETLKW, &raw mut lock), 0);
            assert_eq!(libc::flock(a, libc::LOCK_SH | libc::LOCK_NB), -1);
            assert_eq!(libc::lseek(b, 6, libc::SEEK_SET), 6);
            assert_eq!(libc::lockf(b, libc::F_ULOCK, 2), 0);
            assert_eq!(libc::flock(a, libc::LOCK_SH | libc::LOCK_NB), 0);
            close_all(&[a, b]);
        }
        std::fs::remove_file("/tmp/clib-locks").unwrap();
    }

    fn names() {
        std::fs::create_dir("/tmp/clib-dir").unwrap();
        for name in ["c", "a", "b"] {
            std::fs::write(format!("/tmp/clib-dir/{name}"), name).unwrap();
        }
        std::os::unix::fs::symlink("a", "/tmp/clib-dir/link").unwrap();
        // SAFETY: C strings and places that are ours.
        unsafe {
            let mut list = null_mut();
            let count = scandir(c"/tmp/clib-dir".as_ptr(), &raw mut list, None, Some(alphasort));
            let found: Vec<String> = (0..count as usize)
                .map(|index| {
                    let entry = *list.add(index);
                    let name = text((*entry).d_name.as_ptr());
                    libc::free(entry.cast());
                    name
                })
                .filter(|name| !name.starts_with('.'))
                .collect();
            libc::free(list.cast());
            assert_eq!(found, ["a", "b", "c", "link"]);
            let dir = libc::open(c"/tmp/clib-dir".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
            let link = |to: &CStr, flags| libc::linkat(dir, c"link".as_ptr(), dir, to.as_ptr(), flags);
            assert_eq!((link(c"hard", libc::AT_SYMLINK_FOLLOW), link(c"soft", 0)), (0, 0));
            assert!(std::fs::symlink_metadata("/tmp/clib-dir/hard").unwrap().is_file());
            assert!(std::fs::symlink_metadata("/tmp/clib-dir/soft").unwrap().is_symlink());
            let times = [libc::timeval { tv_sec: 100, tv_usec: 5 }, libc::timeval { tv_sec: 200, tv_usec: 7 }];
            assert_eq!(libc::utimes(c"/tmp/clib-dir/a".as_ptr(), times.as_ptr()), 0);
            let omit = [timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT }, timespec { tv_sec: 300, tv_nsec: 9 }];
            assert_eq!(libc::utimensat(dir, c"a".as_ptr(), omit.as_ptr(), 0), 0);
            let mut stat = zeroed();
            assert_eq!(libc::stat(c"/tmp/clib-dir/a".as_ptr(), &raw mut stat), 0);
            assert_eq!((stat.st_atime, stat.st_atime_nsec, stat.st_mtime, stat.st_mtime_nsec), (100, 5000, 300, 9));
            libc::close(dir);
        }
        std::fs::remove_dir_all("/tmp/clib-dir").unwrap();
    }

    fn asks() {
        // SAFETY: places that are ours.
        unsafe {
            let mut name: libc::utsname = zeroed();
            assert_eq!(libc::uname(&raw mut name), 0);
            assert_eq!((text(name.sysname.as_ptr()), text(name.machine.as_ptr())), ("Ochre".into(), "x86_64".into()));
            let mut usage: libc::rusage = zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &raw mut usage), 0);
            assert!(usage.ru_utime.tv_sec > 0 || usage.ru_utime.tv_usec > 0);
            assert!(libc::times(null_mut()) > 0);
            let mut path = [0 as c_char; 32];
            assert_eq!(libc::confstr(libc::_CS_PATH, path.as_mut_ptr(), 32), 14);
            assert_eq!(text(path.as_ptr()), "/bin:/usr/bin");
            let mut info: libc::Dl_info = zeroed();
            assert_eq!(libc::dladdr(main as *const () as *const c_void, &raw mut info), 1);
            assert!(text(info.dli_fname).ends_with("clib"));
            assert!(libc::dlopen(c"libnothing.so".as_ptr(), libc::RTLD_NOW).is_null());
            assert!(text(libc::dlerror()).contains("statically"));
            let now = timespec { tv_sec: 0, tv_nsec: 0 };
            assert_eq!((libc::clock_settime(libc::CLOCK_REALTIME, &raw const now), errno()), (-1, libc::EPERM));
        }
    }
}
