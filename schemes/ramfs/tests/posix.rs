//! What POSIX promises, and what the scheme protocol adds to it, seen from a client.

mod common;

use common::{
    LIMIT, Machine, ROOT, Random, TMP, Ticks, errno, get, link, list, lstat, machine, machine_with, mkdir, open, put,
    rename, stat, symlink, with,
};
use ram_fs::furnish::Piece;
use ram_fs::scheme::RamFs;
use scheme_server::fake::{Kernel, Opened};
use scheme_server::syscall::error::{
    EACCES, EAGAIN, EBADF, EBUSY, EEXIST, EFBIG, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOSPC, ENOTDIR,
    ENOTEMPTY, EOPNOTSUPP, EPERM, EXDEV,
};
use scheme_server::syscall::flag::{
    AT_REMOVEDIR, EventFlags, F_SETFL, MODE_CHR, MODE_DIR, MODE_FILE, MODE_SYMLINK, MODE_TYPE, MapFlags, O_APPEND,
    O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_STAT, O_SYMLINK, O_TRUNC, O_WRONLY, StdFsCallKind,
};
use scheme_server::syscall::schemev2::{NewFdFlags, Opcode, Sqe};

const PAGE: usize = 4096;
const ALICE: (u32, u32) = (1000, 100);
const BOB: (u32, u32) = (1001, 100);

fn chmod(machine: &mut Machine, path: &str, mode: u64) -> Result<usize, i32> {
    with(machine, path, O_STAT, |machine, id| machine.std_fs(StdFsCallKind::Fchmod, id, &[], [mode, 0]).result())
        .and_then(|result| result)
        .map_err(|error| error.errno)
}

fn as_alice<T>(machine: &mut Machine, act: impl FnOnce(&mut Machine) -> T) -> T {
    machine.as_user(ALICE.0, ALICE.1, act)
}

fn as_bob<T>(machine: &mut Machine, act: impl FnOnce(&mut Machine) -> T) -> T {
    machine.as_user(BOB.0, BOB.1, act)
}

#[test]
fn what_is_there_from_the_beginning() {
    let folder = |path: &str, bits| Piece::Folder(path.into(), bits);
    let link = |path: &str, target: &str| Piece::Link(path.into(), target.into());
    let furnished = |pieces: &[Piece]| {
        let mut fs = RamFs::new(LIMIT, Ticks::default(), vec![("file".into(), 0o755)]).unwrap();
        fs.furnish(pieces).map(|()| Kernel::new(fs)).map_err(|(path, error)| (path, error.errno))
    };
    let mut machine =
        furnished(&[folder("tmp", 0o1777), link("dev/null", "/scheme/null"), folder("a/b", 0o700), folder("a", 0o750)])
            .unwrap();
    assert_eq!(list(&mut machine, ""), ["tmp", "dev", "a"]);
    for (path, mode) in
        [("tmp", MODE_DIR | 0o1777), ("dev", MODE_DIR | 0o755), ("a/b", MODE_DIR | 0o700), ("a", MODE_DIR | 0o750)]
    {
        assert_eq!(stat(&mut machine, path).unwrap().st_mode, mode, "{path}");
    }
    let target = with(&mut machine, "dev/null", O_RDONLY | O_SYMLINK, |machine, id| machine.read(id, 99, 0)).unwrap();
    assert_eq!(target.unwrap(), b"/scheme/null");
    assert_eq!(furnished(&[link("a", "x"), link("a", "y")]).err(), Some(("a".into(), EEXIST)));
    // The way leads where a link on it does.
    let mut machine = furnished(&[link("a", "x"), folder("a/b", 0o755)]).unwrap();
    assert_eq!((list(&mut machine, ""), list(&mut machine, "x")), (vec!["a".into(), "x".into()], vec!["b".into()]));
}

#[test]
fn files_are_positioned() {
    let mut machine = machine();
    let opened = machine.openat(ROOT, "f", O_CREAT | O_RDWR | 0o640).unwrap();
    assert_eq!(opened, Opened::Number(2, NewFdFlags::POSITIONED));
    let facts = machine.fstat(2).unwrap();
    assert_eq!((facts.st_mode, facts.st_nlink, facts.st_size), (MODE_FILE | 0o640, 1, 0));
    assert_eq!(machine.write(2, b"hello", 0, 0), Ok(5));
    assert_eq!(machine.read(2, 100, 1).unwrap(), b"ello");
    assert_eq!(machine.read(2, 100, 5).unwrap(), b"");
    assert_eq!(machine.read(2, 100, u64::MAX - 1).unwrap(), b"");
    assert_eq!(machine.fsize(2), Ok(5));
}

#[test]
fn only_what_it_was_opened_for() {
    let mut machine = machine();
    put(&mut machine, "f", b"x");
    let (read, write, stat) = (
        open(&mut machine, "f", O_RDONLY).unwrap(),
        open(&mut machine, "f", O_WRONLY).unwrap(),
        open(&mut machine, "f", O_STAT).unwrap(),
    );
    assert_eq!(errno(machine.write(read, b"y", 0, 0)), EBADF);
    assert_eq!(errno(machine.read(write, 1, 0)), EBADF);
    assert_eq!((errno(machine.read(stat, 1, 0)), errno(machine.write(stat, b"y", 0, 0))), (EBADF, EBADF));
    let truncate = |machine: &mut Machine, id| machine.std_fs(StdFsCallKind::Ftruncate, id, &[], [0, 0]).result();
    assert_eq!(errno(truncate(&mut machine, read)), EINVAL);
    assert_eq!(truncate(&mut machine, write), Ok(0));
    assert_eq!(machine.fstat(stat).unwrap().st_size, 0);
    assert_eq!(errno(machine.fstat(99)), EBADF);
}

#[test]
fn appending_is_at_the_end_whatever_the_offset() {
    let mut machine = machine();
    let a = open(&mut machine, "f", O_CREAT | O_WRONLY | O_APPEND | 0o644).unwrap();
    let b = open(&mut machine, "f", O_WRONLY).unwrap();
    machine.write(a, b"one", 0, O_APPEND).unwrap();
    machine.write(b, b"o", 0, 0).unwrap();
    machine.write(a, b"two", 0, O_APPEND).unwrap();
    assert_eq!(get(&mut machine, "f"), b"onetwo");
}

