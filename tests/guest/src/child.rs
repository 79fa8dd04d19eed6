//! This program again, as a child with a role.

use std::env;
use std::io::{Error, Result};

use libredox::{Fd, call};
use ochre_spawn::Spawn;

/// The role that this process was started for, with its arguments; none for the test itself.
pub fn role() -> Option<Vec<String>> {
    let args: Vec<String> = env::args().skip(1).collect();
    (args.first().map(String::as_str) == Some("--role")).then(|| args[1..].to_vec())
}

/// This program's file, read once.
fn image() -> &'static [u8] {
    use std::sync::OnceLock;
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let path = env::args().next().expect("the program's own path");
        std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    })
}

/// The name space of this process.
pub fn namespace() -> usize {
    call::getns().expect("a name space")
}

/// This program for a role, not yet started: with the console, and the same name space.
pub fn child(role: &[&str]) -> Spawn<'static> {
    quiet_child(role).inherit(0, 0).inherit(1, 1).inherit(2, 2)
}

/// As [`child`], without the console.
pub fn quiet_child(role: &[&str]) -> Spawn<'static> {
    let path = env::args().next().expect("the program's own path");
    let spawn = Spawn::new(image(), &path).arg("--role").namespace(namespace());
    role.iter().fold(spawn, |spawn, word| spawn.arg(word))
}

/// A pipe.
pub struct Pipe {
    /// Its reading end.
    pub read: Fd,
    /// Its writing end.
    pub write: Fd,
}

impl Pipe {
    /// A new one.
    pub fn new() -> Result<Self> {
        let read = Fd::open("/scheme/pipe", libredox::flag::O_CLOEXEC, 0).map_err(Error::from)?;
        let write = Fd::new(read.dup(b"write").map_err(Error::from)?);
        Ok(Pipe { read, write })
    }
}
