//! Linux's side: the program is `/init` of an initramfs and the only process there is.

use std::ffi::{CStr, CString, c_int, c_void};
use std::io::{Error, Result, Write};
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicU32;

use super::{Fd, check, fuse};
use crate::measure::{Bench, Sample};
use crate::rows::helper::{self, Role};

/// Name of the system in the output.
pub const SYSTEM: &str = "linux";

/// Mounts what a first program has to mount, and loads the module behind `/dev/fuse`.
pub fn start() -> Result<()> {
    for (kind, dir) in [(c"devtmpfs", c"/dev"), (c"devpts", c"/dev/pts"), (c"proc", c"/proc"), (c"tmpfs", c"/tmp")] {
        make_dir(dir);
        // SAFETY: all strings are terminated and live through the call.
        check(unsafe { libc::mount(kind.as_ptr(), dir.as_ptr(), kind.as_ptr(), libc::MS_NOATIME, std::ptr::null()) }
            as isize)?;
    }
    let module = Fd::open(c"/fuse.ko", libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    // SAFETY: takes a descriptor, a terminated string and flags.
    check(unsafe { libc::syscall(libc::SYS_finit_module, module.raw(), c"".as_ptr(), 0) } as isize)?;
    Ok(())
}

/// Stops the machine.
pub fn finish(_status: i32) -> ! {
    // SAFETY: takes a number; the first process has the right.
    unsafe {
        libc::sync();
        libc::reboot(libc::RB_AUTOBOOT);
    }
    std::process::exit(0)
}

/// Prints the kernel's functions, for a profile: Debian's package has no list of them.
pub fn print_symbols() -> Result<()> {
    let list = std::fs::read_to_string("/proc/kallsyms")?;
    let mut text = String::new();
    for line in list.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [address, "t" | "T" | "w" | "W", name, ..] = words.as_slice() {
            text += &format!("bench symbol {address} {name}\n");
        }
    }
    std::io::stdout().write_all(text.as_bytes())
}

/// Ticks at kernel entry as far as the system knows them: Linux does not tell, the driver measures them with a stub.
pub fn entry_ticks() -> Option<u64> {
    None
}

/// Memory that nobody uses, in KiB (`sysinfo(2)`).
pub fn free_kib() -> Result<u64> {
    let mut info = MaybeUninit::<libc::sysinfo>::uninit();
    // SAFETY: on success the call has filled the structure.
    let info = unsafe {
        check(libc::sysinfo(info.as_mut_ptr()) as isize)?;
        info.assume_init()
    };
    Ok(info.freeram * u64::from(info.mem_unit) / 1024)
}

/// Keeps the calling thread, and what it creates, on one processor in first-come order, so that every yield is a switch (the
/// fair scheduler lets a thread that yields go on when it is behind).
pub fn pin() {
    schedule(1, libc::SCHED_FIFO, 1);
}

/// Lets the calling thread run anywhere again, as an ordinary one.
pub fn unpin() {
    schedule(64, libc::SCHED_OTHER, 0);
}

fn schedule(cpus: usize, policy: c_int, priority: c_int) {
    // SAFETY: both structures are plain data and live through the calls; what fails leaves the thread as it was.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for cpu in 0..cpus {
            libc::CPU_SET(cpu, &mut set);
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
        libc::sched_setscheduler(0, policy, &libc::sched_param { sched_priority: priority });
    }
}

/// A call with a number that no system has.
#[inline(always)]
pub fn null_call() {
    // SAFETY: the kernel answers ENOSYS; `syscall` changes rax, rcx and r11 only.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") 1000_usize => _, lateout("rcx") _, lateout("r11") _,
            options(nostack));
    }
}

/// Sleeps while `word` holds `value`.
#[inline(always)]
pub fn futex_wait(word: &AtomicU32, value: u32) {
    let flags = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word lives through the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), flags, value, std::ptr::null::<c_void>()) };
}

/// Wakes one thread that sleeps on `word`.
#[inline(always)]
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: the word lives through the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
}

/// Anonymous private memory, unmapped when dropped.
#[derive(Debug)]
pub struct Mapping {
    address: *mut u8,
    length: usize,
}