#[test]
fn exclusive_and_truncating_creation() {
    let mut machine = machine();
    put(&mut machine, "f", b"contents");
    mkdir(&mut machine, "d", 0o755).unwrap();
    assert_eq!(errno(open(&mut machine, "f", O_CREAT | O_EXCL | O_RDWR)), EEXIST);
    assert_eq!(errno(open(&mut machine, "d", O_CREAT | O_RDONLY)), EISDIR);
    assert_eq!(errno(open(&mut machine, "d", O_RDWR)), EISDIR);
    assert_eq!(errno(open(&mut machine, "d", O_RDONLY | O_TRUNC)), EISDIR);
    assert_eq!(errno(open(&mut machine, "f", O_RDONLY | O_DIRECTORY)), ENOTDIR);
    assert_eq!(errno(mkdir(&mut machine, "d", 0o755)), EEXIST);
    assert_eq!(errno(mkdir(&mut machine, "none/d", 0o755)), ENOENT);
    assert_eq!(errno(mkdir(&mut machine, "f/d", 0o755)), ENOTDIR);
    assert!(open(&mut machine, "f", O_CREAT | O_TRUNC | O_WRONLY).is_ok());
    assert_eq!(get(&mut machine, "f"), b"");
    let flags = O_CREAT | O_EXCL | O_RDONLY | MODE_CHR as usize | 0o644;
    assert_eq!(errno(open(&mut machine, "device", flags)), EOPNOTSUPP);
    assert_eq!(errno(open(&mut machine, "mixed", O_CREAT | O_RDWR | MODE_DIR as usize)), EINVAL);
    assert_eq!(errno(open(&mut machine, "mixed", O_CREAT | O_SYMLINK | O_DIRECTORY)), EINVAL);
    let long = "n".repeat(256);
    assert_eq!(errno(open(&mut machine, &long, O_CREAT | O_RDWR)), ENAMETOOLONG);
    assert!(open(&mut machine, &long[1..], O_CREAT | O_RDWR).is_ok());
}

#[test]
fn a_file_lives_as_long_as_it_is_open() {
    let mut machine = machine();
    let before = machine.scheme.fs().store().budget.used();
    put(&mut machine, "f", &[7; 3 * PAGE]);
    let id = open(&mut machine, "f", O_RDWR).unwrap();
    assert_eq!(machine.unlinkat(ROOT, "f", 0), Ok(0));
    assert_eq!(errno(open(&mut machine, "f", O_RDONLY)), ENOENT);
    assert_eq!(machine.fstat(id).unwrap().st_nlink, 0);
    assert_eq!(machine.read(id, 1, 2 * PAGE as u64).unwrap(), [7]);
    assert_eq!(machine.write(id, b"more", 3 * PAGE as u64, 0), Ok(4));
    assert_eq!(errno(machine.fpath(id)), ENOENT);
    assert_eq!(errno(machine.flink(id, "back")), ENOENT);
    put(&mut machine, "f", b"another");
    assert_eq!(machine.read(id, 1, 0).unwrap(), [7]);
    machine.close(id);
    machine.unlinkat(ROOT, "f", 0).unwrap();
    assert_eq!(machine.scheme.fs().store().budget.used(), before);
}

#[test]
fn a_directory_that_was_removed_takes_no_names() {
    let mut machine = machine();
    let count = machine.scheme.fs().inode_count();
    mkdir(&mut machine, "d", 0o755).unwrap();
    let id = open(&mut machine, "d", O_RDONLY | O_DIRECTORY).unwrap();
    assert_eq!(errno(machine.unlinkat(ROOT, "d", 0)), EISDIR);
    assert_eq!(machine.unlinkat(ROOT, "d", AT_REMOVEDIR), Ok(0));
    assert_eq!(errno(machine.openat(id, "x", O_CREAT | O_RDWR)), ENOENT);
    assert_eq!(errno(machine.openat(id, "..", O_RDONLY)), ENOENT);
    assert_eq!(machine.getdents(id, 512, 0).unwrap(), []);
    assert_eq!(machine.fstat(id).unwrap().st_nlink, 0);
    machine.close(id);
    assert_eq!(machine.scheme.fs().inode_count(), count);
}

#[test]
fn links_are_counted() {
    let mut machine = machine();
    put(&mut machine, "a", b"x");
    mkdir(&mut machine, "d", 0o755).unwrap();
    assert_eq!(link(&mut machine, "a", "d/b"), Ok(0));
    assert_eq!(errno(link(&mut machine, "a", "d/b")), EEXIST);
    assert_eq!(errno(link(&mut machine, "d", "e")), EPERM);
    assert_eq!(errno(link(&mut machine, "a", "none/b")), ENOENT);
    assert_eq!(stat(&mut machine, "a").unwrap(), stat(&mut machine, "d/b").unwrap());
    assert_eq!(stat(&mut machine, "a").unwrap().st_nlink, 2);
    let id = open(&mut machine, "d/b", O_RDONLY).unwrap();
    assert_eq!(machine.fpath(id).unwrap(), "/d/b");
    assert_eq!(machine.unlinkat(ROOT, "a", 0), Ok(0));
    assert_eq!(machine.fpath(id).unwrap(), "/d/b");
    assert_eq!(machine.fstat(id).unwrap().st_nlink, 1);
    assert_eq!(machine.flink(id, "c"), Ok(0));
    assert_eq!(get(&mut machine, "c"), b"x");
    let facts = stat(&mut machine, "d").unwrap();
    mkdir(&mut machine, "d/e", 0o755).unwrap();
    assert_eq!((facts.st_nlink, stat(&mut machine, "d").unwrap().st_nlink), (2, 3));
}

