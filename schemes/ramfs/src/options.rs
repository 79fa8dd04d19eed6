//! What the daemon is started with.

use std::fmt;

use crate::furnish::Piece;

/// Permissions of a root that no others are given for.
const PERMISSIONS: u16 = 0o755;

const USAGE: &str = "usage: ramfs [--limit N[K|M|G|%]] [--folder PATH[=PERMISSIONS]]... [--link PATH=TARGET]... [NAME[=PERMISSIONS]]...";

/// How much memory the file system may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of what is free when the daemon starts.
    Percent(u64),
}

impl Limit {
    /// In bytes, when so many are free.
    pub fn bytes(self, free: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => free / 100 * percent,
        }
    }
}

/// The arguments: `ramfs [--limit SIZE] [--folder PATH[=PERMISSIONS]]… [--link PATH=TARGET]… [NAME[=PERMISSIONS]]…`, where a size
/// is bytes, or a number with `K`, `M`, `G` or `%` behind it, permissions are octal, and paths are from the root, without a slash
/// in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The limit.
    pub limit: Limit,
    /// Names of the schemes to serve, and permissions of their roots.
    pub volumes: Vec<(String, u16)>,
    /// What is in the first of them from the beginning.
    pub pieces: Vec<Piece>,
}

/// What is wrong with the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {USAGE}", self.0)
    }
}

impl Options {
    /// Parses the arguments behind the program's name.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, Wrong> {
        let mut options = Self { limit: Limit::Percent(50), volumes: Vec::new(), pieces: Vec::new() };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = |what: &str| args.next().ok_or_else(|| Wrong(format!("{arg} needs {what}")));
            match arg.as_str() {
                "--limit" => {
                    let size = value("a size")?;
                    options.limit = limit(&size).ok_or_else(|| Wrong(format!("{size} is no size")))?;
                }
                "--folder" => {
                    let text = value("a path")?;
                    options.pieces.push(folder(&text).ok_or_else(|| Wrong(format!("{text} is no path of a folder")))?);
                }
                "--link" => {
                    let text = value("a path")?;
                    options.pieces.push(link(&text).ok_or_else(|| Wrong(format!("{text} is no path and target")))?);
                }
                _ => options.volumes.push(volume(&arg).ok_or_else(|| Wrong(format!("{arg} is no name of a scheme")))?),
            }
        }
        if options.volumes.is_empty() {
            // Files, and shared memory objects, which everybody can make.
            options.volumes.extend([("file".into(), PERMISSIONS), ("shm".into(), 0o1777)]);
        }
        Ok(options)
    }
}

fn limit(text: &str) -> Option<Limit> {
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    let number: u64 = digits.parse().ok()?;
    let shift = match &text[digits.len()..] {
        "%" => return (1..=100).contains(&number).then_some(Limit::Percent(number)),
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift).map(Limit::Bytes)
}

/// A name, and the permissions that may stand behind it.
fn with_permissions(text: &str) -> Option<(&str, u16)> {
    match text.split_once('=') {
        Some((name, octal)) => Some((name, u16::from_str_radix(octal, 8).ok().filter(|&bits| bits <= 0o7777)?)),
        None => Some((text, PERMISSIONS)),
    }
}

/// Whether it is a path from the root, without a slash in front, as it is written out.
fn is_path(text: &str) -> bool {
    text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn folder(text: &str) -> Option<Piece> {
    let (path, permissions) = with_permissions(text)?;
    is_path(path).then(|| Piece::Folder(path.into(), permissions))
}

fn link(text: &str) -> Option<Piece> {
    let (path, target) = text.split_once('=')?;
    (is_path(path) && !target.is_empty()).then(|| Piece::Link(path.into(), target.into()))
}

fn volume(text: &str) -> Option<(String, u16)> {
    let (name, permissions) = with_permissions(text)?;
    let fits = !name.is_empty() && !name.starts_with('-') && !name.contains(['/', ':']);
    fits.then(|| (name.into(), permissions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Wrong> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn without_arguments() {
        let options = parse("").unwrap();
        assert_eq!(
            options,
            Options {
                limit: Limit::Percent(50),
                volumes: vec![("file".into(), 0o755), ("shm".into(), 0o1777)],
                pieces: Vec::new()
            }
        );
        assert_eq!(options.limit.bytes(1000), 500);
    }

    #[test]
    fn with_arguments() {
        let options = parse("--limit 3M file tmp=1777").unwrap();
        assert_eq!(options.limit.bytes(7), 3 << 20);
        assert_eq!(options.volumes, [("file".into(), 0o755), ("tmp".into(), 0o1777)]);
        assert_eq!(parse("--limit 100%").unwrap().limit, Limit::Percent(100));
        assert_eq!(parse("--limit 12").unwrap().limit, Limit::Bytes(12));
        let pieces = parse("--folder tmp=1777 --folder a/b --link dev/x=/scheme/x=y").unwrap().pieces;
        let wanted = [
            Piece::Folder("tmp".into(), 0o1777),
            Piece::Folder("a/b".into(), 0o755),
            Piece::Link("dev/x".into(), "/scheme/x=y".into()),
        ];
        assert_eq!(pieces, wanted);
    }

    #[test]
    fn wrong_arguments() {
        let far = "--limit 99999999999G";
        for line in [
            "--limit",
            "--limit x",
            "--limit 0%",
            "--limit 101%",
            "--limit 1T",
            far,
            "a/b",
            "-x",
            "t=9",
            "t=10000",
            "=7",
            "--folder",
            "--folder /tmp",
            "--folder a/../b",
            "--folder a=9",
            "--link a",
            "--link a=",
            "--link /a=b",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
