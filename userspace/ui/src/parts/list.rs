//! Lists of rows that can be chosen, by pointer and keyboard. Only rows that are seen are made, so a list may be as long as it likes.

use std::collections::BTreeSet;

use iced_core::keyboard::key::Named;
use iced_core::keyboard::{self, Key, Modifiers};
use iced_core::{Event, Length, Padding, widget};
use iced_widget::{Column, container, mouse_area, responsive, scrollable, space};

use crate::{Element, Task, style};

/// Room around the rows.
const PADDING: f32 = 6.0;
/// Rows beyond the edge that are made all the same.
const SPARE: usize = 2;

/// What happens to a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// It is scrolled to a place, of which so much is seen.
    Scrolled {
        /// The upper edge of what is seen.
        offset: f32,
        /// Its height.
        height: f32,
    },
    /// A row is pressed.
    Pressed(usize),
    /// A row is pressed twice.
    Opened(usize),
    /// A row is pressed with the right button.
    Menu(usize),
    /// Where there is no row, a button is pressed; the right one or not.
    Beside(bool),
    /// By so many rows.
    Step(isize),
    /// By so many times what is seen.
    Page(isize),
    /// To the first row, or to the last.
    End(bool),
    /// All rows are chosen.
    All,
    /// The row with the cursor is opened.
    Enter,
    /// These modifiers are down.
    Modifiers(Modifiers),
}

/// What comes of it, for the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Nothing,
    /// Other rows are chosen.
    Chosen,
    /// A row is to be opened.
    Open(usize),
    /// A menu for what is chosen is wanted; or for the list itself, when nothing is.
    Menu,
}

/// A list's state.
#[derive(Clone, Debug)]
pub struct List {
    id: widget::Id,
    row: f32,
    several: bool,
    offset: f32,
    height: f32,
    chosen: BTreeSet<usize>,
    cursor: Option<usize>,
    anchor: usize,
    modifiers: Modifiers,
}

impl List {
    /// A list of rows of some height. `several` rows can be chosen, or one.
    pub fn new(row: f32, several: bool) -> Self {
        Self {
            id: widget::Id::unique(),
            row,
            several,
            offset: 0.0,
            height: 0.0,
            chosen: BTreeSet::new(),
            cursor: None,
            anchor: 0,
            modifiers: Modifiers::empty(),
        }
    }

