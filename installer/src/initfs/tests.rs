//! What is written is what the kernel reads.

use super::*;
use kernel_core::cpio::{entries, find};

/// Paths and modes as the kernel reads them.
fn listing(bytes: &[u8]) -> Vec<(String, u32)> {
    entries(bytes)
        .map(|entry| entry.expect("the archive is whole"))
        .map(|entry| (String::from_utf8_lossy(entry.name).into_owned(), entry.mode))
        .collect()
}

#[test]
fn the_kernel_reads_what_was_written() {
    let mut archive = Archive::new();
    // All remainders of both paddings.
    for len in 0..9 {
        archive.file(&format!("etc/{}", "n".repeat(len + 1)), vec![b'0' + len as u8; len]).unwrap();
    }
    archive.file("bin/tool", b"#!".to_vec()).unwrap();
    archive.file("program", b"\x7fELF...".to_vec()).unwrap();
    archive.directory("empty/inner").unwrap();
    archive.character_device("console", 5, 1).unwrap();
    let bytes = archive.to_bytes();
    assert_eq!(bytes.len() % 4, 0);
    for len in 0..9 {
        let found = find(&bytes, &format!("etc/{}", "n".repeat(len + 1)));
        assert_eq!(found, Some(&vec![b'0' + len as u8; len][..]));
    }
    let listing = listing(&bytes);
    assert_eq!(listing.len(), 9 + 7);
    for (path, mode) in [
        ("bin", 0o040_755),
        ("bin/tool", 0o100_755),
        ("program", 0o100_755),
        ("etc", 0o040_755),
        ("etc/n", 0o100_644),
        ("empty", 0o040_755),
        ("empty/inner", 0o040_755),
        ("console", 0o020_600),
    ] {
        assert!(listing.contains(&(path.into(), mode)), "{path}");
    }
    let at = |name| listing.iter().position(|(path, _)| path == name).unwrap();
    assert!(at("bin") < at("bin/tool"), "a directory comes before what is in it");
}

#[test]
fn larger_files_begin_at_pages() {
    let mut archive = Archive::new();
    let sizes = [0, 1, 4095, 4096, 4097, 9000, 4096];
    for (index, size) in sizes.into_iter().enumerate() {
        archive.file(&format!("bin/{}", "n".repeat(index + 1)), vec![index as u8; size]).unwrap();
    }
    archive.directory("empty").unwrap();
    let bytes = archive.to_bytes_in_pages();
    for (index, size) in sizes.into_iter().enumerate() {
        let found = find(&bytes, &format!("bin/{}", "n".repeat(index + 1))).unwrap();
        assert_eq!(found, vec![index as u8; size]);
        let offset = found.as_ptr() as usize - bytes.as_ptr() as usize;
        assert!(size < 4096 || offset.is_multiple_of(4096), "{size} at {offset}");
    }
    let plain = archive.to_bytes();
    assert_eq!(Archive::read(&bytes).unwrap().to_bytes(), plain);
    assert_eq!(listing(&bytes), listing(&plain));
}

#[test]
fn the_order_of_adding_does_not_matter() {
    let build = |paths: [&str; 3]| {
        let mut archive = Archive::new();
        for path in paths {
            archive.file(path, path.as_bytes().to_vec()).unwrap();
        }
        archive.to_bytes()
    };
    assert_eq!(build(["a/b", "c", "a/a"]), build(["c", "a/a", "a/b"]));
}

#[test]
fn the_smallest_come_first_behind_what_they_lie_in() {
    let mut archive = Archive::new();
    for (path, len) in [("a/large", 300), ("b", 20), ("z/y/small", 1), ("a/other", 20)] {
        archive.file(path, vec![7; len]).unwrap();
    }
    archive.link("c", "b").unwrap();
    let paths: Vec<String> = listing(&archive.to_bytes_smallest_first()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["a", "c", "z", "z/y", "z/y/small", "a/other", "b", "a/large"]);
    assert_eq!(archive.size(), (4, 341));
}

#[test]
fn a_link_leads_somewhere() {
    let mut archive = Archive::new();
    for target in ["", "a\0b"] {
        assert!(matches!(archive.link("link", target), Err(Error::BadPath(_))), "{target:?}");
    }
    assert_eq!(listing(&archive.to_bytes()), []);
}

