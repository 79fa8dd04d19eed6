//! Files of a folder, as they are read from the file system.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Result;
use std::path::Path;
use std::time::SystemTime;

use crate::kind::{self, Kind};

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is; of a link, what it leads to.
    pub kind: Kind,
    /// Bytes.
    pub size: u64,
    /// When it was changed, if the file system says so.
    pub modified: Option<SystemTime>,
    /// Whether it is a symbolic link.
    pub link: bool,
}

impl Entry {
    /// Its name as it can be shown.
    pub fn title(&self) -> std::borrow::Cow<'_, str> {
        self.name.to_string_lossy()
    }

    /// Whether it is shown only to those who want to see everything.
    pub fn is_hidden(&self) -> bool {
        self.name.as_encoded_bytes().first() == Some(&b'.')
    }

    /// Whether it can be opened as a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == kind::FOLDER
    }

    fn read(path: &Path, name: &OsStr) -> Self {
        let title = name.to_string_lossy();
        let itself = fs::symlink_metadata(path);
        let link = itself.as_ref().is_ok_and(|metadata| metadata.file_type().is_symlink());
        // A link that leads nowhere is shown as what it is.
        let metadata = if link { fs::metadata(path) } else { itself };
        let (kind, size, modified) = match &metadata {
            Ok(metadata) => (kind::of(&title, metadata), metadata.len(), metadata.modified().ok()),
            Err(_) => (if link { kind::BROKEN } else { kind::OTHER }, 0, None),
        };
        Self { name: name.into(), kind, size, modified, link }
    }
}

/// What a folder held at some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Its files, in no order.
    pub entries: Vec<Entry>,
    /// When it was changed last.
    pub modified: Option<SystemTime>,
}

/// Reads a folder. A file that goes away meanwhile is left out or shown as it was.
pub fn read(path: &Path) -> Result<Folder> {
    // First the time, so that what changes meanwhile is news.
    let modified = stamp(path);
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        entries.push(Entry::read(&entry.path(), &entry.file_name()));
    }
    Ok(Folder { entries, modified })
}

/// When a folder was changed last. Schemes that are no file systems do not say.
pub fn stamp(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn a_folder_is_read_as_it_is() {
        let scratch = Scratch::new("entry");
        scratch.file("b.txt", b"hello");
        scratch.folder("a");
        scratch.file(".hidden", b"");
        scratch.link("to-a", "a");
        scratch.link("nowhere", "missing");
        let folder = read(scratch.path()).unwrap();
        let find = |name: &str| folder.entries.iter().find(|entry| entry.name == name).unwrap();
        assert_eq!(folder.entries.len(), 5);
        assert!(folder.modified.is_some());
        assert_eq!((find("b.txt").size, find("b.txt").kind.name), (5, "text/plain"));
        assert!(find("a").is_folder() && !find("a").link);
        assert!(find("to-a").is_folder() && find("to-a").link);
        assert!(find("nowhere").link && find("nowhere").kind == kind::BROKEN);
        assert!(find(".hidden").is_hidden());
        assert!(read(&scratch.path().join("missing")).is_err());
    }
}
