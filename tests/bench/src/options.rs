//! What the host driver asks for, as the arguments of the program.

use crate::measure::Purpose;

/// The parsed arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Rows to run; empty for all.
    pub rows: Vec<String>,
    /// Table or profile.
    pub purpose: Purpose,
    /// Factor for the iterations of each batch.
    pub scale: u32,
    /// Memory of the machine in KiB, from which what is free is taken to know what is in use.
    pub memory_kib: u64,
}

impl Options {
    /// Parses `--rows a,b`, `--profile`, `--scale N`, `--memory-kib N`. What is not known is ignored: a kernel may pass
    /// words of its own.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Self {
        let mut options = Self { rows: Vec::new(), purpose: Purpose::Table, scale: 1, memory_kib: 1 << 20 };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--rows" => {
                    let list = args.next().unwrap_or_default();
                    options.rows = list.split(',').filter(|name| !name.is_empty()).map(String::from).collect();
                }
                "--profile" => options.purpose = Purpose::Profile,
                "--scale" => options.scale = number(args.next(), options.scale),
                "--memory-kib" => options.memory_kib = number(args.next(), options.memory_kib),
                _ => {}
            }
        }
        options
    }

    /// Whether the row `name` is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|row| row == name)
    }
}

fn number<T: std::str::FromStr>(text: Option<String>, default: T) -> T {
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Options {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn empty_line_wants_everything() {
        let options = parse("");
        assert!(options.wants("null_call"));
        assert_eq!(options.purpose, Purpose::Table);
    }

    #[test]
    fn rows_and_numbers() {
        let options = parse("nonsense --rows clock,yield --profile --scale 4 --memory-kib x");
        assert!(options.wants("clock") && options.wants("yield") && !options.wants("null_call"));
        assert_eq!((options.purpose, options.scale, options.memory_kib), (Purpose::Profile, 4, 1 << 20));
    }
}
