//! What iced's widgets look like in this theme when nothing is said.

use iced_core::border::{self, Border};
use iced_core::{Background, Color, Shadow};
use iced_widget::overlay::menu;
use iced_widget::{
    button, checkbox, container, float, pick_list, progress_bar, radio, rule, scrollable, slider, text, text_editor,
    text_input, toggler,
};

use super::palette::over;
use super::style::{self, RADIUS};
use super::{Palette, Theme};

/// A catalog of looks that are functions of theme and status.
macro_rules! by_status {
    ($module:ident, $default:expr) => {
        impl $module::Catalog for Theme {
            type Class<'a> = $module::StyleFn<'a, Self>;

            fn default<'a>() -> Self::Class<'a> {
                Box::new($default)
            }

            fn style(&self, class: &Self::Class<'_>, status: $module::Status) -> $module::Style {
                class(self, status)
            }
        }
    };
}

/// A catalog of looks that are functions of the theme.
macro_rules! by_theme {
    ($module:ident, $default:expr) => {
        impl $module::Catalog for Theme {
            type Class<'a> = $module::StyleFn<'a, Self>;

            fn default<'a>() -> Self::Class<'a> {
                Box::new($default)
            }

            fn style(&self, class: &Self::Class<'_>) -> $module::Style {
                class(self)
            }
        }
    };
}

by_status!(button, style::quiet);
by_status!(text_input, field);
by_status!(text_editor, editor);
by_status!(scrollable, bars);
by_status!(checkbox, mark);
by_status!(radio, dot);
by_status!(toggler, switch);
by_status!(slider, rail);
by_theme!(container, |_| container::Style::default());
by_theme!(rule, line);
by_theme!(progress_bar, progress);
by_theme!(text, |_| text::Style::default());
by_theme!(float, |_| float::Style::default());

impl pick_list::Catalog for Theme {
    type Class<'a> = pick_list::StyleFn<'a, Self>;

    fn default<'a>() -> pick_list::StyleFn<'a, Self> {
        Box::new(choice)
    }

    fn style(&self, class: &pick_list::StyleFn<'_, Self>, status: pick_list::Status) -> pick_list::Style {
        class(self, status)
    }
}

impl menu::Catalog for Theme {
    type Class<'a> = menu::StyleFn<'a, Self>;

    fn default<'a>() -> menu::StyleFn<'a, Self> {
        Box::new(choices)
    }

    fn style(&self, class: &menu::StyleFn<'_, Self>) -> menu::Style {
        class(self)
    }
}

fn field(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let colours = theme.colours();
    let off = status == text_input::Status::Disabled;
    text_input::Style {
        background: Background::Color(if off { colours.window } else { colours.field }),
        border: field_border(colours, matches!(status, text_input::Status::Focused { .. })),
        icon: colours.text_soft,
        placeholder: colours.text_soft,
        value: if off { colours.text_off } else { colours.text },
        selection: Color { a: 0.3, ..colours.accent },
    }
}

fn field_border(colours: &Palette, focused: bool) -> Border {
    let (color, width) = if focused { (colours.accent, 2.0) } else { (colours.edge, 1.0) };
    Border { color, width, radius: border::radius(RADIUS) }
}

fn editor(theme: &Theme, status: text_editor::Status) -> text_editor::Style {
    let colours = theme.colours();
    text_editor::Style {
        border: field_border(colours, matches!(status, text_editor::Status::Focused { .. })),
        background: Background::Color(colours.field),
        ..style::page(theme, status)
    }
}

fn bars(theme: &Theme, status: scrollable::Status) -> scrollable::Style {
    let colours = theme.colours();
    let (held_x, held_y) = match status {
        scrollable::Status::Active { .. } => (false, false),
        scrollable::Status::Hovered {
            is_horizontal_scrollbar_hovered: x, is_vertical_scrollbar_hovered: y, ..
        } => (x, y),
        scrollable::Status::Dragged {
            is_horizontal_scrollbar_dragged: x, is_vertical_scrollbar_dragged: y, ..
        } => (x, y),
    };
    let bar = |held: bool| scrollable::Rail {
        background: None,
        border: Border::default(),
        scroller: scrollable::Scroller {
            background: Background::Color(Color { a: if held { 0.55 } else { 0.3 }, ..colours.text_soft }),
            border: border::rounded(4.0),
        },
    };
    scrollable::Style {
        container: container::Style::default(),
        vertical_rail: bar(held_y),
        horizontal_rail: bar(held_x),
        gap: None,
        auto_scroll: scrollable::AutoScroll {
            background: Background::Color(colours.raised),
            border: border::rounded(16.0).width(1.0).color(colours.edge),
            shadow: Shadow::default(),
            icon: colours.text_soft,
        },
    }
}

