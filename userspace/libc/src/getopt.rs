//! `getopt.h`: options of a command line. GNU's order: what is no option moves to the end, unless `POSIXLY_CORRECT` is in
//! the environment or the list of letters begins with `+`.

use core::cell::UnsafeCell;
use core::ptr::null_mut;

use libc::{c_char, c_int};

use crate::stdio::file;
use crate::string::{bytes, strlen};

/// The argument of an option.
#[unsafe(no_mangle)]
pub static mut optarg: *mut c_char = null_mut();
/// Index of the next argument.
#[unsafe(no_mangle)]
pub static mut optind: c_int = 1;
/// Whether complaints are printed.
#[unsafe(no_mangle)]
pub static mut opterr: c_int = 1;
/// The letter that was complained about.
#[unsafe(no_mangle)]
pub static mut optopt: c_int = 0;

/// A long option (`struct option`).
#[repr(C)]
pub struct LongOption {
    name: *const c_char,
    has_arg: c_int,
    flag: *mut c_int,
    value: c_int,
}

const REQUIRED: c_int = 1;
const OPTIONAL: c_int = 2;

/// Where the letters of the current argument go on.
struct Place(UnsafeCell<*mut c_char>);

// SAFETY: the variables that C defines for this leave no way to use it from two threads.
unsafe impl Sync for Place {}

static PLACE: Place = Place(UnsafeCell::new(null_mut()));

/// One call.
struct Call {
    argc: c_int,
    argv: *mut *mut c_char,
    letters: &'static [u8],
    silent: bool,
    /// What is no option: 0 moved to the end, 1 ends the options, 2 is an option with the letter 1.
    order: u8,
    long: *const LongOption,
    index: *mut c_int,
    /// One dash is enough for a long option.
    only: bool,
}

/// Complains: the name of the program, and what is wrong with which option.
unsafe fn complain(call: &Call, what: &str, option: &[u8]) {
    // SAFETY: the program's own variables and arguments.
    unsafe {
        if opterr == 0 || call.silent {
            return;
        }
        let name = file::block((*call.argv).cast(), strlen(*call.argv));
        file::error().with(|inner| {
            for part in [name, b": ", what.as_bytes(), b" -- '", option, b"'\n"] {
                // Whoever cannot write there cannot complain either.
                let _ = inner.stream.write(&mut inner.target, part);
            }
        });
    }
}

impl Call {
    /// The argument at an index, if there is one.
    unsafe fn argument(&self, index: c_int) -> *mut c_char {
        // SAFETY: C demands `argc` arguments.
        if index < self.argc { unsafe { *self.argv.add(index as usize) } } else { null_mut() }
    }

    unsafe fn is_option(&self, index: c_int) -> bool {
        // SAFETY: as above.
        unsafe {
            let text = self.argument(index);
            !text.is_null() && *text as u8 == b'-' && *text.add(1) != 0
        }
    }

    /// Index of the next option; `None` when there is none.
    unsafe fn next_option(&self) -> Option<c_int> {
        // SAFETY: the arguments and variables of C.
        unsafe { (optind..self.argc).take_while(|&at| !self.argument(at).is_null()).find(|&at| self.is_option(at)) }
    }

    /// Takes the next argument as that of the option.
    unsafe fn take_argument(&self) -> bool {
        // SAFETY: the arguments and variables of C.
        unsafe {
            let text = self.argument(optind);
            if text.is_null() {
                return false;
            }
            optarg = text;
            optind += 1;
            true
        }
    }
}

/// `getopt`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getopt(argc: c_int, argv: *const *mut c_char, letters: *const c_char) -> c_int {
    // SAFETY: as for `getopt_long`.
    unsafe { run(argc, argv, letters, core::ptr::null(), null_mut(), false) }
}

/// `getopt_long`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getopt_long(
    argc: c_int,
    argv: *const *mut c_char,
    letters: *const c_char,
    long: *const LongOption,
    index: *mut c_int,
) -> c_int {
    // SAFETY: C demands the arguments, the letters, and a list that ends with zeros.
    unsafe { run(argc, argv, letters, long, index, false) }
}

/// `getopt_long_only`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getopt_long_only(
    argc: c_int,
    argv: *const *mut c_char,
    letters: *const c_char,
    long: *const LongOption,
    index: *mut c_int,
) -> c_int {
    // SAFETY: as for `getopt_long`.
    unsafe { run(argc, argv, letters, long, index, true) }
}

unsafe fn run(
    argc: c_int,
    argv: *const *mut c_char,
    letters: *const c_char,
    long: *const LongOption,
    index: *mut c_int,
    only: bool,
) -> c_int {
    // SAFETY: as for `getopt_long`.
    unsafe {
        if optind == 0 {
            // GNU's way to begin anew.
            (optind, *PLACE.0.get()) = (1, null_mut());
        }
        let mut letters: &'static [u8] = bytes(letters).unwrap_or(b"");
        let strict = !crate::stdlib::getenv(c"POSIXLY_CORRECT".as_ptr()).is_null();
        let order = match letters.first() {
            Some(b'+') => 1,
            Some(b'-') => 2,
            _ => u8::from(strict),
        };
        if matches!(letters.first(), Some(b'+' | b'-')) {
            letters = &letters[1..];
        }
        let silent = letters.first() == Some(&b':');
        let call = Call { argc, argv: argv.cast_mut(), letters, silent, order, long, index, only };
        optarg = null_mut();
        let first = optind;
        if order == 0 {
            let Some(at) = call.next_option() else { return -1 };
            optind = at;
        }
        let (at, place) = (optind, *PLACE.0.get());
        let answer = if place.is_null() { start(&call) } else { letter(&call, place) };
        // What was passed over moves behind what was used.
        if at > first {
            let used = (optind - at) as usize;
            let part = core::slice::from_raw_parts_mut(call.argv.add(first as usize), (optind - first) as usize);
            part.rotate_right(used);
            optind = first + used as c_int;
        }
        answer
    }
}

