//! Groups.

use core::mem::MaybeUninit;
use core::ptr::null_mut;

use libc::{ERANGE, c_char, c_int, gid_t, group, size_t};
use ochre_abi::process::MAX_GROUPS;

use super::{FILE_MAX, Group, Packer, ROOM, Shared, lines};
use crate::errno;
use crate::rt::load::Bytes;
use crate::rt::lock::Lock;
use crate::string::bytes;

const FILE: &[u8] = b"/etc/group";

// SAFETY: the pointers of the entry lead to its own text, or nowhere.
unsafe impl Send for Shared<group> {}

static SHARED: Lock<Shared<group>> = Lock::new(Shared { entry: MaybeUninit::uninit(), text: [0; ROOM], next: 0 });

/// Puts a group into the caller's memory; `None` when there is no room.
fn pack(group: &Group<'_>, packer: &mut Packer) -> Option<libc::group> {
    let list = packer.pointers(group.members().count() + 1)?;
    for (index, name) in group.members().enumerate() {
        let name = packer.text(name)?;
        // SAFETY: there is room for all of them and the end.
        unsafe { list.add(index).write(name) };
    }
    // SAFETY: as above.
    unsafe { list.add(group.members().count()).write(null_mut()) };
    Some(libc::group {
        gr_name: packer.text(group.name)?,
        gr_passwd: packer.text(group.password)?,
        gr_gid: group.gid,
        gr_mem: list,
    })
}

/// The file; empty when there is none.
fn with_file<T>(action: impl FnOnce(&[u8]) -> Result<T, c_int>) -> Result<T, c_int> {
    match Bytes::read(FILE, FILE_MAX) {
        Ok(file) => action(file.as_slice()),
        Err(error) if error.errno == libc::ENOENT => action(b""),
        Err(error) => Err(error.errno),
    }
}

/// Finds a group and packs it. `Ok(None)`: there is none.
fn find(wanted: impl Fn(&Group<'_>) -> bool, packer: &mut Packer) -> Result<Option<group>, c_int> {
    with_file(|file| {
        let group = lines(file).filter_map(Group::parse).find(wanted);
        group.map(|group| pack(&group, packer).ok_or(ERANGE)).transpose()
    })
}

/// Answers through the caller's memory, as the functions that end in `_r` do.
unsafe fn answer(
    wanted: impl Fn(&Group<'_>) -> bool,
    entry: *mut group,
    (buf, len): (*mut c_char, size_t),
    result: *mut *mut group,
) -> c_int {
    let found = find(wanted, &mut Packer { at: buf.cast(), left: len });
    // SAFETY: POSIX demands places for both answers.
    unsafe {
        *result = null_mut();
        match found {
            Ok(None) => 0,
            Ok(Some(group)) => {
                entry.write(group);
                *result = entry;
                0
            }
            Err(error) => error,
        }
    }
}

/// Answers through memory of our own.
fn shared(wanted: impl Fn(&Group<'_>) -> bool) -> *mut group {
    let mut shared = SHARED.lock();
    let mut packer = Packer { at: shared.text.as_mut_ptr(), left: ROOM };
    match find(wanted, &mut packer) {
        Ok(Some(group)) => shared.entry.write(group),
        Ok(None) => null_mut(),
        Err(error) => {
            errno::set(error);
            null_mut()
        }
    }
}

/// `getgrnam_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getgrnam_r(
    name: *const c_char,
    entry: *mut group,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut group,
) -> c_int {
    // SAFETY: POSIX demands a C string, the room, and places for the answers.
    unsafe {
        let name = bytes(name).unwrap_or(b"");
        answer(|group| group.name == name, entry, (buf, len), result)
    }
}

/// `getgrgid_r`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getgrgid_r(
    gid: gid_t,
    entry: *mut group,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut group,
) -> c_int {
    // SAFETY: POSIX demands the room, and places for the answers.
    unsafe { answer(|group| group.gid == gid, entry, (buf, len), result) }
}

/// `getgrnam`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getgrnam(name: *const c_char) -> *mut group {
    // SAFETY: POSIX demands a C string.
    let name = unsafe { bytes(name) }.unwrap_or(b"");
    shared(|group| group.name == name)
}

/// `getgrgid`.
#[unsafe(no_mangle)]
pub extern "C" fn getgrgid(gid: gid_t) -> *mut group {
    shared(|group| group.gid == gid)
}

/// `getgrent`.
#[unsafe(no_mangle)]
pub extern "C" fn getgrent() -> *mut group {
    let mut shared = SHARED.lock();
    let (next, start) = (shared.next, shared.text.as_mut_ptr());
    let entry = with_file(|file| {
        let group = lines(file).filter_map(Group::parse).nth(next);
        Ok(group.and_then(|group| pack(&group, &mut Packer { at: start, left: ROOM })))
    });
    let Ok(Some(entry)) = entry else { return null_mut() };
    shared.next += 1;
    shared.entry.write(entry)
}

/// `setgrent`.
#[unsafe(no_mangle)]
pub extern "C" fn setgrent() {
    SHARED.lock().next = 0;
}

/// `endgrent`.
#[unsafe(no_mangle)]
pub extern "C" fn endgrent() {
    setgrent();
}

/// `getgrouplist`: the group that is given, and those that the user is a member of.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getgrouplist(
    user: *const c_char,
    first: gid_t,
    groups: *mut gid_t,
    count: *mut c_int,
) -> c_int {
    // SAFETY: the caller demands a C string, a count, and room for so many.
    unsafe {
        let user = bytes(user).unwrap_or(b"");
        let room = usize::try_from(*count).unwrap_or(0);
        let mut found = 0;
        let mut add = |gid: gid_t| {
            if found < room {
                groups.add(found).write(gid);
            }
            found += 1;
        };
        add(first);
        let read = with_file(|file| {
            let all = lines(file).filter_map(Group::parse);
            all.filter(|group| group.gid != first && group.members().any(|name| name == user))
                .for_each(|group| add(group.gid));
            Ok(())
        });
        if let Err(error) = read {
            return errno::fail(error);
        }
        *count = found as c_int;
        if found > room { -1 } else { found as c_int }
    }
}

/// `initgroups`: this process has the groups that the user is a member of, and the one that is given.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn initgroups(user: *const c_char, first: gid_t) -> c_int {
    let mut groups: [gid_t; MAX_GROUPS] = [0; MAX_GROUPS];
    let mut count = MAX_GROUPS as c_int;
    // SAFETY: the caller demands a C string; there is room for so many.
    unsafe {
        // Those that do not fit are left out, as elsewhere.
        if getgrouplist(user, first, groups.as_mut_ptr(), &mut count) == -1 && count <= MAX_GROUPS as c_int {
            return -1;
        }
        crate::process::setgroups((count as usize).min(MAX_GROUPS), groups.as_ptr())
    }
}
