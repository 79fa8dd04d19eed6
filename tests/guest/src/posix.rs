//! Processes as POSIX has them: forked children that end with a status, and what is asked about them.

use std::ffi::CString;
use std::io::Error;
use std::ptr::null;

/// `errno`.
pub fn errno() -> i32 {
    Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Forks; the child does this and ends with what it answers.
#[track_caller]
pub fn fork(child: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: the child does what was given and ends.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", Error::last_os_error()),
        // SAFETY: as above.
        0 => unsafe { libc::_exit(child()) },
        pid => pid,
    }
}

/// Waits; answers the child's id (or -1) and its status.
pub fn wait(pid: libc::pid_t, options: i32) -> (libc::pid_t, i32) {
    let mut status = -1;
    // SAFETY: a place for the answer.
    let pid = unsafe { libc::waitpid(pid, &mut status, options) };
    (pid, status)
}

/// The exit status of a child that has ended, or ends, by itself.
#[track_caller]
pub fn code(pid: libc::pid_t) -> i32 {
    let (found, status) = wait(pid, 0);
    assert_eq!(found, pid, "{}", Error::last_os_error());
    assert!(libc::WIFEXITED(status), "status {status:#x}");
    libc::WEXITSTATUS(status)
}

/// The signal that a child ends, or has ended, by.
#[track_caller]
pub fn signal(pid: libc::pid_t) -> i32 {
    let (found, status) = wait(pid, 0);
    assert_eq!(found, pid, "{}", Error::last_os_error());
    assert!(libc::WIFSIGNALED(status), "status {status:#x}");
    libc::WTERMSIG(status)
}

/// Strings as `exec` takes them.
pub struct List {
    _words: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl List {
    /// Of these.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let words: Vec<CString> = words.into_iter().map(|word| CString::new(word).expect("no NUL")).collect();
        let pointers = words.iter().map(|word| word.as_ptr()).chain([null()]).collect();
        List { _words: words, pointers }
    }

    /// The list with its end.
    pub fn as_ptr(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }
}

/// Path of this program.
pub fn own_path() -> String {
    std::env::args().next().expect("the program's own path")
}

/// Executes this program for a role (`ochre_guest::role`). Answers the error.
pub fn exec(role: &[&str]) -> i32 {
    exec_path(&own_path(), role)
}

/// As [`exec`], from a path.
pub fn exec_path(path: &str, role: &[&str]) -> i32 {
    let list = List::new([own_path().as_str(), "--role"].into_iter().chain(role.iter().copied()));
    let path = CString::new(path).expect("no NUL");
    // SAFETY: a path, and a list with its end.
    unsafe { libc::execv(path.as_ptr(), list.as_ptr()) };
    errno()
}
