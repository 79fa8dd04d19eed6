//! What is in a directory: names found by hashing, listed in the order they came.

use std::collections::BTreeMap;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::inode::InodeId;

/// What a name costs beside its bytes: the two places where it is kept, about.
pub const NAME_COST: u64 = 128;

/// A directory's names.
#[derive(Default)]
pub struct Directory {
    names: HashMap<Rc<str>, Entry>,
    /// Names by their place in listings. Places are not used twice, so a listing that is resumed at a place neither
    /// repeats nor leaves out what was there all the time.
    order: BTreeMap<u64, Rc<str>>,
    next: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    inode: InodeId,
    place: u64,
}

impl Directory {
    /// What a name leads to.
    #[inline]
    pub fn get(&self, name: &str) -> Option<InodeId> {
        self.names.get(name).map(|entry| entry.inode)
    }

    /// Puts a name in that is not there; answers the name as it is kept.
    pub fn insert(&mut self, name: &str, inode: InodeId) -> Rc<str> {
        let name: Rc<str> = name.into();
        // 0 is the beginning of a listing.
        self.next += 1;
        self.order.insert(self.next, name.clone());
        let before = self.names.insert(name.clone(), Entry { inode, place: self.next });
        debug_assert!(before.is_none(), "the name was there");
        name
    }

    /// Takes a name out.
    pub fn remove(&mut self, name: &str) -> Option<InodeId> {
        let entry = self.names.remove(name)?;
        self.order.remove(&entry.place);
        Some(entry.inode)
    }

    /// Lets a name that is there lead to something else, in the same place.
    pub fn replace(&mut self, name: &str, inode: InodeId) -> Option<InodeId> {
        let entry = self.names.get_mut(name)?;
        Some(core::mem::replace(&mut entry.inode, inode))
    }

    /// Whether no name is in it.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many names are in it.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Names behind a place, with their places and what they lead to.
    pub fn list(&self, behind: u64) -> impl Iterator<Item = (u64, &str, InodeId)> {
        let rest = self.order.range((std::ops::Bound::Excluded(behind), std::ops::Bound::Unbounded));
        rest.filter_map(|(&place, name)| Some((place, &**name, self.get(name)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Directory, behind: u64) -> Vec<(u64, String)> {
        directory.list(behind).map(|(place, name, _)| (place, name.into())).collect()
    }

    #[test]
    fn listings_go_on_where_they_were() {
        let mut directory = Directory::default();
        for name in ["c", "a", "b", "d"] {
            directory.insert(name, 1);
        }
        assert_eq!(names(&directory, 0).iter().map(|(_, name)| name.as_str()).collect::<String>(), "cabd");
        let behind_a = names(&directory, 0)[1].0;
        directory.remove("a");
        directory.remove("b");
        directory.insert("a", 2);
        assert_eq!(names(&directory, behind_a).iter().map(|(_, name)| name.as_str()).collect::<String>(), "da");
        assert_eq!(names(&directory, u64::MAX), []);
    }

    #[test]
    fn names_lead_somewhere() {
        let mut directory = Directory::default();
        assert!(directory.is_empty());
        directory.insert("a", 1);
        assert_eq!((directory.get("a"), directory.get("b"), directory.len()), (Some(1), None, 1));
        let before = names(&directory, 0);
        assert_eq!(directory.replace("a", 5), Some(1));
        assert_eq!(directory.replace("b", 5), None);
        assert_eq!((directory.get("a"), names(&directory, 0)), (Some(5), before));
        assert_eq!((directory.remove("a"), directory.remove("a")), (Some(5), None));
    }
}
