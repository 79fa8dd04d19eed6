//! The whole-system tests: boots Ochre in QEMU in many ways, drives it, and judges what it says. `ochre-tests --help` lists
//! the options; the cases are in [`cases`].
//!
//! A case is a value ([`case`]); [`image`] makes its files, [`machine`] its QEMU command line, [`run`] runs it with the
//! crate `ochre-vm`, which reads its screen too; [`gdb`] and [`handover`] change what the loader tells.
#![forbid(unsafe_code)]

mod case;
mod cases;
mod elf;
mod gdb;
mod hand;
mod handover;
mod image;
mod machine;
mod options;
mod run;

use std::process::ExitCode;

use ochre_vm::{screen, vnc};
use options::{Options, USAGE};
use run::Bench;

fn main() -> ExitCode {
    match Options::parse(lexopt::Parser::from_env())
        .map_err(|error| error.to_string())
        .and_then(|options| run(&options))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("ochre-tests: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what the options ask for; false when a case failed.
fn run(options: &Options) -> Result<bool, String> {
    if options.help {
        print!("{USAGE}");
        return Ok(true);
    }
    let mut cases = if options.slow { cases::slow() } else { cases::all() };
    cases.retain(|case| case.name.contains(&options.filter));
    if cases.is_empty() {
        return Err(format!("no case has {:?} in its name", options.filter));
    }
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(true);
    }
    let tally = Bench::new(options)?.run(cases);
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}
