//! What the viewer looks like.

use files::format;
use ochre_ui::parts::{separator, status_bar, tool, tool_bar};
use ochre_ui::widget::{center, column, container, space, stack, text};
use ochre_ui::{Alignment, Color, Element, Icon, Length, fonts, style};

use crate::app::{Message, State, Viewer};
use crate::camera::Camera;
use crate::series;
use crate::stage::Stage;

/// Words on the dark ground.
const INK: Color = Color::from_rgb8(0xcf, 0xc8, 0xc1);

/// The whole window.
pub fn view(viewer: &Viewer) -> Element<'_, Message> {
    if viewer.full_screen {
        return stage(viewer);
    }
    column![tools(viewer), stage(viewer), status(viewer)].into()
}

fn stage(viewer: &Viewer) -> Element<'_, Message> {
    let shown = match &viewer.state {
        State::Shown(open) => Some(open.seen(viewer.scale)),
        _ => None,
    };
    let stage = Stage::new(shown, viewer.camera().is_some_and(Camera::can_move), Message::Act);
    let said = match &viewer.state {
        State::Empty => Some(words(Icon::IMAGE, "No picture", "Open one from the file browser.".into())),
        State::Failed(error) => Some(words(Icon::TRIANGLE_ALERT, "This picture cannot be shown", sentence(error))),
        State::Loading | State::Shown(_) => None,
    };
    stack![stage].push(said).width(Length::Fill).height(Length::Fill).into()
}

/// The reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}

fn words<'a>(icon: Icon, title: &'a str, more: String) -> Element<'a, Message> {
    let faint = Color { a: 0.7, ..INK };
    let content =
        column![icon.sized(40.0).color(faint), text(title).font(fonts::STRONG).color(INK), text(more).color(faint),];
    center(content.spacing(8).align_x(Alignment::Center)).into()
}

fn tools(viewer: &Viewer) -> Element<'_, Message> {
    let there = viewer.camera().is_some();
    let several = viewer.series.len() > 1;
    let can = |message: Message| there.then_some(message);
    let percent = viewer.camera().map(Camera::percent).unwrap_or_default();
    let percent = container(text(percent).style(style::soft)).center_x(64);
    tool_bar([
        tool(Icon::ARROW_LEFT, "The picture before", several.then_some(Message::Turn(false))),
        tool(Icon::ARROW_RIGHT, "The next picture", several.then_some(Message::Turn(true))),
        separator(),
        tool(Icon::ZOOM_OUT, "Smaller", can(Message::Zoom(false))),
        percent.into(),
        tool(Icon::ZOOM_IN, "Larger", can(Message::Zoom(true))),
        tool(Icon::SCAN, "All of it", can(Message::Fit)),
        tool(Icon::SQUARE, "Full size", can(Message::FullSize)),
        separator(),
        tool(Icon::ROTATE_CCW, "Turn left", can(Message::Rotate(false))),
        tool(Icon::ROTATE_CW, "Turn right", can(Message::Rotate(true))),
        space().width(Length::Fill).into(),
        tool(Icon::MONITOR, "Whole screen", can(Message::FullScreen)),
    ])
}

fn status(viewer: &Viewer) -> Element<'_, Message> {
    let small = |words: String| text(words).size(fonts::SMALL_SIZE).style(style::soft).wrapping(text::Wrapping::None);
    let left = match &viewer.state {
        State::Shown(open) => {
            let (width, height) = open.camera.laid();
            format!("{width} × {height} pixels, {}", format::size(open.size))
        }
        State::Loading => "Loading…".into(),
        State::Empty | State::Failed(_) => String::new(),
    };
    let number = viewer.path.as_ref().and_then(|path| series::number(&viewer.series, path));
    let right = number.map_or_else(String::new, |(number, all)| format!("{number} of {all}"));
    status_bar(small(left), small(right))
}
