//! `stdlib.h`: the heap, the environment, and the end of the process.

use core::ffi::c_void;
use core::ptr::{null, null_mut};

use libc::{EINVAL, ENOMEM, c_char, c_int, size_t};
use syscall::error::Result;
use syscall::flag::O_STAT;

use crate::errno;
use crate::fcntl::canonical;
use crate::rt::files::{self, Place};
use crate::rt::lock::{Lock, RawLock};
use crate::rt::path::{Canonical, PATH_MAX};
use crate::rt::{alloc, heap, resolve, thread};
use crate::string::{bytes, strlen};

/// Answers the block, with `ENOMEM` in `errno` when there is none.
#[inline]
fn checked(block: *mut u8) -> *mut c_void {
    if block.is_null() {
        errno::set(ENOMEM);
    }
    block.cast()
}

/// `malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: size_t) -> *mut c_void {
    checked(alloc::allocate(size))
}

/// `calloc`.
#[unsafe(no_mangle)]
pub extern "C" fn calloc(count: size_t, size: size_t) -> *mut c_void {
    checked(count.checked_mul(size).map_or(null_mut(), alloc::allocate_zeroed))
}

/// `realloc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(block: *mut c_void, size: size_t) -> *mut c_void {
    // SAFETY: C demands a block of ours.
    checked(unsafe { alloc::reallocate(block.cast(), size) })
}

/// `reallocarray`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reallocarray(block: *mut c_void, count: size_t, size: size_t) -> *mut c_void {
    match count.checked_mul(size) {
        // SAFETY: C demands a block of ours.
        Some(size) => unsafe { realloc(block, size) },
        None => checked(null_mut()),
    }
}

/// `free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: C demands a block of ours.
    unsafe { alloc::release(block.cast()) };
}

/// `posix_memalign`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(answer: *mut *mut c_void, align: size_t, size: size_t) -> c_int {
    if !align.is_power_of_two() || align < size_of::<*mut c_void>() {
        return EINVAL;
    }
    let block = alloc::allocate_aligned(align, size);
    if block.is_null() {
        return ENOMEM;
    }
    // SAFETY: POSIX demands a place for the answer.
    unsafe { *answer = block.cast() };
    0
}

/// `aligned_alloc`.
#[unsafe(no_mangle)]
pub extern "C" fn aligned_alloc(align: size_t, size: size_t) -> *mut c_void {
    if !align.is_power_of_two() {
        errno::set(EINVAL);
        return null_mut();
    }
    checked(alloc::allocate_aligned(align, size))
}

/// `memalign`.
#[unsafe(no_mangle)]
pub extern "C" fn memalign(align: size_t, size: size_t) -> *mut c_void {
    aligned_alloc(align, size)
}

/// `malloc_usable_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> size_t {
    // SAFETY: C demands a block of ours.
    if block.is_null() { 0 } else { unsafe { heap::usable(block.cast()) } }
}

/// The environment: a list of `NAME=value` that ends with a null pointer. Programs may replace it.
#[unsafe(no_mangle)]
pub static mut environ: *mut *mut c_char = null_mut();

/// The list that libc allocated itself, with room for so many pointers.
struct Environment {
    list: *mut *mut c_char,
    room: usize,
}

// SAFETY: only reached with the lock held.
unsafe impl Send for Environment {}

static ENVIRONMENT: Lock<Environment> = Lock::new(Environment { list: null_mut(), room: 0 });

impl Environment {
    /// Index of a name in the current list, and the length of the list.
    unsafe fn find(&self, name: &[u8]) -> (Option<usize>, usize) {
        let mut found = None;
        let mut count = 0;
        // SAFETY: the list is well formed; that is the program's promise.
        unsafe {
            while !environ.is_null() && !(*environ.add(count)).is_null() {
                let entry =
                    core::slice::from_raw_parts((*environ.add(count)).cast::<u8>(), strlen(*environ.add(count)));
                if found.is_none() && entry.starts_with(name) && entry.get(name.len()) == Some(&b'=') {
                    found = Some(count);
                }
                count += 1;
            }
        }
        (found, count)
    }

