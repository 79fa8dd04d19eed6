//! What a file is: crate `ochre-ui`'s kinds, with what a folder's listing tells besides.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ochre_ui::Icon;
pub use ochre_ui::programs::Kind;
use ochre_ui::programs::{self, kind_by_name};

/// A folder.
pub const FOLDER: Kind = Kind { name: "inode/directory", label: "Folder", icon: Icon::FOLDER };
/// A file that may be executed, and whose name says nothing else.
pub const PROGRAM: Kind = Kind { name: "application/x-executable", label: "Program", icon: Icon::SQUARE_TERMINAL };
/// What is read without coming to an end, maybe: devices, pipes, sockets.
pub const SPECIAL: Kind = Kind { name: "inode/x-special", label: "Device", icon: Icon::HARD_DRIVE };
/// A file about which its name says nothing.
pub const OTHER: Kind = Kind { name: "application/octet-stream", label: "File", icon: Icon::FILE };
/// A link that leads nowhere.
pub const BROKEN: Kind = Kind { name: "inode/x-broken", label: "Broken link", icon: Icon::FILE };
const TEXT: Kind = Kind { name: "text/plain", label: "Text", icon: Icon::FILE_TEXT };

/// Names of texts that have no ending.
const TEXTS: [&str; 9] =
    ["readme", "license", "licence", "makefile", "changelog", "copying", "authors", "notes", "profile"];

/// What a file of this name is, with what the file system says of it. Nothing is read.
pub fn of(name: &str, metadata: &Metadata) -> Kind {
    if metadata.is_dir() {
        return FOLDER;
    }
    if !metadata.is_file() {
        return SPECIAL;
    }
    let executable = metadata.permissions().mode() & 0o111 != 0;
    by_name(name).unwrap_or(if executable { PROGRAM } else { OTHER })
}

/// What a name says.
pub fn by_name(name: &str) -> Option<Kind> {
    let plain = name.trim_start_matches('.').to_ascii_lowercase();
    kind_by_name(Path::new(name)).or_else(|| TEXTS.contains(&plain.as_str()).then_some(TEXT))
}

/// What a file is, by looking into it where its name says nothing; of what may have no end nothing is read.
pub fn look(path: &Path, metadata: &Metadata) -> Kind {
    let known = of(&path.file_name().unwrap_or_default().to_string_lossy(), metadata);
    if known == OTHER || known == PROGRAM { programs::kind(path) } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;
    use std::fs;

    #[test]
    fn names_and_contents_say_what_files_are() {
        let scratch = Scratch::new("kind");
        let kind = |name: &str, content: &[u8], mode: u32| {
            let path = scratch.file(name, content);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let metadata = fs::metadata(&path).unwrap();
            (of(name, &metadata).name, look(&path, &metadata).name)
        };
        assert_eq!(kind("a.PNG", b"text", 0o644), ("image/png", "image/png"));
        assert_eq!(kind("README", b"\0", 0o644), ("text/plain", "text/plain"));
        assert_eq!(kind(".profile", b"", 0o644), ("text/plain", "text/plain"));
        assert_eq!(kind("run", b"\x7fELF", 0o755), (PROGRAM.name, PROGRAM.name));
        assert_eq!(kind("script", b"#!/bin/sh\n", 0o755), (PROGRAM.name, "text/plain"));
        assert_eq!(kind("words", b"words", 0o600), (OTHER.name, "text/plain"));
        assert_eq!(kind("data", b"\0\xff", 0o600), (OTHER.name, OTHER.name));
        let folder = fs::metadata(scratch.folder("f.png")).unwrap();
        assert_eq!(of("f.png", &folder), FOLDER);
        let device = fs::metadata("/dev/null").unwrap();
        assert_eq!(look(Path::new("/dev/null"), &device), SPECIAL);
    }
}
