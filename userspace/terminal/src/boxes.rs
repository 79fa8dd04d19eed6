//! Characters that must join with their neighbours: lines, boxes, blocks and shades (U+2500 to U+259F). They are drawn to the
//! cell's edges whatever the font says.

use crate::font::{Mask, Metrics};

/// For each character from U+2500: what goes from the middle to the left, right, top and bottom, a digit each. 0 nothing, 1 a
/// light line, 2 a heavy one, 3 two lines.
const ARMS: [u16; 128] = [
    0x1100, 0x2200, 0x0011, 0x0022, 0x1100, 0x2200, 0x0011, 0x0022, 0x1100, 0x2200, 0x0011, 0x0022, 0x0101, 0x0201,
    0x0102, 0x0202, 0x1001, 0x2001, 0x1002, 0x2002, 0x0110, 0x0210, 0x0120, 0x0220, 0x1010, 0x2010, 0x1020, 0x2020,
    0x0111, 0x0211, 0x0121, 0x0112, 0x0122, 0x0221, 0x0212, 0x0222, 0x1011, 0x2011, 0x1021, 0x1012, 0x1022, 0x2021,
    0x2012, 0x2022, 0x1101, 0x2101, 0x1201, 0x2201, 0x1102, 0x2102, 0x1202, 0x2202, 0x1110, 0x2110, 0x1210, 0x2210,
    0x1120, 0x2120, 0x1220, 0x2220, 0x1111, 0x2111, 0x1211, 0x2211, 0x1121, 0x1112, 0x1122, 0x2121, 0x1221, 0x2112,
    0x1212, 0x2221, 0x2212, 0x2122, 0x1222, 0x2222, 0x1100, 0x2200, 0x0011, 0x0022, 0x3300, 0x0033, 0x0301, 0x0103,
    0x0303, 0x3001, 0x1003, 0x3003, 0x0310, 0x0130, 0x0330, 0x3010, 0x1030, 0x3030, 0x0311, 0x0133, 0x0333, 0x3011,
    0x1033, 0x3033, 0x3301, 0x1103, 0x3303, 0x3310, 0x1130, 0x3330, 0x3311, 0x1133, 0x3333, 0, 0, 0, 0, 0, 0, 0,
    0x1000, 0x0010, 0x0100, 0x0001, 0x2000, 0x0020, 0x0200, 0x0002, 0x1200, 0x0012, 0x2100, 0x0021,
];

/// Two lines instead of one.
const DOUBLE: u16 = 3;

/// The picture of a character of these; `None` for all others.
pub fn draw(character: char, metrics: &Metrics) -> Option<Mask> {
    let mut picture = Picture::new(metrics);
    match character {
        '\u{2504}'..='\u{250b}' | '\u{254c}'..='\u{254f}' => picture.dashes(character),
        '\u{256d}'..='\u{2570}' => picture.arc(character),
        '\u{2571}'..='\u{2573}' => picture.diagonals(character),
        '\u{2500}'..='\u{257f}' => picture.arms(ARMS[character as usize - 0x2500]),
        '\u{2580}'..='\u{259f}' => picture.block(character),
        _ => return None,
    }
    Some(picture.mask)
}

/// From where to where.
type Span = (i32, i32);

struct Picture {
    mask: Mask,
    width: i32,
    height: i32,
    /// Thickness of a light line.
    line: i32,
}

impl Picture {
    fn new(metrics: &Metrics) -> Self {
        let (width, height) = (metrics.width, metrics.height);
        let mask = Mask { left: 0, top: 0, width, height, cover: vec![0; width * height] };
        Self { mask, width: width as i32, height: height as i32, line: metrics.line as i32 }
    }

    fn thickness(&self, kind: u16) -> i32 {
        if kind == 2 { self.line * 2 + 1 } else { self.line }
    }

    /// From where to where a line of this thickness goes, around the middle of `length` pixels.
    fn middle(&self, length: i32, thickness: i32) -> Span {
        let from = (length - thickness) / 2;
        (from, from + thickness)
    }

    fn fill(&mut self, (left, right): Span, (top, bottom): Span, cover: u8) {
        let columns = left.clamp(0, self.width) as usize..right.clamp(0, self.width) as usize;
        for row in top.clamp(0, self.height) as usize..bottom.clamp(0, self.height) as usize {
            if columns.start < columns.end {
                self.mask.cover[row * self.mask.width..][columns.clone()].fill(cover);
            }
        }
    }

    fn arms(&mut self, arms: u16) {
        let [left, right, up, down] = [12, 8, 4, 0].map(|shift| arms >> shift & 15);
        let (across, along) = ((self.width, self.height), (self.height, self.width));
        for (arm, back, first, second, end, turned) in [
            (left, right, up, down, false, false),
            (right, left, up, down, true, false),
            (up, down, left, right, false, true),
            (down, up, left, right, true, true),
        ] {
            let (length, breadth) = if turned { along } else { across };
            for ((from, to), side) in self.arm(arm, back, [first, second], end, length, breadth) {
                if turned { self.fill(side, (from, to), 255) } else { self.fill((from, to), side, 255) }
            }
        }
    }

