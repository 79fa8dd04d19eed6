//! Looking inside: the calls of other processes (`/scheme/sys/trace`), and the programs that show processes.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::fs::File;
    use std::io::{Error, Read, Result, Write};
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::process::{Command, Stdio};
    use std::ptr::null_mut;
    use std::thread;
    use std::time::{Duration, Instant};

    use libc::{EACCES, EAGAIN, EBUSY, EINVAL, ENOENT, ESRCH};
    use ochre_abi::trace::{Kind, Record, Target};
    use ochre_guest::posix::{code, fork, own_path};
    use ochre_guest::{Accounts, Pipe, run};
    use syscall::number::{SYS_OPENAT_INTO2, SYS_READ, SYS_WRITE, SYS_YIELD};

    const MOMENT: Duration = Duration::from_millis(30);
    /// A file that the traced ones open.
    const FILE: &str = "/tmp/looked-at";

    pub fn main() {
        if ochre_guest::role().is_some() {
            said(Command::new("ps").arg("1"));
            return;
        }
        run(&[
            ("who may watch whom", rights),
            ("calls with arguments, data and answers", calls),
            ("threads that are made later", threads),
            ("processes that are started", children),
            ("a call that waits is known", waiting),
            ("what a daemon is asked", daemon),
            ("records that nobody takes", lost),
            ("nothing is left behind", nothing_left),
            ("ps", ps),
            ("trace", trace),
            ("top on a terminal", top),
        ]);
    }

    fn watch(pid: i32) -> Result<File> {
        File::open(format!("/scheme/sys/trace/{pid}"))
    }

    fn errno<T>(result: Result<T>) -> i32 {
        result.err().and_then(|error| error.raw_os_error()).unwrap_or(0)
    }

    /// A child that does something once it is told to, then waits to be told that it may end.
    struct Watched {
        pid: i32,
        go: Pipe,
        done: Pipe,
    }

    impl Watched {
        fn new(act: impl FnOnce()) -> Self {
            let (go, done) = (Pipe::new().unwrap(), Pipe::new().unwrap());
            let pid = fork(|| {
                go.read.read(&mut [0]).unwrap();
                act();
                done.write.write(&[0]).unwrap();
                go.read.read(&mut [0]).unwrap();
                7
            });
            Watched { pid, go, done }
        }

        /// Lets it act, and waits until it has.
        fn act(&self) {
            self.go.write.write(&[0]).unwrap();
            self.done.read.read(&mut [0]).unwrap();
        }

        fn end(self) {
            self.go.write.write(&[0]).unwrap();
            assert_eq!(code(self.pid), 7);
        }
    }

    /// The records that are there, without waiting for more.
    fn take(from: &mut File) -> Vec<(Record, Vec<u8>)> {
        // SAFETY: plain numbers.
        unsafe { libc::fcntl(from.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        let mut bytes = vec![0; 16 << 10];
        let mut records = Vec::new();
        loop {
            let count = match from.read(&mut bytes) {
                Ok(count) => count,
                Err(error) if error.raw_os_error() == Some(EAGAIN) => return records,
                Err(error) => panic!("{error}"),
            };
            let mut rest = &bytes[..count];
            while let Some(record) = Record::from_bytes(rest) {
                records.push((record, rest[Record::SIZE..Record::SIZE + usize::from(record.len)].to_vec()));
                rest = &rest[record.total()..];
            }
            assert!(rest.is_empty(), "part of a record");
        }
    }

    /// Positions of the records of one kind and call.
    fn find(records: &[(Record, Vec<u8>)], kind: Kind, call: usize) -> impl Iterator<Item = &(Record, Vec<u8>)> {
        records.iter().filter(move |(record, _)| record.kind == kind && record.call as usize == call)
    }

    fn rights() {
        let child = Watched::new(|| {});
        let own = std::process::id() as i32;
        assert_eq!((errno(watch(own)), errno(watch(999_999)), errno(watch(0))), (EINVAL, ESRCH, ENOENT));
        let first = watch(child.pid).unwrap();
        assert_eq!(errno(watch(child.pid)), EBUSY);
        drop(first);
        drop(watch(child.pid).unwrap());
        let other = child.pid;
        // Another user may not; his own process he may.
        let verdict = fork(|| {
            // SAFETY: plain numbers.
            unsafe { libc::setuid(1000) };
            let mine = fork(|| {
                thread::sleep(MOMENT);
                0
            });
            let allowed = watch(mine).is_ok();
            code(mine);
            i32::from(errno(watch(other)) == EACCES && errno(watch(1)) == EACCES && allowed)
        });
        assert_eq!(code(verdict), 1);
        child.act();
        child.end();
    }

    fn calls() {
        std::fs::write(FILE, "what is in it").unwrap();
        let child = Watched::new(|| {
            let mut text = [0; 99];
            let mut file = File::options().read(true).write(true).open(FILE).unwrap();
            let _ = file.read(&mut text).unwrap();
            file.write_all(b"more").unwrap();
        });
        let mut from = watch(child.pid).unwrap();
        child.act();
        let records = take(&mut from);
        // Each call ends with the number that it began with, and time goes on.
        let mut open: Option<Record> = None;
        let mut now = 0;
        for (record, _) in &records {
            assert!(record.time >= now);
            now = record.time;
            match record.kind {
                Kind::Enter => assert!(open.replace(*record).is_none()),
                // The call that it waited in when it began to be watched has no beginning.
                Kind::Leave => assert!(open.take().is_none_or(|began| began.call == record.call)),
                Kind::Lost | Kind::Born => panic!("{record:?}"),
            }
        }
        let opened = find(&records, Kind::Enter, SYS_OPENAT_INTO2).find(|(_, path)| path.ends_with(b"looked-at"));
        assert_eq!(opened.expect("an opening").0.target, Target::User);
        let brought = find(&records, Kind::Leave, SYS_READ).find(|(_, data)| data == b"what is in it");
        assert_eq!(brought.expect("a read").0.words[0], 13);
        let (sent, data) = find(&records, Kind::Enter, SYS_WRITE).next().expect("a write");
        assert_eq!((sent.words[2], data.as_slice(), sent.target), (4, &b"more"[..], Target::User));
        drop(from);
        child.end();
    }

    fn threads() {
        let child = Watched::new(|| {
            let made: Vec<_> = (0..3).map(|_| thread::spawn(thread::yield_now)).collect();
            made.into_iter().for_each(|thread| thread.join().unwrap());
        });
        let mut from = watch(child.pid).unwrap();
        child.act();
        let records = take(&mut from);
        // Locks of the C library yield, too, while another processor holds them.
        assert!(find(&records, Kind::Enter, SYS_YIELD).count() >= 3, "{records:?}");
        let all: std::collections::BTreeSet<u32> = records.iter().map(|(record, _)| record.thread).collect();
        assert!(all.len() >= 2, "{all:?}");
        drop(from);
        child.end();
    }

    /// What a process starts is watched from its first call on, and what that starts too; but only if that is asked for.
    fn children() {
        let act = || {
            let grandchild = || {
                std::fs::write("/scheme/null", "grandchild").unwrap();
                0
            };
            let child = fork(|| {
                std::fs::write("/scheme/null", "child").unwrap();
                code(fork(grandchild))
            });
            assert_eq!(code(child), 0);
        };
        let wrote = |records: &[(Record, Vec<u8>)], text: &str| {
            find(records, Kind::Enter, SYS_WRITE).any(|(_, data)| data == text.as_bytes())
        };
        let child = Watched::new(act);
        let mut from = File::open(format!("/scheme/sys/trace/{}?children", child.pid)).unwrap();
        child.act();
        let records = take(&mut from);
        assert!(wrote(&records, "child") && wrote(&records, "grandchild"), "{records:?}");
        let born: Vec<_> = records.iter().filter(|(record, _)| record.kind == Kind::Born).collect();
        assert!(matches!(born[..], [(one, _), (other, _)] if one.words[1] == 1 && other.words[1] == 1), "{born:?}");
        assert!(born.iter().all(|(record, _)| record.words[0] as i32 > child.pid), "{born:?}");
        drop(from);
        child.end();
        let child = Watched::new(act);
        let mut from = watch(child.pid).unwrap();
        child.act();
        let records = take(&mut from);
        assert!(!wrote(&records, "child") && !records.iter().any(|(record, _)| record.kind == Kind::Born));
        drop(from);
        child.end();
        // More of them than there is room for at once, one after another.
        const MANY: usize = 80;
        let child = Watched::new(|| {
            for _ in 0..MANY {
                assert_eq!(code(fork(|| 0)), 0);
                // Whoever reads is to keep up.
                thread::sleep(Duration::from_millis(5));
            }
        });
        let mut from = File::open(format!("/scheme/sys/trace/{}?children", child.pid)).unwrap();
        child.go.write.write(&[0]).unwrap();
        let (mut followed, start) = (0, Instant::now());
        while followed < MANY {
            assert!(start.elapsed() < Duration::from_secs(60), "{followed}");
            thread::sleep(Duration::from_millis(2));
            let new = take(&mut from);
            let born = new.iter().filter(|(record, _)| record.kind == Kind::Born);
            followed += born.inspect(|(record, _)| assert_eq!(record.words[1], 1)).count();
        }
        child.done.read.read(&mut [0]).unwrap();
        drop(from);
        child.end();
    }

    fn waiting() {
        let child = Watched::new(|| {});
        let mut from = watch(child.pid).unwrap();
        child.act();
        thread::sleep(MOMENT);
        let records = take(&mut from);
        let (last, _) = records.last().expect("records");
        assert_eq!((last.kind, last.call as usize, last.target), (Kind::Enter, SYS_READ, Target::Kernel));
        child.end();
        // Its end is heard, too: the read comes back.
        assert_eq!(find(&take(&mut from), Kind::Leave, SYS_READ).count(), 1);
    }

    fn daemon() {
        let daemon = processes().into_iter().find(|(_, name)| name == "zerod").expect("zerod").0;
        let mut from = watch(daemon).unwrap();
        std::fs::write("/scheme/null", "gone").unwrap();
        let records = take(&mut from);
        let heard = records.iter().filter(|(record, _)| record.target == Target::Socket && record.kind == Kind::Enter);
        assert!(heard.count() >= 2, "{records:?}");
        drop(from);
        std::fs::write("/scheme/null", "gone").unwrap();
    }

    fn lost() {
        let child = Watched::new(|| {
            let mut file = File::options().write(true).open("/scheme/null").unwrap();
            for _ in 0..5000 {
                file.write_all(&[b'x'; 256]).unwrap();
            }
        });
        let mut from = watch(child.pid).unwrap();
        child.act();
        let mut records = take(&mut from);
        assert!(records.len() > 500);
        // What was lost is told when there is room again.
        child.end();
        records.extend(take(&mut from));
        let lost = records.iter().filter(|(record, _)| record.kind == Kind::Lost);
        let told: u64 = lost.map(|(record, _)| record.words[0]).sum();
        assert!(told > 5000, "{told}");
    }

    fn nothing_left() {
        let round = || {
            let child = Watched::new(|| {});
            let from = watch(child.pid).unwrap();
            child.act();
            drop(from);
            child.end();
            let child = Watched::new(|| {});
            let from = watch(child.pid).unwrap();
            child.act();
            child.end();
            drop(from);
        };
        Accounts::assert_steady(|| (0..20).for_each(|_| round()));
    }

    /// Ids and names.
    fn processes() -> Vec<(i32, String)> {
        let text = said(&mut Command::new("ps"));
        let line = |line: &str| {
            let mut words = line.split_ascii_whitespace();
            Some((words.next()?.parse().ok()?, words.nth(7)?.to_string()))
        };
        text.lines().filter_map(line).collect()
    }

    fn said(command: &mut Command) -> String {
        let output = command.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{:?}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }

    fn ps() {
        let child = Watched::new(|| {});
        let text = said(Command::new("ps").arg(child.pid.to_string()));
        let words: Vec<&str> = text.lines().nth(1).expect("a line").split_ascii_whitespace().collect();
        let own = std::process::id().to_string();
        assert_eq!(words[..2], [child.pid.to_string(), own]);
        assert_eq!((words[3], words[4], words[8]), ("S", "1", "looking"), "{text}");
        let all = processes();
        for name in ["bootstrap", "nsmgr", "procmgr", "init", "zerod", "ramfs", "ipcd", "ptyd", "looking"] {
            assert!(all.iter().any(|(_, found)| found == name), "{name}: {all:?}");
        }
        assert!(!Command::new("ps").arg("999999").stdout(Stdio::null()).status().unwrap().success());
        child.act();
        child.end();
    }

    fn trace() {
        let out = "/tmp/traced";
        let status = Command::new("trace").args(["-o", out, "ps", "1"]).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
        let text = std::fs::read_to_string(out).unwrap();
        for part in ["openat(", "<proc #", "\"/scheme/proc\"", "read(", ") = ", "write(1<null,"] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        assert!(!text.contains("lost"), "{text}");
        let failed = Command::new("trace").args(["-o", out, "ps", "nonsense"]).stderr(Stdio::null()).status().unwrap();
        assert_eq!(failed.code(), Some(2));
        let none = Command::new("trace").args(["no-such-program"]).stderr(Stdio::null()).status().unwrap();
        assert_eq!(none.code(), Some(127));
        // With what it starts: this program, for the role of starting `ps`.
        let own = own_path();
        let both = ["-f", "-o", out, &own, "--role", "start"];
        assert!(Command::new("trace").args(both).stdout(Stdio::null()).status().unwrap().success());
        let text = std::fs::read_to_string(out).unwrap();
        for part in [" is started: thread ", "\"/scheme/proc\""] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        // A process that runs already, until it ends.
        let child = Watched::new(|| std::fs::write("/scheme/null", "seen").unwrap());
        let pid = child.pid.to_string();
        let mut tracer = Command::new("trace").args(["-o", out, "-p", &pid]).spawn().unwrap();
        let start = Instant::now();
        while watch(child.pid).is_ok() {
            assert!(start.elapsed() < Duration::from_secs(20), "nobody watches");
            thread::sleep(MOMENT);
        }
        child.act();
        child.end();
        assert!(tracer.wait().unwrap().success());
        let text = std::fs::read_to_string(out).unwrap();
        assert!(text.contains("\"seen\", 4) = 4"), "{text}");
    }

    fn top() {
        let (mut master, mut slave) = (-1, -1);
        let size = libc::winsize { ws_row: 12, ws_col: 70, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: room for two numbers; the size is whole.
        let made = unsafe { libc::openpty(&mut master, &mut slave, null_mut(), std::ptr::null(), &size) };
        assert_eq!(made, 0, "{}", Error::last_os_error());
        // SAFETY: both are new and nobody else's.
        let (mut master, slave) = unsafe { (File::from_raw_fd(master), File::from_raw_fd(slave)) };
        let before = settings(&slave);
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        let mut command = Command::new("top");
        let mut child = command.args(["-d", "0.2"]).stdin(stdio()).stdout(stdio()).spawn().unwrap();
        drop(command);
        let mut shown = String::new();
        let mut wait_for = |master: &mut File, text: &str| {
            let mut bytes = [0; 4096];
            while !shown.contains(text) {
                let count = master.read(&mut bytes).unwrap();
                shown += &String::from_utf8_lossy(&bytes[..count]);
            }
            // What comes behind it is for the next wait.
            let end = shown.find(text).unwrap_or(0) + text.len();
            let behind = shown.split_off(end);
            std::mem::replace(&mut shown, behind)
        };
        wait_for(&mut master, "sorted by CPU");
        assert_ne!(settings(&slave), before);
        // Sorted by id the first process is on top, and the screen has as many lines as the terminal.
        master.write_all(b"p").unwrap();
        wait_for(&mut master, "sorted by id");
        let screen = wait_for(&mut master, "\x1b[J");
        assert!(screen.contains("bootstrap") && screen.matches("\r\n").count() < 12, "{screen:?}");
        // It goes on by itself.
        wait_for(&mut master, "\x1b[H");
        wait_for(&mut master, "\x1b[H");
        master.write_all(b"q").unwrap();
        wait_for(&mut master, "\x1b[?1049l");
        assert!(child.wait().unwrap().success());
        assert_eq!(settings(&slave), before);
    }

    /// The settings of a terminal that a program may change.
    fn settings(terminal: &File) -> (u32, u32) {
        // SAFETY: a structure of numbers, which the call fills.
        unsafe {
            let mut termios: libc::termios = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(terminal.as_raw_fd(), &mut termios), 0);
            (termios.c_lflag as u32, termios.c_iflag as u32)
        }
    }
}
