//! The pictures of the live image, made from nothing: `cargo run --release -p viewer --example art -- FOLDER`; with a name behind the
//! folder, the one of that name. What lies in `installer/root/root/Pictures` was made by it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

type Colour = [f32; 3];

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 800;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("say where the pictures go")?;
    let wanted = arguments.next();
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let create = |name: &str| File::create(Path::new(&folder).join(name)).map(BufWriter::new);
    std::fs::create_dir_all(&folder)?;
    let painted = [("Dunes.jpg", dunes as fn(f32, f32) -> Colour), ("Night.jpg", night), ("Strata.jpg", strata)];
    for (name, paint) in painted.into_iter().filter(|(name, _)| is_wanted(name)) {
        let (mut file, pixels) = (create(name)?, paint_all(paint));
        JpegEncoder::new_with_quality(&mut file, 88).encode(&pixels, WIDTH, HEIGHT, ExtendedColorType::Rgb8)?;
        file.flush()?;
    }
    if is_wanted("Pigment.png") {
        let mut file = create("Pigment.png")?;
        PngEncoder::new(&mut file).write_image(&pigment(384), 384, 384, ExtendedColorType::Rgba8)?;
        file.flush()?;
    }
    Ok(())
}

/// All pixels of a picture that is told by a colour for each place; a picture is 1 high. Each pixel is the mean of four.
fn paint_all(paint: fn(f32, f32) -> Colour) -> Vec<u8> {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)));
    let colour = |(x, y): (u32, u32)| {
        let part = |dx: f32, dy: f32| paint((x as f32 + dx) / HEIGHT as f32, (y as f32 + dy) / HEIGHT as f32);
        let four = [part(0.25, 0.25), part(0.75, 0.25), part(0.25, 0.75), part(0.75, 0.75)];
        [0, 1, 2].map(|at| (four.iter().map(|colour| colour[at]).sum::<f32>() / 4.0).clamp(0.0, 255.0) as u8)
    };
    places.flat_map(colour).collect()
}

/// A number from 0 to 1 that looks like chance.
fn chance(seed: u32) -> f32 {
    let mut value = seed.wrapping_mul(0x9e37_79b1) ^ 0x5bd1_e995;
    value = (value ^ value >> 15).wrapping_mul(0x85eb_ca77);
    value = (value ^ value >> 13).wrapping_mul(0xc2b2_ae3d);
    (value ^ value >> 16) as f32 / u32::MAX as f32
}

/// A line that goes up and down between -1 and 1, without corners.
fn wave(x: f32, seed: u32) -> f32 {
    let at = x.floor();
    let value = |step: f32| chance(((at + step) as i32 as u32).wrapping_add(seed.wrapping_mul(0x51ed))) * 2.0 - 1.0;
    value(0.0) + (value(1.0) - value(0.0)) * step(0.0, 1.0, x - at)
}

/// Waves on waves, each half as high and twice as fast.
fn rough(x: f32, seed: u32, waves: u32) -> f32 {
    let one = |number: u32| wave(x * 2_f32.powi(number as i32), seed + number) / 2_f32.powi(number as i32);
    (0..waves).map(one).sum()
}

const fn colour(hex: u32) -> Colour {
    [(hex >> 16) as f32, (hex >> 8 & 0xff) as f32, (hex & 0xff) as f32]
}

fn mix(one: Colour, other: Colour, share: f32) -> Colour {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|at| one[at] + (other[at] - one[at]) * share)
}

