//! What a folder has, for the dialog.

use std::fs;
use std::path::Path;

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// It is a folder, or leads to one.
    pub folder: bool,
    /// Its size in bytes.
    pub size: u64,
}

/// What a folder has: folders first, by name; without what is hidden.
pub fn read(folder: &Path) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| error.to_string())? {
        // What goes while it is looked at is not there.
        let Ok(entry) = entry else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let facts = fs::metadata(entry.path()).ok();
        let folder = facts.as_ref().is_some_and(fs::Metadata::is_dir);
        entries.push(Entry { name, folder, size: facts.map_or(0, |facts| facts.len()) });
    }
    entries.sort_by_cached_key(|entry| (!entry.folder, entry.name.to_lowercase()));
    Ok(entries)
}

/// A size, for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let table = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (10_200, "10 KiB"), (1 << 20, "1.0 MiB")];
        for (bytes, text) in table {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(size(u64::MAX), "16384 PiB");
    }
}
