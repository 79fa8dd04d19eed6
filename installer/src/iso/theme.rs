//! What GRUB's menu looks like: the desktop's dark colours and its font.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Error;

/// Where Debian puts the fonts (`fonts-inter`, `fonts-jetbrains-mono`).
const INTER: &str = "/usr/share/fonts/opentype/inter";
const MONO: &str = "/usr/share/fonts/truetype/jetbrains-mono";
/// File, folder, font, size in pixels. The last is that of the terminal, where is said that the system is loaded.
const FACES: [(&str, &str, &str, u32); 3] = [
    ("title.pf2", INTER, "Inter-SemiBold.otf", 56),
    ("text.pf2", INTER, "Inter-Regular.otf", 18),
    ("mono.pf2", MONO, "JetBrainsMono-Regular.ttf", 18),
];

/// The ground's upper and lower edge, dark as the hills of the dark wallpaper; and the accent of `schemes/orbital/theme.toml`, dark.
const UPPER: [u8; 3] = [0x33, 0x25, 0x1d];
const LOWER: [u8; 3] = [0x15, 0x10, 0x0e];
const ACCENT: [u8; 3] = [0xd9, 0x81, 0x4a];

/// The theme. GRUB has no units but pixels and parts of the screen.
const THEME: &str = r##"title-text: ""
desktop-image: "background.tga"
desktop-color: "#15100e"
terminal-left: "10%"
terminal-top: "10%"
terminal-width: "80%"
terminal-height: "80%"
terminal-font: "Ochre mono"

+ label {
    left = 0
    top = 20%
    width = 100%
    align = "center"
    text = "Ochre"
    font = "Ochre title"
    color = "#ece6e0"
}
+ boot_menu {
    left = 50%-220
    top = 20%+120
    width = 440
    height = 280
    item_font = "Ochre text"
    item_color = "#c9c0b7"
    selected_item_color = "#1d130c"
    selected_item_pixmap_style = "select_*.tga"
    item_height = 44
    item_padding = 18
    item_spacing = 6
    scrollbar = false
}
+ label {
    id = "__timeout__"
    left = 0
    top = 100%-104
    width = 100%
    align = "center"
    text = "Starts in %d s"
    font = "Ochre text"
    color = "#a3998f"
}
+ label {
    left = 0
    top = 100%-64
    width = 100%
    align = "center"
    text = "Up and Down choose, Enter starts, E edits the options"
    font = "Ochre text"
    color = "#857d76"
}
"##;

/// Writes the theme with its pictures and fonts to `folder`.
pub fn write(folder: &Path) -> Result<(), Error> {
    let failed = |error| Error::Host(folder.into(), error);
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(folder.join("background.tga"), picture(1280, &gradient(800))).map_err(failed)?;
    fs::write(folder.join("select_c.tga"), picture(8, &[ACCENT; 8])).map_err(failed)?;
    let mut theme = THEME.to_string();
    for (file, fonts, font, size) in FACES {
        let name = make_font(&folder.join(file), &Path::new(fonts).join(font), size)?;
        theme = theme.replace(&format!("Ochre {}", file.trim_end_matches(".pf2")), &name);
    }
    fs::write(folder.join("theme.txt"), theme).map_err(failed)
}

/// Makes a font of GRUB's own format; answers the name by which the theme asks for it.
fn make_font(out: &Path, font: &Path, size: u32) -> Result<String, Error> {
    let failed = |why: String| Error::Font(font.into(), why);
    let mut command = Command::new("grub-mkfont");
    command.arg("-o").arg(out).args(["-s", &size.to_string(), "-r", "0x20-0x7e"]).arg(font);
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    let file = fs::read(out).map_err(|error| failed(error.to_string()));
    match file.ok().as_deref().and_then(name) {
        Some(name) if output.status.success() => Ok(name),
        _ => Err(failed(String::from_utf8_lossy(&output.stderr).trim().into())),
    }
}

/// The name in a font file: sections of a name, a length (big endian) and as many bytes; the first is `FILE`, the second `NAME`.
fn name(file: &[u8]) -> Option<String> {
    let section = |at: usize| -> Option<(&[u8], &[u8], usize)> {
        let len = u32::from_be_bytes(file.get(at + 4..at + 8)?.try_into().ok()?) as usize;
        let end = (at + 8).checked_add(len)?;
        Some((file.get(at..at + 4)?, file.get(at + 8..end)?, end))
    };
    let (_, _, next) = section(0).filter(|(name, contents, _)| *name == b"FILE" && *contents == b"PFF2")?;
    let (_, text, _) = section(next).filter(|(name, ..)| *name == b"NAME")?;
    String::from_utf8(text.strip_suffix(b"\0")?.into()).ok()
}

/// The background's rows, from the upper edge to the lower.
fn gradient(rows: u16) -> Vec<[u8; 3]> {
    let last = u32::from(rows.max(2)) - 1;
    let mix =
        |upper: u8, lower: u8, row: u32| ((u32::from(upper) * (last - row) + u32::from(lower) * row) / last) as u8;
    (0..=last).map(|row| [0, 1, 2].map(|channel| mix(UPPER[channel], LOWER[channel], row))).collect()
}

/// A picture whose rows have one colour each: a TGA file, run-length encoded (type 10), 24 bits, upper row first.
fn picture(width: u16, rows: &[[u8; 3]]) -> Vec<u8> {
    /// Most pixels of a run.
    const RUN: u16 = 128;
    let mut file = vec![0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend(width.to_le_bytes());
    file.extend((rows.len() as u16).to_le_bytes());
    file.extend([24, 0x20]);
    for [red, green, blue] in rows {
        let mut left = width;
        while left != 0 {
            let run = left.min(RUN);
            file.extend([0x80 | (run - 1) as u8, *blue, *green, *red]);
            left -= run;
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_goes_from_edge_to_edge() {
        let rows = gradient(800);
        assert_eq!((rows.len(), rows[0], rows[799]), (800, UPPER, LOWER));
        assert!(rows.windows(2).all(|pair| pair[0] >= pair[1]));
    }

    #[test]
    fn a_picture_has_its_header_and_runs() {
        let file = picture(300, &[[1, 2, 3], [4, 5, 6]]);
        assert_eq!(file[12..18], [44, 1, 2, 0, 24, 0x20]);
        assert_eq!(file[18..30], [0xff, 3, 2, 1, 0xff, 3, 2, 1, 0x80 | 43, 3, 2, 1]);
        assert_eq!(file.len(), 18 + 2 * 3 * 4);
    }

    #[test]
    fn names_of_fonts() {
        let mut file = b"FILE\0\0\0\x04PFF2NAME\0\0\0\x07Inter\x20\0".to_vec();
        assert_eq!(name(&file).as_deref(), Some("Inter "));
        for len in 0..file.len() {
            assert_eq!(name(&file[..len]), None);
        }
        file[0] = b'X';
        assert_eq!(name(&file), None);
    }
}
