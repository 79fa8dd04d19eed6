//! The scheme `initfs`: the boot archive, read-only. A descriptor's number is its node's: nothing is kept for what is open.

use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{
    EACCES, EBADF, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, EROFS, EXDEV, Error, Result,
};
use scheme_server::syscall::flag::{
    MODE_DIR, MODE_FILE, MODE_SYMLINK, O_ACCMODE, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_STAT, O_SYMLINK,
    O_TRUNC,
};
use scheme_server::syscall::{Stat, StatVfs};
use scheme_server::{CallerCtx, NewFdFlags, OpenResult, Scheme, SchemeSync};

use crate::tree::{Kind, Node, ROOT, Tree};

/// The scheme's name.
pub const NAME: &str = "initfs";
const BLOCK: u32 = 4096;

/// The scheme.
pub struct Initfs<'a> {
    /// What it serves.
    pub tree: Tree<'a>,
}

impl<'a> Initfs<'a> {
    fn node(&self, number: usize) -> Result<&Node<'a>> {
        self.tree.node(number).ok_or(Error::new(EBADF))
    }
}

fn size(node: &Node<'_>) -> usize {
    match &node.kind {
        Kind::Directory(entries) => entries.len(),
        Kind::File(data) => data.len(),
        Kind::Link(target) => target.len(),
    }
}

impl SchemeSync for Initfs<'_> {
    fn scheme_root(&mut self) -> Result<usize> {
        Ok(ROOT)
    }

    fn openat(&mut self, dir: usize, path: &str, flags: usize, _: u32, ctx: &CallerCtx) -> Result<OpenResult> {
        let (number, rest) = self.tree.walk(dir, path).ok_or(Error::new(ENOENT))?;
        let node = self.node(number)?;
        let is_directory = matches!(node.kind, Kind::Directory(_));
        if matches!(node.kind, Kind::Link(_)) && (!rest.is_empty() || flags & O_SYMLINK != O_SYMLINK) {
            // libc reads the link and comes again.
            return Err(Error::new(if rest.is_empty() && flags & O_NOFOLLOW != 0 { ELOOP } else { EXDEV }));
        }
        if !rest.is_empty() || (flags & O_DIRECTORY != 0 && flags & O_STAT == 0 && !is_directory) {
            return Err(Error::new(ENOTDIR));
        }
        if flags & O_STAT == 0 {
            if flags & (O_CREAT | O_TRUNC) != 0 || !matches!(flags & O_ACCMODE, 0 | O_RDONLY) {
                return Err(Error::new(if is_directory { EISDIR } else { EROFS }));
            }
            // All belongs to user and group 0.
            let class = if ctx.gid == 0 { 0o040 } else { 0o004 };
            if ctx.uid != 0 && node.permissions & class == 0 {
                return Err(Error::new(EACCES));
            }
        }
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::POSITIONED })
    }

    fn dup(&mut self, number: usize, what: &[u8], _: &CallerCtx) -> Result<OpenResult> {
        self.node(number)?;
        if !what.is_empty() {
            return Err(Error::new(EINVAL));
        }
        Ok(OpenResult::ThisScheme { number, flags: NewFdFlags::POSITIONED })
    }

    fn read(&mut self, number: usize, to: &mut [u8], offset: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        let data = match &self.node(number)?.kind {
            Kind::Directory(_) => return Err(Error::new(EISDIR)),
            Kind::File(data) => data,
            Kind::Link(target) => target.as_bytes(),
        };
        let rest = usize::try_from(offset).ok().and_then(|offset| data.get(offset..)).unwrap_or_default();
        let count = rest.len().min(to.len());
        to[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write(&mut self, number: usize, _: &[u8], _: u64, _: u32, _: &CallerCtx) -> Result<usize> {
        self.node(number)?;
        Err(Error::new(EBADF))
    }

    fn fsize(&mut self, number: usize, _: &CallerCtx) -> Result<u64> {
        Ok(size(self.node(number)?) as u64)
    }

    fn fpath(&mut self, number: usize, to: &mut [u8], _: &CallerCtx) -> Result<usize> {
        self.node(number)?;
        let path = format!("/scheme/{NAME}/{}", self.tree.path(number));
        let count = path.len().min(to.len());
        to[..count].copy_from_slice(&path.as_bytes()[..count]);
        Ok(count)
    }

    fn fstat(&mut self, number: usize, stat: &mut Stat, _: &CallerCtx) -> Result<()> {
        let node = self.node(number)?;
        let kind = match node.kind {
            Kind::Directory(_) => MODE_DIR,
            Kind::File(_) => MODE_FILE,
            Kind::Link(_) => MODE_SYMLINK,
        };
        let size = size(node) as u64;
        *stat = Stat {
            st_ino: number as u64 + 1,
            st_mode: kind | node.permissions,
            st_nlink: 1,
            st_size: size,
            st_blksize: BLOCK,
            // Units of 512 bytes (POSIX, `sys/stat.h`).
            st_blocks: size.div_ceil(512),
            ..Stat::default()
        };
        Ok(())
    }

    fn fstatvfs(&mut self, number: usize, stat: &mut StatVfs, _: &CallerCtx) -> Result<()> {
        self.node(number)?;
        *stat = StatVfs { f_bsize: BLOCK, ..StatVfs::default() };
        Ok(())
    }

    fn getdents<'b>(
        &mut self,
        number: usize,
        mut to: DirentBuf<&'b mut [u8]>,
        from: u64,
    ) -> Result<DirentBuf<&'b mut [u8]>> {
        let Kind::Directory(entries) = &self.node(number)?.kind else {
            return Err(Error::new(ENOTDIR));
        };
        let skip = usize::try_from(from).unwrap_or(usize::MAX);
        for (index, (name, &number)) in entries.iter().enumerate().skip(skip) {
            let kind = match self.node(number)?.kind {
                Kind::Directory(_) => DirentKind::Directory,
                Kind::File(_) => DirentKind::Regular,
                Kind::Link(_) => DirentKind::Symlink,
            };
            let entry = DirEntry { inode: number as u64 + 1, next_opaque_id: index as u64 + 1, name, kind };
            match to.entry(entry) {
                // Full: the rest is for the next call, unless nothing fits at all.
                Err(error) if index == skip => return Err(error),
                Err(_) => break,
                Ok(()) => {}
            }
        }
        Ok(to)
    }
}

impl Scheme for Initfs<'_> {}
