//! Command line of the driver.

use std::path::PathBuf;

use crate::qemu::Mode;

/// How to use it.
pub const USAGE: &str = "\
usage: ochre-bench-run [profile] [options]
  --kernel FILE       Ochre's kernel (default build/kernel)
  --initfs FILE       archive with the benchmark program as bin/bench (default build/initfs-bench.cpio)
  --desktop FILE      the desktop's archive with the benchmark's service (default build/initfs-bench-desktop)
  --linux-root DIR    where linux-image-cloud-amd64 is installed or unpacked (default /)
  --linux-bench FILE  the benchmark program for Linux
  --linux-true FILE   the program that does nothing, for Linux
  --linux-heap FILE   the program of row malloc_free, for Linux
  --rows A,B          only these rows
  --mode icount|tcg|both
  --only ochre|linux  leave the other system out
  --work DIR          for logs and what is made on the way (default build/bench)
  --out FILE          the list of figures (default build/bench.json)
  --limit SECONDS     for each boot (default 600)
profile, beside these:
  --plugin FILE       the QEMU plugin (libochre_bench_plugin.so)
  --symbols FILES     unstripped ELF files of user programs, separated by commas
  --kernel-symbols F  unstripped kernel, or a list `address [type] name` (default the kernel; System.map for Linux)
  --top N             lines in each list (default 40)
  --trace             print the single round as a sequence as well";

/// Which systems to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// Ochre.
    Ochre,
    /// Linux.
    Linux,
}

/// The parsed command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// Profile instead of a table.
    pub profile: bool,
    /// Ochre's kernel.
    pub kernel: PathBuf,
    /// Ochre's archive.
    pub initfs: PathBuf,
    /// The desktop's archive.
    pub desktop: PathBuf,
    /// Root of the Linux package.
    pub linux_root: PathBuf,
    /// Linux's program.
    pub linux_bench: Option<PathBuf>,
    /// Linux's small program.
    pub linux_true: Option<PathBuf>,
    /// Linux's program over another heap.
    pub linux_heap: Option<PathBuf>,
    /// Rows asked for, separated by commas; empty for all.
    pub rows: String,
    /// Modes to run.
    pub modes: Vec<Mode>,
    /// One system only.
    pub only: Option<Only>,
    /// Directory for what is made on the way.
    pub work: PathBuf,
    /// The list of figures.
    pub out: PathBuf,
    /// Seconds for each boot.
    pub limit: u64,
    /// QEMU plugin.
    pub plugin: PathBuf,
    /// User programs to name functions of.
    pub symbols: Vec<PathBuf>,
    /// Where the kernel's functions are named.
    pub kernel_symbols: Option<PathBuf>,
    /// Lines in each list.
    pub top: usize,
    /// Print the sequence of one round.
    pub trace: bool,
}

impl Options {
    /// Parses the words after the program's name.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            profile: false,
            kernel: "build/kernel".into(),
            initfs: "build/initfs-bench.cpio".into(),
            desktop: "build/initfs-bench-desktop".into(),
            linux_root: "/".into(),
            linux_bench: None,
            linux_true: None,
            linux_heap: None,
            rows: String::new(),
            modes: vec![Mode::Icount, Mode::Tcg],
            only: None,
            work: "build/bench".into(),
            out: "build/bench.json".into(),
            limit: 600,
            plugin: "build/bench/libochre_bench_plugin.so".into(),
            symbols: Vec::new(),
            kernel_symbols: None,
            top: 40,
            trace: false,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "profile" => {
                    options.profile = true;
                    continue;
                }
                "--trace" => {
                    options.trace = true;
                    continue;
                }
                "--help" | "-h" => return Err(USAGE.into()),
                _ => {}
            }
            let value = args.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"))?;
            match arg.as_str() {
                "--kernel" => options.kernel = value.into(),
                "--initfs" => options.initfs = value.into(),
                "--desktop" => options.desktop = value.into(),
                "--linux-root" => options.linux_root = value.into(),
                "--linux-bench" => options.linux_bench = Some(value.into()),
                "--linux-true" => options.linux_true = Some(value.into()),
                "--linux-heap" => options.linux_heap = Some(value.into()),
                "--rows" => options.rows = value,
                "--work" => options.work = value.into(),
                "--out" => options.out = value.into(),
                "--plugin" => options.plugin = value.into(),
                "--symbols" => options.symbols = value.split(',').map(PathBuf::from).collect(),
                "--kernel-symbols" => options.kernel_symbols = Some(value.into()),
                "--limit" => options.limit = value.parse().map_err(|_| format!("{arg} {value}: not a number"))?,
                "--top" => options.top = value.parse().map_err(|_| format!("{arg} {value}: not a number"))?,
                "--mode" => {
                    options.modes = match value.as_str() {
                        "icount" => vec![Mode::Icount],
                        "tcg" => vec![Mode::Tcg],
                        "both" => vec![Mode::Icount, Mode::Tcg],
                        _ => return Err(format!("--mode {value}: not a mode\n{USAGE}")),
                    }
                }
                "--only" => {
                    options.only = match value.as_str() {
                        "ochre" => Some(Only::Ochre),
                        "linux" => Some(Only::Linux),
                        _ => return Err(format!("--only {value}: not a system\n{USAGE}")),
                    }
                }
                _ => return Err(format!("{arg}: not an option\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn defaults_and_choices() {
        let options = parse("").unwrap();
        assert_eq!(options.modes, [Mode::Icount, Mode::Tcg]);
        let options = parse("profile --rows clock --mode tcg --only linux --trace --top 7").unwrap();
        assert!(options.profile && options.trace);
        assert_eq!((options.modes, options.only, options.top), (vec![Mode::Tcg], Some(Only::Linux), 7));
    }

    #[test]
    fn mistakes_are_told() {
        assert!(parse("--rows").is_err());
        assert!(parse("--mode fast").is_err());
        assert!(parse("--top x").is_err());
        assert!(parse("--what 1").is_err());
    }
}
