//! `ochre-shots`: boots the desktop without a window, drives it through the tour, and keeps pictures and a log. `make shots` is this program.
#![forbid(unsafe_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use desk::machine::Desk;
use desk::tour::driver::Driver;
use desk::tour::{Stop, stops};
use lexopt::prelude::*;
use ochre_vm::qemu::Machine;

const USAGE: &str = "\
ochre-shots --build DIR --out DIR [--memory SIZE] [--cpus N] [--until NAME]
    boots the desktop, makes the tour, and writes pictures and log.txt to the folder --out; --until ends it behind the stop whose name
    has NAME in it
";

/// The whole tour has this long.
const LIMIT: Duration = Duration::from_secs(900);

struct Options {
    desk: Desk,
    out: PathBuf,
    until: Option<String>,
}

fn main() -> ExitCode {
    match parse(lexopt::Parser::from_env()) {
        Ok(None) => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        Ok(Some(options)) => match run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        },
        Err(error) => fail(&format!("{error}; --help tells what there is")),
    }
}

fn fail(error: &str) -> ExitCode {
    eprintln!("ochre-shots: {error}");
    ExitCode::FAILURE
}

fn parse(mut arguments: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    let desk = Desk { memory: "1G".into(), cpus: 2, size: Some((1280, 800)), ..Desk::default() };
    let mut options = Options { desk, out: PathBuf::new(), until: None };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("build") => options.desk.build = PathBuf::from(arguments.value()?),
            Long("out") => options.out = PathBuf::from(arguments.value()?),
            Long("memory") => options.desk.memory = arguments.value()?.string()?,
            Long("cpus") => options.desk.cpus = arguments.value()?.parse()?,
            Long("until") => options.until = Some(arguments.value()?.string()?),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

fn run(options: &Options) -> Result<(), String> {
    let tour = part(stops::ALL, options.until.as_deref())?;
    let named = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(&options.out).map_err(|error| named(&options.out, error))?;
    // QEMU writes pictures to paths from the root on.
    let out = options.out.canonicalize().map_err(|error| named(&options.out, error))?;
    let sockets = tempfile::Builder::new().prefix("ochre-").tempdir().map_err(|error| error.to_string())?;
    let (qmp, vnc) = (sockets.path().join("qmp"), sockets.path().join("vnc"));
    let mut arguments = options.desk.arguments()?;
    let places = format!(
        "-display none -vnc unix:{} -chardev stdio,id=console,signal=off -serial chardev:console -qmp unix:{},server=on,wait=off",
        vnc.display(),
        qmp.display()
    );
    arguments.extend(places.split(' ').map(String::from));
    let machine = Machine::start(&arguments, &qmp, LIMIT)?;
    let mut driver = Driver::new(machine, &vnc, &out);
    let made = tour.iter().try_for_each(|stop| driver.make(stop));
    let (log, said) = driver.finish();
    for (name, text) in [("log.txt", log), ("serial.txt", said)] {
        let path = out.join(name);
        fs::write(&path, text).map_err(|error| named(&path, error))?;
    }
    made.map(|()| println!("pictures and log: {}", out.display()))
}

/// The tour up to the stop that is asked for.
fn part<'a>(all: &'a [Stop], until: Option<&str>) -> Result<&'a [Stop], String> {
    let Some(until) = until else { return Ok(all) };
    let last = all.iter().position(|stop| stop.name.contains(until));
    last.map(|last| &all[..=last]).ok_or_else(|| format!("no stop has {until:?} in its name"))
}
