//! Unpacking what was carried in: a cpio archive (`newc`) of files, directories and symbolic links, each at the path that it had
//! on the machine that it comes from.

use std::fs::{self, Permissions};
use std::io::{Error, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use kernel_core::cpio::{self, Entry};

/// File types of stat(2).
const S_IFMT: u32 = 0o170_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;

/// Unpacks an archive below `root`. The error names the path that could not be made.
pub fn unpack(archive: &[u8], root: &Path) -> Result<()> {
    // Permissions of directories come last: a directory may be read-only, and what is in it must be made first.
    let mut directories = Vec::new();
    for entry in cpio::entries(archive) {
        let entry = entry.map_err(|at| Error::other(format!("the files carried in are damaged: {at:?}")))?;
        let path = place(root, entry.name)?;
        make(&entry, &path).map_err(|error| Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        if entry.mode & S_IFMT == S_IFDIR {
            directories.push((path, entry.mode & 0o7777));
        }
    }
    directories.into_iter().rev().try_for_each(|(path, mode)| fs::set_permissions(path, Permissions::from_mode(mode)))
}

/// Where an entry of this name belongs: below the root, always.
fn place(root: &Path, name: &[u8]) -> Result<PathBuf> {
    let name = Path::new(std::ffi::OsStr::from_bytes(name));
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.as_os_str().is_empty() {
        return Err(Error::other(format!("{} is no path for a file that is carried in", name.display())));
    }
    Ok(root.join(name))
}

fn make(entry: &Entry<'_>, path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match entry.mode & S_IFMT {
        S_IFDIR => fs::create_dir_all(path),
        S_IFREG => {
            fs::write(path, entry.data)?;
            fs::set_permissions(path, Permissions::from_mode(entry.mode & 0o7777))
        }
        S_IFLNK => symlink(std::ffi::OsStr::from_bytes(entry.data), path),
        _ => Err(Error::other("neither file nor directory nor symbolic link")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry as the format has it (cpio(5)).
    fn entry(name: &str, mode: u32, data: &[u8]) -> Vec<u8> {
        let fields = [0, mode, 0, 0, 1, 0, data.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
        let mut bytes = b"070701".to_vec();
        fields.iter().for_each(|field| bytes.extend(format!("{field:08x}").bytes()));
        for part in [&[name.as_bytes(), b"\0"].concat(), data] {
            bytes.extend(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    fn unpacked(entries: &[Vec<u8>]) -> (tempfile::TempDir, Result<()>) {
        let root = tempfile::tempdir().unwrap();
        let archive = [entries.concat(), entry("TRAILER!!!", 0, b"")].concat();
        let result = unpack(&archive, root.path());
        (root, result)
    }

    #[test]
    fn files_directories_and_links_are_made() {
        let (root, result) = unpacked(&[
            entry("a", 0o040_555, b""),
            entry("a/file", 0o100_640, b"text"),
            entry("b/c/tool", 0o100_755, b""),
            entry("a/link", 0o120_777, b"file"),
        ]);
        result.unwrap();
        let at = |path: &str| root.path().join(path);
        assert_eq!(fs::read(at("a/link")).unwrap(), b"text");
        let mode = |path: &str| fs::metadata(at(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("a"), mode("a/file"), mode("b/c/tool")), (0o555, 0o640, 0o755));
    }

    #[test]
    fn nothing_lands_outside_and_errors_name_the_path() {
        for name in ["../x", "/x", "a/../../x", "."] {
            let (_root, result) = unpacked(&[entry(name, 0o100_644, b"")]);
            assert!(result.unwrap_err().to_string().contains(name), "{name}");
        }
        let (_root, result) = unpacked(&[entry("pipe", 0o010_644, b"")]);
        assert!(result.unwrap_err().to_string().contains("/pipe: "));
        assert!(unpack(b"no archive", Path::new("/nowhere")).is_err());
    }
}