#[test]
fn renaming_replaces() {
    let mut machine = machine();
    put(&mut machine, "a", b"a");
    put(&mut machine, "b", b"b");
    let b = open(&mut machine, "b", O_RDONLY).unwrap();
    assert_eq!(rename(&mut machine, "a", "b"), Ok(0));
    assert_eq!((get(&mut machine, "b"), machine.read(b, 1, 0).unwrap()), (b"a".to_vec(), b"b".to_vec()));
    assert_eq!(list(&mut machine, ""), ["b"]);
    mkdir(&mut machine, "d", 0o755).unwrap();
    mkdir(&mut machine, "d/e", 0o755).unwrap();
    assert_eq!(errno(rename(&mut machine, "d", "d/e/f")), EINVAL);
    assert_eq!(errno(rename(&mut machine, "d", "b")), ENOTDIR);
    assert_eq!(errno(rename(&mut machine, "b", "d")), EISDIR);
    mkdir(&mut machine, "x", 0o755).unwrap();
    assert_eq!(errno(rename(&mut machine, "x", "d")), ENOTEMPTY);
    assert_eq!(rename(&mut machine, "x", "d/e"), Ok(0));
    assert_eq!(rename(&mut machine, "b", "d/e/b"), Ok(0));
    assert_eq!(rename(&mut machine, "d/e", "e"), Ok(0));
    let id = open(&mut machine, "e/b", O_RDONLY).unwrap();
    assert_eq!(machine.fpath(id).unwrap(), "/e/b");
    assert_eq!(machine.frename(id, "e/c"), Ok(0));
    assert_eq!(machine.fpath(id).unwrap(), "/e/c");
    for (old, new) in [("", "z"), ("e", "")] {
        assert_eq!(errno(rename(&mut machine, old, new)), EBUSY);
    }
    let noreplace = |machine: &mut Machine, new: &str, flags| {
        let payload = ["e/c", new].join("\0");
        machine.std_fs_pair(StdFsCallKind::Frenameat, [ROOT, ROOT], payload.as_bytes(), flags)
    };
    assert_eq!(errno(noreplace(&mut machine, "d", 1)), EEXIST);
    assert_eq!(errno(noreplace(&mut machine, "f", 2)), EINVAL);
    assert_eq!(noreplace(&mut machine, "f", 1), Ok(0));
}

#[test]
fn symbolic_links_are_followed_inside() {
    let mut machine = machine();
    mkdir(&mut machine, "d", 0o755).unwrap();
    put(&mut machine, "d/f", b"x");
    for (path, target) in [
        ("l", "d/f"),
        ("d/up", "../d/f"),
        ("abs", "/d/f"),
        ("url", "/scheme/file/d/f"),
        ("dir", "d/"),
        ("long", "/../d/./f"),
    ] {
        symlink(&mut machine, target, path).unwrap();
    }
    for path in ["l", "d/up", "abs", "url", "dir/f", "dir/up", "long"] {
        assert_eq!(get(&mut machine, path), b"x", "{path}");
    }
    let facts = lstat(&mut machine, "l").unwrap();
    assert_eq!((facts.st_mode, facts.st_size), (MODE_SYMLINK | 0o777, 3));
    assert_eq!(stat(&mut machine, "l").unwrap().st_mode & MODE_TYPE, MODE_FILE);
    assert_eq!(errno(open(&mut machine, "l", O_RDONLY | O_NOFOLLOW)), ELOOP);
    let read = with(&mut machine, "l", O_RDONLY | O_SYMLINK, |machine, id| machine.read(id, 100, 0)).unwrap().unwrap();
    assert_eq!(read, b"d/f");
    // What it says, it says for good.
    assert_eq!(
        with(&mut machine, "l", O_WRONLY | O_SYMLINK, |machine, id| errno(machine.write(id, b"x", 0, 0))),
        Ok(EINVAL)
    );
    assert_eq!(errno(symlink(&mut machine, "x", "l")), EEXIST);
    assert_eq!(errno(symlink(&mut machine, &"x".repeat(4096), "too-long")), EINVAL);
    // Creating through a link that leads nowhere makes what it leads to.
    symlink(&mut machine, "d/new", "to-new").unwrap();
    assert_eq!(errno(open(&mut machine, "to-new", O_RDONLY)), ENOENT);
    assert_eq!(errno(open(&mut machine, "to-new", O_CREAT | O_EXCL | O_RDWR)), EEXIST);
    put(&mut machine, "to-new", b"y");
    assert_eq!(get(&mut machine, "d/new"), b"y");
    machine.unlinkat(ROOT, "to-new", 0).unwrap();
    assert_eq!(get(&mut machine, "d/new"), b"y");
}

#[test]
fn symbolic_links_that_lead_out_are_the_clients_affair() {
    let mut machine = machine();
    symlink(&mut machine, "/scheme/rand", "r").unwrap();
    symlink(&mut machine, "rand:", "u").unwrap();
    mkdir(&mut machine, "d", 0o755).unwrap();
    symlink(&mut machine, "/scheme/tmp/x", "d/t").unwrap();
    for path in ["r", "u", "d/t", "d/t/more"] {
        assert_eq!(errno(open(&mut machine, path, O_RDONLY)), EXDEV, "{path}");
    }
    assert_eq!(errno(rename(&mut machine, "d/t/x", "y")), EXDEV);
    assert_eq!(machine.unlinkat(ROOT, "d/t", 0), Ok(0));
    symlink(&mut machine, "b", "a").unwrap();
    symlink(&mut machine, "a", "b").unwrap();
    assert_eq!(errno(open(&mut machine, "a", O_RDONLY)), ELOOP);
    assert_eq!(errno(open(&mut machine, "a/x", O_RDONLY)), ELOOP);
    // In a scheme that is not the one of ordinary paths, those lead out.
    let flags = O_CREAT | O_EXCL | O_SYMLINK | O_WRONLY | 0o777;
    for (path, target, error) in [("out", "/etc", EXDEV), ("up", "../x", EXDEV), ("in", "/scheme/tmp/none", ENOENT)] {
        let id = machine.openat(TMP, path, flags).unwrap().number();
        assert_eq!(errno(machine.openat(TMP, path, O_RDONLY)), ENOENT, "it says nothing yet");
        machine.write(id, target.as_bytes(), 0, 0).unwrap();
        assert_eq!(errno(machine.openat(TMP, path, O_RDONLY)), error, "{path}");
    }
}

