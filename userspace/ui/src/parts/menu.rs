//! Menus that open where the pointer is, or below a button.

use iced_core::keyboard::key::Named;
use iced_core::keyboard::{self, Key};
use iced_core::{Alignment, Event, Length, Padding, Point, Rectangle, Vector};
use iced_widget::{button, column, container, float, mouse_area, opaque, row, rule, space, stack, text};

use crate::icon::{self, Icon};
use crate::{Element, fonts, style};

/// Height of an item.
const ROW: f32 = 30.0;
/// Width of a menu.
const WIDTH: f32 = 248.0;

/// A line of a menu.
#[derive(Clone, Debug)]
pub enum Item<Message> {
    /// Something to be chosen.
    Action {
        /// What stands before it.
        icon: Option<Icon>,
        /// What it is called.
        label: String,
        /// The keys that do the same.
        keys: &'static str,
        /// What it does; nothing when it cannot be chosen now.
        message: Option<Message>,
    },
    /// A line between groups.
    Line,
}

impl<Message> Item<Message> {
    /// Something to be chosen.
    pub fn new(icon: Icon, label: impl Into<String>, keys: &'static str, message: Option<Message>) -> Self {
        Self::Action { icon: Some(icon), label: label.into(), keys, message }
    }
}

/// What happens to a menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The next item, or the one before.
    Step(isize),
    /// The pointer is over an item.
    Over(usize),
    /// An item is chosen.
    Choose(usize),
    /// The item that is lit is chosen.
    Enter,
    /// The menu is closed.
    Close,
}

/// A menu that is open.
#[derive(Clone, Debug)]
pub struct Menu<Message> {
    at: Point,
    items: Vec<Item<Message>>,
    lit: Option<usize>,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<Message> {
    /// It stays open.
    Open,
    /// It is closed.
    Closed,
    /// It is closed, and this is what was chosen.
    Chosen(Message),
}

impl<Message: Clone> Menu<Message> {
    /// Opens a menu at a place.
    pub fn new(at: Point, items: Vec<Item<Message>>) -> Self {
        Self { at, items, lit: None }
    }

    /// The input that an event is, while the menu is open.
    pub fn event(&self, event: &Event) -> Option<Input> {
        let Event::Keyboard(keyboard::Event::KeyPressed { key: Key::Named(key), .. }) = event else { return None };
        match key {
            Named::ArrowDown | Named::Tab => Some(Input::Step(1)),
            Named::ArrowUp => Some(Input::Step(-1)),
            Named::Enter | Named::Space => Some(Input::Enter),
            Named::Escape => Some(Input::Close),
            _ => None,
        }
    }

    /// Something happens to it.
    pub fn update(&mut self, input: Input) -> Outcome<Message> {
        match input {
            Input::Step(by) => self.step(by),
            Input::Over(item) => self.lit = Some(item),
            Input::Choose(item) => return self.choose(item),
            Input::Enter => return self.lit.map_or(Outcome::Open, |item| self.choose(item)),
            Input::Close => return Outcome::Closed,
        }
        Outcome::Open
    }

    fn message(&self, item: usize) -> Option<&Message> {
        match self.items.get(item)? {
            Item::Action { message, .. } => message.as_ref(),
            Item::Line => None,
        }
    }

    fn choose(&self, item: usize) -> Outcome<Message> {
        self.message(item).map_or(Outcome::Open, |message| Outcome::Chosen(message.clone()))
    }

