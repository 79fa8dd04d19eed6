//! Drives a machine through steps. It never sleeps for a fixed time where it can look: under emulation a second is short or long.

use std::fmt::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ochre_vm::qemu::Machine;
use ochre_vm::qmp::Qmp;
use ochre_vm::screen::Picture;
use ochre_vm::vnc;
use serde_json::json;

use super::{Place, Step, Stop};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// A picture is still when so many looks in a row show no more than the blinking of a cursor.
const LOOKS: usize = 4;
/// Pixels that may blink.
const BLINKING: usize = 1200;
/// Longest wait for something to appear, and for a picture to be still.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between pressing and releasing, and between points of a drag: the guest looks at each.
const MOMENT: Duration = Duration::from_millis(40);
/// Points of a drag.
const POINTS: i32 = 16;
/// Colours are different when one of their channels is by more than this.
const CLEARLY: u8 = 12;
/// Largest coordinate of QEMU's absolute pointer.
const FULL: i32 = 0x7fff;

/// A machine that is driven, and where its pictures go.
pub struct Driver {
    machine: Machine,
    vnc_socket: PathBuf,
    /// Keeps the size that was asked for.
    vnc: Option<UnixStream>,
    folder: PathBuf,
    started: Instant,
    log: String,
    /// What was to be seen before the last step.
    before: Option<Picture>,
    size: (i32, i32),
}

impl Driver {
    /// Drives `machine`; pictures and the log go to `folder`.
    pub fn new(machine: Machine, vnc_socket: &Path, folder: &Path) -> Self {
        let (vnc_socket, folder) = (vnc_socket.into(), folder.into());
        let started = Instant::now();
        Driver { machine, vnc_socket, vnc: None, folder, started, log: String::new(), before: None, size: (1, 1) }
    }

    /// Makes one stop. An error says which step failed; the screen as it was then is kept as `failed.png`.
    pub fn make(&mut self, stop: &Stop) -> Result<(), String> {
        self.note(stop.name);
        for step in stop.steps {
            self.note(&format!("  {step:?}"));
            if let Err(error) = self.step(*step) {
                let failed = format!("{}: {step:?}: {error}", stop.name);
                self.note(&failed);
                // The first error is the one that counts.
                let _ = self.keep("failed");
                return Err(failed);
            }
        }
        Ok(())
    }

    /// Ends the machine; answers the log, and what the guest said.
    pub fn finish(self) -> (String, String) {
        let (_, said) = self.machine.finish();
        (self.log, said)
    }

    fn note(&mut self, text: &str) {
        let line = format!("{:7.1} {text}", self.started.elapsed().as_secs_f64());
        println!("{line}");
        // Writing to a string cannot fail.
        let _ = writeln!(self.log, "{line}");
    }

    fn qmp(&mut self) -> Result<&mut Qmp, String> {
        self.machine.qmp()
    }

    fn look(&mut self) -> Result<Picture, String> {
        let picture = Picture::of(self.qmp()?)?;
        self.size = (picture.width as i32, picture.height as i32);
        Ok(picture)
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        if !matches!(step, Step::Appears(_) | Step::Differ(..) | Step::Still | Step::Shot(_)) {
            self.before = Some(self.look()?);
        }
        match step {
            Step::Keys(keys) => self.qmp()?.keys(keys),
            Step::Type(text) => self.type_slowly(text),
            Step::Point(place) => self.point(place),
            Step::Click(place) => self.click(place, "left"),
            Step::DoubleClick(place) => self.click(place, "left").and_then(|()| self.click(place, "left")),
            Step::Menu(place) => self.click(place, "right"),
            Step::Drag(from, to) => self.pull(from, to).and_then(|()| self.release()),
            Step::Pull(from, to) => self.pull(from, to),
            Step::Release => self.release(),
            Step::Appears(pixels) => self.appears(pixels),
            Step::Differ(one, other) => self.differ(one, other),
            Step::Still => self.still().map(drop),
            Step::Resize(width, height) => {
                self.vnc = Some(vnc::resize(&self.vnc_socket, width, height)?);
                self.until(|picture| (picture.width, picture.height) == (width.into(), height.into()))
            }
            Step::Shot(name) => self.keep(name),
        }
    }

