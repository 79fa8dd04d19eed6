//! Whether this host's KVM runs a guest. That `/dev/kvm` is there says little: in some virtual machines a guest begins and hangs. So
//! our kernel itself is tried, with nothing to run: it starts the processors and the clock, finds no first program, and ends.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::{Duration, Instant};

use ochre_installer::initfs::Archive;
use ochre_vm::qemu::{Ended, Machine};

/// On a host where it works this takes a fraction of a second.
const LIMIT: Duration = Duration::from_secs(4);
/// QEMU's status when the kernel gave up (`exit=debug`): 0x7f, twice, and one.
const GAVE_UP: i32 = 0xff;

/// Tries it with this kernel. An error says in a few words why it is not used.
pub fn works(kernel: &Path) -> Result<(), String> {
    works_with("/dev/kvm".as_ref(), |arguments, qmp| {
        let started = Instant::now();
        let mut machine = Machine::start(arguments, qmp, LIMIT)?;
        let ended = machine.wait()?;
        Ok((ended, started.elapsed(), machine.complaints()))
    })(kernel)
}

type Tried = (Ended, Duration, String);

/// The same with the device's path and the way to run a machine given.
fn works_with(
    device: &Path,
    run: impl Fn(&[String], &Path) -> Result<Tried, String>,
) -> impl Fn(&Path) -> Result<(), String> {
    move |kernel| {
        OpenOptions::new().read(true).write(true).open(device).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => format!("there is no {}", device.display()),
            _ => format!("{}: {error}", device.display()),
        })?;
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let (archive, qmp) = (folder.path().join("initfs"), folder.path().join("qmp"));
        fs::write(&archive, Archive::new().to_bytes()).map_err(|error| format!("{}: {error}", archive.display()))?;
        let (ended, time, complaints) = run(&arguments(kernel, &archive)?, &qmp)?;
        match ended {
            Ended::Status(Some(GAVE_UP)) => Ok(()),
            Ended::TimedOut | Ended::Stayed => Err(format!("a guest hangs under it (tried for {} s)", time.as_secs())),
            Ended::Status(status) => Err(match complaints.lines().next() {
                Some(complaint) => complaint.into(),
                None => format!("a guest ended with status {status:?} under it"),
            }),
        }
    }
}

fn arguments(kernel: &Path, archive: &Path) -> Result<Vec<String>, String> {
    let text = |path: &Path| path.to_str().map(String::from).ok_or("a path that is not UTF-8");
    let words = "-M q35 -accel kvm -cpu host -m 128M -smp 2 -nodefaults -no-reboot -display none -serial stdio \
        -device isa-debug-exit,iobase=0xf4,iosize=4 -append exit=debug -kernel";
    let mut list: Vec<String> = words.split_whitespace().map(String::from).collect();
    list.extend([text(kernel)?, "-initrd".into(), text(archive)?]);
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(ended: Ended, complaints: &str) -> Result<(), String> {
        let device = tempfile::NamedTempFile::new().unwrap();
        works_with(device.path(), |_, _| Ok((ended, LIMIT, complaints.into())))("/kernel".as_ref())
    }

    #[test]
    fn only_a_kernel_that_came_to_its_end_counts() {
        assert_eq!(tried(Ended::Status(Some(GAVE_UP)), ""), Ok(()));
        assert_eq!(tried(Ended::TimedOut, "").unwrap_err(), "a guest hangs under it (tried for 4 s)");
        assert_eq!(tried(Ended::Status(Some(1)), "failed to initialize\nmore").unwrap_err(), "failed to initialize");
        assert!(tried(Ended::Status(Some(0)), "").unwrap_err().contains("status Some(0)"));
    }

    #[test]
    fn without_the_device_nothing_is_tried() {
        let never = |_: &[String], _: &Path| -> Result<Tried, String> { panic!("a machine was started") };
        let said = works_with("/nowhere/kvm".as_ref(), never)("/kernel".as_ref()).unwrap_err();
        assert_eq!(said, "there is no /nowhere/kvm");
    }
}
