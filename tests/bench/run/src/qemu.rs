//! Runs QEMU with a time limit and collects what the guest writes to its serial port.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How time is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One processor, a nanosecond of guest time for each instruction.
    Icount,
    /// Two processors, the wall's clock.
    Tcg,
}

impl Mode {
    /// Name in `build/bench.json`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Icount => "icount",
            Mode::Tcg => "tcg",
        }
    }

    /// Unit of a figure that the guest gives in ticks.
    pub fn unit(self) -> &'static str {
        match self {
            Mode::Icount => "instructions",
            Mode::Tcg => "ns",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Mode::Icount => &["-accel", "tcg", "-smp", "1", "-icount", "shift=0,sleep=off"],
            Mode::Tcg => &["-accel", "tcg,thread=multi", "-smp", "2"],
        }
    }
}

/// Memory of the machine in MiB.
pub const MEMORY_MIB: u64 = 1024;

/// A guest to boot through PVH.
#[derive(Debug)]
pub struct Guest<'a> {
    /// Kernel, an ELF file.
    pub kernel: &'a Path,
    /// Archive beside it.
    pub archive: Option<&'a Path>,
    /// Command line.
    pub options: &'a str,
    /// Arguments for QEMU beside the usual ones.
    pub extra: &'a [String],
    /// Where the serial log is kept.
    pub log: PathBuf,
    /// After this the machine is stopped.
    pub limit: Duration,
}

/// What a run gave.
#[derive(Debug)]
pub struct Outcome {
    /// Bytes from the serial port.
    pub serial: Vec<u8>,
    /// Whether the time limit ended it.
    pub timed_out: bool,
}

/// Boots `guest` and waits for its end.
pub fn run(guest: &Guest, mode: Mode) -> Result<Outcome, String> {
    let program = std::env::var("QEMU").unwrap_or_else(|_| "qemu-system-x86_64".into());
    let mut command = Command::new(&program);
    command.args(["-M", "q35", "-m", &format!("{MEMORY_MIB}M"), "-cpu", "max,-erms,-fsrm"]);
    command.args(mode.arguments());
    command.args(["-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"]);
    command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]);
    command.arg("-kernel").arg(guest.kernel).args(["-append", guest.options]);
    if let Some(archive) = guest.archive {
        command.arg("-initrd").arg(archive);
    }
    command.args(guest.extra).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;

    let mut stdout = child.stdout.take().ok_or("no pipe to QEMU")?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error still counts.
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let start = Instant::now();
    let timed_out = loop {
        match child.try_wait() {
            Ok(Some(_)) => break false,
            Ok(None) if start.elapsed() > guest.limit => break true,
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => return Err(error.to_string()),
        }
    };
    if timed_out {
        let _ = child.kill();
        let _ = child.wait();
    }
    let serial = reader.join().map_err(|_| "the reader of the serial port died")?;
    fs::write(&guest.log, &serial).map_err(|error| format!("{}: {error}", guest.log.display()))?;
    Ok(Outcome { serial, timed_out })
}
