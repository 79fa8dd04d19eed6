//! `service`: shows services and commands them, through the scheme `init`.
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::io::{Error, Result, Write};
use std::process::ExitCode;

const USAGE: &str = "\
service                    all services
service NAME               what is known of one
service start NAME...      starts them, also if they were switched off
service stop NAME...       stops them, and does not start them again
service restart NAME...    stops and starts them
service kill NAME...       kills them; init then does what it does when one dies
service shutdown           stops everything and ends the system
service reboot             stops everything and starts the machine again";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] => show("list"),
        ["-h" | "--help"] => {
            println!("{USAGE}");
            Ok(())
        }
        [verb @ ("shutdown" | "reboot")] => command("list", verb),
        [verb @ ("start" | "stop" | "restart" | "kill"), names @ ..] if !names.is_empty() => {
            names.iter().try_for_each(|name| command(name, verb))
        }
        [name] => show(name),
        _ => {
            eprintln!("{USAGE}");
            return 2.into();
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("service: {error}");
            ExitCode::FAILURE
        }
    }
}

fn named(name: &str, error: Error) -> Error {
    Error::new(error.kind(), format!("{name}: {error}"))
}

fn show(name: &str) -> Result<()> {
    let text = std::fs::read_to_string(format!("/scheme/init/{name}")).map_err(|error| named(name, error))?;
    std::io::stdout().write_all(text.as_bytes())
}

fn command(name: &str, verb: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).open(format!("/scheme/init/{name}"));
    file.and_then(|mut file| file.write_all(verb.as_bytes())).map_err(|error| named(name, error))
}
