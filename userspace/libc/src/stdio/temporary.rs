//! Files and directories with names that nobody else has: `mkstemp` and its family, `tmpfile`, `tmpnam`.

use core::cell::UnsafeCell;
use core::ptr::null_mut;

use libc::{EEXIST, EINVAL, FILE, O_ACCMODE, O_CREAT, O_EXCL, O_RDWR, c_char, c_int};

use super::file::{self, Target};
use super::stream::Buffering;
use crate::errno;
use crate::string::strlen;
use crate::unistd::{access, close, getentropy, unlink};

/// Letters of a name.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Letters that are replaced.
const COUNT: usize = 6;
/// Names that are tried: with 64^6 of them, the second already means an attack.
const TRIES: usize = 100;

/// Fills the `XXXXXX` before a suffix with names until `make` accepts one: answers what it said.
unsafe fn unique(template: *mut c_char, suffix: c_int, mut make: impl FnMut() -> c_int) -> c_int {
    // SAFETY: POSIX demands a C string that may be changed.
    let text = unsafe { core::slice::from_raw_parts_mut(template.cast::<u8>(), strlen(template)) };
    let end = usize::try_from(suffix).ok().and_then(|suffix| text.len().checked_sub(suffix));
    let place = end.and_then(|end| text.get_mut(end.checked_sub(COUNT)?..end)).filter(|place| *place == b"XXXXXX");
    let Some(place) = place else {
        return errno::fail(EINVAL);
    };
    for _ in 0..TRIES {
        let mut random = [0_u8; COUNT];
        // SAFETY: the room is ours.
        if unsafe { getentropy(random.as_mut_ptr().cast(), COUNT) } != 0 {
            break;
        }
        place.iter_mut().zip(random).for_each(|(letter, byte)| *letter = LETTERS[usize::from(byte % 64)]);
        let answer = make();
        // SAFETY: this thread's own word.
        if answer >= 0 || unsafe { *errno::__errno() } != EEXIST {
            return answer;
        }
    }
    place.fill(b'X');
    -1
}

/// `mkostemps`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkostemps(template: *mut c_char, suffix: c_int, flags: c_int) -> c_int {
    let flags = flags & !O_ACCMODE | O_RDWR | O_CREAT | O_EXCL;
    // SAFETY: POSIX demands a C string that may be changed.
    unsafe { unique(template, suffix, || crate::fcntl::open(template, flags, 0o600)) }
}

/// `mkostemp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkostemp(template: *mut c_char, flags: c_int) -> c_int {
    // SAFETY: as for `mkostemps`.
    unsafe { mkostemps(template, 0, flags) }
}

/// `mkstemps`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkstemps(template: *mut c_char, suffix: c_int) -> c_int {
    // SAFETY: as for `mkostemps`.
    unsafe { mkostemps(template, suffix, 0) }
}

/// `mkstemp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkstemp(template: *mut c_char) -> c_int {
    // SAFETY: as for `mkostemps`.
    unsafe { mkostemps(template, 0, 0) }
}

/// `mkdtemp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mkdtemp(template: *mut c_char) -> *mut c_char {
    // SAFETY: POSIX demands a C string that may be changed.
    let made = unsafe { unique(template, 0, || crate::stat::mkdir(template, 0o700)) };
    if made < 0 { null_mut() } else { template }
}

/// `mktemp`: a name that was free a moment ago, or an empty one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mktemp(template: *mut c_char) -> *mut c_char {
    // SAFETY: POSIX demands a C string that may be changed.
    unsafe {
        let free = || if access(template, libc::F_OK) == 0 { errno::fail(EEXIST) } else { 0 };
        if unique(template, 0, free) < 0 {
            *template = 0;
        }
    }
    template
}

/// `tmpfile`: a file without a name.
#[unsafe(no_mangle)]
pub extern "C" fn tmpfile() -> *mut FILE {
    let mut name = *b"/tmp/XXXXXX\0";
    let path = name.as_mut_ptr().cast();
    // SAFETY: the name is ours.
    unsafe {
        let fd = mkstemp(path);
        if fd < 0 {
            return null_mut();
        }
        unlink(path);
        let stream = file::create(Target::Descriptor(fd), Buffering::Full, true, true);
        if stream.is_null() {
            close(fd);
        }
        stream
    }
}

/// Where `tmpnam` leaves a name that has no other place.
struct Name(UnsafeCell<[u8; 20]>);

// SAFETY: C says that calls without a place of their own must not run side by side.
unsafe impl Sync for Name {}

static NAME: Name = Name(UnsafeCell::new([0; 20]));

/// `tmpnam`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tmpnam(to: *mut c_char) -> *mut c_char {
    let to = if to.is_null() { NAME.0.get().cast() } else { to };
    // SAFETY: C demands `L_tmpnam` (20) bytes.
    unsafe {
        core::ptr::copy_nonoverlapping(c"/tmp/XXXXXX".as_ptr(), to, 12);
        let made = mktemp(to);
        if *made == 0 { null_mut() } else { made }
    }
}
