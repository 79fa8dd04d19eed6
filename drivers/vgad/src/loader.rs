//! The frame buffer that the boot loader has set up. Clients store straight into it when its pixels are those of the contract;
//! otherwise into memory, from which it is converted when it is flushed.

use display_contract::{Info, Mode, Rectangle, flag};
use driver::syscall::error::{EOPNOTSUPP, Error, Result};
use driver::{Allocator, Memory, Registers};
use graphics::{Adapter, Buffer};

use crate::bochs::Open;

/// A colour's place in a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Channel {
    shift: u32,
    bits: u32,
}

/// A frame buffer's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    address: u64,
    mode: Mode,
    pitch: u32,
    depth: u32,
    /// Red, green, blue.
    channels: [Channel; 3],
}

impl Shape {
    /// Reads what the kernel says (`sys:framebuffer`); none when there is nothing, or nothing that makes sense.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let address = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
        let numbers: Vec<u32> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [width, height, pitch, depth, channels @ ..] = &numbers[..] else { return None };
        let [a, b, c, d, e, f] = channels.try_into().ok()?;
        let channels = [(a, b), (c, d), (e, f)].map(|(shift, bits)| Channel { shift, bits });
        let shape =
            Self { address, mode: Mode { width: *width, height: *height }, pitch: *pitch, depth: *depth, channels };
        let fits = |channel: &Channel| channel.bits <= 16 && channel.shift.saturating_add(channel.bits) <= 32;
        let sane = shape.mode.is_sane() && (9..=32).contains(depth) && shape.channels.iter().all(fits);
        (sane && *pitch >= width * shape.bytes()).then_some(shape)
    }

    /// Bytes of a pixel.
    fn bytes(&self) -> u32 {
        self.depth.div_ceil(8)
    }

    /// Bytes of all.
    pub fn len(&self) -> usize {
        self.pitch as usize * self.mode.height as usize
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it begins in its first page.
    pub fn offset(&self) -> usize {
        (self.address % 4096) as usize
    }

    /// Whether clients can store into it as it is.
    fn is_plain(&self) -> bool {
        let plain = [16, 8, 0].map(|shift| Channel { shift, bits: 8 });
        self.bytes() == 4 && self.channels == plain && self.offset() == 0
    }

    /// A pixel of the contract as one of this.
    fn convert(&self, pixel: [u8; 4]) -> u32 {
        let [blue, green, red, _] = pixel;
        self.channels.iter().zip([red, green, blue]).fold(0, |all, (channel, value)| {
            let value = u32::from(value);
            let value = if channel.bits <= 8 { value >> (8 - channel.bits) } else { value << (channel.bits - 8) };
            all | value << channel.shift
        })
    }
}

/// The frame buffer.
pub struct Loader<R> {
    shape: Shape,
    registers: R,
    open: Open,
    /// What clients store into, if it is not the frame buffer itself.
    shadow: Option<Box<dyn Memory>>,
}

impl<R: Registers> Loader<R> {
    /// The frame buffer of this shape behind `registers`; `open` gives descriptors of it, `memory` what is needed otherwise.
    pub fn new(shape: Shape, registers: R, open: Open, memory: &dyn Allocator) -> Result<Self> {
        let stride = shape.mode.width as usize * 4;
        let shadow = match shape.is_plain() {
            true => None,
            false => Some(memory.allocate(stride * shape.mode.height as usize, false)?),
        };
        Ok(Self { shape, registers, open, shadow })
    }

    /// Copies a part of a line.
    fn convert(&self, shadow: &dyn Memory, rectangle: &Rectangle, line: u32) {
        let mut pixels = vec![0; rectangle.width as usize * 4];
        let from = (line as usize * self.shape.mode.width as usize + rectangle.x as usize) * 4;
        shadow.read(from, &mut pixels);
        let bytes = self.shape.bytes() as usize;
        let to = line as usize * self.shape.pitch as usize + rectangle.x as usize * bytes;
        for (place, pixel) in pixels.as_chunks::<4>().0.iter().enumerate() {
            let (at, value) = (to + place * bytes, self.shape.convert(*pixel));
            match bytes {
                4 => self.registers.put32(at, value),
                2 => self.registers.put16(at, value as u16),
                _ => (0..bytes).for_each(|byte| self.registers.put8(at + byte, (value >> (8 * byte)) as u8)),
            }
        }
    }
}

