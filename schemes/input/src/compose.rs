//! Dead keys: a mark that is put on the next character.

use unicode_normalization::char::compose;

/// Marks, and what Unicode puts behind a letter for them.
const MARKS: [(char, char); 11] = [
    ('`', '\u{300}'),
    ('´', '\u{301}'),
    ('^', '\u{302}'),
    ('~', '\u{303}'),
    ('¯', '\u{304}'),
    ('˘', '\u{306}'),
    ('˙', '\u{307}'),
    ('¨', '\u{308}'),
    ('°', '\u{30a}'),
    ('ˇ', '\u{30c}'),
    ('¸', '\u{327}'),
];

/// What comes of a mark and the character behind it: one character where there is such a one, the mark alone before a space or the same
/// mark, else both.
pub fn put(mark: char, on: char) -> Vec<char> {
    if on == ' ' || on == mark {
        return vec![mark];
    }
    let combining = MARKS.iter().find(|(known, _)| *known == mark).map(|(_, combining)| *combining);
    match combining.and_then(|combining| compose(on, combining)) {
        Some(composed) => vec![composed],
        None => vec![mark, on],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_letters() {
        for (mark, on, composed) in [
            ('´', 'e', "é"),
            ('`', 'A', "À"),
            ('^', 'o', "ô"),
            ('¨', 'u', "ü"),
            ('~', 'n', "ñ"),
            ('^', ' ', "^"),
            ('´', '´', "´"),
            ('^', 'x', "^x"),
            ('?', 'e', "?e"),
        ] {
            assert_eq!(put(mark, on).iter().collect::<String>(), composed);
        }
    }
}
