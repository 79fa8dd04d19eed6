//! The scheme `initfs`: the boot archive, read-only. A descriptor's number is its node's: nothing is kept for what is open.
//!
//! One file may be removed, by user 0: the live image, whose memory is wanted once it has been unpacked.

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
/// The file that may be removed (`ochre_installer::live::PATH`).
const LIVE: &str = "live.cpio.lz4";

/// The scheme.
pub struct Initfs<'a> {
    /// What it serves.
    pub tree: Tree<'a>,
    /// Gives the memory of a file back that is not in the tree any more.
    pub give_back: fn(path: &str, contents: &'a [u8]),
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

    fn unlinkat(&mut self, dir: usize, path: &str, _: usize, ctx: &CallerCtx) -> Result<()> {
        let (number, rest) = self.tree.walk(dir, path).ok_or(Error::new(ENOENT))?;
        let path = self.tree.path(number);
        if !rest.is_empty() || path != LIVE || ctx.uid != 0 {
            return Err(Error::new(EROFS));
        }
        let contents = self.tree.remove(number).ok_or(Error::new(EROFS))?;
        (self.give_back)(&path, contents);
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use scheme_server::fake::Kernel;
    use std::sync::Mutex;

    /// An archive with these files, each with its own name in it.
    fn archive(names: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in names.iter().chain(&["TRAILER!!!"]) {
            let (zeros, len) = ("00000000".repeat(4), name.len());
            let header = format!("07070100000000{:08X}{zeros}{len:08X}{zeros}{:08X}00000000", 0o100_644, len + 1);
            for part in [&format!("{header}{name}\0"), *name] {
                bytes.extend(part.as_bytes());
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
        }
        bytes
    }

    static GIVEN_BACK: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn note(path: &str, contents: &[u8]) {
        GIVEN_BACK.lock().unwrap().push(format!("{path}: {}", String::from_utf8_lossy(contents)));
    }

    #[test]
    fn the_live_image_can_be_removed_by_user_0_and_nothing_else() {
        let bytes = archive(&["bin/init", LIVE]);
        let mut kernel = Kernel::new(Initfs { tree: Tree::new(&bytes).unwrap(), give_back: note });
        let refused = Err(Error::new(EROFS));
        kernel.uid = 7;
        assert_eq!(kernel.unlinkat(ROOT, LIVE, 0), refused);
        kernel.uid = 0;
        for path in ["bin", "bin/init", "live.cpio.lz4/x"] {
            assert_eq!(kernel.unlinkat(ROOT, path, 0), refused, "{path}");
        }
        assert_eq!(kernel.unlinkat(ROOT, "none", 0), Err(Error::new(ENOENT)));
        assert!(GIVEN_BACK.lock().unwrap().is_empty());
        assert_eq!(kernel.unlinkat(ROOT, LIVE, 0), Ok(0));
        assert_eq!(*GIVEN_BACK.lock().unwrap(), [format!("{LIVE}: {LIVE}")]);
        assert_eq!(kernel.unlinkat(ROOT, LIVE, 0), Err(Error::new(ENOENT)));
    }
}
