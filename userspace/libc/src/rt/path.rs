//! Path names: from what a program says to the scheme and the reference inside it.
//!
//! `/scheme/NAME/reference` and `NAME:reference` name a scheme; every other absolute path lies in the scheme `file`; a
//! relative path is taken from the current directory. `.`, `..` and repeated slashes are removed here, because schemes
//! refuse them. The removal is textual: `link/..` is the directory that holds `link`.

use core::mem::MaybeUninit;

use syscall::error::{EINVAL, ENAMETOOLONG, ENOENT, Error, Result};

/// Longest path in bytes (`PATH_MAX` of crate `libc`).
pub const PATH_MAX: usize = 4096;
/// The scheme of ordinary paths.
pub const FILE_SCHEME: &[u8] = b"file";
/// What the path of a scheme starts with.
const SCHEME_PREFIX: &[u8] = b"/scheme";

/// A canonical absolute path: `/` or `/a/b`, no dot components, no trailing slash.
pub struct Canonical {
    bytes: [MaybeUninit<u8>; PATH_MAX],
    len: usize,
    /// The path ended in a slash (or dots): it must name a directory.
    pub must_be_directory: bool,
}

/// Where a canonical path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The list of schemes itself (`/scheme`).
    SchemeList,
    /// `reference` (no leading slash; empty for the root) inside the scheme `name`.
    Scheme {
        /// Name of the scheme.
        name: &'a [u8],
        /// Path in it.
        reference: &'a [u8],
    },
}

impl Canonical {
    /// The root directory.
    pub const fn root() -> Self {
        Canonical { bytes: [MaybeUninit::uninit(); PATH_MAX], len: 0, must_be_directory: true }
    }

    /// Canonical form of `path`, relative to the canonical path `cwd`. `ENOENT` for an empty path, `ENAMETOOLONG`,
    /// `EINVAL` for a NUL inside.
    pub fn new(cwd: &[u8], path: &[u8]) -> Result<Self> {
        let mut canonical = Self::root();
        canonical.set(cwd, path)?;
        Ok(canonical)
    }

    /// As [`Canonical::new`], for `action` to use where it lies: moving a path copies its whole buffer.
    #[inline]
    pub fn with<T>(cwd: &[u8], path: &[u8], action: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let mut place = MaybeUninit::<Self>::uninit();
        let at = place.as_mut_ptr();
        // SAFETY: the two fields are written here, and the bytes need not be.
        let canonical = unsafe {
            (&raw mut (*at).len).write(0);
            (&raw mut (*at).must_be_directory).write(true);
            &mut *at
        };
        canonical.set(cwd, path)?;
        action(canonical)
    }

    /// The same path once more.
    pub fn copy(&self) -> Result<Self> {
        let mut copy = Self::new(b"/", self.as_bytes())?;
        copy.must_be_directory = self.must_be_directory;
        Ok(copy)
    }

    /// As [`Canonical::new`], in place: the buffer is large.
    pub fn set(&mut self, cwd: &[u8], path: &[u8]) -> Result<()> {
        if path.is_empty() {
            return Err(Error::new(ENOENT));
        }
        self.len = 0;
        if is_canonical(path) {
            self.append(path)?;
            self.must_be_directory = false;
            self.shorten();
            return Ok(());
        }
        let rest = if path[0] == b'/' {
            path
        } else if let Some((name, reference)) = url(path) {
            self.append(SCHEME_PREFIX)?;
            self.push(name)?;
            reference
        } else {
            self.append(if cwd == b"/" { b"" } else { cwd })?;
            path
        };
        let mut last: &[u8] = b"";
        for component in rest.split(|&byte| byte == b'/') {
            last = component;
            match component {
                b"" | b"." => {}
                b".." => self.pop(),
                name => self.push(name)?,
            }
        }
        self.must_be_directory = matches!(last, b"" | b"." | b"..");
        self.shorten();
        Ok(())
    }

    /// The path as text; `/` for the root.
    pub fn as_bytes(&self) -> &[u8] {
        if self.len == 0 { b"/" } else { self.raw() }
    }

