//! Tests of the boot information parsers, with good, odd and hostile input.

use std::vec;
use std::vec::Vec;

use super::*;

struct Fake(u64, Vec<u8>);

impl PhysicalMemory for Fake {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        let Some(offset) = address.checked_sub(self.0).and_then(|offset| usize::try_from(offset).ok()) else {
            return false;
        };
        let Some(bytes) = offset.checked_add(into.len()).and_then(|end| self.1.get(offset..end)) else {
            return false;
        };
        into.copy_from_slice(bytes);
        true
    }
}

fn put(bytes: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
}

fn normalised(regions: &[(u64, u64, RegionKind)]) -> Vec<(u64, u64, RegionKind)> {
    let mut map = List::new();
    regions.iter().for_each(|&(base, len, kind)| map.push(Region { base, len, kind }).unwrap());
    map::normalise(&mut map).unwrap();
    map.iter().map(|region| (region.base, region.len, region.kind)).collect()
}

use RegionKind::{AcpiReclaim, Bad, Reserved, Usable};

#[test]
fn a_map_is_sorted_merged_and_aligned_inwards() {
    assert_eq!(
        normalised(&[
            (0x10_0000, 0x10_0000, Usable),
            (0, 0x9_fc00, Usable),
            (0x9_fc00, 0x400, Reserved),
            (0x20_0000, 0x1000, Usable),
            (0x5000_0000, 0x800, Usable),
        ]),
        [(0, 0x9_f000, Usable), (0x9_f000, 0x1000, Reserved), (0x10_0000, 0x10_1000, Usable)]
    );
}

#[test]
fn the_greater_kind_wins_an_overlap() {
    assert_eq!(
        normalised(&[
            (0, 0x10_000, Usable),
            (0x4000, 0x2000, Reserved),
            (0x5000, 0x2000, AcpiReclaim),
            (0x4800, 1, Bad)
        ]),
        [
            (0, 0x4000, Usable),
            (0x4000, 0x1000, Bad),
            (0x5000, 0x1000, Reserved),
            (0x6000, 0x1000, AcpiReclaim),
            (0x7000, 0x9000, Usable)
        ]
    );
    assert_eq!(normalised(&[(0x1000, 0x1000, Reserved), (0x1000, 0x1000, Usable)]), [(0x1000, 0x1000, Reserved)]);
}

#[test]
fn hostile_regions() {
    assert_eq!(normalised(&[(u64::MAX, u64::MAX, Usable), (5, 0, Reserved), (u64::MAX - 1, 1, Bad)]), []);
    assert_eq!(normalised(&[(0, u64::MAX, Usable)]), [(0, map::MAX_PHYSICAL, Usable)]);
    let mut map: List<Region, MAX_REGIONS> = List::new();
    for index in 0..MAX_REGIONS as u64 {
        // One great usable region with holes: more pieces than fit.
        let region = match index {
            0 => Region { base: 0, len: 1 << 40, kind: Usable },
            _ => Region { base: index << 20, len: 4096, kind: Reserved },
        };
        map.push(region).unwrap();
    }
    assert!(map::normalise(&mut map).is_err());
    assert_eq!(map.len(), MAX_REGIONS);
    assert!(map.windows(2).all(|pair| pair[0].end() <= pair[1].base));
}

#[test]
fn random_maps_agree_with_a_page_by_page_count() {
    let mut seed = 7u64;
    let mut random = |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    for _ in 0..500 {
        let regions: Vec<_> = (0..random(12))
            .map(|_| (random(60) * 4096, random(20) * 4096, RegionKind::from_e820(random(6) as u32)))
            .collect();
        let result = normalised(&regions);
        for page in 0..100u64 {
            let at = page * 4096;
            let covers = |&&(base, len, _): &&(u64, u64, RegionKind)| base <= at && at < base + len;
            let expected = regions.iter().filter(covers).map(|region| region.2).max();
            let found: Vec<_> = result.iter().filter(covers).map(|region| region.2).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "page {page} of {regions:x?}");
        }
        assert!(result.windows(2).all(|pair| pair[0].0 + pair[0].1 < pair[1].0 || pair[0].2 != pair[1].2));
    }
}

const AT: u64 = 0x9000;

