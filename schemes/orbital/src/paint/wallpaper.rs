//! The wallpaper: hills under a sky with a sun, made from a few numbers for whatever size the screen has.
//!
//! It is not kept as pixels, which would be four megabytes of a screen of 1280 by 800, but as runs: so many pixels of one hill, whose
//! colour depends on the row alone, or a few pixels of their own where an edge is. Painting a part of a row costs what
//! filling it with a colour costs. Colours change in steps that are scattered so that they are not seen.

use super::blend;
use super::canvas::Canvas;
use crate::geometry::Rect;
use crate::theme::Palette;

/// A hill's crest: the sum of a height and waves, in heights of the screen. The waves run from the middle of the screen to both sides, so
/// that wider screens see more of them.
struct Crest {
    height: f32,
    /// How high, how many, and where they begin.
    waves: [(f32, f32, f32); 2],
}

/// The crests, the farthest first.
const CRESTS: [Crest; HILLS] = [
    Crest { height: 0.570, waves: [(0.050, 2.6, 0.9), (0.016, 6.1, 2.0)] },
    Crest { height: 0.640, waves: [(0.055, 2.1, 3.9), (0.014, 5.3, 0.4)] },
    Crest { height: 0.725, waves: [(0.050, 2.4, 1.5), (0.014, 5.1, 5.0)] },
    Crest { height: 0.815, waves: [(0.055, 1.9, 4.6), (0.012, 4.3, 2.2)] },
    Crest { height: 0.915, waves: [(0.050, 2.1, 0.5), (0.010, 4.3, 1.1)] },
];
/// How many hills there are.
pub const HILLS: usize = 5;
/// A hill's second colour is reached so far below its crest's height; its first one is left so far above.
const FOOT: f32 = 0.26;
const HEAD: f32 = 0.08;
/// The sun: its middle, from the middle of the screen and from the upper edge, and its radius.
const SUN: (f32, f32, f32) = (0.30, 0.47, 0.085);

/// What a pixel belongs to, from back to front.
const SKY: u8 = 0;
const DISC: u8 = 1;
const FIRST_HILL: u8 = 2;
/// A pixel of its own colour.
const OWN: u8 = u8::MAX;

/// An order of sixteen in which neighbours are far apart (Bayer).
const SCATTER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];

/// Colours of four neighbours, again and again along a row; the first is that of the screen's first column.
type Pattern = [u32; 4];

/// Pixels of a row up to a column.
#[derive(Clone, Copy)]
struct Run {
    end: u16,
    ink: Ink,
}

#[derive(Clone, Copy)]
enum Ink {
    /// This one of the patterns.
    Plain(u32),
    /// Pixels of their own, from this one on.
    Own(u32),
}

/// A wallpaper for a size and a look.
#[derive(Default)]
pub struct Wallpaper {
    size: (i32, i32),
    /// Where each row's runs begin.
    rows: Vec<u32>,
    runs: Vec<Run>,
    patterns: Vec<Pattern>,
    own: Vec<u32>,
}

impl Wallpaper {
    /// Makes it.
    pub fn new(w: i32, h: i32, palette: &Palette) -> Self {
        let mut wallpaper = Self { size: (w, h), ..Self::default() };
        let (columns, height) = (w.clamp(0, i32::from(u16::MAX)) as usize, h.max(0));
        // Each hill has one pixel of an edge in each column; below it all is the hill's, or a nearer one's.
        let edges: Vec<Vec<(u16, u16, u8)>> = CRESTS.iter().map(|crest| edges(crest, columns, height)).collect();
        let mut next = [0; HILLS];
        let mut owners = vec![SKY; columns];
        let mut row = Row { owners: vec![SKY; columns], pixels: vec![0; columns] };
        for y in 0..height {
            let inks = inks(palette, y, height);
            row.owners.copy_from_slice(&owners);
            row.sun(y, (w, h), &inks);
            for (hill, edges) in edges.iter().enumerate() {
                let owner = FIRST_HILL + hill as u8;
                while let Some(&(_, column, coverage)) = edges.get(next[hill]).filter(|edge| i32::from(edge.0) <= y) {
                    next[hill] += 1;
                    row.cover(column.into(), owner, coverage, &inks);
                    let below = &mut owners[usize::from(column)];
                    *below = (*below).max(owner);
                }
            }
            wallpaper.keep(&row, &inks);
        }
        wallpaper
    }

    /// Whether it is for this size.
    pub fn fits(&self, w: i32, h: i32) -> bool {
        self.size == (w, h)
    }