#[test]
fn schemes_are_apart() {
    let mut machine = machine();
    put(&mut machine, "f", b"x");
    assert_eq!(errno(machine.openat(TMP, "f", O_RDONLY)), ENOENT);
    let there = machine.openat(TMP, "t", O_CREAT | O_RDWR | 0o644).unwrap().number();
    assert_eq!(machine.fpath(there).unwrap(), "/scheme/tmp/t");
    assert_eq!((machine.fpath(ROOT).unwrap(), machine.fpath(TMP).unwrap()), ("/".into(), "/scheme/tmp/".into()));
    let across = machine.std_fs_pair(StdFsCallKind::Frenameat, [ROOT, TMP], b"f\0f", 0);
    assert_eq!(errno(across), EXDEV);
    assert_eq!(errno(machine.std_fs_pair(StdFsCallKind::Flinkat, [there, ROOT], b"t", 0)), EXDEV);
    assert_eq!(machine.fstat(TMP).unwrap().st_mode, MODE_DIR | 0o1777);
    // Their roots cannot be closed.
    machine.close(TMP);
    assert!(machine.openat(TMP, "t", O_RDONLY).is_ok());
}

#[test]
fn paths_from_directories() {
    let mut machine = machine();
    mkdir(&mut machine, "a", 0o755).unwrap();
    mkdir(&mut machine, "a/b", 0o755).unwrap();
    put(&mut machine, "a/b/f", b"x");
    let a = open(&mut machine, "a", O_RDONLY | O_DIRECTORY).unwrap();
    let file = machine.openat(a, "b/f", O_RDONLY).unwrap().number();
    for path in ["/b/f", "b//f", "./b/./f", "../a/b/f", "b/../../../a/b/f", "b/f/"] {
        assert!(machine.openat(a, path, O_RDONLY).is_ok(), "{path}");
    }
    assert_eq!(errno(machine.openat(file, "x", O_RDONLY)), ENOTDIR);
    assert_eq!(errno(machine.openat(a, "b/f/x", O_RDONLY)), ENOTDIR);
    // The same again: a path of nothing.
    let again = machine.openat(file, "", O_RDONLY).unwrap().number();
    assert_eq!((machine.read(again, 9, 0).unwrap(), machine.fpath(again).unwrap()), (b"x".to_vec(), "/a/b/f".into()));
    assert_eq!(machine.unlinkat(a, "b/f", 0), Ok(0));
    assert_eq!(errno(machine.unlinkat(a, "", AT_REMOVEDIR)), EBUSY);
    assert_eq!(errno(machine.unlinkat(a, "b", 1)), EINVAL);
}

#[test]
fn permissions_decide() {
    let mut machine = machine();
    chmod(&mut machine, "", 0o777).unwrap();
    as_alice(&mut machine, |machine| {
        put(machine, "f", b"x");
        chmod(machine, "f", 0o640).unwrap();
        mkdir(machine, "private", 0o700).unwrap();
        put(machine, "private/f", b"x");
    });
    let facts = stat(&mut machine, "f").unwrap();
    assert_eq!((facts.st_uid, facts.st_gid), ALICE);
    as_bob(&mut machine, |machine| {
        assert!(open(machine, "f", O_RDONLY).is_ok());
        assert_eq!(errno(open(machine, "f", O_RDWR)), EACCES);
        assert_eq!(errno(open(machine, "f", O_RDONLY | O_TRUNC)), EACCES);
        assert_eq!(chmod(machine, "f", 0o666), Err(EPERM));
        for path in ["private/f", "private/none", "private/x/y"] {
            assert_eq!(errno(stat(machine, path)), EACCES, "{path}");
        }
        assert_eq!(errno(open(machine, "private", O_RDONLY | O_DIRECTORY)), EACCES);
        assert_eq!(errno(rename(machine, "private/f", "f2")), EACCES);
        assert_eq!(errno(link(machine, "f", "private/f2")), EACCES);
        let id = open(machine, "private", O_STAT).unwrap();
        assert_eq!(errno(machine.openat(id, "f", O_RDONLY)), EACCES);
        assert_eq!(errno(machine.fchown(id, BOB.0, BOB.1)), EPERM);
    });
    machine.as_user(2000, 2000, |machine| assert_eq!(errno(open(machine, "f", O_RDONLY)), EACCES));
    chmod(&mut machine, "", 0o755).unwrap();
    as_alice(&mut machine, |machine| {
        assert_eq!(errno(open(machine, "g", O_CREAT | O_RDWR)), EACCES);
        assert_eq!(errno(machine.unlinkat(ROOT, "f", 0)), EACCES);
        assert_eq!(errno(rename(machine, "f", "g")), EACCES);
        assert_eq!(get(machine, "private/f"), b"x");
        // Permissions are looked at when it is opened, not later.
        let id = open(machine, "private/f", O_RDWR).unwrap();
        chmod(machine, "private/f", 0).unwrap();
        assert_eq!(errno(open(machine, "private/f", O_RDONLY)), EACCES);
        assert_eq!(machine.write(id, b"y", 0, 0), Ok(1));
    });
    // A file may be made that its maker could not open.
    as_alice(&mut machine, |machine| {
        let id = open(machine, "private/locked", O_CREAT | O_RDWR).unwrap();
        assert_eq!(machine.write(id, b"y", 0, 0), Ok(1));
        assert_eq!(errno(open(machine, "private/locked", O_RDONLY)), EACCES);
    });
}

#[test]
fn in_a_sticky_directory_names_belong_to_owners() {
    let mut machine = machine();
    let unlink = |machine: &mut Machine, name: &str| machine.unlinkat(TMP, name, 0);
    let make = |machine: &mut Machine, name: &str| {
        machine.openat(TMP, name, O_CREAT | O_EXCL | O_RDWR | 0o666).map(|opened| opened.number())
    };
    as_alice(&mut machine, |machine| make(machine, "a").unwrap());
    as_bob(&mut machine, |machine| {
        make(machine, "b").unwrap();
        assert_eq!(errno(unlink(machine, "a")), EPERM);
        let over = machine.std_fs_pair(StdFsCallKind::Frenameat, [TMP, TMP], b"b\0a", 0);
        assert_eq!(errno(over), EPERM);
        let away = machine.std_fs_pair(StdFsCallKind::Frenameat, [TMP, TMP], b"a\0c", 0);
        assert_eq!(errno(away), EPERM);
        assert_eq!(unlink(machine, "b"), Ok(0));
    });
    as_alice(&mut machine, |machine| assert_eq!(unlink(machine, "a"), Ok(0)));
}

