//! `shm_open` and `shm_unlink`: shared memory objects are files of the scheme `shm`, a volume of the RAM file system that everybody
//! can make files in.

use libc::{
    EINVAL, ENAMETOOLONG, O_ACCMODE, O_CLOEXEC, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, c_char, c_int, mode_t,
};
use syscall::error::Result;
use syscall::flag::O_NOFOLLOW;

use crate::errno::{self, error};
use crate::rt::path::Canonical;
use crate::rt::{resolve, sys};
use crate::string::bytes;

/// Longest name.
const NAME_MAX: usize = 255;
/// Where the objects are.
const PLACE: &[u8] = b"/scheme/shm";

/// The path of an object. A name has one slash, in front, which may be left out.
unsafe fn path_of(name: *const c_char) -> Result<Canonical> {
    // SAFETY: POSIX demands a C string.
    let name = unsafe { bytes(name)? };
    let name = name.strip_prefix(b"/").unwrap_or(name);
    match name {
        b"" | b"." | b".." => Err(error(EINVAL)),
        _ if name.contains(&b'/') || name.contains(&b':') => Err(error(EINVAL)),
        _ if name.len() > NAME_MAX => Err(error(ENAMETOOLONG)),
        _ => Canonical::new(PLACE, name),
    }
}

/// `shm_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shm_open(name: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    // SAFETY: POSIX demands a C string.
    let path = unsafe { path_of(name) };
    errno::int(path.and_then(|path| {
        if !matches!(flags & O_ACCMODE, O_RDONLY | O_RDWR) {
            return Err(error(EINVAL));
        }
        let flags = flags & (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC) | O_CLOEXEC | O_NOFOLLOW as c_int;
        crate::fcntl::open_path(path, flags, mode as usize)
    }))
}

/// `shm_unlink`. What is mapped stays until it is unmapped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shm_unlink(name: *const c_char) -> c_int {
    // SAFETY: POSIX demands a C string.
    let path = unsafe { path_of(name) };
    errno::zero(
        path.and_then(|path| resolve::with_reference(path, |root, reference| sys::unlinkat(root, reference, 0))),
    )
}
