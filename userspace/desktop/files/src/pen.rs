//! Text and icons in cells, as both ways of showing files draw them.

use ochre_ui::core::text::{self, Renderer as _, Shaping, Wrapping};
use ochre_ui::core::{Font, alignment};
use ochre_ui::{Color, Icon, Point, Rectangle, Renderer, Size, fonts, icon};

pub use ochre_ui::core::text::Alignment;

/// Draws in cells, within what is seen.
pub struct Pen<'a> {
    /// What draws.
    pub renderer: &'a mut Renderer,
    /// What is seen.
    pub clip: Rectangle,
}

impl Pen<'_> {
    /// A line of text, in the middle of the cell's height.
    pub fn write(&mut self, content: String, cell: Rectangle, align_x: Alignment, colour: Color) {
        let Some(clip) = self.clip.intersection(&cell) else { return };
        let line = text::Text { content, bounds: Size::new(f32::INFINITY, cell.height), align_x, ..line() };
        self.renderer.fill_text(line, Point::new(edge(cell, align_x), cell.center_y()), colour, clip);
    }

    /// An icon, in the middle of the cell's height.
    pub fn icon(&mut self, icon: Icon, size: f32, cell: Rectangle, align_x: Alignment, colour: Color) {
        let glyph = text::Text {
            content: icon.glyph().to_string(),
            bounds: cell.size(),
            size: size.into(),
            line_height: text::LineHeight::Relative(1.0),
            font: icon::FONT,
            align_x,
            shaping: Shaping::Basic,
            ..line()
        };
        self.renderer.fill_text(glyph, Point::new(edge(cell, align_x), cell.center_y()), colour, self.clip);
    }
}

/// Where text of an alignment is held.
fn edge(cell: Rectangle, align_x: Alignment) -> f32 {
    match align_x {
        Alignment::Right => cell.x + cell.width,
        Alignment::Center => cell.center_x(),
        _ => cell.x,
    }
}

fn line<Content: Default>() -> text::Text<Content, Font> {
    text::Text {
        content: Content::default(),
        bounds: Size::INFINITE,
        size: fonts::SIZE.into(),
        line_height: text::LineHeight::default(),
        font: fonts::TEXT,
        align_x: Alignment::Left,
        align_y: alignment::Vertical::Center,
        shaping: Shaping::Advanced,
        wrapping: Wrapping::None,
    }
}

/// The longest beginning and end of a name that fit into a width, with dots between them; the name itself if it fits.
pub fn shorten(name: &str, width: f32) -> String {
    // No letter of the font is wider, and most are less than half.
    const WIDEST: f32 = 14.0;
    if name.chars().count() as f32 * WIDEST <= width || measure(name) <= width {
        return name.to_owned();
    }
    let letters: Vec<char> = name.chars().collect();
    // The ending tells most.
    let tail: String = letters[letters.len() - letters.len().min(8)..].iter().collect();
    let with = |count: usize| format!("{}…{tail}", letters[..count].iter().collect::<String>());
    let (mut fits, mut too_long) = (0, letters.len().saturating_sub(8));
    while too_long - fits > 1 {
        let middle = (fits + too_long) / 2;
        if measure(&with(middle)) <= width { fits = middle } else { too_long = middle }
    }
    with(fits)
}

fn measure(content: &str) -> f32 {
    use ochre_ui::core::text::Paragraph as _;
    let line = text::Text { content, ..line() };
    <Renderer as text::Renderer>::Paragraph::with_text(line).min_width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_to_what_fits_and_keep_their_ending() {
        fonts::load();
        assert_eq!(shorten("short.txt", 500.0), "short.txt");
        let name = "a photograph with quite a long name.jpeg";
        for width in [90.0, 120.0, 200.0] {
            let short = shorten(name, width);
            assert!(measure(&short) <= width && short.ends_with("ame.jpeg") && short.contains('…'), "{short}");
        }
    }
}