    /// Rows that are chosen.
    pub fn chosen(&self) -> impl Iterator<Item = usize> + '_ {
        self.chosen.iter().copied()
    }

    /// How many are.
    pub fn chosen_count(&self) -> usize {
        self.chosen.len()
    }

    /// Whether a row is.
    pub fn is_chosen(&self, row: usize) -> bool {
        self.chosen.contains(&row)
    }

    /// The row that the keyboard is at.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// Chooses one row.
    pub fn choose(&mut self, row: usize) {
        self.chosen = BTreeSet::from([row]);
        self.cursor = Some(row);
        self.anchor = row;
    }

    /// Chooses these rows.
    pub fn choose_all(&mut self, rows: impl IntoIterator<Item = usize>) {
        self.chosen = rows.into_iter().collect();
        self.cursor = self.chosen.first().copied();
        self.anchor = self.cursor.unwrap_or(0);
    }

    /// Chooses none: the rows are others now.
    pub fn clear(&mut self) {
        self.chosen.clear();
        self.cursor = None;
        self.anchor = 0;
    }

    /// Brings a row to where it is seen.
    pub fn reveal<Message: Send + 'static>(&mut self, row: usize) -> Task<Message> {
        let (top, bottom) = (row as f32 * self.row, (row + 1) as f32 * self.row + 2.0 * PADDING);
        let offset = if top < self.offset {
            top
        } else if self.height > 0.0 && bottom > self.offset + self.height {
            bottom - self.height
        } else {
            return Task::none();
        };
        self.offset = offset;
        Task::scroll_to(self.id.clone(), 0.0, offset)
    }

    /// The input that an event is, while the list has the keyboard.
    pub fn event(&self, event: &Event) -> Option<Input> {
        match event {
            Event::Keyboard(keyboard::Event::ModifiersChanged(modifiers)) => Some(Input::Modifiers(*modifiers)),
            Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) => match key {
                Key::Named(Named::ArrowDown) => Some(Input::Step(1)),
                Key::Named(Named::ArrowUp) => Some(Input::Step(-1)),
                Key::Named(Named::PageDown) => Some(Input::Page(1)),
                Key::Named(Named::PageUp) => Some(Input::Page(-1)),
                Key::Named(Named::Home) => Some(Input::End(false)),
                Key::Named(Named::End) => Some(Input::End(true)),
                Key::Named(Named::Enter) => Some(Input::Enter),
                Key::Character(letter) if letter == "a" && modifiers.control() && self.several => Some(Input::All),
                _ => None,
            },
            _ => None,
        }
    }

    /// Something happens to a list of `count` rows.
    pub fn update<Message: Send + 'static>(&mut self, input: Input, count: usize) -> (Outcome, Task<Message>) {
        let outcome = match input {
            Input::Scrolled { offset, height } => {
                (self.offset, self.height) = (offset, height);
                Outcome::Nothing
            }
            Input::Modifiers(modifiers) => {
                self.modifiers = modifiers;
                Outcome::Nothing
            }
            Input::Pressed(row) if row < count => {
                self.press(row);
                Outcome::Chosen
            }
            Input::Opened(row) if row < count => Outcome::Open(row),
            Input::Menu(row) if row < count => {
                if !self.is_chosen(row) {
                    self.choose(row);
                }
                Outcome::Menu
            }
            Input::Beside(menu) => {
                self.clear();
                if menu { Outcome::Menu } else { Outcome::Chosen }
            }
            Input::Enter => self.cursor.filter(|&row| row < count).map_or(Outcome::Nothing, Outcome::Open),
            Input::All => {
                self.chosen = (0..count).collect();
                Outcome::Chosen
            }
            Input::Step(by) => return self.go(by, count),
            Input::Page(by) => {
                let rows = (self.height / self.row).floor().max(2.0) as isize - 1;
                return self.go(by * rows, count);
            }
            Input::End(last) => {
                let far = count as isize;
                return self.go(if last { far } else { -far }, count);
            }
            Input::Pressed(_) | Input::Opened(_) | Input::Menu(_) => Outcome::Nothing,
        };
        (outcome, Task::none())
    }

    fn press(&mut self, row: usize) {
        if self.several && self.modifiers.shift() {
            self.range(row);
        } else if self.several && self.modifiers.control() {
            if !self.chosen.remove(&row) {
                self.chosen.insert(row);
            }
            (self.cursor, self.anchor) = (Some(row), row);
        } else {
            self.choose(row);
        }
    }

    fn range(&mut self, row: usize) {
        self.chosen = (self.anchor.min(row)..=self.anchor.max(row)).collect();
        self.cursor = Some(row);
    }

    fn go<Message: Send + 'static>(&mut self, by: isize, count: usize) -> (Outcome, Task<Message>) {
        let Some(last) = count.checked_sub(1) else { return (Outcome::Nothing, Task::none()) };
        let row = match self.cursor {
            Some(row) => row.saturating_add_signed(by).min(last),
            None if by > 0 => 0,
            None => last,
        };
        if self.several && self.modifiers.shift() {
            self.range(row);
        } else {
            self.choose(row);
        }
        (Outcome::Chosen, self.reveal(row))
    }

    /// Rows that are seen in a height, and some more.
    fn seen(&self, height: f32, count: usize) -> std::ops::Range<usize> {
        let first = ((self.offset - PADDING).max(0.0) / self.row) as usize;
        let rows = (height / self.row).ceil() as usize + 1;
        let first = first.min(count.saturating_sub(rows));
        first.saturating_sub(SPARE)..(first + rows + SPARE).min(count)
    }

    /// What it looks like: `row` makes a row, and is told whether it is chosen.
    pub fn view<'a, Message: Clone + 'a>(
        &'a self,
        count: usize,
        row: impl Fn(usize, bool) -> Element<'a, Message> + 'a,
        message: impl Fn(Input) -> Message + Clone + 'a,
    ) -> Element<'a, Message> {
        let view = responsive(move |size| {
            let seen = self.seen(size.height, count);
            let rows = seen.clone().map(|number| self.row(number, row(number, self.is_chosen(number)), &message));
            let gap = |rows: usize| space().width(Length::Fill).height(rows as f32 * self.row);
            let rows = Column::with_children(rows);
            let rows = Column::new().push(gap(seen.start)).push(rows).push(gap(count - seen.end)).padding(PADDING);
            let scrolled = message.clone();
            let area =
                scrollable(rows.width(Length::Fill)).id(self.id.clone()).width(Length::Fill).height(Length::Fill);
            let area = area.direction(scrollable::Direction::Vertical(bar())).on_scroll(move |view| {
                scrolled(Input::Scrolled { offset: view.absolute_offset().y, height: view.bounds().height })
            });
            let area =
                mouse_area(area).on_press(message(Input::Beside(false))).on_right_press(message(Input::Beside(true)));
            area.into()
        });
        view.into()
    }

    fn row<'a, Message: Clone + 'a>(
        &self,
        number: usize,
        inner: Element<'a, Message>,
        message: &(impl Fn(Input) -> Message + 'a),
    ) -> Element<'a, Message> {
        let chosen = self.is_chosen(number);
        let style = move |theme: &crate::Theme| if chosen { style::chosen(theme) } else { container::Style::default() };
        let face = container(inner)
            .width(Length::Fill)
            .height(self.row)
            .align_y(iced_core::Alignment::Center)
            .padding(Padding::ZERO.horizontal(10))
            .style(style);
        mouse_area(face)
            .on_press(message(Input::Pressed(number)))
            .on_double_click(message(Input::Opened(number)))
            .on_right_press(message(Input::Menu(number)))
            .into()
    }
}

