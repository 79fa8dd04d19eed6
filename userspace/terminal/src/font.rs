//! Glyphs of font files.

use std::collections::HashMap;

use swash::scale::{Render, ScaleContext, Source};
use swash::zeno::Vector;
use swash::{FontRef, GlyphId};

use crate::boxes;

/// Glyphs kept. A screen full of different characters has fewer.
const GLYPHS_MAX: usize = 8192;

/// How a character is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Style {
    /// Heavy.
    pub bold: bool,
    /// Slanted.
    pub italic: bool,
}

/// A picture of how much of each pixel something covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// Where its left edge is, from that of the cell.
    pub left: i32,
    /// Where its upper edge is, from that of the cell.
    pub top: i32,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 0 to 255 for each pixel, row by row.
    pub cover: Vec<u8>,
}

/// Sizes of a cell and what belongs to it, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Width of a cell.
    pub width: usize,
    /// Height of a cell.
    pub height: usize,
    /// From the top of a cell to the line that letters stand on.
    pub baseline: usize,
    /// From the top of a cell to an underline.
    pub underline: usize,
    /// From the top of a cell to a line through letters.
    pub strikeout: usize,
    /// Thickness of lines.
    pub line: usize,
}

/// A font file that is none, or has no characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAFont;

impl core::fmt::Display for NotAFont {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("this is no font that can be used")
    }
}

impl core::error::Error for NotAFont {}

/// Reads a font file when it is needed; nothing if it cannot.
pub type Later = Box<dyn FnOnce() -> Option<Vec<u8>>>;

struct Face {
    data: Vec<u8>,
    style: Style,
    /// Where the data comes from, until somebody has needed it.
    later: Option<Later>,
}

impl Face {
    fn new(data: Vec<u8>, style: Style) -> Self {
        Self { data, style, later: None }
    }

    /// Reads it now. What is no font has no characters.
    fn load(&mut self) {
        if let Some(later) = self.later.take() {
            self.data = later().unwrap_or_default();
        }
    }

    fn font(&self) -> Option<FontRef<'_>> {
        FontRef::from_index(&self.data, 0)
    }

    fn glyph(&self, character: char) -> Option<GlyphId> {
        let glyph = self.font()?.charmap().map(character);
        (glyph != 0).then_some(glyph)
    }
}

/// Faces of one size, and the glyphs that were drawn from them.
pub struct Fonts {
    /// In the order in which they are asked; the first one decides the size of cells.
    faces: Vec<Face>,
    size: f32,
    metrics: Metrics,
    context: ScaleContext,
    glyphs: HashMap<(char, Style), Mask>,
}

impl Fonts {
    /// Fonts that begin with this one, whose letters are `size` pixels high, as fonts count it.
    pub fn new(regular: Vec<u8>, size: f32) -> Result<Self, NotAFont> {
        let size = size.clamp(6.0, 200.0);
        let face = Face::new(regular, Style::default());
        let metrics = measure(&face, size).ok_or(NotAFont)?;
        Ok(Self { faces: vec![face], size, metrics, context: ScaleContext::new(), glyphs: HashMap::new() })
    }

    /// One more face: for a style, or for characters that the others do not have.
    pub fn add(&mut self, data: Vec<u8>, style: Style) -> Result<(), NotAFont> {
        let face = Face::new(data, style);
        face.font().ok_or(NotAFont)?;
        self.faces.push(face);
        self.glyphs.clear();
        Ok(())
    }

    /// One more face, which is read as soon as it is asked for a character.
    pub fn add_later(&mut self, later: Later, style: Style) {
        self.faces.push(Face { data: Vec::new(), style, later: Some(later) });
        self.glyphs.clear();
    }

    /// Another size.
    pub fn set_size(&mut self, size: f32) {
        let size = size.clamp(6.0, 200.0);
        if let Some(metrics) = self.faces.first().and_then(|face| measure(face, size)) {
            (self.size, self.metrics) = (size, metrics);
            self.glyphs.clear();
        }
    }

    /// Sizes of a cell.
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    /// The picture of a character.
    pub fn glyph(&mut self, character: char, style: Style) -> &Mask {
        let key = (character, style);
        if !self.glyphs.contains_key(&key) {
            if self.glyphs.len() >= GLYPHS_MAX {
                self.glyphs.clear();
            }
            let mask = boxes::draw(character, &self.metrics).or_else(|| self.render(character, style));
            self.glyphs.insert(key, mask.unwrap_or_default());
        }
        &self.glyphs[&key]
    }

    /// The first face that has a character, those of the right style first. If none has it, the first one's box.
    fn find(&mut self, character: char, style: Style) -> Option<(usize, GlyphId)> {
        for right in [true, false] {
            for (index, face) in self.faces.iter_mut().enumerate() {
                if (face.style == style) == right {
                    face.load();
                    if let Some(glyph) = face.glyph(character) {
                        return Some((index, glyph));
                    }
                }
            }
        }
        (!self.faces.is_empty()).then_some((0, 0))
    }

    /// Draws a character by the face that has it.
    fn render(&mut self, character: char, style: Style) -> Option<Mask> {
        let (face, glyph) = self.find(character, style)?;
        let face = &self.faces[face];
        let mut scaler = self.context.builder(face.font()?).size(self.size).hint(true).build();
        let image = Render::new(&[Source::Outline]).offset(Vector::new(0.0, 0.0)).render(&mut scaler, glyph)?;
        let place = image.placement;
        Some(Mask {
            left: place.left,
            top: self.metrics.baseline as i32 - place.top,
            width: place.width as usize,
            height: place.height as usize,
            cover: image.data,
        })
    }
}

fn measure(face: &Face, size: f32) -> Option<Metrics> {
    let font = face.font()?;
    let glyph = face.glyph('0')?;
    let metrics = font.metrics(&[]).scale(size);
    let width = font.glyph_metrics(&[]).scale(size).advance_width(glyph).round() as usize;
    let height = (metrics.ascent + metrics.descent + metrics.leading).ceil() as usize;
    // What is left over goes above and below alike.
    let spare = height as f32 - metrics.ascent - metrics.descent;
    let baseline = (metrics.ascent + spare / 2.0).round() as usize;
    let line = (size / 14.0).round().max(1.0) as usize;
    if width == 0 || height == 0 {
        return None;
    }
    let below = |offset: f32| ((baseline as f32 - offset).round().max(0.0) as usize).min(height - line.min(height));
    Some(Metrics {
        width,
        height,
        baseline,
        underline: below(metrics.underline_offset).max(baseline + 1).min(height - line.min(height)),
        strikeout: below(metrics.x_height / 2.0),
        line,
    })
}
