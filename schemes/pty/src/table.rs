//! All terminals, by number.

use scheme_server::syscall::error::{EBADF, ENOSPC, Error, Result};

use crate::terminal::{Access, Terminal};

/// The console's place.
pub const CONSOLE: usize = 0;
/// Most terminals, and most of them of one user who is not the superuser.
const TERMINALS_MAX: usize = 1024;
const OWNED_MAX: usize = 256;

/// The table. A place is free again when nothing of its terminal is open.
#[derive(Debug, Default)]
pub struct Table {
    places: Vec<Option<Box<Terminal>>>,
}

impl Table {
    /// A table with nothing but the console in it.
    pub fn new() -> Self {
        Self { places: vec![Some(Box::new(Terminal::new(Access { uid: 0, gid: 0, mode: 0o620 })))] }
    }

    /// The terminal at a place.
    #[inline]
    pub fn get(&mut self, place: usize) -> Result<&mut Terminal> {
        self.places.get_mut(place).and_then(Option::as_deref_mut).ok_or(Error::new(EBADF))
    }

    /// Makes one at the first free place.
    pub fn create(&mut self, access: Access) -> Result<usize> {
        let owned = self.places.iter().flatten().filter(|terminal| terminal.access.uid == access.uid).count();
        if access.uid != 0 && owned >= OWNED_MAX {
            return Err(Error::new(ENOSPC));
        }
        let place = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if place > TERMINALS_MAX {
            return Err(Error::new(ENOSPC));
        }
        if place == self.places.len() {
            self.places.push(None);
        }
        self.places[place] = Some(Box::new(Terminal::new(access)));
        Ok(place)
    }

    /// Frees the place of a terminal of which nothing is open. The console stays.
    pub fn forget(&mut self, place: usize) {
        if place != CONSOLE
            && let Some(slot) = self.places.get_mut(place)
        {
            *slot = None;
        }
    }

    /// The place of the terminal that is called this.
    pub fn find(&self, name: &str) -> Option<usize> {
        // Only as it is written out: no sign, no zeros in front.
        let number: usize = name.parse().ok().filter(|number: &usize| number.to_string() == name)?;
        let place = number.checked_add(1)?;
        self.places.get(place)?.as_ref().map(|_| place)
    }

    /// Numbers of all but the console.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.places.iter().enumerate().skip(1).filter(|(_, place)| place.is_some()).map(|(place, _)| place - 1)
    }
}

/// The number of the terminal at a place, which is in its name; the console has none.
pub fn number(place: usize) -> Option<usize> {
    place.checked_sub(1)
}

/// The path under which the terminal at a place can be opened.
pub fn path(place: usize) -> String {
    match number(place) {
        Some(number) => format!("/scheme/pty/{number}"),
        None => "/scheme/tty/console".into(),
    }
}
