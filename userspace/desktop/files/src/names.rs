//! Names for files: which are possible, and which are still free.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Bytes that a name may have, everywhere.
pub const LONGEST: usize = 255;

/// Why a text cannot be a file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is nothing in it.
    Empty,
    /// It is `.` or `..`.
    Dots,
    /// It has a slash, or a character that cannot be seen.
    Character(char),
    /// It is too long.
    Long,
    /// Another file has it.
    Taken,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => write!(f, "A name needs at least one character."),
            Self::Dots => write!(f, "“.” and “..” are not names."),
            Self::Character('/') => write!(f, "A name cannot contain “/”."),
            Self::Character(_) => write!(f, "A name cannot contain control characters."),
            Self::Long => write!(f, "The name is longer than {LONGEST} bytes."),
            Self::Taken => write!(f, "There is already a file with this name."),
        }
    }
}

/// Whether a text can be a file's name.
pub fn check(name: &str) -> Result<(), Unfit> {
    if name.trim().is_empty() {
        return Err(Unfit::Empty);
    }
    if name == "." || name == ".." {
        return Err(Unfit::Dots);
    }
    if let Some(character) = name.chars().find(|character| *character == '/' || character.is_control()) {
        return Err(Unfit::Character(character));
    }
    if name.len() > LONGEST { Err(Unfit::Long) } else { Ok(()) }
}

/// Where the ending of a name begins, if it has one: a rename selects what is before it.
pub fn stem_len(name: &str) -> usize {
    name.rfind('.').filter(|&at| at > 0).unwrap_or(name.len())
}

/// The name, or the name with the first number behind it that makes it free: `a.txt`, `a 2.txt`, `a 3.txt`.
pub fn free(name: &OsStr, is_taken: impl Fn(&OsStr) -> bool) -> OsString {
    if !is_taken(name) {
        return name.into();
    }
    let (stem, ending) = match name.to_str() {
        Some(text) => text.split_at(stem_len(text)),
        // A name that is no text gets its number behind it all.
        None => ("", ""),
    };
    let stem = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    // What ended in a number behind a space counts on.
    let stem = stem.strip_suffix(' ').unwrap_or(name.to_str().map_or("", |text| &text[..stem_len(text)]));
    (2_u64..)
        .map(|number| match name.to_str() {
            Some(_) => OsString::from(format!("{stem} {number}{ending}")),
            None => {
                let mut name = name.to_owned();
                name.push(format!(" {number}"));
                name
            }
        })
        .find(|name| !is_taken(name))
        .expect("numbers do not end")
}

/// A path in a folder for a file of this name, free at this moment.
pub fn free_path(folder: &Path, name: &OsStr) -> PathBuf {
    folder.join(free(name, |name| folder.join(name).symlink_metadata().is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert_eq!(check("a b.txt"), Ok(()));
        assert_eq!(check(" "), Err(Unfit::Empty));
        assert_eq!(check(".."), Err(Unfit::Dots));
        assert_eq!(check("a/b"), Err(Unfit::Character('/')));
        assert_eq!(check("a\nb"), Err(Unfit::Character('\n')));
        assert_eq!(check(&"ä".repeat(128)), Err(Unfit::Long));
        assert_eq!(stem_len("a.tar.gz"), 5);
        assert_eq!(stem_len(".profile"), 8);
    }

    #[test]
    fn taken_names_get_numbers() {
        let taken = ["a.txt", "a 2.txt", "b", "track 9", ".profile", "2", "x2.png"];
        let free = |name: &str| free(OsStr::new(name), |name| taken.iter().any(|known| *known == name));
        for (name, given) in [
            ("new", "new"),
            ("a.txt", "a 3.txt"),
            ("b", "b 2"),
            ("track 9", "track 2"),
            (".profile", ".profile 2"),
            ("2", "2 2"),
            ("x2.png", "x2 2.png"),
        ] {
            assert_eq!(free(name), given);
        }
    }

    #[test]
    fn names_that_are_no_text_get_numbers_too() {
        use std::os::unix::ffi::OsStrExt;
        let name = OsStr::from_bytes(b"\xff");
        assert_eq!(free(name, |known| known == name).as_bytes(), b"\xff 2");
    }
}
