//! What programs there are, which of them opens a file, and starting them.
//!
//! A program is told of by a toml file in one of [`FOLDERS`]:
//!
//! ```toml
//! name = "Text Editor"
//! exec = "editor"                     # a name of a program, or its path; more words are arguments
//! icon = "square-pen"                 # a name of `icons.txt`
//! keywords = ["write", "notes"]
//! categories = ["Accessories"]
//! terminal = false                    # it wants a terminal to run in
//! opens = ["text/*"]                  # kinds of files
//! ```

mod kind;
mod start;

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

pub use self::kind::{Kind, by_name as kind_by_name, kind};
use crate::Icon;

/// Where programs' files are. A file of the same name in an earlier folder replaces that of a later one.
pub const FOLDERS: [&str; 2] = ["/usr/share/applications", "/scheme/initfs/etc/applications"];

/// A program, as its file tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The name of its file.
    #[serde(skip)]
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// What starts it.
    pub exec: String,
    /// What it is for, in a few words.
    #[serde(default)]
    pub description: String,
    /// The name of its icon.
    #[serde(default)]
    pub icon: String,
    /// Words that find it.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Groups that it belongs to.
    #[serde(default)]
    pub categories: Vec<String>,
    /// It wants a terminal to run in.
    #[serde(default)]
    pub terminal: bool,
    /// Kinds of files that it opens: `image/png`, `text/*`.
    #[serde(default)]
    pub opens: Vec<String>,
}

impl Program {
    /// Reads a file; the error says what is wrong with it.
    pub fn parse(id: &str, text: &str) -> Result<Self, String> {
        let program: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if program.name.is_empty() || program.exec.split_whitespace().next().is_none() {
            return Err(String::from("`name` and `exec` must not be empty"));
        }
        Ok(Self { id: id.to_owned(), ..program })
    }

    /// Its icon.
    pub fn picture(&self) -> Icon {
        Icon::named(&self.icon).unwrap_or(Icon::APP_WINDOW)
    }

    /// How well it opens a kind of files: the better the more exactly its file names the kind.
    fn opens(&self, kind: &str) -> usize {
        let fits = |pattern: &&String| match pattern.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => pattern.as_str() == kind,
        };
        self.opens
            .iter()
            .filter(fits)
            .map(|pattern| pattern.len() + usize::from(!pattern.ends_with('*')))
            .max()
            .unwrap_or(0)
    }

    /// How well what somebody looks for fits; `None` when it does not. Less is better.
    pub fn fits(&self, wanted: &str) -> Option<u32> {
        let rank = |word: &str| {
            let name = self.name.to_lowercase();
            let others = || self.keywords.iter().chain(&self.categories).map(|word| word.to_lowercase());
            if name.starts_with(word) {
                Some(0)
            } else if name.split_whitespace().any(|part| part.starts_with(word)) {
                Some(1)
            } else if others().any(|other| other.starts_with(word)) {
                Some(2)
            } else if name.contains(word) {
                Some(3)
            } else if self.description.to_lowercase().contains(word) || self.id.contains(word) {
                Some(4)
            } else {
                None
            }
        };
        let wanted = wanted.to_lowercase();
        wanted.split_whitespace().map(rank).sum()
    }

    /// Starts it with arguments, in a session of its own.
    pub fn start<A: AsRef<Path>>(&self, arguments: &[A]) -> io::Result<()> {
        let mut words: Vec<String> = self.exec.split_whitespace().map(String::from).collect();
        words.extend(arguments.iter().map(|argument| argument.as_ref().to_string_lossy().into_owned()));
        if self.terminal {
            words.splice(..0, ["terminal", "-e"].map(String::from));
        }
        start::detached(&words)
    }
}

/// All programs that there are, by name. Files that cannot be read are told of in the log.
pub fn all() -> Vec<Program> {
    in_folders(FOLDERS.iter().map(Path::new))
}

