//! Other programs: by `exec`, by `posix_spawn`, by `std`.

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use ochre_guest::posix::{List, code, errno, exec, exec_path, fork, own_path};

/// A child whose output is read.
fn output(child: impl FnOnce() -> i32) -> (i32, String) {
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let pid = fork(|| {
        // SAFETY: takes numbers only.
        unsafe { libc::dup2(write.as_raw_fd(), 1) };
        child()
    });
    drop(write);
    let mut text = String::new();
    read.read_to_string(&mut text).expect("what the child writes");
    (code(pid), text)
}

/// A file with these bytes that may be executed.
fn program(path: &str, bytes: &[u8]) {
    fs::write(path, bytes).expect("room");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("permissions");
}

pub fn executes() {
    assert_eq!(code(fork(|| exec(&["exit", "42"]))), 42);
    let (status, text) = output(|| exec(&["words", "a", "", "b c"]));
    assert_eq!((status, text.as_str()), (3, "a\n\nb c\n"));
    // What cannot be executed says why, and nothing is lost.
    let file = "/tmp/process-file";
    fs::write(file, "x").expect("room");
    assert_eq!(exec_path(file, &[]), libc::EACCES);
    program(file, b"x");
    assert_eq!(exec_path(file, &[]), libc::ENOEXEC);
    program(file, b"");
    assert_eq!(exec_path(file, &[]), libc::ENOEXEC);
    fs::remove_file(file).expect("removed");
    assert_eq!(exec_path(file, &[]), libc::ENOENT);
    assert_eq!(exec_path("/tmp", &[]), libc::EACCES);
    assert_eq!(exec_path("", &[]), libc::ENOENT);
    assert_eq!(exec_path("/scheme/null", &[]), libc::EACCES);
    // From a file system that gives its files to be mapped, and by a link.
    let copy = "/tmp/process-copy";
    fs::copy(own_path(), copy).expect("a copy");
    fs::set_permissions(copy, Permissions::from_mode(0o755)).expect("permissions");
    assert_eq!(code(fork(|| exec_path(copy, &["exit", "6"]))), 6);
    std::os::unix::fs::symlink(own_path(), "/tmp/process-link").expect("a link");
    assert_eq!(code(fork(|| exec_path("/tmp/process-link", &["exit", "8"]))), 8);
    fs::remove_file("/tmp/process-link").expect("removed");
    // Along `PATH`.
    let found = fork(|| {
        // SAFETY: this child has one thread.
        unsafe { std::env::set_var("PATH", "/nowhere:/tmp:/scheme/initfs/bin") };
        let list = List::new(["process-copy", "--role", "exit", "9"]);
        // SAFETY: a name and a list with its end.
        unsafe { libc::execvp(c"process-copy".as_ptr(), list.as_ptr()) };
        errno()
    });
    assert_eq!(code(found), 9);
    let listed = fork(|| {
        let path = CString::new(copy).expect("no NUL");
        let end = std::ptr::null::<libc::c_char>();
        // SAFETY: C strings and the end of the list; more than there are registers.
        unsafe {
            libc::execl(
                path.as_ptr(),
                path.as_ptr(),
                c"--role".as_ptr(),
                c"words".as_ptr(),
                c"1".as_ptr(),
                c"2".as_ptr(),
                c"3".as_ptr(),
                c"4".as_ptr(),
                end,
            );
        }
        errno()
    });
    assert_eq!(code(listed), 4);
    fs::remove_file(copy).expect("removed");
}

pub fn keeps() {
    let kept = fs::File::open("/scheme/zero").expect("a file");
    let number = kept.as_raw_fd().to_string();
    // `std` opens what closes on `exec`.
    assert_eq!(code(fork(|| exec(&["open", &number]))), 1);
    let duplicate = fork(|| {
        // SAFETY: takes numbers only.
        unsafe { libc::dup2(kept.as_raw_fd(), 50) };
        exec(&["open", "50"])
    });
    assert_eq!(code(duplicate), 0);
    let (status, text) = output(|| {
        std::env::set_current_dir("/tmp").expect("a directory");
        // SAFETY: this child has one thread.
        unsafe {
            libc::umask(0o27);
            std::env::set_var("COLOUR", "ochre");
        }
        exec(&["state"])
    });
    assert_eq!((status, text.as_str()), (0, "/tmp 27 ochre\n"));
}

