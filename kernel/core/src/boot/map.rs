//! The memory map: from what firmware says, in any order and with overlaps, to ascending, disjoint, whole pages.

use super::MAX_REGIONS;
use ochre_abi::list::{Full, List};

/// Bytes in a page.
const PAGE: u64 = 4096;
/// Physical addresses end here (52 bits: Intel SDM volume 3, section 4.1.4).
pub const MAX_PHYSICAL: u64 = 1 << 52;

/// What a region of memory is for, in rising precedence: where two regions overlap, the greater kind wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegionKind {
    /// Free for the kernel.
    #[default]
    Usable,
    /// ACPI tables, free once they have been read.
    AcpiReclaim,
    /// ACPI's own memory, to be left alone.
    AcpiNvs,
    /// Firmware's or a device's.
    Reserved,
    /// Broken.
    Bad,
}

impl RegionKind {
    /// From the type numbers that E820, PVH and Multiboot2 share (ACPI 6.5, table 15.3). What is unknown is reserved.
    pub fn from_e820(kind: u32) -> Self {
        match kind {
            1 => RegionKind::Usable,
            3 => RegionKind::AcpiReclaim,
            4 => RegionKind::AcpiNvs,
            5 => RegionKind::Bad,
            _ => RegionKind::Reserved,
        }
    }
}

/// A region of physical memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub base: u64,
    /// Bytes.
    pub len: u64,
    /// What it is for.
    pub kind: RegionKind,
}

impl Region {
    /// Behind the last byte.
    pub fn end(&self) -> u64 {
        self.base + self.len
    }
}

/// Puts a map in order. Usable memory shrinks to whole pages, everything else grows to them. On `Full` the parts at the upper
/// end are lost, the rest is as it should be.
pub fn normalise(map: &mut List<Region, MAX_REGIONS>) -> Result<(), Full> {
    let mut regions = *map;
    for region in regions.iter_mut() {
        let end = region.base.saturating_add(region.len).min(MAX_PHYSICAL);
        let (base, end) = if region.kind == RegionKind::Usable {
            (region.base.min(MAX_PHYSICAL).next_multiple_of(PAGE), end / PAGE * PAGE)
        } else {
            (region.base / PAGE * PAGE, end.next_multiple_of(PAGE))
        };
        region.len = if region.len == 0 { 0 } else { end.saturating_sub(base) };
        region.base = base;
    }
    regions.sort_unstable_by_key(|region| region.base);

    map.truncate(0);
    let mut at = 0;
    // From one boundary to the next the set of regions that cover a place is the same; the greatest kind has it.
    while let Some((start, end, kind)) = next_piece(&regions, at) {
        append(map, start, end, kind)?;
        at = end;
    }
    Ok(())
}

/// The first covered piece at or behind `at` in which the same regions cover every place: start, end and kind.
fn next_piece(regions: &[Region], at: u64) -> Option<(u64, u64, RegionKind)> {
    let mut piece: Option<(u64, u64, RegionKind)> = None;
    for region in regions.iter().filter(|region| region.len != 0 && region.end() > at) {
        piece = Some(match piece {
            // They come in order, so before the first there is a gap.
            None => (region.base.max(at), region.end(), region.kind),
            Some((start, end, kind)) if region.base > start => return Some((start, end.min(region.base), kind)),
            Some((start, end, kind)) => (start, end.min(region.end()), kind.max(region.kind)),
        });
    }
    piece
}

fn append(map: &mut List<Region, MAX_REGIONS>, base: u64, end: u64, kind: RegionKind) -> Result<(), Full> {
    if let Some(last) = map.last_mut().filter(|last| last.kind == kind && last.end() == base) {
        last.len += end - base;
        return Ok(());
    }
    map.push(Region { base, len: end - base, kind })
}
