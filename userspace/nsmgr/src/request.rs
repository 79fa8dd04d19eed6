//! What clients ask for, taken apart: paths, scheme names, and the argument of `dup` that makes one name space of another.

use scheme_server::syscall::error::{EINVAL, ENAMETOOLONG, ENOENT, Error, Result};

/// Longest name of a scheme, in bytes.
pub const NAME_MAX: usize = 255;
/// Name under which the manager itself is found.
pub const OWN_NAME: &str = "namespace";
/// The right to make schemes: a reference of [`OWN_NAME`], and the name that grants it to a fork.
pub const CREATION: &str = "namespace/scheme-creation-cap";
/// The scheme of paths that name none.
const ORDINARY: &str = "file";
/// Bytes of a word in the argument of `dup`.
const WORD: usize = size_of::<usize>();

/// Permissions of a name space's descriptor, as bits (`NsPermissions` of crate `libredox`).
pub mod permission {
    /// List the names of the schemes.
    pub const LIST: usize = 1 << 0;
    /// Put schemes in.
    pub const INSERT: usize = 1 << 1;
    /// Take schemes out.
    pub const DELETE: usize = 1 << 2;
    /// Make schemes.
    pub const SCHEME_CREATE: usize = 1 << 3;
    /// All that there are.
    pub const ALL: usize = LIST | INSERT | DELETE | SCHEME_CREATE;
}

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The list of schemes.
    List,
    /// The manager itself: the right to make schemes.
    Creation,
    /// A scheme; the reference in it is the client's affair.
    Scheme(&'a str),
}

impl<'a> Target<'a> {
    /// Takes a path apart: `/scheme/NAME/reference`, `NAME:reference`, any other absolute path for the scheme `file`, and
    /// nothing or `/scheme` for the list. `ENOENT` for what can be no scheme.
    pub fn of(path: &'a str) -> Result<Self> {
        if let Some((name, _)) = path.split_once(':').filter(|(name, _)| !name.contains('/')) {
            return Self::named(name, "");
        }
        let Some(rest) = path.strip_prefix("/scheme") else {
            return match path {
                "" => Ok(Self::List),
                path if path.starts_with('/') => Ok(Self::Scheme(ORDINARY)),
                _ => Err(Error::new(ENOENT)),
            };
        };
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Ok(Self::List),
            // Something like `/schemes`.
            None => Ok(Self::Scheme(ORDINARY)),
            Some("") => Ok(Self::List),
            Some(rest) => {
                let (name, reference) = rest.split_once('/').unwrap_or((rest, ""));
                Self::named(name, reference)
            }
        }
    }

    fn named(name: &'a str, reference: &str) -> Result<Self> {
        if name != OWN_NAME {
            return if is_name(name) { Ok(Self::Scheme(name)) } else { Err(Error::new(ENOENT)) };
        }
        let own = CREATION.split_once('/').is_some_and(|(_, own)| own == reference);
        if own { Ok(Self::Creation) } else { Err(Error::new(ENOENT)) }
    }
}

/// Whether a scheme can have this name.
pub fn is_name(name: &str) -> bool {
    let special = |char: char| matches!(char, '/' | ':' | '*' | '\0') || char.is_control();
    !name.is_empty() && name.len() <= NAME_MAX && !name.contains(special) && !matches!(name, "." | ".." | OWN_NAME)
}

/// Which names a fork shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This one.
    Name(String),
    /// All that begin so.
    Prefix(String),
}

impl Pattern {
    /// A name, or the beginning of names with `*` behind it.
    fn new(text: &str) -> Result<Self> {
        if let Some(prefix) = text.strip_suffix('*') {
            let fits = prefix.is_empty() || is_name(prefix);
            return if fits { Ok(Self::Prefix(prefix.into())) } else { Err(Error::new(EINVAL)) };
        }
        if is_name(text) { Ok(Self::Name(text.into())) } else { Err(Error::new(EINVAL)) }
    }

    /// Whether a name fits.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }
}

/// What is to be made of a name space (`NsDup` of crate `libredox`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Make {
    /// Another one, with fewer names.
    Fork {
        /// Names that it shows.
        patterns: Vec<Pattern>,
        /// Whether schemes can be made in it.
        creation: bool,
    },
    /// The same with fewer permissions.
    Shrink(usize),
    /// The right to register one scheme.
    Register(String),
}

impl Make {
    /// Takes the argument of `dup` apart: a word that says what, then what belongs to it. `EINVAL` for anything malformed.
    pub fn of(argument: &[u8]) -> Result<Self> {
        let (kind, rest) = word(argument)?;
        match kind {
            0 => Self::fork(rest),
            1 => match word(rest)? {
                (permissions, []) => Ok(Self::Shrink(permissions)),
                _ => Err(Error::new(EINVAL)),
            },
            2 => {
                let name = text(rest)?;
                if name.len() > NAME_MAX {
                    return Err(Error::new(ENAMETOOLONG));
                }
                if is_name(name) { Ok(Self::Register(name.into())) } else { Err(Error::new(EINVAL)) }
            }
            _ => Err(Error::new(EINVAL)),
        }
    }

