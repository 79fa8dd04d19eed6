//! Ochre's side: the program is started by `bootstrap`, with a name space that has every scheme in it.
//!
//! Another process is this program started again with arguments ([`process`]), and a copy of the address space is made through
//! `kernel.proc`; only the rows about `fork` itself use that.

mod process;
mod server;

use std::ffi::CString;
use std::io::{Error, Result};
use std::sync::atomic::AtomicU32;

use libredox::call;
use ochre_abi::proc::{ANONYMOUS, ThreadVerb};
use syscall::flag::{CallFlags, EventFlags, MapFlags};

use super::Fd;
use super::churn::Churn;
use crate::measure::{Bench, Sample};
use crate::rows::helper::Role;
use process::Process;
pub use server::serve;

/// Name of the system in the output.
pub const SYSTEM: &str = "ochre";

/// The row `malloc_free`.
pub fn malloc_free(bench: &Bench) -> Result<Sample> {
    let mut churn = Churn::new();
    Ok(bench.batches(20_000, |watch, n| watch.time(|| churn.run(n))))
}

/// Nothing to prepare: the base services run already.
pub fn start() -> Result<()> {
    Ok(())
}

/// Ends the program; `bootstrap` then stops the machine.
pub fn finish(status: i32) -> ! {
    std::process::exit(status)
}

/// Nothing to print: the kernel's symbols lie beside it.
pub fn print_symbols() -> Result<()> {
    Ok(())
}

/// The time-stamp counter at the kernel's entry, as the kernel tells it.
pub fn entry_ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/scheme/sys/boot").ok()?;
    text.lines().find_map(|line| line.strip_prefix("entry_tsc "))?.trim().parse().ok()
}

/// Memory that nobody uses, in KiB.
pub fn free_kib() -> Result<u64> {
    let memory = Fd::open(c"/scheme/memory", libc::O_RDONLY | libc::O_CLOEXEC, 0)?;
    let facts = call::fstatvfs(memory.raw() as usize).map_err(error)?;
    Ok(facts.f_bfree as u64 * facts.f_bsize as u64 / 1024)
}

/// Keeps the calling thread on the first processor, so that a yield is a switch.
pub fn pin() {
    // A thread that cannot be bound stays where it is.
    let _ = set_affinity(1);
}

/// Lets the calling thread run anywhere again.
pub fn unpin() {
    let _ = set_affinity(u64::MAX);
}

fn set_affinity(mask: u64) -> Result<()> {
    let thread = Fd::open(c"/scheme/kernel.proc/self", libc::O_RDWR | libc::O_CLOEXEC, 0)?;
    let verb = [ThreadVerb::SetAffinity as u64, mask];
    call::call_wo(thread.raw() as usize, &[], CallFlags::empty(), &verb).map_err(error)?;
    Ok(())
}

/// A call with a number that no system has.
#[inline(always)]
pub fn null_call() {
    // SAFETY: the kernel answers ENOSYS; all that a call may change is declared.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") 1000_usize => _, lateout("rcx") _, lateout("r11") _,
            lateout("r9") _, options(nostack));
    }
}

/// Sleeps while `word` holds `value`.
#[inline(always)]
pub fn futex_wait(word: &AtomicU32, value: u32) {
    // SAFETY: the word lives through the call; no timeout is given.
    let _ = unsafe {
        syscall::futex(word.as_ptr().cast::<i32>(), syscall::FUTEX_WAIT, value as i32, 0, std::ptr::null_mut())
    };
}

/// Wakes one thread that sleeps on `word`.
#[inline(always)]
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: the word lives through the call.
    let _ = unsafe { syscall::futex(word.as_ptr().cast::<i32>(), syscall::FUTEX_WAKE, 1, 0, std::ptr::null_mut()) };
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
        let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE;
        let map = syscall::Map { offset: 0, size: length, flags, address: 0 };
        // SAFETY: the kernel chooses a free address.
        let address = unsafe { syscall::fmap(ANONYMOUS, &map) }.map_err(|e| Error::from_raw_os_error(e.errno))?;
        Ok(Self { address: address as *mut u8, length })
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
        let _ = unsafe { syscall::funmap(self.address as usize, self.length) };
    }
}

/// Keeps all pages of this process shared with a copy, so that the next write to each must copy it.
pub struct Copied {
    _space: libredox::Fd,
}

impl Copied {
    /// Makes the copy.
    pub fn new() -> Result<Self> {
        let thread = Fd::open(c"/scheme/kernel.proc/self", libc::O_RDWR | libc::O_CLOEXEC, 0)?;
        let space = libredox::Fd::new(call::dup(thread.raw() as usize, b"addrspace").map_err(error)?);
        let copy = space.dup(b"clone").map_err(error)?;
        Ok(Self { _space: libredox::Fd::new(copy) })
    }
}

/// A signal between threads that wakes the other side out of its event queue: a pipe in an event queue.
#[derive(Debug)]
pub struct Bell {
    ring: Fd,
    rung: Fd,
    queue: Fd,
}

impl Bell {
    /// Creates both.
    pub fn new() -> Result<Self> {
        let (rung, ring) = super::pipe()?;
        let queue = Fd::open(c"/scheme/event", libc::O_RDWR | libc::O_CLOEXEC, 0)?;
        let interest = syscall::Event { id: rung.raw() as usize, flags: EventFlags::EVENT_READ, data: 1 };
        queue.write(&interest)?;
        Ok(Self { ring, rung, queue })
    }

