//! Files on the clipboard: paths, one on a line, as the display server's kind for files has them. Whether they are to be
//! copied or moved when they are pasted is known only to the one who cut them, so that is kept beside, and counts as long as the clipboard
//! holds the very same text.

use std::path::{Path, PathBuf};

/// What files on the clipboard are there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// They are copied.
    Copy,
    /// They are moved.
    Move,
}

/// What was put on the clipboard last, and for what.
#[derive(Clone, Debug, Default)]
pub struct Clip {
    cut: Option<String>,
}

impl Clip {
    /// Puts files on the clipboard: the text for it.
    pub fn put(&mut self, paths: &[PathBuf], purpose: Purpose) -> Option<String> {
        let text = encode(paths)?;
        self.cut = (purpose == Purpose::Move).then(|| text.clone());
        Some(text)
    }

    /// What is on the clipboard, and what it is for.
    pub fn take(&self, text: &str) -> (Vec<PathBuf>, Purpose) {
        let moved = self.cut.as_deref() == Some(text);
        (decode(text), if moved { Purpose::Move } else { Purpose::Copy })
    }

    /// What was cut has been pasted: it is not there.
    pub fn forget(&mut self) {
        self.cut = None;
    }

    /// Whether a file has been cut and waits to be pasted.
    pub fn is_cut(&self, path: &Path) -> bool {
        let (Some(cut), Some(path)) = (&self.cut, path.to_str()) else { return false };
        cut.lines().any(|line| line == path)
    }
}

/// Paths as text. Those that are no text, or have a line end in them, cannot be said.
fn encode(paths: &[PathBuf]) -> Option<String> {
    let lines: Option<Vec<&str>> = paths.iter().map(|path| path.to_str().filter(|path| !path.contains('\n'))).collect();
    lines.map(|lines| lines.join("\n")).filter(|text| !text.is_empty())
}

/// Paths from text: absolute ones, also written as `file:` addresses. Everything else is left out.
fn decode(text: &str) -> Vec<PathBuf> {
    let paths = text.lines().map(|line| line.trim_end_matches('\r'));
    let paths = paths.map(|line| line.strip_prefix("file://").unwrap_or(line));
    paths.filter(|path| path.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_files_are_moved_once() {
        let mut clip = Clip::default();
        let paths = [PathBuf::from("/a/b c"), PathBuf::from("/d")];
        let text = clip.put(&paths, Purpose::Move).unwrap();
        assert_eq!(text, "/a/b c\n/d");
        assert!(clip.is_cut(&paths[1]) && !clip.is_cut(Path::new("/x")));
        assert_eq!(clip.take(&text), (paths.to_vec(), Purpose::Move));
        // Somebody else has put something there since.
        assert_eq!(clip.take("/d"), (vec!["/d".into()], Purpose::Copy));
        clip.forget();
        assert_eq!(clip.take(&text).1, Purpose::Copy);
        clip.put(&paths, Purpose::Copy);
        assert!(!clip.is_cut(&paths[0]));
    }

    #[test]
    fn other_texts_are_no_files() {
        let clip = Clip::default();
        assert_eq!(clip.take("hello\nworld").0, Vec::<PathBuf>::new());
        assert_eq!(clip.take("file:///x\r\n\n/y").0, [PathBuf::from("/x"), PathBuf::from("/y")]);
        assert_eq!(encode(&["/a\nb".into()]), None);
        assert_eq!(encode(&[]), None);
    }
}
