//! Undoing: changes of a text as what stood where and what stands there now.

/// Most bytes of changes that are kept.
const ROOM: usize = 8 << 20;

/// A change: at a byte, text became other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The byte.
    pub at: usize,
    /// What stood there.
    pub before: String,
    /// What stands there now.
    pub after: String,
}

impl Change {
    /// What differs between two texts, as one change; `None` when nothing does.
    pub fn between(before: &str, after: &str) -> Option<Self> {
        if before == after {
            return None;
        }
        let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        let mut start = same(before, after);
        while !before.is_char_boundary(start) || !after.is_char_boundary(start) {
            start -= 1;
        }
        let (old, new) = (&before[start..], &after[start..]);
        let mut end = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
        while !old.is_char_boundary(old.len() - end) || !new.is_char_boundary(new.len() - end) {
            end -= 1;
        }
        let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
        Some(Self { at: start, before: old.to_owned(), after: new.to_owned() })
    }

    /// The change that takes it back.
    fn reversed(&self) -> Self {
        Self { at: self.at, before: self.after.clone(), after: self.before.clone() }
    }

    /// Typing goes on: one change instead of two, within a line.
    fn join(&mut self, next: &Self) -> bool {
        let typed = self.before.is_empty() && next.before.is_empty() && next.at == self.at + self.after.len();
        // A word and the space behind it are one step.
        let word_ends = self.after.ends_with(char::is_whitespace) && !next.after.starts_with(char::is_whitespace);
        let erased = self.after.is_empty() && next.after.is_empty() && next.at + next.before.len() == self.at;
        let erased_ahead = self.after.is_empty() && next.after.is_empty() && next.at == self.at;
        if typed && !word_ends && !self.after.ends_with('\n') && next.after.chars().count() == 1 {
            self.after.push_str(&next.after);
        } else if erased && next.before.chars().count() == 1 {
            self.at = next.at;
            self.before.insert_str(0, &next.before);
        } else if erased_ahead && next.before.chars().count() == 1 {
            self.before.push_str(&next.before);
        } else {
            return false;
        }
        true
    }

    fn size(&self) -> usize {
        self.before.len() + self.after.len() + size_of::<Self>()
    }
}

/// Changes, and which of them are undone.
#[derive(Clone, Debug, Default)]
pub struct History {
    done: Vec<Change>,
    undone: Vec<Change>,
    /// What comes next is a step of its own.
    apart: bool,
    /// How many changes were done when the text was saved; without it that state cannot be had again.
    saved: Option<usize>,
}

impl History {
    /// Nothing was changed, and what there is is saved.
    pub fn new() -> Self {
        Self { saved: Some(0), ..Self::default() }
    }

    /// A change happened.
    pub fn add(&mut self, change: Change) {
        self.undone.clear();
        if self.saved.is_some_and(|saved| saved > self.done.len()) {
            self.saved = None;
        }
        let joins = !self.apart && self.saved != Some(self.done.len());
        let joined = joins && self.done.last_mut().is_some_and(|last| last.join(&change));
        if !joined {
            self.done.push(change);
        }
        self.apart = false;
        self.shrink();
    }

    /// What comes next is not joined with what was: the cursor went elsewhere.
    pub fn part(&mut self) {
        self.apart = true;
    }

    /// The text is saved as it is.
    pub fn saved(&mut self) {
        self.saved = Some(self.done.len());
        self.apart = true;
    }

    /// Whether there is something that is not saved.
    pub fn is_changed(&self) -> bool {
        self.saved != Some(self.done.len())
    }

    /// Whether something can be undone.
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    /// Whether something can be done again.
    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Undoes: the change to be made.
    pub fn undo(&mut self) -> Option<Change> {
        let change = self.done.pop()?;
        let back = change.reversed();
        self.undone.push(change);
        self.apart = true;
        Some(back)
    }

    /// Does again: the change to be made.
    pub fn redo(&mut self) -> Option<Change> {
        let change = self.undone.pop()?;
        self.done.push(change.clone());
        self.apart = true;
        Some(change)
    }

