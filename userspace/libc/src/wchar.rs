//! `wchar.h` and the multibyte functions of `stdlib.h`. A multibyte character is one of UTF-8, a wide one a number of Unicode.

use core::cell::UnsafeCell;
use core::ptr::null_mut;

use libc::{EILSEQ, c_char, c_int, size_t, wchar_t};

use crate::errno;
use crate::text::utf8::{self, Decoded};

/// Answer for bytes that are no character.
const INVALID: size_t = size_t::MAX;
/// Answer for the beginning of a character.
const INCOMPLETE: size_t = size_t::MAX - 1;

/// What `mbstate_t` holds: the bytes of a character that has begun. All zero is the initial state.
#[repr(C)]
pub struct State {
    len: u8,
    bytes: [u8; 3],
}

/// States for calls that bring none.
struct Own(UnsafeCell<State>);

// SAFETY: C says that such calls must not run side by side.
unsafe impl Sync for Own {}

static OWN: Own = Own(UnsafeCell::new(State { len: 0, bytes: [0; 3] }));

fn invalid() -> size_t {
    errno::set(EILSEQ);
    INVALID
}

/// `mbrtowc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mbrtowc(to: *mut wchar_t, from: *const c_char, max: size_t, state: *mut State) -> size_t {
    // SAFETY: C demands a state or null, `max` bytes or a character that ends before, and null or a place.
    unsafe {
        let state = &mut *if state.is_null() { OWN.0.get() } else { state };
        if from.is_null() {
            let begun = state.len > 0;
            state.len = 0;
            return if begun { invalid() } else { 0 };
        }
        let before = usize::from(state.len).min(3);
        let mut bytes = [0; utf8::MAX];
        bytes[..before].copy_from_slice(&state.bytes[..before]);
        let mut len = before;
        while len - before < max && len < utf8::MAX {
            bytes[len] = *from.add(len - before) as u8;
            len += 1;
            match utf8::decode(&bytes[..len]) {
                Decoded::Incomplete => {}
                Decoded::Invalid => {
                    state.len = 0;
                    return invalid();
                }
                Decoded::Character(character, _) => {
                    state.len = 0;
                    if !to.is_null() {
                        *to = character as wchar_t;
                    }
                    return if character == '\0' { 0 } else { len - before };
                }
            }
        }
        state.len = len as u8;
        state.bytes.copy_from_slice(&bytes[..3]);
        INCOMPLETE
    }
}

/// `mbrlen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mbrlen(from: *const c_char, max: size_t, state: *mut State) -> size_t {
    // SAFETY: as for `mbrtowc`.
    unsafe { mbrtowc(null_mut(), from, max, state) }
}

/// `mbtowc`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mbtowc(to: *mut wchar_t, from: *const c_char, max: size_t) -> c_int {
    if from.is_null() {
        return 0;
    }
    let mut state = State { len: 0, bytes: [0; 3] };
    // SAFETY: as for `mbrtowc`.
    match unsafe { mbrtowc(to, from, max, &raw mut state) } {
        INVALID => -1,
        INCOMPLETE => errno::fail(EILSEQ),
        len => len as c_int,
    }
}

/// `mblen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mblen(from: *const c_char, max: size_t) -> c_int {
    // SAFETY: as for `mbtowc`.
    unsafe { mbtowc(null_mut(), from, max) }
}

/// `mbsinit`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mbsinit(state: *const State) -> c_int {
    // SAFETY: C demands null or a state.
    c_int::from(unsafe { state.as_ref() }.is_none_or(|state| state.len == 0))
}

/// `wcrtomb`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcrtomb(to: *mut c_char, wide: wchar_t, _state: *mut State) -> size_t {
    if to.is_null() {
        return 1;
    }
    let mut buffer = [0; utf8::MAX];
    let Some(bytes) = utf8::encode(wide, &mut buffer) else {
        return invalid();
    };
    // SAFETY: C demands `MB_CUR_MAX` bytes.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast(), bytes.len()) };
    bytes.len()
}

/// `wctomb`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wctomb(to: *mut c_char, wide: wchar_t) -> c_int {
    if to.is_null() {
        return 0;
    }
    // SAFETY: as for `wcrtomb`.
    unsafe { wcrtomb(to, wide, null_mut()) as c_int }
}

