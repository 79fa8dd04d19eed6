//! What the loader tells the kernel, the same whichever loader it was.
//!
//! [`pvh`] and [`multiboot2`] read the two loaders' own structures through [`PhysicalMemory`] into a [`BootInfo`]; [`map`] puts
//! the memory map in order. Nothing of it points into the loader's memory afterwards, except the modules.

pub mod map;
pub mod multiboot2;
pub mod pvh;
#[cfg(test)]
mod tests;

use core::fmt;

pub use map::{Region, RegionKind};
use ochre_abi::list::{List, Text};

/// Most regions of a memory map.
pub const MAX_REGIONS: usize = 256;
/// Most modules.
pub const MAX_MODULES: usize = 8;
/// Most bytes of a command line.
pub const MAX_CMDLINE: usize = 4096;

/// Reads physical memory.
pub trait PhysicalMemory {
    /// Fills `into` from physical address `address`. `false` when any of it cannot be read.
    fn read(&self, address: u64, into: &mut [u8]) -> bool;
}

/// The loader's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Xen's PVH, spoken by `qemu -kernel`.
    Pvh,
    /// Multiboot2, spoken by GRUB.
    Multiboot2,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Protocol::Pvh => "PVH",
            Protocol::Multiboot2 => "Multiboot2",
        })
    }
}

/// A file that the loader put into memory beside the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Module {
    /// Physical address of its first byte.
    pub start: u64,
    /// Physical address behind its last byte.
    pub end: u64,
    /// Its command line, by convention its name.
    pub name: Text<64>,
}

/// Where one colour lies in a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Lowest bit.
    pub shift: u8,
    /// Number of bits.
    pub bits: u8,
}

/// A linear frame buffer that is already set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framebuffer {
    /// Physical address.
    pub address: u64,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bytes from one line to the next.
    pub pitch: u32,
    /// Bits in a pixel: 15, 16, 24 or 32.
    pub bpp: u8,
    /// Red part of a pixel.
    pub red: Channel,
    /// Green part of a pixel.
    pub green: Channel,
    /// Blue part of a pixel.
    pub blue: Channel,
}

impl Framebuffer {
    /// Bytes from the first pixel to the last.
    pub fn bytes(&self) -> usize {
        self.pitch as usize * self.height as usize
    }

    /// Whether the numbers make sense: lines fit their pitch, a known depth, a size a screen can have.
    pub fn is_sane(&self) -> bool {
        let bytes_per_pixel = u32::from(self.bpp).div_ceil(8);
        let channel =
            |c: Channel| c.bits > 0 && c.bits <= 16 && u32::from(c.shift) + u32::from(c.bits) <= u32::from(self.bpp);
        self.address != 0
            && matches!(self.bpp, 15 | 16 | 24 | 32)
            && (1..=16384).contains(&self.width)
            && (1..=16384).contains(&self.height)
            && self.pitch >= self.width * bytes_per_pixel
            && self.pitch <= 1 << 20
            && self.address.checked_add(self.bytes() as u64).is_some()
            && channel(self.red)
            && channel(self.green)
            && channel(self.blue)
    }
}

/// A text screen (VGA text mode and its like: a byte of character, a byte of colours).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextScreen {
    /// Physical address.
    pub address: u64,
    /// Characters in a line.
    pub columns: u32,
    /// Lines.
    pub rows: u32,
    /// Bytes from one line to the next.
    pub pitch: u32,
}

/// What the loader says of ACPI's root pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rsdp {
    /// It is at this physical address.
    Address(u64),
    /// A copy of it; `.1` bytes count.
    Copy([u8; 36], usize),
}

