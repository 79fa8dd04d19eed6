//! The kernel's command line: `key=value` words separated by spaces, and behind ` -- ` the arguments of the init program.

/// Where the kernel's messages and the `debug` scheme go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Console {
    /// Only the first serial line.
    Serial,
    /// Only the screen.
    Screen,
    /// Both.
    #[default]
    Both,
}

/// What the kernel takes from its command line. The text itself goes to user space unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    /// `init=/path`: the program that the system is brought up for, instead of a target of init's; init itself starts it last.
    pub init: &'a str,
    /// What follows ` -- `: the arguments of that program.
    pub init_args: &'a str,
    /// `smp=N`: use at most so many processors.
    pub smp: Option<usize>,
    /// `quiet`: only warnings and errors are shown; the log has everything.
    pub quiet: bool,
    /// `console=serial|screen|both`.
    pub console: Console,
    /// `exit=debug`: a panic ends the virtual machine through QEMU's debug exit port.
    pub exit_debug: bool,
    text: &'a str,
}

/// A word of the command line that the kernel does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclear<'a> {
    /// Nothing the kernel knows; perhaps user space does.
    Unknown(&'a str),
    /// A known key with a value that it cannot have.
    BadValue(&'a str),
}

/// The init program, which is also what `init=` names when the system is brought up for a target.
pub const DEFAULT_INIT: &str = "/scheme/initfs/bin/init";

impl<'a> Options<'a> {
    /// Reads the command line. What is wrong or unknown is listed by [`Options::unclear`]; of several words with the same key
    /// the last good one counts.
    pub fn parse(text: &'a str) -> Self {
        let (options, init_args) = split(text);
        let mut parsed = Options {
            init: DEFAULT_INIT,
            init_args,
            smp: None,
            quiet: false,
            console: Console::Both,
            exit_debug: false,
            text: options,
        };
        for word in options.split_ascii_whitespace() {
            // Errors come up again in `unclear`.
            let _ = parsed.take(word);
        }
        parsed
    }

    /// The words that were not taken.
    pub fn unclear(&self) -> impl Iterator<Item = Unclear<'a>> {
        let mut scratch = *self;
        self.text.split_ascii_whitespace().filter_map(move |word| scratch.take(word).err())
    }

    /// The value that an option of somebody else's has, such as init's `target`; of several the last.
    pub fn value(&self, key: &str) -> Option<&'a str> {
        let of = |word: &'a str| word.strip_prefix(key)?.strip_prefix('=');
        self.text.split_ascii_whitespace().filter_map(of).next_back()
    }

    fn take(&mut self, word: &'a str) -> Result<(), Unclear<'a>> {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let bad = Err(Unclear::BadValue(word));
        match key {
            "init" if value.starts_with('/') => self.init = value,
            "smp" => match value.parse() {
                Ok(count) if count > 0 => self.smp = Some(count),
                _ => return bad,
            },
            "quiet" if word == "quiet" => self.quiet = true,
            "console" => {
                self.console = match value {
                    "serial" => Console::Serial,
                    "screen" => Console::Screen,
                    "both" => Console::Both,
                    _ => return bad,
                }
            }
            "exit" if value == "debug" => self.exit_debug = true,
            // Init's and pcid's (docs/boot.md).
            "target" | "graphics" if !value.is_empty() => {}
            "init" | "quiet" | "exit" => return bad,
            _ => return Err(Unclear::Unknown(word)),
        }
        Ok(())
    }
}

/// Divides at the first word that is `--`.
fn split(text: &str) -> (&str, &str) {
    let mut from = 0;
    while let Some(found) = text[from..].find("--") {
        let (start, end) = (from + found, from + found + 2);
        let alone = text[..start].chars().next_back().is_none_or(|c| c.is_ascii_whitespace())
            && text[end..].chars().next().is_none_or(|c| c.is_ascii_whitespace());
        if alone {
            return (&text[..start], text[end..].trim_ascii());
        }
        from = end;
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn nothing_given() {
        let options = Options::parse("");
        assert_eq!(options.init, DEFAULT_INIT);
        assert_eq!((options.init_args, options.smp, options.quiet), ("", None, false));
        assert_eq!(options.console, Console::Both);
        assert!(!options.exit_debug);
        assert_eq!(options.unclear().count(), 0);
    }

    #[test]
    fn everything_given() {
        let options = Options::parse("init=/bin/x smp=3 quiet console=serial exit=debug -- -c  'a b' -- c ");
        assert_eq!(options.init, "/bin/x");
        assert_eq!(options.init_args, "-c  'a b' -- c");
        assert_eq!(options.smp, Some(3));
        assert!(options.quiet && options.exit_debug);
        assert_eq!(options.console, Console::Serial);
        assert_eq!(options.unclear().count(), 0);
    }

    #[test]
    fn unclear_words_are_listed() {
        let options = Options::parse("smp=0 smp=2 root=/dev/x console=tty quiet=1 foo init=rel exit=now a--b");
        assert_eq!(options.smp, Some(2));
        let unclear: Vec<_> = options.unclear().collect();
        assert_eq!(
            unclear,
            [
                Unclear::BadValue("smp=0"),
                Unclear::Unknown("root=/dev/x"),
                Unclear::BadValue("console=tty"),
                Unclear::BadValue("quiet=1"),
                Unclear::Unknown("foo"),
                Unclear::BadValue("init=rel"),
                Unclear::BadValue("exit=now"),
                Unclear::Unknown("a--b"),
            ]
        );
        assert_eq!((options.init, options.init_args), (DEFAULT_INIT, ""));
    }

    #[test]
    fn words_of_user_space_are_known() {
        let options = Options::parse("target=console graphics=loader target=desktop quiet -- target=none");
        assert_eq!(options.unclear().count(), 0);
        assert_eq!((options.value("target"), options.value("graphics")), (Some("desktop"), Some("loader")));
        assert_eq!((options.value("targ"), options.value("quiet")), (None, None));
        let unclear: Vec<_> = Options::parse("target= graphics").unclear().collect();
        assert_eq!(unclear, [Unclear::Unknown("target="), Unclear::Unknown("graphics")]);
    }

    #[test]
    fn the_separator_stands_alone() {
        assert_eq!(Options::parse("--").init_args, "");
        assert_eq!(Options::parse("-- x").init_args, "x");
        assert_eq!(Options::parse("--x -- y").init_args, "y");
        assert_eq!(Options::parse("\u{e9}-- --- --\ty").init_args, "y");
    }
}
