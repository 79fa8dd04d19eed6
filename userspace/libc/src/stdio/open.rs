//! Opening and closing streams, and their buffers.

use core::ptr::null_mut;

use libc::{
    EBADF, EINVAL, FILE, O_APPEND, O_CLOEXEC, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, c_char, c_int,
    size_t,
};

use super::file::{self, Inner, Target, answer, flush};
use super::stream::{Buffering, Stream};
use crate::errno;
use crate::fcntl::canonical;
use crate::rt::files;
use crate::rt::path::{Canonical, PATH_MAX};
use crate::string::bytes;

/// Creation mode of `fopen`, before the mask.
const MODE: usize = 0o666;

/// What the letters of `fopen` say.
#[derive(Clone, Copy)]
pub struct Mode {
    /// For reading.
    pub readable: bool,
    /// For writing.
    pub writable: bool,
    /// Each write goes to the end.
    pub append: bool,
    /// What was there is thrown away.
    pub truncate: bool,
    flags: c_int,
}

impl Mode {
    /// Understands the letters; `None` when they make no mode.
    ///
    /// # Safety
    /// `text` is a C string.
    pub unsafe fn parse(text: *const c_char) -> Option<Self> {
        // SAFETY: as this function demands.
        let text = unsafe { bytes(text) }.ok()?;
        let (&kind, rest) = text.split_first()?;
        let update = rest.contains(&b'+');
        let mut flags = match kind {
            b'r' => 0,
            b'w' => O_CREAT | O_TRUNC,
            b'a' => O_CREAT | O_APPEND,
            _ => return None,
        };
        flags |= if update {
            O_RDWR
        } else if kind == b'r' {
            O_RDONLY
        } else {
            O_WRONLY
        };
        for letter in rest {
            match letter {
                b'e' => flags |= O_CLOEXEC,
                b'x' => flags |= O_EXCL,
                // Text and binary are the same, and so are the letters that other systems have.
                _ => {}
            }
        }
        Some(Mode {
            readable: update || kind == b'r',
            writable: update || kind != b'r',
            append: kind == b'a',
            truncate: kind == b'w',
            flags,
        })
    }

    fn stream(self, fd: c_int) -> *mut FILE {
        file::create(Target::Descriptor(fd), Buffering::Full, self.readable, self.writable)
    }
}

/// Opens a path with a mode; the descriptor, or -1 and `errno`.
unsafe fn open(path: *const c_char, mode: &Mode) -> c_int {
    // SAFETY: POSIX demands a C string.
    errno::int(unsafe { canonical(path) }.and_then(|path| crate::fcntl::open_path(path, mode.flags, MODE)))
}

/// `fopen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fopen(path: *const c_char, mode: *const c_char) -> *mut FILE {
    // SAFETY: POSIX demands C strings.
    unsafe {
        let Some(mode) = Mode::parse(mode) else {
            errno::set(EINVAL);
            return null_mut();
        };
        let fd = open(path, &mode);
        if fd < 0 {
            return null_mut();
        }
        let stream = mode.stream(fd);
        if stream.is_null() {
            crate::unistd::close(fd);
        }
        stream
    }
}

/// `fdopen`. The descriptor becomes the stream's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdopen(fd: c_int, mode: *const c_char) -> *mut FILE {
    // SAFETY: POSIX demands a C string.
    let Some(mode) = (unsafe { Mode::parse(mode) }) else {
        errno::set(EINVAL);
        return null_mut();
    };
    let known = crate::fcntl::descriptor(fd).and_then(files::cloexec);
    if known.is_err() {
        errno::set(EBADF);
        return null_mut();
    }
    if mode.flags & O_CLOEXEC != 0 {
        // It was there a moment ago.
        let _ = files::set_cloexec(fd as usize, true);
    }
    if mode.append {
        let flags = crate::fcntl::fcntl(fd, libc::F_GETFL, 0);
        if flags >= 0 && flags & O_APPEND == 0 {
            crate::fcntl::fcntl(fd, libc::F_SETFL, (flags | O_APPEND) as usize);
        }
    }
    mode.stream(fd)
}

/// Flushes, and closes what is below. The stream itself stays.
fn close(inner: &mut Inner) -> Result<(), i32> {
    let flushed = flush(inner);
    inner.stream.purge();
    let closed = match &mut inner.target {
        Target::Descriptor(fd) => {
            let closed = crate::fcntl::descriptor(*fd).and_then(files::close).map(|_| ()).map_err(|error| error.errno);
            *fd = -1;
            closed
        }
        Target::Fixed(fixed) => {
            fixed.close();
            Ok(())
        }
        Target::Growing(_) => Ok(()),
    };
    flushed.and(closed)
}

