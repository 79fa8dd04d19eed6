//! Patterns of file names: `fnmatch`.

/// A backslash is an ordinary character.
pub const NO_ESCAPE: u32 = 2;
/// A slash is only matched by a slash.
pub const PATH_NAME: u32 = 1;
/// A leading period is only matched by a period.
pub const PERIOD: u32 = 4;
/// What follows a slash behind the match does not count.
pub const LEADING_DIR: u32 = 8;
/// Upper and lower case are the same.
pub const CASE_FOLD: u32 = 16;

/// Whether `text` matches `pattern`. Takes time in proportion to the product of their lengths at worst: only the last
/// star is ever tried again, and with [`PATH_NAME`] only within its component.
pub fn matches(pattern: &[u8], text: &[u8], flags: u32) -> bool {
    let (mut at, mut here) = (0, 0);
    // Where to go on when the last star takes one byte more.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if here == text.len() && at == pattern.len() {
            return true;
        }
        if flags & LEADING_DIR != 0 && at == pattern.len() && text.get(here) == Some(&b'/') {
            return true;
        }
        if pattern.get(at) == Some(&b'*') && !hidden(text, here, flags) {
            at += 1;
            star = Some((at, here));
            continue;
        }
        if here < text.len()
            && let Some(len) = one(&pattern[at..], text, here, flags)
        {
            (at, here) = (at + len, here + 1);
            continue;
        }
        // The last star takes one byte more, if it may.
        match star {
            Some((back, from)) if from < text.len() && !(flags & PATH_NAME != 0 && text[from] == b'/') => {
                star = Some((back, from + 1));
                (at, here) = (back, from + 1);
            }
            _ => return false,
        }
    }
}

/// Whether the byte here is a leading period that only a period matches.
fn hidden(text: &[u8], here: usize, flags: u32) -> bool {
    flags & PERIOD != 0
        && text.get(here) == Some(&b'.')
        && (here == 0 || flags & PATH_NAME != 0 && text[here - 1] == b'/')
}

fn fold(byte: u8, flags: u32) -> u8 {
    if flags & CASE_FOLD != 0 { byte.to_ascii_lowercase() } else { byte }
}

/// Whether the first element of the pattern (no star) matches the byte here; answers the element's length.
fn one(pattern: &[u8], text: &[u8], here: usize, flags: u32) -> Option<usize> {
    let byte = text[here];
    let special = flags & PATH_NAME != 0 && byte == b'/' || hidden(text, here, flags);
    match *pattern.first()? {
        b'?' => (!special).then_some(1),
        b'[' => match bracket(pattern, byte, flags) {
            Some((matched, len)) => (matched && !special).then_some(len),
            // A bracket that never closes is a character.
            None => (byte == b'[').then_some(1),
        },
        b'\\' if flags & NO_ESCAPE == 0 && pattern.len() > 1 => {
            (fold(pattern[1], flags) == fold(byte, flags)).then_some(2)
        }
        b'*' => None,
        other => (fold(other, flags) == fold(byte, flags)).then_some(1),
    }
}

/// Whether a bracket expression matches a byte, and its length; `None` when it does not close.
fn bracket(pattern: &[u8], byte: u8, flags: u32) -> Option<(bool, usize)> {
    let mut index = 1;
    let negated = matches!(pattern.get(index), Some(b'!' | b'^'));
    index += usize::from(negated);
    let first = index;
    let mut matched = false;
    loop {
        match *pattern.get(index)? {
            b']' if index > first => return Some((matched != negated, index + 1)),
            b'/' if flags & PATH_NAME != 0 => return None,
            b'[' if pattern.get(index + 1) == Some(&b':') => {
                let end = pattern[index..].windows(2).position(|pair| pair == b":]")? + index;
                matched |= class(pattern.get(index + 2..end)?, byte);
                index = end + 2;
            }
            _ => {
                let (low, next) = element(pattern, index, flags)?;
                index = next;
                let mut high = low;
                if pattern.get(index) == Some(&b'-') && pattern.get(index + 1).is_some_and(|&byte| byte != b']') {
                    (high, index) = element(pattern, index + 1, flags)?;
                }
                let within = |byte: u8| (low..=high).contains(&byte);
                let folded = flags & CASE_FOLD != 0;
                matched |=
                    within(byte) || folded && (within(byte.to_ascii_lowercase()) || within(byte.to_ascii_uppercase()));
            }
        }
    }
}

/// One end of a range: a byte, an escaped byte, or a collating symbol or equivalence class of one byte.
fn element(pattern: &[u8], index: usize, flags: u32) -> Option<(u8, usize)> {
    match pattern.get(index..)? {
        [b'[', mark @ (b'.' | b'='), byte, close, b']', ..] if close == mark => Some((*byte, index + 5)),
        [b'\\', byte, ..] if flags & NO_ESCAPE == 0 => Some((*byte, index + 2)),
        [byte, ..] => Some((*byte, index + 1)),
        [] => None,
    }
}

/// The classes of `ctype.h`, for bytes.
fn class(name: &[u8], byte: u8) -> bool {
    match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => super::integer::is_space(byte),
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => false,
    }
}
