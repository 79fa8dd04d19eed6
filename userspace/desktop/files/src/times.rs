//! When a file was changed, for a copy of it.

use std::fs::{File, Metadata};
use std::io::Result;

/// Gives a file the times of another one. `std` cannot do it on this target.
#[cfg(target_os = "redox")]
pub fn keep(file: &File, of: &Metadata) -> Result<()> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;

    use libredox::data::TimeSpec;
    let time = |seconds: i64, nanoseconds: i64| TimeSpec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = [time(of.atime(), of.atime_nsec()), time(of.mtime(), of.mtime_nsec())];
    Ok(libredox::call::futimens(file.as_raw_fd() as usize, &times)?)
}

/// Gives a file the time of another one.
#[cfg(not(target_os = "redox"))]
pub fn keep(file: &File, of: &Metadata) -> Result<()> {
    file.set_modified(of.modified()?)
}