    /// Wakes who waits.
    #[inline(always)]
    pub fn ring(&self) {
        let _ = self.ring.write(&[1]);
    }

    /// Waits in the event queue until it rang, and takes the event.
    #[inline(always)]
    pub fn wait(&self) {
        let mut events = [syscall::Event::default(); 4];
        // SAFETY: an event is three plain words, and the array has the room that is told.
        let buf = unsafe { std::slice::from_raw_parts_mut(events.as_mut_ptr().cast::<u8>(), size_of_val(&events)) };
        let _ = self.queue.read(buf);
        let _ = self.rung.read(&mut [0]);
    }
}

/// Another process that plays a role of `rows::helper` over two descriptors.
pub struct Helper {
    _process: Process,
}

impl Helper {
    /// Starts it; it reads `input` and writes `output`.
    pub fn start(role: Role, input: Fd, output: Fd) -> Result<Self> {
        Ok(Self { _process: Process::start(&["--helper", role.name()], &input, &output)? })
    }
}

/// A scheme served by another process.
pub struct Server {
    name: String,
    _process: Process,
}

impl Server {
    /// Starts it under a name of its own, and waits until it serves.
    pub fn start(name: &str) -> Result<Self> {
        /// Numbers the servers: a name that was used may still be registered when the next row starts.
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("{name}{}", STARTED.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let (ready, output) = super::pipe()?;
        let process = Process::start(&["--serve", &name], &output, &output)?;
        drop(output);
        if ready.read(&mut [0])? != 1 {
            return Err(Error::other("the server did not start"));
        }
        Ok(Self { name, _process: process })
    }

    /// Path of its file.
    pub fn file(&self) -> CString {
        CString::new(format!("/scheme/{}/file", self.name)).unwrap_or_default()
    }
}

/// Starts `count` further schemes that wait for work.
pub fn idle_servers(count: usize) -> Result<Vec<Server>> {
    (0..count).map(|_| Server::start("idle")).collect()
}

/// Path of a file in the RAM file system.
pub fn ram_file(name: &str) -> CString {
    CString::new(format!("/tmp/{name}")).unwrap_or_default()
}

/// Forks a child that ends at once, and waits for it.
pub fn fork_exit_wait() -> Result<()> {
    // SAFETY: the child only ends.
    match super::check(unsafe { libc::fork() } as isize)? {
        // SAFETY: ends the child without the parent's exit handlers.
        0 => unsafe { libc::_exit(0) },
        child => wait_for(child as libc::c_int),
    }
}

/// Forks a child that executes a program which ends at once, and waits for it.
pub fn fork_exec_wait() -> Result<()> {
    small_program()?;
    // SAFETY: the child only executes or ends.
    match super::check(unsafe { libc::fork() } as isize)? {
        0 => {
            let arguments = [SMALL.as_ptr(), std::ptr::null()];
            let environment = [std::ptr::null()];
            // SAFETY: path and lists are terminated; when it fails the child ends without the parent's exit handlers.
            unsafe {
                libc::execve(SMALL.as_ptr(), arguments.as_ptr(), environment.as_ptr());
                libc::_exit(127)
            }
        }
        child => wait_for(child as libc::c_int),
    }
}

unsafe extern "C" {
    // Crate `libc` does not declare it for this target.
    fn posix_spawn(
        pid: *mut libc::pid_t,
        path: *const libc::c_char,
        actions: *const libc::c_void,
        attributes: *const libc::c_void,
        arguments: *const *const libc::c_char,
        environment: *const *const libc::c_char,
    ) -> libc::c_int;
}

/// `posix_spawn` of the same program, and a wait.
pub fn spawn_wait() -> Result<()> {
    small_program()?;
    let (mut child, arguments, environment) = (0, [SMALL.as_ptr(), std::ptr::null()], [std::ptr::null()]);
    let (actions, attributes) = (std::ptr::null(), std::ptr::null());
    // SAFETY: path and lists are terminated.
    let error = unsafe {
        posix_spawn(&mut child, SMALL.as_ptr(), actions, attributes, arguments.as_ptr(), environment.as_ptr())
    };
    if error != 0 {
        return Err(Error::from_raw_os_error(error));
    }
    wait_for(child)
}

/// Waits until a child has ended, as it should.
fn wait_for(child: libc::c_int) -> Result<()> {
    let mut status = 0;
    // SAFETY: a place for the answer.
    super::check(unsafe { libc::waitpid(child, &mut status, 0) } as isize)?;
    if status == 0 { Ok(()) } else { Err(Error::other(format!("the child ended with {status:#x}"))) }
}

/// Where the small program lies: in the RAM file system, as Linux's does.
const SMALL: &std::ffi::CStr = c"/tmp/true";

/// Puts it there, once.
fn small_program() -> Result<()> {
    use std::sync::Once;
    static THERE: Once = Once::new();
    let mut result = Ok(());
    THERE.call_once(|| result = std::fs::copy("/scheme/initfs/bin/bench-true", "/tmp/true").map(drop));
    result
}

fn error(error: libredox::error::Error) -> Error {
    Error::from_raw_os_error(error.errno())
}

/// Path of this program, for starting it again.
const PROGRAM: &str = "/scheme/initfs/bin/bench";
