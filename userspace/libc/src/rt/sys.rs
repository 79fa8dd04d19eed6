//! The system call, and one typed function for each call that libc makes.
//!
//! The instruction and its registers are those of crate `redox_syscall` (`arch/x86_64.rs` there). Its own functions are not
//! used for one reason: they look at the lower 32 bits of an answer to tell errors from values, which takes a file offset
//! near 4 GiB for an error.

use core::arch::asm;
use core::sync::atomic::AtomicI32;

use syscall::data::{Map, Stat, StdFsCallMeta, TimeSpec};
use syscall::error::{EINTR, Error, Result};
use syscall::flag::{CLOCK_MONOTONIC, CallFlags, FUTEX_WAIT, FUTEX_WAKE, MapFlags, O_FCNTL_MASK, StdFsCallKind};
use syscall::number::*;

use super::signal::{self, Interruption};

/// Largest error number; answers above `-MAX_ERROR` are errors.
const MAX_ERROR: usize = 4095;

/// Makes a call with five arguments and answers `rax` as it is.
///
/// # Safety
/// What the call does with memory must be right.
#[inline(always)]
pub unsafe fn raw(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> usize {
    let answer;
    // SAFETY: all registers that the kernel may change are declared; memory is the caller's matter.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => answer,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            lateout("rcx") _, lateout("r11") _, lateout("r9") _,
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _, out("xmm6") _,
            out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _, out("xmm12") _,
            out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nostack),
        );
    }
    answer
}

/// As [`raw`], with errors told from values, and repeated when it was interrupted by nothing that concerns the caller: `EINTR` means
/// that a handler has run which did not ask for calls to go on (`SA_RESTART`).
///
/// # Safety
/// As [`raw`].
#[inline(always)]
pub unsafe fn call(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> Result<usize> {
    // SAFETY: as this function demands.
    let answer = unsafe { raw(number, a, b, c, d, e) };
    if answer > usize::MAX - MAX_ERROR {
        if answer == INTERRUPTED {
            // SAFETY: as this function demands.
            return unsafe { repeat(number, a, b, c, d, e) };
        }
        return demux(answer);
    }
    Ok(answer)
}

/// `EINTR` as an answer.
const INTERRUPTED: usize = (EINTR as usize).wrapping_neg();

/// Repeats a call that was answered `EINTR`, as often as that was nobody's business.
///
/// # Safety
/// As [`raw`].
#[cold]
#[inline(never)]
unsafe fn repeat(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> Result<usize> {
    loop {
        if interruption() == Interruption::Final {
            return Err(Error::new(EINTR));
        }
        // SAFETY: as this function demands.
        let answer = unsafe { raw(number, a, b, c, d, e) };
        if answer != INTERRUPTED {
            return demux(answer);
        }
    }
}

/// What has interrupted the call that was just answered `EINTR`.
fn interruption() -> Interruption {
    // SAFETY: the calling thread's own.
    unsafe { (*signal::me()).take_interruption() }
}

/// As [`raw`], with errors told from values and nothing repeated.
///
/// # Safety
/// As [`raw`].
unsafe fn call_once(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize) -> Result<usize> {
    // SAFETY: as this function demands.
    let result = demux(unsafe { raw(number, a, b, c, d, e) });
    if result == Err(Error::new(EINTR)) {
        interruption();
    }
    result
}

/// Tells errors from values.
#[inline(always)]
pub fn demux(answer: usize) -> Result<usize> {
    if answer > usize::MAX - MAX_ERROR { Err(Error::new(answer.wrapping_neg() as i32)) } else { Ok(answer) }
}

/// The opposite of [`demux`], for `redox_*` functions.
#[inline(always)]
pub fn mux(result: Result<usize>) -> usize {
    result.unwrap_or_else(|error| (error.errno as usize).wrapping_neg())
}

/// Reads at the position of the description.
#[inline]
pub fn read(fd: usize, buf: &mut [u8]) -> Result<usize> {
    // SAFETY: the buffer is ours to be written.
    unsafe { read_raw(fd, buf.as_mut_ptr(), buf.len()) }
}

/// As [`read`], with a pointer that the kernel checks.
///
/// # Safety
/// If the memory exists, it is the caller's to be written.
#[inline]
pub unsafe fn read_raw(fd: usize, buf: *mut u8, len: usize) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe { call(SYS_READ, fd, buf as usize, len, 0, 0) }
}

/// As [`read_raw`], but an interruption ends it whatever came: for waits that `SA_RESTART` does not concern.
///
/// # Safety
/// As [`read_raw`].
pub unsafe fn read_once(fd: usize, buf: *mut u8, len: usize) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe { call_once(SYS_READ, fd, buf as usize, len, 0, 0) }
}

