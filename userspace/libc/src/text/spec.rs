//! The conversions in a format of `printf`: what stands between `%` and its letter.

/// How wide the argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As the letter alone says.
    Plain,
    /// `hh`
    Char,
    /// `h`
    Short,
    /// `l`, `ll`, `q`, `j`, `z`, `t`: all 64 bits here.
    Long,
    /// `L`
    LongDouble,
}

/// A width or a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Not given.
    None,
    /// Given as a number.
    Is(usize),
    /// The next argument, or that of this number.
    Argument(Option<usize>),
}

/// One conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// `-`
    pub left: bool,
    /// `0`
    pub zeros: bool,
    /// `+`
    pub plus: bool,
    /// A space.
    pub space: bool,
    /// `#`
    pub alternate: bool,
    /// Smallest number of bytes.
    pub width: Count,
    /// Digits, or most bytes of a string.
    pub precision: Count,
    /// Width of the argument.
    pub length: Length,
    /// The letter.
    pub letter: u8,
    /// Number of the argument, from 0, when it is given.
    pub position: Option<usize>,
}

/// A piece of a format.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes to be copied.
    Text(&'a [u8]),
    /// A conversion.
    Conversion(Spec),
    /// A `%` that no conversion follows.
    Bad,
}

/// The pieces of a format.
pub struct Pieces<'a>(pub &'a [u8]);

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|&byte| byte == b'%').unwrap_or(self.0.len());
        if end > 0 {
            let (text, rest) = self.0.split_at(end);
            self.0 = rest;
            return Some(Piece::Text(text));
        }
        let mut parser = Parser { rest: &self.0[1..] };
        Some(match parser.spec() {
            Some(spec) => {
                self.0 = parser.rest;
                Piece::Conversion(spec)
            }
            None => {
                self.0 = &[];
                Piece::Bad
            }
        })
    }
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn take(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// A number; `None` when there is no digit. Too large ones stay too large.
    fn number(&mut self) -> Option<usize> {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        let add = |sum: usize, byte: &u8| sum.saturating_mul(10).saturating_add(usize::from(byte - b'0'));
        (count > 0).then(|| digits.iter().fold(0, add))
    }

    /// `n$`, counted from 0.
    fn position(&mut self) -> Option<usize> {
        let before = self.rest;
        match self.number() {
            Some(number) if number > 0 && self.take(b'$') => Some(number - 1),
            _ => {
                self.rest = before;
                None
            }
        }
    }

    fn count(&mut self) -> Count {
        if self.take(b'*') {
            return Count::Argument(self.position());
        }
        self.number().map_or(Count::None, Count::Is)
    }

    fn length(&mut self) -> Length {
        if self.take(b'h') {
            return if self.take(b'h') { Length::Char } else { Length::Short };
        }
        if self.take(b'L') {
            return Length::LongDouble;
        }
        let long = self.rest.iter().take_while(|byte| b"lqjzt".contains(byte)).count();
        self.rest = &self.rest[long..];
        if long > 0 { Length::Long } else { Length::Plain }
    }

    fn spec(&mut self) -> Option<Spec> {
        let position = self.position();
        let mut spec = Spec {
            left: false,
            zeros: false,
            plus: false,
            space: false,
            alternate: false,
            width: Count::None,
            precision: Count::None,
            length: Length::Plain,
            letter: 0,
            position,
        };
        loop {
            match self.rest.first()? {
                b'-' => spec.left = true,
                b'0' => spec.zeros = true,
                b'+' => spec.plus = true,
                b' ' => spec.space = true,
                b'#' => spec.alternate = true,
                // Groups of digits: the locale has none.
                b'\'' => {}
                _ => break,
            }
            self.rest = &self.rest[1..];
        }
        spec.width = self.count();
        if self.take(b'.') {
            spec.precision = match self.count() {
                Count::None => Count::Is(0),
                count => count,
            };
        }
        spec.length = self.length();
        let (&letter, rest) = self.rest.split_first()?;
        self.rest = rest;
        spec.letter = match letter {
            b'C' => b'c',
            b'S' => b's',
            letter => letter,
        };
        if matches!(letter, b'C' | b'S') {
            spec.length = Length::Long;
        }
        Some(spec)
    }
}
