//! Searching in lines.

use ochre_ui::core::text::editor::{Cursor, Position};

/// The next place behind (or before) another where a text stands, round the end. Upper case and lower case are the same.
pub fn next<L: AsRef<str>>(
    line: impl Fn(usize) -> Option<L>,
    count: usize,
    wanted: &str,
    from: Position,
    forward: bool,
) -> Option<Cursor> {
    let wanted = wanted.to_lowercase();
    if wanted.is_empty() || count == 0 {
        return None;
    }
    for step in 0..=count {
        let number = if forward { (from.line + step) % count } else { (from.line + count - step % count) % count };
        let text = line(number)?;
        let mut found = matches(text.as_ref(), &wanted);
        let start = from.column;
        // In the line of the beginning first what lies behind it, and at last what lies before.
        let hit = match (step, forward) {
            (0, true) => found.into_iter().find(|(at, _)| *at >= start),
            (0, false) => {
                found.retain(|(at, _)| *at < start);
                found.pop()
            }
            (_, true) => found.into_iter().next(),
            (_, false) => found.pop(),
        };
        if let Some((start, end)) = hit {
            let [start, end] = [start, end].map(|column| Position { line: number, column });
            return Some(Cursor { position: end, selection: Some(start) });
        }
    }
    None
}

/// How often a text stands in lines.
pub fn count<L: AsRef<str>>(lines: impl Iterator<Item = L>, wanted: &str) -> usize {
    let wanted = wanted.to_lowercase();
    if wanted.is_empty() { 0 } else { lines.map(|line| matches(line.as_ref(), &wanted).len()).sum() }
}

/// Beginnings and ends, in bytes, of a text in lower case.
pub(crate) fn matches(line: &str, wanted: &str) -> Vec<(usize, usize)> {
    if line.is_ascii() {
        let line = line.to_ascii_lowercase();
        return line.match_indices(wanted).map(|(at, text)| (at, at + text.len())).collect();
    }
    // Letters may have other lengths in lower case: each byte of it is told where it comes from.
    let (mut lower, mut places) = (String::new(), Vec::new());
    for (at, character) in line.char_indices() {
        lower.extend(character.to_lowercase());
        places.resize(lower.len(), (at, at + character.len_utf8()));
    }
    let place = |(at, text): (usize, &str)| (places[at].0, places[at + text.len() - 1].1);
    lower.match_indices(wanted).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 4] = ["Eins eins", "zwei", "", "drei EINS ÄÖ"];

    fn search(wanted: &str, line: usize, column: usize, forward: bool) -> Option<(usize, usize, usize)> {
        let found = next(|line| LINES.get(line).copied(), LINES.len(), wanted, Position { line, column }, forward)?;
        let start = found.selection?;
        assert_eq!(start.line, found.position.line);
        Some((start.line, start.column, found.position.column))
    }

    #[test]
    fn forward_and_back_and_round_the_end() {
        assert_eq!(search("eins", 0, 0, true), Some((0, 0, 4)));
        assert_eq!(search("eins", 0, 4, true), Some((0, 5, 9)));
        assert_eq!(search("eins", 0, 9, true), Some((3, 5, 9)));
        assert_eq!(search("eins", 3, 9, true), Some((0, 0, 4)));
        assert_eq!(search("eins", 0, 0, false), Some((3, 5, 9)));
        assert_eq!(search("eins", 3, 5, false), Some((0, 5, 9)));
        assert_eq!(search("ZWEI", 1, 2, true), Some((1, 0, 4)), "the only one is found again");
        assert_eq!(search("äö", 0, 0, true), Some((3, 10, 14)));
        assert_eq!(search("fehlt", 0, 0, true), None);
        assert_eq!(search("", 0, 0, true), None);
    }

    #[test]
    fn how_many() {
        assert_eq!(count(LINES.iter(), "EINS"), 3);
        assert_eq!(count(LINES.iter(), ""), 0);
        // A letter whose lower case is longer than itself.
        assert_eq!(matches("İx", "x"), [(2, 3)]);
    }
}
