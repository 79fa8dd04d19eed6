//! In which order files are shown.

use std::cmp::Ordering;

use crate::entry::Entry;

/// A column of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// The name.
    #[default]
    Name,
    /// The size.
    Size,
    /// What it is.
    Kind,
    /// When it was changed.
    Modified,
}

/// By which column, and which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: Column,
    /// The other way round.
    pub reverse: bool,
}

impl Order {
    /// What a press on a column's head makes of it.
    pub fn press(self, column: Column) -> Self {
        match column == self.column {
            true => Self { column, reverse: !self.reverse },
            // Who asks for sizes or dates wants to see the largest and the newest.
            false => Self { column, reverse: matches!(column, Column::Size | Column::Modified) },
        }
    }

    /// Which of two files comes first. Folders always do.
    pub fn compare(self, one: &Entry, other: &Entry) -> Ordering {
        let names = || natural(&one.title(), &other.title());
        let by_column = match self.column {
            Column::Name => Ordering::Equal,
            Column::Size => one.size.cmp(&other.size),
            Column::Kind => one.kind.label.cmp(other.kind.label),
            Column::Modified => one.modified.cmp(&other.modified),
        };
        // Equals stay in the order of their names, whichever way the column goes.
        let way = |order: Ordering| if self.reverse { order.reverse() } else { order };
        let order = match self.column {
            Column::Name => way(names()),
            _ => way(by_column).then_with(names),
        };
        other.is_folder().cmp(&one.is_folder()).then(order).then_with(|| one.name.cmp(&other.name))
    }
}

/// Compares names as people do: without regard to case, and numbers by their value.
pub fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) = (one, other);
    loop {
        match (number(one), number(other)) {
            (Some((a, one_rest)), Some((b, other_rest))) => {
                // Without leading zeros a longer number is a larger one.
                let order = a.len().cmp(&b.len()).then_with(|| a.cmp(b));
                if order != Ordering::Equal {
                    return order;
                }
                (one, other) = (one_rest, other_rest);
            }
            _ => {
                let (mut left, mut right) = (one.chars(), other.chars());
                match (left.next(), right.next()) {
                    (None, None) => return Ordering::Equal,
                    (None, _) => return Ordering::Less,
                    (_, None) => return Ordering::Greater,
                    (Some(a), Some(b)) => {
                        let order = a.to_lowercase().cmp(b.to_lowercase());
                        if order != Ordering::Equal {
                            return order;
                        }
                    }
                }
                (one, other) = (left.as_str(), right.as_str());
            }
        }
    }
}

/// The number that a text begins with, without leading zeros, and what comes after it.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].trim_start_matches('0'), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{self, Kind};
    use std::time::{Duration, UNIX_EPOCH};

    fn entry(name: &str, kind: Kind, size: u64) -> Entry {
        let modified = Some(UNIX_EPOCH + Duration::from_secs(size));
        Entry { name: name.into(), kind, size, modified, link: false }
    }

    fn sorted(order: Order) -> Vec<String> {
        let mut entries = [
            entry("file10", kind::OTHER, 5),
            entry("File2", kind::OTHER, 9),
            entry("a.png", kind::by_name("a.png").unwrap(), 7),
            entry("zoo", kind::FOLDER, 0),
            entry("same", kind::OTHER, 9),
        ];
        entries.sort_by(|one, other| order.compare(one, other));
        entries.iter().map(|entry| entry.title().into_owned()).collect()
    }

    #[test]
    fn folders_first_then_by_column() {
        let order = Order::default();
        assert_eq!(sorted(order), ["zoo", "a.png", "File2", "file10", "same"]);
        assert_eq!(sorted(order.press(Column::Name)), ["zoo", "same", "file10", "File2", "a.png"]);
        let sizes = order.press(Column::Size);
        assert_eq!(sorted(sizes), ["zoo", "File2", "same", "a.png", "file10"]);
        assert_eq!(sorted(sizes.press(Column::Size)), ["zoo", "file10", "a.png", "File2", "same"]);
        assert_eq!(sorted(order.press(Column::Kind)), ["zoo", "File2", "file10", "same", "a.png"]);
    }

    #[test]
    fn numbers_in_names_count() {
        for (one, other, order) in [
            ("a2", "a10", Ordering::Less),
            ("a02", "a2", Ordering::Equal),
            ("a", "B", Ordering::Less),
            ("a1b", "a1", Ordering::Greater),
            ("99999999999999999999999", "100000000000000000000000", Ordering::Less),
            ("é", "É", Ordering::Equal),
        ] {
            assert_eq!(natural(one, other), order, "{one} {other}");
            assert_eq!(natural(other, one), order.reverse(), "{other} {one}");
        }
    }

    #[test]
    fn the_order_is_an_order() {
        let names = ["", "0", "00", "a", "A", "a0", "a00", "a1", "1a", "01", "ä", "b10", "b9"];
        let entries: Vec<Entry> = names.iter().map(|name| entry(name, kind::OTHER, 1)).collect();
        let compare = |one: &Entry, other: &Entry| Order::default().compare(one, other);
        for a in &entries {
            for b in &entries {
                assert_eq!(compare(a, b), compare(b, a).reverse());
                for c in &entries {
                    if compare(a, b).is_lt() && compare(b, c).is_lt() {
                        assert!(compare(a, c).is_lt(), "{:?} {:?} {:?}", a.name, b.name, c.name);
                    }
                }
            }
        }
    }
}