    /// Lights the next item that can be chosen.
    fn step(&mut self, by: isize) {
        let count = self.items.len() as isize;
        let mut at = self.lit.map_or(if by > 0 { -1 } else { count }, |lit| lit as isize);
        for _ in 0..count {
            at = (at + by).rem_euclid(count);
            if self.message(at as usize).is_some() {
                self.lit = Some(at as usize);
                return;
            }
        }
    }
}

/// A view with a menu over it, if one is open.
pub fn over<'a, Message: Clone + 'a>(
    content: impl Into<Element<'a, Message>>,
    menu: Option<&'a Menu<Message>>,
    message: impl Fn(Input) -> Message + Clone + 'a,
) -> Element<'a, Message> {
    let Some(menu) = menu else { return stack![content.into()].into() };
    let at = menu.at;
    let rows = menu.items.iter().enumerate().map(|(number, item)| line(number, item, menu.lit, message.clone()));
    let list = container(column(rows)).padding(6).width(WIDTH).style(style::raised);
    // The menu stays in the window.
    let placed = float(opaque(super::lifted(list))).translate(move |own: Rectangle, window: Rectangle| {
        let fit = |wanted: f32, size: f32, room: f32| wanted.min(room - size - 4.0).max(4.0);
        Vector::new(fit(at.x, own.width, window.width) - own.x, fit(at.y, own.height, window.height) - own.y)
    });
    let close = message(Input::Close);
    let rest =
        mouse_area(space().width(Length::Fill).height(Length::Fill)).on_press(close.clone()).on_right_press(close);
    stack![content.into(), opaque(rest), placed].into()
}

fn line<'a, Message: Clone + 'a>(
    number: usize,
    item: &'a Item<Message>,
    lit: Option<usize>,
    message: impl Fn(Input) -> Message + 'a,
) -> Element<'a, Message> {
    let Item::Action { icon, label, keys, message: chosen } = item else {
        return container(rule::horizontal(1)).padding([4, 8]).into();
    };
    let image: Element<'a, Message> = icon.map_or_else(|| space().width(icon::SIZE).into(), |icon| icon.view().into());
    let label = text(label).width(Length::Fill).wrapping(text::Wrapping::None);
    let keys = text(*keys).size(fonts::SMALL_SIZE).style(if chosen.is_some() { style::soft } else { style::off });
    let inner = row![image, label, keys].spacing(10).align_y(Alignment::Center).height(Length::Fill);
    let can = chosen.is_some();
    let item = button(inner)
        .height(ROW)
        .width(Length::Fill)
        .padding(Padding::ZERO.horizontal(10))
        .style(move |theme, status| match (can, lit == Some(number)) {
            (false, _) => style::bare(theme, button::Status::Disabled),
            (true, true) if status != button::Status::Pressed => style::bare(theme, button::Status::Hovered),
            (true, true) => style::bare(theme, status),
            // Only one item is lit, whoever lit it.
            (true, false) => style::bare(theme, button::Status::Active),
        })
        .on_press_maybe(can.then(|| message(Input::Choose(number))));
    if can { mouse_area(item).on_enter(message(Input::Over(number))).into() } else { item.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn menu() -> Menu<u8> {
        let item = |message| Item::Action { icon: None, label: String::new(), keys: "", message };
        Menu::new(Point::ORIGIN, vec![item(None), item(Some(1)), Item::Line, item(Some(2))])
    }

    #[test]
    fn keys_go_over_what_cannot_be_chosen() {
        let mut menu = menu();
        assert_eq!(menu.update(Input::Enter), Outcome::Open);
        menu.update(Input::Step(1));
        assert_eq!(menu.lit, Some(1));
        menu.update(Input::Step(1));
        assert_eq!(menu.lit, Some(3));
        menu.update(Input::Step(1));
        assert_eq!(menu.lit, Some(1));
        menu.update(Input::Step(-1));
        assert_eq!(menu.update(Input::Enter), Outcome::Chosen(2));
    }

    #[test]
    fn the_pointer_chooses() {
        let mut menu = menu();
        assert_eq!(menu.update(Input::Choose(0)), Outcome::Open);
        assert_eq!(menu.update(Input::Choose(2)), Outcome::Open);
        assert_eq!(menu.update(Input::Choose(9)), Outcome::Open);
        assert_eq!(menu.update(Input::Choose(1)), Outcome::Chosen(1));
        assert_eq!(menu.update(Input::Close), Outcome::Closed);
    }

    #[test]
    fn a_menu_without_anything_to_choose() {
        let mut menu: Menu<u8> = Menu::new(Point::ORIGIN, vec![Item::Line]);
        menu.update(Input::Step(1));
        assert_eq!(menu.update(Input::Enter), Outcome::Open);
    }
}