#[test]
fn set_id_bits() {
    let mut machine = machine();
    mkdir(&mut machine, "d", 0o2777).unwrap();
    with(&mut machine, "d", O_STAT, |machine, id| machine.fchown(id, 0, 55)).unwrap().unwrap();
    chmod(&mut machine, "d", 0o2777).unwrap();
    as_alice(&mut machine, |machine| {
        mkdir(machine, "d/sub", 0o755).unwrap();
        assert!(open(machine, "d/f", O_CREAT | O_RDWR | 0o2755).is_ok());
        let (sub, file) = (stat(machine, "d/sub").unwrap(), stat(machine, "d/f").unwrap());
        assert_eq!((sub.st_gid, sub.st_mode), (55, MODE_DIR | 0o2755));
        assert_eq!((file.st_gid, file.st_mode), (55, MODE_FILE | 0o755));
        // Who writes a program takes its rights away.
        let id = open(machine, "p", O_RDONLY).err().map(|error| error.errno);
        assert_eq!(id, Some(ENOENT));
    });
    put(&mut machine, "p", b"program");
    chmod(&mut machine, "p", 0o6777).unwrap();
    as_bob(&mut machine, |machine| {
        with(machine, "p", O_WRONLY, |machine, id| machine.write(id, b"x", 0, 0)).unwrap().unwrap();
    });
    assert_eq!(stat(&mut machine, "p").unwrap().st_mode, MODE_FILE | 0o777);
    chmod(&mut machine, "p", 0o6777).unwrap();
    with(&mut machine, "p", O_STAT, |machine, id| machine.fchown(id, ALICE.0, u32::MAX)).unwrap().unwrap();
    as_alice(&mut machine, |machine| {
        with(machine, "p", O_STAT, |machine, id| {
            assert_eq!(errno(machine.fchown(id, BOB.0, u32::MAX)), EPERM);
            assert_eq!(errno(machine.fchown(id, u32::MAX, 77)), EPERM);
            assert_eq!(machine.fchown(id, u32::MAX, ALICE.1), Ok(0));
        })
        .unwrap();
    });
    let facts = stat(&mut machine, "p").unwrap();
    assert_eq!((facts.st_uid, facts.st_gid, facts.st_mode), (ALICE.0, ALICE.1, MODE_FILE | 0o777));
}

#[test]
fn times_move() {
    let mut machine = machine();
    put(&mut machine, "f", b"x");
    let times = |machine: &mut Machine| {
        let facts = stat(machine, "f").unwrap();
        (facts.st_atime, facts.st_mtime, facts.st_ctime)
    };
    let made = times(&mut machine);
    get(&mut machine, "f");
    let read = times(&mut machine);
    assert!(read.0 > made.0 && (read.1, read.2) == (made.1, made.2));
    get(&mut machine, "f");
    assert_eq!(times(&mut machine), read, "only the first reading after a change counts");
    put(&mut machine, "f", b"y");
    let written = times(&mut machine);
    assert!(written.1 > read.1 && written.2 > read.2 && written.0 == read.0);
    chmod(&mut machine, "f", 0o600).unwrap();
    let changed = times(&mut machine);
    assert!(changed.2 > written.2 && changed.1 == written.1);

    let root = stat(&mut machine, "").unwrap().st_mtime;
    rename(&mut machine, "f", "g").unwrap();
    assert!(stat(&mut machine, "").unwrap().st_mtime > root);
    rename(&mut machine, "g", "f").unwrap();

    let mut payload = [0; 32];
    payload[..8].copy_from_slice(&5_i64.to_ne_bytes());
    payload[16..24].copy_from_slice(&6_i64.to_ne_bytes());
    let set = |machine: &mut Machine, flags| {
        with(machine, "f", flags, |machine, id| machine.std_fs(StdFsCallKind::Futimens, id, &payload, [0, 0]).result())
    };
    set(&mut machine, O_STAT).unwrap().unwrap();
    let now = times(&mut machine);
    assert_eq!((now.0, now.1), (5, 6));
    chmod(&mut machine, "f", 0o644).unwrap();
    as_bob(&mut machine, |machine| assert_eq!(errno(set(machine, O_STAT).unwrap()), EPERM));
}

#[test]
fn listings_are_whole_while_names_come_and_go() {
    let mut machine = machine();
    let mut random = Random(3);
    let stays: Vec<String> = (0..200).map(|number| format!("stays-{number}")).collect();
    for name in &stays {
        put(&mut machine, name, b"");
        put(&mut machine, &format!("goes-{}", random.below(1 << 20)), b"");
    }
    let id = open(&mut machine, "", O_RDONLY | O_DIRECTORY).unwrap();
    let mut seen = Vec::new();
    let mut from = 0;
    loop {
        let entries = machine.getdents(id, 300, from).unwrap();
        let Some(last) = entries.last() else { break };
        from = last.next;
        seen.extend(entries.into_iter().map(|entry| entry.name));
        let names = list(&mut machine, "");
        let goes: Vec<_> = names.iter().filter(|name| name.starts_with("goes")).collect();
        if let Some(&name) = goes.get(random.below(goes.len().max(1))) {
            machine.unlinkat(ROOT, name, 0).unwrap();
        }
        if seen.len() < 150 {
            put(&mut machine, &format!("goes-{}", random.below(1 << 20)), b"");
        }
    }
    for name in &stays {
        assert_eq!(seen.iter().filter(|seen| *seen == name).count(), 1, "{name}");
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), seen.len(), "a name came twice");
    assert_eq!(errno(machine.getdents(id, 20, 0)), EINVAL);
    assert_eq!(machine.getdents(id, 300, u64::MAX).unwrap(), []);
}