impl Mapping {
    /// Maps `length` bytes, untouched.
    #[inline(always)]
    pub fn new(length: usize) -> Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: the kernel chooses a free address.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0) };
        if address == libc::MAP_FAILED {
            Err(Error::last_os_error())
        } else {
            Ok(Self { address: address.cast(), length })
        }
    }

    /// Writes one byte to a page.
    #[inline(always)]
    pub fn touch(&self, page: usize) {
        debug_assert!(page * 4096 < self.length);
        // SAFETY: the page lies in the mapping, which is writable and not referenced otherwise.
        unsafe { self.address.add(page * 4096).write_volatile(1) };
    }
}

impl Drop for Mapping {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping.
        unsafe { libc::munmap(self.address.cast(), self.length) };
    }
}

/// Keeps all pages of this process shared with a copy, so that the next write to each must copy it.
#[derive(Debug)]
pub struct Copied {
    child: c_int,
}

impl Copied {
    /// Makes the copy.
    pub fn new() -> Result<Self> {
        // SAFETY: the child only sleeps.
        let child = check(unsafe { libc::fork() } as isize)? as c_int;
        if child == 0 {
            loop {
                // SAFETY: no arguments.
                unsafe { libc::pause() };
            }
        }
        Ok(Self { child })
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        kill_and_wait(self.child);
    }
}

/// A signal between threads that wakes the other side out of its event queue: an eventfd in an epoll set.
#[derive(Debug)]
pub struct Bell {
    event: Fd,
    queue: Fd,
}

impl Bell {
    /// Creates both.
    pub fn new() -> Result<Self> {
        // SAFETY: take numbers only.
        let (event, queue) = unsafe {
            let event = check(libc::eventfd(0, libc::EFD_NONBLOCK) as isize)?;
            (Fd::from_raw(event as c_int), Fd::from_raw(check(libc::epoll_create1(0) as isize)? as c_int))
        };
        let mut interest = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 1 };
        // SAFETY: the structure lives through the call.
        check(unsafe { libc::epoll_ctl(queue.raw(), libc::EPOLL_CTL_ADD, event.raw(), &mut interest) } as isize)?;
        Ok(Self { event, queue })
    }

    /// Wakes who waits.
    #[inline(always)]
    pub fn ring(&self) {
        let _ = self.event.write(&1_u64.to_ne_bytes());
    }

    /// Waits in the event queue until it rang, and takes the event.
    #[inline(always)]
    pub fn wait(&self) {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 4];
        // SAFETY: the array has the room that is told.
        unsafe { libc::epoll_wait(self.queue.raw(), events.as_mut_ptr(), 4, -1) };
        let _ = self.event.read(&mut [0; 8]);
    }
}

/// Another process that plays a role of [`helper`] over two descriptors.
#[derive(Debug)]
pub struct Helper {
    child: c_int,
}

impl Helper {
    /// Starts it; it reads `input` and writes `output`.
    pub fn start(role: Role, input: Fd, output: Fd) -> Result<Self> {
        // SAFETY: this process has one thread when it starts helpers, and the child only plays its role.
        let child = check(unsafe { libc::fork() } as isize)? as c_int;
        if child == 0 {
            // Ends of pipes that the parent holds must not stay open here, or the end of the parent's would not be seen.
            for fd in 3..64 {
                if fd != input.raw() && fd != output.raw() {
                    // SAFETY: numbers only; what is not open is refused.
                    unsafe { libc::close(fd) };
                }
            }
            helper::play(role, &input, &output);
            // SAFETY: ends the child without the parent's exit handlers.
            unsafe { libc::_exit(0) };
        }
        Ok(Self { child })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        kill_and_wait(self.child);
    }
}

/// A file system served by another process.
#[derive(Debug)]
pub struct Server {
    dir: CString,
    child: c_int,
}

