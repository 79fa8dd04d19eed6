//! The pixels that are on the screen: the memory of the standard VGA, from which the device makes its picture.

use std::fs::{self, File};
use std::io::{Error, Result};
use std::os::fd::AsRawFd;

use driver::{Granted, Mmio, Registers};

/// Vendor and device of the standard VGA of QEMU and Bochs.
const VGA: &str = "id 1234:1111";
/// Bytes of a pixel, of which the last does not count.
const PIXEL: usize = 4;
const COLOUR: u32 = 0x00ff_ffff;

/// A part of the screen: from a place up to another, which is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Columns.
    pub x: (usize, usize),
    /// Lines.
    pub y: (usize, usize),
}

impl Area {
    /// Columns and lines.
    pub fn size(self) -> (usize, usize) {
        (self.x.1 - self.x.0, self.y.1 - self.y.0)
    }

    /// The same place in a window that is elsewhere now.
    pub fn moved(self, old: Self, new: Self) -> Self {
        let x = |x: usize| x + new.x.0 - old.x.0;
        let y = |y: usize| y + new.y.0 - old.y.0;
        Self { x: (x(self.x.0), x(self.x.1)), y: (y(self.y.0), y(self.y.1)) }
    }
}

/// The screen's memory.
pub struct Screen {
    memory: Mmio,
    device: String,
    stride: usize,
    /// All of it.
    pub whole: Area,
}

impl Screen {
    /// Finds the device and maps its memory.
    pub fn open() -> Result<Self> {
        let (device, info) = fs::read_dir("/scheme/pci")?
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter_map(|name| Some((name.clone(), fs::read_to_string(format!("/scheme/pci/{name}/info")).ok()?)))
            .find(|(_, info)| info.lines().any(|line| line == VGA))
            .ok_or_else(|| Error::other("there is no standard VGA"))?;
        let [base, len] = numbers(&info, "bar0 memory ")?;
        let memory = format!("/scheme/memory/physical@uc?{base:x}-{:x}", base + len - 1);
        let memory = File::options().read(true).write(true).open(memory)?;
        // The mapping outlives the descriptor.
        let memory = Mmio::map(Granted { fd: memory.as_raw_fd() as usize, len, offset: 0 })?;
        let mode = fs::read_to_string(format!("/scheme/display.{device}/info"))?;
        let [width, height] = numbers(&mode, "mode ")?;
        let [stride] = numbers(&mode, "stride ")?;
        Ok(Self { memory, device, stride, whole: Area { x: (0, width), y: (0, height) } })
    }

    /// Kills the device's driver; pcid starts it again.
    pub fn restart_driver(&self) -> Result<()> {
        fs::write(format!("/scheme/pci/{}/driver", self.device), "restart")
    }

    /// What an area shows, line by line.
    pub fn picture(&self, area: Area) -> Vec<u32> {
        let lines = area.y.0..area.y.1;
        lines.flat_map(|y| (area.x.0..area.x.1).map(move |x| (x, y))).map(|(x, y)| self.pixel(x, y)).collect()
    }

    /// Whether an area shows this; it looks no further than to the first pixel that is another.
    pub fn shows(&self, area: Area, picture: &[u32]) -> bool {
        let places = (area.y.0..area.y.1).flat_map(|y| (area.x.0..area.x.1).map(move |x| (x, y)));
        places.zip(picture).all(|((x, y), &pixel)| self.pixel(x, y) == pixel)
    }

    /// The smallest area that has all pixels of an area with this colour.
    pub fn coloured(&self, area: Area, colour: u32) -> Option<Area> {
        let others = vec![!colour; (area.x.1 - area.x.0) * (area.y.1 - area.y.0)];
        let same = |pixel: u32| if pixel == colour { colour } else { !colour };
        let picture: Vec<u32> = self.picture(area).into_iter().map(same).collect();
        difference(area, &others, &picture)
    }

    fn pixel(&self, x: usize, y: usize) -> u32 {
        self.memory.get32(y * self.stride + x * PIXEL) & COLOUR
    }
}

/// The numbers of the line that begins so: decimal, or hexadecimal behind `0x`.
fn numbers<const N: usize>(text: &str, begin: &str) -> Result<[usize; N]> {
    let number = |word: &str| match word.strip_prefix("0x") {
        Some(digits) => usize::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    };
    let line = text.lines().find_map(|line| line.strip_prefix(begin));
    let found: Option<Vec<usize>> = line.and_then(|line| line.split(' ').map(number).collect());
    let found = found.and_then(|found| <[usize; N]>::try_from(found).ok());
    found.ok_or_else(|| Error::other(format!("no line of {N} numbers begins with {begin:?}")))
}

/// The smallest area that has all pixels in which two pictures of an area differ.
pub fn difference(area: Area, before: &[u32], after: &[u32]) -> Option<Area> {
    let width = area.x.1 - area.x.0;
    let places = before.iter().zip(after).enumerate().filter(|(_, (before, after))| before != after);
    places.map(|(at, _)| (area.x.0 + at % width, area.y.0 + at / width)).fold(None, |found: Option<Area>, (x, y)| {
        let found = found.unwrap_or(Area { x: (x, x), y: (y, y) });
        Some(Area { x: (found.x.0.min(x), found.x.1.max(x + 1)), y: (found.y.0.min(y), found.y.1.max(y + 1)) })
    })
}
