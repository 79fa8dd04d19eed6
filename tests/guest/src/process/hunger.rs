//! Memory that runs out while others need the system: the daemons of the base go on serving, and none of them ends.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ochre_guest::Accounts;
use ochre_guest::posix::{errno, own_path};

/// Whose end would take the system with it, or what everybody keeps in it.
const NEEDED: [&str; 8] = ["bootstrap", "nsmgr", "procmgr", "init", "zerod", "ramfs", "ipcd", "ptyd"];
/// How long they are asked.
const TIME: Duration = Duration::from_secs(3);
/// How often each is asked at least.
const LEAST: u32 = 50;

/// Ids of the programs of the system.
fn needed() -> BTreeMap<String, Vec<u32>> {
    let mut all: BTreeMap<String, Vec<u32>> = NEEDED.iter().map(|name| (name.to_string(), Vec::new())).collect();
    for entry in fs::read_dir("/scheme/proc").expect("the processes").flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let name = text.lines().find_map(|line| line.strip_prefix("name ")).unwrap_or_default();
        let pid = entry.file_name().to_string_lossy().parse().expect("an id");
        if let Some(ids) = all.get_mut(name) {
            ids.push(pid);
        }
    }
    all
}

fn start(role: &str) -> Child {
    let mut command = Command::new(own_path());
    command.args(["--role", role]).process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a child")
}

/// Ends a child and all that it has made.
fn end(mut child: Child) {
    for _ in 0..100 {
        // SAFETY: takes numbers only.
        unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
    }
    child.wait().expect("its end");
}

