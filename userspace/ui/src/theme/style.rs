//! Looks by name, for `.style(…)`. What a widget looks like without one is in [`super::catalog`].

use iced_core::border::{self, Border};
use iced_core::{Background, Color, Shadow};
use iced_widget::{button, container, text, text_editor, text_input};

use super::Theme;

/// Radius of what can be pressed or written into.
pub const RADIUS: f32 = 6.0;
/// Radius of menus, dialogs and cards.
pub const RADIUS_LARGE: f32 = 10.0;

fn plain(ground: Option<Color>, ink: Color) -> button::Style {
    button::Style {
        background: ground.map(Background::Color),
        text_color: ink,
        border: border::rounded(RADIUS),
        shadow: Shadow::default(),
        snap: true,
    }
}

/// A button of a dialog or form: a line around it.
pub fn quiet(theme: &Theme, status: button::Status) -> button::Style {
    let colours = theme.colours();
    let (ground, ink) = match status {
        button::Status::Active => (colours.field, colours.text),
        button::Status::Hovered => (super::palette::over(colours.lit, colours.field), colours.text),
        button::Status::Pressed => (super::palette::over(colours.pressed, colours.field), colours.text),
        button::Status::Disabled => (colours.window, colours.text_off),
    };
    let edge = if status == button::Status::Disabled { colours.line } else { colours.edge };
    let style = plain(Some(ground), ink);
    button::Style { border: style.border.width(1.0).color(edge), ..style }
}

/// The button that Enter presses.
pub fn primary(theme: &Theme, status: button::Status) -> button::Style {
    let colours = theme.colours();
    match status {
        button::Status::Active => plain(Some(colours.accent), colours.accent_text),
        button::Status::Hovered | button::Status::Pressed => plain(Some(colours.accent_lit), colours.accent_text),
        button::Status::Disabled => plain(Some(colours.line), colours.text_off),
    }
}

/// A button that destroys.
pub fn danger(theme: &Theme, status: button::Status) -> button::Style {
    let colours = theme.colours();
    match status {
        button::Status::Active => plain(Some(colours.danger), colours.danger_text),
        button::Status::Hovered | button::Status::Pressed => {
            let ground = super::palette::over(colours.pressed, colours.danger);
            plain(Some(ground), colours.danger_text)
        }
        button::Status::Disabled => plain(Some(colours.line), colours.text_off),
    }
}

/// A button of a tool bar, a menu or a list: nothing but its content until the pointer comes.
pub fn bare(theme: &Theme, status: button::Status) -> button::Style {
    let colours = theme.colours();
    match status {
        button::Status::Active => plain(None, colours.text),
        button::Status::Hovered => plain(Some(colours.lit), colours.text),
        button::Status::Pressed => plain(Some(colours.pressed), colours.text),
        button::Status::Disabled => plain(None, colours.text_off),
    }
}

/// The same, switched on.
pub fn bare_on(theme: &Theme, status: button::Status) -> button::Style {
    let colours = theme.colours();
    match status {
        button::Status::Disabled => plain(Some(colours.line), colours.text_off),
        _ => plain(Some(colours.chosen), colours.text),
    }
}

/// [`bare_on`] or [`bare`].
pub fn bare_if(on: bool) -> impl Fn(&Theme, button::Status) -> button::Style {
    move |theme, status| if on { bare_on(theme, status) } else { bare(theme, status) }
}

fn area(ground: Color) -> container::Style {
    container::Style { background: Some(Background::Color(ground)), ..container::Style::default() }
}

/// Where content lies.
pub fn surface(theme: &Theme) -> container::Style {
    area(theme.colours().surface)
}

/// Tool bars, side bars, status lines.
pub fn chrome(theme: &Theme) -> container::Style {
    area(theme.colours().window)
}

/// A menu or dialog.
pub fn raised(theme: &Theme) -> container::Style {
    let colours = theme.colours();
    container::Style {
        text_color: Some(colours.text),
        background: Some(Background::Color(colours.raised)),
        border: Border { color: colours.edge, width: 1.0, radius: border::radius(RADIUS_LARGE) },
        // Not a shadow of iced's: the renderer paints those beyond what it is to paint. See `parts::lifted`.
        shadow: Shadow::default(),
        snap: true,
    }
}

/// A group of things in a form.
pub fn card(theme: &Theme) -> container::Style {
    let colours = theme.colours();
    container::Style {
        background: Some(Background::Color(colours.surface)),
        border: Border { color: colours.line, width: 1.0, radius: border::radius(RADIUS_LARGE) },
        ..container::Style::default()
    }
}

/// What lies behind a dialog.
pub fn veil(theme: &Theme) -> container::Style {
    area(theme.colours().veil)
}

/// A row that is chosen.
pub fn chosen(theme: &Theme) -> container::Style {
    container::Style { border: border::rounded(RADIUS), ..area(theme.colours().chosen) }
}

/// Text that explains other text.
pub fn soft(theme: &Theme) -> text::Style {
    text::Style { color: Some(theme.colours().text_soft) }
}

/// Text of what cannot be used.
pub fn off(theme: &Theme) -> text::Style {
    text::Style { color: Some(theme.colours().text_off) }
}

/// Text in the colour that calls.
pub fn accent(theme: &Theme) -> text::Style {
    text::Style { color: Some(theme.colours().accent_ink) }
}

/// Text about what went wrong.
pub fn wrong(theme: &Theme) -> text::Style {
    text::Style { color: Some(theme.colours().danger) }
}

/// A field without edges of its own, in something that has them.
pub fn inner_field(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let style = <Theme as text_input::Catalog>::style(theme, &<Theme as text_input::Catalog>::default(), status);
    text_input::Style { background: Background::Color(Color::TRANSPARENT), border: Border::default(), ..style }
}

/// An editor that fills its place.
pub fn page(theme: &Theme, _status: text_editor::Status) -> text_editor::Style {
    let colours = theme.colours();
    text_editor::Style {
        background: Background::Color(colours.surface),
        border: Border::default(),
        placeholder: colours.text_off,
        value: colours.text,
        selection: Color { a: 0.3, ..colours.accent },
    }
}