fn pvh_sample() -> Vec<u8> {
    let mut bytes = Vec::new();
    // Magic, version, flags, modules; module list, command line, rsdp, memory map, entries.
    put(&mut bytes, &[u64::from(pvh::MAGIC) | 1 << 32, 1 << 32, AT + 56, AT + 200, 0xf_0000, AT + 88, 3]);
    put(&mut bytes, &[0x100_0000, 0x2345, AT + 230, 0]);
    put(&mut bytes, &[0, 0xa_0000, 1, 0x10_0000, 0x700_0000, 1, 0xf_0000, 0x1_0000, 2]);
    bytes.resize(200, 0);
    bytes.extend(b"smp=2 -- x\0");
    bytes.resize(230, 0);
    bytes.extend(b"initfs\0");
    bytes.resize(256, 0);
    bytes
}

#[test]
fn pvh_information() {
    let info = pvh::parse(&Fake(AT, pvh_sample()), AT).unwrap();
    assert_eq!(info.cmdline.as_str(), "smp=2 -- x");
    assert_eq!(info.modules.len(), 1);
    assert_eq!((info.modules[0].start, info.modules[0].end), (0x100_0000, 0x100_2345));
    assert_eq!(info.modules[0].name.as_str(), "initfs");
    assert_eq!(info.rsdp, Some(Rsdp::Address(0xf_0000)));
    assert_eq!(info.usable_bytes(), 0xa_0000 + 0x700_0000);
    assert!(!info.truncated);
}

#[test]
fn a_range_is_usable_when_one_region_has_all_of_it() {
    let mut info = pvh::parse(&Fake(AT, pvh_sample()), AT).unwrap();
    assert!(info.is_usable(0x100_0000, 0x100_2345));
    assert!(info.is_usable(0x10_0000, 0x710_0000));
    assert!(!info.is_usable(0x10_0000, 0x710_0001), "behind the end of memory");
    assert!(!info.is_usable(0xf_ffff, 0x20_0000), "from reserved memory on");
    assert!(!info.is_usable(64 << 30, (64 << 30) + 1), "where nothing is");
    info.add_module(1 << 52, (1 << 52) + 1, Text::new());
    assert!(info.truncated);
}

#[test]
fn pvh_errors_and_damage() {
    assert_eq!(pvh::parse(&Fake(AT, vec![]), AT).unwrap_err(), BootError::Unreadable(AT));
    assert_eq!(pvh::parse(&Fake(AT, vec![0; 256]), AT).unwrap_err(), BootError::BadMagic(0));
    let mut old = pvh_sample();
    old[4] = 0;
    assert_eq!(pvh::parse(&Fake(AT, old), AT).unwrap_err(), BootError::NoMemoryMap);
    let sample = pvh_sample();
    for len in 0..sample.len() {
        let _ = pvh::parse(&Fake(AT, sample[..len].to_vec()), AT);
    }
    for at in 0..sample.len() {
        for byte in [0, 1, 0x80, 0xff] {
            let mut damaged = sample.clone();
            damaged[at] = byte;
            let _ = pvh::parse(&Fake(AT, damaged), AT);
        }
    }
}

fn tag(bytes: &mut Vec<u8>, kind: u32, body: &[u8]) {
    bytes.extend(kind.to_le_bytes());
    bytes.extend((8 + body.len() as u32).to_le_bytes());
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(8), 0xee);
}

fn multiboot2_sample() -> Vec<u8> {
    let mut bytes = vec![0; 8];
    tag(&mut bytes, 1, b"quiet\0");
    tag(&mut bytes, 2, b"GRUB 2.06\0");
    tag(&mut bytes, 3, b"\0\0\x20\0\0\0\x30\0initfs\0");
    let mut map = Vec::new();
    put(&mut map, &[24, 0, 0x9_f000, 1, 0x10_0000, 0x1000_0000, 1]);
    tag(&mut bytes, 6, &map);
    let mut screen = Vec::new();
    put(&mut screen, &[0x8000_0000, 4096 | 1024 << 32]);
    screen.extend(768u32.to_le_bytes());
    screen.extend([32, 1, 0, 0, 16, 8, 8, 8, 0, 8]);
    tag(&mut bytes, 8, &screen);
    tag(&mut bytes, 14, &[b'r'; 20]);
    tag(&mut bytes, 15, &[b'R'; 36]);
    tag(&mut bytes, 0x77, b"unknown");
    tag(&mut bytes, 0, b"");
    let len = bytes.len() as u32;
    bytes[..4].copy_from_slice(&len.to_le_bytes());
    bytes
}