#[test]
fn listings_say_what_is_what() {
    let mut machine = machine();
    put(&mut machine, "f", b"");
    mkdir(&mut machine, "d", 0o755).unwrap();
    symlink(&mut machine, "f", "l").unwrap();
    let id = open(&mut machine, "", O_RDONLY | O_DIRECTORY).unwrap();
    let entries = machine.getdents(id, 512, 0).unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    assert_eq!(kinds, [("f", 8), ("d", 4), ("l", 10)]);
    assert_eq!(entries[0].inode, stat(&mut machine, "f").unwrap().st_ino);
    assert_eq!(entries[2].inode, lstat(&mut machine, "l").unwrap().st_ino);
    let file = open(&mut machine, "f", O_RDONLY).unwrap();
    let blind = open(&mut machine, "d", O_STAT).unwrap();
    assert_eq!((errno(machine.getdents(file, 512, 0)), errno(machine.getdents(blind, 512, 0))), (ENOTDIR, EBADF));
    assert_eq!(errno(machine.read(id, 10, 0)), EISDIR);
}

#[test]
fn a_full_file_system_says_so_and_can_be_tidied_up() {
    let mut machine = machine_with(64 << 10);
    let before = machine.scheme.fs().store().budget.used();
    let id = open(&mut machine, "big", O_CREAT | O_RDWR | 0o644).unwrap();
    let count = machine.write(id, &vec![1; 1 << 20], 0, 0).unwrap();
    assert!(count > 40 << 10 && count < 64 << 10, "{count}");
    assert_eq!(errno(machine.write(id, &[1; PAGE], count as u64, 0)), ENOSPC);
    assert_eq!(machine.write(id, &[2; PAGE], 0, 0), Ok(PAGE));
    let mut made = 0;
    let error = loop {
        match open(&mut machine, &format!("small-{made}"), O_CREAT | O_RDWR) {
            Ok(id) => machine.close(id),
            Err(error) => break error.errno,
        }
        made += 1;
    };
    assert_eq!(error, ENOSPC);
    assert_eq!(rename(&mut machine, "big", "b"), Ok(0));
    let facts = machine.fstatvfs(ROOT).unwrap();
    assert_eq!((facts.f_bsize, facts.f_blocks, facts.f_bfree), (4096, 16, 0));
    machine.close(id);
    machine.unlinkat(ROOT, "b", 0).unwrap();
    for number in 0..made {
        machine.unlinkat(ROOT, &format!("small-{number}"), 0).unwrap();
    }
    assert_eq!(machine.scheme.fs().store().budget.used(), before);
}

#[test]
fn sizes_have_an_end() {
    let mut machine = machine();
    let id = open(&mut machine, "f", O_CREAT | O_RDWR | 0o644).unwrap();
    let last = i64::MAX as u64;
    assert_eq!(machine.write(id, b"xy", last - 1, 0), Ok(1));
    assert_eq!(errno(machine.write(id, b"x", last, 0)), EFBIG);
    assert_eq!(errno(machine.write(id, b"x", u64::MAX, 0)), EFBIG);
    assert_eq!(machine.write(id, b"", u64::MAX, 0), Ok(0));
    let truncate = |machine: &mut Machine, len| machine.std_fs(StdFsCallKind::Ftruncate, id, &[], [len, 0]).result();
    assert_eq!(errno(truncate(&mut machine, last + 1)), EFBIG);
    assert_eq!(truncate(&mut machine, last), Ok(0));
    assert_eq!(machine.read(id, 3, last - 3).unwrap(), b"\0\0x");
    assert!(machine.fstat(id).unwrap().st_blocks < 100);
    assert_eq!(truncate(&mut machine, 0), Ok(0));
    assert_eq!(machine.fstat(id).unwrap().st_blocks, 0);
}

/// Memory as a client that has mapped it sees it.
fn mapped<'a>(address: usize, len: usize) -> &'a mut [u8] {
    // SAFETY: the file system says that so many bytes are there, and none of the tests unmaps or removes them before it
    // has looked at this.
    unsafe { std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(address), len) }
}

const SHARED: MapFlags =
    MapFlags::from_bits_retain(MapFlags::MAP_SHARED.bits() | MapFlags::PROT_READ.bits() | MapFlags::PROT_WRITE.bits());

#[test]
fn mapped_files_and_files_are_the_same() {
    let mut machine = machine();
    put(&mut machine, "f", &[1; PAGE + 10]);
    let id = open(&mut machine, "f", O_RDWR).unwrap();
    let address = machine.mmap(id, 0, 2 * PAGE, SHARED).unwrap();
    let memory = mapped(address, 2 * PAGE);
    assert!(memory[..PAGE + 10].iter().all(|&byte| byte == 1) && memory[PAGE + 10..].iter().all(|&byte| byte == 0));
    memory[5] = 9;
    assert_eq!(machine.read(id, 1, 5).unwrap(), [9]);
    machine.write(id, &[7; 3], PAGE as u64 - 1, 0).unwrap();
    assert_eq!(mapped(address, 2 * PAGE)[PAGE - 1..PAGE + 2], [7; 3]);
    // A second mapping, of what has been added since.
    machine.write(id, &[4; PAGE], 2 * PAGE as u64, 0).unwrap();
    let second = machine.mmap(id, 2 * PAGE as u64, PAGE, SHARED).unwrap();
    assert_eq!((second, mapped(second, PAGE)[0]), (address + 2 * PAGE, 4));
    // The file grows over what a client has left behind its end.
    machine.munmap(id, 2 * PAGE as u64, PAGE).unwrap();
    let truncate = |machine: &mut Machine, len| machine.std_fs(StdFsCallKind::Ftruncate, id, &[], [len, 0]).result();
    truncate(&mut machine, 10).unwrap();
    assert!(mapped(address, 2 * PAGE)[10..].iter().all(|&byte| byte == 0));
    mapped(address, PAGE)[20] = 3;
    truncate(&mut machine, 30).unwrap();
    assert_eq!(machine.read(id, 100, 10).unwrap(), [0; 20]);
}

