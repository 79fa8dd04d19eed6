//! Numbers for what clients have open.

/// A table of open things. Each has a number as long as it is open, which the kernel keeps for the client.
///
/// Taking and giving back numbers does not allocate once the table has been as large before.
#[derive(Clone, Debug)]
pub struct Handles<T> {
    slots: Vec<Slot<T>>,
    /// First of the chain of free slots; the length of the table when there is none.
    free: usize,
    used: usize,
}

#[derive(Clone, Debug)]
enum Slot<T> {
    Used(T),
    /// Free; the number of the next free slot.
    Free(usize),
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Handles<T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: 0, used: 0 }
    }

    /// Puts something in; answers its number.
    #[inline]
    pub fn insert(&mut self, value: T) -> usize {
        let number = self.free;
        match self.slots.get_mut(number) {
            Some(slot) => {
                if let Slot::Free(next) = *slot {
                    self.free = next;
                }
                *slot = Slot::Used(value);
            }
            None => {
                self.slots.push(Slot::Used(value));
                self.free = self.slots.len();
            }
        }
        self.used += 1;
        number
    }

    /// What has this number.
    #[inline]
    pub fn get(&self, number: usize) -> Option<&T> {
        match self.slots.get(number) {
            Some(Slot::Used(value)) => Some(value),
            _ => None,
        }
    }

    /// What has this number, to be changed.
    #[inline]
    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        match self.slots.get_mut(number) {
            Some(Slot::Used(value)) => Some(value),
            _ => None,
        }
    }

    /// Takes something out; its number is free again.
    #[inline]
    pub fn remove(&mut self, number: usize) -> Option<T> {
        let slot = self.slots.get_mut(number).filter(|slot| matches!(slot, Slot::Used(_)))?;
        let Slot::Used(value) = core::mem::replace(slot, Slot::Free(self.free)) else {
            return None;
        };
        self.free = number;
        self.used -= 1;
        Some(value)
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// All that are open, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.slots.iter().enumerate().filter_map(|(number, slot)| match slot {
            Slot::Used(value) => Some((number, value)),
            Slot::Free(_) => None,
        })
    }

    /// As [`Handles::iter`], to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(number, slot)| match slot {
            Slot::Used(value) => Some((number, value)),
            Slot::Free(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again() {
        let mut handles = Handles::new();
        let numbers: Vec<usize> = (0..4).map(|value| handles.insert(value)).collect();
        assert_eq!(numbers, [0, 1, 2, 3]);
        assert_eq!(handles.remove(1), Some(1));
        assert_eq!(handles.remove(3), Some(3));
        assert_eq!(handles.remove(3), None);
        assert_eq!((handles.get(1), handles.get(9), handles.len()), (None, None, 2));
        assert_eq!([handles.insert(10), handles.insert(11), handles.insert(12)], [3, 1, 4]);
        assert_eq!(
            handles.iter().map(|(number, &value)| (number, value)).collect::<Vec<_>>(),
            [(0, 0), (1, 11), (2, 2), (3, 10), (4, 12)]
        );
    }

    #[test]
    fn contents_can_be_changed() {
        let mut handles = Handles::new();
        let number = handles.insert(String::from("a"));
        if let Some(text) = handles.get_mut(number) {
            text.push('b');
        }
        for (_, text) in handles.iter_mut() {
            text.push('c');
        }
        assert_eq!(handles.get(number).map(String::as_str), Some("abc"));
        assert!(handles.get_mut(7).is_none());
        assert!(!handles.is_empty());
    }
}
