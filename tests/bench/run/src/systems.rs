//! The two systems, ready to boot.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::linux::{self, Package};
use crate::options::Options;
use crate::output::Report;
use crate::qemu::{self, Guest, Mode};
use crate::stub;

/// A system with the benchmark program in it.
#[derive(Debug)]
pub struct System {
    /// Name, also of its logs.
    pub name: &'static str,
    /// Kernel, an ELF file with a PVH entry.
    pub kernel: PathBuf,
    /// Where its functions are named.
    pub symbols: PathBuf,
    /// Its archive.
    pub archive: PathBuf,
    /// Command line before the program's arguments.
    pub options: String,
}

/// The way to the desktop, and what else its service measures (`tests/bench/src/inside`).
const BOOT_TO_DESKTOP: &str = "boot_to_desktop";
const DESKTOP_ROWS: [&str; 10] = [
    BOOT_TO_DESKTOP,
    "boot_to_quiet",
    "desktop_wakeups",
    "desktop_memory",
    "key_to_pixel",
    "drag_frame",
    "restart_vgad",
    "restart_inputd",
    "restart_orbitald",
    "restart_ptyd",
];
/// Rows that are a span of time, and so say something by the wall's clock as well.
const SPAN: &str = "restart_";

/// Iterations of each batch are multiplied by this where the clock is the wall's.
const WALL_SCALE: u32 = 4;

impl System {
    /// Boots it and reads the figures.
    pub fn measure(&self, options: &Options, mode: Mode) -> Result<Report, String> {
        let scale = if mode == Mode::Tcg { WALL_SCALE } else { 1 };
        let mut arguments = format!("--scale {scale} --memory-kib {}", qemu::MEMORY_MIB << 10);
        if !options.rows.is_empty() {
            arguments += &format!(" --rows {}", options.rows);
        }
        let serial = self.boot(options, mode, &arguments, &[])?;
        let mut report = Report::parse(&serial);
        if let (Some(boot), None) = (report.rows.get_mut("boot_to_first_program"), report.info.get("entry")) {
            let entry = entry_ticks(options, mode, &self.archive)? as f64;
            boot.min -= entry;
            boot.median -= entry;
        }
        Ok(report)
    }

    /// Boots it with these arguments for the program and gives its serial log.
    pub fn boot(&self, options: &Options, mode: Mode, arguments: &str, extra: &[String]) -> Result<Vec<u8>, String> {
        let log = options.work.join(format!("{}-{}.log", self.name, mode.name()));
        let guest = Guest {
            kernel: &self.kernel,
            archive: Some(&self.archive),
            options: &format!("{} -- {arguments}", self.options),
            extra,
            log: log.clone(),
            limit: Duration::from_secs(options.limit),
        };
        let outcome = qemu::run(&guest, mode)?;
        if outcome.timed_out {
            eprintln!("{}: stopped after {} s; its log is {}", self.name, options.limit, log.display());
        } else if !Report::parse(&outcome.serial).complete {
            eprintln!("{}: ended early; its log is {}", self.name, log.display());
        }
        Ok(outcome.serial)
    }
}

/// Ticks that pass before a kernel is entered, measured with a stub in its place.
fn entry_ticks(options: &Options, mode: Mode, archive: &Path) -> Result<u64, String> {
    let kernel = options.work.join("stub");
    write(&kernel, &stub::elf())?;
    let guest = Guest {
        kernel: &kernel,
        archive: Some(archive),
        options: "",
        extra: &[],
        log: options.work.join("stub.log"),
        limit: Duration::from_secs(options.limit),
    };
    let outcome = qemu::run(&guest, mode)?;
    stub::ticks(&outcome.serial).ok_or_else(|| "the stub kernel told nothing".into())
}

/// Ochre, or `None` with a line that says why when it has not been built.
pub fn ochre_system(options: &Options) -> Option<System> {
    for file in [&options.kernel, &options.initfs] {
        if !file.is_file() {
            eprintln!("{} is missing: the table has no column for Ochre", file.display());
            return None;
        }
    }
    Some(System {
        name: "ochre",
        kernel: options.kernel.clone(),
        symbols: options.kernel.clone(),
        archive: options.initfs.clone(),
        options: "init=/scheme/initfs/bin/bench exit=debug console=serial quiet".into(),
    })
}

/// The rows of the desktop that say something in a mode: instructions where they are counted, spans of time by the wall's clock as well.
fn desktop_row(name: &str, mode: Mode) -> bool {
    mode == Mode::Icount || name == BOOT_TO_DESKTOP || name.starts_with(SPAN)
}

/// Boots the desktop with the benchmark's service in it, if it has been built and its rows are asked for, and adds what it tells.
pub fn add_desktop(options: &Options, mode: Mode, ochre: &mut Report) -> Result<(), String> {
    let wanted = |name: &str| options.rows.is_empty() || options.rows.split(',').any(|row| row == name);
    if !options.desktop.is_file() || !DESKTOP_ROWS.into_iter().any(|row| wanted(row) && desktop_row(row, mode)) {
        return Ok(());
    }
    let system = System {
        name: "desktop",
        kernel: options.kernel.clone(),
        symbols: options.kernel.clone(),
        archive: options.desktop.clone(),
        options: "target=desktop exit=debug console=serial quiet".into(),
    };
    // The standard VGA makes its picture from memory in which the pixels can be looked at.
    let screen = ["-device", "VGA"].map(String::from);
    let report = Report::parse(&system.boot(options, mode, "", &screen)?);
    ochre.complete &= report.complete;
    ochre.rows.extend(report.rows.into_iter().filter(|(name, _)| wanted(name) && desktop_row(name, mode)));
    Ok(())
}

/// What the desktop's way is compared with: Linux's to its first program.
pub fn add_linux_boot(linux: &mut Report) {
    if let Some(boot) = linux.rows.get("boot_to_first_program").copied() {
        linux.rows.insert(BOOT_TO_DESKTOP.into(), boot);
    }
}

/// Linux, from the package and the program.
pub fn linux_system(options: &Options) -> Result<System, String> {
    let package = Package::find(&options.linux_root)?;
    let bench = read(options.linux_bench.as_deref().ok_or("--linux-bench is missing")?)?;
    let small = read(options.linux_true.as_deref().ok_or("--linux-true is missing")?)?;
    let heap = read(options.linux_heap.as_deref().ok_or("--linux-heap is missing")?)?;
    let kernel = options.work.join(format!("vmlinux-{}", package.release()));
    if !kernel.is_file() {
        write(&kernel, &linux::unwrap_kernel(&read(&package.image)?)?)?;
    }
    let archive = options.work.join("initramfs.cpio");
    let bytes = linux::initramfs(bench, small, heap, read(&package.fuse)?).map_err(|error| error.to_string())?;
    write(&archive, &bytes)?;
    Ok(System {
        name: "linux",
        symbols: package.image.with_file_name(format!("System.map-{}", package.release())),
        kernel,
        archive,
        options: linux::OPTIONS.into(),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
