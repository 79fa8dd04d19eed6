//! What the console draws on: a frame buffer, or the memory of a text mode.

use kernel_core::boot::{BootInfo, Channel, Framebuffer, TextScreen};
use kernel_core::screen::Cell;

use super::font;
use crate::arch::mmio::DeviceMemory;

/// The text mode that every PC starts in (IBM VGA, mode 3).
const VGA_TEXT: TextScreen = TextScreen { address: 0xb_8000, columns: 80, rows: 25, pitch: 160 };

/// From this width on a character is drawn twice as large.
const WIDE: u32 = 2560;

/// The ANSI colours 0 to 7 and their bright forms, as RGB.
const PALETTE: [[u8; 3]; 16] = [
    [0x10, 0x10, 0x12],
    [0xc0, 0x39, 0x2b],
    [0x3a, 0x9d, 0x5d],
    [0xc8, 0x8a, 0x2a],
    [0x3b, 0x78, 0xc2],
    [0x95, 0x55, 0xa8],
    [0x2f, 0x9c, 0xa0],
    [0xd0, 0xd0, 0xcc],
    [0x60, 0x60, 0x64],
    [0xf0, 0x5a, 0x4a],
    [0x5f, 0xcf, 0x80],
    [0xf0, 0xb4, 0x4c],
    [0x6a, 0xa8, 0xf0],
    [0xc8, 0x88, 0xd8],
    [0x5c, 0xd0, 0xd0],
    [0xff, 0xff, 0xfc],
];

/// The VGA's colour numbers have red and blue the other way round.
const VGA_COLOURS: [u8; 16] = [0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15];

/// A place to draw characters.
pub enum Surface {
    /// Pixels.
    Pixels {
        /// Its memory.
        memory: DeviceMemory,
        /// Its shape.
        shape: Framebuffer,
        /// Pixels for each pixel of the font, each way.
        scale: usize,
    },
    /// Characters.
    Text {
        /// Its memory.
        memory: DeviceMemory,
        /// Its shape.
        shape: TextScreen,
    },
}

impl Surface {
    /// The loader's screen, mapped for speed; `force` takes VGA's text mode when the loader told of none.
    pub fn new(info: &BootInfo, force: bool) -> Option<Self> {
        Self::with(Some(info), force, |address, bytes| Some(DeviceMemory::screen(address, bytes)))
    }

    /// The same before anything can be mapped, or when nothing must be allocated any more.
    pub fn early(info: Option<&BootInfo>) -> Option<Self> {
        Self::with(info, true, DeviceMemory::linear)
    }

    fn with(info: Option<&BootInfo>, force: bool, map: impl Fn(u64, usize) -> Option<DeviceMemory>) -> Option<Self> {
        if let Some(shape) = info.and_then(|info| info.framebuffer) {
            let scale = if shape.width >= WIDE { 2 } else { 1 };
            return Some(Surface::Pixels { memory: map(shape.address, shape.bytes())?, shape, scale });
        }
        let shape = info.and_then(|info| info.text_screen).or(force.then_some(VGA_TEXT))?;
        Some(Surface::Text { memory: map(shape.address, shape.pitch as usize * shape.rows as usize)?, shape })
    }

    /// Characters in a line, and lines.
    pub fn size(&self) -> (usize, usize) {
        match self {
            Surface::Pixels { shape, scale, .. } => {
                (shape.width as usize / (font::WIDTH * scale), shape.height as usize / (font::HEIGHT * scale))
            }
            Surface::Text { shape, .. } => (shape.columns as usize, shape.rows as usize),
        }
    }

    /// Makes all of it blank.
    pub fn clear(&self) {
        match self {
            Surface::Pixels { memory, shape, .. } => {
                let (pixel, bytes) = pixel(shape, PALETTE[0]);
                let mut line = [0u8; 4096];
                line.chunks_exact_mut(bytes).for_each(|place| place.copy_from_slice(&pixel[..bytes]));
                let step = line.len() / bytes * bytes;
                let used = shape.width as usize * bytes;
                for row in 0..shape.height as usize {
                    for from in (0..used).step_by(step) {
                        memory.copy_from(row * shape.pitch as usize + from, &line[..step.min(used - from)]);
                    }
                }
            }
            Surface::Text { .. } => {
                let (columns, rows) = self.size();
                let blank = kernel_core::screen::BLANK;
                (0..rows).for_each(|row| (0..columns).for_each(|column| self.draw(column, row, blank)));
            }
        }
    }

    /// Draws a character.
    pub fn draw(&self, column: usize, row: usize, cell: Cell) {
        let colour = |index: u8| usize::from(index & 15);
        match self {
            Surface::Pixels { memory, shape, scale } => {
                let (front, bytes) = pixel(shape, PALETTE[colour(cell.foreground)]);
                let (back, _) = pixel(shape, PALETTE[colour(cell.background)]);
                let (width, pitch) = (font::WIDTH * scale * bytes, shape.pitch as usize);
                let corner = row * font::HEIGHT * scale * pitch + column * width;
                let mut line = [0u8; font::WIDTH * 2 * 4];
                for (y, bits) in font::lookup(cell.c).iter().enumerate() {
                    for (x, place) in line[..width].chunks_exact_mut(bytes).enumerate() {
                        let set = bits >> (font::WIDTH - 1 - x / scale) & 1 != 0;
                        place.copy_from_slice(if set { &front[..bytes] } else { &back[..bytes] });
                    }
                    for repeat in 0..*scale {
                        memory.copy_from(corner + (y * scale + repeat) * pitch, &line[..width]);
                    }
                }
            }
            Surface::Text { memory, shape } => {
                let c = if cell.c.is_ascii() && !cell.c.is_control() { cell.c as u8 } else { b'?' };
                let colours = VGA_COLOURS[colour(cell.foreground)] | (VGA_COLOURS[colour(cell.background)] & 7) << 4;
                memory.copy_from(row * shape.pitch as usize + column * 2, &[c, colours]);
            }
        }
    }
}

/// A colour as the frame buffer wants it, and how many bytes that has.
fn pixel(shape: &Framebuffer, [red, green, blue]: [u8; 3]) -> ([u8; 4], usize) {
    let part = |value: u8, channel: Channel| {
        let value = u32::from(value);
        let value = if channel.bits <= 8 { value >> (8 - channel.bits) } else { value << (channel.bits - 8) };
        value << channel.shift
    };
    let value = part(red, shape.red) | part(green, shape.green) | part(blue, shape.blue);
    (value.to_le_bytes(), usize::from(shape.bpp).div_ceil(8))
}
