//! The file system: inodes, and what can be done with their names.
//!
//! Each operation checks everything first and then changes, so that one that fails has changed nothing.

use std::rc::Rc;

use scheme_server::Handles;
use scheme_server::syscall::data::TimeSpec;
use scheme_server::syscall::error::{
    EACCES, EBADF, EBUSY, EEXIST, EINVAL, EISDIR, EMLINK, ENOENT, ENOTDIR, ENOTEMPTY, ENXIO, EOPNOTSUPP, EPERM, EXDEV,
    Error, Result,
};
use scheme_server::syscall::flag::{
    MODE_DIR, MODE_FIFO, MODE_FILE, MODE_SETGID, MODE_SOCK, MODE_TYPE, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW,
    O_RDONLY, O_STAT, O_SYMLINK, O_TRUNC, O_WRONLY,
};

use crate::access::Members;
use crate::contents::Contents;
use crate::directory::NAME_COST;
use crate::inode::{INODE_COST, Inode, InodeId, Kind, PERMISSIONS, User, permission};
use crate::memory::Store;
use crate::walk::{Place, Walk};

/// Do not replace what has the new name (`RENAME_NOREPLACE`).
pub const NOREPLACE: u32 = 1;

/// What tells the time.
pub trait Clock {
    /// Time since 1970.
    fn now(&self) -> TimeSpec;
}

/// A tree of its own, under a scheme's name.
pub struct Volume {
    /// The scheme's name.
    pub name: String,
    /// Its root directory.
    pub root: InodeId,
}

/// All volumes: they share memory and inodes.
pub struct FileSystem<C> {
    pub(crate) inodes: Handles<Inode>,
    volumes: Vec<Volume>,
    pub(crate) store: Store,
    pub(crate) clock: C,
    pub(crate) members: Members,
    serial: u64,
}

/// What a path was opened as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What.
    pub inode: InodeId,
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
}

impl<C> FileSystem<C> {
    /// What has this number.
    #[inline]
    pub fn inode(&self, id: InodeId) -> Result<&Inode> {
        self.inodes.get(id).ok_or(Error::new(EBADF))
    }

    /// What has this number, to be changed.
    #[inline]
    pub fn inode_mut(&mut self, id: InodeId) -> Result<&mut Inode> {
        self.inodes.get_mut(id).ok_or(Error::new(EBADF))
    }

    /// An inode and the store of its contents, to be changed.
    #[inline]
    pub(crate) fn inode_and_store(&mut self, id: InodeId) -> Result<(&mut Inode, &mut Store)> {
        Ok((self.inodes.get_mut(id).ok_or(Error::new(EBADF))?, &mut self.store))
    }

    /// The volume with this number.
    #[inline]
    pub fn volume(&self, number: usize) -> Result<&Volume> {
        self.volumes.get(number).ok_or(Error::new(EBADF))
    }

    /// How many inodes there are.
    pub fn inode_count(&self) -> usize {
        self.inodes.len()
    }

    /// Memory: contents and limit.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// An inode has one opening less.
    pub fn closed(&mut self, id: InodeId) {
        if let Some(inode) = self.inodes.get_mut(id) {
            inode.opens = inode.opens.saturating_sub(1);
            if inode.opens == 0 && inode.links == 0 {
                self.drop_inode(id);
            }
        }
    }

    fn drop_inode(&mut self, id: InodeId) {
        let Some(inode) = self.inodes.remove(id) else { return };
        match inode.kind {
            Kind::File(mut contents) => contents.clear(&mut self.store),
            Kind::Link(target) => self.store.budget.release(target.len() as u64),
            Kind::Directory(_) | Kind::Fifo(_) | Kind::Socket(_) => {}
        }
        self.store.budget.release(INODE_COST);
    }

    /// An inode has `count` names less.
    fn unlinked(&mut self, id: InodeId, count: u32, now: TimeSpec) {
        if let Some(inode) = self.inodes.get_mut(id) {
            inode.links = inode.links.saturating_sub(count);
            inode.changed = now;
            if inode.links == 0 && inode.opens == 0 {
                self.drop_inode(id);
            }
        }
    }

    /// A name was put into or taken out of a directory.
    fn touch(&mut self, dir: InodeId, now: TimeSpec) {
        if let Some(inode) = self.inodes.get_mut(dir) {
            (inode.modified, inode.changed) = (now, now);
        }
    }

    fn forget_place(&mut self, id: InodeId, dir: InodeId, name: &str) {
        if let Some(inode) = self.inodes.get_mut(id)
            && inode.place.as_ref().is_some_and(|(parent, known)| *parent == dir && **known == *name)
        {
            inode.place = None;
        }
    }

