//! From paths to inodes.
//!
//! Symbolic links that stay in the file system are followed here. One that leads out of it answers `EXDEV`: only the client
//! knows the other schemes, and comes again.

use std::borrow::Cow;

use scheme_server::syscall::error::{EACCES, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV, Error, Result};

use crate::fs::FileSystem;
use crate::inode::{InodeId, Kind, User, permission};

/// Longest name in bytes.
pub const NAME_MAX: usize = 255;
/// Symbolic links followed for one path.
const LINKS_MAX: u32 = 40;
/// The scheme of paths that name none.
const ORDINARY: &str = "file";

/// Where a path leads.
#[derive(Debug)]
pub struct Place<'p> {
    /// The directory that has, or would have, the last name.
    pub dir: InodeId,
    /// The last name; empty when the path has none and leads to `dir` itself.
    pub name: Cow<'p, str>,
    /// What is there.
    pub found: Option<InodeId>,
}

impl Place<'_> {
    fn itself(dir: InodeId) -> Self {
        Place { dir, name: Cow::Borrowed(""), found: Some(dir) }
    }

    fn into_owned(self) -> Place<'static> {
        Place { dir: self.dir, name: Cow::Owned(self.name.into_owned()), found: self.found }
    }
}

/// A walk: what does not change on the way.
#[derive(Clone, Copy)]
pub struct Walk {
    /// Number of the volume.
    pub volume: usize,
    /// Who walks.
    pub user: User,
    /// Whether a symbolic link at the end is followed.
    pub follow: bool,
}

/// Where the first slash is. Looks at eight bytes at a time.
#[inline]
fn find_slash(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const SLASHES: u64 = u64::from_ne_bytes([b'/'; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let others = u64::from_le_bytes(*word) ^ SLASHES;
        // The lowest byte that was a slash has its high bit here; bytes above it may have theirs for nothing.
        let found = others.wrapping_sub(LOW) & !others & HIGH;
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|&byte| byte == b'/')?;
    Some(words.len() * 8 + at)
}

/// The first name of a path, and what follows it.
#[inline]
fn split(path: &str) -> (&str, &str) {
    match find_slash(path.as_bytes()) {
        Some(at) => (&path[..at], path[at..].trim_start_matches('/')),
        None => (path, ""),
    }
}

/// Where the target of an absolute link leads in the volume with this name; `None` when it leads elsewhere.
fn inside<'t>(target: &'t str, volume: &str) -> Option<&'t str> {
    let ordinary = || (volume == ORDINARY).then_some(target);
    let Some(rest) = target.strip_prefix("/scheme") else { return ordinary() };
    if !rest.is_empty() && !rest.starts_with('/') {
        // Something like `/schemes`.
        return ordinary();
    }
    let (name, reference) = split(rest.trim_start_matches('/'));
    (name == volume).then_some(reference)
}

impl<C> FileSystem<C> {
    /// Follows a path from a directory.
    #[inline]
    pub fn walk<'p>(&self, from: InodeId, path: &'p str, walk: Walk) -> Result<Place<'p>> {
        self.walk_links(from, path, walk, 0)
    }

    fn walk_links<'p>(&self, from: InodeId, path: &'p str, walk: Walk, links: u32) -> Result<Place<'p>> {
        let mut dir = from;
        let mut rest = path.trim_matches('/');
        while !rest.is_empty() {
            let (name, more) = split(rest);
            let inode = self.inode(dir)?;
            let directory = inode.directory().ok_or(Error::new(ENOTDIR))?;
            if !self.allows(inode, walk.user, permission::EXECUTE) {
                return Err(Error::new(EACCES));
            }
            if name.len() > NAME_MAX {
                return Err(Error::new(ENAMETOOLONG));
            }
            if let "." | ".." = name {
                if name == ".." {
                    dir = self.parent(dir, walk.volume)?;
                }
                rest = more;
                continue;
            }
            let last = more.is_empty();
            let Some(found) = directory.get(name) else {
                return if last {
                    Ok(Place { dir, name: Cow::Borrowed(name), found: None })
                } else {
                    Err(Error::new(ENOENT))
                };
            };
            if (!last || walk.follow)
                && let Kind::Link(target) = &self.inode(found)?.kind
            {
                return self.walk_link(dir, target, more, walk, links + 1);
            }
            if last {
                return Ok(Place { dir, name: Cow::Borrowed(name), found: Some(found) });
            }
            (dir, rest) = (found, more);
        }
        Ok(Place::itself(dir))
    }

    /// Goes on where a symbolic link in `dir` leads.
    #[cold]
    fn walk_link(&self, dir: InodeId, target: &str, more: &str, walk: Walk, links: u32) -> Result<Place<'static>> {
        if links > LINKS_MAX {
            return Err(Error::new(ELOOP));
        }
        if target.is_empty() {
            return Err(Error::new(ENOENT));
        }
        let volume = self.volume(walk.volume)?;
        let (from, reference) = if target.starts_with('/') {
            (volume.root, inside(target, &volume.name).ok_or(Error::new(EXDEV))?)
        } else if split(target).0.contains(':') {
            // `NAME:reference` names a scheme.
            return Err(Error::new(EXDEV));
        } else {
            (dir, target)
        };
        let path = if more.is_empty() { reference.to_owned() } else { [reference, "/", more].concat() };
        self.walk_links(from, &path, walk, links).map(Place::into_owned)
    }

    /// The directory above. That of a root is the root itself for ordinary paths; elsewhere the list of schemes, which is
    /// not here.
    fn parent(&self, dir: InodeId, volume: usize) -> Result<InodeId> {
        let volume = self.volume(volume)?;
        match &self.inode(dir)?.place {
            Some((parent, _)) => Ok(*parent),
            None if dir != volume.root => Err(Error::new(ENOENT)),
            None if volume.name == ORDINARY => Ok(dir),
            None => Err(Error::new(EXDEV)),
        }
    }

    /// The path of an inode from the root of its volume, without a slash in front. `ENOENT` when it has no name any more.
    pub fn path(&self, inode: InodeId, volume: usize) -> Result<String> {
        let root = self.volume(volume)?.root;
        let mut names = Vec::new();
        let mut at = inode;
        while at != root {
            let (parent, name) = self.inode(at)?.place.as_ref().ok_or(Error::new(ENOENT))?;
            names.push(&**name);
            at = *parent;
        }
        names.reverse();
        Ok(names.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_slash_is_found() {
        for len in 0..40 {
            for first in 0..=len {
                let mut bytes: Vec<u8> = (0..len).map(|at| b"a.0\x2e\xff\xaf\x30"[at % 7]).collect();
                if first < len {
                    bytes[first] = b'/';
                    bytes[len - 1] = b'/';
                }
                assert_eq!(find_slash(&bytes), bytes.iter().position(|&byte| byte == b'/'), "{bytes:?}");
            }
        }
    }

    #[test]
    fn links_that_stay_and_links_that_leave() {
        for (target, volume, expected) in [
            ("/etc/x", "file", Some("/etc/x")),
            ("/etc/x", "tmp", None),
            ("/scheme/tmp/x/y", "tmp", Some("x/y")),
            ("/scheme/tmp", "tmp", Some("")),
            ("/scheme/file/x", "file", Some("x")),
            ("/scheme/tmp/x", "file", None),
            ("/scheme/tmpx", "tmp", None),
            ("/scheme", "file", None),
            ("/schemes", "file", Some("/schemes")),
            ("/schemes", "tmp", None),
        ] {
            assert_eq!(inside(target, volume), expected, "{target} in {volume}");
        }
    }
}
