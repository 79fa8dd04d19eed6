//! What is around the list: tools, places, what is going on.

use ochre_ui::parts::bar::{status_bar, tool, tool_bar, tool_if};
use ochre_ui::widget::scrollable::{Anchor, Direction, Scrollbar};
use ochre_ui::widget::{button, container, mouse_area, progress_bar, row, scrollable, space, text, text_input};
use ochre_ui::{Alignment, Element, Icon, Length, column, fonts, style};

use super::{BAR, PLACES};
use crate::app::{Command, Files, Look, Message, Running, State, id};
use crate::format;
use crate::places::{self, Sort};

/// The tool bar.
pub fn tools(files: &Files) -> Element<'_, Message> {
    let (back, forward) = files.history.ways();
    let hidden = files.list.shows_hidden();
    let eye = if hidden { Icon::EYE } else { Icon::EYE_OFF };
    let path = if files.address.is_some() { address(files) } else { parts(files) };
    let (look, other, what) = match files.look {
        Look::Rows => (Icon::LAYOUT_GRID, Look::Tiles, "As tiles"),
        Look::Tiles => (Icon::LIST, Look::Rows, "In rows"),
    };
    let can = |command: Command, can: bool| can.then_some(Message::Command(command));
    tool_bar([
        tool(Icon::ARROW_LEFT, "Back", can(Command::Back, back)),
        tool(Icon::ARROW_RIGHT, "Forward", can(Command::Forward, forward)),
        tool(Icon::ARROW_UP, "To the folder around this one", can(Command::Up, files.folder.parent().is_some())),
        container(path).width(Length::Fill).padding([0, 4]).into(),
        tool(Icon::FOLDER_PLUS, "New folder", can(Command::NewFolder, files.state == State::Ready)),
        tool(look, what, can(Command::Show(other), true)),
        tool_if(eye, "Hidden files", hidden, can(Command::ToggleHidden, true)),
        tool(Icon::SQUARE_TERMINAL, "Terminal in this folder", can(Command::Terminal, true)),
    ])
}

/// The path as parts to be pressed; beside them is where it can be typed.
fn parts(files: &Files) -> Element<'_, Message> {
    let all = places::parts(&files.folder);
    let last = all.len() - 1;
    let mut parts = row![].align_y(Alignment::Center);
    for (at, (name, path)) in all.into_iter().enumerate() {
        if at > 0 {
            parts = parts.push(Icon::CHEVRON_RIGHT.sized(12.0).style(style::off));
        }
        let content: Element<'_, Message> = match (at, at == last) {
            (0, _) => Icon::HARD_DRIVE.view().into(),
            (_, true) => text(name).font(fonts::STRONG).into(),
            _ => text(name).into(),
        };
        let part = button(container(content).center_y(Length::Fill))
            .padding([0, 6])
            .height(24)
            .style(style::bare)
            .on_press(Message::Go(path));
        parts = parts.push(part);
    }
    // Of a path that is too long the end is what counts.
    let parts = scrollable(parts).direction(Direction::Horizontal(Scrollbar::hidden())).anchor_x(Anchor::End);
    let edit = mouse_area(space().width(Length::Fill).height(24)).on_press(Message::Command(Command::EditAddress));
    let inside = row![parts, edit].align_y(Alignment::Center).height(Length::Fill);
    container(inside).height(32).padding([0, 4]).width(Length::Fill).style(field).into()
}

/// A field that is not written into now.
fn field(theme: &ochre_ui::Theme) -> container::Style {
    let colours = theme.colours();
    let border = ochre_ui::core::border::rounded(style::RADIUS).width(1.0).color(colours.edge);
    container::Style { background: Some(colours.field.into()), border, ..container::Style::default() }
}

fn address(files: &Files) -> Element<'_, Message> {
    text_input("Path", files.address.as_deref().unwrap_or_default())
        .id(id::ADDRESS)
        .on_input(Message::Address)
        .on_submit(Message::AddressDone)
        .padding([7, 9])
        .into()
}