/// A scroll bar that does not take room from what it scrolls.
pub fn bar() -> scrollable::Scrollbar {
    scrollable::Scrollbar::new().width(8).scroller_width(6).margin(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(list: &mut List, input: Input) -> Outcome {
        list.update::<()>(input, 100).0
    }

    fn chosen(list: &List) -> Vec<usize> {
        list.chosen().collect()
    }

    #[test]
    fn one_several_and_ranges() {
        let mut list = List::new(20.0, true);
        update(&mut list, Input::Pressed(5));
        assert_eq!(chosen(&list), [5]);
        update(&mut list, Input::Modifiers(Modifiers::SHIFT));
        update(&mut list, Input::Pressed(3));
        assert_eq!(chosen(&list), [3, 4, 5]);
        update(&mut list, Input::Step(1));
        assert_eq!(chosen(&list), [4, 5]);
        update(&mut list, Input::Modifiers(Modifiers::CTRL));
        update(&mut list, Input::Pressed(9));
        update(&mut list, Input::Pressed(4));
        assert_eq!(chosen(&list), [5, 9]);
        assert_eq!(update(&mut list, Input::Beside(false)), Outcome::Chosen);
        assert_eq!(chosen(&list), []);
        let mut single = List::new(20.0, false);
        update(&mut single, Input::Modifiers(Modifiers::CTRL));
        update(&mut single, Input::Pressed(1));
        update(&mut single, Input::Pressed(2));
        assert_eq!(chosen(&single), [2]);
    }

    #[test]
    fn keys_stay_in_the_list() {
        let mut list = List::new(20.0, true);
        assert_eq!(update(&mut list, Input::Enter), Outcome::Nothing);
        update(&mut list, Input::Step(-1));
        assert_eq!(list.cursor(), Some(99));
        update(&mut list, Input::Step(1));
        assert_eq!(list.cursor(), Some(99));
        update(&mut list, Input::End(false));
        assert_eq!(update(&mut list, Input::Enter), Outcome::Open(0));
        assert_eq!(list.update::<()>(Input::Step(1), 0).0, Outcome::Nothing);
    }

    #[test]
    fn a_menu_is_for_what_is_chosen() {
        let mut list = List::new(20.0, true);
        list.choose_all([1, 2]);
        assert_eq!(update(&mut list, Input::Menu(2)), Outcome::Menu);
        assert_eq!(chosen(&list), [1, 2]);
        update(&mut list, Input::Menu(7));
        assert_eq!(chosen(&list), [7]);
        assert_eq!(update(&mut list, Input::Menu(100)), Outcome::Nothing);
    }

    #[test]
    fn what_is_seen_is_made() {
        let mut list = List::new(20.0, true);
        assert_eq!(list.seen(100.0, 3), 0..3);
        assert_eq!(list.seen(100.0, 10_000), 0..8);
        update(&mut list, Input::Scrolled { offset: 2006.0, height: 100.0 });
        assert_eq!(list.seen(100.0, 10_000), 98..108);
        assert_eq!(list.seen(100.0, 5), 0..5, "the list has become short");
        assert_eq!(list.seen(100.0, 0), 0..0);
    }

    #[test]
    fn the_cursor_is_seen() {
        let mut list = List::new(20.0, true);
        update(&mut list, Input::Scrolled { offset: 0.0, height: 100.0 });
        list.choose(0);
        for _ in 0..10 {
            update(&mut list, Input::Step(1));
        }
        assert_eq!(list.offset, 11.0 * 20.0 + 12.0 - 100.0);
        update(&mut list, Input::End(false));
        assert_eq!(list.offset, 0.0);
    }
}
