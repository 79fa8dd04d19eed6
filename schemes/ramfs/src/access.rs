//! Who may do what: permissions, owners, and the groups that a user has beside its own.
//!
//! The kernel tells user and group of who asks. Supplementary groups are the process manager's; it is asked for them when the answer
//! depends on it: when the group of a file may do other things with it than all others may.

use std::rc::Rc;

use ochre_socket::Token;
use scheme_server::syscall::data::TimeSpec;
use scheme_server::syscall::error::{EACCES, ECONNREFUSED, ENOENT, EPERM, Error, Result};
use scheme_server::syscall::flag::MODE_SETGID;

use crate::fs::{Clock, FileSystem};
use crate::inode::{Inode, InodeId, Kind, PERMISSIONS, User, permission};

/// Only who owns a name's file or directory may remove the name.
const STICKY: u16 = 0o1000;

/// Tells whether the process with this id has this group among its supplementary ones.
pub type Members = Rc<dyn Fn(usize, u32) -> bool>;

impl<C> FileSystem<C> {
    /// Whether somebody has all permissions in `wanted`.
    #[inline]
    pub fn allows(&self, inode: &Inode, user: User, wanted: u16) -> bool {
        inode.allows(user, wanted, || (self.members)(user.process, inode.gid))
    }

    /// Whether a group is one of a user's.
    fn is_member(&self, user: User, gid: u32) -> bool {
        user.gid == gid || (self.members)(user.process, gid)
    }

    /// The directory, if names in it can be changed by this user.
    pub(crate) fn check_directory(&self, dir: InodeId, user: User) -> Result<&Inode> {
        let inode = self.inode(dir)?;
        if !self.allows(inode, user, permission::WRITE | permission::EXECUTE) {
            return Err(Error::new(EACCES));
        }
        // One that was removed while it is open takes no names.
        if inode.links == 0 { Err(Error::new(ENOENT)) } else { Ok(inode) }
    }

    /// As [`Self::check_directory`], for taking away the name of `target`.
    pub(crate) fn check_removal(&self, dir: InodeId, target: &Inode, user: User) -> Result<()> {
        let directory = self.check_directory(dir, user)?;
        let sticky = directory.permissions & STICKY != 0;
        let owned = directory.is_owned_by(user) || target.is_owned_by(user);
        if sticky && !owned { Err(Error::new(EPERM)) } else { Ok(()) }
    }

    /// What stands for the socket that has this name, for who may write there.
    pub fn socket(&self, id: InodeId, user: User) -> Result<Token> {
        let inode = self.inode(id)?;
        let Kind::Socket(token) = &inode.kind else { return Err(Error::new(ECONNREFUSED)) };
        if !self.allows(inode, user, permission::WRITE) {
            return Err(Error::new(EACCES));
        }
        token.ok_or(Error::new(ECONNREFUSED))
    }
}

impl<C: Clock> FileSystem<C> {
    /// Sets the permissions.
    pub fn set_permissions(&mut self, id: InodeId, permissions: u16, user: User) -> Result<()> {
        let inode = self.inode(id)?;
        if !inode.is_owned_by(user) {
            return Err(Error::new(EPERM));
        }
        let mut permissions = permissions & PERMISSIONS;
        if permissions & MODE_SETGID != 0 && !user.is_superuser() && !self.is_member(user, inode.gid) {
            permissions &= !MODE_SETGID;
        }
        let now = self.clock.now();
        let inode = self.inode_mut(id)?;
        (inode.permissions, inode.changed) = (permissions, now);
        Ok(())
    }

    /// Sets owner and group; `u32::MAX` leaves one as it is.
    pub fn set_owner(&mut self, id: InodeId, uid: u32, gid: u32, user: User) -> Result<()> {
        let inode = self.inode(id)?;
        let uid = if uid == u32::MAX { inode.uid } else { uid };
        let gid = if gid == u32::MAX { inode.gid } else { gid };
        let own = user.uid == inode.uid && uid == inode.uid;
        if !user.is_superuser() && !(own && (gid == inode.gid || self.is_member(user, gid))) {
            return Err(Error::new(EPERM));
        }
        let now = self.clock.now();
        let inode = self.inode_mut(id)?;
        (inode.uid, inode.gid, inode.changed) = (uid, gid, now);
        if !matches!(inode.kind, Kind::Directory(_)) && !user.is_superuser() {
            inode.drop_set_ids();
        }
        Ok(())
    }

    /// Sets the times of access and modification. `open_for_writing`: the user has it open so.
    pub fn set_times(&mut self, id: InodeId, times: [TimeSpec; 2], user: User, open_for_writing: bool) -> Result<()> {
        let inode = self.inode(id)?;
        if !inode.is_owned_by(user) && !open_for_writing && !self.allows(inode, user, permission::WRITE) {
            return Err(Error::new(EPERM));
        }
        let now = self.clock.now();
        let inode = self.inode_mut(id)?;
        [inode.accessed, inode.modified] = times;
        inode.changed = now;
        Ok(())
    }
}
