//! The scheme that clients talk to.

use std::rc::Rc;

use scheme_server::syscall::data::Stat;
use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{EACCES, EBADF, EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, EPERM, Error, Result};
use scheme_server::syscall::flag::{MODE_CHR, MODE_DIR, O_ACCMODE, O_CREAT, O_EXCL, O_RDONLY, O_STAT};
use scheme_server::{CallerCtx, Handles, NewFdFlags, Offer, OpenResult, Scheme, SchemeSync};

use crate::Descriptor;
use crate::request::{Make, Target, permission};
use crate::space::{Serials, Space};

/// What a client has open.
enum Handle<D> {
    /// A name space.
    Space { space: Rc<Space<D>>, permissions: usize },
    /// The list of its schemes.
    List(Rc<Space<D>>),
    /// The right to register a scheme, once.
    Register { space: Rc<Space<D>>, name: String },
}

/// The name space manager.
pub struct Manager<D> {
    handles: Handles<Handle<D>>,
    serials: Serials,
    creation: D,
    first: usize,
}

impl<D: Descriptor> Manager<D> {
    /// A manager whose first name space has these schemes and all permissions. `creation` is the right to make schemes.
    pub fn new(creation: D, schemes: impl IntoIterator<Item = (&'static str, D)>) -> Result<Self> {
        let mut serials = Serials::new();
        let space = Space::empty();
        for (name, root) in schemes {
            space.insert(name, root, &mut serials)?;
        }
        let mut handles = Handles::new();
        let first = handles.insert(Handle::Space { space, permissions: permission::ALL });
        Ok(Self { handles, serials, creation, first })
    }

    fn handle(&self, id: usize) -> Result<&Handle<D>> {
        self.handles.get(id).ok_or(Error::new(EBADF))
    }

    /// A name space and what may be done with it.
    fn space(&self, id: usize) -> Result<(&Rc<Space<D>>, usize)> {
        match self.handle(id)? {
            Handle::Space { space, permissions } => Ok((space, *permissions)),
            _ => Err(Error::new(ENOTDIR)),
        }
    }

    fn add(&mut self, handle: Handle<D>) -> OpenResult {
        OpenResult::ThisScheme { number: self.handles.insert(handle), flags: NewFdFlags::empty() }
    }

    /// How many numbers are open.
    pub fn open_count(&self) -> usize {
        self.handles.len()
    }
}

fn demand(permissions: usize, demanded: usize) -> Result<()> {
    if permissions & demanded == demanded { Ok(()) } else { Err(Error::new(EACCES)) }
}

/// Names of schemes belong to the system: only its superuser changes them.
fn demand_superuser(ctx: &CallerCtx) -> Result<()> {
    if ctx.uid == 0 { Ok(()) } else { Err(Error::new(EPERM)) }
}

impl<D: Descriptor> SchemeSync for Manager<D> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(self.first)
    }

    fn openat(&mut self, dir: usize, path: &str, flags: usize, _: u32, _: &CallerCtx) -> Result<OpenResult> {
        let (space, permissions) = self.space(dir)?;
        match Target::of(path)? {
            Target::Scheme(name) => {
                let root = space.find(name).ok_or(Error::new(ENOENT))?;
                Ok(OpenResult::OtherScheme { fd: root.duplicate()? })
            }
            Target::Creation => {
                demand(permissions, permission::SCHEME_CREATE)?;
                Ok(OpenResult::OtherScheme { fd: self.creation.duplicate()? })
            }
            Target::List => {
                if flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL {
                    return Err(Error::new(EEXIST));
                }
                if flags & O_STAT == 0 && !matches!(flags & O_ACCMODE, 0 | O_RDONLY) {
                    return Err(Error::new(EISDIR));
                }
                demand(permissions, permission::LIST)?;
                let list = Handle::List(space.clone());
                Ok(self.add(list))
            }
        }
    }

    fn dup(&mut self, id: usize, argument: &[u8], ctx: &CallerCtx) -> Result<OpenResult> {
        let (space, permissions) = self.space(id)?;
        let made = match Make::of(argument)? {
            Make::Fork { patterns, creation } => {
                if creation {
                    demand(permissions, permission::SCHEME_CREATE)?;
                }
                let kept = if creation { permissions } else { permissions & !permission::SCHEME_CREATE };
                Handle::Space { space: Space::fork(space, patterns)?, permissions: kept }
            }
            Make::Shrink(kept) => Handle::Space { space: space.clone(), permissions: permissions & kept },
            Make::Register(name) => {
                demand_superuser(ctx)?;
                demand(permissions, permission::INSERT)?;
                space.check_free(&name)?;
                Handle::Register { space: space.clone(), name }
            }
        };
        Ok(self.add(made))
    }

    fn unlinkat(&mut self, dir: usize, path: &str, _: usize, ctx: &CallerCtx) -> Result<()> {
        let (space, permissions) = self.space(dir)?;
        let Target::Scheme(name) = Target::of(path)? else {
            return Err(Error::new(EPERM));
        };
        demand_superuser(ctx)?;
        demand(permissions, permission::DELETE)?;
        space.remove(name)
    }

    fn read(&mut self, id: usize, _: &mut [u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        match self.handle(id)? {
            Handle::Register { .. } => Err(Error::new(EINVAL)),
            _ => Err(Error::new(EISDIR)),
        }
    }

    fn getdents<'buf>(
        &mut self,
        id: usize,
        mut buf: DirentBuf<&'buf mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'buf mut [u8]>> {
        let space = match self.handle(id)? {
            Handle::List(space) => space,
            Handle::Space { space, permissions } => {
                demand(*permissions, permission::LIST)?;
                space
            }
            Handle::Register { .. } => return Err(Error::new(ENOTDIR)),
        };
        let mut failed = None;
        let mut count = 0;
        space.list(from, |serial, name| {
            let entry = DirEntry { inode: serial, next_opaque_id: serial, name, kind: DirentKind::Directory };
            match buf.entry(entry) {
                Ok(()) => count += 1,
                Err(error) => failed = Some(error),
            }
            failed.is_none()
        });
        match failed {
            // Not even one fits.
            Some(error) if count == 0 => Err(error),
            _ => Ok(buf),
        }
    }

    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let st_mode = match self.handle(id)? {
            Handle::Register { .. } => MODE_CHR | 0o600,
            _ => MODE_DIR | 0o555,
        };
        *stat = Stat { st_mode, st_nlink: 1, st_ino: id as u64 + 1, ..Stat::default() };
        Ok(())
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let path = match self.handle(id)? {
            Handle::Register { .. } => "/scheme/namespace",
            _ => "/scheme",
        };
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn on_close(&mut self, id: usize) {
        // The first name space stays: it is what the manager was started for.
        if id != self.first {
            self.handles.remove(id);
        }
    }
}

impl<D: Descriptor> Scheme for Manager<D> {
    /// The root of the scheme that the number is for.
    fn on_descriptors(&mut self, id: usize, offer: &mut Offer<'_>, _: &CallerCtx) -> Result<usize> {
        let Handle::Register { space, name } = self.handles.get(id).ok_or(Error::new(EBADF))? else {
            return Err(Error::new(EINVAL));
        };
        if offer.count() != 1 {
            return Err(Error::new(EINVAL));
        }
        space.check_free(name)?;
        for fd in offer.take()? {
            space.insert(name, D::adopt(fd), &mut self.serials)?;
        }
        Ok(1)
    }
}
