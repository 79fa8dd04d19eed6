//! Makes a hybrid ISO image with GRUB: it boots from a CD and, copied to it, from a USB stick, by BIOS and by UEFI.
//!
//! The work is done by `grub-mkrescue` (Debian: grub-pc-bin, grub-efi-amd64-bin, xorriso, mtools), which takes a directory
//! with the kernel, the initfs and GRUB's menu.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

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
        let menu = self.menu()?;
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
        fs::copy(self.initfs, boot.join("initfs")).map_err(failed(self.initfs))?;
        fs::write(boot.join("grub/grub.cfg"), menu).map_err(failed(&boot))?;
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

    /// GRUB's menu. The screen's mode is set behind `multiboot2`, which sets it anew from the kernel's header.
    fn menu(&self) -> Result<String, Error> {
        // Quotes, variables and line ends would be GRUB's and not the kernel's.
        let odd = |c: &char| !c.is_ascii() || c.is_ascii_control() || "'\"\\$`;&|<>{}#".contains(*c);
        if let Some(odd) = self.append.chars().find(odd) {
            return Err(Error::BadCommandLine(odd));
        }
        let append = self.append.trim();
        let (timeout, separator) = (self.timeout, if append.is_empty() { "" } else { " " });
        Ok(format!(
            "\
set timeout={timeout}
set default=0
insmod all_video

menuentry 'Ochre' {{
    multiboot2 /boot/kernel{separator}{append}
    set gfxpayload=1280x800x32,1024x768x32,auto
    module2 /boot/initfs initfs
    boot
}}
menuentry 'Ochre, safe: one processor, any screen mode' {{
    multiboot2 /boot/kernel smp=1{separator}{append}
    set gfxpayload=auto
    module2 /boot/initfs initfs
    boot
}}
menuentry 'Restart' {{
    reboot
}}
"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu(append: &str) -> Result<String, Error> {
        let (kernel, initfs) = (Path::new("kernel"), Path::new("initfs"));
        Iso { kernel, initfs, append, timeout: 3 }.menu()
    }

    #[test]
    fn the_menu_carries_the_command_line() {
        let text = menu(" init=/scheme/initfs/bin/x console=serial -- a b ").unwrap();
        assert!(text.contains("    multiboot2 /boot/kernel init=/scheme/initfs/bin/x console=serial -- a b\n"));
        assert!(text.contains("    multiboot2 /boot/kernel smp=1 init=/scheme/initfs/bin/x console=serial -- a b\n"));
        assert!(text.starts_with("set timeout=3\n"));
        assert!(menu("").unwrap().contains("    multiboot2 /boot/kernel\n"));
    }

    #[test]
    fn what_grub_would_read_otherwise_is_refused() {
        for odd in ["a'b", "a\nb", "$x", "a;b", "a\\", "{", "é"] {
            assert!(matches!(menu(odd), Err(Error::BadCommandLine(_))), "{odd:?}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let (kernel, initfs) = (Path::new("/nowhere/kernel"), Path::new("/nowhere/initfs"));
        let result = Iso { kernel, initfs, append: "", timeout: 0 }.write(Path::new("/nowhere/out"));
        // On a machine without GRUB that is said first.
        assert!(match result.unwrap_err() {
            Error::Host(path, _) => path == kernel,
            error => matches!(error, Error::NoPlatform(_)),
        });
    }
}