/// Writes at the position of the description.
#[inline]
pub fn write(fd: usize, buf: &[u8]) -> Result<usize> {
    write_raw(fd, buf.as_ptr(), buf.len())
}

/// As [`write`], with a pointer that the kernel checks.
#[inline]
pub fn write_raw(fd: usize, buf: *const u8, len: usize) -> Result<usize> {
    // SAFETY: memory is only read, and the kernel checks that it is there.
    unsafe { call(SYS_WRITE, fd, buf as usize, len, 0, 0) }
}

/// `flags` of [`read_at`] and [`write_at`] that keeps what the description has.
const FLAGS_OF_DESCRIPTION: usize = !0;

/// Reads at `offset` and leaves the position alone.
///
/// # Safety
/// As [`read_raw`].
#[inline]
pub unsafe fn read_at(fd: usize, buf: *mut u8, len: usize, offset: u64) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe { call(SYS_READ2, fd, buf as usize, len, offset as usize, FLAGS_OF_DESCRIPTION) }
}

/// Writes at `offset` and leaves the position alone.
#[inline]
pub fn write_at(fd: usize, buf: *const u8, len: usize, offset: u64) -> Result<usize> {
    // SAFETY: memory is only read, and the kernel checks that it is there.
    unsafe { call(SYS_WRITE2, fd, buf as usize, len, offset as usize, FLAGS_OF_DESCRIPTION) }
}

/// Moves the position.
pub fn lseek(fd: usize, offset: i64, whence: usize) -> Result<usize> {
    // SAFETY: no memory is involved.
    unsafe { call(SYS_LSEEK, fd, offset as usize, whence, 0, 0) }
}

/// Opens `path` relative to `dir` into the free slot `out`.
#[inline]
pub fn openat_into(dir: usize, path: &[u8], flags: usize, out: usize) -> Result<usize> {
    let length = path.len() | (flags & O_FCNTL_MASK);
    // SAFETY: memory is only read.
    unsafe { call(SYS_OPENAT_INTO2, dir, path.as_ptr() as usize, length, flags, out) }
}

/// Duplicates `fd`, transformed by `buf`, into the free slot `out`.
pub fn dup_into(fd: usize, buf: &[u8], out: usize) -> Result<usize> {
    // SAFETY: memory is only read.
    unsafe { call(SYS_DUP_INTO, fd, buf.as_ptr() as usize, buf.len(), out, 0) }
}

/// Duplicates `fd`, transformed by `buf`, to `new`, which is closed first if in use.
pub fn dup2(fd: usize, new: usize, buf: &[u8]) -> Result<usize> {
    // SAFETY: memory is only read.
    unsafe { call(SYS_DUP2, fd, new, buf.as_ptr() as usize, buf.len(), 0) }
}

/// Closes a descriptor.
#[inline]
pub fn close(fd: usize) -> Result<usize> {
    // SAFETY: no memory is involved.
    unsafe { call(SYS_CLOSE, fd, 0, 0, 0, 0) }
}

/// `fcntl` of the kernel: `F_GETFL`, `F_SETFL` and such.
pub fn fcntl(fd: usize, command: usize, argument: usize) -> Result<usize> {
    // SAFETY: no memory is involved.
    unsafe { call(SYS_FCNTL, fd, command, argument, 0, 0) }
}

/// What a descriptor leads to.
#[inline]
pub fn fstat(fd: usize) -> Result<Stat> {
    let mut stat = Stat::default();
    // SAFETY: the structure is ours to be written.
    unsafe { call(SYS_FSTAT, fd, (&raw mut stat) as usize, size_of::<Stat>(), 0, 0)? };
    Ok(stat)
}

/// The canonical path of a descriptor.
///
/// # Safety
/// As [`read_raw`].
pub unsafe fn fpath(fd: usize, buf: *mut u8, len: usize) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe { call(SYS_FPATH, fd, buf as usize, len, 0, 0) }
}

