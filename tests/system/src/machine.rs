//! The QEMU command line of a case.

use std::path::{Path, PathBuf};

use crate::case::{Case, Door, Firmware, Medium};

/// Where a machine's files lie.
#[derive(Debug)]
pub struct Files {
    /// The kernel.
    pub kernel: PathBuf,
    /// The initfs, for PVH.
    pub initfs: Option<PathBuf>,
    /// The image, for GRUB.
    pub iso: PathBuf,
    /// Socket of QEMU's control protocol.
    pub qmp: PathBuf,
    /// Socket of QEMU's debugger stub.
    pub gdb: PathBuf,
}

/// UEFI firmware, as Debian's package `ovmf` has it, newest form first.
const OVMF: [&str; 2] = ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd"];

/// QEMU's arguments for `case`.
pub fn arguments(case: &Case, files: &Files) -> Result<Vec<String>, String> {
    let mut list: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| list.extend(words.iter().map(|word| word.to_string()));
    // Software emulation always: it is the same everywhere.
    add(&["-M", "q35", "-accel", "tcg", "-cpu", "max", "-nodefaults", "-no-reboot", "-display", "none"]);
    add(&["-m", &format!("{}M", case.memory), "-smp", &case.cpus.to_string()]);
    add(&["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]);
    add(&["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    add(&["-qmp", &format!("unix:{},server=on,wait=off", text(&files.qmp)?)]);
    if case.edit.is_some() {
        // The processor waits for the debugger.
        add(&["-S", "-gdb", &format!("unix:{},server=on,wait=off", text(&files.gdb)?)]);
    }
    match case.door {
        Door::Pvh => {
            add(&["-kernel", text(&files.kernel)?, "-append", &case.append]);
            if let Some(initfs) = &files.initfs {
                add(&["-initrd", text(initfs)?]);
            }
        }
        Door::Iso(firmware, medium) => {
            add(&["-vga", "std"]);
            if firmware == Firmware::Uefi {
                let code = OVMF.iter().find(|path| Path::new(path).is_file());
                let code = code.ok_or("there is no UEFI firmware; Debian has it in the package ovmf")?;
                add(&["-drive", &format!("if=pflash,format=raw,readonly=on,file={code}")]);
            }
            let iso = text(&files.iso)?;
            let (access, device) = match medium {
                Medium::Cd => ("readonly=on,media=cdrom", "ide-cd"),
                // A SATA disk cannot be read-only; what is written goes nowhere.
                Medium::Disk => ("snapshot=on", "ide-hd"),
                Medium::Stick => ("readonly=on", "usb-storage"),
            };
            if medium == Medium::Stick {
                add(&["-device", "qemu-xhci"]);
            }
            add(&["-drive", &format!("if=none,id=boot,format=raw,{access},file={iso}")]);
            add(&["-device", &format!("{device},drive=boot,bootindex=0")]);
        }
    }
    list.extend(case.devices.iter().cloned());
    Ok(list)
}

/// A path as part of an argument; QEMU's own syntax has the comma.
fn text(path: &Path) -> Result<&str, String> {
    match path.to_str() {
        Some(text) if !text.contains(',') => Ok(text),
        _ => Err(format!("QEMU cannot be given the path {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files {
            kernel: "/k".into(),
            initfs: Some("/i".into()),
            iso: "/o.iso".into(),
            qmp: "/q".into(),
            gdb: "/g".into(),
        }
    }

    #[test]
    fn a_machine_for_each_door() {
        let pvh = arguments(&Case::new("x").cpus(4).memory(128).append("a=b"), &files()).unwrap().join(" ");
        assert!(pvh.contains("-accel tcg") && pvh.contains("-m 128M -smp 4"));
        assert!(pvh.contains("-kernel /k -append exit=debug a=b -initrd /i"));
        assert!(!pvh.contains("-S") && !pvh.contains("/o.iso"));
        let edited = arguments(&Case::new("x").edit(|_| Ok(())), &files()).unwrap().join(" ");
        assert!(edited.contains("-S -gdb unix:/g,"));

        let iso = |medium| {
            let case = Case::new("x").door(Door::Iso(Firmware::Bios, medium));
            arguments(&case, &files()).unwrap().join(" ")
        };
        assert!(iso(Medium::Cd).contains("media=cdrom,file=/o.iso -device ide-cd,"));
        assert!(iso(Medium::Disk).contains("snapshot=on,file=/o.iso -device ide-hd,"));
        assert!(iso(Medium::Stick).contains("-device qemu-xhci -drive"));
        assert!(!iso(Medium::Cd).contains("-kernel"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let comma = Files { kernel: "/a,b".into(), ..files() };
        assert!(arguments(&Case::new("x"), &comma).unwrap_err().contains("/a,b"));
    }
}
