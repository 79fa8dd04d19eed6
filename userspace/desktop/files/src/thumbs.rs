//! Small pictures of the pictures in a folder. They are made in a thread, one after the other, and live as long as the folder is shown.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ochre_ui::Size;
use ochre_ui::core::image::Handle;

use crate::entry::Entry;
use crate::picture::{self, Picture};

/// Room for one, in pixels of the design.
pub const WIDTH: u32 = 96;
/// Room for one, in pixels of the design.
pub const HEIGHT: u32 = 68;
/// Pixels of a picture to one of the design, so that it is sharp on fine screens too.
const FINE: u32 = 2;
/// Larger files, and more of them, have icons only: 200 take up to 20 MB.
const LARGEST: u64 = 16 << 20;
const MOST: usize = 200;

/// A small picture.
#[derive(Clone, Debug)]
pub struct Thumb {
    /// Its pixels.
    pub handle: Handle,
    width: u32,
    height: u32,
}

impl Thumb {
    /// Its size in pixels of the design.
    pub fn size(&self) -> Size {
        Size::new(self.width as f32 / FINE as f32, self.height as f32 / FINE as f32)
    }
}

/// A file as it was when its picture was made.
type Stamp = (u64, Option<SystemTime>);

/// The small pictures of a folder.
#[derive(Debug, Default)]
pub struct Thumbs {
    /// Nothing where a picture cannot be read.
    made: BTreeMap<OsString, (Stamp, Option<Thumb>)>,
    /// Which making counts: a thread whose number is another one ends.
    current: Arc<AtomicU64>,
}

/// A picture to be made.
#[derive(Clone, Debug)]
pub struct Wanted {
    name: OsString,
    path: PathBuf,
    stamp: Stamp,
}

/// A picture that has been made, or could not be.
#[derive(Clone, Debug)]
pub struct Made {
    making: u64,
    name: OsString,
    stamp: Stamp,
    thumb: Option<Thumb>,
}

fn stamp(entry: &Entry) -> Stamp {
    (entry.size, entry.modified)
}

impl Thumbs {
    /// The picture of a file, if there is one.
    pub fn of(&self, entry: &Entry) -> Option<&Thumb> {
        let (made, thumb) = self.made.get(&entry.name)?;
        thumb.as_ref().filter(|_| *made == stamp(entry))
    }

    /// Another folder is shown.
    pub fn clear(&mut self) {
        self.made.clear();
        self.stop();
    }

    /// What is being made is not wanted any more.
    pub fn stop(&self) {
        self.current.fetch_add(1, Ordering::Relaxed);
    }

    /// What has to be made for these files of a folder.
    pub fn wanted<'a>(&self, folder: &std::path::Path, entries: impl Iterator<Item = &'a Entry>) -> Vec<Wanted> {
        let picture = |entry: &&Entry| matches!(entry.kind.name, "image/png" | "image/jpeg") && entry.size <= LARGEST;
        let known = |entry: &Entry| self.made.get(&entry.name).is_some_and(|(made, _)| *made == stamp(entry));
        let wanted =
            |entry: &Entry| Wanted { name: entry.name.clone(), path: folder.join(&entry.name), stamp: stamp(entry) };
        entries.filter(picture).take(MOST).filter(|entry| !known(entry)).map(wanted).collect()
    }

    /// The work of making them, for a thread; `tell` gets each.
    pub fn work(&self, wanted: Vec<Wanted>) -> impl FnOnce(&mut dyn FnMut(Made)) + Send + 'static {
        self.stop();
        let (current, making) = (Arc::clone(&self.current), self.current.load(Ordering::Relaxed));
        move |tell| {
            for Wanted { name, path, stamp } in wanted {
                if current.load(Ordering::Relaxed) != making {
                    return;
                }
                let thumb = picture::read(&path).ok().map(|picture| small(&picture));
                tell(Made { making, name, stamp, thumb });
            }
        }
    }

    /// One has been made.
    pub fn put(&mut self, made: Made) {
        if made.making == self.current.load(Ordering::Relaxed) {
            self.made.insert(made.name, (made.stamp, made.thumb));
        }
    }
}

/// A picture made small, the way it is to be seen.
fn small(picture: &Picture) -> Thumb {
    let sideways = picture.turn.is_sideways();
    let (room_w, room_h) = if sideways { (HEIGHT, WIDTH) } else { (WIDTH, HEIGHT) };
    let (width, height) = fit((picture.width, picture.height), (room_w * FINE, room_h * FINE));
    let pixels = average(picture, width, height);
    let (width, height, pixels) = turned(pixels, width, height, picture);
    Thumb { handle: Handle::from_rgba(width, height, pixels), width, height }
}

/// The largest size of the same shape that fits; a small picture stays as it is.
fn fit((w, h): (u32, u32), (room_w, room_h): (u32, u32)) -> (u32, u32) {
    if w <= room_w && h <= room_h {
        return (w.max(1), h.max(1));
    }
    let (w, h, room_w, room_h) = (u64::from(w), u64::from(h), u64::from(room_w), u64::from(room_h));
    let (width, height) = if w * room_h > h * room_w { (room_w, h * room_w / w) } else { (w * room_h / h, room_h) };
    (width.max(1) as u32, height.max(1) as u32)
}