    fn keep(&mut self, row: &Row, inks: &[Pattern; INKS]) {
        self.rows.push(self.runs.len() as u32);
        let mut known = [None; INKS];
        let mut start = 0;
        for run in row.owners.chunk_by(|one, other| one == other) {
            let end = start + run.len();
            let ink = if run[0] == OWN {
                let first = self.own.len() as u32;
                self.own.extend_from_slice(&row.pixels[start..end]);
                Ink::Own(first)
            } else {
                let owner = usize::from(run[0]);
                let pattern = *known[owner].get_or_insert_with(|| {
                    self.patterns.push(inks[owner]);
                    self.patterns.len() as u32 - 1
                });
                Ink::Plain(pattern)
            };
            self.runs.push(Run { end: end as u16, ink });
            start = end;
        }
    }

    /// Paints what of it is in a rectangle.
    pub fn paint(&self, canvas: &mut Canvas, clip: Rect) {
        for y in clip.y.max(0)..clip.bottom() {
            let Some(&first) = self.rows.get(y as usize) else { return };
            let last = self.rows.get(y as usize + 1).map_or(self.runs.len(), |&next| next as usize);
            let mut start = 0;
            for run in &self.runs[first as usize..last] {
                let (from, end) = (start, i32::from(run.end));
                start = end;
                if end <= clip.x {
                    continue;
                }
                if from >= clip.right() {
                    break;
                }
                let left = from.max(clip.x);
                let to = canvas.row_mut(y, left, end.min(clip.right()));
                match run.ink {
                    Ink::Plain(pattern) => fill(to, left as usize, self.patterns[pattern as usize]),
                    Ink::Own(own) => {
                        let own = &self.own[own as usize + (left - from) as usize..];
                        to.iter_mut().zip(own).for_each(|(to, own)| *to = *own);
                    }
                }
            }
        }
    }
}

/// Repeats a pattern, from the column that the pixels begin in.
fn fill(pixels: &mut [u32], column: usize, pattern: Pattern) {
    let pattern: Pattern = std::array::from_fn(|x| pattern[(column + x) % 4]);
    let (blocks, rest) = pixels.as_chunks_mut::<4>();
    blocks.iter_mut().for_each(|block| *block = pattern);
    rest.iter_mut().zip(pattern).for_each(|(pixel, colour)| *pixel = colour);
}

/// A row while it is made.
struct Row {
    owners: Vec<u8>,
    /// Colours of the pixels that have their own.
    pixels: Vec<u32>,
}

impl Row {
    /// Puts something over a pixel, or over a part of it.
    fn cover(&mut self, x: usize, owner: u8, coverage: u8, inks: &[Pattern; INKS]) {
        let before = self.owners[x];
        if before != OWN && before >= owner || coverage == 0 {
            return;
        }
        let colour = inks[usize::from(owner)][x % 4];
        match (coverage, before) {
            (u8::MAX, _) => self.owners[x] = owner,
            (_, OWN) => self.pixels[x] = blend::over_one(self.pixels[x], colour, coverage),
            _ => {
                self.pixels[x] = blend::over_one(inks[usize::from(before)][x % 4], colour, coverage);
                self.owners[x] = OWN;
            }
        }
    }

    fn sun(&mut self, y: i32, (w, h): (i32, i32), inks: &[Pattern; INKS]) {
        let (height, (x, middle, radius)) = (h as f32, SUN);
        let (x, middle, radius) = (w as f32 / 2.0 + x * height, middle * height, radius * height);
        let down = y as f32 + 0.5 - middle;
        if down.abs() > radius + 1.0 {
            return;
        }
        let columns =
            (x - radius - 1.0).max(0.0) as usize..((x + radius + 2.0).max(0.0) as usize).min(self.owners.len());
        for column in columns {
            let distance = (column as f32 + 0.5 - x).hypot(down);
            self.cover(column, DISC, part(radius + 0.5 - distance), inks);
        }
    }
}

/// Row, column and coverage of a crest's edge in each column, from the upper rows to the lower.
fn edges(crest: &Crest, columns: usize, h: i32) -> Vec<(u16, u16, u8)> {
    let height = h as f32;
    let at = |column: usize| {
        let across = (column as f32 + 0.5 - columns as f32 / 2.0) / height;
        let waves = crest.waves.iter().map(|&(size, many, start)| size * (many * across + start).sin());
        (crest.height + waves.sum::<f32>()) * height
    };
    let edge = |column: usize| {
        let place = at(column).clamp(0.0, height);
        (place as u16, column as u16, part(1.0 - place.fract()))
    };
    let mut edges: Vec<_> = (0..columns).map(edge).collect();
    edges.sort_unstable();
    edges
}

