//! A program without a screen: for tests that press its keys, and for pictures to be looked at.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;
use std::time::Duration;

use iced_core::keyboard::key::{Named, NativeCode, Physical};
use iced_core::keyboard::{self, Key, Location, Modifiers};
use iced_core::mouse::{self, Button, ScrollDelta};
use iced_core::{Event, Point, Size, SmolStr, window};

use crate::app::Application;
use crate::input::Input;
use crate::platform::memory::Window;
use crate::runtime::{End, Runtime};
use crate::task::{Action, Clip, Sender, Task};
use crate::theme::Theme;

/// How long threads are waited for.
const PATIENCE: Duration = Duration::from_millis(500);

/// A program, and a window in memory.
pub struct Harness<A: Application> {
    runtime: Runtime<A>,
    window: Window,
    modifiers: Modifiers,
    ended: bool,
}

impl<A: Application> Harness<A> {
    /// Starts a program in a window of a size of the design, at a scale, with a theme.
    pub fn new(
        size: Size,
        scale: f32,
        theme: Theme,
        new: impl FnOnce(Sender<A::Message>) -> (A, Task<A::Message>),
    ) -> Self {
        let mut window = Window::new(size, scale);
        let runtime = Runtime::new(new, theme, true, &mut window);
        let mut harness = Self { runtime, window, modifiers: Modifiers::empty(), ended: false };
        harness.events([Event::Window(window::Event::Focused)]);
        harness
    }

    /// The program.
    pub fn app(&self) -> &A {
        self.runtime.app()
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// What it wanted of its window so far.
    pub fn actions(&self) -> &[Action] {
        &self.window.actions
    }

    /// Pixels that were painted since this was asked last.
    pub fn painted(&mut self) -> u64 {
        std::mem::take(&mut self.window.painted)
    }

    /// The clipboard.
    pub fn clipboard(&mut self) -> &mut Option<Clip> {
        self.window.clipboard()
    }

    /// These events happen, and all that comes of them.
    pub fn events(&mut self, events: impl IntoIterator<Item = Event>) {
        events.into_iter().for_each(|event| self.window.tell(Input::Event(event)));
        self.go_on();
    }

    /// A message comes.
    pub fn message(&mut self, message: A::Message) {
        self.runtime.sender().send(message);
        self.go_on();
    }

    /// Waits until threads of the program have been quiet for half a second.
    pub fn settle(&mut self) {
        self.window.patience = PATIENCE;
        self.go_on();
        self.window.patience = Duration::ZERO;
    }

    /// The window is to be closed.
    pub fn close(&mut self) {
        self.window.tell(Input::Close);
        self.go_on();
    }

    /// The window gets another size.
    pub fn resize(&mut self, size: Size) {
        self.window.resize(size);
        self.window.tell(Input::Pixels(0, 0));
        self.go_on();
    }

    /// The theme changes.
    pub fn theme(&mut self, theme: Theme) {
        self.window.set_theme(theme);
        self.go_on();
    }

    /// The pointer goes somewhere.
    pub fn point(&mut self, x: f32, y: f32) {
        self.events([Event::Mouse(mouse::Event::CursorMoved { position: Point::new(x, y) })]);
    }

    /// The left button is pressed and let go somewhere.
    pub fn click(&mut self, x: f32, y: f32) {
        self.click_with(Button::Left, x, y);
    }

    /// A button is pressed and let go somewhere.
    pub fn click_with(&mut self, button: Button, x: f32, y: f32) {
        self.point(x, y);
        self.events([Event::Mouse(mouse::Event::ButtonPressed(button))]);
        self.events([Event::Mouse(mouse::Event::ButtonReleased(button))]);
    }

    /// The wheel turns, by lines; down is negative.
    pub fn scroll(&mut self, lines: f32) {
        self.events([Event::Mouse(mouse::Event::WheelScrolled { delta: ScrollDelta::Lines { x: 0.0, y: lines } })]);
    }

    /// These modifiers are down from now on.
    pub fn modifiers(&mut self, modifiers: Modifiers) {
        self.modifiers = modifiers;
        self.events([Event::Keyboard(keyboard::Event::ModifiersChanged(modifiers))]);
    }

    /// A key that is no character is pressed and let go.
    pub fn press(&mut self, key: Named) {
        let text = match key {
            Named::Space => Some(SmolStr::new(" ")),
            Named::Enter => Some(SmolStr::new("\r")),
            _ => None,
        };
        self.key(Key::Named(key), text);
    }

    /// A character is pressed with Ctrl.
    pub fn control(&mut self, character: char) {
        let before = self.modifiers;
        self.modifiers(before | Modifiers::CTRL);
        self.key(Key::Character(SmolStr::from(character.to_string())), None);
        self.modifiers(before);
    }

    /// Text is typed.
    pub fn text(&mut self, text: &str) {
        for character in text.chars() {
            let text = SmolStr::from(character.to_string());
            self.key(Key::Character(text.clone()), Some(text));
        }
    }

    fn key(&mut self, key: Key, text: Option<SmolStr>) {
        let physical_key = Physical::Unidentified(NativeCode::Unidentified);
        let (modified_key, location, modifiers) = (key.clone(), Location::Standard, self.modifiers);
        let released = keyboard::Event::KeyReleased {
            key: key.clone(),
            modified_key: key.clone(),
            physical_key,
            location,
            modifiers,
        };
        let pressed =
            keyboard::Event::KeyPressed { key, modified_key, physical_key, location, modifiers, text, repeat: false };
        self.events([pressed, released].map(Event::Keyboard));
    }

    fn go_on(&mut self) {
        if !self.ended {
            self.ended = self.runtime.run(&mut self.window) == End::Exit;
        }
    }

    /// The picture's width and height.
    pub fn picture_size(&self) -> Size<u32> {
        self.runtime.canvas().size()
    }

    /// The picture, as bytes of red, green, blue and alpha.
    pub fn picture(&self) -> Vec<u8> {
        let bytes = |pixel: &u32| {
            let [b, g, r, a] = pixel.to_le_bytes();
            let straight =
                |channel: u8| if a == 0 { 0 } else { (u32::from(channel) * 255 / u32::from(a)).min(255) as u8 };
            [straight(r), straight(g), straight(b), a]
        };
        self.runtime.canvas().pixels().iter().flat_map(bytes).collect()
    }

    /// Saves the picture.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let size = self.picture_size();
        let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), size.width, size.height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.picture())?;
        writer.finish()?;
        Ok(())
    }
}