/// `mbsrtowcs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mbsrtowcs(
    to: *mut wchar_t,
    from: *mut *const c_char,
    max: size_t,
    state: *mut State,
) -> size_t {
    // SAFETY: C demands a C string, and null or the room.
    unsafe {
        let mut at = *from;
        let mut done = 0;
        while to.is_null() || done < max {
            let mut wide = 0;
            match mbrtowc(&raw mut wide, at, utf8::MAX, state) {
                INVALID => {
                    *from = at;
                    return INVALID;
                }
                0 => {
                    if !to.is_null() {
                        *to.add(done) = 0;
                        *from = core::ptr::null();
                    }
                    return done;
                }
                len => at = at.add(len),
            }
            if !to.is_null() {
                *to.add(done) = wide;
            }
            done += 1;
        }
        *from = at;
        done
    }
}

/// `mbstowcs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mbstowcs(to: *mut wchar_t, from: *const c_char, max: size_t) -> size_t {
    let (mut at, mut state) = (from, State { len: 0, bytes: [0; 3] });
    // SAFETY: as for `mbsrtowcs`.
    unsafe { mbsrtowcs(to, &raw mut at, max, &raw mut state) }
}

/// `wcsrtombs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsrtombs(
    to: *mut c_char,
    from: *mut *const wchar_t,
    max: size_t,
    _state: *mut State,
) -> size_t {
    // SAFETY: C demands a wide string, and null or the room.
    unsafe {
        let mut at = *from;
        let mut done = 0;
        loop {
            let mut buffer = [0; utf8::MAX];
            let Some(bytes) = utf8::encode(*at, &mut buffer) else {
                *from = at;
                return invalid();
            };
            if !to.is_null() {
                if done + bytes.len() > max {
                    *from = at;
                    return done;
                }
                core::ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(done).cast(), bytes.len());
            }
            if *at == 0 {
                if !to.is_null() {
                    *from = core::ptr::null();
                }
                return done;
            }
            done += bytes.len();
            at = at.add(1);
        }
    }
}

/// `wcstombs`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcstombs(to: *mut c_char, from: *const wchar_t, max: size_t) -> size_t {
    let mut at = from;
    // SAFETY: as for `wcsrtombs`.
    unsafe { wcsrtombs(to, &raw mut at, max, null_mut()) }
}

/// `btowc`.
#[unsafe(no_mangle)]
pub extern "C" fn btowc(byte: c_int) -> u32 {
    if (0..128).contains(&byte) { byte as u32 } else { u32::MAX }
}

/// `wctob`.
#[unsafe(no_mangle)]
pub extern "C" fn wctob(wide: u32) -> c_int {
    if wide < 128 { wide as c_int } else { -1 }
}

/// `wcslen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcslen(text: *const wchar_t) -> size_t {
    let mut len = 0;
    // SAFETY: the string has not ended before.
    while unsafe { *text.add(len) } != 0 {
        len += 1;
    }
    len
}

/// `wcsnlen`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsnlen(text: *const wchar_t, max: size_t) -> size_t {
    // SAFETY: the string has not ended before.
    (0..max).find(|&len| unsafe { *text.add(len) } == 0).unwrap_or(max)
}

/// `wcscpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcscpy(to: *mut wchar_t, from: *const wchar_t) -> *mut wchar_t {
    // SAFETY: C promises the room.
    unsafe { core::ptr::copy_nonoverlapping(from, to, wcslen(from) + 1) };
    to
}

/// `wcsncpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsncpy(to: *mut wchar_t, from: *const wchar_t, max: size_t) -> *mut wchar_t {
    // SAFETY: C promises `max` places, all of which are written.
    unsafe {
        let len = wcsnlen(from, max);
        core::ptr::copy_nonoverlapping(from, to, len);
        to.add(len).write_bytes(0, max - len);
    }
    to
}

/// `wcscat`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcscat(to: *mut wchar_t, from: *const wchar_t) -> *mut wchar_t {
    // SAFETY: C promises the room.
    unsafe { wcscpy(to.add(wcslen(to)), from) };
    to
}

