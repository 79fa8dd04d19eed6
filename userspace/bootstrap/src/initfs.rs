//! The scheme `initfs`: the boot archive, read-only. A descriptor's number is its node's: nothing is kept for what is open.
//!
//! A file that is mapped shows the archive's own pages where it begins at one, which the larger files do. One that does not is copied
//! to whole pages first, once.
//!
//! One file may be removed, by user 0: the live image, whose memory is wanted once it has been unpacked.

use std::collections::BTreeMap;

use memmap2::{Mmap, MmapMut};
use scheme_server::syscall::dirent::{DirEntry, DirentBuf, DirentKind};
use scheme_server::syscall::error::{
    EACCES, EBADF, EINVAL, EISDIR, ELOOP, ENODEV, ENOENT, ENOMEM, ENOTDIR, ENXIO, EROFS, EXDEV, Error, Result,
};
use scheme_server::syscall::flag::{
    MODE_DIR, MODE_FILE, MODE_SYMLINK, MapFlags, O_ACCMODE, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_STAT,
    O_SYMLINK, O_TRUNC,
};
use scheme_server::syscall::{Stat, StatVfs};
use scheme_server::{CallerCtx, NewFdFlags, OpenResult, Scheme, SchemeSync};

use crate::tree::{Kind, Node, ROOT, Tree};

/// The scheme's name.
pub const NAME: &str = "initfs";
const BLOCK: u32 = 4096;
/// The file that may be removed (`ochre_installer::live::PATH`).
const LIVE: &str = "live.cpio.lz4";

/// The memory that the archive is in.
pub trait Memory<'a> {
    /// Gives back that of a file that is not in the tree any more.
    fn give_back(&self, path: &str, contents: &'a [u8]);

    /// Pages that show a file where it lies, with zeros behind its end, for as long as this process lives; `None` when it does not
    /// begin at a page.
    fn show(&self, contents: &'a [u8]) -> Option<&'static [u8]>;
}

/// A file's pages.
enum Pages {
    Shown(&'static [u8]),
    Copied(Mmap),
}

/// The scheme.
pub struct Initfs<'a, M> {
    tree: Tree<'a>,
    memory: M,
    /// Files that were mapped, in whole pages, by their nodes.
    mapped: BTreeMap<usize, Pages>,
}

impl<'a, M: Memory<'a>> Initfs<'a, M> {
    /// Serves a tree.
    pub fn new(tree: Tree<'a>, memory: M) -> Self {
        Initfs { tree, memory, mapped: BTreeMap::new() }
    }

    /// The pages of a file.
    fn pages(&mut self, number: usize) -> Result<&[u8]> {
        if !self.mapped.contains_key(&number) {
            let Kind::File(data) = self.node(number)?.kind else { return Err(Error::new(ENODEV)) };
            let pages = match self.memory.show(data) {
                Some(shown) => Pages::Shown(shown),
                None => Pages::Copied(copy(data)?),
            };
            self.mapped.insert(number, pages);
        }
        Ok(match &self.mapped[&number] {
            Pages::Shown(pages) => pages,
            Pages::Copied(pages) => pages,
        })
    }

    fn node(&self, number: usize) -> Result<&Node<'a>> {
        self.tree.node(number).ok_or(Error::new(EBADF))
    }
}

/// A copy in whole pages.
fn copy(data: &[u8]) -> Result<Mmap> {
    let whole = data.len().next_multiple_of(BLOCK as usize);
    let mut pages = MmapMut::map_anon(whole).map_err(|_| Error::new(ENOMEM))?;
    pages[..data.len()].copy_from_slice(data);
    pages.make_read_only().map_err(|_| Error::new(ENOMEM))
}

fn size(node: &Node<'_>) -> usize {
    match &node.kind {
        Kind::Directory(entries) => entries.len(),
        Kind::File(data) => data.len(),
        Kind::Link(target) => target.len(),
    }
}

