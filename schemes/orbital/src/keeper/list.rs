//! The list of windows, for panels: which there are, which of them has the focus, and what panels want of them.
//!
//! It is a text: a line for each window, its number, then `focused`, `minimized` or `shown`, then its title; and first a line `menu` with a
//! number that is another one each time the window key was pressed alone.

use std::fmt::Write as _;

use scheme_server::syscall::EventFlags;
use scheme_server::syscall::error::{EINVAL, ENOENT, ENOSPC, Error, Result};

use super::{Handle, Keeper};
use crate::wire::{Listed, WindowId, Wish};

/// Most wishes that wait for the server.
const WISHES: usize = 32;

/// The list.
#[derive(Default)]
pub struct List {
    windows: Vec<Listed>,
    menus: u64,
    changes: u64,
}

impl List {
    /// The server has another list.
    pub fn set(&mut self, windows: Vec<Listed>) {
        self.windows = windows;
        self.changes += 1;
    }

    /// The window key was pressed alone.
    pub fn menu(&mut self) {
        self.menus += 1;
        self.changes += 1;
    }

    /// A title is another one.
    pub fn renamed(&mut self) {
        self.changes += 1;
    }

    /// How often it has changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The text.
    pub fn text<'a>(&self, title: impl Fn(WindowId) -> Option<&'a str>) -> String {
        let mut text = format!("menu {}\n", self.menus);
        for window in &self.windows {
            let state = match (window.minimized, window.focused) {
                (true, _) => "minimized",
                (false, true) => "focused",
                (false, false) => "shown",
            };
            if let Some(title) = title(window.id) {
                let _ = writeln!(text, "{} {state} {title}", window.id);
            }
        }
        text
    }
}

/// Reads what a panel writes: `raise`, `minimize` or `close`, and the number of a window.
fn parse(bytes: &[u8]) -> Option<(WindowId, Wish)> {
    let (verb, number) = str::from_utf8(bytes).ok()?.trim_end_matches('\n').split_once(' ')?;
    let wish = match verb {
        "raise" => Wish::Raise,
        "minimize" => Wish::Minimize,
        "close" => Wish::Close,
        _ => return None,
    };
    Some((number.parse().ok()?, wish))
}

impl Keeper {
    /// Panels are told that the list is another one.
    pub(super) fn tell_panels(&mut self) {
        for (number, handle) in self.handles.iter() {
            if matches!(handle, Handle::Windows { .. }) {
                self.ready.raise(number, EventFlags::EVENT_READ);
            }
        }
    }

    /// A panel wants something.
    pub(super) fn wish(&mut self, bytes: &[u8]) -> Result<()> {
        let (id, wish) = parse(bytes).ok_or(Error::new(EINVAL))?;
        if !self.windows.contains_key(&id) {
            return Err(Error::new(ENOENT));
        }
        if self.outbox.wishes.len() == WISHES {
            return Err(Error::new(ENOSPC));
        }
        self.outbox.wishes.push_back((id, wish));
        self.wake_server();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text() {
        let mut list = List::default();
        let window = |id, focused, minimized| Listed { id, focused, minimized };
        list.set(vec![
            window(3, false, false),
            window(4, true, false),
            window(9, false, true),
            window(10, false, false),
        ]);
        list.menu();
        let title =
            |id| ["Three", "Four words here", "Nine"].get([3, 4, 9].iter().position(|&known| known == id)?).copied();
        assert_eq!(list.text(title), "menu 1\n3 shown Three\n4 focused Four words here\n9 minimized Nine\n");
        assert_eq!(list.changes(), 2);
    }

    #[test]
    fn wishes() {
        assert_eq!(parse(b"raise 7"), Some((7, Wish::Raise)));
        assert_eq!(parse(b"minimize 0\n"), Some((0, Wish::Minimize)));
        assert_eq!(parse(b"close 12"), Some((12, Wish::Close)));
        for bad in
            [&b""[..], b"raise", b"raise x", b"raise -1", b"lower 1", b"raise 1 2", b"raise 99999999999", b"\xff"]
        {
            assert_eq!(parse(bad), None);
        }
    }
}
