//! A text that is edited: what iced's editor holds, and the history of changes that it has not.
//!
//! A change is found by comparing the lines that an edit can touch, before and after: the selection's, and one on each side.

use std::sync::Arc;

use ochre_ui::Content;
use ochre_ui::core::text::editor::{Action, Cursor, Edit, Position};
use ochre_ui::parts::History;
use ochre_ui::parts::history::Change;

use crate::find;

/// The text.
pub struct Document {
    content: Content,
    history: History,
}

impl Document {
    /// A text that is saved as it is.
    pub fn new(text: &str) -> Self {
        Self { content: Content::with_text(text), history: History::new() }
    }

    /// Takes another text, which is saved as it is. The same content gets it, instead of a new one: when it has been laid out once it
    /// shapes only lines that are seen, and a new one shapes all of them.
    pub fn load(&mut self, text: &str) {
        let last = self.content.line_count().saturating_sub(1);
        let end = self.content.line(last).map_or(0, |line| line.text.len());
        let start = Position { line: 0, column: 0 };
        let selection = (last > 0 || end > 0).then_some(start);
        self.content.move_to(Cursor { position: Position { line: last, column: end }, selection });
        if selection.is_some() {
            self.content.perform(Action::Edit(Edit::Delete));
        }
        self.content.perform(Action::Edit(Edit::Paste(Arc::new(text.to_owned()))));
        self.content.move_to(Cursor { position: start, selection: None });
        self.history = History::new();
    }

    /// What the widget shows.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// All of it.
    pub fn text(&self) -> String {
        self.content.text()
    }

    /// Where the cursor is.
    pub fn cursor(&self) -> Cursor {
        self.content.cursor()
    }

    /// Whether there is something that is not saved.
    pub fn is_changed(&self) -> bool {
        self.history.is_changed()
    }

    /// Whether something can be undone, and done again.
    pub fn can(&self) -> (bool, bool) {
        (self.history.can_undo(), self.history.can_redo())
    }

    /// It is saved as it is.
    pub fn saved(&mut self) {
        self.history.saved();
    }

    /// It was not saved after all.
    pub fn unsaved(&mut self) {
        self.history.unsaved();
    }

    /// Does what the widget asks for.
    pub fn perform(&mut self, action: Action) {
        if !action.is_edit() {
            // Where the cursor is put, a new step begins.
            if !matches!(action, Action::Scroll { .. } | Action::Drag(_)) {
                self.history.part();
            }
            return self.content.perform(action);
        }
        // Text from elsewhere may end its lines in other ways.
        let action = match action {
            Action::Edit(Edit::Paste(text)) if text.contains('\r') => {
                Action::Edit(Edit::Paste(Arc::new(text.replace("\r\n", "\n").replace('\r', "\n"))))
            }
            // A new line begins where the one before it does.
            Action::Edit(Edit::Enter) => Action::Edit(Edit::Paste(Arc::new(format!("\n{}", self.indent())))),
            action => action,
        };
        let cursor = self.content.cursor();
        let start = earlier(cursor.position, cursor.selection.unwrap_or(cursor.position));
        let ends = [cursor.position.line, cursor.selection.unwrap_or(cursor.position).line];
        let first = ends[0].min(ends[1]).saturating_sub(1);
        let last = (ends[0].max(ends[1]) + 2).min(self.content.line_count());
        let (before, count) = (self.lines(first, last), self.content.line_count());
        self.content.perform(action);
        let last = (last + self.content.line_count()).saturating_sub(count);
        // It begins where the selection did, or the cursor is now, at the latest.
        let start = earlier(start, self.content.cursor().position);
        let lines = before.split('\n').take(start.line.saturating_sub(first));
        let limit = lines.map(|line| line.len() + 1).sum::<usize>() + start.column;
        if let Some(change) = Change::between(first, &before, &self.lines(first, last), limit) {
            self.history.add(change);
        }
    }

    /// The room before the first letter of the line, as far as the cursor.
    fn indent(&self) -> String {
        let Position { line, column } = self.content.cursor().position;
        let text = self.content.line(line).map(|line| line.text.into_owned()).unwrap_or_default();
        text.get(..column).unwrap_or_default().chars().take_while(|letter| matches!(letter, ' ' | '\t')).collect()
    }

    /// Some lines as one text.
    fn lines(&self, first: usize, last: usize) -> String {
        let lines = (first..last).filter_map(|number| self.content.line(number));
        let lines: Vec<String> = lines.map(|line| line.text.into_owned()).collect();
        // Without an end behind the last one: where the text ends there is none.
        lines.join("\n")
    }

    /// Undoes a step.
    pub fn undo(&mut self) {
        if let Some(change) = self.history.undo() {
            self.apply(&change);
        }
    }

    /// Does a step again.
    pub fn redo(&mut self) {
        if let Some(change) = self.history.redo() {
            self.apply(&change);
        }
    }

    fn apply(&mut self, change: &Change) {
        let position = |(line, column)| Position { line, column };
        let start = position((change.line, change.column));
        let selection = (!change.before.is_empty()).then_some(start);
        self.content.move_to(Cursor { position: position(change.end_before()), selection });
        if !change.after.is_empty() {
            self.content.perform(Action::Edit(Edit::Paste(Arc::new(change.after.clone()))));
        } else if selection.is_some() {
            self.content.perform(Action::Edit(Edit::Delete));
        }
    }