    /// Whether `dir` is `top` or lies below it.
    fn is_below(&self, dir: InodeId, top: InodeId) -> bool {
        let mut at = Some(dir);
        while let Some(id) = at {
            if id == top {
                return true;
            }
            at = self.inodes.get(id).and_then(|inode| inode.place.as_ref()).map(|(parent, _)| *parent);
        }
        false
    }
}

impl<C: Clock> FileSystem<C> {
    /// A file system that may use so many bytes, with a volume for each name and the permissions of its root.
    pub fn new(limit: u64, clock: C, volumes: impl IntoIterator<Item = (String, u16)>) -> Result<Self> {
        let (inodes, store, members) = (Handles::new(), Store::new(limit), Rc::new(|_, _| false));
        let mut fs = Self { inodes, volumes: Vec::new(), store, clock, members, serial: 0 };
        for (name, permissions) in volumes {
            let kind = Kind::Directory(Box::default());
            let root = fs.add_inode(kind, permissions, User::SUPER)?;
            // Its own, and the one that the scheme is.
            fs.inode_mut(root)?.links = 2;
            fs.volumes.push(Volume { name, root });
        }
        Ok(fs)
    }

    fn add_inode(&mut self, kind: Kind, permissions: u16, owner: User) -> Result<InodeId> {
        self.store.budget.charge(INODE_COST)?;
        let now = self.clock.now();
        self.serial += 1;
        let inode = Inode {
            serial: self.serial,
            permissions: permissions & PERMISSIONS,
            uid: owner.uid,
            gid: owner.gid,
            links: 0,
            opens: 0,
            size: 0,
            accessed: now,
            modified: now,
            changed: now,
            kind,
            place: None,
        };
        Ok(self.inodes.insert(inode))
    }

    /// Opens a path. What is opened has one opening more.
    #[inline]
    pub fn open(&mut self, volume: usize, from: InodeId, path: &str, flags: usize, user: User) -> Result<Opened> {
        let create = flags & O_CREAT != 0;
        let exclusive = create && flags & O_EXCL != 0;
        let follow = flags & (O_SYMLINK | O_NOFOLLOW) == 0 && !exclusive;
        let stat = flags & O_STAT != 0;
        let (read, write) = (flags & O_RDONLY != 0 && !stat, flags & O_WRONLY != 0 && !stat);
        let place = self.walk(from, path, Walk { volume, user, follow })?;
        let Some(id) = place.found else {
            if !create {
                return Err(Error::new(ENOENT));
            }
            let id = self.create(place, flags, user)?;
            self.inode_mut(id)?.opens += 1;
            return Ok(Opened { inode: id, read, write });
        };
        if exclusive {
            return Err(Error::new(EEXIST));
        }
        let truncate = flags & O_TRUNC != 0 && !stat;
        self.check_open(id, flags, write || truncate)?;
        let bit = |asked, bit| if asked { bit } else { 0 };
        let wanted = bit(read, permission::READ) | bit(write || truncate, permission::WRITE);
        if !self.allows(self.inode(id)?, user, wanted) {
            return Err(Error::new(EACCES));
        }
        let inode = self.inode_mut(id)?;
        inode.opens += 1;
        if inode.links > 1 && !place.name.is_empty() && !matches!(inode.kind, Kind::Directory(_)) {
            // It has several names; the one it was found by is the one it is known by.
            inode.place = Some((place.dir, (*place.name).into()));
        }
        if truncate && matches!(inode.kind, Kind::File(_)) {
            self.truncate(id, 0)?;
        }
        Ok(Opened { inode: id, read, write })
    }

    /// What a path leads to, as [`Self::open`] finds it for `O_STAT`.
    pub fn find(&self, volume: usize, from: InodeId, path: &str, flags: usize, user: User) -> Result<InodeId> {
        let follow = flags & (O_SYMLINK | O_NOFOLLOW) == 0;
        let id = self.walk(from, path, Walk { volume, user, follow })?.found.ok_or(Error::new(ENOENT))?;
        self.check_open(id, flags | O_STAT, false)?;
        Ok(id)
    }

    /// Whether something can be opened with these flags, permissions apart.
    #[inline]
    fn check_open(&self, id: InodeId, flags: usize, write: bool) -> Result<()> {
        match self.inode(id)?.kind {
            Kind::Directory(_) => {
                let made_as_file = flags & O_CREAT != 0 && flags & O_DIRECTORY == 0;
                if write || made_as_file { Err(Error::new(EISDIR)) } else { Ok(()) }
            }
            _ if flags & O_DIRECTORY != 0 => Err(Error::new(ENOTDIR)),
            // Sockets are connected with, not opened.
            Kind::Socket(_) if flags & O_STAT == 0 => Err(Error::new(ENXIO)),
            Kind::Link(_) if flags & O_SYMLINK == 0 => Err(Error::new(scheme_server::syscall::error::ELOOP)),
            _ => Ok(()),
        }
    }

