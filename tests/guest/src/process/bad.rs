//! What is too much, and what is hostile.

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;

use ochre_guest::posix::{List, code, errno, exec, exec_path, fork, own_path, wait};
use ochre_guest::{Accounts, Random};

/// Sets a limit; answers 0, or the error.
pub fn set_limit(resource: i32, soft: u64, hard: u64) -> i32 {
    let limit = libc::rlimit { rlim_cur: soft as _, rlim_max: hard as _ };
    // SAFETY: a limit.
    if unsafe { libc::setrlimit(resource, &limit) } == 0 { 0 } else { errno() }
}

fn limit(resource: i32) -> (u64, u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a place for the answer.
    assert_eq!(unsafe { libc::getrlimit(resource, &mut limit) }, 0);
    (limit.rlim_cur, limit.rlim_max)
}

/// Maps private memory; answers 0, or the error.
fn map(bytes: usize) -> i32 {
    // SAFETY: a new mapping that nobody uses.
    let at = unsafe {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0)
    };
    if at == libc::MAP_FAILED { errno() } else { 0 }
}

pub fn limits() {
    assert_eq!(limit(libc::RLIMIT_NOFILE), (65_536, 65_536));
    let memory = fork(|| {
        let mapped = map(64 << 20) == 0;
        let limited = set_limit(libc::RLIMIT_AS, 64 << 20, 64 << 20) == 0 && map(64 << 20) == libc::ENOMEM;
        // The limit goes along with forks, and with other programs.
        let inherited = code(fork(|| i32::from(map(64 << 20) != libc::ENOMEM))) == 0;
        let small = map(4096);
        i32::from(!(mapped && limited && inherited && small == libc::ENOMEM))
    });
    assert_eq!(code(memory), 0);
    // A program that does not fit into the limit does not run, and its starter goes on.
    let starter = fork(|| {
        set_limit(libc::RLIMIT_AS, 1 << 20, 1 << 20);
        i32::from(exec(&["exit", "0"]) != libc::ENOMEM)
    });
    assert_eq!(code(starter), 0);
    let processes = fork(|| {
        // SAFETY: takes a number only.
        if unsafe { libc::setuid(4321) } != 0 || set_limit(libc::RLIMIT_NPROC, 2, 2) != 0 {
            return 1;
        }
        let first = fork(|| {
            std::thread::sleep(std::time::Duration::from_secs(1000));
            0
        });
        // SAFETY: the child, if there were one, ends at once.
        let second = unsafe { libc::fork() };
        if second == 0 {
            // SAFETY: as above.
            unsafe { libc::_exit(0) };
        }
        let refused = second == -1 && errno() == libc::EAGAIN;
        // SAFETY: takes numbers only.
        unsafe { libc::kill(first, libc::SIGKILL) };
        wait(first, 0);
        let again = code(fork(|| 0)) == 0;
        let raised = set_limit(libc::RLIMIT_NPROC, 3, 3) == libc::EPERM;
        i32::from(!(refused && again && raised))
    });
    assert_eq!(code(processes), 0);
}

pub fn arguments() {
    let long = "x".repeat(3 << 20);
    let path = CString::new(own_path()).expect("no NUL");
    for words in [vec![long.as_str()], vec!["y"; 300_000]] {
        let list = List::new(words);
        // SAFETY: a path and a list with its end.
        assert_eq!((unsafe { libc::execv(path.as_ptr(), list.as_ptr()) }, errno()), (-1, libc::E2BIG));
    }
    let fits = "z".repeat(1 << 20);
    assert_eq!(code(fork(|| exec(&["exit", "3", &fits]))), 3);
}

pub fn descriptors() {
    let pid = fork(|| {
        if set_limit(libc::RLIMIT_NOFILE, 20, 20) != 0 {
            return 1;
        }
        let mut files = Vec::new();
        let error = loop {
            match File::open("/scheme/zero") {
                Ok(file) => files.push(file),
                Err(error) => break error.raw_os_error(),
            }
        };
        // With none left, processes can still be made, and find the same limit.
        let child = code(fork(|| i32::from(File::open("/scheme/null").is_ok())));
        let program = code(fork(|| exec(&["exit", "0"])));
        i32::from(!(error == Some(libc::EMFILE) && files.len() <= 17 && child == 0 && program == 0))
    });
    assert_eq!(code(pid), 0);
}

