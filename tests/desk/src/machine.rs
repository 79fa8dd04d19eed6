//! The virtual machine that the desktop runs on, as QEMU's arguments.

use std::path::{Path, PathBuf};

/// What executes the guest's instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accelerator {
    /// QEMU itself: everywhere the same, and slow.
    #[default]
    Tcg,
    /// The host's processor.
    Kvm,
}

impl Accelerator {
    fn arguments(self) -> [&'static str; 4] {
        match self {
            Accelerator::Tcg => ["-accel", "tcg", "-cpu", "max"],
            Accelerator::Kvm => ["-accel", "kvm", "-cpu", "host"],
        }
    }
}

/// A machine.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// Where `make desktop` has put the kernel and the archive.
    pub build: PathBuf,
    /// What runs it.
    pub accelerator: Accelerator,
    /// Memory as QEMU takes it.
    pub memory: String,
    /// Processors.
    pub cpus: u32,
    /// Boot options behind those of the desktop; of several with one key the last counts.
    pub append: String,
    /// Size of the screen at the start, if not the device's own.
    pub size: Option<(u32, u32)>,
}

/// The boot options of the desktop.
const OPTIONS: &str = "quiet target=desktop";

impl Desk {
    /// QEMU's arguments, but for where the screen and the serial line go. The pointer is absolute, so that it is where the hand is.
    pub fn arguments(&self) -> Result<Vec<String>, String> {
        let (kernel, archive) = (file(&self.build, "kernel")?, file(&self.build, "initfs-desktop")?);
        let size = self.size.map_or(String::new(), |(width, height)| format!(",xres={width},yres={height}"));
        let (screen, cpus) = (format!("virtio-vga{size}"), self.cpus.to_string());
        let append = format!("{OPTIONS} {}", self.append);
        let mut list: Vec<&str> = vec!["-name", "Ochre", "-M", "q35", "-nodefaults", "-no-reboot"];
        list.extend(self.accelerator.arguments());
        list.extend(["-m", &self.memory, "-smp", &cpus]);
        list.extend(["-kernel", &kernel, "-initrd", &archive, "-append", append.trim()]);
        list.extend(["-device", &screen, "-device", "virtio-keyboard-pci", "-device", "virtio-tablet-pci"]);
        Ok(list.into_iter().map(String::from).collect())
    }
}

/// A file's path as QEMU can be given it.
fn file(folder: &Path, name: &str) -> Result<String, String> {
    let path = folder.join(name);
    if !path.is_file() {
        return Err(format!("{} is not there; `make desktop` makes it", path.display()));
    }
    match path.to_str() {
        Some(text) if !text.contains(',') => Ok(text.into()),
        _ => Err(format!("QEMU cannot be given the path {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_what_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk { build: folder.path().into(), memory: "512M".into(), cpus: 4, ..Desk::default() };
        assert!(desk.arguments().unwrap_err().contains("make desktop"));
        for name in ["kernel", "initfs-desktop"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        let line = desk.arguments().unwrap().join(" ");
        assert!(line.contains("-accel tcg -cpu max -m 512M -smp 4 -kernel /"), "{line}");
        assert!(line.contains("-append quiet target=desktop -device virtio-vga -device"), "{line}");
        (desk.append, desk.accelerator, desk.size) = ("target=console".into(), Accelerator::Kvm, Some((1920, 1080)));
        let line = desk.arguments().unwrap().join(" ");
        assert!(line.contains("-append quiet target=desktop target=console "), "{line}");
        assert!(line.contains("-accel kvm") && line.contains("virtio-vga,xres=1920,yres=1080"), "{line}");
    }
}
