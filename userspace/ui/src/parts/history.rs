//! Undoing: changes of a text as what stood where and what stands there now.

/// Most bytes of changes that are kept.
const ROOM: usize = 8 << 20;

/// A change: at a place, text became other text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The line.
    pub line: usize,
    /// The byte in it.
    pub column: usize,
    /// What stood there.
    pub before: String,
    /// What stands there now.
    pub after: String,
}

impl Change {
    /// What differs between two texts, as one change; `None` when nothing does. They may be a part of a longer text, that begins with a
    /// line of it. It begins after `limit` bytes at most: of several changes that would do, that is the one that was made.
    pub fn between(line: usize, before: &str, after: &str, limit: usize) -> Option<Self> {
        if before == after {
            return None;
        }
        let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        let mut start = same(before, after).min(limit);
        while !before.is_char_boundary(start) || !after.is_char_boundary(start) {
            start -= 1;
        }
        let (old, new) = (&before[start..], &after[start..]);
        let mut end = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
        while !old.is_char_boundary(old.len() - end) || !new.is_char_boundary(new.len() - end) {
            end -= 1;
        }
        let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
        let (line, column) = advance((line, 0), &before[..start]);
        Some(Self { line, column, before: old.to_owned(), after: new.to_owned() })
    }

    /// Where it ends: the line and the byte in it behind what stood there.
    pub fn end_before(&self) -> (usize, usize) {
        advance((self.line, self.column), &self.before)
    }

    /// The change that takes it back.
    fn reversed(&self) -> Self {
        Self { before: self.after.clone(), after: self.before.clone(), ..*self }
    }

    /// Typing goes on: one change instead of two, within a line.
    fn join(&mut self, next: &Self) -> bool {
        let one = |text: &str| text.chars().count() == 1 && text != "\n";
        if self.line != next.line || self.before.contains('\n') || self.after.contains('\n') {
            return false;
        }
        let typed = self.before.is_empty() && next.before.is_empty() && next.column == self.column + self.after.len();
        // A word and the space behind it are one step.
        let word_ends = self.after.ends_with(char::is_whitespace) && !next.after.starts_with(char::is_whitespace);
        let erases = self.after.is_empty() && next.after.is_empty() && one(&next.before);
        if typed && !word_ends && one(&next.after) {
            self.after.push_str(&next.after);
        } else if erases && next.column + next.before.len() == self.column {
            self.column = next.column;
            self.before.insert_str(0, &next.before);
        } else if erases && next.column == self.column {
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

/// A place behind a text that begins at another.
fn advance((line, column): (usize, usize), text: &str) -> (usize, usize) {
    match text.rsplit_once('\n') {
        Some((lines, last)) => (line + 1 + lines.matches('\n').count(), last.len()),
        None => (line, column + text.len()),
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

    /// The text was not saved after all.
    pub fn unsaved(&mut self) {
        self.saved = None;
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
        let lines: usize = text.split_inclusive('\n').take(change.line).map(str::len).sum();
        let at = lines + change.column;
        assert_eq!(&text[at..at + change.before.len()], change.before);
        text.replace_range(at..at + change.before.len(), &change.after);
    }

    fn change(line: usize, column: usize, before: &str, after: &str) -> Change {
        Change { line, column, before: before.into(), after: after.into() }
    }

    #[test]
    fn what_differs() {
        assert_eq!(Change::between(0, "abc", "abc", usize::MAX), None);
        assert_eq!(Change::between(0, "abc", "abxc", usize::MAX), Some(change(0, 2, "", "x")));
        assert_eq!(Change::between(0, "aaa", "aa", usize::MAX), Some(change(0, 2, "a", "")));
        assert_eq!(Change::between(4, "a\nbc\nd", "a\nbx\nd", usize::MAX), Some(change(5, 1, "c", "x")));
        // Letters that share bytes are not torn apart.
        assert_eq!(Change::between(0, "ä", "ö", usize::MAX), Some(change(0, 0, "ä", "ö")));
        assert_eq!(Change::between(0, "xé", "x\u{a9}", usize::MAX), Some(change(0, 1, "é", "\u{a9}")));
        // Typed before the same letter.
        assert_eq!(Change::between(0, "ao", "aoo", 1), Some(change(0, 1, "", "o")));
        assert_eq!(change(3, 5, "a\nb\ncd", "").end_before(), (5, 2));
        assert_eq!(change(3, 5, "ab", "").end_before(), (3, 7));
    }

    #[test]
    fn a_word_is_undone_at_once() {
        let (mut history, mut text) = (History::new(), String::new());
        for character in "one two".chars() {
            let before = text.clone();
            text.push(character);
            history.add(Change::between(0, &before, &text, usize::MAX).unwrap());
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
        let typed = |at, text: &str| change(0, at, "", text);
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
            history.add(change(at, 0, "", &"x".repeat(1 << 20)));
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
            if let Some(change) = Change::between(0, &text, &new, usize::MAX) {
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