/// `fclose`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fclose(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream that nobody uses any more.
    unsafe {
        let result = file::file(it).with(close);
        file::destroy(it);
        answer(result)
    }
}

/// `freopen`: the stream keeps its descriptor's number. Without a path, what it has is opened again with the new mode.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn freopen(path: *const c_char, mode: *const c_char, it: *mut FILE) -> *mut FILE {
    // SAFETY: C demands an open stream, a C string for the mode, and null or one for the path.
    unsafe {
        let Some(mode) = Mode::parse(mode) else {
            errno::set(EINVAL);
            return null_mut();
        };
        let opened = file::file(it).with(|inner| reopen(inner, path, &mode));
        match opened {
            Ok(()) => it,
            Err(error) => {
                file::destroy(it);
                errno::set(error);
                null_mut()
            }
        }
    }
}

unsafe fn reopen(inner: &mut Inner, path: *const c_char, mode: &Mode) -> Result<(), i32> {
    // Only `fclose` tells of failures of this.
    let _ = flush(inner);
    inner.stream.purge();
    let before = match inner.target {
        Target::Descriptor(fd) => fd,
        _ => -1,
    };
    // SAFETY: as `freopen` demands.
    let new = unsafe { if path.is_null() { again(before, mode) } else { open(path, mode) } };
    if new < 0 {
        // SAFETY: this thread's own word.
        let error = unsafe { *errno::__errno() };
        let _ = close(inner);
        return Err(error);
    }
    let mut fd = new;
    if before >= 0 && crate::unistd::dup2(new, before) >= 0 {
        // It is there: it was just made.
        let _ = files::set_cloexec(before as usize, mode.flags & O_CLOEXEC != 0);
        crate::unistd::close(new);
        fd = before;
    }
    inner.target = Target::Descriptor(fd);
    inner.orientation = 0;
    let old = inner.stream.replace_buffer(&mut []);
    let buffering = inner.stream.buffering;
    inner.stream = Stream::new(old, buffering, mode.readable, mode.writable);
    Ok(())
}

/// Opens what a descriptor leads to once more.
fn again(fd: c_int, mode: &Mode) -> c_int {
    let mut buf = [0; PATH_MAX];
    errno::int(
        crate::fcntl::descriptor(fd)
            .and_then(|fd| Canonical::new(b"/", crate::rt::resolve::path_of(fd, &mut buf)?))
            .and_then(|path| crate::fcntl::open_path(path, mode.flags & !O_TRUNC, MODE)),
    )
}

/// `setvbuf`. A buffer of the program's is used; without one, the size says nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setvbuf(it: *mut FILE, buf: *mut c_char, mode: c_int, size: size_t) -> c_int {
    let buffering = match mode {
        libc::_IOFBF => Buffering::Full,
        libc::_IOLBF => Buffering::Line,
        libc::_IONBF => Buffering::None,
        _ => return errno::fail(EINVAL),
    };
    // SAFETY: C demands an open stream, and null or a buffer that lives as long.
    unsafe {
        file::file(it).with(|inner| {
            inner.stream.buffering = buffering;
            let idle = inner.stream.pending() == 0 && inner.stream.available().is_empty();
            if !buf.is_null() && size > 0 && idle && buffering != Buffering::None {
                inner.stream.replace_buffer(core::slice::from_raw_parts_mut(buf.cast(), size));
            }
        });
    }
    0
}

/// `setbuf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setbuf(it: *mut FILE, buf: *mut c_char) {
    let mode = if buf.is_null() { libc::_IONBF } else { libc::_IOFBF };
    // SAFETY: C demands `BUFSIZ` bytes or null.
    unsafe { setvbuf(it, buf, mode, libc::BUFSIZ as size_t) };
}

/// `setlinebuf`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn setlinebuf(it: *mut FILE) {
    // SAFETY: C demands an open stream.
    unsafe { setvbuf(it, null_mut(), libc::_IOLBF, 0) };
}

/// `fflush`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fflush(it: *mut FILE) -> c_int {
    // SAFETY: C demands null or an open stream.
    answer(unsafe { if it.is_null() { file::flush_all(true) } else { file::file(it).with(flush) } })
}

/// `fileno`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn fileno(it: *mut FILE) -> c_int {
    // SAFETY: C demands an open stream.
    unsafe {
        file::file(it).with(|inner| match inner.target {
            Target::Descriptor(fd) if fd >= 0 => fd,
            _ => errno::fail(EBADF),
        })
    }
}
