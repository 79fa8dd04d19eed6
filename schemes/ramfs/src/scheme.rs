//! The file system as a scheme: what clients have open.

use ochre_socket::{TOKEN, file};
use scheme_server::locks::Lockable;
use scheme_server::syscall::data::{Stat, StatVfs, TimeSpec};
use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{EACCES, EBADF, EINVAL, ENOTDIR, ENXIO, EOPNOTSUPP, EWOULDBLOCK, Error, Result};
use scheme_server::syscall::flag::{
    AT_REMOVEDIR, EventFlags, F_SETFL, MODE_FIFO, MODE_TYPE, MapFlags, MunmapFlags, O_APPEND, O_CREAT, O_NONBLOCK,
};
use scheme_server::{CallerCtx, Handles, Id, NewFdFlags, OpenResult, Ready, Scheme, SchemeSync};

use crate::access::Members;
use crate::fifo::{End, Fifo, ROOM};
use crate::fs::{Clock, FileSystem, Opened};
use crate::furnish::Piece;
use crate::inode::{Inode, InodeId, Kind, User};
use crate::memory::{Grant, PAGE};
use crate::walk::Walk;

/// Offset of what has no position.
const NO_OFFSET: u64 = u64::MAX;
/// Bytes that `st_blocks` counts in (POSIX, `sys/stat.h`).
const BLOCK: u64 = 512;

/// Something that a client has open.
#[derive(Clone, Copy)]
struct Handle {
    inode: InodeId,
    volume: usize,
    read: bool,
    write: bool,
    /// Pages that are mapped shared through this number. It stays as long as there are any, because the kernel tells that
    /// they are unmapped by it, after it was closed too.
    mapped: u64,
    closed: bool,
}

/// A scheme, or several that share memory.
pub struct RamFs<C> {
    fs: FileSystem<C>,
    handles: Handles<Handle>,
    /// Number of volumes: their roots have the first numbers, and are never closed.
    roots: usize,
    /// Openings of named pipes that wait for somebody at the other end.
    opening: Vec<Opening>,
    ready: Ready,
}

/// An opening of a named pipe that waits.
struct Opening {
    request: Id,
    /// Number of the directory that it is made from.
    dir: usize,
    inode: InodeId,
    read: bool,
}

fn user(ctx: &CallerCtx) -> User {
    User { uid: ctx.uid, gid: ctx.gid, process: ctx.pid }
}

/// Writes what is known of an inode.
fn describe(inode: &Inode, stat: &mut Stat) {
    let (size, pages) = match &inode.kind {
        Kind::File(contents) => (inode.size, contents.page_count()),
        Kind::Link(target) => (target.len() as u64, 0),
        Kind::Directory(names) => (names.len() as u64, 0),
        Kind::Fifo(_) | Kind::Socket(_) => (0, 0),
    };
    *stat = Stat {
        st_dev: 0,
        st_ino: inode.serial,
        st_mode: inode.mode(),
        st_nlink: inode.links,
        st_uid: inode.uid,
        st_gid: inode.gid,
        st_size: size,
        st_blksize: PAGE as u32,
        st_blocks: pages * (PAGE as u64 / BLOCK),
        st_mtime: inode.modified.tv_sec as u64,
        st_mtime_nsec: inode.modified.tv_nsec as u32,
        st_atime: inode.accessed.tv_sec as u64,
        st_atime_nsec: inode.accessed.tv_nsec as u32,
        st_ctime: inode.changed.tv_sec as u64,
        st_ctime_nsec: inode.changed.tv_nsec as u32,
    };
}

impl<C: Clock> RamFs<C> {
    /// Serves volumes. The number of each one's root is its place in the order.
    pub fn new(limit: u64, clock: C, volumes: Vec<(String, u16)>) -> Result<Self> {
        let roots = volumes.len();
        let fs = FileSystem::new(limit, clock, volumes)?;
        let mut handles = Handles::new();
        for volume in 0..roots {
            let inode = fs.volume(volume)?.root;
            handles.insert(Handle { inode, volume, read: false, write: false, mapped: 0, closed: false });
        }
        Ok(Self { fs, handles, roots, opening: Vec::new(), ready: Ready::new() })
    }

    /// Makes what is to be there from the beginning ([`FileSystem::furnish`]).
    pub fn furnish(&mut self, pieces: &[Piece]) -> Result<(), (String, Error)> {
        self.fs.furnish(pieces)
    }