    /// Puts an entry into the list. What it replaces is not freed: somebody may still hold what `getenv` answered.
    unsafe fn put(&mut self, name: &[u8], entry: *mut c_char) -> Result<()> {
        // SAFETY: the list has `count` entries; the new one has more room.
        unsafe {
            let (found, count) = self.find(name);
            if let Some(index) = found {
                *environ.add(index) = entry;
                return Ok(());
            }
            if self.list != environ || count + 2 > self.room {
                let room = (count + 2).max(16) * 2;
                let list = alloc::allocate(room * size_of::<*mut c_char>()).cast::<*mut c_char>();
                if list.is_null() {
                    return Err(errno::error(ENOMEM));
                }
                if count > 0 {
                    core::ptr::copy_nonoverlapping(environ, list, count);
                }
                if self.list == environ {
                    alloc::release(self.list.cast());
                }
                (self.list, self.room) = (list, room);
                environ = list;
            }
            *environ.add(count) = entry;
            *environ.add(count + 1) = null_mut();
        }
        Ok(())
    }
}

/// A name that the environment can hold.
unsafe fn variable<'a>(name: *const c_char) -> Result<&'a [u8]> {
    // SAFETY: POSIX demands a C string.
    let name = unsafe { bytes(name) }.map_err(|_| errno::error(EINVAL))?;
    if name.is_empty() || name.contains(&b'=') { Err(errno::error(EINVAL)) } else { Ok(name) }
}

/// `getenv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getenv(name: *const c_char) -> *mut c_char {
    // SAFETY: the lock is held; the value begins behind name and `=`.
    unsafe {
        let Ok(name) = variable(name) else { return null_mut() };
        let (found, _) = ENVIRONMENT.lock().find(name);
        found.map_or(null_mut(), |index| (*environ.add(index)).add(name.len() + 1))
    }
}

/// `setenv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setenv(name: *const c_char, value: *const c_char, overwrite: c_int) -> c_int {
    // SAFETY: both are C strings; the new block has room for name, `=`, value and NUL.
    errno::zero(unsafe {
        variable(name).and_then(|name| {
            let value = bytes(value).map_err(|_| errno::error(EINVAL))?;
            let mut environment = ENVIRONMENT.lock();
            if overwrite == 0 && environment.find(name).0.is_some() {
                return Ok(());
            }
            let entry = alloc::allocate(name.len() + value.len() + 2);
            if entry.is_null() {
                return Err(errno::error(ENOMEM));
            }
            core::ptr::copy_nonoverlapping(name.as_ptr(), entry, name.len());
            *entry.add(name.len()) = b'=';
            core::ptr::copy_nonoverlapping(value.as_ptr(), entry.add(name.len() + 1), value.len());
            *entry.add(name.len() + 1 + value.len()) = 0;
            environment.put(name, entry.cast())
        })
    })
}

/// `putenv`: the string itself becomes part of the environment.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn putenv(entry: *mut c_char) -> c_int {
    // SAFETY: POSIX demands a C string that lives on.
    errno::zero(unsafe {
        bytes(entry).and_then(|text| match text.iter().position(|&byte| byte == b'=') {
            Some(end) if end > 0 => ENVIRONMENT.lock().put(&text[..end], entry),
            _ => Err(errno::error(EINVAL)),
        })
    })
}

/// `unsetenv`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn unsetenv(name: *const c_char) -> c_int {
    // SAFETY: the lock is held; the entries behind move down, with the null at the end.
    errno::zero(unsafe {
        variable(name).map(|name| {
            let environment = ENVIRONMENT.lock();
            while let (Some(index), count) = environment.find(name) {
                core::ptr::copy(environ.add(index + 1), environ.add(index), count - index);
            }
        })
    })
}

/// The locks of this module, for `fork`.
pub fn locks() -> [&'static RawLock; 2] {
    [AT_EXIT.raw(), ENVIRONMENT.raw()]
}

/// What a process does at its end.
#[derive(Clone, Copy)]
enum Handler {
    Plain(extern "C" fn()),
    With(unsafe extern "C" fn(*mut c_void), *mut c_void),
}

/// Handlers that can be registered (POSIX asks for 32).
const HANDLERS: usize = 64;

