//! Writes an initfs: a cpio archive in the "newc" format.
//!
//! The same contents give the same bytes: entries are in the order of their paths, owned by root, without times.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cpio::newc::{Builder, ModeFileType, trailer};
use kernel_core::cpio as reader;

/// First bytes of an ELF file.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// File types of stat(2).
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;

/// What is wrong with what was to be added.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a relative path of plain names.
    #[error("{0:?} is no path for an archive: it takes names separated by single slashes, without `.` and `..`")]
    BadPath(String),
    /// Something with this path is in the archive already.
    #[error("{0} is in the archive twice")]
    Duplicate(String),
    /// The format has 32 bits for a file's size.
    #[error("{0} has 4 GiB or more, which the format cannot hold")]
    TooLarge(String),
    /// Neither a file nor a directory.
    #[error("{0} is neither a file nor a directory")]
    OddFile(PathBuf),
    /// An archive that cannot be read from this byte on.
    #[error("the archive is damaged at byte {0}")]
    Damaged(usize),
    /// The host's file system failed.
    #[error("{0}: {1}")]
    Host(PathBuf, io::Error),
}

#[derive(Debug)]
enum Node {
    /// `true` when it stands there for its own sake and not only for what is in it.
    Directory(bool),
    File(Vec<u8>),
    /// Major and minor number.
    CharacterDevice(u32, u32),
}

/// An archive that is being put together.
#[derive(Debug, Default)]
pub struct Archive {
    nodes: BTreeMap<String, Node>,
}

impl Archive {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// An archive that was written here, so that more can be added.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut archive = Self::new();
        for entry in reader::entries(bytes) {
            let entry = entry.map_err(|at| Error::Damaged(at.offset))?;
            let path = String::from_utf8_lossy(entry.name);
            match entry.mode & S_IFMT {
                S_IFREG => archive.file(&path, entry.data.to_vec())?,
                S_IFDIR => archive.directory(&path)?,
                _ => return Err(Error::OddFile(path.as_ref().into())),
            }
        }
        Ok(archive)
    }

    /// Adds a file, and the directories it is in. It may be executed when it lies in `bin/` or is an ELF file.
    pub fn file(&mut self, path: &str, data: Vec<u8>) -> Result<(), Error> {
        if u32::try_from(data.len()).is_err() {
            return Err(Error::TooLarge(path.into()));
        }
        self.add(path, Node::File(data))
    }

    /// Adds a directory, and those it is in.
    pub fn directory(&mut self, path: &str) -> Result<(), Error> {
        self.add(path, Node::Directory(true))
    }

    /// Adds a character device with this major and minor number: Linux wants one to print its first messages to.
    pub fn character_device(&mut self, path: &str, major: u32, minor: u32) -> Result<(), Error> {
        self.add(path, Node::CharacterDevice(major, minor))
    }

    /// Adds a file of the host.
    pub fn host_file(&mut self, path: &str, host: &Path) -> Result<(), Error> {
        let data = fs::read(host).map_err(|error| Error::Host(host.into(), error))?;
        self.file(path, data)
    }

    /// Adds all that is in a directory of the host, under the paths it has there. Symbolic links and devices are refused.
    pub fn host_tree(&mut self, host: &Path) -> Result<(), Error> {
        self.host_tree_at("", host)
    }

    fn host_tree_at(&mut self, prefix: &str, host: &Path) -> Result<(), Error> {
        let failed = |error| Error::Host(host.into(), error);
        for entry in fs::read_dir(host).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| Error::OddFile(entry.path()))?;
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                self.directory(&path)?;
                self.host_tree_at(&format!("{path}/"), &entry.path())?;
            } else if kind.is_file() {
                self.host_file(&path, &entry.path())?;
            } else {
                return Err(Error::OddFile(entry.path()));
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, node: Node) -> Result<(), Error> {
        // The name that ends an archive is no name for a file.
        let plain = |name: &str| !matches!(name, "" | "." | ".." | "TRAILER!!!") && !name.contains('\0');
        if !path.split('/').all(plain) {
            return Err(Error::BadPath(path.into()));
        }
        let parents = || path.match_indices('/').map(|(at, _)| &path[..at]);
        // Checked before anything is added, so that a refused path leaves no trace.
        if let Some(parent) =
            parents().find(|parent| !matches!(self.nodes.get(*parent), None | Some(Node::Directory(_))))
        {
            return Err(Error::Duplicate(parent.into()));
        }
        match (self.nodes.get(path), &node) {
            (None, _) | (Some(Node::Directory(false)), Node::Directory(true)) => {}
            _ => return Err(Error::Duplicate(path.into())),
        }
        for parent in parents() {
            self.nodes.entry(parent.into()).or_insert(Node::Directory(false));
        }
        self.nodes.insert(path.into(), node);
        Ok(())
    }

    /// The archive's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (number, (path, node)) in (1..).zip(&self.nodes) {
            write_entry(&mut bytes, number, path, node).expect("memory takes every write, and sizes were checked");
        }
        trailer(&mut bytes).expect("memory takes every write");
        bytes
    }
}