/// Writes a file's data to its medium.
pub fn fsync(fd: usize) -> Result<usize> {
    // SAFETY: no memory is involved.
    unsafe { call(SYS_FSYNC, fd, 0, 0, 0, 0) }
}

/// Changes owner and group.
pub fn fchown(fd: usize, uid: u32, gid: u32) -> Result<usize> {
    // SAFETY: no memory is involved.
    unsafe { call(SYS_FCHOWN, fd, uid as usize, gid as usize, 0, 0) }
}

/// Removes a name.
pub fn unlinkat(dir: usize, path: &[u8], flags: usize) -> Result<usize> {
    // SAFETY: memory is only read.
    unsafe { call(SYS_UNLINKAT, dir, path.as_ptr() as usize, path.len(), flags, 0) }
}

/// Gives what `fd` leads to another name in the same scheme.
pub fn frename(fd: usize, path: &[u8]) -> Result<usize> {
    // SAFETY: memory is only read.
    unsafe { call(SYS_FRENAME, fd, path.as_ptr() as usize, path.len(), 0, 0) }
}

/// Gives what `fd` leads to one more name in the same scheme.
pub fn flink(fd: usize, path: &[u8]) -> Result<usize> {
    // SAFETY: memory is only read.
    unsafe { call(SYS_FLINK, fd, path.as_ptr() as usize, path.len(), 0, 0) }
}

/// `SYS_CALL`: a message with a payload and scalar words to what `fd` leads to.
///
/// # Safety
/// With [`CallFlags::READ`], the payload is the caller's to be written.
#[inline]
pub unsafe fn message(fd: usize, payload: *mut u8, len: usize, flags: CallFlags, metadata: &[u64]) -> Result<usize> {
    let words = metadata.len() | flags.bits();
    let (payload, metadata) = (payload as usize, metadata.as_ptr() as usize);
    // What consumes its descriptor has done so when it is interrupted, and cannot be repeated.
    if flags.contains(CallFlags::CONSUME) {
        // SAFETY: as this function demands.
        return unsafe { call_once(SYS_CALL, fd, payload, len, words, metadata) };
    }
    // SAFETY: as this function demands.
    unsafe { call(SYS_CALL, fd, payload, len, words, metadata) }
}

/// Whether a page can be written, of which nobody cares what stands there.
pub fn is_writable(address: usize) -> bool {
    // SAFETY: the caller does not need the 16 bytes, and the kernel checks that they are there.
    unsafe { raw(SYS_CLOCK_GETTIME, CLOCK_MONOTONIC, address, 0, 0, 0) == 0 }
}

/// A message that only carries words.
#[inline]
pub fn verb(fd: usize, metadata: &[u64]) -> Result<usize> {
    // SAFETY: there is no payload.
    unsafe { message(fd, core::ptr::null_mut(), 0, CallFlags::empty(), metadata) }
}

/// A message whose payload is this value.
pub fn verb_write<T: Copy>(fd: usize, value: &T, metadata: &[u64]) -> Result<usize> {
    let payload = (&raw const *value).cast_mut().cast();
    // SAFETY: the payload is only read.
    unsafe { message(fd, payload, size_of::<T>(), CallFlags::WRITE, metadata) }
}

/// A message that is answered with a value.
///
/// # Safety
/// Any bytes are a valid `T`.
pub unsafe fn verb_read<T: Copy + Default>(fd: usize, metadata: &[u64]) -> Result<T> {
    let mut value = T::default();
    // SAFETY: the value is ours to be written; the caller vouches for its validity.
    unsafe { message(fd, (&raw mut value).cast(), size_of::<T>(), CallFlags::READ, metadata)? };
    Ok(value)
}

/// A standard file system call.
///
/// # Safety
/// The payload is the caller's to be written.
pub unsafe fn std_fs(fd: usize, kind: StdFsCallKind, payload: *mut u8, len: usize, args: [u64; 2]) -> Result<usize> {
    let meta = StdFsCallMeta::new(kind, args[0], args[1]);
    let flags = CallFlags::STD_FS | CallFlags::READ | CallFlags::WRITE;
    // SAFETY: as this function demands.
    unsafe { message(fd, payload, len, flags, &[meta.kind.into(), meta.arg1, meta.arg2]) }
}

