//! The engine of `printf`: a format, a source of arguments, and a place for the bytes.
//!
//! All conversions of POSIX and C23's `%b`, numbered arguments (`%2$s`), and `%m`. `%n` is refused: a format that comes
//! from outside must not be able to write memory.

use super::integer;
use super::real;
use super::spec::{Count, Length, Piece, Pieces, Spec};
use super::utf8;

/// Where the bytes go.
pub trait Sink {
    /// Takes bytes.
    fn put(&mut self, bytes: &[u8]);
}

/// Where arguments come from: each call takes the next one.
pub trait Arguments {
    /// An `int`, or what is promoted to it.
    fn int(&mut self) -> i32;
    /// A `long`, or a pointer.
    fn long(&mut self) -> u64;
    /// A `double`.
    fn double(&mut self) -> f64;
    /// A `long double`, as near as a `double` comes to it.
    fn long_double(&mut self) -> f64;
    /// What `%m` stands for.
    fn message(&mut self) -> &'static str;
}

/// What is wrong with a format.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// It has a conversion that there is not.
    Format,
    /// A wide character is none.
    Character,
    /// There would be more bytes than an `int` counts.
    Overflow,
}

/// Arguments of one call that can be numbered (`NL_ARGMAX`).
const NUMBERED: usize = 32;

/// Kind of an argument.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int,
    Long,
    Double,
    LongDouble,
}

#[derive(Clone, Copy)]
enum Value {
    Word(u64),
    Real(f64),
}

/// Where the arguments of one call come from: in order, or read before because they are numbered.
struct Source<'a, A> {
    arguments: &'a mut A,
    numbered: Option<[Value; NUMBERED]>,
}

impl<A: Arguments> Source<'_, A> {
    fn get(&mut self, kind: Kind, position: Option<usize>) -> Value {
        match (&self.numbered, position) {
            (Some(values), Some(position)) => values.get(position).copied().unwrap_or(Value::Word(0)),
            _ => self.next(kind),
        }
    }

    fn next(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Int => Value::Word(i64::from(self.arguments.int()) as u64),
            Kind::Long => Value::Word(self.arguments.long()),
            Kind::Double => Value::Real(self.arguments.double()),
            Kind::LongDouble => Value::Real(self.arguments.long_double()),
        }
    }

    fn word(&mut self, kind: Kind, position: Option<usize>) -> u64 {
        match self.get(kind, position) {
            Value::Word(word) => word,
            Value::Real(_) => 0,
        }
    }

    fn real(&mut self, kind: Kind, position: Option<usize>) -> f64 {
        match self.get(kind, position) {
            Value::Real(real) => real,
            Value::Word(_) => 0.0,
        }
    }

    /// A width or precision; negative ones are told apart by the sign.
    fn count(&mut self, count: Count) -> Option<i64> {
        match count {
            Count::None => None,
            Count::Is(number) => Some(i64::try_from(number).unwrap_or(i64::MAX)),
            Count::Argument(position) => Some(i64::from(self.word(Kind::Int, position) as i32)),
        }
    }
}

/// Which argument a conversion takes; `None` for those that take none.
fn kind(spec: &Spec) -> Option<Kind> {
    match spec.letter {
        b'%' | b'm' => None,
        b'e' | b'f' | b'g' | b'a' | b'E' | b'F' | b'G' | b'A' => {
            Some(if spec.length == Length::LongDouble { Kind::LongDouble } else { Kind::Double })
        }
        b's' | b'p' => Some(Kind::Long),
        b'c' => Some(Kind::Int),
        _ if matches!(spec.length, Length::Long | Length::LongDouble) => Some(Kind::Long),
        _ => Some(Kind::Int),
    }
}

/// Reads the arguments of a format that numbers them; `None` for one that does not.
fn numbered(format: &[u8], arguments: &mut impl Arguments) -> Result<Option<[Value; NUMBERED]>, Failure> {
    let mut kinds = [None; NUMBERED];
    let mut highest = None;
    for piece in Pieces(format) {
        let Piece::Conversion(spec) = piece else { continue };
        let counts = [spec.width, spec.precision].map(|count| match count {
            Count::Argument(position) => position.map(|position| (position, Kind::Int)),
            _ => None,
        });
        let own = spec.position.zip(kind(&spec));
        for (position, kind) in counts.into_iter().chain([own]).flatten() {
            *kinds.get_mut(position).ok_or(Failure::Format)? = Some(kind);
            highest = highest.max(Some(position));
        }
    }
    let Some(highest) = highest else { return Ok(None) };
    let mut source = Source { arguments, numbered: None };
    let mut values = [Value::Word(0); NUMBERED];
    for (value, kind) in values.iter_mut().zip(kinds).take(highest + 1) {
        *value = source.next(kind.unwrap_or(Kind::Int));
    }
    Ok(Some(values))
}

