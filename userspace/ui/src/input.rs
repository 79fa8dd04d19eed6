//! The display server's events as iced's: a state machine, because a key's text comes as an event of its own before the key, and what is
//! down has to be known.

mod keys;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use iced_core::keyboard::{self, Key, Location, Modifiers};
use iced_core::mouse::{self, Button, ScrollDelta};
use iced_core::{Event, Point, Size, SmolStr, window};
use orbclient::{
    ButtonEvent, EventOption, K_ALT, K_LEFT_CTRL, K_LEFT_SHIFT, K_LEFT_SUPER, K_RIGHT_SHIFT, K_RIGHT_SUPER, KeyEvent,
};

/// What an event of the display server is.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// An event for widgets.
    Event(Event),
    /// The window is to be closed.
    Close,
    /// The window has this many pixels.
    Pixels(u32, u32),
    /// So many pixels are one of the design.
    Scale(f32),
    /// The screen has this many pixels.
    Screen(u32, u32),
}

/// What is down, and where the pointer is.
#[derive(Debug, Default)]
pub struct Translator {
    modifiers: Modifiers,
    /// Keys that are down, by their numbers, with what they were when they went down.
    down: HashMap<u8, Key>,
    buttons: [bool; 3],
    /// Text whose key is still to come.
    text: String,
}

impl Translator {
    /// An event; the scale is that of the window. What it means is added to `inputs`.
    pub fn translate(&mut self, event: orbclient::Event, scale: f32, inputs: &mut Vec<Input>) {
        let mut tell = |event: Event| inputs.push(Input::Event(event));
        match event.to_option() {
            EventOption::Key(key) => self.key(key, &mut tell),
            EventOption::TextInput(text) => self.text.push(text.character),
            EventOption::Mouse(at) => {
                let position = Point::new(at.x as f32 / scale, at.y as f32 / scale);
                tell(Event::Mouse(mouse::Event::CursorMoved { position }));
            }
            EventOption::Button(buttons) => self.buttons(buttons, &mut tell),
            EventOption::Scroll(by) => {
                let delta = ScrollDelta::Lines { x: by.x as f32, y: by.y as f32 };
                tell(Event::Mouse(mouse::Event::WheelScrolled { delta }));
            }
            EventOption::Hover(hover) => {
                let event = if hover.entered { mouse::Event::CursorEntered } else { mouse::Event::CursorLeft };
                tell(Event::Mouse(event));
            }
            EventOption::Focus(focus) => self.focus(focus.focused, &mut tell),
            EventOption::Quit(_) => inputs.push(Input::Close),
            EventOption::Resize(size) => inputs.push(Input::Pixels(size.width, size.height)),
            EventOption::Screen(size) => inputs.push(Input::Screen(size.width, size.height)),
            EventOption::Scale(scale) if scale.scale > 0 && scale.baseline > 0 => {
                inputs.push(Input::Scale(scale.scale as f32 / scale.baseline as f32));
            }
            _ => {}
        }
    }

    /// There are no more events for now: text whose key did not come is text all the same.
    pub fn pause(&mut self, inputs: &mut Vec<Input>) {
        if !self.text.is_empty() {
            let text = SmolStr::new(std::mem::take(&mut self.text));
            let event = pressed(Key::Character(text.clone()), 0, self.modifiers, Some(text), false);
            inputs.push(Input::Event(Event::Keyboard(event)));
        }
    }

    fn key(&mut self, event: KeyEvent, tell: &mut impl FnMut(Event)) {
        if let Some(modifier) = modifier(event.scancode) {
            let before = self.modifiers;
            self.modifiers.set(modifier, event.pressed);
            if before != self.modifiers {
                tell(Event::Keyboard(keyboard::Event::ModifiersChanged(self.modifiers)));
            }
        }
        if event.pressed {
            let text = std::mem::take(&mut self.text);
            let key = keys::key(event.scancode, event.character, &text);
            let repeat = self.down.insert(event.scancode, key.clone()).is_some();
            let text = (!text.is_empty()).then(|| SmolStr::new(text));
            tell(Event::Keyboard(pressed(key, event.scancode, self.modifiers, text, repeat)));
        } else if let Some(key) = self.down.remove(&event.scancode) {
            tell(Event::Keyboard(released(key, event.scancode, self.modifiers)));
        }
    }

    fn buttons(&mut self, now: ButtonEvent, tell: &mut impl FnMut(Event)) {
        let now = [now.left, now.middle, now.right];
        for ((button, was), is) in [Button::Left, Button::Middle, Button::Right].into_iter().zip(self.buttons).zip(now)
        {
            match (was, is) {
                (false, true) => tell(Event::Mouse(mouse::Event::ButtonPressed(button))),
                (true, false) => tell(Event::Mouse(mouse::Event::ButtonReleased(button))),
                _ => {}
            }
        }
        self.buttons = now;
    }

    /// What was down when the focus went is let go elsewhere.
    fn focus(&mut self, focused: bool, tell: &mut impl FnMut(Event)) {
        if focused {
            tell(Event::Window(window::Event::Focused));
            return;
        }
        for (scancode, key) in self.down.drain() {
            tell(Event::Keyboard(released(key, scancode, Modifiers::empty())));
        }
        if !self.modifiers.is_empty() {
            self.modifiers = Modifiers::empty();
            tell(Event::Keyboard(keyboard::Event::ModifiersChanged(self.modifiers)));
        }
        self.buttons(ButtonEvent { left: false, middle: false, right: false }, tell);
        tell(Event::Window(window::Event::Unfocused));
    }
}

/// The window has another size.
pub(crate) fn resized(size: Size) -> Event {
    Event::Window(window::Event::Resized(size))
}

fn modifier(scancode: u8) -> Option<Modifiers> {
    match scancode {
        K_LEFT_SHIFT | K_RIGHT_SHIFT => Some(Modifiers::SHIFT),
        // The right one is AltGr on many keyboards, which makes characters.
        K_LEFT_CTRL => Some(Modifiers::CTRL),
        K_ALT => Some(Modifiers::ALT),
        K_LEFT_SUPER | K_RIGHT_SUPER => Some(Modifiers::LOGO),
        _ => None,
    }
}

fn pressed(key: Key, scancode: u8, modifiers: Modifiers, text: Option<SmolStr>, repeat: bool) -> keyboard::Event {
    let (physical_key, location) = (keys::physical(scancode), Location::Standard);
    let (key, modified_key) = (keys::unshifted(key.clone()), key);
    keyboard::Event::KeyPressed { key, modified_key, physical_key, location, modifiers, text, repeat }
}

fn released(key: Key, scancode: u8, modifiers: Modifiers) -> keyboard::Event {
    let (physical_key, location) = (keys::physical(scancode), Location::Standard);
    let (key, modified_key) = (keys::unshifted(key.clone()), key);
    keyboard::Event::KeyReleased { key, modified_key, physical_key, location, modifiers }
}
