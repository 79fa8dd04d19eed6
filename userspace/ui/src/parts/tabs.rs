//! Tabs: several contents, one of which is seen.

use iced_core::{Alignment, Length, Padding};
use iced_widget::{Row, button, column, container, row, rule, space, text};

use crate::icon::Icon;
use crate::{Element, fonts, style};

/// Height of tabs.
pub const HEIGHT: f32 = 36.0;
/// Widest tab.
const WIDTH: f32 = 200.0;

/// A row of tabs. `close` makes the message of a tab's closing button; without it there is none.
pub fn tabs<'a, Message: Clone + 'a>(
    titles: impl IntoIterator<Item = String>,
    active: usize,
    choose: impl Fn(usize) -> Message + 'a,
    close: Option<&dyn Fn(usize) -> Message>,
) -> Element<'a, Message> {
    let tab = |(number, title): (usize, String)| {
        let on = number == active;
        let title = text(title).wrapping(text::Wrapping::None).width(Length::Fill);
        let mut inner = Row::new().spacing(6).align_y(Alignment::Center).height(Length::Fill);
        inner = inner.push(if on { title } else { title.style(style::soft) });
        if let Some(close) = close {
            let cross = button(container(Icon::X.sized(14.0)).center(Length::Fill)).width(20).height(20).padding(0);
            inner = inner.push(cross.style(style::bare).on_press(close(number)));
        }
        let mark = container(space().width(Length::Fill).height(2)).style(move |theme: &crate::Theme| {
            let colour = if on { theme.colours().accent } else { iced_core::Color::TRANSPARENT };
            container::Style { background: Some(colour.into()), ..container::Style::default() }
        });
        let face = button(inner).height(HEIGHT - 3.0).padding(Padding::ZERO.left(12).right(8)).style(style::bare);
        column![face.width(Length::Fill).on_press(choose(number)), mark].width(Length::Fill).max_width(WIDTH).into()
    };
    let tabs = Row::with_children(titles.into_iter().enumerate().map(tab)).spacing(2).height(HEIGHT - 1.0);
    let bar =
        container(row![tabs, space().width(Length::Fill)]).padding(Padding::ZERO.horizontal(8)).style(style::chrome);
    column![bar, rule::horizontal(1)].into()
}

/// A group of choices of which one is made, side by side.
pub fn choice<'a, Message: Clone + 'a, T: Copy + PartialEq + 'a>(
    options: impl IntoIterator<Item = (T, Icon, &'a str)>,
    chosen: T,
    message: impl Fn(T) -> Message + 'a,
) -> Element<'a, Message> {
    let option = |(value, icon, label): (T, Icon, &'a str)| {
        let mut inner = row![icon.view()].spacing(8).align_y(Alignment::Center).height(Length::Fill);
        if !label.is_empty() {
            inner = inner.push(text(label).font(if value == chosen { fonts::STRONG } else { fonts::TEXT }));
        }
        let face =
            button(inner).height(28).padding(Padding::ZERO.horizontal(10)).style(style::bare_if(value == chosen));
        face.on_press(message(value)).into()
    };
    let group = Row::with_children(options.into_iter().map(option)).spacing(2);
    container(group).padding(1).style(style::card).into()
}
