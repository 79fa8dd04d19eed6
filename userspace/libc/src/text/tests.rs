//! Our numbers, formats, patterns and sorting against those of the build host's C library, over random cases.

use core::ffi::{CStr, c_char, c_int, c_void};
use std::ffi::CString;

use super::format::{Arguments, Failure, Sink};
use super::scan::Input;
use super::{float, fnmatch, format, integer, scan, sort, utf8};

/// Random numbers that are the same every time (xorshift64*).
pub struct Random(pub u64);

impl Random {
    /// The next.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// A number with many or few bits.
    fn number(&mut self) -> u64 {
        let bits = self.below(64);
        self.next() >> bits
    }

    /// A float of any size.
    fn float(&mut self) -> f64 {
        match self.below(6) {
            0 => f64::from_bits(self.next()),
            1 => (self.below(20_001) as f64 - 10_000.0) / self.pick(&[1.0, 2.0, 4.0, 8.0, 10.0, 1000.0]),
            2 => self.pick(&[
                0.0,
                -0.0,
                1.0,
                0.5,
                1.5,
                2.5,
                9.5,
                99.5,
                0.05,
                1e15,
                1e16,
                5e-324,
                f64::MAX,
                f64::MIN_POSITIVE,
            ]),
            3 => self.pick(&[f64::INFINITY, f64::NEG_INFINITY, f64::NAN]),
            _ => f64::from_bits((self.next() & !(0x7ff << 52)) | ((1023 - 60 + self.below(120) as u64) << 52)),
        }
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Arguments from a list.
#[derive(Clone, Default)]
struct List {
    words: std::collections::VecDeque<u64>,
    reals: std::collections::VecDeque<f64>,
}

impl Arguments for List {
    fn int(&mut self) -> i32 {
        self.words.pop_front().unwrap() as i32
    }
    fn long(&mut self) -> u64 {
        self.words.pop_front().unwrap()
    }
    fn double(&mut self) -> f64 {
        self.reals.pop_front().unwrap()
    }
    fn long_double(&mut self) -> f64 {
        self.double()
    }
    fn message(&mut self) -> &'static str {
        "message"
    }
}

fn ours(text: &str, words: &[u64], reals: &[f64]) -> Result<String, Failure> {
    let mut list = List { words: words.iter().copied().collect(), reals: reals.iter().copied().collect() };
    let mut sink = Vec::new();
    // SAFETY: the tests pass strings where their formats say so.
    let count = unsafe { format::format(&mut sink, text.as_bytes(), &mut list)? };
    assert_eq!(count, sink.len());
    Ok(String::from_utf8(sink).unwrap())
}

/// What the host makes of up to three words and one float. Registers hold them apart, so the order between does not matter.
fn theirs(text: &str, words: [u64; 3], real: f64) -> String {
    let mut buffer = vec![0_u8; 8192];
    let text = CString::new(text).unwrap();
    // SAFETY: the buffer has the size that is given; the arguments are as the format says.
    let count = unsafe {
        libc::snprintf(buffer.as_mut_ptr().cast(), buffer.len(), text.as_ptr(), words[0], words[1], words[2], real)
    };
    buffer.truncate(count as usize);
    String::from_utf8(buffer).unwrap()
}

fn conversion(random: &mut Random, letters: &[&str]) -> (String, Vec<u64>) {
    let mut text = String::from("%");
    let mut words = Vec::new();
    for flag in ["-", "0", "+", " ", "#"] {
        if random.below(4) == 0 {
            text += flag;
        }
    }
    for (chance, mark) in [(3, ""), (3, ".")] {
        match random.below(chance + 2) {
            0 => text += &format!("{mark}{}", random.below(30)),
            1 => {
                text += &format!("{mark}*");
                words.push((random.below(30) as i64 - if mark.is_empty() { 10 } else { 2 }) as u64);
            }
            _ => {}
        }
    }
    text += random.pick(letters);
    (text, words)
}

#[test]
fn integers_are_printed_as_the_host_prints_them() {
    let mut random = Random(1);
    let letters =
        ["d", "i", "u", "o", "x", "X", "hhd", "hd", "ld", "lld", "jd", "zu", "hhu", "hx", "lx", "llo", "tX", "p", "c"];
    for _ in 0..20_000 {
        let (text, mut words) = conversion(&mut random, &letters);
        words.push(if text.ends_with('c') { 33 + random.below(90) as u64 } else { random.number() });
        words.resize(3, 0);
        // Flags that C leaves undefined with these letters.
        if text.ends_with('p') && text.contains(['0', '+', ' ', '#', '.'])
            || text.ends_with('c') && text.contains(['0', '.', '#'])
        {
            continue;
        }
        let expected = theirs(&text, [words[0], words[1], words[2]], 0.0);
        assert_eq!(ours(&text, &words, &[]), Ok(expected), "{text} {words:?}");
    }
}

#[test]
fn floats_are_printed_as_the_host_prints_them() {
    let mut random = Random(2);
    for _ in 0..60_000 {
        let (text, mut words) = conversion(&mut random, &["e", "f", "g", "a", "E", "F", "G", "A"]);
        let value = random.float();
        words.resize(3, 0);
        // The host forgets a zero of `%#g` where rounding makes one digit more.
        if text.contains('#') && text.to_lowercase().ends_with('g') {
            continue;
        }
        let expected = theirs(&text, [words[0], words[1], words[2]], value);
        assert_eq!(ours(&text, &words, &[value]), Ok(expected), "{text} {words:?} {value:e}");
    }
    for (text, value) in
        [("%.1500f", 1e-300), ("%.1200e", 5e-324), ("%.0f", 1e308), ("%#.1300g", 0.1), ("%.1400a", 1.1)]
    {
        assert_eq!(ours(text, &[], &[value]), Ok(theirs(text, [0; 3], value)), "{text}");
    }
    assert_eq!(ours("%#.3g %#g %#.0e %#.2G", &[], &[1.0, 1.0, 1.0, 99.5]), Ok("1.00 1.00000 1.e+00 1.0E+02".into()));
}

#[test]
fn strings_are_printed_as_the_host_prints_them() {
    let mut random = Random(3);
    let words = ["", "a", "ochre", "a longer text with spaces"].map(|text| CString::new(text).unwrap());
    for _ in 0..2000 {
        let (text, mut arguments) = conversion(&mut random, &["s"]);
        if text.contains(['0', '#', '+']) {
            continue;
        }
        let index = random.below(words.len());
        arguments.push(words[index].as_ptr() as u64);
        arguments.resize(3, 0);
        let expected = theirs(&text, [arguments[0], arguments[1], arguments[2]], 0.0);
        assert_eq!(ours(&text, &arguments, &[]), Ok(expected), "{text}");
    }
    let wide = ['p' as i32, 'ä' as i32, '€' as i32, '😀' as i32, 0];
    assert_eq!(ours("[%ls|%.4ls|%7.5ls]", &[wide.as_ptr() as u64; 3], &[]), Ok("[pä€😀|pä|    pä]".into()));
    assert_eq!(ours("%lc%lc", &['ß' as u64, '😀' as u64], &[]), Ok("ß😀".into()));
    assert_eq!(ours("%lc", &[0xd800], &[]), Err(Failure::Character));
}

#[test]
fn formats_are_strange() {
    assert_eq!(ours("%2$d %1$s %2$d", &[c"x".as_ptr() as u64, 7], &[]), Ok("7 x 7".into()));
    assert_eq!(ours("%2$*1$d|%3$.*1$f", &[4, 7], &[1.0]), Ok("   7|1.0000".into()));
    assert_eq!(ours("100%% %m%5m.", &[], &[]), Ok("100% messagemessage.".into()));
    assert_eq!(ours("%b %#B", &[5, 6], &[]), Ok("101 0B110".into()));
    for bad in ["%n", "%", "%l", "%y", "%99$d", "%-"] {
        assert_eq!(ours(bad, &[0; 4], &[]), Err(Failure::Format), "{bad}");
    }
    assert_eq!(ours("%2147483648d", &[1], &[]), Err(Failure::Overflow));
    assert_eq!(ours("%*d", &[i32::MIN as u64, 1], &[]), Err(Failure::Overflow));
}

/// Random text that looks like a number.
fn numeric(random: &mut Random, letters: &[u8]) -> CString {
    let text: Vec<u8> = (0..random.below(24)).map(|_| random.pick(letters)).collect();
    CString::new(text).unwrap()
}

#[test]
fn integers_are_read_as_the_host_reads_them() {
    let mut random = Random(4);
    for _ in 0..50_000 {
        let text = numeric(&mut random, b"  -+00x12345678999abcdefzZ");
        // Bases 0, 2 and 36 differ between hosts in what prefixes they know.
        let base = random.pick(&[8, 10, 16, 3, 35]);
        let bytes = text.as_bytes();
        let parsed = integer::parse(|index| bytes.get(index).copied().unwrap_or(0), base).unwrap();
        let mut end: *mut c_char = core::ptr::null_mut();
        // SAFETY: a C string and a place for the end.
        let (signed, unsigned) = unsafe {
            let signed = libc::strtol(text.as_ptr(), &raw mut end, base);
            (signed, libc::strtoul(text.as_ptr(), core::ptr::null_mut(), base))
        };
        assert_eq!(parsed.len, end as usize - text.as_ptr() as usize, "{text:?} {base}");
        assert_eq!((parsed.signed().0, parsed.unsigned().0), (signed, unsigned), "{text:?} {base}");
    }
    assert_eq!(integer::parse(|_| 0, 1), None);
    assert_eq!(integer::parse(|_| 0, 37), None);
}

#[test]
fn floats_are_read_as_the_host_reads_them() {
    let mut random = Random(5);
    for round in 0..60_000 {
        let text = match round % 3 {
            0 => numeric(&mut random, b" -+001234567899...eEinfa"),
            1 => CString::new(format!(
                "0x{}p{}",
                numeric(&mut random, b"012789abcdef.").to_str().unwrap(),
                random.below(2400) as i64 - 1200
            ))
            .unwrap(),
            _ => CString::new(format!("{:e}", random.float())).unwrap(),
        };
        let parsed = float::parse_slice::<f64>(text.as_bytes());
        let single = float::parse_slice::<f32>(text.as_bytes());
        let mut end: *mut c_char = core::ptr::null_mut();
        // SAFETY: a C string and a place for the end.
        let (double, float) =
            unsafe { (libc::strtod(text.as_ptr(), &raw mut end), libc::strtof(text.as_ptr(), core::ptr::null_mut())) };
        assert_eq!(parsed.len, end as usize - text.as_ptr() as usize, "{text:?}");
        if double.is_nan() {
            assert!(parsed.value.is_nan() && single.value.is_nan(), "{text:?}");
            continue;
        }
        assert_eq!(parsed.value.to_bits(), double.to_bits(), "{text:?}");
        assert_eq!(single.value.to_bits(), float.to_bits(), "{text:?}");
    }
    for (text, range) in [
        ("1e400", true),
        ("1e-400", true),
        ("0e-400", false),
        ("inf", false),
        ("0x1p-1075", true),
        ("0x1p-1074", false),
    ] {
        assert_eq!(float::parse_slice::<f64>(text.as_bytes()).range, range, "{text}");
    }
}

#[test]
fn patterns_match_as_the_host_matches() {
    let mut random = Random(6);
    let mut matched = 0;
    for _ in 0..200_000 {
        let pattern: Vec<u8> = (0..random.below(8)).map(|_| random.pick(b"aab.**??[]!-/\\")).collect();
        let text: Vec<u8> = (0..random.below(6)).map(|_| random.pick(b"aaAb../]-")).collect();
        // A bracket with a slash or an escape inside, or one that never closes, is decided differently everywhere.
        if pattern.contains(&b'[')
            && (pattern.iter().any(|byte| b"/\\".contains(byte))
                || !pattern.contains(&b']')
                || pattern.iter().filter(|&&byte| byte == b'[').count() > 1)
            || pattern.ends_with(b"\\")
        {
            continue;
        }
        let mut flags = 0;
        let mut host = 0;
        let all = [
            (fnmatch::NO_ESCAPE, libc::FNM_NOESCAPE),
            (fnmatch::PATH_NAME, libc::FNM_PATHNAME),
            (fnmatch::PERIOD, libc::FNM_PERIOD),
            (fnmatch::CASE_FOLD, libc::FNM_CASEFOLD),
        ];
        for (ours, theirs) in all {
            if random.below(3) == 0 {
                (flags, host) = (flags | ours, host | theirs);
            }
        }
        let (p, t) = (CString::new(pattern.clone()).unwrap(), CString::new(text.clone()).unwrap());
        // SAFETY: both are C strings.
        let expected = unsafe { libc::fnmatch(p.as_ptr(), t.as_ptr(), host) } == 0;
        assert_eq!(fnmatch::matches(&pattern, &text, flags), expected, "{p:?} {t:?} {flags}");
        matched += u32::from(expected);
    }
    assert!(matched > 1000);
    assert!(fnmatch::matches(b"[[:alpha:]_]*[!0-9]", b"name.c", 0));
    assert!(!fnmatch::matches(b"[[:digit:]]", b"x", 0));
    assert!(fnmatch::matches(b"a/b", b"a/b/c", fnmatch::LEADING_DIR));
    // The many ways to share the text between stars must not all be tried.
    assert!(!fnmatch::matches(&[&b"*a".repeat(30)[..], b"c"].concat(), &b"a".repeat(3000), 0));
}

#[test]
fn sorting_is_sorting() {
    let mut random = Random(7);
    for count in (0..60).chain([1000, 4097]) {
        for size in [1, 4, 8, 12] {
            let mut bytes: Vec<u8> = (0..count * size).map(|_| random.below(7) as u8).collect();
            let mut expected: Vec<Vec<u8>> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
            expected.sort();
            let order = |a: *const u8, b: *const u8| {
                // SAFETY: both lead to elements of this size.
                unsafe { core::slice::from_raw_parts(a, size).cmp(core::slice::from_raw_parts(b, size)) }
            };
            // SAFETY: the vector holds so many elements.
            let elements = unsafe { sort::Elements::new(bytes.as_mut_ptr(), size) };
            elements.sort(count, order);
            for element in &expected {
                let found = elements.search(count, |at| order(element.as_ptr(), at)).unwrap();
                assert!(order(elements.at(found), element.as_ptr()).is_eq());
            }
            assert_eq!(bytes, expected.concat());
        }
    }
}

/// Input from a slice.
struct Slice<'a>(&'a [u8], usize);

