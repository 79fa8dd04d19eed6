//! Bars of buttons, and the line at a window's foot.

use iced_core::{Alignment, Length, Padding};
use iced_widget::{Row, button, column, container, row, rule, text, tooltip};

use crate::icon::{self, Icon};
use crate::{Element, fonts, style};

/// Height of a tool bar.
pub const HEIGHT: f32 = 44.0;
/// Side of a button with an icon.
pub const TOOL: f32 = 32.0;

/// A button with an icon, and what it does for who waits over it. Without a message it cannot be pressed.
pub fn tool<'a, Message: Clone + 'a>(icon: Icon, hint: &'a str, message: Option<Message>) -> Element<'a, Message> {
    tool_if(icon, hint, false, message)
}

/// The same, switched on or not.
pub fn tool_if<'a, Message: Clone + 'a>(
    icon: Icon,
    hint: &'a str,
    on: bool,
    message: Option<Message>,
) -> Element<'a, Message> {
    let inner = container(icon.sized(icon::SIZE)).center(Length::Fill);
    let tool = button(inner).width(TOOL).height(TOOL).padding(0).style(style::bare_if(on)).on_press_maybe(message);
    let hint = container(text(hint).size(fonts::SMALL_SIZE)).padding([4, 8]).style(style::raised);
    tooltip(tool, hint, tooltip::Position::Bottom).gap(4).delay(std::time::Duration::from_millis(500)).into()
}

/// A button with an icon and a word.
pub fn tool_text<'a, Message: Clone + 'a>(icon: Icon, word: &'a str, message: Option<Message>) -> Element<'a, Message> {
    let inner = row![icon.view(), text(word)].spacing(8).align_y(Alignment::Center).height(Length::Fill);
    button(inner).height(TOOL).padding(Padding::ZERO.horizontal(10)).style(style::bare).on_press_maybe(message).into()
}

/// A line between groups of buttons.
pub fn separator<'a, Message: 'a>() -> Element<'a, Message> {
    container(rule::vertical(1)).height(20).padding(Padding::ZERO.horizontal(4)).into()
}

/// A bar of buttons along a window's upper edge.
pub fn tool_bar<'a, Message: 'a>(items: impl IntoIterator<Item = Element<'a, Message>>) -> Element<'a, Message> {
    let items = Row::with_children(items).spacing(4).align_y(Alignment::Center).height(HEIGHT - 1.0);
    let bar = container(items).padding(Padding::ZERO.horizontal(8)).width(Length::Fill).style(style::chrome);
    column![bar, rule::horizontal(1)].into()
}

/// The line at a window's foot: what is on the left, and what is on the right.
pub fn status_bar<'a, Message: 'a>(
    left: impl Into<Element<'a, Message>>,
    right: impl Into<Element<'a, Message>>,
) -> Element<'a, Message> {
    let line =
        row![container(left).width(Length::Fill), right.into()].spacing(16).align_y(Alignment::Center).height(27);
    let bar = container(line).padding(Padding::ZERO.horizontal(12)).width(Length::Fill).style(style::chrome);
    column![rule::horizontal(1), bar].into()
}
