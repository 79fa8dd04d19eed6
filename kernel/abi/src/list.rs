//! Fixed-capacity containers for what is read before there is a heap: [`List`] and [`Text`].

use core::fmt;
use core::ops::{Deref, DerefMut};

/// Up to `N` values in place. It reads like a slice.
#[derive(Clone, Copy)]
pub struct List<T, const N: usize> {
    items: [T; N],
    len: usize,
}

/// The container is full; the value was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<T: Copy + Default, const N: usize> List<T, N> {
    /// Nothing yet.
    pub fn new() -> Self {
        List { items: [T::default(); N], len: 0 }
    }

    /// Puts `value` at the end.
    pub fn push(&mut self, value: T) -> Result<(), Full> {
        *self.items.get_mut(self.len).ok_or(Full)? = value;
        self.len += 1;
        Ok(())
    }

    /// Keeps the first `len` values, if there are more.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl<T, const N: usize> List<T, N> {
    /// A list of no values whose places hold `filler`; usable in constants.
    pub const fn filled_with(filler: T) -> Self
    where
        T: Copy,
    {
        List { items: [filler; N], len: 0 }
    }
}

impl<T, const N: usize> Deref for List<T, N> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.items[..self.len]
    }
}

impl<T, const N: usize> DerefMut for List<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.items[..self.len]
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Up to `N` bytes of UTF-8 text in place.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// Empty.
    pub const fn new() -> Self {
        Text { bytes: [0; N], len: 0 }
    }

    /// A copy of `bytes`: up to the first NUL, cut at `N` bytes, and where it is not UTF-8 each offending byte becomes `?`.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut text = Text::new();
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or(&[]);
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                text.push(c);
            }
            chunk.invalid().iter().for_each(|_| text.push('?'));
        }
        text
    }

    fn push(&mut self, c: char) {
        let mut buffer = [0; 4];
        let encoded = c.encode_utf8(&mut buffer).as_bytes();
        if let Some(place) = self.bytes.get_mut(self.len..self.len + encoded.len()) {
            place.copy_from_slice(encoded);
            self.len += encoded.len();
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_what_fits() {
        let mut list: List<u8, 2> = List::new();
        assert_eq!(list.push(1), Ok(()));
        assert_eq!(list.push(2), Ok(()));
        assert_eq!(list.push(3), Err(Full));
        assert_eq!(&list[..], &[1, 2]);
        list.truncate(1);
        list.truncate(5);
        assert_eq!(&list[..], &[1]);
    }

    #[test]
    fn text_is_cut_at_nul_capacity_and_whole_characters() {
        assert_eq!(Text::<8>::from_bytes(b"abc\0def").as_str(), "abc");
        assert_eq!(Text::<4>::from_bytes(b"abcdef").as_str(), "abcd");
        assert_eq!(Text::<4>::from_bytes("abc\u{e9}".as_bytes()).as_str(), "abc");
        assert_eq!(Text::<8>::from_bytes(b"a\xff\xfeb").as_str(), "a??b");
    }
}