    /// Asks the system from now on before more of its memory is used ([`Budget::ask`](crate::memory::Budget::ask)).
    pub fn ask(&mut self, grant: Grant) {
        self.fs.store.budget.ask(grant);
    }

    /// Has supplementary groups looked up from now on; without that nobody has any.
    pub fn look_up_groups(&mut self, members: Members) {
        self.fs.members = members;
    }

    /// The file system.
    pub fn fs(&self) -> &FileSystem<C> {
        &self.fs
    }

    /// How many numbers are open, roots among them.
    pub fn open_count(&self) -> usize {
        self.handles.len()
    }

    #[inline]
    fn handle(&self, id: usize) -> Result<Handle> {
        self.handles.get(id).copied().filter(|handle| !handle.closed).ok_or(Error::new(EBADF))
    }

    /// What is open for reading or writing.
    #[inline]
    fn demand(&self, id: usize, allowed: impl FnOnce(&Handle) -> bool) -> Result<Handle> {
        self.handle(id).and_then(|handle| if allowed(&handle) { Ok(handle) } else { Err(Error::new(EBADF)) })
    }

    fn walk(&self, handle: Handle, ctx: &CallerCtx) -> Walk {
        Walk { volume: handle.volume, user: user(ctx), follow: false }
    }

    /// The place that a number was opened at: directory, and the whole path from the root of its volume.
    fn path_of(&self, handle: Handle) -> Result<(InodeId, String)> {
        let root = self.fs.volume(handle.volume)?.root;
        Ok((root, self.fs.path(handle.inode, handle.volume)?))
    }

    fn drop_handle(&mut self, id: usize) {
        if let Some(handle) = self.handles.remove(id) {
            if handle.read || handle.write {
                self.leave_fifo(id, handle.inode);
            }
            self.fs.closed(handle.inode);
        }
    }

    fn fifo(&mut self, inode: InodeId) -> Option<&mut Fifo> {
        match self.fs.inode_mut(inode) {
            Ok(Inode { kind: Kind::Fifo(fifo), .. }) => Some(fifo),
            _ => None,
        }
    }

    /// Something has changed that others at a named pipe may wait for.
    fn tell_fifo(&mut self, inode: InodeId) {
        let numbers = self.fifo(inode).map(|fifo| fifo.numbers()).unwrap_or_default();
        numbers
            .into_iter()
            .for_each(|number| self.ready.raise(number, EventFlags::EVENT_READ | EventFlags::EVENT_WRITE));
    }

    #[inline]
    fn leave_fifo(&mut self, id: usize, inode: InodeId) {
        let Some(fifo) = self.fifo(inode) else { return };
        fifo.close(id);
        if fifo.is_idle() {
            self.fs.store.budget.release(ROOM as u64);
        }
        self.tell_fifo(inode);
    }

    /// Opens one end of a named pipe, or waits until somebody opens the other. The inode has been counted as opened.
    #[cold]
    fn open_fifo(&mut self, dir: usize, handle: Handle, status: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        let Handle { inode, read, write, .. } = handle;
        let nonblock = status as usize & O_NONBLOCK != 0;
        let waits = self.opening.iter().position(|opening| opening.request == ctx.id);
        let other = |wanted: bool| self.opening.iter().any(|known| known.inode == inode && known.read == wanted);
        let (waiting_reader, waiting_writer) = (other(true), other(false));
        let Some(fifo) = self.fifo(inode) else { return Err(Error::new(EBADF)) };
        let there = match (read, write) {
            (true, false) => fifo.has_writers() || waiting_writer || nonblock,
            (false, true) => fifo.has_readers() || waiting_reader,
            _ => true,
        };
        if !there {
            self.fs.closed(inode);
            if nonblock {
                return Err(Error::new(ENXIO));
            }
            if waits.is_none() {
                self.opening.push(Opening { request: ctx.id, dir, inode, read });
            }
            return Err(Error::new(EWOULDBLOCK));
        }
        if self.fifo(inode).is_some_and(|fifo| fifo.is_idle())
            && let Err(error) = self.fs.store.budget.charge(ROOM as u64)
        {
            self.fs.closed(inode);
            return Err(error);
        }
        if let Some(at) = waits {
            self.opening.swap_remove(at);
        }
        let number = self.handles.insert(handle);
        if let Some(fifo) = self.fifo(inode) {
            fifo.open(End { number, read, write });
        }
        let others: Vec<usize> =
            self.opening.iter().filter(|known| known.inode == inode).map(|known| known.dir).collect();
        others.into_iter().for_each(|dir| self.ready.raise(dir, EventFlags::empty()));
        self.tell_fifo(inode);
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::empty() })
    }
}

