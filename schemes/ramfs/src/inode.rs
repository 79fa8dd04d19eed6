//! Files, directories and symbolic links, whatever their names are.

use std::rc::Rc;

use ochre_socket::Token;
use scheme_server::syscall::data::TimeSpec;
use scheme_server::syscall::flag::{MODE_DIR, MODE_FIFO, MODE_FILE, MODE_PERM, MODE_SETGID, MODE_SOCK, MODE_SYMLINK};

use crate::contents::Contents;
use crate::directory::Directory;
use crate::fifo::Fifo;

/// Place of an inode in the file system's table.
pub type InodeId = usize;

/// What an inode costs beside its contents.
pub const INODE_COST: u64 = 512;
/// Where the bits of each class begin.
const OWNER: u16 = 6;
const GROUP: u16 = 3;
const OTHERS: u16 = 0;
/// Execution (search, for a directory) permission of the group.
const GROUP_EXECUTE: u16 = 0o010;

/// Who does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Process, which may have more groups.
    pub process: usize,
}

impl User {
    /// Who may do everything.
    pub const SUPER: Self = Self { uid: 0, gid: 0, process: 0 };

    /// Whether permissions do not matter.
    #[inline]
    pub fn is_superuser(self) -> bool {
        self.uid == 0
    }
}

/// Permissions, as the bits of one class.
pub mod permission {
    /// Read; list, for a directory.
    pub const READ: u16 = 4;
    /// Write; change names, for a directory.
    pub const WRITE: u16 = 2;
    /// Execute; search, for a directory.
    pub const EXECUTE: u16 = 1;
}

/// What an inode is.
pub enum Kind {
    /// A file.
    File(Contents),
    /// A directory.
    Directory(Box<Directory>),
    /// A symbolic link. Empty until whoever makes it has written what it says.
    Link(Box<str>),
    /// A named pipe.
    Fifo(Box<Fifo>),
    /// The name of a socket, and what stands for that; nothing until whoever makes the name has written it.
    Socket(Option<Token>),
}

/// A file, a directory or a symbolic link.
pub struct Inode {
    /// Number, never used for another one.
    pub serial: u64,
    /// Permissions, with the set-id and sticky bits.
    pub permissions: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Names that lead to it; for a directory, its own entry for itself and those of its subdirectories count too.
    pub links: u32,
    /// Numbers that are open.
    pub opens: u32,
    /// Length of a file in bytes.
    pub size: u64,
    /// When it was read last, about.
    pub accessed: TimeSpec,
    /// When its contents changed last.
    pub modified: TimeSpec,
    /// When anything of it changed last.
    pub changed: TimeSpec,
    /// What it is.
    pub kind: Kind,
    /// A name of it, and the directory where it has that. None for a root, and when the name was removed.
    pub place: Option<(InodeId, Rc<str>)>,
}

impl Inode {
    /// Type and permissions as `stat` tells them.
    pub fn mode(&self) -> u16 {
        let kind = match self.kind {
            Kind::File(_) => MODE_FILE,
            Kind::Directory(_) => MODE_DIR,
            Kind::Link(_) => MODE_SYMLINK,
            Kind::Fifo(_) => MODE_FIFO,
            Kind::Socket(_) => MODE_SOCK,
        };
        kind | self.permissions
    }

    /// Whether somebody has all permissions in `wanted`. `is_member` tells whether the group is one of its supplementary ones; it is
    /// asked only if that makes a difference.
    #[inline]
    pub fn allows(&self, user: User, wanted: u16, is_member: impl FnOnce() -> bool) -> bool {
        if user.is_superuser() {
            let anybody = self.permissions & 0o111 != 0 || matches!(self.kind, Kind::Directory(_));
            return wanted & permission::EXECUTE == 0 || anybody;
        }
        let allowed = |class: u16| wanted & !(self.permissions >> class) == 0;
        if user.uid == self.uid {
            return allowed(OWNER);
        }
        let (group, others) = (allowed(GROUP), allowed(OTHERS));
        if group == others || user.gid == self.gid || is_member() { group } else { others }
    }

