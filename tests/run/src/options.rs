//! The command line.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;

/// What `--help` prints.
pub const USAGE: &str = "\
ochre-run --build DIR [OPTION]... PROGRAM [ARGUMENT]...
    boots Ochre in QEMU without a window, runs PROGRAM there and ends with its status: 124 when its time was up, 125 when the
    machine failed, 128 and the number of the signal that ended it

    --build DIR          where `make initfs` has put the kernel and the boot archive
    --cargo              as the runner of cargo: carries in the package's files and the programs beside PROGRAM, runs in the
                         current directory, passes on the environment
    --carry PATH         carries a file or a folder in; it has the same path in the guest (may be given again)
    --directory DIR      PROGRAM's current directory (default /)
    --env NAME[=VALUE]   part of its environment; without a value, the one it has here (may be given again)
    --line               PROGRAM is a line for the system's console
    --guest              PROGRAM is a path in the guest; without a slash, a program of the boot archive
    --cpus N             processors (default 2)
    --memory SIZE        memory as QEMU takes it: 512M, 2G (default 1G)
    --seconds N          after this it is stopped, and the state of every thread is printed (default 120; with --cargo 600)
    --boot WORDS         more boot options
    --verbose            shows the kernel's messages and how QEMU is started

    OCHRE_CPUS, OCHRE_MEMORY and OCHRE_SECONDS in the environment do the same; the command line is stronger.
";

/// Where PROGRAM is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A file of this machine.
    #[default]
    Host,
    /// In the guest already.
    Guest,
    /// It is a line for the console.
    Line,
}

/// What the runner has been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where kernel and boot archive are.
    pub build: PathBuf,
    /// What is run.
    pub program: String,
    /// Where that is.
    pub kind: Kind,
    /// Its arguments.
    pub args: Vec<String>,
    /// It is a runner of cargo.
    pub cargo: bool,
    /// Files and folders to carry in.
    pub carry: Vec<PathBuf>,
    /// Current directory.
    pub directory: Option<String>,
    /// Environment: names, with a value or with that of here.
    pub env: Vec<(String, Option<String>)>,
    /// Processors.
    pub cpus: u32,
    /// Memory.
    pub memory: String,
    /// How long it may take.
    pub limit: Duration,
    /// More boot options.
    pub boot: String,
    /// All is shown.
    pub verbose: bool,
    /// Only [`USAGE`] is wanted.
    pub help: bool,
}

/// Reads the command line, and what it leaves open from the environment.
pub fn parse(
    mut arguments: lexopt::Parser,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Options, lexopt::Error> {
    let mut options = Options::default();
    let (mut cpus, mut memory, mut seconds) =
        (variable("OCHRE_CPUS"), variable("OCHRE_MEMORY"), variable("OCHRE_SECONDS"));
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("build") => options.build = arguments.value()?.into(),
            Long("cargo") => options.cargo = true,
            Long("carry") => options.carry.push(arguments.value()?.into()),
            Long("directory") => options.directory = Some(arguments.value()?.string()?),
            Long("env") => options.env.push(assignment(&arguments.value()?.string()?)),
            Long("line") => options.kind = Kind::Line,
            Long("guest") => options.kind = Kind::Guest,
            Long("cpus") => cpus = Some(arguments.value()?.string()?),
            Long("memory") => memory = Some(arguments.value()?.string()?),
            Long("seconds") => seconds = Some(arguments.value()?.string()?),
            Long("boot") => options.boot = arguments.value()?.string()?,
            Long("verbose") => options.verbose = true,
            Long("help") | Short('h') => options.help = true,
            Value(program) => {
                options.program = program.string()?;
                // All that follows is the program's.
                let rest: Result<Vec<String>, _> = arguments.raw_args()?.map(|arg| arg.string()).collect();
                options.args = rest?;
            }
            other => return Err(other.unexpected()),
        }
    }
    options.cpus = number("--cpus", cpus, 2, 16)? as u32;
    options.limit = Duration::from_secs(number("--seconds", seconds, if options.cargo { 600 } else { 120 }, 86_400)?);
    options.memory = memory.unwrap_or_else(|| "1G".into());
    let digits = options.memory.trim_end_matches(['M', 'G']);
    if digits.parse::<u32>().is_err() || options.memory.len() > digits.len() + 1 {
        return Err(format!("--memory takes a size such as 512M or 2G, not {:?}", options.memory).into());
    }
    if !options.help && options.build.as_os_str().is_empty() {
        return Err("--build is missing; --help tells more".into());
    }
    if !options.help && options.program.is_empty() {
        return Err("what is to be run? --help tells more".into());
    }
    Ok(options)
}

/// Reads the command line of this process.
pub fn of_process() -> Result<Options, lexopt::Error> {
    parse(lexopt::Parser::from_env(), |name| env::var(name).ok())
}

fn number(name: &str, text: Option<String>, default: u64, most: u64) -> Result<u64, lexopt::Error> {
    let Some(text) = text else { return Ok(default) };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("{name} takes a number from 1 to {most}, not {text:?}").into()),
    }
}

fn assignment(text: &str) -> (String, Option<String>) {
    match text.split_once('=') {
        Some((name, value)) => (name.into(), Some(value.into())),
        None => (text.into(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Options, lexopt::Error> {
        parse(lexopt::Parser::from_args(words.split_whitespace()), |name| (name == "OCHRE_CPUS").then(|| "3".into()))
    }

    #[test]
    fn options_come_before_the_program_and_all_else_is_its_own() {
        let options =
            read("--build b --cargo --memory 512M --env A=b=c --env D --carry /x prog --cpus 4 -- -x").unwrap();
        assert_eq!((options.program.as_str(), options.cpus), ("prog", 3));
        assert_eq!(options.args, ["--cpus", "4", "--", "-x"]);
        assert_eq!(options.env, [("A".into(), Some("b=c".into())), ("D".into(), None)]);
        assert_eq!((options.memory.as_str(), options.limit), ("512M", Duration::from_secs(600)));
        assert_eq!(read("--build b --cpus 4 --seconds 7 prog").unwrap().cpus, 4);
        assert_eq!(read("--build b --line ls").unwrap().kind, Kind::Line);
    }

    #[test]
    fn what_is_missing_or_odd_is_named() {
        for (words, named) in [
            ("prog", "--build"),
            ("--build b", "what is to be run"),
            ("--build b --cpus 0 p", "--cpus"),
            ("--build b --cpus 17 p", "--cpus"),
            ("--build b --seconds x p", "--seconds"),
            ("--build b --memory 1GG p", "--memory"),
            ("--build b --memory G p", "--memory"),
            ("--build b --what p", "--what"),
        ] {
            let error = read(words).unwrap_err().to_string();
            assert!(error.contains(named), "{words}: {error}");
        }
        assert!(read("--help").unwrap().help);
    }
}
