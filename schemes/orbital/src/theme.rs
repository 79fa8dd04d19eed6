//! The look: colours from one file, light and dark.

use serde::Deserialize;

use crate::paint::HILLS;

/// The file, as it is built in.
const BUILT_IN: &str = include_str!("../theme.toml");

/// A colour, `0xAARRGGBB` with straight alpha.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour(pub u32);

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no colour: #rrggbb or #rrggbbaa is");
        let digits = text.strip_prefix('#').filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let digits = digits.ok_or_else(wrong)?;
        let value = u32::from_str_radix(digits, 16).map_err(|_| wrong())?;
        match digits.len() {
            6 => Ok(Self(0xff00_0000 | value)),
            8 => Ok(Self(value.rotate_right(8))),
            _ => Err(wrong()),
        }
    }
}

/// What is painted in which colour; the file says what each is for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Palette {
    pub background: [Colour; 2],
    pub sun: Colour,
    pub hills: [[Colour; 2]; HILLS],
    pub title: Colour,
    pub title_dim: Colour,
    pub text: Colour,
    pub text_dim: Colour,
    pub line: Colour,
    pub seam: Colour,
    pub surface: Colour,
    pub lit: Colour,
    pub pressed: Colour,
    pub close: Colour,
    pub close_text: Colour,
    pub accent: Colour,
    pub accent_text: Colour,
    pub panel: Colour,
    pub shadow: u8,
    pub shadow_dim: u8,
}

/// Both looks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Themes {
    /// By day.
    pub light: Palette,
    /// By night.
    pub dark: Palette,
}

impl Themes {
    /// Reads a file; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// What is built in. The error cannot come: a test reads it.
    pub fn built_in() -> Result<Self, String> {
        Self::parse(BUILT_IN)
    }

    /// The one with a name; `light` where the name is unknown.
    pub fn named(&self, name: &str) -> &Palette {
        if name == "dark" { &self.dark } else { &self.light }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_file_is_good() {
        let themes = Themes::built_in().unwrap();
        assert_ne!(themes.named("dark"), themes.named("light"));
        assert_eq!(themes.named("?"), themes.named("light"));
    }

    #[test]
    fn colours() {
        let colour = |text: &str| Colour::try_from(text.to_owned());
        assert_eq!(colour("#123456"), Ok(Colour(0xff12_3456)));
        assert_eq!(colour("#12345678"), Ok(Colour(0x7812_3456)));
        for wrong in ["", "#", "123456", "#12345", "#1234567", "#gggggg", "#+12345", "#123456789a"] {
            assert!(colour(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_that_says_something_else_is_refused() {
        let file = BUILT_IN.replace("accent", "akzent");
        assert!(Themes::parse(&file).unwrap_err().contains("akzent"));
        assert!(Themes::parse("").is_err());
    }
}
