//! What is carried in: files and folders of this machine, as an archive that the guest unpacks to the same paths.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use cpio::newc::{Builder, ModeFileType, trailer};

/// Most bytes that are carried in, besides programs. They are in the guest's memory twice while it unpacks them.
pub const MOST: usize = 256 << 20;

/// First bytes of an ELF file.
const ELF_MAGIC: &[u8] = b"\x7fELF";

enum Node {
    Directory,
    File(Vec<u8>),
    Link(Vec<u8>),
}

/// Files that are gathered.
#[derive(Default)]
pub struct Carry {
    nodes: BTreeMap<String, (u32, Node)>,
    bytes: usize,
}

impl Carry {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or a folder with what is in it. Left out: what cargo and git have made (`target`, `.git`), and what is neither
    /// file, folder nor symbolic link.
    pub fn add(&mut self, path: &Path) -> Result<(), String> {
        let path = absolute(path)?;
        let data = fs::symlink_metadata(&path).map_err(|error| named(&path, error))?;
        if data.is_dir() {
            return self.add_folder(&path, &data);
        }
        let node = if data.is_symlink() {
            let target = fs::read_link(&path).map_err(|error| named(&path, error))?;
            Node::Link(target.into_os_string().into_encoded_bytes())
        } else if data.is_file() {
            self.bytes += data.len() as usize;
            if self.bytes > MOST {
                return Err(format!(
                    "{} and what is before it are more than {} MiB to carry in",
                    path.display(),
                    MOST >> 20
                ));
            }
            Node::File(fs::read(&path).map_err(|error| named(&path, error))?)
        } else {
            return Ok(());
        };
        self.insert(&path, data.permissions().mode(), node)
    }

    fn add_folder(&mut self, path: &Path, data: &Metadata) -> Result<(), String> {
        self.insert(path, data.permissions().mode(), Node::Directory)?;
        for entry in fs::read_dir(path).map_err(|error| named(path, error))? {
            let entry = entry.map_err(|error| named(path, error))?;
            if !is_made(&entry.path()) {
                self.add(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Adds a program, without what only a debugger wants.
    pub fn add_program(&mut self, path: &Path) -> Result<(), String> {
        let path = absolute(path)?;
        self.insert(&path, 0o755, Node::File(stripped(&path)?))
    }

    fn insert(&mut self, path: &Path, mode: u32, node: Node) -> Result<(), String> {
        let text = path.to_str().ok_or_else(|| format!("{}: the path is not UTF-8", path.display()))?;
        self.nodes.insert(text.trim_start_matches('/').into(), (mode & 0o7777, node));
        Ok(())
    }

    /// The archive.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (number, (path, (mode, node))) in (1..).zip(&self.nodes) {
            let (kind, data) = match node {
                Node::Directory => (ModeFileType::Directory, &[][..]),
                Node::File(data) => (ModeFileType::Regular, &data[..]),
                Node::Link(target) => (ModeFileType::Symlink, &target[..]),
            };
            let entry = Builder::new(path).ino(number).mode(*mode).set_mode_file_type(kind);
            let mut writer = entry.write(&mut bytes, data.len() as u32);
            writer.write_all(data)?;
            writer.finish()?;
        }
        trailer(&mut bytes)?;
        Ok(bytes)
    }
}

/// A path from the root on, without `.` and `..`; links in it stay.
pub fn absolute(path: &Path) -> Result<PathBuf, String> {
    let path = std::path::absolute(path).map_err(|error| named(path, error))?;
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    Ok(plain)
}

/// Whether a folder has been made by cargo or git, and is made anew where it is needed.
fn is_made(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".git") || path.join("CACHEDIR.TAG").is_file()
}

/// A program with its symbols but without the rest that a debugger wants, if there is a `strip`.
fn stripped(path: &Path) -> Result<Vec<u8>, String> {
    let small = tempfile::NamedTempFile::new().map_err(|error| format!("no temporary file: {error}"))?;
    let done = Command::new("strip").arg("--strip-debug").arg("-o").arg(small.path()).arg(path).output();
    let from = if done.is_ok_and(|done| done.status.success()) { small.path() } else { path };
    fs::read(from).map_err(|error| named(path, error))
}

/// Programs in this folder: what cargo has built beside a test. Errors are none: then there are none.
pub fn programs(folder: &Path) -> Vec<PathBuf> {
    let is_program = |path: &PathBuf| {
        let mut magic = [0; 4];
        let read = |mut file: fs::File| std::io::Read::read_exact(&mut file, &mut magic);
        path.extension().is_none()
            && path.is_file()
            && fs::File::open(path).and_then(read).is_ok()
            && magic == *ELF_MAGIC
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_program).collect()
}

fn named(path: &Path, error: std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_guest_unpacks_what_was_gathered() {
        let host = tempfile::tempdir().unwrap();
        let at = |path: &str| host.path().join(path);
        for folder in ["src", ".git", "target", "empty"] {
            fs::create_dir(at(folder)).unwrap();
        }
        fs::write(at("target/CACHEDIR.TAG"), b"").unwrap();
        fs::write(at("src/lib.rs"), b"text").unwrap();
        fs::write(at("tool"), b"#!").unwrap();
        fs::set_permissions(at("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("src/lib.rs", at("link")).unwrap();
        let mut carry = Carry::new();
        carry.add(&at("src/..")).unwrap();
        let guest = tempfile::tempdir().unwrap();
        errand::files::unpack(&carry.to_bytes().unwrap(), guest.path()).unwrap();
        let there = |path: &str| guest.path().join(at(path).strip_prefix("/").unwrap());
        assert_eq!(fs::read(there("link")).unwrap(), b"text");
        assert_eq!(fs::metadata(there("tool")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(there("empty").is_dir() && !there("target").exists() && !there(".git").exists());
        assert!(Carry::new().add(&at("nothing")).unwrap_err().contains("nothing: "));
    }

    #[test]
    fn programs_are_those_that_are() {
        let host = tempfile::tempdir().unwrap();
        for (name, data) in [("a", "\x7fELF.."), ("b", "#!"), ("c.so", "\x7fELF.."), ("d", "")] {
            fs::write(host.path().join(name), data).unwrap();
        }
        assert_eq!(programs(host.path()), [host.path().join("a")]);
        assert!(programs(Path::new("/nowhere")).is_empty());
    }
}
