//! `dirent.h`: reading directories.

use core::mem::{offset_of, zeroed};
use core::ptr::null_mut;

use libc::{DIR, ENOENT, ENOTDIR, c_char, c_int, c_long, dirent};
use syscall::data::Stat;
use syscall::dirent::DirentHeader;
use syscall::error::Result;
use syscall::flag::{MODE_DIR, MODE_TYPE, StdFsCallKind};

use crate::errno::{self, error};
use crate::fcntl::{canonical, descriptor};
use crate::rt::{files, sys};
use crate::unistd::open_directory;

/// Bytes of entries asked for at a time.
const BUFFER: usize = 4096;

/// An open directory. C knows it as `DIR`.
#[repr(C)]
struct Directory {
    fd: usize,
    /// Entries that were read, and which part of them is still to be answered.
    buffer: [u64; BUFFER / 8],
    from: usize,
    to: usize,
    /// Where the next read goes on.
    position: u64,
    /// What `readdir` answers.
    entry: dirent,
}

/// Reads entries that come after `position` into a buffer.
///
/// # Safety
/// The buffer has `len` bytes.
pub unsafe fn read_entries(fd: usize, buf: *mut u8, len: usize, position: u64) -> Result<usize> {
    let header = size_of::<DirentHeader>() as u64;
    // SAFETY: as this function demands.
    unsafe { sys::std_fs(fd, StdFsCallKind::Getdents, buf, len, [position, header]) }
}

impl Directory {
    fn open(fd: usize) -> *mut DIR {
        let block = crate::stdlib::malloc(size_of::<Directory>()).cast::<Directory>();
        if !block.is_null() {
            // SAFETY: the block is new; zero is a valid value of every field.
            unsafe {
                block.write(zeroed());
                (*block).fd = fd;
            }
        }
        block.cast()
    }

    /// The next entry; `None` at the end.
    fn next(&mut self) -> Result<Option<*mut dirent>> {
        if self.from >= self.to {
            // SAFETY: the buffer is ours.
            let count = unsafe { read_entries(self.fd, self.buffer.as_mut_ptr().cast(), BUFFER, self.position)? };
            (self.from, self.to) = (0, count.min(BUFFER));
            if self.to == 0 {
                return Ok(None);
            }
        }
        // SAFETY: an array of words is an array of bytes.
        let bytes = unsafe { core::slice::from_raw_parts(self.buffer.as_ptr().cast::<u8>(), self.to) };
        let damaged = error(libc::EIO);
        let record = bytes.get(self.from..).filter(|rest| rest.len() >= size_of::<DirentHeader>()).ok_or(damaged)?;
        // SAFETY: the header is there; it is packed, so it has no alignment.
        let header = unsafe { record.as_ptr().cast::<DirentHeader>().read_unaligned() };
        let len = usize::from(header.record_len);
        let name = record.get(size_of::<DirentHeader>()..len).ok_or(damaged)?;
        let name = &name[..name.iter().position(|&byte| byte == 0).ok_or(damaged)?];
        self.entry.d_ino = header.inode;
        self.entry.d_off = header.next_opaque_id as libc::off_t;
        self.entry.d_type = header.kind;
        self.entry.d_reclen = (offset_of!(dirent, d_name) + name.len() + 1).next_multiple_of(8) as u16;
        let count = name.len().min(self.entry.d_name.len() - 1);
        for (to, &from) in self.entry.d_name.iter_mut().zip(&name[..count]) {
            *to = from as c_char;
        }
        self.entry.d_name[count] = 0;
        self.position = header.next_opaque_id;
        self.from += len;
        Ok(Some(&raw mut self.entry))
    }
}

/// `opendir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn opendir(path: *const c_char) -> *mut DIR {
    // SAFETY: POSIX demands a C string.
    match unsafe { canonical(path) }.and_then(open_directory) {
        Ok(fd) => {
            let dir = Directory::open(fd);
            if dir.is_null() {
                let _ = files::close(fd);
            }
            dir
        }
        Err(error) => {
            errno::set(error.errno);
            null_mut()
        }
    }
}

/// `fdopendir`.
#[unsafe(no_mangle)]
pub extern "C" fn fdopendir(fd: c_int) -> *mut DIR {
    let is_directory = |stat: Stat| stat.st_mode & MODE_TYPE == MODE_DIR;
    match descriptor(fd).and_then(|fd| if is_directory(sys::fstat(fd)?) { Ok(fd) } else { Err(error(ENOTDIR)) }) {
        Ok(fd) => Directory::open(fd),
        Err(error) => {
            errno::set(error.errno);
            null_mut()
        }
    }
}

