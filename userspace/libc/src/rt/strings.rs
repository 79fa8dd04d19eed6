//! Arguments and environment on their way to another program, and the first line of scripts.

use core::ffi::{CStr, c_char};

/// Most strings in front of a list.
const FRONT: usize = 12;

/// A list of strings.
#[derive(Clone, Copy)]
pub struct Strings<'a> {
    front: [&'a [u8]; FRONT],
    front_len: usize,
    rest: Rest<'a>,
}

#[derive(Clone, Copy)]
enum Rest<'a> {
    /// One behind the other, each ended by a NUL.
    Flat(&'a [u8]),
    /// C strings, from the one with this index on; the list ends with a null pointer.
    List(*const *const c_char, usize),
}

impl<'a> Strings<'a> {
    /// Strings one behind the other, each ended by a NUL.
    pub const fn flat(bytes: &'a [u8]) -> Self {
        Strings { front: [b""; FRONT], front_len: 0, rest: Rest::Flat(bytes) }
    }

    /// A list as `exec` gets it; null is an empty one.
    ///
    /// # Safety
    /// It ends with a null pointer, and all stays as it is while this is used.
    pub const unsafe fn list(list: *const *const c_char) -> Self {
        if list.is_null() { Self::flat(b"") } else { Strings { rest: Rest::List(list, 0), ..Self::flat(b"") } }
    }

    /// Puts strings in the place of the first one. False when that is too much.
    pub fn replace_first(&mut self, strings: &[&'a [u8]]) -> bool {
        let mut kept = self.front_len;
        match &mut self.rest {
            _ if kept > 0 => {
                self.front.copy_within(1..kept, 0);
                kept -= 1;
            }
            // SAFETY: the list was promised to end with a null pointer.
            Rest::List(list, from) => *from += usize::from(unsafe { !(*list.add(*from)).is_null() }),
            Rest::Flat(bytes) => {
                let end = bytes.iter().position(|&byte| byte == 0).map_or(bytes.len(), |end| end + 1);
                *bytes = &bytes[end..];
            }
        }
        let len = kept + strings.len();
        if len > FRONT {
            return false;
        }
        self.front.copy_within(..kept, strings.len());
        self.front[..strings.len()].copy_from_slice(strings);
        self.front_len = len;
        true
    }

    /// Calls `visit` with each string, without its end.
    pub fn each(&self, mut visit: impl FnMut(&[u8])) {
        self.front[..self.front_len].iter().for_each(|text| visit(text));
        match self.rest {
            Rest::Flat(bytes) => bytes.split_inclusive(|&byte| byte == 0).for_each(|text| {
                visit(text.strip_suffix(b"\0").unwrap_or(text));
            }),
            Rest::List(list, from) => {
                let mut index = from;
                // SAFETY: the list was promised to end with a null pointer, and to be made of C strings.
                unsafe {
                    while !(*list.add(index)).is_null() {
                        visit(CStr::from_ptr(*list.add(index)).to_bytes());
                        index += 1;
                    }
                }
            }
        }
    }

    /// How many there are, and their bytes with the ends.
    pub fn measure(&self) -> (usize, usize) {
        let (mut count, mut bytes) = (0, 0);
        self.each(|text| {
            count += 1;
            bytes += text.len() + 1;
        });
        (count, bytes)
    }
}

/// What the first line of a script says: the interpreter, and the one argument that may follow it. None when it says nothing, or
/// is cut off.
pub fn interpreter(front: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let rest = front.strip_prefix(b"#!")?;
    let line = &rest[..rest.iter().position(|&byte| byte == b'\n')?];
    let line = line.trim_ascii();
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let argument = line[end..].trim_ascii_start();
    (end > 0).then(|| (&line[..end], (!argument.is_empty()).then_some(argument)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(strings: &Strings<'_>) -> Vec<String> {
        let mut all = Vec::new();
        strings.each(|text| all.push(String::from_utf8_lossy(text).into_owned()));
        let bytes = all.iter().map(|text| text.len() + 1).sum();
        assert_eq!(strings.measure(), (all.len(), bytes));
        all
    }

    #[test]
    fn lists_of_both_kinds() {
        assert_eq!(all(&Strings::flat(b"")), [""; 0]);
        assert_eq!(all(&Strings::flat(b"a\0\0bc\0")), ["a", "", "bc"]);
        let list = [c"x".as_ptr(), c"".as_ptr(), c"yz".as_ptr(), core::ptr::null()];
        // SAFETY: a list with its end.
        let strings = unsafe { Strings::list(list.as_ptr()) };
        assert_eq!(all(&strings), ["x", "", "yz"]);
        // SAFETY: null is an empty list.
        assert_eq!(all(&unsafe { Strings::list(core::ptr::null()) }), [""; 0]);
    }

    #[test]
    fn an_interpreter_takes_the_place_of_the_first() {
        let list = [c"script".as_ptr(), c"-x".as_ptr(), core::ptr::null()];
        // SAFETY: a list with its end.
        let mut strings = unsafe { Strings::list(list.as_ptr()) };
        assert!(strings.replace_first(&[b"/tmp/inner", b"/tmp/outer"]));
        assert_eq!(all(&strings), ["/tmp/inner", "/tmp/outer", "-x"]);
        // The interpreter is a script itself, with an argument.
        assert!(strings.replace_first(&[b"/bin/sh", b"-e", b"/tmp/inner"]));
        assert_eq!(all(&strings), ["/bin/sh", "-e", "/tmp/inner", "/tmp/outer", "-x"]);
        while strings.replace_first(&[b"/bin/deeper", b"-x", b"-y"]) {}
        let empty = [core::ptr::null()];
        // SAFETY: as above.
        let mut strings = unsafe { Strings::list(empty.as_ptr()) };
        assert!(strings.replace_first(&[b"/bin/sh"]));
        assert_eq!(all(&strings), ["/bin/sh"]);
        let mut strings = Strings::flat(b"a\0b\0");
        assert!(strings.replace_first(&[b"x", b"y"]));
        assert_eq!(all(&strings), ["x", "y", "b"]);
    }

    #[test]
    fn first_lines_of_scripts() {
        assert_eq!(interpreter(b"#!/bin/sh\n"), Some((&b"/bin/sh"[..], None)));
        assert_eq!(interpreter(b"#! /bin/sh -e -x \nrest"), Some((&b"/bin/sh"[..], Some(&b"-e -x"[..]))));
        assert_eq!(interpreter(b"#!\t/usr/bin/env\tlua\r\n"), Some((&b"/usr/bin/env"[..], Some(&b"lua"[..]))));
        for wrong in [&b""[..], b"#", b"#!", b"#!\n", b"#!  \n", b"#!/bin/sh", b"\x7fELF", b"# !/bin/sh\n"] {
            assert_eq!(interpreter(wrong), None);
        }
    }
}
