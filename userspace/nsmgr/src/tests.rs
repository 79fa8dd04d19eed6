//! Tests of the manager through the loop that serves it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use scheme_server::fake::{Kernel, Opened};
use scheme_server::syscall::error::{
    EACCES, EBADF, EEXIST, EINVAL, EISDIR, EMLINK, ENOENT, ENOTDIR, EPERM, Error, Result,
};
use scheme_server::syscall::flag::{MODE_DIR, MODE_TYPE, O_CREAT, O_DIRECTORY, O_EXCL, O_RDWR};

use crate::Descriptor;
use crate::manager::Manager;
use crate::request::{CREATION, permission};

const FIRST: usize = 0;
const CAP: usize = 100;

thread_local! {
    /// Descriptors of the manager: number and what it leads to.
    static TABLE: RefCell<BTreeMap<usize, usize>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: Cell<usize> = const { Cell::new(1000) };
    /// What has died.
    static DEAD: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// A descriptor of a fake table.
#[derive(Debug)]
struct Fake(usize);

fn open(target: usize) -> usize {
    let fd = NEXT.replace(NEXT.get() + 1);
    TABLE.with_borrow_mut(|table| table.insert(fd, target));
    fd
}

fn target(fd: usize) -> usize {
    TABLE.with_borrow(|table| table[&fd])
}

impl Descriptor for Fake {
    fn adopt(fd: usize) -> Self {
        assert!(TABLE.with_borrow(|table| table.contains_key(&fd)));
        Self(fd)
    }

    fn duplicate(&self) -> Result<usize> {
        Ok(open(target(self.0)))
    }

    fn is_alive(&self) -> bool {
        !DEAD.with_borrow(|dead| dead.contains(&target(self.0)))
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        TABLE.with_borrow_mut(|table| table.remove(&self.0));
    }
}

type Machine = Kernel<Manager<Fake>>;

fn machine() -> Machine {
    let schemes = [("debug", 1), ("time", 7)].map(|(name, target)| (name, Fake::adopt(open(target))));
    Kernel::new(Manager::new(Fake::adopt(open(CAP)), schemes).unwrap())
}

fn errno<T: std::fmt::Debug>(result: Result<T>) -> i32 {
    result.map_err(|error: Error| error.errno).unwrap_err()
}

/// What opening a path in a name space leads to. The kernel takes the descriptor along.
fn lead(machine: &mut Machine, space: usize, path: &str) -> Result<usize> {
    match machine.openat(space, path, O_DIRECTORY)? {
        Opened::Descriptor(fd) => {
            let target = target(fd);
            TABLE.with_borrow_mut(|table| table.remove(&fd));
            Ok(target)
        }
        Opened::Number(number, _) => panic!("number {number} instead of a descriptor"),
    }
}

fn argument(kind: usize, words: &[&[u8]]) -> Vec<u8> {
    let mut argument = kind.to_le_bytes().to_vec();
    words.iter().for_each(|word| argument.extend(*word));
    argument
}

fn fork(machine: &mut Machine, space: usize, names: &[&str]) -> Result<usize> {
    let lengths: Vec<_> = names.iter().map(|name| name.len().to_le_bytes()).collect();
    let parts: Vec<&[u8]> =
        names.iter().zip(&lengths).flat_map(|(name, length)| [&length[..], name.as_bytes()]).collect();
    machine.dup(space, &argument(0, &parts)).map(Opened::number)
}

fn shrink(machine: &mut Machine, space: usize, kept: usize) -> usize {
    machine.dup(space, &argument(1, &[&kept.to_le_bytes()])).unwrap().number()
}

fn register(machine: &mut Machine, space: usize, name: &str, target: usize) -> Result<usize> {
    let handle = machine.dup(space, &argument(2, &[name.as_bytes()]))?.number();
    let fd = open(target);
    let result = machine.send_descriptors(handle, &[fd], 0);
    if result.is_err() {
        TABLE.with_borrow_mut(|table| table.remove(&fd));
    }
    machine.close(handle);
    result
}

fn names(machine: &mut Machine, space: usize) -> Vec<String> {
    let list = machine.openat(space, "/scheme", O_DIRECTORY).unwrap().number();
    let names = machine.getdents(list, 4096, 0).unwrap().into_iter().map(|entry| entry.name).collect();
    machine.close(list);
    names
}

#[test]
fn paths_lead_to_roots() {
    let mut machine = machine();
    assert_eq!(lead(&mut machine, FIRST, "/scheme/debug"), Ok(1));
    assert_eq!(lead(&mut machine, FIRST, "/scheme/time/4"), Ok(7));
    assert_eq!(lead(&mut machine, FIRST, "time:4"), Ok(7));
    assert_eq!(errno(lead(&mut machine, FIRST, "/home")), ENOENT);
    assert_eq!(register(&mut machine, FIRST, "file", 20), Ok(1));
    assert_eq!(lead(&mut machine, FIRST, "/home"), Ok(20));
    assert_eq!(lead(&mut machine, FIRST, "/"), Ok(20));
    assert_eq!(errno(lead(&mut machine, FIRST, "/scheme/none")), ENOENT);
    assert_eq!(errno(lead(&mut machine, 77, "/")), EBADF);
}

#[test]
fn descriptors_do_not_leak() {
    let mut machine = machine();
    let before = TABLE.with_borrow(BTreeMap::len);
    for _ in 0..3 {
        register(&mut machine, FIRST, "a", 20).unwrap();
        let space = fork(&mut machine, FIRST, &["a"]).unwrap();
        register(&mut machine, space, "b", 21).unwrap();
        lead(&mut machine, space, "/scheme/b").unwrap();
        assert_eq!(machine.unlinkat(FIRST, "/scheme/a", 0), Ok(0));
        machine.close(space);
    }
    assert_eq!(TABLE.with_borrow(BTreeMap::len), before);
    assert_eq!(machine.scheme.open_count(), 1);
    machine.close(FIRST);
    assert_eq!(lead(&mut machine, FIRST, "/scheme/debug"), Ok(1));
}

#[test]
fn the_right_to_make_schemes() {
    let mut machine = machine();
    let path = "/scheme/namespace/scheme-creation-cap";
    assert_eq!(lead(&mut machine, FIRST, path), Ok(CAP));
    let plain = fork(&mut machine, FIRST, &["*"]).unwrap();
    assert_eq!(errno(lead(&mut machine, plain, path)), EACCES);
    assert_eq!(errno(fork(&mut machine, plain, &["*", CREATION])), EACCES);
    let granted = fork(&mut machine, FIRST, &[CREATION]).unwrap();
    assert_eq!(lead(&mut machine, granted, path), Ok(CAP));
    assert_eq!(names(&mut machine, granted), [""; 0]);
    let shrunk = shrink(&mut machine, granted, permission::LIST);
    assert_eq!(errno(lead(&mut machine, shrunk, path)), EACCES);
}

#[test]
fn forks_show_what_fits() {
    let mut machine = machine();
    register(&mut machine, FIRST, "disk.a", 20).unwrap();
    let space = fork(&mut machine, FIRST, &["disk.*", "rand"]).unwrap();
    assert_eq!(names(&mut machine, space), ["disk.a"]);
    assert_eq!(errno(lead(&mut machine, space, "/scheme/debug")), ENOENT);
    // What comes later.
    register(&mut machine, FIRST, "disk.b", 21).unwrap();
    register(&mut machine, FIRST, "rand", 22).unwrap();
    assert_eq!(names(&mut machine, space), ["disk.a", "disk.b", "rand"]);
    // A fork of a fork shows no more than both allow.
    let inner = fork(&mut machine, space, &["disk.b", "debug", "rand*"]).unwrap();
    assert_eq!(names(&mut machine, inner), ["disk.b", "rand"]);
    assert_eq!(errno(lead(&mut machine, inner, "/scheme/debug")), ENOENT);
    // The fork stays when what it was made of is closed.
    machine.close(space);
    assert_eq!(lead(&mut machine, inner, "/scheme/disk.b"), Ok(21));
    let empty = fork(&mut machine, FIRST, &[]).unwrap();
    assert_eq!(names(&mut machine, empty), [""; 0]);
    assert_eq!(errno(fork(&mut machine, FIRST, &["a/b"])), EINVAL);
}

#[test]
fn what_is_registered_in_a_fork_stays_there() {
    let mut machine = machine();
    let space = fork(&mut machine, FIRST, &["*"]).unwrap();
    register(&mut machine, space, "mine", 30).unwrap();
    register(&mut machine, space, "time", 31).unwrap();
    assert_eq!(lead(&mut machine, space, "/scheme/mine"), Ok(30));
    assert_eq!(lead(&mut machine, space, "/scheme/time"), Ok(31));
    assert_eq!(errno(lead(&mut machine, FIRST, "/scheme/mine")), ENOENT);
    assert_eq!(lead(&mut machine, FIRST, "/scheme/time"), Ok(7));
    assert_eq!(names(&mut machine, space), ["debug", "mine", "time"]);
    assert_eq!(machine.unlinkat(space, "/scheme/time", 0), Ok(0));
    assert_eq!(lead(&mut machine, space, "/scheme/time"), Ok(7));
    assert_eq!(errno(machine.unlinkat(space, "/scheme/time", 0)), EPERM);
}

#[test]
fn a_chain_of_forks_has_an_end() {
    let mut machine = machine();
    let mut space = FIRST;
    let mut depth = 0;
    let error = loop {
        match fork(&mut machine, space, &["*"]) {
            Ok(next) => (space, depth) = (next, depth + 1),
            Err(error) => break error,
        }
    };
    assert_eq!((error.errno, depth), (EMLINK, 64));
    assert_eq!(lead(&mut machine, space, "/scheme/time"), Ok(7));
    assert_eq!(names(&mut machine, space), ["debug", "time"]);
}

#[test]
fn a_name_is_taken_as_long_as_its_daemon_lives() {
    let mut machine = machine();
    register(&mut machine, FIRST, "net", 40).unwrap();
    register(&mut machine, FIRST, "log", 41).unwrap();
    let space = fork(&mut machine, FIRST, &["net"]).unwrap();
    assert_eq!(errno(register(&mut machine, FIRST, "net", 50)), EEXIST);
    assert_eq!(lead(&mut machine, FIRST, "/scheme/net"), Ok(40));
    DEAD.with_borrow_mut(|dead| dead.push(40));
    assert_eq!(register(&mut machine, FIRST, "net", 50), Ok(1));
    assert_eq!(lead(&mut machine, space, "/scheme/net"), Ok(50));
    assert_eq!(names(&mut machine, FIRST), ["debug", "time", "net", "log"]);
}

#[test]
fn two_that_want_one_name() {
    let mut machine = machine();
    let request = argument(2, &[b"net"]);
    let [a, b] = [(); 2].map(|()| machine.dup(FIRST, &request).unwrap().number());
    assert_eq!(machine.send_descriptors(a, &[open(60)], 0), Ok(1));
    let late = open(61);
    assert_eq!(errno(machine.send_descriptors(b, &[late], 0)), EEXIST);
    assert_eq!(lead(&mut machine, FIRST, "/scheme/net"), Ok(60));
    // The handle is for one descriptor.
    assert_eq!(errno(machine.send_descriptors(b, &[late, late], 0)), EINVAL);
    assert_eq!(errno(machine.send_descriptors(FIRST, &[late], 0)), EINVAL);
    assert_eq!(errno(machine.openat(a, "/", 0)), ENOTDIR);
    assert_eq!(errno(machine.getdents(a, 100, 0)), ENOTDIR);
}

#[test]
fn only_the_superuser_changes_names() {
    let mut machine = machine();
    let request = argument(2, &[b"net"]);
    machine.as_user(1000, 1000, |machine| {
        assert_eq!(errno(machine.dup(FIRST, &request)), EPERM);
        assert_eq!(errno(machine.unlinkat(FIRST, "/scheme/time", 0)), EPERM);
        assert_eq!(lead(machine, FIRST, "/scheme/time"), Ok(7));
        assert!(fork(machine, FIRST, &["time"]).is_ok());
    });
}

#[test]
fn permissions_only_shrink() {
    let mut machine = machine();
    let poor = shrink(&mut machine, FIRST, permission::DELETE);
    let still = shrink(&mut machine, poor, usize::MAX);
    for space in [poor, still] {
        assert_eq!(errno(machine.openat(space, "/scheme", 0)), EACCES);
        assert_eq!(errno(machine.getdents(space, 100, 0)), EACCES);
        assert_eq!(errno(register(&mut machine, space, "x", 1)), EACCES);
    }
    assert_eq!(machine.unlinkat(poor, "/scheme/time", 0), Ok(0));
    assert_eq!(names(&mut machine, FIRST), ["debug"]);
    let forked = fork(&mut machine, poor, &["*"]).unwrap();
    assert_eq!(errno(machine.openat(forked, "", 0)), EACCES);
    assert_eq!(errno(machine.unlinkat(FIRST, "/scheme/none", 0)), ENOENT);
    assert_eq!(errno(machine.unlinkat(FIRST, "/scheme", 0)), EPERM);
    let blind = shrink(&mut machine, FIRST, permission::LIST);
    assert_eq!(errno(machine.unlinkat(blind, "/scheme/debug", 0)), EACCES);
}

#[test]
fn listing_goes_on_where_it_was() {
    let mut machine = machine();
    for (name, target) in [("c", 20), ("b", 21), ("a", 22)] {
        register(&mut machine, FIRST, name, target).unwrap();
    }
    let list = machine.openat(FIRST, "/scheme", O_DIRECTORY).unwrap().number();
    // Room for two.
    let first = machine.getdents(list, 56, 0).unwrap();
    assert_eq!(first.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["debug", "time"]);
    machine.unlinkat(FIRST, "/scheme/debug", 0).unwrap();
    machine.unlinkat(FIRST, "/scheme/b", 0).unwrap();
    let rest = machine.getdents(list, 4096, first[1].next).unwrap();
    assert_eq!(rest.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["c", "a"]);
    assert_eq!(machine.getdents(list, 4096, rest[1].next).unwrap(), []);
    assert_eq!(errno(machine.getdents(list, 20, 0)), EINVAL);
    assert_eq!(machine.fstat(list).unwrap().st_mode & MODE_TYPE, MODE_DIR);
    assert_eq!(machine.fpath(list).unwrap(), "/scheme");
    assert_eq!(errno(machine.read(list, 10, 0)), EISDIR);
    assert_eq!(errno(machine.openat(FIRST, "/scheme", O_RDWR)), EISDIR);
    assert_eq!(errno(machine.openat(FIRST, "/scheme", O_CREAT | O_EXCL)), EEXIST);
}

#[test]
fn malformed_requests_are_refused() {
    let mut machine = machine();
    for request in
        [&[][..], &[1], &argument(9, &[]), &argument(0, &[&[1]]), &argument(2, &[b""]), &argument(2, &[b"a:b"])]
    {
        // The kernel answers an empty argument itself; here it comes through.
        assert_eq!(errno(machine.dup(FIRST, request)), EINVAL);
    }
    let count = machine.scheme.open_count();
    assert_eq!(count, 1);
}
