//! How much room a file system has left.

use std::path::Path;

/// Bytes that are free and bytes in all, of the file system that a folder is on; none if it does not say.
#[cfg(target_os = "redox")]
pub fn of(path: &Path) -> Option<(u64, u64)> {
    use libredox::Fd;
    use libredox::flag::{O_CLOEXEC, O_RDONLY};
    let folder = Fd::open(path.to_str()?, O_RDONLY | O_CLOEXEC, 0).ok()?;
    let facts = folder.statvfs().ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(facts.f_bsize);
    (facts.f_blocks > 0).then(|| (bytes(facts.f_bavail), bytes(facts.f_blocks)))
}

/// Only Ochre is asked.
#[cfg(not(target_os = "redox"))]
pub fn of(_path: &Path) -> Option<(u64, u64)> {
    None
}
