//! Small pieces of a trace: bytes in quotes, answers, flags.

use std::fmt::Write;

use syscall::error::Error;

/// Bytes in quotes, the unprintable ones escaped; `...` behind them when there are more than `most`, or `more` says so.
pub fn quoted(bytes: &[u8], most: usize, more: bool) -> String {
    let shown = &bytes[..bytes.len().min(most)];
    let dots = if more || shown.len() < bytes.len() { "..." } else { "" };
    format!("\"{}\"{dots}", shown.escape_ascii())
}

/// The answer of a call: a number, or the error's number and text.
pub fn answer(raw: u64) -> String {
    match Error::demux(raw as usize) {
        Ok(value) if value > 0xffff => format!("{value:#x}"),
        Ok(value) => value.to_string(),
        Err(error) => format!("error {} ({})", error.errno, error.text()),
    }
}

/// A number as people write it: small ones in tens, addresses in sixteens.
pub fn number(value: u64) -> String {
    match value {
        // Negative numbers of either width, which stand for something special.
        0xffff_ffff_ffff_f000.. => (value as i64).to_string(),
        0..=0xffff => value.to_string(),
        _ => format!("{value:#x}"),
    }
}

/// Names of the bits that are set, and what is left over as a number; `0` when nothing is.
pub fn flags(value: usize, names: &[(usize, &str)]) -> String {
    let mut rest = value;
    let mut text = String::new();
    for (bits, name) in names {
        if *bits != 0 && rest & bits == *bits {
            rest &= !bits;
            let _ = write!(text, "{}{name}", if text.is_empty() { "" } else { "|" });
        }
    }
    if rest != 0 || text.is_empty() {
        let _ = write!(text, "{}{rest:#o}", if text.is_empty() { "" } else { "|" });
    }
    if value == 0 { "0".into() } else { text }
}

/// The words of eight bytes at the front of some bytes.
pub fn words<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let mut words = [0; N];
    for (word, chunk) in words.iter_mut().zip(bytes.get(..N * 8)?.chunks_exact(8)) {
        *word = u64::from_le_bytes(chunk.try_into().ok()?);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_quoted_and_cut() {
        assert_eq!(quoted(b"a\n\"\0\xff", 9, false), r#""a\n\"\x00\xff""#);
        assert_eq!(quoted(b"abc", 2, false), "\"ab\"...");
        assert_eq!(quoted(b"abc", 3, true), "\"abc\"...");
    }

    #[test]
    fn numbers_answers_and_flags() {
        assert_eq!([number(7), number(0x12345), number(u64::MAX)], ["7", "0x12345", "-1"]);
        assert_eq!(answer(3), "3");
        assert_eq!(answer(-2_i64 as u64), "error 2 (No such file or directory)");
        let names = [(3, "BOTH"), (1, "ONE"), (0, "NONE")];
        assert_eq!(
            [flags(3, &names), flags(9, &names), flags(0, &names), flags(8, &names)],
            ["BOTH", "ONE|0o10", "0", "0o10"]
        );
        assert_eq!(words::<1>(&[1, 0, 0, 0, 0, 0, 0, 1, 9]), Some([1 | 1 << 56]));
        assert_eq!(words::<2>(&[0; 15]), None);
    }
}
