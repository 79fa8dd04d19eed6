//! What the browser looks like.

mod bars;

use std::time::SystemTime;

use ochre_ui::parts::{dialog, menu};
use ochre_ui::widget::scrollable::{Direction, Scrollbar};
use ochre_ui::widget::{button, center, container, responsive, row, rule, scrollable, space, stack, text};
use ochre_ui::{Alignment, Element, Icon, Length, Size, column, fonts, style};

use crate::app::{Files, Look, Message, State, id};
use crate::entry::Entry;
use crate::order::Column;
use crate::rows::{self, Columns, Rows};
use crate::tiles::Tiles;

/// Height of the line with the columns' heads, and of a place.
const BAR: f32 = 28.0;
/// Width of the places.
const PLACES: f32 = 168.0;
/// A window that is narrower has no places at its side.
const NARROW: f32 = 560.0;

/// The whole window.
pub fn view(files: &Files) -> Element<'_, Message> {
    let page = responsive(move |size| {
        let middle: Element<'_, Message> = if size.width < NARROW {
            main(files)
        } else {
            row![bars::places(files), rule::vertical(1), main(files)].into()
        };
        column![bars::tools(files), container(middle).height(Length::Fill), bars::status(files)].into()
    });
    let dialog = files.dialog.as_ref().map(|dialog| dialog.card.view());
    dialog::over(menu::over(page, files.menu.as_ref(), Message::Menu), dialog, None)
}

/// The list with what belongs to it.
fn main(files: &Files) -> Element<'_, Message> {
    let mut content = column![].width(Length::Fill);
    if let Some(notice) = &files.notice {
        content = content.push(bars::notice(notice)).push(rule::horizontal(1));
    }
    content = content.push(responsive(move |size| list(files, size)));
    if let Some(running) = &files.running {
        content = content.push(rule::horizontal(1)).push(bars::running(running));
    }
    container(content).style(style::surface).height(Length::Fill).into()
}

fn list(files: &Files, size: Size) -> Element<'_, Message> {
    let heads = (files.look == Look::Rows).then(|| column![heads(files, size.width), rule::horizontal(1)]);
    let below = size.height - if heads.is_some() { BAR + 1.0 } else { 0.0 };
    let content: Element<'_, Message> = match &files.state {
        State::Failed(error) => empty(Icon::TRIANGLE_ALERT, "This folder cannot be shown", Some(error)),
        State::Reading => space().height(Length::Fill).into(),
        State::Ready => stack![contents(files, below), nothing(files)].height(Length::Fill).into(),
    };
    column![].push(heads).push(content).height(Length::Fill).into()
}

/// The files, one below the other or side by side.
fn contents(files: &Files, height: f32) -> Element<'_, Message> {
    let cut = move |entry: &Entry| files.clip.is_cut(&files.folder.join(&entry.name));
    let writing = files.address.is_some() || files.dialog.is_some();
    let focused = files.focused && !writing;
    let (list, touch) = (&files.list, Message::Touch as fn(_) -> _);
    let shown: Element<'_, Message> = match files.look {
        Look::Rows => Rows::new(list, SystemTime::now(), touch).focused(focused).at_least(height).cut(cut).into(),
        Look::Tiles => Tiles::new(list, &files.thumbs, touch).focused(focused).at_least(height).cut(cut).into(),
    };
    scrollable(shown)
        .id(id::LIST)
        .width(Length::Fill)
        .height(Length::Fill)
        .direction(Direction::Vertical(Scrollbar::new().width(8).scroller_width(8).margin(2)))
        .on_scroll(|view| Message::Scrolled(view.absolute_offset().y, view.bounds().height))
        .into()
}

/// What is shown instead of rows that are not there.
fn nothing(files: &Files) -> Option<Element<'_, Message>> {
    files.list.is_empty().then(|| match files.list.hidden() {
        0 => empty(Icon::FOLDER_OPEN, "This folder is empty", None),
        _ => empty(Icon::EYE_OFF, "There are only hidden files here", Some("Ctrl+H shows them")),
    })
}

fn empty<'a>(icon: Icon, title: &'a str, more: Option<&'a str>) -> Element<'a, Message> {
    let more = more.map(|more| {
        let mut letters = more.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        text(format!("{first}{}", letters.as_str())).style(style::soft)
    });
    let content = column![icon.sized(40.0).style(style::off), text(title).font(fonts::STRONG).style(style::soft)]
        .push(more)
        .spacing(8)
        .align_x(Alignment::Center);
    center(content).into()
}

/// The heads of the columns.
fn heads(files: &Files, width: f32) -> Element<'_, Message> {
    let order = files.list.order();
    let columns = Columns::of(width);
    let head = |title: &'static str, column: Column, width: f32, left: f32, right: bool| {
        let sorted = order.column == column;
        let arrow = if order.reverse { Icon::CHEVRON_DOWN } else { Icon::CHEVRON_UP };
        let arrow = sorted.then(|| arrow.sized(12.0).style(style::soft));
        let title = text(title).size(fonts::SMALL_SIZE).style(style::soft);
        let title = if sorted { title.font(fonts::STRONG) } else { title };
        let content = match right {
            true => row![space().width(Length::Fill)].push(arrow).push(title),
            false => row![title].push(arrow),
        };
        let content = content.spacing(4).align_y(Alignment::Center).height(Length::Fill);
        button(content)
            .padding(ochre_ui::Padding { left, right: rows::PADDING, top: 0.0, bottom: 0.0 })
            .width(width)
            .height(Length::Fill)
            .style(style::bare)
            .on_press(Message::Column(column))
    };
    let indent = rows::INDENT - 8.0;
    let mut heads = row![
        head("Name", Column::Name, columns.name, indent, false),
        head("Size", Column::Size, columns.size, rows::PADDING, true),
    ];
    if columns.modified > 0.0 {
        heads = heads.push(head("Changed", Column::Modified, columns.modified, rows::PADDING, false));
    }
    if columns.kind > 0.0 {
        heads = heads.push(head("Kind", Column::Kind, columns.kind, rows::PADDING, false));
    }
    container(heads).padding([2, 8]).height(BAR).width(Length::Fill).into()
}
