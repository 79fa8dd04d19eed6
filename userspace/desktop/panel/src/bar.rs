//! The bar along the lower edge: the button of the menu, open windows, the time.

use jiff::ZonedDateTime;
use ochre_ui::widget::{Row, button, container, mouse_area, responsive, rule, space, text};
use ochre_ui::{
    Alignment, Application, Color, Element, Icon, Length, Options, Padding, Place, Size, Task, Theme, column, fonts,
    row, style,
};

use crate::clock;
use crate::windows::{State, Window, Windows, Wish};

/// Height of the bar.
pub const HEIGHT: f32 = 44.0;
/// Widest and narrowest button of a window.
const WIDE: f32 = 200.0;
const NARROW: f32 = 44.0;
const GAP: f32 = 4.0;
const INNER: f32 = HEIGHT - 1.0;
/// Height of buttons.
const FACE: f32 = 34.0;

/// What happens to it.
#[derive(Clone, Debug)]
pub enum Message {
    /// The list of windows is another one.
    Windows(Windows),
    /// A window's button is pressed, with the left or the middle button.
    Pressed(u32),
    /// A window shall be closed.
    Close(u32),
    /// The button of the menu is pressed.
    Menu,
    /// The minute is over.
    Minute,
}

/// What the bar wants of others.
pub trait System {
    /// Something of a window.
    fn wish(&mut self, wish: Wish);
    /// The menu of programs is shown, or no longer.
    fn menu(&mut self);
    /// The time.
    fn now(&self) -> ZonedDateTime;
}

/// The bar.
pub struct Bar<S> {
    system: S,
    windows: Windows,
    time: String,
    date: String,
    known: bool,
}

impl<S: System + 'static> Bar<S> {
    /// A bar without windows, and what keeps it going.
    pub fn new(system: S) -> (Self, Task<Message>) {
        let (windows, time, date) = (Windows::default(), String::new(), String::new());
        let mut bar = Self { system, windows, time, date, known: false };
        let task = bar.minute();
        (bar, task)
    }

    /// How its window is opened.
    pub fn options() -> Options {
        Options {
            size: Size::new(640.0, HEIGHT),
            place: Place::LowerEdge,
            resizable: false,
            framed: false,
            in_front: true,
            ..Options::default()
        }
    }

    /// What it has of others.
    pub fn system(&self) -> &S {
        &self.system
    }

    fn minute(&mut self) -> Task<Message> {
        let now = self.system.now();
        (self.time, self.date) = clock::texts(&now);
        Task::after(clock::rest_of_minute(&now), Message::Minute)
    }

    fn heard(&mut self, windows: Windows) {
        // What was pressed before the panel came is past.
        let pressed = self.known && windows.menus != self.windows.menus;
        self.windows = windows;
        self.known = true;
        if pressed {
            self.system.menu();
        }
    }

    /// The window with the focus goes from the screen, others come to the front.
    fn pressed(&mut self, id: u32) {
        let focused = self.windows.list.iter().any(|window| window.id == id && window.state == State::Focused);
        self.system.wish(if focused { Wish::Minimize(id) } else { Wish::Raise(id) });
    }
}

impl<S: System + 'static> Application for Bar<S> {
    type Message = Message;

    fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Windows(windows) => self.heard(windows),
            Message::Pressed(id) => self.pressed(id),
            Message::Close(id) => self.system.wish(Wish::Close(id)),
            Message::Menu => self.system.menu(),
            Message::Minute => return self.minute(),
        }
        Task::none()
    }

    fn view(&self) -> Element<'_, Message> {
        let mark = container(Icon::LAYOUT_GRID.sized(18.0)).center(Length::Fill);
        let menu = button(mark).width(40).height(FACE).padding(0).style(mark_style).on_press(Message::Menu);
        let windows = responsive(move |size| {
            let count = self.windows.list.len().max(1) as f32;
            let width = ((size.width - GAP * (count - 1.0)) / count).floor().clamp(NARROW, WIDE);
            let faces = self.windows.list.iter().map(|window| face(window, width));
            container(Row::with_children(faces).spacing(GAP)).clip(true).into()
        });
        let date = text(&self.date).style(style::soft);
        let time = row![date, text(&self.time).font(fonts::STRONG)].spacing(10);
        let bar = row![
            menu,
            container(windows).height(FACE).width(Length::Fill),
            container(time).padding(Padding::ZERO.horizontal(8))
        ];
        let bar = bar.spacing(8).padding(Padding::ZERO.horizontal(6)).height(INNER).align_y(Alignment::Center);
        column![rule::horizontal(1), container(bar).width(Length::Fill).style(style::chrome)].into()
    }

    fn title(&self) -> String {
        String::from("Panel")
    }

    fn closing(&self) -> Option<Message> {
        // It stays.
        Some(Message::Minute)
    }
}

