//! What keys do.

use ochre_ui::keyboard::key::Named;
use ochre_ui::keyboard::{Key, Modifiers};

use super::Message;

/// What a key does.
pub fn message(key: &Key, modifiers: Modifiers) -> Option<Message> {
    match key {
        Key::Named(key) => by_name(*key),
        Key::Character(letter) => by_letter(letter, modifiers),
        Key::Unidentified => None,
    }
}

fn by_name(key: Named) -> Option<Message> {
    Some(match key {
        Named::ArrowLeft => Message::MoveOrTurn(false),
        Named::ArrowRight => Message::MoveOrTurn(true),
        Named::ArrowUp => Message::Move(0.0, -1.0),
        Named::ArrowDown => Message::Move(0.0, 1.0),
        Named::PageUp | Named::Backspace => Message::Turn(false),
        Named::PageDown | Named::Space => Message::Turn(true),
        Named::Enter => Message::FitOrFullSize,
        Named::F11 => Message::FullScreen,
        Named::Escape => Message::Leave,
        _ => return None,
    })
}

fn by_letter(letter: &str, modifiers: Modifiers) -> Option<Message> {
    Some(match letter {
        "+" | "=" => Message::Zoom(true),
        "-" => Message::Zoom(false),
        "0" => Message::Fit,
        "1" => Message::FullSize,
        "r" | "R" => Message::Rotate(!modifiers.shift()),
        "f" => Message::FullScreen,
        "q" | "w" if modifiers.control() => Message::Leave,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_what_they_do() {
        let letter = |letter: &str, modifiers| message(&Key::Character(letter.into()), modifiers);
        let none = Modifiers::empty();
        assert!(matches!(letter("+", Modifiers::CTRL), Some(Message::Zoom(true))));
        assert!(matches!(letter("R", Modifiers::SHIFT), Some(Message::Rotate(false))));
        assert!(matches!(letter("r", none), Some(Message::Rotate(true))));
        assert!(letter("w", none).is_none() && letter("x", none).is_none());
        assert!(matches!(message(&Key::Named(Named::Space), none), Some(Message::Turn(true))));
    }
}