/// Each pixel is the mean of those that it stands for, by how opaque they are.
fn average(picture: &Picture, width: u32, height: u32) -> Vec<u8> {
    let span = |at: u32, of: u32, all: u32| {
        let edge = |at: u32| (u64::from(at) * u64::from(all) / u64::from(of)) as usize;
        edge(at)..edge(at + 1).max(edge(at) + 1)
    };
    let mut pixels = Vec::with_capacity((width * height * 4) as usize);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0_u64; 4];
            let mut count = 0;
            for row in span(y, height, picture.height) {
                for column in span(x, width, picture.width) {
                    let at = (row * picture.width as usize + column) * 4;
                    let Some(pixel) = picture.pixels.get(at..at + 4) else { continue };
                    let alpha = u64::from(pixel[3]);
                    (0..3).for_each(|channel| sum[channel] += u64::from(pixel[channel]) * alpha);
                    sum[3] += alpha;
                    count += 1;
                }
            }
            let colour = |channel: usize| (sum[channel].checked_div(sum[3]).unwrap_or(0)) as u8;
            let alpha = sum[3].checked_div(count).unwrap_or(0) as u8;
            pixels.extend([colour(0), colour(1), colour(2), alpha]);
        }
    }
    pixels
}

/// As the camera was held: mirrored, then turned clockwise.
fn turned(pixels: Vec<u8>, width: u32, height: u32, picture: &Picture) -> (u32, u32, Vec<u8>) {
    let turn = picture.turn;
    if !turn.mirrored && turn.quarters == 0 {
        return (width, height, pixels);
    }
    let (new_width, new_height) = if turn.is_sideways() { (height, width) } else { (width, height) };
    let mut out = Vec::with_capacity(pixels.len());
    for y in 0..new_height {
        for x in 0..new_width {
            // Where the pixel was before it was turned.
            let (from_x, from_y) = match turn.quarters {
                1 => (y, height - 1 - x),
                2 => (width - 1 - x, height - 1 - y),
                3 => (width - 1 - y, x),
                _ => (x, y),
            };
            let from_x = if turn.mirrored { width - 1 - from_x } else { from_x };
            let at = ((from_y * width + from_x) * 4) as usize;
            out.extend_from_slice(&pixels[at..at + 4]);
        }
    }
    (new_width, new_height, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Turn;

    /// Red, green, blue, black, in two rows of two.
    fn picture(mirrored: bool, quarters: u8) -> Picture {
        let pixels = [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [0, 0, 0, 0]].concat();
        Picture { width: 2, height: 2, pixels, transparent: true, turn: Turn { mirrored, quarters } }
    }

    #[test]
    fn pictures_are_made_small_and_keep_their_shape() {
        assert_eq!(fit((4000, 3000), (192, 136)), (181, 136));
        assert_eq!(fit((4000, 10), (192, 136)), (192, 1));
        assert_eq!((fit((20, 30), (192, 136)), fit((0, 0), (192, 136))), ((20, 30), (1, 1)));
        // What cannot be seen has no colour.
        assert_eq!(average(&picture(false, 0), 1, 1), [85, 85, 85, 191]);
        assert_eq!(average(&picture(false, 0), 2, 2), picture(false, 0).pixels);
    }

    #[test]
    fn they_are_turned_as_the_camera_was_held() {
        let order = |mirrored, quarters| {
            let picture = picture(mirrored, quarters);
            let (_, _, pixels) = turned(picture.pixels.clone(), 2, 2, &picture);
            let letter = |pixel: &[u8]| match pixel {
                [255, ..] => 'r',
                [_, 255, ..] => 'g',
                [_, _, 255, _] => 'b',
                _ => '.',
            };
            pixels.chunks(4).map(letter).collect::<String>()
        };
        assert_eq!(
            [order(false, 0), order(false, 1), order(false, 2), order(false, 3)],
            ["rgb.", "br.g", ".bgr", "g.rb"]
        );
        assert_eq!([order(true, 0), order(true, 1)], ["gr.b", ".gbr"]);
    }

    #[test]
    fn what_is_no_longer_wanted_is_not_made() {
        let mut thumbs = Thumbs::default();
        let wanted = || vec![Wanted { name: "a".into(), path: "/missing".into(), stamp: (1, None) }];
        let mut told = Vec::new();
        thumbs.work(wanted())(&mut |made| told.push(made));
        assert!(told.len() == 1 && told[0].thumb.is_none());
        thumbs.put(told[0].clone());
        assert_eq!(thumbs.made.len(), 1);
        let work = thumbs.work(wanted());
        thumbs.clear();
        work(&mut |_| panic!("it is not wanted"));
        thumbs.put(told.remove(0));
        assert!(thumbs.made.is_empty(), "what comes late does not count");
    }
}