fn mark_style(theme: &Theme, status: button::Status) -> button::Style {
    button::Style { text_color: theme.colours().accent_ink, ..style::bare(theme, status) }
}

/// A window's button.
fn face(window: &Window, width: f32) -> Element<'_, Message> {
    let (id, state) = (window.id, window.state);
    let title = if window.title.is_empty() { "Untitled" } else { &window.title };
    let title = text(title).wrapping(text::Wrapping::None).width(Length::Fill);
    let title = match state {
        State::Focused => title.font(fonts::STRONG),
        State::Shown => title,
        State::Minimized => title.style(style::soft),
    };
    let mark = container(space().width(Length::Fill).height(2)).style(move |theme: &Theme| {
        let colours = theme.colours();
        let colour = match state {
            State::Focused => colours.accent,
            State::Shown => colours.edge,
            State::Minimized => Color::TRANSPARENT,
        };
        container::Style { background: Some(colour.into()), ..container::Style::default() }
    });
    let inner = column![
        container(title).height(Length::Fill).align_y(Alignment::Center).clip(true),
        container(mark).padding(Padding::ZERO.bottom(1)),
    ];
    let face = button(inner).height(FACE).width(Length::Fill).padding(Padding::ZERO.horizontal(10));
    let face = face.style(style::bare_if(state == State::Focused)).on_press(Message::Pressed(id));
    container(mouse_area(face).on_middle_press(Message::Close(id))).width(width).into()
}

#[cfg(test)]
mod tests {
    use ochre_ui::Harness;
    use ochre_ui::mouse::Button;

    use super::*;

    #[derive(Default)]
    struct Fake {
        wishes: Vec<Wish>,
        menus: usize,
    }

    impl System for Fake {
        fn wish(&mut self, wish: Wish) {
            self.wishes.push(wish);
        }

        fn menu(&mut self) {
            self.menus += 1;
        }

        fn now(&self) -> ZonedDateTime {
            "2026-11-05T09:03:58.5+01:00[+01:00]".parse().unwrap()
        }
    }

    fn bar() -> Harness<Bar<Fake>> {
        let mut bar = Harness::new(Size::new(800.0, HEIGHT), 1.0, Theme::Light, |_| Bar::new(Fake::default()));
        bar.message(Message::Windows(Windows::parse("menu 4\n7 shown Files\n8 focused Terminal\n")));
        bar
    }

    #[test]
    fn windows_come_and_go_by_their_buttons() {
        let mut bar = bar();
        bar.click(100.0, 20.0);
        bar.click(300.0, 20.0);
        bar.click_with(Button::Middle, 300.0, 20.0);
        assert_eq!(bar.app().system.wishes, [Wish::Raise(7), Wish::Minimize(8), Wish::Close(8)]);
    }

    #[test]
    fn the_menu_comes_by_its_button_and_the_window_key() {
        let mut bar = bar();
        assert_eq!(bar.app().system.menus, 0, "what was before the panel is past");
        bar.click(20.0, 20.0);
        bar.message(Message::Windows(Windows::parse("menu 4\n")));
        bar.message(Message::Windows(Windows::parse("menu 5\n")));
        assert_eq!(bar.app().system.menus, 2);
    }

    #[test]
    fn it_cannot_be_closed() {
        let mut bar = bar();
        bar.close();
        assert!(!bar.ended());
    }
}
