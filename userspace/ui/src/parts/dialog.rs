//! Dialogs: something over a window that has to be answered first.

use iced_core::keyboard::key::Named;
use iced_core::keyboard::{self, Key};
use iced_core::{Alignment, Event, Length, Padding, widget};
use iced_widget::{
    Column, Row, button, center, column, container, mouse_area, opaque, row, space, stack, text, text_input,
};

use crate::icon::Icon;
use crate::{Element, fonts, style};

/// Width of a question.
const WIDTH: f32 = 400.0;
/// The field of a dialog that asks for a text, to give it the keyboard.
pub const FIELD: widget::Id = widget::Id::new("dialog");

/// What a button of a dialog is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Primary,
    Danger,
}

/// A field: what it holds, what stands there when it is empty, and the message of each change.
type Field<Message> = (String, String, fn(String) -> Message);

/// A question, or a request for a text.
#[derive(Clone, Debug)]
pub struct Dialog<Message> {
    title: String,
    text: String,
    icon: Option<Icon>,
    field: Option<Field<Message>>,
    wrong: Option<String>,
    buttons: Vec<(Kind, String, Option<Message>)>,
    cancel: Option<Message>,
}

impl<Message: Clone> Dialog<Message> {
    /// A dialog with a title and what there is to say.
    pub fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            text: text.into(),
            icon: None,
            field: None,
            wrong: None,
            buttons: Vec::new(),
            cancel: None,
        }
    }

    /// Something went wrong, and that is all.
    pub fn error(title: impl Into<String>, text: impl Into<String>, close: Message) -> Self {
        Self::new(title, text).icon(Icon::TRIANGLE_ALERT).primary("OK", close.clone()).closed_by(close)
    }

    /// An icon before the title.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// A field to write into: what it holds, what stands there when it is empty, and the message of each change.
    pub fn field(mut self, value: impl Into<String>, hint: impl Into<String>, message: fn(String) -> Message) -> Self {
        self.field = Some((value.into(), hint.into(), message));
        self
    }

    /// What is wrong with the answer, below the field.
    pub fn wrong(mut self, wrong: Option<String>) -> Self {
        self.wrong = wrong;
        self
    }

    /// A button that leaves everything as it is; so does Escape.
    pub fn cancel(mut self, label: impl Into<String>, message: Message) -> Self {
        self.buttons.push((Kind::Plain, label.into(), Some(message.clone())));
        self.closed_by(message)
    }

    /// What Escape does, without a button.
    pub fn closed_by(mut self, message: Message) -> Self {
        self.cancel = Some(message);
        self
    }

    /// A button that does something else.
    pub fn other(mut self, label: impl Into<String>, message: Message) -> Self {
        self.buttons.push((Kind::Plain, label.into(), Some(message)));
        self
    }

    /// The button that Enter presses.
    pub fn primary(self, label: impl Into<String>, message: Message) -> Self {
        self.primary_maybe(label, Some(message))
    }

    /// The button that Enter presses, if it can be pressed now.
    pub fn primary_maybe(mut self, label: impl Into<String>, message: Option<Message>) -> Self {
        self.buttons.push((Kind::Primary, label.into(), message));
        self
    }

    /// The same, for what destroys.
    pub fn danger(mut self, label: impl Into<String>, message: Message) -> Self {
        self.buttons.push((Kind::Danger, label.into(), Some(message)));
        self
    }

    fn default(&self) -> Option<&Message> {
        self.buttons.iter().find(|(kind, ..)| *kind != Kind::Plain).and_then(|(_, _, message)| message.as_ref())
    }

    /// The message of an event, while the dialog is open.
    pub fn event(&self, event: &Event) -> Option<Message> {
        let Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Named(key), .. }) = event else { return None };
        match key {
            Named::Escape => self.cancel.clone(),
            // A field has Enter itself.
            Named::Enter if self.field.is_none() => self.default().cloned(),
            _ => None,
        }
    }

    /// What it looks like.
    pub fn view<'a>(&'a self) -> Element<'a, Message>
    where
        Message: 'a,
    {
        let mut title = Row::new().spacing(10).align_y(Alignment::Center);
        if let Some(icon) = self.icon {
            title = title.push(icon.sized(20.0).style(style::accent));
        }
        let title = title.push(text(&self.title).font(fonts::STRONG).size(fonts::TITLE_SIZE));
        let mut content = Column::new().spacing(12).push(title);
        if !self.text.is_empty() {
            content = content.push(text(&self.text).line_height(1.45));
        }
        if let Some((value, hint, message)) = &self.field {
            let field = text_input(hint, value).id(FIELD).padding([8, 10]).on_input(*message);
            content = content.push(field.on_submit_maybe(self.default().cloned()));
        }
        if let Some(wrong) = &self.wrong {
            content = content.push(text(wrong).size(fonts::SMALL_SIZE).style(style::wrong));
        }
        let buttons = self.buttons.iter().map(|(kind, label, message)| {
            let style = match kind {
                Kind::Plain => style::quiet,
                Kind::Primary => style::primary,
                Kind::Danger => style::danger,
            };
            let button = button(text(label).font(fonts::STRONG)).padding(Padding::from([7, 16])).style(style);
            button.on_press_maybe(message.clone()).into()
        });
        let buttons = row![space().width(Length::Fill)].extend(buttons).spacing(8);
        content = content.push(container(buttons).padding(Padding::ZERO.top(8)));
        container(content).padding(20).width(WIDTH).style(style::raised).into()
    }
}

/// A view with something over it that has to be dealt with first. What lies behind cannot be reached; pressing it sends a message, if
/// there is one.
pub fn over<'a, Message: Clone + 'a>(
    content: impl Into<Element<'a, Message>>,
    dialog: Option<Element<'a, Message>>,
    outside: Option<Message>,
) -> Element<'a, Message> {
    let Some(dialog) = dialog else { return stack![content.into()].into() };
    let mut veil = mouse_area(center(opaque(super::lifted(dialog))).padding(16).style(style::veil));
    if let Some(message) = outside {
        veil = veil.on_press(message);
    }
    stack![content.into(), opaque(veil)].into()
}

/// A title with text below it, as forms begin.
pub fn heading<'a, Message: 'a>(title: &'a str, explanation: &'a str) -> Element<'a, Message> {
    let explanation = text(explanation).size(fonts::SMALL_SIZE).style(style::soft);
    column![text(title).font(fonts::STRONG).size(fonts::TITLE_SIZE), explanation].spacing(4).into()
}
