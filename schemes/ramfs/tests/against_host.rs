//! The same random operations on this file system and on a directory of the host, whose answers must be the same: results,
//! error numbers, contents, listings.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use common::{Machine, Random, link, list, lstat, machine, mkdir, rename, stat, symlink, with};
use scheme_server::syscall::flag::{
    AT_REMOVEDIR, MODE_PERM, O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_STAT, O_SYMLINK,
    O_TRUNC, O_WRONLY, StdFsCallKind,
};

/// A directory of the host, removed when dropped. The tests use one that lies deep in it, because some of their links lead
/// up and out.
struct Host(PathBuf);

impl Host {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join(BELOW)).unwrap();
        Self(path)
    }

    fn root(&self) -> PathBuf {
        self.0.join(BELOW)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What came of an operation: a text that says all that matters.
type Outcome = Result<String, i32>;

fn host_error(error: Error) -> i32 {
    error.raw_os_error().unwrap_or(-1)
}

/// Flags of the host for ours.
fn host_flags(flags: usize) -> i32 {
    const PAIRS: [(usize, i32); 7] = [
        (O_CREAT, 0o100),
        (O_EXCL, 0o200),
        (O_TRUNC, 0o1000),
        (O_APPEND, 0o2000),
        (O_DIRECTORY, 0o200_000),
        (O_NOFOLLOW, 0o400_000),
        (O_STAT, 0),
    ];
    PAIRS.iter().filter(|(ours, _)| flags & ours != 0).fold(0, |bits, (_, theirs)| bits | theirs)
}

/// One operation.
#[derive(Clone, Debug)]
enum Step {
    Write { path: String, flags: usize, offset: u64, bytes: Vec<u8> },
    Read { path: String },
    Truncate { path: String, len: u64 },
    Mkdir(String),
    Rmdir(String),
    Unlink(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    ReadLink(String),
    Stat(String),
    Lstat(String),
    List(String),
    Chmod(String, u32),
}

/// The directory here that stands for the host's.
const BELOW: &str = "deep/deep/deep/deep";

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn path(random: &mut Random) -> String {
    let depth = 1 + random.below(3);
    (0..depth).map(|_| *random.pick(&NAMES)).collect::<Vec<_>>().join("/")
}

fn target(random: &mut Random) -> String {
    match random.below(6) {
        0 => format!("../{}", path(random)),
        1 => format!("./{}", path(random)),
        2 => format!("{}/..", path(random)),
        _ => path(random),
    }
}

fn step(random: &mut Random) -> Step {
    match random.below(24) {
        0..=5 => {
            let mode = *random.pick(&[0, O_CREAT, O_CREAT, O_CREAT | O_EXCL, O_CREAT | O_TRUNC, O_APPEND, O_NOFOLLOW]);
            let offset = *random.pick(&[0, 0, 1, 100, 4000, 4096, 10_000, 20_000]);
            let bytes = vec![random.below(256) as u8; random.below(6000)];
            Step::Write { path: path(random), flags: mode, offset, bytes }
        }
        6 | 7 => Step::Read { path: path(random) },
        8 => Step::Truncate { path: path(random), len: *random.pick(&[0, 1, 4095, 4096, 9000, 30_000]) },
        9..=11 => Step::Mkdir(path(random)),
        12 => Step::Rmdir(path(random)),
        13 | 14 => Step::Unlink(path(random)),
        15..=17 => Step::Rename(path(random), path(random)),
        18 => Step::Link(path(random), path(random)),
        19 | 20 => Step::Symlink(target(random), path(random)),
        21 => match random.below(3) {
            0 => Step::ReadLink(path(random)),
            1 => Step::Stat(path(random)),
            _ => Step::Lstat(path(random)),
        },
        22 => Step::List(path(random)),
        _ => Step::Chmod(path(random), *random.pick(&[0o644, 0o600, 0o4755, 0o1777, 0])),
    }
}

fn kind_of(mode: u32) -> &'static str {
    match mode & 0o170_000 {
        0o100_000 => "file",
        0o040_000 => "directory",
        0o120_000 => "link",
        _ => "other",
    }
}

/// What both systems tell of a file. Sizes of directories, and how often they are linked on some file systems, differ.
fn describe(mode: u32, links: u64, size: u64) -> String {
    let kind = kind_of(mode);
    match kind {
        "directory" => format!("{kind} {:o}", mode & 0o7777),
        // Permissions of links mean nothing.
        "link" => format!("{kind} {links} {size}"),
        _ => format!("{kind} {:o} {links} {size}", mode & 0o7777),
    }
}

fn on_host(root: &Path, step: &Step) -> Outcome {
    let at = |path: &String| root.join(path);
    let done = |result: std::io::Result<()>| result.map(|()| String::new()).map_err(host_error);
    match step {
        Step::Write { path, flags, offset, bytes } => {
            let mut options = fs::OpenOptions::new();
            let custom = host_flags(*flags & !(O_CREAT | O_EXCL | O_TRUNC | O_APPEND));
            options.read(true).write(true).mode(0o644).custom_flags(custom);
            match flags & (O_CREAT | O_EXCL) {
                0 => {}
                O_CREAT => {
                    options.create(true);
                }
                _ => {
                    options.create_new(true);
                }
            }
            options.truncate(flags & O_TRUNC != 0).append(flags & O_APPEND != 0);
            let mut file = options.open(at(path)).map_err(host_error)?;
            file.seek(SeekFrom::Start(*offset)).map_err(host_error)?;
            file.write_all(bytes).map_err(host_error)?;
            Ok(String::new())
        }
        Step::Read { path } => {
            let mut bytes = Vec::new();
            let mut file = fs::File::open(at(path)).map_err(host_error)?;
            file.read_to_end(&mut bytes).map_err(host_error)?;
            Ok(format!("{bytes:?}"))
        }
        Step::Truncate { path, len } => {
            let file = fs::OpenOptions::new().write(true).open(at(path)).map_err(host_error)?;
            done(file.set_len(*len))
        }
        Step::Mkdir(path) => done(fs::create_dir(at(path))),
        Step::Rmdir(path) => done(fs::remove_dir(at(path))),
        Step::Unlink(path) => done(fs::remove_file(at(path))),
        Step::Rename(old, new) => done(fs::rename(at(old), at(new))),
        Step::Link(old, new) => done(fs::hard_link(at(old), at(new))),
        Step::Symlink(target, path) => done(std::os::unix::fs::symlink(target, at(path))),
        Step::ReadLink(path) => fs::read_link(at(path)).map(|target| target.display().to_string()).map_err(host_error),
        Step::Stat(path) | Step::Lstat(path) => {
            let follow = matches!(step, Step::Stat(_));
            let facts = if follow { fs::metadata(at(path)) } else { fs::symlink_metadata(at(path)) };
            let facts = facts.map_err(host_error)?;
            assert!(!facts.file_type().is_fifo());
            Ok(describe(facts.mode(), facts.nlink(), facts.size()))
        }
        Step::List(path) => names_on_host(&at(path)).map(|names| names.join(" ")).map_err(host_error),
        Step::Chmod(path, mode) => {
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(*mode);
            done(fs::set_permissions(at(path), permissions))
        }
    }
}

fn names_on_host(path: &Path) -> std::io::Result<Vec<String>> {
    let mut names = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// A step in the directory that stands for the host's, so that `..` leads out of both.
fn below(step: &Step) -> Step {
    let at = |path: &String| format!("{BELOW}/{path}");
    let mut step = step.clone();
    match &mut step {
        Step::Rename(old, new) | Step::Link(old, new) => (*old, *new) = (at(old), at(new)),
        Step::Symlink(_, path)
        | Step::Write { path, .. }
        | Step::Read { path }
        | Step::Truncate { path, .. }
        | Step::Mkdir(path)
        | Step::Rmdir(path)
        | Step::Unlink(path)
        | Step::ReadLink(path)
        | Step::Stat(path)
        | Step::Lstat(path)
        | Step::List(path)
        | Step::Chmod(path, _) => *path = at(path),
    }
    step
}

fn on_ours(machine: &mut Machine, step: &Step) -> Outcome {
    let step = &below(step);
    let number = |error: scheme_server::syscall::error::Error| error.errno;
    match step {
        Step::Write { path, flags, offset, bytes } => with(machine, path, flags | O_RDWR | 0o644, |machine, id| {
            machine.write(id, bytes, *offset, flags & O_APPEND).map(|count| assert_eq!(count, bytes.len()))
        })
        .and_then(|result| result)
        .map(|()| String::new())
        .map_err(number),
        Step::Read { path } => with(machine, path, O_RDONLY, |machine, id| machine.read(id, 1 << 20, 0))
            .and_then(|result| result)
            .map(|bytes| format!("{bytes:?}"))
            .map_err(number),
        Step::Truncate { path, len } => with(machine, path, O_WRONLY, |machine, id| {
            machine.std_fs(StdFsCallKind::Ftruncate, id, &[], [*len, 0]).result()
        })
        .and_then(|result| result)
        .map(|_| String::new())
        .map_err(number),
        Step::Mkdir(path) => mkdir(machine, path, 0o755).map(|()| String::new()).map_err(number),
        Step::Rmdir(path) => machine.unlinkat(common::ROOT, path, AT_REMOVEDIR).map(|_| String::new()).map_err(number),
        Step::Unlink(path) => machine.unlinkat(common::ROOT, path, 0).map(|_| String::new()).map_err(number),
        Step::Rename(old, new) => rename(machine, old, new).map(|_| String::new()).map_err(number),
        Step::Link(old, new) => link(machine, old, new).map(|_| String::new()).map_err(number),
        Step::Symlink(target, path) => symlink(machine, target, path).map(|()| String::new()).map_err(number),
        Step::ReadLink(path) => with(machine, path, O_RDONLY | O_SYMLINK, |machine, id| {
            // As libc has it: what is no link is refused.
            if kind_of(machine.fstat(id).unwrap().st_mode.into()) != "link" {
                return Err(22);
            }
            Ok(String::from_utf8(machine.read(id, 4096, 0).unwrap()).unwrap())
        })
        .map_err(number)?,
        Step::Stat(path) | Step::Lstat(path) => {
            let facts = if matches!(step, Step::Stat(_)) { stat(machine, path) } else { lstat(machine, path) };
            facts.map(|facts| describe(facts.st_mode.into(), facts.st_nlink.into(), facts.st_size)).map_err(number)
        }
        Step::List(path) => match with(machine, path, O_RDONLY | O_DIRECTORY, |_, _| ()) {
            Ok(()) => {
                let mut names = list(machine, path);
                names.sort();
                Ok(names.join(" "))
            }
            Err(error) => Err(error.errno),
        },
        Step::Chmod(path, mode) => with(machine, path, O_STAT, |machine, id| {
            let mode = u64::from(*mode) & u64::from(MODE_PERM);
            machine.std_fs(StdFsCallKind::Fchmod, id, &[], [mode, 0]).result()
        })
        .and_then(|result| result)
        .map(|_| String::new())
        .map_err(number),
    }
}

/// All below a directory: path, description, and contents or target.
fn tree_on_host(root: &Path) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    let mut todo = vec![String::new()];
    while let Some(dir) = todo.pop() {
        for name in names_on_host(&root.join(&dir)).unwrap() {
            let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
            let description = on_host(root, &Step::Lstat(path.clone())).unwrap();
            let more = match description.split(' ').next() {
                Some("file") => on_host(root, &Step::Read { path: path.clone() }).unwrap(),
                Some("link") => on_host(root, &Step::ReadLink(path.clone())).unwrap(),
                _ => {
                    todo.push(path.clone());
                    String::new()
                }
            };
            tree.insert(path, description + &more);
        }
    }
    tree
}

fn tree_on_ours(machine: &mut Machine) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    let mut todo = vec![String::new()];
    while let Some(dir) = todo.pop() {
        for name in list(machine, &format!("{BELOW}/{dir}")) {
            let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
            let description = on_ours(machine, &Step::Lstat(path.clone())).unwrap();
            let more = match description.split(' ').next() {
                Some("file") => on_ours(machine, &Step::Read { path: path.clone() }).unwrap(),
                Some("link") => on_ours(machine, &Step::ReadLink(path.clone())).unwrap(),
                _ => {
                    todo.push(path.clone());
                    String::new()
                }
            };
            tree.insert(path, description + &more);
        }
    }
    tree
}

#[test]
fn answers_are_those_of_the_host() {
    // Its superuser and ours see no permissions; the bits themselves are compared.
    let seeds: u64 = if cfg!(debug_assertions) { 20 } else { 1000 };
    for seed in 0..seeds {
        let host = Host::new("against");
        let mut machine = machine();
        for (end, _) in format!("{BELOW}/").match_indices('/') {
            mkdir(&mut machine, &BELOW[..end], 0o755).unwrap();
        }
        let mut random = Random(seed);
        let mut done = Vec::new();
        for _ in 0..300 {
            let step = step(&mut random);
            let theirs = on_host(&host.root(), &step);
            let ours = on_ours(&mut machine, &step);
            done.push(step);
            if ours != theirs {
                for (path, is) in tree_on_host(&host.root()) {
                    eprintln!("{path}: {}", is.chars().take(60).collect::<String>());
                }
                panic!("seed {seed}, {:?}: ours {ours:?}, the host's {theirs:?}", done.last());
            }
        }
        let (ours, theirs) = (tree_on_ours(&mut machine), tree_on_host(&host.root()));
        assert_eq!(ours, theirs, "seed {seed}");
        assert_eq!(machine.scheme.open_count(), 2);
    }
}