/// Ground and edge of a small thing that is on or off.
fn small(colours: &Palette, on: bool, hovered: bool) -> (Color, Color) {
    match (on, hovered) {
        (true, false) => (colours.accent, colours.accent),
        (true, true) => (colours.accent_lit, colours.accent_lit),
        (false, false) => (colours.field, colours.text_soft),
        (false, true) => (over(colours.lit, colours.field), colours.text),
    }
}

fn mark(theme: &Theme, status: checkbox::Status) -> checkbox::Style {
    let colours = theme.colours();
    let (on, hovered, disabled) = match status {
        checkbox::Status::Active { is_checked } => (is_checked, false, false),
        checkbox::Status::Hovered { is_checked } => (is_checked, true, false),
        checkbox::Status::Disabled { is_checked } => (is_checked, false, true),
    };
    let (ground, edge) = if disabled { (colours.line, colours.line) } else { small(colours, on, hovered) };
    checkbox::Style {
        background: Background::Color(ground),
        icon_color: if disabled { colours.text_off } else { colours.accent_text },
        border: border::rounded(4.0).width(1.0).color(edge),
        text_color: Some(if disabled { colours.text_off } else { colours.text }),
    }
}

fn dot(theme: &Theme, status: radio::Status) -> radio::Style {
    let colours = theme.colours();
    let (on, hovered) = match status {
        radio::Status::Active { is_selected } => (is_selected, false),
        radio::Status::Hovered { is_selected } => (is_selected, true),
    };
    let (ground, edge) = small(colours, on, hovered);
    radio::Style {
        background: Background::Color(ground),
        dot_color: colours.accent_text,
        border_width: 1.0,
        border_color: edge,
        text_color: Some(colours.text),
    }
}

fn switch(theme: &Theme, status: toggler::Status) -> toggler::Style {
    let colours = theme.colours();
    let (on, hovered, disabled) = match status {
        toggler::Status::Active { is_toggled } => (is_toggled, false, false),
        toggler::Status::Hovered { is_toggled } => (is_toggled, true, false),
        toggler::Status::Disabled { is_toggled } => (is_toggled, false, true),
    };
    let (ground, edge) = if disabled { (colours.line, colours.line) } else { small(colours, on, hovered) };
    let knob = match (disabled, on) {
        (true, _) => colours.text_off,
        (false, true) => colours.accent_text,
        (false, false) => edge,
    };
    toggler::Style {
        background: Background::Color(ground),
        background_border_width: 1.0,
        background_border_color: edge,
        foreground: Background::Color(knob),
        foreground_border_width: 0.0,
        foreground_border_color: Color::TRANSPARENT,
        text_color: Some(if disabled { colours.text_off } else { colours.text }),
        border_radius: None,
        padding_ratio: 0.16,
    }
}

fn rail(theme: &Theme, status: slider::Status) -> slider::Style {
    let colours = theme.colours();
    let ground = if status == slider::Status::Active { colours.accent } else { colours.accent_lit };
    slider::Style {
        rail: slider::Rail {
            backgrounds: (Background::Color(ground), Background::Color(colours.edge)),
            width: 4.0,
            border: border::rounded(2.0),
        },
        handle: slider::Handle {
            shape: slider::HandleShape::Circle { radius: 8.0 },
            background: Background::Color(ground),
            border_width: 2.0,
            border_color: colours.field,
        },
    }
}

fn line(theme: &Theme) -> rule::Style {
    rule::Style {
        color: theme.colours().line,
        radius: border::radius(0.0),
        fill_mode: rule::FillMode::Full,
        snap: true,
    }
}

fn progress(theme: &Theme) -> progress_bar::Style {
    let colours = theme.colours();
    progress_bar::Style {
        background: Background::Color(colours.line),
        bar: Background::Color(colours.accent),
        border: border::rounded(3.0),
    }
}

fn choice(theme: &Theme, status: pick_list::Status) -> pick_list::Style {
    let colours = theme.colours();
    let (ground, open) = match status {
        pick_list::Status::Active => (colours.field, false),
        pick_list::Status::Hovered => (over(colours.lit, colours.field), false),
        pick_list::Status::Opened { .. } => (colours.field, true),
    };
    pick_list::Style {
        text_color: colours.text,
        placeholder_color: colours.text_soft,
        handle_color: colours.text_soft,
        background: Background::Color(ground),
        border: field_border(colours, open),
    }
}

fn choices(theme: &Theme) -> menu::Style {
    let colours = theme.colours();
    menu::Style {
        background: Background::Color(colours.raised),
        border: border::rounded(RADIUS).width(1.0).color(colours.edge),
        text_color: colours.text,
        selected_text_color: colours.accent_text,
        selected_background: Background::Color(colours.accent),
        shadow: Shadow::default(),
    }
}