    /// Selects the next place where a text stands; answers whether there is one.
    pub fn find(&mut self, wanted: &str, forward: bool, again: bool) -> bool {
        let cursor = self.content.cursor();
        let other = cursor.selection.unwrap_or(cursor.position);
        let order = |position: &Position| (position.line, position.column);
        let start = *[cursor.position, other].iter().min_by_key(|position| order(position)).unwrap_or(&other);
        let end = *[cursor.position, other].iter().max_by_key(|position| order(position)).unwrap_or(&other);
        // Going on begins behind what is selected; typing on, where it begins.
        let from = if forward && again { end } else { start };
        let line = |number| self.content.line(number).map(|line| line.text.into_owned());
        let found = find::next(line, self.content.line_count(), wanted, from, forward);
        if let Some(cursor) = found {
            self.history.part();
            self.content.move_to(cursor);
        }
        found.is_some()
    }

    /// How often a text stands in it.
    pub fn count(&self, wanted: &str) -> usize {
        find::count(self.content.lines().map(|line| line.text), wanted)
    }
}

fn earlier(a: Position, b: Position) -> Position {
    if (a.line, a.column) <= (b.line, b.column) { a } else { b }
}

#[cfg(test)]
mod tests {
    use ochre_ui::core::text::editor::Motion;

    use super::*;

    fn type_text(document: &mut Document, text: &str) {
        for character in text.chars() {
            let edit = if character == '\n' { Edit::Enter } else { Edit::Insert(character) };
            document.perform(Action::Edit(edit));
        }
    }

    #[test]
    fn typing_is_undone_by_words_and_lines() {
        ochre_ui::fonts::load();
        let mut document = Document::new("");
        type_text(&mut document, "one two\nthree");
        let mut states = Vec::new();
        while document.can().0 {
            document.undo();
            states.push(document.text());
        }
        assert_eq!(states, ["one two\n", "one two", "one ", ""]);
        while document.can().1 {
            document.redo();
        }
        assert_eq!(document.text(), "one two\nthree");
    }

    #[test]
    fn lines_are_joined_and_parted_again() {
        ochre_ui::fonts::load();
        let mut document = Document::new("a\nb\nc");
        document.content.move_to(Cursor { position: Position { line: 1, column: 0 }, selection: None });
        document.perform(Action::Edit(Edit::Backspace));
        assert_eq!(document.text(), "ab\nc");
        document.perform(Action::SelectAll);
        document.perform(Action::Edit(Edit::Paste(Arc::new("x\r\ny\rz".into()))));
        assert_eq!(document.text(), "x\ny\nz");
        document.perform(Action::Move(Motion::DocumentStart));
        document.perform(Action::Edit(Edit::Delete));
        assert_eq!(document.text(), "\ny\nz");
        for text in ["x\ny\nz", "ab\nc", "a\nb\nc"] {
            document.undo();
            assert_eq!(document.text(), text);
        }
        assert!(!document.is_changed());
    }

    #[test]
    fn a_new_line_begins_where_the_one_before_does() {
        ochre_ui::fonts::load();
        let mut document = Document::new("");
        type_text(&mut document, "  a\nb");
        assert_eq!(document.text(), "  a\n  b");
        document.perform(Action::Move(Motion::Home));
        type_text(&mut document, "\n");
        assert_eq!(document.text(), "  a\n\n  b");
    }

    #[test]
    fn random_edits_come_back() {
        ochre_ui::fonts::load();
        let mut random = 3_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut document = Document::new("Anfang\n\nmit drei Zeilen ä");
        let mut states = vec![document.text()];
        for _ in 0..300 {
            let action = match next(9) {
                0 => Action::Edit(Edit::Insert(['x', 'é', ' '][next(3) as usize])),
                1 => Action::Edit(Edit::Enter),
                2 => Action::Edit(Edit::Backspace),
                3 => Action::Edit(Edit::Delete),
                4 => Action::Edit(Edit::Paste(Arc::new(String::from("p\nä\n")))),
                5 => Action::Edit(Edit::Indent),
                6 => Action::Edit(Edit::Unindent),
                7 => Action::Select([Motion::Left, Motion::Up, Motion::WordRight, Motion::Down][next(4) as usize]),
                _ => Action::Move([Motion::DocumentStart, Motion::Right, Motion::Down, Motion::End][next(4) as usize]),
            };
            document.history.part();
            document.perform(action.clone());
            if states.last() != Some(&document.text()) {
                states.push(document.text());
            }
        }
        assert!(states.len() > 100, "hardly anything was edited");
        for state in states.iter().rev().skip(1) {
            document.undo();
            assert_eq!(document.text(), *state);
        }
        for state in &states[1..] {
            document.redo();
            assert_eq!(document.text(), *state);
        }
    }

    #[test]
    fn another_text_begins_anew() {
        ochre_ui::fonts::load();
        let mut document = Document::new("");
        for text in ["one\ntwo\n", "", "x", "\n\ny"] {
            type_text(&mut document, "z");
            document.load(text);
            assert_eq!(document.text(), text);
            assert!(!document.is_changed() && !document.can().0);
            assert_eq!(document.cursor(), Cursor { position: Position { line: 0, column: 0 }, selection: None });
        }
    }

    #[test]
    fn searching_selects() {
        ochre_ui::fonts::load();
        let mut document = Document::new("ab\nAb ab");
        let at = |document: &Document| {
            let cursor = document.cursor();
            (cursor.position.line, cursor.position.column)
        };
        assert!(document.find("a", true, false) && document.find("ab", true, false));
        assert_eq!(at(&document), (0, 2));
        assert!(document.find("ab", true, true));
        assert_eq!(at(&document), (1, 2));
        assert!(document.find("ab", false, true));
        assert_eq!(at(&document), (0, 2));
        assert!(!document.find("zz", true, true));
        assert_eq!(document.count("ab"), 3);
    }
}
