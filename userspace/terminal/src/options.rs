//! The command line.

use std::ffi::OsString;

use lexopt::prelude::*;

/// What `--help` prints.
pub const USAGE: &str = "\
terminal [--title TEXT] [--directory PATH] [-e PROGRAM [ARGUMENT...]]
    a window with a terminal, and a shell on it

    --title TEXT       the window's title, until a program gives it another one
    --directory PATH   where the shell begins
    -e PROGRAM ...     this instead of a shell, with all that follows as its arguments
";

/// What the terminal has been told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The window's title.
    pub title: Option<String>,
    /// Directory of the program.
    pub directory: Option<OsString>,
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
                Long("title") | Short('T') => options.title = Some(arguments.value()?.string()?),
                Long("directory") => options.directory = Some(arguments.value()?),
                Short('e') => {
                    options.program = std::iter::once(arguments.value()?).chain(arguments.raw_args()?).collect();
                    break;
                }
                Long("help") | Short('h') => options.help = true,
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
    fn what_follows_the_program_is_its_own() {
        let options = parse("--title T --directory /tmp -e ls --help -e x").unwrap();
        assert_eq!((options.title.as_deref(), options.directory), (Some("T"), Some("/tmp".into())));
        assert_eq!((options.program, options.help), (["ls", "--help", "-e", "x"].map(Into::into).to_vec(), false));
        assert_eq!(parse("").unwrap(), Options::default());
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(parse("-e").is_err() && parse("--title").is_err());
        assert!(parse("ls").unwrap_err().to_string().contains("ls"));
        assert!(parse("--help").unwrap().help);
    }
}