    /// Makes what is asked for at a place where nothing is.
    fn create(&mut self, place: Place<'_>, flags: usize, user: User) -> Result<InodeId> {
        check_name(&place.name)?;
        let parent = self.check_directory(place.dir, user)?;
        let inherits = parent.permissions & MODE_SETGID != 0;
        let owner = User { gid: if inherits { parent.gid } else { user.gid }, ..user };
        let mut permissions = flags as u16 & PERMISSIONS;
        let is_directory = flags & O_DIRECTORY != 0;
        let kind = match flags as u16 & MODE_TYPE {
            _ if flags & O_SYMLINK != 0 && !is_directory => Kind::Link("".into()),
            _ if flags & O_SYMLINK != 0 => return Err(Error::new(EINVAL)),
            0 | MODE_DIR if is_directory => Kind::Directory(Box::default()),
            0 | MODE_FILE if !is_directory => Kind::File(Contents::default()),
            MODE_FIFO if !is_directory => Kind::Fifo(Box::default()),
            MODE_SOCK if !is_directory => Kind::Socket(None),
            MODE_DIR | MODE_FILE => return Err(Error::new(EINVAL)),
            _ => return Err(Error::new(EOPNOTSUPP)),
        };
        match kind {
            Kind::Directory(_) if inherits => permissions |= MODE_SETGID,
            Kind::Directory(_) => {
                if parent.links == u32::MAX {
                    return Err(Error::new(EMLINK));
                }
            }
            // Nobody makes a program that runs as a group that he is not in.
            Kind::File(_) if !user.is_superuser() && owner.gid != user.gid => permissions &= !MODE_SETGID,
            Kind::Link(_) => permissions = 0o777,
            Kind::File(_) | Kind::Fifo(_) | Kind::Socket(_) => {}
        }
        let cost = name_cost(&place.name);
        self.store.budget.charge(cost)?;
        let id = self.add_inode(kind, permissions, owner).inspect_err(|_| self.store.budget.release(cost))?;
        let now = self.inode(id)?.changed;
        let name = self.insert_name(place.dir, &place.name, id)?;
        let inode = self.inode_mut(id)?;
        inode.links = if is_directory { 2 } else { 1 };
        inode.place = Some((place.dir, name));
        if is_directory {
            self.inode_mut(place.dir)?.links += 1;
        }
        self.touch(place.dir, now);
        Ok(id)
    }

    fn insert_name(&mut self, dir: InodeId, name: &str, id: InodeId) -> Result<Rc<str>> {
        Ok(self.inode_mut(dir)?.directory_mut().ok_or(Error::new(ENOTDIR))?.insert(name, id))
    }

    fn remove_name(&mut self, dir: InodeId, name: &str) -> Result<()> {
        self.inode_mut(dir)?.directory_mut().ok_or(Error::new(ENOTDIR))?.remove(name);
        Ok(())
    }

    /// Removes a name: that of a directory if `directory`, else that of anything else.
    pub fn unlink(&mut self, walk: Walk, from: InodeId, path: &str, directory: bool) -> Result<()> {
        let place = self.walk(from, path, Walk { follow: false, ..walk })?;
        let id = place.found.ok_or(Error::new(ENOENT))?;
        if place.name.is_empty() {
            return Err(Error::new(if directory { EBUSY } else { EISDIR }));
        }
        let inode = self.inode(id)?;
        self.check_removal(place.dir, inode, walk.user)?;
        match (inode.directory(), directory) {
            (Some(_), false) => return Err(Error::new(EISDIR)),
            (None, true) => return Err(Error::new(ENOTDIR)),
            (Some(names), true) if !names.is_empty() => return Err(Error::new(ENOTEMPTY)),
            _ => {}
        }
        let now = self.clock.now();
        self.remove_name(place.dir, &place.name)?;
        self.store.budget.release(name_cost(&place.name));
        self.forget_place(id, place.dir, &place.name);
        self.touch(place.dir, now);
        if directory {
            self.inode_mut(place.dir)?.links -= 1;
        }
        self.unlinked(id, if directory { 2 } else { 1 }, now);
        Ok(())
    }

