//! The pages.

use files::format;
use ochre_ui::core::border;
use ochre_ui::widget::{
    button, column, container, pick_list, progress_bar, row, scrollable, slider, space, text, text_input,
};
use ochre_ui::{Alignment, Color, Element, Icon, Length, Theme, fonts, style};

use super::{card, choice, line, value};
use crate::app::{Message, Settings};
use crate::facts::{self, Keymap};

/// Light or dark.
pub fn appearance(settings: &Settings) -> Element<'_, Message> {
    let dark = settings.facts.desktop.dark;
    let both = row![look(Theme::Light, "Light", !dark), look(Theme::Dark, "Dark", dark)].spacing(16);
    let about = text("Windows, menus and programs change at once.").size(fonts::SMALL_SIZE).style(style::soft);
    let title = column![text("Theme"), about].spacing(2);
    card([container(column![title, both].spacing(12)).padding(16).into()])
}

/// A theme, as a small desktop in its colours.
fn look<'a>(theme: Theme, name: &'a str, on: bool) -> Element<'a, Message> {
    let colours = theme.colours();
    let area = |colour: Color, radius: border::Radius| {
        move |_: &Theme| container::Style {
            background: Some(colour.into()),
            border: border::rounded(radius),
            ..container::Style::default()
        }
    };
    let bar = |width: f32, colour: Color| container(space()).width(width).height(5).style(area(colour, 2.5.into()));
    let title = container(row![bar(40.0, colours.text)].align_y(Alignment::Center))
        .padding([6, 8])
        .width(Length::Fill)
        .style(area(colours.window, border::top(5)));
    let text_lines = column![
        bar(92.0, colours.text_soft),
        bar(116.0, colours.text_soft),
        bar(72.0, colours.text_soft),
        container(space()).width(44).height(12).style(area(colours.accent, 3.into())),
    ];
    let page = container(text_lines.spacing(7))
        .padding(10)
        .width(Length::Fill)
        .style(area(colours.surface, border::bottom(5)));
    let edge = move |_: &Theme| container::Style {
        border: border::rounded(6).width(1.0).color(colours.edge),
        ..container::Style::default()
    };
    let small = container(column![title, page]).padding(1).width(164).style(edge);
    let ground =
        if theme == Theme::Light { ochre_ui::core::color!(0xdcc5a9) } else { ochre_ui::core::color!(0x2a1e17) };
    let desktop = container(small).padding([18, 0]).center_x(Length::Fill).style(area(ground, 6.into()));
    let mark = if on { Icon::CIRCLE_CHECK } else { Icon::CIRCLE };
    let ink = if on { style::accent } else { style::soft };
    let label = text(name);
    let label = if on { label.font(fonts::STRONG) } else { label };
    let name = row![mark.view().style(ink), label].spacing(8).align_y(Alignment::Center);
    let frame = move |theme: &Theme, status: button::Status| {
        let colours = theme.colours();
        let (width, color) = if on { (2.0, colours.accent) } else { (1.0, colours.edge) };
        let style = if on { style::bare(theme, button::Status::Active) } else { style::bare(theme, status) };
        button::Style { border: border::rounded(style::RADIUS_LARGE).width(width).color(color), ..style }
    };
    button(column![desktop, name].spacing(10))
        .padding(10)
        .width(Length::Fill)
        .style(frame)
        .on_press(Message::Dark(theme == Theme::Dark))
        .into()
}

/// Resolution and scale.
pub fn display(settings: &Settings) -> Element<'_, Message> {
    let resolution = match &settings.facts.screen {
        None => line("Resolution", Some("No graphics driver tells of its screen."), value("—")),
        Some(screen) if screen.modes.len() < 2 => {
            line("Resolution", Some("This screen has one resolution only."), value(screen.mode.to_string()))
        }
        Some(screen) => {
            let hint = screen.preferred.filter(|preferred| *preferred != screen.mode);
            let list = pick_list(screen.modes.clone(), Some(screen.mode), Message::Resolution)
                .padding([6, 12])
                .width(160)
                .menu_height(Length::Fixed(260.0));
            let list = column![list].push(
                hint.map(|mode| text(format!("The screen prefers {mode}")).size(fonts::SMALL_SIZE).style(style::soft)),
            );
            line("Resolution", Some("Pixels of the screen."), list.spacing(4).align_x(Alignment::End))
        }
    };
    let options = [("Automatic", None), ("100 %", Some(1)), ("200 %", Some(2)), ("300 %", Some(3))];
    let scale = choice(&options, settings.facts.desktop.scale, Message::Scale);
    card([resolution, line("Scale", Some("Of text and all else."), scale)])
}