#[test]
fn a_mapping_outlives_its_descriptor() {
    let mut machine = machine();
    put(&mut machine, "f", &[1; PAGE]);
    let id = open(&mut machine, "f", O_RDWR).unwrap();
    let address = machine.mmap(id, 0, PAGE, SHARED).unwrap();
    machine.close(id);
    assert_eq!(errno(machine.fstat(id)), EBADF);
    // Its number is not another's until it is unmapped.
    let other = open(&mut machine, "f", O_RDWR).unwrap();
    assert_ne!(other, id);
    machine.write(other, &[5], 0, 0).unwrap();
    assert_eq!(mapped(address, 1), [5]);
    assert_eq!(machine.unlinkat(ROOT, "f", 0), Ok(0));
    machine.close(other);
    let used = machine.scheme.fs().store().budget.used();
    assert_eq!(mapped(address, 1), [5]);
    assert_eq!(machine.munmap(id, 0, PAGE), Ok(0));
    assert!(machine.scheme.fs().store().budget.used() < used);
    assert_eq!(errno(machine.munmap(id, 0, PAGE)), EBADF);
    assert_eq!(machine.scheme.open_count(), 2);
}

#[test]
fn mapping_needs_what_reading_and_writing_need() {
    let mut machine = machine();
    put(&mut machine, "f", b"x");
    mkdir(&mut machine, "d", 0o755).unwrap();
    let (read, write) = (open(&mut machine, "f", O_RDONLY).unwrap(), open(&mut machine, "f", O_WRONLY).unwrap());
    let dir = open(&mut machine, "d", O_RDONLY | O_DIRECTORY).unwrap();
    assert_eq!(errno(machine.mmap(read, 0, PAGE, SHARED)), EACCES);
    assert_eq!(errno(machine.mmap(write, 0, PAGE, SHARED)), EACCES);
    assert_eq!(errno(machine.mmap(dir, 0, PAGE, MapFlags::MAP_PRIVATE | MapFlags::PROT_READ)), EACCES);
    let private = MapFlags::MAP_PRIVATE | MapFlags::PROT_READ | MapFlags::PROT_WRITE;
    assert!(machine.mmap(read, 0, PAGE, private).is_ok());
    assert!(machine.mmap(read, 0, PAGE, MapFlags::MAP_SHARED | MapFlags::PROT_READ).is_ok());
    assert_eq!(errno(machine.mmap(read, 7, PAGE, private)), EINVAL);
    assert_eq!(errno(machine.mmap(read, 0, 0, private)), EINVAL);
    // Memory for all of it is not there.
    let used = machine.scheme.fs().store().budget.used();
    assert_eq!(errno(machine.mmap(read, 0, LIMIT as usize * 2, private)), ENOSPC);
    assert!(machine.mmap(read, 1 << 62, PAGE, private).is_err());
    assert!(machine.mmap(read, u64::MAX - 4095, PAGE, private).is_err());
    assert_eq!(machine.scheme.fs().store().budget.used(), used);
}

#[test]
fn locks_belong_to_files() {
    let mut machine = machine();
    put(&mut machine, "f", b"x");
    link(&mut machine, "f", "g").unwrap();
    let (f, g) = (open(&mut machine, "f", O_RDWR).unwrap(), open(&mut machine, "g", O_RDWR).unwrap());
    let read = open(&mut machine, "f", O_RDONLY).unwrap();
    let lock = |machine: &mut Machine, pid, id, words| {
        machine.pid = pid;
        machine.std_fs(StdFsCallKind::Lock, id, &[], words).result()
    };
    let exclusive = 1 << 63;
    assert_eq!(lock(&mut machine, 1, f, [0, 10 | exclusive]), Ok(0));
    assert_eq!(errno(lock(&mut machine, 2, g, [5, 1])), EAGAIN);
    assert_eq!(lock(&mut machine, 2, g, [10, 1]), Ok(0));
    assert_eq!(errno(lock(&mut machine, 2, read, [20, 1 | exclusive])), EBADF);
    machine.detach(f, 1);
    assert_eq!(lock(&mut machine, 2, g, [5, 1]), Ok(0));
}

#[test]
fn attributes_without_opening() {
    let mut machine = machine();
    put(&mut machine, "f", b"x");
    mkdir(&mut machine, "d", 0o700).unwrap();
    put(&mut machine, "d/g", b"xyz");
    symlink(&mut machine, "d/g", "l").unwrap();
    symlink(&mut machine, "/scheme/rand", "out").unwrap();
    for path in ["", "f", "d", "d/g", "l", "out", "none", "d/none", "f/x", "none/x"] {
        for flags in [0, O_SYMLINK, O_NOFOLLOW, O_DIRECTORY] {
            for who in [0, 1000] {
                machine.as_user(who, who, |machine| {
                    let opened = with(machine, path, O_STAT | flags, |machine, id| machine.fstat(id));
                    let opened = opened.and_then(|stat| stat);
                    assert_eq!(machine.stat_at(ROOT, path, flags), opened, "{path} {flags:x} {who}");
                });
            }
        }
    }
    assert_eq!(errno(machine.stat_at(99, "f", 0)), EBADF);
    assert_eq!(machine.scheme.open_count(), 2);
}

#[test]
fn small_calls() {
    let mut machine = machine();
    put(&mut machine, "f", b"x");
    let id = open(&mut machine, "f", O_RDWR).unwrap();
    let both = EventFlags::EVENT_READ | EventFlags::EVENT_WRITE;
    assert_eq!(machine.fevent(id, both), Ok(both));
    assert_eq!(machine.fsync(id), Ok(0));
    assert_eq!((machine.fcntl(id, F_SETFL, 0), errno(machine.fcntl(id, 99, 0))), (Ok(0), EINVAL));
    assert_eq!(errno(machine.dup(id, b"x")), EINVAL);
    assert_eq!(errno(machine.call(id, &[], [0, 0]).result()), EOPNOTSUPP);
    assert_eq!(errno(machine.fsync(77)), EBADF);
    let facts = machine.fstatvfs(id).unwrap();
    assert_eq!(u64::from(facts.f_bsize) * facts.f_blocks, LIMIT);
}