    fn raw(&self) -> &[u8] {
        // SAFETY: `append` has written the first `len` bytes.
        unsafe { self.bytes[..self.len].assume_init_ref() }
    }

    /// Where it leads.
    pub fn target(&self) -> Target<'_> {
        let raw = self.raw();
        let ordinary = Target::Scheme { name: FILE_SCHEME, reference: raw.get(1..).unwrap_or(b"") };
        let Some(rest) = raw.strip_prefix(SCHEME_PREFIX) else {
            return ordinary;
        };
        match rest {
            [] => Target::SchemeList,
            [b'/', rest @ ..] => {
                let end = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
                Target::Scheme { name: &rest[..end], reference: rest.get(end + 1..).unwrap_or(b"") }
            }
            // Something like `/schemes`.
            _ => ordinary,
        }
    }

    /// The directory that holds what the path names, and the name in it; `None` for the root.
    pub fn split(&self) -> Option<(&[u8], &[u8])> {
        let raw = self.raw();
        let at = raw.iter().rposition(|&byte| byte == b'/')?;
        Some((if at == 0 { b"/" } else { &raw[..at] }, &raw[at + 1..]))
    }

    fn push(&mut self, name: &[u8]) -> Result<()> {
        if name.contains(&0) {
            return Err(Error::new(EINVAL));
        }
        self.append(b"/")?;
        self.append(name)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let room = self.bytes.get_mut(self.len..self.len + bytes.len()).ok_or(Error::new(ENAMETOOLONG))?;
        room.write_copy_of_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }

    fn pop(&mut self) {
        self.len = self.raw().iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    }

    /// `/scheme/file/a` and `/a` are the same place: keep the short form.
    fn shorten(&mut self) {
        const LONG: &[u8] = b"/scheme/file";
        if self.raw().starts_with(LONG) && matches!(self.raw().get(LONG.len()), None | Some(b'/')) {
            self.bytes.copy_within(LONG.len()..self.len, 0);
            self.len -= LONG.len();
        }
    }
}

/// Whether a path is absolute and has nothing to be removed: one look at each byte, for what most programs say.
#[inline]
fn is_canonical(path: &[u8]) -> bool {
    // A component that begins with a dot may be one of the two; a NUL is refused elsewhere. Without a branch for each pair of bytes
    // many are looked at together; a dot is the byte before the slash.
    let odd = path.iter().zip(&path[1..]).fold(0, |odd, (&before, &byte)| {
        odd | u8::from(byte == 0) | u8::from(before == b'/') & u8::from(byte | 1 == b'/')
    });
    odd == 0 && path[0] == b'/' && path[path.len() - 1] != b'/'
}

