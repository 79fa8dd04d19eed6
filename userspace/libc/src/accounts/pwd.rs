//! Users.

use core::mem::MaybeUninit;
use core::ptr::null_mut;

use libc::{ERANGE, c_char, c_int, passwd, size_t, uid_t};

use super::{FILE_MAX, Packer, ROOM, Shared, User, lines};
use crate::errno;
use crate::rt::load::Bytes;
use crate::rt::lock::Lock;
use crate::string::bytes;

const FILE: &[u8] = b"/etc/passwd";

// SAFETY: the pointers of the entry lead to its own text, or nowhere.
unsafe impl Send for Shared<passwd> {}

static SHARED: Lock<Shared<passwd>> = Lock::new(Shared { entry: MaybeUninit::uninit(), text: [0; ROOM], next: 0 });

/// Puts a user into the caller's memory; `None` when there is no room.
fn pack(user: &User<'_>, packer: &mut Packer) -> Option<passwd> {
    Some(passwd {
        pw_name: packer.text(user.name)?,
        pw_passwd: packer.text(user.password)?,
        pw_uid: user.uid,
        pw_gid: user.gid,
        pw_gecos: packer.text(user.comment)?,
        pw_dir: packer.text(user.home)?,
        pw_shell: packer.text(user.shell)?,
    })
}

/// Finds a user and packs it. `Ok(None)`: there is none.
fn find(wanted: impl Fn(&User<'_>) -> bool, packer: &mut Packer) -> Result<Option<passwd>, c_int> {
    let file = match Bytes::read(FILE, FILE_MAX) {
        Ok(file) => file,
        Err(error) if error.errno == libc::ENOENT => return Ok(None),
        Err(error) => return Err(error.errno),
    };
    let user = lines(file.as_slice()).filter_map(User::parse).find(wanted);
    user.map(|user| pack(&user, packer).ok_or(ERANGE)).transpose()
}

/// Answers through the caller's memory, as the functions that end in `_r` do.
unsafe fn answer(
    wanted: impl Fn(&User<'_>) -> bool,
    entry: *mut passwd,
    (buf, len): (*mut c_char, size_t),
    result: *mut *mut passwd,
) -> c_int {
    let found = find(wanted, &mut Packer { at: buf.cast(), left: len });
    // SAFETY: POSIX demands places for both answers.
    unsafe {
        *result = null_mut();
        match found {
            Ok(None) => 0,
            Ok(Some(user)) => {
                entry.write(user);
                *result = entry;
                0
            }
            Err(error) => error,
        }
    }
}

/// Answers through memory of our own.
fn shared(wanted: impl Fn(&User<'_>) -> bool) -> *mut passwd {
    let mut shared = SHARED.lock();
    let mut packer = Packer { at: shared.text.as_mut_ptr(), left: ROOM };
    match find(wanted, &mut packer) {
        Ok(Some(user)) => shared.entry.write(user),
        Ok(None) => null_mut(),
        Err(error) => {
            errno::set(error);
            null_mut()
        }
    }
}

/// `getpwnam_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getpwnam_r(
    name: *const c_char,
    entry: *mut passwd,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut passwd,
) -> c_int {
    // SAFETY: POSIX demands a C string, the room, and places for the answers.
    unsafe {
        let name = bytes(name).unwrap_or(b"");
        answer(|user| user.name == name, entry, (buf, len), result)
    }
}

/// `getpwuid_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getpwuid_r(
    uid: uid_t,
    entry: *mut passwd,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut passwd,
) -> c_int {
    // SAFETY: POSIX demands the room, and places for the answers.
    unsafe { answer(|user| user.uid == uid, entry, (buf, len), result) }
}

/// `getpwnam`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getpwnam(name: *const c_char) -> *mut passwd {
    // SAFETY: POSIX demands a C string.
    let name = unsafe { bytes(name) }.unwrap_or(b"");
    shared(|user| user.name == name)
}

/// `getpwuid`.
#[unsafe(no_mangle)]
pub extern "C" fn getpwuid(uid: uid_t) -> *mut passwd {
    shared(|user| user.uid == uid)
}

/// `getpwent`.
#[unsafe(no_mangle)]
pub extern "C" fn getpwent() -> *mut passwd {
    let mut shared = SHARED.lock();
    let Ok(file) = Bytes::read(FILE, FILE_MAX) else { return null_mut() };
    let next = shared.next;
    let user = lines(file.as_slice()).filter_map(User::parse).nth(next);
    let mut packer = Packer { at: shared.text.as_mut_ptr(), left: ROOM };
    let Some(user) = user.and_then(|user| pack(&user, &mut packer)) else { return null_mut() };
    shared.next += 1;
    shared.entry.write(user)
}

/// `setpwent`.
#[unsafe(no_mangle)]
pub extern "C" fn setpwent() {
    SHARED.lock().next = 0;
}

/// `endpwent`.
#[unsafe(no_mangle)]
pub extern "C" fn endpwent() {
    setpwent();
}

/// `getlogin_r`: the name of the user whose process it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getlogin_r(buf: *mut c_char, len: size_t) -> c_int {
    // SAFETY: the user id of this process.
    let uid = unsafe { libc::getuid() };
    let mut text = [0; ROOM];
    match find(|user| user.uid == uid, &mut Packer { at: text.as_mut_ptr(), left: ROOM }) {
        Ok(Some(_)) => {
            // The name is the first of the strings.
            let name = text.split(|&byte| byte == 0).next().unwrap_or(b"");
            // SAFETY: POSIX demands the room.
            if unsafe { crate::string::copy_text(name, buf, len) } { 0 } else { ERANGE }
        }
        Ok(None) => libc::ENXIO,
        Err(error) => error,
    }
}

/// `getlogin`.
#[unsafe(no_mangle)]
pub extern "C" fn getlogin() -> *mut c_char {
    // SAFETY: the user id of this process; the answer's name is a C string.
    unsafe {
        let entry = getpwuid(libc::getuid());
        if entry.is_null() { null_mut() } else { (*entry).pw_name }
    }
}