/// `wcsncmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsncmp(a: *const wchar_t, b: *const wchar_t, max: size_t) -> c_int {
    for index in 0..max {
        // SAFETY: none of the strings has ended before.
        let (x, y) = unsafe { (*a.add(index), *b.add(index)) };
        if x != y || x == 0 {
            return x.cmp(&y) as c_int;
        }
    }
    0
}

/// `wcscmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcscmp(a: *const wchar_t, b: *const wchar_t) -> c_int {
    // SAFETY: both are wide strings.
    unsafe { wcsncmp(a, b, usize::MAX) }
}

/// `wcscoll`: strings compare as their characters' numbers do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcscoll(a: *const wchar_t, b: *const wchar_t) -> c_int {
    // SAFETY: both are wide strings.
    unsafe { wcscmp(a, b) }
}

/// `wcschr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcschr(text: *const wchar_t, wide: wchar_t) -> *mut wchar_t {
    // SAFETY: the string and its end are searched.
    unsafe { wmemchr(text, wide, wcslen(text) + 1) }
}

/// `wcsrchr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsrchr(text: *const wchar_t, wide: wchar_t) -> *mut wchar_t {
    // SAFETY: the string and its end are searched.
    unsafe {
        let all = core::slice::from_raw_parts(text, wcslen(text) + 1);
        let found = all.iter().rposition(|&each| each == wide);
        found.map_or(null_mut(), |index| text.add(index).cast_mut())
    }
}

/// `wcsstr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsstr(hay: *const wchar_t, needle: *const wchar_t) -> *mut wchar_t {
    // SAFETY: both are wide strings.
    unsafe {
        let (all, part) =
            (core::slice::from_raw_parts(hay, wcslen(hay)), core::slice::from_raw_parts(needle, wcslen(needle)));
        if part.is_empty() {
            return hay.cast_mut();
        }
        let found = all.windows(part.len()).position(|each| each == part);
        found.map_or(null_mut(), |index| hay.add(index).cast_mut())
    }
}

/// `wcsdup`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsdup(text: *const wchar_t) -> *mut wchar_t {
    // SAFETY: the new block has room for string and end.
    unsafe {
        let len = wcslen(text) + 1;
        let copy = crate::stdlib::malloc(len * size_of::<wchar_t>()).cast::<wchar_t>();
        if !copy.is_null() {
            core::ptr::copy_nonoverlapping(text, copy, len);
        }
        copy
    }
}

/// `wmemchr`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wmemchr(memory: *const wchar_t, wide: wchar_t, len: size_t) -> *mut wchar_t {
    for index in 0..len {
        // SAFETY: C promises the characters up to the one that is found.
        if unsafe { *memory.add(index) } == wide {
            return memory.wrapping_add(index).cast_mut();
        }
    }
    null_mut()
}

/// `wmemcmp`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wmemcmp(a: *const wchar_t, b: *const wchar_t, len: size_t) -> c_int {
    if len == 0 {
        return 0;
    }
    // SAFETY: C promises so many characters of both.
    unsafe { core::slice::from_raw_parts(a, len).cmp(core::slice::from_raw_parts(b, len)) as c_int }
}

/// `wmemcpy`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wmemcpy(to: *mut wchar_t, from: *const wchar_t, len: size_t) -> *mut wchar_t {
    // SAFETY: C promises room and characters.
    unsafe { core::ptr::copy_nonoverlapping(from, to, len) };
    to
}

/// `wmemmove`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wmemmove(to: *mut wchar_t, from: *const wchar_t, len: size_t) -> *mut wchar_t {
    // SAFETY: C promises room and characters.
    unsafe { core::ptr::copy(from, to, len) };
    to
}

/// `wmemset`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wmemset(to: *mut wchar_t, wide: wchar_t, len: size_t) -> *mut wchar_t {
    for index in 0..len {
        // SAFETY: C promises the room.
        unsafe { *to.add(index) = wide };
    }
    to
}

