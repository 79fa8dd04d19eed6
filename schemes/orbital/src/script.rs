//! The display server without hardware: a screen in memory, and a script that stands for the devices and looks at the screen. It is
//! what tests use, and whoever wants windows on a machine without a screen.
//!
//! | line | does |
//! |---|---|
//! | `at X Y`, `by DX DY` | moves the pointer to a pixel, or by so many |
//! | `buttons LMR` | buttons that are down, each 0 or 1 |
//! | `scroll X Y` | turns the wheel |
//! | `key SCANCODE DOWN [CHARACTER]` | a key, pressed (1) or let go (0) |
//! | `text CHARACTER` | a character is entered |
//! | `screen W H` | another size of the screen |
//! | `pixel X Y` | paints what is to be painted, and answers the colour, `rrggbb` |
//! | `png PATH` | paints, writes the screen to a file, and answers `done` |
//! | `window N` | answers place and size of the content of the Nth window from the front, `x y w h title` |

use crate::desk::Desk;
use crate::geometry::LIMIT;
use crate::screen::Input;

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A device says something.
    Input(Input),
    /// The pointer goes to a pixel.
    At(i32, i32),
    /// The screen gets another size.
    Screen(i32, i32),
    /// What is there?
    Pixel(i32, i32),
    /// Save the screen.
    Png(String),
    /// Where is a window?
    Window(usize),
}

impl Line {
    /// Reads a line; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let command = words.next()?;
        let rest: Vec<&str> = words.collect();
        let number = |index: usize| rest.get(index)?.parse::<i32>().ok().filter(|value| value.abs() <= LIMIT);
        let line = match command {
            "at" => Self::At(number(0)?, number(1)?),
            "by" => Self::Input(Input::By(number(0)?, number(1)?)),
            "buttons" => match rest.first()?.as_bytes() {
                &[left, middle, right] => Self::Input(Input::Buttons([left, middle, right].map(|down| down == b'1'))),
                _ => return None,
            },
            "scroll" => Self::Input(Input::Scroll(number(0)?, number(1)?)),
            "key" => Self::Input(Input::Key {
                scancode: u8::try_from(number(0)?).ok()?,
                pressed: number(1)? == 1,
                character: rest.get(2).and_then(|text| text.chars().next()).unwrap_or('\0'),
            }),
            "text" => Self::Input(Input::Text(rest.first()?.chars().next()?)),
            "screen" => Self::Screen(number(0).filter(|&w| w > 0)?, number(1).filter(|&h| h > 0)?),
            "pixel" => Self::Pixel(number(0)?, number(1)?),
            "png" => Self::Png((*rest.first()?).to_owned()),
            "window" => Self::Window(usize::try_from(number(0)?).ok()?),
            _ => return None,
        };
        Some(line)
    }
}

/// The place of the Nth window from the front.
pub fn window(desk: &Desk, number: usize) -> String {
    match desk.front_to_back().nth(number) {
        Some(window) => {
            let content = window.content(desk.metrics().scale);
            format!("{} {} {} {} {}", content.x, content.y, content.w, content.h, window.title)
        }
        None => String::from("none"),
    }
}

/// Lines of what comes in pieces.
#[derive(Debug, Default)]
pub struct Lines(Vec<u8>);

impl Lines {
    /// Adds a piece; calls back with each line that is complete.
    pub fn add(&mut self, bytes: &[u8], mut each: impl FnMut(&str)) {
        for &byte in bytes {
            match byte {
                b'\n' => {
                    each(&String::from_utf8_lossy(&self.0));
                    self.0.clear();
                }
                // What is longer than any line is no line.
                byte if self.0.len() < 4096 => self.0.push(byte),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_script() {
        let table = [
            ("at 3 -4", Some(Line::At(3, -4))),
            ("by 1 2", Some(Line::Input(Input::By(1, 2)))),
            ("buttons 101", Some(Line::Input(Input::Buttons([true, false, true])))),
            ("key 30 1 ä", Some(Line::Input(Input::Key { scancode: 30, pressed: true, character: 'ä' }))),
            ("key 30 0", Some(Line::Input(Input::Key { scancode: 30, pressed: false, character: '\0' }))),
            (" pixel 1 2 ", Some(Line::Pixel(1, 2))),
            ("png /tmp/x", Some(Line::Png("/tmp/x".into()))),
            ("window 0", Some(Line::Window(0))),
            ("screen 0 5", None),
            ("key 300 1", None),
            ("at 1", None),
            ("at 99999999 1", None),
            ("", None),
            ("buttons 10", None),
        ];
        for (text, line) in table {
            assert_eq!(Line::parse(text), line, "{text}");
        }
    }

    #[test]
    fn pieces_become_lines() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for piece in ["a", "b\nc", "\n\n", "d"] {
            lines.add(piece.as_bytes(), |line| seen.push(line.to_owned()));
        }
        assert_eq!(seen, ["ab", "c", ""]);
    }
}
