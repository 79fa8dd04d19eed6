//! The console's characters: Spleen 8x16 by Frederic Cambus (BSD licence), unpacked by the compiler.
//!
//! The font comes as a PSF1 file: a header of 4 bytes (magic 0x0436, mode, bytes in a glyph), the glyphs, and for each glyph the
//! characters it stands for as UTF-16 units, ended by 0xffff; 0xfffe starts sequences, which are not used here.

/// Pixels in a line of a character.
pub const WIDTH: usize = 8;
/// Lines of a character.
pub const HEIGHT: usize = 16;

/// A character: a byte for each line, the leftmost pixel in the highest bit.
pub type Glyph = [u8; HEIGHT];

/// Latin and Latin-1, Latin Extended-A.
const LATIN: usize = 0x180;
/// Box drawing.
const BOX_START: usize = 0x2500;
const BOX: usize = 0x80;

const FILE: &[u8] = spleen_font::FONT_8X16;
const HEADER: usize = 4;

static GLYPHS: [Glyph; LATIN + BOX] = unpack();

const fn unit(at: usize) -> usize {
    FILE[at] as usize | (FILE[at + 1] as usize) << 8
}

const fn slot(character: usize) -> Option<usize> {
    match character {
        0..LATIN => Some(character),
        BOX_START..0x2580 => Some(LATIN + character - BOX_START),
        _ => None,
    }
}

const fn glyph(index: usize) -> Glyph {
    let mut glyph = [0; HEIGHT];
    let mut line = 0;
    while line < HEIGHT {
        glyph[line] = FILE[HEADER + index * HEIGHT + line];
        line += 1;
    }
    glyph
}

const fn unpack() -> [Glyph; LATIN + BOX] {
    assert!(FILE[0] == 0x36 && FILE[1] == 0x04 && FILE[3] as usize == HEIGHT, "not the 8x16 PSF1 font");
    // Mode bit 0: 512 glyphs.
    let count = if FILE[2] & 1 != 0 { 512 } else { 256 };
    // A hollow box for what the font does not have.
    let missing = [0, 0, 0x7e, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x7e, 0, 0, 0, 0];
    let mut glyphs = [missing; LATIN + BOX];
    let mut at = HEADER + count * HEIGHT;
    let mut index = 0;
    let mut in_sequence = false;
    while index < count && at + 1 < FILE.len() {
        match unit(at) {
            0xffff => {
                index += 1;
                in_sequence = false;
            }
            0xfffe => in_sequence = true,
            character if !in_sequence => {
                if let Some(slot) = slot(character) {
                    glyphs[slot] = glyph(index);
                }
            }
            _ => {}
        }
        at += 2;
    }
    glyphs
}

/// What a character looks like; a hollow box for what the font does not have.
pub fn lookup(c: char) -> &'static Glyph {
    // U+007F has no picture, so its slot holds the box.
    &GLYPHS[slot(c as usize).unwrap_or(0x7f)]
}
