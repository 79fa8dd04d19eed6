//! Tests of reading pictures, good and bad.

use super::*;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use std::io::Cursor;

fn png(bytes: &[u8], width: u32, height: u32, color: ExtendedColorType) -> Vec<u8> {
    let mut file = Vec::new();
    PngEncoder::new(&mut file).write_image(bytes, width, height, color).unwrap();
    file
}

fn decode_bytes(bytes: &[u8]) -> Result<Picture, String> {
    decode(Cursor::new(bytes))
}

/// A PNG that claims a size and has no pixels.
fn claim(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(&[0; 4], 1, 1, ExtendedColorType::Rgba8);
    // Behind the signature, length and name of the first chunk.
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc(&file[12..29]);
    file[29..33].copy_from_slice(&sum.to_be_bytes());
    file
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn all_depths_become_the_same() {
    let wide = |bytes: &[u8]| bytes.iter().flat_map(|byte| u16::from_be_bytes([*byte, 0x80]).to_ne_bytes()).collect();
    let cases: [(Vec<u8>, ExtendedColorType, [u8; 8]); 8] = [
        (vec![7, 9], ExtendedColorType::L8, [7, 7, 7, 255, 9, 9, 9, 255]),
        (vec![7, 1, 9, 2], ExtendedColorType::La8, [7, 7, 7, 1, 9, 9, 9, 2]),
        (vec![1, 2, 3, 4, 5, 6], ExtendedColorType::Rgb8, [1, 2, 3, 255, 4, 5, 6, 255]),
        (vec![1, 2, 3, 4, 5, 6, 7, 8], ExtendedColorType::Rgba8, [1, 2, 3, 4, 5, 6, 7, 8]),
        (wide(&[7, 9]), ExtendedColorType::L16, [7, 7, 7, 255, 9, 9, 9, 255]),
        (wide(&[7, 1, 9, 2]), ExtendedColorType::La16, [7, 7, 7, 1, 9, 9, 9, 2]),
        (wide(&[1, 2, 3, 4, 5, 6]), ExtendedColorType::Rgb16, [1, 2, 3, 255, 4, 5, 6, 255]),
        (wide(&[1, 2, 3, 4, 5, 6, 7, 8]), ExtendedColorType::Rgba16, [1, 2, 3, 4, 5, 6, 7, 8]),
    ];
    for (bytes, color, expected) in cases {
        let picture = decode_bytes(&png(&bytes, 2, 1, color)).unwrap();
        assert_eq!(picture.pixels, expected, "{color:?}");
        assert_eq!(picture.transparent, expected[3] != 255);
    }
}

#[test]
fn jpeg_is_read() {
    let mut file = Vec::new();
    let gray = [[200, 100, 50]; 64].concat();
    JpegEncoder::new_with_quality(&mut file, 100).encode(&gray, 8, 8, ExtendedColorType::Rgb8).unwrap();
    let picture = decode_bytes(&file).unwrap();
    assert_eq!((picture.width, picture.height, picture.transparent), (8, 8, false));
    let near = picture.pixels[..3].iter().zip([200_u8, 100, 50]).all(|(one, other)| one.abs_diff(other) < 4);
    assert!(near, "{:?}", &picture.pixels[..4]);
}

#[test]
fn what_is_too_large_is_refused_before_memory_is_taken() {
    assert!(decode_bytes(&claim(20_000, 20_000)).unwrap_err().starts_with("it is too large"));
    assert!(decode_bytes(&claim(40_000, 1)).unwrap_err().starts_with("it is too large"));
    assert!(decode_bytes(&claim(u32::MAX, u32::MAX)).is_err());
    assert!(decode_bytes(&claim(0, 5)).is_err());
    assert_eq!(decode_bytes(&claim(5_000, 5_000)).unwrap_err(), "it is damaged");
}

#[test]
fn other_files_are_refused() {
    assert_eq!(decode_bytes(b"hello").unwrap_err(), "it is neither PNG nor JPEG");
    assert_eq!(decode_bytes(b"GIF89a........").unwrap_err(), "it is neither PNG nor JPEG");
    assert_eq!(read(Path::new("/")).unwrap_err(), "it is not a file");
    assert_eq!(read(Path::new("/missing")).unwrap_err(), "it is not there");
}

#[test]
fn damaged_files_are_errors_and_nothing_worse() {
    let mut jpeg = Vec::new();
    let bytes: Vec<u8> = (0..16 * 16 * 3).map(|at| (at * 7 % 251) as u8).collect();
    JpegEncoder::new(&mut jpeg).encode(&bytes, 16, 16, ExtendedColorType::Rgb8).unwrap();
    let png = png(&bytes, 16, 16, ExtendedColorType::Rgb8);
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    for file in [jpeg, png] {
        for cut in 0..file.len().min(400) {
            let _ = decode_bytes(&file[..cut]);
        }
        for _ in 0..500 {
            let mut file = file.clone();
            for _ in 0..=random(4) {
                let at = random(file.len());
                file[at] = random(256) as u8;
            }
            if let Ok(picture) = decode_bytes(&file) {
                assert_eq!(picture.pixels.len(), picture.width as usize * picture.height as usize * 4);
            }
        }
    }
}

#[test]
fn turning_goes_round() {
    let turn = Turn::default().turned(true);
    assert!(turn.is_sideways());
    assert_eq!(turn.turned(false), Turn::default());
    assert_eq!((0..4).fold(turn, |turn, _| turn.turned(true)), turn);
}
