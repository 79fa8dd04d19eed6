//! Colours. Those that the frames of windows have too come from `schemes/orbital/theme.toml`.

use iced_core::{Color, color};

/// What windows' frames have, by the names of that file.
pub mod shared {
    include!(concat!(env!("OUT_DIR"), "/colours.rs"));
}

/// What is painted in which colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    /// Tool bars and what lies around content; the same as the title bar, so that both are one.
    pub window: Color,
    /// Behind content: lists, text, pages.
    pub surface: Color,
    /// Menus and dialogs, above the others.
    pub raised: Color,
    /// Fields to write into.
    pub field: Color,
    /// Text and icons.
    pub text: Color,
    /// What explains other text.
    pub text_soft: Color,
    /// What cannot be used now.
    pub text_off: Color,
    /// Lines between areas.
    pub line: Color,
    /// Lines around what can be used.
    pub edge: Color,
    /// Under the pointer.
    pub lit: Color,
    /// Under the pointer while it presses.
    pub pressed: Color,
    /// Behind what is chosen.
    pub chosen: Color,
    /// The one colour that calls: default buttons, marks, focus.
    pub accent: Color,
    /// The same under the pointer.
    pub accent_lit: Color,
    /// On it.
    pub accent_text: Color,
    /// The accent where it is text.
    pub accent_ink: Color,
    /// What destroys.
    pub danger: Color,
    /// On it.
    pub danger_text: Color,
    /// What went well.
    pub success: Color,
    /// Shadows of what is raised.
    pub shadow: Color,
    /// Behind a dialog.
    pub veil: Color,
}

/// By day.
pub const LIGHT: Palette = Palette {
    window: shared::light::TITLE,
    surface: shared::light::SURFACE,
    raised: color!(0xfffdfa),
    field: color!(0xffffff),
    text: shared::light::TEXT,
    text_soft: color!(0x675e56),
    text_off: color!(0x675e56, 0.55),
    line: color!(0xe7dfd6),
    edge: color!(0xcfc4b8),
    lit: shared::light::LIT,
    pressed: shared::light::PRESSED,
    chosen: color!(0xb4592a, 0.16),
    accent: shared::light::ACCENT,
    accent_lit: color!(0xa04d22),
    accent_text: shared::light::ACCENT_TEXT,
    accent_ink: color!(0x9c481d),
    danger: color!(0xb93a2b),
    danger_text: color!(0xffffff),
    success: color!(0x39722f),
    shadow: color!(0x2b1a0c, 0.22),
    veil: color!(0x2b1a0c, 0.28),
};

/// By night.
pub const DARK: Palette = Palette {
    window: shared::dark::TITLE,
    surface: shared::dark::SURFACE,
    raised: color!(0x332e2a),
    field: color!(0x1f1c1a),
    text: shared::dark::TEXT,
    text_soft: color!(0xbfb7af),
    text_off: color!(0xbfb7af, 0.45),
    line: color!(0x3d3733),
    edge: color!(0x57504a),
    lit: shared::dark::LIT,
    pressed: shared::dark::PRESSED,
    chosen: color!(0xd9814a, 0.22),
    accent: shared::dark::ACCENT,
    accent_lit: color!(0xe59564),
    accent_text: shared::dark::ACCENT_TEXT,
    accent_ink: color!(0xe8a075),
    danger: color!(0xec8475),
    danger_text: color!(0x1d0f0c),
    success: color!(0x8fc283),
    shadow: color!(0x000000, 0.5),
    veil: color!(0x000000, 0.45),
};

/// A colour over another, opaque one.
pub fn over(above: Color, below: Color) -> Color {
    let mix = |above_channel: f32, below_channel: f32| above_channel * above.a + below_channel * (1.0 - above.a);
    Color::from_rgb(mix(above.r, below.r), mix(above.g, below.g), mix(above.b, below.b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color) -> f32 {
        let [r, g, b, _] = colour.into_linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: Color, b: Color) -> f32 {
        let [a, b] = [a, b].map(|colour| luminance(colour) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn text_can_be_read_wherever_it_stands() {
        for (name, palette) in [("light", LIGHT), ("dark", DARK)] {
            let grounds = [palette.window, palette.surface, palette.raised, palette.field];
            for ground in grounds {
                for layer in [Color::TRANSPARENT, palette.lit, palette.chosen] {
                    let ground = over(layer, ground);
                    for ink in [palette.text, palette.text_soft] {
                        let ratio = contrast(ink, ground);
                        assert!(ratio >= 4.5, "{name}: {ink:?} on {ground:?} has {ratio}");
                    }
                }
                for ink in [palette.accent_ink, palette.danger, palette.success] {
                    let ratio = contrast(ink, ground);
                    assert!(ratio >= 4.5, "{name}: {ink:?} on {ground:?} has {ratio}");
                }
                // Lines and marks need less: what is used is told apart at 3 to 1.
                assert!(contrast(palette.accent, ground) >= 3.0, "{name}: the accent on {ground:?}");
            }
            for (ground, ink) in [
                (palette.accent, palette.accent_text),
                (palette.accent_lit, palette.accent_text),
                (palette.danger, palette.danger_text),
            ] {
                assert!(contrast(ground, ink) >= 4.5, "{name}: {ink:?} on {ground:?} has {}", contrast(ground, ink));
            }
        }
    }

    #[test]
    fn a_colour_over_another() {
        assert_eq!(over(Color::TRANSPARENT, Color::WHITE), Color::WHITE);
        assert_eq!(over(Color::BLACK, Color::WHITE), Color::BLACK);
    }
}