pub fn scripts() {
    let script = "/tmp/process-script";
    program(script, format!("#! {} --role\nnobody reads this\n", own_path()).as_bytes());
    // The interpreter gets the rest of the line as one argument, the script, and the arguments behind the first.
    let list = List::new(["script", "x"]);
    let path = CString::new(script).expect("no NUL");
    let (status, text) = output(|| {
        // SAFETY: a path and a list with its end.
        unsafe { libc::execv(path.as_ptr(), list.as_ptr()) };
        errno()
    });
    assert_eq!((status, text), (2, format!("{script} x\n")));
    // A script whose interpreter is a script.
    program("/tmp/process-outer", format!("#!{script}\n").as_bytes());
    let (status, text) = output(|| {
        // SAFETY: as above.
        unsafe { libc::execv(c"/tmp/process-outer".as_ptr(), list.as_ptr()) };
        errno()
    });
    assert_eq!((status, text), (3, format!("{script} /tmp/process-outer x\n")));
    fs::remove_file("/tmp/process-outer").expect("removed");
    // Scripts whose interpreter is a script, without end.
    program("/tmp/process-loop", b"#!/tmp/process-loop\n");
    assert_eq!(exec_path("/tmp/process-loop", &[]), libc::ELOOP);
    for (text, error) in [
        ("#!\n", libc::ENOEXEC),
        ("#!/nowhere/at/all\n", libc::ENOENT),
        ("#!/tmp\n", libc::EACCES),
        ("#!/bin/sh", libc::ENOEXEC),
    ] {
        program(script, text.as_bytes());
        assert_eq!(exec_path(script, &[]), error, "{text:?}");
    }
    fs::remove_file(script).expect("removed");
    fs::remove_file("/tmp/process-loop").expect("removed");
}

unsafe extern "C" {
    // Crate `libc` does not declare these for this target. What they are about is opaque: room enough for it.
    fn posix_spawn(
        pid: *mut libc::pid_t,
        path: *const libc::c_char,
        actions: *const [usize; 8],
        attributes: *const [usize; 8],
        arguments: *const *const libc::c_char,
        environment: *const *const libc::c_char,
    ) -> i32;
    fn posix_spawn_file_actions_init(actions: *mut [usize; 8]) -> i32;
    fn posix_spawn_file_actions_destroy(actions: *mut [usize; 8]) -> i32;
    fn posix_spawn_file_actions_addopen(
        actions: *mut [usize; 8],
        fd: i32,
        path: *const libc::c_char,
        flags: i32,
        mode: libc::mode_t,
    ) -> i32;
    fn posix_spawn_file_actions_adddup2(actions: *mut [usize; 8], from: i32, to: i32) -> i32;
    fn posix_spawn_file_actions_addclose(actions: *mut [usize; 8], fd: i32) -> i32;
    fn posix_spawn_file_actions_addchdir(actions: *mut [usize; 8], path: *const libc::c_char) -> i32;
    fn posix_spawnattr_init(attributes: *mut [usize; 8]) -> i32;
    fn posix_spawnattr_setflags(attributes: *mut [usize; 8], flags: i16) -> i32;
    fn posix_spawnattr_setpgroup(attributes: *mut [usize; 8], group: libc::pid_t) -> i32;
}

fn spawn(role: &[&str], actions: Option<&[usize; 8]>, attributes: Option<&[usize; 8]>) -> Result<libc::pid_t, i32> {
    let own = own_path();
    let list = List::new([own.as_str(), "--role"].into_iter().chain(role.iter().copied()));
    let environment = List::new(["COLOUR=blue"]);
    let path = CString::new(own.as_str()).expect("no NUL");
    let mut pid = 0;
    let pointer = |what: Option<&[usize; 8]>| what.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: a path, lists with their ends, actions and attributes that were made.
    match unsafe {
        let (list, environment) = (list.as_ptr(), environment.as_ptr());
        posix_spawn(&mut pid, path.as_ptr(), pointer(actions), pointer(attributes), list, environment)
    } {
        0 => Ok(pid),
        error => Err(error),
    }
}