    /// Whether somebody may change its attributes.
    pub fn is_owned_by(&self, user: User) -> bool {
        user.is_superuser() || user.uid == self.uid
    }

    /// Takes away the bits with which a program would run as somebody else, after somebody who may not grant that has
    /// changed it.
    pub fn drop_set_ids(&mut self) {
        self.permissions &= !scheme_server::syscall::flag::MODE_SETUID;
        if self.permissions & GROUP_EXECUTE != 0 {
            self.permissions &= !MODE_SETGID;
        }
    }

    /// The directory, if it is one.
    #[inline]
    pub fn directory(&self) -> Option<&Directory> {
        match &self.kind {
            Kind::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    /// The directory, if it is one, to be changed.
    pub fn directory_mut(&mut self) -> Option<&mut Directory> {
        match &mut self.kind {
            Kind::Directory(directory) => Some(directory),
            _ => None,
        }
    }
}

/// Permission bits that can be set.
pub const PERMISSIONS: u16 = MODE_PERM;

#[cfg(test)]
mod tests {
    use super::permission::{EXECUTE, READ, WRITE};
    use super::*;

    fn inode(permissions: u16, kind: Kind) -> Inode {
        let time = TimeSpec::default();
        Inode {
            serial: 1,
            permissions,
            uid: 10,
            gid: 20,
            links: 1,
            opens: 0,
            size: 0,
            accessed: time,
            modified: time,
            changed: time,
            kind,
            place: None,
        }
    }

    fn file(permissions: u16) -> Inode {
        inode(permissions, Kind::File(Contents::default()))
    }

    fn user(uid: u32, gid: u32) -> User {
        User { uid, gid, process: 1 }
    }

    /// What somebody without supplementary groups may do.
    fn may(inode: &Inode, user: User, wanted: u16) -> bool {
        inode.allows(user, wanted, || false)
    }

    #[test]
    fn classes_do_not_add_up() {
        let (owner, group, other) = (user(10, 20), user(11, 20), user(11, 21));
        let file = file(0o472);
        assert!(may(&file, owner, READ) && !may(&file, owner, WRITE) && !may(&file, owner, READ | EXECUTE));
        assert!(may(&file, group, READ | WRITE | EXECUTE));
        assert!(may(&file, other, WRITE) && !may(&file, other, READ) && !may(&file, other, EXECUTE));
    }

    #[test]
    fn supplementary_groups_count_where_they_make_a_difference() {
        let other = user(11, 21);
        let member = |permissions, wanted| file(permissions).allows(other, wanted, || true);
        assert!(member(0o640, READ) && !member(0o640, WRITE));
        // The group's class is taken even if all others may more.
        assert!(!member(0o604, READ) && may(&file(0o604), other, READ));
        let unasked = |user, permissions| file(permissions).allows(user, READ, || panic!("nobody is to be asked"));
        assert!(unasked(other, 0o644) && !unasked(other, 0o600));
        assert!(unasked(user(10, 21), 0o400) && unasked(user(11, 20), 0o040) && unasked(User::SUPER, 0));
    }

    #[test]
    fn the_superuser_executes_what_somebody_may() {
        let root = User::SUPER;
        assert!(may(&file(0), root, READ | WRITE));
        assert!(!may(&file(0o666), root, EXECUTE) && may(&file(0o001), root, EXECUTE));
        assert!(may(&inode(0, Kind::Directory(Box::default())), root, EXECUTE));
    }

    #[test]
    fn set_ids_are_dropped() {
        for (before, after) in [(0o6755, 0o755), (0o6745, 0o2745), (0o1777, 0o1777)] {
            let mut file = file(before);
            file.drop_set_ids();
            assert_eq!(file.permissions, after);
        }
    }
}
