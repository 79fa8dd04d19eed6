//! Driver of the benchmark: boots Ochre and Linux in the same QEMU, runs the same program in each, and puts the figures side
//! by side. `ochre-bench-run --help` lists the options; `tests/bench/run.sh` builds what it needs and calls it.
#![forbid(unsafe_code)]

mod linux;
mod options;
mod output;
mod profile;
mod qemu;
mod report;
mod stub;
mod symbols;
mod systems;
mod targets;

use std::fs;
use std::process::ExitCode;

use options::{Only, Options};
use report::Comparison;
use systems::{add_desktop, add_linux_boot, linux_system, ochre_system};

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Makes the table; false when a system did not come to its end.
fn run(options: &Options) -> Result<bool, String> {
    fs::create_dir_all(&options.work).map_err(|error| format!("{}: {error}", options.work.display()))?;
    let linux = if options.only == Some(Only::Ochre) || (options.profile && options.only.is_none()) {
        None
    } else {
        Some(linux_system(options)?)
    };
    let ochre = if options.only == Some(Only::Linux) { None } else { ochre_system(options) };

    if options.profile {
        let system = if options.only == Some(Only::Linux) { linux } else { ochre };
        return profile::run(options, &system.ok_or("nothing to profile")?);
    }

    let (mut entries, mut complete) = (Vec::new(), true);
    for &mode in &options.modes {
        let mut linux = linux.as_ref().map(|system| system.measure(options, mode)).transpose()?;
        let mut ochre = ochre.as_ref().map(|system| system.measure(options, mode)).transpose()?;
        linux.iter_mut().for_each(add_linux_boot);
        ochre.iter_mut().try_for_each(|report| add_desktop(options, mode, report))?;
        let mut comparison = Comparison { mode, ochre, linux };
        comparison.convert();
        complete &= [&comparison.ochre, &comparison.linux].into_iter().flatten().all(|report| report.complete);
        print!("{}", comparison.table());
        entries.extend(comparison.json());
    }
    let text = serde_json::to_string_pretty(&entries).map_err(|error| error.to_string())?;
    fs::write(&options.out, text + "\n").map_err(|error| format!("{}: {error}", options.out.display()))?;
    println!("\nfigures: {}", options.out.display());
    Ok(complete)
}