    /// Names, each behind its length.
    fn fork(mut rest: &[u8]) -> Result<Self> {
        let (mut patterns, mut creation) = (Vec::new(), false);
        while !rest.is_empty() {
            let (len, names) = word(rest)?;
            let (name, more) = names.split_at_checked(len).ok_or(Error::new(EINVAL))?;
            rest = more;
            match text(name)? {
                CREATION => creation = true,
                name => patterns.push(Pattern::new(name)?),
            }
        }
        Ok(Self::Fork { patterns, creation })
    }
}

fn word(bytes: &[u8]) -> Result<(usize, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<WORD>().ok_or(Error::new(EINVAL))?;
    Ok((usize::from_le_bytes(*word), rest))
}

fn text(bytes: &[u8]) -> Result<&str> {
    str::from_utf8(bytes).map_err(|_| Error::new(EINVAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fork(names: &[&[u8]]) -> Result<Make> {
        let mut argument = 0_usize.to_le_bytes().to_vec();
        for name in names {
            argument.extend(name.len().to_le_bytes());
            argument.extend(*name);
        }
        Make::of(&argument)
    }

    fn make(kind: usize, rest: &[u8]) -> Result<Make> {
        Make::of(&[&kind.to_le_bytes()[..], rest].concat())
    }

    #[test]
    fn paths() {
        for (path, target) in [
            ("", Target::List),
            ("/scheme", Target::List),
            ("/scheme/", Target::List),
            ("/", Target::Scheme("file")),
            ("/home/x", Target::Scheme("file")),
            ("/schemes/rand", Target::Scheme("file")),
            ("/scheme/rand", Target::Scheme("rand")),
            ("/scheme/tcp/10.0.0.1:80", Target::Scheme("tcp")),
            ("rand:", Target::Scheme("rand")),
            ("tcp:10.0.0.1:80", Target::Scheme("tcp")),
            ("/scheme/namespace/scheme-creation-cap", Target::Creation),
        ] {
            assert_eq!(Target::of(path), Ok(target), "{path}");
        }
        for path in [
            "home",
            "x/y",
            ":",
            "/scheme//x",
            "/scheme/..",
            "/scheme/namespace",
            "/scheme/namespace/x",
            "a*:",
            "namespace:",
        ] {
            assert_eq!(Target::of(path).err().map(|error| error.errno), Some(ENOENT), "{path}");
        }
    }

    #[test]
    fn names() {
        assert!(["a", "disk.nvme-0", "ä", &"x".repeat(NAME_MAX)].iter().all(|name| is_name(name)));
        let wrong = ["", ".", "..", "a/b", "a:b", "a*", "a\0", "a\n", OWN_NAME, &"x".repeat(NAME_MAX + 1)];
        assert!(!wrong.iter().any(|name| is_name(name)));
    }

    #[test]
    fn forks() {
        let patterns = vec![Pattern::Name("rand".into()), Pattern::Prefix("disk.".into()), Pattern::Prefix("".into())];
        assert_eq!(fork(&[b"rand", b"disk.*", b"*"]), Ok(Make::Fork { patterns, creation: false }));
        assert_eq!(fork(&[]), Ok(Make::Fork { patterns: vec![], creation: false }));
        assert_eq!(fork(&[CREATION.as_bytes()]), Ok(Make::Fork { patterns: vec![], creation: true }));
        for wrong in [&b"a/b"[..], b"*a", b"a**", b"", b"\xff", b"namespace"] {
            assert!(fork(&[wrong]).is_err(), "{wrong:?}");
        }
        // A length that is longer than what follows, and one that is cut off.
        assert!(make(0, &usize::MAX.to_le_bytes()).is_err());
        assert!(make(0, &[1, 2, 3]).is_err());
    }

    #[test]
    fn patterns_match_names() {
        let matches = |text: &str, name: &str| Pattern::new(text).unwrap().matches(name);
        assert!(matches("disk.*", "disk.nvme") && matches("disk.*", "disk.") && matches("*", "x"));
        assert!(!matches("disk.*", "disk") && !matches("disk", "disk.nvme"));
    }

    #[test]
    fn the_rest() {
        assert_eq!(make(1, &5_usize.to_le_bytes()), Ok(Make::Shrink(5)));
        assert_eq!(make(2, b"rand"), Ok(Make::Register("rand".into())));
        assert_eq!(make(2, &[b'x'; NAME_MAX + 1]).err().map(|error| error.errno), Some(ENAMETOOLONG));
        for (kind, rest) in [(1, &b""[..]), (1, &[0; 9]), (2, b""), (2, b"a/b"), (2, b"*"), (3, b""), (usize::MAX, b"")]
        {
            assert_eq!(make(kind, rest).err().map(|error| error.errno), Some(EINVAL), "{kind}");
        }
        assert!(Make::of(&[0; 7]).is_err() && Make::of(&[]).is_err());
    }
}