/// 0 below the first edge, 1 above the second, and no corner between.
fn step(from: f32, to: f32, value: f32) -> f32 {
    let share = ((value - from) / (to - from)).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

fn distance(x: f32, y: f32, to: (f32, f32)) -> f32 {
    ((x - to.0).powi(2) + (y - to.1).powi(2)).sqrt()
}

/// Sand under a low sun.
fn dunes(x: f32, y: f32) -> Colour {
    let sun = (1.12, 0.27);
    let mut seen = mix(colour(0xe7c79c), colour(0xf8ecd8), step(0.0, 0.5, y));
    seen = mix(seen, colour(0xfff4dd), 0.8 * (1.0 - step(0.05, 0.5, distance(x, y, sun))));
    seen = mix(seen, colour(0xfffaf0), 1.0 - step(0.058, 0.061, distance(x, y, sun)));
    let layers = [
        (0.46, 0.05, 1.6, 0xe9cba4, 0xdcb588),
        (0.55, 0.07, 1.3, 0xdcae79, 0xc98f58),
        (0.65, 0.08, 1.1, 0xcb8d53, 0xb07040),
        (0.77, 0.09, 0.9, 0xb26f3d, 0x8f5229),
        (0.90, 0.09, 0.8, 0x8d5029, 0x5f331a),
    ];
    for (number, (middle, height, speed, light, dark)) in layers.into_iter().enumerate() {
        let seed = 11 + 17 * number as u32;
        let ridge = |x: f32| middle + height * (0.8 * wave(x * speed, seed) + 0.2 * wave(x * speed * 2.7, seed + 5));
        let top = ridge(x);
        if y < top {
            continue;
        }
        // What is turned away from the sun lies in the shade.
        let slope = (ridge(x + 0.002) - ridge(x - 0.002)) / 0.004;
        let shade = step(-0.2, 0.3, -slope) * (1.0 - step(0.0, 0.25, y - top));
        let depth = step(0.0, 0.3, y - top);
        seen = mix(colour(light), colour(dark), (0.8 * depth + 0.5 * shade).min(1.0));
    }
    seen
}

/// Mountains, the moon and stars.
fn night(x: f32, y: f32) -> Colour {
    let moon = (0.42, 0.24);
    let mut seen = mix(colour(0x14141f), colour(0x4a3540), step(0.0, 0.62, y));
    seen = mix(seen, colour(0xa9674a), 0.75 * step(0.38, 0.72, y));
    seen = mix(seen, colour(0xfff1dc), star(x, y) * (1.0 - step(0.1, 0.5, y)));
    seen = mix(seen, colour(0xe8d3b5), 0.22 * (1.0 - step(0.05, 0.28, distance(x, y, moon))));
    let face = mix(colour(0xf6ead6), colour(0xdccbb0), 0.5 + 0.5 * rough(x * 22.0, 3, 3) * rough(y * 22.0, 8, 3));
    seen = mix(seen, face, 1.0 - step(0.050, 0.053, distance(x, y, moon)));
    let layers = [
        (0.62, 0.20, 2.3, 0x6d4a4b),
        (0.72, 0.18, 1.9, 0x4c3540),
        (0.82, 0.15, 1.6, 0x302532),
        (0.93, 0.12, 1.4, 0x181620),
    ];
    for (number, (middle, height, speed, ground)) in layers.into_iter().enumerate() {
        let seed = 71 + 23 * number as u32;
        // Peaks are where a wave turns.
        let peak = 1.0 - 2.0 * rough(x * speed + 0.31 * number as f32, seed, 5).abs();
        let top = middle - height * 0.6 * peak;
        if y >= top {
            let mist = 0.35 * step(0.03, 0.3, y - top) * (1.0 - number as f32 / 3.5);
            seen = mix(colour(ground), colour(0x8b5c4c), mist);
        }
    }
    seen
}

/// How bright a star is at a place of the sky: there is one in some squares.
fn star(x: f32, y: f32) -> f32 {
    const SQUARES: f32 = 44.0;
    let (column, row) = ((x * SQUARES).floor(), (y * SQUARES).floor());
    let number = (column as u32).wrapping_mul(631).wrapping_add((row as u32).wrapping_mul(8_117));
    if chance(number) < 0.72 {
        return 0.0;
    }
    let inside = |square: f32, number: u32| (square + 0.2 + 0.6 * chance(number)) / SQUARES;
    let size = 0.0008 + 0.0014 * chance(number + 3).powi(3);
    let place = (inside(column, number + 1), inside(row, number + 2));
    (1.0 - step(size * 0.4, size * 1.6, distance(x, y, place))) * (0.35 + 0.65 * chance(number + 4))
}

/// Layers of earth, as the pigment comes.
fn strata(x: f32, y: f32) -> Colour {
    const EARTHS: [u32; 9] = [0xf0dfc4, 0xd9a766, 0xb4592a, 0xe7c391, 0x8a3f22, 0xcf8a48, 0xf3e6d2, 0xa65330, 0x5e2f1d];
    let fold = 0.11 * wave(x * 0.9, 5) + 0.05 * wave(x * 2.1 + y, 8) + 0.008 * rough(x * 6.0 + 2.0 * y, 13, 3);
    let depth = (y + fold + 0.18 * (x - 0.8)) * 9.5 + 40.0;
    // Some layers are thick and some are thin.
    let depth = depth + 0.6 * wave(depth * 0.7, 31);
    let number = depth.floor();
    let share = depth - number;
    let earth = |number: f32| colour(EARTHS[(number as usize * 5 + number as usize / 9) % EARTHS.len()]);
    let fine = rough(depth * 9.0, 41, 3) * 0.10;
    let mut seen = mix(earth(number), earth(number + 1.0), step(0.97, 1.0, share));
    seen = mix(seen, colour(0x3c1d12), (0.10 + fine).clamp(0.0, 0.4));
    // The upper edge of a layer catches the light.
    mix(seen, colour(0xfff3e0), 0.18 * (1.0 - step(0.0, 0.14, share)))
}

/// A spot of pigment; around it there is nothing.
fn pigment(side: u32) -> Vec<u8> {
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let pixel = |(column, row): (u32, u32)| {
        let (x, y) = (column as f32 / side as f32 - 0.5, row as f32 / side as f32 - 0.5);
        let (angle, radius) = (y.atan2(x), (x * x + y * y).sqrt());
        // The angle as two numbers, so that the line around closes.
        let edge = 0.38 + 0.03 * wave(angle.cos() * 2.0 + 9.0, 2) + 0.03 * wave(angle.sin() * 2.5 + 5.0, 4);
        let light = step(-0.5, 0.5, -x - y);
        let ground = mix(colour(0x7c3517), colour(0xd98a3f), light);
        // Powder is not even.
        let ground = mix(ground, colour(0x5e2711), 0.16 * chance(row * side + column));
        let dust = 0.4 * (1.0 - step(edge, edge + 0.09, radius)) * chance(row * side + column).powi(3);
        let alpha = (1.0 - step(edge - 0.004, edge + 0.004, radius)).max(dust);
        [ground[0], ground[1], ground[2], alpha * 255.0].map(|value| value.clamp(0.0, 255.0) as u8)
    };
    places.flat_map(pixel).collect()
}