/// Divides `NAME:reference`; `None` when it is no such thing. A relative path whose first component holds a colon is
/// written with `./` in front.
fn url(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = path.iter().position(|&byte| byte == b':' || byte == b'/')?;
    (path[at] == b':' && at > 0).then(|| (&path[..at], &path[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(cwd: &str, path: &str) -> String {
        String::from_utf8(Canonical::new(cwd.as_bytes(), path.as_bytes()).unwrap().as_bytes().to_vec()).unwrap()
    }

    fn target(path: &str) -> (String, String) {
        match Canonical::new(b"/", path.as_bytes()).unwrap().target() {
            Target::SchemeList => ("".into(), "".into()),
            Target::Scheme { name, reference } => {
                (String::from_utf8(name.to_vec()).unwrap(), String::from_utf8(reference.to_vec()).unwrap())
            }
        }
    }

    #[test]
    fn dots_and_slashes_go() {
        assert_eq!(canonical("/", "/"), "/");
        assert_eq!(canonical("/", "//a///b/"), "/a/b");
        assert_eq!(canonical("/", "/a/./b/../c"), "/a/c");
        assert_eq!(canonical("/", "/../../.."), "/");
        assert_eq!(canonical("/", "/..a/b.."), "/..a/b..");
    }

    #[test]
    fn relative_paths_start_in_the_current_directory() {
        assert_eq!(canonical("/home/u", "x"), "/home/u/x");
        assert_eq!(canonical("/home/u", "../x/."), "/home/x");
        assert_eq!(canonical("/", "x"), "/x");
        assert_eq!(canonical("/", "."), "/");
        assert_eq!(canonical("/scheme/initfs/bin", "../etc"), "/scheme/initfs/etc");
        assert_eq!(canonical("/", "./a:b"), "/a:b");
    }

    #[test]
    fn both_spellings_of_a_scheme() {
        assert_eq!(canonical("/home", "memory:physical"), "/scheme/memory/physical");
        assert_eq!(canonical("/home", "pipe:"), "/scheme/pipe");
        assert_eq!(canonical("/home", "tcp:127.0.0.1:80"), "/scheme/tcp/127.0.0.1:80");
        assert_eq!(canonical("/home", "x:/a//b"), "/scheme/x/a/b");
        assert_eq!(canonical("/home", ":a"), "/home/:a");
        assert_eq!(canonical("/home", "file:/a"), "/a");
        assert_eq!(canonical("/home", "/scheme/file/a"), "/a");
        assert_eq!(canonical("/home", "/scheme/file"), "/");
        assert_eq!(canonical("/home", "/scheme/filex/a"), "/scheme/filex/a");
    }

    #[test]
    fn targets() {
        assert_eq!(target("/"), ("file".into(), "".into()));
        assert_eq!(target("/a/b"), ("file".into(), "a/b".into()));
        assert_eq!(target("/schemes/b"), ("file".into(), "schemes/b".into()));
        assert_eq!(target("/scheme/rand"), ("rand".into(), "".into()));
        assert_eq!(target("/scheme/x/a/b/"), ("x".into(), "a/b".into()));
        assert_eq!(Canonical::new(b"/", b"/scheme/").unwrap().target(), Target::SchemeList);
    }

    #[test]
    fn trailing_slashes_mean_directories() {
        for (path, directory) in
            [("/a", false), ("/a/", true), ("/a/.", true), ("/a/..", true), ("/", true), ("a", false)]
        {
            assert_eq!(Canonical::new(b"/", path.as_bytes()).unwrap().must_be_directory, directory, "{path}");
        }
    }

    #[test]
    fn split_into_directory_and_name() {
        let split = |path: &str| {
            let canonical = Canonical::new(b"/", path.as_bytes()).unwrap();
            canonical.split().map(|(dir, name)| (dir.to_vec(), name.to_vec()))
        };
        assert_eq!(split("/a/b"), Some((b"/a".to_vec(), b"b".to_vec())));
        assert_eq!(split("/a"), Some((b"/".to_vec(), b"a".to_vec())));
        assert_eq!(split("/"), None);
    }

    #[test]
    fn what_cannot_be_a_path() {
        let error = |path: &[u8]| Canonical::new(b"/", path).err().map(|error| error.errno);
        assert_eq!(error(b""), Some(ENOENT));
        assert_eq!(error(b"/a\0b"), Some(EINVAL));
        assert_eq!(error(&[b'a'; PATH_MAX]), Some(ENAMETOOLONG));
        assert_eq!(error(&[b'/'; 2 * PATH_MAX]), None);
        assert_eq!(error(&b"a/".repeat(PATH_MAX)), Some(ENAMETOOLONG));
        assert_eq!(error(&b"a/../".repeat(PATH_MAX)), None);
    }

    /// The short way for paths that need no change must lead where the long way leads.
    #[test]
    fn both_ways_lead_to_the_same_place() {
        let letters = b"/.a:\0";
        for number in 0..letters.len().pow(7) {
            let path: Vec<u8> = (0..7).map(|at| letters[number / letters.len().pow(at) % letters.len()]).collect();
            let path = path.strip_suffix(b"a").unwrap_or(&path);
            if !is_canonical(path) {
                continue;
            }
            // A dot component in front forces the long way.
            let long = Canonical::new(b"/", &[b"/.", path].concat()).unwrap();
            let short = Canonical::new(b"/", path).unwrap();
            assert_eq!((short.as_bytes(), short.must_be_directory), (long.as_bytes(), long.must_be_directory));
        }
    }
}
