//! The command line.

use std::path::PathBuf;

use lexopt::prelude::*;

/// What `--help` prints.
pub const USAGE: &str = "\
ochre-tests --kernel ELF --test-kernel ELF --programs DIR --work DIR [--desktop DIR] [--filter TEXT] [--patience FACTOR] [--slow] [--list]
    boots Ochre in QEMU in many ways and judges what it says; prints a line for each case and, alone on the last line,
    `N passed, M failed`

    --kernel       the kernel, with its symbols
    --test-kernel  the kernel built with the feature test-build (lock checking), with its symbols
    --programs     stripped programs for the guest: bootstrap, nsmgr, ..., and those that the cases name
    --work         where images and the logs of failed cases are kept; made if it does not exist
    --desktop      where `make desktop iso` has put its archive and image; without it the cases that boot them fail
    --filter       only the cases with TEXT in their name
    --patience     time limits are multiplied by this (default 1)
    --slow         the cases that want packages which take long to build, and no others
    --list         prints the names of the cases and runs none
";

/// What the driver has been told.
#[derive(Debug, Default)]
pub struct Options {
    /// The kernel's ELF file.
    pub kernel: PathBuf,
    /// The same of the test build.
    pub test_kernel: PathBuf,
    /// Folder of the guest's programs.
    pub programs: PathBuf,
    /// Folder for images and logs.
    pub work: PathBuf,
    /// Folder with the desktop's archive and image.
    pub desktop: PathBuf,
    /// Part of the names of the cases to run.
    pub filter: String,
    /// Factor for time limits.
    pub patience: f64,
    /// The cases that want packages which take long to build are wanted, and no others.
    pub slow: bool,
    /// Only names are wanted.
    pub list: bool,
    /// Only [`USAGE`] is wanted.
    pub help: bool,
}

impl Options {
    /// Reads the command line.
    pub fn parse(mut arguments: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Options { patience: 1.0, ..Options::default() };
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("kernel") => options.kernel = arguments.value()?.into(),
                Long("test-kernel") => options.test_kernel = arguments.value()?.into(),
                Long("programs") => options.programs = arguments.value()?.into(),
                Long("work") => options.work = arguments.value()?.into(),
                Long("desktop") => options.desktop = arguments.value()?.into(),
                Long("filter") => options.filter = arguments.value()?.string()?,
                Long("patience") => options.patience = arguments.value()?.parse()?,
                Long("slow") => options.slow = true,
                Long("list") => options.list = true,
                Long("help") | Short('h') => options.help = true,
                other => return Err(other.unexpected()),
            }
        }
        if !(options.patience > 0.0 && options.patience <= 1000.0) {
            return Err("--patience takes a factor above 0, at most 1000".into());
        }
        let needed = [
            (&options.kernel, "--kernel"),
            (&options.test_kernel, "--test-kernel"),
            (&options.programs, "--programs"),
            (&options.work, "--work"),
        ];
        if !options.list
            && !options.help
            && let Some((_, name)) = needed.iter().find(|(path, _)| path.as_os_str().is_empty())
        {
            return Err(format!("{name} is missing; --help tells more").into());
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
    fn all_are_read() {
        let options = parse("--kernel k --test-kernel t --programs p --work w --filter boot --patience 2.5").unwrap();
        assert_eq!((options.kernel, options.test_kernel), ("k".into(), "t".into()));
        assert_eq!((options.programs, options.work), ("p".into(), "w".into()));
        assert_eq!((options.filter.as_str(), options.patience), ("boot", 2.5));
        assert!(!options.list && !options.help);
    }

    #[test]
    fn what_is_missing_or_odd_is_named() {
        let missing = parse("--kernel k --test-kernel t --work w").unwrap_err();
        assert!(missing.to_string().contains("--programs"));
        assert!(parse("--list").unwrap().list);
        assert!(parse("--help").unwrap().help);
        assert!(parse("--list --patience 0").is_err());
        assert!(parse("--list --patience NaN").is_err());
        assert!(parse("--list more").is_err());
    }
}
