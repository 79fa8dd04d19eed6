//! Pictures, read from files that nobody has to trust: what is too large is refused before memory is taken for it.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

/// Most pixels of a side.
pub const LONGEST_SIDE: u32 = 32_768;
/// Most bytes of a picture, as it lies in memory and as it comes out of the file: 32 million pixels.
pub const MOST_BYTES: u64 = 128 * 1024 * 1024;
/// Bytes that a decoder may use besides.
const DECODER_ROOM: u64 = 64 * 1024 * 1024;

/// A picture in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Red, green, blue and opacity of each pixel.
    pub pixels: Vec<u8>,
    /// Something of it can be seen through.
    pub transparent: bool,
    /// How the camera was held.
    pub turn: Turn,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}×{}, {:?})", self.width, self.height, self.turn)
    }
}

/// How a picture is laid before the eye: first mirrored left to right, then turned clockwise by so many quarters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Mirrored.
    pub mirrored: bool,
    /// Quarters, 0 to 3.
    pub quarters: u8,
}

impl Turn {
    /// Turned once more: clockwise, or the other way.
    pub fn turned(self, clockwise: bool) -> Self {
        Self { quarters: (self.quarters + if clockwise { 1 } else { 3 }) % 4, ..self }
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        self.quarters % 2 == 1
    }

    /// As a picture says that its camera was held.
    pub fn of(orientation: Orientation) -> Self {
        let (mirrored, quarters) = match orientation {
            Orientation::NoTransforms => (false, 0),
            Orientation::Rotate90 => (false, 1),
            Orientation::Rotate180 => (false, 2),
            Orientation::Rotate270 => (false, 3),
            Orientation::FlipHorizontal => (true, 0),
            Orientation::Rotate90FlipH => (true, 3),
            Orientation::FlipVertical => (true, 2),
            Orientation::Rotate270FlipH => (true, 1),
        };
        Self { mirrored, quarters }
    }
}

/// Reads a picture. The error is for people.
pub fn read(path: &Path) -> Result<Picture, String> {
    let file = File::open(path).map_err(|error| crate::job::describe(&error))?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("it is not a file".into());
    }
    decode(BufReader::new(file))
}

/// Reads a picture from what a file holds.
pub fn decode(source: impl BufRead + Seek) -> Result<Picture, String> {
    let mut reader = ImageReader::new(source).with_guessed_format().map_err(|error| crate::job::describe(&error))?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg)) {
        return Err("it is neither PNG nor JPEG".into());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(DECODER_ROOM);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(describe)?;
    let turn = decoder.orientation().map_or(Turn::default(), Turn::of);
    let ((width, height), color, len) = (decoder.dimensions(), decoder.color_type(), decoder.total_bytes());
    let pixels = u64::from(width) * u64::from(height);
    if pixels * 4 > MOST_BYTES || len > MOST_BYTES {
        return Err(format!("it is too large: {width} × {height} pixels"));
    }
    // Pixels get wider in place, so room for the wider ones is taken at once.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len.max(pixels * 4) as usize).map_err(|_| "there is not enough memory".to_string())?;
    bytes.resize(len as usize, 0);
    decoder.read_image(&mut bytes).map_err(describe)?;
    widen(&mut bytes, color, pixels as usize)?;
    let transparent = bytes.chunks_exact(4).any(|pixel| pixel[3] != u8::MAX);
    Ok(Picture { width, height, pixels: bytes, transparent, turn })
}

/// Makes four bytes of each pixel.
fn widen(bytes: &mut Vec<u8>, color: ColorType, pixels: usize) -> Result<(), String> {
    if matches!(color, ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16) {
        // The upper half of each channel.
        for at in 0..bytes.len() / 2 {
            let wide = u16::from_ne_bytes([bytes[2 * at], bytes[2 * at + 1]]);
            bytes[at] = (wide >> 8) as u8;
        }
        bytes.truncate(bytes.len() / 2);
    }
    let channels = match color {
        ColorType::L8 | ColorType::L16 => 1,
        ColorType::La8 | ColorType::La16 => 2,
        ColorType::Rgb8 | ColorType::Rgb16 => 3,
        ColorType::Rgba8 | ColorType::Rgba16 => return Ok(()),
        _ => return Err("its colours are of a kind that is not known".into()),
    };
    bytes.resize(pixels * 4, 0);
    // From the last one on: none is overwritten before it has been read.
    for at in (0..pixels).rev() {
        let from = at * channels;
        let pixel = match channels {
            1 => [bytes[from], bytes[from], bytes[from], u8::MAX],
            2 => [bytes[from], bytes[from], bytes[from], bytes[from + 1]],
            _ => [bytes[from], bytes[from + 1], bytes[from + 2], u8::MAX],
        };
        bytes[at * 4..][..4].copy_from_slice(&pixel);
    }
    Ok(())
}

fn describe(error: ImageError) -> String {
    match error {
        ImageError::Limits(_) => "it is too large".into(),
        ImageError::IoError(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => crate::job::describe(&error),
        ImageError::Unsupported(_) => "it is of a kind that is not known".into(),
        // What decoders say is for those who write them.
        _ => "it is damaged".into(),
    }
}

#[cfg(test)]
mod tests;