fn part(of_one: f32) -> u8 {
    (of_one.clamp(0.0, 1.0) * 255.0).round() as u8
}

const INKS: usize = FIRST_HILL as usize + HILLS;

/// The colours of a row, by what a pixel belongs to.
fn inks(palette: &Palette, y: i32, h: i32) -> [Pattern; INKS] {
    let height = h as f32;
    std::array::from_fn(|owner| match owner as u8 {
        SKY => pattern(palette.background.map(|colour| colour.0), y, y, h.max(2) - 1),
        DISC => [palette.sun.0; 4],
        _ => {
            let hill = owner - usize::from(FIRST_HILL);
            let (head, length) = ((CRESTS[hill].height - HEAD) * height, ((FOOT + HEAD) * height).max(1.0));
            let at = (y - head as i32).clamp(0, length as i32);
            pattern(palette.hills[hill].map(|colour| colour.0), y, at, length.max(1.0) as i32)
        }
    })
}

/// Four neighbours of a colour that lies `at` of `all` between two, in a row.
fn pattern([upper, lower]: [u32; 2], y: i32, at: i32, all: i32) -> Pattern {
    let (at, all) = (at as u32, all as u32);
    std::array::from_fn(|x| {
        let scatter = u32::from(SCATTER[y as usize % 4][x]) * 16 + 8;
        let channel = |shift: u32| {
            let [from, to] = [upper, lower].map(|colour| colour >> shift & 0xff);
            let value = (from * (all - at) + to * at) * 256 / all;
            ((value + scatter) >> 8).min(255) << shift
        };
        0xff00_0000 | channel(16) | channel(8) | channel(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::theme::Themes;

    fn whole(w: i32, h: i32, wallpaper: &Wallpaper) -> Canvas {
        let mut canvas = Canvas::new(w, h);
        wallpaper.paint(&mut canvas, Rect::new(0, 0, w, h));
        canvas
    }

    #[test]
    fn it_has_a_sky_above_a_sun_and_hills_below() {
        let themes = Themes::built_in().unwrap();
        for palette in [&themes.light, &themes.dark] {
            let canvas = whole(640, 400, &Wallpaper::new(640, 400, palette));
            let near = |x: i32, y: i32, colour: u32| {
                let pixel = canvas.row(y, x, x + 1)[0];
                (0..3).all(|byte| (pixel >> (byte * 8) & 255).abs_diff(colour >> (byte * 8) & 255) <= 3)
            };
            assert!(near(0, 0, palette.background[0].0) && near(639, 0, palette.background[0].0));
            assert!(near(320 + 120, 188, palette.sun.0));
            assert!((0..640).all(|x| !near(x, 399, palette.background[1].0)), "hills along the lower edge");
            // From the sky to the nearest hill nothing is left black.
            assert!(canvas.pixels().iter().all(|&pixel| pixel != 0xff00_0000));
        }
    }

    #[test]
    fn pieces_make_the_whole() {
        let palette = Themes::built_in().unwrap().light;
        let mut random = Random::new(3);
        for _ in 0..20 {
            let (w, h) = (1 + random.below(300) as i32, 1 + random.below(200) as i32);
            let wallpaper = Wallpaper::new(w, h, &palette);
            let whole = whole(w, h, &wallpaper);
            let mut pieces = Canvas::new(w, h);
            let (x, y) = (random.below(w as u64) as i32, random.below(h as u64) as i32);
            for clip in [
                Rect::from_edges(0, 0, x, y),
                Rect::from_edges(x, 0, w, y),
                Rect::from_edges(0, y, x, h),
                Rect::from_edges(x, y, w, h),
            ] {
                wallpaper.paint(&mut pieces, clip);
            }
            assert!(pieces == whole, "{w}x{h}, divided at {x}, {y}");
        }
    }

    #[test]
    fn it_is_small() {
        let wallpaper = Wallpaper::new(1920, 1080, &Themes::built_in().unwrap().dark);
        let bytes = size_of_val(&*wallpaper.runs)
            + size_of_val(&*wallpaper.patterns)
            + size_of_val(&*wallpaper.own)
            + size_of_val(&*wallpaper.rows);
        assert!(bytes < 400 << 10, "{bytes} bytes");
    }

    #[test]
    fn no_size_is_too_odd() {
        let palette = Themes::built_in().unwrap().light;
        for (w, h) in [(0, 0), (1, 1), (2, 1), (1, 1000), (16_384, 2), (-1, 5)] {
            drop(whole(w, h, &Wallpaper::new(w, h, &palette)));
        }
    }
}
