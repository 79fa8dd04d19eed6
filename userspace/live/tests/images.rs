//! What the installer packs is what is unpacked.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

use live::{Count, unpack};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use ochre_installer::initfs::Archive;
use ochre_installer::live::pack;

/// An image, and the large file in it.
fn sample() -> (Vec<u8>, Vec<u8>) {
    let large: Vec<u8> = (0..300_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
    let mut archive = Archive::new();
    archive.file("bin/tool", large.clone()).unwrap();
    archive.link("bin/alias", "tool").unwrap();
    archive.file("etc/empty", Vec::new()).unwrap();
    archive.directory("root/Documents").unwrap();
    (pack(&archive).unwrap(), large)
}

/// A frame with this archive in it.
fn frame(archive: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(archive).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn all_is_there_again() {
    let (image, large) = sample();
    let root = tempfile::tempdir().unwrap();
    // Some of it is there: it is replaced, and what is not in the image stays.
    fs::create_dir(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/empty"), b"not empty").unwrap();
    fs::write(root.path().join("etc/own"), b"stays").unwrap();
    let count = unpack(&image[..], root.path()).unwrap();
    assert_eq!(count, Count { files: 2, bytes: large.len() as u64 });
    let read = |path: &str| fs::read(root.path().join(path)).unwrap();
    assert!(read("bin/tool") == large && read("bin/alias") == large);
    assert_eq!((read("etc/empty"), read("etc/own")), (vec![], b"stays".to_vec()));
    let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("bin/tool"), mode("etc/empty"), mode("root/Documents")), (0o755, 0o644, 0o755));
}

#[test]
fn a_program_that_is_not_whole_cannot_be_executed() {
    let mut archive = Archive::new();
    archive.file("bin/tool", (0..1 << 20).map(|n: u32| (n.wrapping_mul(n) >> 7) as u8).collect()).unwrap();
    let bytes = archive.to_bytes();
    let root = tempfile::tempdir().unwrap();
    assert!(unpack(&frame(&bytes[..bytes.len() * 3 / 4])[..], root.path()).is_err());
    let part = fs::metadata(root.path().join("bin/tool")).unwrap();
    assert!(part.len() > 0 && part.permissions().mode() & 0o111 == 0);
}

#[test]
fn whoever_reads_little_at_a_time_gets_the_same() {
    struct Slow<'a>(&'a [u8]);
    impl Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let len = to.len().min(777);
            self.0.read(&mut to[..len])
        }
    }
    let (image, large) = sample();
    let root = tempfile::tempdir().unwrap();
    unpack(Slow(&image), root.path()).unwrap();
    assert!(fs::read(root.path().join("bin/tool")).unwrap() == large);
}

#[test]
fn nothing_lands_outside() {
    // The archive's writer refuses such names, so one is put into the bytes that it made.
    let mut archive = Archive::new();
    archive.file("abc", b"x".to_vec()).unwrap();
    let good = archive.to_bytes();
    for bad in [&b"../"[..], b"/ab", b"a/.", b"..\0"] {
        let mut bytes = good.clone();
        let at = bytes.windows(4).position(|window| window == b"abc\0").unwrap();
        bytes[at..at + 3].copy_from_slice(bad);
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let result = unpack(&frame(&bytes)[..], &inner);
        // What ends in a dot is the directory's own name, which a file cannot have.
        assert!(result.is_err(), "{bad:?}: {result:?}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "{bad:?}");
    }
}

#[test]
fn damage_is_told_and_never_a_panic() {
    let (image, _) = sample();
    for cut in [0, 1, 4, 7, 100, image.len() / 2, image.len() - 1] {
        let root = tempfile::tempdir().unwrap();
        let error = unpack(&image[..cut], root.path()).unwrap_err();
        assert!(!error.to_string().is_empty(), "{cut}");
    }
    for at in (0..image.len()).step_by(image.len() / 20) {
        let mut bad = image.clone();
        bad[at] ^= 0x55;
        let root = tempfile::tempdir().unwrap();
        // A bit in the image's own description may be one that is not looked at; the checksum finds all others.
        if at > 16 {
            assert!(unpack(&bad[..], root.path()).is_err(), "{at}");
        } else {
            let _ = unpack(&bad[..], root.path());
        }
    }
    // An archive that ends early in a frame that is whole.
    let mut archive = Vec::new();
    FrameDecoder::new(&image[..]).read_to_end(&mut archive).unwrap();
    let root = tempfile::tempdir().unwrap();
    let error = unpack(&frame(&archive[..archive.len() / 2])[..], root.path()).unwrap_err();
    assert!(error.to_string().contains("bin/tool"), "{error}");
}
