//! Makes a hybrid ISO image with GRUB: it boots from a CD and, copied to it, from a USB stick, by BIOS and by UEFI.
//!
//! The work is done by `grub-mkrescue` (Debian: grub-pc-bin, grub-efi-amd64-bin, xorriso, mtools), which takes a directory
//! with the kernel, the initfs and GRUB's menu. [`menu`] is what the menu says, [`theme`] what it looks like.

mod menu;
mod theme;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;

/// What goes into an image.
#[derive(Debug)]
pub struct Iso<'a> {
    /// The kernel's ELF file.
    pub kernel: &'a Path,
    /// The archive with the first programs.
    pub initfs: &'a Path,
    /// Words for the kernel's command line.
    pub append: &'a str,
    /// Seconds that the menu waits; 0 starts the first entry at once.
    pub timeout: u32,
    /// Whether the archive has a desktop: then the menu offers it, a text console, and the desktop with as little as it needs, and has
    /// a look of its own.
    pub desktop: bool,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line has a character that GRUB's menu cannot hold, or that no kernel option needs.
    #[error("the command line may not have the character {0:?} in it")]
    BadCommandLine(char),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    Host(PathBuf, io::Error),
    /// `grub-mkrescue` cannot be started.
    #[error("grub-mkrescue cannot be started ({0}); Debian has it in the packages {PACKAGES}")]
    NoGrub(io::Error),
    /// `grub-mkrescue` failed; its last words are given.
    #[error("grub-mkrescue failed (it needs the packages {PACKAGES}):\n{0}")]
    Grub(String),
    /// `grub-mkfont` failed, or there is no font.
    #[error("the menu's font {0} cannot be made: {1}; Debian has it in fonts-inter, and grub-mkfont in grub-common")]
    Font(PathBuf, String),
    /// GRUB has not the parts for one of the firmwares.
    #[error("GRUB's folder {0} is missing: the image would not boot there; Debian has it in the packages {PACKAGES}")]
    NoPlatform(PathBuf),
}

/// What `grub-mkrescue` needs on Debian.
const PACKAGES: &str = "grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools";
/// Where Debian keeps GRUB's parts. `grub-mkrescue` leaves out in silence what is not there.
const PLATFORMS: [&str; 2] = ["/usr/lib/grub/i386-pc", "/usr/lib/grub/x86_64-efi"];

impl Iso<'_> {
    /// Writes the image to `out`.
    pub fn write(&self, out: &Path) -> Result<(), Error> {
        let menu = menu::text(self.append, self.timeout, self.desktop)?;
        if let Some(missing) = PLATFORMS.iter().map(Path::new).find(|folder| !folder.is_dir()) {
            return Err(Error::NoPlatform(missing.into()));
        }
        let stage = tempfile::tempdir().map_err(|error| Error::Host(std::env::temp_dir(), error))?;
        let boot = stage.path().join("boot");
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            |error| Error::Host(path, error)
        };
        fs::create_dir_all(boot.join("grub")).map_err(failed(&boot))?;
        fs::copy(self.kernel, boot.join("kernel")).map_err(failed(self.kernel))?;
        let archive = fs::read(self.initfs).map_err(failed(self.initfs))?;
        fs::write(boot.join("initfs"), packed(&archive).map_err(failed(self.initfs))?).map_err(failed(&boot))?;
        fs::write(boot.join("grub/grub.cfg"), menu).map_err(failed(&boot))?;
        if self.desktop {
            theme::write(&boot.join("grub/ochre"))?;
        }
        let mut command = Command::new("grub-mkrescue");
        command.arg("-o").arg(out).arg(stage.path()).args(["--", "-volid", "OCHRE"]);
        let output = command.stdin(Stdio::null()).output().map_err(Error::NoGrub)?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = text.lines().collect();
        Err(Error::Grub(lines[lines.len().saturating_sub(5)..].join("\n")))
    }
}

/// GRUB unpacks it as it reads. A firmware's BIOS reads slowly, so what is not read counts for more: under emulation on a busy
/// machine an image of 36 MB took 53 s to load, and 25 s packed to 20.
fn packed(archive: &[u8]) -> io::Result<Vec<u8>> {
    // Without a name and a time the same archive gives the same bytes.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(archive)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named() {
        let (kernel, initfs) = (Path::new("/nowhere/kernel"), Path::new("/nowhere/initfs"));
        let iso = Iso { kernel, initfs, append: "", timeout: 0, desktop: false };
        // On a machine without GRUB that is said first.
        assert!(match iso.write(Path::new("/nowhere/out")).unwrap_err() {
            Error::Host(path, _) => path == kernel,
            error => matches!(error, Error::NoPlatform(_)),
        });
    }
}
