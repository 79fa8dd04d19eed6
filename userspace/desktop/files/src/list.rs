//! The list of a folder's files: what is shown, in which order, what is selected, and where the cursor is. Without any
//! drawing: places are numbers of rows.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

use crate::entry::Entry;
use crate::order::{Column, Order};

/// How long letters belong to one word, when a name is typed to be jumped to.
const WORD_PAUSE: Duration = Duration::from_millis(900);

/// How a row is clicked, or the cursor moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grip {
    /// This one alone.
    #[default]
    Only,
    /// This one too, or no longer (Ctrl).
    Toggle,
    /// All from where the last selection began (Shift).
    Extend,
}

/// Where the cursor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows down; up if negative.
    By(isize),
    /// So many to the right, where files lie side by side; to the left if negative.
    Beside(isize),
    /// The first row.
    First,
    /// The last row.
    Last,
}

/// The list.
#[derive(Debug, Default)]
pub struct List {
    entries: Vec<Entry>,
    /// Rows: numbers of entries.
    rows: Vec<usize>,
    /// Numbers of entries.
    selected: BTreeSet<usize>,
    cursor: Option<usize>,
    anchor: usize,
    order: Order,
    show_hidden: bool,
    typed: String,
    typed_at: Duration,
}

impl List {
    /// Takes what the folder holds now. What was selected stays so, as far as it is still there.
    pub fn fill(&mut self, entries: Vec<Entry>) {
        let selected: BTreeSet<OsString> = self.selection().map(|entry| entry.name.clone()).collect();
        let (cursor, row) = (self.at_cursor().map(|entry| entry.name.clone()), self.cursor);
        self.entries = entries;
        self.selected = (0..self.entries.len()).filter(|&at| selected.contains(&self.entries[at].name)).collect();
        self.arrange();
        self.cursor = cursor.and_then(|name| self.row_of(&name)).or(row.filter(|_| !self.rows.is_empty()));
        self.cursor = self.cursor.map(|row| row.min(self.rows.len().saturating_sub(1)));
        self.anchor = self.cursor.unwrap_or(0);
    }

    /// Forgets everything but the order and whether hidden files are shown.
    pub fn clear(&mut self) {
        *self = Self { order: self.order, show_hidden: self.show_hidden, ..Self::default() };
    }

    /// Rows from the entries, keeping the selection to what is shown.
    fn arrange(&mut self) {
        let Self { entries, order, show_hidden, .. } = self;
        self.rows = (0..entries.len()).filter(|&at| *show_hidden || !entries[at].is_hidden()).collect();
        self.rows.sort_by(|&one, &other| order.compare(&entries[one], &entries[other]));
        if !*show_hidden {
            self.selected.retain(|&at| !entries[at].is_hidden());
        }
    }

    fn rearrange(&mut self) {
        let name = self.at_cursor().map(|entry| entry.name.clone());
        self.arrange();
        self.cursor = name.and_then(|name| self.row_of(&name));
        self.anchor = self.cursor.unwrap_or(0);
    }

    /// Somebody pressed a column's head.
    pub fn press_column(&mut self, column: Column) {
        self.order = self.order.press(column);
        self.rearrange();
    }

    /// By what the list is ordered.
    pub fn order(&self) -> Order {
        self.order
    }

    /// Shows hidden files, or no longer.
    pub fn toggle_hidden(&mut self) {
        self.show_hidden = !self.show_hidden;
        self.rearrange();
    }