/// Counts what goes to the sink.
struct Output<'a, S> {
    sink: &'a mut S,
    count: usize,
}

impl<S: Sink> Output<'_, S> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.count = self.count.checked_add(bytes.len()).filter(|&sum| sum <= LARGEST).ok_or(Failure::Overflow)?;
        self.sink.put(bytes);
        Ok(())
    }

    fn repeat(&mut self, byte: u8, mut count: usize) -> Result<(), Failure> {
        // Said before anything is written, as it could be a lot.
        if self.count.saturating_add(count) > LARGEST {
            return Err(Failure::Overflow);
        }
        let block = [byte; 64];
        while count > 0 {
            let some = count.min(block.len());
            self.put(&block[..some])?;
            count -= some;
        }
        Ok(())
    }

    /// Sign or prefix, then digits, within a width. `zeros`: the width is filled with zeros behind the prefix.
    fn number(&mut self, field: &Field, prefix: &[u8], digits: &[&[u8]], extra: usize) -> Result<(), Failure> {
        let len = prefix.len() + extra + digits.iter().map(|part| part.len()).sum::<usize>();
        let fill = field.width.saturating_sub(len);
        if !field.left && !field.zeros {
            self.repeat(b' ', fill)?;
        }
        self.put(prefix)?;
        if !field.left && field.zeros {
            self.repeat(b'0', fill)?;
        }
        self.put(digits[0])?;
        self.repeat(b'0', extra)?;
        digits[1..].iter().try_for_each(|part| self.put(part))?;
        self.repeat(b' ', if field.left { fill } else { 0 })
    }

    fn padded(&mut self, field: &Field, bytes: &[u8]) -> Result<(), Failure> {
        let fill = field.width.saturating_sub(bytes.len());
        self.repeat(b' ', if field.left { 0 } else { fill })?;
        self.put(bytes)?;
        self.repeat(b' ', if field.left { fill } else { 0 })
    }
}

/// What an `int` can count.
const LARGEST: usize = i32::MAX as usize;

/// A conversion with its width and precision worked out.
struct Field {
    left: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
}

/// Formats; answers how many bytes there were.
///
/// # Safety
/// Where the format says that an argument is a string, it is one.
pub unsafe fn format<S: Sink, A: Arguments>(sink: &mut S, format: &[u8], arguments: &mut A) -> Result<usize, Failure> {
    let numbered = numbered(format, arguments)?;
    let mut source = Source { arguments, numbered };
    let mut output = Output { sink, count: 0 };
    for piece in Pieces(format) {
        match piece {
            Piece::Text(text) => output.put(text)?,
            Piece::Bad => return Err(Failure::Format),
            // SAFETY: as this function demands.
            Piece::Conversion(spec) => unsafe { convert(&mut output, &spec, &mut source)? },
        }
    }
    Ok(output.count)
}

unsafe fn convert<S: Sink, A: Arguments>(
    output: &mut Output<'_, S>,
    spec: &Spec,
    source: &mut Source<'_, A>,
) -> Result<(), Failure> {
    let width = source.count(spec.width).unwrap_or(0);
    let precision = source.count(spec.precision).and_then(|count| usize::try_from(count).ok());
    let field = Field {
        left: spec.left || width < 0,
        zeros: spec.zeros,
        width: usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX),
        precision,
    };
    match spec.letter {
        b'%' => output.put(b"%"),
        b'm' => output.padded(&field, source.arguments.message().as_bytes()),
        b'd' | b'i' => {
            let value = signed(source.word(argument(spec), spec.position), spec.length);
            integer(output, &field, spec, value.unsigned_abs(), 10, sign(value < 0, spec))
        }
        b'u' | b'o' | b'x' | b'X' | b'b' | b'B' => {
            let value = unsigned(source.word(argument(spec), spec.position), spec.length);
            let (base, prefix): (u64, &[u8]) = match spec.letter {
                b'x' => (16, b"0x"),
                b'X' => (16, b"0X"),
                b'b' => (2, b"0b"),
                b'B' => (2, b"0B"),
                b'o' => (8, b""),
                _ => (10, b""),
            };
            integer(output, &field, spec, value, base, if spec.alternate && value != 0 { prefix } else { b"" })
        }
        b'p' => match source.word(Kind::Long, spec.position) {
            0 => output.padded(&field, b"(nil)"),
            address => integer(output, &field, spec, address, 16, b"0x"),
        },
        b'e' | b'f' | b'g' | b'a' | b'E' | b'F' | b'G' | b'A' => {
            let kind = kind(spec).unwrap_or(Kind::Double);
            real(output, &field, spec, source.real(kind, spec.position))
        }
        b'c' => {
            let word = source.word(Kind::Int, spec.position);
            if spec.length != Length::Long {
                return output.padded(&field, &[word as u8]);
            }
            let mut buffer = [0; utf8::MAX];
            output.padded(&field, utf8::encode(word as i32, &mut buffer).ok_or(Failure::Character)?)
        }
        b's' => {
            let address = source.word(Kind::Long, spec.position) as usize;
            // SAFETY: as this function demands.
            unsafe { string(output, &field, spec.length == Length::Long, address) }
        }
        _ => Err(Failure::Format),
    }
}