/// A child takes all the memory there is: it gets errors or ends, others go on, and all is back.
pub fn memory() {
    let before = Accounts::now();
    let pid = fork(|| {
        let mut taken = 0_usize;
        for size in [16 << 20, 1 << 20, 64 << 10] {
            loop {
                // SAFETY: a new mapping that nobody else uses.
                let at = unsafe {
                    let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
                    libc::mmap(std::ptr::null_mut(), size, access, flags, -1, 0)
                };
                if at == libc::MAP_FAILED || taken > 8 << 30 {
                    break;
                }
                for page in (0..size).step_by(4096) {
                    // SAFETY: within the mapping. Without memory this ends the child.
                    unsafe { at.cast::<u8>().add(page).write_volatile(1) };
                }
                taken += size;
            }
        }
        0
    });
    let (found, status) = wait(pid, 0);
    assert_eq!(found, pid);
    // Who touches memory that is not there ends by it: that is the policy.
    assert!(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV, "status {status:#x}");
    before.assert_returned(64, 64 << 10);
    assert_eq!(code(fork(|| 1)), 1);
    // Forks without end: each copy costs memory, until the fork itself says that there is none, or this process is the one that
    // touches what is not there. Its group is how its children are found then.
    let pid = fork(|| {
        // SAFETY: takes numbers only.
        unsafe { libc::setpgid(0, 0) };
        let mut children = Vec::new();
        let ballast = vec![1_u8; 8 << 20];
        let error = loop {
            // SAFETY: the child makes its copy its own and waits to be killed.
            match unsafe { libc::fork() } {
                0 => {
                    let mut own = ballast;
                    own.iter_mut().step_by(4096).for_each(|byte| *byte = 2);
                    std::hint::black_box(&own);
                    loop {
                        std::thread::sleep(std::time::Duration::from_secs(1000));
                    }
                }
                -1 => break errno(),
                pid => children.push(pid),
            }
            let ended = wait(-1, libc::WNOHANG);
            if ended.0 > 0 {
                children.retain(|&child| child != ended.0);
                break libc::ENOMEM;
            }
        };
        for &child in &children {
            // SAFETY: takes numbers only.
            unsafe { libc::kill(child, libc::SIGKILL) };
            wait(child, 0);
        }
        i32::from(!(matches!(error, libc::ENOMEM | libc::EAGAIN) && children.len() > 4))
    });
    let (found, status) = wait(pid, 0);
    assert_eq!(found, pid);
    assert!(status == 0 || libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV, "status {status:#x}");
    // SAFETY: takes numbers only. No such group is there when all have been waited for.
    unsafe { libc::kill(-pid, libc::SIGKILL) };
    before.assert_returned(256, 256 << 10);
}

/// Programs whose headers lie: each is refused, or runs and ends; the system goes on, and nothing is left.
pub fn hostile() {
    const ROUNDS: usize = 50;
    let image = fs::read(own_path()).expect("this program");
    let mut random = Random::new(7);
    Accounts::assert_steady(|| {
        let refused = (0..ROUNDS).filter(|&round| is_refused(&mut random, &image, round)).count();
        assert!(refused > ROUNDS / 3, "only {refused} of {ROUNDS} were refused");
    });
}

/// Executes a damaged copy of a program; whether that was refused.
fn is_refused(random: &mut Random, image: &[u8], round: usize) -> bool {
    let path = "/tmp/process-hostile";
    let longest = match round % 3 {
        0 => 4096,
        1 => 8192,
        _ => image.len(),
    };
    let mut bytes = image[..1 + random.below(longest.min(image.len()))].to_vec();
    for _ in 0..1 + random.below(6) {
        // Mostly in the headers, and mostly whole numbers that mean something.
        let at = random.below(bytes.len().min(1024));
        let any = random.word() as u8;
        let value = random.pick(&[0, 1, 0xff, 0x7f, 0x80, any]);
        let end = (at + random.pick(&[1, 4, 8])).min(bytes.len());
        bytes[at..end].fill(value);
    }
    fs::write(path, &bytes).expect("room");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("permissions");
    let pid = fork(|| exec_path(path, &["exit", "0"]));
    let (found, status) = wait_or_kill(pid);
    assert_eq!(found, pid);
    fs::remove_file(path).expect("removed");
    libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == libc::ENOEXEC
}

/// Waits for what may never end.
fn wait_or_kill(pid: libc::pid_t) -> (libc::pid_t, i32) {
    for _ in 0..500 {
        let found = wait(pid, libc::WNOHANG);
        if found.0 != 0 {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    // SAFETY: takes numbers only.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    wait(pid, 0)
}