/// Key map and repeat.
pub fn keyboard(settings: &Settings) -> Element<'_, Message> {
    let Some(keyboard) = &settings.facts.keyboard else {
        return card([line("Keyboard", Some("The input daemon does not answer."), value("—"))]);
    };
    let maps = keyboard.keymaps.iter().map(|map| keymap(map, map.id == keyboard.keymap));
    let maps = scrollable(column(maps).spacing(2)).spacing(0);
    let layout = column![text("Key map"), container(maps).max_height(200)].spacing(8);
    let repeats = keyboard.rate > 0;
    let delay = row![
        slider(100..=1000, keyboard.delay.clamp(100, 1000), Message::Delay)
            .step(50_u32)
            .on_release(Message::Repeat)
            .width(160),
        container(value(format!("{} ms", keyboard.delay))).align_right(64),
    ];
    let rate = row![
        slider(0..=60, keyboard.rate.min(60), Message::Rate).step(2_u32).on_release(Message::Repeat).width(160),
        container(value(if repeats { format!("{} / s", keyboard.rate) } else { "Never".into() })).align_right(64),
    ];
    let field = text_input("Type here to try it", &settings.tried).on_input(Message::Try).padding([7, 10]);
    let keys = card([container(layout).padding(16).width(Length::Fill).into()]);
    let held = card([
        line("Delay", Some("Until a held key repeats."), delay.align_y(Alignment::Center)),
        line("Speed", Some("How often it repeats then."), rate.align_y(Alignment::Center)),
        container(field).padding([12, 16]).into(),
    ]);
    column![keys, held].spacing(16).into()
}

fn keymap(map: &Keymap, on: bool) -> Element<'_, Message> {
    let mark = if on { Icon::CIRCLE_CHECK } else { Icon::CIRCLE };
    let name = text(&map.name);
    let name = if on { name.font(fonts::STRONG) } else { name };
    let id = text(&map.id).font(fonts::MONO).size(fonts::SMALL_SIZE).style(style::soft);
    let content =
        row![mark.view().style(if on { style::accent } else { style::soft }), name, space().width(Length::Fill), id];
    button(content.spacing(10).align_y(Alignment::Center).height(Length::Fill))
        .padding([0, 10])
        .width(Length::Fill)
        .height(32)
        .style(style::bare_if(on))
        .on_press(Message::Keymap(map.id.clone()))
        .into()
}

/// The system and the machine.
pub fn about(settings: &Settings) -> Element<'_, Message> {
    let machine = &settings.facts.machine;
    let used = machine.memory.saturating_sub(machine.free);
    let share = if machine.memory > 0 { used as f32 / machine.memory as f32 } else { 0.0 };
    let memory = column![
        value(format!("{} of {} used", format::size(used), format::size(machine.memory))),
        progress_bar(0.0..=1.0, share).girth(6).length(200),
    ];
    let processors = match machine.processors {
        1 => "1 processor".into(),
        many => format!("{many} processors"),
    };
    let system = card([
        line("System", None, value(&machine.version)),
        line("Kernel", None, value(&machine.build)),
        line("Running for", None, value(facts::duration(machine.uptime))),
    ]);
    let hardware = card([
        line(
            "Processor",
            None,
            column![value(&machine.processor), value(processors)].spacing(2).align_x(Alignment::End),
        ),
        line("Memory", None, memory.spacing(8).align_x(Alignment::End)),
    ]);
    let head = column![
        text("Ochre").size(28).font(fonts::STRONG),
        text("A microkernel operating system in Rust. MIT licence.").style(style::soft),
    ];
    column![head.spacing(4), system, hardware].spacing(16).into()
}
