//! Every function that crate `libc` declares for this system must be in our `libc.a`, or be listed here with the reason.
//!
//! The declarations are read from the crate's source, as cargo has fetched it: the files that concern this system, with what
//! they declare for others only, which is little and mostly there as well. The symbols are those that `nm` finds in the
//! archive that `make sysroot` builds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is missing, and why. A name that is there must not be listed.
const MISSING: &[(&str, &str)] = &[];

/// The folder of this repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The source of crate `libc` in the version of the lock file.
fn crate_source() -> PathBuf {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let after = lock.split_once("name = \"libc\"\nversion = \"").unwrap().1;
    let version = after.split_once('"').unwrap().0;
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"))).unwrap();
    let registries = std::fs::read_dir(home.join("registry/src")).expect("cargo has fetched crates");
    let mut folders = registries.map(|entry| entry.unwrap().path().join(format!("libc-{version}/src/unix")));
    folders.find(|folder| folder.exists()).expect("cargo has fetched crate libc")
}

/// The names behind `pub fn`.
fn declared() -> BTreeSet<String> {
    let folder = crate_source();
    let mut names = BTreeSet::new();
    for file in ["mod.rs", "redox/mod.rs", "../new/common/posix/pthread.rs"] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for line in text.lines() {
            let line = line.trim_start();
            let rest = line.strip_prefix("pub fn ").or_else(|| line.strip_prefix("pub safe fn "));
            if let Some((name, _)) = rest.and_then(|rest| rest.split_once('(')) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// The global symbols that the archive defines.
fn defined() -> BTreeSet<String> {
    let archive = root().join("build/sysroot/lib/libc.a");
    assert!(archive.exists(), "build/sysroot/lib/libc.a is not there: `make sysroot` builds it");
    let output = Command::new("nm").args(["--defined-only", "--extern-only"]).arg(archive).output().expect("nm");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split_whitespace().nth(2)).map(str::to_owned).collect()
}

#[test]
fn all_that_crate_libc_declares_is_there() {
    let (declared, defined) = (declared(), defined());
    assert!(declared.len() > 400, "the declarations were not found");
    let listed: BTreeSet<&str> = MISSING.iter().flat_map(|(names, _)| names.split(' ')).collect();
    let unexplained: Vec<_> =
        declared.iter().filter(|name| !defined.contains(*name) && !listed.contains(name.as_str())).collect();
    assert!(unexplained.is_empty(), "declared, not defined, and not explained: {unexplained:?}");
    let stale: Vec<_> = listed.iter().filter(|name| defined.contains(**name)).collect();
    assert!(stale.is_empty(), "these are there now, take them off the list: {stale:?}");
}
