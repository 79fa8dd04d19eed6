//! The part of crate `onig` that this program calls, over crate `regex`: POSIX expressions are rewritten.
//!
//! The original is a C library. What cannot be rewritten are references back to a group, which are an error here.

use std::fmt::{self, Display, Formatter};
use std::ops::BitOr;

/// How expressions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// POSIX's basic ones, with `\|`, `\+` and `\?` besides; `grep` is the same.
    Basic,
    /// POSIX's extended ones.
    Extended,
    /// As the editor has them: groups and `|` behind backslashes, `+` and `?` without.
    Emacs,
}

impl Syntax {
    pub fn posix_basic() -> Self {
        Self::Basic
    }

    pub fn grep() -> Self {
        Self::Basic
    }

    pub fn posix_extended() -> Self {
        Self::Extended
    }

    pub fn emacs() -> Self {
        Self::Emacs
    }

    pub fn options(self) -> RegexOptions {
        RegexOptions::REGEX_OPTION_NONE
    }
}

/// Options of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegexOptions {
    ignores_case: bool,
}

impl RegexOptions {
    pub const REGEX_OPTION_NONE: Self = Self { ignores_case: false };
    pub const REGEX_OPTION_IGNORECASE: Self = Self { ignores_case: true };
}

impl BitOr for RegexOptions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self { ignores_case: self.ignores_case || other.ignores_case }
    }
}

/// Why an expression is none.
#[derive(Debug)]
pub struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}

/// An expression, for a part of a text and for all of it.
#[derive(Debug)]
pub struct Regex {
    part: regex::Regex,
    whole: regex::Regex,
}

impl Regex {
    pub fn with_options(pattern: &str, options: RegexOptions, syntax: Syntax) -> Result<Self, Error> {
        let pattern = rewritten(pattern, syntax)?;
        let build = |pattern: &str| {
            regex::RegexBuilder::new(pattern)
                .case_insensitive(options.ignores_case)
                .dot_matches_new_line(true)
                .build()
                .map_err(|error| Error(error.to_string()))
        };
        Ok(Self { part: build(&pattern)?, whole: build(&format!("^(?:{pattern})$"))? })
    }

    /// Whether all of a text is what the expression describes.
    pub fn is_match(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    pub fn find(&self, text: &str) -> Option<(usize, usize)> {
        self.part.find(text).map(|found| (found.start(), found.end()))
    }
}

/// What a character means in an expression of POSIX.
enum Meaning {
    Operator(&'static str),
    Literal(char),
}

fn meaning(c: char, is_escaped: bool, syntax: Syntax) -> Result<Meaning, Error> {
    // Where groups, alternatives and intervals have no backslash, and where `+` and `?` have none.
    let is_group = is_escaped != (syntax == Syntax::Extended);
    let is_repeat = is_escaped == (syntax == Syntax::Basic);
    let has_intervals = syntax != Syntax::Emacs;
    Ok(match c {
        '(' if is_group => Meaning::Operator("("),
        ')' if is_group => Meaning::Operator(")"),
        '|' if is_group => Meaning::Operator("|"),
        '{' if is_group && has_intervals => Meaning::Operator("{"),
        '}' if is_group && has_intervals => Meaning::Operator("}"),
        '+' if is_repeat => Meaning::Operator("+"),
        '?' if is_repeat => Meaning::Operator("?"),
        '.' if !is_escaped => Meaning::Operator("."),
        '*' if !is_escaped => Meaning::Operator("*"),
        '1'..='9' if is_escaped => return Err(Error("references back to a group are not supported".into())),
        'w' if is_escaped => Meaning::Operator("\\w"),
        'W' if is_escaped => Meaning::Operator("\\W"),
        'b' if is_escaped => Meaning::Operator("\\b"),
        'B' if is_escaped => Meaning::Operator("\\B"),
        '<' if is_escaped => Meaning::Operator("\\b{start}"),
        '>' if is_escaped => Meaning::Operator("\\b{end}"),
        c => Meaning::Literal(c),
    })
}

/// An expression of POSIX as one of crate `regex`.
fn rewritten(pattern: &str, syntax: Syntax) -> Result<String, Error> {
    let mut out = String::new();
    let mut rest = pattern.chars();
    // Whether what comes begins an expression, where `*` and `^` mean something else.
    let mut is_start = true;
    while let Some(c) = rest.next() {
        let is_escaped = c == '\\';
        let c = if is_escaped { rest.next().ok_or_else(|| Error("a backslash at the end".into()))? } else { c };
        let was_start = std::mem::take(&mut is_start);
        match c {
            '[' if !is_escaped => rest = bracket(rest.as_str(), &mut out)?.chars(),
            '^' if !is_escaped && (was_start || syntax == Syntax::Extended) => {
                out.push('^');
                is_start = true;
            }
            '$' if !is_escaped && (syntax == Syntax::Extended || is_end(rest.as_str())) => out.push('$'),
            '*' if !is_escaped && was_start => out.push_str("\\*"),
            c => match meaning(c, is_escaped, syntax)? {
                Meaning::Operator(operator) => {
                    out.push_str(operator);
                    is_start = matches!(operator, "(" | "|");
                }
                Meaning::Literal(c) => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            },
        }
    }
    Ok(out)
}

/// Whether an expression ends before this, in the forms with backslashes.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with("\\)") || rest.starts_with("\\|")
}

/// Rewrites a bracket expression, from behind its `[` on; answers what follows it.
fn bracket<'a>(text: &'a str, out: &mut String) -> Result<&'a str, Error> {
    let open = || Error("[ without ]".into());
    out.push('[');
    let mut rest = text;
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let first = rest;
    loop {
        let c = rest.chars().next().ok_or_else(open)?;
        let after = &rest[c.len_utf8()..];
        let class = after.chars().next().filter(|kind| c == '[' && ".=:".contains(*kind));
        if let Some(kind) = class {
            let (name, after) = after[1..].split_once(&format!("{kind}]")).ok_or_else(open)?;
            match kind {
                ':' => out.push_str(&format!("[:{name}:]")),
                _ if name.chars().count() == 1 => out.push_str(&regex::escape(name)),
                _ => return Err(Error(format!("[{kind}{name}{kind}] is not known"))),
            }
            rest = after;
        } else if c == ']' && rest.len() != first.len() {
            out.push(']');
            return Ok(after);
        } else if c == '-' && (rest.len() == first.len() || after.starts_with(']')) {
            out.push_str("\\-");
            rest = after;
        } else {
            if "[]\\&~^".contains(c) {
                out.push('\\');
            }
            out.push(c);
            rest = after;
        }
    }
}
