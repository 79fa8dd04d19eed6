//! Groups, sessions, users, priorities, and what can be read of a process.

use std::fs;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::time::Duration;

use ochre_guest::posix::{code, errno, exec, fork, signal, wait};

/// A child that sleeps until it is killed.
fn sleeper() -> libc::pid_t {
    fork(|| {
        std::thread::sleep(Duration::from_secs(1000));
        0
    })
}

#[track_caller]
fn kill(pid: libc::pid_t, signal: i32) {
    // SAFETY: takes numbers only.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "{}", std::io::Error::last_os_error());
}

unsafe extern "C" {
    // Crate `libc` does not declare these for this target.
    fn getsid(pid: libc::pid_t) -> libc::pid_t;
    fn setgroups(count: usize, list: *const libc::gid_t) -> i32;
}

pub fn groups() {
    let (a, b) = (sleeper(), sleeper());
    // SAFETY: take numbers only, here and below.
    unsafe {
        assert_eq!(libc::setpgid(a, a), 0);
        assert_eq!(libc::setpgid(b, a), 0);
        assert_eq!((libc::getpgid(b), getsid(b)), (a, getsid(0)));
        assert_eq!((libc::setpgid(b, 77_777), errno()), (-1, libc::EPERM));
        assert_eq!((libc::setpgid(1, 0), errno()), (-1, libc::ESRCH));
        assert_eq!(libc::killpg(a, libc::SIGKILL), 0);
    }
    let mut ended = [wait(-a, 0), wait(-a, 0)];
    ended.sort();
    assert_eq!(ended, [(a.min(b), libc::SIGKILL), (a.max(b), libc::SIGKILL)]);
    let leader = fork(|| {
        // SAFETY: as above.
        unsafe {
            let own = libc::getpid();
            let right = libc::setsid() == own && libc::getpgrp() == own && getsid(0) == own;
            i32::from(!(right && libc::setsid() == -1 && errno() == libc::EPERM))
        }
    });
    assert_eq!(code(leader), 0);
    let executed = fork(|| exec(&["copy"]));
    // SAFETY: as above.
    while unsafe { libc::setpgid(executed, executed) } == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(errno(), libc::EACCES);
    kill(executed, libc::SIGKILL);
    assert_eq!(signal(executed), libc::SIGKILL);
}

/// Supplementary groups open files, are kept over `fork` and other programs, and are nobody else's.
pub fn more_groups() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let path = "/tmp/process-groups";
    fs::write(path, "text").expect("room");
    chown(path, None, Some(500)).expect("user 0");
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).expect("user 0");
    let as_user = |groups: &[libc::gid_t], act: &dyn Fn() -> i32| {
        let pid = fork(|| {
            // SAFETY: a list of so many; else numbers only.
            let ready = unsafe {
                setgroups(groups.len(), groups.as_ptr()) == 0 && libc::setgid(100) == 0 && libc::setuid(1000) == 0
            };
            if ready { act() } else { 99 }
        });
        code(pid)
    };
    let read = || fs::read(path).map_or_else(|error| error.raw_os_error().unwrap_or(98), |_| 0);
    assert_eq!(as_user(&[7, 500], &read), 0);
    assert_eq!(as_user(&[], &read), libc::EACCES);
    assert_eq!(as_user(&[7, 8], &read), libc::EACCES);
    assert_eq!(as_user(&[500], &|| code(fork(read))), 0);
    assert_eq!(as_user(&[500], &|| exec(&["read", path])), 0);
    assert_eq!(as_user(&[8], &|| exec(&["read", path])), libc::EACCES);
    // What all others may is not what the group may.
    fs::set_permissions(path, fs::Permissions::from_mode(0o604)).expect("user 0");
    assert_eq!((as_user(&[8], &read), as_user(&[500], &read)), (0, libc::EACCES));
    fs::remove_file(path).expect("removed");
}

