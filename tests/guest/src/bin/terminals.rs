//! Terminals as programs see them: through libc, and through the names that programs of the Redox family use.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::ffi::{CStr, c_int};
    use std::fs::File;
    use std::io::{Error, IsTerminal, Read, Result, Write};
    use std::mem::zeroed;
    use std::os::fd::{AsRawFd, FromRawFd, RawFd};
    use std::ptr::{null, null_mut};
    use std::thread;
    use std::time::{Duration, Instant};

    use libc::{
        EAGAIN, EINVAL, EIO, ENOTTY, POLLHUP, POLLIN, POLLOUT, TCIFLUSH, TCSADRAIN, TCSANOW, VMIN, VTIME, termios,
    };
    use libredox::Fd;
    use ochre_guest::{Accounts, run};

    /// Long enough for a thread to have gone to sleep.
    const MOMENT: Duration = Duration::from_millis(30);

    unsafe extern "C" {
        fn ptsname_r(fd: c_int, to: *mut libc::c_char, len: usize) -> c_int;
        fn cfsetspeed(to: *mut termios, speed: libc::speed_t) -> c_int;
        fn forkpty(
            master: *mut c_int,
            name: *mut libc::c_char,
            settings: *const termios,
            size: *const libc::winsize,
        ) -> libc::pid_t;
    }

    pub fn main() {
        run(&[
            ("a pair and its names", names),
            ("a pair by POSIX's steps", steps),
            ("lines are edited", editing),
            ("settings", settings),
            ("times of reads", times),
            ("sizes", sizes),
            ("poll", polling),
            ("both ends wait, and end", ends),
            ("draining", draining),
            ("what is no terminal", no_terminals),
            ("the names of the Redox family", family),
            ("the console", console),
            ("a megabyte of lines", throughput),
            ("job control", job_control),
            ("a session ends with its terminal", hang_up),
            ("many pairs leave nothing behind", many),
        ]);
    }

    /// An answer of C.
    fn checked(answer: c_int) -> Result<c_int> {
        if answer < 0 { Err(Error::last_os_error()) } else { Ok(answer) }
    }

    fn errno<T>(result: Result<T>) -> i32 {
        result.err().and_then(|error| error.raw_os_error()).unwrap_or(0)
    }

    fn pair() -> (File, File) {
        let (mut master, mut slave) = (-1, -1);
        // SAFETY: room for two numbers; the rest is left out.
        checked(unsafe { libc::openpty(&mut master, &mut slave, null_mut(), null(), null()) }).expect("a pair");
        // SAFETY: both are new and nobody else's.
        unsafe { (File::from_raw_fd(master), File::from_raw_fd(slave)) }
    }

    fn attributes(fd: RawFd) -> Result<termios> {
        // SAFETY: a structure of numbers, which the call fills.
        unsafe {
            let mut termios = zeroed();
            checked(libc::tcgetattr(fd, &mut termios)).map(|_| termios)
        }
    }

    fn set_attributes(fd: RawFd, when: c_int, termios: &termios) -> Result<c_int> {
        // SAFETY: the structure is whole.
        checked(unsafe { libc::tcsetattr(fd, when, termios) })
    }

    fn make_raw(file: &File) {
        let mut termios = attributes(file.as_raw_fd()).unwrap();
        // SAFETY: the structure is whole.
        unsafe { libc::cfmakeraw(&mut termios) };
        set_attributes(file.as_raw_fd(), TCSANOW, &termios).unwrap();
    }

    fn read(mut file: &File) -> Result<Vec<u8>> {
        let mut buf = [0; 4096];
        file.read(&mut buf).map(|count| buf[..count].to_vec())
    }

    fn write(mut file: &File, bytes: &[u8]) -> Result<usize> {
        file.write(bytes)
    }

    fn text(name: *const libc::c_char) -> String {
        assert!(!name.is_null(), "{}", Error::last_os_error());
        // SAFETY: libc's names end with a NUL.
        unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned()
    }

    fn names() {
        let (master, slave) = pair();
        // SAFETY: plain calls; the answers are copied at once.
        let (other, own) = unsafe { (text(libc::ptsname(master.as_raw_fd())), text(libc::ttyname(slave.as_raw_fd()))) };
        assert_eq!(other, own);
        assert!(own.starts_with("/scheme/pty/"), "{own}");
        assert!(slave.is_terminal() && master.is_terminal());
        let again = File::options().read(true).write(true).open(&own).unwrap();
        write(&again, b"x").unwrap();
        assert_eq!(read(&master).unwrap(), b"x");
        let number = own.rsplit('/').next().unwrap();
        assert!(File::open(format!("/dev/pts/{number}")).unwrap().is_terminal());
        let listed =
            std::fs::read_dir("/scheme/pty").unwrap().filter(|entry| entry.as_ref().unwrap().file_name() == number);
        assert_eq!(listed.count(), 1);
        let mut room = [0; 5];
        // SAFETY: the room is as large as said.
        assert_eq!(unsafe { ptsname_r(master.as_raw_fd(), room.as_mut_ptr(), room.len()) }, libc::ERANGE);
        // SAFETY: a null pointer is allowed.
        assert_eq!(unsafe { ptsname_r(slave.as_raw_fd(), room.as_mut_ptr(), room.len()) }, ENOTTY);
    }

    fn steps() {
        // SAFETY: plain numbers.
        let master = unsafe {
            let fd = checked(libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY)).unwrap();
            File::from_raw_fd(fd)
        };
        // SAFETY: a plain call.
        let name = text(unsafe { libc::ptsname(master.as_raw_fd()) });
        assert_eq!(errno(File::open(&name)), EIO);
        // SAFETY: plain numbers.
        unsafe {
            checked(libc::grantpt(master.as_raw_fd())).unwrap();
            checked(libc::unlockpt(master.as_raw_fd())).unwrap();
            assert_eq!(errno(checked(libc::posix_openpt(libc::O_APPEND))), EINVAL);
            let null = File::open("/dev/null").unwrap();
            assert_eq!(errno(checked(libc::grantpt(null.as_raw_fd()))), EINVAL);
        }
        assert!(File::open(&name).is_ok());
    }

    fn editing() {
        let (master, slave) = pair();
        write(&master, b"helo\x7flo\r").unwrap();
        assert_eq!(read(&slave).unwrap(), b"hello\n");
        assert_eq!(read(&master).unwrap(), b"helo\x08 \x08lo\r\n");
        write(&master, b"\x04").unwrap();
        assert_eq!(read(&slave).unwrap(), b"");
        write(&slave, b"a\nb\n").unwrap();
        assert_eq!(read(&master).unwrap(), b"a\r\nb\r\n");
    }

    fn settings() {
        let (master, slave) = pair();
        let fd = slave.as_raw_fd();
        let sane = attributes(fd).unwrap();
        assert_eq!(sane.c_lflag & libc::ICANON, libc::ICANON);
        assert_eq!((sane.c_cc[libc::VINTR], sane.c_cc[libc::VEOF], sane.c_cc[VMIN]), (3, 4, 1));
        make_raw(&slave);
        write(&master, b"\x03\r\x04").unwrap();
        assert_eq!(read(&slave).unwrap(), b"\x03\r\x04");
        let mut termios = attributes(master.as_raw_fd()).unwrap();
        // SAFETY: the structure is whole.
        unsafe {
            checked(cfsetspeed(&mut termios, libc::B115200)).unwrap();
            assert_eq!(errno(checked(libc::cfsetospeed(&mut termios, 999))), EINVAL);
        }
        set_attributes(fd, TCSADRAIN, &termios).unwrap();
        let now = attributes(fd).unwrap();
        // SAFETY: the structure is whole.
        assert_eq!(unsafe { (libc::cfgetispeed(&now), libc::cfgetospeed(&now)) }, (libc::B115200, libc::B115200));
        assert_eq!((errno(set_attributes(fd, 3, &sane)), errno(set_attributes(fd, -1, &sane))), (EINVAL, EINVAL));
    }

    fn times() {
        let (master, slave) = pair();
        make_raw(&slave);
        let mut termios = attributes(slave.as_raw_fd()).unwrap();
        (termios.c_cc[VMIN], termios.c_cc[VTIME]) = (0, 2);
        set_attributes(slave.as_raw_fd(), TCSANOW, &termios).unwrap();
        let start = Instant::now();
        assert_eq!(read(&slave).unwrap(), b"");
        assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
        (termios.c_cc[VMIN], termios.c_cc[VTIME]) = (5, 2);
        set_attributes(slave.as_raw_fd(), TCSANOW, &termios).unwrap();
        write(&master, b"ab").unwrap();
        assert_eq!(read(&slave).unwrap(), b"ab");
        (termios.c_cc[VMIN], termios.c_cc[VTIME]) = (0, 0);
        set_attributes(slave.as_raw_fd(), TCSANOW, &termios).unwrap();
        assert_eq!(read(&slave).unwrap(), b"");
    }

    fn sizes() {
        let (master, slave) = pair();
        let size = libc::winsize { ws_row: 30, ws_col: 100, ws_xpixel: 800, ws_ypixel: 480 };
        // SAFETY: the structures are whole.
        let got = unsafe {
            checked(libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &size)).unwrap();
            let mut got: libc::winsize = zeroed();
            checked(libc::ioctl(slave.as_raw_fd(), libc::TIOCGWINSZ, &mut got)).unwrap();
            got
        };
        assert_eq!((got.ws_row, got.ws_col, got.ws_xpixel, got.ws_ypixel), (30, 100, 800, 480));
    }

    /// What is ready of what is asked for, without waiting.
    fn ready(file: &File, events: i16) -> i16 {
        let mut poll = libc::pollfd { fd: file.as_raw_fd(), events, revents: 0 };
        // SAFETY: one structure.
        checked(unsafe { libc::poll(&mut poll, 1, 0) }).unwrap();
        poll.revents
    }

    fn polling() {
        let (master, slave) = pair();
        assert_eq!((ready(&slave, POLLIN | POLLOUT), ready(&master, POLLIN | POLLOUT)), (POLLOUT, POLLOUT));
        write(&master, b"a").unwrap();
        assert_eq!((ready(&slave, POLLIN), ready(&master, POLLIN)), (0, POLLIN));
        write(&master, b"\r").unwrap();
        assert_eq!(ready(&slave, POLLIN), POLLIN);
        let mut count: c_int = 0;
        // SAFETY: room for a number.
        checked(unsafe { libc::ioctl(slave.as_raw_fd(), libc::FIONREAD, &mut count) }).unwrap();
        assert_eq!(count, 2);
        // SAFETY: plain numbers.
        checked(unsafe { libc::tcflush(slave.as_raw_fd(), TCIFLUSH) }).unwrap();
        assert_eq!(ready(&slave, POLLIN), 0);
        // SAFETY: plain numbers.
        unsafe {
            checked(libc::fcntl(slave.as_raw_fd(), libc::F_SETFL, libc::O_RDWR | libc::O_NONBLOCK)).unwrap();
        }
        assert_eq!(errno(read(&slave)), EAGAIN);
        drop(master);
        assert_eq!(ready(&slave, POLLIN | POLLOUT), POLLIN | POLLOUT | POLLHUP);
        // The same from the other side: all programs have left.
        let (master, slave) = pair();
        assert_eq!(ready(&master, POLLIN), 0);
        drop(slave);
        assert_eq!(ready(&master, POLLIN), POLLIN | POLLHUP);
    }

    fn ends() {
        let (master, slave) = pair();
        let reader = thread::spawn(move || (read(&slave).unwrap(), read(&slave).unwrap(), errno(write(&slave, b"x"))));
        thread::sleep(MOMENT);
        write(&master, b"line\r").unwrap();
        thread::sleep(MOMENT);
        drop(master);
        assert_eq!(reader.join().unwrap(), (b"line\n".to_vec(), Vec::new(), EIO));
        let (master, slave) = pair();
        let shower = thread::spawn(move || (read(&master).unwrap(), read(&master).unwrap()));
        thread::sleep(MOMENT);
        write(&slave, b"bye").unwrap();
        thread::sleep(MOMENT);
        drop(slave);
        assert_eq!(shower.join().unwrap(), (b"bye".to_vec(), Vec::new()));
    }

    fn draining() {
        let (master, slave) = pair();
        write(&slave, b"shown").unwrap();
        let shower = thread::spawn(move || {
            thread::sleep(MOMENT);
            let shown = read(&master).unwrap();
            (shown, master)
        });
        let start = Instant::now();
        // SAFETY: plain numbers.
        checked(unsafe { libc::tcdrain(slave.as_raw_fd()) }).unwrap();
        assert!(start.elapsed() >= MOMENT / 2);
        assert_eq!(shower.join().unwrap().0, b"shown");
    }

    fn no_terminals() {
        std::fs::write("/tmp/no-terminal", b"0123456789").unwrap();
        let mut file = File::open("/tmp/no-terminal").unwrap();
        file.read_exact(&mut [0; 3]).unwrap();
        let pipe = Fd::open("/scheme/pipe", 0, 0).unwrap();
        let zero = File::open("/dev/zero").unwrap();
        for fd in [file.as_raw_fd(), zero.as_raw_fd(), pipe.raw() as RawFd] {
            // SAFETY: plain calls.
            unsafe {
                assert_eq!(libc::isatty(fd), 0);
                assert!(libc::ttyname(fd).is_null());
                assert!(libc::ptsname(fd).is_null());
                assert_eq!(libc::tcgetpgrp(fd), -1);
            }
            assert_eq!(errno(attributes(fd)), ENOTTY);
        }
        let mut count: c_int = 0;
        // SAFETY: room for a number.
        checked(unsafe { libc::ioctl(file.as_raw_fd(), libc::FIONREAD, &mut count) }).unwrap();
        assert_eq!(count, 7);
        assert_eq!(errno(attributes(9999)), libc::EBADF);
    }

    fn family() {
        let master = Fd::open("/scheme/pty", libredox::flag::O_RDWR | libredox::flag::O_CREAT, 0).unwrap();
        let mut room = [0; 64];
        let count = master.fpath(&mut room).unwrap();
        let path = std::str::from_utf8(&room[..count]).unwrap();
        let slave = Fd::open(path, libredox::flag::O_RDWR, 0).unwrap();
        let size = Fd::new(master.dup(b"winsize").unwrap());
        size.write(&[24, 0, 80, 0, 0, 0, 0, 0]).unwrap();
        let mut got = [0; 8];
        assert_eq!(Fd::new(slave.dup(b"winsize").unwrap()).read(&mut got), Ok(8));
        assert_eq!(got, [24, 0, 80, 0, 0, 0, 0, 0]);
        let settings = Fd::new(slave.dup(b"termios").unwrap());
        let mut bytes = [0; size_of::<termios>()];
        assert_eq!(settings.read(&mut bytes), Ok(bytes.len()));
        bytes[12..16].fill(0);
        settings.write(&bytes).unwrap();
        master.write(b"raw").unwrap();
        assert_eq!((slave.read(&mut room), &room[..3]), (Ok(3), &b"raw"[..]));
    }

    fn console() {
        let mut console = File::options().read(true).write(true).open("/dev/console").unwrap();
        assert!(console.is_terminal());
        console.write_all(b"this is shown by the console terminal\n").unwrap();
        // SAFETY: plain numbers.
        checked(unsafe { libc::tcdrain(console.as_raw_fd()) }).unwrap();
        // SAFETY: the structure is whole.
        let size = unsafe {
            let mut size: libc::winsize = zeroed();
            checked(libc::ioctl(console.as_raw_fd(), libc::TIOCGWINSZ, &mut size)).unwrap();
            size
        };
        assert_eq!((size.ws_row, size.ws_col), (24, 80));
    }

    fn throughput() {
        let (master, slave) = pair();
        let line = b"the quick brown fox jumps over the lazy dog\n";
        let lines = (1 << 20) / line.len();
        let writer = thread::spawn(move || {
            let text = line.repeat(100);
            let mut slave = &slave;
            for _ in 0..lines / 100 {
                slave.write_all(&text).unwrap();
            }
        });
        let mut all = Vec::new();
        loop {
            match read(&master).unwrap() {
                bytes if bytes.is_empty() => break,
                bytes => all.extend(bytes),
            }
        }
        writer.join().unwrap();
        let expected = [&line[..line.len() - 1], b"\r\n"].concat().repeat(lines / 100 * 100);
        assert!(all == expected, "{} instead of {} bytes", all.len(), expected.len());
    }

    /// A child that leads a session with a terminal of its own, and the terminal's master.
    fn forked(child: impl FnOnce()) -> (libc::pid_t, File) {
        let mut master = -1;
        // SAFETY: room for a number; the rest is left out. The child only calls what works after a fork of one thread.
        match unsafe { forkpty(&mut master, null_mut(), null(), null()) } {
            0 => {
                child();
                // SAFETY: ends the child, whose memory is a copy.
                unsafe { libc::_exit(0) }
            }
            pid => {
                checked(pid).expect("a child");
                // SAFETY: it is new and nobody else's.
                (pid, unsafe { File::from_raw_fd(master) })
            }
        }
    }

    /// Reads until a text has been shown.
    fn expect(master: &File, text: &str) {
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains(text) {
            let bytes = read(master).unwrap();
            assert!(!bytes.is_empty(), "{text:?} was to come after {:?}", String::from_utf8_lossy(&all));
            all.extend(bytes);
        }
    }

    fn wait(pid: libc::pid_t, options: c_int) -> c_int {
        let mut status = 0;
        // SAFETY: room for a number.
        assert_eq!(checked(unsafe { libc::waitpid(pid, &mut status, options) }).unwrap(), pid);
        status
    }

    /// What a shell does: a group of its own for each job, the terminal given to it and taken back.
    fn shell() {
        // SAFETY: plain numbers; a child of one thread that ends by itself or by a signal.
        unsafe {
            libc::signal(libc::SIGTTOU, libc::SIG_IGN);
            assert_eq!((libc::tcgetsid(0), libc::tcgetpgrp(0)), (libc::getpid(), libc::getpid()));
            let job = libc::fork();
            if job == 0 {
                libc::setpgid(0, 0);
                libc::signal(libc::SIGTTOU, libc::SIG_DFL);
                // It reads in the background, is stopped for it, and goes on in the foreground.
                let mut line = [0; 64];
                let count = libc::read(0, line.as_mut_ptr().cast(), line.len());
                libc::write(1, line.as_ptr().cast(), count.max(0) as usize);
                thread::sleep(Duration::from_secs(600));
            }
            libc::setpgid(job, job);
            let stopped = wait(job, libc::WUNTRACED);
            println!("stopped by {}", libc::WSTOPSIG(stopped));
            assert_eq!(libc::tcsetpgrp(0, job), 0);
            libc::kill(-job, libc::SIGCONT);
            let ended = wait(job, 0);
            assert_eq!(libc::tcsetpgrp(0, libc::getpgrp()), 0);
            println!("ended by {}", libc::WTERMSIG(ended));
        }
    }

    fn job_control() {
        let (pid, master) = forked(shell);
        expect(&master, &format!("stopped by {}", libc::SIGTTIN));
        write(&master, b"typed\r").unwrap();
        // Once as echo, once by the job.
        expect(&master, "typed\r\ntyped\r\n");
        write(&master, b"\x03").unwrap();
        expect(&master, &format!("ended by {}", libc::SIGINT));
        assert_eq!(wait(pid, 0), 0);
    }

    fn hang_up() {
        let (pid, master) = forked(|| {
            println!("here");
            thread::sleep(Duration::from_secs(600));
        });
        expect(&master, "here");
        drop(master);
        assert_eq!(libc::WTERMSIG(wait(pid, 0)), libc::SIGHUP);
    }

    fn many() {
        let round = || {
            let pairs: Vec<_> = (0..50).map(|_| pair()).collect();
            pairs.iter().for_each(|(master, slave)| {
                write(slave, &[b'x'; 1000]).unwrap();
                assert_eq!(read(master).unwrap().len(), 1000);
            });
        };
        Accounts::assert_steady(round);
    }
}