    /// Gives an inode of this volume one more name.
    pub fn link(&mut self, id: InodeId, walk: Walk, from: InodeId, path: &str) -> Result<()> {
        let place = self.walk(from, path, Walk { follow: false, ..walk })?;
        check_name(&place.name)?;
        let inode = self.inode(id)?;
        if place.found.is_some() {
            return Err(Error::new(EEXIST));
        }
        if matches!(inode.kind, Kind::Directory(_)) {
            return Err(Error::new(EPERM));
        }
        match inode.links {
            // It has been removed, and does not come back.
            0 => return Err(Error::new(ENOENT)),
            u32::MAX => return Err(Error::new(EMLINK)),
            _ => {}
        }
        self.check_directory(place.dir, walk.user)?;
        self.store.budget.charge(name_cost(&place.name))?;
        let now = self.clock.now();
        self.insert_name(place.dir, &place.name, id)?;
        let inode = self.inode_mut(id)?;
        inode.links += 1;
        inode.changed = now;
        self.touch(place.dir, now);
        Ok(())
    }

    /// Gives what has the old path the new one instead, in the same volume. What had the new one is removed, in one step.
    pub fn rename(
        &mut self,
        walk: Walk,
        (old_from, old_path): (InodeId, &str),
        (new_from, new_path): (InodeId, &str),
        flags: u32,
    ) -> Result<()> {
        if flags & !NOREPLACE != 0 {
            return Err(Error::new(EINVAL));
        }
        let walk = Walk { follow: false, ..walk };
        let old = self.walk(old_from, old_path, walk)?;
        let new = self.walk(new_from, new_path, walk)?;
        let id = old.found.ok_or(Error::new(ENOENT))?;
        if old.name.is_empty() || new.name.is_empty() {
            return Err(Error::new(EBUSY));
        }
        check_name(&new.name)?;
        self.check_rename(id, &old, &new, walk.user, flags)?;
        if new.found == Some(id) {
            // Two names of the same: POSIX has both stay.
            return Ok(());
        }
        // Only a longer name needs room, so that a full file system can be tidied up.
        let (old_cost, new_cost) = (name_cost(&old.name), name_cost(&new.name));
        let kept = if new.found.is_none() { new_cost } else { 0 };
        self.store.budget.charge(kept.saturating_sub(old_cost))?;
        self.store.budget.release(old_cost.saturating_sub(kept));
        let now = self.clock.now();
        let is_directory = self.inode(id)?.directory().is_some();
        let name = match new.found {
            Some(target) => {
                self.inode_mut(new.dir)?.directory_mut().ok_or(Error::new(ENOTDIR))?.replace(&new.name, id);
                self.forget_place(target, new.dir, &new.name);
                if is_directory {
                    self.inode_mut(new.dir)?.links -= 1;
                }
                self.unlinked(target, if is_directory { 2 } else { 1 }, now);
                Rc::from(&*new.name)
            }
            None => self.insert_name(new.dir, &new.name, id)?,
        };
        self.remove_name(old.dir, &old.name)?;
        if is_directory {
            self.inode_mut(old.dir)?.links -= 1;
            self.inode_mut(new.dir)?.links += 1;
        }
        let inode = self.inode_mut(id)?;
        inode.place = Some((new.dir, name));
        inode.changed = now;
        self.touch(old.dir, now);
        self.touch(new.dir, now);
        Ok(())
    }

    fn check_rename(&self, id: InodeId, old: &Place<'_>, new: &Place<'_>, user: User, flags: u32) -> Result<()> {
        let inode = self.inode(id)?;
        let is_directory = inode.directory().is_some();
        if is_directory && self.is_below(new.dir, id) {
            return Err(Error::new(EINVAL));
        }
        if new.found.is_some_and(|target| self.is_below(old.dir, target)) {
            return Err(Error::new(ENOTEMPTY));
        }
        self.check_removal(old.dir, inode, user)?;
        let Some(target) = new.found else { return self.check_directory(new.dir, user).map(drop) };
        if flags & NOREPLACE != 0 {
            return Err(Error::new(EEXIST));
        }
        let target = self.inode(target)?;
        self.check_removal(new.dir, target, user)?;
        match (is_directory, target.directory()) {
            (true, None) => Err(Error::new(ENOTDIR)),
            (false, Some(_)) => Err(Error::new(EISDIR)),
            (true, Some(names)) if !names.is_empty() && new.found != Some(id) => Err(Error::new(ENOTEMPTY)),
            // A directory that changes its own parent needs to be written: its entry for that changes.
            (true, _) if old.dir != new.dir && !self.allows(inode, user, permission::WRITE) => Err(Error::new(EACCES)),
            _ => Ok(()),
        }
    }

    /// What two numbers of one volume have in common: `EXDEV` when they lie in different ones.
    pub fn same_volume(a: usize, b: usize) -> Result<usize> {
        if a == b { Ok(a) } else { Err(Error::new(EXDEV)) }
    }
}

/// Whether something can have this name: C programs must be able to say it.
fn check_name(name: &str) -> Result<()> {
    if name.contains('\0') { Err(Error::new(EINVAL)) } else { Ok(()) }
}

fn name_cost(name: &str) -> u64 {
    NAME_COST + name.len() as u64
}
