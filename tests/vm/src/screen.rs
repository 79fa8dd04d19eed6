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

/// A part of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// From the left.
    pub x: usize,
    /// From the top.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Frame {
    fn has(&self, x: usize, y: usize) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }
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

    /// The smallest frame around all pixels of a colour, but for those in `without`.
    pub fn frame(&self, colour: [u8; 3], without: Option<&Frame>) -> Option<Frame> {
        let mut found: Option<(usize, usize, usize, usize)> = None;
        for (index, pixel) in self.rgb.as_chunks::<3>().0.iter().enumerate() {
            let (x, y) = (index % self.width, index / self.width);
            if *pixel == colour && !without.is_some_and(|frame| frame.has(x, y)) {
                let (left, top, right, bottom) = found.unwrap_or((x, y, x, y));
                found = Some((left.min(x), top.min(y), right.max(x), bottom.max(y)));
            }
        }
        let (left, top, right, bottom) = found?;
        Some(Frame { x: left, y: top, width: right + 1 - left, height: bottom + 1 - top })
    }

    /// Whether all edges of a frame have a colour, and what is just outside has not. Rounded corners are left out.
    pub fn is_framed(&self, frame: &Frame, colour: [u8; 3]) -> bool {
        const CORNER: usize = 16;
        let (right, bottom) = (frame.x + frame.width, frame.y + frame.height);
        if frame.x == 0 || right >= self.width || bottom >= self.height {
            return false;
        }
        let is = |x: usize, y: usize| self.pixel(x, y) == colour;
        let sides = (frame.y + CORNER..bottom - CORNER).all(|y| is(right - 1, y) && !is(right, y));
        sides && (frame.x + CORNER..right - CORNER).all(|x| is(x, bottom - 1) && !is(x, bottom))
    }

    /// How many pixels of a frame have another colour than its paper.
    pub fn ink(&self, frame: &Frame, paper: [u8; 3]) -> usize {
        let part = self.part(frame);
        part.as_chunks::<3>().0.iter().filter(|pixel| **pixel != paper).count()
    }

    /// The pixels of a frame, as far as it lies in the picture.
    pub fn part(&self, frame: &Frame) -> Vec<u8> {
        let (right, bottom) = ((frame.x + frame.width).min(self.width), (frame.y + frame.height).min(self.height));
        (frame.y..bottom)
            .flat_map(|y| &self.rgb[(y * self.width + frame.x.min(right)) * 3..(y * self.width + right) * 3])
            .copied()
            .collect()
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
    fn frames_are_found_by_their_colour() {
        let (paper, other) = ([9, 9, 9], [1, 2, 3]);
        let mut rgb = [other; 100 * 80].concat();
        for (x, y) in (20..70).flat_map(|x| (10..60).map(move |y| (x, y))) {
            rgb[(y * 100 + x) * 3..][..3].copy_from_slice(&paper);
        }
        let picture = Picture { width: 100, height: 80, rgb };
        let frame = Frame { x: 20, y: 10, width: 50, height: 50 };
        assert_eq!((picture.frame(paper, None), picture.frame(paper, Some(&frame))), (Some(frame), None));
        assert!(picture.is_framed(&frame, paper));
        for wrong in [Frame { width: 51, ..frame }, Frame { height: 49, ..frame }, Frame { width: 90, ..frame }] {
            assert!(!picture.is_framed(&wrong, paper), "{wrong:?}");
        }
        assert_eq!(picture.ink(&Frame { x: 19, ..frame }, paper), 50);
        assert_eq!(picture.part(&Frame { x: 90, y: 70, width: 50, height: 50 }).len(), 10 * 10 * 3);
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