/// `readdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn readdir(dir: *mut DIR) -> *mut dirent {
    // SAFETY: POSIX demands an open directory of ours.
    match unsafe { (*dir.cast::<Directory>()).next() } {
        Ok(entry) => entry.unwrap_or(null_mut()),
        // The directory was removed: it has no entries.
        Err(error) if error.errno == ENOENT => null_mut(),
        Err(error) => {
            errno::set(error.errno);
            null_mut()
        }
    }
}

/// `readdir_r`. Answers the error number itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn readdir_r(dir: *mut DIR, entry: *mut dirent, result: *mut *mut dirent) -> c_int {
    // SAFETY: POSIX demands an open directory of ours, and places for both answers.
    unsafe {
        *result = null_mut();
        match (*dir.cast::<Directory>()).next() {
            Ok(Some(found)) => {
                core::ptr::copy_nonoverlapping(found, entry, 1);
                *result = entry;
                0
            }
            Ok(None) => 0,
            Err(error) if error.errno == ENOENT => 0,
            Err(error) => error.errno,
        }
    }
}

/// How C compares entries, and chooses them.
type Order = unsafe extern "C" fn(*mut *const dirent, *mut *const dirent) -> c_int;
type Choice = unsafe extern "C" fn(*const dirent) -> c_int;

/// `alphasort`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn alphasort(a: *mut *const dirent, b: *mut *const dirent) -> c_int {
    // SAFETY: POSIX demands entries, whose names are C strings.
    unsafe { crate::string::strcmp((**a).d_name.as_ptr(), (**b).d_name.as_ptr()) }
}

/// `scandir`. List and entries are the caller's to be freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scandir(
    path: *const c_char,
    list: *mut *mut *mut dirent,
    choice: Option<Choice>,
    order: Option<Order>,
) -> c_int {
    let (mut found, mut count, mut room) = (null_mut::<*mut dirent>(), 0, 0);
    // SAFETY: POSIX demands a C string, a place for the list, and functions that take entries.
    unsafe {
        let dir = opendir(path);
        if dir.is_null() {
            return -1;
        }
        let mut problem = 0;
        loop {
            let entry = match (*dir.cast::<Directory>()).next() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) => {
                    problem = error.errno;
                    break;
                }
            };
            if choice.is_some_and(|choice| choice(entry) == 0) {
                continue;
            }
            if count == room {
                room = (room * 2).max(16);
                let more = crate::rt::alloc::reallocate(found.cast(), room * size_of::<*mut dirent>());
                if more.is_null() {
                    problem = libc::ENOMEM;
                    break;
                }
                found = more.cast();
            }
            let copy = crate::rt::alloc::allocate(size_of::<dirent>()).cast::<dirent>();
            if copy.is_null() {
                problem = libc::ENOMEM;
                break;
            }
            core::ptr::copy_nonoverlapping(entry, copy, 1);
            found.add(count).write(copy);
            count += 1;
        }
        closedir(dir);
        if problem != 0 {
            (0..count).for_each(|index| crate::stdlib::free((*found.add(index)).cast()));
            crate::stdlib::free(found.cast());
            return errno::fail(problem);
        }
        if let Some(order) = order {
            let elements = crate::text::sort::Elements::new(found.cast(), size_of::<*mut dirent>());
            elements.sort(count, |a, b| order(a as *mut _, b as *mut _).cmp(&0));
        }
        *list = found;
    }
    count as c_int
}

/// `closedir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn closedir(dir: *mut DIR) -> c_int {
    // SAFETY: POSIX demands an open directory of ours.
    unsafe {
        let fd = (*dir.cast::<Directory>()).fd;
        crate::stdlib::free(dir.cast());
        errno::zero(files::close(fd))
    }
}

/// `dirfd`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dirfd(dir: *mut DIR) -> c_int {
    // SAFETY: POSIX demands an open directory of ours.
    unsafe { (*dir.cast::<Directory>()).fd as c_int }
}

/// `telldir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn telldir(dir: *mut DIR) -> c_long {
    // SAFETY: POSIX demands an open directory of ours.
    unsafe { (*dir.cast::<Directory>()).position as c_long }
}

/// `seekdir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn seekdir(dir: *mut DIR, position: c_long) {
    // SAFETY: POSIX demands an open directory of ours.
    let dir = unsafe { &mut *dir.cast::<Directory>() };
    (dir.from, dir.to, dir.position) = (0, 0, position as u64);
}

/// `rewinddir`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rewinddir(dir: *mut DIR) {
    // SAFETY: POSIX demands an open directory of ours.
    unsafe { seekdir(dir, 0) };
}