    /// Forgets the oldest changes when there are too many.
    fn shrink(&mut self) {
        let mut size: usize = self.done.iter().map(Change::size).sum();
        let mut gone = 0;
        while size > ROOM && gone + 1 < self.done.len() {
            size -= self.done[gone].size();
            gone += 1;
        }
        self.done.drain(..gone);
        self.saved = self.saved.and_then(|saved| saved.checked_sub(gone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(text: &mut String, change: &Change) {
        assert_eq!(&text[change.at..change.at + change.before.len()], change.before);
        text.replace_range(change.at..change.at + change.before.len(), &change.after);
    }

    #[test]
    fn what_differs() {
        let change = |at, before: &str, after: &str| Some(Change { at, before: before.into(), after: after.into() });
        assert_eq!(Change::between("abc", "abc"), None);
        assert_eq!(Change::between("abc", "abxc"), change(2, "", "x"));
        assert_eq!(Change::between("aaa", "aa"), change(2, "a", ""));
        assert_eq!(Change::between("", "x"), change(0, "", "x"));
        // Letters that share bytes are not torn apart.
        assert_eq!(Change::between("ä", "ö"), change(0, "ä", "ö"));
        assert_eq!(Change::between("xé", "x\u{a9}"), change(1, "é", "\u{a9}"));
    }

    #[test]
    fn a_word_is_undone_at_once() {
        let (mut history, mut text) = (History::new(), String::new());
        for character in "one two".chars() {
            let before = text.clone();
            text.push(character);
            history.add(Change::between(&before, &text).unwrap());
        }
        apply(&mut text, &history.undo().unwrap());
        assert_eq!(text, "one ");
        apply(&mut text, &history.undo().unwrap());
        assert_eq!(text, "");
        assert!(!history.can_undo() && !history.is_changed());
        apply(&mut text, &history.redo().unwrap());
        assert_eq!(text, "one ");
        assert!(history.is_changed() && history.can_redo());
    }

    #[test]
    fn what_was_saved_is_known_until_it_cannot_be_had_again() {
        let mut history = History::new();
        let typed = |at, text: &str| Change { at, before: String::new(), after: text.into() };
        history.add(typed(0, "a"));
        history.saved();
        assert!(!history.is_changed());
        history.add(typed(1, "b"));
        assert!(history.is_changed());
        history.undo();
        assert!(!history.is_changed());
        history.undo();
        assert!(history.is_changed());
        history.add(typed(0, "c"));
        history.undo();
        assert!(history.is_changed(), "the saved text is gone for good");
    }

    #[test]
    fn old_changes_are_forgotten() {
        let mut history = History::new();
        for at in 0..20 {
            history.add(Change { at, before: String::new(), after: "x".repeat(1 << 20) });
        }
        assert!(history.done.len() < 9 && history.can_undo());
        while history.undo().is_some() {}
        assert!(history.is_changed());
    }

    #[test]
    fn random_changes_come_back() {
        let mut random = 7_u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % below
        };
        let (mut history, mut text) = (History::new(), String::from("ein Anfang ä ö"));
        let mut states = vec![text.clone()];
        for _ in 0..400 {
            let places: Vec<usize> = (0..=text.len()).filter(|&at| text.is_char_boundary(at)).collect();
            let (a, b) = (places[next(places.len())], places[next(places.len())]);
            let mut new = text.clone();
            new.replace_range(a.min(b)..a.max(b), ["", "x", "é\n", " word "][next(4)]);
            if let Some(change) = Change::between(&text, &new) {
                history.part();
                history.add(change);
                text = new;
                states.push(text.clone());
            }
        }
        for state in states.iter().rev().skip(1) {
            apply(&mut text, &history.undo().unwrap());
            assert_eq!(text, *state);
        }
        for state in &states[1..] {
            apply(&mut text, &history.redo().unwrap());
            assert_eq!(text, *state);
        }
    }
}
