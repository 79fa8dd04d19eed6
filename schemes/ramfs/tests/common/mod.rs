//! What the tests share: a machine with this file system, and short ways to use it.
#![allow(dead_code)]

use std::cell::Cell;
use std::rc::Rc;

use ram_fs::fs::Clock;
use ram_fs::scheme::RamFs;
use scheme_server::fake::Kernel;
use scheme_server::syscall::data::{Stat, TimeSpec};
use scheme_server::syscall::error::Result;
use scheme_server::syscall::flag::{O_CREAT, O_DIRECTORY, O_EXCL, O_RDWR, O_STAT, O_SYMLINK, O_WRONLY, StdFsCallKind};

/// Memory of the file system.
pub const LIMIT: u64 = 256 << 20;
/// Root of the scheme `file`.
pub const ROOT: usize = 0;
/// Root of the scheme `tmp`.
pub const TMP: usize = 1;

/// A clock that is a second later each time it is looked at.
#[derive(Clone, Default)]
pub struct Ticks(pub Rc<Cell<i64>>);

impl Clock for Ticks {
    fn now(&self) -> TimeSpec {
        self.0.set(self.0.get() + 1);
        TimeSpec { tv_sec: self.0.get(), tv_nsec: 0 }
    }
}

/// A machine with the schemes `file` and `tmp`.
pub type Machine = Kernel<RamFs<Ticks>>;

pub fn machine_with(limit: u64) -> Machine {
    let volumes = vec![("file".into(), 0o755), ("tmp".into(), 0o1777)];
    Kernel::new(RamFs::new(limit, Ticks::default(), volumes).unwrap())
}

pub fn machine() -> Machine {
    machine_with(LIMIT)
}

/// The error number of a call that must fail.
#[track_caller]
pub fn errno<T: std::fmt::Debug>(result: Result<T>) -> i32 {
    result.expect_err("this should fail").errno
}

/// Opens a path from the root of `file`.
pub fn open(machine: &mut Machine, path: &str, flags: usize) -> Result<usize> {
    machine.openat(ROOT, path, flags).map(|opened| opened.number())
}

/// Opens, does something, closes.
pub fn with<T>(
    machine: &mut Machine,
    path: &str,
    flags: usize,
    act: impl FnOnce(&mut Machine, usize) -> T,
) -> Result<T> {
    let id = open(machine, path, flags)?;
    let result = act(machine, id);
    machine.close(id);
    Ok(result)
}

/// Makes a file with these contents.
#[track_caller]
pub fn put(machine: &mut Machine, path: &str, contents: &[u8]) {
    let written = with(machine, path, O_CREAT | O_WRONLY | 0o644, |machine, id| machine.write(id, contents, 0, 0));
    assert_eq!(written.unwrap(), Ok(contents.len()));
}

/// Contents of a file.
#[track_caller]
pub fn get(machine: &mut Machine, path: &str) -> Vec<u8> {
    with(machine, path, O_RDWR, |machine, id| {
        let size = machine.fsize(id).unwrap();
        machine.read(id, size + 10, 0).unwrap()
    })
    .unwrap()
}

pub fn mkdir(machine: &mut Machine, path: &str, mode: usize) -> Result<()> {
    with(machine, path, O_CREAT | O_EXCL | O_DIRECTORY | mode, |_, _| ())
}

pub fn symlink(machine: &mut Machine, target: &str, path: &str) -> Result<()> {
    with(machine, path, O_CREAT | O_EXCL | O_SYMLINK | O_WRONLY | 0o777, |machine, id| {
        machine.write(id, target.as_bytes(), 0, 0).map(drop)
    })?
}

pub fn rename(machine: &mut Machine, old: &str, new: &str) -> Result<usize> {
    let payload = [old, new].join("\0");
    machine.std_fs_pair(StdFsCallKind::Frenameat, [ROOT, ROOT], payload.as_bytes(), 0)
}

pub fn link(machine: &mut Machine, old: &str, new: &str) -> Result<usize> {
    with(machine, old, O_STAT | O_SYMLINK, |machine, id| {
        machine.std_fs_pair(StdFsCallKind::Flinkat, [id, ROOT], new.as_bytes(), 0)
    })?
}

pub fn stat(machine: &mut Machine, path: &str) -> Result<Stat> {
    with(machine, path, O_STAT, |machine, id| machine.fstat(id))?
}

pub fn lstat(machine: &mut Machine, path: &str) -> Result<Stat> {
    with(machine, path, O_STAT | O_SYMLINK, |machine, id| machine.fstat(id))?
}

/// Names in a directory, in order.
#[track_caller]
pub fn list(machine: &mut Machine, path: &str) -> Vec<String> {
    let flags = scheme_server::syscall::flag::O_RDONLY | O_DIRECTORY;
    with(machine, path, flags, |machine, id| {
        let mut names = Vec::new();
        let mut from = 0;
        loop {
            let entries = machine.getdents(id, 512, from).unwrap();
            let Some(last) = entries.last() else { return names };
            from = last.next;
            names.extend(entries.into_iter().map(|entry| entry.name));
        }
    })
    .unwrap()
}

/// Numbers from a seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