impl Server {
    /// Starts it under a name of its own.
    pub fn start(name: &str) -> Result<Self> {
        let dir = CString::new(format!("/{name}"))?;
        make_dir(&dir);
        let device = fuse::mount(&dir)?;
        // SAFETY: the child only serves.
        let child = check(unsafe { libc::fork() } as isize)? as c_int;
        if child == 0 {
            fuse::serve(&device);
            // SAFETY: as in `Helper::start`.
            unsafe { libc::_exit(0) };
        }
        Ok(Self { dir, child })
    }

    /// Path of its file.
    pub fn file(&self) -> CString {
        let mut path = self.dir.as_bytes().to_vec();
        path.extend_from_slice(b"/file");
        CString::new(path).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill_and_wait(self.child);
        // SAFETY: the path is terminated.
        unsafe { libc::umount2(self.dir.as_ptr(), libc::MNT_DETACH) };
    }
}

/// Serves under `name` as a process started with arguments: never asked of a system that has `fork`.
pub fn serve(_name: &str, _ready: &Fd) -> Result<()> {
    Err(super::unsupported("Linux forks its server"))
}

/// Starts `count` further file systems that wait for work.
pub fn idle_servers(count: usize) -> Result<Vec<Server>> {
    (0..count).map(|index| Server::start(&format!("idle{index}"))).collect()
}

/// Path of a file in the RAM file system.
pub fn ram_file(name: &str) -> CString {
    CString::new(format!("/tmp/{name}")).unwrap_or_default()
}

/// Forks a child that ends at once, and waits for it.
pub fn fork_exit_wait() -> Result<()> {
    // SAFETY: the child only ends.
    let child = check(unsafe { libc::fork() } as isize)? as c_int;
    if child == 0 {
        // SAFETY: ends the child without the parent's exit handlers.
        unsafe { libc::_exit(0) };
    }
    wait_for(child)
}

/// Forks a child that executes a program which ends at once, and waits for it.
pub fn fork_exec_wait() -> Result<()> {
    // SAFETY: the child only executes or ends.
    let child = check(unsafe { libc::fork() } as isize)? as c_int;
    if child == 0 {
        let arguments = [TRUE.as_ptr(), std::ptr::null()];
        // SAFETY: path and arguments are terminated.
        unsafe {
            libc::execve(TRUE.as_ptr(), arguments.as_ptr(), std::ptr::null());
            libc::_exit(127);
        }
    }
    wait_for(child)
}

/// `posix_spawn` of the same program, and a wait.
pub fn spawn_wait() -> Result<()> {
    let mut child = 0;
    let arguments = [TRUE.as_ptr().cast_mut(), std::ptr::null_mut()];
    let environment = [std::ptr::null_mut()];
    // SAFETY: path, arguments and environment are terminated lists; attributes may be absent.
    let code = unsafe {
        let none = std::ptr::null();
        libc::posix_spawn(&mut child, TRUE.as_ptr(), none, none.cast(), arguments.as_ptr(), environment.as_ptr())
    };
    if code == 0 { wait_for(child) } else { Err(Error::from_raw_os_error(code)) }
}

/// The row `malloc_free`, measured by a program of its own: this one is linked with another C library.
pub fn malloc_free(_bench: &Bench) -> Result<Sample> {
    let output = std::process::Command::new("/heap").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut hundredths = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    match (hundredths.next(), hundredths.next()) {
        (Some(min), Some(median)) => Ok(Sample { min: min / 100.0, median: median / 100.0 }),
        _ => Err(Error::other(format!("/heap answered {text:?}"))),
    }
}

/// The program that does nothing.
const TRUE: &CStr = c"/true";

fn wait_for(child: c_int) -> Result<()> {
    let mut status = 0;
    // SAFETY: the status lives through the call.
    check(unsafe { libc::waitpid(child, &mut status, 0) } as isize)?;
    if status == 0 { Ok(()) } else { Err(Error::other("the child failed")) }
}

fn kill_and_wait(child: c_int) {
    // SAFETY: the child is ours and was not waited for yet.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, std::ptr::null_mut(), 0);
    }
}

fn make_dir(path: &CStr) {
    // SAFETY: the path is terminated. That it exists already is no error here; a mount on it tells if it does not.
    unsafe { libc::mkdir(path.as_ptr(), 0o755) };
}
