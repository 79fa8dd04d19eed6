//! Folders: those at the side, the parts of a path, what somebody types for one, and where somebody has been.

use std::path::{Component, Path, PathBuf};

/// What a place is, for its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// One's own folder.
    Home,
    /// Texts.
    Documents,
    /// Pictures.
    Pictures,
    /// What is not kept.
    Temporary,
    /// Everything.
    Root,
}

/// A place at the side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub sort: Sort,
    /// Where it is.
    pub path: PathBuf,
}

/// The places that there are, for somebody with this home.
pub fn places(home: &Path, exists: impl Fn(&Path) -> bool) -> Vec<Place> {
    let place = |name, sort, path: PathBuf| Place { name, sort, path };
    let mut all = vec![
        place("Home", Sort::Home, home.into()),
        place("Documents", Sort::Documents, home.join("Documents")),
        place("Pictures", Sort::Pictures, home.join("Pictures")),
        place("Temporary", Sort::Temporary, "/tmp".into()),
        place("Computer", Sort::Root, "/".into()),
    ];
    all.retain(|place| exists(&place.path));
    all.dedup_by(|one, other| one.path == other.path);
    all
}

/// The parts of a path, each with the path up to it: what is to be clicked.
pub fn parts(path: &Path) -> Vec<(String, PathBuf)> {
    let mut upto = PathBuf::new();
    let mut parts = Vec::new();
    for component in path.components() {
        upto.push(component);
        let name = match component {
            Component::RootDir => "/".into(),
            component => component.as_os_str().to_string_lossy().into_owned(),
        };
        parts.push((name, upto.clone()));
    }
    parts
}

/// The folder that somebody means who types this: absolute, from home (`~`), or from where they are. Dots are taken away.
pub fn typed(text: &str, here: &Path, home: &Path) -> Option<PathBuf> {
    let text = text.trim();
    let path = match text.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => here.join(text),
    };
    (!text.is_empty()).then(|| clean(&path))
}

/// A path without `.` and `..`.
pub fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => drop(clean.pop()),
            _ => {}
        }
    }
    clean
}

/// Where somebody has been.
#[derive(Clone, Debug, Default)]
pub struct History {
    back: Vec<PathBuf>,
    forward: Vec<PathBuf>,
}

impl History {
    /// Folders that are remembered.
    const ROOM: usize = 100;

    /// Somebody leaves a folder for a new one.
    pub fn leave(&mut self, folder: PathBuf) {
        self.forward.clear();
        self.back.push(folder);
        if self.back.len() > Self::ROOM {
            self.back.remove(0);
        }
    }

    /// Goes back from a folder.
    pub fn back(&mut self, from: &Path) -> Option<PathBuf> {
        let to = self.back.pop()?;
        self.forward.push(from.into());
        Some(to)
    }

    /// Goes forward again.
    pub fn forward(&mut self, from: &Path) -> Option<PathBuf> {
        let to = self.forward.pop()?;
        self.back.push(from.into());
        Some(to)
    }

    /// Whether there is a way back, and one forward.
    pub fn ways(&self) -> (bool, bool) {
        (!self.back.is_empty(), !self.forward.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_there() {
        let names = |home: &str, missing: &str| {
            let places = places(Path::new(home), |path| !path.ends_with(missing));
            places.iter().map(|place| place.name).collect::<Vec<_>>()
        };
        assert_eq!(names("/root", "Documents"), ["Home", "Pictures", "Temporary", "Computer"]);
        assert_eq!(names("/root", "nothing").len(), 5);
    }

    #[test]
    fn paths_have_parts() {
        let parts = parts(Path::new("/root/a b"));
        let parts: Vec<_> = parts.iter().map(|(name, path)| (name.as_str(), path.to_str().unwrap())).collect();
        assert_eq!(parts, [("/", "/"), ("root", "/root"), ("a b", "/root/a b")]);
    }

    #[test]
    fn typed_paths_are_understood() {
        let typed = |text| super::typed(text, Path::new("/here/sub"), Path::new("/root"));
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(typed("~"), path("/root"));
        assert_eq!(typed("~/x"), path("/root/x"));
        assert_eq!(typed("~x"), path("/here/sub/~x"));
        assert_eq!(typed(" /a/./b/../c/ "), path("/a/c"));
        assert_eq!(typed("../.."), path("/"));
        assert_eq!(typed("../../.."), path("/"));
        assert_eq!(typed("  "), None);
    }

    #[test]
    fn history_goes_both_ways() {
        let mut history = History::default();
        assert_eq!(history.back(Path::new("/a")), None);
        history.leave("/a".into());
        history.leave("/b".into());
        assert_eq!(history.back(Path::new("/c")), Some("/b".into()));
        assert_eq!(history.ways(), (true, true));
        assert_eq!(history.forward(Path::new("/b")), Some("/c".into()));
        assert_eq!(history.back(Path::new("/c")), Some("/b".into()));
        history.leave("/b".into());
        assert_eq!(history.ways(), (true, false));
        (0..200).for_each(|number| history.leave(format!("/{number}").into()));
        assert_eq!(history.back.len(), History::ROOM);
    }
}
