//! Systems that run from memory: the root directory comes out of the boot archive.

use ochre_installer::initfs::Archive;
use ochre_installer::live;

use super::programs::BASE;
use super::{bytes, programs};
use crate::case::{Case, Initfs, Source, exit_status};

/// Bytes in the large file of the image. They are random, so the image is as large.
const LARGE: usize = 8 << 20;
const PAGE: usize = 4096;

/// All of them.
pub fn cases() -> Vec<Case> {
    vec![filled(), damaged()]
}

fn image() -> Vec<u8> {
    let mut archive = Archive::new();
    let mut random = fastrand::Rng::with_seed(7);
    let added = archive
        .file("usr/large", (0..LARGE).map(|_| random.u8(..)).collect())
        .and_then(|()| archive.file("etc/greeting", b"it is all there\n".to_vec()))
        .and_then(|()| archive.link("usr/link", "../etc/greeting"));
    added.expect("the paths are good");
    live::pack(&archive).expect("memory takes every write")
}

fn with(name: &str, image: Vec<u8>) -> Case {
    let mut files: Vec<(String, Source)> = programs(BASE.into_iter().chain(["console", "live"]));
    files.push(bytes(live::PATH, image));
    Case::new(format!("live: {name}")).initfs(Initfs::Files(files)).memory(128)
}

fn filled() -> Case {
    let line =
        "read /scheme/sys/stat; live; read /usr/link; ls /scheme/initfs; read /scheme/sys/stat; live; echo twice";
    with("the root directory is filled, and the image's memory given back", image())
        .append(&format!("init=/scheme/initfs/bin/console -- -c {line}"))
        .says("it is all there")
        .says("twice")
        .never("live: ")
        .check(|said| {
            let pages: Vec<usize> = said
                .lines()
                .filter_map(|line| line.trim().strip_prefix("frames_total ")?.trim().parse().ok())
                .collect();
            let [before, after] = pages[..] else { return Err(format!("the frames are {pages:?}")) };
            let given = after.saturating_sub(before);
            // The pages at both ends have something else in them.
            if given + 2 >= LARGE / PAGE { Ok(()) } else { Err(format!("{given} pages were given back")) }
        })
}

fn damaged() -> Case {
    let mut image = image();
    let middle = image.len() / 2;
    image[middle] ^= 1;
    with("a damaged image is told", image)
        .append("init=/scheme/initfs/bin/live")
        .says("live: ")
        .says("damaged")
        .ends(exit_status(1))
}
