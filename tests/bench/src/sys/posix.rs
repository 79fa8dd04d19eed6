//! Calls that both systems have in their C library, thinly wrapped: a row must measure the call, not the wrapper.

use std::ffi::{CStr, c_int, c_void};
use std::io::{Error, Result};
use std::mem::MaybeUninit;

/// Reads the time-stamp counter.
#[inline(always)]
pub fn tsc() -> u64 {
    // SAFETY: `rdtsc` reads a register; both systems allow it in user mode.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Signals to a watcher outside of the machine. They are no-operations to the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Start to count instructions.
    CountOn,
    /// Stop to count.
    CountOff,
    /// Start to record the order of blocks.
    TraceOn,
    /// Stop to record.
    TraceOff,
}

/// Executes the long no-operation (`0f 1f 84 00 imm32`, Intel SDM volume 2B, NOP) whose displacement the profiler knows.
#[inline(always)]
pub fn mark(mark: Mark) {
    // SAFETY: these instructions do nothing; no memory is touched.
    unsafe {
        match mark {
            Mark::CountOn => core::arch::asm!(".byte 0x0f,0x1f,0x84,0x00", ".long 0x4f434801"),
            Mark::CountOff => core::arch::asm!(".byte 0x0f,0x1f,0x84,0x00", ".long 0x4f434802"),
            Mark::TraceOn => core::arch::asm!(".byte 0x0f,0x1f,0x84,0x00", ".long 0x4f434803"),
            Mark::TraceOff => core::arch::asm!(".byte 0x0f,0x1f,0x84,0x00", ".long 0x4f434804"),
        }
    }
}

/// Nanoseconds of the monotonic clock, through the C library.
#[inline(always)]
pub fn clock_ns() -> u64 {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the call fills the structure it is given; the monotonic clock exists, so it cannot fail.
    let now = unsafe {
        libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr());
        now.assume_init()
    };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Gives the processor to another thread that can run.
#[inline(always)]
pub fn yield_now() {
    // SAFETY: no arguments.
    unsafe { libc::sched_yield() };
}

/// An open descriptor, closed when dropped.
#[derive(Debug)]
pub struct Fd(c_int);

impl Fd {
    /// Takes over a descriptor that nobody else closes.
    pub fn from_raw(raw: c_int) -> Self {
        Self(raw)
    }

    /// The number.
    pub fn raw(&self) -> c_int {
        self.0
    }

    /// `open`. `mode` counts only where `flags` create the file.
    #[inline(always)]
    pub fn open(path: &CStr, flags: c_int, mode: c_int) -> Result<Self> {
        // SAFETY: the path is terminated and lives through the call.
        check(unsafe { libc::open(path.as_ptr(), flags, mode) } as isize).map(|fd| Self(fd as c_int))
    }

    /// `read`.
    #[inline(always)]
    pub fn read(&self, buf: &mut [u8]) -> Result<usize> {
        // SAFETY: the buffer is valid for its length.
        check(unsafe { libc::read(self.0, buf.as_mut_ptr().cast::<c_void>(), buf.len()) })
    }

    /// `pread`.
    #[inline(always)]
    pub fn pread(&self, buf: &mut [u8], offset: i64) -> Result<usize> {
        // SAFETY: the buffer is valid for its length.
        check(unsafe { libc::pread(self.0, buf.as_mut_ptr().cast::<c_void>(), buf.len(), offset as libc::off_t) })
    }

    /// `write`.
    #[inline(always)]
    pub fn write(&self, buf: &[u8]) -> Result<usize> {
        // SAFETY: the buffer is valid for its length.
        check(unsafe { libc::write(self.0, buf.as_ptr().cast::<c_void>(), buf.len()) })
    }

    /// `fstat`; answers the size.
    #[inline(always)]
    pub fn size(&self) -> Result<u64> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: on success the call has filled the structure.
        unsafe {
            check(libc::fstat(self.0, stat.as_mut_ptr()) as isize)?;
            Ok(stat.assume_init().st_size as u64)
        }
    }

    /// `dup`.
    pub fn dup(&self) -> Result<Self> {
        // SAFETY: takes a number only.
        check(unsafe { libc::dup(self.0) } as isize).map(|fd| Self(fd as c_int))
    }
}

impl Drop for Fd {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this value owns the descriptor.
        unsafe { libc::close(self.0) };
    }
}

/// `stat` of a path; answers the size.
#[inline(always)]
pub fn path_size(path: &CStr) -> Result<u64> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path is terminated; on success the call has filled the structure.
    unsafe {
        check(libc::stat(path.as_ptr(), stat.as_mut_ptr()) as isize)?;
        Ok(stat.assume_init().st_size as u64)
    }
}

/// `unlink`.
#[inline(always)]
pub fn unlink(path: &CStr) -> Result<()> {
    // SAFETY: the path is terminated and lives through the call.
    check(unsafe { libc::unlink(path.as_ptr()) } as isize).map(drop)
}

/// A pipe: read end, write end.
pub fn pipe() -> Result<(Fd, Fd)> {
    let mut ends = [0; 2];
    // SAFETY: the array has the two places the call fills.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), 0) } as isize)?;
    Ok((Fd(ends[0]), Fd(ends[1])))
}

/// Two connected unix stream sockets.
pub fn socket_pair() -> Result<(Fd, Fd)> {
    let mut ends = [0; 2];
    // SAFETY: the array has the two places the call fills.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, ends.as_mut_ptr()) } as isize)?;
    Ok((Fd(ends[0]), Fd(ends[1])))
}

extern "C" fn thread_nothing(_: *mut c_void) -> *mut c_void {
    std::ptr::null_mut()
}

/// Creates a thread that ends at once, and joins it: the C library's thread, without what `std` puts around it.
pub fn thread_create_join() -> Result<()> {
    let mut thread = MaybeUninit::<libc::pthread_t>::uninit();
    // SAFETY: the handle is initialised when the first call succeeds, and joined once.
    unsafe {
        let code = libc::pthread_create(thread.as_mut_ptr(), std::ptr::null(), thread_nothing, std::ptr::null_mut());
        if code == 0 {
            libc::pthread_join(thread.assume_init(), std::ptr::null_mut());
        }
        if code == 0 { Ok(()) } else { Err(Error::from_raw_os_error(code)) }
    }
}

/// A terminal: its master and its other end.
pub fn terminal() -> Result<(Fd, Fd)> {
    let (mut master, mut slave) = (-1, -1);
    let name = std::ptr::null_mut();
    // SAFETY: room for two numbers; name, settings and size are left out.
    check(unsafe { libc::openpty(&mut master, &mut slave, name, std::ptr::null(), std::ptr::null()) } as isize)?;
    Ok((Fd::from_raw(master), Fd::from_raw(slave)))
}

/// The answer of a C function that tells failure by a negative value and `errno`.
#[inline(always)]
pub fn check(answer: isize) -> Result<usize> {
    if answer < 0 { Err(Error::last_os_error()) } else { Ok(answer as usize) }
}

/// What a system answers for a row it cannot run.
#[cfg(not(target_os = "redox"))]
pub fn unsupported(what: &str) -> Error {
    Error::new(std::io::ErrorKind::Unsupported, what.to_owned())
}