pub fn spawned() {
    assert_eq!(code(spawn(&["exit", "12"], None, None).expect("a child")), 12);
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let mut actions = [0; 8];
    fs::write("/tmp/process-input", "through a file\n").expect("room");
    // SAFETY: room for actions, C strings.
    unsafe {
        posix_spawn_file_actions_init(&mut actions);
        posix_spawn_file_actions_addchdir(&mut actions, c"/tmp".as_ptr());
        posix_spawn_file_actions_addopen(&mut actions, 0, c"process-input".as_ptr(), libc::O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&mut actions, write.as_raw_fd(), 1);
        posix_spawn_file_actions_addclose(&mut actions, 2);
    }
    let copy = spawn(&["copy"], Some(&actions), None).expect("a child");
    let state = spawn(&["state"], Some(&actions), None).expect("a child");
    let closed = spawn(&["open", "2"], Some(&actions), None).expect("a child");
    drop(write);
    // Without a standard descriptor `std` opens one itself.
    assert_eq!([code(copy), code(state), code(closed)], [0, 0, 0]);
    let mut text = String::new();
    read.read_to_string(&mut text).expect("what the children write");
    assert!(text.contains("through a file\n") && text.contains("/tmp 22 blue\n"), "{text}");
    // SAFETY: as above.
    unsafe {
        posix_spawn_file_actions_adddup2(&mut actions, 77, 3);
        assert_eq!(spawn(&["exit", "0"], Some(&actions), None), Err(libc::EBADF));
        posix_spawn_file_actions_destroy(&mut actions);
        posix_spawn_file_actions_init(&mut actions);
        posix_spawn_file_actions_addopen(&mut actions, 0, c"/nowhere".as_ptr(), libc::O_RDONLY, 0);
        assert_eq!(spawn(&["exit", "0"], Some(&actions), None), Err(libc::ENOENT));
        posix_spawn_file_actions_destroy(&mut actions);
    }
    // Into a group of its own.
    let mut attributes = [0; 8];
    // SAFETY: room for attributes.
    unsafe {
        posix_spawnattr_init(&mut attributes);
        assert_eq!(posix_spawnattr_setflags(&mut attributes, 2), 0);
    }
    let child = spawn(&["exit", "1"], None, Some(&attributes)).expect("a child");
    // SAFETY: takes numbers only.
    assert_eq!(unsafe { libc::getpgid(child) }, child);
    assert_eq!(code(child), 1);
    // SAFETY: as above.
    unsafe { posix_spawnattr_setpgroup(&mut attributes, 77_777) };
    assert_eq!(spawn(&["exit", "1"], None, Some(&attributes)), Err(libc::EPERM));
    fs::remove_file("/tmp/process-input").expect("removed");
}

pub fn commands() {
    let own = own_path();
    let status = Command::new(&own).args(["--role", "exit", "17"]).status().expect("a child");
    assert_eq!(status.code(), Some(17));
    let out = Command::new(&own).args(["--role", "words", "x"]).output().expect("a child");
    assert_eq!((out.status.code(), out.stdout.as_slice()), (Some(1), &b"x\n"[..]));
    let mut child = Command::new(&own)
        .args(["--role", "copy"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    child.stdin.take().expect("an input").write_all(b"around").expect("a reader");
    let out = child.wait_with_output().expect("its output");
    assert_eq!((out.status.success(), out.stdout.as_slice()), (true, &b"around"[..]));
    let text = Command::new(&own)
        .args(["--role", "state"])
        .env("COLOUR", "red")
        .current_dir("/tmp")
        .output()
        .expect("a child");
    assert_eq!(text.stdout, b"/tmp 22 red\n");
    assert_eq!(Command::new("/nowhere/at/all").status().expect_err("no program").raw_os_error(), Some(libc::ENOENT));
    let mut child = Command::new(&own).args(["--role", "copy"]).stdin(Stdio::piped()).spawn().expect("a child");
    child.kill().expect("the right to kill");
    assert!(!child.wait().expect("its end").success());
}

/// A thread that is not the first executes: the process goes on under its id, and all its threads are gone.
pub fn from_a_thread() {
    let pid = fork(|| {
        for _ in 0..3 {
            thread::spawn(|| thread::sleep(Duration::from_secs(1000)));
        }
        thread::spawn(|| exec(&["exit", "23"]));
        thread::sleep(Duration::from_secs(1000));
        0
    });
    assert_eq!(code(pid), 23);
    // And the first among others.
    let pid = fork(|| {
        for _ in 0..3 {
            thread::spawn(|| {
                loop {
                    std::hint::spin_loop();
                }
            });
        }
        exec(&["exit", "24"])
    });
    assert_eq!(code(pid), 24);
}

/// The heap and all else of libc is whole in the child, whatever other threads were at.
pub fn fork_among_threads() {
    use std::sync::atomic::{AtomicBool, Ordering};
    static STOP: AtomicBool = AtomicBool::new(false);
    let busy: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(|| {
                while !STOP.load(Ordering::Relaxed) {
                    let _ = std::hint::black_box(vec![0_u8; 5000]);
                    let _ = fs::File::open("/scheme/zero");
                }
            })
        })
        .collect();
    for _ in 0..50 {
        let pid = fork(|| {
            let text = std::hint::black_box(String::from("whole").repeat(1000));
            let file = fs::File::open("/scheme/zero").is_ok();
            let joined = thread::spawn(|| 4).join().is_ok_and(|four| four == 4);
            i32::from(!(file && joined && text.len() == 5000))
        });
        assert_eq!(code(pid), 0);
    }
    STOP.store(true, Ordering::Relaxed);
    for thread in busy {
        thread.join().expect("a thread");
    }
}
