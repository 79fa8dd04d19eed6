//! Makes the files that a case boots: its initfs and, for GRUB, its image.

use std::fs;
use std::path::{Path, PathBuf};

use ochre_installer::initfs::Archive;
use ochre_installer::iso::Iso;
use ochre_installer::symbols;

use crate::case::{Case, Door, Initfs, Source};
use crate::handover::{self, Entries};

/// A kernel and what is known of it.
#[derive(Debug)]
pub struct Kernel {
    /// Its ELF file.
    pub path: PathBuf,
    /// Where loaders enter it.
    pub entries: Entries,
    /// Its table of symbols, as the kernel's panic reads it.
    pub symbols: String,
}

impl Kernel {
    /// Reads a kernel, which must not be stripped.
    pub fn load(path: &Path) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let elf = fs::read(path).map_err(|error| named(&error))?;
        let entries = handover::entries(&elf).map_err(|error| named(&error))?;
        let symbols = symbols::table(&elf).map_err(|error| named(&error))?;
        Ok(Kernel { path: path.into(), entries, symbols })
    }
}

/// Writes the files of `case` into `folder`: the initfs, if it has one, and the image, if it boots from one. Answers the paths
/// of the initfs and of the image.
pub fn write(
    case: &Case,
    kernel: &Kernel,
    programs: &Path,
    desktop: &Path,
    folder: &Path,
) -> Result<(Option<PathBuf>, PathBuf), String> {
    if matches!(case.initfs, Initfs::Desktop) {
        return finished(desktop);
    }
    let image = folder.join("image.iso");
    let Some(bytes) = initfs(&case.initfs, kernel, programs)? else {
        return match case.door {
            Door::Pvh => Ok((None, image)),
            Door::Iso(..) => Err("an image always has an initfs".into()),
        };
    };
    let archive = folder.join("initfs");
    fs::write(&archive, bytes).map_err(|error| format!("{}: {error}", archive.display()))?;
    if case.door != Door::Pvh {
        let (append, timeout) = (case.append.as_str(), case.menu);
        let iso = Iso { kernel: &kernel.path, initfs: &archive, append, timeout, desktop: false };
        iso.write(&image).map_err(|error| error.to_string())?;
    }
    Ok((Some(archive), image))
}

/// The archive and the image of the desktop.
fn finished(desktop: &Path) -> Result<(Option<PathBuf>, PathBuf), String> {
    let file = |name: &str| {
        let path = desktop.join(name);
        if path.is_file() { Ok(path) } else { Err(format!("{} is not there; `make iso` makes it", path.display())) }
    };
    Ok((Some(file("initfs-desktop")?), file("ochre.iso")?))
}

fn initfs(initfs: &Initfs, kernel: &Kernel, programs: &Path) -> Result<Option<Vec<u8>>, String> {
    match initfs {
        Initfs::Missing | Initfs::Desktop => Ok(None),
        Initfs::Raw(bytes) => Ok(Some(bytes.clone())),
        Initfs::Files(files) => archive(files, kernel, programs).map(Some),
        Initfs::Cut(files, thousandths) => {
            let mut bytes = archive(files, kernel, programs)?;
            bytes.truncate(bytes.len() * thousandths / 1000);
            Ok(Some(bytes))
        }
    }
}

fn archive(files: &[(String, Source)], kernel: &Kernel, programs: &Path) -> Result<Vec<u8>, String> {
    let mut archive = Archive::new();
    let symbols = kernel.symbols.as_bytes().to_vec();
    archive.file(symbols::PATH, symbols).map_err(|error| error.to_string())?;
    for (path, source) in files {
        let added = match source {
            Source::Bytes(bytes) => archive.file(path, bytes.clone()),
            Source::Program(name) => archive.host_file(path, &programs.join(name)),
        };
        added.map_err(|error| error.to_string())?;
    }
    Ok(archive.to_bytes_in_pages())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel() -> Kernel {
        Kernel { path: "kernel".into(), entries: Entries { pvh: 0, multiboot2: 0 }, symbols: "1 a\n".into() }
    }

    #[test]
    fn archives_of_all_kinds() {
        let programs = tempfile::tempdir().unwrap();
        fs::write(programs.path().join("init"), b"program").unwrap();
        let files = vec![
            ("bin/init".to_string(), Source::Program("init".into())),
            ("etc/x".to_string(), Source::Bytes(b"x".to_vec())),
        ];
        let make = |kind| initfs(&kind, &kernel(), programs.path());
        let whole = make(Initfs::Files(files.clone())).unwrap().unwrap();
        let text = String::from_utf8_lossy(&whole).into_owned();
        for part in ["kernel.sym\0", "1 a\n", "bin/init\0", "program", "etc/x\0"] {
            assert!(text.contains(part), "{part:?}");
        }
        let cut = make(Initfs::Cut(files, 500)).unwrap().unwrap();
        assert_eq!(cut, whole[..whole.len() / 2]);
        assert_eq!(make(Initfs::Missing), Ok(None));
        assert_eq!(make(Initfs::Raw(vec![7])), Ok(Some(vec![7])));
        let missing = make(Initfs::Files(vec![("bin/x".into(), Source::Program("x".into()))]));
        assert!(missing.unwrap_err().contains("/x: "));
    }
}
