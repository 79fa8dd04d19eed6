//! UTF-8 one character at a time: what the multibyte functions of C mean by "multibyte" here.

/// Most bytes of a character (`MB_LEN_MAX`).
pub const MAX: usize = 4;

/// What the beginning of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A character, and how many bytes it has.
    Character(char, usize),
    /// The beginning of a character that goes on behind the bytes.
    Incomplete,
    /// No character begins like this.
    Invalid,
}

/// Looks at the first character.
pub fn decode(bytes: &[u8]) -> Decoded {
    let Some(&first) = bytes.first() else {
        return Decoded::Incomplete;
    };
    let len = match first {
        0..0x80 => return Decoded::Character(first as char, 1),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return Decoded::Invalid,
    };
    match core::str::from_utf8(&bytes[..len.min(bytes.len())]) {
        Ok(text) => text.chars().next().map_or(Decoded::Invalid, |character| Decoded::Character(character, len)),
        Err(error) if error.error_len().is_none() => Decoded::Incomplete,
        Err(_) => Decoded::Invalid,
    }
}

/// The bytes of a wide character; `None` when it is no character.
pub fn encode(wide: i32, buffer: &mut [u8; MAX]) -> Option<&[u8]> {
    let character = u32::try_from(wide).ok().and_then(char::from_u32)?;
    Some(character.encode_utf8(buffer).as_bytes())
}
