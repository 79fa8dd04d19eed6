//! What settings look like: pages at the side, and cards of rows.

mod pages;

use ochre_ui::parts::{dialog, tool};
use ochre_ui::widget::{Column, button, column, container, row, rule, scrollable, text};
use ochre_ui::{Alignment, Element, Icon, Length, Padding, fonts, style};

use crate::app::{Message, Section, Settings};

/// Width of the side.
const SIDE: f32 = 184.0;
/// Cards are no wider, so that what belongs together stays together.
const WIDEST: f32 = 560.0;

/// The whole window.
pub fn view(settings: &Settings) -> Element<'_, Message> {
    let page = match settings.section {
        Section::Appearance => pages::appearance(settings),
        Section::Display => pages::display(settings),
        Section::Keyboard => pages::keyboard(settings),
        Section::About => pages::about(settings),
    };
    let title = text(settings.section.title().0).size(20).font(fonts::STRONG);
    let content = column![title].push(settings.notice.as_deref().map(notice)).push(page).spacing(16).max_width(WIDEST);
    let content = scrollable(container(content).padding(24).center_x(Length::Fill)).height(Length::Fill);
    let whole =
        row![side(settings.section), rule::vertical(1), container(content).style(style::chrome).width(Length::Fill)];
    dialog::over(whole, settings.trial.as_ref().map(|trial| trial.card.view()), None)
}

fn side<'a>(here: Section) -> Element<'a, Message> {
    let item = |section: Section| {
        let (title, icon) = section.title();
        let name = text(title);
        let name = if section == here { name.font(fonts::STRONG) } else { name };
        button(row![icon.view(), name].spacing(10).align_y(Alignment::Center).height(Length::Fill))
            .padding([0, 10])
            .width(Length::Fill)
            .height(32)
            .style(style::bare_if(section == here))
            .on_press(Message::Section(section))
            .into()
    };
    let items = Column::with_children(Section::ALL.map(item)).spacing(2);
    container(items).padding(8).width(SIDE).height(Length::Fill).style(style::chrome).into()
}

fn notice(notice: &str) -> Element<'_, Message> {
    let line = row![
        Icon::TRIANGLE_ALERT.view().style(style::wrong),
        text(notice).width(Length::Fill),
        tool(Icon::X, "Close", Some(Message::Dismiss)),
    ];
    let line = line.spacing(10).align_y(Alignment::Center);
    container(line).padding(Padding::from([4, 8]).left(16)).style(style::card).into()
}

/// Rows that belong together, with lines between them.
fn card<'a>(rows: impl IntoIterator<Item = Element<'a, Message>>) -> Element<'a, Message> {
    let mut card = Column::new();
    for (number, row) in rows.into_iter().enumerate() {
        if number > 0 {
            card = card.push(container(rule::horizontal(1)).padding([0, 16]));
        }
        card = card.push(row);
    }
    container(card).width(Length::Fill).style(style::card).into()
}

/// A row: what it is about, and what can be done about it.
fn line<'a>(
    title: &'a str,
    explanation: Option<&'a str>,
    control: impl Into<Element<'a, Message>>,
) -> Element<'a, Message> {
    let explanation = explanation.map(|words| text(words).size(fonts::SMALL_SIZE).style(style::soft));
    let words = column![text(title)].push(explanation).spacing(2).width(Length::Fill);
    let line = row![words, control.into()].spacing(24).align_y(Alignment::Center);
    container(line).padding([10, 16]).width(Length::Fill).into()
}

/// Several things of which one is chosen.
fn choice<'a, T: PartialEq + Copy>(
    options: &[(&'a str, T)],
    chosen: T,
    message: impl Fn(T) -> Message,
) -> Element<'a, Message> {
    let buttons = options.iter().map(|(label, value)| {
        let on = *value == chosen;
        let label = text(*label);
        let label = if on { label.font(fonts::STRONG) } else { label };
        button(container(label).center_y(Length::Fill))
            .padding([0, 12])
            .height(28)
            .style(style::bare_if(on))
            .on_press(message(*value))
            .into()
    });
    let field = |theme: &ochre_ui::Theme| {
        let colours = theme.colours();
        let border = ochre_ui::core::border::rounded(style::RADIUS + 2.0).width(1.0).color(colours.edge);
        container::Style { background: Some(colours.field.into()), border, ..container::Style::default() }
    };
    container(row(buttons).spacing(2)).padding(2).style(field).into()
}

/// A value that is only told.
fn value<'a>(value: impl text::IntoFragment<'a>) -> Element<'a, Message> {
    text(value).style(style::soft).into()
}