impl Input for Slice<'_> {
    fn get(&mut self) -> Option<u8> {
        let byte = self.0.get(self.1).copied()?;
        self.1 += 1;
        Some(byte)
    }
    fn unget(&mut self, _: u8) {
        self.1 -= 1;
    }
}

fn scanned(text: &str, pattern: &str, pointers: &[*mut c_void]) -> c_int {
    let mut list = List { words: pointers.iter().map(|&at| at as u64).collect(), ..List::default() };
    // SAFETY: the pointers are as the format says; `realloc` is the host's.
    unsafe {
        let mut resize = |block: *mut u8, size| libc::realloc(block.cast(), size).cast::<u8>();
        scan::scan(&mut Slice(text.as_bytes(), 0), pattern.as_bytes(), &mut list, &mut resize)
    }
}

#[test]
fn scanning_is_as_on_the_host() {
    let mut random = Random(8);
    let patterns = [
        "%d%d",
        "%i %u",
        "%x,%o",
        "%f",
        "%lf%n",
        "%s %s",
        "%3s%c",
        "%[a-c1-3]%n",
        "%[^,],%d",
        " a%d",
        "%*d%d",
        "%2d%3d",
        "%%%d",
        "%p",
        "%hhd%hd",
    ];
    for _ in 0..60_000 {
        let text: Vec<u8> = (0..random.below(14)).map(|_| random.pick(b"  aabc1122334455--+.,%0")).collect();
        let text = CString::new(text).unwrap();
        let pattern = CString::new(random.pick(&patterns)).unwrap();
        let (mut a, mut b) = ([[0_u64; 8]; 2], [[0_u64; 8]; 2]);
        let pointers = [a[0].as_mut_ptr().cast(), a[1].as_mut_ptr().cast()];
        let count = scanned(text.to_str().unwrap(), pattern.to_str().unwrap(), &pointers);
        // SAFETY: there is room for each conversion.
        let expected = unsafe { libc::sscanf(text.as_ptr(), pattern.as_ptr(), b[0].as_mut_ptr(), b[1].as_mut_ptr()) };
        assert_eq!((count, a), (expected, b), "{text:?} {pattern:?}");
    }
}