/// Requests that make no sense: each is answered, and the file system is whole afterwards.
#[test]
fn nonsense_is_answered() {
    let mut machine = machine();
    let before = machine.scheme.fs().store().budget.used();
    let mut random = Random(11);
    let opcodes: Vec<Opcode> = (0..=40).filter_map(Opcode::try_from_raw).collect();
    let interesting = [0, 1, 2, 3, 4, 5, 100, 4095, 4096, 1 << 31, i64::MAX as u64, u64::MAX - 1, u64::MAX];
    let paths = ["", "/", "a", "a/b", "..", ".", "a/../b", "//", "b", "ä", "a\0b", "x/y/z", "/scheme/file/a"];
    let mut seed = move || random.below(1 << 30) as u64;
    for _ in 0..40_000 {
        let opcode = opcodes[seed() as usize % opcodes.len()];
        // One of the two roots, or whatever may be open.
        let number = [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11][seed() as usize % 11];
        let word = interesting[seed() as usize % interesting.len()];
        let flags = (seed() << 16 | seed()) & 0xffff_ffff;
        let path = paths[seed() as usize % paths.len()].as_bytes();
        machine.uid = if seed() % 2 == 0 { 0 } else { 1000 };
        let args = match opcode {
            // Answered by nobody.
            Opcode::CloseMsg | Opcode::Detach | Opcode::Cancel | Opcode::Msync | Opcode::RequestMmap => continue,
            Opcode::OpenAt => [number, 0, 0, flags, 0],
            Opcode::StdFsCall => [number, 0, 0, [seed() % 18, 128][seed() as usize % 2], word],
            _ => [number, word, seed() % 5000, word, flags],
        };
        let mut sqe = machine.sqe(opcode, args);
        if opcode as u8 == Opcode::StdFsCall as u8 && seed() % 3 == 0 {
            sqe.sqe_flags = scheme_server::syscall::schemev2::SqeFlags::MULTIPLE_IDS;
            sqe.args[5] = number;
        }
        let room = [0, 1, 16, 32, 24, size_of::<scheme_server::syscall::Stat>(), 300][seed() as usize % 7];
        let payload: Vec<u8> = match opcode {
            Opcode::Read | Opcode::Write | Opcode::Fpath | Opcode::Getdents => vec![b'z'; room],
            Opcode::Fstat => vec![0; size_of::<scheme_server::syscall::Stat>()],
            Opcode::Fstatvfs => vec![0; 32],
            Opcode::Futimens => vec![0; 32],
            Opcode::StdFsCall if seed() % 2 == 0 => vec![b'q'; room],
            Opcode::StdFsCall => [path, b"\0b"].concat(),
            _ => path.to_vec(),
        };
        let has_payload = !matches!(
            opcode,
            Opcode::Fsize
                | Opcode::Fchmod
                | Opcode::Fchown
                | Opcode::Fcntl
                | Opcode::Fevent
                | Opcode::Fsync
                | Opcode::Ftruncate
                | Opcode::MmapPrep
                | Opcode::Munmap
                | Opcode::Sendfd
                | Opcode::Recvfd
        );
        let tag = machine.submit(Sqe { ..sqe }, has_payload.then_some(&payload[..]));
        machine.settle();
        let waits_for_lock = opcode as u8 == Opcode::StdFsCall as u8;
        match machine.answer(tag) {
            Some(answer) => {
                let _ = answer.result();
            }
            None => assert!(waits_for_lock, "{opcode:?} is not answered"),
        }
        if seed() % 8 == 0 {
            machine.close(2 + seed() as usize % 10);
        }
    }
    machine.uid = 0;
    for id in 2..5000 {
        for _ in 0..3 {
            let _ = machine.munmap(id, 0, usize::MAX);
        }
        machine.close(id);
    }
    let mut todo = vec![String::new()];
    let mut found = Vec::new();
    while let Some(dir) = todo.pop() {
        for name in list(&mut machine, &dir) {
            let path = if dir.is_empty() { name } else { format!("{dir}/{name}") };
            if lstat(&mut machine, &path).unwrap().st_mode & MODE_TYPE == MODE_DIR {
                todo.push(path.clone());
                found.push((path, AT_REMOVEDIR));
            } else {
                found.push((path, 0));
            }
        }
    }
    for (path, flags) in found.iter().rev() {
        assert_eq!(machine.unlinkat(ROOT, path, *flags), Ok(0), "{path}");
    }
    assert_eq!(machine.scheme.open_count(), 2);
    assert_eq!((machine.scheme.fs().inode_count(), machine.scheme.fs().store().budget.used()), (2, before));
}

#[test]
fn supplementary_groups_open_what_the_group_may() {
    let mut fs = RamFs::new(LIMIT, Ticks::default(), vec![("file".into(), 0o777)]).unwrap();
    fs.look_up_groups(std::rc::Rc::new(|_, group| group == 500));
    let mut machine = Kernel::new(fs);
    for (path, mode, group) in [("ours", 0o660, 500), ("theirs", 0o660, 501), ("not-ours", 0o606, 500)] {
        put(&mut machine, path, b"text");
        with(&mut machine, path, O_STAT, |machine, id| machine.fchown(id, 0, group)).unwrap().unwrap();
        chmod(&mut machine, path, mode).unwrap();
    }
    as_alice(&mut machine, |machine| {
        assert!(machine.openat(ROOT, "ours", O_RDWR).is_ok());
        assert_eq!(errno(machine.openat(ROOT, "theirs", O_RDONLY)), EACCES);
        assert_eq!(errno(machine.openat(ROOT, "not-ours", O_RDONLY)), EACCES);
        put(machine, "own", b"");
        let give = |machine: &mut Machine, group| {
            with(machine, "own", O_STAT, |machine, id| machine.fchown(id, u32::MAX, group)).unwrap()
        };
        assert_eq!(errno(give(machine, 501)), EPERM);
        assert_eq!(give(machine, 500), Ok(0));
        assert_eq!(chmod(machine, "own", 0o2755), Ok(0));
        assert_eq!(stat(machine, "own").unwrap().st_mode & 0o7777, 0o2755);
    });
}