impl<C: Clock> SchemeSync for RamFs<C> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(0)
    }

    #[inline]
    fn openat(&mut self, dir: usize, path: &str, flags: usize, status: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        let Handle { inode, volume, .. } = self.handle(dir)?;
        let Opened { inode, read, write } = self.fs.open(volume, inode, path, flags, user(ctx))?;
        if (read || write) && matches!(self.fs.inode(inode)?.kind, Kind::Fifo(_)) {
            let handle = Handle { inode, volume, read, write, mapped: 0, closed: false };
            if flags & O_CREAT != 0 && flags as u16 & MODE_TYPE == MODE_FIFO {
                // Who makes one does not open it.
                let number = self.handles.insert(Handle { read: false, write: false, ..handle });
                return Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::empty() });
            }
            return self.open_fifo(dir, handle, status, ctx);
        }
        let number = self.handles.insert(Handle { inode, volume, read, write, mapped: 0, closed: false });
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::POSITIONED })
    }

    fn dup(&mut self, id: usize, argument: &[u8], _: &CallerCtx) -> Result<OpenResult> {
        let handle = self.handle(id)?;
        if !argument.is_empty() {
            return Err(Error::new(EINVAL));
        }
        self.fs.inode_mut(handle.inode)?.opens += 1;
        let number = self.handles.insert(Handle { mapped: 0, ..handle });
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::POSITIONED })
    }

    #[inline]
    fn read(&mut self, id: usize, buf: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let handle = self.demand(id, |handle| handle.read)?;
        if offset == NO_OFFSET
            && let Some(fifo) = self.fifo(handle.inode)
        {
            let count = fifo.read(buf)?;
            self.tell_fifo(handle.inode);
            return Ok(count);
        }
        self.fs.read(handle.inode, offset, buf)
    }

    #[inline]
    fn write(&mut self, id: usize, buf: &[u8], offset: u64, flags: u32, ctx: &CallerCtx) -> Result<usize> {
        let handle = self.demand(id, |handle| handle.write)?;
        if offset == NO_OFFSET
            && let Some(fifo) = self.fifo(handle.inode)
        {
            let count = fifo.write(buf)?;
            self.tell_fifo(handle.inode);
            return Ok(count);
        }
        self.fs.write(handle.inode, offset, buf, flags as usize & O_APPEND != 0, user(ctx))
    }

    fn fsize(&mut self, id: usize, _: &CallerCtx) -> Result<u64> {
        Ok(self.fs.inode(self.handle(id)?.inode)?.size)
    }

    fn unlinkat(&mut self, dir: usize, path: &str, flags: usize, ctx: &CallerCtx) -> Result<()> {
        let handle = self.handle(dir)?;
        if flags & !AT_REMOVEDIR != 0 {
            return Err(Error::new(EINVAL));
        }
        let walk = self.walk(handle, ctx);
        self.fs.unlink(walk, handle.inode, path, flags & AT_REMOVEDIR != 0)
    }

    fn frename(&mut self, id: usize, path: &str, ctx: &CallerCtx) -> Result<usize> {
        let handle = self.handle(id)?;
        let (root, old) = self.path_of(handle)?;
        let walk = self.walk(handle, ctx);
        self.fs.rename(walk, (root, &old), (root, path), 0)?;
        Ok(0)
    }

    fn frenameat(
        &mut self,
        old_dir: usize,
        old_path: &str,
        new_dir: usize,
        new_path: &str,
        flags: u32,
        ctx: &CallerCtx,
    ) -> Result<usize> {
        let (old, new) = (self.handle(old_dir)?, self.handle(new_dir)?);
        FileSystem::<C>::same_volume(old.volume, new.volume)?;
        let walk = self.walk(old, ctx);
        self.fs.rename(walk, (old.inode, old_path), (new.inode, new_path), flags)?;
        Ok(0)
    }

    fn flink(&mut self, id: usize, path: &str, ctx: &CallerCtx) -> Result<usize> {
        let handle = self.handle(id)?;
        let walk = self.walk(handle, ctx);
        let root = self.fs.volume(handle.volume)?.root;
        self.fs.link(handle.inode, walk, root, path)?;
        Ok(0)
    }

    fn flinkat(&mut self, id: usize, dir: usize, path: &str, flags: u32, ctx: &CallerCtx) -> Result<usize> {
        let (handle, dir) = (self.handle(id)?, self.handle(dir)?);
        FileSystem::<C>::same_volume(handle.volume, dir.volume)?;
        if flags != 0 {
            return Err(Error::new(EINVAL));
        }
        let walk = self.walk(dir, ctx);
        self.fs.link(handle.inode, walk, dir.inode, path)?;
        Ok(0)
    }

    fn fcntl(&mut self, id: usize, command: usize, _: usize, _: &CallerCtx) -> Result<usize> {
        self.handle(id)?;
        // The kernel keeps the flags and sends them along.
        if command == F_SETFL { Ok(0) } else { Err(Error::new(EINVAL)) }
    }

    fn fevent(&mut self, id: usize, flags: EventFlags, _: &CallerCtx) -> Result<EventFlags> {
        let inode = self.handle(id)?.inode;
        if let Some(fifo) = self.fifo(inode) {
            return Ok(flags & fifo.readiness());
        }
        // Files never make anybody wait.
        Ok(flags & (EventFlags::EVENT_READ | EventFlags::EVENT_WRITE))
    }

    fn fpath(&mut self, id: usize, buf: &mut [u8], _: &CallerCtx) -> Result<usize> {
        let handle = self.handle(id)?;
        let path = self.fs.path(handle.inode, handle.volume)?;
        let name = &self.fs.volume(handle.volume)?.name;
        let prefix = if name == "file" { String::from("/") } else { format!("/scheme/{name}/") };
        let path = [prefix, path].concat();
        let count = path.len().min(buf.len());
        buf[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    #[inline]
    fn fstat(&mut self, id: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let inode = self.fs.inode(self.handle(id)?.inode)?;
        describe(inode, stat);
        Ok(())
    }

    fn fstatvfs(&mut self, id: usize, stat: &mut StatVfs, _: &CallerCtx) -> Result<()> {
        self.handle(id)?;
        let budget = &self.fs.store().budget;
        let left = budget.left() / PAGE as u64;
        *stat = StatVfs { f_bsize: PAGE as u32, f_blocks: budget.limit() / PAGE as u64, f_bfree: left, f_bavail: left };
        Ok(())
    }

    fn fsync(&mut self, id: usize, _: &CallerCtx) -> Result<()> {
        self.handle(id).map(drop)
    }

    fn ftruncate(&mut self, id: usize, len: u64, ctx: &CallerCtx) -> Result<()> {
        let handle = self.handle(id)?;
        if !handle.write {
            return Err(Error::new(EINVAL));
        }
        self.fs.truncate(handle.inode, len)?;
        if ctx.uid != 0 {
            self.fs.inode_mut(handle.inode)?.drop_set_ids();
        }
        Ok(())
    }

    fn fchmod(&mut self, id: usize, mode: u16, ctx: &CallerCtx) -> Result<()> {
        let handle = self.handle(id)?;
        self.fs.set_permissions(handle.inode, mode, user(ctx))
    }

    fn fchown(&mut self, id: usize, uid: u32, gid: u32, ctx: &CallerCtx) -> Result<()> {
        let handle = self.handle(id)?;
        self.fs.set_owner(handle.inode, uid, gid, user(ctx))
    }

    fn futimens(&mut self, id: usize, times: &[TimeSpec], ctx: &CallerCtx) -> Result<()> {
        let handle = self.handle(id)?;
        let &[accessed, modified] = times else { return Err(Error::new(EINVAL)) };
        self.fs.set_times(handle.inode, [accessed, modified], user(ctx), handle.write)
    }

    fn getdents<'buf>(
        &mut self,
        id: usize,
        mut buf: DirentBuf<&'buf mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'buf mut [u8]>> {
        let handle = self.handle(id)?;
        let directory = self.fs.inode(handle.inode)?.directory().ok_or(Error::new(ENOTDIR))?;
        if !handle.read {
            return Err(Error::new(EBADF));
        }
        for (count, (place, name, inode)) in directory.list(from).enumerate() {
            let inode = self.fs.inode(inode)?;
            let kind = match inode.kind {
                Kind::File(_) => DirentKind::Regular,
                Kind::Directory(_) => DirentKind::Directory,
                Kind::Link(_) => DirentKind::Symlink,
                Kind::Socket(_) => DirentKind::Socket,
                // The crate has no number for it; clients look at the attributes.
                Kind::Fifo(_) => DirentKind::Unspecified,
            };
            let entry = DirEntry { inode: inode.serial, next_opaque_id: place, name, kind };
            match buf.entry(entry) {
                Ok(()) => {}
                // Not even one fits.
                Err(error) if count == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(buf)
    }

    fn mmap_prep(&mut self, id: usize, offset: u64, size: usize, flags: MapFlags, _: &CallerCtx) -> Result<usize> {
        let handle = self.handle(id)?;
        let shared = flags.contains(MapFlags::MAP_SHARED);
        let writes = shared && flags.contains(MapFlags::PROT_WRITE);
        if !handle.read || (writes && !handle.write) {
            return Err(Error::new(EACCES));
        }
        if size == 0 || !offset.is_multiple_of(PAGE as u64) {
            return Err(Error::new(EINVAL));
        }
        let (inode, store) = self.fs.inode_and_store(handle.inode)?;
        let len = inode.size;
        let Kind::File(contents) = &mut inode.kind else { return Err(Error::new(EACCES)) };
        let address = contents.map(offset, size, len, shared, store)?;
        if shared && let Some(handle) = self.handles.get_mut(id) {
            handle.mapped += size.div_ceil(PAGE) as u64;
        }
        Ok(address)
    }

    fn munmap(&mut self, id: usize, _: u64, size: usize, _: MunmapFlags, _: &CallerCtx) -> Result<()> {
        let handle = self.handles.get_mut(id).ok_or(Error::new(EBADF))?;
        let pages = handle.mapped.min(size.div_ceil(PAGE) as u64);
        handle.mapped -= pages;
        let Handle { inode, mapped, closed, .. } = *handle;
        if let Kind::File(contents) = &mut self.fs.inode_mut(inode)?.kind {
            contents.unmap(pages);
        }
        if closed && mapped == 0 {
            self.drop_handle(id);
        }
        Ok(())
    }

    fn call(&mut self, id: usize, payload: &mut [u8], words: &[u64], ctx: &CallerCtx) -> Result<usize> {
        let handle = self.handle(id)?;
        if words.first() != Some(&file::CONNECT) {
            return Err(Error::new(EOPNOTSUPP));
        }
        let room = payload.first_chunk_mut().ok_or(Error::new(EINVAL))?;
        *room = self.fs.socket(handle.inode, user(ctx))?;
        Ok(TOKEN)
    }

    fn inode(&self, id: usize) -> Result<usize> {
        Ok(self.fs.inode(self.handle(id)?.inode)?.serial as usize)
    }

    #[inline]
    fn on_close(&mut self, id: usize) {
        if id < self.roots {
            return;
        }
        match self.handles.get_mut(id) {
            Some(handle) if handle.mapped > 0 => handle.closed = true,
            _ => self.drop_handle(id),
        }
    }
}

impl<C: Clock> Scheme for RamFs<C> {
    #[inline]
    fn next_ready(&mut self) -> Option<(usize, EventFlags)> {
        self.ready.take()
    }

    fn on_cancel(&mut self, _: usize, request: Id) -> Option<usize> {
        self.opening.retain(|opening| opening.request != request);
        None
    }

    fn stat_at(&mut self, dir: usize, path: &str, flags: usize, stat: &mut Stat, ctx: &CallerCtx) -> Result<()> {
        let handle = self.handle(dir)?;
        let inode = self.fs.find(handle.volume, handle.inode, path, flags, user(ctx))?;
        describe(self.fs.inode(inode)?, stat);
        Ok(())
    }

    fn lockable(&mut self, id: usize) -> Result<Lockable> {
        let Handle { inode, read, write, .. } = self.handle(id)?;
        Ok(Lockable { inode: self.fs.inode(inode)?.serial, read, write })
    }
}