/// All that the loader said.
#[derive(Clone, Debug)]
pub struct BootInfo {
    /// Who spoke.
    pub protocol: Protocol,
    /// The loader's name, as far as it gave one.
    pub loader: Text<64>,
    /// The command line.
    pub cmdline: Text<MAX_CMDLINE>,
    /// Memory, in order: ascending, without overlap, whole pages.
    pub memory: List<Region, MAX_REGIONS>,
    /// Files beside the kernel. The first is the initfs.
    pub modules: List<Module, MAX_MODULES>,
    /// The screen, if it is a frame buffer.
    pub framebuffer: Option<Framebuffer>,
    /// The screen, if it is a text screen.
    pub text_screen: Option<TextScreen>,
    /// ACPI's root pointer, if the loader knew it.
    pub rsdp: Option<Rsdp>,
    /// Something did not fit into this structure or made no sense, and was left out.
    pub truncated: bool,
}

impl BootInfo {
    /// Nothing known yet.
    pub fn new(protocol: Protocol) -> Self {
        BootInfo {
            protocol,
            loader: Text::new(),
            cmdline: Text::new(),
            memory: List::new(),
            modules: List::new(),
            framebuffer: None,
            text_screen: None,
            rsdp: None,
            truncated: false,
        }
    }

    /// Bytes of usable memory.
    pub fn usable_bytes(&self) -> u64 {
        self.memory.iter().filter(|region| region.kind == RegionKind::Usable).map(|region| region.len).sum()
    }

    /// Whether all bytes from `start` up to `end` are usable memory.
    pub fn is_usable(&self, start: u64, end: u64) -> bool {
        self.memory
            .iter()
            .any(|region| region.kind == RegionKind::Usable && region.base <= start && end <= region.end())
    }

    fn add_region(&mut self, base: u64, len: u64, kind: RegionKind) {
        self.truncated |= self.memory.push(Region { base, len, kind }).is_err();
    }

    fn add_module(&mut self, start: u64, end: u64, name: Text<64>) {
        let sane = start < end && end <= map::MAX_PHYSICAL;
        self.truncated |= !sane || self.modules.push(Module { start, end, name }).is_err();
    }

    /// Sorts the map, and fails if there is no usable memory in it.
    fn finish(&mut self) -> Result<(), BootError> {
        self.truncated |= map::normalise(&mut self.memory).is_err();
        if self.usable_bytes() == 0 {
            return Err(BootError::NoMemoryMap);
        }
        Ok(())
    }
}

/// Why the loader's information cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootError {
    /// Neither protocol's magic number: this.
    UnknownProtocol(u32),
    /// The structure itself carries a wrong magic number: this.
    BadMagic(u32),
    /// A structure lies outside of readable memory; its address.
    Unreadable(u64),
    /// A structure contradicts itself; what.
    Malformed(&'static str),
    /// No memory map, or none with usable memory.
    NoMemoryMap,
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootError::UnknownProtocol(magic) => {
                write!(
                    f,
                    "started by neither PVH nor Multiboot2 (magic number {magic:#x}); boot with `qemu -kernel` or GRUB's `multiboot2`"
                )
            }
            BootError::BadMagic(magic) => write!(f, "the loader's information has a wrong magic number ({magic:#x})"),
            BootError::Unreadable(address) => write!(f, "the loader's information at {address:#x} cannot be read"),
            BootError::Malformed(what) => write!(f, "the loader's information makes no sense: {what}"),
            BootError::NoMemoryMap => f.write_str("the loader gave no memory map with usable memory"),
        }
    }
}

/// Reads a NUL-terminated string into a text; what is longer than the text is cut.
fn read_text<const N: usize>(memory: &impl PhysicalMemory, address: u64) -> Text<N> {
    let mut bytes = [0u8; N];
    let mut len = 0;
    // In small pieces, because the string may end just before memory does.
    while len < N {
        let piece = (N - len).min(16 - (address as usize + len) % 16);
        if !memory.read(address + len as u64, &mut bytes[len..len + piece]) {
            break;
        }
        if bytes[len..len + piece].contains(&0) {
            len += piece;
            break;
        }
        len += piece;
    }
    Text::from_bytes(&bytes[..len])
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"))
}
