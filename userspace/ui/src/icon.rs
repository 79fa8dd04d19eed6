//! Icons: Lucide's (ISC licence), as a font of those in `icons.txt`. `build/icons.rs` makes it.

use iced_core::Font;
use iced_core::text::{LineHeight, Shaping};
use iced_widget::Text;

use crate::Renderer;
use crate::theme::Theme;

/// The font file.
pub(crate) const FONT_FILE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/icons.ttf"));
/// The font of icons.
pub const FONT: Font = Font::with_name("lucide");
/// Size of an icon beside text.
pub const SIZE: f32 = 16.0;

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Icon(char);

include!(concat!(env!("OUT_DIR"), "/icons.rs"));

impl Icon {
    /// The icon of a name, as programs' files name them.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|&(_, icon)| icon)
    }

    /// Its character in [`FONT`].
    pub const fn glyph(self) -> char {
        self.0
    }

    /// The icon in a size. Its colour is that of the text around it.
    pub fn sized<'a>(self, size: f32) -> Text<'a, Theme, Renderer> {
        Text::new(String::from(self.0))
            .font(FONT)
            .size(size)
            .line_height(LineHeight::Relative(1.0))
            .shaping(Shaping::Basic)
            .width(size)
    }

    /// The icon, as it stands beside text.
    pub fn view<'a>(self) -> Text<'a, Theme, Renderer> {
        self.sized(SIZE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_has_an_outline() {
        let face = ttf_parser_face();
        for (name, icon) in NAMES {
            let glyph = face.glyph_index(icon.0).unwrap_or_else(|| panic!("{name} has no glyph"));
            assert!(face.glyph_bounding_box(glyph).is_some(), "{name} is empty");
            assert_eq!(Icon::named(name), Some(*icon));
        }
        assert_eq!(Icon::named("no such icon"), None);
    }

    fn ttf_parser_face() -> ttf_parser::Face<'static> {
        ttf_parser::Face::parse(FONT_FILE, 0).unwrap()
    }
}
