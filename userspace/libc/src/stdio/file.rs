//! `FILE`: a [`Stream`] with its device and its lock, and the list of all of them.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicU32, Ordering};

use libc::{EBADF, c_int, pid_t};

use super::memory::{Fixed, Growing};
use super::stream::{Buffering, Device, Stream, Whence};
use crate::errno;
use crate::rt::lock::{Lock, RawLock};
use crate::rt::tcb::current;
use crate::rt::{alloc, limits, sys};

/// Bytes of a stream's own buffer.
pub const BUFFER: usize = 4096;

/// What a stream reads from and writes to.
pub enum Target {
    /// A descriptor.
    Descriptor(c_int),
    /// Memory of the program's (`fmemopen`).
    Fixed(Fixed),
    /// Memory that grows (`open_memstream`).
    Growing(Growing),
}

/// A descriptor, for a stream that may begin each write at the end.
impl Device for Target {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, i32> {
        match self {
            Target::Descriptor(fd) => {
                let fd = usize::try_from(*fd).map_err(|_| EBADF)?;
                sys::read(fd, buffer).map_err(|error| error.errno)
            }
            Target::Fixed(fixed) => fixed.read(buffer),
            Target::Growing(_) => Err(EBADF),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, i32> {
        match self {
            Target::Descriptor(fd) => {
                let fd = usize::try_from(*fd).map_err(|_| EBADF)?;
                let len = limits::writable(fd, bytes.len(), None);
                len.and_then(|len| sys::write(fd, &bytes[..len])).map_err(|error| error.errno)
            }
            Target::Fixed(fixed) => fixed.write(bytes),
            Target::Growing(growing) => growing.write(bytes),
        }
    }

    fn seek(&mut self, offset: i64, whence: Whence) -> Result<u64, i32> {
        match self {
            Target::Descriptor(fd) => {
                let fd = usize::try_from(*fd).map_err(|_| EBADF)?;
                let answer = sys::lseek(fd, offset, whence as usize).map_err(|error| error.errno)?;
                Ok(answer as u64)
            }
            Target::Fixed(fixed) => fixed.seek(offset, whence),
            Target::Growing(growing) => growing.seek(offset, whence),
        }
    }
}

/// What the lock of a `FILE` guards.
pub struct Inner {
    /// The buffer.
    pub stream: Stream<'static>,
    /// What it is a buffer for.
    pub target: Target,
    /// The child of `popen`; 0 for other streams.
    pub child: pid_t,
    /// -1: bytes, 1: wide characters, 0: not decided (`fwide`).
    pub orientation: c_int,
}

/// A `FILE`.
pub struct File {
    lock: RawLock,
    /// Number of the thread that has the lock; 0 for none.
    owner: AtomicU32,
    inner: UnsafeCell<Inner>,
    /// How often too often its owner has the lock. Guarded by it.
    depth: UnsafeCell<u32>,
    /// Neighbours in the list of all; guarded by its lock.
    links: UnsafeCell<[*mut File; 2]>,
}

// SAFETY: what is in cells is only reached with the lock that guards it.
unsafe impl Sync for File {}

impl File {
    /// A stream over a target. It is on no list.
    pub const fn new(stream: Stream<'static>, target: Target) -> Self {
        File {
            lock: RawLock::new(),
            owner: AtomicU32::new(0),
            inner: UnsafeCell::new(Inner { stream, target, child: 0, orientation: 0 }),
            depth: UnsafeCell::new(0),
            links: UnsafeCell::new([null_mut(); 2]),
        }
    }

    /// Takes the lock: `flockfile`. Its owner may have it several times.
    pub fn acquire(&self) {
        if !self.again() {
            self.lock.lock();
            self.owner.store(me(), Ordering::Relaxed);
        }
    }

    /// Takes the lock if nobody else has it.
    pub fn try_acquire(&self) -> bool {
        if self.again() {
            return true;
        }
        let free = self.lock.try_lock();
        if free {
            self.owner.store(me(), Ordering::Relaxed);
        }
        free
    }

    fn again(&self) -> bool {
        let mine = self.owner.load(Ordering::Relaxed) == me();
        if mine {
            // SAFETY: this thread has the lock.
            unsafe { *self.depth.get() += 1 };
        }
        mine
    }

    /// Gives the lock back.
    pub fn release(&self) {
        // SAFETY: this thread has the lock.
        unsafe {
            let depth = self.depth.get();
            if *depth > 0 {
                *depth -= 1;
                return;
            }
        }
        self.owner.store(0, Ordering::Relaxed);
        self.lock.unlock();
    }

    /// Does something with the lock held.
    #[inline]
    pub fn with<T>(&self, action: impl FnOnce(&mut Inner) -> T) -> T {
        self.acquire();
        // SAFETY: this thread has the lock, and no action calls back into the same stream.
        let answer = action(unsafe { &mut *self.inner.get() });
        self.release();
        answer
    }

    /// What is inside, for those who have the lock.
    ///
    /// # Safety
    /// The calling thread has the lock, and uses the answer at one place at a time.
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "the lock makes it exclusive, as for every cell behind one")]
    pub unsafe fn unlocked(&self) -> &mut Inner {
        // SAFETY: as this function demands.
        unsafe { &mut *self.inner.get() }
    }
}

/// Number of the calling thread.
fn me() -> u32 {
    // SAFETY: every thread has a control block.
    unsafe { (*current()).number }
}

/// The stream behind C's pointer.
///
/// # Safety
/// The pointer leads to an open stream, as C demands of every caller.
#[inline]
pub unsafe fn file<'a>(it: *mut libc::FILE) -> &'a File {
    // SAFETY: as this function demands.
    unsafe { &*it.cast::<File>() }
}

