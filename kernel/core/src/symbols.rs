//! Naming kernel addresses from the text of `kernel.sym`: one `hexaddress name` per line, ascending.

/// The symbol that `address` lies in and how far, by binary search over the lines. Lines that make no sense are skipped; a file
/// that is not sorted gives wrong names and nothing worse.
pub fn lookup(text: &[u8], address: u64) -> Option<(&str, u64)> {
    let (mut low, mut high) = (0, text.len());
    // Invariant: lines that start before `low` are at or below the address, those that start at `high` or later above.
    let mut best = None;
    while low < high {
        let (start, end) = line_around(text, low + (high - low) / 2, low);
        match parse(&text[start..end]) {
            Some((at, name)) if at <= address => {
                best = Some((name, address - at));
                low = end + 1;
            }
            Some(_) => high = start,
            None => low = end + 1,
        }
    }
    best
}

/// The line that position `at` is in, not looking before `from`: its start and its end (the newline or the end of the text).
fn line_around(text: &[u8], at: usize, from: usize) -> (usize, usize) {
    let start = text[from..at].iter().rposition(|byte| *byte == b'\n').map_or(from, |newline| from + newline + 1);
    let end = text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |newline| at + newline);
    (start, end)
}

fn parse(line: &[u8]) -> Option<(u64, &str)> {
    let line = core::str::from_utf8(line).ok()?.trim();
    let (address, name) = line.split_once(' ')?;
    Some((u64::from_str_radix(address, 16).ok()?, name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    #[test]
    fn finds_each_address_of_a_long_table() {
        let text: String = (0..1000u64).map(|n| format!("{:016x} module::function_{n}\n", 0x1000 + n * 0x10)).collect();
        for address in 0x1000..0x1000 + 1000 * 0x10 {
            let n = (address - 0x1000) / 0x10;
            let (name, offset) = lookup(text.as_bytes(), address).unwrap();
            assert_eq!((name, offset), (format!("module::function_{n}").as_str(), address % 0x10));
        }
        assert_eq!(lookup(text.as_bytes(), 0xfff), None);
        assert_eq!(lookup(text.as_bytes(), u64::MAX).unwrap().0, "module::function_999");
    }

    #[test]
    fn names_may_hold_spaces_and_the_last_newline_may_be_missing() {
        let text = b"10 <a as b>::c\n20 d";
        assert_eq!(lookup(text, 0x1f), Some(("<a as b>::c", 0xf)));
        assert_eq!(lookup(text, 0x20), Some(("d", 0)));
    }

    #[test]
    fn rubbish_is_survived() {
        assert_eq!(lookup(b"", 5), None);
        assert_eq!(lookup(b"\n\n\n", 5), None);
        assert_eq!(lookup(b"zz x\n\xff\xfe\nno", 5), None);
        assert_eq!(lookup(b"1 a\n\n\n2 b\n", 2), Some(("b", 0)));
    }
}
