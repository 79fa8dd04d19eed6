//! `ochre-run`: runs one program in Ochre. Boots QEMU without a window, carries the program and its files in, shows its output
//! while it runs, and ends with its status. `make exec` and cargo's runner are this program; see `docs/run.md`.
#![forbid(unsafe_code)]

mod carry;
mod names;
mod options;
mod plan;
mod session;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use errand::order::{FILES, ORDER};
use kernel_core::cpio;
use ochre_installer::initfs::Archive;
use ochre_installer::symbols;
use ochre_vm::qemu::Machine;

use names::Names;
use options::{Options, USAGE};
use plan::{Plan, Surroundings};
use session::Session;

/// The guest's side of a run.
const INIT: &str = "/scheme/initfs/bin/errand";

fn main() -> ExitCode {
    let done = options::of_process().map_err(|error| error.to_string()).and_then(|options| run(&options));
    match done {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("ochre-run: {error}");
            session::FAILED.into()
        }
    }
}

fn run(options: &Options) -> Result<u8, String> {
    if options.help {
        print!("{USAGE}");
        return Ok(0);
    }
    let plan = plan::plan(options, &Surroundings::of_process()?)?;
    let base = read(&options.build.join("initfs"))?;
    let symbols = String::from_utf8_lossy(cpio::find(&base, symbols::PATH).unwrap_or_default()).into_owned();
    // Sockets have short names.
    let folder =
        tempfile::Builder::new().prefix("ochre-").tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let (initfs, qmp) = (folder.path().join("initfs"), folder.path().join("qmp"));
    fs::write(&initfs, archive(&base, &plan)?).map_err(|error| format!("{}: {error}", initfs.display()))?;
    let arguments = arguments(options, &initfs, &qmp)?;
    if options.verbose {
        eprintln!("ochre-run: qemu-system-x86_64 {}", arguments.join(" "));
    }
    let started = Machine::start_open(&arguments, &qmp, options.limit)?;
    let names = Names::of(Path::new(&plan.order.program));
    Session::new(started, &symbols, &names, options.verbose).run()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}; `make initfs` in Ochre's folder makes it", path.display()))
}

/// The boot archive with what this run adds.
fn archive(base: &[u8], plan: &Plan) -> Result<Vec<u8>, String> {
    let mut archive = Archive::read(base).map_err(|error| format!("the boot archive: {error}"))?;
    let mut add = |path, data| archive.file(path, data).map_err(|error| error.to_string());
    add(ORDER, plan.order.encode()?)?;
    add(FILES, plan.carry.to_bytes().map_err(|error| error.to_string())?)?;
    Ok(archive.to_bytes_in_pages())
}

fn arguments(options: &Options, initfs: &Path, qmp: &Path) -> Result<Vec<String>, String> {
    let kernel = options.build.join("kernel");
    let quiet = if options.verbose { "" } else { "quiet " };
    let append = format!("{quiet}exit=debug init={INIT} {}", options.boot);
    let [kernel, initfs, qmp] = [&kernel, initfs, qmp].map(|path| path.to_string_lossy());
    if let Some(odd) = [&kernel, &initfs, &qmp].into_iter().find(|path| path.contains([',', '\u{fffd}'])) {
        return Err(format!("QEMU cannot be given the path {odd}"));
    }
    let qmp = format!("unix:{qmp},server=on,wait=off");
    let words = [
        "-M q35 -accel tcg -cpu max -nodefaults -no-reboot -display none",
        "-chardev stdio,id=console,signal=off -serial chardev:console -device isa-debug-exit,iobase=0xf4,iosize=4",
    ];
    let mut list: Vec<String> = words.iter().flat_map(|words| words.split(' ')).map(String::from).collect();
    let cpus = options.cpus.to_string();
    let pairs = [
        "-smp",
        &cpus,
        "-m",
        &options.memory,
        "-qmp",
        &qmp,
        "-kernel",
        &kernel,
        "-initrd",
        &initfs,
        "-append",
        append.trim(),
    ];
    list.extend(pairs.map(String::from));
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_what_was_asked_for() {
        let options =
            Options { build: "/b".into(), cpus: 4, memory: "512M".into(), boot: "smp=1".into(), ..Options::default() };
        let line = arguments(&options, Path::new("/i"), Path::new("/q")).unwrap().join(" ");
        assert!(line.contains("-smp 4 -m 512M -qmp unix:/q,server=on,wait=off -kernel /b/kernel -initrd /i"), "{line}");
        assert!(line.ends_with("-append quiet exit=debug init=/scheme/initfs/bin/errand smp=1"), "{line}");
        assert!(line.contains("-accel tcg"));
        assert!(arguments(&options, Path::new("/a,b"), Path::new("/q")).unwrap_err().contains("/a,b"));
    }
}