/// All programs of some folders.
pub fn in_folders<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    for folder in folders {
        // A folder that is not there has no programs.
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let Some(id) = id(&path) else { continue };
            if programs.iter().any(|known| known.id == id) {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|error| error.to_string());
            match text.and_then(|text| Program::parse(&id, &text)) {
                Ok(program) => programs.push(program),
                Err(error) => log::warn!("{}: {error}", path.display()),
            }
        }
    }
    programs.sort_by_cached_key(|program| program.name.to_lowercase());
    programs
}

fn id(path: &Path) -> Option<String> {
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    path.file_stem().filter(|_| is_toml).map(|stem| stem.to_string_lossy().into_owned())
}

/// The programs that open a kind of files, the best first.
pub fn that_open<'a>(programs: &'a [Program], kind: &str) -> Vec<&'a Program> {
    let mut found: Vec<&Program> = programs.iter().filter(|program| program.opens(kind) > 0).collect();
    found.sort_by_key(|program| std::cmp::Reverse(program.opens(kind)));
    found
}

/// Opens files with the best program for the first of them.
pub fn open(paths: &[PathBuf]) -> io::Result<()> {
    let Some(first) = paths.first() else { return Ok(()) };
    let (programs, kind) = (all(), kind(first));
    match that_open(&programs, kind.name).first() {
        Some(program) => program.start(paths),
        None => Err(io::Error::other(format!("no program opens files of the kind {}", kind.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, opens: &[&str]) -> Program {
        let opens = opens.iter().map(|&kind| kind.to_owned()).collect();
        Program { name: name.to_owned(), exec: String::from("x"), opens, ..Program::default() }
    }

    #[test]
    fn files_are_read_or_refused() {
        let program =
            Program::parse("editor", "name = \"Text Editor\"\nexec = \"editor -x\"\nicon = \"square-pen\"").unwrap();
        assert_eq!((program.id.as_str(), program.picture()), ("editor", Icon::SQUARE_PEN));
        for bad in
            ["", "name = \"X\"", "name = \"X\"\nexec = \" \"", "name = \"X\"\nexec = \"x\"\ncolour = 1", "name = 3"]
        {
            assert!(Program::parse("x", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_most_exact_opens() {
        let programs =
            [program("any", &["*"]), program("pictures", &["image/*"]), program("png", &["image/png", "text/x"])];
        let names =
            |kind| that_open(&programs, kind).into_iter().map(|program| program.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names("image/png"), ["png", "pictures", "any"]);
        assert_eq!(names("image/jpeg"), ["pictures", "any"]);
        assert_eq!(names("audio/x"), ["any"]);
    }

    #[test]
    fn looking_for_programs() {
        let mut editor = program("Text Editor", &[]);
        editor.keywords.push(String::from("Notes"));
        assert_eq!(editor.fits(""), Some(0));
        assert_eq!(editor.fits("te"), Some(0));
        assert_eq!(editor.fits("ed"), Some(1));
        assert_eq!(editor.fits("note"), Some(2));
        assert_eq!(editor.fits("DITOR"), Some(3));
        assert_eq!(editor.fits("text ed"), Some(1));
        assert_eq!(editor.fits("text zebra"), None);
    }

    #[test]
    fn folders_are_looked_through() {
        let folder = std::env::temp_dir().join(format!("ochre-programs-{}", std::process::id()));
        let (first, second) = (folder.join("a"), folder.join("b"));
        for (path, text) in [
            (first.join("x.toml"), "name = \"B\"\nexec = \"first\""),
            (first.join("notes.txt"), "name = \"C\""),
            (second.join("x.toml"), "name = \"B\"\nexec = \"second\""),
            (second.join("y.toml"), "name = \"a\"\nexec = \"y\""),
            (second.join("bad.toml"), "name ="),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let missing = folder.join("missing");
        let found = in_folders([first.as_path(), &second, &missing]);
        let found: Vec<_> = found.iter().map(|program| (program.name.as_str(), program.exec.as_str())).collect();
        assert_eq!(found, [("a", "y"), ("B", "first")]);
        fs::remove_dir_all(folder).unwrap();
    }
}
