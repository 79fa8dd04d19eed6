//! Writes an initfs: a cpio archive in the "newc" format.
//!
//! The same contents give the same bytes: entries are in an order that only paths and sizes decide, owned by root, without times.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cpio::newc::{Builder, ModeFileType, trailer};
use kernel_core::cpio as reader;

/// Bytes of a page. Files with fewer are not worth one of their own.
const PAGE: usize = 4096;
/// Bytes of an entry's header, which its name follows.
const HEADER: usize = 110;

/// First bytes of an ELF file.
const ELF_MAGIC: &[u8] = b"\x7fELF";

/// File types of stat(2).
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;
/// Any of the bits that let a file be executed.
const EXECUTE: u32 = 0o111;

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
    /// Neither a file nor a directory nor a symbolic link.
    #[error("{0} is neither a file nor a directory nor a symbolic link")]
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
    File(Data),
    /// Where it leads.
    Link(String),
    /// Major and minor number.
    CharacterDevice(u32, u32),
}

/// A file.
#[derive(Debug)]
struct Data {
    bytes: Vec<u8>,
    /// It may be executed, wherever it lies.
    executable: bool,
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
                S_IFREG => archive.add_file(&path, entry.data.to_vec(), entry.mode & EXECUTE != 0)?,
                S_IFDIR => archive.directory(&path)?,
                S_IFLNK => archive.link(&path, &String::from_utf8_lossy(entry.data))?,
                _ => return Err(Error::OddFile(path.as_ref().into())),
            }
        }
        Ok(archive)
    }

    /// Adds a file, and the directories it is in. It may be executed when it lies in `bin/` or is an ELF file.
    pub fn file(&mut self, path: &str, data: Vec<u8>) -> Result<(), Error> {
        self.add_file(path, data, false)
    }

    fn add_file(&mut self, path: &str, bytes: Vec<u8>, executable: bool) -> Result<(), Error> {
        if u32::try_from(bytes.len()).is_err() {
            return Err(Error::TooLarge(path.into()));
        }
        self.add(path, Node::File(Data { bytes, executable }))
    }

    /// Adds a symbolic link, and the directories it is in.
    pub fn link(&mut self, path: &str, target: &str) -> Result<(), Error> {
        if target.is_empty() || target.contains('\0') {
            return Err(Error::BadPath(target.into()));
        }
        self.add(path, Node::Link(target.into()))
    }

    /// Adds a directory, and those it is in.
    pub fn directory(&mut self, path: &str) -> Result<(), Error> {
        self.add(path, Node::Directory(true))
    }

    /// Adds a character device with this major and minor number: Linux wants one to print its first messages to.
    pub fn character_device(&mut self, path: &str, major: u32, minor: u32) -> Result<(), Error> {
        self.add(path, Node::CharacterDevice(major, minor))
    }

    /// Adds a file of the host. It may also be executed when it may be there.
    pub fn host_file(&mut self, path: &str, host: &Path) -> Result<(), Error> {
        let failed = |error| Error::Host(host.into(), error);
        let data = fs::read(host).map_err(failed)?;
        let mode = fs::metadata(host).map_err(failed)?.permissions().mode();
        self.add_file(path, data, mode & EXECUTE != 0)
    }

    /// Adds all that is in a directory of the host, under the paths it has there. Devices are refused.
    pub fn host_tree(&mut self, host: &Path) -> Result<(), Error> {
        self.host_entries("", host, |name| Some(name))
    }

    /// Adds a package of `recipes/`: as [`Archive::host_tree`], but its `share` becomes `usr/share`, and the cook's notes are left out.
    pub fn host_package(&mut self, host: &Path) -> Result<(), Error> {
        self.host_entries("", host, |name| match name {
            "share" => Some("usr/share"),
            note if note.starts_with('.') => None,
            name => Some(name),
        })
    }

    /// Adds what is in a directory behind `prefix`, under the names that `place` tells, if any.
    fn host_entries(&mut self, prefix: &str, host: &Path, place: fn(&str) -> Option<&str>) -> Result<(), Error> {
        let failed = |error| Error::Host(host.into(), error);
        for entry in fs::read_dir(host).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let odd = || Error::OddFile(entry.path());
            let name = entry.file_name();
            let Some(name) = place(name.to_str().ok_or_else(odd)?) else { continue };
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                self.merge_directory(&path)?;
                self.host_entries(&format!("{path}/"), &entry.path(), |name| Some(name))?;
            } else if kind.is_file() {
                self.host_file(&path, &entry.path())?;
            } else if kind.is_symlink() {
                let target = fs::read_link(entry.path()).map_err(failed)?;
                self.link(&path, target.to_str().ok_or_else(odd)?)?;
            } else {
                return Err(odd());
            }
        }
        Ok(())
    }

    /// Several trees may have the same directory.
    fn merge_directory(&mut self, path: &str) -> Result<(), Error> {
        if matches!(self.nodes.get(path), Some(Node::Directory(true))) { Ok(()) } else { self.directory(path) }
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

    /// The archive's bytes, its entries in the order of their paths.
    pub fn to_bytes(&self) -> Vec<u8> {
        write(self.entries(), false)
    }

    /// The same with every file of a page and more beginning at a multiple of a page, so that it can be mapped where it lies: NULs
    /// behind its name take the room. For the initfs; Linux takes no names that long.
    pub fn to_bytes_in_pages(&self) -> Vec<u8> {
        write(self.entries(), true)
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The archive's bytes with all directories and links first, then files, the smallest first: whoever unpacks it has most of them
    /// after a short time.
    pub fn to_bytes_smallest_first(&self) -> Vec<u8> {
        let mut entries: Vec<(&str, &Node)> = self.entries().collect();
        // Stable: what has the same size stays in the order of paths.
        entries.sort_by_key(|(_, node)| match node {
            Node::File(data) => (1, data.bytes.len()),
            _ => (0, 0),
        });
        write(entries.into_iter(), false)
    }

    /// Files, and the bytes in them.
    pub fn size(&self) -> (usize, usize) {
        let files = self.nodes.values().filter_map(|node| match node {
            Node::File(data) => Some(data.bytes.len()),
            _ => None,
        });
        files.fold((0, 0), |(count, bytes), len| (count + 1, bytes + len))
    }
}

fn write<'a>(nodes: impl Iterator<Item = (&'a str, &'a Node)>, in_pages: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, (path, node)) in (1..).zip(nodes) {
        let mut name = path.to_string();
        if in_pages && matches!(node, Node::File(data) if data.bytes.len() >= PAGE) {
            // The writer adds the last NUL.
            let end = (bytes.len() + HEADER + path.len() + 1).next_multiple_of(PAGE);
            name.extend(std::iter::repeat_n('\0', end - bytes.len() - HEADER - path.len() - 1));
        }
        write_entry(&mut bytes, number, path, &name, node).expect("memory takes every write, and sizes were checked");
    }
    trailer(&mut bytes).expect("memory takes every write");
    bytes
}

fn write_entry(bytes: &mut Vec<u8>, number: u32, path: &str, name: &str, node: &Node) -> io::Result<()> {
    let entry = Builder::new(name).ino(number);
    let (entry, data) = match node {
        Node::Directory(_) => (entry.mode(0o755).set_mode_file_type(ModeFileType::Directory), &[][..]),
        Node::File(Data { bytes, executable }) => {
            let executable = *executable || path.starts_with("bin/") || bytes.starts_with(ELF_MAGIC);
            let mode = if executable { 0o755 } else { 0o644 };
            (entry.mode(mode).set_mode_file_type(ModeFileType::Regular), &bytes[..])
        }
        Node::Link(target) => (entry.mode(0o777).set_mode_file_type(ModeFileType::Symlink), target.as_bytes()),
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
mod tests;