/// Which argument an integer conversion takes.
fn argument(spec: &Spec) -> Kind {
    kind(spec).unwrap_or(Kind::Int)
}

fn signed(word: u64, length: Length) -> i64 {
    match length {
        Length::Char => i64::from(word as i8),
        Length::Short => i64::from(word as i16),
        Length::Plain => i64::from(word as i32),
        Length::Long | Length::LongDouble => word as i64,
    }
}

fn unsigned(word: u64, length: Length) -> u64 {
    match length {
        Length::Char => u64::from(word as u8),
        Length::Short => u64::from(word as u16),
        Length::Plain => u64::from(word as u32),
        Length::Long | Length::LongDouble => word,
    }
}

fn sign(negative: bool, spec: &Spec) -> &'static [u8] {
    match (negative, spec.plus, spec.space) {
        (true, ..) => b"-",
        (_, true, _) => b"+",
        (_, _, true) => b" ",
        _ => b"",
    }
}

fn integer<S: Sink>(
    output: &mut Output<'_, S>,
    field: &Field,
    spec: &Spec,
    value: u64,
    base: u64,
    prefix: &[u8],
) -> Result<(), Failure> {
    let mut buffer = [0; 64];
    let digits = integer::digits(value, base, spec.letter == b'X', &mut buffer);
    let least = field.precision.unwrap_or(1);
    let mut extra = least.saturating_sub(digits.len());
    if spec.letter == b'o' && spec.alternate && extra == 0 {
        extra = 1;
    }
    // A precision takes the meaning of the flag `0` away.
    let field = Field { zeros: field.zeros && field.precision.is_none(), ..*field };
    output.number(&field, prefix, &[b"", digits], extra)
}

fn real<S: Sink>(output: &mut Output<'_, S>, field: &Field, spec: &Spec, value: f64) -> Result<(), Failure> {
    let upper = spec.letter.is_ascii_uppercase();
    let sign = sign(value.is_sign_negative(), spec);
    if !value.is_finite() {
        let text: &[u8] = match (value.is_nan(), upper) {
            (true, true) => b"NAN",
            (true, false) => b"nan",
            (false, true) => b"INF",
            (false, false) => b"inf",
        };
        let field = Field { zeros: false, ..*field };
        return output.number(&field, sign, &[text], 0);
    }
    let text = real::text(value.abs(), spec.letter.to_ascii_lowercase(), field.precision, spec.alternate, upper);
    let mut prefix = [0; 3];
    let mut len = sign.len();
    prefix[..len].copy_from_slice(sign);
    if text.hexadecimal {
        prefix[len..len + 2].copy_from_slice(if upper { b"0X" } else { b"0x" });
        len += 2;
    }
    output.number(field, &prefix[..len], &[text.head(), text.tail()], text.zeros)
}

unsafe fn string<S: Sink>(
    output: &mut Output<'_, S>,
    field: &Field,
    wide: bool,
    address: usize,
) -> Result<(), Failure> {
    let max = field.precision.unwrap_or(usize::MAX);
    if address == 0 {
        return output.padded(field, if max >= 6 { b"(null)" } else { b"" });
    }
    if !wide {
        // SAFETY: a string ends with a zero byte, or has at least as many bytes as the precision says.
        let text = unsafe {
            let start = address as *const u8;
            let len = (0..max).find(|&index| *start.add(index) == 0).unwrap_or(max);
            core::slice::from_raw_parts(start, len)
        };
        return output.padded(field, text);
    }
    let start = address as *const i32;
    let mut buffer = [0; utf8::MAX];
    let mut walk = |action: &mut dyn FnMut(&[u8]) -> Result<(), Failure>| {
        let mut len = 0;
        for index in 0.. {
            // SAFETY: the string has not ended before; nothing behind the precision is read.
            let wide = if len < max { unsafe { *start.add(index) } } else { 0 };
            if wide == 0 {
                break;
            }
            let bytes = utf8::encode(wide, &mut buffer).ok_or(Failure::Character)?;
            if len + bytes.len() > max {
                break;
            }
            len += bytes.len();
            action(bytes)?;
        }
        Ok(len)
    };
    // Once for the width, once for the bytes.
    let fill = field.width.saturating_sub(walk(&mut |_| Ok(()))?);
    output.repeat(b' ', if field.left { 0 } else { fill })?;
    walk(&mut |bytes| output.put(bytes))?;
    output.repeat(b' ', if field.left { fill } else { 0 })
}
