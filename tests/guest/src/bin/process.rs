//! Processes: fork, exec, spawn, wait, groups, sessions, users, limits, and that nothing is left of them.

#[cfg(target_os = "redox")]
fn main() {
    inside::main()
}

#[cfg(not(target_os = "redox"))]
fn main() {}

#[cfg(target_os = "redox")]
mod inside {
    use std::ffi::CString;
    use std::io::Error;
    use std::ptr::null;

    use ochre_guest::{Accounts, role};

    pub fn main() {
        if let Some(role) = role() {
            return as_child(&role);
        }
        ochre_guest::run(&[
            ("fork, exit, wait", fork_exit_wait),
            ("what a child inherits", inherits),
            ("exec", executes),
            ("nothing is left", nothing_is_left),
        ])
    }

    fn errno() -> i32 {
        Error::last_os_error().raw_os_error().unwrap_or(0)
    }

    /// Forks; the child does this and ends with what it answers.
    fn fork(child: impl FnOnce() -> i32) -> libc::pid_t {
        // SAFETY: the child only calls what was given, and ends.
        match unsafe { libc::fork() } {
            -1 => panic!("fork: {}", Error::last_os_error()),
            // SAFETY: as above.
            0 => unsafe { libc::_exit(child()) },
            pid => pid,
        }
    }

    /// Waits; answers the child's id and its status.
    fn wait(pid: libc::pid_t, options: i32) -> (libc::pid_t, i32) {
        let mut status = -1;
        // SAFETY: a place for the answer.
        let pid = unsafe { libc::waitpid(pid, &mut status, options) };
        (pid, status)
    }

    /// The exit status of a child.
    fn code(pid: libc::pid_t) -> i32 {
        let (found, status) = wait(pid, 0);
        assert_eq!(found, pid, "{}", Error::last_os_error());
        assert!(libc::WIFEXITED(status), "status {status:#x}");
        libc::WEXITSTATUS(status)
    }

    fn fork_exit_wait() {
        assert_eq!(wait(-1, 0).0, -1);
        assert_eq!(errno(), libc::ECHILD);
        let pid = fork(|| 7);
        assert_eq!(code(pid), 7);
        // SAFETY: none of these touches memory.
        let me = unsafe { libc::getpid() };
        let pid = fork(move || {
            // SAFETY: as above.
            let (own, parent) = unsafe { (libc::getpid(), libc::getppid()) };
            i32::from(own == me || parent != me)
        });
        assert_ne!(pid, me);
        assert_eq!(code(pid), 0);
    }

    fn inherits() {
        let mut number = Box::new(5);
        let pid = fork(|| {
            *number += 1;
            i32::from(*number != 6)
        });
        assert_eq!(code(pid), 0);
        assert_eq!(*number, 5);
        let (mut read, write) = std::io::pipe().expect("a pipe");
        let pid = fork(|| {
            use std::io::Write;
            i32::from((&write).write_all(b"hello").is_err())
        });
        drop(write);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut read, &mut text).expect("what the child wrote");
        assert_eq!((code(pid), text.as_str()), (0, "hello"));
    }

    fn own_path() -> CString {
        CString::new(std::env::args().next().expect("a path")).expect("a path")
    }

    /// Executes this program for a role.
    fn exec(role: &[&str]) -> i32 {
        let words: Vec<CString> =
            ["process", "--role"].iter().chain(role).map(|word| CString::new(*word).unwrap()).collect();
        let mut list: Vec<_> = words.iter().map(|word| word.as_ptr()).collect();
        list.push(null());
        // SAFETY: lists with their ends.
        unsafe { libc::execv(own_path().as_ptr(), list.as_ptr()) };
        errno()
    }

    fn executes() {
        let pid = fork(|| exec(&["exit", "42"]));
        assert_eq!(code(pid), 42);
        let missing = c"/scheme/initfs/bin/there-is-no-such-program";
        // SAFETY: lists with their ends.
        assert_eq!(unsafe { libc::execv(missing.as_ptr(), [missing.as_ptr(), null()].as_ptr()) }, -1);
        assert_eq!(errno(), libc::ENOENT);
    }

    fn nothing_is_left() {
        Accounts::assert_steady(|| {
            for _ in 0..100 {
                assert_eq!(code(fork(|| 3)), 3);
                assert_eq!(code(fork(|| exec(&["exit", "4"]))), 4);
            }
        });
    }

    fn as_child(role: &[String]) {
        match role[0].as_str() {
            "exit" => std::process::exit(role[1].parse().expect("a number")),
            other => panic!("no role {other}"),
        }
    }
}