/// The places at the side.
pub fn places(files: &Files) -> Element<'_, Message> {
    let mut list = column![].spacing(2);
    for place in &files.places {
        let icon = match place.sort {
            Sort::Home => Icon::HOUSE,
            Sort::Documents => Icon::FILE_TEXT,
            Sort::Pictures => Icon::IMAGE,
            Sort::Temporary => Icon::CLOCK,
            Sort::Root => Icon::HARD_DRIVE,
        };
        let here = place.path == files.folder;
        let name = text(place.name);
        let name = if here { name.font(fonts::STRONG) } else { name };
        let content = row![icon.view(), name].spacing(8).align_y(Alignment::Center).height(Length::Fill);
        let item = button(content)
            .padding([0, 8])
            .width(Length::Fill)
            .height(BAR)
            .style(style::bare_if(here))
            .on_press(Message::Go(place.path.clone()));
        list = list.push(item);
    }
    container(list).padding(8).width(PLACES).height(Length::Fill).style(style::chrome).into()
}

/// The lowest line: what is there, what is selected, what room is left.
pub fn status(files: &Files) -> Element<'_, Message> {
    let small = |content: String| text(content).size(fonts::SMALL_SIZE).style(style::soft);
    let left = match &files.state {
        State::Reading => String::new(),
        State::Failed(_) => "Not shown".into(),
        State::Ready => contents(files),
    };
    let room = files.space.map(|(free, _)| small(format!("{} free", format::size(free))));
    status_bar(small(left), row![].push(room))
}

/// How many there are, or are selected.
fn contents(files: &Files) -> String {
    let list = &files.list;
    match list.selected() {
        0 => {
            let hidden = list.hidden();
            let more = if hidden > 0 { format!(", {hidden} hidden") } else { String::new() };
            format!("{}{more}", format::count(list.len(), "item", "items"))
        }
        1 => {
            let entry = list.selection().next();
            let what = entry.map(|entry| match entry.is_folder() {
                true => format!("“{}” selected", entry.title()),
                false => format!("“{}” selected, {}", entry.title(), format::size(entry.size)),
            });
            what.unwrap_or_default()
        }
        selected => {
            let bytes: u64 = list.selection().filter(|entry| !entry.is_folder()).map(|entry| entry.size).sum();
            format!("{selected} of {} selected, {}", format::count(list.len(), "item", "items"), format::size(bytes))
        }
    }
}

/// What went wrong.
pub fn notice(notice: &str) -> Element<'_, Message> {
    let close = button(container(Icon::X.view()).center(Length::Fill)).width(28).height(28).padding(0);
    let line = row![
        Icon::TRIANGLE_ALERT.view().style(style::wrong),
        text(notice).width(Length::Fill),
        close.style(style::bare).on_press(Message::Dismiss),
    ];
    container(line.spacing(8).align_y(Alignment::Center)).padding([4, 8]).padding(left(16.0)).width(Length::Fill).into()
}

fn left(left: f32) -> ochre_ui::Padding {
    ochre_ui::Padding { left, right: 8.0, top: 4.0, bottom: 4.0 }
}

/// What is being done.
pub fn running(running: &Running) -> Element<'_, Message> {
    let title = if running.is_stopping() { "Stopping…".into() } else { running.title() };
    let stop = button(container(Icon::X.view()).center(Length::Fill)).width(28).height(28).padding(0);
    let words = row![text(title).width(Length::Fill), text(running.state()).style(style::soft)].spacing(16);
    let bar = progress_bar(0.0..=1.0, running.progress.share()).girth(6);
    let line = row![
        column![words, bar].spacing(6).width(Length::Fill),
        stop.style(style::bare).on_press_maybe((!running.is_stopping()).then_some(Message::Command(Command::Stop))),
    ];
    container(line.spacing(12).align_y(Alignment::Center)).padding(left(16.0)).width(Length::Fill).into()
}