    /// Whether hidden files are shown.
    pub fn shows_hidden(&self) -> bool {
        self.show_hidden
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many files are there but not shown.
    pub fn hidden(&self) -> usize {
        self.entries.len() - self.rows.len()
    }

    /// What is in a row.
    pub fn row(&self, row: usize) -> Option<&Entry> {
        self.rows.get(row).map(|&at| &self.entries[at])
    }

    /// Whether a row is selected.
    pub fn is_selected(&self, row: usize) -> bool {
        self.rows.get(row).is_some_and(|at| self.selected.contains(at))
    }

    /// The row that the cursor is on.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// What the cursor is on.
    pub fn at_cursor(&self) -> Option<&Entry> {
        self.row(self.cursor?)
    }

    /// What is selected, in the order of the rows.
    pub fn selection(&self) -> impl Iterator<Item = &Entry> {
        self.rows.iter().filter(|at| self.selected.contains(at)).map(|&at| &self.entries[at])
    }

    /// How many files are selected.
    pub fn selected(&self) -> usize {
        self.selected.len()
    }

    /// The row of a file.
    pub fn row_of(&self, name: &OsStr) -> Option<usize> {
        self.rows.iter().position(|&at| self.entries[at].name == name)
    }

    /// Whether the folder holds a file of this name, shown or not.
    pub fn has(&self, name: &OsStr) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Selects these files and puts the cursor on the first of them.
    pub fn select_names(&mut self, names: &[OsString]) {
        let rows: Vec<usize> = names.iter().filter_map(|name| self.row_of(name)).collect();
        self.selected = rows.iter().map(|&row| self.rows[row]).collect();
        if let Some(&first) = rows.iter().min() {
            (self.cursor, self.anchor) = (Some(first), first);
        }
    }

    /// A row is clicked, or the cursor comes to it.
    pub fn grip(&mut self, row: usize, grip: Grip) {
        let Some(&at) = self.rows.get(row) else { return };
        match grip {
            Grip::Only => {
                self.selected = BTreeSet::from([at]);
                self.anchor = row;
            }
            Grip::Toggle => {
                if !self.selected.remove(&at) {
                    self.selected.insert(at);
                }
                self.anchor = row;
            }
            Grip::Extend => {
                let (from, to) = (self.anchor.min(row), self.anchor.max(row));
                self.selected = self.rows[from.min(self.rows.len())..=to].iter().copied().collect();
            }
        }
        self.cursor = Some(row);
    }

    /// A row is clicked with the button for menus: it is selected, unless it is already.
    pub fn point(&mut self, row: usize) {
        if self.is_selected(row) {
            self.cursor = Some(row);
        } else {
            self.grip(row, Grip::Only);
        }
    }

    /// Moves the cursor.
    pub fn step(&mut self, step: Step, grip: Grip) {
        let Some(last) = self.rows.len().checked_sub(1) else { return };
        let row = match (step, self.cursor) {
            (Step::First, _) => 0,
            (Step::Last, _) => last,
            // The first step only shows where the cursor is.
            (Step::By(rows) | Step::Beside(rows), None) => {
                if rows < 0 {
                    last
                } else {
                    0
                }
            }
            (Step::By(rows) | Step::Beside(rows), Some(cursor)) => cursor.saturating_add_signed(rows).min(last),
        };
        match grip {
            // Ctrl moves the cursor alone.
            Grip::Toggle => self.cursor = Some(row),
            grip => self.grip(row, grip),
        }
    }

    /// Selects or leaves what the cursor is on.
    pub fn toggle_at_cursor(&mut self) {
        if let Some(row) = self.cursor {
            self.grip(row, Grip::Toggle);
        }
    }

    /// Selects everything that is shown.
    pub fn select_all(&mut self) {
        self.selected = self.rows.iter().copied().collect();
    }

    /// Selects nothing.
    pub fn select_none(&mut self) {
        self.selected.clear();
        self.anchor = self.cursor.unwrap_or(0);
    }

    /// Somebody types: the cursor goes to the next name that begins so. Letters in a row make a word; the same letter again
    /// and again goes through the names that begin with it.
    pub fn type_ahead(&mut self, text: &str, now: Duration) {
        if now.saturating_sub(self.typed_at) > WORD_PAUSE {
            self.typed.clear();
        }
        self.typed_at = now;
        self.typed += &text.to_lowercase();
        let first = self.typed.chars().next();
        let repeated = self.typed.chars().all(|character| Some(character) == first);
        let (word, from) = match (repeated, self.cursor) {
            // One letter: from the next row on.
            (true, Some(cursor)) => (first.map(String::from).unwrap_or_default(), cursor + 1),
            (_, cursor) => (self.typed.clone(), cursor.unwrap_or(0)),
        };
        let count = self.rows.len();
        let begins = |row: &usize| self.row(*row).is_some_and(|entry| entry.title().to_lowercase().starts_with(&word));
        if let Some(row) = (0..count).map(|step| (from + step) % count).find(begins) {
            self.grip(row, Grip::Only);
        }
    }
}

#[cfg(test)]
mod tests;