fn write_entry(bytes: &mut Vec<u8>, number: u32, path: &str, node: &Node) -> io::Result<()> {
    let entry = Builder::new(path).ino(number);
    let (entry, data) = match node {
        Node::Directory(_) => (entry.mode(0o755).set_mode_file_type(ModeFileType::Directory), &[][..]),
        Node::File(data) => {
            let mode = if path.starts_with("bin/") || data.starts_with(ELF_MAGIC) { 0o755 } else { 0o644 };
            (entry.mode(mode).set_mode_file_type(ModeFileType::Regular), &data[..])
        }
        Node::CharacterDevice(major, minor) => {
            let entry = entry.mode(0o600).set_mode_file_type(ModeFileType::Char);
            (entry.rdev_major(*major).rdev_minor(*minor), &[][..])
        }
    };
    let mut writer = entry.write(bytes, data.len() as u32);
    writer.write_all(data)?;
    writer.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_core::cpio::{entries, find};

    /// Paths and modes as the kernel reads them.
    fn listing(bytes: &[u8]) -> Vec<(String, u32)> {
        entries(bytes)
            .map(|entry| entry.expect("the archive is whole"))
            .map(|entry| (String::from_utf8_lossy(entry.name).into_owned(), entry.mode))
            .collect()
    }

    #[test]
    fn the_kernel_reads_what_was_written() {
        let mut archive = Archive::new();
        // All remainders of both paddings.
        for len in 0..9 {
            archive.file(&format!("etc/{}", "n".repeat(len + 1)), vec![b'0' + len as u8; len]).unwrap();
        }
        archive.file("bin/tool", b"#!".to_vec()).unwrap();
        archive.file("program", b"\x7fELF...".to_vec()).unwrap();
        archive.directory("empty/inner").unwrap();
        archive.character_device("console", 5, 1).unwrap();
        let bytes = archive.to_bytes();
        assert_eq!(bytes.len() % 4, 0);
        for len in 0..9 {
            let found = find(&bytes, &format!("etc/{}", "n".repeat(len + 1)));
            assert_eq!(found, Some(&vec![b'0' + len as u8; len][..]));
        }
        let listing = listing(&bytes);
        assert_eq!(listing.len(), 9 + 7);
        for (path, mode) in [
            ("bin", 0o040_755),
            ("bin/tool", 0o100_755),
            ("program", 0o100_755),
            ("etc", 0o040_755),
            ("etc/n", 0o100_644),
            ("empty", 0o040_755),
            ("empty/inner", 0o040_755),
            ("console", 0o020_600),
        ] {
            assert!(listing.contains(&(path.into(), mode)), "{path}");
        }
        let at = |name| listing.iter().position(|(path, _)| path == name).unwrap();
        assert!(at("bin") < at("bin/tool"), "a directory comes before what is in it");
    }

    #[test]
    fn the_order_of_adding_does_not_matter() {
        let build = |paths: [&str; 3]| {
            let mut archive = Archive::new();
            for path in paths {
                archive.file(path, path.as_bytes().to_vec()).unwrap();
            }
            archive.to_bytes()
        };
        assert_eq!(build(["a/b", "c", "a/a"]), build(["c", "a/a", "a/b"]));
    }

    #[test]
    fn what_is_there_twice_is_refused_and_changes_nothing() {
        let mut archive = Archive::new();
        archive.file("bin/x", vec![1]).unwrap();
        let before = archive.to_bytes();
        assert!(matches!(archive.file("bin/x", vec![2]), Err(Error::Duplicate(path)) if path == "bin/x"));
        assert!(matches!(archive.file("bin/x/y", vec![2]), Err(Error::Duplicate(path)) if path == "bin/x"));
        assert!(matches!(archive.file("bin", vec![2]), Err(Error::Duplicate(path)) if path == "bin"));
        assert_eq!(archive.to_bytes(), before);
        archive.directory("bin").unwrap();
        assert!(matches!(archive.directory("bin"), Err(Error::Duplicate(_))));
    }

    #[test]
    fn what_was_read_is_written_the_same() {
        let mut archive = Archive::new();
        archive.file("bin/tool", b"#!".to_vec()).unwrap();
        archive.directory("empty").unwrap();
        let bytes = archive.to_bytes();
        assert_eq!(Archive::read(&bytes).unwrap().to_bytes(), bytes);
        let mut more = Archive::read(&bytes).unwrap();
        more.file("empty/x", b"x".to_vec()).unwrap();
        assert_eq!(find(&more.to_bytes(), "empty/x"), Some(&b"x"[..]));
        assert!(matches!(Archive::read(&bytes[..200]), Err(Error::Damaged(_))));
        // The name of a device would be lost in silence.
        archive.character_device("console", 5, 1).unwrap();
        assert!(matches!(Archive::read(&archive.to_bytes()), Err(Error::OddFile(path)) if path.ends_with("console")));
    }

    #[test]
    fn odd_paths_are_refused() {
        let mut archive = Archive::new();
        for path in ["", "/", "/a", "a/", "a//b", "./a", "a/../b", "a\0b", "TRAILER!!!"] {
            assert!(matches!(archive.file(path, Vec::new()), Err(Error::BadPath(_))), "{path:?}");
        }
        assert_eq!(listing(&archive.to_bytes()), []);
    }

    #[test]
    fn a_tree_of_the_host() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir_all(host.path().join("bin")).unwrap();
        fs::create_dir_all(host.path().join("empty")).unwrap();
        fs::write(host.path().join("bin/x"), b"one").unwrap();
        let mut archive = Archive::new();
        archive.host_tree(host.path()).unwrap();
        let bytes = archive.to_bytes();
        let paths: Vec<String> = listing(&bytes).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["bin", "bin/x", "empty"]);
        assert_eq!(find(&bytes, "bin/x"), Some(&b"one"[..]));

        std::os::unix::fs::symlink("x", host.path().join("bin/link")).unwrap();
        assert!(matches!(Archive::new().host_tree(host.path()), Err(Error::OddFile(path)) if path.ends_with("link")));
        assert!(matches!(Archive::new().host_tree(&host.path().join("no")), Err(Error::Host(..))));
    }
}
