//! The pictures of a folder, one after the other.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use files::{kind, order};

/// Media types that can be shown.
pub const SHOWN: [&str; 2] = ["image/png", "image/jpeg"];

/// Whether a file is a picture that can be shown, as far as its name says.
pub fn is_picture(name: &OsStr) -> bool {
    name.to_str().and_then(kind::by_name).is_some_and(|kind| SHOWN.contains(&kind.name))
}

/// The pictures of a folder, in the order in which the file browser shows them. Unseen ones are left out.
pub fn of_folder(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| is_picture(name) && name.as_encoded_bytes().first() != Some(&b'.'));
    names.sort_by(|one, other| order::natural(&one.to_string_lossy(), &other.to_string_lossy()).then(one.cmp(other)));
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// Where a picture is among those of its folder, from 1, and how many there are. A folder can have changed, and a picture can have
/// another name than pictures have.
pub fn number(series: &[PathBuf], path: &Path) -> Option<(usize, usize)> {
    series.iter().position(|known| known == path).map(|at| (at + 1, series.len()))
}

/// The picture after (or before) this one; after the last comes the first.
pub fn neighbour<'a>(series: &'a [PathBuf], path: &Path, forward: bool) -> Option<&'a PathBuf> {
    let count = series.len();
    let next = match series.iter().position(|known| known == path) {
        Some(at) if forward => (at + 1) % count,
        Some(at) => (at + count - 1) % count,
        None if forward => 0,
        None => count.checked_sub(1)?,
    };
    series.get(next).filter(|next| *next != path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_follow_each_other_round() {
        let folder = std::env::temp_dir().join(format!("ochre-series-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["b10.png", "b9.JPG", "a.jpeg", "c.txt", ".d.png"] {
            std::fs::write(folder.join(name), b"").unwrap();
        }
        let series = of_folder(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        assert_eq!(series, ["a.jpeg", "b9.JPG", "b10.png"].map(path));
        assert_eq!(neighbour(&series, &path("b10.png"), true), Some(&path("a.jpeg")));
        assert_eq!(neighbour(&series, &path("a.jpeg"), false), Some(&path("b10.png")));
        assert_eq!(neighbour(&series, &path("c.txt"), true), Some(&path("a.jpeg")));
        assert_eq!(neighbour(&series, &path("c.txt"), false), Some(&path("b10.png")));
        assert_eq!(number(&series, &path("b9.JPG")), Some((2, 3)));
        assert_eq!(neighbour(&series[..1], &path("a.jpeg"), true), None);
        assert_eq!(neighbour(&[], &path("a.jpeg"), false), None);
    }
}