impl<'a, M: Memory<'a>> SchemeSync for Initfs<'a, M> {
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
        self.memory.give_back(&path, contents);
        Ok(())
    }

    fn mmap_prep(&mut self, number: usize, from: u64, len: usize, flags: MapFlags, _: &CallerCtx) -> Result<usize> {
        if flags.contains(MapFlags::MAP_SHARED) && flags.contains(MapFlags::PROT_WRITE) {
            return Err(Error::new(EACCES));
        }
        let from = usize::try_from(from).map_err(|_| Error::new(ENXIO))?;
        if len == 0 || !from.is_multiple_of(BLOCK as usize) {
            return Err(Error::new(EINVAL));
        }
        let end = from.checked_add(len).ok_or(Error::new(ENXIO))?;
        // Behind the file's last page there is nothing that could be mapped.
        let part = self.pages(number)?.get(from..end).ok_or(Error::new(ENXIO))?;
        Ok(part.as_ptr() as usize)
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

impl<'a, M: Memory<'a>> Scheme for Initfs<'a, M> {}

#[cfg(test)]
mod tests {
    use super::*;
    use scheme_server::fake::Kernel;
    use std::sync::{Arc, Mutex};

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

    /// Notes what is given back; shows what it has been told to show.
    #[derive(Default)]
    struct Noting {
        given_back: Arc<Mutex<Vec<String>>>,
        shown: Option<&'static [u8]>,
    }

    impl<'a> Memory<'a> for Noting {
        fn give_back(&self, path: &str, contents: &'a [u8]) {
            self.given_back.lock().unwrap().push(format!("{path}: {}", String::from_utf8_lossy(contents)));
        }

        fn show(&self, _: &'a [u8]) -> Option<&'static [u8]> {
            self.shown
        }
    }

    #[test]
    fn the_live_image_can_be_removed_by_user_0_and_nothing_else() {
        let bytes = archive(&["bin/init", LIVE]);
        let memory = Noting::default();
        let given_back = memory.given_back.clone();
        let mut kernel = Kernel::new(Initfs::new(Tree::new(&bytes).unwrap(), memory));
        let refused = Err(Error::new(EROFS));
        kernel.uid = 7;
        assert_eq!(kernel.unlinkat(ROOT, LIVE, 0), refused);
        kernel.uid = 0;
        for path in ["bin", "bin/init", "live.cpio.lz4/x"] {
            assert_eq!(kernel.unlinkat(ROOT, path, 0), refused, "{path}");
        }
        assert_eq!(kernel.unlinkat(ROOT, "none", 0), Err(Error::new(ENOENT)));
        assert!(given_back.lock().unwrap().is_empty());
        assert_eq!(kernel.unlinkat(ROOT, LIVE, 0), Ok(0));
        assert_eq!(*given_back.lock().unwrap(), [format!("{LIVE}: {LIVE}")]);
        assert_eq!(kernel.unlinkat(ROOT, LIVE, 0), Err(Error::new(ENOENT)));
    }

    #[test]
    fn files_are_mapped_in_whole_pages() {
        let bytes = archive(&["a", "bin/init", "empty"]);
        let mut kernel = Kernel::new(Initfs::new(Tree::new(&bytes).unwrap(), Noting::default()));
        let mut open = |path| kernel.openat(ROOT, path, O_RDONLY).unwrap().number();
        let (file, folder) = (open("bin/init"), open("bin"));
        let read = MapFlags::PROT_READ | MapFlags::MAP_PRIVATE;
        let address = kernel.mmap(file, 0, 8, read).unwrap();
        assert!(address.is_multiple_of(4096));
        // The same pages for everybody, whose end is zeros.
        assert_eq!(kernel.mmap(file, 0, 4096, read | MapFlags::PROT_WRITE), Ok(address));
        assert_eq!(kernel.mmap(file, 0, 4096, MapFlags::PROT_READ | MapFlags::MAP_SHARED), Ok(address));
        for (number, from, len, flags, error) in [
            (file, 0, 0, read, EINVAL),
            (file, 1, 8, read, EINVAL),
            (file, 0, 4097, read, ENXIO),
            (file, 4096, 1, read, ENXIO),
            (file, u64::MAX - 4095, 4096, read, ENXIO),
            (file, 0, 8, MapFlags::PROT_WRITE | MapFlags::MAP_SHARED, EACCES),
            (folder, 0, 8, read, ENODEV),
        ] {
            assert_eq!(kernel.mmap(number, from, len, flags), Err(Error::new(error)), "{from} {len} {flags:?}");
        }
    }

    #[test]
    fn a_file_that_begins_at_a_page_is_not_copied() {
        let bytes = archive(&["bin/init"]);
        let shown: &'static [u8] = copy(b"bin/init").unwrap().to_vec().leak();
        let memory = Noting { shown: Some(shown), ..Noting::default() };
        let mut kernel = Kernel::new(Initfs::new(Tree::new(&bytes).unwrap(), memory));
        let file = kernel.openat(ROOT, "bin/init", O_RDONLY).unwrap().number();
        let read = MapFlags::PROT_READ | MapFlags::MAP_PRIVATE;
        assert_eq!(kernel.mmap(file, 0, 8, read), Ok(shown.as_ptr() as usize));
        assert_eq!(kernel.mmap(file, 4096, 1, read), Err(Error::new(ENXIO)));
    }
}