/// Waits until nobody gets memory any more.
fn await_hunger() {
    let start = Instant::now();
    // SAFETY: new mappings that nobody uses, and that are gone at once.
    while unsafe {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        let at = libc::mmap(std::ptr::null_mut(), 4096, access, flags, -1, 0);
        at != libc::MAP_FAILED && libc::munmap(at, 4096) == 0
    } {
        assert!(start.elapsed() < 40 * TIME, "there is memory still");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Has so much of the stack in memory.
#[inline(never)]
fn touch_stack() {
    std::hint::black_box(&mut [1_u8; 128 << 10]);
}

/// Takes all the memory there is and holds it. What is not there is noticed by a call, which answers an error where a touch would end
/// the process; all else that it does it has done once before.
pub fn hog() -> ! {
    const SIZE: usize = 1 << 20;
    let zero = fs::File::open("/scheme/zero").expect("zeros");
    // SAFETY: the kernel looks at the address, nobody else.
    let fill = |at: *mut u8| unsafe { libc::read(zero.as_raw_fd(), at.cast(), 1) == 1 };
    let rest = || std::thread::sleep(Duration::from_millis(1));
    touch_stack();
    rest();
    assert!(!fill(std::ptr::null_mut()));
    loop {
        // SAFETY: a new mapping that nobody else uses.
        let at = unsafe {
            let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            libc::mmap(std::ptr::null_mut(), SIZE, access, flags, -1, 0)
        };
        let taken =
            at != libc::MAP_FAILED && (0..SIZE).step_by(4096).all(|page| fill(at.cast::<u8>().wrapping_add(page)));
        if !taken {
            rest();
        }
    }
}

/// Forks, and so do the children, each with so much memory of its own that some tens have it all: with hundreds, one processor would be
/// theirs for minutes.
pub fn bomb() -> ! {
    let mut ballast = vec![1_u8; 32 << 20];
    for round in 0_u8.. {
        // SAFETY: the child does what its parent does, and touches nothing that others hold.
        if unsafe { libc::fork() } == 0 {
            ballast.iter_mut().step_by(4096).for_each(|byte| *byte = round);
        } else {
            // SAFETY: asks for ends only.
            unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
        }
    }
    unreachable!("the rounds do not end")
}

/// How often something was asked, and how often it was done. What needs memory for the asker may be refused; nothing else may happen.
#[derive(Debug, Default)]
struct Tally {
    asked: u32,
    done: u32,
}

impl Tally {
    fn count(&mut self, what: &str, answer: Result<(), i32>) {
        self.asked += 1;
        match answer {
            Ok(()) => self.done += 1,
            Err(error) => assert!(
                matches!(error, libc::ENOMEM | libc::ENOSPC | libc::ENOBUFS | libc::EAGAIN),
                "{what}: {}",
                std::io::Error::from_raw_os_error(error)
            ),
        }
    }
}

fn done(result: std::io::Result<usize>, wanted: usize) -> Result<(), i32> {
    match result {
        Ok(count) => {
            assert_eq!(count, wanted);
            Ok(())
        }
        Err(error) => Err(error.raw_os_error().unwrap_or(0)),
    }
}

/// Asks ramfs, ipcd, the process manager and zerod again and again while this child has the memory.
fn while_hungry(role: &str) {
    let path = "/tmp/process-hunger";
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).expect("a file");
    file.write_at(&[7; 64], 0).expect("room");
    let (mut one, mut other) = UnixStream::pair().expect("a pair");
    let mut zero = fs::File::open("/scheme/zero").expect("zeros");
    let mut buffer = [0_u8; 64];
    // All that is done below is done once before, so that this process has all the memory that it needs.
    let mut tallies: [Tally; 4] = Default::default();
    let mut ask = |tallies: &mut [Tally; 4]| {
        let [files, sockets, processes, zeros] = tallies;
        files.count("a write", done(file.write_at(&[7; 64], 0), 64));
        files.count("a read", done(file.read_at(&mut buffer, 0), 64));
        let sent = done(one.write(&[5; 64]), 64);
        let received = if sent.is_ok() { done(other.read(&mut buffer), 64) } else { sent };
        sockets.count("a message", received);
        // SAFETY: take numbers only.
        let (group, alive) = unsafe { (libc::getpgid(0), libc::kill(libc::getppid(), 0)) };
        processes.count("a question", if group > 0 && alive == 0 { Ok(()) } else { Err(errno()) });
        zeros.count("zeros", done(zero.read(&mut buffer), 64));
    };
    ask(&mut tallies);
    let child = start(role);
    await_hunger();
    let begin = Instant::now();
    // Among many that want the processor, turns are rare.
    while begin.elapsed() < TIME || (tallies[3].asked < LEAST && begin.elapsed() < 40 * TIME) {
        ask(&mut tallies);
    }
    end(child);
    println!("  {role}: {tallies:?}");
    for tally in &tallies {
        assert!(tally.asked >= LEAST && tally.done > tally.asked / 2, "{role}: {tallies:?}");
    }
    fs::remove_file(path).expect("removed");
}

/// Growing files and sockets is refused when there is no memory, and does not come out of what the daemons live on.
fn nothing_of_the_reserve() {
    let path = "/tmp/process-hunger";
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(path).expect("a file");
    let (one, other) = UnixStream::pair().expect("a pair");
    one.set_nonblocking(true).expect("a flag");
    let block = vec![9_u8; 16 << 10];
    file.write_at(&block, 0).expect("room");
    let hog = start("hog");
    await_hunger();
    let begin = Instant::now();
    let (mut at, mut refused, mut sockets_refused) = (block.len() as u64, 0, 0);
    while begin.elapsed() < TIME {
        match file.write_at(&block, at) {
            Ok(count) => at += count as u64,
            Err(error) => {
                assert!(matches!(error.raw_os_error(), Some(libc::ENOSPC | libc::ENOMEM)), "{error}");
                refused += 1;
            }
        }
        if let Err(error) = (&one).write(&block) {
            assert!(matches!(error.raw_os_error(), Some(libc::ENOBUFS | libc::ENOMEM | libc::EAGAIN)), "{error}");
            sockets_refused += 1;
        }
    }
    end(hog);
    println!("  {at} bytes of a file, {refused} writes refused, {sockets_refused} messages refused");
    assert!(refused > 10 && sockets_refused > 10);
    drop((one, other, file));
    fs::remove_file(path).expect("removed");
}

/// A child that takes all memory, and one that forks without end: the system serves, and all is back afterwards.
pub fn system_goes_on() {
    let (before, programs) = (Accounts::now(), needed());
    assert!(programs.values().all(|ids| !ids.is_empty()), "{programs:?}");
    while_hungry("hog");
    while_hungry("bomb");
    nothing_of_the_reserve();
    assert_eq!(needed(), programs, "a program of the system has ended");
    // The kernel keeps room for as many threads as there were. What one of the many had in memory is more than all that.
    before.assert_returned(8192, 8 << 20);
}