/// Answers a value, or -1 with `errno`.
pub fn answer(result: Result<(), i32>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(error) => errno::fail(error),
    }
}

/// The list of all streams that `fopen` and its like made.
struct List(*mut File);

// SAFETY: the pointers are only followed with the lock held.
unsafe impl Send for List {}

static LIST: Lock<List> = Lock::new(List(null_mut()));

/// Makes a stream with a buffer of its own, and puts it on the list. Null when memory is short.
pub fn create(target: Target, buffering: Buffering, readable: bool, writable: bool) -> *mut libc::FILE {
    let block = alloc::allocate(size_of::<File>() + BUFFER);
    if block.is_null() {
        errno::set(libc::ENOMEM);
        return null_mut();
    }
    let it = block.cast::<File>();
    // SAFETY: the block is new and large enough; its second part becomes the buffer.
    unsafe {
        let buffer = core::slice::from_raw_parts_mut(block.add(size_of::<File>()), BUFFER);
        buffer.fill(0);
        it.write(File::new(Stream::new(buffer, buffering, readable, writable), target));
        let mut list = LIST.lock();
        *(*it).links.get() = [null_mut(), list.0];
        if !list.0.is_null() {
            (*(*list.0).links.get())[0] = it;
        }
        list.0 = it;
    }
    it.cast()
}

/// Takes a stream off the list and gives its memory back. The three standard ones stay.
///
/// # Safety
/// Nobody uses it any more.
pub unsafe fn destroy(it: *mut libc::FILE) {
    let it = it.cast::<File>();
    if standard().contains(&it.cast_const()) {
        return;
    }
    // SAFETY: as this function demands; neighbours on the list are alive.
    unsafe {
        let mut list = LIST.lock();
        let [before, behind] = *(*it).links.get();
        if before.is_null() {
            list.0 = behind;
        } else {
            (*(*before).links.get())[1] = behind;
        }
        if !behind.is_null() {
            (*(*behind).links.get())[0] = before;
        }
        drop(list);
        alloc::release(it.cast());
    }
}

/// Flushes one stream.
pub fn flush(inner: &mut Inner) -> Result<(), i32> {
    let result = inner.stream.flush(&mut inner.target);
    if let Target::Growing(growing) = &mut inner.target {
        growing.publish();
    }
    result
}

/// Flushes all streams that were written to: `fflush(NULL)`, and the end of the process. Streams that another thread holds
/// at the end are left alone (`wait` is false then): it may be reading for ever.
pub fn flush_all(wait: bool) -> Result<(), i32> {
    let mut result = Ok(());
    let mut one = |file: &File| {
        if wait {
            file.acquire();
        } else if !file.try_acquire() {
            return;
        }
        // SAFETY: this thread has the lock.
        let inner = unsafe { file.unlocked() };
        if inner.stream.is_writing() {
            result = result.and(flush(inner));
        }
        file.release();
    };
    // SAFETY: the standard streams are static; those on the list are alive while its lock is held.
    unsafe {
        standard().iter().for_each(|&it| one(&*it));
        let list = LIST.lock();
        let mut at = list.0;
        while !at.is_null() {
            one(&*at);
            at = (*(*at).links.get())[1];
        }
    }
    result
}

/// A buffer for a stream that is there from the start.
struct Room(UnsafeCell<[u8; BUFFER]>);

// SAFETY: only the stream that it belongs to uses it, with its lock.
unsafe impl Sync for Room {}

static ROOMS: [Room; 3] = [const { Room(UnsafeCell::new([0; BUFFER])) }; 3];

const fn standard_file(fd: c_int, buffering: Buffering) -> File {
    // SAFETY: each of the three takes its own room, once.
    let buffer = unsafe { &mut *ROOMS[fd as usize].0.get() };
    File::new(Stream::new(buffer, buffering, fd == 0, fd != 0), Target::Descriptor(fd))
}

/// Standard output is line-buffered whatever it leads to: nobody waits for a line because it goes through a pipe.
static INPUT: File = standard_file(0, Buffering::Full);
static OUTPUT: File = standard_file(1, Buffering::Line);
static ERROR: File = standard_file(2, Buffering::None);

fn standard() -> [*const File; 3] {
    [&raw const INPUT, &raw const OUTPUT, &raw const ERROR]
}

/// A pointer that C programs may look at.
#[repr(transparent)]
pub struct Pointer(*const File);

// SAFETY: what it leads to may be used from every thread.
unsafe impl Sync for Pointer {}

/// `stdin`
#[unsafe(no_mangle)]
pub static stdin: Pointer = Pointer(&raw const INPUT);
/// `stdout`
#[unsafe(no_mangle)]
pub static stdout: Pointer = Pointer(&raw const OUTPUT);
/// `stderr`
#[unsafe(no_mangle)]
pub static stderr: Pointer = Pointer(&raw const ERROR);

/// Standard input.
pub fn input() -> &'static File {
    &INPUT
}

/// Standard output.
pub fn output() -> &'static File {
    &OUTPUT
}

/// Standard error.
pub fn error() -> &'static File {
    &ERROR
}

/// A block of memory as C gives it.
///
/// # Safety
/// It has `len` bytes, or `len` is 0.
pub unsafe fn block<'a>(at: *const c_void, len: usize) -> &'a [u8] {
    // SAFETY: as this function demands.
    if len == 0 { &[] } else { unsafe { core::slice::from_raw_parts(at.cast(), len) } }
}

/// The same, to be written to.
///
/// # Safety
/// As [`block`], and nobody else uses it.
pub unsafe fn block_mut<'a>(at: *mut c_void, len: usize) -> &'a mut [u8] {
    // SAFETY: as this function demands.
    if len == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(at.cast(), len) } }
}