    /// The lines of an arm, each along (from, to) and across. `sides` are the arms that stand across it; `back` goes on
    /// behind the middle; `end` says whether it goes to the far edge.
    fn arm(&self, arm: u16, back: u16, sides: [u16; 2], end: bool, length: i32, breadth: i32) -> Vec<(Span, Span)> {
        // From what stands across, with its own thickness, to the edge.
        let reach = |(from, to): Span| if end { (from, length) } else { (0, to) };
        let (first, last) = self.middle(length, 3 * self.line);
        let nearest = if end { (last - self.line, last) } else { (first, first + self.line) };
        let straight = self.middle(length, self.line);
        let single = sides.into_iter().map(|side| self.thickness(side)).max().unwrap_or(self.line);
        let corner = if back == 0 { self.middle(length, single) } else { straight };
        match arm {
            0 => Vec::new(),
            DOUBLE => {
                let (top, bottom) = self.middle(breadth, 3 * self.line);
                let start = |side: u16, other: u16| match (side, other) {
                    (DOUBLE, _) => nearest,
                    (0, DOUBLE) if back == 0 => (first, last),
                    _ => corner,
                };
                let lines = [(top, top + self.line), (bottom - self.line, bottom)];
                let starts = [start(sides[0], sides[1]), start(sides[1], sides[0])];
                lines.into_iter().zip(starts).map(|(line, start)| (reach(start), line)).collect()
            }
            _ => {
                let start = if sides.contains(&DOUBLE) && back == 0 { nearest } else { corner };
                vec![(reach(start), self.middle(breadth, self.thickness(arm)))]
            }
        }
    }

    fn dashes(&mut self, character: char) {
        let code = character as usize - 0x2500;
        let parts = match code {
            0x04..=0x07 => 3,
            0x08..=0x0b => 4,
            _ => 2,
        };
        let arms = ARMS[code];
        let upright = arms & 0xff != 0;
        let thickness = self.thickness(if upright { arms & 15 } else { arms >> 12 });
        let (length, breadth) = if upright { (self.height, self.width) } else { (self.width, self.height) };
        let side = self.middle(breadth, thickness);
        for part in 0..parts {
            let (from, to) = (length * part / parts, length * (part + 1) / parts);
            let space = ((to - from) / 3).max(1);
            let dash = (from + space / 2, to - (space - space / 2));
            if upright { self.fill(side, dash, 255) } else { self.fill(dash, side, 255) }
        }
    }

    /// Covers each pixel by how near it is to a curve.
    fn stroke(&mut self, distance: impl Fn(f32, f32) -> f32) {
        let half = self.line as f32 / 2.0;
        for (index, cover) in self.mask.cover.iter_mut().enumerate() {
            let (x, y) = ((index % self.mask.width) as f32 + 0.5, (index / self.mask.width) as f32 + 0.5);
            let near = (half + 0.5 - distance(x, y)).clamp(0.0, 1.0);
            *cover = (*cover).max((near * 255.0).round() as u8);
        }
    }

    /// A rounded corner: a quarter of a circle, and straight from there to the edge.
    fn arc(&mut self, character: char) {
        let (width, height) = (self.width as f32, self.height as f32);
        let half = self.line as f32 / 2.0;
        let (x, y) =
            (self.middle(self.width, self.line).0 as f32 + half, self.middle(self.height, self.line).0 as f32 + half);
        let (right, down) = match character {
            '\u{256d}' => (1.0, 1.0),
            '\u{256e}' => (-1.0, 1.0),
            '\u{256f}' => (-1.0, -1.0),
            _ => (1.0, -1.0),
        };
        let reach = if right > 0.0 { width - x } else { x };
        let radius = reach.min(if down > 0.0 { height - y } else { y });
        let (center_x, center_y) = (x + right * radius, y + down * radius);
        self.stroke(|px, py| {
            let (dx, dy) = ((px - center_x) * right, (py - center_y) * down);
            match (dx < 0.0, dy < 0.0) {
                (true, true) => ((dx * dx + dy * dy).sqrt() - radius).abs(),
                (true, false) => (px - x).abs(),
                (false, true) => (py - y).abs(),
                (false, false) => f32::MAX,
            }
        });
    }

    fn diagonals(&mut self, character: char) {
        let (width, height) = (self.width as f32, self.height as f32);
        let long = (width * width + height * height).sqrt();
        if character != '\u{2572}' {
            self.stroke(|x, y| (height * x + width * y - width * height).abs() / long);
        }
        if character != '\u{2571}' {
            self.stroke(|x, y| (height * x - width * y).abs() / long);
        }
    }

    fn block(&mut self, character: char) {
        let (width, height) = (self.width, self.height);
        let code = character as i32 - 0x2580;
        match code {
            0x00 => self.fill((0, width), (0, eighths(height, 4)), 255),
            0x01..=0x08 => self.fill((0, width), (height - eighths(height, code), height), 255),
            0x09..=0x0f => self.fill((0, eighths(width, 0x10 - code)), (0, height), 255),
            0x10 => self.fill((eighths(width, 4), width), (0, height), 255),
            0x11..=0x13 => self.fill((0, width), (0, height), [64, 128, 191][code as usize - 0x11]),
            0x14 => self.fill((0, width), (0, eighths(height, 1)), 255),
            0x15 => self.fill((width - eighths(width, 1), width), (0, height), 255),
            _ => self.quadrants(QUADRANTS[code as usize - 0x16]),
        }
    }

    fn quadrants(&mut self, which: u8) {
        let (x, y) = (eighths(self.width, 4), eighths(self.height, 4));
        let (left, right, top, bottom) = ((0, x), (x, self.width), (0, y), (y, self.height));
        for (bit, columns, rows) in [(8, left, top), (4, right, top), (2, left, bottom), (1, right, bottom)] {
            if which & bit != 0 {
                self.fill(columns, rows, 255);
            }
        }
    }
}

/// Quarters of a cell from U+2596: upper left 8, upper right 4, lower left 2, lower right 1.
const QUADRANTS: [u8; 10] = [2, 1, 8, 11, 9, 14, 13, 4, 6, 7];

/// So many eighths of a length, to the nearest pixel.
fn eighths(length: i32, count: i32) -> i32 {
    (length * count + 4) / 8
}