    /// Key by key: a queue of the machine's keyboard is short.
    fn type_slowly(&mut self, text: &str) -> Result<(), String> {
        for character in text.chars() {
            self.qmp()?.type_text(character.encode_utf8(&mut [0; 4]))?;
            sleep(MOMENT / 2);
        }
        Ok(())
    }

    fn point(&mut self, place: Place) -> Result<(), String> {
        let (x, y) = absolute(place, self.size);
        self.qmp()?.point(x, y)
    }

    fn click(&mut self, place: Place, button: &str) -> Result<(), String> {
        self.point(place)?;
        for down in [true, false] {
            sleep(MOMENT);
            self.qmp()?.button(button, down)?;
        }
        Ok(())
    }

    fn pull(&mut self, from: Place, to: Place) -> Result<(), String> {
        let (from, to) = (inside(from, self.size), inside(to, self.size));
        self.point(from)?;
        sleep(MOMENT);
        self.qmp()?.button("left", true)?;
        for point in 1..=POINTS {
            sleep(MOMENT);
            let between = |from: i32, to: i32| from + (to - from) * point / POINTS;
            self.point((between(from.0, to.0), between(from.1, to.1)))?;
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), String> {
        sleep(MOMENT);
        self.qmp()?.button("left", false)
    }

    fn until(&mut self, is: impl Fn(&Picture) -> bool) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while !is(&self.look()?) {
            if Instant::now() > end {
                return Err(format!("nothing of it after {} s", PATIENCE.as_secs()));
            }
            sleep(LOOK);
        }
        Ok(())
    }

    fn appears(&mut self, pixels: usize) -> Result<(), String> {
        // At the start the screen is black.
        let before = self.before.clone();
        self.until(|picture| before.as_ref().map_or(picture.lit(), |before| picture.differences(before)) >= pixels)?;
        self.still().map(drop)
    }

    fn differ(&mut self, one: Place, other: Place) -> Result<(), String> {
        self.until(|picture| {
            let size = (picture.width as i32, picture.height as i32);
            let [one, other] = [one, other].map(|place| {
                let (x, y) = inside(place, size);
                picture.pixel(x as usize, y as usize)
            });
            one.iter().zip(other).any(|(one, other)| one.abs_diff(*other) > CLEARLY)
        })?;
        self.still().map(drop)
    }

    fn still(&mut self) -> Result<Picture, String> {
        let end = Instant::now() + PATIENCE;
        let (mut last, mut same) = (self.look()?, 0);
        while same < LOOKS {
            if Instant::now() > end {
                return Err(format!("the picture still changes after {} s", PATIENCE.as_secs()));
            }
            sleep(LOOK);
            let now = self.look()?;
            if now.differences(&last) <= BLINKING {
                same += 1;
            } else {
                (last, same) = (now, 0);
            }
        }
        Ok(last)
    }

    /// QEMU writes the file itself.
    fn keep(&mut self, name: &str) -> Result<(), String> {
        let file = self.folder.join(format!("{name}.png"));
        let file = file.to_str().ok_or("the folder of pictures has a name that is not UTF-8")?.to_string();
        self.qmp()?.execute("screendump", json!({"filename": file, "format": "png"})).map(drop)
    }
}

/// A place with both numbers counted from the left and the upper edge.
fn inside((x, y): Place, (width, height): (i32, i32)) -> Place {
    let from_edge = |at: i32, size: i32| if at < 0 { size + at } else { at.min(size - 1) };
    (from_edge(x, width), from_edge(y, height))
}

/// As QEMU's absolute pointer has it: the middle of the pixel.
fn absolute(place: Place, size: (i32, i32)) -> (u32, u32) {
    let (x, y) = inside(place, size);
    let scale = |at: i32, size: i32| ((at * 2 + 1) * FULL / (size * 2)) as u32;
    (scale(x, size.0), scale(y, size.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_both_edges() {
        assert_eq!(inside((3, 4), (1280, 800)), (3, 4));
        assert_eq!(inside((-1, -800), (1280, 800)), (1279, 0));
        assert_eq!(inside((5000, 5000), (1280, 800)), (1279, 799));
    }

    #[test]
    fn a_pixel_is_found_again() {
        for at in 0..1920 {
            let (x, _) = absolute((at, 0), (1920, 1080));
            // As a screen of this width understands it.
            assert_eq!(x as i32 * 1920 / (FULL + 1), at);
        }
    }
}
