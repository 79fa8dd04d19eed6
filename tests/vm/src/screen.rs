//! What stands on the guest's screen: a picture (PPM), compared with others, and read back into text by the font that the kernel's
//! console draws with.

use crate::qmp::Qmp;

/// Size of a character.
const WIDTH: usize = 8;
const HEIGHT: usize = 16;

/// A picture of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a line.
    pub width: usize,
    /// Lines.
    pub height: usize,
    /// Three bytes a pixel.
    rgb: Vec<u8>,
}

impl Picture {
    /// What a machine shows now.
    pub fn of(machine: &mut Qmp) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let file = folder.path().join("screen.ppm");
        machine.screendump(&file)?;
        Self::from_ppm(&std::fs::read(&file).map_err(|error| error.to_string())?)
    }

    /// How many pixels are others than in a picture of the same size; all, if the size is another.
    pub fn differences(&self, other: &Self) -> usize {
        if (self.width, self.height) != (other.width, other.height) {
            return self.width * self.height;
        }
        self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3)).filter(|(own, other)| own != other).count()
    }

    /// How many pixels are not black.
    pub fn lit(&self) -> usize {
        self.rgb.chunks_exact(3).filter(|pixel| **pixel != [0; 3]).count()
    }

    /// Parses a PPM file with one byte for each colour (Netpbm, `ppm(5)`).
    pub fn from_ppm(file: &[u8]) -> Result<Self, String> {
        // Four words, each with a blank behind it; QEMU writes no comments.
        let mut rest = file;
        let mut word = || {
            let end = rest.iter().position(u8::is_ascii_whitespace).ok_or("the picture is cut short")?;
            let text = std::str::from_utf8(&rest[..end]).map_err(|_| "not a picture")?;
            rest = &rest[end + 1..];
            Ok::<_, String>(text)
        };
        let (magic, width, height, depth) = (word()?, word()?, word()?, word()?);
        if magic != "P6" || depth != "255" {
            return Err(format!("not a picture of the expected kind: {magic} {depth}"));
        }
        let number = |text: &str| text.parse::<usize>().map_err(|error| format!("{text}: {error}"));
        let (width, height) = (number(width)?, number(height)?);
        if rest.len() != width * height * 3 {
            return Err("the picture has not the size that it tells".into());
        }
        Ok(Picture { width, height, rgb: rest.into() })
    }

    /// Red, green and blue at a place.
    pub fn pixel(&self, x: usize, y: usize) -> &[u8] {
        let at = (y * self.width + x) * 3;
        &self.rgb[at..at + 3]
    }

    /// The lines of text from the top left corner on, `?` for what is no character of the font.
    pub fn text(&self) -> Vec<String> {
        let glyphs = ascii_glyphs();
        (0..self.height / HEIGHT)
            .map(|row| {
                let line: String = (0..self.width / WIDTH).map(|column| self.character(&glyphs, column, row)).collect();
                line.trim_end().into()
            })
            .collect()
    }

    fn character(&self, glyphs: &[(char, [u8; HEIGHT])], column: usize, row: usize) -> char {
        // The corner belongs to no character's shape in this font, so its colour is the background's.
        let background = self.pixel(column * WIDTH, row * HEIGHT);
        let mut shape = [0u8; HEIGHT];
        for (y, line) in shape.iter_mut().enumerate() {
            for x in 0..WIDTH {
                let lit = self.pixel(column * WIDTH + x, row * HEIGHT + y) != background;
                *line |= u8::from(lit) << (WIDTH - 1 - x);
            }
        }
        glyphs.iter().find(|(_, glyph)| *glyph == shape).map_or('?', |(character, _)| *character)
    }
}

/// The ASCII characters of the font, a PSF1 file: four bytes of header, the glyphs, then for each glyph the characters that it
/// stands for as UTF-16 units, ended by 0xffff.
fn ascii_glyphs() -> Vec<(char, [u8; HEIGHT])> {
    let file = spleen_font::FONT_8X16;
    let count = if file[2] & 1 != 0 { 512 } else { 256 };
    let (glyphs, table) = file[4..].split_at(count * HEIGHT);
    let units: Vec<u16> = table.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let mut found = Vec::new();
    for (glyph, characters) in glyphs.chunks_exact(HEIGHT).zip(units.split(|unit| *unit == 0xffff)) {
        let ascii = characters.iter().copied().filter(|unit| (0x20..0x7f).contains(unit));
        for unit in ascii {
            let shape = glyph.try_into().expect("chunks have this size");
            found.push((char::from(unit as u8), shape));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of this line in these colours.
    fn draw(text: &str, ink: [u8; 3], paper: [u8; 3]) -> Vec<u8> {
        let glyphs = ascii_glyphs();
        let mut file = format!("P6\n{} {}\n255\n", text.len() * WIDTH, HEIGHT).into_bytes();
        for y in 0..HEIGHT {
            for c in text.chars() {
                let glyph = glyphs.iter().find(|glyph| glyph.0 == c).unwrap().1;
                for x in 0..WIDTH {
                    file.extend(if glyph[y] & 0x80 >> x != 0 { ink } else { paper });
                }
            }
        }
        file
    }

    #[test]
    fn differences_are_counted() {
        let picture = |text| Picture::from_ppm(&draw(text, [255; 3], [0; 3])).unwrap();
        assert_eq!(picture("ab").differences(&picture("ab")), 0);
        assert_eq!(picture("a ").differences(&picture("  ")), picture(" a").differences(&picture("  ")));
        assert!((1..WIDTH * HEIGHT).contains(&picture("ab").differences(&picture("a "))));
        assert_eq!(picture("ab").differences(&picture("abc")), 2 * WIDTH * HEIGHT);
        assert_eq!(picture("a").lit(), picture("a").differences(&picture(" ")));
    }

    #[test]
    fn every_character_is_read_back() {
        let all: String = (' '..='~').collect();
        for (ink, paper) in [([200; 3], [16, 16, 18]), ([0; 3], [255; 3])] {
            let picture = Picture::from_ppm(&draw(&all, ink, paper)).unwrap();
            assert_eq!((picture.width, picture.height), (95 * 8, 16));
            assert_eq!(picture.text(), [all.as_str()]);
        }
    }

    #[test]
    fn what_is_no_character_and_no_picture() {
        let mut file = draw("ab", [255; 3], [0; 3]);
        let last = file.len() - 3;
        file[last] = 9;
        assert_eq!(Picture::from_ppm(&file).unwrap().text(), ["a?"]);
        file.pop();
        assert!(Picture::from_ppm(&file).is_err());
        assert!(Picture::from_ppm(b"").is_err());
        assert!(Picture::from_ppm(b"P5\n1 1\n255\n.").is_err());
    }
}
