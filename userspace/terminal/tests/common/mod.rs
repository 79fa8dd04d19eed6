//! A terminal without a window: fonts from where Debian puts them, pictures as PNG.
#![allow(dead_code)] // Each test program uses a part of it.

use std::path::PathBuf;

use terminal::draw::{Area, Canvas, Painter};
use terminal::font::{Fonts, Style};
use terminal::screen::Screen;
use terminal::theme::Theme;

/// A font file.
fn font(name: &str) -> Vec<u8> {
    let path = format!("/usr/share/fonts/truetype/{name}");
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{path}: {error}; it comes with Debian's packages fonts-jetbrains-mono and fonts-dejavu-core")
    })
}

/// JetBrains Mono in its four styles, and DejaVu Sans Mono for what it does not have.
pub fn fonts(size: f32) -> Fonts {
    let mut fonts = Fonts::new(font("jetbrains-mono/JetBrainsMono-Regular.ttf"), size).unwrap();
    for (name, bold, italic) in [("Bold", true, false), ("Italic", false, true), ("BoldItalic", true, true)] {
        fonts.add(font(&format!("jetbrains-mono/JetBrainsMono-{name}.ttf")), Style { bold, italic }).unwrap();
    }
    fonts.add(font("dejavu/DejaVuSansMono.ttf"), Style::default()).unwrap();
    fonts
}

/// A screen and what it is drawn with.
pub struct Terminal {
    pub screen: Screen,
    pub painter: Painter,
    pub pixels: Vec<u32>,
    pub width: usize,
}

impl Terminal {
    pub fn new(columns: usize, rows: usize, size: f32, theme: Theme) -> Self {
        let painter = Painter::new(fonts(size), 8);
        let metrics = painter.metrics();
        let (width, height) = (columns * metrics.width + 16, rows * metrics.height + 16);
        let screen = Screen::new(columns, rows, theme);
        Self { screen, painter, pixels: vec![0; width * height], width }
    }

    pub fn draw(&mut self) -> Vec<Area> {
        self.painter.draw(&mut self.screen, &mut Canvas::new(&mut self.pixels, self.width))
    }

    /// Text of a row, without spaces at its end.
    pub fn line(&self, row: usize) -> String {
        self.screen.row(row).map(|look| look.text).collect::<String>().trim_end().to_string()
    }

    /// The pixel at a place.
    pub fn at(&self, x: usize, y: usize) -> u32 {
        self.pixels[y * self.width + x]
    }

    /// Writes the picture where it can be looked at.
    pub fn save(&self, name: &str) {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        let file = std::fs::File::create(path).unwrap();
        let height = (self.pixels.len() / self.width) as u32;
        let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), self.width as u32, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|pixel| pixel.to_be_bytes()[1..].to_vec()).collect();
        encoder.write_header().unwrap().write_image_data(&bytes).unwrap();
    }
}
