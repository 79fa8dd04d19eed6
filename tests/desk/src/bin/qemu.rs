//! `ochre-qemu`: boots the desktop for a person. `make qemu` is this program.
#![forbid(unsafe_code)]

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use desk::kvm;
use desk::machine::{Accelerator, Desk};
use desk::show::{Host, is_free};
use lexopt::prelude::*;

const USAGE: &str = "\
ochre-qemu --build DIR [--memory SIZE] [--cpus N] [--append WORDS] [--tcg] [-- QEMU ARGUMENTS]
    boots the desktop: in a window where there is a display, else with VNC; with KVM where that works
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ochre-qemu: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut desk = Desk { memory: "1G".into(), cpus: 2, ..Desk::default() };
    let (mut tcg, mut more) = (false, Vec::new());
    let mut arguments = lexopt::Parser::from_env();
    let mut parse = || -> Result<bool, lexopt::Error> {
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("build") => desk.build = PathBuf::from(arguments.value()?),
                Long("memory") => desk.memory = arguments.value()?.string()?,
                Long("cpus") => desk.cpus = arguments.value()?.parse()?,
                Long("append") => desk.append = arguments.value()?.string()?,
                Long("tcg") => tcg = true,
                Long("help") | Short('h') => return Ok(true),
                Value(word) => more.push(word),
                other => return Err(other.unexpected()),
            }
        }
        Ok(false)
    };
    if parse().map_err(|error| format!("{error}; --help tells what there is"))? {
        print!("{USAGE}");
        return Ok(());
    }
    if !tcg {
        match kvm::works(&desk.build.join("kernel")) {
            Ok(()) => desk.accelerator = Accelerator::Kvm,
            Err(why) => println!("KVM is not used: {why}; the machine is emulated, and slower"),
        }
    }
    let (screen, serial) = Host::this().places(is_free)?;
    println!("{}\n{}", screen.says(), serial.says());
    let mut command = Command::new("qemu-system-x86_64");
    command.args(desk.arguments()?).args(screen.arguments()).args(serial.arguments()).args(more);
    // It takes this process's place, and with it the terminal and its signals.
    Err(format!("qemu-system-x86_64: {}", command.exec()))
}
