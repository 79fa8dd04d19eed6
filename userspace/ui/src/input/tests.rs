//! What the display server says, and what comes of it.

use iced_core::keyboard::key::Named;
use orbclient::{FocusEvent, K_A, K_C, K_ENTER, MouseEvent, QuitEvent, ResizeEvent, ScaleEvent, TextInputEvent};

use super::*;

fn key(scancode: u8, character: char, pressed: bool) -> orbclient::Event {
    KeyEvent { character, scancode, pressed }.to_event()
}

fn text(character: char) -> orbclient::Event {
    TextInputEvent { character }.to_event()
}

fn all(translator: &mut Translator, events: &[orbclient::Event]) -> Vec<Input> {
    let mut inputs = Vec::new();
    events.iter().for_each(|&event| translator.translate(event, 2.0, &mut inputs));
    translator.pause(&mut inputs);
    inputs
}

fn presses(inputs: &[Input]) -> Vec<(Key, Modifiers, Option<String>, bool)> {
    let press = |input: &Input| match input {
        Input::Event(Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, text, repeat, .. })) => {
            Some((key.clone(), *modifiers, text.as_ref().map(ToString::to_string), *repeat))
        }
        _ => None,
    };
    inputs.iter().filter_map(press).collect()
}

#[test]
fn a_letter_comes_with_its_text() {
    let inputs = all(&mut Translator::default(), &[text('ä'), key(K_A, '\0', true), key(K_A, '\0', false)]);
    let letter = Key::Character("ä".into());
    assert_eq!(presses(&inputs), [(letter.clone(), Modifiers::empty(), Some("ä".into()), false)]);
    assert!(matches!(
        &inputs[1],
        Input::Event(Event::Keyboard(keyboard::Event::KeyReleased { key, .. })) if *key == letter
    ));
}

#[test]
fn text_without_a_key_is_text() {
    let inputs = all(&mut Translator::default(), &[text('é')]);
    assert_eq!(presses(&inputs), [(Key::Character("é".into()), Modifiers::empty(), Some("é".into()), false)]);
}

#[test]
fn shortcuts_have_no_text_and_no_case() {
    let mut translator = Translator::default();
    let inputs =
        all(&mut translator, &[key(K_LEFT_CTRL, '\0', true), key(K_LEFT_SHIFT, '\0', true), key(K_C, 'C', true)]);
    let last = presses(&inputs).pop().unwrap();
    assert_eq!(last, (Key::Character("c".into()), Modifiers::CTRL | Modifiers::SHIFT, None, false));
}

#[test]
fn a_key_that_stays_down_repeats() {
    let mut translator = Translator::default();
    let inputs = all(&mut translator, &[key(K_ENTER, '\0', true), key(K_ENTER, '\0', true)]);
    let repeats: Vec<bool> = presses(&inputs).into_iter().map(|press| press.3).collect();
    assert_eq!(repeats, [false, true]);
    assert_eq!(presses(&inputs)[0].0, Key::Named(Named::Enter));
    assert_eq!(all(&mut translator, &[key(K_A, '\0', false)]), [], "it was never pressed here");
}

#[test]
fn without_the_focus_nothing_is_down() {
    let mut translator = Translator::default();
    let down = ButtonEvent { left: true, middle: false, right: false };
    all(&mut translator, &[key(K_LEFT_CTRL, '\0', true), down.to_event()]);
    let inputs = all(&mut translator, &[FocusEvent { focused: false }.to_event()]);
    assert!(inputs.contains(&Input::Event(Event::Mouse(mouse::Event::ButtonReleased(Button::Left)))));
    assert!(inputs.contains(&Input::Event(Event::Keyboard(keyboard::Event::ModifiersChanged(Modifiers::empty())))));
    let inputs = all(&mut translator, &[key(K_C, 'c', true)]);
    assert_eq!(presses(&inputs)[0].1, Modifiers::empty());
}

#[test]
fn buttons_are_told_when_they_change() {
    let mut translator = Translator::default();
    let state = |left, middle, right| ButtonEvent { left, middle, right }.to_event();
    let inputs =
        all(&mut translator, &[state(true, false, false), state(true, false, true), state(false, false, true)]);
    let expected = [
        mouse::Event::ButtonPressed(Button::Left),
        mouse::Event::ButtonPressed(Button::Right),
        mouse::Event::ButtonReleased(Button::Left),
    ];
    assert_eq!(inputs, expected.map(|event| Input::Event(Event::Mouse(event))));
}

#[test]
fn places_are_those_of_the_design() {
    let inputs = all(&mut Translator::default(), &[MouseEvent { x: 30, y: 7 }.to_event()]);
    assert_eq!(inputs, [Input::Event(Event::Mouse(mouse::Event::CursorMoved { position: Point::new(15.0, 3.5) }))]);
}

#[test]
fn what_is_about_the_window() {
    let events = [
        QuitEvent.to_event(),
        ResizeEvent { width: 8, height: 9 }.to_event(),
        ScaleEvent { scale: 200, baseline: 100 }.to_event(),
        ScaleEvent { scale: 200, baseline: 0 }.to_event(),
    ];
    let inputs = all(&mut Translator::default(), &events);
    assert_eq!(inputs, [Input::Close, Input::Pixels(8, 9), Input::Scale(2.0)]);
}
