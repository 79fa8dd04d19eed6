//! Reading and writing files of text.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Larger files are not opened.
const LARGEST: u64 = 4 << 20;

/// How lines end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// With a line feed.
    #[default]
    Unix,
    /// With a carriage return before it.
    Dos,
}

impl Ending {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unix => "LF",
            Self::Dos => "CR LF",
        }
    }
}

/// A text, as the editor has it: lines end with a line feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub content: String,
    /// How its lines end in the file.
    pub ending: Ending,
}

impl Text {
    /// The text of a file's bytes. The error says why it is none.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, String> {
        let content = String::from_utf8(bytes).map_err(|_| String::from("this is not a text file (not UTF-8)"))?;
        if content.contains('\0') {
            return Err(String::from("this is not a text file"));
        }
        let first = content.find('\n');
        let dos = first.is_some_and(|at| content[..at].ends_with('\r'));
        let (content, ending) =
            if dos { (content.replace("\r\n", "\n"), Ending::Dos) } else { (content, Ending::Unix) };
        Ok(Self { content, ending })
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self.ending {
            Ending::Unix => self.content.clone().into_bytes(),
            Ending::Dos => self.content.replace('\n', "\r\n").into_bytes(),
        }
    }
}

/// Reads a file. One that is not there is an empty text: it will be made.
pub fn read(path: &Path) -> Result<Text, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Text::default()),
        Err(error) => return Err(error.to_string()),
    };
    let facts = file.metadata().map_err(|error| error.to_string())?;
    if facts.is_dir() {
        return Err(String::from("this is a folder"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err(String::from("the file is larger than 4 MiB"));
    }
    Text::from_bytes(bytes)
}

/// Writes a file: beside it first, so that there is always a whole one.
pub fn write(path: &Path, text: &Text) -> Result<(), String> {
    // A link stays one, and leads to the new text.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let bytes = text.to_bytes();
    match replace(&path, &bytes) {
        Ok(()) => Ok(()),
        // Where nothing new can be made the file itself may still be written.
        Err(_) => fs::write(&path, &bytes).map_err(|error| error.to_string()),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path);
    let mut file = File::create_new(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_data()).and_then(|()| {
        if let Ok(facts) = fs::metadata(path) {
            file.set_permissions(facts.permissions())?;
        }
        fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_did() {
        for bytes in ["", "a", "a\nb\n", "a\r\nb\r\n", "a\nb\r\n"] {
            let text = Text::from_bytes(bytes.into()).unwrap();
            assert_eq!(text.to_bytes(), bytes.as_bytes());
        }
        assert_eq!(Text::from_bytes(b"a\r\nb".to_vec()).unwrap(), Text { content: "a\nb".into(), ending: Ending::Dos });
        assert!(Text::from_bytes(vec![0xff]).is_err() && Text::from_bytes(vec![0]).is_err());
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let folder = std::env::temp_dir().join(format!("ochre-editor-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (path, link) = (folder.join("a.txt"), folder.join("link"));
        assert_eq!(read(&path), Ok(Text::default()));
        let text = |content: &str| Text { content: content.into(), ..Text::default() };
        write(&path, &text("one")).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        write(&link, &text("two\n")).unwrap();
        assert_eq!(read(&path), Ok(text("two\n")));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "nothing is left beside it");
        assert!(write(&folder.join("no/where"), &text("x")).is_err());
        assert!(read(&folder).is_err());
        fs::remove_dir_all(folder).unwrap();
    }
}
