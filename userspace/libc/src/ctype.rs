//! `ctype.h`, and the same of `wctype.h`. Bytes beyond ASCII belong to no class; wide characters are Unicode's.

use libc::c_int;

/// A function that tells whether a byte is in a class, and its wide sister.
macro_rules! class {
    ($($byte:ident $wide:ident: $test:expr, $wide_test:expr;)*) => {$(
        #[doc = concat!("`", stringify!($byte), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $byte(byte: c_int) -> c_int {
            let test: fn(&u8) -> bool = $test;
            c_int::from(u8::try_from(byte).is_ok_and(|byte| test(&byte)))
        }

        #[doc = concat!("`", stringify!($wide), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $wide(wide: u32) -> c_int {
            let test: fn(char) -> bool = $wide_test;
            c_int::from(char::from_u32(wide).is_some_and(test))
        }
    )*};
}

/// Whether a wide character is to be seen, or a space.
fn prints(wide: char) -> bool {
    !wide.is_control() && !matches!(wide, '\u{2028}' | '\u{2029}')
}

class! {
    isalnum iswalnum: u8::is_ascii_alphanumeric, char::is_alphanumeric;
    isalpha iswalpha: u8::is_ascii_alphabetic, char::is_alphabetic;
    isblank iswblank: |byte| matches!(byte, b' ' | b'\t'), |wide| wide == '\t' || wide.is_whitespace() && !wide.is_control();
    iscntrl iswcntrl: u8::is_ascii_control, |wide| !prints(wide);
    isdigit iswdigit: u8::is_ascii_digit, |wide| wide.is_ascii_digit();
    isgraph iswgraph: u8::is_ascii_graphic, |wide| prints(wide) && !wide.is_whitespace();
    islower iswlower: u8::is_ascii_lowercase, char::is_lowercase;
    isprint iswprint: |byte| byte.is_ascii_graphic() || *byte == b' ', prints;
    ispunct iswpunct: u8::is_ascii_punctuation, |wide| prints(wide) && !wide.is_whitespace() && !wide.is_alphanumeric();
    isspace iswspace: |byte| crate::text::integer::is_space(*byte), char::is_whitespace;
    isupper iswupper: u8::is_ascii_uppercase, char::is_uppercase;
    isxdigit iswxdigit: u8::is_ascii_hexdigit, |wide| wide.is_ascii_hexdigit();
}

/// `tolower`.
#[unsafe(no_mangle)]
pub extern "C" fn tolower(byte: c_int) -> c_int {
    u8::try_from(byte).map_or(byte, |byte| byte.to_ascii_lowercase().into())
}

/// `toupper`.
#[unsafe(no_mangle)]
pub extern "C" fn toupper(byte: c_int) -> c_int {
    u8::try_from(byte).map_or(byte, |byte| byte.to_ascii_uppercase().into())
}

/// The only character of a mapping; those that map to several stay as they are.
fn single(wide: u32, mut mapping: impl Iterator<Item = char>) -> u32 {
    match (mapping.next(), mapping.next()) {
        (Some(character), None) => character.into(),
        _ => wide,
    }
}

/// `towlower`.
#[unsafe(no_mangle)]
pub extern "C" fn towlower(wide: u32) -> u32 {
    char::from_u32(wide).map_or(wide, |character| single(wide, character.to_lowercase()))
}

/// `towupper`.
#[unsafe(no_mangle)]
pub extern "C" fn towupper(wide: u32) -> u32 {
    char::from_u32(wide).map_or(wide, |character| single(wide, character.to_uppercase()))
}

/// `isascii`.
#[unsafe(no_mangle)]
pub extern "C" fn isascii(byte: c_int) -> c_int {
    c_int::from((0..128).contains(&byte))
}

/// `toascii`.
#[unsafe(no_mangle)]
pub extern "C" fn toascii(byte: c_int) -> c_int {
    byte & 127
}
