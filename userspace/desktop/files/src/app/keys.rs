//! What keys do.

use ochre_ui::event::Status;
use ochre_ui::keyboard::key::Named;
use ochre_ui::keyboard::{Event, Key, Modifiers};

use super::{Command, Look, Message};
use crate::list::{Grip, Step};

/// How a row is taken with these keys held.
pub fn grip(modifiers: Modifiers) -> Grip {
    if modifiers.shift() {
        Grip::Extend
    } else if modifiers.control() {
        Grip::Toggle
    } else {
        Grip::Only
    }
}

/// What a key does. `writing`: there is a field in which somebody writes.
pub fn message(event: &Event, status: Status, writing: bool) -> Option<Message> {
    match event {
        Event::ModifiersChanged(modifiers) => Some(Message::Modifiers(*modifiers)),
        Event::KeyPressed { key, modifiers, text, .. } => {
            if *key == Key::Named(Named::Escape) {
                return Some(Message::Command(Command::Leave));
            }
            if writing || status == Status::Captured {
                return None;
            }
            match key {
                Key::Named(named) => by_name(*named, *modifiers).or_else(|| typed(text.as_deref(), *modifiers)),
                Key::Character(letter) if modifiers.control() && !modifiers.alt() => by_letter(letter, *modifiers),
                _ => typed(text.as_deref(), *modifiers),
            }
        }
        _ => None,
    }
}

fn by_name(key: Named, modifiers: Modifiers) -> Option<Message> {
    let step = |step| Some(Message::Step(step, grip(modifiers)));
    let command = |command| Some(Message::Command(command));
    match key {
        Named::ArrowLeft if modifiers.alt() => command(Command::Back),
        Named::ArrowRight if modifiers.alt() => command(Command::Forward),
        Named::ArrowUp if modifiers.alt() => command(Command::Up),
        Named::ArrowDown if modifiers.alt() => command(Command::Open),
        Named::Home if modifiers.alt() => command(Command::Home),
        Named::ArrowLeft => step(Step::Beside(-1)),
        Named::ArrowRight => step(Step::Beside(1)),
        Named::ArrowUp => step(Step::By(-1)),
        Named::ArrowDown => step(Step::By(1)),
        Named::Home => step(Step::First),
        Named::End => step(Step::Last),
        Named::PageUp => Some(Message::Page(-1, grip(modifiers))),
        Named::PageDown => Some(Message::Page(1, grip(modifiers))),
        Named::Enter => command(Command::Open),
        Named::Backspace => command(Command::Up),
        Named::Delete => command(Command::Delete),
        Named::F2 => command(Command::Rename),
        Named::F5 => command(Command::Refresh),
        Named::Space if modifiers.control() => command(Command::Toggle),
        _ => None,
    }
}

fn by_letter(letter: &str, modifiers: Modifiers) -> Option<Message> {
    let command = match (letter.to_lowercase().as_str(), modifiers.shift()) {
        ("a", false) => Command::SelectAll,
        ("c", false) => Command::Copy,
        ("x", false) => Command::Cut,
        ("v", false) => Command::Paste,
        ("c", true) => Command::CopyPath,
        ("n", true) => Command::NewFolder,
        ("h", false) => Command::ToggleHidden,
        ("1", false) => Command::Show(Look::Rows),
        ("2", false) => Command::Show(Look::Tiles),
        ("l", false) => Command::EditAddress,
        ("r", false) => Command::Refresh,
        ("w", false) => Command::Close,
        ("t", true) => Command::Terminal,
        _ => return None,
    };
    Some(Message::Command(command))
}

/// Letters jump to names.
fn typed(text: Option<&str>, modifiers: Modifiers) -> Option<Message> {
    let text = text.filter(|text| !text.is_empty() && !text.contains(char::is_control))?;
    (!modifiers.control() && !modifiers.alt() && !modifiers.logo()).then(|| Message::Type(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_what_they_do() {
        let ctrl = Modifiers::CTRL;
        let shift = Modifiers::SHIFT;
        for (message, expected) in [
            (by_name(Named::ArrowDown, shift), "Step(By(1), Extend)"),
            (by_name(Named::ArrowUp, Modifiers::ALT), "Command(Up)"),
            (by_name(Named::PageDown, ctrl), "Page(1, Toggle)"),
            (by_name(Named::Space, ctrl), "Command(Toggle)"),
            (by_letter("A", ctrl), "Command(SelectAll)"),
            (by_letter("n", ctrl | shift), "Command(NewFolder)"),
            (typed(Some("ä"), Modifiers::empty()), "Type(\"ä\")"),
        ] {
            assert_eq!(format!("{:?}", message.unwrap()), expected);
        }
        assert!(by_name(Named::Space, Modifiers::empty()).is_none());
        assert!(typed(Some("\u{8}"), Modifiers::empty()).is_none());
        assert!(typed(Some("a"), Modifiers::LOGO).is_none());
    }
}
