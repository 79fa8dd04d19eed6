//! The command line.

use std::ffi::OsString;

use lexopt::prelude::*;

/// What `--help` prints.
pub const USAGE: &str = "\
session [--terminal PATH] [--login] [-c LINE | PROGRAM [ARGUMENT...]]
    begins a session on a terminal and runs a program there: the shell, if none is named

    --terminal PATH  the terminal; the standard input without it
    --login          the shell is told that it is the first one (its name begins with -), and begins in the home directory
    -c LINE          no session: init's console obeys the line, and all ends with its status
";

/// What is to be started.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The terminal.
    pub terminal: Option<OsString>,
    /// The shell is the first one.
    pub login: bool,
    /// A line for the console.
    pub line: Option<Vec<OsString>>,
    /// The program and its arguments; a shell if it is empty.
    pub program: Vec<OsString>,
    /// Only [`USAGE`] is wanted.
    pub help: bool,
}

impl Options {
    /// Reads the command line.
    pub fn parse(mut arguments: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("terminal") => options.terminal = Some(arguments.value()?),
                Long("login") => options.login = true,
                Long("help") | Short('h') => options.help = true,
                Short('c') => options.line = Some(arguments.raw_args()?.collect()),
                Value(program) => options.program = std::iter::once(program).chain(arguments.raw_args()?).collect(),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Options, lexopt::Error> {
        Options::parse(lexopt::Parser::from_args(words.split_whitespace()))
    }

    #[test]
    fn what_follows_is_not_its_own() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let options = parse("--login --terminal /dev/console sh --login -c x").unwrap();
        assert_eq!((options.terminal, options.login), (Some("/dev/console".into()), true));
        assert_eq!((options.program, options.line), (words("sh --login -c x"), None));
        assert_eq!(parse("-c echo --login").unwrap().line, Some(words("echo --login")));
        assert_eq!(parse("").unwrap(), Options::default());
        assert!(["--terminal", "--login", "-c"].iter().all(|option| USAGE.contains(option)));
        assert!(parse("--terminal").is_err() && parse("--other").is_err());
    }
}
