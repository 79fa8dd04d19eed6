//! Name spaces, and how one shows the names of another.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use scheme_server::syscall::error::{EEXIST, EMLINK, ENOENT, EPERM, Error, Result};

use crate::Descriptor;
use crate::request::Pattern;

/// Longest chain of forks: looking a name up goes along it.
const DEPTH_MAX: usize = 64;

/// A scheme in a name space.
struct Entry<D> {
    root: Rc<D>,
    /// Its place in listings: the order of registration, so that it does not change when others come and go.
    serial: u64,
}

/// A name space.
pub struct Space<D> {
    /// What was registered here.
    own: RefCell<BTreeMap<String, Entry<D>>>,
    /// What is shown of another one.
    shown: Option<Shown<D>>,
    depth: usize,
}

struct Shown<D> {
    of: Rc<Space<D>>,
    patterns: Vec<Pattern>,
}

/// Places in listings, given out in ascending order to all name spaces together.
#[derive(Debug)]
pub struct Serials {
    next: u64,
}

impl Serials {
    /// Starts with 1, because 0 stands for the beginning of a listing.
    pub const fn new() -> Self {
        Self { next: 1 }
    }

    fn take(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }
}

impl<D: Descriptor> Space<D> {
    /// A name space without schemes.
    pub fn empty() -> Rc<Self> {
        Rc::new(Self { own: RefCell::new(BTreeMap::new()), shown: None, depth: 0 })
    }

    /// A name space that shows those names of `of` that fit one of the patterns. `EMLINK` when the chain gets too long.
    pub fn fork(of: &Rc<Self>, patterns: Vec<Pattern>) -> Result<Rc<Self>> {
        let depth = of.depth + 1;
        if depth > DEPTH_MAX {
            return Err(Error::new(EMLINK));
        }
        let shown = Some(Shown { of: of.clone(), patterns });
        Ok(Rc::new(Self { own: RefCell::new(BTreeMap::new()), shown, depth }))
    }

    /// The root of a scheme, wherever along the chain it was registered.
    pub fn find(&self, name: &str) -> Option<Rc<D>> {
        let mut space = self;
        loop {
            if let Some(entry) = space.own.borrow().get(name) {
                return Some(entry.root.clone());
            }
            space = space.next(name)?;
        }
    }

    /// Where to look for a name that is not here.
    fn next(&self, name: &str) -> Option<&Self> {
        let shown = self.shown.as_ref()?;
        shown.patterns.iter().any(|pattern| pattern.matches(name)).then_some(&shown.of)
    }

    /// Puts a scheme in. `EEXIST` when one of this name is here and its daemon lives. A scheme that is only shown here is
    /// hidden by one that is put in.
    pub fn insert(&self, name: &str, root: D, serials: &mut Serials) -> Result<()> {
        self.check_free(name)?;
        let mut own = self.own.borrow_mut();
        let serial = own.get(name).map(|entry| entry.serial);
        own.insert(name.into(), Entry { root: Rc::new(root), serial: serial.unwrap_or_else(|| serials.take()) });
        Ok(())
    }

    /// Whether a scheme of this name could be put in; `EEXIST`.
    pub fn check_free(&self, name: &str) -> Result<()> {
        match self.own.borrow().get(name) {
            Some(entry) if entry.root.is_alive() => Err(Error::new(EEXIST)),
            _ => Ok(()),
        }
    }

    /// Takes a scheme out. `EPERM` when it is only shown here, `ENOENT` when there is none.
    pub fn remove(&self, name: &str) -> Result<()> {
        let removed = self.own.borrow_mut().remove(name);
        match removed {
            Some(_) => Ok(()),
            None if self.find(name).is_some() => Err(Error::new(EPERM)),
            None => Err(Error::new(ENOENT)),
        }
    }

    /// Calls `visit` with place and name of the schemes that come behind a place, in order, until it answers `false`.
    pub fn list(&self, behind: u64, mut visit: impl FnMut(u64, &str) -> bool) {
        let mut names = BTreeMap::new();
        let mut space = self;
        let mut filters: Vec<&[Pattern]> = Vec::new();
        loop {
            for (name, entry) in space.own.borrow().iter() {
                let seen = filters.iter().all(|patterns| patterns.iter().any(|pattern| pattern.matches(name)));
                let hidden = self.find(name).is_none_or(|root| !Rc::ptr_eq(&root, &entry.root));
                if seen && !hidden && entry.serial > behind {
                    names.insert(entry.serial, name.clone());
                }
            }
            let Some(shown) = &space.shown else { break };
            filters.push(&shown.patterns);
            space = &shown.of;
        }
        for (serial, name) in names {
            if !visit(serial, &name) {
                return;
            }
        }
    }
}