#[test]
fn what_is_there_twice_is_refused_and_changes_nothing() {
    let mut archive = Archive::new();
    archive.file("bin/x", vec![1]).unwrap();
    let before = archive.to_bytes();
    assert!(matches!(archive.file("bin/x", vec![2]), Err(Error::Duplicate(path)) if path == "bin/x"));
    assert!(matches!(archive.file("bin/x/y", vec![2]), Err(Error::Duplicate(path)) if path == "bin/x"));
    assert!(matches!(archive.file("bin", vec![2]), Err(Error::Duplicate(path)) if path == "bin"));
    assert_eq!(archive.to_bytes(), before);
    archive.directory("bin").unwrap();
    assert!(matches!(archive.directory("bin"), Err(Error::Duplicate(_))));
}

#[test]
fn what_was_read_is_written_the_same() {
    let mut archive = Archive::new();
    archive.file("bin/tool", b"#!".to_vec()).unwrap();
    archive.add_file("etc/script", b"#!".to_vec(), true).unwrap();
    archive.link("bin/alias", "tool").unwrap();
    archive.directory("empty").unwrap();
    let bytes = archive.to_bytes();
    assert_eq!(Archive::read(&bytes).unwrap().to_bytes(), bytes);
    let mut more = Archive::read(&bytes).unwrap();
    more.file("empty/x", b"x".to_vec()).unwrap();
    assert_eq!(find(&more.to_bytes(), "empty/x"), Some(&b"x"[..]));
    assert!(matches!(Archive::read(&bytes[..200]), Err(Error::Damaged(_))));
    // The name of a device would be lost in silence.
    archive.character_device("console", 5, 1).unwrap();
    assert!(matches!(Archive::read(&archive.to_bytes()), Err(Error::OddFile(path)) if path.ends_with("console")));
}

#[test]
fn odd_paths_are_refused() {
    let mut archive = Archive::new();
    for path in ["", "/", "/a", "a/", "a//b", "./a", "a/../b", "a\0b", "TRAILER!!!"] {
        assert!(matches!(archive.file(path, Vec::new()), Err(Error::BadPath(_))), "{path:?}");
    }
    assert_eq!(listing(&archive.to_bytes()), []);
}

#[test]
fn a_tree_of_the_host() {
    let host = tempfile::tempdir().unwrap();
    fs::create_dir_all(host.path().join("bin")).unwrap();
    fs::create_dir_all(host.path().join("empty")).unwrap();
    fs::write(host.path().join("bin/x"), b"one").unwrap();
    let mut archive = Archive::new();
    archive.host_tree(host.path()).unwrap();
    let bytes = archive.to_bytes();
    let paths: Vec<String> = listing(&bytes).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["bin", "bin/x", "empty"]);
    assert_eq!(find(&bytes, "bin/x"), Some(&b"one"[..]));

    // A second tree with the same directories, and with what has more than contents.
    let other = tempfile::tempdir().unwrap();
    fs::create_dir_all(other.path().join("bin")).unwrap();
    std::os::unix::fs::symlink("x", other.path().join("bin/link")).unwrap();
    fs::write(other.path().join("script"), b"#!").unwrap();
    fs::set_permissions(other.path().join("script"), fs::Permissions::from_mode(0o700)).unwrap();
    archive.host_tree(other.path()).unwrap();
    let bytes = archive.to_bytes();
    let listing = listing(&bytes);
    assert!(listing.contains(&("bin/link".into(), 0o120_777)) && listing.contains(&("script".into(), 0o100_755)));
    assert!(matches!(archive.host_tree(other.path()), Err(Error::Duplicate(_))), "files are not replaced");

    fs::create_dir_all(other.path().join("share/man")).unwrap();
    fs::write(other.path().join("share/man/share"), b"page").unwrap();
    fs::write(other.path().join(".made-of"), b"notes").unwrap();
    let mut archive = Archive::new();
    archive.host_package(other.path()).unwrap();
    assert_eq!(find(&archive.to_bytes(), ".made-of"), None);
    assert_eq!(find(&archive.to_bytes(), "usr/share/man/share"), Some(&b"page"[..]));
    assert!(matches!(Archive::new().host_tree(&host.path().join("no")), Err(Error::Host(..))));
}