/// Begins with the next argument.
unsafe fn start(call: &Call) -> c_int {
    // SAFETY: as for `getopt_long`.
    unsafe {
        let here = call.argument(optind);
        if call.order == 2 && !here.is_null() && !call.is_option(optind) {
            optarg = here;
            optind += 1;
            return 1;
        }
        if !call.is_option(optind) {
            return -1;
        }
        let text = here;
        let all = bytes(text).unwrap_or(b"");
        if all == b"--" {
            optind += 1;
            return -1;
        }
        if !call.long.is_null() && (all.starts_with(b"--") || call.only) {
            let dashes = if all.starts_with(b"--") { 2 } else { 1 };
            if let Some(answer) = long_option(call, text.add(dashes), dashes == 2) {
                return answer;
            }
        }
        letter(call, text.add(1))
    }
}

/// One letter of an argument.
unsafe fn letter(call: &Call, at: *mut c_char) -> c_int {
    // SAFETY: as for `getopt_long`.
    unsafe {
        let letter = *at as u8;
        let rest = at.add(1);
        let last = *rest == 0;
        if last {
            optind += 1;
        }
        *PLACE.0.get() = if last { null_mut() } else { rest };
        let found = call.letters.iter().position(|&each| each == letter && each != b':');
        let Some(found) = found else {
            optopt = c_int::from(letter);
            complain(call, "unrecognized option", &[letter]);
            return c_int::from(b'?');
        };
        let colons = call.letters[found + 1..].iter().take_while(|&&each| each == b':').count();
        if colons == 0 {
            return c_int::from(letter);
        }
        if !last {
            optarg = rest;
            optind += 1;
            *PLACE.0.get() = null_mut();
        } else if colons == 1 && !call.take_argument() {
            optopt = c_int::from(letter);
            complain(call, "option requires an argument", &[letter]);
            return c_int::from(if call.silent { b':' } else { b'?' });
        }
        c_int::from(letter)
    }
}

/// Which long option a name means: exactly, or by a beginning that no other has.
unsafe fn find(call: &Call, name: &[u8]) -> Result<Option<usize>, ()> {
    let (mut found, mut ambiguous) = (None, false);
    // SAFETY: the list ends with a null name.
    unsafe {
        for index in 0.. {
            let option = &*call.long.add(index);
            if option.name.is_null() {
                break;
            }
            let full = bytes(option.name).unwrap_or(b"");
            if full == name {
                return Ok(Some(index));
            }
            if full.starts_with(name) {
                let same = |other: usize| {
                    let other = &*call.long.add(other);
                    other.has_arg == option.has_arg && other.flag == option.flag && other.value == option.value
                };
                ambiguous |= found.is_some_and(|other| !same(other));
                found = found.or(Some(index));
            }
        }
    }
    if ambiguous { Err(()) } else { Ok(found) }
}

/// A long option; `None` when it may still be letters (with one dash).
unsafe fn long_option(call: &Call, text: *mut c_char, certain: bool) -> Option<c_int> {
    // SAFETY: as for `getopt_long`.
    unsafe {
        let all = bytes(text).unwrap_or(b"");
        let end = all.iter().position(|&byte| byte == b'=').unwrap_or(all.len());
        let name = &all[..end];
        let found = find(call, name);
        if let Ok(None) = found
            && !certain
            && call.letters.contains(all.first()?)
        {
            return None;
        }
        optind += 1;
        let Ok(Some(index)) = found else {
            optopt = 0;
            complain(call, if found.is_err() { "ambiguous option" } else { "unrecognized option" }, name);
            return Some(c_int::from(b'?'));
        };
        let option = &*call.long.add(index);
        let missing = match (end < all.len(), option.has_arg) {
            (true, REQUIRED | OPTIONAL) => {
                optarg = text.add(end + 1);
                None
            }
            (true, _) => Some("option takes no argument"),
            (false, REQUIRED) => (!call.take_argument()).then_some("option requires an argument"),
            (false, _) => None,
        };
        if let Some(what) = missing {
            optopt = option.value;
            complain(call, what, name);
            let letter = if call.silent && option.has_arg == REQUIRED { b':' } else { b'?' };
            return Some(c_int::from(letter));
        }
        if !call.index.is_null() {
            *call.index = index as c_int;
        }
        if option.flag.is_null() {
            return Some(option.value);
        }
        *option.flag = option.value;
        Some(0)
    }
}

/// `getsubopt`: one of `name,name=value,…` at a time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getsubopt(
    option: *mut *mut c_char,
    tokens: *const *mut c_char,
    value: *mut *mut c_char,
) -> c_int {
    // SAFETY: POSIX demands a C string that may be changed, a list that ends with a null pointer, and a place.
    unsafe {
        let start = *option;
        let all = bytes(start).unwrap_or(b"");
        let end = all.iter().position(|&byte| byte == b',').unwrap_or(all.len());
        let name = &all[..end];
        *option = start.add(if end < all.len() { end + 1 } else { end });
        let equals = name.iter().position(|&byte| byte == b'=');
        let key = &name[..equals.unwrap_or(end)];
        let index = (0..)
            .take_while(|&index| !(*tokens.add(index)).is_null())
            .find(|&index| bytes(*tokens.add(index)).is_ok_and(|token| token == key));
        *value = match (index, equals) {
            (Some(_), Some(at)) => start.add(at + 1),
            (Some(_), None) => null_mut(),
            (None, _) => start,
        };
        if end < all.len() {
            *start.add(end) = 0;
        }
        index.map_or(-1, |index| index as c_int)
    }
}
