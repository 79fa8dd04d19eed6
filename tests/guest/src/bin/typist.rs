//! Types as a person would: `typist SCRIPT PROGRAM [ARGUMENT…]` runs a program on a terminal of its own, types what the script
//! says, and waits for what must appear. The terminal's contents are not kept as a screen: what appears is the text that the
//! program writes, without the sequences that move and colour.
//!
//! Lines of a script:
//!
//! - `type TEXT` types; `\r` is the return key, `\t`, `\e`, `\\`, and `\xNN` any other byte.
//! - `see TEXT` waits until this appears, after what was seen before.
//! - `not TEXT` fails if this has appeared since then.
//! - `pause MILLISECONDS` waits.
//! - `exit STATUS` waits for the program's end.
//! - `tell` prints all that has appeared.
//! - `#` begins a remark; empty lines mean nothing.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::env;
    use std::ffi::{CString, c_int};
    use std::fs::{self, File};
    use std::io::{Error, Read, Write};
    use std::os::fd::FromRawFd;
    use std::process::exit;
    use std::ptr::{null, null_mut};
    use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use ochre_guest::posix::{List, wait};

    /// How long something may take to appear, on a machine that others use as well.
    const PATIENCE: Duration = Duration::from_secs(40);
    /// What the program finds in its environment.
    const ENVIRONMENT: [&str; 5] =
        ["PATH=/tmp/bin:/scheme/initfs/bin", "HOME=/tmp/home", "USER=user", "TERM=xterm-256color", "LANG=C.UTF-8"];
    /// What of the terminal's text a failure shows.
    const SHOWN: usize = 3000;

    unsafe extern "C" {
        fn forkpty(
            master: *mut c_int,
            name: *mut libc::c_char,
            settings: *const libc::termios,
            size: *const libc::winsize,
        ) -> libc::pid_t;
    }

    pub fn main() {
        let words: Vec<String> = env::args().skip(1).collect();
        let [script, program @ ..] = &words[..] else { fail("typist SCRIPT PROGRAM [ARGUMENT...]") };
        let script = fs::read_to_string(script).unwrap_or_else(|error| fail(&format!("{script}: {error}")));
        let mut terminal = Terminal::start(program);
        let mut steps = 0;
        for (number, line) in script.lines().enumerate() {
            let (verb, text) = line.split_once(' ').unwrap_or((line, ""));
            let done = match verb {
                "" | "#" => continue,
                "type" => typed(text).and_then(|bytes| terminal.write(&bytes)),
                "see" => terminal.see(text),
                "not" => terminal.has_not(text),
                "pause" => {
                    text.parse().map_err(|_| "how long?".into()).map(|ms| thread::sleep(Duration::from_millis(ms)))
                }
                "tell" => terminal.tell(),
                "exit" => terminal.ended(text),
                _ => Err("what is that?".into()),
            };
            done.unwrap_or_else(|error| {
                fail(&format!("line {}: {line}: {error}\n--- the terminal:\n{}", number + 1, terminal.last()))
            });
            steps += 1;
        }
        println!("all {steps} steps done");
    }

    fn fail(why: &str) -> ! {
        println!("typist: {why}");
        exit(1)
    }

    /// What a script's text types.
    fn typed(text: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match (c, if c == '\\' { rest.next() } else { None }) {
                ('\\', Some('r')) => bytes.push(b'\r'),
                ('\\', Some('t')) => bytes.push(b'\t'),
                ('\\', Some('e')) => bytes.push(0x1b),
                ('\\', Some('\\')) => bytes.push(b'\\'),
                ('\\', Some('x')) => {
                    let digits: String = rest.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).map_err(|_| "two digits follow \\x")?);
                }
                ('\\', _) => return Err("an unknown escape".into()),
                (c, _) => bytes.extend(c.to_string().bytes()),
            }
        }
        Ok(bytes)
    }

    /// A program on a terminal, seen from the other side.
    struct Terminal {
        child: libc::pid_t,
        master: File,
        incoming: Receiver<Vec<u8>>,
        text: Text,
        /// Up to where it has been seen.
        seen: usize,
    }

    impl Terminal {
        fn start(program: &[String]) -> Self {
            let list = List::new(program.iter().map(String::as_str));
            let environment = List::new(ENVIRONMENT);
            let path = CString::new(program.first().map_or("", String::as_str)).expect("no NUL");
            let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
            let mut master = -1;
            // SAFETY: places for the answers, and a size; the child calls exec or ends.
            let child = unsafe { forkpty(&mut master, null_mut(), null(), &size) };
            match child {
                -1 => fail(&format!("no terminal: {}", Error::last_os_error())),
                0 => {
                    // SAFETY: a path, and lists with their ends.
                    unsafe { libc::execve(path.as_ptr(), list.as_ptr(), environment.as_ptr()) };
                    println!("{path:?}: {}", Error::last_os_error());
                    exit(127)
                }
                // SAFETY: the number is new and nobody else's.
                _ => Self::of(child, unsafe { File::from_raw_fd(master) }),
            }
        }

        fn of(child: libc::pid_t, master: File) -> Self {
            let mut from = master.try_clone().expect("a second descriptor");
            let (sender, incoming) = channel();
            thread::spawn(move || {
                let mut buf = [0; 4096];
                while let Ok(count @ 1..) = from.read(&mut buf) {
                    if sender.send(buf[..count].to_vec()).is_err() {
                        break;
                    }
                }
            });
            Terminal { child, master, incoming, text: Text::default(), seen: 0 }
        }

        fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
            self.master.write_all(bytes).map_err(|error| error.to_string())
        }

        /// Waits until a text appears.
        fn see(&mut self, wanted: &str) -> Result<(), String> {
            let end = Instant::now() + PATIENCE;
            loop {
                if let Some(at) = self.text.plain[self.seen..].find(wanted) {
                    self.seen += at + wanted.len();
                    return Ok(());
                }
                match self.incoming.recv_timeout(end.saturating_duration_since(Instant::now())) {
                    Ok(bytes) => self.text.add(&bytes),
                    Err(RecvTimeoutError::Timeout) => return Err("it has not appeared".into()),
                    Err(RecvTimeoutError::Disconnected) => return Err("the program is gone".into()),
                }
            }
        }

        /// Whether a text has not come since what was seen.
        fn has_not(&mut self, unwanted: &str) -> Result<(), String> {
            self.incoming.try_iter().for_each(|bytes| self.text.add(&bytes));
            if self.text.plain[self.seen..].contains(unwanted) { Err("it has appeared".into()) } else { Ok(()) }
        }

        fn tell(&mut self) -> Result<(), String> {
            self.incoming.try_iter().for_each(|bytes| self.text.add(&bytes));
            println!("{}", self.text.plain.replace('\r', ""));
            Ok(())
        }

        fn ended(&mut self, status: &str) -> Result<(), String> {
            let end = Instant::now() + PATIENCE;
            loop {
                let (pid, ended) = wait(self.child, libc::WNOHANG);
                if pid == self.child {
                    let code =
                        if libc::WIFEXITED(ended) { libc::WEXITSTATUS(ended) } else { 128 + libc::WTERMSIG(ended) };
                    return if code.to_string() == status { Ok(()) } else { Err(format!("its status was {code}")) };
                }
                if Instant::now() > end {
                    return Err("it goes on".into());
                }
                // What nobody takes would keep the program from ending.
                if let Ok(bytes) = self.incoming.recv_timeout(Duration::from_millis(10)) {
                    self.text.add(&bytes);
                }
            }
        }

        /// The end of what the terminal was sent.
        fn last(&self) -> &str {
            let plain = &self.text.plain;
            let from = plain.len().saturating_sub(SHOWN);
            &plain[(from..).find(|at| plain.is_char_boundary(*at)).unwrap_or(0)..]
        }
    }

    /// What a program writes, without its control sequences. Bytes beyond ASCII are taken as they are, for UTF-8.
    #[derive(Default)]
    struct Text {
        plain: String,
        state: State,
        pending: Vec<u8>,
    }

    #[derive(Clone, Copy, Default)]
    enum State {
        #[default]
        Plain,
        /// After an escape character.
        Escape,
        /// In a sequence that a letter ends.
        Sequence,
        /// In a title or the like.
        Command,
    }

    impl Text {
        fn add(&mut self, bytes: &[u8]) {
            for &byte in bytes {
                self.state = match (self.state, byte) {
                    (State::Plain, 0x1b) => State::Escape,
                    (State::Plain, byte) => {
                        self.pending.push(byte);
                        State::Plain
                    }
                    (State::Escape, b'[') => State::Sequence,
                    (State::Escape, b']') => State::Command,
                    (State::Sequence, 0x40..=0x7e) | (State::Escape, _) | (State::Command, 7) => State::Plain,
                    (State::Command, 0x1b) => State::Escape,
                    (state, _) => state,
                };
            }
            let whole = self.pending.utf8_chunks().map(|chunk| chunk.valid().len()).next().unwrap_or(0);
            let whole = if self.pending.len() - whole > 3 { self.pending.len() } else { whole };
            self.plain += &String::from_utf8_lossy(&self.pending[..whole]);
            self.pending.drain(..whole);
        }
    }
}