#[test]
fn scanning_allocates_and_widens() {
    let mut text: *mut c_char = core::ptr::null_mut();
    let long = "x".repeat(200);
    assert_eq!(scanned(&long, "%ms", &[(&raw mut text).cast()]), 1);
    // SAFETY: the call gave a C string of `malloc`'s.
    unsafe {
        assert_eq!(CStr::from_ptr(text).to_str(), Ok(&long[..]));
        libc::free(text.cast());
    }
    let mut wide = [0_i32; 8];
    assert_eq!(scanned("aß😀 x", "%ls", &[wide.as_mut_ptr().cast()]), 1);
    assert_eq!(wide[..4], ['a' as i32, 'ß' as i32, '😀' as i32, 0]);
    let mut real = [0_u8; 16];
    assert_eq!(scanned("-1.5", "%Lf", &[real.as_mut_ptr().cast()]), 1);
    assert_eq!(real[..10], [0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xbf]);
    assert_eq!(scanned("", "%d", &[]), -1);
    assert_eq!(scanned("abc", "%5c", &[wide.as_mut_ptr().cast()]), 0);
    assert_eq!(scanned("x", "%", &[]), 0);
    assert_eq!(scanned("x", "%[abc", &[wide.as_mut_ptr().cast()]), 0);
}

#[test]
fn characters_have_one_to_four_bytes() {
    let mut buffer = [0; utf8::MAX];
    for character in ['a', 'ß', '€', '😀', '\u{10ffff}'] {
        let bytes = utf8::encode(character as i32, &mut buffer).unwrap().to_vec();
        assert_eq!(utf8::decode(&bytes), utf8::Decoded::Character(character, bytes.len()));
        for len in 0..bytes.len() {
            assert_eq!(utf8::decode(&bytes[..len]), utf8::Decoded::Incomplete);
        }
    }
    for bad in [&b"\x80"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf5", b"\xc3x", b"\xf4\x90\x80\x80"] {
        assert_eq!(utf8::decode(bad), utf8::Decoded::Invalid, "{bad:?}");
    }
    assert_eq!(utf8::encode(-1, &mut buffer), None);
}
