//! `live`: fills the root directory from the live image in the initfs, and gives the image's memory back. Without an image there is
//! nothing to do. Init runs it once (`userspace/init/units/live.toml`).

use std::fs::{self, File};
use std::io::{ErrorKind, Result};
use std::path::Path;
use std::process::ExitCode;

unsafe extern "C" {
    // libc's: it changes a number that the process manager keeps, and no memory.
    safe fn nice(increment: i32) -> i32;
}

/// How far everything else goes before it.
const NICENESS: i32 = 10;
/// Where the image is (`ochre_installer::live::PATH`).
const IMAGE: &str = "/scheme/initfs/live.cpio.lz4";

fn main() -> ExitCode {
    match fill(Path::new(IMAGE), Path::new("/")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("live: {error}");
            ExitCode::FAILURE
        }
    }
}

fn fill(image: &Path, root: &Path) -> Result<()> {
    let file = match File::open(image) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    // A failure costs the desktop a little time.
    let _ = nice(NICENESS);
    live::unpack(file, root)?;
    // Whatever comes of this, the files are there.
    if let Err(error) = fs::remove_file(image) {
        eprintln!("live: the memory of {} cannot be given back: {error}", image.display());
    }
    Ok(())
}