struct Handlers {
    list: [Option<Handler>; HANDLERS],
    count: usize,
}

// SAFETY: the argument of a handler is only passed back to it.
unsafe impl Send for Handlers {}

static AT_EXIT: Lock<Handlers> = Lock::new(Handlers { list: [None; HANDLERS], count: 0 });

fn register(handler: Handler) -> c_int {
    let mut handlers = AT_EXIT.lock();
    let count = handlers.count;
    let Some(slot) = handlers.list.get_mut(count) else {
        return -1;
    };
    *slot = Some(handler);
    handlers.count += 1;
    0
}

/// `atexit`.
#[unsafe(no_mangle)]
pub extern "C" fn atexit(handler: extern "C" fn()) -> c_int {
    register(Handler::Plain(handler))
}

/// `__cxa_atexit` (Itanium C++ ABI, section 3.3.5.3). There are no shared objects to unload, so `dso` does not matter.
#[unsafe(no_mangle)]
pub extern "C" fn __cxa_atexit(
    handler: unsafe extern "C" fn(*mut c_void),
    argument: *mut c_void,
    _dso: *mut c_void,
) -> c_int {
    register(Handler::With(handler, argument))
}

/// `exit`: the handlers, newest first, then the end of all threads.
#[unsafe(no_mangle)]
pub extern "C" fn exit(status: c_int) -> ! {
    loop {
        let handler = {
            let mut handlers = AT_EXIT.lock();
            handlers.count = handlers.count.saturating_sub(1);
            let count = handlers.count;
            handlers.list[count].take()
        };
        match handler {
            Some(Handler::Plain(handler)) => handler(),
            // SAFETY: whoever registered it promised that.
            Some(Handler::With(handler, argument)) => unsafe { handler(argument) },
            None => {
                // Nobody is left to be told of bytes that cannot be written.
                let _ = crate::stdio::flush_all(false);
                thread::exit_process(status)
            }
        }
    }
}

/// `_exit`.
#[unsafe(no_mangle)]
pub extern "C" fn _exit(status: c_int) -> ! {
    thread::exit_process(status)
}

/// `_Exit`.
#[unsafe(no_mangle)]
pub extern "C" fn _Exit(status: c_int) -> ! {
    _exit(status)
}

/// `abort`: a handler for `SIGABRT` may run, and may not return.
#[unsafe(no_mangle)]
pub extern "C" fn abort() -> ! {
    use crate::rt::signal::{action::Action, mask, send, set, set_action};
    for _ in 0..2 {
        mask::change(set::How::Unblock, set::bit(set::SIGABRT));
        // What cannot be sent is the end all the same.
        let _ = send::to_myself(set::SIGABRT, 0, send::BY_USER);
        set_action(set::SIGABRT, Action::INITIAL);
    }
    thread::end_by_signal(libc::SIGABRT)
}

/// `realpath`: opens the path and asks its scheme for the name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realpath(path: *const c_char, resolved: *mut c_char) -> *mut c_char {
    // SAFETY: POSIX demands a C string.
    let found = unsafe { canonical(path) }.and_then(|path| real(&path));
    match found {
        // SAFETY: POSIX demands `PATH_MAX` bytes, or null.
        Ok(path) => unsafe {
            let text = path.as_bytes();
            let answer = if resolved.is_null() { malloc(text.len() + 1).cast() } else { resolved };
            if !answer.is_null() {
                core::ptr::copy_nonoverlapping(text.as_ptr(), answer.cast(), text.len());
                *answer.add(text.len()) = 0;
            }
            answer
        },
        Err(error) => {
            errno::set(error.errno);
            null::<c_char>().cast_mut()
        }
    }
}

fn real(path: &Canonical) -> Result<Canonical> {
    let copy = Canonical::new(b"/", path.as_bytes())?;
    let fd = resolve::open(copy, O_STAT, Place::Libc)?;
    let mut buf = [0; PATH_MAX];
    let name = resolve::path_of(fd, &mut buf).and_then(|name| Canonical::new(b"/", name));
    let _ = files::close(fd);
    name
}

/// `getprogname`'s ground: C++ and C objects name their own object with this.
#[unsafe(no_mangle)]
pub static __dso_handle: usize = 0;