#[test]
fn multiboot2_information() {
    let info = multiboot2::parse(&Fake(AT, multiboot2_sample()), AT).unwrap();
    assert_eq!((info.cmdline.as_str(), info.loader.as_str()), ("quiet", "GRUB 2.06"));
    assert_eq!((info.modules[0].start, info.modules[0].end), (0x20_0000, 0x30_0000));
    assert_eq!(info.modules[0].name.as_str(), "initfs");
    assert_eq!(info.memory.len(), 2);
    assert_eq!(info.rsdp, Some(Rsdp::Copy([b'R'; 36], 36)));
    let screen = info.framebuffer.unwrap();
    assert_eq!((screen.address, screen.width, screen.height, screen.pitch), (0x8000_0000, 1024, 768, 4096));
    assert_eq!(screen.red, Channel { shift: 16, bits: 8 });
    assert_eq!(screen.blue, Channel { shift: 0, bits: 8 });
    assert!(!info.truncated);
}

#[test]
fn multiboot2_text_screen() {
    let mut bytes = multiboot2_sample();
    let at = bytes.windows(8).position(|window| window == 0x8000_0000u64.to_le_bytes()).unwrap();
    bytes[at..at + 8].copy_from_slice(&0xb_8000u64.to_le_bytes());
    bytes[at + 8..at + 12].copy_from_slice(&160u32.to_le_bytes());
    bytes[at + 12..at + 16].copy_from_slice(&80u32.to_le_bytes());
    bytes[at + 16..at + 20].copy_from_slice(&25u32.to_le_bytes());
    bytes[at + 21] = 2;
    let info = multiboot2::parse(&Fake(AT, bytes), AT).unwrap();
    assert_eq!(info.framebuffer, None);
    assert_eq!(info.text_screen, Some(TextScreen { address: 0xb_8000, columns: 80, rows: 25, pitch: 160 }));
}

#[test]
fn multiboot2_errors_and_damage() {
    assert_eq!(multiboot2::parse(&Fake(AT, vec![]), AT).unwrap_err(), BootError::Unreadable(AT));
    assert!(matches!(multiboot2::parse(&Fake(AT, vec![0; 64]), AT), Err(BootError::Malformed(_))));
    let mut empty = vec![16, 0, 0, 0, 0, 0, 0, 0];
    empty.extend([0, 0, 0, 0, 8, 0, 0, 0]);
    assert_eq!(multiboot2::parse(&Fake(AT, empty), AT).unwrap_err(), BootError::NoMemoryMap);
    let sample = multiboot2_sample();
    for len in 0..sample.len() {
        let _ = multiboot2::parse(&Fake(AT, sample[..len].to_vec()), AT);
    }
    for at in 0..sample.len() {
        for byte in [0, 1, 7, 0x80, 0xff] {
            let mut damaged = sample.clone();
            damaged[at] = byte;
            let _ = multiboot2::parse(&Fake(AT, damaged), AT);
        }
    }
}

#[test]
fn an_insane_frame_buffer_is_left_out() {
    let good = Framebuffer {
        address: 0x8000_0000,
        width: 800,
        height: 600,
        pitch: 3200,
        bpp: 32,
        red: Channel { shift: 16, bits: 8 },
        green: Channel { shift: 8, bits: 8 },
        blue: Channel { shift: 0, bits: 8 },
    };
    assert!(good.is_sane());
    assert!(!Framebuffer { pitch: 3199, ..good }.is_sane());
    assert!(!Framebuffer { width: 0, ..good }.is_sane());
    assert!(!Framebuffer { width: u32::MAX, ..good }.is_sane());
    assert!(!Framebuffer { bpp: 8, ..good }.is_sane());
    assert!(!Framebuffer { address: u64::MAX, ..good }.is_sane());
    assert!(!Framebuffer { red: Channel { shift: 30, bits: 8 }, ..good }.is_sane());
    assert!(!Framebuffer { red: Channel { shift: 255, bits: 8 }, ..good }.is_sane());
}
