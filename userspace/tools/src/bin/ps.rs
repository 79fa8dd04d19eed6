//! `ps [PID]...`: the processes, or those that are named.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use tools::listing::{HEADING, line};
use tools::processes::{Users, all};

const USAGE: &str = "usage: ps [PID]...\n\
    PID, parent, user, state (Running, Sleeping, sTopped, Zombie), threads, bytes mapped and of them in memory, processor time, name";

fn main() -> ExitCode {
    match wanted().and_then(|pids| show(&pids).map_err(|error| format!("ps: {error}"))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Processes that were named.
fn wanted() -> Result<Vec<u32>, String> {
    let pid = |word: String| word.parse().map_err(|_| format!("ps: {word} is no process id\n{USAGE}"));
    std::env::args().skip(1).map(pid).collect()
}

/// Whether there was any.
fn show(pids: &[u32]) -> std::io::Result<bool> {
    let users = Users::of_system();
    let shown: Vec<_> = all()?.into_iter().filter(|process| pids.is_empty() || pids.contains(&process.pid)).collect();
    println!("{HEADING}");
    shown.iter().for_each(|process| println!("{}", line(process, &users)));
    Ok(!shown.is_empty())
}
