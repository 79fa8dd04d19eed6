//! The look of programs: one theme, light and dark. Widgets get it without being asked ([`catalog`]); what a program says about looks
//! are the names in [`style`].

mod catalog;
pub mod palette;
pub mod style;

use iced_core::theme::{Base, Mode, Palette as Sketch, Style};

pub use self::palette::Palette;

/// The theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// By day.
    #[default]
    Light,
    /// By night.
    Dark,
}

impl Theme {
    /// The theme that the display server's setting names; what it does not name is light.
    pub fn named(name: &str) -> Self {
        if name == "dark" { Self::Dark } else { Self::Light }
    }

    /// Its colours.
    pub fn colours(&self) -> &'static Palette {
        match self {
            Self::Light => &palette::LIGHT,
            Self::Dark => &palette::DARK,
        }
    }
}

impl Base for Theme {
    fn default(preference: Mode) -> Self {
        if preference == Mode::Dark { Self::Dark } else { Self::Light }
    }

    fn mode(&self) -> Mode {
        match self {
            Self::Light => Mode::Light,
            Self::Dark => Mode::Dark,
        }
    }

    fn base(&self) -> Style {
        Style { background_color: self.colours().window, text_color: self.colours().text }
    }

    fn palette(&self) -> Option<Sketch> {
        None
    }

    fn name(&self) -> &str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}