impl<R: Registers> Adapter for Loader<R> {
    fn info(&self) -> Info {
        let mode = self.shape.mode;
        let (stride, flush) = match self.shadow {
            Some(_) => (mode.width * 4, flag::FLUSH),
            None => (self.shape.pitch, 0),
        };
        Info { mode, stride, flags: flag::FALLBACK | flush, preferred: mode }
    }

    fn modes(&self) -> Vec<Mode> {
        vec![self.shape.mode]
    }

    fn set_mode(&mut self, _: Mode) -> Result<()> {
        Err(Error::new(EOPNOTSUPP))
    }

    fn buffer(&mut self) -> Result<Buffer> {
        match &self.shadow {
            Some(shadow) => Ok(Buffer::Here(shadow.address())),
            None => (self.open)().map(Buffer::Elsewhere),
        }
    }

    fn flush(&mut self, rectangles: &[Rectangle]) -> Result<()> {
        if let Some(shadow) = &self.shadow {
            for rectangle in rectangles {
                (rectangle.y..rectangle.y + rectangle.height).for_each(|line| self.convert(&**shadow, rectangle, line));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use driver::fake::{Bytes, Machine};

    use super::*;

    fn shape(text: &str) -> Shape {
        Shape::parse(text).unwrap()
    }

    #[test]
    fn shapes() {
        let plain = shape("0xfd000000 1024 768 4096 32 16 8 8 8 0 8\n");
        assert!(plain.is_plain() && plain.len() == 768 * 4096 && plain.offset() == 0);
        assert!(!shape("0xfd000010 1024 768 4096 32 16 8 8 8 0 8").is_plain());
        assert!(!shape("0xfd000000 1024 768 4096 32 0 8 8 8 16 8").is_plain());
        assert!(!shape("0xfd000000 640 480 1280 16 11 5 5 6 0 5").is_plain());
        for wrong in [
            "",
            "0xfd000000",
            "fd000000 1 1 4 32 16 8 8 8 0 8",
            "0x0 0 1 4 32 16 8 8 8 0 8",
            "0x0 2 1 4 32 16 8 8 8 0 8",
            "0x0 1 1 4 32 30 8 8 8 0 8",
            "0x0 1 1 4 33 16 8 8 8 0 8",
            "0x0 1 1 4 32 16 8 8 8 0 8 9",
            "0x0 1 1 -4 32 16 8 8 8 0 8",
        ] {
            assert_eq!(Shape::parse(wrong), None, "{wrong}");
        }
    }

    /// Fills the shadow with one colour, flushes a part, and answers what is in the frame buffer then.
    fn flushed(text: &str, pixel: [u8; 4], part: Rectangle) -> Vec<u8> {
        let shape = shape(text);
        let machine = Machine::new();
        let registers = Bytes::new(&vec![0xee; shape.len()]);
        let mut loader = Loader::new(shape, registers, Box::new(|| Ok(1)), &machine).unwrap();
        assert!(matches!(loader.buffer(), Ok(Buffer::Here(_))) && loader.info().flags & flag::FLUSH != 0);
        let shadow = loader.shadow.as_ref().unwrap();
        shadow.write(0, &pixel.repeat(shape.mode.width as usize * shape.mode.height as usize));
        loader.flush(&[part]).unwrap();
        (0..shape.len()).map(|at| loader.registers.get8(at)).collect()
    }

    #[test]
    fn other_pixels_are_converted() {
        let part = Rectangle { x: 1, y: 1, width: 2, height: 1 };
        let (blue, red) = ([0xff, 0, 0, 0], [0, 0, 0xff, 0]);
        let bytes = flushed("0x0 4 2 8 16 11 5 5 6 0 5", red, part);
        assert_eq!(bytes, [&[0xee; 10][..], &[0x00, 0xf8, 0x00, 0xf8], &[0xee; 2]].concat());
        let bytes = flushed("0x0 4 2 12 24 16 8 8 8 0 8", blue, part);
        assert_eq!(bytes, [&[0xee; 15][..], &[0xff, 0, 0, 0xff, 0, 0], &[0xee; 3]].concat());
        let bytes = flushed("0x0 4 2 16 32 0 10 10 10 20 10", red, part);
        assert_eq!(bytes[20..24], 0x3fc_u32.to_le_bytes());
    }
}
