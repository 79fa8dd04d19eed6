//! Multiboot2 boot information: Multiboot2 Specification 2.0, section 3.6.

use super::{
    BootError, BootInfo, Channel, Framebuffer, PhysicalMemory, Protocol, RegionKind, Rsdp, TextScreen, read_text,
    u32_at, u64_at,
};

/// What the loader leaves in EAX (section 3.3).
pub const MAGIC: u32 = 0x36d7_6289;

/// Tag types (sections 3.6.3 to 3.6.14).
mod tag {
    pub const END: u32 = 0;
    pub const CMDLINE: u32 = 1;
    pub const LOADER: u32 = 2;
    pub const MODULE: u32 = 3;
    pub const MEMORY_MAP: u32 = 6;
    pub const FRAMEBUFFER: u32 = 8;
    pub const RSDP_V1: u32 = 14;
    pub const RSDP_V2: u32 = 15;
}

/// Framebuffer types (section 3.6.12).
const FRAMEBUFFER_RGB: u8 = 1;
const FRAMEBUFFER_TEXT: u8 = 2;

/// More than this is damage.
const MAX_BYTES: u32 = 1 << 20;

/// Reads the structure at `address`.
pub fn parse(memory: &impl PhysicalMemory, address: u64) -> Result<BootInfo, BootError> {
    let mut head = [0u8; 8];
    read(memory, address, &mut head)?;
    let total = u32_at(&head, 0);
    if !(16..=MAX_BYTES).contains(&total) || !address.is_multiple_of(8) {
        return Err(BootError::Malformed("the size or place of the Multiboot2 information"));
    }
    let mut info = BootInfo::new(Protocol::Multiboot2);
    let mut offset = 8;
    while offset + 8 <= total {
        let at = address + u64::from(offset);
        read(memory, at, &mut head)?;
        let (kind, size) = (u32_at(&head, 0), u32_at(&head, 4));
        if kind == tag::END {
            break;
        }
        if size < 8 || size > total - offset {
            return Err(BootError::Malformed("a Multiboot2 tag reaches beyond the information"));
        }
        read_tag(memory, &mut info, kind, at, size)?;
        // Cannot overflow: both are below MAX_BYTES.
        offset += size.next_multiple_of(8);
    }
    info.finish()?;
    Ok(info)
}

fn read_tag(memory: &impl PhysicalMemory, info: &mut BootInfo, kind: u32, at: u64, size: u32) -> Result<(), BootError> {
    match kind {
        tag::CMDLINE => info.cmdline = read_text(&Within(memory, at + u64::from(size)), at + 8),
        tag::LOADER => info.loader = read_text(&Within(memory, at + u64::from(size)), at + 8),
        tag::MODULE if size >= 16 => {
            let mut body = [0u8; 8];
            read(memory, at + 8, &mut body)?;
            let name = read_text(&Within(memory, at + u64::from(size)), at + 16);
            info.add_module(u64::from(u32_at(&body, 0)), u64::from(u32_at(&body, 4)), name);
        }
        tag::MEMORY_MAP if size >= 16 => read_map(memory, info, at, size)?,
        tag::FRAMEBUFFER if size >= 32 => read_screen(memory, info, at, size)?,
        // The second version's copy is better than the first's.
        tag::RSDP_V1 if size >= 8 + 20 && info.rsdp.is_none() => {
            let mut copy = [0u8; 36];
            read(memory, at + 8, &mut copy[..20])?;
            info.rsdp = Some(Rsdp::Copy(copy, 20));
        }
        tag::RSDP_V2 if size >= 8 + 36 => {
            let mut copy = [0u8; 36];
            read(memory, at + 8, &mut copy)?;
            info.rsdp = Some(Rsdp::Copy(copy, 36));
        }
        _ => {}
    }
    Ok(())
}

fn read_map(memory: &impl PhysicalMemory, info: &mut BootInfo, at: u64, size: u32) -> Result<(), BootError> {
    let mut head = [0u8; 8];
    read(memory, at + 8, &mut head)?;
    let stride = u32_at(&head, 0);
    if stride < 24 {
        return Err(BootError::Malformed("the entries of the memory map are too small"));
    }
    for index in 0..(size - 16) / stride {
        let mut entry = [0u8; 24];
        read(memory, at + 16 + u64::from(index * stride), &mut entry)?;
        info.add_region(u64_at(&entry, 0), u64_at(&entry, 8), RegionKind::from_e820(u32_at(&entry, 16)));
    }
    Ok(())
}

fn read_screen(memory: &impl PhysicalMemory, info: &mut BootInfo, at: u64, size: u32) -> Result<(), BootError> {
    let mut body = [0u8; 40];
    let len = (size as usize).min(body.len());
    read(memory, at, &mut body[..len])?;
    let (address, pitch, width, height) = (u64_at(&body, 8), u32_at(&body, 16), u32_at(&body, 20), u32_at(&body, 24));
    let (bpp, kind) = (body[28], body[29]);
    match kind {
        FRAMEBUFFER_RGB if len >= 38 => {
            let channel = |offset: usize| Channel { shift: body[offset], bits: body[offset + 1] };
            let screen = Framebuffer {
                address,
                width,
                height,
                pitch,
                bpp,
                red: channel(32),
                green: channel(34),
                blue: channel(36),
            };
            info.framebuffer = screen.is_sane().then_some(screen);
            info.truncated |= !screen.is_sane();
        }
        FRAMEBUFFER_TEXT => {
            let sane = (1..=512).contains(&width)
                && (1..=512).contains(&height)
                && (width * 2..=4096).contains(&pitch)
                && address != 0
                && address < 1 << 20;
            info.text_screen = sane.then_some(TextScreen { address, columns: width, rows: height, pitch });
        }
        // Indexed colour: the palette is not worth the trouble; there is still the serial line.
        _ => {}
    }
    Ok(())
}

fn read(memory: &impl PhysicalMemory, address: u64, into: &mut [u8]) -> Result<(), BootError> {
    if memory.read(address, into) { Ok(()) } else { Err(BootError::Unreadable(address)) }
}

/// Memory that ends at an address, with zeros behind: a string cannot run out of its tag.
struct Within<'a, M: PhysicalMemory>(&'a M, u64);

impl<M: PhysicalMemory> PhysicalMemory for Within<'_, M> {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        let have = self.1.saturating_sub(address).min(into.len() as u64) as usize;
        let (inside, outside) = into.split_at_mut(have);
        outside.fill(0);
        inside.is_empty() || self.0.read(address, inside)
    }
}