/// A standard file system call on two descriptors.
pub fn std_fs_pair(fds: [usize; 2], kind: StdFsCallKind, payload: &mut [u8], argument: u64) -> Result<usize> {
    let flags = CallFlags::STD_FS | CallFlags::READ | CallFlags::WRITE | CallFlags::MULTIPLE_FDS2;
    let list = fds.as_ptr() as usize | fds.len();
    // SAFETY: list and payload live through the call; the payload is ours to be written.
    unsafe { message(list, payload.as_mut_ptr(), payload.len(), flags, &[kind as u64, argument, 0]) }
}

/// Maps a descriptor, or fresh pages (`ochre_abi::proc::ANONYMOUS`).
///
/// # Safety
/// With `MAP_FIXED`, what was at the address is not used any more.
pub unsafe fn fmap(fd: usize, map: &Map) -> Result<usize> {
    // SAFETY: the structure is only read; the address space is the caller's matter.
    unsafe { call(SYS_FMAP, fd, (&raw const *map) as usize, size_of::<Map>(), 0, 0) }
}

/// Maps fresh readable and writable pages.
pub fn map_anonymous(size: usize) -> Result<usize> {
    let flags = MapFlags::PROT_READ | MapFlags::PROT_WRITE | MapFlags::MAP_PRIVATE;
    // SAFETY: the kernel chooses an unused address.
    unsafe { fmap(ochre_abi::proc::ANONYMOUS, &Map { offset: 0, size, flags, address: 0 }) }
}

/// Unmaps pages.
///
/// # Safety
/// Nothing uses them any more.
pub unsafe fn funmap(address: usize, size: usize) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe { call(SYS_FUNMAP, address, size, 0, 0, 0) }
}

/// Changes the protection of pages.
///
/// # Safety
/// Nothing uses them in a way that becomes forbidden.
pub unsafe fn mprotect(address: usize, size: usize, flags: MapFlags) -> Result<usize> {
    // SAFETY: as this function demands.
    unsafe { call(SYS_MPROTECT, address, size, flags.bits(), 0, 0) }
}

/// Sleeps while `word` holds `value`; until the moment on the monotonic clock, if one is given (`ETIMEDOUT`).
#[inline]
pub fn futex_wait(word: &AtomicI32, value: i32, until: Option<&TimeSpec>) -> Result<usize> {
    let until = until.map_or(0, |until| (&raw const *until) as usize);
    // SAFETY: word and time live through the call.
    unsafe { call(SYS_FUTEX, word.as_ptr() as usize, FUTEX_WAIT, value as isize as usize, until, 0) }
}

/// Wakes up to `count` threads that sleep on `word`.
#[inline]
pub fn futex_wake(word: &AtomicI32, count: usize) {
    // SAFETY: the kernel only uses the address as a name. It cannot fail for an address that exists.
    let _ = unsafe { call(SYS_FUTEX, word.as_ptr() as usize, FUTEX_WAKE, count, 0, 0) };
}

/// The kernel's clock.
pub fn clock_gettime(clock: usize) -> Result<TimeSpec> {
    let mut time = TimeSpec::default();
    // SAFETY: the structure is ours to be written.
    unsafe { call(SYS_CLOCK_GETTIME, clock, (&raw mut time) as usize, 0, 0, 0)? };
    Ok(time)
}

/// Sleeps; on `EINTR`, which means that some handler has run, answers what was left.
pub fn nanosleep(request: &TimeSpec, remaining: &mut TimeSpec) -> Result<usize> {
    let mut request = *request;
    loop {
        // SAFETY: both live through the call.
        let answer =
            unsafe { raw(SYS_NANOSLEEP, (&raw const request) as usize, (&raw mut *remaining) as usize, 0, 0, 0) };
        if answer != INTERRUPTED || interruption() != Interruption::None {
            return demux(answer);
        }
        request = *remaining;
    }
}

/// As [`nanosleep`], but any interruption ends it.
pub fn nanosleep_once(request: &TimeSpec, remaining: &mut TimeSpec) -> Result<usize> {
    // SAFETY: both live through the call.
    unsafe { call_once(SYS_NANOSLEEP, (&raw const *request) as usize, (&raw mut *remaining) as usize, 0, 0, 0) }
}

/// Lets others run.
pub fn sched_yield() {
    // SAFETY: no memory is involved. It cannot fail.
    let _ = unsafe { call(SYS_YIELD, 0, 0, 0, 0, 0) };
}