/// Columns of a character that is nothing special: combining marks have none, the wide blocks of East Asia and the
/// pictures have two.
fn columns(wide: wchar_t) -> c_int {
    match wide {
        0 => 0,
        1..0x20 | 0x7f..0xa0 => -1,
        0x300..0x370
        | 0x483..0x48a
        | 0x591..0x5be
        | 0x200b..0x2010
        | 0x20d0..0x2100
        | 0xfe00..0xfe10
        | 0xfe20..0xfe30 => 0,
        0x1100..0x1160
        | 0x2e80..0x303f
        | 0x3041..0xa4d0
        | 0xac00..0xd7a4
        | 0xf900..0xfb00
        | 0xfe30..0xfe70
        | 0xff00..0xff61
        | 0xffe0..0xffe7
        | 0x1f300..0x1f650
        | 0x1f900..0x1fa00
        | 0x20000..0x3fffe => 2,
        _ => 1,
    }
}

/// `wcwidth`: by blocks, which is right for what is in common use.
#[unsafe(no_mangle)]
pub extern "C" fn wcwidth(wide: wchar_t) -> c_int {
    columns(wide)
}

/// `wcswidth`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcswidth(text: *const wchar_t, max: size_t) -> c_int {
    let mut sum = 0;
    // SAFETY: C promises `max` characters or the end of the string before.
    for index in 0..unsafe { wcsnlen(text, max) } {
        // SAFETY: as above.
        match columns(unsafe { *text.add(index) }) {
            -1 => return -1,
            width => sum += width,
        }
    }
    sum
}

/// The text of a number in a wide string, in ASCII: what `wcstol` and its family look at.
unsafe fn number<const N: usize>(text: *const wchar_t, buffer: &mut [c_char; N]) -> (*const c_char, usize) {
    let mut skipped = 0;
    // SAFETY: the string has not ended before.
    unsafe {
        while crate::ctype::iswspace(*text.add(skipped) as u32) != 0 {
            skipped += 1;
        }
        for (index, place) in buffer[..N - 1].iter_mut().enumerate() {
            match u8::try_from(*text.add(skipped + index)) {
                Ok(byte) if byte.is_ascii() && byte != 0 => *place = byte as c_char,
                _ => break,
            }
        }
    }
    (buffer.as_ptr(), skipped)
}

/// The wide sister of a function that reads a number.
macro_rules! wide_number {
    ($($name:ident: $narrow:path => $type:ty $(, $base:ident)?;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`. Numbers of more than 1,023 characters are cut.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(text: *const wchar_t, end: *mut *mut wchar_t $(, $base: c_int)?) -> $type {
            let mut buffer = [0; 1024];
            // SAFETY: C demands a wide string, and null or a place for the end.
            unsafe {
                let (narrow, skipped) = number(text, &mut buffer);
                let mut stop = null_mut();
                let value = $narrow(narrow, &raw mut stop $(, $base)?);
                if !end.is_null() {
                    let used = stop as usize - narrow as usize;
                    *end = text.add(if used > 0 { skipped + used } else { 0 }).cast_mut();
                }
                value
            }
        }
    )*};
}

wide_number! {
    wcstol: crate::number::strtol => libc::c_long, base;
    wcstoll: crate::number::strtoll => libc::c_longlong, base;
    wcstoul: crate::number::strtoul => libc::c_ulong, base;
    wcstoull: crate::number::strtoull => libc::c_ulonglong, base;
    wcstod: crate::number::strtod => f64;
    wcstof: crate::number::strtof => f32;
}

/// `wcsspn` and `wcscspn`: characters at the start that are in a list, or are not.
unsafe fn span(text: *const wchar_t, list: *const wchar_t, inside: bool) -> size_t {
    // SAFETY: C demands wide strings.
    unsafe {
        let list = core::slice::from_raw_parts(list, wcslen(list));
        let all = core::slice::from_raw_parts(text, wcslen(text));
        all.iter().position(|wide| list.contains(wide) != inside).unwrap_or(all.len())
    }
}

/// `wcsspn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcsspn(text: *const wchar_t, list: *const wchar_t) -> size_t {
    // SAFETY: C demands wide strings.
    unsafe { span(text, list, true) }
}

/// `wcscspn`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wcscspn(text: *const wchar_t, list: *const wchar_t) -> size_t {
    // SAFETY: C demands wide strings.
    unsafe { span(text, list, false) }
}
