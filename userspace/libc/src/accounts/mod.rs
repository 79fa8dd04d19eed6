//! `pwd.h` and `grp.h`: users and groups from `/etc/passwd` and `/etc/group`, in the classic form:
//!
//! ```text
//! name:password:uid:gid:comment:home:shell
//! name:password:gid:member,member
//! ```
//!
//! Empty lines, lines that begin with `#`, and lines that are not of this form are passed over.

#[cfg(target_os = "redox")]
mod grp;
#[cfg(target_os = "redox")]
mod pwd;

/// A user's line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User<'a> {
    /// Name to log in with.
    pub name: &'a [u8],
    /// Password, or what says that it is elsewhere.
    pub password: &'a [u8],
    /// Number of the user.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// Comment.
    pub comment: &'a [u8],
    /// Home folder.
    pub home: &'a [u8],
    /// Shell.
    pub shell: &'a [u8],
}

/// A group's line, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// Name.
    pub name: &'a [u8],
    /// Password.
    pub password: &'a [u8],
    /// Number.
    pub gid: u32,
    /// Names of members, with commas between.
    pub members: &'a [u8],
}

/// Exactly so many fields.
fn fields<const N: usize>(line: &[u8]) -> Option<[&[u8]; N]> {
    let mut found = [&[][..]; N];
    let mut parts = line.split(|&byte| byte == b':');
    for place in &mut found {
        *place = parts.next()?;
    }
    (parts.next().is_none() && !found[0].is_empty() && found[0][0] != b'#').then_some(found)
}

/// A number that an id can be: the largest means "none".
fn id(text: &[u8]) -> Option<u32> {
    core::str::from_utf8(text).ok()?.parse().ok().filter(|&id| id != u32::MAX)
}

impl<'a> User<'a> {
    /// Takes a line apart.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let [name, password, uid, gid, comment, home, shell] = fields(line)?;
        Some(User { name, password, uid: id(uid)?, gid: id(gid)?, comment, home, shell })
    }
}

impl<'a> Group<'a> {
    /// Takes a line apart.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let [name, password, gid, members] = fields(line)?;
        Some(Group { name, password, gid: id(gid)?, members })
    }

    /// The members.
    pub fn members(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.members.split(|&byte| byte == b',').filter(|name| !name.is_empty())
    }
}

/// The lines of a file.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n')
}

/// Puts strings into memory of a caller's.
#[cfg(target_os = "redox")]
struct Packer {
    at: *mut u8,
    left: usize,
}

#[cfg(target_os = "redox")]
impl Packer {
    /// A C string with these bytes; `None` when there is no room.
    fn text(&mut self, text: &[u8]) -> Option<*mut libc::c_char> {
        let start = self.at;
        self.left = self.left.checked_sub(text.len() + 1)?;
        // SAFETY: there is room; that is the caller's promise.
        unsafe {
            core::ptr::copy_nonoverlapping(text.as_ptr(), start, text.len());
            *start.add(text.len()) = 0;
            self.at = start.add(text.len() + 1);
        }
        Some(start.cast())
    }

    /// Room for pointers.
    fn pointers(&mut self, count: usize) -> Option<*mut *mut libc::c_char> {
        let gap = self.at.align_offset(align_of::<*mut u8>());
        let size = gap + count * size_of::<*mut u8>();
        self.left = self.left.checked_sub(size)?;
        let start = self.at.wrapping_add(gap);
        self.at = self.at.wrapping_add(size);
        Some(start.cast())
    }
}

/// Largest file that is read.
#[cfg(target_os = "redox")]
const FILE_MAX: usize = 1 << 20;
/// Bytes of the strings that functions without a buffer of the caller's answer.
#[cfg(target_os = "redox")]
const ROOM: usize = 4096;

/// What the functions of one file share that have no buffer of the caller's: the answer, its strings, and the line that
/// comes next.
#[cfg(target_os = "redox")]
struct Shared<T> {
    entry: core::mem::MaybeUninit<T>,
    text: [u8; ROOM],
    next: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_users_or_passed_over() {
        let file =
            b"# users\nroot:x:0:0:root:/root:/bin/sh\n\nbroken:x:0:0\nada:!:1000:100:Ada,,:/home/ada:\nx:y:-1:0:::\n";
        let users: Vec<_> = lines(file).filter_map(User::parse).collect();
        assert_eq!(users.len(), 2);
        assert_eq!((users[0].name, users[0].uid, users[0].shell), (&b"root"[..], 0, &b"/bin/sh"[..]));
        assert_eq!((users[1].gid, users[1].comment, users[1].shell), (100, &b"Ada,,"[..], &b""[..]));
        for bad in [":x:0:0:::", "a:x:4294967295:0:::", "a:x:4294967296:0:::", "a:x:0:0::::", "a:x: 1:0:::"] {
            assert_eq!(User::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn groups_have_members() {
        let group = Group::parse(b"wheel:x:10:root,ada,").unwrap();
        assert_eq!(group.members().collect::<Vec<_>>(), [&b"root"[..], b"ada"]);
        assert_eq!(Group::parse(b"empty:x:11:").unwrap().members().count(), 0);
        assert_eq!(Group::parse(b"bad:x:11"), None);
    }
}
