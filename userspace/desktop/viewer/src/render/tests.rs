//! Tests of what is seen.

use super::*;
use image::metadata::Orientation;
use image::{DynamicImage, RgbaImage};

fn picture(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 4]) -> Picture {
    let pixels: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| colour(x, y)).collect();
    let transparent = pixels.chunks(4).any(|pixel| pixel[3] != 255);
    Picture { width, height, pixels, transparent, turn: Turn::default() }
}

fn numbered(width: u32, height: u32) -> Picture {
    picture(width, height, |x, y| [x as u8, y as u8, 7, 255])
}

#[test]
fn full_size_is_the_picture_itself() {
    let original = numbered(5, 3);
    let frame = render(&mut Levels::new(original.clone()), &Camera::over((5, 3), Turn::default(), (9, 7)));
    assert_eq!((frame.x, frame.y, frame.width, frame.height), (2, 2, 5, 3));
    assert_eq!(frame.pixels, original.pixels);
}

/// All eight ways, against those of crate `image`.
#[test]
fn turns_are_those_that_cameras_mean() {
    for number in 1..=8 {
        let orientation = Orientation::from_exif(number).unwrap();
        let original = numbered(5, 3);
        let mut expected = DynamicImage::ImageRgba8(RgbaImage::from_raw(5, 3, original.pixels.clone()).unwrap());
        expected.apply_orientation(orientation);
        let turn = Turn::of(orientation);
        let frame = render(&mut Levels::new(original), &Camera::over((5, 3), turn, (9, 9)));
        assert_eq!((frame.width, frame.height), (expected.width(), expected.height()), "{orientation:?}");
        assert_eq!(frame.pixels, expected.into_rgba8().into_raw(), "{orientation:?}");
    }
}

#[test]
fn larger_pixels_are_squares() {
    let original = numbered(4, 4);
    let mut camera = Camera::over((4, 4), Turn::default(), (4, 4));
    (0..5).for_each(|_| camera.step(true, None));
    assert_eq!(camera.scale(), 8.0);
    camera.pan(100.0, 100.0);
    let frame = render(&mut Levels::new(original.clone()), &camera);
    assert_eq!((frame.width, frame.height), (4, 4));
    assert!(frame.pixels.chunks(4).all(|pixel| pixel == &original.pixels[..4]));
}

#[test]
fn smaller_pictures_have_the_mean_colour() {
    // Black and white in turn: any pixel that were left out would show.
    let original = picture(64, 64, |x, _| if x % 2 == 0 { [0, 0, 0, 255] } else { [255, 255, 255, 255] });
    let frame = render(&mut Levels::new(original), &Camera::over((64, 64), Turn::default(), (16, 16)));
    assert_eq!(frame.pixels.len(), 16 * 16 * 4);
    for pixel in frame.pixels.chunks(4) {
        assert!((126..=130).contains(&pixel[0]) && pixel[3] == 255, "{pixel:?}");
    }
}

#[test]
fn what_cannot_be_seen_has_no_colour() {
    let original = picture(2, 2, |x, _| if x == 0 { [255, 0, 0, 255] } else { [0, 255, 0, 0] });
    assert_eq!(halve(&original).pixels, [255, 0, 0, 128]);
    let clear = picture(2, 1, |_, _| [9, 9, 9, 0]);
    assert_eq!(halve(&clear).pixels, [0, 0, 0, 0]);
}

#[test]
fn behind_it_is_a_pattern() {
    let original = picture(32, 16, |x, _| [255, 255, 255, if x < 16 { 0 } else { 255 }]);
    let frame = render(&mut Levels::new(original), &Camera::over((32, 16), Turn::default(), (32, 16)));
    let at = |x: usize, y: usize| &frame.pixels[(y * 32 + x) * 4..][..4];
    assert_eq!(at(0, 0), [GREYS[0], GREYS[0], GREYS[0], 255]);
    assert_eq!(at(8, 0), [GREYS[1], GREYS[1], GREYS[1], 255]);
    assert_eq!(at(8, 8), [GREYS[0], GREYS[0], GREYS[0], 255]);
    assert_eq!(at(20, 3), [255, 255, 255, 255]);
}

#[test]
fn every_size_and_scale_gives_a_whole_frame() {
    for (width, height) in [(1, 1), (3, 200), (200, 3), (97, 61)] {
        let mut levels = Levels::new(numbered(width, height));
        for window in [(0, 0), (1, 1), (50, 40), (300, 7)] {
            let mut camera = Camera::over((width, height), Turn::default(), window);
            for _ in 0..17 {
                let frame = render(&mut levels, &camera);
                assert_eq!(frame.pixels.len(), frame.width as usize * frame.height as usize * 4);
                assert!(
                    frame.x + frame.width <= window.0.max(frame.x) && frame.y + frame.height <= window.1.max(frame.y)
                );
                camera.step(true, Some((3.0, 4.0)));
                camera.rotate(true);
            }
        }
    }
}
