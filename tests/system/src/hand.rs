//! A hand on the machine's keyboard and mouse, and an eye on its screen.

use std::time::Duration;

use ochre_vm::qemu::Machine;

use crate::screen::Picture;

/// Looks at the screen, and the time between two of them.
const LOOKS: usize = 150;
const BETWEEN: Duration = Duration::from_millis(200);
/// What is to be said is said within this time.
const HEARING: Duration = Duration::from_secs(120);
/// Between two things that a hand does.
const MOMENT: Duration = Duration::from_millis(30);

/// What moves the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// A tablet: it says where.
    Absolute,
    /// A mouse: it says how far.
    Relative,
}

/// The hand.
pub struct Hand<'a> {
    /// The machine.
    pub machine: &'a mut Machine,
    pointer: Pointer,
}

/// Looks at the screen until something is seen there. The error says what was not.
pub fn look<T>(machine: &mut Machine, missing: &str, see: impl Fn(&Picture) -> Option<T>) -> Result<T, String> {
    for _ in 0..LOOKS {
        // A picture that is taken while the size changes is none.
        if let Some(seen) = picture(machine).ok().as_ref().and_then(&see) {
            return Ok(seen);
        }
        std::thread::sleep(BETWEEN);
    }
    Err(complain(machine, missing))
}

/// What is wrong, with a picture of the screen for people.
pub fn complain(machine: &mut Machine, wrong: &str) -> String {
    let file = std::env::temp_dir().join(format!("ochre-seen-{}.ppm", std::process::id()));
    match machine.qmp().and_then(|qmp| qmp.screendump(&file)) {
        Ok(()) => format!("{wrong}; what is seen: {}", file.display()),
        Err(error) => format!("{wrong}; what is seen is not known: {error}"),
    }
}

fn picture(machine: &mut Machine) -> Result<Picture, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("screen.ppm");
    machine.qmp()?.screendump(&file)?;
    Picture::from_ppm(&std::fs::read(&file).map_err(|error| error.to_string())?)
}

impl<'a> Hand<'a> {
    /// A hand on this machine.
    pub fn new(machine: &'a mut Machine, pointer: Pointer) -> Result<Self, String> {
        Ok(Self { machine, pointer })
    }

    /// What is on the screen.
    pub fn picture(&mut self) -> Result<Picture, String> {
        picture(self.machine)
    }

    /// Presses and releases keys together, by QEMU's names.
    pub fn keys(&mut self, names: &[&str]) -> Result<(), String> {
        std::thread::sleep(MOMENT);
        self.machine.qmp()?.keys(names)
    }

    /// Types a text on an American keyboard.
    pub fn type_in(&mut self, text: &str) -> Result<(), String> {
        for character in text.chars() {
            let lower = character.to_ascii_lowercase().to_string();
            let names: &[&str] = match character {
                ' ' => &["spc"],
                '\n' => &["ret"],
                '-' => &["minus"],
                '/' => &["slash"],
                '.' => &["dot"],
                '>' => &["shift", "dot"],
                'A'..='Z' => &["shift", &lower],
                'a'..='z' | '0'..='9' => &[&lower],
                other => return Err(format!("no key is known for {other:?}")),
            };
            self.keys(names)?;
        }
        Ok(())
    }

    /// Puts the pointer to a place on the screen.
    pub fn point(&mut self, (x, y): (usize, usize)) -> Result<(), String> {
        match self.pointer {
            Pointer::Absolute => {
                let picture = self.picture()?;
                let part = |at: usize, of: usize| (at * 0x7fff / of + 1) as u32;
                self.machine.qmp()?.point(part(x, picture.width), part(y, picture.height))?;
            }
            Pointer::Relative => {
                // Into the corner first, from where it can be counted; in steps that a PS/2 mouse can tell.
                for _ in 0..20 {
                    self.machine.qmp()?.push(-100, -100)?;
                    std::thread::sleep(MOMENT / 3);
                }
                self.push(x, y)?;
                self.settle();
            }
        }
        std::thread::sleep(MOMENT);
        Ok(())
    }

    /// A mouse tells motions and buttons together: what it has to tell is taken before a button goes down or up.
    fn settle(&self) {
        std::thread::sleep(MOMENT * 10);
    }

    /// Moves a mouse so far, from where it is.
    fn push(&mut self, x: usize, y: usize) -> Result<(), String> {
        let (mut x, mut y) = (x as i32, y as i32);
        while (x, y) != (0, 0) {
            let step = (x.clamp(-100, 100), y.clamp(-100, 100));
            self.machine.qmp()?.push(step.0, step.1)?;
            (x, y) = (x - step.0, y - step.1);
            std::thread::sleep(MOMENT / 3);
        }
        Ok(())
    }

    /// Clicks at a place.
    pub fn click(&mut self, place: (usize, usize), button: &str) -> Result<(), String> {
        self.point(place)?;
        self.machine.qmp()?.click(button)
    }

    /// Waits until the guest says this, but not as long as the whole case may take.
    pub fn hears(&mut self, text: &str) -> Result<(), String> {
        if self.machine.wait_at_most_for(text, HEARING) {
            return Ok(());
        }
        Err(complain(self.machine, &format!("not said: {text}")))
    }

    /// Drags with the left button from one place to another one.
    pub fn drag(&mut self, from: (usize, usize), to: (usize, usize)) -> Result<(), String> {
        self.point(from)?;
        self.machine.qmp()?.button("left", true)?;
        std::thread::sleep(MOMENT);
        // On the way, as a hand does it.
        for part in 1..=4 {
            let between = |from: usize, to: usize| (from * (4 - part) + to * part) / 4;
            let place = (between(from.0, to.0), between(from.1, to.1));
            match self.pointer {
                Pointer::Absolute => self.point(place)?,
                Pointer::Relative => {
                    let before = |from: usize, to: usize| (from * (5 - part) + to * (part - 1)) / 4;
                    let was = (before(from.0, to.0), before(from.1, to.1));
                    let step = (place.0 as i32 - was.0 as i32, place.1 as i32 - was.1 as i32);
                    self.machine.qmp()?.push(step.0, step.1)?;
                    self.settle();
                }
            }
        }
        std::thread::sleep(MOMENT);
        self.machine.qmp()?.button("left", false)
    }
}
