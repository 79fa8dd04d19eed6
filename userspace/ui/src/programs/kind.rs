//! Kinds of files: by what their names end with, and what is unknown by looking into it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::Icon;

/// A kind of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name: `text/plain`.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Its icon.
    pub icon: Icon,
}

const fn of(name: &'static str, label: &'static str, icon: Icon) -> Kind {
    Kind { name, label, icon }
}

const FOLDER: Kind = of("inode/directory", "Folder", Icon::FOLDER);
const TEXT: Kind = of("text/plain", "Text", Icon::FILE_TEXT);
const EMPTY: Kind = of("inode/x-empty", "Empty file", Icon::FILE);
const UNKNOWN: Kind = of("application/octet-stream", "Data", Icon::BINARY);
const PROGRAM: Kind = of("application/x-executable", "Program", Icon::SQUARE_TERMINAL);

/// What names end with.
const ENDS: &[(&[&str], Kind)] = &[
    (&["txt", "log"], TEXT),
    (&["md"], of("text/markdown", "Markdown text", Icon::FILE_TEXT)),
    (&["rs"], of("text/rust", "Rust source", Icon::FILE_CODE)),
    (&["toml"], of("text/toml", "TOML settings", Icon::FILE_CODE)),
    (&["json"], of("text/json", "JSON data", Icon::FILE_CODE)),
    (&["c", "h"], of("text/x-c", "C source", Icon::FILE_CODE)),
    (&["sh"], of("text/x-shellscript", "Shell script", Icon::FILE_CODE)),
    (&["html", "htm"], of("text/html", "Web page", Icon::FILE_CODE)),
    (&["css", "js", "py", "xml", "yaml", "yml"], of("text/x-source", "Source", Icon::FILE_CODE)),
    (&["png"], of("image/png", "PNG image", Icon::FILE_IMAGE)),
    (&["jpg", "jpeg"], of("image/jpeg", "JPEG image", Icon::FILE_IMAGE)),
    (&["gif"], of("image/gif", "GIF image", Icon::FILE_IMAGE)),
    (&["bmp"], of("image/bmp", "BMP image", Icon::FILE_IMAGE)),
    (&["svg"], of("image/svg+xml", "SVG drawing", Icon::FILE_IMAGE)),
    (&["webp"], of("image/webp", "WebP image", Icon::FILE_IMAGE)),
    (&["wav"], of("audio/wav", "WAV sound", Icon::FILE_MUSIC)),
    (&["mp3", "ogg", "flac"], of("audio/x-music", "Music", Icon::FILE_MUSIC)),
    (&["mp4", "mkv", "webm"], of("video/x-video", "Video", Icon::FILE_VIDEO)),
    (&["zip", "tar", "gz", "xz", "zst", "cpio"], of("application/x-archive", "Archive", Icon::ARCHIVE)),
    (&["ttf", "otf"], of("font/x-font", "Font", Icon::FILE)),
    (&["pdf"], of("application/pdf", "PDF document", Icon::FILE_TEXT)),
];

/// The kind of a file, by its name only; quick.
pub fn by_name(path: &Path) -> Option<Kind> {
    let end = path.extension()?.to_str()?.to_lowercase();
    ENDS.iter().find(|(ends, _)| ends.contains(&end.as_str())).map(|&(_, kind)| kind)
}

/// The kind of a file, by its name, and by looking into it when that says nothing.
pub fn kind(path: &Path) -> Kind {
    if path.is_dir() {
        return FOLDER;
    }
    by_name(path).unwrap_or_else(|| {
        let mut start = [0; 512];
        let count = File::open(path).and_then(|mut file| file.read(&mut start)).unwrap_or(0);
        by_content(&start[..count])
    })
}

fn by_content(start: &[u8]) -> Kind {
    let text = match str::from_utf8(start) {
        Ok(_) => true,
        // The end may lie within a letter.
        Err(error) => error.error_len().is_none(),
    };
    match start {
        [] => EMPTY,
        [0x7f, b'E', b'L', b'F', ..] => PROGRAM,
        [0x89, b'P', b'N', b'G', ..] => of("image/png", "PNG image", Icon::FILE_IMAGE),
        [0xff, 0xd8, 0xff, ..] => of("image/jpeg", "JPEG image", Icon::FILE_IMAGE),
        start if text && !start.contains(&0) => TEXT,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        assert_eq!(kind(Path::new("/")), FOLDER);
        assert_eq!(kind(Path::new("/x/A.PNG")).name, "image/png");
        assert_eq!(kind(Path::new("/no/such/file")), EMPTY);
        assert_eq!(by_content("Grüße".as_bytes()), TEXT);
        assert_eq!(by_content(&"Grüße".as_bytes()[..3]), TEXT);
        assert_eq!(by_content(b"a\0b"), UNKNOWN);
        assert_eq!(by_content(b"\xff\xfe\xfd"), UNKNOWN);
        assert_eq!(by_content(b"\x7fELF\x02"), PROGRAM);
    }
}
