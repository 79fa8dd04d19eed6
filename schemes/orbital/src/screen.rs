//! Where pictures go and where events come from: the boundaries of the display server, and what stands in for them in tests.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::geometry::Rect;
use crate::paint::canvas::{Canvas, Sprite};

/// A screen: a graphics driver's, or a picture in memory.
pub trait Screen {
    /// Width and height.
    fn size(&self) -> (i32, i32);

    /// Takes another size. Answers whether it has it now; one that cannot stays as it is.
    fn set_mode(&mut self, _w: i32, _h: i32) -> bool {
        false
    }

    /// Shows rectangles of a picture that has the screen's size. They lie inside of it.
    fn show(&mut self, canvas: &Canvas, rects: &[Rect]);

    /// Shows a cursor without its being painted into the picture; `None` hides it. Answers whether the screen can do this; one that
    /// cannot is not asked again.
    fn set_cursor(&mut self, _cursor: Option<&Sprite>) -> bool {
        false
    }

    /// Puts that cursor somewhere.
    fn move_cursor(&mut self, _x: i32, _y: i32) {}
}

/// What an input device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key is pressed or let go; the character that the key map has for it, or 0.
    Key {
        /// As `orbclient` numbers keys.
        scancode: u8,
        /// Pressed, not let go.
        pressed: bool,
        /// What it means in the key map.
        character: char,
    },
    /// A character was entered, by one key or by several.
    Text(char),
    /// A device that points to places of the screen: how far right and down, of 65,536.
    At(u16, u16),
    /// A device that moves.
    By(i32, i32),
    /// Which buttons are down: left, middle, right.
    Buttons([bool; 3]),
    /// The wheel.
    Scroll(i32, i32),
}

impl Input {
    /// A device that points to a pixel of a screen of this size.
    pub fn at_pixel(x: i32, y: i32, size: (i32, i32)) -> Self {
        // The middle of the pixel.
        let place = |at: i32, size: i32| {
            let at = (i64::from(at) * 2 + 1) * 65_536 / (2 * i64::from(size.max(1)));
            at.clamp(0, u16::MAX.into()) as u16
        };
        Self::At(place(x, size.0), place(y, size.1))
    }
}

/// A screen in memory.
#[derive(Clone, Debug)]
pub struct MemoryScreen {
    /// What it shows.
    pub canvas: Canvas,
    /// How many pixels were shown in all.
    pub shown: u64,
    /// How often something was shown.
    pub frames: u64,
}

impl MemoryScreen {
    /// A black screen.
    pub fn new(w: i32, h: i32) -> Self {
        Self { canvas: Canvas::new(w, h), shown: 0, frames: 0 }
    }
}

impl Screen for MemoryScreen {
    fn size(&self) -> (i32, i32) {
        (self.canvas.bounds().w, self.canvas.bounds().h)
    }

    fn set_mode(&mut self, w: i32, h: i32) -> bool {
        self.canvas = Canvas::new(w, h);
        true
    }

    fn show(&mut self, canvas: &Canvas, rects: &[Rect]) {
        self.frames += 1;
        for rect in rects {
            self.shown += rect.area() as u64;
            for y in rect.y..rect.bottom() {
                let from = canvas.row(y, rect.x, rect.right());
                self.canvas.row_mut(y, rect.x, rect.right()).copy_from_slice(from);
            }
        }
    }
}

/// Saves a picture in a folder, under the first name `screen-NUMBER.png` that is free; answers the name.
pub fn save(canvas: &Canvas, folder: &Path) -> io::Result<PathBuf> {
    for number in 1..10_000 {
        let path = folder.join(format!("screen-{number}.png"));
        match File::options().write(true).create_new(true).open(&path) {
            Ok(file) => {
                let mut file = BufWriter::new(file);
                write_png(canvas, &mut file)?;
                file.flush()?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("all names are taken"))
}

/// Writes a picture as PNG.
pub fn write_png(canvas: &Canvas, to: impl Write) -> io::Result<()> {
    let bounds = canvas.bounds();
    let mut encoder = png::Encoder::new(to, bounds.w as u32, bounds.h as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    let bytes: Vec<u8> = canvas
        .pixels()
        .iter()
        .flat_map(|pixel| [pixel >> 16, pixel >> 8, *pixel].map(|channel| channel as u8))
        .collect();
    writer.write_image_data(&bytes).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_saved_beside_each_other() {
        let folder = std::env::temp_dir().join(format!("ochre-screens-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let mut canvas = Canvas::new(5, 4);
        canvas.fill_round(Rect::new(0, 0, 5, 4), Rect::new(1, 1, 2, 2), 0, 0xff12_3456);
        let names = [1, 2].map(|_| save(&canvas, &folder).unwrap());
        assert!(names[0].ends_with("screen-1.png") && names[1].ends_with("screen-2.png"));
        let mut reader = png::Decoder::new(io::BufReader::new(File::open(&names[1]).unwrap())).read_info().unwrap();
        let mut bytes = vec![0; 60];
        reader.next_frame(&mut bytes).unwrap();
        assert_eq!(
            (reader.info().size(), &bytes[18..21], &bytes[..3]),
            ((5, 4), &[0x12, 0x34, 0x56][..], &[0, 0, 0][..])
        );
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(save(&canvas, &folder).is_err());
    }

    #[test]
    fn every_pixel_can_be_pointed_to() {
        for size in [1, 2, 640, 1366, 1920, 4096] {
            for at in [0, 1, size / 3, size / 2, size - 1].into_iter().filter(|&at| at < size) {
                let Input::At(x, _) = Input::at_pixel(at, 0, (size, 1)) else { panic!() };
                assert_eq!((i64::from(x) * i64::from(size)) >> 16, i64::from(at), "{at} of {size}");
            }
        }
    }
}