pub fn stops() {
    let (mut read, write) = std::io::pipe().expect("a pipe");
    let pid = fork(|| {
        use std::io::Write;
        while (&write).write_all(b".").is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
        0
    });
    drop(write);
    read.read_exact(&mut [0; 3]).expect("signs of life");
    kill(pid, libc::SIGSTOP);
    assert_eq!(wait(pid, libc::WUNTRACED), (pid, libc::SIGSTOP << 8 | 0x7f));
    assert_eq!(wait(pid, libc::WUNTRACED | libc::WNOHANG).0, 0);
    // What was written before is read; then there is silence.
    std::thread::sleep(Duration::from_millis(20));
    // SAFETY: takes numbers only.
    unsafe { libc::fcntl(read.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    while read.read(&mut [0; 100]).is_ok() {}
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(read.read(&mut [0]).map_err(|error| error.raw_os_error()), Err(Some(libc::EAGAIN)));
    kill(pid, libc::SIGCONT);
    assert_eq!(wait(pid, libc::WCONTINUED), (pid, 0xffff));
    // SAFETY: as above.
    unsafe { libc::fcntl(read.as_raw_fd(), libc::F_SETFL, 0) };
    read.read_exact(&mut [0; 3]).expect("signs of life");
    kill(pid, libc::SIGSTOP);
    kill(pid, libc::SIGKILL);
    assert_eq!(signal(pid), libc::SIGKILL);
}

pub fn users() {
    let file = "/tmp/process-secret";
    fs::write(file, "x").expect("room");
    let secret = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(file, secret).expect("permissions");
    let target = sleeper();
    let user = fork(|| {
        // SAFETY: take numbers only, or places for answers.
        unsafe {
            let (mut real, mut effective, mut saved) = (9, 9, 9);
            let list = [5, 6];
            let right = setgroups(2, list.as_ptr()) == 0
                && libc::setresgid(100, 100, 100) == 0
                && libc::setresuid(100, 101, 102) == 0
                && libc::getresuid(&mut real, &mut effective, &mut saved) == 0
                && (real, effective, saved) == (100, 101, 102)
                && libc::getuid() == 100
                && libc::geteuid() == 101
                && libc::seteuid(102) == 0
                && libc::seteuid(0) == -1
                && errno() == libc::EPERM
                && libc::setuid(100) == 0
                && libc::getgroups(0, std::ptr::null_mut()) == 2
                && libc::kill(target, libc::SIGKILL) == -1
                && errno() == libc::EPERM;
            if !right {
                return 1;
            }
        }
        // Schemes see it: files of others, and the right to make threads with authority.
        let refused = fs::read(file).is_err_and(|error| error.raw_os_error() == Some(libc::EACCES));
        let thread = fs::File::open("/scheme/kernel.proc/thread");
        let powerless = thread.is_err_and(|error| error.raw_os_error() == Some(libc::EACCES));
        i32::from(!(refused && powerless)) * 2
    });
    assert_eq!(code(user), 0);
    kill(target, libc::SIGKILL);
    assert_eq!(signal(target), libc::SIGKILL);
    // All threads of a process are one user.
    let threads = fork(|| {
        let (tell, told) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            let _ = told.recv();
            // SAFETY: takes nothing.
            unsafe { libc::geteuid() }
        });
        // SAFETY: takes a number only.
        let set = unsafe { libc::setuid(7) };
        drop(tell);
        i32::from(!(set == 0 && thread.join().is_ok_and(|uid| uid == 7)))
    });
    assert_eq!(code(threads), 0);
    fs::remove_file(file).expect("removed");
}

pub fn priorities() {
    let pid = fork(|| {
        // SAFETY: take numbers only.
        unsafe {
            let right = libc::nice(5) == 5
                && libc::getpriority(libc::PRIO_PROCESS, 0) == 5
                && libc::setpriority(libc::PRIO_PROCESS, 0, -3) == 0
                && libc::setuid(9) == 0
                && libc::nice(-1) == -1
                && errno() == libc::EPERM
                && libc::setpriority(libc::PRIO_PROCESS, 1, 3) == -1
                && errno() == libc::EPERM;
            i32::from(!right)
        }
    });
    assert_eq!(code(pid), 0);
}

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let text = fs::read_to_string("/scheme/proc/self").expect("a text");
    let value = text.lines().find_map(|line| line.strip_prefix("resident_bytes "));
    value.and_then(|value| value.parse().ok()).expect("a number")
}

/// Memory counts when it is touched and no longer when it is unmapped; what a child shares counts for it too.
pub fn resident_memory() {
    const SIZE: usize = 4 << 20;
    // A little comes and goes with the reading itself.
    let near = |found: usize, wanted: usize| found.abs_diff(wanted) < 128 << 10;
    let before = resident();
    // SAFETY: a new mapping that nobody else uses; stores within it.
    let memory = unsafe {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let memory = libc::mmap(std::ptr::null_mut(), SIZE, access, flags, -1, 0).cast::<u8>();
        assert!(near(resident(), before));
        (0..SIZE / 2).step_by(4096).for_each(|at| memory.add(at).write_volatile(1));
        memory
    };
    assert!(near(resident(), before + SIZE / 2), "{before}, then {}", resident());
    let child = fork(|| {
        // Without pages of the program's file that it has not needed yet.
        let shared = resident();
        // SAFETY: within the mapping.
        (0..SIZE / 2).step_by(4096).for_each(|at| unsafe { memory.add(at).write_volatile(2) });
        i32::from(!((SIZE / 2..before + SIZE / 2 + (128 << 10)).contains(&shared) && near(resident(), shared)))
    });
    assert_eq!(code(child), 0);
    // SAFETY: the mapping of above.
    unsafe { libc::munmap(memory.cast(), SIZE) };
    assert!(near(resident(), before), "{before}, then {}", resident());
}

pub fn texts() {
    let pid = sleeper();
    let text = fs::read_to_string(format!("/scheme/proc/{pid}")).expect("the child's text");
    // SAFETY: takes nothing.
    let own = unsafe { libc::getpid() };
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(line("pid "), pid.to_string());
    assert_eq!(line("ppid "), own.to_string());
    assert_eq!((line("name "), line("threads "), line("state ")), ("process", "1", "running"));
    let bytes = |name: &str| line(name).parse::<u64>().expect("a number");
    let (mapped, resident) = (bytes("mapped_bytes "), bytes("resident_bytes "));
    assert!(mapped > 1 << 20 && resident > 16 << 10 && resident < mapped, "{resident} of {mapped}");
    assert_eq!(line("groups "), "");
    let names: Vec<String> = fs::read_dir("/scheme/proc")
        .expect("a list")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert!(["1", &own.to_string(), &pid.to_string()].iter().all(|name| names.iter().any(|other| other == name)));
    assert!(fs::read_to_string("/scheme/proc/self").expect("a text").contains(&format!("pid {own}\n")));
    kill(pid, libc::SIGKILL);
    assert_eq!(signal(pid), libc::SIGKILL);
    assert!(fs::read(format!("/scheme/proc/{pid}")).is_err());
}
