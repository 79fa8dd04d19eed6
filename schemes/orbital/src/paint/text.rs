//! Text, as masks: shaped by `cosmic-text`, with what fonts there are.

use std::collections::HashMap;
use std::rc::Rc;

use cosmic_text::fontdb::{Database, Source};
use cosmic_text::{Attrs, Buffer, Color, Family, FontSystem, Metrics, Shaping, SwashCache, Weight};

use super::canvas::Mask;

/// Most texts that are kept.
const KEPT: usize = 128;
/// Widest text, in heights of its line.
const WIDEST: i32 = 64;

/// A way to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Style {
    /// Size of the font, in pixels.
    pub size: i32,
    /// A little bolder.
    pub strong: bool,
}

/// The fonts, and texts that were written lately.
pub struct Text {
    fonts: Option<(FontSystem, SwashCache)>,
    kept: HashMap<(String, Style), Rc<Mask>>,
}

impl Text {
    /// Text in these fonts, which are the contents of font files. Without any there is no text to be seen.
    pub fn new(files: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut database = Database::new();
        for file in files {
            database.load_font_source(Source::Binary(std::sync::Arc::new(file)));
        }
        let family = database.faces().next().and_then(|face| face.families.first()).map(|(name, _)| name.clone());
        let fonts = family.map(|family| {
            database.set_sans_serif_family(family);
            (FontSystem::new_with_locale_and_db(String::from("en-US"), database), SwashCache::new())
        });
        Self { fonts, kept: HashMap::new() }
    }

    /// A line of text, of the height of a line.
    pub fn line(&mut self, text: &str, style: Style) -> Rc<Mask> {
        let key = (text.to_owned(), style);
        if let Some(mask) = self.kept.get(&key) {
            return Rc::clone(mask);
        }
        let mask = Rc::new(self.draw(text, style));
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        self.kept.insert(key, Rc::clone(&mask));
        mask
    }

    fn draw(&mut self, text: &str, style: Style) -> Mask {
        let Some((fonts, cache)) = &mut self.fonts else { return Mask::default() };
        let height = style.size * 3 / 2;
        let mut buffer = Buffer::new(fonts, Metrics::new(style.size as f32, height as f32));
        buffer.set_size(fonts, None, Some(height as f32));
        let weight = if style.strong { Weight::SEMIBOLD } else { Weight::NORMAL };
        let attributes = Attrs::new().family(Family::SansSerif).weight(weight);
        buffer.set_text(fonts, text, &attributes, Shaping::Advanced, None);
        buffer.shape_until_scroll(fonts, false);
        let width =
            buffer.layout_runs().map(|run| run.line_w.ceil() as i32 + 1).max().unwrap_or(0).min(height * WIDEST);
        let mut mask = Mask { w: width, h: height, coverage: vec![0; (width * height) as usize] };
        buffer.draw(fonts, cache, Color::rgb(255, 255, 255), |x, y, _, _, colour| {
            if (0..width).contains(&x) && (0..height).contains(&y) {
                let place = &mut mask.coverage[(y * width + x) as usize];
                *place = (*place).max(colour.a());
            }
        });
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { size: 14, strong: false };

    #[test]
    fn without_fonts_there_is_no_text() {
        let mut text = Text::new([]);
        assert_eq!(*text.line("something", STYLE), Mask::default());
        let mut broken = Text::new([vec![1, 2, 3]]);
        assert_eq!(broken.line("something", STYLE).w, 0);
    }

    #[test]
    fn text_of_any_kind_stays_in_its_mask() {
        let mut text = Text::new(crate::paint::fonts::load());
        for line in ["", "A title", "mit Umlauten äöü", "\u{200f}עברית", "a\nb", "\u{fffd}\u{301}\u{1f600}"] {
            let mask = text.line(line, STYLE);
            assert_eq!(mask.coverage.len() as i32, mask.w * mask.h, "{line}");
        }
        let long = text.line(&"m".repeat(10_000), STYLE);
        assert!(long.w <= STYLE.size * 3 / 2 * WIDEST);
        (0..1000).for_each(|number| drop(text.line(&number.to_string(), STYLE)));
        assert!(text.kept.len() <= KEPT);
    }
}
